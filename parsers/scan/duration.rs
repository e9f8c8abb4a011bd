//! Durations that carry their unit: `12.3ms`, `1.5s`, `250µs`, `PT3.76S`, Go's `1m2.5s`.

use super::number;
use crate::{Nanos, Reason, Unit};

/// A duration with its unit in the text. A bare number is of `default`'s unit, if there is one.
///
/// Errors: [`Reason::Number`] when it is none, [`Reason::Duration`] when negative or too long.
pub fn parse(text: &[u8], default: Option<Unit>) -> Result<Nanos, Reason> {
    let text = text.trim_ascii();
    if let Some(iso) = text.strip_prefix(b"PT") {
        return compound(iso);
    }
    let digits = text.iter().position(|b| !matches!(b, b'0'..=b'9' | b'.' | b',' | b'-' | b'+')).unwrap_or(text.len());
    let (value, unit) = text.split_at(digits);
    match unit.trim_ascii() {
        b"" => number::duration(value, default.ok_or(Reason::Number)?.nanos()),
        unit => match unit_of(unit) {
            Some(nanos) => number::duration(value, nanos),
            None if matches!(unit[0], b'e' | b'E') => number::duration(text, default.ok_or(Reason::Number)?.nanos()),
            None => compound(text),
        },
    }
}

/// Nanoseconds of a unit's symbol or name.
pub fn unit_of(symbol: &[u8]) -> Option<Nanos> {
    Some(match symbol {
        b"ns" | b"nanos" | b"nanoseconds" => 1,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" | b"micros" | b"usec" | b"microseconds" => 1_000,
        b"ms" | b"MS" | b"millis" | b"msec" | b"msecs" | b"milliseconds" => 1_000_000,
        b"s" | b"S" | b"sec" | b"secs" | b"second" | b"seconds" => 1_000_000_000,
        b"m" | b"M" | b"min" | b"mins" | b"minutes" => 60_000_000_000,
        b"h" | b"H" | b"hours" => 3_600_000_000_000,
        _ => return None,
    })
}

/// Several numbers with units, one after another.
fn compound(mut text: &[u8]) -> Result<Nanos, Reason> {
    let mut sum = 0i64;
    while !text.is_empty() {
        let digits = text.iter().position(|b| !matches!(b, b'0'..=b'9' | b'.')).ok_or(Reason::Number)?;
        let unit_len = text[digits..].iter().position(u8::is_ascii_digit).unwrap_or(text.len() - digits);
        let nanos = unit_of(text[digits..digits + unit_len].trim_ascii()).ok_or(Reason::Number)?;
        sum = sum.checked_add(number::duration(&text[..digits], nanos)?).ok_or(Reason::Duration)?;
        text = &text[digits + unit_len..];
    }
    if sum <= number::MAX_DURATION { Ok(sum) } else { Err(Reason::Duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_from_the_text() {
        assert_eq!(parse(b"12.3ms", None), Ok(12_300_000));
        assert_eq!(parse("250µs".as_bytes(), None), Ok(250_000));
        assert_eq!(parse(b"1m2.5s", None), Ok(62_500_000_000));
        assert_eq!(parse(b"PT3.76S", None), Ok(3_760_000_000));
        assert_eq!(parse(b"64.133 ms", None), Ok(64_133_000));
        assert_eq!(parse(b"17", Some(Unit::Micros)), Ok(17_000));
    }

    #[test]
    fn a_bare_number_without_a_known_unit_is_refused() {
        assert_eq!(parse(b"17", None), Err(Reason::Number));
        assert_eq!(parse(b"17 apples", None), Err(Reason::Number));
        assert_eq!(parse(b"-3ms", None), Err(Reason::Duration));
    }
}
