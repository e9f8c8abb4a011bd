//! Thread dumps of a JVM (`jstack`, `jcmd Thread.print`, SIGQUIT) as readings of what its threads
//! did at that moment: how many of each pool were busy, how many waited for a connection, how many
//! for a monitor. A file may hold many dumps.
//! <https://docs.oracle.com/en/java/javase/21/docs/specs/man/jstack.html>

use hashbrown::HashMap;
use memchr::{memchr, memmem, memrchr};

use crate::scan::time;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Gauge, Kind, OpenError, Operation, Options, Spec, Stamp, Verdict,
};

/// Thread dumps of a JVM.
pub(super) struct ThreadDump;

static SPEC: Spec = Spec {
    name: "thread-dump",
    family: Family::Transaction,
    title: "Thread dump of a JVM (jstack, jcmd, SIGQUIT)",
    source: "https://docs.oracle.com/en/java/javase/21/docs/specs/man/jstack.html",
    stamp: Stamp::Start,
    unit: None,
    resolution_ns: 0,
    sample: "\
2026-11-22 17:57:25
Full thread dump OpenJDK 64-Bit Server VM (17.0.15+6 mixed mode, sharing):

\"worker-1\" #46 daemon prio=5 os_prio=0 tid=0x01 nid=0x61 waiting on condition  [0x01]
   java.lang.Thread.State: TIMED_WAITING (parking)
\tat jdk.internal.misc.Unsafe.park(java.base@17.0.15/Native Method)
\tat com.zaxxer.hikari.util.ConcurrentBag.borrow(ConcurrentBag.java:157)
\tat com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:164)

\"worker-2\" #47 daemon prio=5 os_prio=0 tid=0x02 nid=0x62 waiting on condition  [0x02]
   java.lang.Thread.State: WAITING (parking)
\tat jdk.internal.misc.Unsafe.park(java.base@17.0.15/Native Method)
\tat java.util.concurrent.ThreadPoolExecutor.getTask(java.base@17.0.15/ThreadPoolExecutor.java:1062)

JNI global refs: 15, weak refs: 0
",
};

const TITLE: &[u8] = b"Full thread dump ";

impl Format for ThreadDump {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let mut lines = head.split(|&b| b == b'\n').take(50);
        match lines.position(|line| line.starts_with(TITLE)) {
            Some(at) => Verdict::new(97, format!("`Full thread dump` in line {}", at + 1)),
            None => Verdict::NO,
        }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let title = head.split(|&b| b == b'\n').position(|line| line.starts_with(TITLE));
        let Some(title) = title else {
            return Err(OpenError::new("no line starts with `Full thread dump`"));
        };
        let before = title.checked_sub(1).and_then(|at| head.split(|&b| b == b'\n').nth(at));
        Ok(Box::new(Dumps { dated: before.is_some_and(|line| date(line).is_some()) }))
    }
}

/// The decoder of one file.
struct Dumps {
    /// Whether a line with the date comes before each dump.
    dated: bool,
}

impl Decoder for Dumps {
    fn facts(&self) -> Facts {
        let mut assumptions = Vec::new();
        if !self.dated {
            assumptions.push("The dumps carry no date, so they cannot be placed in time.".to_owned());
        }
        Facts {
            stamp: Some(Stamp::Start),
            stamp_resolution_ns: if self.dated { time::SECOND } else { 0 },
            zone_missing: self.dated,
            layout: "jstack".to_owned(),
            assumptions,
            ..Facts::default()
        }
    }

    fn boundary(&self) -> Boundary {
        Boundary::Record
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        if self.dated { date(line).is_some() } else { line.starts_with(TITLE) }
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut dump: Option<Dump<'_>> = None;
        let (mut at, mut number) = (0, 0);
        while at < chunk.bytes.len() {
            let len = memchr(b'\n', &chunk.bytes[at..]).map_or(chunk.bytes.len() - at, |i| i + 1);
            let line = &chunk.bytes[at..at + len];
            let place = (chunk.offset + at as u64, number);
            if self.starts_record(line) {
                if let Some(dump) = dump.take() {
                    dump.push(batch);
                }
                batch.record(place.0, place.1);
                dump = Some(Dump { at: date(line), place, ..Dump::default() });
            } else if let Some(dump) = &mut dump {
                dump.line(line, place);
            }
            at += len;
            number += 1;
        }
        if let Some(dump) = dump {
            dump.push(batch);
        }
        batch.lines = number;
    }
}

/// The date of a line that holds nothing else.
fn date(line: &[u8]) -> Option<i64> {
    let line = line.trim_ascii_end();
    if line.len() == 19 { time::iso(line).ok().map(|stamp| stamp.nanos) } else { None }
}

/// Where a line stands: offset and line number.
type Place = (u64, u32);

/// One dump as far as read.
#[derive(Default)]
struct Dump<'a> {
    at: Option<i64>,
    place: Place,
    thread: Thread<'a>,
    pools: Tally<'a>,
    connections: Tally<'a>,
    monitors: Tally<'a>,
    /// The pools whose housekeepers were seen, two at most: a stack does not tell which pool it waits for.
    hikari: Vec<&'a [u8]>,
}

/// The thread being read.
#[derive(Default)]
struct Thread<'a> {
    name: &'a [u8],
    place: Place,
    frames: u32,
    parked: bool,
    idle: bool,
    borrows_from: Option<&'static str>,
    monitor: Option<&'a [u8]>,
}

impl<'a> Dump<'a> {
    fn line(&mut self, line: &'a [u8], place: Place) {
        let text = line.trim_ascii();
        if line.first() == Some(&b'"') {
            self.close();
            let name = memrchr(b'"', text).filter(|&end| end > 0).map_or(&text[1..], |end| &text[1..end]);
            self.thread = Thread { name, place, ..Thread::default() };
        } else if let Some(state) = text.strip_prefix(b"java.lang.Thread.State: ") {
            self.thread.parked = !state.starts_with(b"RUNNABLE") && !state.starts_with(b"NEW");
        } else if let Some(frame) = text.strip_prefix(b"at ") {
            self.thread.frames += 1;
            self.thread.idle |= is_idle(frame);
            self.thread.borrows_from = self.thread.borrows_from.or_else(|| borrows_from(frame));
        } else if let Some(lock) = text.strip_prefix(b"- waiting to lock <") {
            let class = memmem::find(lock, b"(a ").map(|at| &lock[at + 3..]);
            self.thread.monitor = class.map(|class| class.strip_suffix(b")").unwrap_or(class));
        }
    }

    /// Books the thread read last. Those without frames are the virtual machine's own.
    fn close(&mut self) {
        let thread = std::mem::take(&mut self.thread);
        if let Some(pool) = thread.name.strip_suffix(b" housekeeper")
            && self.hikari.len() < 2
            && !self.hikari.contains(&pool)
        {
            self.hikari.push(pool);
        }
        if thread.frames == 0 {
            return;
        }
        if let Some(pool) = pool_of(thread.name) {
            self.pools.count(pool, thread.place, !thread.idle);
        }
        if let Some(product) = thread.borrows_from.filter(|_| thread.parked) {
            self.connections.count(product.as_bytes(), thread.place, true);
        }
        if let Some(class) = thread.monitor {
            self.monitors.count(class, thread.place, true);
        }
    }

    /// Gives the readings of the whole dump.
    fn push(mut self, batch: &mut Batch) {
        self.close();
        let reading = |name, gauge| Operation { start: self.at, name, gauge, ..Operation::new(Kind::Gauge) };
        for group in &self.pools.groups {
            batch.place(group.place.0, group.place.1);
            batch.push(&reading(Some(group.name), Gauge { in_use: Some(group.count), ..Gauge::default() }));
        }
        for group in &self.connections.groups {
            // Of two pools of one product the stacks do not tell which.
            let name = (group.name == HIKARI.as_bytes() && self.hikari.len() == 1).then(|| self.hikari[0]);
            let gauge = Gauge { waiting: Some(group.count), ..Gauge::default() };
            batch.place(group.place.0, group.place.1);
            batch.push(&Operation { system: Some(group.name), ..reading(name, gauge) });
        }
        for group in &self.monitors.groups {
            let gauge = Gauge { waiting: Some(group.count), ..Gauge::default() };
            batch.place(group.place.0, group.place.1);
            batch.push(&Operation { system: Some(b"monitor"), ..reading(Some(group.name), gauge) });
        }
        batch.place(self.place.0, self.place.1);
    }
}

/// Counts by name, in the order first seen.
#[derive(Default)]
struct Tally<'a> {
    groups: Vec<Group<'a>>,
    index: HashMap<&'a [u8], usize>,
}

struct Group<'a> {
    name: &'a [u8],
    place: Place,
    count: u32,
}

impl<'a> Tally<'a> {
    fn count(&mut self, name: &'a [u8], place: Place, counts: bool) {
        let index = *self.index.entry(name).or_insert_with(|| {
            self.groups.push(Group { name, place, count: 0 });
            self.groups.len() - 1
        });
        self.groups[index].count += u32::from(counts);
    }
}

/// The pool of a thread: its name without the number at the end. A name without one is no pool's.
fn pool_of(name: &[u8]) -> Option<&[u8]> {
    let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let stem = &name[..name.len() - digits];
    let end = stem.iter().rposition(|b| !matches!(b, b'-' | b'_' | b'#' | b' ')).map_or(0, |at| at + 1);
    (digits > 0 && end > 0).then_some(&stem[..end])
}

/// Whether a frame is that of a worker waiting for work or an event loop for events.
fn is_idle(frame: &[u8]) -> bool {
    const IDLE: [&str; 12] = [
        "ThreadPoolExecutor.getTask(",
        "DelayedWorkQueue.take(",
        "ForkJoinPool.awaitWork(",
        "ForkJoinPool.idleAwaitWork(",
        "QueuedThreadPool.idleJobPoll(",
        "ReservedThread.reservedWait(",
        "EPoll.wait(",
        "EPollArrayWrapper.epollWait(",
        "KQueue.poll(",
        "ServerSocketChannelImpl.accept",
        "TimerThread.mainLoop(",
        "ReferenceQueue.remove(",
    ];
    IDLE.iter().any(|mark| memmem::find(frame, mark.as_bytes()).is_some())
}

const HIKARI: &str = "hikaricp";

/// The connection pool that a frame borrows from.
fn borrows_from(frame: &[u8]) -> Option<&'static str> {
    const BORROW: [(&str, &str); 8] = [
        ("com.zaxxer.hikari.pool.HikariPool.getConnection(", HIKARI),
        ("org.apache.commons.dbcp2.PoolingDataSource.getConnection(", "dbcp"),
        ("org.apache.commons.dbcp.PoolingDataSource.getConnection(", "dbcp"),
        ("org.apache.tomcat.dbcp.dbcp2.PoolingDataSource.getConnection(", "dbcp"),
        ("com.mchange.v2.resourcepool.BasicResourcePool.checkoutResource(", "c3p0"),
        ("org.apache.tomcat.jdbc.pool.ConnectionPool.borrowConnection(", "tomcat-jdbc"),
        ("com.alibaba.druid.pool.DruidDataSource.getConnection", "druid"),
        ("io.agroal.pool.ConnectionPool.getConnection(", "agroal"),
    ];
    BORROW.iter().find(|(mark, _)| frame.starts_with(mark.as_bytes())).map(|&(_, product)| product)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauges(text: &str) -> Vec<(String, Gauge)> {
        let chunk = Chunk::whole(text.as_bytes());
        let mut batch = Batch::new(&chunk);
        ThreadDump.open(chunk.bytes, &Options::default()).expect("opens").decode(chunk, &mut batch);
        (0..batch.len())
            .map(|i| {
                let name = batch.name.get(i, chunk.bytes).or(batch.system.get(i, chunk.bytes)).unwrap_or_default();
                let gauge = Gauge { slots: batch.slots.get(i), in_use: batch.in_use.get(i), waiting: batch.waiting.get(i) };
                (String::from_utf8_lossy(name).into_owned(), gauge)
            })
            .collect()
    }

    #[test]
    fn pools_are_counted_with_what_their_threads_wait_for() {
        let used = |n| Gauge { in_use: Some(n), ..Gauge::default() };
        let waits = |n| Gauge { waiting: Some(n), ..Gauge::default() };
        assert_eq!(gauges(SPEC.sample), [("worker".to_owned(), used(1)), ("hikaricp".to_owned(), waits(1))]);
        let text = SPEC.sample.to_owned()
            + "\"a-1\" #1\n   java.lang.Thread.State: BLOCKED (on object monitor)\n\tat x.Y.z(Y.java:1)\n\t- waiting to lock <0x0> (a x.Y)\n\
               \"HikariPool-1 housekeeper\" #2\n   java.lang.Thread.State: WAITING\n\tat q.W.e(W.java:2)\n";
        let want = [("worker", used(1)), ("a", used(1)), ("HikariPool-1", waits(1)), ("x.Y", waits(1))];
        assert_eq!(gauges(&text), want.map(|(name, gauge)| (name.to_owned(), gauge)));
    }

    #[test]
    fn pool_names_are_thread_names_without_their_number() {
        assert_eq!(pool_of(b"http-nio-127.0.0.1-18081-exec-12"), Some(&b"http-nio-127.0.0.1-18081-exec"[..]));
        assert_eq!(pool_of(b"GC Thread#0"), Some(&b"GC Thread"[..]));
        assert_eq!(pool_of(b"main"), None);
        assert_eq!(pool_of(b"42"), None);
    }
}
