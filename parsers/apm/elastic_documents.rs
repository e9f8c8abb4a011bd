//! Elastic APM's transactions and spans as they lie in Elasticsearch: documents, hits of a search, a line
//! each or in one answer. Durations are microseconds here, where agents send milliseconds.
//!
//! Not kept: metrics, errors and logs of the same indices.
//! Definition: <https://github.com/elastic/apm-data/blob/main/input/elasticapm/docs/spec/v2/span.json>,
//! <https://www.elastic.co/docs/reference/apm/observability/apm-data-model>.

use crate::scan::json::{Malformed, Str, Walk, Walker};
use crate::scan::{number, time};
use crate::{Batch, Boundary, Chunk, Decoder, Facts, Family, Format, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict};

use super::documents::{self, Recorder};
use super::elastic_event::{Class, Timed};
use super::ids;
use super::span::believed;

const MICRO: i64 = 1_000;

/// Objects in documents nest a few levels; what lies deeper is of no interest.
const DEPTH: usize = 6;

/// The format.
pub(super) struct ElasticDocuments;

static SPEC: Spec = Spec {
    name: "elastic-apm-docs",
    family: Family::Apm,
    title: "Elastic APM documents out of Elasticsearch",
    source: "https://www.elastic.co/docs/reference/apm/observability/apm-data-model",
    stamp: Stamp::Start,
    unit: Some(Unit::Micros),
    resolution_ns: 1_000,
    sample: concat!(
        r#"{"_index":"traces-apm","_source":{"@timestamp":"2023-11-14T22:13:20.000Z","timestamp":{"us":1700000000000000},"processor":{"event":"transaction"},"trace":{"id":"0123456789abcdef0123456789abcdef"},"transaction":{"id":"945254c567a5417e","name":"GET /pay","type":"request","duration":{"us":100000}},"service":{"name":"api"},"event":{"outcome":"success"}}}"#,
        "\n",
        r#"{"_index":"traces-apm","_source":{"@timestamp":"2023-11-14T22:13:20.010Z","processor":{"event":"span"},"trace":{"id":"0123456789abcdef0123456789abcdef"},"transaction":{"id":"945254c567a5417e"},"parent":{"id":"945254c567a5417e"},"span":{"id":"0aaaaaaaaaaaaaaa","name":"SELECT FROM acc","type":"db","subtype":"mysql","duration":{"us":50000},"db":{"statement":"SELECT * FROM acc WHERE id=1"}},"service":{"name":"api"}}}"#,
        "\n",
    ),
};

impl Format for ElasticDocuments {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let mut walker = Walker::new(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
        let mut found = false;
        // Every way out is an error, as is the end of a head that was cut.
        let _ = documents::objects(&mut walker, &mut |w| {
            let mut first = None;
            let _ = hits(w, &mut |w| {
                first = Some(w.clone());
                Err(Malformed { at: 0 })
            });
            found = first.is_some_and(|mut hit| is_event(&mut hit));
            Err(Malformed { at: 0 })
        });
        if found { Verdict::new(96, "documents of transactions or spans with \"duration.us\"") } else { Verdict::NO }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(DocumentsDecoder { boundary: documents::boundary(head) }))
    }
}

/// Whether a document, which may be cut, is of a trace and states a duration.
fn is_event(w: &mut Walker<'_>) -> bool {
    let (mut trace, mut duration) = (false, false);
    let _ = flatten(w, &mut |key, _| {
        trace |= key == b"trace.id";
        duration |= matches!(key, b"transaction.duration.us" | b"span.duration.us");
    });
    trace && duration
}

struct DocumentsDecoder {
    boundary: Boundary,
}

impl Decoder for DocumentsDecoder {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::Start),
            unit: Some(Unit::Micros),
            resolution_ns: 1_000,
            // Documents that have no `timestamp.us` are stamped in milliseconds.
            stamp_resolution_ns: 1_000_000,
            ..Facts::default()
        }
    }

    fn boundary(&self) -> Boundary {
        self.boundary
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        documents::each(chunk, self.boundary, batch, |w, out| documents::objects(w, &mut |w| hits(w, &mut |w| document(w, out))));
    }
}

/// Shows each hit of a search's answer, or the document itself.
fn hits<'a>(w: &mut Walker<'a>, each: &mut impl FnMut(&mut Walker<'a>) -> Walk<()>) -> Walk<()> {
    let start = w.clone();
    let mut answered = false;
    w.object(|w, key| match key.raw {
        b"hits" if w.peek() == b'{' => {
            answered = true;
            w.object(|w, key| match key.raw {
                b"hits" if w.peek() == b'[' => w.array(|w| {
                    w.peek();
                    each(w)
                }),
                _ => w.skip().map(drop),
            })
        }
        // An answer starts with a few numbers; a document does not.
        b"took" | b"timed_out" | b"_shards" | b"pit_id" | b"_scroll_id" => w.skip().map(drop),
        _ if answered => w.skip().map(drop),
        _ => Err(Malformed { at: 0 }),
    })
    .or_else(|error| {
        if answered {
            return Err(error);
        }
        *w = start;
        each(w)
    })
}

/// Shows every text and number of a document with its dotted path, without the envelope of a hit; each
/// value of a list has the path of the list.
fn flatten<'a>(w: &mut Walker<'a>, each: &mut dyn FnMut(&[u8], Str<'a>)) -> Walk<()> {
    let mut path = Vec::new();
    level(w, &mut path, 0, each)
}

/// One level of a document: deeper than [`DEPTH`] nothing is looked at, which bounds the recursion.
fn level<'a>(w: &mut Walker<'a>, path: &mut Vec<u8>, depth: usize, each: &mut dyn FnMut(&[u8], Str<'a>)) -> Walk<()> {
    let len = path.len();
    w.object(|w, key| {
        path.truncate(len);
        if !path.is_empty() {
            path.push(b'.');
        }
        if !matches!(key.raw, b"_source" | b"fields") || depth > 0 {
            path.extend_from_slice(key.raw);
        }
        match w.peek() {
            b'{' if depth < DEPTH => level(w, path, depth + 1, each),
            b'[' if depth < DEPTH => w.array(|w| match w.peek() {
                b'{' | b'[' => w.skip().map(drop),
                _ => {
                    each(path, w.text()?);
                    Ok(())
                }
            }),
            _ => {
                each(path, w.text()?);
                Ok(())
            }
        }
    })
}

fn document<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>) -> Walk<()> {
    let at = w.position();
    out.begin(at);
    let mut read = Timed::default();
    let (mut event, mut transaction, mut own, mut stamp) = (&b""[..], None, None, &b""[..]);
    let (mut micros, mut net): (&[u8], &[u8]) = (b"", b"");
    flatten(w, &mut |key, value| match key {
        b"processor.event" => event = value.raw,
        b"trace.id" => read.span.trace = ids::trace(value.raw),
        b"transaction.id" => transaction = ids::span(value.raw),
        b"span.id" => own = ids::span(value.raw),
        b"parent.id" => read.span.parent = ids::span(value.raw),
        b"child.id" => read.children.extend(ids::span(value.raw)),
        b"timestamp.us" => read.timestamp = value.raw,
        b"@timestamp" => stamp = value.raw,
        b"transaction.duration.us" | b"span.duration.us" => {
            micros = value.raw;
            if event.is_empty() {
                event = if key.starts_with(b"span") { b"span" } else { b"transaction" };
            }
        }
        b"transaction.name" if event != b"span" => read.span.name = read.span.keep(value),
        b"span.name" => read.span.name = read.span.keep(value),
        b"transaction.type" if event != b"span" => read.kind = value.raw,
        b"span.type" => read.kind = value.raw,
        b"span.subtype" => read.subtype = value.raw,
        b"span.action" => read.action = value.raw,
        b"span.composite.count" => read.composite.0 = value.raw,
        b"span.composite.sum.us" => net = value.raw,
        b"span.destination.service.resource" => read.resource = read.span.keep(value),
        b"span.message.queue.name" => read.span.put(b"messaging.destination.name", value),
        b"span.db.statement" => read.span.put(b"db.statement", value),
        b"span.db.rows_affected" => read.span.put(b"db.response.returned_rows", value),
        b"service.name" => read.span.service = read.span.keep(value),
        b"kubernetes.pod.name" => read.span.put(b"k8s.pod.name", value),
        b"service.node.name" => read.span.put(b"service.instance.id", value),
        b"host.name" | b"host.hostname" => read.span.put(b"host.name", value),
        b"event.outcome" => read.outcome = value.raw,
        b"http.request.method" | b"span.http.method" => read.span.put(b"http.method", value),
        b"http.response.status_code" | b"span.http.response.status_code" => read.span.put(b"http.status_code", value),
        b"url.path" => read.span.put(b"url.path", value),
        b"url.full" | b"url.original" | b"span.http.url.original" => read.span.put(b"http.url", value),
        b"destination.address" => read.span.put(b"server.address", value),
        b"destination.port" => read.span.put(b"server.port", value),
        _ => {}
    })?;
    let len = w.position() - at;
    read.class = match event {
        b"span" => Class::Span,
        b"transaction" => Class::Transaction,
        _ => {
            out.nothing();
            return Ok(());
        }
    };
    read.span.id = if read.class == Class::Span { own } else { transaction };
    if read.class == Class::Span {
        read.span.parent = read.span.parent.or(transaction);
    }
    let count = std::mem::take(&mut read.composite.0);
    let settled = read.settle(|_| None).and_then(|()| {
        if read.span.start.is_none() && !stamp.is_empty() {
            read.span.start = Some(time::iso(stamp)?.nanos);
        }
        read.span.duration = if micros.is_empty() { None } else { Some(scaled(micros)?) };
        if let (Ok(count), Ok(sum)) = (number::whole(count), scaled(net)) {
            read.span.count = u32::try_from(count).ok();
            read.span.net = Some(sum);
        }
        Ok(())
    });
    match settled {
        Err(reason) => out.finish(Err(reason), len),
        Ok(()) => {
            out.push(&read.span);
            out.adopt(&read.span, std::mem::take(&mut read.children));
            out.nothing();
        }
    }
    Ok(())
}

/// Microseconds in nanoseconds; a negative length is one that clocks disagree about: none.
fn scaled(text: &[u8]) -> Result<i64, Reason> {
    believed(number::scaled(text, MICRO).map_err(|_| Reason::Duration)?.max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_dotted_however_they_are_written() {
        let seen = |text: &'static str| {
            let mut seen = Vec::new();
            let _ = flatten(&mut Walker::new(text.as_bytes()), &mut |key, value| {
                seen.push(format!("{}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(value.raw)));
            });
            seen
        };
        assert_eq!(seen(r#"{"_id":"x","_source":{"a":{"b.c":1},"d":["e","f"]}}"#), ["_id=x", "a.b.c=1", "d=e", "d=f"]);
        assert_eq!(seen(r#"{"a.b":{"c":"1"}}"#), ["a.b.c=1"]);
    }
}
