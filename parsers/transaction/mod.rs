//! What applications, databases, pools and runtimes wrote down.

mod blocks;
pub mod elasticsearch_slow;
pub mod mongodb;
pub mod mysql_slow;
pub mod oracle_trace;
pub mod pgbouncer;
pub mod postgres;
pub mod sql_comment;

use crate::Format;

/// Transaction-log formats, the most specific first.
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
