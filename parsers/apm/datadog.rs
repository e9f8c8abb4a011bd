//! Datadog traces as agents exchange them (v0.3, v0.4) and as its test agent stores them: a list of
//! traces, each a list of spans. Span ids are unique within a trace only.
//!
//! Definition: <https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api/>.

use hashbrown::HashMap;

use crate::scan::json::{Malformed, Str, Walk, Walker};
use crate::scan::number;
use crate::scan::semconv::Slot;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, OpenError, Options, Reason, Role, Spec, Stamp, Unit, Verdict,
};

use super::documents::{self, Recorder};
use super::span::{Span, Status, believed};
use super::wait;

/// How many spans of a trace are kept until all of it is known. Bounds memory; what comes later in
/// a longer trace is known by itself only.
const WAITING: usize = 65_536;

/// The format.
pub(super) struct Datadog;

static SPEC: Spec = Spec {
    name: "datadog",
    family: Family::Apm,
    title: "Datadog traces as JSON (agent API v0.3/v0.4, test agent)",
    source: "https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api/",
    stamp: Stamp::Start,
    unit: Some(Unit::Nanos),
    resolution_ns: 1,
    sample: concat!(
        r#"[[{"name":"servlet.request","service":"api","resource":"GET /pay","type":"web","trace_id":1,"span_id":1,"parent_id":0,"start":1700000000000000000,"duration":100000000,"error":0,"meta":{"span.kind":"server"}},{"name":"mysql.query","service":"mysql","resource":"SELECT ?","type":"sql","trace_id":1,"span_id":2,"parent_id":1,"start":1700000000010000000,"duration":50000000,"error":0,"meta":{"db.type":"mysql"}}]]"#,
        "\n",
    ),
};

impl Format for Datadog {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let mut seen = [false; 4];
        documents::first_object(head, |_, key| {
            const KEYS: [&[u8]; 4] = [b"trace_id", b"span_id", b"service", b"start"];
            KEYS.iter().zip(&mut seen).for_each(|(name, seen)| *seen |= key == *name);
            seen == [true; 4]
        });
        if seen == [true; 4] { Verdict::new(95, "spans of \"trace_id\", \"span_id\", \"start\"") } else { Verdict::NO }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(DatadogDecoder { boundary: documents::boundary(head) }))
    }
}

struct DatadogDecoder {
    boundary: Boundary,
}

impl Decoder for DatadogDecoder {
    fn facts(&self) -> Facts {
        Facts { stamp: Some(Stamp::Start), unit: Some(Unit::Nanos), resolution_ns: 1, stamp_resolution_ns: 1, ..Facts::default() }
    }

    fn boundary(&self) -> Boundary {
        self.boundary
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut trace = Trace::default();
        documents::each(chunk, self.boundary, batch, |w, out| {
            let walked = document(w, out, &mut trace);
            trace.flush(out);
            walked
        });
    }
}

fn document<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>, trace: &mut Trace<'a>) -> Walk<()> {
    if w.peek() == b'{' {
        return trace.read(w, out);
    }
    w.array(|w| {
        if w.peek() == b'[' {
            w.array(|w| trace.read(w, out))?;
            trace.flush(out);
            return Ok(());
        }
        trace.read(w, out)
    })
}

/// The spans of one trace, and what one of them says for all.
#[derive(Default)]
struct Trace<'a> {
    spans: Vec<Waiting<'a>>,
    /// High half of the trace id, which only the first span carries.
    high: u64,
}

struct Waiting<'a> {
    span: Span<'a>,
    trace: u64,
    /// Whether `service` names what was called, as tracers do that treat a database as a service.
    names_callee: bool,
    reason: Option<Reason>,
    at: usize,
    len: usize,
}

impl<'a> Trace<'a> {
    fn read(&mut self, w: &mut Walker<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
        w.peek();
        let at = w.position();
        if self.spans.len() >= WAITING {
            self.flush(out);
        }
        let (one, high) = span(w).map_err(|_| Malformed { at })?;
        self.high = high.unwrap_or(self.high);
        self.spans.push(Waiting { at, len: w.position() - at, ..one });
        Ok(())
    }

    /// Finishes the trace: each database span gets the service of its parent.
    fn flush(&mut self, out: &mut Recorder<'a, '_>) {
        let services: HashMap<u64, &[u8]> = if self.spans.iter().any(|one| one.names_callee) {
            self.spans.iter().filter(|one| !one.names_callee).filter_map(|one| Some((one.span.id?, one.span.service))).collect()
        } else {
            HashMap::new()
        };
        for mut one in self.spans.drain(..) {
            let id = u128::from(self.high) << 64 | u128::from(one.trace);
            // Test agents number traces from 0, which is no key.
            one.span.trace = if id == 0 { Id::parse(b"datadog trace 0") } else { Some(Id(id)) };
            if one.names_callee
                && let Some(service) = one.span.parent.and_then(|parent| services.get(&parent))
            {
                one.span.attributes.put(b"peer.service", one.span.service);
                one.span.service = service;
            }
            out.begin(one.at);
            out.finish(one.reason.map_or(Ok(&one.span), Err), one.len);
        }
        self.high = 0;
    }
}

/// Reads a span, and the high half of its trace's id if it has that.
fn span<'a>(w: &mut Walker<'a>) -> Walk<(Waiting<'a>, Option<u64>)> {
    let mut read = Span::default();
    let empty = Str { raw: b"", escaped: false };
    let (mut trace, mut start, mut duration) = (Ok(0), Ok(None), Ok(None));
    let (mut resource, mut class, mut base, mut high, mut top_level) = (empty, &b""[..], empty, None, false);
    let mut members = 0;
    w.object(|w, key| {
        members += 1;
        match key.raw {
            b"trace_id" => trace = number::whole(w.text()?.raw),
            b"span_id" => read.id = id(w.text()?.raw),
            b"parent_id" => read.parent = id(w.text()?.raw),
            b"name" => {
                let name = w.text()?;
                read.name = read.keep(name);
            }
            b"service" => {
                let service = w.text()?;
                read.service = read.keep(service);
            }
            b"resource" => resource = w.text()?,
            b"type" => class = w.text()?.raw,
            b"start" => start = number::whole(w.text()?.raw).map(Some).map_err(|_| Reason::Time),
            b"duration" => {
                let text = w.text()?.raw;
                duration = number::scaled(text, 1).map(|n| Some(n.max(0))).map_err(|_| Reason::Duration);
            }
            b"error" => {
                if w.text()?.raw == b"1" {
                    read.status = Status::Error;
                }
            }
            b"meta" if w.peek() == b'{' => w.object(|w, key| {
                let value = w.text()?;
                match key.raw {
                    b"_dd.p.tid" => high = Id::parse(value.raw).and_then(|id| u64::try_from(id.0).ok()),
                    b"_dd.base_service" => base = value,
                    _ => read.put(key.raw, value),
                }
                Ok(())
            })?,
            b"metrics" if w.peek() == b'{' => w.object(|w, key| {
                let value = w.text()?;
                if key.raw == b"_dd.top_level" {
                    top_level = value.raw != b"0";
                }
                read.put(key.raw, value);
                Ok(())
            })?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })?;
    let callee = settle(&mut read, class, resource, top_level);
    if !base.raw.is_empty() {
        read.attributes.put(b"peer.service", read.service);
        read.service = read.keep(base);
    }
    let times = start.and_then(|start| {
        read.start = start.map(i64::try_from).transpose().map_err(|_| Reason::Time)?.filter(|&start| start != 0);
        read.duration = duration?.map(believed).transpose()?;
        Ok(())
    });
    let reason = if members == 0 { Some(Reason::Shape) } else { times.err().or(trace.err()) };
    let names_callee = callee && base.raw.is_empty();
    Ok((Waiting { span: read, trace: trace.unwrap_or(0), names_callee, reason, at: 0, len: 0 }, high))
}

/// Makes role and names out of the span's type and resource; tells whether it calls a data store.
fn settle<'a>(span: &mut Span<'a>, class: &'a [u8], resource: Str<'a>, top_level: bool) -> bool {
    let stores: [&[u8]; 9] =
        [b"sql", b"db", b"cassandra", b"mongodb", b"elasticsearch", b"redis", b"memcached", b"valkey", b"cache"];
    let store = stores.contains(&class);
    if wait::kind(span.name, &span.attributes).is_some() {
        // `pool.waiting` of the resource `hikari.waiting`.
        let resource = span.keep(resource);
        span.attributes.set(Slot::Pool, wait::resource(resource));
        return false;
    }
    let has_resource = !resource.raw.is_empty();
    if store {
        span.role = Role::Client;
        if !span.attributes.has(Slot::System) {
            // `mysql.query`, where the type says no more than `sql`.
            let product = span.name.iter().position(|&b| b == b'.').map_or(class, |dot| &span.name[..dot]);
            span.attributes.set(Slot::System, if matches!(class, b"sql" | b"db") { product } else { class });
        }
        if !span.attributes.has(Slot::Statement) && has_resource {
            let resource = span.keep(resource);
            span.attributes.set(Slot::Statement, resource);
        }
        return true;
    }
    span.role = match class {
        b"web" if top_level || span.parent.is_none() || span.name.ends_with(b".request") => Role::Server,
        b"http" => Role::Client,
        b"" if span.parent.is_none() => Role::Unknown,
        _ => Role::Internal,
    };
    // Work inside a service keeps the name of the operation; calls are named by what they ask for.
    let kind = span.attributes.get(Slot::SpanKind);
    let calls = if kind.is_empty() { span.role != Role::Internal } else { kind != b"internal" };
    if calls && has_resource {
        span.name = span.keep(resource);
    }
    false
}

fn id(text: &[u8]) -> Option<u64> {
    number::whole(text).ok().filter(|&id| id != 0)
}
