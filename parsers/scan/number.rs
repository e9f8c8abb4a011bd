//! Whole and decimal numbers.

use crate::{Nanos, Reason};

/// The longest duration that is believed: 366 days.
pub const MAX_DURATION: Nanos = 366 * 86_400 * 1_000_000_000;

/// A whole number without a sign. Errors: [`Reason::Number`] on anything else, or past `u64`.
#[inline]
pub fn whole(text: &[u8]) -> Result<u64, Reason> {
    if text.is_empty() || text.len() > 20 {
        return Err(Reason::Number);
    }
    let (mut value, mut rest) = (0u64, text);
    // Eight digits in one go: epochs have 13 to 19 of them.
    while let Some((&eight, tail)) = rest.split_first_chunk::<8>().filter(|_| value < 100_000_000_000) {
        value = value * 100_000_000 + eight_digits(eight).ok_or(Reason::Number)?;
        rest = tail;
    }
    // Only the twentieth digit can be one too many.
    let can_overflow = text.len() > 19;
    for &b in rest {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Reason::Number);
        }
        if !can_overflow {
            value = value * 10 + u64::from(digit);
            continue;
        }
        value = value.checked_mul(10).and_then(|v| v.checked_add(u64::from(digit))).ok_or(Reason::Number)?;
    }
    Ok(value)
}

/// Eight digits at once, by adding neighbours in pairs, fours and eights.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(text);
    let digits = word ^ 0x3030_3030_3030_3030;
    // Adding 6 pushes a nibble above 9 into the high nibble; a byte of no digit has one already.
    if (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0 != 0 {
        return None;
    }
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff)
}

/// A whole number, or `None` where the log writes none: `-`, `""`, `-1`.
#[inline]
pub fn optional_whole(text: &[u8]) -> Result<Option<u64>, Reason> {
    if is_absent(text) { Ok(None) } else { whole(text).map(Some) }
}

/// A three-digit HTTP status; `None` where there is none (`-`, `000`, `0`).
#[inline]
pub fn status(text: &[u8]) -> Result<Option<u16>, Reason> {
    if let &[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = text {
        return Ok(Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')));
    }
    if is_absent(text) {
        return Ok(None);
    }
    let value = whole(text)?;
    match value {
        0 => Ok(None),
        1..=999 => Ok(Some(value as u16)),
        _ => Err(Reason::Number),
    }
}

/// What logs write for "no value": nothing, `-`, `-1` (HAProxy, ALB: never reached).
#[inline]
pub fn is_absent(text: &[u8]) -> bool {
    matches!(text, b"" | b"-" | b"-1" | b"-1.000" | b"null")
}

/// A decimal number of a unit of `nanos_per_unit` nanoseconds, to the nanosecond (further digits
/// are cut). Reads `12`, `0.042`, `.5`, `1.2e-05`; a decimal comma counts as a point.
///
/// Errors: [`Reason::Number`] on anything else, [`Reason::Duration`] when negative or past
/// [`MAX_DURATION`].
#[inline]
pub fn duration(text: &[u8], nanos_per_unit: Nanos) -> Result<Nanos, Reason> {
    const SECOND: Nanos = 1_000_000_000;
    if let Some(time) = short_seconds(text).filter(|_| nanos_per_unit == SECOND) {
        return Ok(time);
    }
    let value = scaled(text, nanos_per_unit)?;
    if (0..=MAX_DURATION).contains(&value) { Ok(value) } else { Err(Reason::Duration) }
}

/// The five characters that most times in seconds have: `0.042`.
#[inline]
pub fn short_seconds(text: &[u8]) -> Option<Nanos> {
    let &[whole, b'.', a, b, c] = text else { return None };
    let [whole, a, b, c] = [whole, a, b, c].map(|digit| i64::from(digit.wrapping_sub(b'0')));
    (whole < 10 && a < 10 && b < 10 && c < 10).then_some((whole * 1000 + a * 100 + b * 10 + c) * 1_000_000)
}

/// A duration, or `None` where the log writes none.
#[inline]
pub fn optional_duration(text: &[u8], nanos_per_unit: Nanos) -> Result<Option<Nanos>, Reason> {
    if is_absent(text) { Ok(None) } else { duration(text, nanos_per_unit).map(Some) }
}

/// A decimal number times `scale`, cut to a whole number; may be negative.
/// Errors: [`Reason::Number`] when it is no number or past `i64`.
#[inline]
pub fn scaled(text: &[u8], scale: i64) -> Result<i64, Reason> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut value = 0i64;
    let mut at = 0;
    while let Some(&b) = digits.get(at).filter(|b| b.is_ascii_digit()) {
        value = value.checked_mul(10).and_then(|v| v.checked_add(i64::from(b - b'0'))).ok_or(Reason::Number)?;
        at += 1;
    }
    let whole_digits = at;
    value = value.checked_mul(scale).ok_or(Reason::Number)?;
    let mut fraction_digits = 0;
    if matches!(digits.get(at), Some(b'.' | b',')) {
        at += 1;
        let mut step = scale;
        while let Some(&b) = digits.get(at).filter(|b| b.is_ascii_digit()) {
            // Exact while the scale is a power of ten; below one unit of the result digits are cut.
            step /= 10;
            value = value.checked_add(i64::from(b - b'0') * step).ok_or(Reason::Number)?;
            at += 1;
            fraction_digits += 1;
        }
    }
    if whole_digits + fraction_digits == 0 {
        return Err(Reason::Number);
    }
    if at < digits.len() {
        value = with_exponent(digits, scale)?;
    }
    Ok(if negative { -value } else { value })
}

/// A number in scientific notation, without its sign: exact, as no float comes in between.
fn with_exponent(text: &[u8], scale: i64) -> Result<i64, Reason> {
    let at = text.iter().position(|b| matches!(b, b'e' | b'E')).ok_or(Reason::Number)?;
    let exponent: i32 = std::str::from_utf8(&text[at + 1..]).ok().and_then(|e| e.parse().ok()).ok_or(Reason::Number)?;
    let point = text[..at].iter().position(|b| matches!(b, b'.' | b','));
    let fraction = point.map_or(0, |point| at - point - 1) as i32;
    let digits = text[..at].iter().filter(|b| !matches!(b, b'.' | b','));
    let mantissa = digits.take(19).try_fold(0i128, |n, b| b.is_ascii_digit().then(|| n * 10 + i128::from(b - b'0')));
    let product = mantissa.ok_or(Reason::Number)? * i128::from(scale);
    let shift = exponent.checked_sub(fraction).ok_or(Reason::Number)?;
    let power = 10i128.checked_pow(shift.unsigned_abs().min(38)).ok_or(Reason::Number)?;
    let value = if shift < 0 { Some(product / power) } else { product.checked_mul(power) };
    value.and_then(|v| i64::try_from(v).ok()).ok_or(Reason::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_to_the_nanosecond() {
        assert_eq!(duration(b"0.042", 1_000_000_000), Ok(42_000_000));
        assert_eq!(duration(b"12", 1_000_000), Ok(12_000_000));
        assert_eq!(duration(b"226.2", 1_000_000), Ok(226_200_000));
        assert_eq!(duration(b"0,0123", 1_000_000_000), Ok(12_300_000));
        assert_eq!(duration(b".5", 1_000), Ok(500));
        assert_eq!(duration(b"0.1234567891", 1_000_000_000), Ok(123_456_789));
        assert_eq!(duration(b"1.2e-05", 1_000_000_000), Ok(12_000));
        assert_eq!(scaled(b"1.478293361271E9", 1_000_000_000), Ok(1_478_293_361_271_000_000));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        assert_eq!(duration(b"-0.5", 1_000_000_000), Err(Reason::Duration));
        assert_eq!(duration(b"99999999999", 1_000_000_000), Err(Reason::Number));
        assert_eq!(duration(b"40000000", 1_000_000_000), Err(Reason::Duration));
        for text in [&b""[..], b".", b"1.2.3", b"abc", b"1s", b"--1", b"1e999"] {
            assert_eq!(duration(text, 1_000_000_000), Err(Reason::Number), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn whole_numbers_are_read_up_to_the_last_that_fits() {
        for text in ["0", "12345678", "123456789", "1795369246438000001", "18446744073709551615", "00000000000000000001"] {
            assert_eq!(whole(text.as_bytes()).ok(), text.parse().ok(), "{text}");
        }
        for text in ["1234567/", "1234567:", "12345 78", "\u{b2}234567", "-1234567", "123456781234567a"] {
            assert_eq!(whole(text.as_bytes()), Err(Reason::Number), "{text}");
        }
    }

    #[test]
    fn absent_is_none_and_never_zero() {
        assert_eq!(optional_duration(b"-", 1_000_000), Ok(None));
        assert_eq!(optional_duration(b"-1", 1_000_000), Ok(None));
        assert_eq!(optional_duration(b"0", 1_000_000), Ok(Some(0)));
        assert_eq!(status(b"000"), Ok(None));
        assert_eq!(status(b"499"), Ok(Some(499)));
        assert_eq!(status(b"20x"), Err(Reason::Number));
        assert_eq!(whole(b"18446744073709551616"), Err(Reason::Number));
    }
}
