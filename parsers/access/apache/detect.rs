//! The `LogFormat` of a log that comes without one, from its first lines.

use super::compile;
use crate::access::pattern::Pattern;
use crate::access::settle;
use crate::access::shape::{self, Before, Shape};
use crate::{Stamp, Unit, Verdict};

/// A layout made up from the lines.
pub(super) struct Guess {
    /// The layout compiled, with what was assumed.
    pub(super) pattern: Pattern,
    /// How well it fits.
    pub(super) verdict: Verdict,
}

/// What the numbers after the user agent were found to be.
struct Times {
    /// Directive for each value, where it was found.
    names: Vec<Option<String>>,
    score: u8,
    /// Why, or why not.
    said: Option<String>,
}

/// The layout of the first lines, when httpd could have written them. `unit` is the user's word on
/// a duration whose unit cannot be settled.
pub(super) fn guess(head: &[u8], unit: Option<Unit>) -> Option<Guess> {
    let lines = shape::first_lines(head);
    let shape = shape::of(&lines)?;
    let times = times(&shape, unit);
    let layout = shape.layout(&before(&shape), |i| times.names[i].clone().unwrap_or_else(|| format!("%{{field_{i}}}n")))?;
    let mut pattern = compile(&layout, Stamp::Start).ok()?;
    let share = shape::share(&lines, |line| pattern.fits(line));
    if share < 60 {
        return None;
    }
    let what = match &times.said {
        Some(said) => {
            pattern = pattern.assume(said.clone());
            said.as_str()
        }
        None => {
            pattern = pattern.assume(
                "nginx and Apache write this layout alike; without durations it does not matter \
                 that one stamps the end of a request and the other its start.",
            );
            "combined or common log, which nginx and Apache write alike; no durations"
        }
    };
    let evidence = format!("{share} % of the first {} lines read; {what}", lines.len());
    Some(Guess { verdict: Verdict::new(times.score, evidence), pattern })
}

/// The layout up to the bytes.
fn before(shape: &Shape<'_>) -> String {
    let mut head = String::new();
    let mut dashes = 0;
    for (i, role) in shape.before.iter().enumerate() {
        let earlier = shape.before[..i].contains(role);
        head += match role {
            Before::Client if !earlier => "%h ",
            Before::Host if !earlier => "%v ",
            Before::Client | Before::Host => "%{other}n ",
            _ if dashes == 0 => "%l ",
            _ => "%u ",
        };
        dashes += usize::from(matches!(role, Before::Dash | Before::Other));
    }
    head + if shape.iso { "[%{%Y-%m-%dT%H:%M:%S%z}t]" } else { "%t" } + r#" "%r" %>s %b"#
}

/// What stands after the bytes.
fn times(shape: &Shape<'_>, told: Option<Unit>) -> Times {
    let mut names = vec![None; shape.values.len()];
    let start = if shape.is_combined() {
        names[0] = Some("%{Referer}i".to_owned());
        names[1] = Some("%{User-Agent}i".to_owned());
        2
    } else {
        0
    };
    if start == shape.values.len() {
        let usual = matches!(shape.before.as_slice(), [Before::Client, ..] | [Before::Host, Before::Client, ..])
            && !shape.before[1..].contains(&Before::Host);
        let score = match () {
            () if !usual => 47,
            () if start == 2 => 60,
            () => 61,
        };
        return Times { names, score, said: None };
    }
    for i in start..shape.values.len() {
        if let Some(name) = slashed(&shape.values[i]) {
            names[i] = Some(name);
            let said = "The last field was taken as %T/%D: the seconds agree with the microseconds.".to_owned();
            return Times { names, score: 85, said: Some(said) };
        }
    }
    let columns: Vec<_> = (start..shape.values.len())
        .filter_map(|i| settle::numbers(&shape.values[i]).map(|v| (i, v)))
        .filter(|(_, v)| !is_size(v, shape))
        .collect();
    for (i, coarse) in &columns {
        for (j, fine) in columns.iter().filter(|(j, _)| j != i) {
            let agrees =
                |scale: u64| fine.iter().flatten().any(|f| *f >= scale) && settle::agree(coarse, fine, |c, f| f / scale == c);
            for (scale, name) in [(1_000_000, "%T"), (1000, "%{ms}T")] {
                if agrees(scale) {
                    names[*i] = Some(name.to_owned());
                    names[*j] = Some("%D".to_owned());
                    let said = format!("No layout was given: two fields were taken as %D and {name}, as their values agree.");
                    return Times { names, score: 72, said: Some(said) };
                }
            }
        }
    }
    single(shape, columns, names, told)
}

/// One number, whose unit has to be settled by its values.
fn single(
    shape: &Shape<'_>,
    columns: Vec<(usize, Vec<Option<u64>>)>,
    mut names: Vec<Option<String>>,
    told: Option<Unit>,
) -> Times {
    let distinct = |values: &[Option<u64>]| values.len() < 3 || values.iter().any(|v| *v != values[0]);
    let columns: Vec<_> = columns.into_iter().filter(|(_, v)| distinct(v)).collect();
    let [(column, values)] = columns.as_slice() else {
        let said = "No field could be settled as the duration of the request, so there is none; \
                    give the LogFormat with --log-format to have it read.";
        return Times { names, score: 47, said: Some(said.to_owned()) };
    };
    let all = [Unit::Micros, Unit::Millis, Unit::Seconds];
    let settled = match told {
        Some(unit) => Some((unit, "as told".to_owned(), 66)),
        None => settle::alone(values, &shape.stamps, &all).map(|s| (s.unit, s.why, 66)),
    };
    let Some((unit, why, score)) = settled else {
        let said = "The number after the bytes or the user agent may be a duration, but its unit cannot be told from the \
                    values, so it is not read; give the LogFormat with --log-format.";
        return Times { names, score: 55, said: Some(said.to_owned()) };
    };
    let name = match unit {
        Unit::Seconds => "%T",
        Unit::Millis => "%{ms}T",
        _ => "%D",
    };
    names[*column] = Some(name.to_owned());
    let said =
        format!("No layout was given: the number at the end was taken as the duration {name}, {why}; and stamps as starts.");
    Times { names, score, said: Some(said) }
}

/// `%T/%D`, bare or between asterisks, where the two agree.
fn slashed(values: &[&[u8]]) -> Option<String> {
    let stars = values.iter().all(|v| v.starts_with(b"**") && v.ends_with(b"**") && v.len() > 4);
    let inner = |v: &&[u8]| -> Option<bool> {
        let text = if stars { v.get(2..v.len() - 2)? } else { v };
        let slash = memchr::memchr(b'/', text)?;
        let number = |t| crate::scan::number::whole(t).ok();
        Some(number(&text[slash + 1..])? / 1_000_000 == number(&text[..slash])?)
    };
    let agree = values.iter().all(|v| inner(v) == Some(true));
    agree.then(|| if stars { "**%T/%D**" } else { "%T/%D" }.to_owned())
}

/// Whether the numbers are the bytes sent with the headers: a little more than the bytes.
fn is_size(values: &[Option<u64>], shape: &Shape<'_>) -> bool {
    let bytes: Vec<_> =
        shape.bytes.iter().map(|b| if *b == b"-" { Some(0) } else { crate::scan::number::whole(b).ok() }).collect();
    values.len() > 1
        && settle::agree(values, &bytes, |v, bytes| v.checked_sub(bytes).is_some_and(|more| (60..2000).contains(&more)))
}
