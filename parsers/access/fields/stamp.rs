//! Timestamps whose notation is told by their shape: Common Log Format, ISO 8601 or an epoch.

use crate::Reason;
use crate::scan::time::{self, Memo, Stamp};

/// Reads a timestamp in any of the notations.
pub(super) fn parse(text: &[u8]) -> Result<Stamp, Reason> {
    match (text.first(), text.get(2), text.get(4)) {
        (Some(b'['), ..) | (_, Some(b'/'), _) => time::clf(text),
        (_, _, Some(b'-' | b'/')) => time::iso(text),
        _ => epoch(text),
    }
}

/// [`parse`], to nanoseconds only, with a memory for the notation that repeats itself.
#[inline]
pub(super) fn nanos(text: &[u8], memo: &mut Memo) -> Result<i64, Reason> {
    match text.get(2) {
        Some(b'/') => memo.clf(text),
        Some(b'0'..=b'9') if text.len() == 14 && text[10] == b'.' => msec(text),
        _ => parse(text).map(|stamp| stamp.nanos),
    }
}

/// nginx's `$msec`: ten digits, a point and three digits.
#[inline]
fn msec(text: &[u8]) -> Result<i64, Reason> {
    let (mut millis, mut seen) = (0i64, 0);
    for &b in text[..10].iter().chain(&text[11..]) {
        let digit = b.wrapping_sub(b'0');
        seen |= u8::from(digit > 9);
        millis = millis * 10 + i64::from(digit);
    }
    if seen == 0 { millis.checked_mul(1_000_000).ok_or(Reason::Time) } else { parse(text).map(|stamp| stamp.nanos) }
}

/// Go's encoders write large floats as `1.795370151653E9`: seconds.
fn epoch(text: &[u8]) -> Result<Stamp, Reason> {
    let scientific = text.iter().any(|b| matches!(b, b'e' | b'E'));
    if !scientific {
        return time::epoch(text);
    }
    let stamp = time::epoch_seconds(text)?;
    // Between the years 2001 and 2286, as for the plain notation.
    let whole = stamp.nanos / time::SECOND;
    if !(1_000_000_000..10_000_000_000).contains(&whole) {
        return Err(Reason::Time);
    }
    Ok(Stamp { digits: 6, ..stamp })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_is_told_by_the_shape() {
        const T: i64 = 1_795_370_151_653_000_000;
        for text in [
            "22/Nov/2026:17:55:51.653 +0000",
            "[22/Nov/2026:17:55:51.653 +0000]",
            "2026-11-22T17:55:51.653Z",
            "2026/11/22 18:55:51.653 CET",
            "1795370151.653",
            "1795370151653",
            "1.795370151653E9",
        ] {
            assert_eq!(parse(text.as_bytes()).map(|s| s.nanos), Ok(T), "{text}");
            assert_eq!(nanos(text.as_bytes(), &mut Memo::default()), Ok(T), "{text}");
        }
        for text in ["", "12", "0.012", "yesterday", "1e3", "17953x0151.653", "9999999999.999"] {
            assert_eq!(parse(text.as_bytes()), Err(Reason::Time), "{text}");
            assert_eq!(nanos(text.as_bytes(), &mut Memo::default()), Err(Reason::Time), "{text}");
        }
    }
}
