//! The one thing every format is reduced to.

use crate::Id;

/// A length of time in nanoseconds. Never negative.
pub type Nanos = i64;

/// What kind of work an operation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A request as some tier saw it: edge, server, handler or business transaction.
    Request,
    /// A statement sent to a database.
    Database,
    /// A call to a cache.
    Cache,
    /// A message sent to or taken from a broker.
    Messaging,
    /// A call to another service.
    External,
    /// A wait for a connection of a pool.
    PoolWait,
    /// A wait for a worker thread.
    ThreadWait,
    /// A wait for a socket of an HTTP client's pool, or for a permit.
    SocketWait,
    /// A wait for a lock.
    LockWait,
    /// A pause of the whole runtime (garbage collection, safepoint).
    Pause,
    /// A reading of a resource at one moment, or its configured size. Has no duration.
    Gauge,
    /// Work inside a service that is none of the above.
    Internal,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Kind; 12] = [
        Kind::Request,
        Kind::Database,
        Kind::Cache,
        Kind::Messaging,
        Kind::External,
        Kind::PoolWait,
        Kind::ThreadWait,
        Kind::SocketWait,
        Kind::LockWait,
        Kind::Pause,
        Kind::Gauge,
        Kind::Internal,
    ];

    /// Name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Request => "request",
            Kind::Database => "database",
            Kind::Cache => "cache",
            Kind::Messaging => "messaging",
            Kind::External => "external",
            Kind::PoolWait => "pool_wait",
            Kind::ThreadWait => "thread_wait",
            Kind::SocketWait => "socket_wait",
            Kind::LockWait => "lock_wait",
            Kind::Pause => "pause",
            Kind::Gauge => "gauge",
            Kind::Internal => "internal",
        }
    }
}

/// Which side of a call the record was written by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
#[repr(u8)]
pub enum Role {
    /// The record does not say.
    #[default]
    Unknown,
    /// The callee.
    Server,
    /// The caller.
    Client,
    /// The sender of a message, who does not wait.
    Producer,
    /// The receiver of a message.
    Consumer,
    /// Work within one service.
    Internal,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// The record does not say.
    #[default]
    Unknown,
    /// Succeeded. A 4xx other than 408, 429 and 499 belongs here: the server did its work.
    Ok,
    /// The callee was at fault (5xx, error flag) or turned the caller away (429).
    Failed,
    /// Somebody gave up waiting (408, 504, a pool timeout).
    TimedOut,
    /// The caller left before the answer came (499).
    Abandoned,
}

impl Outcome {
    /// The outcome of an HTTP status.
    pub const fn of_status(status: u16) -> Self {
        match status {
            100..=407 | 409..=428 | 430..=498 => Outcome::Ok,
            408 | 504 | 524 => Outcome::TimedOut,
            499 => Outcome::Abandoned,
            429 | 500..=999 => Outcome::Failed,
            _ => Outcome::Unknown,
        }
    }
}

/// Which step of a statement a database record is about; or which end of a request, where its start
/// and its end have a record each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// The whole statement in one record.
    #[default]
    Whole,
    /// Parsing only; belongs to the next execution in the same session.
    Parse,
    /// Binding only; belongs to the next execution in the same session.
    Bind,
    /// The execution, which is what counts as a call.
    Execute,
    /// The text alone: its duration follows in a later record of the same session. For a request: the
    /// event of its start, without a duration.
    Text,
    /// A duration alone: its text came in an earlier record of the same session. For a request: the
    /// event of its end, without a duration; `start` is the stamp, as everywhere without a duration.
    Time,
}

/// The times that one record states of its own parts, in nanoseconds. `None` is "not said".
///
/// The names are those of the attribution buckets. Parts do not overlap: what the record counts
/// twice (nginx's upstream time holds its connect time) the reader has taken apart.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Parts {
    /// Waiting for a worker thread or in a server's queue.
    pub queue: Option<Nanos>,
    /// Waiting for a connection of a pool.
    pub pool_wait: Option<Nanos>,
    /// In the database.
    pub database: Option<Nanos>,
    /// In calls to other services, caches or brokers.
    pub external: Option<Nanos>,
    /// On the wire: connecting, reading the request from and sending the answer to the client.
    pub network: Option<Nanos>,
    /// Inside the next tier, of which this record knows only the total.
    pub upstream: Option<Nanos>,
    /// In the code of this tier itself.
    pub own: Option<Nanos>,
}

/// A reading of a pool or thread pool. `None` is "not said".
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gauge {
    /// Configured or current size.
    pub slots: Option<u32>,
    /// Slots in use.
    pub in_use: Option<u32>,
    /// Callers waiting.
    pub waiting: Option<u32>,
}

/// One timed thing, borrowed from the bytes of its record. `None` means the record does not say;
/// it never means zero.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// What kind of work this is.
    pub kind: Kind,
    /// Which side wrote the record.
    pub role: Role,
    /// Which step of a statement, or which end of a request, this is.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Outcome,
    /// When it started, in nanoseconds since 1970-01-01T00:00:00Z. A record that stamps its end has
    /// the duration taken off already; without a duration this is the stamp.
    pub start: Option<i64>,
    /// How long it took, in nanoseconds.
    pub duration: Option<Nanos>,
    /// Trace id (`traceparent`, APM).
    pub trace: Option<Id>,
    /// Request, correlation or transaction id.
    pub request: Option<Id>,
    /// Span id.
    pub span: Option<u64>,
    /// Span id of the parent.
    pub parent_span: Option<u64>,
    /// Span id of what this one merely follows: its parent, who then does not wait for it, or a
    /// sibling that had to end first.
    pub follows: Option<u64>,
    /// Database session or process, or log stream: what tells interleaved records apart.
    pub session: Option<u64>,
    /// Name of the service that wrote the record.
    pub service: Option<&'a [u8]>,
    /// Host, pod or instance that wrote the record.
    pub instance: Option<&'a [u8]>,
    /// What was called, raw: request target or route, statement, pool, host, cause of a pause.
    pub name: Option<&'a [u8]>,
    /// HTTP method.
    pub method: Option<&'a [u8]>,
    /// Thread that did the work.
    pub thread: Option<&'a [u8]>,
    /// Product of the callee: `postgresql`, `redis`, `kafka`.
    pub system: Option<&'a [u8]>,
    /// Who was called: upstream address, host or service.
    pub peer: Option<&'a [u8]>,
    /// Status code as written.
    pub status: Option<u16>,
    /// Bytes sent.
    pub bytes: Option<u64>,
    /// How many calls the record stands for: database calls of a transaction, composite spans.
    pub count: Option<u32>,
    /// How many upstreams were tried, one after the other; said only where it was more than one.
    pub attempts: Option<u32>,
    /// Rows returned or affected.
    pub rows: Option<u64>,
    /// The parts the record states.
    pub parts: Parts,
    /// The reading of a gauge.
    pub gauge: Gauge,
}

impl Operation<'_> {
    /// An operation of which only the kind is known.
    pub const fn new(kind: Kind) -> Self {
        Operation {
            kind,
            role: Role::Unknown,
            phase: Phase::Whole,
            outcome: Outcome::Unknown,
            start: None,
            duration: None,
            trace: None,
            request: None,
            span: None,
            parent_span: None,
            follows: None,
            session: None,
            service: None,
            instance: None,
            name: None,
            method: None,
            thread: None,
            system: None,
            peer: None,
            status: None,
            bytes: None,
            count: None,
            attempts: None,
            rows: None,
            parts: Parts {
                queue: None,
                pool_wait: None,
                database: None,
                external: None,
                network: None,
                upstream: None,
                own: None,
            },
            gauge: Gauge { slots: None, in_use: None, waiting: None },
        }
    }
}

/// Why a record could not be read. Closed, so that reports can count by reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// The record does not have the shape of the format.
    Shape,
    /// A timestamp that cannot be read.
    Time,
    /// A number that cannot be read or is out of range.
    Number,
    /// A duration that is negative or longer than a year.
    Duration,
    /// The record is cut off at the end of the input.
    Truncated,
    /// Longer than a record may be (16 MiB).
    TooLong,
    /// Bytes that are no text: a run of NULs, a compressed or binary block.
    Binary,
}

impl Reason {
    /// Every reason, in the order of its number.
    pub const ALL: [Reason; 7] =
        [Reason::Shape, Reason::Time, Reason::Number, Reason::Duration, Reason::Truncated, Reason::TooLong, Reason::Binary];

    /// Name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Shape => "shape",
            Reason::Time => "time",
            Reason::Number => "number",
            Reason::Duration => "duration",
            Reason::Truncated => "truncated",
            Reason::TooLong => "too_long",
            Reason::Binary => "binary",
        }
    }

    /// One line for people: what is wrong and what to try.
    pub const fn remedy(self) -> &'static str {
        match self {
            Reason::Shape => "not of this format; name it with --log-format",
            Reason::Time => "the timestamp cannot be read",
            Reason::Number => "a number cannot be read or is out of range",
            Reason::Duration => "a duration is negative or longer than a year",
            Reason::Truncated => "cut off at the end of the input",
            Reason::TooLong => "longer than 16 MiB",
            Reason::Binary => "not text",
        }
    }
}
