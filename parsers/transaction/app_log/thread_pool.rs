//! What thread pools say when they are full: `java.util.concurrent`, Tomcat, Jetty, JBoss EJB.
//! <https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/concurrent/ThreadPoolExecutor.html#toString()>

use memchr::memmem;

use super::record::{Push, Record, line_of, number_after, number_at};
use crate::{Gauge, Kind, Operation, Outcome};

/// Reads what a record holds of them.
pub(super) fn read<'a>(record: &Record<'a>, push: &mut Push<'_, 'a>) {
    let text = record.text;
    if let Some(at) = memmem::find(text, b", pool size = ") {
        executor(record, at, push);
    }
    for mark in [&b"All threads ("[..], b"Maximum number of threads ("] {
        if let Some(slots) = number_after(text, mark) {
            let at = memmem::find(text, mark).unwrap_or(0);
            let gauge = Gauge { slots: Some(slots), in_use: Some(slots), waiting: None };
            push(&text[at..], Operation { name: Some(b"tomcat"), gauge, ..record.operation(Kind::Gauge) });
        }
    }
    if let Some(at) = memmem::find(text, b"QueuedThreadPool") {
        jetty(record, at, push);
    }
    if let Some(at) = memmem::find(text, b"Failed to acquire a permit within ") {
        permit(record, at, push);
    }
}

/// `rejected from java.util.concurrent.ThreadPoolExecutor@4d[Running, pool size = 12, active threads = 12, queued tasks = 50]`
fn executor<'a>(record: &Record<'a>, at: usize, push: &mut Push<'_, 'a>) {
    let text = record.text;
    let line = line_of(&text[at..]);
    let gauge = Gauge {
        slots: number_after(line, b"pool size = "),
        in_use: number_after(line, b"active threads = "),
        waiting: number_after(line, b"queued tasks = "),
    };
    let before = &text[..at];
    let name = before.iter().rposition(|&b| b == b'@').map(|end| {
        let start = before[..end].iter().rposition(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$')));
        &before[start.map_or(0, |i| i + 1)..end]
    });
    push(&text[at..], Operation { name: name.filter(|n| !n.is_empty()), gauge, ..record.operation(Kind::Gauge) });
}

/// `QueuedThreadPool[qtp14]@e{STARTED,8<=200<=200,i=0,r=-1,q=1024}`: least, current and most
/// threads, idle ones, queued tasks.
fn jetty<'a>(record: &Record<'a>, at: usize, push: &mut Push<'_, 'a>) {
    let text = &record.text[at..];
    let line = line_of(text);
    let Some(first) = memmem::find(line, b"<=") else { return };
    let Some((current, rest)) = number_at(&line[first + 2..]) else { return };
    let Some((slots, rest)) = rest.strip_prefix(b"<=").and_then(number_at) else { return };
    let in_use = number_after(rest, b"i=").and_then(|idle| current.checked_sub(idle));
    let gauge = Gauge { slots: Some(slots), in_use, waiting: number_after(rest, b"q=") };
    let name = line.strip_prefix(b"QueuedThreadPool[").and_then(|rest| rest.split(|&b| b == b']').next());
    push(text, Operation { name: name.or(Some(b"jetty")), gauge, ..record.operation(Kind::Gauge) });
}

/// `WFLYEJB0378: Failed to acquire a permit within 5 MINUTES`
fn permit<'a>(record: &Record<'a>, at: usize, push: &mut Push<'_, 'a>) {
    let text = &record.text[at..];
    let line = line_of(&text[b"Failed to acquire a permit within ".len()..]);
    let wait = number_at(line).and_then(|(count, rest)| {
        let unit = rest.trim_ascii().to_ascii_lowercase();
        let word = unit.split(|b| !b.is_ascii_alphabetic()).next()?;
        i64::from(count).checked_mul(crate::scan::duration::unit_of(word)?)
    });
    push(text, Operation { outcome: Outcome::TimedOut, ..record.waited(Kind::SocketWait, wait) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(Kind, Option<i64>, Gauge, String)> {
        let record = Record { text: text.as_bytes(), ..Record::default() };
        let mut got = Vec::new();
        read(&record, &mut |_, op: Operation<'_>| {
            got.push((op.kind, op.duration, op.gauge, String::from_utf8_lossy(op.name.unwrap_or_default()).into_owned()));
        });
        got
    }

    fn full(slots: u32, in_use: u32, waiting: Option<u32>) -> Gauge {
        Gauge { slots: Some(slots), in_use: Some(in_use), waiting }
    }

    #[test]
    fn full_thread_pools_are_readings() {
        for (text, name, gauge) in [
            (
                "Task X@1 rejected from java.util.concurrent.ThreadPoolExecutor@4d[Running, pool size = 12, active threads = 11, \
                 queued tasks = 50, completed tasks = 7]",
                "ThreadPoolExecutor",
                full(12, 11, Some(50)),
            ),
            ("All threads (200) are currently busy, waiting. Increase maxThreads (200)", "tomcat", full(200, 200, None)),
            ("Maximum number of threads (150) created for connector with address [null]", "tomcat", full(150, 150, None)),
            ("low on QueuedThreadPool[qtp14]@e{STARTED,8<=199<=200,i=1,r=-1,q=1024}", "qtp14", full(200, 198, Some(1024))),
        ] {
            assert_eq!(all(text), [(Kind::Gauge, None, gauge, name.to_owned())]);
        }
    }

    #[test]
    fn a_permit_that_never_came_is_a_wait() {
        let got = all("WFLYEJB0378: Failed to acquire a permit within 5 MINUTES");
        assert_eq!(got[0].1, Some(300_000_000_000));
        assert_eq!(all("Failed to acquire a permit within 5 moons")[0].1, None);
    }
}
