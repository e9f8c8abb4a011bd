//! Spans of tracing systems.

mod documents;
mod ids;
mod jaeger;
mod otlp_json;
mod span;
mod wait;
mod span;
mod wait;

mod datadog;
mod elastic;
mod jaeger;
mod otlp_json;
mod otlp_proto;
mod skywalking;
mod span_csv;
mod xray;
mod zipkin;

use crate::Format;

/// Trace formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[
    &otlp_json::OtlpJson,
    &otlp_proto::OtlpProto,
    &jaeger::Jaeger,
    &elastic::Elastic,
    &xray::XRay,
    &skywalking::SkyWalking,
    &datadog::Datadog,
    &zipkin::Zipkin,
    &span_csv::SpanCsv,
];
