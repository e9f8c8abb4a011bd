//! Access logs: requests as the edge saw them.

use crate::Format;

mod nginx;
mod pattern;
mod shape;

/// Access-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[&nginx::Nginx];
