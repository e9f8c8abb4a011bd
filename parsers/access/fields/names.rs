//! Names under which servers and logging libraries write the fields of a request.
//!
//! Names are compared as lower-case words: `requestTime`, `request.time` and `Request-Time` are
//! one. Of several names for one field the one listed first is preferred. Sources:
//! <https://nginx.org/en/docs/varindex.html>, <https://www.elastic.co/docs/reference/ecs>,
//! <https://github.com/pinojs/pino-http>, <https://opentelemetry.io/docs/specs/semconv/http/>,
//! <https://clef-json.org>.

use super::Field;
use super::layout::unit_named;
use crate::Unit;

/// What a name may mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Known {
    pub(super) field: Field,
    /// Lower is preferred.
    pub(super) rank: usize,
    /// The unit that the name ends in.
    pub(super) unit: Option<Unit>,
}

/// Objects that wrap the fields of a log line and add nothing to their meaning.
const WRAPPERS: [&str; 17] = [
    "fields",
    "properties",
    "attributes",
    "labels",
    "mdc",
    "context",
    "json",
    "data",
    "meta",
    "log",
    "access",
    "nginx",
    "extra",
    "http",
    "proxy",
    "message",
    "body",
];

const PLAIN: &[(Field, &str)] = &[
    (
        Field::Start,
        "start_time request_time start_utc started_at request_start start start_timestamp request_time_epoch edge_start_timestamp \
     event_start timestamp_start start_local start_time_utc time_start request_start_time",
    ),
    (
        Field::End,
        "end_time end_utc ended_at finished_at end end_timestamp timestamp_finish timestamp_end time_finish edge_end_timestamp event_end end_time_utc",
    ),
    (
        Field::Time,
        "msec time_msec timestamp time ts t time_iso8601 time_local date datetime date_time time_stamp asctime \
     event_time log_time logged_at written_at eventtime utc_time epoch epoch_ms local_time",
    ),
    (
        Field::Name,
        "request_uri url_path uri http_target url_original path url request_path request_url request_uri_path req_url \
     req_path uri_path http_path http_url url_full target request_target req_uri request_uri_full client_request_uri \
     client_request_path requested_uri resource_path http_request_uri http_request_url http_request_path http_request_request_url \
     request_original_url original_url req_original_url endpoint cs_uri_stem raw_path full_path",
    ),
    (Field::Route, "route http_route request_route path_template route_template route_pattern uri_template path_pattern"),
    (Field::Request, "request request_line http_request requestline request_first_line req message_request requested_url"),
    (
        Field::Method,
        "request_method method http_method http_request_method verb req_method request_verb client_request_method \
     http_verb http_request_request_method cs_method",
    ),
    (
        Field::Status,
        "status status_code response_status response_code http_status http_status_code response_status_code \
     http_response_status_code res_status_code res_status code statuscode resp_status edge_response_status sc_status \
     http_request_status request_status http_response_status response_status_code_value http_code",
    ),
    (
        Field::Bytes,
        "body_bytes_sent bytes_sent bytes response_size size response_bytes bytes_out http_response_body_bytes \
     http_response_bytes content_length response_length response_content_length edge_response_bytes body_size resp_size sc_bytes \
     http_request_response_size bytes_written",
    ),
    (
        Field::RequestId,
        "request_id x_request_id req_id correlation_id http_request_id x_correlation_id requestid transaction_id \
     request_identifier http_x_request_id request_header_x_request_id rid connection_request_id reqid req_headers_x_request_id \
     request_headers_x_request_id headers_x_request_id",
    ),
    (Field::Trace, "trace_id dd_trace_id traceid otel_trace_id trace x_b3_traceid x_b3_trace_id"),
    (
        Field::Traceparent,
        "traceparent http_traceparent trace_parent req_headers_traceparent request_headers_traceparent headers_traceparent",
    ),
    (Field::Span, "span_id spanid otel_span_id dd_span_id"),
    (Field::ParentSpan, "parent_id parent_span_id"),
    (Field::Service, "service_name service app application app_name application_name"),
    (Field::Instance, "hostname host_name host_hostname instance pod pod_name kubernetes_pod_name instance_id"),
    (Field::Thread, "thread thread_name process_thread_name threadname"),
    (Field::Peer, "upstream_addr upstream_address upstream_host upstream upstream_server"),
];

/// Names of lengths of time, without a unit at their end.
const SPANS: &[(Field, &str)] = &[
    (
        Field::Duration,
        "request_time request_duration duration event_duration total_time total elapsed_time elapsed response_time \
     latency request_latency response_latency responsetime took time_taken processing_time execution_time exec_time reqtime \
     req_time resp_time req_duration response_duration total_duration taken http_server_duration http_duration \
     http_server_request_duration latencies_request runtime time_elapsed latency_human duration_human http_request_latency rt \
     server_time handler_time process_time http_request_time http_response_elapsed dur elapsed_human cost apptime time",
    ),
    (Field::Queue, "queue queue_time queue_wait queue_duration queued request_queue queue_wait_time wait_queue"),
    (Field::PoolWait, "pool_wait pool_wait_time connection_wait conn_wait connection_acquire pool_time"),
    (
        Field::Database,
        "db db_time db_duration database database_time sql sql_time db_runtime query_time database_duration db_total",
    ),
    (Field::External, "ext ext_time external external_time http_client_time remote external_duration ext_total"),
    (Field::Network, "network network_time"),
    (
        Field::Upstream,
        "upstream_response_time upstream_time upstream upstream_duration backend_time backend_response_time \
     upstream_service_time x_envoy_upstream_service_time latencies_proxy integration_latency origin_response_duration origin_response_time backend_duration \
     upstream_latency origin_duration apptime",
    ),
    (Field::Connect, "upstream_connect_time upstream_connect conntime"),
    (Field::Own, "own own_time latencies_kong overhead"),
];

/// What else a length of time may be of that is not the whole request, in words of its name.
const PARTIAL: [&str; 24] = [
    "upstream",
    "backend",
    "connect",
    "connection",
    "db",
    "database",
    "sql",
    "query",
    "queue",
    "wait",
    "cache",
    "cpu",
    "user",
    "system",
    "gc",
    "idle",
    "start",
    "end",
    "header",
    "render",
    "view",
    "dns",
    "ssl",
    "tls",
];

/// The unit of a key that no table knows, but whose name ends in a length of time with its unit:
/// `rs_time_ms`. Parts of a request are not meant.
pub(super) fn timed(path: &[Vec<u8>]) -> Option<Unit> {
    let name = snake(path.last()?);
    let (stem, unit) = unit_suffix(&name)?;
    let mut words = stem.split('_');
    let last = words.next_back()?;
    let is_time = matches!(last, "time" | "duration" | "elapsed" | "latency" | "took");
    (is_time && words.all(|word| !PARTIAL.contains(&word))).then_some(unit)
}

/// What a key may mean, its nested names given apart.
pub(super) fn known(path: &[Vec<u8>]) -> Vec<Known> {
    let words: Vec<String> = path.iter().map(|name| snake(name)).collect();
    let mut found = Vec::new();
    for skip in 0..words.len() {
        if words[..skip].iter().any(|word| !WRAPPERS.contains(&word.as_str())) {
            break;
        }
        let name = words[skip..].join("_");
        look_up(PLAIN, &name, None, &mut found);
        look_up(SPANS, &name, None, &mut found);
        if let Some((stem, unit)) = unit_suffix(&name) {
            look_up(SPANS, stem, Some(unit), &mut found);
        }
    }
    found
}

fn look_up(table: &[(Field, &str)], name: &str, unit: Option<Unit>, found: &mut Vec<Known>) {
    for (field, names) in table {
        // Bare `time` and `upstream` are a moment and an address; only with a unit are they lengths.
        let length_only_with_unit = field.is_span() && unit.is_none() && matches!(name, "time" | "upstream");
        let seen = found.iter().any(|known| known.field == *field);
        if let Some(rank) = names.split_ascii_whitespace().position(|n| n == name).filter(|_| !length_only_with_unit && !seen) {
            found.push(Known { field: *field, rank, unit });
        }
    }
}

/// A name without the unit it ends in.
pub(in crate::access) fn unit_suffix(name: &str) -> Option<(&str, Unit)> {
    let (stem, last) = name.rsplit_once('_')?;
    let unit = match last {
        "milli" | "millisecond" | "millisec" => Unit::Millis,
        "micro" | "microsecond" | "microsec" | "usecs" => Unit::Micros,
        "nano" | "nanosecond" | "nsec" => Unit::Nanos,
        // A minute or an hour is nobody's unit for requests.
        other => unit_named(&other.replace("nsecs", "ns"))?,
    };
    Some((stem.strip_suffix("_in").unwrap_or(stem), unit))
}

/// Lower-case words joined by `_`; signs before them (`@timestamp`, `$status`) are dropped.
pub(super) fn snake(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, &b) in name.iter().enumerate() {
        if !b.is_ascii_alphanumeric() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let after_lower = i > 0 && (name[i - 1].is_ascii_lowercase() || name[i - 1].is_ascii_digit());
        let before_lower = i > 0 && name[i - 1].is_ascii_uppercase() && name.get(i + 1).is_some_and(u8::is_ascii_lowercase);
        if b.is_ascii_uppercase() && (after_lower || before_lower) && !out.ends_with('_') {
            out.push('_');
        }
        out.push(b.to_ascii_lowercase() as char);
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(path: &str) -> Option<(&'static str, Option<&'static str>)> {
        let path: Vec<_> = path.split('/').map(|p| p.as_bytes().to_vec()).collect();
        known(&path).first().map(|k| (k.field.name(), k.unit.map(Unit::symbol)))
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        for name in ["requestPath", "RequestPath", "request_path", "request.path", "Request-Path", "$request_path"] {
            assert_eq!(snake(name.as_bytes()), "request_path", "{name}");
        }
        assert_eq!(snake(b"StartUTC"), "start_utc");
        assert_eq!(snake(b"HTTPMethod"), "http_method");
        assert_eq!(snake(b"elapsedMS"), "elapsed_ms");
        assert_eq!(snake(b"@"), "");
    }

    #[test]
    fn a_unit_at_the_end_of_a_name_counts() {
        assert_eq!(meaning("duration_ms"), Some(("duration", Some("ms"))));
        assert_eq!(meaning("durationMillis"), Some(("duration", Some("ms"))));
        assert_eq!(meaning("elapsed_in_us"), Some(("duration", Some("us"))));
        assert_eq!(meaning("response_time_seconds"), Some(("duration", Some("s"))));
        assert_eq!(meaning("took"), Some(("duration", None)));
        assert_eq!(meaning("queue_ns"), Some(("queue", Some("ns"))));
        assert_eq!(meaning("latency_m"), None);
        let timed_of = |name: &str| timed(&[name.as_bytes().to_vec()]).map(Unit::symbol);
        assert_eq!((timed_of("rs_time_ms"), timed_of("renderTimeMs"), timed_of("rs_time")), (Some("ms"), None, None));
    }

    #[test]
    fn nested_names_are_read_as_one() {
        assert_eq!(meaning("http/request/method"), Some(("method", None)));
        assert_eq!(meaning("url/path"), Some(("name", None)));
        assert_eq!(meaning("event/duration"), Some(("duration", None)));
        assert_eq!(meaning("req/url"), Some(("name", None)));
        assert_eq!(meaning("fields/status"), Some(("status", None)));
        assert_eq!(meaning("transaction/context/request/method"), None);
    }
}
