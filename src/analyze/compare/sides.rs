//! From snapshots to the sides of a comparison: names are made unique, sums become means.

use std::collections::{BTreeMap, BTreeSet};

use super::side::{Block, Series, Side};
use crate::analyze::bucket::Bucket;
use crate::analyze::profile::{self, Snapshot};

/// The sides of runs that are to be compared with each other, in their order. All of them must be given at once: a name
/// that several services share in any of them carries its service in all.
pub fn sides(runs: &[&Snapshot]) -> Vec<Side> {
    let mut services: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for series in runs.iter().flat_map(|run| &run.profile.endpoints) {
        services.entry(&series.name).or_default().insert(&series.service);
    }
    let shared: BTreeSet<&str> = services.into_iter().filter(|(_, of)| of.len() > 1).map(|(name, _)| name).collect();
    runs.iter().map(|run| side(run, &shared)).collect()
}

fn side(run: &Snapshot, shared: &BTreeSet<&str>) -> Side {
    let profile = &run.profile;
    let width = profile.block_ns.max(1);
    let (first, last) = profile.window.map_or((0, -1), |(first, last)| (first.div_euclid(width), last.div_euclid(width)));
    let requests = run.totals.count as f64;
    let name = |series: &profile::Series| match shared.contains(series.name.as_str()) && !series.service.is_empty() {
        true => format!("{}: {}", series.service, series.name),
        false => series.name.clone(),
    };
    Side {
        block_ns: width,
        first_block_ns: first * width,
        n_blocks: usize::try_from(last - first + 1).unwrap_or(0),
        seconds: run.seconds().unwrap_or(0.0),
        resolution_ns: run.resolution_ns(),
        concurrency_mean: run.concurrency_mean(),
        ceiling_tps: run.capacity.ceiling_tps,
        demand_ns: run.resources.iter().filter_map(|r| Some((r.name.clone(), r.demand_ns?))).collect(),
        endpoints: unique(&profile.endpoints, name, |calls, count| calls as f64 / count as f64),
        statements: unique(&profile.statements, |series| series.name.clone(), |calls, _| calls as f64 / requests.max(1.0)),
    }
}

/// Series by name, each once. `per_request` makes calls per request of the calls and the number of the series' own.
fn unique(
    all: &[profile::Series],
    name: impl Fn(&profile::Series) -> String,
    per_request: impl Fn(u64, u64) -> f64,
) -> Vec<Series> {
    let mut by_name: BTreeMap<String, (Series, Option<u64>, profile::Series)> = BTreeMap::new();
    for part in all {
        let name = name(part);
        let (series, calls, sum) = by_name.entry(name.clone()).or_default();
        series.name = name;
        series.blocks.extend(part.blocks.iter().map(|block| Block {
            start_ns: block.start_ns,
            durations: block.durations.clone(),
            count: block.count,
            errors: block.errors,
        }));
        sum.buckets.merge(&part.buckets);
        *calls = part.database_calls.map_or(*calls, |n| Some(calls.unwrap_or(0).saturating_add(n)));
    }
    let finish = |(mut series, calls, sum): (Series, Option<u64>, profile::Series)| {
        series.blocks.sort_by_key(|block| block.start_ns);
        let known = |bucket: &Bucket| Some((bucket.name().to_owned(), sum.buckets.get(*bucket)?));
        series.buckets = Bucket::ALL.iter().filter_map(known).collect();
        let count = series.count();
        series.calls_per_request = calls.filter(|_| count > 0).map(|calls| per_request(calls, count));
        series
    };
    by_name.into_values().map(finish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(services: &[&str]) -> Snapshot {
        let block = profile::Block { count: 5, errors: 1, ..profile::Block::default() };
        let series = services.iter().map(|service| profile::Series {
            name: "GET /".into(),
            service: (*service).into(),
            database_calls: Some(10),
            blocks: vec![block.clone()],
            ..profile::Series::default()
        });
        let profile = profile::Profile { block_ns: 1, window: Some((0, 59)), endpoints: series.collect(), ..Default::default() };
        Snapshot { profile, ..Snapshot::default() }
    }

    #[test]
    fn a_name_carries_its_service_on_all_sides_where_it_is_shared_on_one() {
        let names = |runs: &[&Snapshot]| -> Vec<Vec<String>> {
            sides(runs).into_iter().map(|side| side.endpoints.into_iter().map(|s| s.name).collect()).collect()
        };
        assert_eq!(names(&[&run(&["web"]), &run(&["web"])]), [["GET /"], ["GET /"]]);
        let mixed = names(&[&run(&["web"]), &run(&["web", "shop"])]);
        assert_eq!(mixed, [vec!["web: GET /"], vec!["shop: GET /", "web: GET /"]]);
    }

    #[test]
    fn a_side_has_the_blocks_of_its_window_and_calls_per_request() {
        let side = &sides(&[&run(&[""])])[0];
        assert_eq!((side.n_blocks, side.first_block_ns, side.endpoints[0].calls_per_request), (60, 0, Some(2.0)));
        assert_eq!(sides(&[&Snapshot::default()])[0].n_blocks, 0);
    }
}
