//! Elastic APM's intake stream, version 2, and RUM version 3 with its short keys: one event a line,
//! of which `metadata` says who wrote the lines that follow.
//!
//! Not kept: metric sets, errors, logs and links.
//! Definition: <https://www.elastic.co/docs/solutions/observability/apm/elastic-apm-events-intake-api>.

use hashbrown::HashMap;

use crate::scan::json::{Malformed, Str, Walk, Walker};
use crate::scan::number;
use crate::scan::semconv::Slot;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Kind, Nanos, OpenError, Options, Reason, Role, Spec, Stamp, Unit,
    Verdict,
};

use super::documents::{self, Recorder};
use super::elastic_event::{Class, Dropped, Timed, read_event};
use super::ids;
use super::span::{Span, Status, believed};

const MILLI: Nanos = 1_000_000;

/// The format.
pub(super) struct Elastic;

static SPEC: Spec = Spec {
    name: "elastic-apm",
    family: Family::Apm,
    title: "Elastic APM intake events (v2, RUM v3)",
    source: "https://www.elastic.co/docs/solutions/observability/apm/elastic-apm-events-intake-api",
    stamp: Stamp::Start,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000,
    sample: concat!(
        r#"{"metadata":{"service":{"name":"api","agent":{"name":"java","version":"1.50.0"}}}}"#,
        "\n",
        r#"{"transaction":{"id":"945254c567a5417e","trace_id":"0123456789abcdef0123456789abcdef","name":"GET /pay","type":"request","timestamp":1700000000000000,"duration":100.0,"span_count":{"started":1},"result":"HTTP 2xx"}}"#,
        "\n",
        r#"{"span":{"id":"0aaaaaaaaaaaaaaa","transaction_id":"945254c567a5417e","parent_id":"945254c567a5417e","trace_id":"0123456789abcdef0123456789abcdef","name":"SELECT FROM acc","type":"db","subtype":"mysql","action":"query","timestamp":1700000000010000,"duration":50.0,"context":{"db":{"type":"sql","statement":"SELECT * FROM acc WHERE id=1"}}}}"#,
        "\n",
    ),
};

impl Format for Elastic {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let mut score = 0;
        documents::first_object(head, |w, key| {
            let holds = |w: &mut Walker<'_>, wanted: &[&[u8]]| {
                let mut found = false;
                let _ = w.object(|w, key| {
                    found |= wanted.contains(&key.raw);
                    if found { Err(Malformed { at: 0 }) } else { w.skip().map(drop) }
                });
                found
            };
            score = match key {
                b"metadata" if holds(w, &[b"service"]) => 96,
                b"m" if holds(w, &[b"se"]) => 90,
                b"transaction" if holds(w, &[b"trace_id", b"span_count"]) => 90,
                b"span" if holds(w, &[b"transaction_id"]) => 90,
                _ => 0,
            };
            // Each line has one member, and it is the first.
            true
        });
        if score > 0 { Verdict::new(score, "intake events, one a line") } else { Verdict::NO }
    }

    fn open(&self, _head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(ElasticDecoder))
    }
}

struct ElasticDecoder;

impl Decoder for ElasticDecoder {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::Start),
            unit: Some(Unit::Millis),
            resolution_ns: 1_000,
            stamp_resolution_ns: 1_000,
            ..Facts::default()
        }
    }

    /// A line means what the metadata before it says, however far back that was.
    fn boundary(&self) -> Boundary {
        Boundary::Whole
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut stream = Stream { bytes: chunk.bytes, metadata: Span::default(), starts: None };
        documents::each(chunk, Boundary::Line, batch, |w, out| event(w, out, &mut stream));
    }
}

/// What is known from other lines.
struct Stream<'a> {
    bytes: &'a [u8],
    /// Service and instance as of the last metadata.
    metadata: Span<'a>,
    /// Start of each transaction; made when a span states its own start by it.
    starts: Option<HashMap<u64, i64>>,
}

impl Stream<'_> {
    fn start_of(&mut self, transaction: u64) -> Option<i64> {
        let bytes = self.bytes;
        self.starts.get_or_insert_with(|| starts(bytes)).get(&transaction).copied()
    }
}

/// The start of every transaction of a stream: they come after their spans.
fn starts(bytes: &[u8]) -> HashMap<u64, i64> {
    let mut starts = HashMap::new();
    for line in bytes.split(|&b| b == b'\n') {
        let (mut id, mut start) = (None, None);
        let _ = Walker::new(line).object(|w, key| {
            if key.raw != b"transaction" {
                return Err(Malformed { at: 0 });
            }
            w.object(|w, key| {
                match key.raw {
                    b"id" => id = ids::span(w.text()?.raw),
                    b"timestamp" => start = number::scaled(w.text()?.raw, 1_000).ok(),
                    _ => {
                        w.skip()?;
                    }
                }
                Ok(())
            })
        });
        if let (Some(id), Some(start)) = (id, start) {
            starts.insert(id, start);
        }
    }
    starts
}

fn event<'a>(w: &mut Walker<'a>, out: &mut Recorder<'a, '_>, stream: &mut Stream<'a>) -> Walk<()> {
    w.peek();
    let at = w.position();
    w.object(|w, key| match (key.raw, w.peek()) {
        (b"metadata", b'{') => metadata(w, stream, false),
        (b"m", b'{') => metadata(w, stream, true),
        (b"transaction" | b"span" | b"x", b'{') => {
            out.begin(at);
            let class = if key.raw == b"span" { Class::Span } else { Class::Transaction };
            let mut read = Timed { class, ..Timed::default() };
            read.span.service = stream.metadata.service;
            read.span.instance = stream.metadata.instance;
            read.span.escaped = stream.metadata.escaped;
            let short = key.raw == b"x";
            read_event(w, &mut read, short)?;
            finish(read, out, w.position() - at, stream);
            Ok(())
        }
        _ => w.skip().map(drop),
    })
}

fn metadata<'a>(w: &mut Walker<'a>, stream: &mut Stream<'a>, short: bool) -> Walk<()> {
    let mut read = Span::default();
    let mut name = Str { raw: b"", escaped: false };
    w.object(|w, key| match (key.raw, w.peek()) {
        (b"service" | b"se", b'{') => w.object(|w, key| match (key.raw, w.peek()) {
            (b"name", b'"') => {
                name = w.string()?;
                Ok(())
            }
            (b"n", b'"') if short => {
                name = w.string()?;
                Ok(())
            }
            (b"node", b'{') => w.object(|w, key| {
                let value = w.text()?;
                if key.raw == b"configured_name" {
                    read.put(b"service.instance.id", value);
                }
                Ok(())
            }),
            _ => w.skip().map(drop),
        }),
        (b"system", b'{') => w.object(|w, key| match (key.raw, w.peek()) {
            (b"configured_hostname", _) => {
                let value = w.text()?;
                read.put(b"host.name", value);
                Ok(())
            }
            (b"detected_hostname" | b"hostname", _) => {
                let value = w.text()?;
                read.put(b"hostname", value);
                Ok(())
            }
            (b"kubernetes", b'{') => w.object(|w, key| match (key.raw, w.peek()) {
                (b"pod", b'{') => w.object(|w, key| {
                    let value = w.text()?;
                    if key.raw == b"name" {
                        read.put(b"k8s.pod.name", value);
                    }
                    Ok(())
                }),
                _ => w.skip().map(drop),
            }),
            _ => w.skip().map(drop),
        }),
        _ => w.skip().map(drop),
    })?;
    read.service = read.keep(name);
    read.instance = read.attributes.get(Slot::Instance);
    stream.metadata = read;
    Ok(())
}

fn finish<'a>(mut read: Timed<'a>, out: &mut Recorder<'a, '_>, len: usize, stream: &mut Stream<'a>) {
    if read.span.id.is_none() && read.span.name.is_empty() {
        return out.finish(Err(Reason::Shape), len);
    }
    if let Err(reason) = read.settle(|transaction| stream.start_of(transaction)) {
        return out.finish(Err(reason), len);
    }
    out.push(&read.span);
    out.adopt(&read.span, std::mem::take(&mut read.children));
    for dropped in &read.dropped {
        dropped.push(&read.span, out);
    }
    let inner = std::mem::take(&mut read.inner);
    let ids: Vec<_> = inner.iter().map(|(one, _)| one.span.id).collect();
    for (mut one, parent) in inner {
        one.span.trace = read.span.trace;
        one.span.parent = parent.and_then(|i| ids.get(i).copied().flatten()).or(read.span.id);
        (one.span.service, one.span.instance) = (read.span.service, read.span.instance);
        one.span.escaped |= read.span.escaped;
        // Times that cannot be read leave the span without them, as the record is the transaction.
        let _ = one.settle(|transaction| stream.start_of(transaction));
        out.push(&one.span);
    }
    out.nothing();
}

impl<'a> Timed<'a> {
    /// Makes kind, role, times and outcome of what was read. `start_of` knows the starts of transactions.
    pub(super) fn settle(&mut self, start_of: impl FnOnce(u64) -> Option<i64>) -> Result<(), Reason> {
        // Old agents write `db.postgresql.query` for type, subtype and action.
        if self.subtype.is_empty() {
            let mut parts = self.kind.splitn(3, |&b| b == b'.');
            self.kind = parts.next().unwrap_or_default();
            self.subtype = parts.next().unwrap_or_default();
            if self.action.is_empty() {
                self.action = parts.next().unwrap_or_default();
            }
        }
        match self.class {
            Class::Transaction => {
                self.span.role = match self.kind {
                    b"request" => Role::Server,
                    b"messaging" => Role::Consumer,
                    // A scheduled job, a page load: nobody called.
                    _ => Role::Unknown,
                };
                self.span.kind = Some(Kind::Request);
            }
            Class::Span => self.call(),
        }
        if self.outcome == b"failure" {
            self.span.status = Status::Error;
        } else if self.outcome == b"success" {
            self.span.status = Status::Ok;
        }
        let span = &mut self.span;
        if !self.duration.is_empty() {
            span.duration = Some(number::duration(self.duration, MILLI)?);
        }
        if !self.timestamp.is_empty() {
            span.start = Some(number::scaled(self.timestamp, 1_000).map_err(|_| Reason::Time)?);
        } else if !self.offset.is_empty() {
            let offset = number::scaled(self.offset, MILLI).map_err(|_| Reason::Time)?;
            let start = self.transaction.and_then(start_of);
            span.start = start.and_then(|start| start.checked_add(offset));
        }
        if let (Ok(count), Ok(sum)) = (number::whole(self.composite.0), number::duration(self.composite.1, MILLI)) {
            span.count = u32::try_from(count).ok();
            span.net = Some(sum);
        }
        Ok(())
    }

    /// Makes kind and role out of a span's type.
    fn call(&mut self) {
        let span = &mut self.span;
        let peer: &[u8] = self.resource;
        match self.kind {
            b"db" | b"cache" => {
                span.role = Role::Client;
                let cache = self.kind == b"cache" && self.subtype.is_empty();
                span.attributes.set(
                    Slot::System,
                    if cache {
                        b"cache"
                    } else if self.subtype.is_empty() {
                        b"sql"
                    } else {
                        self.subtype
                    },
                );
                span.attributes.put(b"peer.service", peer);
            }
            b"external" => {
                span.role = Role::Client;
                span.attributes.put(b"peer.service", peer);
            }
            b"messaging" => {
                let sends = matches!(self.action, b"send" | b"publish" | b"put" | b"produce");
                span.role = if sends { Role::Producer } else { Role::Client };
                span.attributes.set(Slot::Messaging, self.subtype);
                span.attributes.put(b"peer.service", peer);
                span.kind = Some(Kind::Messaging);
            }
            _ => span.role = Role::Internal,
        }
    }
}

impl Dropped<'_> {
    /// Adds calls that have a sum but no place in time.
    fn push(&self, transaction: &Span<'_>, out: &mut Recorder<'_, '_>) {
        let Ok(micros) = number::scaled(self.micros, 1_000) else { return };
        let product =
            if self.product.is_empty() { self.resource.split(|&b| b == b'/').next().unwrap_or_default() } else { self.product };
        let (kind, slot) = match product {
            b"redis" | b"memcached" => (Kind::Cache, Slot::System),
            b"mysql" | b"postgresql" | b"oracle" | b"mssql" | b"sqlserver" | b"db2" | b"h2" | b"mariadb" | b"sqlite"
            | b"mongodb" | b"elasticsearch" | b"cassandra" | b"dynamodb" | b"cosmosdb" | b"hsqldb" | b"derby" => {
                (Kind::Database, Slot::System)
            }
            b"kafka" | b"rabbitmq" | b"sqs" | b"sns" | b"jms" | b"azureservicebus" | b"azurequeue" | b"activemq" => {
                (Kind::Messaging, Slot::Messaging)
            }
            _ => (Kind::External, Slot::Rpc),
        };
        let mut span = Span {
            trace: transaction.trace,
            parent: transaction.id,
            name: self.resource,
            service: transaction.service,
            instance: transaction.instance,
            role: Role::Client,
            kind: Some(kind),
            duration: believed(micros.max(0)).ok(),
            count: number::whole(self.count).ok().and_then(|count| u32::try_from(count).ok()),
            escaped: transaction.escaped || self.escaped,
            status: if self.outcome == b"failure" { Status::Error } else { Status::Unset },
            ..Span::default()
        };
        if slot != Slot::Rpc {
            span.attributes.set(slot, product);
        }
        span.attributes.put(b"peer.service", self.resource);
        out.push(&span);
    }
}
