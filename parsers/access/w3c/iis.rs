//! The W3C log of Microsoft IIS: `time-taken` is milliseconds, times are UTC.
//!
//! <https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging>

use super::{header, open};
use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

pub(in crate::access) struct Iis;

static SPEC: Spec = Spec {
    name: "iis",
    family: Family::Access,
    title: "Microsoft IIS (W3C extended log)",
    source: "https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging",
    stamp: Stamp::End,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
#Software: Microsoft Internet Information Services 10.0
#Version: 1.0
#Date: 2026-11-22 17:55:50
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken
2026-11-22 17:55:51 10.0.0.5 GET /api/accounts/17 page=2 443 - 10.0.0.7 Mozilla/5.0+(X11;+Linux) - 200 0 0 42
2026-11-22 17:55:52 10.0.0.5 POST /api/payments - 443 DOM\\kim 10.0.0.8 curl/8.5.0 - 500 0 64 1250
",
};

impl Format for Iis {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        match header(head) {
            Some(found) if found.iis && !found.cloudfront => Verdict::new(97, "a #Fields line with columns of IIS"),
            _ => Verdict::NO,
        }
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        open(head, options)
    }
}
