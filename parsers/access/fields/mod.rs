//! What the named fields of a record mean: shared by JSON lines, LTSV and custom expressions.
//!
//! A reader of one of these hands over [`Values`], one text for each [`Field`] its [`Layout`]
//! knows; which key feeds which field, and in what unit, is settled once by [`settle`].

mod conventions;
mod fixed;
mod layout;
mod names;
mod record;
mod settle;
mod stamp;

pub(super) use fixed::fixed;
pub(super) use layout::{Layout, Mapping, Scale, Source};
pub(super) use names::unit_suffix;
pub(super) use record::Values;
pub(super) use settle::{Key, settle};

/// A meaning that a record's field may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Field {
    /// A timestamp that does not say what it marks.
    Time,
    /// When the request started.
    Start,
    /// When it ended.
    End,
    /// How long it took.
    Duration,
    /// The request target.
    Name,
    /// The route it matched: better than the target where there is one.
    Route,
    /// The whole request line.
    Request,
    /// HTTP method.
    Method,
    /// HTTP status.
    Status,
    /// Bytes sent.
    Bytes,
    /// Request id.
    RequestId,
    /// Trace id.
    Trace,
    /// A `traceparent` header, as received.
    Traceparent,
    /// Span id.
    Span,
    /// Span id of the parent.
    ParentSpan,
    /// Service.
    Service,
    /// Host, pod or instance.
    Instance,
    /// Thread.
    Thread,
    /// Upstream address.
    Peer,
    /// Part: waiting for a worker.
    Queue,
    /// Part: waiting for a connection.
    PoolWait,
    /// Part: in the database.
    Database,
    /// Part: in other services.
    External,
    /// Part: on the wire.
    Network,
    /// Part: in the next tier, connecting included.
    Upstream,
    /// How much of the upstream time went into connecting.
    Connect,
    /// Part: in this tier's own code.
    Own,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = 27;

    /// Every field with its name in a layout, in the order of its number.
    pub(super) const ALL: [(Field, &'static str); Field::COUNT] = [
        (Field::Time, "time"),
        (Field::Start, "start"),
        (Field::End, "end"),
        (Field::Duration, "duration"),
        (Field::Name, "name"),
        (Field::Route, "route"),
        (Field::Request, "request"),
        (Field::Method, "method"),
        (Field::Status, "status"),
        (Field::Bytes, "bytes"),
        (Field::RequestId, "request_id"),
        (Field::Trace, "trace_id"),
        (Field::Traceparent, "traceparent"),
        (Field::Span, "span_id"),
        (Field::ParentSpan, "parent_span_id"),
        (Field::Service, "service"),
        (Field::Instance, "instance"),
        (Field::Thread, "thread"),
        (Field::Peer, "peer"),
        (Field::Queue, "queue"),
        (Field::PoolWait, "pool_wait"),
        (Field::Database, "database"),
        (Field::External, "external"),
        (Field::Network, "network"),
        (Field::Upstream, "upstream"),
        (Field::Connect, "connect"),
        (Field::Own, "own"),
    ];

    /// Name in a layout.
    pub(super) fn name(self) -> &'static str {
        Field::ALL[self as usize].1
    }

    /// The field of a name in a layout.
    pub(super) fn named(name: &str) -> Option<Field> {
        let name = match name {
            "path" | "uri" | "url" | "target" => "name",
            "db" => "database",
            "ext" => "external",
            "size" => "bytes",
            other => other,
        };
        Field::ALL.into_iter().find(|f| f.1 == name).map(|f| f.0)
    }

    /// Whether it holds a length of time.
    pub(super) fn is_span(self) -> bool {
        self == Field::Duration || self as u8 >= Field::Queue as u8
    }

    /// Whether it holds a moment.
    pub(super) fn is_moment(self) -> bool {
        matches!(self, Field::Time | Field::Start | Field::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_listed_in_the_order_of_their_number() {
        for (i, (field, name)) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, i);
            assert_eq!(Field::named(name), Some(field));
        }
    }
}
