//! pgbouncer's log: the averages of its `stats:` lines.
//!
//! A stats line tells the mean wait for a server connection over the period since the line before.
//! It becomes one wait of that length; how many clients it stands for is nowhere said. A
//! client that gave up waiting (`query_wait_timeout`) is a wait without a length. All other lines
//! (logins, closings, failures) hold no operation. <https://www.pgbouncer.org/config.html#log_stats>

use memchr::memmem;

use super::blocks::head_lines;
use crate::scan::{number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Kind, LineDecoder, Memo, Nanos, OpenError, Operation, Options, Outcome, Reason, Role,
    Spec, Stamp, Unit, Verdict,
};

/// pgbouncer's log.
pub struct Pgbouncer;

static SPEC: Spec = Spec {
    name: "pgbouncer",
    family: Family::Transaction,
    title: "pgbouncer log: mean waits of its stats lines",
    source: "https://www.pgbouncer.org/config.html#log_stats",
    stamp: Stamp::End,
    unit: Some(Unit::Micros),
    resolution_ns: 1_000,
    sample: "\
2026-11-22 17:55:51.123 UTC [1206] LOG C-0x55d: bank/app@10.0.0.5:41234 login attempt: db=bank user=app tls=no
2026-11-22 17:56:51.123 UTC [1206] LOG stats: 12 xacts/s, 34 queries/s, in 5678 B/s, out 91011 B/s, xact 12345 us, query 4567 us, wait 678 us
2026-11-22 17:57:51.123 UTC [1206] LOG stats: 10 xacts/s, 30 queries/s, 0 client parses/s, 0 server parses/s, 0 binds/s, in 5678 B/s, out 91011 B/s, xact 12345 us, query 4567 us, wait 0 us
",
};

impl Format for Pgbouncer {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let lines: Vec<_> = head_lines(head, 50).collect();
        let n = lines.iter().filter(|line| split(line).is_ok()).count();
        // The shape alone fits other servers; what only pgbouncer says must be among the lines.
        let own =
            |line: &&&[u8]| [&b" LOG stats: "[..], b" LOG C-0x", b" LOG S-0x", b" LOG Stats: "].iter().any(|w| has(line, w));
        if n == 0 || n * 10 < lines.len() * 6 || !lines.iter().any(|line| own(&line)) {
            return Verdict::NO;
        }
        Verdict::new(90, format!("{n} of {} lines with stamp, pid and level, stats or C-/S- sockets among them", lines.len()))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let first = head_lines(head, 50).find_map(|line| split(line).ok()).map(|(stamp, _)| stamp);
        let zone_missing = first.is_some_and(|stamp| !stamp.zoned);
        let mut assumptions =
            vec!["A stats line stands for one wait of its mean length, as it does not say how many there were.".to_owned()];
        if zone_missing {
            assumptions.push("The timestamps have no zone; they were read as UTC.".to_owned());
        }
        let stamp_resolution_ns = first.map_or(0, time::Stamp::resolution_ns);
        let facts = Facts {
            stamp: Some(Stamp::End),
            unit: Some(Unit::Micros),
            resolution_ns: 1_000,
            stamp_resolution_ns,
            zone_missing,
            layout: String::new(),
            assumptions,
        };
        Ok(Box::new(PgbouncerDecoder { facts }))
    }
}

fn has(line: &[u8], text: &[u8]) -> bool {
    memmem::find(line, text).is_some()
}

struct PgbouncerDecoder {
    facts: Facts,
}

impl LineDecoder for PgbouncerDecoder {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let (stamp, message) = split(line)?;
        if message.ends_with(b"pooler error: query_wait_timeout") {
            batch.push(&Operation { outcome: Outcome::TimedOut, start: Some(stamp.nanos), ..wait_op() });
            return Ok(());
        }
        // Version 1.8 and before: "Stats: 0 req/s, in 0 b/s, out 0 b/s,query 0 us"; no wait in it.
        let Some(stats) = message.strip_prefix(b"stats: ") else { return Ok(()) };
        let Some(wait) = micros(stats, b"wait ")? else { return Ok(()) };
        let start = Some(stamp.nanos.saturating_sub(wait));
        batch.push(&Operation { start, duration: Some(wait), ..wait_op() });
        Ok(())
    }
}

/// A wait for a server connection.
fn wait_op() -> Operation<'static> {
    Operation { role: Role::Server, name: Some(b"pgbouncer"), system: Some(b"pgbouncer"), ..Operation::new(Kind::PoolWait) }
}

/// The value of `key 123 us`; versions 1.8 and 1.9 write `key time 123 us`.
fn micros(stats: &[u8], key: &[u8]) -> Result<Option<Nanos>, Reason> {
    for part in stats.split(|&b| b == b',') {
        if let Some(value) = part.trim_ascii().strip_prefix(key) {
            let value = value.strip_prefix(b"time ").unwrap_or(value).strip_suffix(b" us").ok_or(Reason::Truncated)?;
            return number::duration(value, 1_000).map(Some);
        }
    }
    Ok(None)
}

/// The stamp of a line and its message: `2026-11-22 17:55:51.123 UTC [1206] LOG stats: ...`;
/// versions before 1.13 write the process id first and no zone.
fn split(line: &[u8]) -> Result<(time::Stamp, &[u8]), Reason> {
    if !line.first().is_some_and(u8::is_ascii_digit) {
        return Err(Reason::Shape);
    }
    let (stamp, rest) = time::iso_prefix(line)?;
    // An unknown zone is passed over.
    let open = rest.iter().take(12).position(|&b| b == b'[' || b.is_ascii_digit()).ok_or(Reason::Shape)?;
    let rest = rest[open..].strip_prefix(b"[").unwrap_or(&rest[open..]);
    let pid = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    let rest = rest[pid..].strip_prefix(b"]").unwrap_or(&rest[pid..]);
    let rest = rest.strip_prefix(b" ").ok_or(Reason::Shape)?;
    let level = rest.iter().position(|&b| b == b' ').unwrap_or(rest.len());
    if pid == 0 || !matches!(&rest[..level], b"LOG" | b"WARNING" | b"ERROR" | b"FATAL" | b"DEBUG" | b"NOISE") {
        return Err(Reason::Shape);
    }
    Ok((stamp, rest[level..].trim_ascii_start()))
}
