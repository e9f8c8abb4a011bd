//! Requests named among the words of a message, `Completed GET /a status=200 total_ms=26`, and their
//! times in words, `GET /a completed in 26 ms with status 200`. By convention, as no standard covers it.
//!
//! Only a time whose unit is written counts, and only behind a word that says it is how long it took.

use super::names::{Field, Meaning};
use super::transaction::Reading;
use crate::Unit;
use crate::scan::duration;

const METHODS: [&[u8]; 8] = [b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE"];

/// The request comes early in a message, its time soon after: so many words are looked at.
const WORDS: usize = 16;

/// Behind these stands how long it took.
const TOOK: [&str; 6] = ["took", "takes", "elapsed", "duration", "time", "taken"];

/// Behind these `in` and `after` lead to how long it took, and not to when it will be tried again.
const ENDED: [&str; 12] = [
    "completed",
    "finished",
    "done",
    "handled",
    "processed",
    "responded",
    "served",
    "returned",
    "ended",
    "succeeded",
    "failed",
    "executed",
];

/// Notes the request that the words name, where nothing names it yet.
pub(super) fn name<'a>(message: &'a [u8], reading: &mut Reading<'a>) {
    if reading.is_named() {
        return;
    }
    if let Some((method, target, _)) = request(message) {
        reading.take(text(Field::Method), method, Unit::Millis);
        reading.take(text(Field::Target), target, Unit::Millis);
    }
}

/// Reads the time and the status that the words state of the request they name.
pub(super) fn read<'a>(message: &'a [u8], reading: &mut Reading<'a>) {
    let Some((_, _, mut rest)) = request(message) else { return };
    let (mut last, mut before_last, mut timed): (&[u8], &[u8], bool) = (b"", b"", false);
    for _ in 0..WORDS {
        let (token, after) = word(rest);
        if token.is_empty() {
            return;
        }
        let plain = bare(token);
        if is_status(plain) && (last.is_empty() || one_of(last, &["status", "code", "responded", "returned", "with", "->", "=>"]))
        {
            reading.take(text(Field::Http), plain, Unit::Millis);
        } else if !timed
            && (one_of(last, &TOOK) || is_status(last) || (one_of(last, &["in", "after"]) && is_end(before_last)))
            && let Some(time) = time(bare_start(rest))
        {
            reading.take(Meaning { field: Field::Duration, unit: None, bare: false }, time, Unit::Millis);
            timed = true;
        }
        // The protocol says nothing.
        if !plain.starts_with(b"HTTP/") {
            (before_last, last) = (last, plain);
        }
        rest = after;
    }
}

fn text(field: Field) -> Meaning {
    Meaning { field, unit: None, bare: false }
}

/// `GET /path` among the first words, bracketed or quoted or not, and what follows.
fn request(message: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut rest = message;
    for _ in 0..WORDS {
        let (token, after) = word(rest);
        if token.is_empty() {
            return None;
        }
        let method = bare_start(token);
        if METHODS.contains(&method) {
            let (token, after) = word(after);
            let target = bare(token);
            if target.starts_with(b"/") {
                return Some((method, target, after));
            }
        }
        rest = after;
    }
    None
}

/// The number and its unit, glued or apart, that a text starts with.
fn time(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b',')).count();
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let blank = usize::from(text.get(digits) == Some(&b' '));
    let unit = &text[digits + blank..];
    let len = unit.iter().take_while(|b| b.is_ascii_alphabetic() || !b.is_ascii()).count();
    is_unit(&unit[..len]).then(|| &text[..digits + blank + len])
}

/// The next word, and what follows it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    text.split_at(text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len()))
}

/// A text without the blanks, brackets and quotes in front.
fn bare_start(text: &[u8]) -> &[u8] {
    let from = text.iter().position(|b| !matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'[' | b'(' | b'<'));
    &text[from.unwrap_or(text.len())..]
}

/// A word without the brackets, quotes and stops around it.
fn bare(token: &[u8]) -> &[u8] {
    let from = token.iter().position(|b| !matches!(b, b'"' | b'\'' | b'[' | b'(' | b'<'));
    let token = &token[from.unwrap_or(token.len())..];
    let to = token.iter().rposition(|b| !matches!(b, b'"' | b'\'' | b']' | b')' | b'>' | b',' | b';' | b':'));
    &token[..to.map_or(0, |at| at + 1)]
}

fn is_unit(text: &[u8]) -> bool {
    !matches!(text, b"m" | b"M" | b"h" | b"H" | b"S") && duration::unit_of(text).is_some()
}

fn is_status(text: &[u8]) -> bool {
    text.len() == 3 && matches!(text[0], b'1'..=b'5') && text.iter().all(u8::is_ascii_digit)
}

fn is_end(text: &[u8]) -> bool {
    one_of(text, &ENDED) || is_status(text) || one_of(text, &["ok"])
}

fn one_of(text: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (Option<String>, Option<u16>, Option<i64>);

    fn of(message: &str) -> Option<Told> {
        let mut reading = Reading::default();
        read(message.as_bytes(), &mut reading);
        name(message.as_bytes(), &mut reading);
        let op = reading.operation(None, None).expect("reads")?;
        let name = format!("{} {}", String::from_utf8_lossy(op.method?), String::from_utf8_lossy(op.name?));
        Some((Some(name), op.status, op.duration))
    }

    #[test]
    fn times_in_words_are_read_with_their_request() {
        let want = |name: &str, status, ms: i64| Some((Some(name.to_owned()), status, Some(ms * 1_000_000)));
        assert_eq!(of("GET /a took 26ms"), want("GET /a", None, 26));
        assert_eq!(of("GET /a/1 completed in 26 ms with status 200"), want("GET /a/1", Some(200), 26));
        assert_eq!(of("request \"POST /b HTTP/1.1\" 503 (1.5 s)"), want("POST /b", Some(503), 1500));
        assert_eq!(of("[GET /a?x=1] responded 200 in 7ms"), want("GET /a?x=1", Some(200), 7));
    }

    #[test]
    fn other_sentences_state_no_time() {
        for message in [
            "GET /a took 26",
            "Retrying GET /a in 500ms",
            "GET /a failed after 3 retries",
            "GET inventory took 26ms",
            "took 26ms",
            "GET",
            "",
        ] {
            assert_eq!(of(message), None, "{message}");
        }
    }
}
