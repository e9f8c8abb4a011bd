//! Two runs, or two parts of one, as one. Blocks are powers of two of seconds, so that those of any two profiles line up
//! once the finer are added up in pairs.

use std::collections::BTreeMap;

use super::snapshot::{CapacitySummary, ResourceSummary, Snapshot, seconds};
use super::{Block, Caller, MOST_BLOCKS, Profile, Series};
use crate::analyze::capacity::model::{Basis, Size};
use crate::analyze::run::Totals;

/// Adds two runs up. The order does not matter, but for names of equal weight.
pub fn merge(a: &Snapshot, b: &Snapshot) -> Snapshot {
    let profile = profiles(&a.profile, &b.profile);
    let mut sources: Vec<_> = a.sources.iter().chain(&b.sources).cloned().collect();
    sources.sort();
    sources.dedup();
    let mut quality = a.quality.clone();
    quality.copies += b.quality.copies;
    quality.duplicates += b.quality.duplicates;
    quality.orphans += b.quality.orphans;
    quality.joined = (quality.joined.0 + b.quality.joined.0, quality.joined.1 + b.quality.joined.1);
    quality.clipped_ns = quality.clipped_ns.saturating_add(b.quality.clipped_ns);
    quality.warnings.extend(b.quality.warnings.iter().cloned());
    quality.warnings.sort();
    quality.warnings.dedup();
    Snapshot {
        verdict: String::new(),
        totals: totals(&a.totals, &b.totals, seconds(profile.window)),
        capacity: capacity(a, b),
        resources: resources(a, b),
        sources,
        quality,
        profile,
    }
}

/// Makes blocks coarser, to a width that is a multiple of theirs.
pub fn coarsen(profile: &mut Profile, block_ns: i64) {
    if block_ns <= profile.block_ns {
        return;
    }
    for series in profile.endpoints.iter_mut().chain(&mut profile.statements) {
        series.blocks = added(series.blocks.drain(..), block_ns);
    }
    profile.block_ns = block_ns;
}

/// Blocks by start, those of one start added up.
fn added(blocks: impl Iterator<Item = Block>, block_ns: i64) -> Vec<Block> {
    let mut by_start: BTreeMap<i64, Block> = BTreeMap::new();
    for block in blocks {
        let start_ns = block.start_ns.div_euclid(block_ns).saturating_mul(block_ns);
        let sum = by_start.entry(start_ns).or_insert_with(|| Block { start_ns, ..Block::default() });
        sum.durations.merge(&block.durations);
        sum.count += block.count;
        sum.errors += block.errors;
    }
    by_start.into_values().collect()
}

fn profiles(a: &Profile, b: &Profile) -> Profile {
    let window = match (a.window, b.window) {
        (Some((first, last)), Some((other_first, other_last))) => Some((first.min(other_first), last.max(other_last))),
        (window, other) => window.or(other),
    };
    let mut block_ns = a.block_ns.max(b.block_ns).max(1);
    let (first, last) = window.unwrap_or((0, 0));
    while last.div_euclid(block_ns) - first.div_euclid(block_ns) >= MOST_BLOCKS {
        block_ns *= 2;
    }
    Profile {
        block_ns,
        window,
        endpoints: series(&a.endpoints, &b.endpoints, block_ns),
        statements: series(&a.statements, &b.statements, block_ns),
        callers: callers(&a.callers, &b.callers),
    }
}

fn callers(a: &[Caller], b: &[Caller]) -> Vec<Caller> {
    let mut by_name: BTreeMap<(&str, &str), Caller> = BTreeMap::new();
    for caller in a.iter().chain(b) {
        let sum = by_name.entry((&caller.statement, &caller.endpoint)).or_insert_with(|| Caller {
            statement: caller.statement.clone(),
            endpoint: caller.endpoint.clone(),
            ..Caller::default()
        });
        sum.calls += caller.calls;
        sum.timed += caller.timed;
        sum.total_ns = sum.total_ns.saturating_add(caller.total_ns);
    }
    by_name.into_values().collect()
}

fn series(a: &[Series], b: &[Series], block_ns: i64) -> Vec<Series> {
    fn plus<T>(a: Option<T>, b: Option<T>, add: impl Fn(T, T) -> T) -> Option<T> {
        match (a, b) {
            (Some(a), Some(b)) => Some(add(a, b)),
            (a, b) => a.or(b),
        }
    }
    let mut by_name: BTreeMap<(&str, &str, &str), Series> = BTreeMap::new();
    for part in a.iter().chain(b) {
        let key = (part.name.as_str(), part.service.as_str(), part.method.as_str());
        let sum = by_name.entry(key).or_insert_with(|| Series {
            name: part.name.clone(),
            service: part.service.clone(),
            method: part.method.clone(),
            ..Series::default()
        });
        sum.blocks.extend(part.blocks.iter().cloned());
        sum.buckets.merge(&part.buckets);
        sum.database_calls = plus(sum.database_calls, part.database_calls, u64::saturating_add);
        sum.volume = plus(sum.volume, part.volume, u64::saturating_add);
        sum.server_ns = plus(sum.server_ns, part.server_ns, i64::saturating_add);
    }
    let mut merged: Vec<Series> = by_name.into_values().collect();
    for series in &mut merged {
        series.blocks = added(series.blocks.drain(..), block_ns);
    }
    merged
}

fn totals(a: &Totals, b: &Totals, seconds: Option<f64>) -> Totals {
    let mut buckets = a.buckets;
    buckets.merge(&b.buckets);
    let total_ns = match (a.total_ns, b.total_ns) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    };
    Totals {
        count: a.count + b.count,
        errors: a.errors + b.errors,
        abandoned: a.abandoned + b.abandoned,
        timed_out: a.timed_out + b.timed_out,
        total_ns,
        seconds,
        buckets,
    }
}

/// Ceilings of runs one after the other add up as the time that a request costs, weighted by requests. What parts that ran
/// at the same time would carry together, neither of them says.
fn capacity(a: &Snapshot, b: &Snapshot) -> CapacitySummary {
    let (x, y) = (&a.capacity, &b.capacity);
    let apart = match (a.profile.window, b.profile.window) {
        (Some(a), Some(b)) => a.1 < b.0 || b.1 < a.0,
        _ => false,
    };
    let successes = x.successes + y.successes;
    let mean = |f: fn(&CapacitySummary) -> Option<f64>| {
        let (p, q) = f(x).zip(f(y)).filter(|(p, q)| apart && *p > 0.0 && *q > 0.0)?;
        Some(successes as f64 / (x.successes as f64 / p + y.successes as f64 / q)).filter(|tps| tps.is_finite())
    };
    CapacitySummary {
        concurrency_max: x.concurrency_max.max(y.concurrency_max).filter(|_| apart),
        successes,
        ceiling_tps: mean(|c| c.ceiling_tps),
        ceiling_low_tps: mean(|c| c.ceiling_low_tps),
        ceiling_high_tps: mean(|c| c.ceiling_high_tps),
        cause: x.cause.clone().filter(|_| x.cause == y.cause),
    }
}

/// Demands weighted by the requests they were measured over. Sizes that differ are no size.
fn resources(a: &Snapshot, b: &Snapshot) -> Vec<ResourceSummary> {
    let mut merged: Vec<ResourceSummary> = Vec::new();
    let (n_a, n_b) = (a.capacity.successes as f64, b.capacity.successes as f64);
    for one in &a.resources {
        let Some(other) = b.resources.iter().find(|other| (&other.name, other.kind) == (&one.name, one.kind)) else {
            merged.push(one.clone());
            continue;
        };
        let weighted = |p: Option<f64>, q: Option<f64>| p.zip(q).map(|(p, q)| (p * n_a + q * n_b) / (n_a + n_b).max(1.0));
        let same = one.size.value == other.size.value;
        let size = if same { one.size } else { Size { value: None, basis: Basis::Unknown } };
        let demand_ns = weighted(one.demand_ns, other.demand_ns);
        merged.push(ResourceSummary {
            name: one.name.clone(),
            kind: one.kind,
            size,
            demand_ns,
            utilization: weighted(one.utilization, other.utilization).filter(|_| same),
            ceiling_tps: size.known().zip(demand_ns).filter(|(_, d)| *d > 0.0).map(|(m, d)| f64::from(m) / d * 1e9),
            verdict: one.verdict.min(other.verdict),
            waits: match (one.waits, other.waits) {
                (Some(a), Some(b)) => Some((a.0 + b.0, a.1.saturating_add(b.1))),
                (a, b) => a.or(b),
            },
        });
    }
    let known = |other: &&ResourceSummary| !a.resources.iter().any(|one| (&one.name, one.kind) == (&other.name, other.kind));
    merged.extend(b.resources.iter().filter(known).cloned());
    merged.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
    merged
}

#[cfg(test)]
mod tests {
    use super::super::histogram::Histogram;
    use super::*;

    const S: i64 = 1_000_000_000;

    /// A run of `n` requests, one each 100 ms from `from` seconds on, blocks of `block_ns`.
    fn run(from: i64, n: i64, block_ns: i64) -> Snapshot {
        let mut blocks: BTreeMap<i64, Block> = BTreeMap::new();
        for i in 0..n {
            let start_ns = (from * S + i * S / 10).div_euclid(block_ns) * block_ns;
            let block = blocks.entry(start_ns).or_insert_with(|| Block { start_ns, ..Block::default() });
            block.durations.record(i * 1_000_000);
            block.count += 1;
        }
        let endpoints = vec![Series { name: "GET /a".into(), blocks: blocks.into_values().collect(), ..Series::default() }];
        let window = Some((from * S, from * S + (n - 1) * S / 10));
        let profile = Profile { block_ns, window, endpoints, ..Profile::default() };
        let totals = Totals { count: n as u64, total_ns: Some((0..n).sum::<i64>() * 1_000_000), ..Totals::default() };
        Snapshot { profile, totals, ..Snapshot::default() }
    }

    #[test]
    fn the_finer_blocks_are_added_up_and_nothing_is_lost() {
        let (a, b) = (run(1000, 50, S / 4), run(1003, 80, S));
        let merged = merge(&a, &b);
        assert_eq!(merged.profile.block_ns, S);
        assert_eq!(merged.profile.window, Some((1000 * S, 1003 * S + 79 * S / 10)));
        let series = &merged.profile.endpoints[0];
        assert_eq!((series.count(), merged.totals.count), (130, 130));
        // By hand: blocks 1000, 1001, 1002 hold 10 each; 1003 and 1004 hold 10 of each run; 1005 to 1010 ten of the second.
        let counts: Vec<u64> = series.blocks.iter().map(|block| block.count).collect();
        assert_eq!(counts, [10, 10, 10, 20, 20, 10, 10, 10, 10, 10, 10]);
        let mut all = Histogram::new();
        (0..50).chain(0..80).for_each(|i| all.record(i * 1_000_000));
        assert_eq!(series.durations(), all);
    }

    #[test]
    fn the_order_does_not_matter_and_a_long_window_coarsens() {
        let (a, b) = (run(1000, 50, S / 4), run(5000, 80, S));
        assert_eq!(merge(&a, &b), merge(&b, &a));
        // 4008 s over at most 120 blocks: 64 s each.
        assert_eq!(merge(&a, &b).profile.block_ns, 64 * S);
        let mut coarse = a.profile.clone();
        coarsen(&mut coarse, 2 * S);
        assert_eq!(coarse.endpoints[0].blocks.iter().map(|b| b.start_ns / S).collect::<Vec<_>>(), [1000, 1002, 1004]);
    }

    #[test]
    fn ceilings_of_runs_in_turn_are_weighted_and_of_parallel_parts_unknown() {
        let with = |from, successes, tps| {
            let mut run = run(from, 50, S);
            run.capacity = CapacitySummary { successes, ceiling_tps: Some(tps), ..CapacitySummary::default() };
            run
        };
        // By hand: 100 requests cost 1/20 s each, 300 cost 1/60: 400 / (5 + 5) = 40.
        assert_eq!(merge(&with(0, 100, 20.0), &with(100, 300, 60.0)).capacity.ceiling_tps, Some(40.0));
        assert_eq!(merge(&with(0, 100, 20.0), &with(2, 300, 60.0)).capacity.ceiling_tps, None);
    }
}
