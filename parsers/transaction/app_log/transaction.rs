//! Transactions by key: `total_ms=138.8 queue_ms=14.5 rid=... type=STATEMENT http=200`.
//!
//! A record is a transaction when it states a total time and says whose: an id, a name or a status.

use super::event::{self, Verb};
use super::names::{Field, Meaning, Names};
use crate::scan::{duration, line, number};
use crate::{Id, Kind, Nanos, Operation, Outcome, Parts, Reason, Role, Unit};

/// What the keys of one record say. The first value of each kind counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading<'a> {
    total_said: bool,
    total: Option<Nanos>,
    parts: Parts,
    calls: Option<u32>,
    bytes: Option<u64>,
    http: Option<u16>,
    status: Option<&'a [u8]>,
    cause: Option<&'a [u8]>,
    success: Option<bool>,
    request: Option<Id>,
    /// Whether an id of the request was stated, even one that joins nothing: counters start at 0.
    numbered: bool,
    transaction: Option<Id>,
    trace: Option<Id>,
    target: Option<&'a [u8]>,
    operation: Option<&'a [u8]>,
    method: Option<&'a [u8]>,
    pub(super) thread: Option<&'a [u8]>,
    service: Option<&'a [u8]>,
    instance: Option<&'a [u8]>,
    /// The record's own timestamp and level, in structured logs.
    pub(super) time: Option<&'a [u8]>,
    pub(super) level: Option<&'a [u8]>,
    pub(super) message: Option<&'a [u8]>,
    pub(super) stack: Option<&'a [u8]>,
    /// What happened, where a key of its own tells it.
    pub(super) event: Option<&'a [u8]>,
    /// The first value that could not be read: it matters only if this is a transaction.
    error: Option<Reason>,
    /// Finest step of the durations read, in nanoseconds.
    pub(super) step: Option<Nanos>,
    /// The total as written, where nothing names its unit.
    pub(super) bare_total: Option<&'a [u8]>,
}

impl<'a> Reading<'a> {
    /// Reads every `key=value` of a text and, where they tell no total, every `key: value`. What is
    /// known already stays.
    pub(super) fn add_text(&mut self, text: &'a [u8], names: &Names, unit: Unit) {
        let usual = lograge(text);
        line::key_values(text, |key, value| {
            if let Some(meaning) = names.meaning(key) {
                self.take(Meaning { unit: meaning.unit.or(usual), ..meaning }, closed(with_unit(text, value)), unit);
            }
        });
        if !self.total_said {
            colon_pairs(text, |key, value| {
                if let Some(meaning) = names.meaning(key) {
                    self.take(meaning, closed(value), unit);
                }
            });
        }
    }

    /// Takes one value.
    pub(super) fn take(&mut self, meaning: Meaning, value: &'a [u8], unit: Unit) {
        let value = value.trim_ascii();
        match meaning.field {
            Field::Duration if !self.total_said => {
                let Some(said) = self.time(meaning, value, unit) else { return };
                self.total_said = true;
                self.total = said;
                let bare = meaning.unit.is_none() && ends_in_digit(value);
                self.bare_total = (bare && said.is_some()).then_some(value);
            }
            Field::Queue => self.part(meaning, value, unit, |parts| &mut parts.queue),
            Field::PoolWait => self.part(meaning, value, unit, |parts| &mut parts.pool_wait),
            Field::Database => self.part(meaning, value, unit, |parts| &mut parts.database),
            Field::External => self.part(meaning, value, unit, |parts| &mut parts.external),
            Field::Calls => match number::optional_whole(value).map(|calls| calls.map(u32::try_from)) {
                Ok(Some(Ok(calls))) if calls != u32::MAX => self.calls = self.calls.or(Some(calls)),
                Ok(None) => {}
                _ => self.fail(Reason::Number),
            },
            Field::Bytes => self.bytes = self.bytes.or(number::whole(value).ok().filter(|&n| n != u64::MAX)),
            Field::Http => match number::status(value) {
                Ok(status) => self.http = self.http.or(status),
                Err(reason) => self.fail(reason),
            },
            Field::Status => match number::whole(value) {
                Ok(code @ 100..=599) => self.http = self.http.or(Some(code as u16)),
                _ => first(&mut self.status, value),
            },
            Field::Cause => first(&mut self.cause, value),
            Field::Success => self.success = self.success.or(truth(value)),
            Field::Request => {
                self.request = self.request.or(Id::parse(value));
                self.numbered |= self.request.is_some() || number::whole(value).is_ok();
            }
            Field::Transaction => self.transaction = self.transaction.or(Id::parse(value)),
            Field::Trace => self.trace = self.trace.or(Id::parse(value)),
            Field::Traceparent => self.trace = self.trace.or(Id::traceparent(value).map(|(trace, _)| trace)),
            Field::Target => match line::request_line(value) {
                Some((method, target)) if target.starts_with(b"/") => {
                    first(&mut self.method, method);
                    first(&mut self.target, target);
                }
                _ => first(&mut self.target, value),
            },
            Field::RequestLine => {
                if let Some((method, target)) = line::request_line(value) {
                    first(&mut self.method, method);
                    first(&mut self.target, target);
                }
            }
            Field::Operation => first(&mut self.operation, value),
            Field::Method => first(&mut self.method, value),
            Field::Thread => first(&mut self.thread, value),
            Field::Service => first(&mut self.service, value),
            Field::Instance => first(&mut self.instance, value),
            Field::Time => first(&mut self.time, value),
            Field::Level => first(&mut self.level, value),
            Field::Message => first(&mut self.message, value),
            Field::Event => first(&mut self.event, value),
            Field::Stack => first(&mut self.stack, value),
            Field::Duration => {}
        }
    }

    /// The request or trace id, to join what else the record tells.
    pub(super) fn ids(&self) -> (Option<Id>, Option<Id>) {
        (self.request.or(self.transaction), self.trace)
    }

    /// Whether the record states a total time at all.
    pub(super) fn has_total(&self) -> bool {
        self.total_said
    }

    /// Whether the record names what was asked for.
    pub(super) fn is_named(&self) -> bool {
        self.target.or(self.operation).is_some()
    }

    /// Whether the record is a request by all it says: what was asked for, how it ended, how long it took.
    pub(super) fn is_request(&self) -> bool {
        self.target.is_some() && self.http.is_some() && self.total_said
    }

    /// Whether the record states a part of its total time, or its database calls.
    pub(super) fn has_parts(&self) -> bool {
        self.parts != Parts::default() || self.calls.is_some()
    }

    /// The transaction that ended at `end`, or `None` when the record is none.
    ///
    /// # Errors
    /// When one of its numbers cannot be read.
    pub(super) fn operation(&self, end: Option<i64>, thread: Option<&'a [u8]>) -> Result<Option<Operation<'a>>, Reason> {
        let (request, trace) = self.ids();
        let is_told_apart = request.is_some() || trace.is_some() || self.is_named() || self.http.is_some() || self.numbered;
        if !self.total_said || !is_told_apart {
            return Ok(None);
        }
        if let Some(reason) = self.error {
            return Err(reason);
        }
        let start = end.map(|end| end.saturating_sub(self.total.unwrap_or(0)));
        Ok(Some(Operation { start, duration: self.total, ..self.said(thread) }))
    }

    /// The start or end of a request at `stamp`, or `None` when the record tells of none by a verb
    /// that is `wanted`. It must say whose: an id, or the thread together with a name or a status.
    ///
    /// # Errors
    /// When one of its numbers cannot be read.
    pub(super) fn event(
        &self,
        message: &'a [u8],
        stamp: Option<i64>,
        thread: Option<&'a [u8]>,
        mut wanted: impl FnMut(Verb) -> bool,
    ) -> Result<Option<Operation<'a>>, Reason> {
        let told = self.event.and_then(event::read).or_else(|| event::read(message));
        let Some(told) = told.filter(|told| !self.total_said && wanted(told.verb)) else { return Ok(None) };
        let mut operation = Operation { start: stamp, phase: told.verb.phase, ..self.said(thread) };
        if let Some((method, target)) = told.request.filter(|_| self.target.is_none()) {
            operation.method = operation.method.or(Some(method));
            operation.name = Some(target);
        }
        let has_id = operation.request.is_some() || operation.trace.is_some();
        if !has_id && (operation.thread.is_none() || (operation.name.is_none() && operation.status.is_none())) {
            return Ok(None);
        }
        operation.name = operation.name.or(told.subject);
        self.error.map_or(Ok(Some(operation)), Err)
    }

    /// All that is said but the times.
    fn said(&self, thread: Option<&'a [u8]>) -> Operation<'a> {
        let (request, trace) = self.ids();
        Operation {
            role: Role::Server,
            outcome: self.outcome(),
            trace,
            request,
            service: self.service,
            instance: self.instance,
            name: self.target.or(self.operation),
            method: self.method,
            thread: thread.or(self.thread),
            status: self.http,
            bytes: self.bytes,
            count: self.calls,
            parts: self.parts,
            ..Operation::new(Kind::Request)
        }
    }

    /// How it ended. A stated timeout says more than the 500 it was answered with.
    fn outcome(&self) -> Outcome {
        let by_status = self.http.map_or(Outcome::Unknown, Outcome::of_status);
        let by_word = self.status.map_or(Outcome::Unknown, |status| match () {
            () if says_timeout(status) => Outcome::TimedOut,
            () if says(status, &["OK", "SUCCESS", "SUCCEEDED", "COMPLETED", "DONE"]) => Outcome::Ok,
            () if says(status, &["ERROR", "FAIL", "FAILED", "FAILURE", "EXCEPTION", "KO"]) => Outcome::Failed,
            () => Outcome::Unknown,
        });
        let by_flag = self.success.map_or(Outcome::Unknown, |success| if success { Outcome::Ok } else { Outcome::Failed });
        let said = [by_status, by_word, by_flag].into_iter().find(|&outcome| outcome != Outcome::Unknown);
        match said.unwrap_or(Outcome::Unknown) {
            Outcome::Failed | Outcome::Unknown if self.cause.is_some_and(says_timeout) => Outcome::TimedOut,
            outcome => outcome,
        }
    }

    /// A duration: `None` when it is none at all, `Some(None)` when it is one that is not said.
    fn time(&mut self, meaning: Meaning, value: &[u8], unit: Unit) -> Option<Option<Nanos>> {
        let bare = meaning.unit.is_none() && ends_in_digit(value);
        if bare && !meaning.bare {
            return None;
        }
        if number::is_absent(value) {
            return Some(None);
        }
        let unit = meaning.unit.unwrap_or(unit);
        // A sentence may end with it.
        let value = value.strip_suffix(b".").unwrap_or(value);
        match duration::parse(value, Some(unit)) {
            Ok(nanos) => {
                self.note_step(value, unit);
                Some(Some(nanos))
            }
            Err(reason) => {
                self.fail(reason);
                Some(None)
            }
        }
    }

    fn part(&mut self, meaning: Meaning, value: &[u8], unit: Unit, slot: fn(&mut Parts) -> &mut Option<Nanos>) {
        if slot(&mut self.parts).is_none()
            && let Some(said) = self.time(meaning, value, unit)
        {
            *slot(&mut self.parts) = said;
        }
    }

    fn fail(&mut self, reason: Reason) {
        self.error = self.error.or(Some(reason));
    }

    fn note_step(&mut self, value: &[u8], unit: Unit) {
        let end = value.iter().position(|b| !matches!(b, b'0'..=b'9' | b'.' | b',')).unwrap_or(value.len());
        let nanos = duration::unit_of(value[end..].trim_ascii()).unwrap_or(unit.nanos());
        let digits = value[..end].iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let fraction = if digits < end { digits.min(9) as u32 } else { 0 };
        let step = (nanos / 10i64.pow(fraction)).max(1);
        self.step = Some(self.step.map_or(step, |old| old.min(step)));
    }
}

/// The unit of times that name none in the pairs that lograge writes for Rails.
/// <https://github.com/roidrage/lograge>
pub(super) fn lograge(text: &[u8]) -> Option<Unit> {
    let has = |key: &[u8]| memchr::memmem::find(text, key).is_some();
    (has(b" controller=") && has(b" action=")).then_some(Unit::Millis)
}

fn ends_in_digit(value: &[u8]) -> bool {
    value.last().is_some_and(|b| b.is_ascii_digit() || *b == b'.') && !value.starts_with(b"P")
}

fn first<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) {
    if slot.is_none() && !matches!(value, b"" | b"-" | b"null") {
        *slot = Some(value);
    }
}

fn truth(value: &[u8]) -> Option<bool> {
    match value {
        b"true" | b"True" | b"TRUE" | b"1" | b"yes" | b"Y" => Some(true),
        b"false" | b"False" | b"FALSE" | b"0" | b"no" | b"N" => Some(false),
        _ => None,
    }
}

fn says(text: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

/// `POOL_TIMEOUT`, `timed out`, `SocketTimeoutException`.
fn says_timeout(text: &[u8]) -> bool {
    let has = |word: &[u8]| text.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    text.len() < 4096 && (has(b"timeout") || has(b"timed out") || has(b"timed_out"))
}

/// A value together with the unit that follows it after a blank: `elapsed=12 ms`.
fn with_unit<'a>(text: &'a [u8], value: &'a [u8]) -> &'a [u8] {
    let start = (value.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    let end = start.wrapping_add(value.len());
    if !ends_in_digit(value) || text.get(end) != Some(&b' ') {
        return value;
    }
    let after = &text[end + 1..];
    let len = after.iter().position(|b| !b.is_ascii_alphabetic() && b.is_ascii()).unwrap_or(after.len());
    let is_unit = !matches!(&after[..len], b"m" | b"M" | b"h" | b"H" | b"S") && duration::unit_of(&after[..len]).is_some();
    if is_unit { text.get(start..end + 1 + len).unwrap_or(value) } else { value }
}

/// A value without the bracket that closes around it: `(took=12ms)`.
fn closed(value: &[u8]) -> &[u8] {
    let open = match value.last() {
        Some(b')') => b'(',
        Some(b']') => b'[',
        Some(b'}') => b'{',
        _ => return value,
    };
    if value.contains(&open) { value } else { &value[..value.len() - 1] }
}

/// Calls `each` with every `key: value`; a value ends at `,`, `;`, `|` or the end of the text.
fn colon_pairs<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) {
    for pair in text.split(|b| matches!(b, b',' | b';' | b'|')) {
        let Some(colon) = pair.windows(2).rposition(|w| w == b": ") else { continue };
        let key_start = pair[..colon].iter().rposition(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')));
        let key = &pair[key_start.map_or(0, |i| i + 1)..colon];
        if !key.is_empty() {
            each(key, pair[colon + 2..].trim_ascii());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Operation<'_>>, Reason> {
        let mut reading = Reading::default();
        reading.add_text(text.as_bytes(), &Names::default(), Unit::Millis);
        reading.operation(Some(10_000_000_000), Some(b"w-1"))
    }

    fn one(text: &str) -> Operation<'_> {
        read(text).expect("reads").unwrap_or_else(|| panic!("no transaction: {text}"))
    }

    #[test]
    fn a_transaction_keeps_its_parts_and_prefers_the_request_id() {
        let op = one(
            "txnId=0005 rid=f373768fabe0b2639dd97924fab34c23 type=STATEMENT status=OK http=200 total_ms=138.8 queue_ms=14.5 \
             pool_wait_ms=7.5 db_ms=113.5 db_calls=2 ext_ms=0.0",
        );
        assert_eq!((op.start, op.duration), (Some(9_861_200_000), Some(138_800_000)));
        assert_eq!(op.request, Some(Id(0xf373_768f_abe0_b263_9dd9_7924_fab3_4c23)));
        assert_eq!((op.name, op.count, op.status, op.outcome), (Some(&b"STATEMENT"[..]), Some(2), Some(200), Outcome::Ok));
        let parts = Parts {
            queue: Some(14_500_000),
            pool_wait: Some(7_500_000),
            database: Some(113_500_000),
            external: Some(0),
            ..Parts::default()
        };
        assert_eq!(op.parts, parts);
    }

    #[test]
    fn units_come_from_key_value_or_default() {
        assert_eq!(one("op=x took=1.5s").duration, Some(1_500_000_000));
        assert_eq!(one("op=x elapsed=12 ms").duration, Some(12_000_000));
        assert_eq!(one("done op=x (took=12ms)").duration, Some(12_000_000));
        assert_eq!(one("done {op=x} took=12ms.").duration, Some(12_000_000));
        assert_eq!(one("op=x elapsed=12").duration, Some(12_000_000));
        assert_eq!(one("op=x duration_us=12").duration, Some(12_000));
        assert_eq!(one("uri: /a, status: 200, elapsed: 7 ms").duration, Some(7_000_000));
        assert_eq!(one("op=x total_ms=5 db=3ms queue=17").parts.queue, None);
    }

    #[test]
    fn outcomes_follow_status_words_and_causes() {
        assert_eq!(one("op=x took=1ms status=ERROR reason=POOL_TIMEOUT http=503").outcome, Outcome::TimedOut);
        assert_eq!(one("op=x took=1ms status=DECLINED reason=INSUFFICIENT_FUNDS http=422").outcome, Outcome::Ok);
        assert_eq!(one("op=x took=1ms status=FAILED").outcome, Outcome::Failed);
        assert_eq!(one("op=x took=1ms success=true").outcome, Outcome::Ok);
        assert_eq!(one("op=x took=1ms").outcome, Outcome::Unknown);
    }

    #[test]
    fn absent_is_not_zero_and_bad_numbers_are_refused() {
        let op = one("op=x total_ms=- db_ms=-1");
        assert_eq!((op.duration, op.parts.database, op.start), (None, None, Some(10_000_000_000)));
        assert_eq!(read("op=x total_ms=-5.0").map(|op| op.is_some()), Err(Reason::Duration));
        assert_eq!(read("op=x total_ms=abc").map(|op| op.is_some()), Err(Reason::Number));
        assert_eq!(read("op=x total_ms=99999999999").map(|op| op.is_some()), Err(Reason::Duration));
    }

    #[test]
    fn the_first_of_counted_requests_is_one() {
        let op = one("reqId=0 took=5ms");
        assert_eq!((op.request, op.duration), (None, Some(5_000_000)));
        assert_eq!(read("reqId=- took=5ms").map(|op| op.is_some()), Ok(false));
    }

    #[test]
    fn a_duration_of_nobody_is_no_transaction() {
        assert_eq!(read("cache warmed duration=12ms").map(|op| op.is_some()), Ok(false));
        assert_eq!(read("session duration=forever").map(|op| op.is_some()), Ok(false));
        assert_eq!(read("type=X rid=4").map(|op| op.is_some()), Ok(false));
    }
}
