//! Patterns of the AccessLogValve, and the unit of `%D`: milliseconds up to Tomcat 9, microseconds
//! from 10. <https://tomcat.apache.org/tomcat-11.0-doc/config/valve.html#Access_Logging>

use crate::access::apache::named_value;
use crate::access::pattern::{Field, Pattern, Token};
use crate::access::percent::{self, Directive, Piece};
use crate::access::settle::{self, Settled};
use crate::access::{shape, strftime};
use crate::scan::time::{self, SECOND};
use crate::{OpenError, Stamp, Unit};

/// Compiles a pattern. The unit of its `%D` is as told, or settled by the first lines.
pub(super) fn compile(layout: &str, head: &[u8], told: Option<Unit>) -> Result<Pattern, OpenError> {
    let layout = match layout {
        "common" => r#"%h %l %u %t "%r" %s %b"#,
        "combined" => r#"%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-Agent}i""#,
        other => other,
    };
    let pieces = percent::pieces(layout)?;
    let has_d = pieces.iter().any(|p| matches!(p, Piece::Directive(d) if d.letter == 'D'));
    if !has_d {
        return with_unit(layout, &pieces, None);
    }
    if let Some(unit) = told {
        return with_unit(layout, &pieces, Some(unit));
    }
    if let Some(unit) = percent::unit_of_d(&pieces) {
        let pattern = with_unit(layout, &pieces, Some(unit))?;
        return Ok(pattern.assume(format!("%D was taken to be in {}, as the layout writes behind it.", unit.symbol())));
    }
    match settle_d(layout, &pieces, head) {
        Some(settled) => {
            let pattern = with_unit(layout, &pieces, Some(settled.unit))?;
            Ok(pattern.assume(format!("%D was taken to be {}.", settled.why)))
        }
        None => Ok(with_unit(layout, &pieces, None)?.assume(
            "The unit of %D cannot be told from the first lines (milliseconds up to Tomcat 9, microseconds from 10), so it is \
             not read; name the unit to have it.",
        )),
    }
}

fn with_unit(layout: &str, pieces: &[Piece], unit: Option<Unit>) -> Result<Pattern, OpenError> {
    let tokens = percent::tokens(pieces, strftime::simple_date_format, Stamp::End, |d| field(d, unit))?;
    Ok(Pattern::compile(tokens, layout.to_owned()))
}

/// The unit of `%D`, from `%F` or `%T` beside it, else from what each unit would imply.
fn settle_d(layout: &str, pieces: &[Piece], head: &[u8]) -> Option<Settled> {
    let tokens = percent::tokens(pieces, strftime::simple_date_format, Stamp::End, |_| Field::Skip).ok()?;
    let fields: Vec<_> = tokens.iter().filter(|t| matches!(t, Token::Field { .. })).collect();
    let letters: Vec<_> = pieces.iter().filter_map(|p| if let Piece::Directive(d) = p { Some(d) } else { None }).collect();
    if fields.len() != letters.len() {
        return None;
    }
    let pattern = Pattern::compile(tokens.clone(), layout.to_owned());
    let lines = shape::first_lines(head);
    let rows: Vec<_> = lines.iter().filter_map(|l| pattern.values(l)).filter(|row| row.len() == letters.len()).collect();
    let column = |letter: char| {
        let at = letters.iter().position(|d| d.letter == letter && (letter == 't' || d.argument.is_empty()))?;
        Some(rows.iter().map(|row| row[at]).collect::<Vec<_>>())
    };
    let values = settle::numbers(&column('D')?)?;
    if let Some(millis) = column('F').and_then(|f| settle::numbers(&f))
        && let Some(settled) = settle::beside(&values, &millis, "the milliseconds of %F")
    {
        return Some(settled);
    }
    if let Some(unit) = column('T').and_then(|seconds| as_seconds(&values, &seconds)) {
        let name = if unit == Unit::Millis { "milliseconds" } else { "microseconds" };
        return Some(Settled { unit, why: format!("in {name}, as %T beside it says the same") });
    }
    let stamps: Vec<_> = column('t')?.iter().filter_map(|t| time::clf(t).ok()).map(|s| s.nanos).collect();
    settle::alone(&values, &stamps, &[Unit::Micros, Unit::Millis])
}

/// The unit in which `%D` says what `%T` says in seconds, line by line. The valve cuts `%T` off at
/// milliseconds; its relatives at whole seconds.
pub(super) fn as_seconds(values: &[Option<u64>], seconds: &[&[u8]]) -> Option<Unit> {
    let millis: Vec<_> =
        seconds.iter().map(|s| crate::scan::number::duration(s, 1000).ok().and_then(|ms| u64::try_from(ms).ok())).collect();
    let step = if seconds.iter().any(|s| s.contains(&b'.')) { 1 } else { 1000 };
    let says = millis.iter().zip(values).any(|(t, d)| t.is_some_and(|t| t > 0) && d.is_some());
    let same = |scale: u64| says && settle::agree(values, &millis, |d, t| d / (scale * step) * step == t);
    [(1, Unit::Millis), (1000, Unit::Micros)].into_iter().find(|(scale, _)| same(*scale)).map(|(_, unit)| unit)
}

/// What a directive says. `%F` is the time until the first byte of the answer, which is a part of
/// the duration and no duration itself.
fn field(directive: &Directive, d: Option<Unit>) -> Field {
    let duration = |unit: Unit| Field::Duration { unit, resolution_ns: unit.nanos() };
    match directive.letter {
        'D' => d.map_or(Field::Skip, duration),
        'T' => match directive.argument.as_str() {
            "ns" => duration(Unit::Nanos),
            "us" => duration(Unit::Micros),
            "ms" => duration(Unit::Millis),
            _ => Field::Duration { unit: Unit::Seconds, resolution_ns: SECOND / 1000 },
        },
        'r' if directive.argument.is_empty() => Field::Request,
        's' if directive.argument.is_empty() => Field::Status { rank: 0 },
        'm' => Field::Method,
        'U' => Field::Target { rank: 1 },
        'b' | 'B' => Field::Bytes { rank: 0 },
        'v' => Field::Service { rank: 0 },
        'I' => Field::Thread,
        'i' | 'o' | 'r' | 's' | 'c' => named_value(&directive.argument),
        _ => Field::Skip,
    }
}
