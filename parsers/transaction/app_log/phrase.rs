//! Requests that frameworks report in a sentence instead of by key.
//! <https://github.com/serilog/serilog-aspnetcore#request-logging>,
//! <https://learn.microsoft.com/aspnet/core/fundamentals/logging/>

use memchr::memmem;

use super::names::{Field, Meaning, Names};
use super::transaction::Reading;
use crate::Unit;

/// Reads the sentence that a message is into the fields it stands for.
pub(super) fn read<'a>(message: &'a [u8], reading: &mut Reading<'a>) {
    let found = serilog(message).or_else(|| aspnet(message));
    let Some(Request { method, target, status, time }) = found else { return };
    let text = Meaning { field: Field::Method, unit: None, bare: false };
    reading.take(text, method, Unit::Millis);
    reading.take(Meaning { field: Field::Target, ..text }, target, Unit::Millis);
    reading.take(Meaning { field: Field::Http, ..text }, status, Unit::Millis);
    reading.take(Meaning { field: Field::Duration, unit: Some(Unit::Millis), bare: true }, time, Unit::Millis);
}

/// As [`read`], where the message has told no total by key.
pub(super) fn read_text<'a>(message: &'a [u8], names: &Names, unit: Unit) -> Reading<'a> {
    let mut reading = Reading::of_text(message, names, unit);
    if !reading.has_total() {
        read(message, &mut reading);
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
    use super::*;

    #[test]
    fn sentences_are_requests() {
        for (text, nanos) in [
            ("HTTP GET /api/x responded 503 in 12.3456 ms", 12_345_600),
            ("Request finished HTTP/1.1 GET /api/x - 503 18 text/plain;+charset=utf-8 4.5ms", 4_500_000),
        ] {
            let reading = read_text(text.as_bytes(), &Names::default(), Unit::Seconds);
            let op = reading.operation(None, None).expect("reads").expect("a request");
            assert_eq!((op.duration, op.status, op.method), (Some(nanos), Some(503), Some(&b"GET"[..])), "{text}");
            assert_eq!(op.name, Some(&b"/api/x"[..]), "{text}");
        }
    }

    #[test]
    fn other_sentences_are_none() {
        for text in ["HTTP GET /api/x responded 200", "HTTP responded 200 in 1 ms", "Request finished HTTP/2 GET /x - 200"] {
            let reading = read_text(text.as_bytes(), &Names::default(), Unit::Millis);
            assert!(reading.operation(None, None).is_ok_and(|op| op.is_none()), "{text}");
        }
    }
}
