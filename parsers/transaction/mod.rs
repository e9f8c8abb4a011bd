//! What applications, databases, pools and runtimes wrote down.

mod app_log;
mod blocks;
pub mod elasticsearch_slow;
pub mod mongodb;
pub mod mysql_slow;
pub mod oracle_trace;
pub mod pgbouncer;
pub mod postgres;
pub mod sql_comment;
mod gc_legacy;
mod gc_unified;
mod thread_dump;

use crate::Format;

/// Transaction-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] =
    &[&postgres::PostgresJson, &postgres::PostgresCsv, &postgres::Postgres, &pgbouncer::Pgbouncer, &app_log::AppLog];
pub static FORMATS: &[&dyn Format] = &[&thread_dump::ThreadDump, &gc_unified::GcUnified, &gc_legacy::GcLegacy, &app_log::AppLog];
pub static FORMATS: &[&dyn Format] = &[
    &postgres::PostgresJson,
    &postgres::PostgresCsv,
    &mongodb::Mongodb,
    &mysql_slow::MysqlSlow,
    &elasticsearch_slow::ElasticsearchSlow,
    &oracle_trace::OracleTrace,
    &postgres::Postgres,
    &pgbouncer::Pgbouncer,
];
