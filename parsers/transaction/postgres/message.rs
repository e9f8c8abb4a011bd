//! What a message of the server says: a statement with its duration, a lock wait, a cancellation.
//!
//! A plan of auto_explain is passed over where statements have duration lines of their own.
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-LOG-MIN-DURATION-STATEMENT>

use std::borrow::Cow;

use memchr::memmem;

use crate::scan::json::Str;
use crate::scan::number;
use crate::transaction::blocks::unix_lines;
use crate::transaction::sql_comment::ids;
use crate::{Batch, Kind, Nanos, Operation, Outcome, Phase, Reason, Role};

/// One event of a server's log, in whichever shape it was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Event<'a> {
    /// When it was written, in nanoseconds since the epoch.
    pub(super) stamp: Option<i64>,
    /// Process id of the session.
    pub(super) pid: Option<u64>,
    /// Database.
    pub(super) database: Option<&'a [u8]>,
    /// What the client calls itself.
    pub(super) application: Option<&'a [u8]>,
    /// `LOG`, `ERROR`...
    pub(super) severity: &'a [u8],
    /// The message itself.
    pub(super) message: &'a [u8],
    /// The statement the session was at, where the event tells it beside the message.
    pub(super) statement: Option<&'a [u8]>,
    /// Whether the plans of auto_explain alone tell of the log's statements.
    pub(super) plans: bool,
}

/// Whether the first bytes of a log, in whichever shape, tell durations with plans and no others.
pub(super) fn has_plans_alone(head: &[u8]) -> bool {
    const MARK: &[u8] = b"duration: ";
    let mut plans = 0;
    for at in memmem::find_iter(head, MARK).take(400) {
        let rest = &head[at + MARK.len()..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        match rest[digits..].strip_prefix(b" ms") {
            Some(rest) if rest.starts_with(b"  plan:") => plans += 1,
            Some(_) => return false,
            None => {}
        }
    }
    plans > 0
}

/// What is to be said of a log in which they do.
pub(super) const PLANS_ALONE: &str =
    "The log has no durations but those of auto_explain's plans: each of these counts as one call.";

/// A session's value, unless it is what the server writes where there is none.
pub(super) fn said(text: &[u8]) -> Option<&[u8]> {
    (!matches!(text, b"" | b"[unknown]")).then_some(text)
}

/// Pushes the operation that an event tells of, if any.
pub(super) fn push(event: &Event<'_>, batch: &mut Batch) -> Result<(), Reason> {
    push_plain(&Event { message: &unix_lines(event.message), ..*event }, batch)
}

fn push_plain(event: &Event<'_>, batch: &mut Batch) -> Result<(), Reason> {
    match event.severity {
        b"LOG" => {
            if let Some(rest) = event.message.strip_prefix(b"duration: ") {
                duration(event, rest, batch)
            } else if let Some(rest) = event.message.strip_prefix(b"process ") {
                lock(event, rest, batch)
            } else {
                text(event, batch);
                Ok(())
            }
        }
        b"ERROR" => {
            cancelled(event, batch);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `0.123 ms`, alone or followed by two blanks, the step and the statement.
fn duration(event: &Event<'_>, rest: &[u8], batch: &mut Batch) -> Result<(), Reason> {
    let Some(at) = memmem::find(rest, b" ms") else { return Err(Reason::Shape) };
    let duration = number::duration(&rest[..at], 1_000_000)?;
    let rest = &rest[at + 3..];
    let mut op = statement_op(event, Some(duration));
    if rest.trim_ascii().is_empty() {
        op.phase = Phase::Time;
        batch.push(&op);
        return Ok(());
    }
    let Some(rest) = rest.strip_prefix(b"  ") else { return Err(Reason::Shape) };
    if let Some(plan) = rest.strip_prefix(b"plan:") {
        if event.plans {
            planned(op, plan, batch);
        }
        return Ok(());
    }
    if rest.starts_with(b"fastpath function call: ") {
        op.name = Some(rest);
        batch.push(&op);
        return Ok(());
    }
    let (phase, calls, sql) = step(rest).ok_or(Reason::Shape)?;
    op.phase = phase;
    op.count = calls;
    say(&mut op, sql);
    batch.push(&op);
    Ok(())
}

/// A statement that its plan tells of: `Query Text: SQL`, then the nodes with their costs; as JSON it is
/// a member.
fn planned<'a>(op: Operation<'a>, plan: &'a [u8], batch: &mut Batch) {
    const MEMBER: &[u8] = b"\"Query Text\": \"";
    let plan = plan.trim_ascii_start();
    let sql = if let Some(text) = plan.strip_prefix(b"Query Text: ") {
        let mut end = 0;
        for line in text.split_inclusive(|&b| b == b'\n') {
            let over = line.starts_with(b"Query Parameters: ") || memmem::find(line, b"  (cost=").is_some();
            if over && end > 0 {
                break;
            }
            end += line.len();
        }
        Cow::Borrowed(&text[..end])
    } else if let Some(at) = memmem::find(plan, MEMBER) {
        let raw = &plan[at + MEMBER.len()..];
        let mut behind = false;
        let end = raw.iter().position(|&b| {
            let closes = b == b'"' && !behind;
            behind = b == b'\\' && !behind;
            closes
        });
        Str { raw: &raw[..end.unwrap_or(raw.len())], escaped: true }.text()
    } else {
        Cow::Borrowed(&b""[..])
    };
    let mut op = op;
    if !sql.is_empty() {
        say(&mut op, &sql);
    }
    batch.push(&op);
}

/// The step and its statement: `statement: SQL`, `parse S_1: SQL`, `bind S_1/C_2: SQL`,
/// `execute <unnamed>: SQL`, `execute fetch from S_1/C_2: SQL`. A fetch continues a call that was
/// counted when its portal was first executed.
fn step(text: &[u8]) -> Option<(Phase, Option<u32>, &[u8])> {
    // A name may hold colons, as those of psycopg and asyncpg do.
    let after_name =
        |rest: &'_ [u8]| memmem::find(rest, b": ").or_else(|| rest.len().checked_sub(1).filter(|&end| rest[end] == b':'));
    if let Some(sql) = text.strip_prefix(b"statement:") {
        return Some((Phase::Whole, None, sql));
    }
    for (word, phase, calls) in [
        (&b"parse "[..], Phase::Parse, None),
        (b"bind ", Phase::Bind, None),
        (b"execute fetch from ", Phase::Execute, Some(0)),
        (b"execute ", Phase::Execute, None),
    ] {
        if let Some(rest) = text.strip_prefix(word) {
            return after_name(rest).map(|at| (phase, calls, &rest[at + 1..]));
        }
    }
    None
}

/// A statement whose duration, if any, follows in a record of its own.
fn text(event: &Event<'_>, batch: &mut Batch) {
    let message = event.message;
    if !(message.starts_with(b"statement: ") || message.starts_with(b"execute ")) {
        return;
    }
    let Some((_, calls, sql)) = step(message) else { return };
    let mut op = statement_op(event, None);
    op.phase = Phase::Text;
    op.count = calls;
    say(&mut op, sql);
    batch.push(&op);
}

/// A statement that was stopped: its duration is nowhere said, but the call was made.
fn cancelled(event: &Event<'_>, batch: &mut Batch) {
    let outcome = match event.message.strip_prefix(b"canceling statement due to ") {
        Some(b"statement timeout" | b"lock timeout") => Outcome::TimedOut,
        Some(b"user request") => Outcome::Abandoned,
        _ => return,
    };
    let mut op = statement_op(event, None);
    op.outcome = outcome;
    if let Some(sql) = event.statement {
        say(&mut op, sql);
    }
    batch.push(&op);
}

/// `123 acquired ShareLock on transaction 456 after 2345.678 ms`. A wait that still lasts is told
/// again when it ends.
fn lock(event: &Event<'_>, rest: &[u8], batch: &mut Batch) -> Result<(), Reason> {
    let pid = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    let what = rest[pid..].trim_ascii_start();
    let ends = [
        (&b"acquired "[..], Outcome::Ok),
        (b"failed to acquire ", Outcome::Failed),
        (b"detected deadlock while waiting for ", Outcome::Failed),
    ];
    let Some((lock, outcome)) = ends.iter().find_map(|(word, outcome)| Some((what.strip_prefix(*word)?, *outcome))) else {
        return Ok(());
    };
    let Some(after) = memmem::rfind(lock, b" after ") else { return Ok(()) };
    let Some(millis) = lock[after + 7..].strip_suffix(b" ms") else { return Ok(()) };
    let mut op = session_op(event, Kind::LockWait, Some(number::duration(millis, 1_000_000)?));
    op.outcome = outcome;
    let name = lock_name(&lock[..after]);
    op.name = Some(&name);
    if let Some(sql) = event.statement {
        let ids = ids(sql);
        (op.trace, op.parent_span, op.request) = (ids.trace, ids.parent_span, ids.request);
    }
    batch.push(&op);
    Ok(())
}

/// A lock without what differs each time: `ShareLock on transaction`,
/// `ExclusiveLock on tuple of relation 16385`. A relation keeps its number, as that names the table.
fn lock_name(lock: &[u8]) -> Vec<u8> {
    let lock = &lock[..memmem::find(lock, b" of database ").unwrap_or(lock.len())];
    let mut name = Vec::with_capacity(lock.len());
    let mut before: &[u8] = b"";
    for word in lock.split(|&b| b == b' ').filter(|word| !word.is_empty()) {
        if before == b"relation" || !word.iter().any(u8::is_ascii_digit) {
            if !name.is_empty() {
                name.push(b' ');
            }
            name.extend_from_slice(word);
        }
        before = word;
    }
    name
}

/// The statement as the name, and the ids of its comments.
fn say<'a>(op: &mut Operation<'a>, sql: &'a [u8]) {
    let ids = ids(sql);
    (op.trace, op.parent_span, op.request) = (ids.trace, ids.parent_span, ids.request);
    op.name = Some(sql.trim_ascii());
}

fn statement_op<'a>(event: &Event<'a>, duration: Option<Nanos>) -> Operation<'a> {
    session_op(event, Kind::Database, duration)
}

/// An operation of the event's session that ends at its stamp.
fn session_op<'a>(event: &Event<'a>, kind: Kind, duration: Option<Nanos>) -> Operation<'a> {
    let mut op = Operation::new(kind);
    op.role = Role::Server;
    op.start = event.stamp.map(|stamp| stamp.saturating_sub(duration.unwrap_or(0)));
    op.duration = duration;
    op.session = event.pid;
    op.instance = event.database;
    op.peer = event.application;
    op.system = Some(b"postgresql");
    op
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_keep_the_table_and_lose_the_rest() {
        for (lock, name) in [
            ("ShareLock on transaction 456", "ShareLock on transaction"),
            ("ExclusiveLock on tuple (0,7) of relation 16385 of database 16384", "ExclusiveLock on tuple of relation 16385"),
            ("AccessExclusiveLock on relation 16385 of database 5", "AccessExclusiveLock on relation 16385"),
            ("ExclusiveLock on advisory lock [5,0,1,1]", "ExclusiveLock on advisory lock"),
            ("ExclusiveLock on extension of relation 9 of database 5", "ExclusiveLock on extension of relation 9"),
        ] {
            assert_eq!(String::from_utf8_lossy(&lock_name(lock.as_bytes())), name);
        }
    }

    #[test]
    fn steps_are_told_apart() {
        assert_eq!(step(b"parse <unnamed>: SELECT 1"), Some((Phase::Parse, None, &b" SELECT 1"[..])));
        assert_eq!(step(b"bind S_1/C_2: x"), Some((Phase::Bind, None, &b" x"[..])));
        assert_eq!(step(b"execute fetch from S_1/C_2: x"), Some((Phase::Execute, Some(0), &b" x"[..])));
        assert_eq!(step(b"execute S_1:"), Some((Phase::Execute, None, &b""[..])));
        assert_eq!(step(b"execute py:0x7f: SELECT 1"), Some((Phase::Execute, None, &b" SELECT 1"[..])));
        assert_eq!(step(b"statement: BEGIN"), Some((Phase::Whole, None, &b" BEGIN"[..])));
        assert_eq!(step(b"vacuum: x"), None);
    }
}
