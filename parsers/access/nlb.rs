//! AWS Network Load Balancer: TLS connections, which hold any number of requests.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html>

use super::{first_lines, http};
use crate::scan::line::word;
use crate::scan::{number, time};
use crate::{
    Batch, Decoder, Facts, Family, Format, Kind, LineDecoder, Memo, OpenError, Operation, Options, Outcome, Reason, Role, Spec,
    Stamp, Unit, Verdict,
};

pub(super) struct Nlb;

static SPEC: Spec = Spec {
    name: "nlb",
    family: Family::Access,
    title: "AWS Network Load Balancer, TLS listeners",
    source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html",
    stamp: Stamp::End,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
tls 2.0 2026-11-22T17:55:59 net/shop/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 5 2 98 246 - arn:aws:acm:us-east-2:671290407336:certificate/2a108f19 - ECDHE-RSA-AES128-SHA tlsv12 - shop.elb.us-east-2.amazonaws.com - - - 2026-11-22T17:55:58
tls 2.0 2026-11-22T17:56:01 net/shop/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.155:51342 - 12 - 0 0 40 - - - - - - - - -
",
};

impl Format for Nlb {
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
            unit: Some(Unit::Millis),
            resolution_ns: 1_000_000,
            stamp_resolution_ns: 1_000_000_000,
            zone_missing: false,
            date_missing: false,
            layout: String::new(),
            assumptions: vec![
                "Each record is a TLS connection from start to close, not a request; its time is read as UTC.".to_owned(),
            ],
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        batch.push(&read(line)?);
        Ok(())
    }
}

/// Reads `tls version time elb listener client:port destination:port connection_time handshake_time
/// received sent alert ...`.
fn read(line: &[u8]) -> Result<Operation<'_>, Reason> {
    let rest = line.strip_prefix(b"tls ").ok_or(Reason::Shape)?;
    let mut words = [&b""[..]; 11];
    let mut rest = rest;
    for text in &mut words {
        (*text, rest) = word(rest);
    }
    let [_version, stamp, name, _listener, _client, target, connection, handshake, _received, sent, alert] = words;
    if !name.starts_with(b"net/") || alert.is_empty() {
        return Err(Reason::Shape);
    }
    let mut op = Operation::new(Kind::Request);
    op.role = Role::Server;
    op.duration = number::optional_duration(connection, 1_000_000)?;
    op.parts.network = number::optional_duration(handshake, 1_000_000)?;
    op.start = Some(http::started(time::iso(stamp)?.nanos, op.duration)?);
    op.service = Some(name);
    op.name = Some(name);
    op.peer = Some(target).filter(|t| *t != b"-");
    op.bytes = number::optional_whole(sent)?;
    // An alert that the balancer sent before the handshake was done, or none.
    op.outcome = if op.parts.network.is_none() && alert != b"-" { Outcome::Failed } else { Outcome::Ok };
    Ok(op)
}
