//! The ranked rows of the machine output.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Map, told};
use crate::analyze::bucket::{Bucket, Buckets};
use crate::analyze::tables::{BottleneckRow, EndpointRow, Evidence, Finding, PauseRow, SliceRow, StatementRow, Times, WaitRow};
use crate::report::{Results, quantile};
use crate::units::time_text;

/// The quantiles that have a column in the contract, whatever else was asked for.
const FIXED: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// The columns of a table's quantiles: the fixed ones named, then those that were asked for besides.
fn quantiles(fixed: &[f64], asked: &[f64], times: &Times) -> Map<String, Option<i64>> {
    let extra = asked.iter().filter(|q| !FIXED.contains(q));
    Map(fixed.iter().chain(extra).map(|&q| (key(q), quantile(asked, times, q))).collect())
}

/// `p50_ns`, `p99_9_ns`.
fn key(quantile: f64) -> String {
    format!("p{}_ns", super::super::percent(quantile).replace('.', "_"))
}

/// A split, every bucket named.
pub(super) struct BucketsOut<'a>(pub(super) &'a Buckets);

impl Serialize for BucketsOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Bucket::ALL.len()))?;
        for bucket in Bucket::ALL {
            map.serialize_entry(bucket.name(), &self.0.get(bucket))?;
        }
        map.end()
    }
}

#[derive(Serialize)]
pub(super) struct EvidenceOut {
    source: String,
    offset: u64,
    line: u64,
    duration_ns: Option<i64>,
    trace: Option<String>,
}

/// A trace id as hex, 64 bits as such.
fn trace_text(id: u128) -> String {
    if id >> 64 == 0 { format!("{id:016x}") } else { format!("{id:032x}") }
}

fn evidence(results: &Results<'_>, rows: &[Evidence]) -> Vec<EvidenceOut> {
    rows.iter()
        .map(|e| EvidenceOut {
            source: results.path(e.source),
            offset: e.offset,
            line: e.line,
            duration_ns: e.duration_ns,
            trace: e.trace.map(trace_text),
        })
        .collect()
}

#[derive(Serialize)]
pub(super) struct BottleneckOut<'a> {
    rank: usize,
    id: &'a str,
    kind: &'static str,
    subject: &'a str,
    share: f64,
    total_ns: Option<i64>,
    calls: u64,
    mean_ns: Option<i64>,
    #[serde(flatten)]
    quantiles: Map<String, Option<i64>>,
    max_ns: Option<i64>,
    ceiling_tps: Option<f64>,
    ceiling_low_tps: Option<f64>,
    ceiling_high_tps: Option<f64>,
    endpoints: &'a [String],
    confidence: Option<&'static str>,
    sentence: &'a str,
    next_step: &'a str,
    evidence: Vec<EvidenceOut>,
}

impl<'a> BottleneckOut<'a> {
    pub(super) fn of(results: &Results<'a>, asked: &[f64], rank: usize, row: &'a BottleneckRow) -> Self {
        BottleneckOut {
            rank,
            id: &row.id,
            kind: row.kind,
            subject: &row.subject,
            share: row.share,
            total_ns: row.times.total_ns,
            calls: row.calls,
            mean_ns: row.times.mean_ns,
            quantiles: quantiles(&[0.5, 0.95, 0.99], asked, &row.times),
            max_ns: row.times.max_ns,
            ceiling_tps: row.ceiling_tps,
            ceiling_low_tps: row.ceiling_low_tps,
            ceiling_high_tps: row.ceiling_high_tps,
            endpoints: &row.endpoints,
            confidence: told(row.confidence),
            sentence: &row.sentence,
            next_step: &row.next_step,
            evidence: evidence(results, &row.evidence),
        }
    }
}

#[derive(Serialize)]
struct TierOut<'a> {
    service: Option<&'a str>,
    source: String,
    calls: u64,
    mean_ns: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct EndpointOut<'a> {
    rank: usize,
    id: &'a str,
    endpoint: &'a str,
    method: Option<&'a str>,
    service: Option<&'a str>,
    tiers: Vec<TierOut<'a>>,
    calls: u64,
    tps: Option<f64>,
    errors: u64,
    total_ns: Option<i64>,
    share: f64,
    mean_ns: Option<i64>,
    #[serde(flatten)]
    quantiles: Map<String, Option<i64>>,
    max_ns: Option<i64>,
    bytes: Option<u64>,
    buckets: BucketsOut<'a>,
    database_calls_per_request: Option<f64>,
    evidence: Vec<EvidenceOut>,
}

impl<'a> EndpointOut<'a> {
    pub(super) fn of(results: &Results<'a>, asked: &[f64], rank: usize, row: &'a EndpointRow) -> Self {
        let tiers = row.tiers.iter().map(|tier| TierOut {
            service: told(&tier.service),
            source: results.path(tier.source),
            calls: tier.calls,
            mean_ns: tier.mean_ns,
        });
        EndpointOut {
            rank,
            id: &row.id,
            endpoint: &row.endpoint,
            method: told(&row.method),
            service: told(&row.service),
            tiers: tiers.collect(),
            calls: row.calls,
            tps: row.tps,
            errors: row.errors,
            total_ns: row.times.total_ns,
            share: row.share,
            mean_ns: row.times.mean_ns,
            quantiles: quantiles(&FIXED, asked, &row.times),
            max_ns: row.times.max_ns,
            bytes: row.bytes,
            buckets: BucketsOut(&row.buckets),
            database_calls_per_request: row.database_calls_per_request,
            evidence: evidence(results, &row.evidence),
        }
    }
}

#[derive(Serialize)]
struct CallerOut<'a> {
    endpoint: &'a str,
    calls: u64,
    calls_per_request: f64,
}

#[derive(Serialize)]
pub(super) struct StatementOut<'a> {
    rank: usize,
    id: &'a str,
    statement: &'a str,
    system: Option<&'a str>,
    calls: u64,
    calls_per_request: Option<f64>,
    errors: u64,
    total_ns: Option<i64>,
    server_ns: Option<i64>,
    share: f64,
    mean_ns: Option<i64>,
    #[serde(flatten)]
    quantiles: Map<String, Option<i64>>,
    max_ns: Option<i64>,
    rows: Option<u64>,
    endpoints: Vec<CallerOut<'a>>,
    evidence: Vec<EvidenceOut>,
}

impl<'a> StatementOut<'a> {
    pub(super) fn of(results: &Results<'a>, asked: &[f64], rank: usize, row: &'a StatementRow) -> Self {
        let callers = row.endpoints.iter();
        StatementOut {
            rank,
            id: &row.id,
            statement: &row.statement,
            system: told(&row.system),
            calls: row.calls,
            calls_per_request: row.calls_per_request,
            errors: row.errors,
            total_ns: row.times.total_ns,
            server_ns: row.server_ns,
            share: row.share,
            mean_ns: row.times.mean_ns,
            quantiles: quantiles(&[0.5, 0.95, 0.99], asked, &row.times),
            max_ns: row.times.max_ns,
            rows: row.rows,
            endpoints: callers
                .map(|&(ref endpoint, calls, calls_per_request)| CallerOut { endpoint, calls, calls_per_request })
                .collect(),
            evidence: evidence(results, &row.evidence),
        }
    }
}

#[derive(Serialize)]
pub(super) struct WaitOut<'a> {
    rank: usize,
    id: &'a str,
    resource: &'a str,
    instance: Option<&'a str>,
    kind: &'static str,
    acquisitions: u64,
    waited: u64,
    total_ns: Option<i64>,
    share: f64,
    mean_ns: Option<i64>,
    #[serde(flatten)]
    quantiles: Map<String, Option<i64>>,
    max_ns: Option<i64>,
    servers: Option<u32>,
    servers_basis: &'static str,
    in_use_max: Option<u32>,
    waiting_max: Option<u32>,
    utilization: Option<f64>,
    timeouts: u64,
}

impl<'a> WaitOut<'a> {
    pub(super) fn of(asked: &[f64], rank: usize, row: &'a WaitRow) -> Self {
        WaitOut {
            rank,
            id: &row.id,
            resource: &row.resource,
            instance: told(&row.instance),
            kind: row.kind,
            acquisitions: row.acquisitions,
            waited: row.waited,
            total_ns: row.times.total_ns,
            share: row.share,
            mean_ns: row.times.mean_ns,
            quantiles: quantiles(&[0.5, 0.95, 0.99], asked, &row.times),
            max_ns: row.times.max_ns,
            servers: row.servers,
            servers_basis: row.servers_basis,
            in_use_max: row.in_use_max,
            waiting_max: row.waiting_max,
            utilization: row.utilization,
            timeouts: row.timeouts,
        }
    }
}

#[derive(Serialize)]
pub(super) struct PauseOut<'a> {
    cause: &'a str,
    count: u64,
    total_ns: i64,
    max_ns: i64,
}

impl<'a> PauseOut<'a> {
    pub(super) fn of(row: &'a PauseRow) -> Self {
        PauseOut { cause: &row.cause, count: row.count, total_ns: row.total_ns, max_ns: row.max_ns }
    }
}

#[derive(Serialize)]
pub(super) struct FindingOut<'a> {
    rule: &'static str,
    severity: &'static str,
    subject: &'a str,
    sentence: &'a str,
    next_step: &'a str,
    evidence: Vec<EvidenceOut>,
}

impl<'a> FindingOut<'a> {
    pub(super) fn of(results: &Results<'a>, row: &'a Finding) -> Self {
        FindingOut {
            rule: row.rule,
            severity: row.severity,
            subject: &row.subject,
            sentence: &row.sentence,
            next_step: &row.next_step,
            evidence: evidence(results, &row.evidence),
        }
    }
}

#[derive(Serialize)]
pub(super) struct SliceOut {
    start: String,
    seconds: f64,
    requests: u64,
    errors: u64,
    tps: Option<f64>,
    p50_ns: Option<i64>,
    p95_ns: Option<i64>,
    concurrency_mean: Option<f64>,
}

impl SliceOut {
    pub(super) fn of(row: &SliceRow) -> Self {
        let seconds = row.width_ns as f64 / 1e9;
        SliceOut {
            start: time_text(row.start_ns),
            seconds,
            requests: row.requests,
            errors: row.errors,
            tps: (seconds > 0.0).then(|| row.requests as f64 / seconds),
            p50_ns: row.p50_ns,
            p95_ns: row.p95_ns,
            concurrency_mean: row.concurrency_mean,
        }
    }
}
