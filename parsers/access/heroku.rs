//! Heroku's router, as its log client or a syslog drain hands it on. Not the lines of the dynos, which
//! stand between its lines and are in formats of their own.
//!
//! `connect` is the time until the dyno took the connection, `service` the time from there to the end
//! of the answer. <https://devcenter.heroku.com/articles/http-routing#heroku-router-log-format>

use super::{first_lines, http};
use crate::scan::line::{key_values, word};
use crate::scan::{duration, number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Id, Kind, LineDecoder, Memo, Nanos, OpenError, Operation, Options, Outcome, Parts,
    Reason, Role, Spec, Stamp, Unit, Verdict,
};

pub(super) struct Heroku;

static SPEC: Spec = Spec {
    name: "heroku",
    family: Family::Access,
    title: "Heroku router log",
    source: "https://devcenter.heroku.com/articles/http-routing#heroku-router-log-format",
    stamp: Stamp::End,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
2026-11-22T17:55:51.123456+00:00 heroku[router]: at=info method=GET path=\"/a/1?b=c\" host=shop.example request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 fwd=\"203.0.113.7\" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 tls_version=tls1.3 protocol=https
2026-11-22T17:56:22.000000+00:00 heroku[router]: at=error code=H12 desc=\"Request timeout\" method=POST path=\"/pay\" host=shop.example request_id=8601b555-6a83-4c12-8269-97c8e32cdb23 fwd=\"203.0.113.8\" dyno=web.2 connect=0ms service=30000ms status=503 bytes=0 protocol=https
",
};

impl Format for Heroku {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        first_lines::verdict(head, 95, |line| Some(matches!(read(line, Stamp::End), Ok(Some(_)))))
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let stamp = first_lines::first_lines(head).find_map(|line| router(line).ok().flatten()).map(|(stamp, _)| stamp);
        Ok(Box::new(Lines { first: stamp, stamp: options.stamp.unwrap_or(Stamp::End) }))
    }
}

struct Lines {
    first: Option<time::Stamp>,
    stamp: Stamp,
}

impl LineDecoder for Lines {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(self.stamp),
            unit: Some(Unit::Millis),
            resolution_ns: 1_000_000,
            stamp_resolution_ns: self.first.map_or(0, time::Stamp::resolution_ns),
            zone_missing: self.first.is_some_and(|stamp| !stamp.zoned),
            ..Facts::default()
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        if let Some(op) = read(line, self.stamp)? {
            batch.push(&op);
        }
        Ok(())
    }
}

/// The request of a line; `None` of a line of another process.
fn read(line: &[u8], stamp: Stamp) -> Result<Option<Operation<'_>>, Reason> {
    let Some((at, pairs)) = router(line)? else { return Ok(None) };
    let mut op = Operation::new(Kind::Request);
    op.role = Role::Server;
    let (mut connect, mut service, mut code): (Option<Nanos>, Option<Nanos>, &[u8]) = (None, None, b"");
    let mut error = None;
    let mut time = |value: &[u8]| match number::is_absent(value) {
        true => None,
        false => duration::parse(value, Some(Unit::Millis)).map_err(|reason| error = Some(reason)).ok(),
    };
    let (mut status, mut bytes, mut whole) = (Ok(None), Ok(None), false);
    key_values(pairs, |key, value| match key {
        b"method" => op.method = Some(value),
        b"path" => op.name = Some(http::path(value)),
        b"host" => op.service = Some(value),
        b"request_id" => op.request = Id::parse(value),
        b"dyno" if !value.is_empty() => op.peer = Some(value),
        b"code" => code = value,
        b"connect" => connect = time(value),
        b"service" => service = time(value),
        b"status" => (status, whole) = (number::status(value), true),
        b"bytes" => bytes = number::optional_whole(value),
        _ => {}
    });
    if let Some(reason) = error {
        return Err(reason);
    }
    (op.status, op.bytes) = (status?, bytes?);
    if !whole {
        // The router writes a status whatever happened.
        return Err(Reason::Truncated);
    }
    op.outcome = match code {
        // The request, the boot of the dyno and the connection to it each have a limit of time.
        b"H12" | b"H15" | b"H19" | b"H20" | b"H28" => Outcome::TimedOut,
        b"H27" => Outcome::Abandoned,
        _ => op.status.map_or(Outcome::Unknown, Outcome::of_status),
    };
    op.duration = match (connect, service) {
        (None, None) => None,
        (connect, service) => Some(connect.unwrap_or(0).checked_add(service.unwrap_or(0)).ok_or(Reason::Duration)?),
    };
    op.parts = Parts { network: connect, upstream: service, ..Parts::default() };
    op.start = Some(if stamp == Stamp::End { http::started(at.nanos, op.duration)? } else { at.nanos });
    Ok(Some(op))
}

/// The stamp of a router's line and its pairs: `STAMP heroku[router]: at=...` of the client,
/// `<158>1 STAMP host heroku router - at=...` of a drain. `None` of a line of another process.
fn router(line: &[u8]) -> Result<Option<(time::Stamp, &[u8])>, Reason> {
    let drained = line.iter().take(16).position(|&b| b == b'<').and_then(|at| {
        let close = line[at..].iter().take(5).position(|&b| b == b'>')?;
        line[at + close..].strip_prefix(b">1 ")
    });
    let (stamp, rest) = word(drained.unwrap_or(line));
    let stamp = time::iso(stamp)?;
    let pairs = match drained {
        None => rest.strip_prefix(b"heroku[router]: "),
        Some(_) => word(rest).1.strip_prefix(b"heroku router - "),
    };
    let other = || [&b"heroku["[..], b"app["].iter().any(|start| rest.starts_with(start)) || drained.is_some();
    match pairs {
        Some(pairs) if pairs.starts_with(b"at=") || pairs.starts_with(b"- at=") => Ok(Some((stamp, pairs))),
        _ if other() => Ok(None),
        _ => Err(Reason::Shape),
    }
}
