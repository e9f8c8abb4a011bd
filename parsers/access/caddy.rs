//! Caddy's access log, which is JSON by default.
//!
//! Definition: <https://caddyserver.com/docs/logging>; what may change its units:
//! <https://caddyserver.com/docs/caddyfile/directives/log#json>.

use super::fields::{Field, Scale, fixed};
use super::json_lines::{JsonDecoder, seen, share};
use crate::scan::number;
use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct Caddy;

static SPEC: Spec = Spec {
    name: "caddy",
    family: Family::Access,
    title: "Caddy access log (JSON)",
    source: "https://caddyserver.com/docs/logging",
    stamp: Stamp::End,
    unit: Some(Unit::Seconds),
    resolution_ns: 1,
    sample: concat!(
        r#"{"level":"info","ts":1795370151.6531229,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.9","#,
        r#""proto":"HTTP/2.0","method":"GET","host":"shop.example","uri":"/api/cart?id=4","headers":{"User-Agent":["curl/8.5"],"#,
        r#""X-Request-Id":["cc21d9b0cf5c432b8c7e98aeb7988cd2"]}},"bytes_read":0,"user_id":"","duration":0.018654321,"size":512,"status":200,"#,
        r#""resp_headers":{"Server":["Caddy"]}}"#,
        "\n",
        r#"{"level":"error","ts":1795370152.0001229,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.9","#,
        r#""proto":"HTTP/1.1","method":"POST","host":"shop.example","uri":"/api/pay","headers":{}},"bytes_read":12,"user_id":"","duration":1.5e-05,"#,
        r#""size":0,"status":502,"resp_headers":{}}"#,
        "\n",
    ),
};

const KEYS: &[(Field, &str)] = &[
    (Field::Time, "ts"),
    (Field::Duration, "duration"),
    (Field::Method, "request.method"),
    (Field::Name, "request.uri"),
    (Field::Status, "status"),
    (Field::Bytes, "size"),
    (Field::RequestId, "request.headers.X-Request-Id"),
    (Field::RequestId, "uuid"),
    (Field::Traceparent, "request.headers.Traceparent"),
    (Field::Trace, "traceID"),
    (Field::Span, "spanID"),
];

impl Format for Caddy {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        share(head, 96, "lines of Caddy's logger http.log.access", |has| {
            has(b"\"http.log.access") || has(b"\"handled request\"") && has(b"\"resp_headers\":")
        })
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let seen = seen(head);
        let mut layout = fixed(&SPEC, KEYS, &seen.keys);
        let durations = seen.keys.iter().find(|key| key.path == [b"duration"]);
        let texts: Vec<&[u8]> = durations.map(|key| key.values.values().map(Vec::as_slice).collect()).unwrap_or_default();
        let whole: Vec<u64> = texts.iter().filter_map(|text| number::whole(text).ok()).collect();
        // Float seconds are never whole in every line; `duration_format` makes them so.
        let unit = match whole.iter().max() {
            Some(&max) if whole.len() == texts.len() && max > 0 => Some(if max > 1_000_000 { Unit::Nanos } else { Unit::Millis }),
            _ => None,
        };
        if let Some(unit) = options.unit.or(unit) {
            layout = layout.with_scale(Field::Duration, Scale::Fixed(unit.nanos()));
            layout.facts.unit = Some(unit);
            layout.facts.resolution_ns = unit.nanos();
            if options.unit.is_none() {
                layout.facts.assumptions.push(format!(
                    "`duration` is whole in every line, so `duration_format` is not Caddy's default of seconds; read as {}.",
                    unit.symbol()
                ));
            }
        }
        Ok(Box::new(JsonDecoder::new(layout, head)))
    }
}
