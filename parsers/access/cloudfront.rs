//! Amazon CloudFront: standard logs, whose `#Fields` name the columns, and real-time logs, which
//! have no header and are read in the order CloudFront offers their fields in.
//!
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html>

use super::first_lines::{self, first_lines};
use super::w3c::Lines;
use super::w3c::columns::{Columns, Separator, is_fields};
use crate::{Decoder, Facts, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

pub(super) struct Cloudfront;

/// The first fields of a real-time log when all are chosen.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/real-time-logs.html>
const REAL_TIME: &str = "#Fields: timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem \
                         cs-bytes x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version";

static SPEC: Spec = Spec {
    name: "cloudfront",
    family: Family::Access,
    title: "Amazon CloudFront standard and real-time logs",
    source: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html",
    stamp: Stamp::End,
    unit: Some(Unit::Seconds),
    resolution_ns: 1_000_000,
    sample: "\
#Version: 1.0
#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end
2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0%20(Windows)\t-\t-\tHit\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\td111111abcdef8.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\tECDHE-RSA-AES128-GCM-SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-
2019-12-04\t21:02:33\tLAX1\t900\t192.0.2.101\tGET\td111111abcdef8.cloudfront.net\t/api/a\t502\t-\tcurl/8\t-\t-\tError\tAAAAxwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\td111111abcdef8.cloudfront.net\thttps\t23\t1.500\t-\tTLSv1.2\tECDHE-RSA-AES128-GCM-SHA256\tError\tHTTP/2.0\t-\t-\t11041\t1.250\tOriginConnectError\ttext/html\t78\t-\t-
",
};

impl Format for Cloudfront {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let standard = first_lines(head).take_while(|line| line[0] == b'#').find(|line| is_fields(line));
        if standard.is_some_and(|line| memchr::memmem::find(line, b"x-edge-").is_some()) {
            return Verdict::new(99, "a #Fields line with columns of CloudFront");
        }
        let Some(columns) = real_time() else { return Verdict::NO };
        let verdict = first_lines::verdict(head, 88, |line| Some(is_real_time(line) && columns.read(line, None).is_ok()));
        if verdict.score > 0 { Verdict::new(88, verdict.evidence + "; columns of a real-time log") } else { verdict }
    }

    fn takes_layout(&self, layout: &str) -> bool {
        is_fields(layout.as_bytes()) && layout.contains("x-edge-")
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let header = first_lines(head).take_while(|line| line[0] == b'#').find(|line| is_fields(line));
        let fields = options.layout.as_deref().map(str::as_bytes).or(header);
        let mut assumptions = Vec::new();
        let columns = match fields {
            Some(fields) => Columns::parse(fields, Separator::Tab, Unit::Seconds.nanos()),
            None => {
                assumptions.push(
                    "The log has no #Fields line: it is read as a real-time log with all fields in the order CloudFront lists them."
                        .to_owned(),
                );
                real_time()
            }
        };
        let columns =
            columns.ok_or_else(|| OpenError::new("a #Fields line with no column; name them as in #Fields: date time ..."))?;
        let facts = Facts {
            stamp: Some(Stamp::End),
            unit: columns.timed().then_some(Unit::Seconds),
            resolution_ns: if columns.timed() { 1_000_000 } else { 0 },
            stamp_resolution_ns: if fields.is_some() { 1_000_000_000 } else { 1_000_000 },
            zone_missing: false,
            date_missing: false,
            layout: String::from_utf8_lossy(fields.unwrap_or(REAL_TIME.as_bytes())).trim().to_owned(),
            assumptions,
        };
        let stamp_at_start = options.stamp == Some(Stamp::Start);
        Ok(Box::new(Lines::new(Some(columns), Separator::Tab, Unit::Seconds, None, facts, stamp_at_start)))
    }
}

fn real_time() -> Option<Columns> {
    let mut columns = Columns::parse(REAL_TIME.as_bytes(), Separator::Tab, Unit::Seconds.nanos())?;
    columns.exact = false;
    Some(columns)
}

/// Whether the columns that tell a real-time log from any other table of tabs are in their places.
fn is_real_time(line: &[u8]) -> bool {
    let mut texts = line.split(|&b| b == b'\t');
    let stamp = texts.next().unwrap_or_default();
    let method = texts.nth(4).unwrap_or_default();
    let protocol = texts.next().unwrap_or_default();
    stamp.get(10) == Some(&b'.')
        && method.iter().all(u8::is_ascii_uppercase)
        && matches!(protocol, b"http" | b"https" | b"ws" | b"wss")
}
