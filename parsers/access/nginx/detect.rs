//! The `log_format` of a log that comes without one, from its first lines.

use super::layout;
use crate::access::pattern::Pattern;
use crate::access::settle;
use crate::access::shape::{self, Before, Shape};
use crate::scan::time::SECOND;
use crate::{Unit, Verdict};

/// A layout made up from the lines.
pub(super) struct Guess {
    /// The layout compiled, with what was assumed.
    pub(super) pattern: Pattern,
    /// How well it fits.
    pub(super) verdict: Verdict,
}

/// How a value was understood.
#[derive(Clone, Copy, Eq, PartialEq)]
enum By {
    Key,
    Shape,
    /// The only times there are, though they look like an upstream's.
    Lone,
}

/// The layout of the first lines, when nginx could have written them.
pub(super) fn guess(head: &[u8]) -> Option<Guess> {
    let lines = shape::first_lines(head);
    let shape = shape::of(&lines)?;
    let names = names(&shape);
    let layout =
        shape.layout(&before(&shape), |i| format!("${}", names[i].as_ref().map_or(format!("field_{i}"), |n| n.0.clone())))?;
    let mut pattern = layout::compile(&layout).ok()?;
    let share = shape::share(&lines, |line| pattern.fits(line));
    if share < 60 {
        return None;
    }
    let keyed = names.iter().flatten().any(|n| n.1 == By::Key && n.0.ends_with("_time"));
    let shaped: Vec<_> = names.iter().flatten().filter(|n| n.1 == By::Shape).map(|n| format!("${}", n.0)).collect();
    let timed = pattern.has_duration();
    let digits = names.iter().position(|n| n.as_ref().is_some_and(|n| n.0 == "request_time")).map(|i| decimals(&shape.values[i]));
    if let Some(digits) = digits.filter(|&digits| digits < 3) {
        pattern = pattern.resolution(SECOND / 10i64.pow(digits)).assume(
            "The times of requests do not have the three decimals that nginx writes; by their key they were taken as seconds.",
        );
    }
    if !shaped.is_empty() {
        pattern = pattern.assume(format!(
            "No layout was given: the fields after the user agent were taken as {} by the look of their values.",
            shaped.join(", ")
        ));
    }
    if names.iter().flatten().any(|n| n.1 == By::Lone) {
        pattern = pattern.assume(
            "No layout was given: the only times after the user agent were taken as $request_time, although some are `-`, \
             as only an upstream's are in nginx.",
        );
    }
    let bare_time = names.iter().flatten().any(|n| n.1 == By::Lone) || shaped.iter().any(|n| n.ends_with("_time"));
    let unknown = names.iter().filter(|n| n.is_none()).count();
    if !timed && unknown > 0 {
        pattern = pattern.assume(
            "No field could be settled as the duration of the request, so there is none; \
             give the layout with --log-format to have it read.",
        );
    }
    if !timed {
        pattern = pattern.assume(
            "nginx and Apache write this layout alike; without durations it does not matter \
             that one stamps the end of a request and the other its start.",
        );
    }
    let usual = shape.before == [Before::Client, Before::Dash, Before::Other]
        || shape.before == [Before::Client, Before::Dash, Before::Dash];
    let (score, what) = match () {
        () if keyed && digits == Some(0) => (65, "whole numbers under the usual keys of durations"),
        () if keyed => (90, "durations under the usual keys"),
        () if bare_time => (70, "durations in seconds with three decimals after the user agent"),
        () if unknown > 0 || !usual => (45, "combined log with fields nginx may have written"),
        () if shape.is_combined() => (62, "combined log, which nginx and Apache write alike; no durations"),
        () => (58, "common log, which nginx and Apache write alike; no durations"),
    };
    Some(Guess { pattern, verdict: Verdict::new(score, format!("{share} % of the first {} lines read; {what}", lines.len())) })
}

/// The layout up to the bytes.
fn before(shape: &Shape<'_>) -> String {
    let mut head = String::new();
    for (i, role) in shape.before.iter().enumerate() {
        let earlier = shape.before[..i].contains(role);
        head += match role {
            Before::Client if !earlier => "$remote_addr ",
            Before::Host if !earlier => "$host ",
            Before::Dash if i + 1 < shape.before.len() => "- ",
            _ if i + 1 == shape.before.len() => "$remote_user ",
            _ => "$ident ",
        };
    }
    head + if shape.iso { "[$time_iso8601]" } else { "[$time_local]" } + r#" "$request" $status $body_bytes_sent"#
}

/// A variable for each value of the tail that can be told.
fn names(shape: &Shape<'_>) -> Vec<Option<(String, By)>> {
    let mut names: Vec<Option<(String, By)>> = vec![None; shape.values.len()];
    let mut times = Vec::new();
    for (i, values) in shape.values.iter().enumerate() {
        let all = |is: fn(&[u8]) -> bool| shape::mostly(values, is);
        let (key, quoted) = shape.key(i);
        let name = match key {
            _ if i == 0 && shape.is_combined() => Some(("http_referer", By::Key)),
            _ if i == 1 && shape.is_combined() => Some(("http_user_agent", By::Key)),
            Some(key) => {
                by_key(key).filter(|name| !name.ends_with("_time") || are_seconds(values, &shape.stamps)).map(|n| (n, By::Key))
            }
            None if all(is_millis_epoch) => Some(("msec", By::Shape)),
            None if all(is_times) => {
                times.push(i);
                None
            }
            None if all(is_traceparent) => Some(("http_traceparent", By::Shape)),
            None if all(is_request_id) => Some(("request_id", By::Shape)),
            None if quoted && values.iter().all(|v| *v == b"-" || shape::is_address(v)) => {
                Some(("http_x_forwarded_for", By::Shape))
            }
            None => None,
        };
        names[i] = name.map(|(name, by)| (name.to_owned(), by));
    }
    if !names.iter().flatten().any(|n| n.0 == "request_time") {
        for (i, name, by) in by_size(shape, &times) {
            names[i] = Some((name.to_owned(), by));
        }
    }
    names
}

/// Tells bare times apart: the time of the whole request is never `-` and never less than the
/// others by more than the clock's step; the upstream's is the largest of what is left.
fn by_size(shape: &Shape<'_>, times: &[usize]) -> Vec<(usize, &'static str, By)> {
    let single = |i: &usize| !shape.values[*i].iter().any(|v| *v == b"-" || v.contains(&b','));
    let within =
        |inner: usize, outer: usize| shape.values[inner].iter().zip(&shape.values[outer]).all(|(a, b)| total(a) <= total(b) + 1);
    let outer = times.iter().copied().filter(single).find(|&i| times.iter().all(|&j| j == i || within(j, i)));
    let Some(outer) = outer else {
        return match times {
            // A list of times can be of nothing but upstreams.
            [only] if shape.values[*only].iter().any(|v| v.contains(&b',') || v.contains(&b' ')) => {
                vec![(*only, "upstream_response_time", By::Shape)]
            }
            [only] => vec![(*only, "request_time", By::Lone)],
            _ => Vec::new(),
        };
    };
    let rest: Vec<_> = times.iter().copied().filter(|&i| i != outer).collect();
    let upstream = rest.iter().copied().rev().find(|&i| rest.iter().all(|&j| j == i || within(j, i)));
    let mut names = vec![(outer, "request_time", By::Shape)];
    names.extend(upstream.map(|i| (i, "upstream_response_time", By::Shape)));
    names
}

/// The sum of a list of times in milliseconds.
fn total(value: &[u8]) -> u64 {
    let digits = |item: &[u8]| {
        item.iter().filter(|b| b.is_ascii_digit()).fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')))
    };
    value.split(|&b| matches!(b, b',' | b' ')).fold(0, |sum: u64, item| sum.saturating_add(digits(item)))
}

/// The variable a key usually stands for.
fn by_key(key: &str) -> Option<&'static str> {
    Some(match key.to_ascii_lowercase().as_str() {
        "rt" | "request_time" | "req_time" | "reqtime" | "request-time" => "request_time",
        "urt" | "upstream_response_time" | "upstream_time" | "uptime" | "upstream_rt" | "ups_resp_time" => {
            "upstream_response_time"
        }
        "uct" | "upstream_connect_time" => "upstream_connect_time",
        "uht" | "upstream_header_time" => "upstream_header_time",
        "us" | "upstream_status" => "upstream_status",
        "ua" | "upstream" | "upstream_addr" | "uaddr" => "upstream_addr",
        "rid" | "request_id" | "req_id" | "reqid" | "x_request_id" | "requestid" | "id" => "request_id",
        "traceparent" | "tp" => "http_traceparent",
        "trace" | "trace_id" | "traceid" => "otel_trace_id",
        "span" | "span_id" | "spanid" => "otel_span_id",
        "host" | "vhost" => "host",
        "sn" | "server_name" => "server_name",
        "msec" => "msec",
        "cs" | "cache" | "upstream_cache_status" => "upstream_cache_status",
        "rl" | "request_length" => "request_length",
        "xff" | "x_forwarded_for" | "http_x_forwarded_for" => "http_x_forwarded_for",
        _ => return None,
    })
}

/// `0.026`: nginx writes three decimals, always.
fn is_time(text: &[u8]) -> bool {
    let dot = text.len().wrapping_sub(4);
    (1..8).contains(&dot) && text[dot] == b'.' && text[..dot].iter().chain(&text[dot + 1..]).all(u8::is_ascii_digit)
}

/// Whether values under the key of a time are one: six in ten are numbers or `-`, and whole
/// numbers would not mean more requests at once than there can be. Programs that copy nginx's keys
/// write fewer decimals, or milliseconds.
fn are_seconds(values: &[&[u8]], stamps: &[i64]) -> bool {
    let fits = values.iter().filter(|v| is_seconds(v)).count();
    let whole: Vec<_> = values.iter().map(|v| crate::scan::number::whole(v).ok()).collect();
    let fraction = values.iter().any(|v| v.contains(&b'.'));
    let could_be = || whole.iter().all(Option::is_none) || settle::alone(&whole, stamps, &[Unit::Seconds]).is_some();
    fits * 10 >= values.len() * 6 && (fraction || could_be())
}

/// Numbers with or without decimals, as of a list of upstreams.
fn is_seconds(text: &[u8]) -> bool {
    let number = |item: &[u8]| {
        item.first().is_some_and(u8::is_ascii_digit)
            && item.iter().all(|b| b.is_ascii_digit() || *b == b'.')
            && item.iter().filter(|b| **b == b'.').count() <= 1
    };
    !text.is_empty() && text.split(|&b| matches!(b, b',' | b' ')).all(|item| matches!(item, b"" | b":" | b"-") || number(item))
}

/// The most decimals that a time among the values has, up to three.
fn decimals(values: &[&[u8]]) -> u32 {
    let of = |v: &&[u8]| memchr::memchr(b'.', v).map_or(0, |dot| v.len() - dot - 1);
    values.iter().filter(|v| is_seconds(v)).map(of).max().map_or(3, |most| most.min(3) as u32)
}

/// Times as of a list of upstreams.
fn is_times(text: &[u8]) -> bool {
    !text.is_empty() && text.split(|&b| matches!(b, b',' | b' ')).all(|item| matches!(item, b"" | b":" | b"-") || is_time(item))
}

fn is_millis_epoch(text: &[u8]) -> bool {
    text.len() == 14 && text[10] == b'.' && text.iter().filter(|b| b.is_ascii_digit()).count() == 13
}

fn is_request_id(text: &[u8]) -> bool {
    text == b"-" || (matches!(text.len(), 32 | 36) && text.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-'))
}

fn is_traceparent(text: &[u8]) -> bool {
    text == b"-" || (text.len() == 55 && text.starts_with(b"00-") && crate::Id::traceparent(text).is_some())
}
