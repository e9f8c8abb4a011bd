//! Spans of tracing systems.

mod documents;
mod ids;
mod jaeger;
mod otlp_json;
mod span;
mod wait;

use crate::Format;

/// Trace formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[&otlp_json::OtlpJson, &jaeger::Jaeger];
