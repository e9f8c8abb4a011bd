//! The JVM's unified log (JDK 9 and later), for its pauses: garbage collections and safepoints.
//!
//! A safepoint that holds a collection overlaps the collection's own line; both are given, as the
//! safepoint also tells the time until all threads stood still.
//! <https://openjdk.org/jeps/158>, <https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html>

use memchr::{memchr, memmem};

use crate::lines::Memo;
use crate::scan::{number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Kind, LineDecoder, Nanos, OpenError, Operation, Options, Reason, Role, Spec, Stamp,
    Unit, Verdict,
};

/// The JVM's unified log.
pub(super) struct GcUnified;

static SPEC: Spec = Spec {
    name: "gc-unified",
    family: Family::Transaction,
    title: "JVM unified log: GC pauses and safepoints (JDK 9 and later)",
    source: "https://openjdk.org/jeps/158",
    stamp: Stamp::End,
    unit: None,
    resolution_ns: 1_000,
    sample: "\
[2026-11-22T17:51:47.100+0000][3.200s][info][gc,start    ] GC(0) Pause Young (Allocation Failure)
[2026-11-22T17:51:47.319+0000][3.437s][info][gc          ] GC(0) Pause Young (Allocation Failure) 69M->6M(251M) 22.438ms
[2026-11-22T17:51:47.319+0000][3.437s][info][gc,cpu      ] GC(0) User=0.02s Sys=0.01s Real=0.02s
[2026-11-22T17:51:47.319+0000][3.438s][info][safepoint   ] Safepoint \"GenCollectForAllocation\", Time since last: 639581392 ns, Reaching safepoint: 3531 ns, Cleanup: 115350 ns, At safepoint: 22631959 ns, Total: 22750840 ns
",
};

impl Format for GcUnified {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let (mut lines, mut fit, mut pauses) = (0, 0, 0);
        for line in head.split(|&b| b == b'\n').filter(|l| !l.trim_ascii().is_empty()).take(50) {
            let record = undecorate(line);
            let of_gc = record.gc || (record.decorations > 0 && record.message.starts_with(b"GC("));
            lines += 1;
            fit += usize::from(of_gc);
            pauses += usize::from(matches!(pause(record.message), Ok(Some(_))));
        }
        if fit == 0 || fit * 10 < lines * 6 {
            return Verdict::NO;
        }
        Verdict::new(95, format!("{fit} of {lines} lines with the tags of a JVM log; {pauses} pauses among them"))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let mut stamps = head.split(|&b| b == b'\n').take(200).map(undecorate).filter(|r| r.decorations > 0).peekable();
        if stamps.peek().is_none() {
            return Err(OpenError::new(
                "no line starts with a decoration in brackets; give -Xlog at least one of time, uptime, tags",
            ));
        }
        let stamp = stamps.find_map(|record| record.stamp);
        Ok(Box::new(Log { stamp }))
    }
}

/// The decoder of one log: all it needs is whether there is a clock.
struct Log {
    stamp: Option<time::Stamp>,
}

impl LineDecoder for Log {
    fn facts(&self) -> Facts {
        let mut assumptions = Vec::new();
        if self.stamp.is_none() {
            assumptions.push(
                "The log has uptimes only, so its pauses cannot be placed in time; -Xlog with the decoration `time` would tell."
                    .to_owned(),
            );
        }
        Facts {
            stamp: Some(Stamp::End),
            unit: None,
            resolution_ns: SPEC.resolution_ns,
            stamp_resolution_ns: self.stamp.map_or(0, time::Stamp::resolution_ns),
            zone_missing: self.stamp.is_some_and(|stamp| !stamp.zoned),
            date_missing: false,
            layout: "[decorations] message".to_owned(),
            assumptions,
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let record = undecorate(line);
        if record.decorations == 0 {
            return Err(Reason::Shape);
        }
        let Some((name, duration)) = pause(record.message)? else { return Ok(()) };
        if self.stamp.is_some() && record.stamp.is_none() {
            return Err(Reason::Time);
        }
        let safepoint;
        let name = match name {
            Name::Collection(name) => name,
            Name::Safepoint(cause) => {
                safepoint = [b"Safepoint ", cause].concat();
                safepoint.trim_ascii_end()
            }
        };
        batch.push(&Operation {
            role: Role::Internal,
            start: record.stamp.map(|stamp| stamp.nanos.saturating_sub(duration)),
            duration: Some(duration),
            name: Some(name),
            ..Operation::new(Kind::Pause)
        });
        Ok(())
    }
}

/// A line without its decorations, which may be any, in any order.
struct Record<'a> {
    stamp: Option<time::Stamp>,
    decorations: u8,
    /// Whether the tags are those of collections or safepoints.
    gc: bool,
    message: &'a [u8],
}

fn undecorate(line: &[u8]) -> Record<'_> {
    let mut record = Record { stamp: None, decorations: 0, gc: false, message: line.trim_ascii() };
    // There are thirteen decorations.
    while record.decorations < 13 && record.message.first() == Some(&b'[') {
        let Some(end) = memchr(b']', record.message) else { break };
        let inner = record.message[1..end].trim_ascii();
        record.stamp = record.stamp.or_else(|| moment(inner));
        record.gc |= inner.starts_with(b"gc") || inner.starts_with(b"safepoint");
        record.decorations += 1;
        record.message = &record.message[end + 1..];
    }
    record.message = record.message.trim_ascii();
    record
}

/// `time` and `utctime` are ISO 8601; `timemillis` are milliseconds since the epoch, told from
/// `uptimemillis` by their size.
fn moment(text: &[u8]) -> Option<time::Stamp> {
    match text.strip_suffix(b"ms") {
        Some(millis) if millis.len() == 13 => time::epoch(millis).ok(),
        _ => time::iso(text).ok(),
    }
}

/// What stopped the threads.
enum Name<'a> {
    Collection(&'a [u8]),
    Safepoint(&'a [u8]),
}

/// The pause that a message tells of.
fn pause(message: &[u8]) -> Result<Option<(Name<'_>, Nanos)>, Reason> {
    if let Some(rest) = message.strip_prefix(b"Safepoint \"") {
        let cause = &rest[..memchr(b'"', rest).ok_or(Reason::Truncated)?];
        let at = memmem::find(rest, b"Total: ").ok_or(Reason::Truncated)?;
        let total = rest[at + b"Total: ".len()..].split(|&b| b == b' ').next().unwrap_or_default();
        return Ok(Some((Name::Safepoint(cause), number::duration(total, Unit::Nanos.nanos())?)));
    }
    if let Some(rest) = message.strip_prefix(b"Total time for which application threads were stopped: ") {
        let seconds = rest.split(|&b| b == b' ').next().unwrap_or_default();
        return Ok(Some((Name::Safepoint(b""), number::duration(seconds, Unit::Seconds.nanos())?)));
    }
    let Some(text) = collection(message) else { return Ok(None) };
    let Some((before, last)) = text.iter().rposition(|&b| b == b' ').map(|at| (&text[..at], &text[at + 1..])) else {
        return Ok(None);
    };
    // Without a time it is the line that announces the pause.
    let Some(millis) = last.strip_suffix(b"ms").filter(|m| m.iter().any(u8::is_ascii_digit)) else { return Ok(None) };
    let duration = number::duration(millis, Unit::Millis.nanos())?;
    let heap = before.iter().rposition(|&b| b == b' ').filter(|&at| memmem::find(&before[at..], b"->").is_some());
    Ok(Some((Name::Collection(before[..heap.unwrap_or(before.len())].trim_ascii()), duration)))
}

/// `GC(7) Pause ...`, of generational ZGC `GC(7) Y: Pause ...`: from `Pause` on.
fn collection(message: &[u8]) -> Option<&[u8]> {
    let rest = message.strip_prefix(b"GC(").map_or(message, |rest| memchr(b')', rest).map_or(rest, |at| &rest[at + 1..]));
    let rest = rest.trim_ascii_start();
    let rest = if rest.get(1) == Some(&b':') { rest[2..].trim_ascii_start() } else { rest };
    rest.starts_with(b"Pause ").then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &str) -> Result<Option<(String, Nanos)>, Reason> {
        let text = |name| match name {
            Name::Collection(name) => String::from_utf8_lossy(name).into_owned(),
            Name::Safepoint(cause) => format!("Safepoint {}", String::from_utf8_lossy(cause)),
        };
        pause(undecorate(message.as_bytes()).message).map(|found| found.map(|(name, duration)| (text(name), duration)))
    }

    #[test]
    fn pauses_of_every_collector_are_read() {
        for (line, name, nanos) in [
            (
                "[1.0s][info][gc] GC(0) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.046ms",
                "Pause Young (Normal) (G1 Evacuation Pause)",
                3_046_000,
            ),
            ("[info][gc] GC(3) Pause Full (System.gc()) 69M->6M(251M) 22,438ms", "Pause Full (System.gc())", 22_438_000),
            ("[2026-11-22T17:51:47.319+0000] GC(3) Pause Remark 69M->69M(251M) 0.5ms", "Pause Remark", 500_000),
            ("[0,5s][info][gc,phases] GC(1) Pause Mark Start 0.005ms", "Pause Mark Start", 5_000),
            ("[0.5s][info][gc,phases] GC(1) Y: Pause Mark End 0.010ms", "Pause Mark End", 10_000),
            ("[0.5s][gc] GC(1) Pause Init Mark (unload classes) 0.1ms", "Pause Init Mark (unload classes)", 100_000),
            (
                "[s][safepoint] Safepoint \"Cleanup\", Time since last: 9 ns, Reaching safepoint: 1 ns, Total: 34 ns",
                "Safepoint Cleanup",
                34,
            ),
            (
                "[s][safepoint] Total time for which application threads were stopped: 0.0001234 seconds, Stopping",
                "Safepoint ",
                123_400,
            ),
        ] {
            assert_eq!(of(line), Ok(Some((name.to_owned(), nanos))), "{line}");
        }
    }

    #[test]
    fn other_messages_hold_no_pause() {
        for line in [
            "[1.0s][info][gc,start] GC(1) Pause Young (Allocation Failure)",
            "[1.0s][info][gc] GC(1) Concurrent Mark Cycle 12.3ms",
            "[1.0s][info][gc,cpu] GC(0) User=0.02s Sys=0.01s Real=0.02s",
            "[1.0s][info][gc] Using G1",
            "[1.0s]",
        ] {
            assert_eq!(of(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn broken_pauses_are_refused_with_their_reason() {
        assert_eq!(of("[1s][gc] GC(0) Pause Young 1M->1M(1M) -3.0ms"), Err(Reason::Duration));
        assert_eq!(of("[1s][gc] GC(0) Pause Young 1M->1M(1M) 3.0.0ms"), Err(Reason::Number));
        assert_eq!(of("[1s][safepoint] Safepoint \"Cleanup\", Time since l"), Err(Reason::Truncated));
    }

    #[test]
    fn an_epoch_in_milliseconds_is_told_from_an_uptime() {
        assert_eq!(moment(b"1795370151653ms").map(|s| s.nanos), Some(1_795_370_151_653_000_000));
        assert_eq!(moment(b"14ms").map(|s| s.nanos), None);
    }
}
