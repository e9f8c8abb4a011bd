//! MongoDB's structured log, from version 4.4 on: its "Slow query" messages.
//! <https://www.mongodb.com/docs/manual/reference/log-messages/>

use memchr::{memchr, memmem};

use super::blocks::head_lines;
use super::sql_comment::{Ids, ids_of_comment};
use crate::scan::json::{Walk, Walker};
use crate::scan::json_shape::shape;
use crate::scan::{number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Kind, LineDecoder, Memo, OpenError, Operation, Options, Outcome, Reason, Role, Spec,
    Stamp, Unit, Verdict,
};

/// MongoDB's structured log.
pub struct Mongodb;

static SPEC: Spec = Spec {
    name: "mongodb",
    family: Family::Transaction,
    title: "MongoDB structured log (4.4 and later): slow queries",
    source: "https://www.mongodb.com/docs/manual/reference/log-messages/",
    stamp: Stamp::End,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: r#"{"t":{"$date":"2026-11-22T17:55:50.000+00:00"},"s":"I","c":"NETWORK","id":22943,"ctx":"listener","msg":"Connection accepted","attr":{"remote":"10.0.0.5:41234","connectionId":12,"connectionCount":3}}
{"t":{"$date":"2026-11-22T17:55:51.653+00:00"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn12","msg":"Slow query","attr":{"type":"command","ns":"bank.accounts","appName":"core","command":{"find":"accounts","filter":{"status":"A","_id":{"$in":[1,2]}},"sort":{"at":-1},"limit":5,"$db":"bank"},"planSummary":"COLLSCAN","keysExamined":0,"docsExamined":90000,"nreturned":5,"reslen":1204,"locks":{"Global":{"acquireCount":{"r":3}}},"remote":"10.0.0.5:41234","protocol":"op_msg","durationMillis":153}}
{"t":{"$date":"2026-11-22T17:55:52.000+00:00"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn13","msg":"Slow query","attr":{"type":"command","ns":"bank.$cmd","command":{"ping":1,"$db":"bank"},"durationMillis":101}}
"#,
};

impl Format for Mongodb {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let lines: Vec<_> = head_lines(head, 20).collect();
        let n = lines.iter().filter(|line| fits(line)).count();
        if n == 0 || n * 10 < lines.len() * 6 {
            return Verdict::NO;
        }
        Verdict::new(97, format!("{n} of {} lines with t.$date, s, c, ctx and msg", lines.len()))
    }

    fn open(&self, _head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(MongodbDecoder))
    }
}

/// Whether a line holds what each record does, the time first; blanks between do not matter.
fn fits(line: &[u8]) -> bool {
    const TEXTS: [&[u8]; 4] = [b"s", b"c", b"ctx", b"msg"];
    let (mut dated, mut texts) = (false, 0u8);
    // A last line that was cut off still holds them.
    let _ = Walker::new(line).object(|w, key| {
        if key.raw == b"t" && texts == 0 && w.peek() == b'{' {
            return w.object(|w, key| {
                dated |= key.raw == b"$date" && w.peek() == b'"';
                w.skip().map(drop)
            });
        }
        if let Some(at) = TEXTS.iter().position(|text| *text == key.raw).filter(|_| w.peek() == b'"') {
            texts |= 1 << at;
        }
        w.skip().map(drop)
    });
    dated && texts == 0b1111
}

struct MongodbDecoder;

/// The members in use.
#[derive(Default)]
struct Entry<'a> {
    stamp: &'a [u8],
    context: &'a [u8],
    message: &'a [u8],
    slow: Slow<'a>,
}

/// What the attributes of a slow query tell.
#[derive(Default)]
struct Slow<'a> {
    kind: &'a [u8],
    namespace: &'a [u8],
    application: Option<&'a [u8]>,
    remote: Option<&'a [u8]>,
    command: &'a [u8],
    millis: Option<&'a [u8]>,
    rows: u64,
    has_rows: bool,
    bytes: Option<u64>,
    error: Option<&'a [u8]>,
    failed: bool,
    lock_micros: i64,
}

impl LineDecoder for MongodbDecoder {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::End),
            unit: Some(Unit::Millis),
            resolution_ns: 1_000_000,
            stamp_resolution_ns: 1_000_000,
            assumptions: vec!["The time an operation waited for locks is placed at its start.".to_owned()],
            ..Facts::default()
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let broken = |_| if line.ends_with(b"}") { Reason::Shape } else { Reason::Truncated };
        let mut entry = Entry::default();
        Walker::new(line).object(|w, key| entry.member(w, key.raw)).map_err(broken)?;
        if entry.message.is_empty() || entry.stamp.is_empty() {
            return Err(Reason::Shape);
        }
        if entry.message != b"Slow query" {
            return Ok(());
        }
        let slow = entry.slow;
        let end = time::iso(entry.stamp)?.nanos;
        let duration = number::duration(slow.millis.ok_or(Reason::Shape)?, 1_000_000)?;
        let mut name = Vec::new();
        let ids = describe(&slow, &mut name);
        let mut op = Operation::new(Kind::Database);
        op.role = Role::Server;
        op.start = Some(end.saturating_sub(duration));
        op.duration = Some(duration);
        op.session = entry.context.strip_prefix(b"conn").and_then(|id| number::whole(id).ok());
        op.instance = memchr(b'.', slow.namespace).map(|at| &slow.namespace[..at]);
        op.peer = slow.application.or(slow.remote);
        op.system = Some(b"mongodb");
        (op.trace, op.parent_span, op.request) = (ids.trace, ids.parent_span, ids.request);
        let lock =
            Operation { kind: Kind::LockWait, duration: slow.lock_micros.checked_mul(1_000), name: Some(b"lock"), ..op.clone() };
        op.name = Some(&name);
        op.rows = slow.has_rows.then_some(slow.rows);
        op.bytes = slow.bytes;
        op.outcome = match slow.error {
            Some(b"50" | b"262" | b"24" | b"202") => Outcome::TimedOut,
            Some(b"11601" | b"279") => Outcome::Abandoned,
            Some(_) => Outcome::Failed,
            None if slow.failed => Outcome::Failed,
            None => Outcome::Unknown,
        };
        batch.push(&op);
        if lock.duration.is_some_and(|wait| (1..=number::MAX_DURATION).contains(&wait)) {
            batch.push(&lock);
        }
        Ok(())
    }
}

impl<'a> Entry<'a> {
    fn member(&mut self, w: &mut Walker<'a>, key: &[u8]) -> Walk<()> {
        match key {
            b"t" => w.object(|w, key| {
                let value = w.scalar()?;
                if key.raw == b"$date" {
                    self.stamp = value.unwrap_or_default();
                }
                Ok(())
            }),
            b"ctx" => w.scalar().map(|text| self.context = text.unwrap_or_default()),
            b"msg" => w.scalar().map(|text| self.message = text.unwrap_or_default()),
            // The message comes before the attributes; those of any other are of no use.
            b"attr" if self.message == b"Slow query" => w.object(|w, key| self.slow.member(w, key.raw)),
            _ => w.skip().map(drop),
        }
    }
}

impl<'a> Slow<'a> {
    fn member(&mut self, w: &mut Walker<'a>, key: &[u8]) -> Walk<()> {
        match key {
            b"type" => self.kind = w.scalar()?.unwrap_or_default(),
            b"ns" => self.namespace = w.scalar()?.unwrap_or_default(),
            b"appName" => self.application = w.scalar()?,
            b"remote" => self.remote = w.scalar()?,
            b"command" => self.command = w.skip()?,
            b"durationMillis" => self.millis = w.scalar()?,
            b"reslen" => self.bytes = w.scalar()?.and_then(|n| number::whole(n).ok()),
            b"errCode" => self.error = w.scalar()?,
            b"ok" => self.failed = w.scalar()? == Some(b"0"),
            b"nreturned" | b"ninserted" | b"nModified" | b"ndeleted" => {
                if let Some(n) = w.scalar()?.and_then(|n| number::whole(n).ok()) {
                    self.rows = self.rows.saturating_add(n);
                    self.has_rows = true;
                }
            }
            b"locks" => self.lock_micros = acquiring(w.skip()?),
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    }
}

/// The microseconds of every `timeAcquiringMicros` in the lock statistics. A time within another's
/// (a collection's lock behind its database's) is not told apart, but one follows the other.
fn acquiring(locks: &[u8]) -> i64 {
    const KEY: &[u8] = b"\"timeAcquiringMicros\":";
    let mut sum = 0i64;
    for at in memmem::find_iter(locks, KEY) {
        // A broken member adds nothing; the walk over the whole line has found it well-formed.
        let _ = Walker::at(locks, at + KEY.len()).object(|w, _| {
            if let Some(micros) = w.scalar()?.and_then(|n| number::scaled(n, 1).ok()) {
                sum = sum.saturating_add(micros.max(0));
            }
            Ok(())
        });
    }
    sum
}

/// The parts of a command that make its shape, as each command names them.
const PARTS: &[&[u8]] =
    &[b"filter", b"query", b"q", b"u", b"pipeline", b"sort", b"updates", b"update", b"deletes", b"key", b"hint"];

/// Writes what was asked, `find bank.accounts {status: ?}`, and gives the ids in its comment.
fn describe(slow: &Slow<'_>, name: &mut Vec<u8>) -> Ids {
    let mut ids = Ids::default();
    let mut verb: &[u8] = if matches!(slow.kind, b"command" | b"") { b"" } else { slow.kind };
    let mut shapes = Vec::new();
    let walked = Walker::new(slow.command).object(|w, key| {
        let value = w.skip()?;
        if verb.is_empty() {
            verb = key.raw;
        } else if key.raw == b"comment" {
            ids = ids_of_comment(value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value));
        } else if PARTS.contains(&key.raw) {
            shapes.push(b' ');
            if matches!(key.raw, b"sort" | b"hint" | b"key") {
                shapes.extend_from_slice(key.raw);
                shapes.push(b' ');
            }
            shape(value, &mut shapes);
        }
        Ok(())
    });
    name.extend_from_slice(if verb.is_empty() { b"command" } else { verb });
    if !slow.namespace.is_empty() {
        name.push(b' ');
        name.extend_from_slice(slow.namespace);
    }
    if walked.is_ok() {
        name.append(&mut shapes);
    }
    ids
}
