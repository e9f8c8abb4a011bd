//! Sizes of pools as an application prints them at start-up: `worker.threads=12 pool.size=40`,
//! `spring.datasource.hikari.maximum-pool-size=10`.
//! <https://docs.spring.io/spring-boot/appendix/application-properties/index.html>

use super::record::{Push, Record, line_of};
use crate::scan::{line, number};
use crate::{Gauge, Kind, Operation};

/// More slots than any pool of threads, connections or permits has: a larger number is something
/// else, bytes or milliseconds.
const MOST: u64 = 100_000;

/// No start-up line states more sizes; a line that seems to is data.
const MOST_SIZES: u32 = 64;

/// Reads the sizes on the first line of a record.
pub(super) fn read<'a>(record: &Record<'a>, push: &mut Push<'_, 'a>) {
    let mut sizes = 0;
    line::key_values(line_of(record.text), |key, value| {
        let Some(name) = resource(key).filter(|_| sizes < MOST_SIZES) else { return };
        if let Ok(slots @ 1..=MOST) = number::whole(value) {
            sizes += 1;
            let gauge = Gauge { slots: u32::try_from(slots).ok(), ..Gauge::default() };
            push(key, Operation { name: Some(name), gauge, ..record.operation(Kind::Gauge) });
        }
    });
}

/// The resource whose size a key names: all before its last dot.
fn resource(key: &[u8]) -> Option<&[u8]> {
    const SIZES: [&str; 14] = [
        "threads",
        "size",
        "max",
        "maxThreads",
        "max-threads",
        "maxSize",
        "max-size",
        "permits",
        "max-connections",
        "maxConnections",
        "maximum-pool-size",
        "maximumPoolSize",
        "max-active",
        "maxTotal",
    ];
    // What has a size or a maximum but is no pool that requests wait for.
    const OTHERS: [&str; 18] = [
        "queue", "batch", "page", "heap", "buffer", "file", "cache", "chunk", "message", "memory", "body", "header", "upload",
        "retry", "retries", "log", "fetch", "block",
    ];
    let dot = key.iter().rposition(|&b| b == b'.')?;
    let (name, size) = (&key[..dot], &key[dot + 1..]);
    let last = &name[name.iter().rposition(|&b| b == b'.').map_or(0, |i| i + 1)..];
    let fits = SIZES.iter().any(|s| size == s.as_bytes()) && !OTHERS.iter().any(|o| last.eq_ignore_ascii_case(o.as_bytes()));
    (fits && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_other_maxima_are_not() {
        let text = b"started: worker.mode=executor worker.threads=12 pool.size=3 ext.max=12 server.tomcat.threads.max=200 \
            spring.datasource.hikari.maximum-pool-size=10 batch.size=50 heap.max=512 upload.max=10485760 x.max=0 size=7";
        let mut got = Vec::new();
        read(&Record { text, ..Record::default() }, &mut |_, op: Operation<'_>| {
            got.push((String::from_utf8_lossy(op.name.expect("named")).into_owned(), op.gauge.slots));
        });
        let want = [("worker", 12), ("pool", 3), ("ext", 12), ("server.tomcat.threads", 200), ("spring.datasource.hikari", 10)];
        assert_eq!(got, want.map(|(name, slots)| (name.to_owned(), Some(slots))));
    }
}
