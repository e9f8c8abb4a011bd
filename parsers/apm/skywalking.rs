//! SkyWalking segments as JSON (HTTP `/v3/segments`), one, a list, or one a line; and the answer of
//! its `queryTrace`. A segment is the work of one thread for one request.
//!
//! Definition: <https://github.com/apache/skywalking-data-collect-protocol/blob/master/language-agent/Tracing.proto>.

use crate::scan::json::{Str, Walk, Walker};
use crate::scan::number;
use crate::scan::semconv::Slot;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, OpenError, Options, Reason, Role, Spec, Stamp, Unit, Verdict,
};

use super::documents::{self, Recorder};
use super::ids;
use super::span::{Span, Status};

const MILLI: u64 = 1_000_000;

/// The format.
pub(super) struct SkyWalking;

static SPEC: Spec = Spec {
    name: "skywalking",
    family: Family::Apm,
    title: "SkyWalking segments as JSON",
    source: "https://github.com/apache/skywalking-data-collect-protocol/blob/master/language-agent/Tracing.proto",
    stamp: Stamp::Start,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: concat!(
        r#"[{"traceId":"t1","traceSegmentId":"s1","service":"api","serviceInstance":"i1","spans":[{"spanId":0,"parentSpanId":-1,"startTime":1700000000000,"endTime":1700000000100,"operationName":"GET:/pay","spanType":"Entry","spanLayer":"Http"},{"spanId":1,"parentSpanId":0,"startTime":1700000000010,"endTime":1700000000060,"operationName":"Mysql/JDBI/PreparedStatement/execute","peer":"db:3306","spanType":"Exit","spanLayer":"Database","tags":[{"key":"db.type","value":"sql"},{"key":"db.statement","value":"select 1"}]}]}]"#,
        "\n",
    ),
};

impl Format for SkyWalking {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let (mut segment, mut spans) = (false, false);
        documents::first_object(head, |_, key| {
            segment |= key == b"traceSegmentId";
            spans |= matches!(key, b"spans" | b"traceId");
            segment && spans
        });
        if segment && spans {
            return Verdict::new(96, "segments of \"traceSegmentId\" and \"spans\"");
        }
        let mut queried = false;
        documents::first_object(head, |w, key| {
            if key == b"data" {
                queried = is_query(w);
            }
            queried
        });
        if queried { Verdict::new(94, "the answer of a trace query with \"segmentId\"") } else { Verdict::NO }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(SkyWalkingDecoder { boundary: documents::boundary(head) }))
    }
}

/// `{"trace":{"spans":[{"segmentId":..`
fn is_query(w: &mut Walker<'_>) -> bool {
    let mut found = false;
    let _ = w.object(|w, key| {
        if key.raw != b"trace" {
            return w.skip().map(drop);
        }
        w.object(|w, key| {
            if key.raw != b"spans" {
                return w.skip().map(drop);
            }
            w.array(|w| {
                w.object(|w, key| {
                    found |= key.raw == b"segmentId";
                    w.skip().map(drop)
                })
            })
        })
    });
    found
}

struct SkyWalkingDecoder {
    boundary: Boundary,
}

impl Decoder for SkyWalkingDecoder {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::Start),
            unit: Some(Unit::Millis),
            resolution_ns: 1_000_000,
            stamp_resolution_ns: 1_000_000,
            ..Facts::default()
        }
    }

    fn boundary(&self) -> Boundary {
        self.boundary
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        documents::each(chunk, self.boundary, batch, |w, out| documents::objects(w, &mut |w| segment(w, out)));
    }
}

/// What a segment says for all its spans; in a query's answer each span says it for itself.
#[derive(Clone, Copy, Default)]
struct Segment<'a> {
    id: &'a [u8],
    trace: Option<Id>,
    service: &'a [u8],
    instance: &'a [u8],
    escaped: bool,
}

impl<'a> Segment<'a> {
    /// Takes note of a member that is about the segment.
    fn member(&mut self, key: &[u8], value: Str<'a>) {
        match key {
            b"traceId" => self.trace = Id::parse(value.raw),
            b"traceSegmentId" | b"segmentId" => self.id = value.raw,
            b"service" | b"serviceCode" => self.service = value.raw,
            b"serviceInstance" | b"serviceInstanceName" => self.instance = value.raw,
            _ => return,
        }
        self.escaped |= value.escaped;
    }
}

fn segment<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
    let mut segment = Segment::default();
    let mut spans = None;
    w.object(|w, key| {
        match (key.raw, w.peek()) {
            (b"spans", b'[') => {
                spans = Some(w.clone());
                w.skip()?;
            }
            (b"data", b'{') => w.object(|w, key| match key.raw {
                b"trace" if w.peek() == b'{' => w.object(|w, key| match key.raw {
                    b"spans" if w.peek() == b'[' => {
                        spans = Some(w.clone());
                        w.skip().map(drop)
                    }
                    _ => w.skip().map(drop),
                }),
                _ => w.skip().map(drop),
            })?,
            _ => segment.member(key.raw, w.text()?),
        }
        Ok(())
    })?;
    let Some(mut spans) = spans else { return Ok(()) };
    spans.array(|w| {
        w.peek();
        let at = w.position();
        out.begin(at);
        let mut read = Span::default();
        let times = span(w, &mut read, segment)?;
        out.finish(times.map(|()| &read), w.position() - at);
        Ok(())
    })
}

/// Reads a span. The inner result is why its values are not to be believed.
fn span<'a>(w: &mut Walker<'a>, read: &mut Span<'a>, mut segment: Segment<'a>) -> Walk<Result<(), Reason>> {
    let (mut start, mut end) = (Ok(0), Ok(0));
    let (mut id, mut parent, mut reference) = (None, None, None);
    let (mut side, mut layer, mut peer) = (&b""[..], &b""[..], &b""[..]);
    let mut members = 0;
    w.object(|w, key| {
        members += 1;
        match (key.raw, w.peek()) {
            (b"spanId", _) => id = number::scaled(w.text()?.raw, 1).ok(),
            (b"parentSpanId", _) => parent = number::scaled(w.text()?.raw, 1).ok().filter(|&id| id >= 0),
            (b"startTime", _) => start = millis(w.text()?.raw),
            (b"endTime", _) => end = millis(w.text()?.raw),
            (b"operationName" | b"endpointName", _) => {
                let name = w.text()?;
                read.name = read.keep(name);
            }
            (b"spanType" | b"type", _) => side = w.text()?.raw,
            (b"spanLayer" | b"layer", _) => layer = w.text()?.raw,
            (b"peer", _) => {
                let text = w.text()?;
                peer = read.keep(text);
            }
            (b"isError", _) => {
                if w.text()?.raw == b"true" {
                    read.status = Status::Error;
                }
            }
            (b"tags", b'[') => tags(w, read)?,
            // The first is the parent; a batch consumer's others are links.
            (b"refs", b'[') => w.array(|w| {
                let one = self::reference(w)?;
                reference = reference.or(one);
                Ok(())
            })?,
            (key, _) => segment.member(key, w.text()?),
        }
        Ok(())
    })?;
    let Some(id) = id else { return Ok(Err(Reason::Shape)) };
    read.id = Some(ids::hashed(segment.id, id));
    read.parent = parent.map(|parent| ids::hashed(segment.id, parent)).or(reference);
    read.trace = segment.trace;
    read.service = segment.service;
    read.instance = segment.instance;
    read.escaped |= segment.escaped;
    read.attributes.set(Slot::Peer, peer);
    read.attributes.set(Slot::Thread, segment.id);
    read.role = role(side, layer);
    settle(read, layer);
    Ok(start.and_then(|start| read.between(start, end?)))
}

fn reference(w: &mut Walker<'_>) -> Walk<Option<u64>> {
    let (mut segment, mut span) = (&b""[..], None);
    w.object(|w, key| {
        match key.raw {
            b"parentTraceSegmentId" | b"parentSegmentId" => segment = w.text()?.raw,
            b"parentSpanId" => span = number::scaled(w.text()?.raw, 1).ok(),
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })?;
    Ok(span.filter(|_| !segment.is_empty()).map(|span| ids::hashed(segment, span)))
}

fn tags<'a>(w: &mut Walker<'a>, span: &mut Span<'a>) -> Walk<()> {
    w.array(|w| {
        let (mut key, mut value) = (None, None);
        w.object(|w, member| {
            match member.raw {
                b"key" => key = Some(w.text()?),
                b"value" => value = Some(w.text()?),
                _ => {
                    w.skip()?;
                }
            }
            Ok(())
        })?;
        match (key, value) {
            (Some(Str { raw: b"cache.type", .. }), Some(value)) => span.put(b"db.system", value),
            (Some(key), Some(value)) => span.put(key.raw, value),
            _ => {}
        }
        Ok(())
    })
}

fn role(side: &[u8], layer: &[u8]) -> Role {
    let queue = matches!(layer, b"MQ" | b"4");
    match side {
        b"Entry" | b"0" if queue => Role::Consumer,
        b"Exit" | b"1" if queue => Role::Producer,
        b"Entry" | b"0" => Role::Server,
        b"Exit" | b"1" => Role::Client,
        b"Local" | b"2" => Role::Internal,
        _ => Role::Unknown,
    }
}

/// A database or cache is known by its layer, and its product by the name of the operation where
/// the tag says no more than `sql`: `Mysql/JDBI/PreparedStatement/execute`.
fn settle(span: &mut Span<'_>, layer: &[u8]) {
    let cache = matches!(layer, b"Cache" | b"5");
    if !cache && !matches!(layer, b"Database" | b"1") {
        return;
    }
    let said = span.attributes.get(Slot::System);
    if said.is_empty() || said.eq_ignore_ascii_case(b"sql") {
        let product = span.name.iter().position(|&b| b == b'/').map_or(said, |slash| &span.name[..slash]);
        span.attributes.set(Slot::System, if cache { b"cache" } else { product });
    }
    if !span.attributes.has(Slot::System) {
        span.attributes.set(Slot::System, b"sql");
    }
}

fn millis(text: &[u8]) -> Result<u64, Reason> {
    number::whole(text).ok().and_then(|ms| ms.checked_mul(MILLI)).ok_or(Reason::Time)
}
