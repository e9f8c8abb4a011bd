//! PostgreSQL's stderr log, with any `log_line_prefix`; what syslog leaves of one is read, too.
//!
//! An event runs over the lines of its message (continued behind a tab) and its DETAIL, HINT,
//! CONTEXT and STATEMENT lines, which the server writes in one go.
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html>

use memchr::memchr;

use super::message::{self, Event};
use super::prefix::{Line, Prefix, split};
use super::{facts, stamp};
use crate::peel::{self, Head, syslog_head};
use crate::transaction::blocks::{each_record, head_lines};
use crate::{Batch, Boundary, Chunk, Decoder, Facts, Family, Format, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict};

/// PostgreSQL's stderr log.
pub struct Postgres;

static SPEC: Spec = Spec {
    name: "postgres",
    family: Family::Transaction,
    title: "PostgreSQL server log (stderr) with any log_line_prefix",
    source: "https://www.postgresql.org/docs/current/runtime-config-logging.html",
    stamp: Stamp::End,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000,
    sample: "\
2026-11-22 17:48:00.527 UTC [12575] LOG:  listening on IPv4 address \"127.0.0.1\", port 15432
2026-11-22 17:48:11.140 UTC [12898] bank@bank [unknown] LOG:  duration: 0.108 ms  parse <unnamed>: SELECT a
\tFROM t WHERE id = $1 /*action='pay',rid='2fff31898e6a6d29f926026d7958163e'*/
2026-11-22 17:48:11.142 UTC [12898] bank@bank omni-backend LOG:  duration: 0.026 ms  execute S_1/C_2: SELECT 1
2026-11-22 17:48:11.142 UTC [12898] bank@bank omni-backend DETAIL:  parameters: $1 = '3039'
2026-11-22 17:48:12.950 UTC [12898] bank@bank omni-backend LOG:  process 12898 acquired ShareLock on transaction 740 after 1008.250 ms
",
};

impl Format for Postgres {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let carrier = Carrier::of(head);
        let starts = head_lines(head, 50).map(|line| untag(carrier.strip(line).text)).filter(|line| !goes_on(*line));
        let lines: Vec<_> = starts.map(|(_, line)| split(line)).collect();
        let split: Vec<_> = lines.iter().filter_map(|line| *line).collect();
        if split.len() * 10 < lines.len() * 6 {
            return Verdict::NO;
        }
        let Some((prefix, n)) = find(&split) else { return Verdict::NO };
        // Programs of all kinds write `ERROR:  `; only a prefix with a time is PostgreSQL's by itself.
        if n * 10 < lines.len() * 6 || !(prefix.has_time() || split.iter().any(is_telling)) {
            return Verdict::NO;
        }
        let evidence = format!("{n} of {} lines with log_line_prefix '{}'", lines.len(), prefix.text());
        Verdict::new(if prefix.has_time() { 88 } else { 78 }, evidence)
    }

    fn reads_syslog(&self) -> bool {
        true
    }

    fn takes_layout(&self, layout: &str) -> bool {
        layout.trim_start().starts_with("log_line_prefix")
            || (["%m", "%t", "%n"].iter().any(|e| layout.contains(e))
                && ["%p", "%c", "%q"].iter().any(|e| layout.contains(e))
                && Prefix::compile(layout).is_ok())
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let carrier = Carrier::of(head);
        let lines: Vec<_> = head_lines(head, 400).filter_map(|l| split(untag(carrier.strip(l).text).1)).collect();
        let prefix = match &options.layout {
            Some(layout) => Prefix::compile(layout)?,
            None => match find(&lines) {
                Some((prefix, _)) => prefix,
                None => {
                    return Err(OpenError::new("the log_line_prefix cannot be told from the log; give it with --log-format"));
                }
            },
        };
        let carried = || head_lines(head, 400).find_map(|line| carrier.strip(line).stamp);
        let first = lines.iter().find_map(|line| prefix.event(line)?.1).or_else(carried);
        let mut facts = facts(first, prefix.text());
        if prefix.is_loose() {
            facts.assumptions.push(
                "The log_line_prefix is none of the known ones: the first lone number was read as the process id, \
                 user@database and db=, app= as what they say."
                    .to_owned(),
            );
        }
        if lines.iter().any(is_foreign) {
            facts.assumptions.push(
                "The server's messages are not in English, so their statements are not read; lc_messages = 'C' would tell."
                    .to_owned(),
            );
        }
        let plans = message::has_plans_alone(head);
        facts.assumptions.extend(plans.then(|| message::PLANS_ALONE.to_owned()));
        if !prefix.has_time() {
            facts.assumptions.push(match (carrier, first) {
                (Carrier::Syslog, Some(_)) => "The log_line_prefix has no time: that of the syslog head was taken.".to_owned(),
                (Carrier::Syslog, None) => "Neither the log_line_prefix nor the syslog head has a whole time (the head \
                                            names no year): the operations cannot be placed."
                    .to_owned(),
                (Carrier::None, _) => "The log_line_prefix has no time: the operations cannot be placed.".to_owned(),
            });
        }
        Ok(Box::new(StderrDecoder { carrier, prefix, plans, facts }))
    }
}

/// Whether a line is one that no other program writes.
fn is_telling(line: &Line<'_>) -> bool {
    const STARTS: [&[u8]; 16] = [
        b"duration: ",
        b"statement: ",
        b"execute ",
        b"checkpoint ",
        b"restartpoint ",
        b"database system ",
        b"connection received: ",
        b"connection authorized: ",
        b"connection authenticated: ",
        b"disconnection: ",
        b"automatic vacuum of table ",
        b"automatic analyze of table ",
        b"temporary file: ",
        b"starting PostgreSQL ",
        b"listening on ",
        b"autovacuum launcher ",
    ];
    let process = || line.message.starts_with(b"process ") && memchr::memmem::find(line.message, b"Lock on ").is_some();
    line.severity == b"LOG" && (STARTS.iter().any(|start| line.message.starts_with(start)) || process())
}

/// Whether a line tells a duration under a name that is not English: `Dauer: 12.345 ms`.
fn is_foreign(line: &Line<'_>) -> bool {
    let Some(colon) = memchr(b':', line.message).filter(|&at| at < 24 && !line.message.starts_with(b"duration")) else {
        return false;
    };
    let value = line.message[colon + 1..].trim_ascii_start();
    let digits = value.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    line.severity == b"LOG" && digits > 2 && value[digits..].starts_with(b" ms")
}

/// The prefix that fits most lines: a known one, or else a loose reading.
fn find(lines: &[Line<'_>]) -> Option<(Prefix, usize)> {
    let known = Prefix::detect(lines);
    if let Some((_, n)) = &known
        && n * 10 >= lines.len() * 6
    {
        return known;
    }
    let loose = Prefix::loose();
    let n = lines.iter().filter(|line| loose.event(line).is_some()).count();
    if known.as_ref().is_some_and(|(_, most)| *most >= n) { known } else { (n > 0).then_some((loose, n)) }
}

/// What stands before the server's own prefix. A session is told by its process id, and where that is
/// not in the prefix it stands in syslog's tag.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Carrier {
    None,
    Syslog,
}

impl Carrier {
    fn of(head: &[u8]) -> Carrier {
        let syslog = peel::sniff(head).is_some_and(|prefix| !prefix.is_container);
        if syslog { Carrier::Syslog } else { Carrier::None }
    }

    /// The line behind the carrier, and what that says.
    fn strip(self, line: &[u8]) -> Head<'_> {
        let bare = Head { stamp: None, pid: None, text: line };
        if self == Carrier::None { bare } else { syslog_head(line).unwrap_or(bare) }
    }
}

/// Whether a line, given with its part's number, goes on with a statement.
fn goes_on((part, line): (u32, &[u8])) -> bool {
    part > 1 || line.starts_with(b"\t") || line.starts_with(b"#011")
}

struct StderrDecoder {
    carrier: Carrier,
    prefix: Prefix,
    plans: bool,
    facts: Facts,
}

impl StderrDecoder {
    fn line<'a>(&self, line: &'a [u8]) -> Option<Line<'a>> {
        if self.prefix.may_start(line) { split(line) } else { None }
    }

    fn record(&self, record: &[u8], texts: &mut [Vec<u8>; 2], batch: &mut Batch) -> Result<(), Reason> {
        let (first, rest) = cut_line(record);
        let head = self.carrier.strip(first);
        let line = self.line(untag(head.text).1).ok_or(Reason::Shape)?;
        let Some((mut event, _)) = self.prefix.event(&line) else {
            return Err(if self.prefix.begins_with_date() && stamp(line.prefix).is_err() { Reason::Time } else { Reason::Shape });
        };
        if !line.is_primary() {
            return Ok(());
        }
        event.stamp = event.stamp.or(head.stamp.map(|stamp| stamp.nanos));
        event.pid = event.pid.or(head.pid);
        event.plans = self.plans;
        if rest.is_empty() {
            return message::push(&event, batch);
        }
        let [message, statement] = texts;
        self.gather(event.message, rest, message, statement);
        let event = Event { message, statement: (!statement.is_empty()).then_some(statement.as_slice()), ..event };
        message::push(&event, batch)
    }

    /// The whole message and the STATEMENT of an event of several lines, without the tabs that the
    /// server puts before each further line.
    fn gather(&self, first: &[u8], mut rest: &[u8], message: &mut Vec<u8>, statement: &mut Vec<u8>) {
        message.clear();
        statement.clear();
        message.extend_from_slice(first);
        let mut part = Some(&mut *message);
        let mut in_statement = false;
        while !rest.is_empty() {
            let (line, after) = cut_line(rest);
            rest = after;
            let (_, text) = untag(self.carrier.strip(line).text);
            if let Some(line) = self.line(text).filter(|line| self.prefix.event(line).is_some()) {
                in_statement = line.severity == b"STATEMENT";
                part = None;
                if in_statement {
                    statement.clear();
                    statement.extend_from_slice(line.message);
                }
                continue;
            }
            let text = text.strip_prefix(b"\t").or_else(|| text.strip_prefix(b"#011")).unwrap_or(text);
            let to = if in_statement { Some(&mut *statement) } else { part.as_deref_mut() };
            if let Some(to) = to {
                to.push(b'\n');
                to.extend_from_slice(text);
            }
        }
    }
}

impl Decoder for StderrDecoder {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn boundary(&self) -> Boundary {
        Boundary::Record
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        let (part, line) = untag(self.carrier.strip(line).text);
        part <= 1 && self.line(line).is_some_and(|line| line.is_primary())
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut texts = [Vec::new(), Vec::new()];
        each_record(chunk, batch, |line| self.starts_record(line), |record, batch| self.record(record, &mut texts, batch));
    }
}

/// The first line of a record, and the rest.
fn cut_line(record: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr(b'\n', record) {
        Some(at) => (&record[..at], &record[at + 1..]),
        None => (record, &b""[..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// The number of the part that syslog put before a line, `[3-2] `, and the line; 0 when there is none.
fn untag(line: &[u8]) -> (u32, &[u8]) {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let Some(rest) = line.strip_prefix(b"[") else { return (0, line) };
    let command = digits(rest);
    let Some(part_text) = rest[command..].strip_prefix(b"-") else { return (0, line) };
    let n = digits(part_text);
    let part = std::str::from_utf8(&part_text[..n]).ok().and_then(|n| n.parse().ok());
    match (part, part_text[n..].strip_prefix(b"] ")) {
        (Some(part), Some(rest)) if command > 0 => (part, rest),
        _ => (0, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_syslog_are_told() {
        assert_eq!(untag(b"[3-2] #011FROM t"), (2, &b"#011FROM t"[..]));
        assert_eq!(untag(b"[12] LOG"), (0, &b"[12] LOG"[..]));
        assert_eq!(untag(b"[-1] x"), (0, &b"[-1] x"[..]));
        assert_eq!(untag(b"[3-99999999999] x").0, 0);
    }

    #[test]
    fn without_a_time_only_the_servers_own_messages_tell() {
        let score = |line: &str| Postgres.sniff(line.repeat(4).as_bytes()).score;
        assert_eq!(score("INFO:     127.0.0.1:50000 - \"GET / HTTP/1.1\" 200 OK\n"), 0);
        assert_eq!(score("ERROR:  failed thing\n"), 0);
        assert_eq!(score("LOG:  failed thing\n"), 0);
        assert_eq!(score("LOG:  duration: 1.5 ms  statement: SELECT 1\n"), 78);
        assert_eq!(score("ERROR:  syntax error\nSTATEMENT:  SELEC\nLOG:  connection received: host=[local]\n"), 78);
    }

    #[test]
    fn layouts_are_taken() {
        assert!(Postgres.takes_layout("%m [%p] %q%u@%d "));
        assert!(Postgres.takes_layout("log_line_prefix = '%t '"));
        assert!(!Postgres.takes_layout("%h %l %u %t \"%r\" %>s %b"));
        assert!(!Postgres.takes_layout("$remote_addr $request_time"));
    }
}
