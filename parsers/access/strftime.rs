//! Timestamps laid out by a pattern of the user: C's `strftime`
//! (<https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>) and Java's
//! `SimpleDateFormat`, as far as they write numbers and English names.

use crate::Reason;
use crate::scan::time::{self, SECOND};

/// A piece of a timestamp.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Item {
    /// Text that stands in every stamp.
    Literal(u8),
    /// Year with four digits.
    Year,
    /// Year with two digits, of this century.
    ShortYear,
    /// Month by number.
    Month,
    /// Month by name, short or long.
    MonthName,
    /// Day of the month; may be padded with a blank.
    Day,
    /// Hour of the day.
    Hour,
    /// Hour of the half day.
    HalfDayHour,
    /// `AM` or `PM`
    Half,
    /// Minute.
    Minute,
    /// Second.
    Second,
    /// A fraction of a second with as many digits as there are.
    Fraction,
    /// Time since the epoch in units of so many nanoseconds.
    Epoch(i64),
    /// `+0100`, `+01:00`, `Z`, or a zone's name.
    Zone,
    /// A name of no use: the day of the week.
    Word,
}

/// The items of a `strftime` pattern with httpd's additions `sec`, `msec`, `usec`, `msec_frac` and
/// `usec_frac`; `None` when it holds what is not known here.
pub(super) fn strftime(pattern: &str) -> Option<Vec<Item>> {
    match pattern {
        "sec" => return Some(vec![Item::Epoch(SECOND)]),
        "msec" => return Some(vec![Item::Epoch(SECOND / 1000)]),
        "usec" => return Some(vec![Item::Epoch(1000)]),
        "msec_frac" | "usec_frac" => return Some(vec![Item::Fraction]),
        "" => return clf(),
        _ => {}
    }
    let mut items = Vec::new();
    let mut bytes = pattern.bytes();
    while let Some(b) = bytes.next() {
        if b != b'%' {
            items.push(Item::Literal(b));
            continue;
        }
        match bytes.next()? {
            b'Y' => items.push(Item::Year),
            b'y' => items.push(Item::ShortYear),
            b'm' => items.push(Item::Month),
            b'b' | b'B' | b'h' => items.push(Item::MonthName),
            b'd' | b'e' => items.push(Item::Day),
            b'H' | b'k' => items.push(Item::Hour),
            b'I' | b'l' => items.push(Item::HalfDayHour),
            b'p' | b'P' => items.push(Item::Half),
            b'M' => items.push(Item::Minute),
            b'S' => items.push(Item::Second),
            b's' => items.push(Item::Epoch(SECOND)),
            b'z' | b'Z' => items.push(Item::Zone),
            b'a' | b'A' => items.push(Item::Word),
            b'f' | b'N' => items.push(Item::Fraction),
            b'T' => items.extend(strftime("%H:%M:%S")?),
            b'R' => items.extend(strftime("%H:%M")?),
            b'F' => items.extend(strftime("%Y-%m-%d")?),
            b'D' => items.extend(strftime("%m/%d/%y")?),
            b'%' => items.push(Item::Literal(b'%')),
            _ => return None,
        }
    }
    Some(items)
}

/// The items of a `SimpleDateFormat` pattern, and of Tomcat's `sec`, `msec` and `msec_frac`.
pub(super) fn simple_date_format(pattern: &str) -> Option<Vec<Item>> {
    match pattern {
        "sec" | "msec" | "msec_frac" => return strftime(pattern),
        "" => return clf(),
        _ => {}
    }
    let bytes = pattern.as_bytes();
    let (mut items, mut at) = (Vec::new(), 0);
    while let Some(&b) = bytes.get(at) {
        if b == b'\'' {
            let len = bytes[at + 1..].iter().position(|&b| b == b'\'')?;
            items.extend(bytes[at + 1..at + 1 + len].iter().map(|&b| Item::Literal(b)));
            at += len + 2;
            continue;
        }
        let run = if b.is_ascii_alphabetic() { bytes[at..].iter().take_while(|&&c| c == b).count() } else { 1 };
        at += run;
        items.push(match (b, run) {
            (b'y' | b'u', 2) => Item::ShortYear,
            (b'y' | b'u', _) => Item::Year,
            (b'M', 1 | 2) => Item::Month,
            (b'M', _) => Item::MonthName,
            (b'd', _) => Item::Day,
            (b'H', _) => Item::Hour,
            (b'h', _) => Item::HalfDayHour,
            (b'a', _) => Item::Half,
            (b'm', _) => Item::Minute,
            (b's', _) => Item::Second,
            (b'S', _) => Item::Fraction,
            (b'Z' | b'X' | b'z', _) => Item::Zone,
            (b'E', _) => Item::Word,
            _ if b.is_ascii_alphabetic() => return None,
            _ => Item::Literal(b),
        });
    }
    Some(items)
}

fn clf() -> Option<Vec<Item>> {
    strftime("%d/%b/%Y:%H:%M:%S %z")
}

/// Whether a stamp of these items says its zone.
pub(super) fn zoned(items: &[Item]) -> bool {
    items.iter().any(|item| matches!(item, Item::Zone | Item::Epoch(_)))
}

/// Whether these items say a day and a time, or time since the epoch.
pub(super) fn is_whole(items: &[Item]) -> bool {
    let has = |item| items.contains(&item);
    items.iter().any(|i| matches!(i, Item::Epoch(_))) || (has(Item::Day) && has(Item::Minute))
}

/// The finest step of such a stamp, in nanoseconds.
pub(super) fn resolution_ns(items: &[Item]) -> i64 {
    let step = |item: &Item| match item {
        Item::Fraction => SECOND / 1000,
        Item::Epoch(unit) => *unit,
        Item::Second => SECOND,
        _ => 60 * SECOND,
    };
    items.iter().map(step).min().unwrap_or(60 * SECOND)
}

/// Reads a stamp, in nanoseconds since the epoch.
pub(super) fn read(items: &[Item], mut text: &[u8]) -> Result<i64, Reason> {
    let (mut year, mut month, mut day) = (1970, 1, 1);
    let (mut hour, mut minute, mut second, mut nanos) = (0, 0, 0, 0);
    let (mut afternoon, mut offset, mut epoch) = (None, 0, None);
    for (i, item) in items.iter().enumerate() {
        let rest = match item {
            Item::Literal(b) => text.strip_prefix(&[*b]).ok_or(Reason::Time)?,
            Item::Year => number(text, 4, &mut year)?,
            Item::ShortYear => {
                let rest = number(text, 2, &mut year)?;
                year += 2000;
                rest
            }
            Item::Month => number(text, 2, &mut month)?,
            Item::MonthName => {
                let (name, rest) = word(text);
                month = time::month_of(name.get(..3).ok_or(Reason::Time)?)?;
                rest
            }
            Item::Day => number(text.trim_ascii_start(), 2, &mut day)?,
            Item::Hour | Item::HalfDayHour => number(text.trim_ascii_start(), 2, &mut hour)?,
            Item::Half => {
                let (name, rest) = word(text);
                afternoon = Some(name.eq_ignore_ascii_case(b"pm"));
                rest
            }
            Item::Minute => number(text, 2, &mut minute)?,
            Item::Second => number(text, 2, &mut second)?,
            Item::Fraction => {
                let digits = digits(text).min(9);
                let rest = number(text, digits, &mut nanos)?;
                nanos *= 10i64.pow(9 - digits as u32);
                rest
            }
            Item::Epoch(unit) => {
                let mut value = 0;
                let rest = number(text, digits(text).min(18), &mut value)?;
                epoch = Some(value.checked_mul(*unit).ok_or(Reason::Time)?);
                rest
            }
            Item::Zone => {
                let len = if items.len() == i + 1 {
                    text.len()
                } else {
                    text.iter().position(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'+' | b'-' | b':')).unwrap_or(text.len())
                };
                offset = time::offset(&text[..len])?.ok_or(Reason::Time)?;
                &text[len..]
            }
            Item::Word => word(text).1,
        };
        text = rest;
    }
    if !text.is_empty() || hour > 23 || minute > 59 || second > 60 {
        return Err(Reason::Time);
    }
    if let Some(afternoon) = afternoon {
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    let whole = match epoch {
        Some(epoch) => epoch,
        None => (time::days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second - offset)
            .checked_mul(SECOND)
            .ok_or(Reason::Time)?,
    };
    whole.checked_add(nanos).ok_or(Reason::Time)
}

/// Reads a number of at most `len` digits, of which there must be one.
fn number<'a>(text: &'a [u8], len: usize, value: &mut i64) -> Result<&'a [u8], Reason> {
    let len = digits(text).min(len);
    if len == 0 {
        return Err(Reason::Time);
    }
    *value = text[..len].iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    Ok(&text[len..])
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|b| b.is_ascii_alphabetic()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d '2026-11-22 17:55:51' +%s`
    const T: i64 = 1_795_370_151 * SECOND;

    #[test]
    fn patterns_of_c_are_read() {
        for (pattern, text, want) in [
            ("%d/%b/%Y:%T.%f %z", "22/Nov/2026:14:55:51.250 -0300", T + 250_000_000),
            ("%Y-%m-%dT%H:%M:%S%z", "2026-11-22T17:55:51+00:00", T),
            ("%a %b %e %I:%M:%S %p %Y", "Sun Nov 22 05:55:51 PM 2026", T),
            ("%F %T", "2026-11-22 17:55:51", T),
            ("usec", "1795370151000001", T + 1000),
            ("msec", "1795370151002", T + 2_000_000),
            ("%s", "1795370151", T),
        ] {
            assert_eq!(read(&strftime(pattern).expect(pattern), text.as_bytes()), Ok(want), "{pattern}");
        }
        assert_eq!(strftime("%Q"), None);
    }

    #[test]
    fn patterns_of_java_are_read() {
        for (pattern, text) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2026-11-22T18:55:51.000+01:00"),
            ("dd/MMM/yyyy:HH:mm:ss Z", "22/Nov/2026:17:55:51 +0000"),
            ("yy/M/d hh:mm:ss a z", "26/11/22 05:55:51 PM UTC"),
        ] {
            assert_eq!(read(&simple_date_format(pattern).expect(pattern), text.as_bytes()), Ok(T), "{pattern}");
        }
        assert_eq!(simple_date_format("yyyy-'T"), None);
    }

    #[test]
    fn no_stamp_is_an_error() {
        let items = strftime("%F %T").expect("a pattern");
        for text in ["", "2026-11-22", "2026-11-22 25:00:00", "2026-11-22 17:55:51 more", "2026-13-22 17:55:51", "x"] {
            assert_eq!(read(&items, text.as_bytes()), Err(Reason::Time), "{text}");
        }
        assert!(!zoned(&items) && is_whole(&items));
        assert_eq!(resolution_ns(&items), SECOND);
    }
}
