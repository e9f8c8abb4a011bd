//! AWS Application Load Balancer.
//!
//! The stamp is the end; `request_creation_time`, which older logs lack, is the start.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

use super::{first_lines, http};
use crate::scan::line::{quoted, word};
use crate::scan::{number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Id, Kind, LineDecoder, Memo, OpenError, Operation, Options, Outcome, Parts, Reason,
    Role, Spec, Stamp, Unit, Verdict,
};

pub(super) struct Alb;

static SPEC: Spec = Spec {
    name: "alb",
    family: Family::Access,
    title: "AWS Application Load Balancer",
    source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    stamp: Stamp::End,
    unit: Some(Unit::Seconds),
    resolution_ns: 1_000_000,
    sample: "\
https 2026-11-22T17:55:51.186641Z app/shop/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.001 0.040 0.002 200 200 34 366 \"GET https://www.example.com:443/api/orders HTTP/2.0\" \"curl/8.5.0\" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/web/73e2d6bc24d8a067 \"Root=1-58337281-1d84f3d73c47ec4e58577259\" \"www.example.com\" \"-\" 1 2026-11-22T17:55:51.143000Z \"forward\" \"-\" \"-\" \"10.0.0.1:80\" \"200\" \"-\" \"-\"
http 2026-11-22T17:55:52.000000Z app/shop/50dc6c495c0c9188 192.168.131.39:2818 - -1 -1 -1 503 - 34 366 \"GET http://www.example.com:80/ HTTP/1.1\" \"curl/8.5.0\" - - - \"Root=1-58337364-23a8c76965a2ef7629b185e3\" \"-\" \"-\" 0 2026-11-22T17:55:51.500000Z \"forward\" \"-\" \"-\" \"-\" \"-\" \"-\" \"-\"
",
};

impl Format for Alb {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        first_lines::verdict(head, 95, |line| Some(read(line).is_ok()))
    }

    fn open(&self, _head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(Lines))
    }
}

struct Lines;

impl LineDecoder for Lines {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::End),
            unit: Some(Unit::Seconds),
            resolution_ns: 1_000_000,
            stamp_resolution_ns: 1_000,
            zone_missing: false,
            date_missing: false,
            layout: String::new(),
            assumptions: vec![
                "request_processing_time is counted as queue, although it also holds the reading of the request.".to_owned(),
                "A request that never got an answer from a target lasts from request_creation_time to the stamp.".to_owned(),
            ],
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        batch.push(&read(line)?);
        Ok(())
    }
}

/// What classic and application load balancers write alike: from the name of the balancer to the
/// user agent.
pub(super) struct Common<'a> {
    pub(super) op: Operation<'a>,
    pub(super) rest: &'a [u8],
}

fn read(line: &[u8]) -> Result<Operation<'_>, Reason> {
    let (kind, rest) = word(line);
    if !matches!(kind, b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss") {
        return Err(Reason::Shape);
    }
    let (stamp, rest) = word(rest);
    let end = time::iso(stamp)?.nanos;
    let Common { mut op, rest } = common(rest)?;
    let mut texts = [&b""[..]; 7];
    split(rest, &mut texts);
    let [_cipher, _protocol, _group, trace, _domain, _certificate, rest] = texts;
    op.trace = trace_id(trace);
    let (_priority, rest) = word(rest);
    let created = match word(rest).0 {
        b"" | b"-" => None,
        text => Some(time::iso(text)?.nanos),
    };
    if op.duration.is_none() {
        op.duration = created.and_then(|start| end.checked_sub(start)).filter(|d| (0..=number::MAX_DURATION).contains(d));
    }
    op.start = Some(created.map_or_else(|| http::started(end, op.duration), Ok)?);
    // 460: the client closed the connection before the balancer could answer.
    if op.status == Some(460) {
        op.outcome = Outcome::Abandoned;
    }
    Ok(op)
}

/// Reads `elb client:port target:port t1 t2 t3 status target_status received sent "request" "agent"`.
pub(super) fn common(line: &[u8]) -> Result<Common<'_>, Reason> {
    let mut words = [&b""[..]; 11];
    let mut rest = line;
    for text in words.iter_mut().take(10) {
        (*text, rest) = word(rest);
    }
    let [name, client, target, t1, t2, t3, status, _target_status, _received, sent, _] = words;
    if name.is_empty() || !client.contains(&b':') || sent.is_empty() {
        return Err(Reason::Shape);
    }
    let (request, rest) = quoted(rest, b'"').ok_or(Reason::Shape)?;
    // The classic balancer wrote no user agent at first.
    let rest = rest.trim_ascii_start();
    let rest = quoted(rest, b'"').map_or(rest, |(_, after)| after);
    let seconds = |text| number::optional_duration(text, time::SECOND);
    let (queue, upstream, network) = (seconds(t1)?, seconds(t2)?, seconds(t3)?);
    let mut op = Operation::new(Kind::Request);
    op.role = Role::Server;
    op.parts = Parts { queue, upstream, network, ..Parts::default() };
    if let (Some(queue), Some(upstream), Some(network)) = (queue, upstream, network) {
        op.duration = Some(queue + upstream + network);
    }
    op.service = Some(name);
    op.peer = Some(target).filter(|t| *t != b"-");
    op.status = number::status(status)?;
    op.outcome = op.status.map_or(Outcome::Unknown, Outcome::of_status);
    op.bytes = number::optional_whole(sent)?;
    (op.method, op.name) = http::request(request);
    Ok(Common { op, rest })
}

/// Words and quoted texts, one after another; the last one takes the rest. What is missing stays
/// empty: the columns grew over the years.
fn split<'a>(text: &'a [u8], into: &mut [&'a [u8]; 7]) {
    let mut rest = text.trim_ascii_start();
    let [first @ .., last] = into;
    for slot in first {
        let (value, after) = quoted(rest, b'"').unwrap_or_else(|| word(rest));
        *slot = value;
        rest = after.trim_ascii_start();
    }
    *last = rest;
}

/// The 128 bits of an X-Ray trace id: `Self=...;Root=1-58337281-1d84f3d73c47ec4e58577259`.
pub(super) fn trace_id(text: &[u8]) -> Option<Id> {
    let root = &text[memchr::memmem::find(text, b"Root=1-")? + 7..];
    let (seconds, random) = (root.get(..8)?, root.get(9..33)?);
    if root[8] != b'-' || root.get(33).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let mut hex = [0; 32];
    hex[..8].copy_from_slice(seconds);
    hex[8..].copy_from_slice(random);
    Id::parse(&hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_trace_id_is_one_number() {
        let want = Some(Id(0x5833_7281_1d84_f3d7_3c47_ec4e_5857_7259));
        assert_eq!(trace_id(b"Root=1-58337281-1d84f3d73c47ec4e58577259"), want);
        assert_eq!(trace_id(b"Self=1-5833aaaa-1d84f3d73c47ec4e58577259;Root=1-58337281-1d84f3d73c47ec4e58577259;x=y"), want);
        for none in [&b"-"[..], b"", b"Root=1-58337281-1d84", b"Root=1-583372811-1d84f3d73c47ec4e58577259"] {
            assert_eq!(trace_id(none), None);
        }
    }

    #[test]
    fn an_unanswered_request_lasts_from_its_creation() {
        let line = SPEC.sample.lines().nth(1).expect("two lines");
        let op = read(line.as_bytes()).expect("reads");
        assert_eq!((op.duration, op.parts), (Some(500_000_000), Parts::default()));
    }
}
