//! Machine output of a comparison, schema 1. These structs are the contract: fields are added, never renamed or removed
//! within a schema number; what the logs do not say is null, never 0.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Difference, Results, Run, kept_name, told, words};
use crate::analyze::bucket::Bucket;
use crate::analyze::compare::{Change, Reason};
use crate::analyze::profile::Snapshot;
use crate::analyze::profile::snapshot::{ResourceSummary, SourceSummary};
use crate::report::json::WindowOut;
use crate::units::time_text;

/// The number of the contract.
const SCHEMA: u32 = 1;

/// Writes everything, indented, with a line end.
pub(super) fn write(results: &Results<'_>) -> String {
    let mut text = serde_json::to_string_pretty(&Document::of(results)).expect("plain structs with text keys serialise");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    narrows: &'static str,
    command: &'a [String],
    base: SideOut<'a>,
    candidate: SideOut<'a>,
    verdict: &'static str,
    sentence: String,
    reasons: Vec<String>,
    endpoints: Vec<ChangeOut<'a>>,
    database: Vec<ChangeOut<'a>>,
    mix: MixOut,
    load: LoadOut,
    budgets: Vec<BudgetOut>,
    capacity: CapacityOut<'a>,
    history: Option<HistoryOut<'a>>,
    warnings: Vec<String>,
}

impl<'a> Document<'a> {
    fn of(results: &Results<'a>) -> Self {
        let comparison = results.comparison;
        let (mix, load) = (&comparison.mix, &comparison.load);
        Document {
            schema: SCHEMA,
            narrows: env!("CARGO_PKG_VERSION"),
            command: results.command,
            base: SideOut::of(results.base, results.base_merged),
            candidate: SideOut::of(results.candidate, results.candidate_merged),
            verdict: comparison.verdict.name(),
            sentence: words::verdict(results),
            reasons: words::reasons(results),
            endpoints: comparison.endpoints.iter().map(|change| ChangeOut::of(results, change, true)).collect(),
            database: comparison.statements.iter().map(|change| ChangeOut::of(results, change, false)).collect(),
            mix: MixOut {
                base_mean_ns: whole(mix.base_mean_ns),
                candidate_mean_ns: whole(mix.candidate_mean_ns),
                within_ns: whole(mix.within_ns),
                mix_ns: whole(mix.mix_ns),
                sentence: mix.sentence(),
            },
            load: LoadOut {
                base_tps: load.base_tps,
                candidate_tps: load.candidate_tps,
                base_concurrency: load.base_concurrency,
                candidate_concurrency: load.candidate_concurrency,
                comparable: load.comparable,
            },
            budgets: results
                .outcomes
                .iter()
                .map(|outcome| BudgetOut {
                    name: results.budget_name(outcome),
                    limit: results.limit(outcome),
                    actual: results.actual(outcome),
                    verdict: kept_name(outcome.kept),
                })
                .collect(),
            capacity: CapacityOut {
                base_ceiling_tps: comparison.ceiling_tps.0,
                candidate_ceiling_tps: comparison.ceiling_tps.1,
                regressed: comparison.capacity_regressed,
                resources: results.differences.iter().map(DifferenceOut::of).collect(),
            },
            history: results.history.map(|history| HistoryOut {
                runs: history.runs,
                noise: &history.noise,
                changes: history
                    .changes
                    .iter()
                    .map(|change| TrendOut {
                        name: &change.name,
                        build: &change.build,
                        previous: &change.previous,
                        before_ns: whole(change.before_ns),
                        after_ns: whole(change.after_ns),
                        p_value: change.p_value,
                    })
                    .collect(),
            }),
            warnings: words::warnings(results),
        }
    }
}

fn whole(ns: f64) -> i64 {
    ns.round() as i64
}

#[derive(Serialize)]
struct SideOut<'a> {
    runs: Vec<&'a str>,
    sources: Vec<SourceOut<'a>>,
    window: WindowOut,
    requests: RequestsOut,
}

impl<'a> SideOut<'a> {
    fn of(runs: &'a [Run<'a>], merged: &'a Snapshot) -> Self {
        let totals = &merged.totals;
        let per_second = |n: u64| merged.seconds().map(|seconds| n as f64 / seconds);
        SideOut {
            runs: runs.iter().map(|run| run.name).collect(),
            sources: merged.sources.iter().map(SourceOut::of).collect(),
            window: WindowOut::of(merged.profile.window, merged.seconds()),
            requests: RequestsOut {
                count: totals.count,
                errors: totals.errors,
                tps: per_second(totals.count),
                goodput_tps: per_second(totals.count.saturating_sub(totals.errors)),
                total_ns: totals.total_ns,
            },
        }
    }
}

#[derive(Serialize)]
struct RequestsOut {
    count: u64,
    errors: u64,
    tps: Option<f64>,
    goodput_tps: Option<f64>,
    total_ns: Option<i64>,
}

#[derive(Serialize)]
struct SourceOut<'a> {
    path: &'a str,
    format: &'a str,
    bytes: u64,
    sha256: Option<&'a str>,
    records: u64,
    operations: u64,
    rejected: BTreeMap<&'a str, u64>,
    filtered: u64,
    read: BTreeMap<&'a str, ReadOut>,
    first: Option<String>,
    last: Option<String>,
    stamp: Option<&'a str>,
    duration_unit: Option<&'a str>,
    resolution_ns: Option<i64>,
    assumptions: &'a [String],
}

#[derive(Serialize)]
struct ReadOut {
    count: u64,
    with_duration: u64,
    total_ns: Option<i64>,
}

impl<'a> SourceOut<'a> {
    fn of(source: &'a SourceSummary) -> Self {
        let read = |(kind, count, with_duration, total_ns): &'a (String, u64, u64, i64)| {
            let total_ns = (*with_duration > 0).then_some(*total_ns);
            (kind.as_str(), ReadOut { count: *count, with_duration: *with_duration, total_ns })
        };
        SourceOut {
            path: &source.path,
            format: &source.format,
            bytes: source.bytes,
            sha256: source.sha256.as_deref(),
            records: source.records,
            operations: source.operations,
            rejected: source.rejected.iter().map(|(reason, n)| (reason.as_str(), *n)).collect(),
            filtered: source.filtered,
            read: source.read.iter().map(read).collect(),
            first: source.span.map(|span| time_text(span.0)),
            last: source.span.map(|span| time_text(span.1)),
            stamp: source.stamp.as_deref(),
            duration_unit: source.duration_unit.as_deref(),
            resolution_ns: source.resolution_ns,
            assumptions: &source.assumptions,
        }
    }
}

#[derive(Serialize)]
struct ChangeOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<&'a str>,
    verdict: &'static str,
    reasons: Vec<&'static str>,
    n_base: u64,
    n_candidate: u64,
    p50_ratio: Option<f64>,
    p95_ratio: Option<f64>,
    p95_low: Option<f64>,
    p95_high: Option<f64>,
    shift_ratio: Option<f64>,
    shift_low: Option<f64>,
    shift_high: Option<f64>,
    p_value: Option<f64>,
    p_adjusted: Option<f64>,
    n_eff_base: Option<f64>,
    n_eff_candidate: Option<f64>,
    mde_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<BTreeMap<&'static str, BucketOut>>,
    calls_per_request_base: Option<f64>,
    calls_per_request_candidate: Option<f64>,
    error_rate_base: Option<f64>,
    error_rate_candidate: Option<f64>,
    sentence: Option<&'a str>,
    statements: Vec<GrowthOut<'a>>,
}

#[derive(Serialize)]
struct BucketOut {
    base_mean_ns: Option<i64>,
    candidate_mean_ns: Option<i64>,
}

#[derive(Serialize)]
struct GrowthOut<'a> {
    statement: &'a str,
    base_mean_ns: Option<i64>,
    candidate_mean_ns: Option<i64>,
    calls_per_request_base: f64,
    calls_per_request_candidate: f64,
    moved_ns: i64,
}

impl<'a> ChangeOut<'a> {
    fn of(results: &Results<'a>, change: &'a Change, is_endpoint: bool) -> Self {
        let effect = told(change);
        let explanation = results.explanations.iter().find(|e| is_endpoint && e.endpoint == change.name);
        let bucket = |bucket: Bucket| {
            let found = change.buckets.iter().find(|known| known.0 == bucket.name());
            let (base, candidate) = found.map_or((None, None), |known| (known.1, known.2));
            (bucket.name(), BucketOut { base_mean_ns: base.map(whole), candidate_mean_ns: candidate.map(whole) })
        };
        ChangeOut {
            endpoint: is_endpoint.then_some(&change.name),
            statement: (!is_endpoint).then_some(&change.name),
            verdict: change.verdict.name(),
            reasons: change.reasons.iter().map(|reason| reason_name(*reason)).collect(),
            n_base: change.n_base,
            n_candidate: change.n_candidate,
            p50_ratio: effect.map(|e| e.p50_ratio),
            p95_ratio: effect.map(|e| e.p95_ratio),
            p95_low: effect.map(|e| e.p95_low),
            p95_high: effect.map(|e| e.p95_high),
            shift_ratio: effect.map(|e| e.shift_ratio),
            shift_low: effect.map(|e| e.shift_low),
            shift_high: effect.map(|e| e.shift_high),
            p_value: change.p_value,
            p_adjusted: change.p_adjusted,
            n_eff_base: change.n_eff_base,
            n_eff_candidate: change.n_eff_candidate,
            mde_ratio: change.mde_ratio,
            buckets: is_endpoint.then(|| Bucket::ALL.into_iter().map(bucket).collect()),
            calls_per_request_base: change.calls_per_request_base,
            calls_per_request_candidate: change.calls_per_request_candidate,
            error_rate_base: change.errors.map(|errors| errors.base),
            error_rate_candidate: change.errors.map(|errors| errors.candidate),
            sentence: explanation.map(|e| e.sentence.as_str()),
            statements: explanation.map_or_else(Vec::new, |e| {
                e.statements
                    .iter()
                    .map(|growth| GrowthOut {
                        statement: &growth.statement,
                        base_mean_ns: growth.mean_ns.0.map(whole),
                        candidate_mean_ns: growth.mean_ns.1.map(whole),
                        calls_per_request_base: growth.calls_per_request.0,
                        calls_per_request_candidate: growth.calls_per_request.1,
                        moved_ns: whole(growth.moved_ns),
                    })
                    .collect()
            }),
        }
    }
}

/// A reason's name in machine output.
fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Shift => "shift",
        Reason::Tail => "tail",
        Reason::Errors => "errors",
        Reason::Calls => "calls",
        Reason::Degenerate => "degenerate",
        Reason::Burst => "burst",
        Reason::Load => "load",
    }
}

#[derive(Serialize)]
struct MixOut {
    base_mean_ns: i64,
    candidate_mean_ns: i64,
    within_ns: i64,
    mix_ns: i64,
    sentence: Option<&'static str>,
}

#[derive(Serialize)]
struct LoadOut {
    base_tps: f64,
    candidate_tps: f64,
    base_concurrency: Option<f64>,
    candidate_concurrency: Option<f64>,
    comparable: bool,
}

#[derive(Serialize)]
struct BudgetOut {
    name: String,
    limit: Option<f64>,
    actual: Option<f64>,
    verdict: &'static str,
}

#[derive(Serialize)]
struct CapacityOut<'a> {
    base_ceiling_tps: Option<f64>,
    candidate_ceiling_tps: Option<f64>,
    regressed: bool,
    resources: Vec<DifferenceOut<'a>>,
}

#[derive(Serialize)]
struct DifferenceOut<'a> {
    name: &'a str,
    kind: &'static str,
    differs: bool,
    sentence: &'a str,
    base: Option<ResourceOut>,
    candidate: Option<ResourceOut>,
}

#[derive(Serialize)]
struct ResourceOut {
    servers: Option<u32>,
    servers_basis: &'static str,
    demand_ns: Option<i64>,
    utilization: Option<f64>,
    ceiling_tps: Option<f64>,
    mean_wait_ns: Option<i64>,
    verdict: &'static str,
}

impl<'a> DifferenceOut<'a> {
    fn of(difference: &'a Difference) -> Self {
        let side = |side: &Option<ResourceSummary>| {
            side.as_ref().map(|resource| ResourceOut {
                servers: resource.size.value,
                servers_basis: resource.size.basis.name(),
                demand_ns: resource.demand_ns.map(whole),
                utilization: resource.utilization,
                ceiling_tps: resource.ceiling_tps,
                mean_wait_ns: crate::analyze::compare::resources::mean_wait(resource).map(whole),
                verdict: resource.verdict.name(),
            })
        };
        DifferenceOut {
            name: &difference.name,
            kind: difference.kind,
            differs: difference.differs,
            sentence: &difference.sentence,
            base: side(&difference.base),
            candidate: side(&difference.candidate),
        }
    }
}

#[derive(Serialize)]
struct HistoryOut<'a> {
    runs: usize,
    noise: &'a BTreeMap<String, f64>,
    changes: Vec<TrendOut<'a>>,
}

#[derive(Serialize)]
struct TrendOut<'a> {
    name: &'a str,
    build: &'a str,
    previous: &'a str,
    before_ns: i64,
    after_ns: i64,
    p_value: f64,
}
