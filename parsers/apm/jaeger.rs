//! Traces as Jaeger's API and UI export them: `{"data":[..]}`, `{"data":{..}}`, a bare trace or an
//! array of traces; or single spans, each with its process, as Jaeger's stores keep them. Copies of parent spans inside of references are not spans of their own.
//!
//! Definition: <https://github.com/jaegertracing/jaeger/blob/main/internal/uimodel/model.go>.

use crate::scan::json::{Malformed, Str, Walk, Walker};
use crate::scan::number;
use crate::scan::semconv::Slot;
use crate::{Batch, Boundary, Chunk, Decoder, Facts, Family, Format, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict};

use super::documents::{self, Recorder};
use super::ids;
use super::jaeger_references::References;
use super::span::{Span, believed};

/// How many spans of a trace wait for its processes, which come after them, before the walk looks
/// ahead instead. Bounds memory; a longer trace is walked twice.
const WAITING: usize = 4096;

/// The format.
pub(super) struct Jaeger;

static SPEC: Spec = Spec {
    name: "jaeger",
    family: Family::Apm,
    title: "Jaeger traces as JSON (API, UI export)",
    source: "https://github.com/jaegertracing/jaeger/blob/main/internal/uimodel/model.go",
    stamp: Stamp::Start,
    unit: Some(Unit::Micros),
    resolution_ns: 1_000,
    sample: concat!(
        r#"{"data":[{"traceID":"a1","spans":[{"traceID":"a1","spanID":"1","operationName":"GET /pay","references":[],"startTime":1700000000000000,"duration":100000,"tags":[{"key":"span.kind","type":"string","value":"server"}],"logs":[],"processID":"p1"},{"traceID":"a1","spanID":"2","operationName":"SELECT","references":[{"refType":"CHILD_OF","traceID":"a1","spanID":"1"}],"startTime":1700000000010000,"duration":50000,"tags":[{"key":"db.system","type":"string","value":"mysql"}],"logs":[],"processID":"p1"}],"processes":{"p1":{"serviceName":"api","tags":[]}}}]}"#,
        "\n",
    ),
};

impl Format for Jaeger {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let mut walker = Walker::new(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
        if is_jaeger(&mut walker) { Verdict::new(97, "traces of \"traceID\" and \"spans\"") } else { Verdict::NO }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(JaegerDecoder { boundary: documents::boundary(head) }))
    }
}

/// Whether a trace comes first, however it is wrapped. A head may be cut anywhere.
fn is_jaeger(w: &mut Walker<'_>) -> bool {
    let mut found = false;
    if w.peek() == b'[' {
        let _ = w.array(|w| {
            found = w.peek() == b'{' && is_trace(w);
            Err(Malformed { at: 0 })
        });
        return found;
    }
    let whole = w.clone();
    let _ = w.object(|w, key| {
        if key.raw != b"data" {
            return w.skip().map(drop);
        }
        match w.peek() {
            b'{' => found = is_trace(w),
            _ => w.array(|w| {
                found = is_trace(w);
                Err(Malformed { at: 0 })
            })?,
        }
        Err(Malformed { at: 0 })
    });
    found || is_trace(&mut whole.clone()) || is_span(&mut whole.clone())
}

/// Whether a span comes first that has its process in itself.
fn is_span(w: &mut Walker<'_>) -> bool {
    let (mut id, mut operation, mut process) = (false, false, false);
    let _ = w.object(|w, key| {
        match key.raw {
            b"spanID" => id = w.peek() == b'"',
            b"operationName" => operation = true,
            b"process" => process = w.peek() == b'{',
            _ => {}
        }
        if id && operation && process { Err(Malformed { at: 0 }) } else { w.skip().map(drop) }
    });
    id && operation && process
}

fn is_trace(w: &mut Walker<'_>) -> bool {
    let (mut id, mut spans) = (false, false);
    let _ = w.object(|w, key| {
        match key.raw {
            b"traceID" => id = w.peek() == b'"',
            // SkyWalking's and others' spans have no `spanID` of this spelling.
            b"spans" => {
                let mut first = w.clone();
                let _ = first.array(|w| {
                    w.object(|w, key| {
                        spans |= matches!(key.raw, b"spanID" | b"operationName");
                        if spans { Err(Malformed { at: 0 }) } else { w.skip().map(drop) }
                    })
                });
            }
            _ => {}
        }
        if id && spans { Err(Malformed { at: 0 }) } else { w.skip().map(drop) }
    });
    id && spans
}

struct JaegerDecoder {
    boundary: Boundary,
}

impl Decoder for JaegerDecoder {
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
        let mut waiting = Vec::new();
        documents::each(chunk, self.boundary, batch, |w, out| {
            let walked = document(w, out, &mut waiting);
            // What a cut left waiting is known but for its service.
            flush(&mut waiting, &[], out);
            walked
        });
    }
}

fn document<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>, waiting: &mut Vec<Waiting<'a>>) -> Walk<()> {
    if w.peek() == b'[' {
        return w.array(|w| trace(w, out, waiting));
    }
    let start = w.clone();
    let mut wrapped = false;
    // `data` may come after others; a bare trace has `spans` instead, and a span an id of its own.
    let (mut bare, mut alone) = (false, false);
    w.object(|w, key| match key.raw {
        b"data" if w.peek() == b'[' => {
            wrapped = true;
            w.array(|w| trace(w, out, waiting))
        }
        b"data" if w.peek() == b'{' => {
            wrapped = true;
            trace(w, out, waiting)
        }
        b"spans" if !wrapped => {
            bare = true;
            Err(Malformed { at: 0 })
        }
        b"spanID" if !wrapped => {
            alone = true;
            Err(Malformed { at: 0 })
        }
        _ => w.skip().map(drop),
    })
    .or_else(|error| {
        if alone {
            *w = start.clone();
            let mut one = Waiting::default();
            one.read(w)?;
            one.finish(out);
            return Ok(());
        }
        if !bare {
            return Err(error);
        }
        *w = start;
        trace(w, out, waiting)
    })
}

/// Who wrote a span. Lists of them are sorted by id.
#[derive(Clone, Copy, Default)]
struct Process<'a> {
    id: &'a [u8],
    service: &'a [u8],
    instance: &'a [u8],
    escaped: bool,
}

/// A span whose process is not known yet.
#[derive(Default)]
struct Waiting<'a> {
    span: Span<'a>,
    process: &'a [u8],
    reason: Option<Reason>,
    at: usize,
    len: usize,
}

fn trace<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>, waiting: &mut Vec<Waiting<'a>>) -> Walk<()> {
    let mut known: Option<Vec<Process<'a>>> = None;
    let start = w.clone();
    w.object(|w, key| match key.raw {
        b"spans" if w.peek() == b'[' => w.array(|w| {
            w.peek();
            let at = w.position();
            if known.is_none() && waiting.len() >= WAITING {
                known = Some(processes_ahead(start.clone())?);
                flush(waiting, known.as_deref().unwrap_or_default(), out);
            }
            match &known {
                Some(processes) => {
                    let mut one = Waiting::default();
                    one.read(w).map_err(|_| Malformed { at })?;
                    one.settle(processes);
                    one.finish(out);
                }
                None => {
                    waiting.push(Waiting::default());
                    let read = waiting.last_mut().map_or(Ok(()), |one| one.read(w));
                    read.map_err(|_| {
                        waiting.pop();
                        Malformed { at }
                    })?;
                }
            }
            Ok(())
        }),
        b"processes" if w.peek() == b'{' => {
            let processes = processes(w)?;
            flush(waiting, &processes, out);
            known = Some(processes);
            Ok(())
        }
        _ => w.skip().map(drop),
    })?;
    flush(waiting, &[], out);
    Ok(())
}

fn flush<'a>(waiting: &mut Vec<Waiting<'a>>, processes: &[Process<'a>], out: &mut Recorder<'a, '_>) {
    for one in &mut *waiting {
        one.settle(processes);
        one.finish(out);
    }
    waiting.clear();
}

impl<'a> Waiting<'a> {
    fn read(&mut self, w: &mut Walker<'a>) -> Walk<()> {
        w.peek();
        self.at = w.position();
        let span = &mut self.span;
        let (mut start, mut duration) = (Ok(None), Ok(None));
        let mut references = References::default();
        let mut deprecated = None;
        let (mut trace, mut members) = (&b""[..], 0);
        w.object(|w, key| {
            members += 1;
            match key.raw {
                b"traceID" => trace = w.text()?.raw,
                b"spanID" => span.id = ids::span(w.text()?.raw),
                b"operationName" => {
                    span.name = {
                        let name = w.text()?;
                        span.keep(name)
                    }
                }
                b"references" if w.peek() == b'[' => references.read(w)?,
                b"parentSpanID" => deprecated = ids::span(w.text()?.raw),
                b"startTime" => start = micros(w.text()?.raw, Reason::Time),
                b"duration" => duration = micros(w.text()?.raw, Reason::Duration),
                b"tags" => tags(w, span)?,
                b"logs" if w.peek() == b'[' => w.array(|w| log(w, span))?,
                b"processID" => self.process = w.text()?.raw,
                // Some exports put the process into each span.
                b"process" if w.peek() == b'{' => {
                    let inlined = process(w)?;
                    span.service = inlined.service;
                    span.instance = inlined.instance;
                    span.escaped |= inlined.escaped;
                }
                _ => {
                    w.skip()?;
                }
            }
            Ok(())
        })?;
        span.trace = ids::trace(trace);
        (span.parent, span.follows) = references.parent(trace, span.trace);
        span.parent = span.parent.or(deprecated);
        let times = start.and_then(|start| {
            span.start = start;
            span.duration = duration?.map(believed).transpose()?;
            Ok(())
        });
        self.reason = if members == 0 { Some(Reason::Shape) } else { times.err() };
        self.len = w.position() - self.at;
        Ok(())
    }

    fn settle(&mut self, processes: &[Process<'a>]) {
        if let Ok(at) = processes.binary_search_by_key(&self.process, |process| process.id) {
            let process = &processes[at];
            self.span.service = process.service;
            self.span.instance = process.instance;
            self.span.escaped |= process.escaped;
        }
    }

    fn finish(&self, out: &mut Recorder<'a, '_>) {
        out.begin(self.at);
        out.finish(self.reason.map_or(Ok(&self.span), Err), self.len);
    }
}

/// The processes of the trace that starts here, found by skipping its spans.
fn processes_ahead<'a>(mut w: Walker<'a>) -> Walk<Vec<Process<'a>>> {
    let mut found = Vec::new();
    w.object(|w, key| match key.raw {
        b"processes" if w.peek() == b'{' => {
            found = processes(w)?;
            Ok(())
        }
        _ => w.skip().map(drop),
    })?;
    Ok(found)
}

fn processes<'a>(w: &mut Walker<'a>) -> Walk<Vec<Process<'a>>> {
    let mut processes = Vec::new();
    w.object(|w, id| {
        let mut read = process(w)?;
        read.id = id.raw;
        processes.push(read);
        Ok(())
    })?;
    processes.sort_by_key(|process| process.id);
    Ok(processes)
}

fn process<'a>(w: &mut Walker<'a>) -> Walk<Process<'a>> {
    let mut read = Span::default();
    if w.peek() != b'{' {
        w.skip()?;
        return Ok(Process::default());
    }
    w.object(|w, key| {
        match key.raw {
            b"serviceName" => {
                read.service = {
                    let name = w.text()?;
                    read.keep(name)
                }
            }
            b"tags" => tags(w, &mut read)?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })?;
    Ok(Process { id: b"", service: read.service, instance: read.attributes.get(Slot::Instance), escaped: read.escaped })
}

/// A log of a span: only what was thrown is of interest, in the words of OpenTelemetry (`exception`) or of
/// OpenTracing (`error`).
fn log<'a>(w: &mut Walker<'a>, span: &mut Span<'a>) -> Walk<()> {
    w.object(|w, key| {
        if key.raw != b"fields" {
            return w.skip().map(drop);
        }
        let mut fields = w.clone();
        let mut raised = false;
        pairs(w, |key, value| raised |= key.raw == b"event" && matches!(value.raw, b"exception" | b"error"))?;
        if raised {
            span.raised = true;
            pairs(&mut fields, |key, value| match key.raw {
                b"error.kind" => span.put(b"exception.type", value),
                key => span.exception(key, value),
            })?;
        }
        Ok(())
    })
}

/// Reads `[{"key":..,"type":..,"value":..},..]` into the span's attributes.
fn tags<'a>(w: &mut Walker<'a>, span: &mut Span<'a>) -> Walk<()> {
    pairs(w, |key, value| span.put(key.raw, value))
}

/// Shows each key and value of a list of tags or fields.
#[inline]
fn pairs<'a>(w: &mut Walker<'a>, mut each: impl FnMut(Str<'a>, Str<'a>)) -> Walk<()> {
    if w.peek() != b'[' {
        return w.skip().map(drop);
    }
    w.array(|w| {
        let start = w.clone();
        // Compact, as the API writes it.
        if w.eat(br#"{"key":""#) {
            let key = w.rest_of_string()?;
            if w.eat(br#","type":"string","value":""#) {
                let value = w.rest_of_string()?;
                if w.eat(b"}") {
                    each(key, value);
                    return Ok(());
                }
            }
            *w = start;
        }
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
        if let (Some(key), Some(value)) = (key, value) {
            each(key, value);
        }
        Ok(())
    })
}

/// Microseconds as nanoseconds; a text that is empty is none.
fn micros(text: &[u8], reason: Reason) -> Result<Option<i64>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let value = match number::whole(text) {
        Ok(value) => i64::try_from(value).ok().and_then(|value| value.checked_mul(1_000)),
        Err(_) => number::scaled(text, 1_000).ok(),
    };
    // A negative length is one that clocks disagree about: none.
    match value {
        Some(value) if value < 0 && reason == Reason::Duration => Ok(Some(0)),
        Some(value) => Ok(Some(value)),
        None => Err(reason),
    }
}
