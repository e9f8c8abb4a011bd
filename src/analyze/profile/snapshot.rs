//! A run in short, as it is saved and compared: its [`Profile`], and beside it the capacity, the account of what was read,
//! and what joins statements to endpoints. Plain values; no file format.

use std::collections::BTreeMap;

use super::Profile;
use crate::analyze::capacity::evidence::Verdict;
use crate::analyze::capacity::model::{Kind, Size};
use crate::analyze::run::{Analysis, Totals};

/// A run in short.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// What the analysis said of it.
    pub verdict: String,
    /// Endpoints and statements by block of time.
    pub profile: Profile,
    /// Requests in total.
    pub totals: Totals,
    /// What caps the throughput.
    pub capacity: CapacitySummary,
    /// What requests hold and wait for.
    pub resources: Vec<ResourceSummary>,
    /// The logs it was made from.
    pub sources: Vec<SourceSummary>,
    /// What the numbers rest on.
    pub quality: QualitySummary,
}

/// What caps the throughput.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CapacitySummary {
    /// Most requests in the system at once.
    pub concurrency_max: Option<u32>,
    /// Successful requests that the demands below were measured over.
    pub successes: u64,
    /// What the system would carry, in requests per second.
    pub ceiling_tps: Option<f64>,
    /// Its low end.
    pub ceiling_low_tps: Option<f64>,
    /// Its high end.
    pub ceiling_high_tps: Option<f64>,
    /// Name of the innermost full resource.
    pub cause: Option<String>,
}

/// One resource.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceSummary {
    /// Its name; each once.
    pub name: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// Its size and how it is known.
    pub size: Size,
    /// Busy time that a successful request costs it, in nanoseconds.
    pub demand_ns: Option<f64>,
    /// Share of slot time taken.
    pub utilization: Option<f64>,
    /// What it alone lets through at most, in requests per second.
    pub ceiling_tps: Option<f64>,
    /// Its state.
    pub verdict: Verdict,
    /// How often it was asked for, and the sum of the waits in nanoseconds; `None` where nobody ever waited.
    pub waits: Option<(u64, i64)>,
}

/// One log that was read.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct SourceSummary {
    /// Path as shown.
    pub path: String,
    /// Name of the format.
    pub format: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content as decoded; `None` only of standard input and where nobody asked.
    pub sha256: Option<String>,
    /// Records read.
    pub records: u64,
    /// Operations they told of.
    pub operations: u64,
    /// Records left out, by reason.
    pub rejected: Vec<(String, u64)>,
    /// Operations that filters left out.
    pub filtered: u64,
    /// What was read of each kind: count, how many with a duration, and their sum in nanoseconds.
    pub read: Vec<(String, u64, u64, i64)>,
    /// Earliest start and latest end, in nanoseconds since the epoch.
    pub span: Option<(i64, i64)>,
    /// What the timestamps mark: `start` or `end`.
    pub stamp: Option<String>,
    /// Unit of the durations as written.
    pub duration_unit: Option<String>,
    /// Finest step of the durations, in nanoseconds.
    pub resolution_ns: Option<i64>,
    /// What had to be assumed.
    pub assumptions: Vec<String>,
}

/// What the numbers rest on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QualitySummary {
    /// Rows that tell of an event another source told of, too.
    pub copies: u64,
    /// Exact duplicates within one source.
    pub duplicates: u64,
    /// Spans whose parent was not given.
    pub orphans: u64,
    /// Records with an id, and those of them that found a request.
    pub joined: (u64, u64),
    /// Time that parts claimed beyond their record, in nanoseconds.
    pub clipped_ns: i64,
    /// What the reader should be warned of.
    pub warnings: Vec<String>,
}

impl Snapshot {
    /// An analysis in short. `sources` and `warnings` are known to whoever loaded the logs.
    pub fn of(analysis: &Analysis, sources: Vec<SourceSummary>, warnings: Vec<String>) -> Self {
        let quality = &analysis.quality;
        let resources = resources(analysis);
        let capacity = analysis.capacity.as_ref().map_or_else(CapacitySummary::default, |found| CapacitySummary {
            concurrency_max: (found.concurrency_max > 0).then_some(found.concurrency_max),
            successes: found.completions.success,
            ceiling_tps: found.ceiling_tps,
            ceiling_low_tps: found.ceiling_low_tps,
            ceiling_high_tps: found.ceiling_high_tps,
            cause: found.cause.and_then(|at| resources.get(at)).map(|resource| resource.name.clone()),
        });
        Snapshot {
            verdict: analysis.verdict.clone(),
            profile: ordered(analysis.profile.clone()),
            totals: analysis.totals.clone(),
            capacity,
            resources,
            sources,
            quality: QualitySummary {
                copies: quality.joined.copies,
                duplicates: quality.joined.duplicates,
                orphans: quality.joined.orphans,
                joined: (quality.joined.with_id, quality.joined.joined),
                clipped_ns: quality.clipped_ns,
                warnings,
            },
        }
    }

    /// Length of the run, in seconds; `None` when it has none.
    pub fn seconds(&self) -> Option<f64> {
        seconds(self.profile.window)
    }

    /// Mean number of requests in the system, by Little's law; `None` without durations.
    pub fn concurrency_mean(&self) -> Option<f64> {
        self.totals.total_ns.zip(self.seconds()).map(|(total, seconds)| total as f64 / 1e9 / seconds)
    }

    /// The coarsest step among the durations of requests, in nanoseconds; 0 when none is known.
    pub fn resolution_ns(&self) -> i64 {
        let timed = |source: &&SourceSummary| source.read.iter().any(|read| read.0 == "request" && read.2 > 0);
        self.sources.iter().filter(timed).filter_map(|source| source.resolution_ns).max().unwrap_or(0)
    }
}

/// Length of a window, in seconds.
pub(super) fn seconds(window: Option<(i64, i64)>) -> Option<f64> {
    window.map(|(first, last)| last.saturating_sub(first) as f64 / 1e9).filter(|&seconds| seconds > 0.0)
}

/// Series by name, so that a profile is the same however its logs were read.
fn ordered(mut profile: Profile) -> Profile {
    let key = |series: &super::Series| (series.name.clone(), series.service.clone(), series.method.clone());
    profile.endpoints.sort_by_cached_key(key);
    profile.statements.sort_by_cached_key(key);
    profile
}

fn resources(analysis: &Analysis) -> Vec<ResourceSummary> {
    let Some(capacity) = &analysis.capacity else { return Vec::new() };
    let mut seen: BTreeMap<(&str, Kind), usize> = BTreeMap::new();
    let mut summaries = Vec::new();
    for found in &capacity.resources {
        // Two hosts may name their pools alike: the second, third and so on carry a number.
        let times = seen.entry((&found.name, found.kind)).or_default();
        *times += 1;
        // Which row is whose cannot be told where names repeat.
        let mut rows = analysis.waits.iter().filter(|row| row.resource == found.name && row.kind == found.kind.name());
        let waits = rows.next().filter(|_| rows.next().is_none());
        summaries.push(ResourceSummary {
            name: if *times == 1 { found.name.clone() } else { format!("{} ({times})", found.name) },
            kind: found.kind,
            size: found.size,
            demand_ns: found.demand.map(|seconds| seconds * 1e9),
            utilization: found.utilization,
            ceiling_tps: found.ceiling_tps,
            verdict: found.verdict,
            waits: waits.map(|row| (row.acquisitions, row.times.total_ns.unwrap_or(0))),
        });
    }
    summaries
}
