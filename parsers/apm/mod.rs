//! Spans of tracing systems.

use crate::Format;

/// Trace formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[];
