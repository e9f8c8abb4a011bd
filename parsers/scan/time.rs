//! Timestamps to nanoseconds since 1970-01-01T00:00:00Z.

use super::number;
use crate::Reason;

/// Nanoseconds in one second.
pub const SECOND: i64 = 1_000_000_000;

/// A timestamp as read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// Nanoseconds since the epoch; a stamp without a zone is read as if it were UTC.
    pub nanos: i64,
    /// Whether the text carried a zone.
    pub zoned: bool,
    /// Digits of the fraction of a second: 0 is whole seconds, 3 milliseconds.
    pub digits: u8,
}

impl Stamp {
    /// The finest step the text can express, in nanoseconds.
    pub fn resolution_ns(self) -> i64 {
        10i64.pow(9 - u32::from(self.digits.min(9)))
    }
}

/// Remembers the last text read, so that lines of the same second cost a comparison.
#[derive(Default)]
pub struct Memo {
    text: [u8; 32],
    len: usize,
    nanos: i64,
}

impl Memo {
    /// [`clf`] with a memory of one.
    #[inline]
    pub fn clf(&mut self, text: &[u8]) -> Result<i64, Reason> {
        // With the usual length known the comparison is two loads, not a call.
        let same = match <&[u8; 26]>::try_from(text) {
            Ok(usual) => self.len == 26 && self.text.first_chunk() == Some(usual),
            Err(_) => text.len() == self.len && self.text[..self.len] == *text,
        };
        if same {
            return Ok(self.nanos);
        }
        let stamp = clf(text)?;
        if text.len() <= self.text.len() {
            self.text[..text.len()].copy_from_slice(text);
            self.len = text.len();
            self.nanos = stamp.nanos;
        }
        Ok(stamp.nanos)
    }
}

/// Common Log Format time, `10/Oct/2000:13:55:36 -0700`, with or without a fraction
/// (`13:55:36.123`) and zone, with or without brackets.
pub fn clf(text: &[u8]) -> Result<Stamp, Reason> {
    let text = text.strip_prefix(b"[").unwrap_or(text);
    let text = text.strip_suffix(b"]").unwrap_or(text);
    if text.len() < 20 || text[2] != b'/' || text[6] != b'/' || text[11] != b':' {
        return Err(Reason::Time);
    }
    let day = two(text, 0)?;
    let month = month_of(&text[3..6])?;
    let year = two(text, 7)? * 100 + two(text, 9)?;
    let (seconds, rest) = clock(&text[12..])?;
    let (fraction, digits, rest) = fraction(rest);
    let offset = offset(rest.trim_ascii())?;
    finish(days(year, month, day)? * 86_400 + seconds, fraction, digits, offset)
}

/// ISO 8601 and its kin: `2026-11-22T17:55:51.653Z`, `2026-11-22 17:55:50,298`,
/// `2026-11-22T17:55:41.211+0000`, `2026/11/22 17:55:41`, `2026-11-22 18:55:38.755 CET`.
pub fn iso(text: &[u8]) -> Result<Stamp, Reason> {
    let (stamp, rest) = iso_prefix(text)?;
    if rest.is_empty() { Ok(stamp) } else { Err(Reason::Time) }
}

/// The ISO 8601 timestamp a text starts with, and what follows it. A zone after a blank counts
/// only when it is an offset or a known abbreviation.
pub fn iso_prefix(text: &[u8]) -> Result<(Stamp, &[u8]), Reason> {
    let ok = text.len() >= 19
        && matches!(text[4], b'-' | b'/' | b'.')
        && text[7] == text[4]
        && matches!(text[10], b'T' | b' ' | b't' | b'_');
    if !ok {
        return Err(Reason::Time);
    }
    let (year, month, day) = (two(text, 0)? * 100 + two(text, 2)?, two(text, 5)?, two(text, 8)?);
    let (seconds, rest) = clock(&text[11..])?;
    let (fraction, digits, rest) = fraction(rest);
    let blank = rest.first() == Some(&b' ');
    let zone_text = &rest[usize::from(blank)..];
    let word = zone_text
        .iter()
        .position(|b| !matches!(b, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b':'))
        .unwrap_or(zone_text.len());
    let word = if matches!(zone_text.first(), Some(b'Z' | b'z')) && !blank { 1 } else { word };
    let (offset, rest) = match offset(&zone_text[..word]) {
        Ok(Some(offset)) => (Some(offset), &zone_text[word..]),
        // Not a zone: part of what follows, unless it is glued to the time.
        _ if blank || word == 0 || matches!(zone_text[0], b'-' | b':') => (None, rest),
        _ => return Err(Reason::Time),
    };
    Ok((finish(days(year, month, day)? * 86_400 + seconds, fraction, digits, offset)?, rest))
}

/// Seconds since the epoch with an optional fraction: `1795369691.722`.
pub fn epoch_seconds(text: &[u8]) -> Result<Stamp, Reason> {
    let digits = text.iter().position(|&b| b == b'.').map_or(0, |dot| text.len() - dot - 1);
    let nanos = number::scaled(text, SECOND).map_err(|_| Reason::Time)?;
    Ok(Stamp { nanos, zoned: true, digits: digits.min(9) as u8 })
}

/// A whole number of seconds, milli-, micro- or nanoseconds since the epoch, told apart by its
/// size: what they mean between the years 2001 and 2286 do not overlap. A fraction goes with
/// seconds or milliseconds.
pub fn epoch(text: &[u8]) -> Result<Stamp, Reason> {
    let whole = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (scale, digits) = match whole {
        9 | 10 => return epoch_seconds(text),
        13 => (1_000_000, 3),
        16 => (1_000, 6),
        19 => (1, 9),
        _ => return Err(Reason::Time),
    };
    Ok(Stamp { nanos: number::scaled(text, scale).map_err(|_| Reason::Time)?, zoned: true, digits })
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Source: Howard Hinnant,
/// `days_from_civil` (<https://howardhinnant.github.io/date_algorithms.html>).
pub fn days(year: i64, month: i64, day: i64) -> Result<i64, Reason> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1678..2262).contains(&year) {
        return Err(Reason::Time);
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Ok(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// `Jan` to `Dec`, 1 to 12.
pub fn month_of(name: &[u8]) -> Result<i64, Reason> {
    Ok(match name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return Err(Reason::Time),
    })
}

/// Two digits at `at`.
pub fn two(text: &[u8], at: usize) -> Result<i64, Reason> {
    match text.get(at..at + 2) {
        Some(&[a @ b'0'..=b'9', b @ b'0'..=b'9']) => Ok(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        _ => Err(Reason::Time),
    }
}

/// `13:55:36` as seconds of the day, and the rest. A leap second counts as the next one's start.
pub fn clock(text: &[u8]) -> Result<(i64, &[u8]), Reason> {
    let (h, m, s) = (two(text, 0)?, two(text, 3)?, two(text, 6)?);
    if h > 23 || m > 59 || s > 60 || text[2] != b':' || text[5] != b':' {
        return Err(Reason::Time);
    }
    Ok((h * 3600 + m * 60 + s, &text[8..]))
}

/// A fraction of a second after `.` or `,`: nanoseconds, number of digits, rest.
pub fn fraction(text: &[u8]) -> (i64, u8, &[u8]) {
    if !matches!(text.first(), Some(b'.' | b',')) || !text.get(1).is_some_and(u8::is_ascii_digit) {
        return (0, 0, text);
    }
    let digits = text[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let (mut nanos, mut step) = (0, SECOND);
    for &b in &text[1..=digits] {
        step /= 10;
        nanos += i64::from(b - b'0') * step;
    }
    (nanos, digits.min(9) as u8, &text[1 + digits..])
}

/// Seconds east of UTC of `Z`, `+0100`, `+01:00`, `-03` or a zone's abbreviation; `None` for none.
pub fn offset(text: &[u8]) -> Result<Option<i64>, Reason> {
    let sign = match text.first() {
        None => return Ok(None),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return abbreviation(text).map(Some).ok_or(Reason::Time),
    };
    let minutes = match text.len() {
        3 => 0,
        5 => two(text, 3)?,
        6 if text[3] == b':' => two(text, 4)?,
        _ => return Err(Reason::Time),
    };
    let hours = two(text, 1)?;
    if hours > 15 || minutes > 59 { Err(Reason::Time) } else { Ok(Some(sign * (hours * 3600 + minutes * 60))) }
}

/// Offsets of zone abbreviations as PostgreSQL reads them by default
/// (<https://www.postgresql.org/docs/current/datetime-config-files.html>), which is who writes them.
fn abbreviation(name: &[u8]) -> Option<i64> {
    let quarters = match name {
        b"Z" | b"z" | b"UTC" | b"GMT" | b"WET" | b"UCT" => 0,
        b"CET" | b"WEST" | b"BST" | b"MET" => 4,
        b"CEST" | b"EET" | b"SAST" | b"CAT" | b"IST" | b"MEST" => 8,
        b"EEST" | b"MSK" | b"IDT" | b"EAT" => 12,
        b"PKT" => 20,
        b"ICT" => 28,
        b"HKT" | b"SGT" | b"PHT" | b"AWST" => 32,
        b"JST" | b"KST" => 36,
        b"ACST" => 38,
        b"AEST" => 40,
        b"AEDT" => 44,
        b"NZST" => 48,
        b"NZDT" => 52,
        b"BRT" | b"ART" | b"ADT" => -12,
        b"NST" => -14,
        b"AST" | b"EDT" | b"CLT" => -16,
        b"EST" | b"CDT" => -20,
        b"CST" | b"MDT" => -24,
        b"MST" | b"PDT" => -28,
        b"PST" | b"AKDT" => -32,
        b"AKST" => -36,
        b"HST" => -40,
        _ => return None,
    };
    Some(quarters * 900)
}

fn finish(seconds: i64, fraction: i64, digits: u8, offset: Option<i64>) -> Result<Stamp, Reason> {
    let nanos = (seconds - offset.unwrap_or(0)).checked_mul(SECOND).and_then(|n| n.checked_add(fraction));
    Ok(Stamp { nanos: nanos.ok_or(Reason::Time)?, zoned: offset.is_some(), digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d '2026-11-22 17:55:51' +%s`
    const T: i64 = 1_795_370_151 * SECOND;

    #[test]
    fn common_log_times_are_read() {
        assert_eq!(clf(b"22/Nov/2026:17:55:51 +0000").map(|s| s.nanos), Ok(T));
        assert_eq!(clf(b"22/Nov/2026:14:55:51 -0300").map(|s| s.nanos), Ok(T));
        assert_eq!(clf(b"[22/Nov/2026:17:55:51.250 +0000]").map(|s| (s.nanos, s.digits)), Ok((T + 250_000_000, 3)));
        assert_eq!(clf(b"22/Nov/2026:17:55:51").map(|s| s.zoned), Ok(false));
        let mut memo = Memo::default();
        assert_eq!(memo.clf(b"22/Nov/2026:17:55:51 +0000"), Ok(T));
        assert_eq!(memo.clf(b"22/Nov/2026:17:55:51 +0000"), Ok(T));
        assert_eq!(memo.clf(b"22/Nov/2026:17:55:52 +0000"), Ok(T + SECOND));
    }

    #[test]
    fn iso_times_are_read() {
        let ms = T + 653_000_000;
        for text in [
            "2026-11-22T17:55:51.653Z",
            "2026-11-22 17:55:51,653+0000",
            "2026/11/22 18:55:51.653 CET",
            "2026-11-22T14:55:51.653-03:00",
        ] {
            assert_eq!(iso(text.as_bytes()), Ok(Stamp { nanos: ms, zoned: true, digits: 3 }), "{text}");
        }
        assert_eq!(iso(b"2026-11-22 17:55:51"), Ok(Stamp { nanos: T, zoned: false, digits: 0 }));
    }

    #[test]
    fn what_follows_a_time_is_left_alone() {
        assert_eq!(
            iso_prefix(b"2026-11-22 17:55:51,653 DEBUG [main] x").map(|(s, r)| (s.zoned, r)),
            Ok((false, &b" DEBUG [main] x"[..]))
        );
        assert_eq!(
            iso_prefix(b"2026-11-22 17:55:51.653 UTC [24823] LOG").map(|(s, r)| (s.zoned, r)),
            Ok((true, &b" [24823] LOG"[..]))
        );
        assert_eq!(iso_prefix(b"2026-11-22T17:55:51Z INFO").map(|(_, r)| r), Ok(&b" INFO"[..]));
        assert_eq!(iso_prefix(b"2026-11-22 17:55:51 -3 x").map(|(s, r)| (s.zoned, r)), Ok((false, &b" -3 x"[..])));
    }

    #[test]
    fn epochs_are_told_apart_by_their_size() {
        for text in ["1795370151", "1795370151.000", "1795370151000", "1795370151000000", "1795370151000000000"] {
            assert_eq!(epoch(text.as_bytes()).map(|s| s.nanos), Ok(T), "{text}");
        }
        assert_eq!(epoch(b"42"), Err(Reason::Time));
    }

    #[test]
    fn days_agree_with_known_dates() {
        assert_eq!(days(1970, 1, 1), Ok(0));
        assert_eq!(days(2000, 2, 29), Ok(11_016));
        assert_eq!(days(1969, 12, 31), Ok(-1));
        assert_eq!(days(2026, 13, 1), Err(Reason::Time));
    }

    #[test]
    fn no_time_is_an_error() {
        for text in [
            &b""[..],
            b"22/Nov/2026:17:55",
            b"22/Foo/2026:17:55:51 +0000",
            b"22/Nov/2026:25:55:51 +0000",
            b"99/99/9999:99:99:99 +9999",
        ] {
            assert_eq!(clf(text).map(|s| s.nanos), Err(Reason::Time));
            assert!(iso(text).is_err());
        }
    }
}
