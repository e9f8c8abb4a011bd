//! Oracle's extended SQL trace (event 10046).
//!
//! Each PARSE and each execution of a statement that the client sent is an operation. The FETCH
//! calls behind an EXEC belong to it: their times and rows are added to its own; one whose EXEC is
//! not in the trace is an operation without a call. What runs within another (`dep=1` and deeper)
//! is part of its time and is passed over. Waits for locks are operations, too; all other waits are
//! within the calls. `tim=` counts microseconds from an unsaid epoch: the `***` lines anchor it.
//! <https://docs.oracle.com/en/database/oracle/oracle-database/19/tgsql/performing-application-tracing.html>

use std::borrow::Cow;

use hashbrown::HashMap;
use memchr::{memchr, memmem};

use super::blocks::{head_lines, unix_lines};
use super::sql_comment::ids;
use crate::scan::{number, time};
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, Kind, Nanos, OpenError, Operation, Options, Outcome, Phase,
    Reason, Role, Spec, Stamp, Unit, Verdict,
};

/// Oracle's extended SQL trace.
pub struct OracleTrace;

static SPEC: Spec = Spec {
    name: "oracle-trace",
    family: Family::Transaction,
    title: "Oracle extended SQL trace (event 10046)",
    source: "https://docs.oracle.com/en/database/oracle/oracle-database/19/tgsql/performing-application-tracing.html",
    stamp: Stamp::End,
    unit: Some(Unit::Micros),
    resolution_ns: 1_000,
    sample: "\
*** 2026-11-22 17:55:51.123
*** SESSION ID:(75.321) 2026-11-22 17:55:51.123
=====================
PARSING IN CURSOR #140185 len=47 dep=0 uid=84 oct=3 lid=84 tim=5000000 hv=99 ad='7f' sqlid='8zrfub81avqwy'
SELECT balance
FROM accounts WHERE id = :1 FOR UPDATE
END OF STMT
PARSE #140185:c=0,e=812,p=0,cr=0,cu=0,mis=1,r=0,dep=0,og=1,plh=0,tim=5000000
WAIT #140185: nam='enq: TX - row lock contention' ela= 1500250 name|mode=1415053318 usn<<16 | slot=65538 sequence=9 obj#=74100 tim=6501000
EXEC #140185:c=2000,e=1501000,p=0,cr=3,cu=1,mis=0,r=0,dep=0,og=1,plh=77,tim=6501100
FETCH #140185:c=0,e=40,p=0,cr=0,cu=0,mis=0,r=1,dep=0,og=1,plh=77,tim=6501300
CLOSE #140185:c=0,e=5,dep=0,type=0,tim=6501400
",
};

impl Format for OracleTrace {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let count = |starts: &[&[u8]]| head_lines(head, 120).filter(|line| starts.iter().any(|s| line.starts_with(s))).count();
        let cursors = count(&[b"PARSING IN CURSOR #"]);
        let calls = count(&[b"PARSE #", b"EXEC #", b"FETCH #", b"WAIT #"]);
        if calls < 2 || cursors == 0 && count(&[b"*** "]) == 0 {
            return Verdict::NO;
        }
        Verdict::new(95, format!("{cursors} PARSING IN CURSOR and {calls} call and wait lines in the first 120"))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let anchors = anchors(head);
        let mut assumptions = vec![
            "The time of an execution is that of its EXEC and FETCH calls together, without what the client did between them."
                .to_owned(),
            "Statements within other statements (dep=1 and deeper) are part of their time and are not shown.".to_owned(),
        ];
        assumptions.push(match anchors.offset {
            Some(_) => "The epoch of tim= was taken from the *** lines.".to_owned(),
            None => "The log has no *** line with a time: its operations cannot be placed.".to_owned(),
        });
        let zone_missing = anchors.offset.is_some() && !anchors.zoned;
        if zone_missing {
            assumptions.push("The *** lines have no zone; they were read as UTC.".to_owned());
        }
        let facts = Facts {
            stamp: Some(Stamp::End),
            unit: Some(Unit::Micros),
            resolution_ns: 1_000,
            stamp_resolution_ns: 1_000,
            zone_missing,
            date_missing: false,
            layout: String::new(),
            assumptions,
        };
        Ok(Box::new(TraceDecoder { facts }))
    }
}

struct TraceDecoder {
    facts: Facts,
}

/// What lies between `tim=` and the time of day.
#[derive(Default)]
struct Anchors {
    /// Nanoseconds from `tim=` 0 to the epoch.
    offset: Option<i64>,
    zoned: bool,
}

/// A `***` line is written just before a call is, so its time less the next `tim=` is at most the
/// true offset: the greatest is the nearest.
fn anchors(text: &[u8]) -> Anchors {
    let mut anchors = Anchors::default();
    let mut last: Option<time::Stamp> = None;
    for line in text.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end) {
        if let Some(rest) = line.strip_prefix(b"*** ") {
            if let Ok((stamp, _)) = time::iso_prefix(rest) {
                last = Some(stamp);
            }
        } else if let Some(stamp) = last
            && let Some(tim) = call(line).and_then(|_| value(line, b"tim=")).and_then(|tim| number::scaled(tim, 1_000).ok())
        {
            let offset = stamp.nanos.checked_sub(tim);
            anchors.offset = anchors.offset.max(offset);
            anchors.zoned |= stamp.zoned;
            last = None;
        }
    }
    anchors
}

/// What a trace says of the session it is of, up to the line being read.
#[derive(Default)]
struct Session<'a> {
    number: Option<u64>,
    service: Option<&'a [u8]>,
    module: Option<&'a [u8]>,
    client: Option<Id>,
}

impl Decoder for TraceDecoder {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn boundary(&self) -> Boundary {
        Boundary::Whole
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut reader = Reader {
            offset: anchors(chunk.bytes).offset,
            session: Session::default(),
            cursors: HashMap::new(),
            parsing: None,
            executing: HashMap::new(),
        };
        let (mut at, mut number) = (0, 0);
        while at < chunk.bytes.len() {
            let rest = &chunk.bytes[at..];
            let len = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..len].strip_suffix(b"\r").unwrap_or(&rest[..len]);
            if reader.is_record(line, at, chunk.bytes) {
                let place = (chunk.offset + at as u64, number);
                batch.record(place.0, place.1);
                if let Err(reason) = reader.line(line, at + len + 1, place, batch) {
                    batch.reject(line.len(), reason);
                }
            }
            number += 1;
            at += len + 1;
        }
        reader.close_all(batch);
        batch.lines = number;
    }
}

struct Reader<'a> {
    offset: Option<i64>,
    session: Session<'a>,
    /// The statement of each cursor.
    cursors: HashMap<u64, Cow<'a, [u8]>>,
    /// The cursor whose statement is being read, and where that starts.
    parsing: Option<(u64, usize)>,
    /// The execution of each cursor whose rows may yet be fetched.
    executing: HashMap<u64, Execution<'a>>,
}

/// An execution, and where its EXEC stands.
struct Execution<'a> {
    op: Operation<'a>,
    offset: u64,
    line: u32,
}

impl<'a> Reader<'a> {
    /// Whether a line is a record of its own: not blank, and no part of a statement.
    fn is_record(&mut self, line: &[u8], at: usize, text: &'a [u8]) -> bool {
        let Some((cursor, start)) = self.parsing else { return !line.trim_ascii().is_empty() };
        if line == b"END OF STMT" || line.starts_with(b"PARSE #") {
            self.cursors.insert(cursor, unix_lines(text.get(start..at).unwrap_or_default().trim_ascii()));
            self.parsing = None;
            return line.starts_with(b"PARSE #");
        }
        false
    }

    fn line(&mut self, line: &'a [u8], next: usize, place: (u64, u32), batch: &mut Batch) -> Result<(), Reason> {
        if let Some(rest) = line.strip_prefix(b"PARSING IN CURSOR #") {
            let cursor = cursor(rest).ok_or(Reason::Shape)?;
            self.close(cursor, place, batch);
            self.parsing = Some((cursor, next));
        } else if let Some(rest) = line.strip_prefix(b"*** ") {
            self.mark(rest);
        } else if let Some((word, rest)) = call(line) {
            self.call(word, rest, place, batch)?;
        } else if let Some(rest) = line.strip_prefix(b"CLOSE #") {
            self.close(cursor(rest).ok_or(Reason::Shape)?, place, batch);
        }
        Ok(())
    }

    /// `SESSION ID:(75.321) ...`, `CLIENT ID:(...)`, `SERVICE NAME:(...)`, `MODULE NAME:(...)`.
    fn mark(&mut self, text: &'a [u8]) {
        let Some(open) = memmem::find(text, b":(") else { return };
        let body = &text[open + 2..];
        let body = &body[..memchr(b')', body).unwrap_or(body.len())];
        match &text[..open] {
            b"SESSION ID" => {
                let number = &body[..memchr(b'.', body).unwrap_or(body.len())];
                self.session.number = number::whole(number).ok();
            }
            b"SERVICE NAME" => self.session.service = (!body.is_empty()).then_some(body),
            b"MODULE NAME" => self.session.module = (!body.is_empty()).then_some(body),
            b"CLIENT ID" => self.session.client = Id::parse(body),
            _ => {}
        }
    }

    /// Pushes the execution of a cursor that has ended, where its EXEC stood.
    fn close(&mut self, cursor: u64, place: (u64, u32), batch: &mut Batch) {
        if let Some(execution) = self.executing.remove(&cursor) {
            self.push(cursor, &execution, batch);
            batch.place(place.0, place.1);
        }
    }

    /// Pushes what still runs at the end of the trace, in its order.
    fn close_all(&mut self, batch: &mut Batch) {
        let mut left: Vec<_> = std::mem::take(&mut self.executing).into_iter().collect();
        left.sort_by_key(|(_, execution)| execution.offset);
        for (cursor, execution) in &left {
            self.push(*cursor, execution, batch);
        }
    }

    fn push(&self, cursor: u64, execution: &Execution<'a>, batch: &mut Batch) {
        let mut op = execution.op.clone();
        op.name = self.cursors.get(&cursor).map(Cow::as_ref);
        batch.place(execution.offset, execution.line);
        batch.push(&op);
    }

    fn call(&mut self, word: &[u8], rest: &'a [u8], place: (u64, u32), batch: &mut Batch) -> Result<(), Reason> {
        let cursor = cursor(rest).ok_or(Reason::Shape)?;
        if word == b"WAIT" {
            return self.wait(cursor, rest, batch);
        }
        if !matches!(value(rest, b"dep="), Some(b"0") | None) {
            return Ok(());
        }
        if word != b"FETCH" {
            self.close(cursor, place, batch);
        }
        let elapsed = value(rest, b"e=").ok_or(Reason::Truncated)?;
        let mut op = self.operation(Kind::Database, number::duration(elapsed, 1_000)?, rest, cursor)?;
        op.phase = if word == b"PARSE" { Phase::Parse } else { Phase::Execute };
        op.rows = match word {
            b"PARSE" => None,
            _ => value(rest, b"r=").map(number::whole).transpose()?,
        };
        if word == b"FETCH" {
            if let Some(Execution { op: execution, .. }) = self.executing.get_mut(&cursor) {
                let sum = execution.duration.unwrap_or(0).saturating_add(op.duration.unwrap_or(0));
                execution.duration = Some(sum.min(number::MAX_DURATION));
                execution.rows = execution.rows.unwrap_or(0).checked_add(op.rows.unwrap_or(0));
                return Ok(());
            }
            op.count = Some(0);
        }
        if word == b"EXEC" {
            self.executing.insert(cursor, Execution { op, offset: place.0, line: place.1 });
            return Ok(());
        }
        batch.push(&Operation { name: self.cursors.get(&cursor).map(Cow::as_ref), ..op });
        Ok(())
    }

    /// ` nam='enq: TX - row lock contention' ela= 1500250 ...`
    fn wait(&mut self, cursor: u64, rest: &'a [u8], batch: &mut Batch) -> Result<(), Reason> {
        let start = memmem::find(rest, b"nam='").ok_or(Reason::Truncated)? + 5;
        let name = &rest[start..];
        let name = &name[..memchr(b'\'', name).ok_or(Reason::Truncated)?];
        let is_lock = name.starts_with(b"enq: ") || name.ends_with(b" lock") || name == b"row cache lock";
        let at = memmem::find(rest, b"ela=").ok_or(Reason::Truncated)? + 4;
        let elapsed = rest[at..].trim_ascii_start();
        let elapsed = &elapsed[..elapsed.iter().position(|b| *b == b' ').unwrap_or(elapsed.len())];
        let elapsed = number::duration(elapsed, 1_000)?;
        if !is_lock {
            return Ok(());
        }
        let mut op = self.operation(Kind::LockWait, elapsed, rest, cursor)?;
        op.name = Some(name);
        op.outcome = Outcome::Unknown;
        batch.push(&op);
        Ok(())
    }

    /// An operation that ends at the line's `tim=`.
    fn operation(&self, kind: Kind, duration: Nanos, rest: &[u8], cursor: u64) -> Result<Operation<'a>, Reason> {
        let tim = match value(rest, b"tim=") {
            Some(tim) => Some(number::scaled(tim, 1_000)?),
            None => None,
        };
        let end = tim.zip(self.offset).and_then(|(tim, offset)| tim.checked_add(offset));
        let mut op = Operation::new(kind);
        op.role = Role::Server;
        op.start = end.map(|end| end.saturating_sub(duration));
        op.duration = Some(duration);
        op.session = self.session.number;
        op.instance = self.session.service;
        op.peer = self.session.module;
        op.system = Some(b"oracle");
        let ids = self.cursors.get(&cursor).map(|sql| ids(sql)).unwrap_or_default();
        (op.trace, op.parent_span, op.request) = (ids.trace, ids.parent_span, ids.request.or(self.session.client));
        Ok(op)
    }
}

/// The word of a call or wait line and what follows its `#`.
fn call(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memmem::find(line.get(..8.min(line.len()))?, b" #")?;
    let word = &line[..at];
    matches!(word, b"PARSE" | b"EXEC" | b"FETCH" | b"WAIT").then(|| (word, &line[at + 2..]))
}

fn cursor(text: &[u8]) -> Option<u64> {
    let len = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    number::whole(&text[..len]).ok()
}

/// The value of `key=`, which stands behind a comma, colon or blank.
fn value<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = memmem::find_iter(text, key).find(|&at| at > 0 && matches!(text[at - 1], b',' | b':' | b' '))? + key.len();
    let rest = &text[at..];
    Some(&rest[..rest.iter().position(|b| matches!(b, b',' | b' ')).unwrap_or(rest.len())])
}
