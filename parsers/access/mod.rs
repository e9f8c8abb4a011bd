//! Access logs: requests as the edge saw them.

use crate::Format;

/// Access-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[];
