//! The search and indexing slow logs of Elasticsearch and OpenSearch, as text and as JSON.
//!
//! A record is about one shard. Query and fetch phase have records of their own. A source as text may
//! run over several lines.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/current/index-modules-slowlog.html>

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::blocks::{each_record, head_lines};
use crate::lines::each_line;
use crate::scan::json::{Str, Walker};
use crate::scan::json_shape::shape;
use crate::scan::{duration, number, time};
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, Kind, Nanos, OpenError, Operation, Options, Reason, Role, Spec,
    Stamp, Unit, Verdict,
};

/// The slow logs of Elasticsearch.
pub struct ElasticsearchSlow;

static SPEC: Spec = Spec {
    name: "elasticsearch-slow",
    family: Family::Transaction,
    title: "Elasticsearch and OpenSearch slow logs, text and JSON",
    source: "https://www.elastic.co/guide/en/elasticsearch/reference/current/index-modules-slowlog.html",
    stamp: Stamp::End,
    unit: None,
    resolution_ns: 1_000_000,
    sample: r#"[2026-11-22T17:55:51,653][WARN ][index.search.slowlog.query] [node-1] [accounts][0] took[1.2s], took_millis[1234], total_hits[5 hits], types[], stats[], search_type[QUERY_THEN_FETCH], total_shards[5], source[{"query":{"term":{"owner":"x"}},"size":10}], id[],
[2026-11-22T17:55:51,700][INFO ][index.search.slowlog.fetch] [node-1] [accounts][0] took[12.5ms], took_millis[12], total_hits[5 hits], types[], stats[], search_type[QUERY_THEN_FETCH], total_shards[5], source[{"query":{"term":{"owner":"x"}},"size":10}], id[],
"#,
};

impl Format for ElasticsearchSlow {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let json = is_json(head);
        let lines: Vec<_> = head_lines(head, 30).filter(|line| json || starts_text(line)).collect();
        let n = lines.iter().filter(|line| is_slow(line)).count();
        if n == 0 || n * 10 < lines.len() * 6 {
            return Verdict::NO;
        }
        Verdict::new(96, format!("{n} of {} lines of a slowlog with took", lines.len()))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let first = head_lines(head, 30).find_map(|line| Entry::read(line).ok()).and_then(|entry| time::iso(entry.stamp).ok());
        let zone_missing = first.is_some_and(|stamp| !stamp.zoned);
        let mut facts = Facts {
            stamp: Some(Stamp::End),
            resolution_ns: 1_000_000,
            stamp_resolution_ns: first.map_or(0, time::Stamp::resolution_ns),
            zone_missing,
            ..Facts::default()
        };
        if zone_missing {
            facts.assumptions.push("The timestamps have no zone; they were read as UTC.".to_owned());
        }
        Ok(Box::new(SlowlogDecoder { json: is_json(head), facts }))
    }
}

/// Whether the records are JSON, one a line.
fn is_json(head: &[u8]) -> bool {
    head.trim_ascii_start().first() == Some(&b'{')
}

/// Whether a line begins a record of the text form; a source may run over lines that do not.
fn starts_text(line: &[u8]) -> bool {
    line.first() == Some(&b'[')
        && line.get(1..5).is_some_and(|year| year.iter().all(u8::is_ascii_digit))
        && line.get(5) == Some(&b'-')
}

fn is_slow(line: &[u8]) -> bool {
    let has = |text: &[u8]| memmem::find(line, text).is_some();
    match line.first() {
        // Elasticsearch 7 abbreviates the logger: `i.s.s.query`.
        Some(b'[') => has(b" took[") && (has(b".slowlog") || has(b" took_millis[")),
        Some(b'{') => has(b"slowlog") && (has(b"\"took\"") || has(b"slowlog.took\"")),
        _ => false,
    }
}

struct SlowlogDecoder {
    json: bool,
    facts: Facts,
}

/// A record, text or JSON.
#[derive(Default)]
struct Entry<'a> {
    stamp: &'a [u8],
    /// `query`, `fetch` or `index`.
    step: &'a [u8],
    index: &'a [u8],
    node: Option<&'a [u8]>,
    took: &'a [u8],
    millis: Option<&'a [u8]>,
    hits: Option<&'a [u8]>,
    source: Str<'a>,
    /// X-Opaque-Id.
    request: Option<&'a [u8]>,
    trace: Option<&'a [u8]>,
}

impl Decoder for SlowlogDecoder {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn boundary(&self) -> Boundary {
        if self.json { Boundary::Line } else { Boundary::Record }
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        self.json || starts_text(line)
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        if self.json {
            each_line(chunk, batch, record);
        } else {
            each_record(chunk, batch, starts_text, record);
        }
    }
}

/// Reads a record.
fn record(line: &[u8], batch: &mut Batch) -> Result<(), Reason> {
    let entry = Entry::read(line)?;
    let took = entry.duration()?;
    let end = time::iso(entry.stamp)?.nanos;
    let mut name = [entry.step, b" ", entry.index].concat();
    // The document of an indexing record differs each time: it is no part of what was asked.
    if entry.step != b"index" && !entry.source.raw.is_empty() {
        name.push(b' ');
        shape(&unescaped(entry.source.text()), &mut name);
    }
    let mut op = Operation::new(Kind::Database);
    op.role = Role::Server;
    op.start = Some(end.saturating_sub(took));
    op.duration = Some(took);
    op.name = Some(&name);
    op.instance = entry.node;
    op.system = Some(b"elasticsearch");
    op.rows = entry
        .hits
        .map(|hits| &hits[..hits.iter().take_while(|b| b.is_ascii_digit()).count()])
        .and_then(|n| number::whole(n).ok());
    op.request = entry.request.and_then(Id::parse);
    op.trace = entry.trace.and_then(Id::parse);
    batch.push(&op);
    Ok(())
}

/// A source that was escaped twice, as Elasticsearch 8 does, with the quotes it was sent with.
fn unescaped(source: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if source.starts_with(b"{\\\"") { Cow::Owned(Str { raw: &source, escaped: true }.text().into_owned()) } else { source }
}

impl<'a> Entry<'a> {
    fn read(line: &'a [u8]) -> Result<Entry<'a>, Reason> {
        if line.first() == Some(&b'{') { Entry::json(line) } else { Entry::text(line) }
    }

    /// `took` in its own unit where that is finer than whole milliseconds; it is rounded to one
    /// decimal, which of seconds is worse than `took_millis`.
    fn duration(&self) -> Result<Nanos, Reason> {
        let fine = self.took.ends_with(b"ms") || self.took.ends_with(b"micros") || self.took.ends_with(b"nanos");
        match self.millis {
            Some(millis) if !fine => number::duration(millis, Unit::Millis.nanos()),
            _ if self.took.is_empty() => Err(Reason::Truncated),
            _ => duration::parse(self.took, None),
        }
    }

    /// `[stamp][level][index.search.slowlog.query] [node] [index][0] took[..], took_millis[..], ...`
    fn text(line: &'a [u8]) -> Result<Entry<'a>, Reason> {
        let mut entry = Entry::default();
        let (stamp, rest) = bracket(line).ok_or(Reason::Shape)?;
        let (_level, rest) = bracket(rest).ok_or(Reason::Shape)?;
        let (logger, rest) = bracket(rest).ok_or(Reason::Shape)?;
        let logger = logger.trim_ascii_end();
        let abbreviated = || logger.starts_with(b"i.s.s.") || logger.starts_with(b"i.i.s.");
        if memmem::find(logger, b"slowlog").is_none() && !abbreviated() && memmem::find(rest, b" took_millis[").is_none() {
            return Err(Reason::Shape);
        }
        entry.stamp = stamp;
        entry.step = step(logger);
        let took = memmem::find(rest, b" took[").ok_or(Reason::Truncated)?;
        // Node, index and shard; old versions write no node, indexing records no shard.
        let mut names = Vec::new();
        let mut before = &rest[..took];
        while let Some((name, after)) = bracket(before.trim_ascii_start()) {
            names.push(name);
            before = after;
        }
        if names.last().is_some_and(|last| last.iter().all(u8::is_ascii_digit)) {
            names.pop();
        }
        let index = names.pop().ok_or(Reason::Shape)?;
        entry.index = &index[..memchr(b'/', index).unwrap_or(index.len())];
        entry.node = names.pop();
        let rest = &rest[took + 1..];
        let source = memmem::find(rest, b"source[");
        let fields = &rest[..source.unwrap_or(rest.len())];
        for field in fields.split(|&b| b == b',') {
            let field = field.trim_ascii();
            let Some(open) = memchr(b'[', field) else { continue };
            let value = field[open + 1..].strip_suffix(b"]").unwrap_or(&field[open + 1..]);
            match &field[..open] {
                b"took" => entry.took = value,
                b"took_millis" => entry.millis = Some(value),
                b"total_hits" => entry.hits = Some(value),
                _ => {}
            }
        }
        if let Some(at) = source {
            let body = &rest[at + 7..];
            let last = || body.iter().rposition(|&b| b == b']');
            let end = [&b"], id["[..], b"], extra_source["].iter().find_map(|next| memmem::rfind(body, next)).or_else(last);
            let end = end.unwrap_or(body.len());
            entry.source = Str { raw: &body[..end], escaped: false };
            let id = memmem::rfind(body, b"], id[").map(|at| &body[at + 6..]);
            entry.request = id.map(|id| &id[..memchr(b']', id).unwrap_or(id.len())]);
        }
        Ok(entry)
    }

    fn json(line: &'a [u8]) -> Result<Entry<'a>, Reason> {
        let mut entry = Entry::default();
        let mut message: &[u8] = b"";
        let walked = Walker::new(line).object(|w, key| {
            let key = key.raw.strip_prefix(b"elasticsearch.slowlog.").unwrap_or(key.raw);
            let Some(value) = (if w.peek() == b'"' { Some(w.string()?) } else { w.scalar()?.map(plain) }) else { return Ok(()) };
            match key {
                b"timestamp" | b"@timestamp" => entry.stamp = value.raw,
                b"type" | b"event.dataset" | b"component" | b"log.logger"
                    if entry.step.is_empty() || key == b"component" || key == b"log.logger" =>
                {
                    entry.step = step(value.raw);
                }
                b"message" => message = value.raw,
                b"took" => entry.took = value.raw,
                b"took_millis" => entry.millis = Some(value.raw),
                b"total_hits" => entry.hits = Some(value.raw),
                b"source" => entry.source = value,
                b"id" => entry.request = Some(value.raw),
                b"trace.id" => entry.trace = Some(value.raw),
                b"node.name" | b"elasticsearch.node.name" => entry.node = Some(value.raw),
                _ => {}
            }
            Ok(())
        });
        if walked.is_err() {
            return Err(if line.ends_with(b"}") { Reason::Shape } else { Reason::Truncated });
        }
        if entry.stamp.is_empty() {
            return Err(Reason::Shape);
        }
        let (index, _) = bracket(message).ok_or(Reason::Shape)?;
        entry.index = &index[..memchr(b'/', index).unwrap_or(index.len())];
        Ok(entry)
    }
}

fn plain(raw: &[u8]) -> Str<'_> {
    Str { raw, escaped: false }
}

/// The step that a logger is of.
fn step(logger: &[u8]) -> &'static [u8] {
    let has = |text: &[u8]| memmem::find(logger, text).is_some();
    if logger.ends_with(b".fetch") {
        b"fetch"
    } else if has(b"index.indexing") || has(b"index_indexing") || has(b"i.i.s.") {
        b"index"
    } else {
        b"query"
    }
}

/// A bracketed text that `text` starts with, and what follows it.
fn bracket(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let body = text.strip_prefix(b"[")?;
    let close = memchr(b']', body)?;
    Some((&body[..close], &body[close + 1..]))
}
