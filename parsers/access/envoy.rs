//! Envoy's default text log, and Istio's, which puts details before the byte counts and cluster and
//! addresses at the end.
//!
//! <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>

use super::{first_lines, http};
use crate::scan::line::{quoted, word};
use crate::scan::{number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Id, Kind, LineDecoder, Memo, OpenError, Operation, Options, Outcome, Reason, Role,
    Spec, Stamp, Unit, Verdict,
};

pub(super) struct Envoy;

static SPEC: Spec = Spec {
    name: "envoy",
    family: Family::Access,
    title: "Envoy and Istio default text log",
    source: "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
    stamp: Stamp::Start,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
[2026-11-22T17:55:51.310Z] \"POST /api/v1/locations HTTP/2\" 204 - 154 0 226 100 \"10.0.35.28\" \"nsq2http\" \"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2\" \"locations\" \"tcp://10.0.2.1:80\"
[2026-11-22T17:55:52.000Z] \"GET /status/418 HTTP/1.1\" 503 UF upstream_reset_before_response_started{connection_failure} - \"-\" 0 135 5 - \"-\" \"curl/8.5.0\" \"84961386-6d84-929d-98bd-c5aee93b5c88\" \"httpbin:8000\" \"127.0.0.1:80\" inbound|8000|| 127.0.0.1:41854 10.44.1.27:80 10.44.1.23:37652 outbound_.8000_._.httpbin.foo.svc.cluster.local default
",
};

impl Format for Envoy {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        first_lines::verdict(head, 95, |line| {
            // Messages of Envoy itself stand between the records in the output of a container.
            if is_own(line) { None } else { Some(read(line).is_ok()) }
        })
    }

    fn open(&self, _head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(Lines))
    }
}

struct Lines;

impl LineDecoder for Lines {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::Start),
            unit: Some(Unit::Millis),
            resolution_ns: 1_000_000,
            stamp_resolution_ns: 1_000_000,
            zone_missing: false,
            layout: String::new(),
            assumptions: Vec::new(),
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        if is_own(line) {
            return Ok(());
        }
        batch.push(&read(line)?);
        Ok(())
    }
}

/// A message of Envoy or of Istio's agent: `[2026-11-22 17:55:51.310][1][info][main] ...` or
/// `2026-11-22T17:55:51.310Z` and a tab.
fn is_own(line: &[u8]) -> bool {
    let (text, level) = match line.strip_prefix(b"[") {
        Some(text) => (text, &b"]["[..]),
        None => (line, &b"\t"[..]),
    };
    time::iso_prefix(text).is_ok_and(|(_, rest)| rest.starts_with(level))
}

fn read(line: &[u8]) -> Result<Operation<'_>, Reason> {
    // Ambassador sets its access lines off from its other ones.
    let line = line.strip_prefix(b"ACCESS ").unwrap_or(line);
    let rest = line.strip_prefix(b"[").ok_or(Reason::Shape)?;
    let close = memchr::memchr(b']', rest).ok_or(Reason::Shape)?;
    let (stamp, rest) = (&rest[..close], rest[close + 1..].strip_prefix(b" ").ok_or(Reason::Shape)?);
    let (request, rest) = quoted(rest, b'"').ok_or(Reason::Shape)?;
    let (status, rest) = word(rest.strip_prefix(b" ").ok_or(Reason::Shape)?);
    let (flags, rest) = word(rest);
    let Sizes { sent, duration, upstream, rest } = sizes(rest).ok_or(Reason::Shape)?;
    let mut op = Operation::new(Kind::Request);
    op.role = Role::Server;
    op.start = Some(time::iso(stamp)?.nanos);
    op.duration = number::optional_duration(duration, 1_000_000)?;
    op.parts.upstream = number::optional_duration(upstream, 1_000_000)?;
    op.status = number::status(status)?;
    op.bytes = number::optional_whole(sent)?;
    (op.method, op.name) = http::request(request);
    let mut rest = rest;
    let mut texts = [&b"-"[..]; 5];
    for text in &mut texts {
        if let Some((value, after)) = quoted(rest, b'"') {
            (*text, rest) = (value, after.trim_ascii_start());
        }
    }
    let [_forwarded, _agent, id, _authority, host] = texts;
    op.request = Id::parse(id);
    let host = host.strip_prefix(b"tcp://").unwrap_or(host);
    op.peer = Some(host).filter(|h| !matches!(*h, b"-" | b""));
    if request == b"- - -" {
        // A TCP session has no request; what it called is the cluster, where Istio names it.
        op.name = Some(word(rest).0).filter(|c| !matches!(*c, b"-" | b""));
    }
    op.outcome = outcome(flags, op.status);
    Ok(op)
}

/// The counts and times that stand before the quoted headers.
struct Sizes<'a> {
    sent: &'a [u8],
    duration: &'a [u8],
    upstream: &'a [u8],
    rest: &'a [u8],
}

/// Finds `received sent duration upstream "`, past whatever details a version of Istio writes
/// first: words, quoted texts and, in one version, texts with blanks.
fn sizes(text: &[u8]) -> Option<Sizes<'_>> {
    let mut window = [&b""[..]; 4];
    let mut rest = text;
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    while !rest.is_empty() {
        let [received, sent, duration, upstream] = window;
        if rest.starts_with(b"\"") && digits(received) && digits(sent) && maybe(duration, digits) && maybe(upstream, digits) {
            return Some(Sizes { sent, duration, upstream, rest });
        }
        let (text, after) = match quoted(rest, b'"') {
            Some((_, after)) => (&b"\""[..], after.strip_prefix(b" ").unwrap_or(after)),
            None => word(rest),
        };
        window = [sent, duration, upstream, text];
        rest = after;
    }
    None
}

/// A number, or the dash that stands for none.
fn maybe(text: &[u8], digits: impl Fn(&[u8]) -> bool) -> bool {
    text == b"-" || digits(text) || text.strip_prefix(b"-").is_some_and(digits)
}

/// The response flags say more than the status:
/// <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#config-access-log-format-response-flags>.
fn outcome(flags: &[u8], status: Option<u16>) -> Outcome {
    let mut outcome = match status {
        Some(status) => Outcome::of_status(status),
        None if flags == b"-" => Outcome::Ok,
        None => Outcome::Failed,
    };
    for flag in flags.split(|&b| b == b',') {
        match flag {
            b"DC" | b"DR" => return Outcome::Abandoned,
            b"UT" | b"SI" | b"DT" => outcome = Outcome::TimedOut,
            _ => {}
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_found_past_any_details() {
        for text in [
            "1 2 30 4 \"a\"",
            "\"-\" 1 2 30 4 \"a\"",
            "via_upstream - \"-\" 1 2 30 4 \"a\"",
            "reset{connection failure} 7 \"x y\" 1 2 30 4 \"a\"",
        ] {
            let got = sizes(text.as_bytes()).expect("finds them");
            assert_eq!((got.sent, got.duration, got.upstream), (&b"2"[..], &b"30"[..], &b"4"[..]), "{text}");
        }
        assert!(sizes(b"1 2 30 4").is_none());
    }

    #[test]
    fn flags_say_who_gave_up() {
        assert_eq!(outcome(b"DC", None), Outcome::Abandoned);
        assert_eq!(outcome(b"UT", Some(504)), Outcome::TimedOut);
        assert_eq!(outcome(b"UF,URX", Some(503)), Outcome::Failed);
        assert_eq!(outcome(b"-", None), Outcome::Ok);
    }
}
