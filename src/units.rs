//! Numbers for people: durations, rates, shares, counts, times; and durations typed by people.

use jiff::Timestamp;
use parsers::scan::duration;

/// Nanoseconds in one second.
pub const SECOND_NS: i64 = 1_000_000_000;

/// A duration with its unit, three digits where it has them: `870 ns`, `1.24 ms`, `31.5 s`, `2 h 5 min`.
pub fn duration_text(ns: i64) -> String {
    let (sign, abs) = if ns < 0 { ("-", ns.unsigned_abs()) } else { ("", ns.unsigned_abs()) };
    let value = abs as f64;
    let text = match abs {
        0 => "0".to_owned(),
        1..1_000 => format!("{abs} ns"),
        1_000..999_500 => format!("{} us", three_digits(value / 1e3)),
        999_500..999_500_000 => format!("{} ms", three_digits(value / 1e6)),
        999_500_000..600_000_000_000 => format!("{} s", three_digits(value / 1e9)),
        _ => {
            let minutes = (value / 6e10).round() as u64;
            match minutes / 60 {
                0 => format!("{minutes} min"),
                hours => format!("{hours} h {} min", minutes % 60),
            }
        }
    };
    format!("{sign}{text}")
}

/// A number of which three digits matter: `0.0123`, `1.24`, `31.5`, `412`, `31,240`.
pub fn three_digits(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "-".to_owned(),
        0.0 => "0".to_owned(),
        v if v >= 999.5 => count_text(value.round() as i64),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.9995 => format!("{value:.2}"),
        v if v >= 0.1 => format!("{value:.3}"),
        v => format!("{value:.*}", (2 - v.log10().floor() as i32).clamp(3, 9) as usize),
    }
}

/// Milliseconds with three digits, for columns that carry the unit in their heading.
pub fn millis_text(ns: i64) -> String {
    three_digits(ns as f64 / 1e6)
}

/// A whole number with separators: `90,122`.
pub fn count_text(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// A share of 1 as a percentage: `62.4 %`, `< 0.1 %`.
pub fn share_text(share: f64) -> String {
    match share {
        s if !s.is_finite() => "-".to_owned(),
        0.0 => "0 %".to_owned(),
        s if s.abs() < 0.0005 => "< 0.1 %".to_owned(),
        s if s.abs() >= 0.9995 => format!("{:.0} %", s * 100.0),
        s => format!("{:.1} %", s * 100.0),
    }
}

/// A size: `812 B`, `3.9 MB` (decimal, as transfer rates are).
pub fn bytes_text(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", three_digits(bytes as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{} MB", three_digits(bytes as f64 / 1e6)),
        _ => format!("{} GB", three_digits(bytes as f64 / 1e9)),
    }
}

/// A moment as RFC 3339, UTC, with nine digits: `2026-11-22T17:55:51.653000000Z`. Empty when out of
/// the calendar's range.
pub fn time_text(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map(|t| format!("{t:.9}")).unwrap_or_default()
}

/// A moment for people, UTC, to the second: `2026-11-22 17:55:51`.
pub fn time_short(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map(|t| t.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

/// A duration typed by a person: `500ms`, `1.5s`, `2m`. Nanoseconds.
///
/// # Errors
/// The text is no number with a unit.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    duration::parse(text.as_bytes(), None).map_err(|_| format!("`{text}` is no duration; write for example 500ms, 1.5s or 2m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_unit_that_fits() {
        for (ns, want) in [
            (0, "0"),
            (870, "870 ns"),
            (1_240_000, "1.24 ms"),
            (999_600_000, "1.00 s"),
            (31_500_000_000, "31.5 s"),
            (7_500_000_000_000, "2 h 5 min"),
            (-2_000_000, "-2.00 ms"),
        ] {
            assert_eq!(duration_text(ns), want);
        }
    }

    #[test]
    fn numbers_keep_three_digits() {
        for (value, want) in [(0.01234, "0.0123"), (1.236, "1.24"), (31.46, "31.5"), (412.3, "412"), (31_240.4, "31,240"), (0.25, "0.250")] {
            assert_eq!(three_digits(value), want);
        }
        assert_eq!(three_digits(f64::NAN), "-");
        assert_eq!(count_text(-90_122), "-90,122");
    }

    #[test]
    fn a_moment_is_written_in_utc() {
        assert_eq!(time_text(1_795_370_151_653_000_000), "2026-11-22T17:55:51.653000000Z");
        assert_eq!(time_short(1_795_370_151_653_000_000), "2026-11-22 17:55:51");
    }
}
