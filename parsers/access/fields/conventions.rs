//! Units that a known writer of logs documents for a field whose name does not carry one.

use super::Field;
use crate::Unit;

/// Names of nginx's variables that hardly anybody else uses: `request_time` alone is anyone's.
const NGINX: [&str; 9] = [
    "msec",
    "time_local",
    "time_iso8601",
    "body_bytes_sent",
    "remote_addr",
    "request_uri",
    "upstream_response_time",
    "upstream_connect_time",
    "upstream_addr",
];

/// The unit by convention.
///
/// `has` tells whether the log has a key of that name, in lower-case words; `texts` are the
/// field's values.
pub(super) fn unit(name: &str, field: Field, has: &dyn Fn(&str) -> bool, texts: &[&[u8]]) -> Option<Unit> {
    let any = |names: &[&str]| names.iter().any(|n| has(n));
    Some(match name {
        // nginx: <https://nginx.org/en/docs/http/ngx_http_upstream_module.html#variables>: seconds with
        // millisecond resolution, so always three decimals.
        "upstream_response_time" | "upstream_connect_time" if mostly(texts, three_decimals) => Unit::Seconds,
        "request_time" if mostly(texts, three_decimals) && any(&NGINX) => Unit::Seconds,
        // Elastic Common Schema: <https://www.elastic.co/docs/reference/ecs/ecs-event>
        "event_duration" => Unit::Nanos,
        // Kong: <https://developer.konghq.com/plugins/http-log/>
        "latencies_request" | "latencies_proxy" | "latencies_kong" => Unit::Millis,
        // API Gateway: <https://docs.aws.amazon.com/apigateway/latest/developerguide/context-variables-for-access-logging.html>
        "response_latency" | "integration_latency"
            if any(&["route_key", "resource_path", "integration_latency", "integration_status", "api_id", "stage"]) =>
        {
            Unit::Millis
        }
        // <https://github.com/logfellow/logstash-logback-encoder>
        "elapsed_time" if any(&["requested_uri", "requested_url"]) => Unit::Millis,
        // <https://github.com/go-chi/httplog>
        "http_response_elapsed" if any(&["http_request_request_method", "http_request_request_path"]) => Unit::Millis,
        // <https://github.com/pinojs/pino-http>
        "response_time" if any(&["req_url", "req_method", "res_status_code"]) => Unit::Millis,
        // <https://github.com/serilog/serilog-aspnetcore>
        "elapsed" if any(&["mt", "m", "i"]) && has("t") => Unit::Millis,
        // <https://github.com/roidrage/lograge>
        "duration" | "db" if has("controller") && has("action") => Unit::Millis,
        // <https://echo.labstack.com/docs/middleware/logger>
        "latency" if has("latency_human") => Unit::Nanos,
        // <https://github.com/traefik/traefik/blob/master/pkg/middlewares/accesslog/logdata.go>
        "duration" | "origin_duration" | "overhead" if has("start_utc") && field.is_span() => Unit::Nanos,
        // Envoy: <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>
        "duration" | "upstream_service_time" | "x_envoy_upstream_service_time"
            if any(&["response_flags", "upstream_service_time", "x_envoy_upstream_service_time"]) =>
        {
            Unit::Millis
        }
        // LTSV's own labels: <http://ltsv.org>.
        "reqtime" | "apptime" | "conntime" | "taken" => Unit::Seconds,
        _ => return None,
    })
}

/// Whether the keys are those of Go's slog and of the handlers of requests that write `response.latency` with
/// it: a `time.Duration` is a whole number of nanoseconds there.
/// <https://pkg.go.dev/log/slog#JSONHandler.Handle>, <https://github.com/samber/slog-gin>
pub(super) fn is_go_slog(name: &str, has: &dyn Fn(&str) -> bool) -> bool {
    name == "response_latency" && ["time", "level", "msg", "request_method"].into_iter().all(has)
}

/// Some values may be damaged; a key without any may still be filled later.
fn mostly(texts: &[&[u8]], holds: fn(&[u8]) -> bool) -> bool {
    texts.iter().filter(|text| holds(text)).count() * 10 >= texts.len() * 6
}

fn three_decimals(text: &[u8]) -> bool {
    let mut parts = text.split(|b| matches!(b, b',' | b':' | b' ')).filter(|part| !matches!(*part, b"" | b"-"));
    parts.all(|part| part.len() > 4 && part[part.len() - 4] == b'.')
}
