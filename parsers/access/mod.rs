//! Access logs: requests as the edge saw them.

mod fields;
mod json_lines;

use crate::Format;

/// Access-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[&json_lines::JsonLines];
