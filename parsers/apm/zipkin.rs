//! Zipkin spans as JSON, version 2 and version 1: a list of spans or a list of traces, as one
//! document or one a line.
//!
//! A span that is reported in parts is put together where they stand in one document; parts in several
//! are left to who has all of them. Client and server half of one call may share an id. Both are kept with it, as each can be read
//! alone: who joins the halves gives the server's its place below the client's.
//! Definition: <https://zipkin.io/zipkin-api/zipkin2-api.yaml>, <https://zipkin.io/pages/data_model.html>.

use hashbrown::HashMap;

use crate::scan::json::{Walk, Walker};
use crate::scan::number;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, Nanos, OpenError, Options, Reason, Role, Spec, Stamp, Unit,
    Verdict,
};

use super::documents::{self, Place, Recorder};
use super::ids;
use super::span::{Span, Status, believed, role_named};

/// The format.
pub(super) struct Zipkin;

static SPEC: Spec = Spec {
    name: "zipkin",
    family: Family::Apm,
    title: "Zipkin spans as JSON, v2 and v1",
    source: "https://zipkin.io/zipkin-api/zipkin2-api.yaml",
    stamp: Stamp::Start,
    unit: Some(Unit::Micros),
    resolution_ns: 1_000,
    sample: concat!(
        r#"[{"traceId":"5af7183fb1d4cf5f","id":"6b221d5bc9e6496c","kind":"CLIENT","name":"get","timestamp":1700000000000000,"duration":100000,"localEndpoint":{"serviceName":"web"}},{"traceId":"5af7183fb1d4cf5f","id":"6b221d5bc9e6496c","shared":true,"kind":"SERVER","name":"get /pay","timestamp":1700000000020000,"duration":60000,"localEndpoint":{"serviceName":"api"}}]"#,
        "\n",
        r#"[{"traceId":"5af7183fb1d4cf5f","id":"352bff9a74ca9ad2","parentId":"6b221d5bc9e6496c","kind":"CLIENT","name":"select","timestamp":1700000000030000,"duration":40000,"localEndpoint":{"serviceName":"api"},"tags":{"sql.query":"select 1"}}]"#,
        "\n",
    ),
};

impl Format for Zipkin {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let mut seen = [false; 3];
        documents::first_object(head, |w, key| {
            match key {
                b"traceId" => seen[0] = w.peek() == b'"',
                b"id" => seen[1] = w.peek() == b'"',
                b"localEndpoint" | b"annotations" | b"binaryAnnotations" | b"timestamp" | b"name" => seen[2] = true,
                // SkyWalking's segments and queries.
                b"traceSegmentId" | b"segmentId" => seen[1] = false,
                _ => {}
            }
            seen == [true; 3]
        });
        if seen == [true; 3] { Verdict::new(94, "spans of \"traceId\" and \"id\"") } else { Verdict::NO }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(ZipkinDecoder { boundary: documents::boundary(head) }))
    }
}

struct ZipkinDecoder {
    boundary: Boundary,
}

impl Decoder for ZipkinDecoder {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::Start),
            unit: Some(Unit::Micros),
            resolution_ns: 1_000,
            stamp_resolution_ns: 1_000,
            ..Facts::default()
        }
    }

    fn boundary(&self) -> Boundary {
        self.boundary
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut parts = Parts::default();
        documents::each(chunk, self.boundary, batch, |w, out| {
            let walked = documents::objects(w, &mut |w| span(w, out, &mut parts));
            parts.finish(out);
            walked
        });
    }
}

/// What version 1 says in place of kind, start and length.
#[derive(Default)]
struct Annotations<'a> {
    client: Half<'a>,
    server: Half<'a>,
    local: &'a [u8],
}

/// Client or server half of a version 1 span.
#[derive(Default)]
struct Half<'a> {
    start: Option<i64>,
    end: Option<i64>,
    service: &'a [u8],
}

fn span<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>, parts: &mut Parts<'a>) -> Walk<()> {
    let at = w.position();
    out.begin(at);
    // A span without a kind is work within its service.
    let mut read = Span { role: Role::Internal, ..Span::default() };
    let (mut start, mut duration) = (Ok(None), Ok(None));
    let mut annotations = Annotations::default();
    let (mut members, mut shared) = (0, false);
    w.object(|w, key| {
        members += 1;
        match key.raw {
            b"traceId" => read.trace = ids::trace(w.text()?.raw),
            b"id" => read.id = ids::span(w.text()?.raw),
            b"parentId" => read.parent = ids::span(w.text()?.raw),
            b"name" => {
                let name = w.text()?;
                read.name = read.keep(name);
            }
            b"kind" => read.role = role_named(w.text()?.raw),
            b"shared" => shared = w.text()?.raw == b"true",
            b"timestamp" => start = micros(w.text()?.raw).map(|at| at.filter(|&at| at > 0)).map_err(|_| Reason::Time),
            b"duration" => duration = micros(w.text()?.raw),
            b"localEndpoint" if w.peek() == b'{' => {
                let endpoint = endpoint(w, &mut read)?;
                read.service = endpoint.service;
                read.attributes.put(b"ip", endpoint.address);
            }
            b"remoteEndpoint" if w.peek() == b'{' => {
                let endpoint = endpoint(w, &mut read)?;
                endpoint.called(&mut read);
            }
            b"tags" if w.peek() == b'{' => w.object(|w, key| {
                let value = w.text()?;
                // Its presence is what counts.
                if key.raw == b"error" {
                    read.status = Status::Error;
                }
                read.put(key.raw, value);
                Ok(())
            })?,
            b"annotations" if w.peek() == b'[' => annotations.events(w, &mut read)?,
            b"binaryAnnotations" if w.peek() == b'[' => annotations.tags(w, &mut read)?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })?;
    let times = start.and_then(|start| {
        read.start = start;
        read.duration = duration?.map(believed).transpose()?;
        Ok(())
    });
    let len = w.position() - at;
    if members == 0 {
        out.finish(Err(Reason::Shape), len);
    } else if let Err(reason) = times {
        out.finish(Err(reason), len);
    } else {
        let place = out.place();
        let part = Part { span: read, annotations, shared, place, len };
        if part.is_whole() || part.span.id.is_none() || parts.0.len() >= WAITING {
            part.finish(out);
        } else {
            parts.0.push(part);
        }
        out.nothing();
    }
    Ok(())
}

/// How many parts of spans of one document wait for the others. Bounds memory; what comes later is kept
/// as it is.
const WAITING: usize = 4096;

/// A record of a span, perhaps not the only one.
struct Part<'a> {
    span: Span<'a>,
    annotations: Annotations<'a>,
    shared: bool,
    place: Place,
    len: usize,
}

impl<'a> Part<'a> {
    /// Whether start and length are known.
    fn is_whole(&self) -> bool {
        let whole = |half: &Half<'_>| half.start.is_some() && half.end.is_some();
        let halves = [&self.annotations.client, &self.annotations.server];
        (self.span.start.is_some() && self.span.duration.is_some()) || halves.into_iter().any(whole)
    }

    /// Whether two records of one id tell of one span: written on the same side by the same service, as
    /// far as they say. What annotations tell of is told apart later.
    fn is_one_with(&self, other: &Part<'_>) -> bool {
        let (mine, others) = (&self.span, &other.span);
        let same = |a: &[u8], b: &[u8]| a.is_empty() || b.is_empty() || a == b;
        let sides = mine.role == others.role || mine.role == Role::Internal || others.role == Role::Internal;
        self.shared == other.shared && sides && same(mine.service, others.service)
    }

    /// Takes what another part of the span tells and this one does not.
    fn fill(&mut self, other: Part<'a>) {
        let (span, from) = (&mut self.span, other.span);
        span.start = span.start.or(from.start);
        span.duration = span.duration.or(from.duration);
        span.parent = span.parent.or(from.parent);
        for (mine, other) in [(&mut span.name, from.name), (&mut span.service, from.service)] {
            if mine.is_empty() {
                *mine = other;
            }
        }
        if span.role == Role::Internal {
            span.role = from.role;
        }
        if from.status != Status::Unset {
            span.status = from.status;
        }
        span.attributes.fill(&from.attributes);
        span.escaped |= from.escaped;
        self.annotations.client.fill(other.annotations.client);
        self.annotations.server.fill(other.annotations.server);
    }

    fn finish(mut self, out: &mut Recorder<'a, '_>) {
        self.annotations.finish(&mut self.span, out, self.place, self.len);
    }
}

/// Parts of spans that wait for the end of their document.
#[derive(Default)]
struct Parts<'a>(Vec<Part<'a>>);

impl<'a> Parts<'a> {
    /// Finishes the document: parts of one span become that span, at the place of the first.
    fn finish(&mut self, out: &mut Recorder<'a, '_>) {
        let mut of: HashMap<(Option<Id>, Option<u64>), Vec<usize>> = HashMap::new();
        let mut whole: Vec<Part<'a>> = Vec::new();
        for part in self.0.drain(..) {
            let same_id = of.entry((part.span.trace, part.span.id)).or_default();
            // A span has two sides and few tellers.
            match same_id.iter().take(8).find(|&&at| whole[at].is_one_with(&part)) {
                Some(&at) => whole[at].fill(part),
                None => {
                    same_id.push(whole.len());
                    whole.push(part);
                }
            }
        }
        whole.into_iter().for_each(|part| part.finish(out));
    }
}

impl<'a> Half<'a> {
    fn fill(&mut self, other: Half<'a>) {
        self.start = self.start.or(other.start);
        self.end = self.end.or(other.end);
        if self.service.is_empty() {
            self.service = other.service;
        }
    }
}

#[derive(Default)]
struct Endpoint<'a> {
    service: &'a [u8],
    address: &'a [u8],
    port: &'a [u8],
}

impl<'a> Endpoint<'a> {
    /// The endpoint as the one that a span called: its name, else its address.
    fn called(&self, span: &mut Span<'a>) {
        if self.service.is_empty() {
            span.attributes.put(b"net.peer.ip", self.address);
            span.attributes.put(b"net.peer.port", self.port);
        } else {
            span.attributes.put(b"peer.service", self.service);
        }
    }
}

fn endpoint<'a>(w: &mut Walker<'a>, span: &mut Span<'a>) -> Walk<Endpoint<'a>> {
    let mut read = Endpoint::default();
    w.object(|w, key| {
        let value = w.text()?;
        match key.raw {
            b"serviceName" => read.service = span.keep(value),
            b"ipv4" | b"ipv6" if read.address.is_empty() => read.address = value.raw,
            b"port" => read.port = value.raw,
            _ => {}
        }
        Ok(())
    })?;
    Ok(read)
}

impl<'a> Annotations<'a> {
    /// `[{"timestamp":..,"value":"sr","endpoint":{..}},..]`; other events than the ends of a call are
    /// passed over.
    fn events(&mut self, w: &mut Walker<'a>, span: &mut Span<'a>) -> Walk<()> {
        w.array(|w| {
            let (mut at, mut event, mut whose) = (None, &b""[..], Endpoint::default());
            w.object(|w, key| {
                match key.raw {
                    b"timestamp" => at = micros(w.text()?.raw).ok().flatten().filter(|&at| at > 0),
                    b"value" => event = w.text()?.raw,
                    b"endpoint" if w.peek() == b'{' => whose = endpoint(w, span)?,
                    _ => {
                        w.skip()?;
                    }
                }
                Ok(())
            })?;
            let (half, ends) = match event {
                b"cs" => (&mut self.client, false),
                b"cr" => (&mut self.client, true),
                b"sr" => (&mut self.server, false),
                b"ss" => (&mut self.server, true),
                _ => return Ok(()),
            };
            *(if ends { &mut half.end } else { &mut half.start }) = at;
            if !whose.service.is_empty() {
                half.service = whose.service;
            }
            Ok(())
        })
    }

    /// `[{"key":"http.path","value":"/pay","endpoint":{..}},..]`: tags, and the address called as `sa`.
    fn tags(&mut self, w: &mut Walker<'a>, span: &mut Span<'a>) -> Walk<()> {
        w.array(|w| {
            let (mut name, mut value, mut whose) = (None, None, Endpoint::default());
            w.object(|w, key| {
                match key.raw {
                    b"key" => name = Some(w.text()?.raw),
                    b"value" => value = Some(w.text()?),
                    b"endpoint" if w.peek() == b'{' => whose = endpoint(w, span)?,
                    _ => {
                        w.skip()?;
                    }
                }
                Ok(())
            })?;
            match (name, value) {
                (Some(b"sa"), _) => whose.called(span),
                (Some(b"ca"), _) => {}
                (Some(b"error"), _) => span.status = Status::Error,
                (Some(name), Some(value)) => span.put(name, value),
                _ => {}
            }
            if self.local.is_empty() && !matches!(name, Some(b"sa" | b"ca")) {
                self.local = whose.service;
            }
            Ok(())
        })
    }

    /// Adds the span of a record; one that holds both halves of a call is two.
    fn finish(&self, span: &mut Span<'a>, out: &mut Recorder<'a, '_>, place: Place, len: usize) {
        let halves = [(&self.client, Role::Client), (&self.server, Role::Server)];
        let both = halves.iter().all(|(half, _)| half.start.is_some());
        let mut pushed = false;
        for (half, role) in halves {
            if half.start.is_none() && half.end.is_none() {
                continue;
            }
            let mut one = span.clone();
            one.role = role;
            if span.service.is_empty() {
                one.service = half.service;
            }
            // The span's own stamps are those of the half that began it.
            if one.start.is_none() || both {
                one.start = half.start;
                one.duration = length(half);
            } else if one.duration.is_none() {
                one.duration = length(half);
            }
            let duration = one.duration.map(believed).transpose();
            match duration {
                Ok(_) => out.push_at(place, &one),
                Err(reason) => return out.reject_at(place, len, reason),
            }
            pushed = true;
        }
        if !pushed {
            if span.service.is_empty() {
                span.service = self.local;
            }
            out.push_at(place, span);
        }
    }
}

fn length(half: &Half<'_>) -> Option<Nanos> {
    Some(half.end?.checked_sub(half.start?)?.max(0))
}

/// Microseconds as nanoseconds; none where there is no text or a zero, which Zipkin leaves out.
fn micros(text: &[u8]) -> Result<Option<i64>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    // A negative length is one that clocks disagree about: none.
    if text.starts_with(b"-") && number::whole(&text[1..]).is_ok() {
        return Ok(Some(0));
    }
    let value = number::whole(text).map_err(|_| Reason::Duration)?;
    let nanos = i64::try_from(value).ok().and_then(|value| value.checked_mul(1_000)).ok_or(Reason::Duration)?;
    Ok((nanos != 0).then_some(nanos))
}
