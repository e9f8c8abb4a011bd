//! Which key means what: the names that applications give to the times, ids and names of a
//! transaction. By convention, as no standard covers them; others are mapped by `name=field`.

use crate::{OpenError, Unit};

/// What a key's value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field {
    /// The whole transaction's time.
    Duration,
    /// Time in the queue before a worker took it.
    Queue,
    /// Time until a connection was had.
    PoolWait,
    /// Time in the database.
    Database,
    /// Time in calls to others.
    External,
    /// Number of database calls.
    Calls,
    /// An HTTP status.
    Http,
    /// A status in the application's own words, or an HTTP status.
    Status,
    /// Why it failed.
    Cause,
    /// Whether it succeeded.
    Success,
    /// Request or correlation id.
    Request,
    /// Transaction id: joins only where there is no request id.
    Transaction,
    /// Trace id.
    Trace,
    /// W3C trace context.
    Traceparent,
    /// URL, path or route.
    Target,
    /// Kind of transaction.
    Operation,
    /// `GET /path HTTP/1.1`
    RequestLine,
    /// HTTP method.
    Method,
    /// Thread.
    Thread,
    /// Service.
    Service,
    /// Host or instance.
    Instance,
    /// Bytes sent.
    Bytes,
    /// The record's timestamp, in structured logs.
    Time,
    /// The level, in structured logs.
    Level,
    /// The message, in structured logs.
    Message,
    /// What happened, in a word or two: the start of a request, its end.
    Event,
    /// An exception with its stack trace, in structured logs.
    Stack,
}

/// The keys of one log: those known by convention, and those the user has mapped.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    mapped: Vec<(Vec<u8>, Field)>,
}

/// What a key says of its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    /// What the value is.
    pub(super) field: Field,
    /// The unit the key names.
    pub(super) unit: Option<Unit>,
    /// Whether a number without a unit may be a duration; `queue=5` is a length.
    pub(super) bare: bool,
}

impl Names {
    /// Reads `name=field,...`.
    pub(super) fn parse(layout: &str) -> Result<Names, OpenError> {
        let mut mapped = Vec::new();
        for pair in layout.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, field) = pair.split_once('=').ok_or_else(|| {
                OpenError::new(format!("`{pair}` is no mapping; write `name=field`, as in `duration=took_ms,request=corrId`"))
            })?;
            let meaning = canonical(name.trim()).ok_or_else(|| {
                OpenError::new(format!(
                    "`{name}` is no name that can be mapped; use {}",
                    CANONICAL.map(|(name, _)| name).join(", ")
                ))
            })?;
            mapped.push((field.trim().as_bytes().to_vec(), meaning));
        }
        Ok(Names { mapped })
    }

    /// What a key means, if anything.
    pub(super) fn meaning(&self, key: &[u8]) -> Option<Meaning> {
        if let Some((_, field)) = self.mapped.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
            return Some(Meaning { field: *field, unit: unit_suffix(key).map(|(_, unit)| unit), bare: true });
        }
        let mut buffer = [0; 40];
        let plain = normal(key, &mut buffer)?;
        if plain == b"eventduration" {
            // Elastic Common Schema defines it in nanoseconds.
            return Some(Meaning { field: Field::Duration, unit: Some(Unit::Nanos), bare: true });
        }
        if let Some((field, bare)) = time_of(plain) {
            return Some(Meaning { field, unit: None, bare });
        }
        if let Some(field) = value_of(plain) {
            return Some(Meaning { field, unit: None, bare: false });
        }
        let (base, unit) = unit_suffix(key)?;
        let mut buffer = [0; 40];
        let (field, _) = time_of(normal(base, &mut buffer)?)?;
        Some(Meaning { field, unit: Some(unit), bare: true })
    }
}

const CANONICAL: [(&str, Field); 22] = [
    ("duration", Field::Duration),
    ("queue", Field::Queue),
    ("pool_wait", Field::PoolWait),
    ("database", Field::Database),
    ("external", Field::External),
    ("calls", Field::Calls),
    ("http", Field::Http),
    ("status", Field::Status),
    ("cause", Field::Cause),
    ("success", Field::Success),
    ("request", Field::Request),
    ("trace", Field::Trace),
    ("target", Field::Target),
    ("operation", Field::Operation),
    ("method", Field::Method),
    ("thread", Field::Thread),
    ("service", Field::Service),
    ("instance", Field::Instance),
    ("time", Field::Time),
    ("level", Field::Level),
    ("message", Field::Message),
    ("event", Field::Event),
];

fn canonical(name: &str) -> Option<Field> {
    CANONICAL.iter().find(|(known, _)| *known == name).map(|&(_, field)| field)
}

/// A key in lower case without `_`, `-`, `.` and `@`: `db_calls`, `dbCalls` and `db.calls` are one.
fn normal<'b>(key: &[u8], buffer: &'b mut [u8; 40]) -> Option<&'b [u8]> {
    let mut len = 0;
    for &b in key.iter().filter(|b| !matches!(b, b'_' | b'-' | b'.' | b'@')) {
        *buffer.get_mut(len)? = b.to_ascii_lowercase();
        len += 1;
    }
    Some(&buffer[..len])
}

/// The length of time a key names, and whether a bare number may be one.
fn time_of(plain: &[u8]) -> Option<(Field, bool)> {
    Some(match plain {
        b"duration" | b"elapsed" | b"took" | b"latency" | b"dur" | b"responsetime" | b"elapsedtime" | b"totaltime"
        | b"timetaken" | b"exectime" | b"executiontime" | b"processingtime" | b"processtime" | b"requesttime"
        | b"requestduration" | b"resptime" | b"servicetime" | b"totalduration" | b"totalelapsed" => (Field::Duration, true),
        b"total" | b"time" | b"response" | b"rt" => (Field::Duration, false),
        b"queue" | b"queuewait" | b"queuetime" | b"queued" | b"workerwait" | b"threadwait" => (Field::Queue, false),
        b"poolwait" | b"poolwaittime" | b"connwait" | b"connectionwait" | b"connacquire" | b"poolacquire" | b"dbpoolwait"
        | b"getconnection" => (Field::PoolWait, false),
        b"db" | b"dbtime" | b"database" | b"databasetime" | b"sql" | b"sqltime" | b"jdbc" | b"jdbctime" | b"dbduration" => {
            (Field::Database, false)
        }
        b"ext" | b"exttime" | b"external" | b"externaltime" | b"extduration" | b"remote" | b"remotetime" | b"downstream" => {
            (Field::External, false)
        }
        _ => return None,
    })
}

fn value_of(plain: &[u8]) -> Option<Field> {
    Some(match plain {
        b"dbcalls" | b"dbcount" | b"sqlcount" | b"sqlcalls" | b"queries" | b"querycount" | b"dbqueries" => Field::Calls,
        b"http"
        | b"httpstatus"
        | b"httpstatuscode"
        | b"statuscode"
        | b"responsecode"
        | b"responsestatus"
        | b"httpcode"
        | b"httpresponsestatuscode"
        | b"responsestatuscode" => Field::Http,
        b"status" | b"outcome" | b"result" => Field::Status,
        b"reason" | b"error" | b"errorcode" | b"errortype" | b"cause" => Field::Cause,
        b"success" | b"succeeded" => Field::Success,
        b"rid" | b"requestid" | b"reqid" | b"xrequestid" | b"correlationid" | b"corrid" | b"cid" | b"xcorrelationid"
        | b"httprequestid" => Field::Request,
        b"txnid" | b"txid" | b"transactionid" | b"txn" => Field::Transaction,
        b"traceid" | b"trace" | b"ddtraceid" | b"xb3traceid" => Field::Trace,
        b"traceparent" => Field::Traceparent,
        b"uri" | b"path" | b"url" | b"route" | b"endpoint" | b"requesturi" | b"requestpath" | b"requesturl" | b"httppath"
        | b"httproute" | b"httpurl" | b"httptarget" | b"urlpath" | b"api" => Field::Target,
        b"type" | b"op" | b"operation" | b"action" | b"txntype" | b"transactiontype" | b"transaction" | b"handler" => {
            Field::Operation
        }
        b"request" | b"req" => Field::RequestLine,
        b"method" | b"httpmethod" | b"verb" | b"requestmethod" | b"httprequestmethod" => Field::Method,
        b"thread" | b"threadname" | b"processthreadname" => Field::Thread,
        b"service" | b"servicename" | b"app" | b"application" | b"appname" => Field::Service,
        b"host" | b"hostname" | b"instance" | b"pod" => Field::Instance,
        b"bytes" | b"bytessent" | b"responsebytes" | b"responsesize" => Field::Bytes,
        b"timestamp" | b"ts" | b"datetime" | b"asctime" | b"t" | b"timemillis" | b"eventtime" | b"instantepochsecond" => {
            Field::Time
        }
        b"level" | b"lvl" | b"severity" | b"loglevel" | b"levelname" | b"l" => Field::Level,
        b"message" | b"msg" | b"m" | b"mt" => Field::Message,
        b"event" | b"eventaction" | b"eventtype" => Field::Event,
        b"stacktrace" | b"exception" | b"errorstacktrace" | b"excinfo" | b"x" | b"stack" => Field::Stack,
        _ => return None,
    })
}

/// The unit at the end of a key, and the length of what comes before it. A short unit counts only
/// where it is set off: `_s`, `Ms`; `dbms` and `queues` hold none.
fn unit_suffix(key: &[u8]) -> Option<(&[u8], Unit)> {
    const LONG: [(&str, Unit); 12] = [
        ("milliseconds", Unit::Millis),
        ("millis", Unit::Millis),
        ("msecs", Unit::Millis),
        ("msec", Unit::Millis),
        ("microseconds", Unit::Micros),
        ("micros", Unit::Micros),
        ("usec", Unit::Micros),
        ("nanoseconds", Unit::Nanos),
        ("nanos", Unit::Nanos),
        ("seconds", Unit::Seconds),
        ("secs", Unit::Seconds),
        ("sec", Unit::Seconds),
    ];
    const SHORT: [(&str, Unit); 4] = [("ms", Unit::Millis), ("us", Unit::Micros), ("ns", Unit::Nanos), ("s", Unit::Seconds)];
    let ends = |suffix: &str| key.len() > suffix.len() && key[key.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes());
    if let Some((suffix, unit)) = LONG.iter().find(|(suffix, _)| ends(suffix)) {
        return Some((&key[..key.len() - suffix.len()], *unit));
    }
    let (suffix, unit) = SHORT.iter().find(|(suffix, _)| ends(suffix))?;
    let (base, tail) = key.split_at(key.len() - suffix.len());
    let before = *base.last()?;
    let set_off = matches!(before, b'_' | b'-' | b'.') || (tail[0].is_ascii_uppercase() && before.is_ascii_lowercase());
    (set_off || (*suffix == "ms" && base.len() > 3)).then_some((base, *unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str) -> Option<(Field, Option<Unit>)> {
        Names::default().meaning(key.as_bytes()).map(|m| (m.field, m.unit))
    }

    #[test]
    fn keys_are_known_in_every_spelling() {
        for key in ["total_ms", "totalMs", "TOTAL_MS", "elapsed_millis", "durationms", "time_ms", "elapsedMilliseconds"] {
            assert_eq!(of(key), Some((Field::Duration, Some(Unit::Millis))), "{key}");
        }
        assert_eq!(of("took"), Some((Field::Duration, None)));
        assert_eq!(of("duration_s"), Some((Field::Duration, Some(Unit::Seconds))));
        assert_eq!(of("db_us"), Some((Field::Database, Some(Unit::Micros))));
        assert_eq!(of("dbCalls"), Some((Field::Calls, None)));
        assert_eq!(of("X-Request-ID"), Some((Field::Request, None)));
        assert_eq!(of("event.duration"), Some((Field::Duration, Some(Unit::Nanos))));
    }

    #[test]
    fn what_only_looks_like_a_unit_is_none() {
        assert_eq!(of("dbms"), None);
        assert_eq!(of("queues"), None);
        assert_eq!(of("channel"), None);
        assert_eq!(of(&"x".repeat(50)), None);
    }

    #[test]
    fn mapped_names_come_first_and_wrong_ones_are_refused() {
        let names = Names::parse("duration=cost_us, request=corr").expect("compiles");
        assert_eq!(names.meaning(b"COST_US").map(|m| (m.field, m.unit)), Some((Field::Duration, Some(Unit::Micros))));
        assert_eq!(names.meaning(b"corr").map(|m| m.field), Some(Field::Request));
        assert!(Names::parse("colour=red").is_err());
        assert!(Names::parse("duration").is_err());
    }
}
