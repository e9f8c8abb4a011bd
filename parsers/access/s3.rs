//! Amazon S3 server access logs.
//!
//! `Total Time` runs from the receipt of the request to the last byte of the answer; `Turn-Around
//! Time` is what S3 spent on it before the first byte.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>

use super::{first_lines, http};
use crate::scan::line::{quoted, word};
use crate::scan::number;
use crate::{
    Batch, Decoder, Facts, Family, Format, Id, Kind, LineDecoder, Memo, OpenError, Operation, Options, Outcome, Reason, Role,
    Spec, Stamp, Unit, Verdict,
};

pub(super) struct S3;

static SPEC: Spec = Spec {
    name: "s3",
    family: Family::Access,
    title: "Amazon S3 server access log",
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html",
    stamp: Stamp::Start,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be photos [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be 3E57427F33A59F07 REST.GET.OBJECT cat.jpg \"GET /photos/cat.jpg?x=1 HTTP/1.1\" 200 - 2662992 2662992 70 10 \"-\" \"aws-cli/2.15\" - Ke1bUcazaN1jWuUlPJaxF64cQVpUEhoZKEG/hmy/gijN/I1DeWqDfFvnpybfEseEME/u7ME1234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader photos.s3.us-west-1.amazonaws.com TLSv1.2 - -
79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be photos [06/Feb/2019:00:01:00 +0000] - AmazonS3 3E57427F33A59F08 S3.EXPIRE.OBJECT old.jpg \"-\" - - - 113 - - \"-\" \"-\" - - - - - - - - -
",
};

impl Format for S3 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        first_lines::verdict(head, 95, |line| Some(read(line, &mut Memo::default()).is_ok()))
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
            stamp_resolution_ns: 1_000_000_000,
            zone_missing: false,
            date_missing: false,
            layout: String::new(),
            assumptions: Vec::new(),
        }
    }

    fn line(&self, line: &[u8], memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        batch.push(&read(line, memo)?);
        Ok(())
    }
}

/// Reads `owner bucket [time] ip requester id operation key "request" status error sent size total
/// turn_around "referrer" ...`.
fn read<'a>(line: &'a [u8], memo: &mut Memo) -> Result<Operation<'a>, Reason> {
    let (_owner, rest) = word(line);
    let (bucket, rest) = word(rest);
    let rest = rest.strip_prefix(b"[").ok_or(Reason::Shape)?;
    let close = memchr::memchr(b']', rest).ok_or(Reason::Shape)?;
    let (stamp, rest) = (&rest[..close], rest[close + 1..].trim_ascii_start());
    let (_client, rest) = word(rest);
    let (_requester, rest) = word(rest);
    let (id, rest) = word(rest);
    let (operation, rest) = word(rest);
    let (_key, rest) = word(rest);
    // REST.GET.OBJECT, WEBSITE.GET.OBJECT, SOAP.CreateBucket, BATCH.DELETE.OBJECT, S3.EXPIRE.OBJECT
    if !operation.contains(&b'.') || !operation[0].is_ascii_uppercase() {
        return Err(Reason::Shape);
    }
    let (request, rest) = match quoted(rest, b'"') {
        Some((request, rest)) => (request, rest.trim_ascii_start()),
        None => rest.strip_prefix(b"- ").map(|rest| (&b"-"[..], rest)).ok_or(Reason::Shape)?,
    };
    let mut words = [&b""[..]; 6];
    let mut rest = rest;
    for text in &mut words {
        (*text, rest) = word(rest);
    }
    let [status, _error, sent, _size, total, turn_around] = words;
    if turn_around.is_empty() {
        return Err(Reason::Shape);
    }
    let mut op = Operation::new(Kind::Request);
    op.role = Role::Server;
    op.start = Some(memo.time.clf(stamp)?);
    op.duration = number::optional_duration(total, 1_000_000)?;
    op.parts.own = number::optional_duration(turn_around, 1_000_000)?;
    if let (Some(total), Some(own)) = (op.duration, op.parts.own) {
        op.parts.network = (total >= own).then(|| total - own);
    }
    (op.method, op.name) = http::request(request);
    // S3's own work (expiry, replication) has no request line; its name says what was done.
    op.name = op.name.or(Some(operation));
    op.service = Some(bucket);
    op.request = Id::parse(id);
    op.status = number::status(status)?;
    op.outcome = op.status.map_or(Outcome::Unknown, Outcome::of_status);
    op.bytes = number::optional_whole(sent)?;
    Ok(op)
}
