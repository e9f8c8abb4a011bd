//! Traefik's access log as JSON. Not its Common Log Format, which is a format of its own.
//!
//! Definition: <https://doc.traefik.io/traefik/observability/access-logs/>.

use super::fields::{Field, fixed};
use super::json_lines::{JsonDecoder, seen, share};
use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct TraefikJson;

static SPEC: Spec = Spec {
    name: "traefik-json",
    family: Family::Access,
    title: "Traefik access log, `format: json`",
    source: "https://doc.traefik.io/traefik/observability/access-logs/",
    stamp: Stamp::Start,
    unit: Some(Unit::Nanos),
    resolution_ns: 1,
    sample: concat!(
        r#"{"ClientAddr":"10.0.0.9:51234","ClientHost":"10.0.0.9","DownstreamContentSize":512,"DownstreamStatus":200,"Duration":18654321,"#,
        r#""OriginContentSize":512,"OriginDuration":18500000,"OriginStatus":200,"Overhead":154321,"RequestCount":7,"RequestHost":"shop.example","#,
        r#""RequestMethod":"GET","RequestPath":"/api/cart?id=4","RequestProtocol":"HTTP/2.0","RouterName":"shop@docker","ServiceAddr":"172.18.0.4:8080","#,
        r#""StartLocal":"2026-11-22T18:55:51.653122918+01:00","StartUTC":"2026-11-22T17:55:51.653122918Z","level":"info","msg":"","time":"2026-11-22T18:55:51+01:00"}"#,
        "\n",
        r#"{"ClientAddr":"10.0.0.9:51238","DownstreamContentSize":19,"DownstreamStatus":404,"Duration":42000,"Overhead":42000,"RequestCount":8,"#,
        r#""RequestMethod":"GET","RequestPath":"/nowhere","RequestProtocol":"HTTP/1.1","StartUTC":"2026-11-22T17:55:52.000122918Z","level":"info","msg":"","time":"2026-11-22T18:55:52+01:00"}"#,
        "\n",
    ),
};

/// `OriginDuration` is the service's time and `Overhead` Traefik's own; they sum to `Duration`.
const KEYS: &[(Field, &str)] = &[
    (Field::Start, "StartLocal"),
    (Field::Start, "StartUTC"),
    (Field::Duration, "Duration"),
    (Field::Upstream, "OriginDuration"),
    (Field::Own, "Overhead"),
    (Field::Method, "RequestMethod"),
    (Field::Name, "RequestPath"),
    (Field::Status, "DownstreamStatus"),
    (Field::Bytes, "DownstreamContentSize"),
    (Field::Peer, "ServiceAddr"),
    (Field::Peer, "BackendAddr"),
    (Field::RequestId, "request_X-Request-Id"),
    (Field::Traceparent, "request_Traceparent"),
    (Field::Trace, "TraceId"),
    (Field::Span, "SpanId"),
];

impl Format for TraefikJson {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let keys: [&[u8]; 2] = [b"\"RequestMethod\":", b"\"DownstreamStatus\":"];
        share(head, 97, "lines with Traefik's keys", |has| keys.iter().all(|key| has(key)))
    }

    fn open(&self, head: &[u8], _: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(JsonDecoder::new(fixed(&SPEC, KEYS, &seen(head).keys), head)))
    }
}
