//! The head of a record: timestamp, level, thread and logger, in the order that each logging
//! framework likes. What follows is the message.
//! <https://logback.qos.ch/manual/layouts.html>,
//! <https://docs.oracle.com/en/java/javase/21/docs/api/java.logging/java/util/logging/SimpleFormatter.html>

use crate::scan::time::{self, SECOND};

/// How the heads of one log begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    /// `2026-11-22 17:55:51,653 ...`
    Iso,
    /// `[2026-11-22 17:55:51,653] ...`
    Bracketed,
    /// `22-Nov-2026 17:55:51.653 ...`, `22 Nov 2026 17:55:51,653 ...`
    Named,
    /// `I, [2026-11-22T17:55:51.123456 #1234]  INFO -- : ...`, as Ruby's Logger writes.
    Ruby,
    /// `TID: [-1234] [] [2026-11-22 17:55:51,653] ...`, as WSO2's servers write.
    Carbon,
    /// `Nov 22, 2026 5:55:51 PM class method`, then a line with the level and the message.
    Jul,
    /// `17:55:51.653 ...`: no date.
    Clock,
    /// `[17:55:51 INF] ...`: no date.
    BracketedClock,
    /// A JSON object in each line.
    Json,
    /// `ts=... level=... msg=...` in each line.
    Logfmt,
}

impl Layout {
    /// The layouts of plain text.
    pub(super) const TEXT: [Layout; 8] = [
        Layout::Iso,
        Layout::Bracketed,
        Layout::Named,
        Layout::Ruby,
        Layout::Carbon,
        Layout::Jul,
        Layout::Clock,
        Layout::BracketedClock,
    ];

    /// What people call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Layout::Iso => "date time level",
            Layout::Bracketed => "[date time] level",
            Layout::Named => "day-month-year time level",
            Layout::Ruby => "letter, [date time #pid] level",
            Layout::Carbon => "TID, [date time] level",
            Layout::Jul => "two lines (java.util.logging)",
            Layout::Clock => "time level, no date",
            Layout::BracketedClock => "[time level], no date",
            Layout::Json => "JSON lines",
            Layout::Logfmt => "logfmt",
        }
    }

    /// The timestamp at the start of a line of text, and what follows it.
    pub(super) fn stamp(self, line: &[u8]) -> Option<(When, &[u8])> {
        match self {
            Layout::Iso => iso(line),
            Layout::Bracketed => {
                let (when, rest) = iso(line.strip_prefix(b"[")?)?;
                Some((when, rest.strip_prefix(b"]").unwrap_or(rest)))
            }
            Layout::Named => named(line),
            Layout::Ruby => {
                let rest = line.get(1..).filter(|_| line[0].is_ascii_uppercase())?.strip_prefix(b", [")?;
                let (when, rest) = iso(rest)?;
                let pid = rest.strip_prefix(b" #")?;
                let close = pid.iter().take(20).position(|&b| b == b']')?;
                Some((when, &pid[close + 1..]))
            }
            Layout::Carbon => {
                let rest = line.strip_prefix(b"TID:")?;
                let open = memchr::memmem::find(&rest[..rest.len().min(80)], b"[20")? + 1;
                let (when, rest) = iso(&rest[open..])?;
                Some((when, rest.strip_prefix(b"]").unwrap_or(rest)))
            }
            Layout::Jul => jul(line),
            Layout::Clock => clock(line),
            Layout::BracketedClock => {
                let (when, rest) = clock(line.strip_prefix(b"[")?)?;
                Some((when, rest.strip_prefix(b"]").unwrap_or(rest)))
            }
            Layout::Json | Layout::Logfmt => None,
        }
    }
}

/// A moment as a head tells it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct When {
    /// Nanoseconds since the epoch, as if UTC where there is no zone; `None` without a date.
    pub(super) nanos: Option<i64>,
    /// Whether there is a zone.
    pub(super) zoned: bool,
    /// Digits of the fraction of a second.
    pub(super) digits: u8,
}

impl From<time::Stamp> for When {
    fn from(stamp: time::Stamp) -> Self {
        When { nanos: Some(stamp.nanos), zoned: stamp.zoned, digits: stamp.digits }
    }
}

/// A record's head as read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    /// Its timestamp.
    pub(super) when: When,
    /// Whether a level was found.
    pub(super) level: bool,
    /// The thread.
    pub(super) thread: Option<&'a [u8]>,
    /// `key=value` pairs in brackets: the diagnostic context.
    pub(super) context: Option<&'a [u8]>,
    /// What follows; on the first line only.
    pub(super) message: &'a [u8],
}

/// Reads the head of a record whose first lines are `text`; `None` where it has no timestamp.
pub(super) fn read(layout: Layout, text: &[u8]) -> Option<Head<'_>> {
    let (first, more) = split_line(text);
    let (when, rest) = layout.stamp(first)?;
    if layout == Layout::Jul {
        let (second, _) = split_line(more);
        let (word, message) = second.split_at(second.iter().position(|&b| b == b':').unwrap_or(0));
        let level = is_level(word);
        return Some(Head {
            when,
            level,
            thread: None,
            context: None,
            message: if level { message[1..].trim_ascii() } else { rest },
        });
    }
    let head = tokens(when, rest);
    // What Rails puts in brackets there are the tags of the request.
    Some(if layout == Layout::Ruby { Head { thread: None, ..head } } else { head })
}

/// The first line of a text, without its end, and the rest.
pub(super) fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', text) {
        Some(at) => (text[..at].strip_suffix(b"\r").unwrap_or(&text[..at]), &text[at + 1..]),
        None => (text.strip_suffix(b"\r").unwrap_or(text), b""),
    }
}

/// Takes level, thread and logger off what follows the timestamp, in whatever order they stand.
fn tokens(when: When, mut rest: &[u8]) -> Head<'_> {
    let mut head = Head { when, level: false, thread: None, context: None, message: b"" };
    let mut logger = false;
    // No framework puts more than a handful of tokens before the message.
    for _ in 0..9 {
        rest = separators(rest);
        head.message = rest;
        let Some(&first) = rest.first() else { break };
        if let Some((inner, after)) = enclosed(rest) {
            let inner = inner.trim_ascii();
            if is_level(inner) {
                head.level = true;
            } else if inner.contains(&b'=') {
                if first == b'(' {
                    break;
                }
                head.context = head.context.or(Some(inner));
            } else if first == b'(' {
                if !head.level {
                    break;
                }
                head.thread = Some(inner);
            } else if head.thread.is_none() && !inner.is_empty() {
                head.thread = Some(inner);
            }
            rest = after;
            continue;
        }
        let len = rest.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(rest.len());
        let (word, after) = rest.split_at(len);
        let bare = word.strip_suffix(b":").or_else(|| word.strip_suffix(b"]")).unwrap_or(word);
        if !head.level && is_level(bare) {
            head.level = true;
        } else if is_number(word) && !head.level | !logger && head.thread.is_none() {
            // A process or thread number.
        } else if !logger && is_logger(word, after) {
            logger = true;
            if head.level {
                head.message = separators(after);
                break;
            }
        } else {
            break;
        }
        rest = after;
        head.message = separators(rest);
    }
    head
}

/// A text in brackets or parentheses that `text` starts with, and what follows. Brackets nest
/// (WebLogic's thread names do); further than 200 bytes none is looked for.
fn enclosed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (open, close) = match text.first()? {
        b'[' => (b'[', b']'),
        b'(' => (b'(', b')'),
        _ => return None,
    };
    let mut depth = 0;
    for (i, &b) in text.iter().enumerate().take(200) {
        depth += i32::from(b == open) - i32::from(b == close);
        if depth == 0 {
            return Some((&text[1..i], &text[i + 1..]));
        }
    }
    None
}

/// Blanks, bars, and dashes or colons that stand alone.
fn separators(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b' ' | b'\t' | b'|', rest @ ..] => rest,
            // An arrow is part of the message.
            [b'-', b'-', b'>', ..] => return text,
            [b'-', b'-', rest @ ..] => rest,
            [b'-' | b':', rest @ ..] if rest.first().is_none_or(|b| matches!(b, b' ' | b'\t')) => rest,
            _ => return text,
        };
    }
}

/// A class or logger name: dotted, or set off from the message by a dash or colon.
fn is_logger(word: &[u8], after: &[u8]) -> bool {
    let name = word.strip_suffix(b":").unwrap_or(word);
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$' | b'-' | b'/' | b'@' | b':');
    let set_off = || {
        let after = after.trim_ascii_start();
        after.starts_with(b"- ") || after.starts_with(b": ")
    };
    !name.is_empty() && name.iter().all(plain) && (name.contains(&b'.') || name.len() < word.len() || set_off())
}

fn is_number(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_digit)
}

/// Whether a word names a level, in any framework's spelling.
pub(super) fn is_level(word: &[u8]) -> bool {
    const LONG: [&str; 15] = [
        "TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "SEVERE", "CONFIG", "FINE", "FINER", "FINEST", "NOTICE",
        "CRITICAL", "VERBOSE",
    ];
    const SERILOG: [&str; 6] = ["VRB", "DBG", "INF", "WRN", "ERR", "FTL"];
    (3..=8).contains(&word.len())
        && (LONG.iter().any(|l| word.eq_ignore_ascii_case(l.as_bytes())) || SERILOG.iter().any(|l| word == l.as_bytes()))
}

fn iso(line: &[u8]) -> Option<(When, &[u8])> {
    let (stamp, rest) = time::iso_prefix(line).ok()?;
    Some((stamp.into(), rest))
}

fn named(line: &[u8]) -> Option<(When, &[u8])> {
    let separator = *line.get(2)?;
    if !matches!(separator, b'-' | b' ') || line.get(6) != Some(&separator) || line.get(11) != Some(&b' ') {
        return None;
    }
    let year = time::two(line, 7).ok()? * 100 + time::two(line, 9).ok()?;
    let days = time::days(year, time::month_of(line.get(3..6)?).ok()?, time::two(line, 0).ok()?).ok()?;
    let (seconds, rest) = time::clock(line.get(12..)?).ok()?;
    let (fraction, digits, rest) = time::fraction(rest);
    Some((When { nanos: Some((days * 86_400 + seconds) * SECOND + fraction), zoned: false, digits }, rest))
}

fn jul(line: &[u8]) -> Option<(When, &[u8])> {
    let month = time::month_of(line.get(..3)?).ok()?;
    let (day, rest) = small(line.get(4..)?)?;
    let rest = rest.strip_prefix(b", ")?;
    let year = time::two(rest, 0).ok()? * 100 + time::two(rest, 2).ok()?;
    let (hour, rest) = small(rest.get(4..)?.strip_prefix(b" ")?)?;
    let (minute, second) = (time::two(rest, 1).ok()?, time::two(rest, 4).ok()?);
    let rest = rest.get(6..)?.strip_prefix(b" ")?;
    let afternoon = match rest.get(..2)? {
        b"AM" => 0,
        b"PM" => 12,
        _ => return None,
    };
    if !(1..=12).contains(&hour) || minute > 59 || second > 60 {
        return None;
    }
    let seconds = (hour % 12 + afternoon) * 3600 + minute * 60 + second;
    let days = time::days(year, month, day).ok()?;
    Some((When { nanos: Some((days * 86_400 + seconds) * SECOND), zoned: false, digits: 0 }, rest[2..].trim_ascii()))
}

fn clock(line: &[u8]) -> Option<(When, &[u8])> {
    let (_, rest) = time::clock(line).ok()?;
    let (_, digits, rest) = time::fraction(rest);
    let ends = rest.first().is_none_or(|b| matches!(b, b' ' | b'\t' | b']' | b'|'));
    ends.then_some((When { nanos: None, zoned: false, digits }, rest))
}

/// One or two digits.
fn small(text: &[u8]) -> Option<(i64, &[u8])> {
    let len = text.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
    let value = text[..len].iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    (len > 0).then_some((value, &text[len..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d '2026-11-22 17:55:51' +%s`
    const T: i64 = 1_795_370_151 * SECOND;

    #[test]
    fn heads_of_many_frameworks_are_read() {
        for (layout, text, thread, message) in [
            (Layout::Iso, "2026-11-22T17:55:51Z INFO  [bank-worker-5] txn - txnId=5 rid=f", "bank-worker-5", "txnId=5 rid=f"),
            (Layout::Iso, "2026-11-22 17:55:51 DEBUG [main] com.x.Y - autoCommit...true", "main", "autoCommit...true"),
            (
                Layout::Iso,
                "2026-11-22T17:55:51Z  INFO 4242 --- [           main] c.z.h.Hikari   : Pool - Start",
                "main",
                "Pool - Start",
            ),
            (Layout::Iso, "2026-11-22 17:55:51 [pool-1] INFO  c.x.Y - hello a=b", "pool-1", "hello a=b"),
            (Layout::Iso, "2026-11-22 17:55:51 +00:00 [INF] HTTP GET /x", "", "HTTP GET /x"),
            (Layout::Iso, "2026-11-22 17:55:51 - app.views - INFO - done id=7", "", "done id=7"),
            (Layout::Iso, "2026-11-22 17:55:51 INFO  [org.jboss.as] (MSC thread 1-2) started", "MSC thread 1-2", "started"),
            (Layout::Iso, "2026-11-22 17:55:51 | WARN | main | x=1", "", "main | x=1"),
            (Layout::Iso, "2026-11-22 17:55:51 INFO [rid=7f] [main] c.x.Y - x=1", "main", "x=1"),
            (Layout::Bracketed, "[2026-11-22 17:55:51] [INFO] [exec-1] did x=1", "exec-1", "did x=1"),
            (Layout::Named, "22-Nov-2026 17:55:51 INFO [main] org.apache.X.start Server up", "main", "Server up"),
            (Layout::Ruby, "I, [2026-11-22T17:55:51.000000 #12]  INFO -- : [ab1] method=GET x=1", "", "method=GET x=1"),
            (Layout::Carbon, "TID: [-1234] [] [2026-11-22 17:55:51,000] ERROR {org.x.Y} -  x=1", "", "{org.x.Y} -  x=1"),
            (Layout::Jul, "Nov 22, 2026 5:55:51 PM com.x.Y run\nINFO: done x=1\n", "", "done x=1"),
        ] {
            let head = read(layout, text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(head.when.nanos, Some(T), "{text}");
            assert!(head.level, "{text}");
            assert_eq!(String::from_utf8_lossy(head.thread.unwrap_or_default()), thread, "{text}");
            assert_eq!(String::from_utf8_lossy(head.message), message, "{text}");
        }
    }

    #[test]
    fn a_clock_alone_is_no_moment() {
        let head = read(Layout::Clock, b"17:55:51.653 [main] INFO c.x.Y - x=1").expect("a head");
        assert_eq!((head.when.nanos, head.when.digits, head.message), (None, 3, &b"x=1"[..]));
        let head = read(Layout::BracketedClock, b"[17:55:51 INF] x=1").expect("a head");
        assert!(head.level && head.message == b"x=1");
    }

    #[test]
    fn noon_and_midnight_are_told_apart() {
        let at = |text: &[u8]| jul(text).and_then(|(when, _)| when.nanos);
        assert_eq!(at(b"Nov 22, 2026 12:00:00 AM x"), Some(T - (17 * 3600 + 55 * 60 + 51) * SECOND));
        assert_eq!(at(b"Nov 22, 2026 12:00:00 PM x"), Some(T - (5 * 3600 + 55 * 60 + 51) * SECOND));
        assert_eq!(at(b"Nov 22, 2026 13:00:00 PM x"), None);
    }
}
