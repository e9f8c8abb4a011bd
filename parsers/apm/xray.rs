//! AWS X-Ray segment documents, one or one a line, and the answer of `BatchGetTraces`, in which each
//! document is a JSON text inside a JSON string.
//!
//! Of `precursor_ids` the one that ended last is kept: it is whom a subsegment waited for.
//! Definition: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>.

use hashbrown::HashMap;

use crate::scan::json::{Malformed, Str, Walk, Walker};
use crate::scan::number;
use crate::scan::semconv::Slot;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, Nanos, OpenError, Options, Reason, Role, Spec, Stamp, Unit,
    Verdict,
};

use super::documents::{self, Recorder};
use super::ids;
use super::span::{Span, Status, believed};

const SECOND: Nanos = 1_000_000_000;

/// The format.
pub(super) struct XRay;

static SPEC: Spec = Spec {
    name: "xray",
    family: Family::Apm,
    title: "AWS X-Ray segment documents",
    source: "https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html",
    stamp: Stamp::Start,
    unit: Some(Unit::Seconds),
    resolution_ns: 1_000,
    sample: concat!(
        r#"{"trace_id":"1-581cf771-a006649127e371903a2de979","id":"70de5b6f19ff9a0a","name":"api","start_time":1700000000.000,"end_time":1700000000.100,"http":{"request":{"method":"GET","url":"http://x/pay"},"response":{"status":200}},"subsegments":[{"id":"53995c3f42cd8ad8","name":"pg@db","namespace":"remote","start_time":1700000000.010,"end_time":1700000000.060,"sql":{"database_type":"PostgreSQL","sanitized_query":"SELECT 1"}}]}"#,
        "\n",
    ),
};

impl Format for XRay {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let mut seen = [false; 3];
        let mut answer = false;
        documents::first_object(head, |w, key| {
            match key {
                b"trace_id" => seen[0] = w.text().is_ok_and(|text| ids::xray(text.raw).is_some()),
                b"id" => seen[1] = true,
                b"start_time" => seen[2] = true,
                b"Traces" => answer = is_answer(w),
                _ => {}
            }
            seen == [true; 3] || answer
        });
        match (seen == [true; 3], answer) {
            (true, _) => Verdict::new(97, "a segment with \"start_time\" and a trace id of X-Ray"),
            (_, true) => Verdict::new(97, "\"Traces\" of \"Segments\""),
            _ => Verdict::NO,
        }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(XRayDecoder { boundary: documents::boundary(head) }))
    }
}

/// `[{"Segments":[..`, whatever comes before it.
fn is_answer(w: &mut Walker<'_>) -> bool {
    let mut found = false;
    let _ = w.array(|w| {
        w.object(|w, key| {
            found |= key.raw == b"Segments" && w.peek() == b'[';
            if found { Err(Malformed { at: 0 }) } else { w.skip().map(drop) }
        })
    });
    found
}

struct XRayDecoder {
    boundary: Boundary,
}

impl Decoder for XRayDecoder {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::Start),
            unit: Some(Unit::Seconds),
            resolution_ns: 1_000,
            stamp_resolution_ns: 1_000,
            ..Facts::default()
        }
    }

    fn boundary(&self) -> Boundary {
        self.boundary
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        documents::each(chunk, self.boundary, batch, |w, out| documents::objects(w, &mut |w| document(w, out)));
    }
}

/// A segment, or an answer that holds many.
fn document<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
    let start = w.clone();
    let mut traces = None;
    // A segment's first members are few; an answer has `Traces` among its own.
    let looked = w.object(|w, key| match key.raw {
        b"Traces" if w.peek() == b'[' => {
            traces = Some(w.clone());
            w.skip().map(drop)
        }
        b"trace_id" | b"id" | b"start_time" | b"subsegments" => Err(Malformed { at: 0 }),
        _ => w.skip().map(drop),
    });
    if let Some(mut traces) = traces {
        looked?;
        return traces.array(|w| answer(w, out));
    }
    *w = start;
    w.peek();
    let at = w.position();
    segment(w, out, None).map_err(|_| Malformed { at })
}

fn answer<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
    w.object(|w, key| {
        if key.raw != b"Segments" || w.peek() != b'[' {
            return w.skip().map(drop);
        }
        w.array(|w| {
            w.object(|w, key| {
                if key.raw != b"Document" {
                    return w.skip().map(drop);
                }
                w.peek();
                let at = w.position();
                let text = w.string()?;
                let len = w.position() - at;
                let document = text.text();
                if segment(&mut Walker::new(&document), out, Some(at)).is_err() {
                    out.begin(at);
                    out.finish(Err(Reason::Shape), len);
                }
                Ok(())
            })
        })
    })
}

/// A segment or subsegment while it is read.
#[derive(Default)]
struct Node<'a> {
    span: Span<'a>,
    at: usize,
    len: usize,
    /// Where the segment starts that this one is part of.
    parent: Option<usize>,
    start: Option<Str<'a>>,
    end: Option<Str<'a>>,
    namespace: &'a [u8],
    /// Siblings that ended before this one began.
    precursors: Vec<u64>,
    is_subsegment: bool,
    inferred: bool,
    fault: bool,
    error: bool,
}

/// Reads a segment with all its subsegments, by a stack of its own, as they nest without bound.
/// `place` is where its text stands, if not in the chunk itself.
fn segment<'a>(w: &mut Walker<'a>, out: &mut Recorder<'_, '_>, place: Option<usize>) -> Walk<()> {
    let mut open: Vec<Node<'a>> = Vec::new();
    let mut done: Vec<Node<'a>> = Vec::new();
    w.peek();
    let (mut node, mut more) = (Node { at: w.position(), ..Node::default() }, w.enter(b'{')?);
    loop {
        if more {
            let key = w.key()?;
            if key.raw == b"subsegments" && w.peek() == b'[' && w.enter(b'[')? {
                w.peek();
                let at = w.position();
                let parent = Some(node.at);
                open.push(std::mem::take(&mut node));
                node = Node { at, parent, is_subsegment: true, ..Node::default() };
                more = w.enter(b'{')?;
                continue;
            }
            // An empty list has been stepped over.
            if key.raw != b"subsegments" || matches!(w.peek(), b'n' | b'{' | b'"') {
                node.member(w, key)?;
            }
            more = w.more()?;
            continue;
        }
        node.len = w.position() - node.at;
        let Some(parent) = open.pop() else { break };
        let sibling_follows = w.more()?;
        done.push(std::mem::take(&mut node));
        if sibling_follows {
            w.peek();
            node = Node { at: w.position(), parent: Some(parent.at), is_subsegment: true, ..Node::default() };
            open.push(parent);
            more = w.enter(b'{')?;
        } else {
            node = parent;
            more = w.more()?;
        }
    }
    let (trace, service, escaped) = (node.span.trace, if node.is_subsegment { b"" } else { node.span.name }, node.span.escaped);
    let inferred = node.inferred;
    done.push(node);
    done.sort_by_key(|node| node.at);
    let ids: Vec<_> = done.iter().map(|node| (node.at, node.span.id)).collect();
    let ends: HashMap<u64, Option<i64>> = match done.iter().any(|node| !node.precursors.is_empty()) {
        true => done.iter().filter_map(|node| Some((node.span.id?, seconds(node.end?).ok()))).collect(),
        false => HashMap::new(),
    };
    for mut node in done {
        if let Some(parent) = node.parent {
            node.span.parent = ids.binary_search_by_key(&parent, |&(at, _)| at).ok().and_then(|i| ids[i].1);
        }
        // Of equals the last that is named.
        let siblings = node.precursors.iter().copied().filter(|&id| Some(id) != node.span.parent);
        node.span.follows = siblings.max_by_key(|id| ends.get(id).copied().flatten());
        node.span.trace = node.span.trace.or(trace);
        node.span.service = service;
        node.span.escaped |= escaped;
        out.begin(place.unwrap_or(node.at));
        // X-Ray infers a segment for a callee that sends none; its caller's subsegment has it already.
        if inferred {
            out.nothing();
            continue;
        }
        let result = node.settle();
        out.finish(result.map(|()| &node.span), node.len);
    }
    Ok(())
}

impl<'a> Node<'a> {
    fn member(&mut self, w: &mut Walker<'a>, key: Str<'a>) -> Walk<()> {
        let span = &mut self.span;
        match (key.raw, w.peek()) {
            (b"id", _) => span.id = ids::span(w.text()?.raw),
            (b"parent_id", _) => span.parent = ids::span(w.text()?.raw),
            (b"trace_id", _) => {
                let text = w.text()?.raw;
                span.trace = ids::xray(text).or_else(|| Id::parse(text));
            }
            (b"name", _) => {
                let name = w.text()?;
                span.name = span.keep(name);
            }
            (b"start_time", _) => self.start = Some(w.text()?),
            (b"end_time", _) => self.end = Some(w.text()?).filter(|text| !text.raw.is_empty()),
            (b"namespace", _) => self.namespace = w.text()?.raw,
            (b"precursor_ids", b'[') => w.array(|w| {
                self.precursors.extend(ids::span(w.text()?.raw));
                Ok(())
            })?,
            (b"type", _) => self.is_subsegment |= w.text()?.raw == b"subsegment",
            (b"inferred", _) => self.inferred = w.text()?.raw == b"true",
            (b"fault" | b"throttle", _) => self.fault |= w.text()?.raw == b"true",
            (b"error", _) => self.error |= w.text()?.raw == b"true",
            (b"http", b'{') => w.object(|w, key| match (key.raw, w.peek()) {
                (b"request" | b"response", b'{') => w.object(|w, key| {
                    let value = w.text()?;
                    match key.raw {
                        b"method" => span.put(b"http.method", value),
                        b"url" => span.put(b"http.url", value),
                        b"status" => span.put(b"http.status_code", value),
                        b"content_length" => span.put(b"http.response_content_length", value),
                        _ => {}
                    }
                    Ok(())
                }),
                _ => w.skip().map(drop),
            })?,
            (b"sql", b'{') => w.object(|w, key| {
                let value = w.text()?;
                match key.raw {
                    b"sanitized_query" => span.put(b"db.statement", value),
                    b"database_type" => span.put(b"db.system", value),
                    _ => {}
                }
                Ok(())
            })?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    }

    /// Makes role and times out of what was read.
    fn settle(&mut self) -> Result<(), Reason> {
        let span = &mut self.span;
        span.role = match self.namespace {
            b"remote" | b"aws" => Role::Client,
            _ if self.is_subsegment => Role::Internal,
            _ => Role::Server,
        };
        if span.role == Role::Client {
            // `database@host`, or the host or service that was called.
            let peer = span.name.iter().rposition(|&b| b == b'@').map_or(span.name, |at| &span.name[at + 1..]);
            span.attributes.put(b"peer.service", peer);
        }
        // `error` alone is the caller's fault (4xx), which the status tells better.
        if self.fault || self.error && !span.attributes.has(Slot::Status) {
            span.status = Status::Error;
        }
        let start = self.start.ok_or(Reason::Time)?;
        let start = seconds(start)?;
        span.start = Some(start);
        if let Some(end) = self.end {
            let end = seconds(end)?;
            span.duration = Some(believed(end.checked_sub(start).ok_or(Reason::Duration)?.max(0))?);
        }
        Ok(())
    }
}

/// Seconds since the epoch with their decimals, in nanoseconds.
fn seconds(text: Str<'_>) -> Result<i64, Reason> {
    number::scaled(text.raw, SECOND).map_err(|_| Reason::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsegments_nest_without_bound() {
        let depth = 50_000;
        let one = r#"{"trace_id":"1-581cf771-a006649127e371903a2de979","id":"70de5b6f19ff9a0a","name":"a","start_time":1,"end_time":2,"subsegments":["#;
        let text = one.repeat(depth) + &"]}".repeat(depth);
        let chunk = Chunk::whole(text.as_bytes());
        let mut batch = Batch::new(&chunk);
        XRayDecoder { boundary: Boundary::Whole }.decode(chunk, &mut batch);
        // The innermost list is empty.
        assert_eq!((batch.len(), batch.rejects.len()), (depth, 0));
    }
}
