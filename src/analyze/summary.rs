//! Counts, sums and exact quantiles of durations per group.

use polars::prelude::*;

use crate::error::Result;
use crate::frame::NULL_I64;

/// Durations of one group, in nanoseconds. Quantiles are by nearest rank: the smallest value with
/// at least that share of all values at or below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Operations, with a duration or without.
    pub calls: u64,
    /// Those with a duration.
    pub timed: u64,
    /// Sum of the durations; `None` when there is none.
    pub total_ns: Option<i64>,
    /// Largest.
    pub max_ns: Option<i64>,
    /// The quantiles asked for, in their order.
    pub quantiles_ns: Vec<Option<i64>>,
}

impl Summary {
    /// Of a group's durations, by a partial sort: for millions of rows.
    pub fn of(calls: u64, mut durations: Vec<i64>, quantiles: &[f64]) -> Summary {
        let total = durations.iter().fold(0i64, |sum, v| sum.saturating_add(*v));
        Summary {
            calls,
            timed: durations.len() as u64,
            total_ns: (!durations.is_empty()).then_some(total),
            max_ns: durations.iter().copied().max(),
            quantiles_ns: nearest_ranks(&mut durations, quantiles),
        }
    }

    /// Mean of the durations, rounded to the nanosecond.
    pub fn mean_ns(&self) -> Option<i64> {
        let total = self.total_ns.filter(|_| self.timed > 0)?;
        Some(((total as f64) / self.timed as f64).round() as i64)
    }
}

/// Summaries of `duration` (null pattern: none) per group, by a polars group-by. `group` numbers
/// the groups from 0 to `groups`; rows of other numbers are left out.
///
/// # Errors
/// When polars refuses, which would be a defect.
pub fn by_group(group: &[u32], duration: &[i64], groups: usize, quantiles: &[f64]) -> Result<Vec<Summary>> {
    let mut summaries = vec![Summary { quantiles_ns: vec![None; quantiles.len()], ..Summary::default() }; groups];
    let values: Vec<Option<i64>> = duration.iter().map(|&d| (d != NULL_I64).then_some(d)).collect();
    let frame = df!("group" => group, "ns" => values)?;
    let ns = || col("ns");
    let mut measures =
        vec![len().alias("calls"), ns().count().alias("timed"), ns().sum().alias("total"), ns().max().alias("max")];
    for (i, &q) in quantiles.iter().enumerate() {
        measures.push(ns().quantile(lit(q), QuantileMethod::Equiprobable).cast(DataType::Int64).alias(format!("q{i}")));
    }
    let table = frame.lazy().filter(col("group").lt(lit(groups as u32))).group_by([col("group")]).agg(measures).collect()?;
    let (keys, calls, timed) = (table.column("group")?.u32()?, table.column("calls")?.u32()?, table.column("timed")?.u32()?);
    let (total, max) = (table.column("total")?.i64()?, table.column("max")?.i64()?);
    for row in 0..table.height() {
        let Some(summary) = keys.get(row).and_then(|key| summaries.get_mut(key as usize)) else { continue };
        summary.calls = u64::from(calls.get(row).unwrap_or(0));
        summary.timed = u64::from(timed.get(row).unwrap_or(0));
        summary.total_ns = total.get(row).filter(|_| summary.timed > 0);
        summary.max_ns = max.get(row);
        for (i, slot) in summary.quantiles_ns.iter_mut().enumerate() {
            *slot = table.column(&format!("q{i}"))?.i64()?.get(row);
        }
    }
    Ok(summaries)
}

/// Nearest-rank quantiles; reorders the values.
pub fn nearest_ranks(values: &mut [i64], quantiles: &[f64]) -> Vec<Option<i64>> {
    let mut order: Vec<usize> = (0..quantiles.len()).collect();
    order.sort_by(|&a, &b| quantiles[a].total_cmp(&quantiles[b]));
    let mut found = vec![None; quantiles.len()];
    let mut done = 0;
    for i in order {
        if values.is_empty() {
            break;
        }
        let rank = rank_of(quantiles[i], values.len());
        if rank >= done {
            // What lies left of the last rank is smaller already.
            values[done..].select_nth_unstable(rank - done);
            done = rank;
        }
        found[i] = Some(values[rank]);
    }
    found
}

/// Index of the nearest rank among `n` sorted values. The small term keeps 0.95 of 20 at rank 19,
/// as 0.95 has no exact binary form.
fn rank_of(quantile: f64, n: usize) -> usize {
    let rank = (quantile * n as f64 - 1e-9).ceil() as usize;
    rank.clamp(1, n) - 1
}

#[cfg(test)]
mod tests {
    use super::super::grouped::Operations;
    use super::*;

    const Q: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

    #[test]
    fn quantiles_are_nearest_ranks() {
        // 1..=20: p50 is the 10th, p90 the 18th, p95 the 19th, p99 the 20th.
        let mut values: Vec<i64> = (1..=20).rev().collect();
        assert_eq!(nearest_ranks(&mut values, &Q), [Some(10), Some(18), Some(19), Some(20)]);
        assert_eq!(nearest_ranks(&mut [7], &Q), [Some(7); 4]);
        assert_eq!(nearest_ranks(&mut [], &Q), [None; 4]);
        assert_eq!(nearest_ranks(&mut [3, 1, 2], &[0.99, 0.01]), [Some(3), Some(1)]);
    }

    #[test]
    fn both_ways_give_the_same() {
        let mut state = 7u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let group: Vec<u32> = (0..5_000).map(|_| random(8) as u32).collect();
        let duration: Vec<i64> = (0..5_000).map(|_| if random(20) == 0 { NULL_I64 } else { random(1_000_000) as i64 }).collect();
        let grouped = Operations { group: &group, end: &duration, duration: &duration }.grouped(8, 1_000, |_| false);
        let sorted: Vec<Summary> = grouped.into_iter().map(|g| Summary::of(g.calls, g.durations, &Q)).collect();
        assert_eq!(by_group(&group, &duration, 8, &Q).expect("groups"), sorted);
    }

    #[test]
    fn a_group_without_durations_has_calls_and_no_numbers() {
        let summary = Summary::of(2, Vec::new(), &Q);
        assert_eq!((summary.calls, summary.total_ns, summary.mean_ns()), (2, None, None));
        assert_eq!(summary.quantiles_ns, [None; 4]);
    }
}
