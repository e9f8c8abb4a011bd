//! Envoy's access log as JSON, with the keys of Envoy's and Istio's documentation.
//!
//! Not the text format, nor JSON with keys of the operator's own choice: that is `json-lines`.
//! Definition: <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>.

use super::fields::{Field, fixed};
use super::json_lines::{JsonDecoder, seen, share};
use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct EnvoyJson;

static SPEC: Spec = Spec {
    name: "envoy-json",
    family: Family::Access,
    title: "Envoy and Istio access log as JSON",
    source: "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
    stamp: Stamp::Start,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: concat!(
        r#"{"start_time":"2026-11-22T17:55:51.653Z","method":"GET","path":"/api/cart?id=4","protocol":"HTTP/2","response_code":200,"#,
        r#""response_flags":"-","bytes_received":0,"bytes_sent":512,"duration":18,"upstream_service_time":"16","#,
        r#""request_id":"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2","authority":"shop.example","upstream_host":"10.0.2.1:80"}"#,
        "\n",
        r#"{"start_time":"2026-11-22T17:55:52.001Z","method":"POST","path":"/api/pay","protocol":"HTTP/2","response_code":503,"#,
        r#""response_flags":"UF","bytes_received":20,"bytes_sent":91,"duration":3,"upstream_service_time":null,"#,
        r#""request_id":"7d21d9b0-cf5c-432b-8c7e-98aeb7988cd2","authority":"shop.example","upstream_host":"10.0.2.1:80"}"#,
        "\n",
    ),
};

const KEYS: &[(Field, &str)] = &[
    (Field::Start, "start_time"),
    (Field::Duration, "duration"),
    (Field::Upstream, "upstream_service_time"),
    (Field::Upstream, "x-envoy-upstream-service-time"),
    (Field::Method, "method"),
    (Field::Name, "path"),
    (Field::Name, "x-envoy-origin-path"),
    (Field::Name, "x-envoy-original-path"),
    (Field::Status, "response_code"),
    (Field::Bytes, "bytes_sent"),
    (Field::RequestId, "request_id"),
    (Field::RequestId, "x_request_id"),
    (Field::RequestId, "x-request-id"),
    (Field::Trace, "trace_id"),
    (Field::Traceparent, "traceparent"),
    (Field::Peer, "upstream_host"),
    // The names of the command operators themselves, as older configurations have them.
    (Field::Start, "START_TIME"),
    (Field::Duration, "DURATION"),
    (Field::Upstream, "UPSTREAM_SERVICE_TIME"),
    (Field::Method, "METHOD"),
    (Field::Name, "PATH"),
    (Field::Status, "RESPONSE_CODE"),
    (Field::Bytes, "BYTES_SENT"),
    (Field::RequestId, "REQUEST_ID"),
    (Field::RequestId, "X-REQUEST-ID"),
    (Field::Peer, "UPSTREAM_HOST"),
];

impl Format for EnvoyJson {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let lower: [&[u8]; 4] = [b"\"start_time\":", b"\"response_code\":", b"\"duration\":", b"\"method\":"];
        let upper: [&[u8]; 4] = [b"\"START_TIME\":", b"\"RESPONSE_CODE\":", b"\"DURATION\":", b"\"METHOD\":"];
        share(head, 93, "lines with Envoy's keys", |has| lower.iter().all(|key| has(key)) || upper.iter().all(|key| has(key)))
    }

    fn open(&self, head: &[u8], _: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(JsonDecoder::new(fixed(&SPEC, KEYS, &seen(head).keys), head)))
    }
}
