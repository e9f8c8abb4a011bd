//! What applications, databases, pools and runtimes wrote down.

mod app_log;
mod gc_legacy;
mod gc_unified;
mod thread_dump;

use crate::Format;

/// Transaction-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[&thread_dump::ThreadDump, &gc_unified::GcUnified, &gc_legacy::GcLegacy, &app_log::AppLog];
