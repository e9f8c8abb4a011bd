//! The pattern of a log that comes without one. The name of a worker thread is what tells it from
//! the logs of other servers.

use super::layout;
use crate::Verdict;
use crate::access::settle;
use crate::access::shape::{self, Before};

/// A layout made up from the lines.
pub(super) struct Guess {
    /// The layout.
    pub(super) layout: String,
    /// How well it fits.
    pub(super) verdict: Verdict,
}

/// The pattern of the first lines, when a line names its worker thread or states one time in two
/// units as only Tomcat does.
pub(super) fn guess(head: &[u8]) -> Option<Guess> {
    let lines = shape::first_lines(head);
    let shape = shape::of(&lines)?;
    let mut names: Vec<Option<&str>> = vec![None; shape.values.len()];
    let mut start = 0;
    if shape.is_combined() {
        (names[0], names[1], start) = (Some("%{Referer}i"), Some("%{User-Agent}i"), 2);
    }
    let mut numbers = Vec::new();
    for (i, values) in shape.values.iter().enumerate().skip(start) {
        let all = |is: fn(&[u8]) -> bool| values.iter().all(|v| *v == b"-" || is(v)) && values.iter().any(|v| *v != b"-");
        // A value with a key says what it is; the valve's are bare.
        if shape.key(i).0.is_some() {
            continue;
        } else if all(is_thread) {
            names[i] = Some("%I");
        } else if all(is_seconds) {
            names[i] = Some("%T");
        } else if let Some(values) = settle::numbers(values) {
            numbers.push((i, values));
        } else if all(|v| v.len() == 55 && crate::Id::traceparent(v).is_some()) {
            names[i] = Some("%{traceparent}i");
        } else if all(is_id) {
            names[i] = Some("%{X-Request-Id}i");
        }
    }
    let thread = names.contains(&Some("%I"));
    let seconds = names.iter().position(|name| *name == Some("%T"));
    name_numbers(&mut names, &numbers, seconds.map(|t| shape.values[t].as_slice()));
    let both = names.contains(&Some("%D")) && seconds.is_some();
    let usual = shape.before.ends_with(&[Before::Client, Before::Dash, Before::Dash])
        || shape.before.ends_with(&[Before::Client, Before::Dash, Before::Other]);
    if !usual || shape.iso || !(thread || both) {
        return None;
    }
    let head_layout = if shape.before.len() == 4 { r#"%v %h %l %u %t "%r" %s %b"# } else { r#"%h %l %u %t "%r" %s %b"# };
    let layout = shape.layout(head_layout, |i| names[i].map_or_else(|| format!("%{{field-{i}}}i"), str::to_owned))?;
    let pattern = layout::compile(&layout, head, None).ok()?;
    let share = shape::share(&lines, |line| pattern.fits(line));
    if share < 60 || (!thread && !pattern.has_duration()) {
        return None;
    }
    let (score, what) = if thread { (92, "a worker thread's name in each") } else { (74, "one time as %D and as %T") };
    let evidence = format!("{share} % of the first {} lines read; {what}", lines.len());
    Some(Guess { layout, verdict: Verdict::new(score, evidence) })
}

/// Tells which of the whole numbers is `%D` and which `%F`. Beside `%T`, only a number that says the
/// same can be `%D`: other servers write counts and lengths beside times in seconds.
fn name_numbers(names: &mut [Option<&str>], numbers: &[(usize, Vec<Option<u64>>)], seconds: Option<&[&[u8]]>) {
    if let Some(seconds) = seconds {
        let Some((d, whole)) = numbers.iter().find(|(_, values)| layout::as_seconds(values, seconds).is_some()) else { return };
        names[*d] = Some("%D");
        let others: Vec<_> = numbers.iter().filter(|(i, _)| i != d).collect();
        if let [(f, first)] = others.as_slice()
            && settle::agree(first, whole, |first, whole| first <= whole)
        {
            names[*f] = Some("%F");
        }
        return;
    }
    // The time to commit is never longer than the whole, whatever the unit of that.
    match numbers {
        [(d, _)] => names[*d] = Some("%D"),
        [(i, a), (j, b)] => {
            let shorter = |a: &[Option<u64>], b: &[Option<u64>]| settle::agree(a, b, |a, b| a <= b);
            if shorter(b, a) {
                (names[*i], names[*j]) = (Some("%D"), Some("%F"));
            } else if shorter(a, b) {
                (names[*i], names[*j]) = (Some("%F"), Some("%D"));
            }
        }
        _ => {}
    }
}

/// `http-nio-8080-exec-12`, `ajp-nio-127.0.0.1-8009-exec-1`, `http-bio-8080-exec-3`
fn is_thread(text: &[u8]) -> bool {
    let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && text[..text.len() - digits].ends_with(b"-exec-")
}

/// Seconds with three decimals, as `%T` has them.
fn is_seconds(text: &[u8]) -> bool {
    let dot = text.len().wrapping_sub(4);
    (1..8).contains(&dot) && text[dot] == b'.' && text[..dot].iter().chain(&text[dot + 1..]).all(u8::is_ascii_digit)
}

/// A UUID or 32 hex digits.
fn is_id(text: &[u8]) -> bool {
    matches!(text.len(), 32 | 36) && text.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')
}
