//! The slow query log of MySQL, MariaDB and Percona Server.
//!
//! `# Time:` in ISO form stamps the end. Servers that write it otherwise (up to 5.6, MariaDB) write
//! it in local time and not for every record; there `SET timestamp=` is used, which they, too, set
//! to the end. <https://dev.mysql.com/doc/refman/8.0/en/slow-query-log.html>

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::blocks::{each_record, head_lines, unix_lines};
use super::sql_comment::ids;
use crate::scan::{number, time};
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Kind, Nanos, OpenError, Operation, Options, Outcome, Reason, Role,
    Spec, Stamp, Unit, Verdict,
};

/// The slow query log.
pub struct MysqlSlow;

static SPEC: Spec = Spec {
    name: "mysql-slow",
    family: Family::Transaction,
    title: "MySQL, MariaDB and Percona slow query log",
    source: "https://dev.mysql.com/doc/refman/8.0/en/slow-query-log.html",
    stamp: Stamp::End,
    unit: Some(Unit::Seconds),
    resolution_ns: 1_000,
    sample: "\
# Time: 2026-11-22T17:55:51.653160Z
# User@Host: app[app] @ app06 [10.20.1.15]  Id:  1076
# Query_time: 0.005349  Lock_time: 0.000004 Rows_sent: 3  Rows_examined: 40
use bank;
SET timestamp=1795370151;
SELECT a
FROM t WHERE id = 7 /*rid='2fff31898e6a6d29f926026d7958163e'*/;
# Time: 2026-11-22T17:55:52.000269Z
# User@Host: app[app] @ app01 [10.20.1.10]  Id:  1000
# Query_time: 0.010803  Lock_time: 0.000000 Rows_sent: 0  Rows_examined: 0
SET timestamp=1795370152;
# administrator command: Ping;
",
};

impl Format for MysqlSlow {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let count = |start: &[u8]| head_lines(head, 50).filter(|line| line.starts_with(start)).count();
        let (users, times) = (count(b"# User@Host: "), count(b"# Query_time: "));
        if users == 0 || times == 0 {
            return Verdict::NO;
        }
        Verdict::new(97, format!("{users} # User@Host and {times} # Query_time lines in the first 50"))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let clock = Clock::of(head);
        let mut assumptions = vec!["The lock time of a statement is placed at its start.".to_owned()];
        assumptions.extend(match clock {
            Clock::Iso => None,
            Clock::Setting => Some(
                "The log has no # Time line in ISO form: statements end at their SET timestamp, which is in whole seconds."
                    .to_owned(),
            ),
            Clock::Short => Some(
                "Statements end at the # Time line before them, which is in local time and whole seconds, and left out by the \
                 server where it is the same as the one before."
                    .to_owned(),
            ),
        });
        let facts = Facts {
            stamp: Some(Stamp::End),
            unit: Some(Unit::Seconds),
            resolution_ns: 1_000,
            stamp_resolution_ns: if clock == Clock::Iso { 1_000 } else { time::SECOND },
            zone_missing: clock == Clock::Short,
            layout: String::new(),
            assumptions,
        };
        Ok(Box::new(SlowDecoder { clock, facts }))
    }
}

fn is_iso_time(line: &[u8]) -> bool {
    line.strip_prefix(b"# Time: ").is_some_and(|stamp| time::iso(stamp.trim_ascii()).is_ok())
}

/// The line that a server writes when it opens the log; further lines of it belong to the record.
fn is_banner(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.ends_with(b"started with:") && memmem::find(line, b", Version: ").is_some()
}

/// What tells when a statement ended.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Clock {
    /// A time line in ISO form, with which each record starts.
    Iso,
    /// The setting before the statement.
    Setting,
    /// A time line in the short form, which servers before 5.1 have alone. It holds for the records
    /// after it, too.
    Short,
}

impl Clock {
    fn of(head: &[u8]) -> Clock {
        let any = |is: fn(&[u8]) -> bool| head_lines(head, 2_000).any(is);
        match () {
            () if any(is_iso_time) => Clock::Iso,
            () if any(|line| command(line, b"SET ").and_then(timestamp).is_some()) => Clock::Setting,
            () if any(|line| short_time(line).is_some()) => Clock::Short,
            () => Clock::Setting,
        }
    }
}

/// The local time of `# Time: 071015 21:43:52`, read as UTC; the hour may have one digit.
fn short_time(line: &[u8]) -> Option<i64> {
    let text = line.strip_prefix(b"# Time: ")?;
    let (date, clock) = (text.get(..6)?, text.get(6..)?.trim_ascii());
    let days = time::days(2000 + time::two(date, 0).ok()?, time::two(date, 2).ok()?, time::two(date, 4).ok()?).ok()?;
    let padded = if clock.get(1) == Some(&b':') { [b"0", clock].concat() } else { clock.to_vec() };
    let (seconds, rest) = time::clock(&padded).ok()?;
    rest.is_empty().then(|| (days * 86_400 + seconds) * time::SECOND)
}

struct SlowDecoder {
    clock: Clock,
    facts: Facts,
}

impl Decoder for SlowDecoder {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn boundary(&self) -> Boundary {
        if self.clock == Clock::Short { Boundary::Whole } else { Boundary::Record }
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        match line.first() {
            Some(b'#') => line.starts_with(if self.clock == Clock::Iso { b"# Time: " } else { b"# User@Host: " }),
            _ => is_banner(line),
        }
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut now = None;
        let starts = |line: &[u8]| self.starts_record(line);
        each_record(chunk, batch, starts, |record, batch| {
            let done = read(record, now, batch);
            if self.clock == Clock::Short {
                let line = record.rsplit(|&b| b == b'\n').find(|line| line.starts_with(b"# Time: "));
                now = line.and_then(|line| short_time(line.trim_ascii_end())).or(now);
            }
            done
        });
    }
}

/// What the lines of a record's head say.
#[derive(Default)]
struct Head<'a> {
    end: Option<i64>,
    session: Option<u64>,
    host: Option<&'a [u8]>,
    schema: Option<&'a [u8]>,
    query_time: Option<&'a [u8]>,
    lock_time: Option<&'a [u8]>,
    /// Percona's: waits for rows, of which the lock time of older servers knows nothing.
    row_lock_time: Option<&'a [u8]>,
    sent: Option<u64>,
    affected: Option<u64>,
    error: Option<u64>,
}

/// Reads a record; `now` is the time that the lines before it tell.
fn read(record: &[u8], now: Option<i64>, batch: &mut Batch) -> Result<(), Reason> {
    if is_banner(cut_line(record).0) || record.starts_with(b"# Time: ") && memchr(b'\n', record).is_none() {
        return Ok(());
    }
    let mut head = Head::default();
    let mut rest = record;
    while rest.starts_with(b"#") && !rest.starts_with(b"# administrator command: ") {
        let (line, after) = cut_line(rest);
        head.line(line[1..].trim_ascii_start())?;
        rest = after;
    }
    let Some(query_time) = head.query_time else { return Err(cut_or(Reason::Shape, rest)) };
    let duration = number::duration(query_time, time::SECOND)?;
    let mut stamped = None;
    loop {
        let (line, after) = cut_line(rest);
        // Without a statement behind it, it is the statement.
        if let Some(schema) = command(line, b"use ").filter(|_| !statement(after).is_empty()) {
            head.schema = Some(schema.strip_prefix(b"`").and_then(|s| s.strip_suffix(b"`")).unwrap_or(schema));
        } else if let Some(stamp) = command(line, b"SET ").and_then(timestamp) {
            stamped = Some(time::epoch_seconds(stamp)?.nanos);
        } else {
            break;
        }
        rest = after;
    }
    let sql = statement(rest);
    if is_notice(sql) {
        return Ok(());
    }
    let end = head.end.or(stamped).or(now);
    let start = end.map(|end| end.saturating_sub(duration));
    let mut op = head.operation(Kind::Database, start, Some(duration));
    let sql = unix_lines(sql);
    let plain = without_hash_comments(&sql);
    op.name = Some(&plain);
    op.rows = head.affected.filter(|rows| *rows > 0).or(head.sent);
    op.outcome = match head.error {
        None => Outcome::Unknown,
        Some(0) => Outcome::Ok,
        Some(1205 | 3024 | 1969) => Outcome::TimedOut,
        Some(1317) => Outcome::Abandoned,
        Some(_) => Outcome::Failed,
    };
    let ids = ids(&sql);
    (op.trace, op.parent_span, op.request) = (ids.trace, ids.parent_span, ids.request);
    batch.push(&op);
    // Servers with an old fault write absurd lock times: those count as not said. From MySQL 8.0.28 on the
    // waits for rows are in the lock time.
    let wait = |text: Option<&[u8]>| text.and_then(|text| number::duration(text, time::SECOND).ok()).unwrap_or(0);
    let (table, row) = (wait(head.lock_time), wait(head.row_lock_time));
    let waits = [(&b"table lock"[..], table), (b"row lock", if row > table { row } else { 0 })];
    for (name, lock) in waits.into_iter().filter(|(_, lock)| *lock > 0) {
        let mut op = head.operation(Kind::LockWait, start, Some(lock));
        op.name = Some(name);
        (op.trace, op.parent_span, op.request) = (ids.trace, ids.parent_span, ids.request);
        batch.push(&op);
    }
    Ok(())
}

/// A record that ends within its head was cut.
fn cut_or(reason: Reason, rest: &[u8]) -> Reason {
    if rest.is_empty() { Reason::Truncated } else { reason }
}

impl<'a> Head<'a> {
    /// A line without its `#`.
    fn line(&mut self, line: &'a [u8]) -> Result<(), Reason> {
        if let Some(stamp) = line.strip_prefix(b"Time: ") {
            // The short form, `071015 21:43:52`, is local time: SET timestamp says it better.
            if memchr(b'T', stamp).is_some() {
                self.end = Some(time::iso(stamp.trim_ascii())?.nanos);
            }
            return Ok(());
        }
        if let Some(user) = line.strip_prefix(b"User@Host: ") {
            return self.user(user);
        }
        let mut words = line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let Some(key) = word.strip_suffix(b":") else { continue };
            let Some(value) = words.next_if(|next| !next.ends_with(b":")) else { continue };
            match key {
                b"Query_time" => self.query_time = Some(value),
                b"Lock_time" => self.lock_time = Some(value),
                b"InnoDB_rec_lock_wait" => self.row_lock_time = Some(value),
                b"Rows_sent" => self.sent = Some(number::whole(value)?),
                b"Rows_affected" => self.affected = Some(number::whole(value)?),
                b"Thread_id" | b"Id" => self.session = Some(number::whole(value)?),
                b"Schema" => self.schema = Some(value),
                b"Errno" | b"Last_errno" => self.error = Some(number::whole(value)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// `app[app] @ app06 [10.20.1.15]  Id:  1076`; the host or its address may be missing.
    fn user(&mut self, text: &'a [u8]) -> Result<(), Reason> {
        if let Some(at) = memmem::find(text, b" @ ") {
            let peer = &text[at + 3..];
            let open = memchr(b'[', peer).unwrap_or(peer.len());
            let address = peer.get(open + 1..).and_then(|rest| rest.split(|&b| b == b']').next()).unwrap_or_default();
            let host = peer[..open].trim_ascii();
            self.host = [host, address].into_iter().find(|name| !name.is_empty());
        }
        if let Some(at) = memmem::rfind(text, b"Id:") {
            self.session = Some(number::whole(text[at + 3..].trim_ascii())?);
        }
        Ok(())
    }

    fn operation(&self, kind: Kind, start: Option<i64>, duration: Option<Nanos>) -> Operation<'a> {
        let mut op = Operation::new(kind);
        op.role = Role::Server;
        op.start = start;
        op.duration = duration;
        op.session = self.session;
        op.instance = self.schema;
        op.peer = self.host;
        op.system = Some(b"mysql");
        op
    }
}

/// The argument of a command that the server puts before the statement, `use bank;`.
fn command<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let head = line.get(..word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    line[word.len()..].trim_ascii().strip_suffix(b";")
}

/// The time in `timestamp=1795370151` or `last_insert_id=1,insert_id=2,timestamp=1795370151`.
fn timestamp(settings: &[u8]) -> Option<&[u8]> {
    settings.split(|&b| b == b',').find_map(|setting| setting.strip_prefix(b"timestamp="))
}

/// The statement proper: without the time line of the next record and the last semicolon.
fn statement(text: &[u8]) -> &[u8] {
    let text = match memmem::find(text, b"\n# Time: ") {
        Some(at) => &text[..at],
        None => text,
    };
    let text = if text.starts_with(b"# Time: ") { b"" } else { text };
    let text = text.strip_prefix(b"# ").unwrap_or(text).trim_ascii();
    text.strip_suffix(b";").unwrap_or(text)
}

/// What the server writes in a statement's place to say how many it has left out.
fn is_notice(sql: &[u8]) -> bool {
    sql.starts_with(b"throttle:") && sql.ends_with(b"warning(s) suppressed.")
}

/// A statement without its comments from `#` to the line's end, which only MySQL has. Quotes within
/// texts are doubled or stand behind a backslash.
fn without_hash_comments(sql: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'#', sql).is_none() {
        return Cow::Borrowed(sql);
    }
    let mut plain = Vec::with_capacity(sql.len());
    let (mut quote, mut at) = (None, 0);
    while let Some(&b) = sql.get(at) {
        match (quote, b) {
            (Some(open), b'\\') if open != b'`' => {
                plain.extend_from_slice(&sql[at..(at + 2).min(sql.len())]);
                at += 2;
                continue;
            }
            (Some(open), _) if open == b => quote = None,
            (None, b'\'' | b'"' | b'`') => quote = Some(b),
            (None, b'#') => {
                at += memchr(b'\n', &sql[at..]).unwrap_or(sql.len() - at);
                continue;
            }
            _ => {}
        }
        plain.push(b);
        at += 1;
    }
    plain.truncate(plain.trim_ascii_end().len());
    Cow::Owned(plain)
}

fn cut_line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr(b'\n', text) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &b""[..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}
