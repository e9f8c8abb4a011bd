//! Requests that frameworks report in a sentence instead of by key.
//! <https://github.com/serilog/serilog-aspnetcore#request-logging>,
//! <https://learn.microsoft.com/aspnet/core/fundamentals/logging/>

use memchr::memmem;

use super::head::Head;
use super::names::{Field, Meaning, Names};
use super::structured;
use super::transaction::Reading;
use super::words;
use crate::Unit;

/// Reads the sentence that a message is into the fields it stands for.
pub(super) fn read<'a>(message: &'a [u8], reading: &mut Reading<'a>) {
    let found = serilog(message).or_else(|| aspnet(message));
    let Some(Request { method, target, status, time }) = found else { return words::read(message, reading) };
    let text = Meaning { field: Field::Method, unit: None, bare: false };
    reading.take(text, method, Unit::Millis);
    reading.take(Meaning { field: Field::Target, ..text }, target, Unit::Millis);
    reading.take(Meaning { field: Field::Http, ..text }, status, Unit::Millis);
    reading.take(Meaning { field: Field::Duration, unit: Some(Unit::Millis), bare: true }, time, Unit::Millis);
}

/// Reads the message of a record by key, or else as a sentence; then its diagnostic context.
pub(super) fn read_head<'a>(head: &Head<'a>, names: &Names, unit: Unit) -> Reading<'a> {
    let mut reading = Reading::default();
    reading.add_text(head.message, names, unit);
    if !reading.has_total() {
        read(head.message, &mut reading);
    }
    if !reading.has_total() {
        structured::add_tail(head.message, names, unit, &mut reading);
    }
    if let Some(context) = head.context {
        reading.add_text(context, names, unit);
    }
    if reading.has_total() {
        words::name(head.message, &mut reading);
    }
    reading
}

struct Request<'a> {
    method: &'a [u8],
    target: &'a [u8],
    status: &'a [u8],
    /// Milliseconds.
    time: &'a [u8],
}

/// `HTTP GET /api/x responded 200 in 12.3456 ms`
fn serilog(message: &[u8]) -> Option<Request<'_>> {
    let rest = message.strip_prefix(b"HTTP ")?;
    let (request, answer) = at(rest, b" responded ")?;
    let (method, target) = at(request, b" ")?;
    let (status, time) = at(answer, b" in ")?;
    let (time, _) = at(time, b" ms")?;
    Some(Request { method, target, status, time })
}

/// `Request finished HTTP/1.1 GET http://localhost/x - 200 18 text/plain 12.3456ms`
fn aspnet(message: &[u8]) -> Option<Request<'_>> {
    let (_, rest) = at(message.strip_prefix(b"Request finished HTTP/")?, b" ")?;
    let (request, answer) = at(rest, b" - ")?;
    let (method, target) = at(request, b" ")?;
    let target = target.split(|&b| b == b' ').next()?;
    let status = answer.split(|&b| b == b' ').next()?;
    let time = answer.strip_suffix(b"ms")?;
    let time = &time[time.iter().rposition(|&b| b == b' ')? + 1..];
    Some(Request { method, target, status, time })
}

fn at<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    memmem::find(text, mark).map(|at| (&text[..at], &text[at + mark.len()..]))
}

#[cfg(test)]
mod tests {
    use super::super::head::When;
    use super::*;
    use crate::Id;

    fn of(message: &str) -> Reading<'_> {
        let head =
            Head { when: When::default(), level: true, thread: None, context: Some(b"rid=7f"), message: message.as_bytes() };
        read_head(&head, &Names::default(), Unit::Seconds)
    }

    #[test]
    fn sentences_are_requests() {
        for (text, nanos) in [
            ("HTTP GET /api/x responded 503 in 12.3456 ms", 12_345_600),
            ("Request finished HTTP/1.1 GET /api/x - 503 18 text/plain;+charset=utf-8 4.5ms", 4_500_000),
        ] {
            let op = of(text).operation(None, None).expect("reads").expect("a request");
            assert_eq!((op.duration, op.status, op.method), (Some(nanos), Some(503), Some(&b"GET"[..])), "{text}");
            assert_eq!((op.name, op.request), (Some(&b"/api/x"[..]), Some(Id(0x7f))), "{text}");
        }
    }

    #[test]
    fn other_sentences_are_none() {
        for text in ["HTTP GET /api/x responded 200", "HTTP responded 200 in 1 ms", "Request finished HTTP/2 GET /x - 200"] {
            assert!(of(text).operation(None, None).is_ok_and(|op| op.is_none()), "{text}");
        }
    }
}
