//! HikariCP's own lines: pool readings, timeouts and the configuration it prints at start-up.
//!
//! The order of the readings and their names differ by version, so they are read by key.
//! <https://github.com/brettwooldridge/HikariCP/blob/dev/src/main/java/com/zaxxer/hikari/pool/HikariPool.java>

use memchr::memmem;

use super::record::{Push, Record, line_of, number_at};
use crate::{Gauge, Kind, Nanos, Operation, Outcome};

/// What marks a reading, behind the word `stats`.
const STATS: &[u8] = b"(total=";
/// What marks a timeout: from 2.4 on, and before.
const TIMEOUTS: [&[u8]; 2] = [b"Connection is not available, request timed out after ", b"Timeout after "];
/// What follows the time in an old timeout's line.
const OF_WAITING: &[u8] = b" of waiting for a connection";

/// Reads what a record holds of them.
pub(super) fn read<'a>(record: &Record<'a>, push: &mut Push<'_, 'a>) {
    let text = record.text;
    if let Some(at) = memmem::find(text, STATS)
        && let Some(name) = pool_of_stats(line_before(text, at))
    {
        push(&text[at..], Operation { name, gauge: readings(&text[at + 1..]), ..record.operation(Kind::Gauge) });
    }
    let [new, old] = TIMEOUTS;
    if let Some(at) = memmem::find(text, new) {
        timeout(record, at, push);
    } else if let Some(at) = memmem::find(text, old) {
        old_timeout(record, at, push);
    }
    configuration(record, push);
}

/// Whether a line is one of the properties that follow `HikariPool-1 - configuration:`. They are
/// kept in one record, so that the size is read together with the pool's name.
pub(super) fn is_property(line: &[u8]) -> bool {
    memmem::find(line, b"HikariConfig").is_some_and(|at| memmem::find(&line[at..], b"....").is_some())
}

fn timeout<'a>(record: &Record<'a>, at: usize, push: &mut Push<'_, 'a>) {
    let text = record.text;
    let name = last_part(line_before(text, at));
    let rest = &text[at + TIMEOUTS[0].len()..];
    let wait = millis(rest).map(|(wait, _)| wait);
    push(&text[at..], Operation { name, outcome: Outcome::TimedOut, ..record.waited(Kind::PoolWait, wait) });
    // From 5.1.0 the readings follow.
    let line = line_of(rest);
    if let Some(open) = memmem::find(line, b"(total=") {
        push(&text[at..], Operation { name, gauge: readings(&line[open + 1..]), ..record.operation(Kind::Gauge) });
    }
}

/// `Timeout after 30001ms of waiting for a connection.`, which names no pool.
fn old_timeout<'a>(record: &Record<'a>, at: usize, push: &mut Push<'_, 'a>) {
    let text = record.text;
    let Some((wait, rest)) = millis(&text[at + TIMEOUTS[1].len()..]) else { return };
    if rest.starts_with(OF_WAITING) {
        push(&text[at..], Operation { outcome: Outcome::TimedOut, ..record.waited(Kind::PoolWait, Some(wait)) });
    }
}

/// `30001ms`, in nanoseconds, and what follows.
fn millis(text: &[u8]) -> Option<(Nanos, &[u8])> {
    let (value, rest) = number_at(text)?;
    Some((Nanos::from(value) * 1_000_000, rest.strip_prefix(b"ms")?))
}

/// `total=3/10, idle=1/10, active=2, waiting=0)`: what stands after the total's slash is the
/// configured maximum; a total alone is only what is open now.
fn readings(text: &[u8]) -> Gauge {
    let text = &text[..text.iter().position(|&b| b == b')').unwrap_or(text.len())];
    let mut gauge = Gauge::default();
    for pair in text.split(|&b| b == b',').take(8) {
        let pair = pair.trim_ascii();
        let Some(equals) = pair.iter().position(|&b| b == b'=') else { continue };
        let Some((value, rest)) = number_at(&pair[equals + 1..]) else { continue };
        match &pair[..equals] {
            b"total" => gauge.slots = rest.strip_prefix(b"/").and_then(number_at).map(|(max, _)| max),
            b"active" | b"inUse" => gauge.in_use = Some(value),
            b"waiting" => gauge.waiting = Some(value),
            _ => {}
        }
    }
    gauge
}

/// The pool, if known, of what stands before a reading; `None` when that is none. The name stands in
/// `{name} - Pool stats ` from 2.5.0 on, `Before cleanup pool {name} stats ` in 2.4, and
/// `Before cleanup pool stats {name} ` until 2.3.
fn pool_of_stats(before: &[u8]) -> Option<Option<&[u8]>> {
    const OLD: &[u8] = b"pool stats ";
    let before = before.trim_ascii_end();
    match before.strip_suffix(b"stats") {
        Some(before) => Some(pool_before_stats(before)),
        None => memmem::rfind(before, OLD).map(|at| Some(before[at + OLD.len()..].trim_ascii())),
    }
}

fn pool_before_stats(before: &[u8]) -> Option<&[u8]> {
    let before = before.trim_ascii_end();
    if let Some(dash) = memmem::rfind(before, b" - ") {
        let (left, right) = (&before[..dash], &before[dash + 3..]);
        return if let Some(name) = after_pool(right) { Some(name) } else { last_part(left) };
    }
    after_pool(before)
}

/// The word after the word `pool`, where it ends the text.
fn after_pool(text: &[u8]) -> Option<&[u8]> {
    let at = text.iter().rposition(|&b| b == b' ')?;
    let (before, name) = (text[..at].trim_ascii_end(), &text[at + 1..]);
    let word = &before[before.iter().rposition(|&b| b == b' ').map_or(0, |i| i + 1)..];
    (word.eq_ignore_ascii_case(b"pool") && !name.is_empty()).then_some(name)
}

/// What stands last before a text: after the last ` - `, `: ` or two blanks.
fn last_part(before: &[u8]) -> Option<&[u8]> {
    let before = before.strip_suffix(b" - ").unwrap_or(before);
    let behind = |mark: &[u8]| memmem::rfind(before, mark).map(|at| at + mark.len());
    let start = [behind(b" - "), behind(b": "), behind(b"  ")];
    let name = before[start.into_iter().flatten().max().unwrap_or(0)..].trim_ascii();
    (!name.is_empty()).then_some(name)
}

/// `maximumPoolSize.................3`, with the name from `poolName` or from the heading.
fn configuration<'a>(record: &Record<'a>, push: &mut Push<'_, 'a>) {
    let text = record.text;
    let Some((at, value)) = property(text, b"maximumPoolSize....") else { return };
    let Some((slots, _)) = number_at(value) else { return };
    let named = property(text, b"poolName....").map(|(_, value)| value).map(|v| v.strip_prefix(b"\"").unwrap_or(v));
    let named = named.map(|v| v.strip_suffix(b"\"").unwrap_or(v)).filter(|v| !matches!(*v, b"" | b"none"));
    let heading = || {
        let at = memmem::find(text, b" - configuration:")?;
        last_part(line_before(text, at))
    };
    let gauge = Gauge { slots: Some(slots), ..Gauge::default() };
    push(&text[at..], Operation { name: named.or_else(heading), gauge, ..record.operation(Kind::Gauge) });
}

/// Where a property stands, and its value.
fn property<'a>(text: &'a [u8], key: &[u8]) -> Option<(usize, &'a [u8])> {
    let at = memmem::find(text, key)?;
    let line = line_of(&text[at + key.len()..]);
    let value = &line[line.iter().position(|&b| b != b'.').unwrap_or(line.len())..];
    Some((at, value.trim_ascii()))
}

/// The part of the line that stands before `at`.
fn line_before(text: &[u8], at: usize) -> &[u8] {
    let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |i| i + 1);
    &text[start..at]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(Kind, String, Gauge, Option<i64>)> {
        let record = Record { text: text.as_bytes(), end: Some(2_000_000_000), ..Record::default() };
        let mut ops = Vec::new();
        read(&record, &mut |_, op: Operation<'_>| {
            ops.push((op.kind, String::from_utf8_lossy(op.name.unwrap_or_default()).into_owned(), op.gauge, op.duration));
        });
        ops
    }

    fn gauge(slots: Option<u32>, in_use: u32, waiting: u32) -> Gauge {
        Gauge { slots, in_use: Some(in_use), waiting: Some(waiting) }
    }

    #[test]
    fn readings_of_every_version_are_read_by_key() {
        for (text, slots) in [
            ("HikariPool - Before cleanup pool HikariPool-1 stats (total=3, active=2, idle=1, waiting=7)", None),
            ("Before cleanup pool HikariPool-1 stats (total=3, active=2, idle=1, waiting=7)", None),
            ("HikariPool-1 - Pool stats (total=3, active=2, idle=1, waiting=7)", None),
            ("c.z.h.pool.HikariPool - HikariPool-1 - After cleanup  stats (total=3, active=2, idle=1, waiting=7)", None),
            ("c.z.h.p.HikariPool  : HikariPool-1 - Pool stats (total=3/10, idle=1/10, active=2, waiting=7)", Some(10)),
            ("HikariPool - Before cleanup pool stats HikariPool-1 (total=3, inUse=2, avail=1, waiting=7)", None),
            ("Timeout failure pool stats HikariPool-1 (total=3, inUse=2, avail=1, waiting=7)", None),
        ] {
            assert_eq!(all(text), [(Kind::Gauge, "HikariPool-1".to_owned(), gauge(slots, 2, 7), None)], "{text}");
        }
    }

    #[test]
    fn a_timeout_is_a_wait_and_since_5_1_a_reading_too() {
        let got = all("x failed\njava.sql.X: my pool - Connection is not available, request timed out after 1000ms.\n\tat y");
        assert_eq!(got, [(Kind::PoolWait, "my pool".to_owned(), Gauge::default(), Some(1_000_000_000))]);
        let got = all("x failed\njava.sql.SQLTimeoutException: Timeout after 30001ms of waiting for a connection.\n\tat y");
        assert_eq!(got, [(Kind::PoolWait, String::new(), Gauge::default(), Some(30_001_000_000))]);
        assert!(all("Timeout after 30001ms of waiting for Godot").is_empty());
        let got = all("P - Connection is not available, request timed out after 30001ms (total=3, active=3, idle=0, waiting=9)");
        assert_eq!(got[0].3, Some(30_001_000_000));
        assert_eq!(got[1], (Kind::Gauge, "P".to_owned(), gauge(None, 3, 9), None));
    }

    #[test]
    fn the_configured_size_goes_with_its_pool() {
        let lines = "HikariConfig - HikariPool-7 - configuration:\nHikariConfig - maximumPoolSize.................3\n";
        let size = Gauge { slots: Some(3), ..Gauge::default() };
        assert_eq!(all(lines), [(Kind::Gauge, "HikariPool-7".to_owned(), size, None)]);
        let named = format!("{lines}HikariConfig - poolName........................\"orders\"\n");
        assert_eq!(all(&named), [(Kind::Gauge, "orders".to_owned(), size, None)]);
    }

    #[test]
    fn broken_lines_yield_what_they_hold() {
        assert_eq!(all("stats (total="), [(Kind::Gauge, String::new(), Gauge::default(), None)]);
        assert_eq!(all("Connection is not available, request timed out after ms")[0].3, None);
        assert!(all("HikariConfig - maximumPoolSize....x").is_empty());
    }
}
