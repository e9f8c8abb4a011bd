//! What applications, databases, pools and runtimes wrote down.

use crate::Format;

/// Transaction-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[];
