//! The garbage collection log of JDK 8 and before: `-verbose:gc`, `-XX:+PrintGCDetails`,
//! `-XX:+PrintGCDateStamps`, `-XX:+PrintGCApplicationStoppedTime`.
//!
//! A collection is stamped with its start, the stop of all threads with its end. A collection's record
//! runs to where its bracket closes, over whatever is printed in between.
//! <https://docs.oracle.com/javase/8/docs/technotes/guides/vm/gctuning/>

use memchr::{memchr, memmem};

use crate::scan::{number, time};
use crate::transaction::blocks::{each_record, head_lines};
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Kind, Nanos, OpenError, Operation, Options, Reason, Role, Spec,
    Stamp, Unit, Verdict,
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
        let (mut lines, mut fit) = (0, 0);
        for line in head_lines(head, 50).filter(|line| !line.trim_ascii().is_empty()) {
            lines += 1;
            fit += usize::from(line[0].is_ascii_whitespace() || is_start(line) || is_detail(stamps(line).1));
        }
        if fit * 10 < lines * 6 {
            return Verdict::NO;
        }
        let mut pauses = 0;
        let chunk = Chunk::whole(&head[..head.len().min(1 << 14)]);
        each_record(chunk, &mut Batch::new(&chunk), is_start, |record, _| {
            pauses += usize::from(matches!(pause(stamps(record).1), Ok(Some(_))));
            Ok(())
        });
        if pauses == 0 {
            return Verdict::NO;
        }
        Verdict::new(92, format!("{fit} of {lines} lines of a JVM's collections; {pauses} pauses among them"))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let stamp = head_lines(head, 500).find_map(|line| stamps(line).0);
        Ok(Box::new(Log { stamp }))
    }
}

/// The decoder of one log: all it needs is whether there is a clock.
struct Log {
    stamp: Option<time::Stamp>,
}

impl Decoder for Log {
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

    fn boundary(&self) -> Boundary {
        Boundary::Record
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        is_start(line)
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        each_record(chunk, batch, is_start, |record, batch| self.record(record, batch));
    }
}

impl Log {
    fn record(&self, record: &[u8], batch: &mut Batch) -> Result<(), Reason> {
        let (stamp, event) = stamps(record);
        let Some(Pause { name, duration, stamps_end }) = pause(event)? else {
            let undated = self.stamp.is_some() && stamp.is_none() && event.first().is_some_and(u8::is_ascii_digit);
            return match () {
                () if memchr(0, record).is_some() => Err(Reason::Binary),
                () if undated && is_start(record) => Err(Reason::Time),
                () => Ok(()),
            };
        };
        if self.stamp.is_some() && stamp.is_none() {
            return Err(Reason::Time);
        }
        batch.push(&Operation {
            role: Role::Internal,
            start: stamp.map(|s| if stamps_end { s.nanos.saturating_sub(duration) } else { s.nanos }),
            duration: Some(duration),
            name: Some(name),
            ..Operation::new(Kind::Pause)
        });
        Ok(())
    }
}

/// Whether a line begins a record. A collection runs on over what the collector's options, and threads
/// that work beside it, print before its brackets close.
fn is_start(line: &[u8]) -> bool {
    let (_, event) = stamps(&line[..line.len().min(160)]);
    let named = [STOPPED, b"Application time: ", b"[Pause "].iter().any(|start| event.starts_with(start));
    // A damaged date is left before its event.
    let event = match memmem::find(&event[..event.len().min(80)], b": [") {
        Some(at) if event[0].is_ascii_digit() => &event[at + 2..],
        _ => event,
    };
    named || is_collection(event)
}

fn is_collection(event: &[u8]) -> bool {
    let others = [&b"[GC concurrent"[..], b"[GC Worker"];
    (event.starts_with(b"[GC") || event.starts_with(b"[Full GC")) && !others.iter().any(|other| event.starts_with(other))
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

/// A stop of the application.
#[derive(Debug, Eq, PartialEq)]
struct Pause<'a> {
    name: &'a [u8],
    duration: Nanos,
    /// Whether it was printed when it was over, rather than begun to be when it began.
    stamps_end: bool,
}

/// The pause that an event is.
fn pause(event: &[u8]) -> Result<Option<Pause<'_>>, Reason> {
    if let Some(rest) = event.strip_prefix(STOPPED) {
        let seconds = rest.split(|&b| b == b' ').next().unwrap_or_default();
        let duration = number::duration(seconds, Unit::Seconds.nanos())?;
        return Ok(Some(Pause { name: b"Safepoint", duration, stamps_end: true }));
    }
    if event.starts_with(b"[Pause ") {
        return shenandoah(event);
    }
    if !is_collection(event) {
        return Ok(None);
    }
    let Some(end) = closed(event) else {
        // A scavenge before the remark is printed within it as a record of its own; the remark's time
        // is at the end of that.
        let holds_another = memmem::find(event, b"[YG occupancy").is_some() && memmem::find(event, b"{Heap before").is_some();
        return if holds_another { Ok(None) } else { Err(Reason::Truncated) };
    };
    let text = event[1..end].strip_suffix(b" secs").ok_or(Reason::Shape)?;
    let start = text.iter().rposition(|&b| b == b' ').map_or(0, |at| at + 1);
    let duration = number::duration(&text[start..], Unit::Seconds.nanos())?;
    Ok(Some(Pause { name: cause(&event[1..]), duration, stamps_end: false }))
}

/// `[Pause Init Mark (process weakrefs), 3.341 ms]`, which the Shenandoah of JDK 8 prints behind one
/// with `start` in the place of the time.
fn shenandoah(event: &[u8]) -> Result<Option<Pause<'_>>, Reason> {
    let line = event.split(|&b| b == b'\n').next().unwrap_or_default().trim_ascii_end();
    let text = line.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).ok_or(Reason::Truncated)?;
    let comma = memmem::rfind(text, b", ").ok_or(Reason::Shape)?;
    let (name, time) = (&text[..comma], &text[comma + 2..]);
    if time == b"start" {
        return Ok(None);
    }
    let millis = time.strip_suffix(b" ms").ok_or(Reason::Shape)?;
    let duration = number::duration(millis, Unit::Millis.nanos())?;
    // The sizes of the heap follow the name.
    let end = name.iter().position(u8::is_ascii_digit).unwrap_or(name.len());
    Ok(Some(Pause { name: name[..end].trim_ascii_end(), duration, stamps_end: true }))
}

/// Where the bracket of a record's first byte closes; or one further out, where the record is part of
/// another. The heap's addresses are half-open intervals, `[0x0, 0x1, 0x2)`.
fn closed(event: &[u8]) -> Option<usize> {
    let (mut depth, mut end) = (0i32, None);
    for at in memchr::memchr2_iter(b'[', b']', event) {
        match event[at] {
            b'[' if event[at + 1..].starts_with(b"0x") => {}
            b'[' => depth += 1,
            _ => {
                depth -= 1;
                if depth == 0 && end.is_none() {
                    end = Some(at);
                } else if depth < 0 {
                    return event[..at].ends_with(b" secs").then_some(at).or(end);
                }
            }
        }
    }
    end
}

/// `GC (Allocation Failure)`, `GC pause (G1 Evacuation Pause) (young)`, `GC remark`,
/// `Full GC (System.gc())`: the first words, and the parentheses behind them.
fn cause(text: &[u8]) -> &[u8] {
    let mut end = if text.starts_with(b"Full GC") { 7 } else { 2 };
    loop {
        let rest = &text[end..];
        let blanks = rest.iter().take_while(|b| **b == b' ').count();
        let rest = &rest[blanks..];
        let word = rest.iter().take_while(|b| b.is_ascii_lowercase()).count();
        let (mut depth, mut closes) = (0, None);
        for (at, b) in rest.iter().enumerate().take(120).take_while(|(at, b)| *at > 0 || **b == b'(') {
            depth += i32::from(*b == b'(') - i32::from(*b == b')');
            if depth == 0 {
                closes = Some(at + 1);
                break;
            }
        }
        match (word, closes) {
            (_, Some(len)) => end += blanks + len,
            (1.., None) if blanks > 0 => end += blanks + word,
            _ => return &text[..end],
        }
    }
}

/// Whether a line is one of the others that such logs hold.
fn is_detail(event: &[u8]) -> bool {
    let starts = [
        &b"[GC concurrent"[..],
        b"[CMS-",
        b"[Concurrent ",
        b"[Rescan ",
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
        b"Desired survivor size ",
        b"- age ",
        b", ",
        b"AdaptiveSize",
        b"PSAdaptiveSizePolicy",
    ];
    let sizes = || event.starts_with(b": ") && memmem::find(event, b"K->").is_some();
    starts.iter().any(|start| event.starts_with(start)) || sizes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Option<(String, Nanos)>, Reason> {
        let found = pause(stamps(line.as_bytes()).1)?;
        Ok(found.map(|pause| (String::from_utf8_lossy(pause.name).into_owned(), pause.duration)))
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
            (
                "1.0: [GC (Allocation Failure)AdaptiveSizePolicy::x:  survived: 1\n [PSYoungGen: 2K->1K(3K)] 2K->1K(5K), 0,0082 secs] \
                 [Times: user=0,02 sys=0,00, real=0,01 secs]\n1.1: [GC concurrent-mark-end, 0.5 secs]",
                "GC (Allocation Failure)",
                8_200_000,
            ),
            ("1.0: [Pause Init Mark (process weakrefs), 3.341 ms]", "Pause Init Mark (process weakrefs)", 3_341_000),
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
            "1.0: [Pause Init Mark, start]",
        ] {
            assert_eq!(of(line), Ok(None), "{line}");
        }
        assert_eq!(of("1.0: [GC (Allocation Fai"), Err(Reason::Truncated));
        assert_eq!(of("1.0: [GC (Allocation Failure) 1K->1K(1K), -0.1 secs]"), Err(Reason::Duration));
    }
}
