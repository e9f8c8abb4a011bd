//! A span as its format told it, and what operation it is. All trace formats end here.
//!
//! Conventions: <https://opentelemetry.io/docs/specs/semconv/>. A span says who called whom in its
//! kind, and what for in its attributes; where they differ the attributes decide.

use super::wait;
use crate::scan::json::{self, Str};
use crate::scan::number;
use crate::scan::semconv::{Attributes, Slot};
use crate::{Batch, Id, Kind, Nanos, Operation, Outcome, Parts, Reason, Role};

/// How a span says that it ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Status {
    /// Not at all.
    #[default]
    Unset,
    Ok,
    Error,
}

/// A span. Empty texts are absent ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Span<'a> {
    pub(super) trace: Option<Id>,
    pub(super) id: Option<u64>,
    pub(super) parent: Option<u64>,
    /// What the span merely follows, see [`Operation::follows`].
    pub(super) follows: Option<u64>,
    pub(super) name: &'a [u8],
    pub(super) service: &'a [u8],
    pub(super) instance: &'a [u8],
    pub(super) role: Role,
    pub(super) status: Status,
    /// Whether an exception was recorded, which the span may have dealt with.
    pub(super) raised: bool,
    pub(super) start: Option<i64>,
    pub(super) duration: Option<Nanos>,
    pub(super) count: Option<u32>,
    /// Time within the duration in which the calls of a composite span ran.
    pub(super) net: Option<Nanos>,
    /// What the format itself calls the span; the attributes decide when it does not say.
    pub(super) kind: Option<Kind>,
    pub(super) attributes: Attributes<'a>,
    /// Whether a text has JSON escapes in it, as texts are kept as they stand between the quotes.
    pub(super) escaped: bool,
}

impl<'a> Span<'a> {
    /// A text to be kept in one of the fields.
    #[inline]
    pub(super) fn keep(&mut self, text: Str<'a>) -> &'a [u8] {
        self.escaped |= text.escaped;
        text.raw
    }

    /// Takes note of an attribute.
    #[inline]
    pub(super) fn put(&mut self, key: &[u8], value: Str<'a>) {
        if self.attributes.put(key, value.raw) {
            self.escaped |= value.escaped;
        }
    }

    /// Takes note of an attribute of an event in which an exception was recorded. One that says it did
    /// not leave the span was dealt with there.
    pub(super) fn exception(&mut self, key: &[u8], value: Str<'a>) {
        match key {
            b"exception.type" => self.put(key, value),
            b"exception.escaped" if value.raw.eq_ignore_ascii_case(b"false") => self.raised = false,
            _ => {}
        }
    }

    /// Takes note of a link to another span: of its trace, it may be the sibling that this one followed.
    /// A link to the parent says no more than that it is the parent.
    pub(super) fn link(&mut self, trace: Option<Id>, span: Option<u64>) {
        if trace == self.trace && span.is_some() && span != self.parent {
            self.follows = span;
        }
    }

    /// Sets start and duration from two stamps in nanoseconds, 0 being none. A span that ends
    /// before it starts has no length.
    pub(super) fn between(&mut self, start: u64, end: u64) -> Result<(), Reason> {
        self.start = if start == 0 { None } else { Some(i64::try_from(start).map_err(|_| Reason::Time)?) };
        if start != 0 && end != 0 {
            self.duration = Some(believed(i64::try_from(end.saturating_sub(start)).map_err(|_| Reason::Duration)?)?);
        }
        Ok(())
    }

    /// Adds the operation that the span is to the record begun last.
    pub(super) fn push(&self, batch: &mut Batch) {
        if !self.escaped {
            return self.push_plain(batch);
        }
        let (name, service, instance) = (json::text(self.name), json::text(self.service), json::text(self.instance));
        let texts = self.attributes.texts();
        let attributes = self.attributes.with(&texts);
        let (trace, status) = (self.trace, self.status);
        let plain = Span { name: &name, service: &service, instance: &instance, attributes, trace, status, ..*self };
        plain.push_plain(batch);
    }

    fn push_plain(&self, batch: &mut Batch) {
        let attributes = &self.attributes;
        let role = if attributes.has(Slot::SpanKind) { role_named(attributes.get(Slot::SpanKind)) } else { self.role };
        let (kind, role) = self.kind.map_or_else(|| self.classify(role), |kind| (kind, role));
        let (mut scratch, mut peer_scratch) = (Vec::new(), Vec::new());
        let name = match kind {
            Kind::Request => self.request(&mut scratch),
            Kind::External => self.external(&mut scratch),
            Kind::Database | Kind::Cache => self.first(&[Slot::Statement, Slot::Summary]),
            Kind::Messaging => self.first(&[Slot::Destination]),
            Kind::PoolWait | Kind::ThreadWait | Kind::SocketWait | Kind::LockWait if attributes.has(Slot::Pool) => {
                attributes.get(Slot::Pool)
            }
            Kind::PoolWait | Kind::ThreadWait | Kind::SocketWait | Kind::LockWait => wait::resource(self.name),
            _ => self.name,
        };
        let method = match kind {
            Kind::Request | Kind::External if attributes.has(Slot::Method) => attributes.get(Slot::Method),
            Kind::Request | Kind::External => method_and_path(self.name).0,
            _ => b"",
        };
        let peer = match kind {
            Kind::External | Kind::Database | Kind::Cache | Kind::Messaging => self.peer(&mut peer_scratch),
            _ => b"",
        };
        let system = match kind {
            Kind::Database | Kind::Cache | Kind::PoolWait => product(attributes.get(Slot::System)),
            Kind::Messaging => attributes.get(Slot::Messaging),
            Kind::External if attributes.has(Slot::Rpc) => attributes.get(Slot::Rpc),
            Kind::External if !method.is_empty() => b"http",
            _ => b"",
        };
        let status = number::status(attributes.get(Slot::Status)).ok().flatten();
        batch.push(&Operation {
            role,
            outcome: self.outcome(status),
            start: self.start,
            duration: self.duration,
            trace: self.trace,
            span: self.id,
            parent_span: self.parent(),
            follows: self.follows.filter(|&follows| Some(follows) != self.id),
            service: some(if self.service.is_empty() { attributes.get(Slot::Service) } else { self.service }),
            instance: some(if self.instance.is_empty() { attributes.get(Slot::Instance) } else { self.instance }),
            name: some(name),
            method: some(method),
            thread: some(attributes.get(Slot::Thread)),
            system: some(system),
            peer: some(peer),
            status,
            bytes: number::whole(attributes.get(Slot::Bytes)).ok(),
            count: self.count,
            rows: number::whole(attributes.get(Slot::Rows)).ok(),
            parts: match kind {
                Kind::Database => Parts { database: self.net, ..Parts::default() },
                _ => Parts { external: self.net, ..Parts::default() },
            },
            ..Operation::new(kind)
        });
    }

    /// A span that names itself as its parent has none.
    fn parent(&self) -> Option<u64> {
        self.parent.filter(|&parent| Some(parent) != self.id)
    }

    fn classify(&self, role: Role) -> (Kind, Role) {
        let attributes = &self.attributes;
        if !matches!(role, Role::Server | Role::Consumer)
            && let Some(kind) = wait::kind(self.name, attributes)
        {
            return (kind, role);
        }
        let queries = attributes.has(Slot::Statement) || attributes.has(Slot::Summary);
        match role {
            Role::Server => (Kind::Request, role),
            // A consumer that takes a message off the broker waits for it; one that works on it serves it.
            Role::Consumer if matches!(attributes.get(Slot::MessageStep), b"receive" | b"poll" | b"settle") => {
                (Kind::Messaging, role)
            }
            Role::Consumer => (Kind::Request, role),
            Role::Producer => (Kind::Messaging, role),
            // An ORM's span around the driver's says the product but no statement.
            Role::Internal if !queries => (Kind::Internal, role),
            _ if attributes.has(Slot::System) && !queries && connects(self.name) => (Kind::Internal, role),
            _ if attributes.has(Slot::System) || queries => (database(attributes.get(Slot::System)), role),
            Role::Client if attributes.has(Slot::Messaging) => (Kind::Messaging, role),
            Role::Client => (Kind::External, role),
            Role::Internal => (Kind::Internal, role),
            // Nothing says which side it was: the outermost span is what was asked for.
            Role::Unknown if self.parent().is_none() => (Kind::Request, role),
            Role::Unknown if attributes.has(Slot::Messaging) => (Kind::Messaging, role),
            Role::Unknown if attributes.has(Slot::Url) && attributes.has(Slot::Method) => (Kind::External, Role::Client),
            Role::Unknown => (Kind::Internal, role),
        }
    }

    fn outcome(&self, http: Option<u16>) -> Outcome {
        let attributes = &self.attributes;
        let of_status = http.map_or(Outcome::Unknown, Outcome::of_status);
        if matches!(of_status, Outcome::TimedOut | Outcome::Abandoned) {
            return of_status;
        }
        let class = attributes.get(Slot::ErrorType);
        let flag = attributes.get(Slot::Error);
        let status = attributes.get(Slot::SpanStatus);
        let failed = self.status == Status::Error
            || status.eq_ignore_ascii_case(b"ERROR")
            || !(flag.is_empty() || flag.eq_ignore_ascii_case(b"false") || flag == b"0");
        let failure = if names_timeout(class) || names_timeout(flag) { Outcome::TimedOut } else { Outcome::Failed };
        if failed {
            return failure;
        }
        if of_status != Outcome::Unknown {
            return of_status;
        }
        match of_grpc(attributes.get(Slot::RpcStatus)) {
            Outcome::Unknown if self.status == Status::Ok || status.eq_ignore_ascii_case(b"OK") => Outcome::Ok,
            // What was thrown counts where nothing else tells how the span ended.
            Outcome::Unknown if self.raised => failure,
            outcome => outcome,
        }
    }

    /// The endpoint: its route, else a name that holds one, else the path, else what was called by RPC
    /// or taken from a queue, else the name.
    fn request<'s>(&'s self, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        if self.attributes.has(Slot::Route) {
            return self.attributes.get(Slot::Route);
        }
        let (method, named) = method_and_path(self.name);
        if !method.is_empty() && named.starts_with(b"/") {
            return named;
        }
        match path(&self.attributes) {
            b"" => match self.procedure(scratch) {
                b"" => self.first(&[Slot::Destination]),
                procedure => procedure,
            },
            path => path,
        }
    }

    /// What was called elsewhere: template, procedure, path, name.
    fn external<'s>(&'s self, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        if self.attributes.has(Slot::Route) {
            return self.attributes.get(Slot::Route);
        }
        let (method, named) = method_and_path(self.name);
        if !method.is_empty() && named.starts_with(b"/") {
            return named;
        }
        let procedure = self.procedure(scratch);
        if !procedure.is_empty() {
            return procedure;
        }
        // A name that is a bare method or host says less than the path.
        let path = path(&self.attributes);
        let bare = !method.is_empty()
            || self.name.eq_ignore_ascii_case(self.attributes.get(Slot::Method))
            || self.name == self.attributes.get(Slot::Peer);
        if path.is_empty() || !bare { self.name } else { path }
    }

    /// `service/method` of a remote procedure call.
    fn procedure<'s>(&'s self, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        let (service, method) = (self.attributes.get(Slot::RpcService), self.attributes.get(Slot::RpcMethod));
        if service.is_empty() || method.is_empty() {
            return b"";
        }
        if self.name.len() == service.len() + 1 + method.len() && self.name.starts_with(service) {
            return self.name;
        }
        *scratch = [service, b"/", method].concat();
        scratch
    }

    /// Who was called, with the port where it tells services on one host apart.
    fn peer<'s>(&'s self, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        let (host, port) = (self.attributes.get(Slot::Peer), self.attributes.get(Slot::Port));
        let authority = authority(self.attributes.get(Slot::Url));
        if !authority.is_empty() && authority.starts_with(host) {
            return authority;
        }
        if port.is_empty() || host.is_empty() || matches!(port, b"80" | b"443" | b"0") || host.contains(&b':') {
            return host;
        }
        *scratch = [host, b":", port].concat();
        scratch
    }

    /// The first of some meanings that is said, else the name.
    fn first(&self, slots: &[Slot]) -> &'a [u8] {
        slots.iter().map(|&slot| self.attributes.get(slot)).find(|text| !text.is_empty()).unwrap_or(self.name)
    }
}

/// A duration, if it is to be believed.
pub(super) fn believed(duration: Nanos) -> Result<Nanos, Reason> {
    if duration <= number::MAX_DURATION { Ok(duration) } else { Err(Reason::Duration) }
}

/// The role that a span's kind names: `SPAN_KIND_CLIENT`, `CLIENT`, `client`.
pub(super) fn role_named(kind: &[u8]) -> Role {
    let kind = kind.strip_prefix(b"SPAN_KIND_").unwrap_or(kind);
    const NAMES: [(&[u8], Role); 5] = [
        (b"server", Role::Server),
        (b"client", Role::Client),
        (b"internal", Role::Internal),
        (b"producer", Role::Producer),
        (b"consumer", Role::Consumer),
    ];
    NAMES.iter().find(|(name, _)| kind.eq_ignore_ascii_case(name)).map_or(Role::Unknown, |&(_, role)| role)
}

fn some(text: &[u8]) -> Option<&[u8]> {
    (!text.is_empty()).then_some(text)
}

/// Method and path of a name like `GET /pay`, `get /pay` (Zipkin), `HTTP GET` or `GET:/pay`
/// (SkyWalking); without a method, nothing and the name.
fn method_and_path(name: &[u8]) -> (&'static [u8], &[u8]) {
    const METHODS: [&[u8]; 7] = [b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS"];
    let name = name.strip_prefix(b"HTTP ").unwrap_or(name);
    let word = name.iter().take(8).position(|&b| matches!(b, b' ' | b':')).unwrap_or(name.len());
    let Some(method) = METHODS.iter().find(|method| name[..word].eq_ignore_ascii_case(method)) else { return (b"", name) };
    let path = name.get(word + 1..).unwrap_or_default();
    (method, if path.starts_with(b"/") { path } else { name })
}

/// The path that was asked for, without its query.
fn path<'a>(attributes: &Attributes<'a>) -> &'a [u8] {
    let path = match attributes.get(Slot::Path) {
        b"" => {
            let url = attributes.get(Slot::Url);
            let from = scheme_end(url).unwrap_or(0);
            let slash = url[from..].iter().position(|&b| b == b'/');
            slash.map_or(&b""[..], |slash| &url[from + slash..])
        }
        path => path,
    };
    let end = path.iter().position(|&b| matches!(b, b'?' | b'#')).unwrap_or(path.len());
    &path[..end]
}

/// `host:port` of a URL.
fn authority(url: &[u8]) -> &[u8] {
    let Some(from) = scheme_end(url) else { return b"" };
    let rest = &url[from..];
    let end = rest.iter().position(|&b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let authority = &rest[..end];
    authority.iter().rposition(|&b| b == b'@').map_or(authority, |at| &authority[at + 1..])
}

fn scheme_end(url: &[u8]) -> Option<usize> {
    url.windows(3).take(16).position(|three| three == b"://").map(|at| at + 3)
}

/// A span that opens a connection and sends no statement.
fn connects(name: &[u8]) -> bool {
    let last = name.iter().rposition(|&b| matches!(b, b'.' | b' ' | b'/' | b':')).map_or(name, |at| &name[at + 1..]);
    last.eq_ignore_ascii_case(b"connect")
}

fn database(system: &[u8]) -> Kind {
    const CACHES: [&[u8]; 7] = [b"cache", b"redis", b"memcached", b"valkey", b"ehcache", b"caffeine", b"hazelcast"];
    if CACHES.iter().any(|cache| system.eq_ignore_ascii_case(cache)) { Kind::Cache } else { Kind::Database }
}

/// The product's name as the stable conventions write it.
fn product(system: &[u8]) -> &[u8] {
    const NAMES: [(&[u8], &[u8]); 15] = [
        (b"redis", b"redis"),
        (b"mongodb", b"mongodb"),
        (b"memcached", b"memcached"),
        (b"postgresql", b"postgresql"),
        (b"postgres", b"postgresql"),
        (b"mysql", b"mysql"),
        (b"mssql", b"microsoft.sql_server"),
        (b"sqlserver", b"microsoft.sql_server"),
        (b"oracle", b"oracle.db"),
        (b"db2", b"ibm.db2"),
        (b"h2", b"h2database"),
        (b"hanadb", b"sap.hana"),
        (b"dynamodb", b"aws.dynamodb"),
        (b"cosmosdb", b"azure.cosmosdb"),
        (b"spanner", b"gcp.spanner"),
    ];
    NAMES.iter().find(|(old, _)| system.eq_ignore_ascii_case(old)).map_or(system, |&(_, new)| new)
}

fn names_timeout(class: &[u8]) -> bool {
    class == b"DEADLINE_EXCEEDED" || class.windows(7).any(|word| word.eq_ignore_ascii_case(b"timeout"))
}

/// Outcome of a gRPC status (<https://grpc.io/docs/guides/status-codes/>), as a number or a name.
fn of_grpc(status: &[u8]) -> Outcome {
    match status {
        b"" => Outcome::Unknown,
        b"1" | b"CANCELLED" => Outcome::Abandoned,
        b"4" | b"DEADLINE_EXCEEDED" => Outcome::TimedOut,
        b"2" | b"8" | b"12" | b"13" | b"14" | b"15" => Outcome::Failed,
        b"UNKNOWN" | b"RESOURCE_EXHAUSTED" | b"UNIMPLEMENTED" | b"INTERNAL" | b"UNAVAILABLE" | b"DATA_LOSS" => Outcome::Failed,
        _ => Outcome::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chunk;

    /// Kind, name, peer and outcome of a span.
    fn told(span: &Span<'_>) -> (Kind, String, String, Outcome) {
        let chunk = Chunk::whole(b"");
        let mut batch = Batch::new(&chunk);
        batch.record(0, 0);
        span.push(&mut batch);
        let text = |column: &crate::TextColumn| String::from_utf8_lossy(column.get(0, b"").unwrap_or_default()).into_owned();
        let outcome = [Outcome::Unknown, Outcome::Ok, Outcome::Failed, Outcome::TimedOut, Outcome::Abandoned];
        (Kind::ALL[batch.kind[0] as usize], text(&batch.name), text(&batch.peer), outcome[batch.outcome[0] as usize])
    }

    fn span<'a>(name: &'a str, role: Role, attributes: &[(&str, &'a str)]) -> Span<'a> {
        let mut span = Span { name: name.as_bytes(), role, parent: Some(1), ..Span::default() };
        let raw = |text: &'a str| Str { raw: text.as_bytes(), escaped: text.contains('\\') };
        attributes.iter().for_each(|(key, value)| span.put(key.as_bytes(), raw(value)));
        span
    }

    fn check(span: Span<'_>, kind: Kind, name: &str, peer: &str) {
        let (got_kind, got_name, got_peer, _) = told(&span);
        assert_eq!((got_kind, &*got_name, &*got_peer), (kind, name, peer), "{}", String::from_utf8_lossy(span.name));
    }

    #[test]
    fn a_request_is_named_by_its_route_then_name_then_path() {
        check(span("POST /risk/<kind>", Role::Server, &[("http.route", "/risk/<kind>")]), Kind::Request, "/risk/<kind>", "");
        check(span("GET /pay", Role::Server, &[("url.path", "/pay/1")]), Kind::Request, "/pay", "");
        check(span("GET", Role::Server, &[("http.target", "/pay/1?a=b")]), Kind::Request, "/pay/1", "");
        check(span("handle", Role::Server, &[("http.url", "http://x/pay?a=b")]), Kind::Request, "/pay", "");
        check(span("a.B/C", Role::Server, &[("rpc.service", "a.B"), ("rpc.method", "C")]), Kind::Request, "a.B/C", "");
        check(span("orders process", Role::Consumer, &[("messaging.destination.name", "orders")]), Kind::Request, "orders", "");
    }

    #[test]
    fn a_call_is_named_by_what_it_asks_and_whom() {
        let url = ("url.full", "http://127.0.0.1:19081/core/rates?x=1");
        check(
            span("GET", Role::Client, &[url, ("server.address", "127.0.0.1")]),
            Kind::External,
            "/core/rates",
            "127.0.0.1:19081",
        );
        let peer = [("net.peer.name", "bank"), ("net.peer.port", "8443"), ("http.method", "GET")];
        check(span("GET", Role::Client, &peer), Kind::External, "GET", "bank:8443");
        check(span("publish", Role::Producer, &[("messaging.destination", "orders")]), Kind::Messaging, "orders", "");
    }

    #[test]
    fn statements_caches_and_connects_are_told_apart() {
        let pg = ("db.system", "postgresql");
        check(span("SELECT", Role::Client, &[pg, ("db.statement", "select \\\"a\\\"")]), Kind::Database, "select \"a\"", "");
        check(span("SELECT x", Role::Client, &[pg]), Kind::Database, "SELECT x", "");
        check(span("pg.connect", Role::Client, &[pg]), Kind::Internal, "pg.connect", "");
        check(span("GET", Role::Client, &[("db.system.name", "redis")]), Kind::Cache, "GET", "");
        check(span("Session.find", Role::Internal, &[pg]), Kind::Internal, "Session.find", "");
    }

    #[test]
    fn outcomes_follow_status_error_class_and_codes() {
        let outcome =
            |status, attributes: &[(&str, &'static str)]| told(&Span { status, ..span("x", Role::Client, attributes) }).3;
        assert_eq!(outcome(Status::Unset, &[]), Outcome::Unknown);
        assert_eq!(outcome(Status::Unset, &[("http.status_code", "404")]), Outcome::Ok);
        assert_eq!(outcome(Status::Error, &[("http.status_code", "200")]), Outcome::Failed);
        assert_eq!(outcome(Status::Error, &[("http.status_code", "504")]), Outcome::TimedOut);
        assert_eq!(outcome(Status::Error, &[("error.type", "java.net.SocketTimeoutException")]), Outcome::TimedOut);
        assert_eq!(outcome(Status::Unset, &[("rpc.grpc.status_code", "14")]), Outcome::Failed);
        assert_eq!(outcome(Status::Unset, &[("error", "false")]), Outcome::Unknown);
        assert_eq!(outcome(Status::Unset, &[("error", "true")]), Outcome::Failed);
        assert_eq!(outcome(Status::Ok, &[]), Outcome::Ok);
        let raised = |status, attributes: &[(&str, &'static str)]| {
            told(&Span { status, raised: true, ..span("x", Role::Client, attributes) }).3
        };
        assert_eq!(raised(Status::Unset, &[]), Outcome::Failed);
        assert_eq!(raised(Status::Unset, &[("exception.type", "java.net.SocketTimeoutException")]), Outcome::TimedOut);
        assert_eq!(raised(Status::Ok, &[]), Outcome::Ok);
        assert_eq!(raised(Status::Unset, &[("http.status_code", "200")]), Outcome::Ok);
    }

    #[test]
    fn a_span_that_ends_before_it_starts_has_no_length() {
        let mut span = Span::default();
        assert_eq!(span.between(20, 10).map(|()| span.duration), Ok(Some(0)));
        assert_eq!(span.between(1, u64::MAX), Err(Reason::Duration));
        assert_eq!(span.between(u64::MAX, 1), Err(Reason::Time));
        assert_eq!(span.between(0, 5).map(|()| span.start), Ok(None));
    }
}
