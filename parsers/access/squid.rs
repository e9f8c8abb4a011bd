//! Squid's native access log.
//!
//! The stamp is the end. Elapsed times are milliseconds.
//! <https://wiki.squid-cache.org/Features/LogFormat>

use super::{first_lines, http};
use crate::scan::{number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Kind, LineDecoder, Memo, OpenError, Operation, Options, Outcome, Reason, Role, Spec,
    Stamp, Unit, Verdict,
};

pub(super) struct Squid;

static SPEC: Spec = Spec {
    name: "squid",
    family: Family::Access,
    title: "Squid native access log",
    source: "https://wiki.squid-cache.org/Features/LogFormat",
    stamp: Stamp::End,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
1795370151.586    921 192.168.0.68 TCP_MISS/200 507 POST http://shop.example.com/api/orders - HIER_DIRECT/64.34.177.4 application/json
1795370152.071      0 192.168.0.68 TCP_MEM_HIT/200 1833 GET http://shop.example.com/logo.png kim HIER_NONE/- image/png
1795370153.000  60000 192.168.0.69 TCP_TUNNEL/200 39 CONNECT pay.example.com:443 - HIER_DIRECT/64.34.177.5 -
",
};

impl Format for Squid {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        first_lines::verdict(head, 94, |line| Some(read(line).is_ok()))
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
            unit: Some(Unit::Millis),
            resolution_ns: 1_000_000,
            stamp_resolution_ns: 1_000_000,
            zone_missing: false,
            date_missing: false,
            layout: String::new(),
            assumptions: Vec::new(),
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        batch.push(&read(line)?);
        Ok(())
    }
}

/// Reads `time elapsed client result/status bytes method url user hierarchy/peer type`.
fn read(line: &[u8]) -> Result<Operation<'_>, Reason> {
    let mut words = line.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let mut next = || words.next().ok_or(Reason::Shape);
    let (stamp, elapsed, _client, result) = (next()?, next()?, next()?, next()?);
    let slash = memchr::memchr(b'/', result).ok_or(Reason::Shape)?;
    let (result, status) = (&result[..slash], &result[slash + 1..]);
    if stamp.iter().position(|&b| b == b'.').is_none_or(|at| at < 9)
        || !result.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
    {
        return Err(Reason::Shape);
    }
    let (bytes, method, url, _user, hierarchy) = (next()?, next()?, next()?, next()?, next()?);
    let slash = memchr::memchr(b'/', hierarchy).ok_or(Reason::Shape)?;
    let mut op = Operation::new(Kind::Request);
    op.role = Role::Server;
    op.duration = number::optional_duration(elapsed, 1_000_000)?;
    op.start = Some(http::started(time::epoch_seconds(stamp)?.nanos, op.duration)?);
    op.status = number::status(status)?;
    op.bytes = number::optional_whole(bytes)?;
    op.method = Some(method).filter(|m| !matches!(*m, b"-" | b"NONE"));
    // The whole URL: a forward proxy serves many hosts.
    op.name = Some(url).filter(|u| !u.starts_with(b"error:"));
    op.peer = Some(&hierarchy[slash + 1..]).filter(|p| *p != b"-");
    op.outcome = match result {
        _ if result.ends_with(b"_ABORTED") => Outcome::Abandoned,
        _ if result.ends_with(b"_TIMEDOUT") || result.ends_with(b"_TIMEOUT") => Outcome::TimedOut,
        _ => op.status.map_or(Outcome::Unknown, Outcome::of_status),
    };
    Ok(op)
}
