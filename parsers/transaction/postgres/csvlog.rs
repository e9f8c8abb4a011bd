//! PostgreSQL's csvlog.
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-CSVLOG>

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::message::{self, Event, said};
use super::{facts, stamp};
use crate::scan::number;
use crate::transaction::blocks::{each_record, head_lines};
use crate::{Batch, Boundary, Chunk, Decoder, Facts, Family, Format, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict};

/// PostgreSQL's csvlog.
pub struct PostgresCsv;

static SPEC: Spec = Spec {
    name: "postgres-csv",
    family: Family::Transaction,
    title: "PostgreSQL server log (csvlog)",
    source: "https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-CSVLOG",
    stamp: Stamp::End,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000,
    sample: r#"2026-11-22 17:48:00.527 UTC,,,12575,,6b032ad0.311f,1,,2026-11-22 17:48:00 UTC,,0,LOG,00000,"database system is ready to accept connections",,,,,,,,,"","postmaster",,0
2026-11-22 17:48:11.140 UTC,"bank","bank",12898,"127.0.0.1:47938",6b032adb.3262,1,"PARSE",2026-11-22 17:48:11 UTC,2/93,0,LOG,00000,"duration: 0.108 ms  parse <unnamed>: SELECT ""a""
FROM t /*rid='2fff31898e6a6d29f926026d7958163e'*/",,,,,,,,,"omni-backend","client backend",,0
2026-11-22 17:48:11.142 UTC,"bank","bank",12898,"127.0.0.1:47938",6b032adb.3262,3,"SELECT",2026-11-22 17:48:11 UTC,2/93,0,LOG,00000,"duration: 0.026 ms  execute <unnamed>: SELECT 1","parameters: $1 = '7'",,,,,,,,"omni-backend","client backend",,0
"#,
};

/// The fields in use, by their place; servers before 9.0 end after the location.
const MESSAGE: usize = 13;
const QUERY: usize = 19;
const APPLICATION: usize = 22;

impl Format for PostgresCsv {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let lines: Vec<_> = head_lines(head, 50).collect();
        let n = lines.iter().filter(|line| starts(line)).count();
        // Statements of many lines are common, so the share of records among the lines tells
        // little; that the log begins with one, and goes on with none but such, does.
        if n == 0 || !lines.first().is_some_and(|line| starts(line)) {
            return Verdict::NO;
        }
        Verdict::new(95, format!("{n} records with stamp, user, database, pid and session id in the first {} lines", lines.len()))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let first = head_lines(head, 400).find(|line| starts(line)).and_then(|line| stamp(line).ok());
        let mut facts = facts(first.map(|(stamp, _)| stamp), "");
        let plans = message::has_plans_alone(head);
        facts.assumptions.extend(plans.then(|| message::PLANS_ALONE.to_owned()));
        Ok(Box::new(CsvDecoder { plans, facts }))
    }
}

struct CsvDecoder {
    plans: bool,
    facts: Facts,
}

impl Decoder for CsvDecoder {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn boundary(&self) -> Boundary {
        Boundary::Record
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        starts(line)
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        each_record(chunk, batch, starts, |record, batch| read(record, self.plans, batch));
    }
}

/// Whether a line begins like a record: stamp, user, database, process id, peer, session id.
fn starts(line: &[u8]) -> bool {
    if !line.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let Ok((_, rest)) = stamp(line) else { return false };
    let mut fields = Fields { rest: rest.strip_prefix(b",") };
    let (Ok(_), Ok(_), Ok(pid), Ok(_), Ok(session)) = (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return false;
    };
    number::whole(pid.raw).is_ok() && memchr(b'.', session.raw).is_some()
}

fn read(record: &[u8], plans: bool, batch: &mut Batch) -> Result<(), Reason> {
    if !starts(record) {
        return Err(if record.first().is_some_and(u8::is_ascii_digit) && stamp(record).is_err() {
            Reason::Time
        } else {
            Reason::Shape
        });
    }
    let (stamp, rest) = stamp(record)?;
    let mut fields = Fields { rest: rest.strip_prefix(b",") };
    let mut at = |from: usize, to: usize| -> Result<Field<'_>, Reason> {
        for _ in from..to {
            fields.next()?;
        }
        fields.next()
    };
    let _user = at(1, 1)?;
    let database = at(2, 2)?;
    let pid = at(3, 3)?;
    let severity = at(4, 11)?;
    let message = at(12, MESSAGE)?;
    // Nine in ten events are chatter or statements that say all in their message.
    let query = at(MESSAGE + 1, QUERY)?.text();
    let application = at(QUERY + 1, APPLICATION).unwrap_or_default().text();
    let (message, database) = (message.text(), database.text());
    let event = Event {
        stamp: Some(stamp.nanos),
        pid: Some(number::whole(pid.raw)?),
        database: said(&database),
        application: said(&application),
        severity: severity.raw,
        message: &message,
        statement: said(&query),
        plans,
    };
    message::push(&event, batch)
}

/// A field as it stands, without its quotes.
#[derive(Clone, Copy, Default)]
struct Field<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Field<'a> {
    fn text(self) -> Cow<'a, [u8]> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut text = Vec::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some(at) = memmem::find(rest, b"\"\"") {
            text.extend_from_slice(&rest[..=at]);
            rest = &rest[at + 2..];
        }
        text.extend_from_slice(rest);
        Cow::Owned(text)
    }
}

/// The fields that are left; `None` at the end of the record.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Field<'a>, Reason> {
        let rest = self.rest.ok_or(Reason::Truncated)?;
        let Some(body) = rest.strip_prefix(b"\"") else {
            let len = memchr(b',', rest).unwrap_or(rest.len());
            self.rest = rest.get(len + 1..);
            return Ok(Field { raw: &rest[..len], escaped: false });
        };
        let (mut at, mut escaped) = (0, false);
        loop {
            at += memchr(b'"', &body[at..]).ok_or(Reason::Truncated)?;
            match body.get(at + 1) {
                Some(b'"') => {
                    escaped = true;
                    at += 2;
                }
                Some(b',') => {
                    self.rest = Some(&body[at + 2..]);
                    break;
                }
                None => {
                    self.rest = None;
                    break;
                }
                Some(_) => return Err(Reason::Shape),
            }
        }
        Ok(Field { raw: &body[..at], escaped })
    }
}
