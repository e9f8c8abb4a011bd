//! Application logs as logback, log4j, java.util.logging, Serilog, Python's logging, logfmt and
//! JSON loggers write them. Transactions are read by key, messages of pools by their text; all
//! other records are recognised and yield nothing. Where requests are told by a record of their
//! start and one of their end, each of the two is an operation without a duration.
//! <https://logback.qos.ch/manual/layouts.html>

mod event;
mod exhaustion;
mod head;
mod hikari;
mod names;
mod phrase;
mod record;
mod settle;
mod sizes;
mod structured;
mod thread_pool;
mod transaction;
mod words;

use memchr::{memchr, memchr_iter, memrchr};

use crate::lines::each_line;
use crate::scan::time::Stamp as Moment;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, OpenError, Operation, Options, Reason, Spec, Stamp, Unit, Verdict,
};
use event::Words;
use head::{Layout, When};
use names::Names;
use record::Record;
use settle::Settled;
use transaction::Reading;

/// As many lines tell the units of a log: more than a head of 64 KiB holds.
const MOST_LINES: usize = 10_000;

/// The longest record that is read, in bytes.
const MAX_RECORD: usize = 16 << 20;

/// Application logs.
pub(super) struct AppLog;

static SPEC: Spec = Spec {
    name: "app-log",
    family: Family::Transaction,
    title: "Application log (logback, log4j, java.util.logging, Serilog, Python, logfmt, JSON)",
    source: "https://logback.qos.ch/manual/layouts.html",
    stamp: Stamp::End,
    unit: None,
    resolution_ns: 1_000_000,
    sample: "\
2026-11-22 17:45:07,120 DEBUG [main] com.zaxxer.hikari.HikariConfig - HikariPool-1 - configuration:
2026-11-22 17:45:07,121 DEBUG [main] com.zaxxer.hikari.HikariConfig - maximumPoolSize.................3
2026-11-22 17:45:07,121 DEBUG [main] com.zaxxer.hikari.HikariConfig - poolName........................\"HikariPool-1\"
2026-11-22 17:45:07,300 INFO  [main] com.example.Bank - started: worker.threads=12 pool.size=3
2026-11-22 17:45:08,211 DEBUG [HikariPool-1 housekeeper] c.z.h.pool.HikariPool - HikariPool-1 - Pool stats (total=3, active=3, idle=0, waiting=7)
2026-11-22 17:45:08,402 ERROR [worker-22] com.example.Bank - PAY failed rid=85aeb5ff947412f3d4042976d4d4da26
java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 1000ms.
\tat com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:181)
2026-11-22 17:45:08,403 INFO  [worker-22] txn - txnId=219 rid=85aeb5ff947412f3d4042976d4d4da26 type=PAY status=ERROR reason=POOL_TIMEOUT http=503 total_ms=1006.4 queue_ms=0.1 pool_wait_ms=1000.4 db_ms=0.0 db_calls=0
",
};

impl Format for AppLog {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let Some(settled) = settle::settle(head, &Names::default(), settle::LINES) else { return Verdict::NO };
        let known = settled.transactions > 0 || memchr::memmem::find(&head[..head.len().min(16 << 10)], b"ikariPool").is_some();
        let score = match settled.layout {
            Layout::Iso | Layout::Bracketed | Layout::Named | Layout::Ruby | Layout::Carbon | Layout::Jul => 82,
            Layout::Clock | Layout::BracketedClock => 72,
            Layout::Json | Layout::Logfmt => 70,
        };
        let more = match settled.layout {
            // Requests alone are read better by key, as JSON lines; the parts of a transaction only here.
            Layout::Json if settled.parted => 7,
            Layout::Json if known => 2,
            _ if known => 5,
            _ => 0,
        };
        Verdict::new(score + more, evidence(&settled))
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let names = options.layout.as_deref().map(Names::parse).transpose()?.unwrap_or_default();
        let settled = settle::settle(head, &names, MOST_LINES).ok_or_else(|| {
            OpenError::new(
                "no line starts with a timestamp and a level as application logs have; name the format with --log-format",
            )
        })?;
        let facts = facts(&settled, options);
        let unit = facts.unit.unwrap_or(Unit::Millis);
        let stamp = facts.stamp.unwrap_or(Stamp::End);
        Ok(Box::new(Log { layout: settled.layout, names, unit, stamp, words: settled.words, facts }))
    }
}

fn evidence(settled: &Settled) -> String {
    let Settled { lines, heads, transactions, layout, .. } = settled;
    format!("{heads} of {lines} lines with timestamp and level ({}); {transactions} transactions among them", layout.name())
}

fn facts(settled: &Settled, options: &Options) -> Facts {
    let mut assumptions = Vec::new();
    let unit = options.unit.or(settled.bare);
    if let (None, Some(unit)) = (options.unit, settled.bare) {
        assumptions.push(format!("Durations that name no unit are in {}, by the look of the first of them.", unit.symbol()));
    }
    if settled.unnamed * 2 > settled.transactions {
        assumptions.push(format!(
            "{} of the first {} transactions name no request, so they count as one; `--log-format app-log:target=KEY` tells which \
             key does.",
            settled.unnamed, settled.transactions
        ));
    }
    if !settled.dated {
        assumptions.push("The timestamps have no date, so nothing in this log can be placed in time.".to_owned());
    }
    let stamp_step = Moment { nanos: 0, zoned: false, digits: settled.digits }.resolution_ns();
    if let Some((start, end)) = settled.words.map(|words| words.texts()) {
        assumptions.push(format!(
            "Requests are told by a record of their start (`{start}`) and one of their end (`{end}`); how long they took is the time \
             between the two."
        ));
    }
    Facts {
        stamp: Some(options.stamp.unwrap_or(Stamp::End)),
        unit,
        resolution_ns: settled.step.or(settled.words.map(|_| stamp_step)).unwrap_or(0),
        stamp_resolution_ns: stamp_step,
        zone_missing: !settled.zoned && settled.dated,
        layout: settled.layout.name().to_owned(),
        assumptions,
    }
}

/// The decoder of one application log.
struct Log {
    layout: Layout,
    names: Names,
    unit: Unit,
    stamp: Stamp,
    /// What tells a start or an end that has a record of its own.
    words: Option<Words>,
    facts: Facts,
}

impl Decoder for Log {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn boundary(&self) -> Boundary {
        if matches!(self.layout, Layout::Json | Layout::Logfmt) { Boundary::Line } else { Boundary::Record }
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        self.layout.stamp(line).is_some() && !hikari::is_property(line)
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        match self.layout {
            Layout::Json => each_line(chunk, batch, |line, batch| {
                self.structured(line, structured::json(line, &self.names, self.unit)?, batch)
            }),
            Layout::Logfmt => each_line(chunk, batch, |line, batch| {
                self.structured(line, structured::logfmt(line, &self.names, self.unit), batch)
            }),
            _ => self.text(chunk, batch),
        }
    }
}

impl Log {
    /// Cuts a chunk into records and reads each.
    fn text(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let bytes = chunk.bytes;
        let (mut at, mut number) = (0, 0);
        let mut open: Option<(usize, u32)> = None;
        while at < bytes.len() {
            let len = memchr(b'\n', &bytes[at..]).map_or(bytes.len() - at, |i| i + 1);
            let line = &bytes[at..at + len];
            if self.starts_record(line) {
                self.close(chunk, open, at, batch);
                open = Some((at, number));
            } else if let Some(reason) = damage(line) {
                self.close(chunk, open.take(), at, batch);
                batch.record(chunk.offset + at as u64, number);
                batch.reject(line.trim_ascii_end().len(), reason);
            } else if open.is_none() && !line.trim_ascii().is_empty() {
                // What stands before the first record: a banner, the end of a record cut off.
                open = Some((at, number));
            }
            at += len;
            number += 1;
        }
        self.close(chunk, open, bytes.len(), batch);
        batch.lines = number;
    }

    /// Reads the record that ends at `end`.
    fn close(&self, chunk: Chunk<'_>, open: Option<(usize, u32)>, end: usize, batch: &mut Batch) {
        let Some((start, line)) = open else { return };
        let text = chunk.bytes[start..end].trim_ascii_end();
        batch.record(chunk.offset + start as u64, line);
        let outcome = if text.len() > MAX_RECORD { Err(Reason::TooLong) } else { self.record(chunk, text, line, batch) };
        if let Err(reason) = outcome {
            batch.reject(text.len(), reason);
        }
    }

    fn record<'a>(&self, chunk: Chunk<'a>, text: &'a [u8], line: u32, batch: &mut Batch) -> Result<(), Reason> {
        let Some(head) = head::read(self.layout, text) else { return Ok(()) };
        let start = place_in(chunk.bytes, text);
        let message = place_in(text, head.message);
        let reading = phrase::read_head(&head, &self.names, self.unit);
        let end = head.when.nanos;
        let operation = self.request(&reading, head.message, end, head.thread)?;
        if let Some(operation) = &operation {
            batch.push(operation);
            if memchr(b'\n', &text[message..]).is_none() {
                return Ok(());
            }
        }
        let (request, trace) = reading.ids();
        let record = Record { text: &text[message..], end, thread: head.thread, request, trace };
        let mut push = |place: &'a [u8], operation: Operation<'a>| {
            let at = place_in(chunk.bytes, place);
            let line_start = memrchr(b'\n', &chunk.bytes[start..at]).map_or(start, |i| start + i + 1);
            let number = line + memchr_iter(b'\n', &chunk.bytes[start..line_start]).count() as u32;
            batch.place(chunk.offset + line_start as u64, number);
            batch.push(&operation);
        };
        messages(&record, operation.is_none(), &mut push);
        Ok(())
    }

    /// Reads a record of one line.
    fn structured<'a>(&self, line: &'a [u8], reading: Reading<'a>, batch: &mut Batch) -> Result<(), Reason> {
        let when = match reading.time {
            Some(time) => structured::when(time).ok_or(Reason::Time)?,
            None if reading.message.is_none() && reading.level.is_none() && !reading.is_request() => return Err(Reason::Shape),
            None => When::default(),
        };
        let operation = self.request(&reading, reading.message.unwrap_or_default(), when.nanos, None)?;
        if let Some(operation) = &operation {
            batch.push(operation);
        }
        let (request, trace) = reading.ids();
        let record = Record { text: reading.message.unwrap_or(line), end: when.nanos, thread: reading.thread, request, trace };
        let mut push = |_: &'a [u8], operation: Operation<'a>| batch.push(&operation);
        messages(&record, operation.is_none(), &mut push);
        if let Some(text) = reading.stack {
            messages(&Record { text, ..record }, false, &mut push);
        }
        Ok(())
    }

    /// The transaction that a record is, or the start or end of one.
    fn request<'a>(
        &self,
        reading: &Reading<'a>,
        message: &'a [u8],
        stamp: Option<i64>,
        thread: Option<&'a [u8]>,
    ) -> Result<Option<Operation<'a>>, Reason> {
        let mut operation = reading.operation(stamp, thread)?;
        if let Some(operation) = operation.as_mut().filter(|_| self.stamp == Stamp::Start) {
            operation.start = stamp;
        }
        match self.words.filter(|_| operation.is_none()) {
            Some(words) => reading.event(message, stamp, thread, |verb| words.has(verb)),
            None => Ok(operation),
        }
    }
}

/// Reads what pools and start-up lines say. A transaction's own pairs are no sizes.
fn messages<'a>(record: &Record<'a>, with_sizes: bool, push: &mut record::Push<'_, 'a>) {
    hikari::read(record, push);
    exhaustion::read(record, push);
    thread_pool::read(record, push);
    if with_sizes {
        sizes::read(record, push);
    }
}

/// Why a line that starts no record is no continuation of one either: NULs that a crash left, or
/// a timestamp that cannot be.
fn damage(line: &[u8]) -> Option<Reason> {
    let digits = |from: usize| line.get(from..from + 2).is_some_and(|two| two.iter().all(u8::is_ascii_digit));
    let like_iso = line.len() >= 19 && digits(0) && digits(2) && line[4] == b'-' && line[7] == b'-' && line[13] == b':';
    if line.first() == Some(&0) { Some(Reason::Binary) } else { (like_iso && !hikari::is_property(line)).then_some(Reason::Time) }
}

/// Where in a text a part of it stands; the end where it is none.
fn place_in(text: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize).min(text.len())
}
