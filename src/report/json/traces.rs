//! What only traces tell, in the machine output.

use serde::Serialize;

use crate::analyze::replay::ReplayRow;
use crate::analyze::services::{EdgeRow, ServiceRow};

#[derive(Serialize)]
pub(super) struct ServiceOut<'a> {
    rank: usize,
    service: &'a str,
    operations: u64,
    requests: u64,
    errors: u64,
    self_ns: i64,
    path_ns: i64,
    share: f64,
}

impl<'a> ServiceOut<'a> {
    pub(super) fn of(rank: usize, row: &'a ServiceRow) -> Self {
        ServiceOut {
            rank,
            service: &row.service,
            operations: row.operations,
            requests: row.requests,
            errors: row.errors,
            self_ns: row.self_ns,
            path_ns: row.path_ns,
            share: row.share,
        }
    }
}

#[derive(Serialize)]
pub(super) struct EdgeOut<'a> {
    rank: usize,
    caller: &'a str,
    callee: &'a str,
    kind: &'static str,
    calls: u64,
    errors: u64,
    total_ns: Option<i64>,
    paired: u64,
    gap_ns: Option<i64>,
    mean_gap_ns: Option<i64>,
}

impl<'a> EdgeOut<'a> {
    pub(super) fn of(rank: usize, row: &'a EdgeRow) -> Self {
        EdgeOut {
            rank,
            caller: &row.caller,
            callee: &row.callee,
            kind: row.kind,
            calls: row.calls,
            errors: row.errors,
            total_ns: row.total_ns,
            paired: row.paired,
            gap_ns: row.gap_ns,
            mean_gap_ns: row.mean_gap_ns(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ReplayOut<'a> {
    change: &'a str,
    factor: f64,
    endpoint: &'a str,
    calls: u64,
    mean_ns: i64,
    new_mean_ns: i64,
    bound_mean_ns: i64,
}

impl<'a> ReplayOut<'a> {
    pub(super) fn of(row: &'a ReplayRow) -> Self {
        ReplayOut {
            change: &row.change,
            factor: row.factor,
            endpoint: &row.endpoint,
            calls: row.calls,
            mean_ns: row.mean_ns,
            new_mean_ns: row.new_mean_ns,
            bound_mean_ns: row.bound_mean_ns,
        }
    }
}
