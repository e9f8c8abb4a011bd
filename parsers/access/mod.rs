//! Access logs: requests as the edge saw them.

mod fields;
mod json_lines;
mod nginx;
mod pattern;
mod shape;

use crate::Format;

/// Access-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[&nginx::Nginx, &json_lines::JsonLines];
