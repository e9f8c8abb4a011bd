//! OpenTelemetry spans as protobuf: request bodies one after another, or each behind its length in
//! four bytes as the collector's file exporter writes them.
//!
//! Definition: <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>.

use crate::scan::json::Str;
use crate::scan::protobuf::{Fields, Value};
use crate::scan::semconv::{self, Slot};
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, OpenError, Options, Reason, Role, Spec, Stamp, Unit, Verdict,
};

use super::otlp_json::claims;
use super::span::{Span, Status};

/// The format.
pub(super) struct OtlpProto;

static SPEC: Spec = Spec {
    name: "otlp-proto",
    family: Family::Apm,
    title: "OpenTelemetry spans as protobuf (collector file exporter, request bodies)",
    source: "https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto",
    stamp: Stamp::Start,
    unit: Some(Unit::Nanos),
    resolution_ns: 1,
    sample: concat!(
        "\nW\n\x17\n\x15\n\x0cservice.name\x12\x05\n\x03api\x12<\x12:\n\x100123456789abcdef\x12\x08span-id1*\x08GET /pay0\x029xV4\x12#Eg\x17AxV4\x13#Eg\x17",
        "\n\x5c\n\x17\n\x15\n\x0cservice.name\x12\x05\n\x03api\x12A\x12?\n\x100123456789abcdef\x12\x08span-id2\x22\x08span-id1*\x03job0\x019xV4\x12#Eg\x17AxVD\x12#Eg\x17"
    ),
};

impl Format for OtlpProto {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let (framed, message) = match head {
            [b'\n', ..] => (false, head),
            [a, b, c, d, rest @ ..] => {
                let len = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                (true, rest.get(..len).unwrap_or(rest))
            }
            _ => return Verdict::NO,
        };
        let how = if framed { "behind its length" } else { "bare" };
        match look(message) {
            Look::Spans => Verdict::new(96, format!("a request of spans, {how}")),
            Look::Maybe => Verdict::new(60, format!("messages nested as spans are, {how}")),
            Look::Other => Verdict::NO,
        }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(ProtoDecoder { framed: head.first().is_some_and(|&first| first != b'\n') }))
    }
}

/// What a message looks like. Logs and metrics nest alike, but no record of theirs starts with ids.
enum Look {
    Spans,
    Maybe,
    Other,
}

fn look(message: &[u8]) -> Look {
    let within = |message: Option<&'_ [u8]>, wanted: u32, allowed: &[u32]| {
        let mut fields = Fields::new(message?);
        while let Ok(Some((number, value))) = fields.read() {
            if number == wanted {
                return value.bytes().map(<[u8]>::to_vec);
            }
            if !allowed.contains(&number) || value.bytes().is_none() {
                return None;
            }
        }
        None
    };
    let resource = within(Some(message), RESOURCE_SPANS, &[]);
    let scope = within(resource.as_deref(), SCOPE_SPANS, &[1, 3, OLD_SCOPE_SPANS]);
    let Some(span) = within(scope.as_deref(), SPANS, &[1, 3]) else { return Look::Other };
    let (mut trace, mut id, mut named) = (false, false, false);
    let mut fields = Fields::new(&span);
    while let Ok(Some((number, value))) = fields.read() {
        match (number, value) {
            (1, Value::Bytes(bytes)) if bytes.len() == 16 => trace = true,
            (2, Value::Bytes(bytes)) if bytes.len() == 8 => id = true,
            (5, Value::Bytes(bytes)) => named = std::str::from_utf8(bytes).is_ok_and(|name| !name.is_empty()),
            (1 | 2 | 5, Value::Cut(_)) | (3 | 4 | 9 | 11 | 13 | 15, Value::Bytes(_) | Value::Cut(_)) => {}
            (6 | 10 | 12 | 14, Value::Varint(_)) | (7 | 8, Value::Fixed64(_)) | (16, Value::Fixed32(_)) => {}
            _ => return Look::Other,
        }
    }
    match (trace && id, named) {
        (true, _) => Look::Spans,
        (false, true) => Look::Maybe,
        (false, false) => Look::Other,
    }
}

const RESOURCE_SPANS: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const OLD_SCOPE_SPANS: u32 = 1000;
const SPANS: u32 = 2;

struct ProtoDecoder {
    framed: bool,
}

impl Decoder for ProtoDecoder {
    fn facts(&self) -> Facts {
        Facts { stamp: Some(Stamp::Start), unit: Some(Unit::Nanos), resolution_ns: 1, stamp_resolution_ns: 1, ..Facts::default() }
    }

    fn boundary(&self) -> Boundary {
        Boundary::Whole
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut out = Out { chunk, batch, numbers: Vec::new() };
        if !self.framed {
            out.request(chunk.bytes);
            return;
        }
        let mut rest = chunk.bytes;
        while let Some((len, body)) = rest.split_first_chunk() {
            let (message, next) = body.split_at_checked(u32::from_be_bytes(*len) as usize).unwrap_or((body, b""));
            out.request(message);
            rest = next;
        }
        if !rest.is_empty() {
            out.reject(rest, Reason::Truncated);
        }
    }
}

/// Where spans go, and what is kept between them.
struct Out<'c, 'b> {
    chunk: Chunk<'c>,
    batch: &'b mut Batch,
    /// Numeric attributes of a span, which become texts.
    numbers: Vec<(&'c [u8], i64)>,
}

impl<'c> Out<'c, '_> {
    /// Starts the record that these bytes of the chunk are. There are no lines.
    fn begin(&mut self, bytes: &[u8]) {
        let at = (bytes.as_ptr() as usize).saturating_sub(self.chunk.bytes.as_ptr() as usize);
        self.batch.record(self.chunk.offset + at as u64, 0);
    }

    fn reject(&mut self, bytes: &[u8], reason: Reason) {
        self.begin(bytes);
        self.batch.reject(bytes.len(), reason);
    }

    /// Calls `each` for the fields of a message that are messages of that number themselves, also for
    /// what is left of one that was cut.
    fn within(&mut self, message: &'c [u8], wanted: &[u32], mut each: impl FnMut(&mut Self, &'c [u8], bool)) {
        let mut fields = Fields::new(message);
        loop {
            match fields.read() {
                Ok(Some((number, Value::Bytes(bytes)))) if wanted.contains(&number) => each(self, bytes, false),
                Ok(Some((number, Value::Cut(bytes)))) if wanted.contains(&number) => each(self, bytes, true),
                Ok(Some((_, Value::Cut(bytes)))) => self.reject(bytes, Reason::Truncated),
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(_) => return self.reject(fields.rest(), Reason::Shape),
            }
        }
    }

    fn request(&mut self, message: &'c [u8]) {
        let before = self.batch.records;
        self.within(message, &[RESOURCE_SPANS], |out, resource_spans, _| {
            let resource = resource(resource_spans);
            let (service, instance) = (resource.attributes.get(Slot::Service), resource.attributes.get(Slot::Instance));
            out.within(resource_spans, &[SCOPE_SPANS, OLD_SCOPE_SPANS], |out, scope_spans, _| {
                out.within(scope_spans, &[SPANS], |out, bytes, cut| {
                    let reason = if cut { Reason::Truncated } else { Reason::Shape };
                    match out.span(bytes, service, instance) {
                        Some(result) if !cut => result.unwrap_or_else(|reason| out.reject(bytes, reason)),
                        _ => out.reject(bytes, reason),
                    }
                });
            });
        });
        if self.batch.records == before && !message.is_empty() {
            self.begin(message);
        }
    }

    /// Reads a span and adds it. `None` when it is not well-formed, an error when its times are not.
    fn span(&mut self, bytes: &'c [u8], service: &'c [u8], instance: &'c [u8]) -> Option<Result<(), Reason>> {
        let mut read = Span { service, instance, ..Span::default() };
        let (mut start, mut end) = (0, 0);
        let (mut links, mut claimed) = (Vec::new(), Vec::new());
        self.numbers.clear();
        let mut fields = Fields::new(bytes);
        if bytes.is_empty() {
            return None;
        }
        while let Some((number, value)) = fields.read().ok()? {
            match (number, value) {
                (_, Value::Cut(_)) => return None,
                (1, Value::Bytes(id)) => read.trace = Id::from_bytes(id),
                (2, Value::Bytes(id)) => read.id = span_id(id),
                (4, Value::Bytes(id)) => read.parent = span_id(id),
                (5, Value::Bytes(name)) => read.name = name,
                (6, Value::Varint(kind)) => read.role = role(kind),
                (7, Value::Fixed64(at)) => start = at,
                (8, Value::Fixed64(at)) => end = at,
                (9, Value::Bytes(pair)) => attribute(pair, &mut read, &mut self.numbers),
                (11, Value::Bytes(event)) => exception(event, &mut read),
                (13, Value::Bytes(bytes)) => {
                    let (trace, span, is_child) = link(bytes);
                    (if is_child { &mut claimed } else { &mut links }).push((trace, span));
                }
                (15, Value::Bytes(status)) => read.status = status_of(status),
                _ => {}
            }
        }
        if let Err(reason) = read.between(start, end) {
            return Some(Err(reason));
        }
        links.into_iter().for_each(|(trace, span)| read.link(trace, span));
        let texts: Vec<_> = self.numbers.iter().map(|(key, number)| (*key, number.to_string())).collect();
        for (key, text) in &texts {
            read.attributes.put(key, text.as_bytes());
        }
        self.begin(bytes);
        read.push(self.batch);
        for (trace, child) in claimed {
            if let (true, Some(child), Some(id)) = (trace == read.trace, child, read.id) {
                self.batch.adopt(trace, child, id);
            }
        }
        Some(Ok(()))
    }
}

fn resource(resource_spans: &[u8]) -> Span<'_> {
    let mut read = Span::default();
    let mut fields = Fields::new(resource_spans);
    while let Ok(Some((number, value))) = fields.read() {
        if let (1, Value::Bytes(resource)) = (number, value) {
            let mut fields = Fields::new(resource);
            while let Ok(Some((number, value))) = fields.read() {
                if let (1, Value::Bytes(pair)) = (number, value) {
                    attribute(pair, &mut read, &mut Vec::new());
                }
            }
        }
    }
    read
}

/// Reads a pair into the span's attributes, numbers into a list of their own.
fn attribute<'a: 's, 's>(pair: &'a [u8], span: &mut Span<'s>, numbers: &mut Vec<(&'a [u8], i64)>) {
    let (key, value) = key_and_value(pair);
    match Fields::new(value).read() {
        Ok(Some((1, Value::Bytes(text)))) => {
            span.attributes.put(key, text);
        }
        Ok(Some((2, Value::Varint(truth)))) => {
            span.attributes.put(key, if truth == 0 { b"false" } else { b"true" });
        }
        Ok(Some((3, Value::Varint(number)))) if semconv::meaning(key).is_some() => numbers.push((key, number as i64)),
        _ => {}
    }
}

/// Reads `Event{2 name, 3 attributes}` where it is an exception.
fn exception<'a>(event: &'a [u8], span: &mut Span<'a>) {
    let mut fields = Fields::new(event);
    let mut details = Vec::new();
    let mut is_exception = false;
    while let Ok(Some((number, value))) = fields.read() {
        match (number, value) {
            (2, Value::Bytes(name)) => is_exception = name == b"exception",
            (3, Value::Bytes(pair)) => details.push(pair),
            _ => {}
        }
    }
    if !is_exception {
        return;
    }
    span.raised = true;
    for pair in details {
        let (key, value) = key_and_value(pair);
        match Fields::new(value).read() {
            Ok(Some((1, Value::Bytes(text)))) => span.exception(key, Str { raw: text, escaped: false }),
            Ok(Some((2, Value::Varint(0)))) => span.exception(key, Str { raw: b"false", escaped: false }),
            _ => {}
        }
    }
}

/// Reads `Link{1 trace id, 2 span id, 4 attributes}`, and whether it says that the span is a child.
fn link(link: &[u8]) -> (Option<Id>, Option<u64>, bool) {
    let (mut trace, mut span, mut is_child) = (None, None, false);
    let mut fields = Fields::new(link);
    while let Ok(Some((number, value))) = fields.read() {
        match (number, value) {
            (1, Value::Bytes(id)) => trace = Id::from_bytes(id),
            (2, Value::Bytes(id)) => span = span_id(id),
            (4, Value::Bytes(pair)) => {
                let (key, value) = key_and_value(pair);
                is_child |= claims(key) && matches!(Fields::new(value).read(), Ok(Some((2, Value::Varint(1)))));
            }
            _ => {}
        }
    }
    (trace, span, is_child)
}

/// The members of `KeyValue{1 key, 2 AnyValue}`.
fn key_and_value(pair: &[u8]) -> (&[u8], &[u8]) {
    let (mut key, mut value) = (&b""[..], &b""[..]);
    let mut fields = Fields::new(pair);
    while let Ok(Some((number, field))) = fields.read() {
        match (number, field) {
            (1, Value::Bytes(bytes)) => key = bytes,
            (2, Value::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    (key, value)
}

fn span_id(bytes: &[u8]) -> Option<u64> {
    Id::from_bytes(bytes).map(|id| id.0 as u64).filter(|&id| id != 0)
}

fn role(kind: u64) -> Role {
    match kind {
        1 => Role::Internal,
        2 => Role::Server,
        3 => Role::Client,
        4 => Role::Producer,
        5 => Role::Consumer,
        _ => Role::Unknown,
    }
}

fn status_of(status: &[u8]) -> Status {
    let mut fields = Fields::new(status);
    while let Ok(Some((number, value))) = fields.read() {
        match (number, value.number()) {
            (3, Some(1)) => return Status::Ok,
            (3, Some(2)) => return Status::Error,
            _ => {}
        }
    }
    Status::Unset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_only_a_name_is_read() {
        // Of the reference: request > scope spans > span > name "a".
        let bytes = [0x0a, 0x07, 0x12, 0x05, 0x12, 0x03, 0x2a, 0x01, 0x61];
        let chunk = Chunk::whole(&bytes);
        let mut batch = Batch::new(&chunk);
        ProtoDecoder { framed: false }.decode(chunk, &mut batch);
        assert_eq!(batch.name.get(0, &bytes), Some(&b"a"[..]));
        assert_eq!((batch.records, batch.rejects.len()), (1, 0));
        let framed = [&[0, 0, 0, 9][..], &bytes, &[0, 0, 0, 9], &bytes].concat();
        let chunk = Chunk::whole(&framed);
        let mut batch = Batch::new(&chunk);
        OtlpProto.open(&framed, &Options::default()).expect("opens").decode(chunk, &mut batch);
        assert_eq!((batch.len(), batch.offset[1], batch.rejects.len()), (2, 4 + 9 + 4 + 6, 0));
    }
}
