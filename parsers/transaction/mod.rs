//! What applications, databases, pools and runtimes wrote down.

mod app_log;

use crate::Format;

/// Transaction-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[&app_log::AppLog];
