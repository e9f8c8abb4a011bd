//! Spans of tracing systems.

mod documents;
mod ids;
mod span;
mod wait;

mod jaeger;
mod otlp_json;
mod otlp_proto;
mod zipkin;

use crate::Format;

/// Trace formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[&otlp_json::OtlpJson, &otlp_proto::OtlpProto, &jaeger::Jaeger, &zipkin::Zipkin];
