//! What applications, databases, pools and runtimes wrote down.

mod app_log;
mod blocks;
pub mod pgbouncer;
pub mod postgres;
pub mod sql_comment;

use crate::Format;

/// Transaction-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] =
    &[&postgres::PostgresJson, &postgres::PostgresCsv, &postgres::Postgres, &pgbouncer::Pgbouncer, &app_log::AppLog];
