//! A comparison with hostile names. Tests only.

use super::{Results, Run};
use crate::analyze::compare::explain::explain;
use crate::analyze::compare::sides::sides;
use crate::analyze::compare::{Options, compare};
use crate::analyze::profile::histogram::Histogram;
use crate::analyze::profile::{Block, Profile, Series, Snapshot};

const S: i64 = 1_000_000_000;

fn run(endpoints: usize, slower: f64) -> Snapshot {
    let series = (0..endpoints).map(|number| {
        let blocks = (0..60).map(|block| {
            let mut durations = Histogram::new();
            for k in 0..10i64 {
                let ns = 50_000_000 + k * 400_000 + block % 7 * 150_000;
                durations.record(if number == 0 { (ns as f64 * slower) as i64 } else { ns });
            }
            Block { start_ns: block * S, durations, count: 10, errors: 0 }
        });
        let name = match number {
            0 => "GET /a|@team <b> \u{1b}[31m \"x\"".to_owned(),
            n => format!("GET /endpoint/{n}"),
        };
        Series { name, blocks: blocks.collect(), ..Series::default() }
    });
    let profile = Profile { block_ns: S, window: Some((0, 60 * S - 1)), endpoints: series.collect(), ..Profile::default() };
    let mut run = Snapshot { profile, ..Snapshot::default() };
    run.totals.count = endpoints as u64 * 600;
    run
}

/// Compares two runs of so many endpoints, of which the first got slower, and hands on the results.
pub(super) fn with(endpoints: usize, test: impl Fn(&Results<'_>)) {
    let (base, candidate) = (run(endpoints, 1.0), run(endpoints, 1.5));
    let sides = sides(&[&base, &candidate]);
    let comparison = compare(&sides[..1], &sides[1..], &Options::default());
    let explanations = explain(&comparison.endpoints, &[(&base, &sides[0])], &[(&candidate, &sides[1])]);
    test(&Results {
        command: &["compare".to_owned()],
        base: &[Run { name: "a", snapshot: &base }],
        candidate: &[Run { name: "b", snapshot: &candidate }],
        base_merged: &base,
        candidate_merged: &candidate,
        comparison: &comparison,
        explanations: &explanations,
        differences: &[],
        budgets: &[],
        outcomes: &[],
        budget_file: "ci/my narrows.toml",
        history: None,
    });
}
