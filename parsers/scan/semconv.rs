//! The attributes of spans that tell what a span did, in both generations of the OpenTelemetry
//! conventions and in the spellings of older tracers: <https://opentelemetry.io/docs/specs/semconv/>.
//!
//! Only what an operation has a place for is kept; a key costs one look at a table of hashes.

use std::borrow::Cow;

use super::json;

/// What an attribute means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Slot {
    /// Database product.
    System,
    /// Text of a statement.
    Statement,
    /// A short name for a statement.
    Summary,
    /// Rows returned or affected.
    Rows,
    /// Route of a server, or template of a client's URL.
    Route,
    /// Path of a URL.
    Path,
    /// Whole URL.
    Url,
    /// HTTP method.
    Method,
    /// HTTP status.
    Status,
    /// Bytes of the response.
    Bytes,
    /// Host or service that was called.
    Peer,
    /// Its port.
    Port,
    /// Product of a message broker.
    Messaging,
    /// Queue or topic.
    Destination,
    /// What was done with a message.
    MessageStep,
    /// RPC product.
    Rpc,
    /// RPC service.
    RpcService,
    /// RPC method.
    RpcMethod,
    /// Status of a gRPC call.
    RpcStatus,
    /// Name or id of a thread.
    Thread,
    /// Name of a pool that was waited for.
    Pool,
    /// Class of an error.
    ErrorType,
    /// Whether there was an error, as OpenTracing says it.
    Error,
    /// Status of the span where the format has no field for it.
    SpanStatus,
    /// Kind of the span where the format has no field for it.
    SpanKind,
    /// Name of the service.
    Service,
    /// Pod, instance or host of the service.
    Instance,
}

/// How many meanings there are.
pub const SLOTS: usize = Slot::Instance as usize + 1;

/// Each key, what it means, and its rank: of two keys of one meaning the lower rank wins.
const KEYS: &[(&str, Slot, u8)] = &[
    ("db.system.name", Slot::System, 0),
    ("db.system", Slot::System, 1),
    ("db.type", Slot::System, 2),
    ("db.query.text", Slot::Statement, 0),
    ("db.statement", Slot::Statement, 1),
    ("sql.query", Slot::Statement, 2),
    ("mongodb.query", Slot::Statement, 3),
    ("redis.raw_command", Slot::Statement, 3),
    ("db.stored_procedure.name", Slot::Statement, 4),
    ("db.query.summary", Slot::Summary, 0),
    ("db.response.returned_rows", Slot::Rows, 0),
    ("db.row_count", Slot::Rows, 1),
    ("http.route", Slot::Route, 0),
    ("url.template", Slot::Route, 1),
    ("url.path", Slot::Path, 0),
    ("http.target", Slot::Path, 1),
    ("http.path", Slot::Path, 2),
    ("url.full", Slot::Url, 0),
    ("http.url", Slot::Url, 1),
    ("url", Slot::Url, 2),
    ("http.request.method", Slot::Method, 0),
    ("http.method", Slot::Method, 1),
    ("http.response.status_code", Slot::Status, 0),
    ("http.status_code", Slot::Status, 1),
    ("status_code", Slot::Status, 2),
    ("http.response.body.size", Slot::Bytes, 0),
    ("http.response_content_length", Slot::Bytes, 1),
    ("server.address", Slot::Peer, 0),
    ("net.peer.name", Slot::Peer, 1),
    ("net.sock.peer.name", Slot::Peer, 2),
    ("peer.hostname", Slot::Peer, 2),
    ("out.host", Slot::Peer, 2),
    ("peer.service", Slot::Peer, 3),
    ("http.host", Slot::Peer, 4),
    ("net.peer.ip", Slot::Peer, 5),
    ("net.sock.peer.addr", Slot::Peer, 5),
    ("network.peer.address", Slot::Peer, 6),
    ("peer.ipv4", Slot::Peer, 7),
    ("peer.address", Slot::Peer, 8),
    ("server.port", Slot::Port, 0),
    ("net.peer.port", Slot::Port, 1),
    ("peer.port", Slot::Port, 2),
    ("network.destination.port", Slot::Port, 2),
    ("messaging.system", Slot::Messaging, 0),
    ("messaging.destination.name", Slot::Destination, 0),
    ("messaging.destination", Slot::Destination, 1),
    ("message_bus.destination", Slot::Destination, 2),
    ("mq.topic", Slot::Destination, 3),
    ("mq.queue", Slot::Destination, 3),
    ("kafka.topic", Slot::Destination, 3),
    ("messaging.operation.type", Slot::MessageStep, 0),
    ("messaging.operation", Slot::MessageStep, 1),
    ("rpc.system.name", Slot::Rpc, 0),
    ("rpc.system", Slot::Rpc, 1),
    ("rpc.service", Slot::RpcService, 0),
    ("rpc.method", Slot::RpcMethod, 0),
    ("rpc.response.status_code", Slot::RpcStatus, 0),
    ("rpc.grpc.status_code", Slot::RpcStatus, 1),
    ("grpc.status_code", Slot::RpcStatus, 2),
    ("thread.name", Slot::Thread, 0),
    ("thread.id", Slot::Thread, 1),
    ("db.client.connection.pool.name", Slot::Pool, 0),
    ("db.client.connections.pool.name", Slot::Pool, 1),
    ("pool.name", Slot::Pool, 2),
    ("error.type", Slot::ErrorType, 0),
    ("exception.type", Slot::ErrorType, 1),
    ("error", Slot::Error, 0),
    ("otel.status_code", Slot::SpanStatus, 0),
    ("span.kind", Slot::SpanKind, 0),
    ("service.name", Slot::Service, 0),
    ("k8s.pod.name", Slot::Instance, 0),
    ("service.instance.id", Slot::Instance, 1),
    ("host.name", Slot::Instance, 2),
    ("hostname", Slot::Instance, 3),
    ("host.id", Slot::Instance, 4),
    ("ip", Slot::Instance, 5),
];

/// The meaning of a key and its rank.
#[inline]
pub fn meaning(key: &[u8]) -> Option<(Slot, u8)> {
    let mut at = hash(key);
    loop {
        let (name, slot, rank) = KEYS[(TABLE[at] as usize).checked_sub(1)?];
        if name.as_bytes() == key {
            return Some((slot, rank));
        }
        at = (at + 1) % TABLE.len();
    }
}

/// Where in `KEYS` a key stands, plus one; 0 is none. Open addressing, at most a third full.
static TABLE: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < KEYS.len() {
        let mut at = hash(KEYS[i].0.as_bytes());
        while table[at] != 0 {
            at = (at + 1) % table.len();
        }
        i += 1;
        table[at] = i as u8;
    }
    table
};

/// A few bytes are enough: the table only has to keep its own keys apart.
#[inline]
const fn hash(key: &[u8]) -> usize {
    let len = key.len();
    if len == 0 {
        return 0;
    }
    let sample = (key[len / 4] as u32) << 24 | (key[len / 2] as u32) << 16 | (key[len * 3 / 4] as u32) << 8 | key[len - 1] as u32;
    ((sample ^ len as u32).wrapping_mul(0x9e37_79b1) >> 24) as usize
}

/// What the attributes of one span say, each meaning once. An empty text is none.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    values: [&'a [u8]; SLOTS],
    ranks: [u8; SLOTS],
}

impl Default for Attributes<'_> {
    fn default() -> Self {
        Attributes { values: [b""; SLOTS], ranks: [u8::MAX; SLOTS] }
    }
}

impl<'a> Attributes<'a> {
    /// Takes note of an attribute and tells whether it was of interest.
    #[inline]
    pub fn put(&mut self, key: &[u8], value: &'a [u8]) -> bool {
        if let Some((slot, rank)) = meaning(key)
            && rank < self.ranks[slot as usize]
            && !value.is_empty()
        {
            self.values[slot as usize] = value;
            self.ranks[slot as usize] = rank;
            return true;
        }
        false
    }

    /// Sets a meaning that a format states in a field of its own; such a field goes before any
    /// attribute. An empty value changes nothing.
    pub fn set(&mut self, slot: Slot, value: &'a [u8]) {
        if !value.is_empty() {
            self.values[slot as usize] = value;
            self.ranks[slot as usize] = 0;
        }
    }

    /// Takes from other attributes what these do not say, or say by a key of higher rank.
    pub fn fill(&mut self, other: &Attributes<'a>) {
        for slot in 0..SLOTS {
            if other.ranks[slot] < self.ranks[slot] {
                (self.values[slot], self.ranks[slot]) = (other.values[slot], other.ranks[slot]);
            }
        }
    }

    /// What is said of a meaning; empty when nothing is.
    #[inline]
    pub fn get(&self, slot: Slot) -> &'a [u8] {
        self.values[slot as usize]
    }

    /// Every value with its JSON escapes replaced.
    pub fn texts(&self) -> [Cow<'a, [u8]>; SLOTS] {
        self.values.map(json::text)
    }

    /// The same with other values.
    pub fn with<'t>(&self, texts: &'t [Cow<'_, [u8]>; SLOTS]) -> Attributes<'t> {
        Attributes { values: std::array::from_fn(|i| &*texts[i]), ranks: self.ranks }
    }

    /// Whether anything is said of a meaning.
    #[inline]
    pub fn has(&self, slot: Slot) -> bool {
        !self.values[slot as usize].is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_others_are_not() {
        for &(key, slot, rank) in KEYS {
            assert_eq!(meaning(key.as_bytes()), Some((slot, rank)), "{key}");
        }
        for key in ["", "x", "http", "http.routes", "db.systen", "url.scheme", "net.peer"] {
            assert_eq!(meaning(key.as_bytes()), None, "{key}");
        }
    }

    #[test]
    fn the_new_generation_wins_in_any_order() {
        let pairs = [("http.status_code", "500"), ("http.response.status_code", "200"), ("status_code", "404")];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let mut attributes = Attributes::default();
            for i in order {
                attributes.put(pairs[i].0.as_bytes(), pairs[i].1.as_bytes());
            }
            assert_eq!(attributes.get(Slot::Status), b"200");
        }
    }
}
