//! Which layout a log has, from its first lines; and what its first transactions tell of units.

use super::event::{Verb, Words};
use super::head::{self, Layout};
use super::names::Names;
use super::phrase;
use super::structured;
use super::transaction::Reading;
use crate::scan::number;
use crate::{Id, Nanos, Unit};

/// So many lines settle the layout.
pub(super) const LINES: usize = 50;

/// What the first lines show.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    /// The layout.
    pub(super) layout: Layout,
    /// Lines looked at.
    pub(super) lines: usize,
    /// Lines with a head.
    pub(super) heads: usize,
    /// Transactions among them.
    pub(super) transactions: usize,
    /// Those of them that name no request.
    pub(super) unnamed: usize,
    /// Whether one of them states a part of its time: queue, pool, database, calls to others.
    pub(super) parted: bool,
    /// Most digits of a fraction of a second among the heads.
    pub(super) digits: u8,
    /// Whether all heads carry a zone.
    pub(super) zoned: bool,
    /// Whether the heads carry a date.
    pub(super) dated: bool,
    /// Finest step of the durations.
    pub(super) step: Option<Nanos>,
    /// The unit of totals that name none, by their looks; `None` where every total names it.
    pub(super) bare: Option<Unit>,
    /// What tells the start and the end of a request, where they have records of their own.
    pub(super) words: Option<Words>,
}

/// Settles the layout; `None` where six in ten lines do not fit any. Units are looked for in the
/// first `most` lines.
pub(super) fn settle(text: &[u8], names: &Names, most: usize) -> Option<Settled> {
    let lines: Vec<&[u8]> = text.split(|&b| b == b'\n').filter(|l| !l.trim_ascii().is_empty()).take(LINES).collect();
    if lines.iter().any(|line| is_foreign(line)) {
        return None;
    }
    let layout = structured_layout(&lines, names).or_else(|| text_layout(&lines))?;
    let mut tally = Tally::new(layout, lines.len());
    match layout {
        Layout::Json => text.split(|&b| b == b'\n').take(most).for_each(|line| {
            if let Ok(reading) = structured::json(line, names, Unit::Millis) {
                tally.structured(&reading);
            }
        }),
        Layout::Logfmt => text.split(|&b| b == b'\n').take(most).for_each(|line| {
            tally.structured(&structured::logfmt(line, names, Unit::Millis));
        }),
        _ => {
            let mut rest = text;
            for _ in 0..most {
                tally.text(rest, names);
                rest = head::split_line(rest).1;
            }
        }
    }
    Some(tally.finish())
}

/// Lines that other formats write and that look alike: PostgreSQL's stderr log, the JVM's unified
/// log, nginx's error log.
fn is_foreign(line: &[u8]) -> bool {
    let start = &line[..line.len().min(160)];
    let has = |mark: &[u8]| memchr::memmem::find(start, mark).is_some();
    let postgres = [&b"LOG:  "[..], b"DETAIL:  ", b"STATEMENT:  ", b"ERROR:  ", b"FATAL:  ", b"WARNING:  ", b"HINT:  "];
    let nginx = line.get(4) == Some(&b'/') && has(b"] ") && has(b"#");
    postgres.iter().any(|mark| has(mark)) || has(b"][gc") || has(b"][safepoint") || has(b"[slowlog") || has(b".slowlog") || nginx
}

fn structured_layout(lines: &[&[u8]], names: &Names) -> Option<Layout> {
    let whole = |reading: &Reading<'_>| reading.level.is_some() && reading.time.and_then(structured::when).is_some();
    let json = lines.iter().filter(|l| l.starts_with(b"{"));
    let json = json.filter(|l| structured::json(l, names, Unit::Millis).is_ok_and(|r| whole(&r) && r.message.is_some())).count();
    if json > 0 && json * 10 >= lines.len() * 6 {
        return Some(Layout::Json);
    }
    let starts = |line: &[u8]| {
        let keys = [&b"ts="[..], b"time=", b"level=", b"lvl=", b"timestamp=", b"t=", b"severity="];
        keys.iter().any(|key| line.starts_with(key))
    };
    let logfmt = lines.iter().filter(|l| {
        let read = || structured::logfmt(l, names, Unit::Millis);
        // Requests without a stamp are such lines, too, when they begin with a pair and tell all else.
        starts(l) && whole(&read()) || begins_with_pair(l) && read().is_request()
    });
    let logfmt = logfmt.count();
    (logfmt > 0 && logfmt * 10 >= lines.len() * 6).then_some(Layout::Logfmt)
}

fn begins_with_pair(line: &[u8]) -> bool {
    let key = line.iter().take(32).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')).count();
    key > 0 && line.get(key) == Some(&b'=')
}

fn text_layout(lines: &[&[u8]]) -> Option<Layout> {
    let best =
        Layout::TEXT.into_iter().map(|layout| (heads(layout, lines), layout)).max_by_key(|&((heads, levels), _)| (levels, heads));
    let ((heads, levels), layout) = best?;
    // The lines of a stack trace, and the second lines of java.util.logging, belong to a head.
    let more = lines.iter().filter(|line| layout.stamp(line).is_none() && continues(line)).count();
    // Some write no level; then a pool's reading tells the log from any other.
    let tells = || lines.iter().any(|line| memchr::memmem::find(line, b" stats (total=").is_some());
    let leveled = levels > 0 && levels * 10 >= heads * 6 || heads > 0 && tells();
    let fits = leveled && (heads + more) * 10 >= lines.len() * 6;
    fits.then_some(layout)
}

/// Lines with a timestamp, and those among them with a level too.
fn heads(layout: Layout, lines: &[&[u8]]) -> (usize, usize) {
    let mut count = (0, 0);
    for (i, line) in lines.iter().enumerate() {
        if layout.stamp(line).is_none() {
            continue;
        }
        let two = [line, &b"\n"[..], lines.get(i + 1).copied().unwrap_or_default()].concat();
        count.0 += 1;
        count.1 += usize::from(head::read(layout, if layout == Layout::Jul { &two } else { line }).is_some_and(|h| h.level));
    }
    count
}

/// Whether a line looks like one that continues a record.
fn continues(line: &[u8]) -> bool {
    let word = &line[..line.iter().position(|b| matches!(b, b' ' | b':')).unwrap_or(line.len())];
    let exception = || word.contains(&b'.') && (word.ends_with(b"Exception") || word.ends_with(b"Error"));
    line.starts_with(b"\t") || line.starts_with(b"  ") || line.starts_with(b"Caused by: ") || head::is_level(word) || exception()
}

struct Tally {
    settled: Settled,
    bare: Vec<(bool, Nanos)>,
    /// Verbs, each with the request or thread it is said of.
    verbs: Vec<(Verb, u128)>,
}

impl Tally {
    fn new(layout: Layout, lines: usize) -> Self {
        let settled = Settled {
            layout,
            lines,
            heads: 0,
            transactions: 0,
            unnamed: 0,
            parted: false,
            digits: 0,
            zoned: true,
            dated: true,
            step: None,
            bare: None,
            words: None,
        };
        Tally { settled, bare: Vec::new(), verbs: Vec::new() }
    }

    fn structured(&mut self, reading: &Reading<'_>) {
        let when = reading.time.and_then(structured::when);
        if let Some(when) = when.or_else(|| reading.is_request().then(head::When::default)) {
            self.head(when);
            self.reading(reading, reading.message.unwrap_or_default(), None);
        }
    }

    fn text(&mut self, text: &[u8], names: &Names) {
        if let Some(head) = head::read(self.settled.layout, text) {
            self.head(head.when);
            self.reading(&phrase::read_head(&head, names, Unit::Millis), head.message, head.thread);
        }
    }

    fn head(&mut self, when: head::When) {
        self.settled.heads += 1;
        self.settled.digits = self.settled.digits.max(when.digits);
        self.settled.zoned &= when.zoned;
        self.settled.dated &= when.nanos.is_some();
    }

    fn reading<'a>(&mut self, reading: &Reading<'a>, message: &'a [u8], thread: Option<&'a [u8]>) {
        if reading.operation(None, None).is_ok_and(|op| op.is_some()) {
            self.settled.transactions += 1;
            self.settled.unnamed += usize::from(!reading.is_named());
            self.settled.parted |= reading.has_parts();
            self.settled.step = [self.settled.step, reading.step].into_iter().flatten().min();
            if let Some(total) = reading.bare_total {
                let thousandths = number::scaled(total, 1000).unwrap_or(i64::MAX);
                self.bare.push((total.contains(&b'.'), thousandths));
            }
        }
        self.verb(reading, message, thread);
    }

    fn verb<'a>(&mut self, reading: &Reading<'a>, message: &'a [u8], thread: Option<&'a [u8]>) {
        let mut verb = None;
        let noted = reading.event(message, None, thread, |found| {
            verb = Some(found);
            true
        });
        let Ok(Some(operation)) = noted else { return };
        let key = operation.request.or(operation.trace).or_else(|| operation.thread.and_then(Id::parse));
        self.verbs.extend(verb.zip(key.map(|id| id.0)));
    }

    fn finish(mut self) -> Settled {
        // A log that states the durations of its requests would tell each of them twice.
        self.settled.words = Words::settle(&self.verbs).filter(|_| self.settled.transactions == 0);
        // Seconds are written with a fraction and are small; milliseconds mostly are neither.
        let seconds = self.bare.iter().all(|&(fraction, thousandths)| fraction && thousandths < 30_000);
        if !self.bare.is_empty() {
            self.settled.bare = Some(if seconds { Unit::Seconds } else { Unit::Millis });
        }
        self.settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(Layout, usize, Option<Unit>)> {
        settle(text.as_bytes(), &Names::default(), LINES).map(|s| (s.layout, s.transactions, s.bare))
    }

    #[test]
    fn layouts_are_settled_by_the_first_lines() {
        assert_eq!(of("2026-11-22 17:55:51 INFO [main] a.B - x\njava.lang.X: y\n\tat z\n"), Some((Layout::Iso, 0, None)));
        assert_eq!(of("Nov 22, 2026 5:55:51 PM a.B run\nINFO: op=x took=3\n"), Some((Layout::Jul, 1, Some(Unit::Millis))));
        assert_eq!(
            of("ts=2026-11-22T17:55:51Z level=info msg=x op=y took=0.0123\n"),
            Some((Layout::Logfmt, 1, Some(Unit::Seconds)))
        );
        assert_eq!(of("{\"ts\":1795370151.5,\"level\":\"info\",\"msg\":\"x\"}\n"), Some((Layout::Json, 0, None)));
    }

    #[test]
    fn logs_that_look_alike_are_left_alone() {
        for text in [
            "2026-11-22 17:39:12.559 UTC [1229] LOG:  starting\n",
            "2026-11-22 17:39:12.559 UTC [1229] ERROR:  relation \"x\" does not exist at character 15\n",
            "[2026-11-22T17:48:01.850+0000][0.012s][info][gc] Using G1\n",
            "2026/11/22 17:55:51 [error] 12#12: *1 open() failed\n",
            "2026-11-22 17:57:25\nFull thread dump OpenJDK\n",
            "{\"a\":1}\n",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
