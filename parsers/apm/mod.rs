//! Spans of tracing systems.

mod datadog;
mod documents;
mod elastic;
mod elastic_documents;
mod elastic_event;
mod ids;
mod jaeger;
mod jaeger_references;
mod otlp_json;
mod otlp_proto;
mod skywalking;
mod span;
mod span_csv;
#[cfg(test)]
mod tests;
mod wait;
mod xray;
mod zipkin;

pub use ids::trace_ids;

use crate::Format;

/// Trace formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[
    &otlp_json::OtlpJson,
    &otlp_proto::OtlpProto,
    &jaeger::Jaeger,
    &elastic::Elastic,
    &elastic_documents::ElasticDocuments,
    &xray::XRay,
    &skywalking::SkyWalking,
    &datadog::Datadog,
    &zipkin::Zipkin,
    &span_csv::SpanCsv,
];
