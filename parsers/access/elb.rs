//! AWS Classic Load Balancer: HTTP and TCP listeners.
//!
//! Unlike the application load balancer it stamps when it received the request.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html>

use super::alb::{Common, common};
use super::{first_lines, http};
use crate::scan::line::word;
use crate::scan::time;
use crate::{
    Batch, Decoder, Facts, Family, Format, LineDecoder, Memo, OpenError, Operation, Options, Reason, Spec, Stamp, Unit, Verdict,
};

pub(super) struct Elb;

static SPEC: Spec = Spec {
    name: "elb",
    family: Family::Access,
    title: "AWS Classic Load Balancer",
    source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html",
    stamp: Stamp::Start,
    unit: Some(Unit::Seconds),
    resolution_ns: 1_000,
    sample: "\
2026-11-22T17:55:51.945958Z shop 192.168.131.39:2817 10.0.0.1:80 0.000086 0.001048 0.001337 200 200 0 57 \"GET https://www.example.com:443/ HTTP/1.1\" \"curl/8.5.0\" DHE-RSA-AES128-SHA TLSv1.2
2026-11-22T17:55:52.039443Z shop 192.168.131.39:2817 10.0.0.1:80 0.001069 0.000028 0.000041 - - 82 305 \"- - - \" \"-\" - -
",
};

impl Format for Elb {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        first_lines::verdict(head, 93, |line| Some(read(line, Stamp::Start).is_ok()))
    }

    fn open(&self, _head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(Lines { stamp: options.stamp.unwrap_or(Stamp::Start) }))
    }
}

struct Lines {
    stamp: Stamp,
}

impl LineDecoder for Lines {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(self.stamp),
            unit: Some(Unit::Seconds),
            resolution_ns: 1_000,
            stamp_resolution_ns: 1_000,
            zone_missing: false,
            date_missing: false,
            layout: String::new(),
            assumptions: vec![
                "request_processing_time is counted as queue, although it also holds the reading of the request.".to_owned(),
            ],
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        batch.push(&read(line, self.stamp)?);
        Ok(())
    }
}

fn read(line: &[u8], stamp: Stamp) -> Result<Operation<'_>, Reason> {
    let (text, rest) = word(line);
    let at = time::iso(text)?.nanos;
    let Common { mut op, .. } = common(rest)?;
    op.start = Some(if stamp == Stamp::End { http::started(at, op.duration)? } else { at });
    Ok(op)
}
