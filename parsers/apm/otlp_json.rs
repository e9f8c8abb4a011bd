//! OpenTelemetry spans as JSON: what the collector's file exporter and Tempo's API write, one
//! request a line or one document. Ids in hex or base64, enums as numbers or names.
//!
//! Definition: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.

use crate::scan::json::{Malformed, Str, Value, Walk, Walker};
use crate::scan::number;
use crate::scan::semconv::Slot;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, OpenError, Options, Reason, Role, Spec, Stamp, Unit, Verdict,
};

use super::documents::{self, Recorder};
use super::ids;
use super::span::{Span, Status, role_named};

/// The format.
pub(super) struct OtlpJson;

static SPEC: Spec = Spec {
    name: "otlp-json",
    family: Family::Apm,
    title: "OpenTelemetry spans as JSON (collector file exporter, Tempo)",
    source: "https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding",
    stamp: Stamp::Start,
    unit: Some(Unit::Nanos),
    resolution_ns: 1,
    sample: concat!(
        r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},"scopeSpans":[{"scope":{"name":"jdbc"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET /pay","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000100000000","attributes":[{"key":"http.route","value":{"stringValue":"/pay"}},{"key":"http.response.status_code","value":{"intValue":"200"}}]}]}]}]}"#,
        "\n",
        r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},"scopeSpans":[{"scope":{"name":"jdbc"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b175","parentSpanId":"eee19b7ec3c1b174","name":"SELECT acc","kind":3,"startTimeUnixNano":"1700000000010000000","endTimeUnixNano":"1700000000060000000","attributes":[{"key":"db.system.name","value":{"stringValue":"postgresql"}},{"key":"db.query.text","value":{"stringValue":"SELECT * FROM acc WHERE id=?"}}],"status":{"code":2,"message":"timeout"}}]}]}]}"#,
        "\n",
    ),
};

impl Format for OtlpJson {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        match key_of(head) {
            Some(key) => Verdict::new(98, format!("a document of \"{key}\"")),
            None => Verdict::NO,
        }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(OtlpDecoder { boundary: documents::boundary(head) }))
    }
}

/// The member that makes the document one of spans.
fn key_of(head: &[u8]) -> Option<&'static str> {
    let mut found = None;
    let mut walker = Walker::new(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
    // Requests may be gathered in a list.
    if walker.peek() == b'[' && !walker.enter(b'[').unwrap_or(false) {
        return None;
    }
    // A cut head ends in an error; what was found before stands.
    let _ = walker.object(|w, key| match key.raw {
        b"resourceSpans" | b"resource_spans" if w.peek() == b'[' => {
            found = Some("resourceSpans");
            Err(Malformed { at: 0 })
        }
        b"trace" if w.peek() == b'{' => w.object(|w, key| {
            if is_resource_spans(key.raw) && w.peek() == b'[' {
                found = Some("trace");
                return Err(Malformed { at: 0 });
            }
            w.skip().map(drop)
        }),
        b"batches" => w.array(|w| {
            w.object(|w, key| {
                if key.raw == b"resource" || is_scope_spans(key.raw) {
                    found = Some("batches");
                    return Err(Malformed { at: 0 });
                }
                w.skip().map(drop)
            })
        }),
        _ => w.skip().map(drop),
    });
    found
}

struct OtlpDecoder {
    boundary: Boundary,
}

impl Decoder for OtlpDecoder {
    fn facts(&self) -> Facts {
        Facts { stamp: Some(Stamp::Start), unit: Some(Unit::Nanos), resolution_ns: 1, stamp_resolution_ns: 1, ..Facts::default() }
    }

    fn boundary(&self) -> Boundary {
        self.boundary
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        documents::each(chunk, self.boundary, batch, request);
    }
}

fn is_resource_spans(key: &[u8]) -> bool {
    matches!(key, b"resourceSpans" | b"resource_spans" | b"batches")
}

fn is_scope_spans(key: &[u8]) -> bool {
    matches!(key, b"scopeSpans" | b"scope_spans" | b"instrumentationLibrarySpans" | b"instrumentation_library_spans")
}

/// One document: `{"resourceSpans":[...]}`, or one with that inside of `trace`, or a list of those.
fn request<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
    if w.peek() == b'[' {
        return w.array(|w| one_request(w, out));
    }
    one_request(w, out)
}

fn one_request<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
    w.object(|w, key| match key.raw {
        b"trace" if w.peek() == b'{' => w.object(|w, key| resources(w, key, out)),
        _ => resources(w, key, out),
    })
}

fn resources<'a>(w: &mut Walker<'a>, key: Str<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
    if !is_resource_spans(key.raw) || w.peek() != b'[' {
        return w.skip().map(drop);
    }
    w.array(|w| {
        let mut resource = None;
        let mut earlier = Vec::new();
        w.object(|w, key| match key.raw {
            b"resource" if w.peek() == b'{' => {
                let mut read = Span::default();
                w.object(|w, key| match key.raw {
                    b"attributes" => attributes(w, &mut read),
                    _ => w.skip().map(drop),
                })?;
                resource = Some(read);
                Ok(())
            }
            key if is_scope_spans(key) && w.peek() == b'[' => match &resource {
                Some(resource) => scopes(w, resource, out),
                // The spans came before their resource: they are read when it is known.
                None => {
                    earlier.push(w.clone());
                    w.skip().map(drop)
                }
            },
            _ => w.skip().map(drop),
        })?;
        let resource = resource.unwrap_or_default();
        earlier.iter_mut().try_for_each(|w| scopes(w, &resource, out))
    })
}

fn scopes<'a>(w: &mut Walker<'a>, resource: &Span<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
    let mut blank = Span { escaped: resource.escaped, ..Span::default() };
    blank.service = resource.attributes.get(Slot::Service);
    blank.instance = resource.attributes.get(Slot::Instance);
    let mut links = Vec::new();
    w.array(|w| {
        w.object(|w, key| match key.raw {
            b"spans" if w.peek() == b'[' => w.array(|w| {
                w.peek();
                let start = w.position();
                out.begin(start);
                let mut read = blank.clone();
                links.clear();
                let times = span(w, &mut read, &mut links)?;
                let (claimed, others): (Vec<_>, Vec<_>) = links.iter().partition(|link| link.is_child);
                others.iter().for_each(|link| read.link(link.trace, link.span));
                out.adopt(&read, claimed.iter().filter(|link| link.trace == read.trace).filter_map(|link| link.span));
                out.finish(times.map(|()| &read), w.position() - start);
                Ok(())
            }),
            _ => w.skip().map(drop),
        })
    })
}

/// Reads one span. The inner result is why its values are not to be believed.
fn span<'a>(w: &mut Walker<'a>, span: &mut Span<'a>, links: &mut Vec<Link>) -> Walk<Result<(), Reason>> {
    let (mut start, mut end) = (Ok(0), Ok(0));
    let mut members = 0;
    w.object(|w, key| {
        members += 1;
        match key.raw {
            b"traceId" | b"trace_id" => span.trace = ids::trace(w.text()?.raw),
            b"spanId" | b"span_id" => span.id = ids::span(w.text()?.raw),
            b"parentSpanId" | b"parent_span_id" => span.parent = ids::span(w.text()?.raw),
            b"name" => {
                span.name = {
                    let name = w.text()?;
                    span.keep(name)
                }
            }
            b"kind" => span.role = role(w.text()?.raw),
            b"startTimeUnixNano" | b"start_time_unix_nano" => start = nanos(w.text()?.raw),
            b"endTimeUnixNano" | b"end_time_unix_nano" => end = nanos(w.text()?.raw),
            b"attributes" => attributes(w, span)?,
            b"events" if w.peek() == b'[' => w.array(|w| event(w, span))?,
            b"links" if w.peek() == b'[' => w.array(|w| {
                links.push(link(w)?);
                Ok(())
            })?,
            b"status" if w.peek() == b'{' => w.object(|w, key| {
                if key.raw == b"code" {
                    span.status = status(w.text()?.raw);
                    return Ok(());
                }
                w.skip().map(drop)
            })?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })?;
    if members == 0 {
        return Ok(Err(Reason::Shape));
    }
    Ok(start.and_then(|start| span.between(start, end?)))
}

/// A link to another span.
struct Link {
    trace: Option<Id>,
    span: Option<u64>,
    /// Whether the linked span is a child of this one, which was inferred after that had been sent.
    is_child: bool,
}

fn link(w: &mut Walker<'_>) -> Walk<Link> {
    let mut read = Link { trace: None, span: None, is_child: false };
    w.object(|w, key| {
        match key.raw {
            b"traceId" | b"trace_id" => read.trace = ids::trace(w.text()?.raw),
            b"spanId" | b"span_id" => read.span = ids::span(w.text()?.raw),
            b"attributes" => pairs(w, |key, value| read.is_child |= claims(key.raw) && value.raw == b"true")?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })?;
    Ok(read)
}

/// Whether an attribute of a link says that the linked span is a child.
pub(super) fn claims(key: &[u8]) -> bool {
    matches!(key, b"elastic.is_child" | b"is_child")
}

/// An event of a span: only exceptions are of interest.
fn event<'a>(w: &mut Walker<'a>, span: &mut Span<'a>) -> Walk<()> {
    let (mut is_exception, mut details) = (false, None);
    w.object(|w, key| {
        match key.raw {
            b"name" => is_exception = w.text()?.raw == b"exception",
            b"attributes" => {
                details = Some(w.clone());
                w.skip()?;
            }
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })?;
    if is_exception {
        span.raised = true;
        if let Some(mut w) = details {
            pairs(&mut w, |key, value| span.exception(key.raw, value))?;
        }
    }
    Ok(())
}

/// Reads `[{"key":..,"value":{"stringValue":..}},..]` into the span's attributes.
fn attributes<'a>(w: &mut Walker<'a>, span: &mut Span<'a>) -> Walk<()> {
    pairs(w, |key, value| span.put(key.raw, value))
}

/// Shows each key and value of a list of attributes; values that are lists are passed over.
#[inline]
fn pairs<'a>(w: &mut Walker<'a>, mut each: impl FnMut(Str<'a>, Str<'a>)) -> Walk<()> {
    if w.peek() != b'[' {
        return w.skip().map(drop);
    }
    w.array(|w| {
        let start = w.clone();
        if w.eat(br#"{"key":""#) {
            let key = w.rest_of_string()?;
            if w.eat(br#","value":{"stringValue":""#) {
                let value = w.rest_of_string()?;
                if w.eat(b"}}") {
                    each(key, value);
                    return Ok(());
                }
            }
            *w = start;
        }
        let (mut key, mut value) = (None, None);
        w.object(|w, member| {
            match member.raw {
                b"key" => key = w.text().map(Some)?,
                b"value" if w.peek() == b'{' => w.object(|w, _| match w.value()? {
                    Value::Object | Value::Array => w.skip().map(drop),
                    scalar => {
                        value = scalar.string();
                        Ok(())
                    }
                })?,
                _ => {
                    w.skip()?;
                }
            }
            Ok(())
        })?;
        if let (Some(key), Some(value)) = (key, value) {
            each(key, value);
        }
        Ok(())
    })
}

fn role(kind: &[u8]) -> Role {
    match kind {
        b"1" => Role::Internal,
        b"2" => Role::Server,
        b"3" => Role::Client,
        b"4" => Role::Producer,
        b"5" => Role::Consumer,
        name => role_named(name),
    }
}

fn status(code: &[u8]) -> Status {
    match code {
        b"2" | b"STATUS_CODE_ERROR" => Status::Error,
        b"1" | b"STATUS_CODE_OK" => Status::Ok,
        _ => Status::Unset,
    }
}

/// Nanoseconds since the epoch; 0 is none. Some writers give the number in scientific notation.
fn nanos(text: &[u8]) -> Result<u64, Reason> {
    if text.is_empty() {
        return Ok(0);
    }
    let exact = number::whole(text);
    exact.or_else(|_| number::scaled(text, 1).and_then(|n| u64::try_from(n).map_err(|_| Reason::Time))).map_err(|_| Reason::Time)
}
