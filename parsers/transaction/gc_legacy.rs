//! The garbage collection log of JDK 8 and before: `-verbose:gc`, `-XX:+PrintGCDetails`,
//! `-XX:+PrintGCDateStamps`, `-XX:+PrintGCApplicationStoppedTime`.
//!
//! A collection is stamped with its start, the stop of all threads with its end.
//! <https://docs.oracle.com/javase/8/docs/technotes/guides/vm/gctuning/>

use memchr::memmem;

use crate::lines::Memo;
use crate::scan::{number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Kind, LineDecoder, Nanos, OpenError, Operation, Options, Reason, Role, Spec, Stamp,
    Unit, Verdict,
};

/// The garbage collection log of JDK 8 and before.
pub(super) struct GcLegacy;

static SPEC: Spec = Spec {
    name: "gc-legacy",
    family: Family::Transaction,
    title: "JVM garbage collection log (JDK 8 and before)",
    source: "https://docs.oracle.com/javase/8/docs/technotes/guides/vm/gctuning/",
    stamp: Stamp::Start,
    unit: Some(Unit::Seconds),
    resolution_ns: 100,
    sample: "\
2026-11-22T17:55:51.653+0000: 1.234: [GC (Allocation Failure) [PSYoungGen: 65536K->10720K(76288K)] 65536K->20000K(251392K), 0.0123456 secs] [Times: user=0.02 sys=0.01, real=0.01 secs]
2026-11-22T17:55:51.666+0000: 1.247: Total time for which application threads were stopped: 0.0125000 seconds, Stopping threads took: 0.0000200 seconds
2026-11-22T17:55:53.000+0000: 2.581: [Full GC (Ergonomics) [PSYoungGen: 10720K->0K(76288K)] [ParOldGen: 60K->50K(90K)] 70K->50K(160K), [Metaspace: 1K->1K(2K)], 0.2500000 secs] [Times: user=0.40 sys=0.01, real=0.25 secs]
",
};

const STOPPED: &[u8] = b"Total time for which application threads were stopped: ";

impl Format for GcLegacy {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let (mut lines, mut fit, mut pauses) = (0, 0, 0);
        for line in head.split(|&b| b == b'\n').filter(|l| !l.trim_ascii().is_empty()).take(50) {
            let (_, event) = stamps(line);
            let pause = matches!(pause(event), Ok(Some(_)));
            lines += 1;
            pauses += usize::from(pause);
            fit += usize::from(pause || detail(event) || line[0].is_ascii_whitespace());
        }
        if pauses == 0 || fit * 10 < lines * 6 {
            return Verdict::NO;
        }
        Verdict::new(92, format!("{fit} of {lines} lines of a JVM's collections; {pauses} pauses among them"))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let stamp = head.split(|&b| b == b'\n').take(500).find_map(|line| stamps(line).0);
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
                "The log has uptimes only, so its pauses cannot be placed in time; -XX:+PrintGCDateStamps would tell.".to_owned(),
            );
        }
        Facts {
            stamp: Some(Stamp::Start),
            unit: SPEC.unit,
            resolution_ns: SPEC.resolution_ns,
            stamp_resolution_ns: self.stamp.map_or(0, time::Stamp::resolution_ns),
            zone_missing: self.stamp.is_some_and(|stamp| !stamp.zoned),
            layout: "date: uptime: [GC (cause) ..., n secs]".to_owned(),
            assumptions,
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let (stamp, event) = stamps(line);
        let Some((name, duration)) = pause(event)? else {
            let undated = self.stamp.is_some() && stamp.is_none() && event.first().is_some_and(u8::is_ascii_digit);
            return match () {
                () if memchr::memchr(0, line).is_some() => Err(Reason::Binary),
                () if undated && memmem::find(event, b" secs]").is_some() => Err(Reason::Time),
                () => Ok(()),
            };
        };
        if self.stamp.is_some() && stamp.is_none() {
            return Err(Reason::Time);
        }
        let ends_there = event.starts_with(STOPPED);
        batch.push(&Operation {
            role: Role::Internal,
            start: stamp.map(|s| if ends_there { s.nanos.saturating_sub(duration) } else { s.nanos }),
            duration: Some(duration),
            name: Some(name),
            ..Operation::new(Kind::Pause)
        });
        Ok(())
    }
}

/// The date before an event, and the event. Date and uptime are both optional.
fn stamps(line: &[u8]) -> (Option<time::Stamp>, &[u8]) {
    // What is indented belongs to the event above; its brackets tell of steps.
    let (mut stamp, mut rest) = (None, line.trim_ascii_end());
    if let Some(at) = memmem::find(&rest[..rest.len().min(40)], b": ")
        && let Ok(read) = time::iso(&rest[..at])
    {
        stamp = Some(read);
        rest = &rest[at + 2..];
    }
    let uptime = rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b'.' | b',')).unwrap_or(0);
    if uptime > 0 && rest[uptime..].starts_with(b": ") {
        rest = &rest[uptime + 2..];
    }
    (stamp, rest)
}

/// The pause that an event is.
fn pause(event: &[u8]) -> Result<Option<(&[u8], Nanos)>, Reason> {
    if let Some(rest) = event.strip_prefix(STOPPED) {
        let seconds = rest.split(|&b| b == b' ').next().unwrap_or_default();
        return Ok(Some((b"Safepoint", number::duration(seconds, Unit::Seconds.nanos())?)));
    }
    let Some(text) = event.strip_prefix(b"[").filter(|t| t.starts_with(b"GC") || t.starts_with(b"Full GC")) else {
        return Ok(None);
    };
    if text.starts_with(b"GC concurrent") {
        return Ok(None);
    }
    // The whole collection's time is the last before the times of the processors.
    let text = &text[..memmem::find(text, b"[Times:").unwrap_or(text.len())];
    let end = memmem::rfind(text, b" secs]").ok_or(Reason::Truncated)?;
    let start = text[..end].iter().rposition(|&b| b == b' ').map_or(0, |at| at + 1);
    Ok(Some((cause(text), number::duration(&text[start..end], Unit::Seconds.nanos())?)))
}

/// `GC (Allocation Failure)`, `GC pause (G1 Evacuation Pause) (young)`, `Full GC (System.gc())`: all
/// up to the first size, bracket or comma that stands outside of parentheses.
fn cause(text: &[u8]) -> &[u8] {
    let mut depth = 0;
    let end = text.iter().position(|&b| {
        depth += i32::from(b == b'(') - i32::from(b == b')');
        depth <= 0 && (matches!(b, b'[' | b',') || b.is_ascii_digit())
    });
    text[..end.unwrap_or(text.len())].trim_ascii()
}

/// Whether an event is one of the others that such logs hold.
fn detail(event: &[u8]) -> bool {
    let starts = [
        &b"[GC concurrent"[..],
        b"[CMS-",
        b"[Parallel Time",
        b"[Times:",
        b"Application time: ",
        b"Heap",
        b"CommandLine flags:",
        b"Memory: ",
        b"OpenJDK",
        b"Java HotSpot",
        b"{Heap",
        b"}",
    ];
    starts.iter().any(|start| event.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Option<(String, Nanos)>, Reason> {
        pause(stamps(line.as_bytes()).1).map(|found| found.map(|(n, d)| (String::from_utf8_lossy(n).into_owned(), d)))
    }

    #[test]
    fn pauses_of_every_collector_are_read() {
        for (line, name, nanos) in [
            ("1.234: [GC (Allocation Failure)  65536K->10720K(251392K), 0.0123456 secs]", "GC (Allocation Failure)", 12_345_600),
            ("[GC 65536K->10720K(251392K), 0,0123456 secs]", "GC", 12_345_600),
            (
                "2026-11-22T17:55:51.653+0000: 0.5: [GC pause (G1 Evacuation Pause) (young), 0.0048 secs]",
                "GC pause (G1 Evacuation Pause) (young)",
                4_800_000,
            ),
            (
                "2026-11-22T17:55:51.653+0000: 1.0: [GC (CMS Final Remark) [YG occupancy: 1 K (2 K)]1.0: [Rescan (parallel) , \
                 0.0100000 secs][1 CMS-remark: 1K(2K)] 1K(2K), 0.0217000 secs] [Times: user=0.1 sys=0.0, real=0.02 secs]",
                "GC (CMS Final Remark)",
                21_700_000,
            ),
            ("9.0: [Full GC (System.gc()) 9K->8K(10K), 1.5 secs]", "Full GC (System.gc())", 1_500_000_000),
            ("Total time for which application threads were stopped: 0.0125000 seconds", "Safepoint", 12_500_000),
        ] {
            assert_eq!(of(line), Ok(Some((name.to_owned(), nanos))), "{line}");
        }
    }

    #[test]
    fn concurrent_work_and_details_are_no_pauses() {
        for line in [
            "1.0: [GC concurrent-mark-end, 0.0123456 secs]",
            "1.0: [CMS-concurrent-mark: 0.010/0.020 secs] [Times: user=0.1 sys=0.0, real=0.02 secs]",
            "   [Parallel Time: 4.0 ms, GC Workers: 4]",
            "Application time: 1.2 seconds",
        ] {
            assert_eq!(of(line), Ok(None), "{line}");
        }
        assert_eq!(of("1.0: [GC (Allocation Fai"), Err(Reason::Truncated));
        assert_eq!(of("1.0: [GC (Allocation Failure) 1K->1K(1K), -0.1 secs]"), Err(Reason::Duration));
    }
}
