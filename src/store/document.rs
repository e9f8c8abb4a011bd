//! The document of a saved profile. These structs are the file format: fields are added, never renamed or removed within a
//! version. What is read is checked, as a profile may come from anywhere.

use serde::{Deserialize, Serialize};

use crate::analyze::Totals;
use crate::analyze::bucket::Buckets;
use crate::analyze::capacity::evidence::Verdict;
use crate::analyze::capacity::model::{Basis, Kind, Size};
use crate::analyze::profile::histogram::Histogram;
use crate::analyze::profile::snapshot::{CapacitySummary, QualitySummary, ResourceSummary, SourceSummary};
use crate::analyze::profile::{Block, Caller, MOST_BLOCKS, Profile, Series, Snapshot};

/// The narrowest block: 1/64 s.
const LEAST_BLOCK_NS: i64 = 1_000_000_000 / 64;

/// More requests than this in one profile are damage: sums of some profiles must not overflow.
const MOST_COUNT: u64 = 1 << 48;

/// Writes a snapshot as JSON.
pub(super) fn write(snapshot: &Snapshot) -> String {
    serde_json::to_string(&Document::of(snapshot)).expect("plain structs with text keys serialise")
}

/// Reads a snapshot from JSON.
pub(super) fn read(text: &str) -> Result<Snapshot, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    document.snapshot()
}

#[derive(Deserialize, Serialize)]
struct Document {
    /// The version of narrows that wrote it.
    narrows: String,
    verdict: String,
    block_ns: i64,
    window: Option<(i64, i64)>,
    totals: TotalsDocument,
    endpoints: Vec<SeriesDocument>,
    statements: Vec<SeriesDocument>,
    /// Statement, endpoint, calls, how many of them have a duration, and the sum of those.
    callers: Vec<(String, String, u64, u64, i64)>,
    capacity: CapacityDocument,
    resources: Vec<ResourceDocument>,
    sources: Vec<SourceDocument>,
    quality: QualityDocument,
}

#[derive(Deserialize, Serialize)]
struct TotalsDocument {
    count: u64,
    errors: u64,
    abandoned: u64,
    timed_out: u64,
    total_ns: Option<i64>,
    buckets: [Option<i64>; 9],
}

#[derive(Deserialize, Serialize)]
struct SeriesDocument {
    name: String,
    method: String,
    service: String,
    buckets: [Option<i64>; 9],
    database_calls: Option<u64>,
    volume: Option<u64>,
    server_ns: Option<i64>,
    blocks: Vec<BlockDocument>,
}

/// Number of the block, count, errors; then sum, minimum, maximum and counts by bucket of the durations.
#[derive(Deserialize, Serialize)]
struct BlockDocument(i64, u64, u64, u64, i64, i64, Vec<(u16, u64)>);

#[derive(Deserialize, Serialize)]
struct CapacityDocument {
    concurrency_max: Option<u32>,
    successes: u64,
    #[serde(with = "exact")]
    ceiling_tps: Option<f64>,
    #[serde(with = "exact")]
    ceiling_low_tps: Option<f64>,
    #[serde(with = "exact")]
    ceiling_high_tps: Option<f64>,
    cause: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct ResourceDocument {
    name: String,
    kind: String,
    servers: Option<u32>,
    servers_basis: String,
    #[serde(with = "exact")]
    demand_ns: Option<f64>,
    #[serde(with = "exact")]
    utilization: Option<f64>,
    #[serde(with = "exact")]
    ceiling_tps: Option<f64>,
    verdict: String,
    waits: Option<(u64, i64)>,
}

#[derive(Deserialize, Serialize)]
struct SourceDocument {
    path: String,
    format: String,
    bytes: u64,
    sha256: Option<String>,
    records: u64,
    operations: u64,
    rejected: Vec<(String, u64)>,
    filtered: u64,
    read: Vec<(String, u64, u64, i64)>,
    span: Option<(i64, i64)>,
    stamp: Option<String>,
    duration_unit: Option<String>,
    resolution_ns: Option<i64>,
    assumptions: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct QualityDocument {
    copies: u64,
    duplicates: u64,
    orphans: u64,
    joined: (u64, u64),
    clipped_ns: i64,
    warnings: Vec<String>,
}

/// Numbers with a fraction as text: JSON readers may be off by the last bit, and a saved profile must compare like its logs.
mod exact {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.filter(|v| v.is_finite()).map(|v| v.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let number = |text: String| match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
            _ => Err(D::Error::custom(format!("`{text}` is no number"))),
        };
        text.map(number).transpose()
    }
}

impl Document {
    fn of(snapshot: &Snapshot) -> Self {
        let Snapshot { verdict, profile, totals, capacity, resources, sources, quality } = snapshot.clone();
        let block_ns = profile.block_ns;
        let series = |all: Vec<Series>| all.into_iter().map(|series| SeriesDocument::of(series, block_ns)).collect();
        Document {
            narrows: env!("CARGO_PKG_VERSION").to_owned(),
            verdict,
            block_ns,
            window: profile.window,
            totals: TotalsDocument {
                count: totals.count,
                errors: totals.errors,
                abandoned: totals.abandoned,
                timed_out: totals.timed_out,
                total_ns: totals.total_ns,
                buckets: totals.buckets.0,
            },
            endpoints: series(profile.endpoints),
            statements: series(profile.statements),
            callers: profile.callers.into_iter().map(|c| (c.statement, c.endpoint, c.calls, c.timed, c.total_ns)).collect(),
            capacity: CapacityDocument {
                concurrency_max: capacity.concurrency_max,
                successes: capacity.successes,
                ceiling_tps: capacity.ceiling_tps,
                ceiling_low_tps: capacity.ceiling_low_tps,
                ceiling_high_tps: capacity.ceiling_high_tps,
                cause: capacity.cause,
            },
            resources: resources.into_iter().map(ResourceDocument::of).collect(),
            sources: sources.into_iter().map(SourceDocument::of).collect(),
            quality: QualityDocument {
                copies: quality.copies,
                duplicates: quality.duplicates,
                orphans: quality.orphans,
                joined: quality.joined,
                clipped_ns: quality.clipped_ns,
                warnings: quality.warnings,
            },
        }
    }

    fn snapshot(self) -> Result<Snapshot, String> {
        let window = self.window;
        if window.is_some_and(|(first, last)| last < first) {
            return Err("its window ends before it starts".to_owned());
        }
        let width = self.block_ns;
        let is_power = width >= LEAST_BLOCK_NS
            && width % LEAST_BLOCK_NS == 0
            && (width / LEAST_BLOCK_NS).count_ones() == 1
            && width <= LEAST_BLOCK_NS << 38;
        let is_empty = width == 0 && self.endpoints.is_empty() && self.statements.is_empty() && window.is_none();
        if !is_power && !is_empty {
            return Err(format!("blocks of a width of {width} ns"));
        }
        let blocks = window.filter(|_| is_power).map(|(first, last)| (first.div_euclid(width), last.div_euclid(width)));
        if blocks.is_some_and(|(first, last)| last - first >= 2 * MOST_BLOCKS) {
            return Err(format!("more than {} blocks", 2 * MOST_BLOCKS));
        }
        let counts =
            [self.totals.count, self.totals.errors, self.totals.abandoned, self.totals.timed_out, self.capacity.successes];
        if counts.iter().chain(self.callers.iter().map(|caller| &caller.2)).any(|&count| count > MOST_COUNT) {
            return Err("a count of more than 2^48".to_owned());
        }
        let quality =
            [self.quality.copies, self.quality.duplicates, self.quality.orphans, self.quality.joined.0, self.quality.joined.1];
        if quality.into_iter().any(|count| count > MOST_COUNT) {
            return Err("a count of more than 2^48".to_owned());
        }
        let series = |all: Vec<SeriesDocument>| all.into_iter().map(|series| series.series(width)).collect::<Result<Vec<_>, _>>();
        if self.callers.iter().any(|caller| caller.3 > MOST_COUNT || caller.4 < 0) {
            return Err("the calls of a statement cannot be".to_owned());
        }
        let caller = |(statement, endpoint, calls, timed, total_ns)| Caller { statement, endpoint, calls, timed, total_ns };
        let profile = Profile {
            block_ns: width,
            window,
            endpoints: series(self.endpoints)?,
            statements: series(self.statements)?,
            callers: self.callers.into_iter().map(caller).collect(),
        };
        Ok(Snapshot {
            verdict: self.verdict,
            totals: Totals {
                count: self.totals.count,
                errors: self.totals.errors,
                abandoned: self.totals.abandoned,
                timed_out: self.totals.timed_out,
                total_ns: self.totals.total_ns,
                seconds: window.map(|(first, last)| last.saturating_sub(first) as f64 / 1e9).filter(|&seconds| seconds > 0.0),
                buckets: Buckets(self.totals.buckets),
            },
            profile,
            capacity: CapacitySummary {
                concurrency_max: self.capacity.concurrency_max,
                successes: self.capacity.successes,
                ceiling_tps: self.capacity.ceiling_tps,
                ceiling_low_tps: self.capacity.ceiling_low_tps,
                ceiling_high_tps: self.capacity.ceiling_high_tps,
                cause: self.capacity.cause,
            },
            resources: self.resources.into_iter().map(ResourceDocument::resource).collect::<Result<_, _>>()?,
            sources: self.sources.into_iter().map(SourceDocument::source).collect(),
            quality: QualitySummary {
                copies: self.quality.copies,
                duplicates: self.quality.duplicates,
                orphans: self.quality.orphans,
                joined: self.quality.joined,
                clipped_ns: self.quality.clipped_ns,
                warnings: self.quality.warnings,
            },
        })
    }
}

impl SeriesDocument {
    fn of(series: Series, width: i64) -> Self {
        let block = |block: Block| {
            let times = &block.durations;
            BlockDocument(
                block.start_ns.div_euclid(width.max(1)),
                block.count,
                block.errors,
                times.sum_ns(),
                times.min_ns().unwrap_or(0),
                times.max_ns().unwrap_or(0),
                times.counts().to_vec(),
            )
        };
        SeriesDocument {
            name: series.name,
            method: series.method,
            service: series.service,
            buckets: series.buckets.0,
            database_calls: series.database_calls,
            volume: series.volume,
            server_ns: series.server_ns,
            blocks: series.blocks.into_iter().map(block).collect(),
        }
    }

    fn series(self, width: i64) -> Result<Series, String> {
        let mut blocks: Vec<Block> = Vec::with_capacity(self.blocks.len().min(1 << 10));
        let mut counted = 0u64;
        for BlockDocument(number, count, errors, sum_ns, min_ns, max_ns, counts) in self.blocks {
            let start_ns = number.checked_mul(width).ok_or_else(|| format!("`{}` has a block outside of time", self.name))?;
            if blocks.last().is_some_and(|last| last.start_ns >= start_ns) {
                return Err(format!("the blocks of `{}` are out of order", self.name));
            }
            let durations = Histogram::from_parts(counts, sum_ns, min_ns, max_ns)
                .ok_or_else(|| format!("a histogram of `{}` contradicts itself", self.name))?;
            counted = counted.saturating_add(count);
            if counted > MOST_COUNT || durations.n() > count {
                return Err(format!("a count of `{}` cannot be", self.name));
            }
            if errors > count {
                return Err(format!("more errors than calls of `{}`", self.name));
            }
            blocks.push(Block { start_ns, durations, count, errors });
        }
        Ok(Series {
            name: self.name,
            method: self.method,
            service: self.service,
            blocks,
            buckets: Buckets(self.buckets),
            database_calls: self.database_calls,
            volume: self.volume,
            server_ns: self.server_ns,
        })
    }
}

impl ResourceDocument {
    fn of(resource: ResourceSummary) -> Self {
        ResourceDocument {
            name: resource.name,
            kind: resource.kind.name().to_owned(),
            servers: resource.size.value,
            servers_basis: resource.size.basis.name().to_owned(),
            demand_ns: resource.demand_ns,
            utilization: resource.utilization,
            ceiling_tps: resource.ceiling_tps,
            verdict: resource.verdict.name().to_owned(),
            waits: resource.waits,
        }
    }

    fn resource(self) -> Result<ResourceSummary, String> {
        let kinds = [Kind::Threads, Kind::Connections, Kind::Sockets, Kind::External, Kind::Lock, Kind::Database];
        let bases = [Basis::Stated, Basis::Gauge, Basis::Inferred, Basis::AtLeast, Basis::Unknown];
        let verdicts = [Verdict::Saturated, Verdict::Near, Verdict::Headroom, Verdict::Unknown];
        if self.waits.is_some_and(|(n, ns)| n > MOST_COUNT || ns < 0) {
            return Err(format!("the waits for `{}` cannot be", self.name));
        }
        Ok(ResourceSummary {
            kind: kinds.into_iter().find(|k| k.name() == self.kind).ok_or_else(|| format!("no kind `{}`", self.kind))?,
            size: Size {
                value: self.servers,
                basis: bases
                    .into_iter()
                    .find(|b| b.name() == self.servers_basis)
                    .ok_or_else(|| format!("no basis `{}`", self.servers_basis))?,
            },
            verdict: verdicts
                .into_iter()
                .find(|v| v.name() == self.verdict)
                .ok_or_else(|| format!("no verdict `{}`", self.verdict))?,
            name: self.name,
            demand_ns: self.demand_ns,
            utilization: self.utilization,
            ceiling_tps: self.ceiling_tps,
            waits: self.waits,
        })
    }
}

impl SourceDocument {
    fn of(source: SourceSummary) -> Self {
        let SourceSummary { path, format, bytes, sha256, records, operations, rejected, filtered, read, span, .. } = source;
        let SourceSummary { stamp, duration_unit, resolution_ns, assumptions, .. } = source;
        SourceDocument {
            path,
            format,
            bytes,
            sha256,
            records,
            operations,
            rejected,
            filtered,
            read,
            span,
            stamp,
            duration_unit,
            resolution_ns,
            assumptions,
        }
    }

    fn source(self) -> SourceSummary {
        SourceSummary {
            path: self.path,
            format: self.format,
            bytes: self.bytes,
            sha256: self.sha256,
            records: self.records,
            operations: self.operations,
            rejected: self.rejected,
            filtered: self.filtered,
            read: self.read,
            span: self.span,
            stamp: self.stamp,
            duration_unit: self.duration_unit,
            resolution_ns: self.resolution_ns,
            assumptions: self.assumptions,
        }
    }
}
