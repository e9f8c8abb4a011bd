//! What earlier runs say: how much runs of one build differ, and which build changed what.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::histogram_scale;
use super::noise;
use super::side::{Series, Side};
use super::trend::{self, change_points};

/// What a history says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// How many runs were read.
    pub runs: usize,
    /// Standard deviation of the log median from run to run, by endpoint or statement; empty with fewer than five runs.
    pub noise: BTreeMap<String, f64>,
    /// The builds that changed something, oldest first.
    pub changes: Vec<TrendChange>,
}

/// One change in a history.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendChange {
    /// The endpoint or statement.
    pub name: String,
    /// The first build after the change.
    pub build: String,
    /// The last build before it.
    pub previous: String,
    /// Its place in the history, from 0.
    pub index: usize,
    /// Geometric mean of the medians between the change before and this one, in nanoseconds.
    pub before_ns: f64,
    /// The same between this change and the next.
    pub after_ns: f64,
    /// Probability of so large a change by chance.
    pub p_value: f64,
}

/// Reads a history: named runs, oldest first.
pub fn history(builds: &[(&str, &Side)]) -> History {
    let mut found = History { runs: builds.len(), ..History::default() };
    for of in [|side: &Side| &side.endpoints, |side: &Side| &side.statements] as [fn(&Side) -> &Vec<Series>; 2] {
        let names: BTreeSet<&str> = builds.iter().flat_map(|(_, side)| of(side)).map(|series| series.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let mut calm = Vec::new();
        for name in &names {
            let medians: Vec<(usize, f64)> = builds
                .iter()
                .enumerate()
                .filter_map(|(at, (_, side))| Some((at, median(side, of(side).iter().find(|s| s.name == *name)?)?)))
                .collect();
            let values: Vec<f64> = medians.iter().map(|(_, ns)| *ns).collect();
            let points = change_points(&values, &trend::Options::default());
            calm.push(calm_stretch(&values, points.iter().map(|point| point.index)));
            found.changes.extend(points.iter().map(|point| TrendChange {
                name: (*name).to_owned(),
                build: builds[medians[point.index].0].0.to_owned(),
                previous: builds[medians[point.index - 1].0].0.to_owned(),
                index: medians[point.index].0,
                before_ns: point.before,
                after_ns: point.after,
                p_value: point.p,
            }));
        }
        if let Some(learned) = noise::learn(&calm) {
            found.noise.extend(names.iter().map(|name| (*name).to_owned()).zip(learned));
        }
    }
    found.changes.sort_by(|a, b| a.index.cmp(&b.index).then_with(|| a.name.cmp(&b.name)));
    found
}

/// The median, where there are enough durations to have one that means something.
fn median(side: &Side, series: &Series) -> Option<f64> {
    let counts = side.counts(series, 0.0);
    (counts.n >= 100).then(|| counts.quantile(0.5, histogram_scale))
}

/// Logarithms of the longest stretch without a change, the latest of equals: a change is no noise.
fn calm_stretch(values: &[f64], changes: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut cuts: Vec<usize> = std::iter::once(0).chain(changes).collect();
    cuts.push(values.len());
    let longest = cuts.windows(2).max_by_key(|cut| cut[1] - cut[0]);
    longest.map_or_else(Vec::new, |cut| values[cut[0]..cut[1]].iter().map(|ns| ns.max(1.0).ln()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::super::profile::histogram::Histogram;
    use super::super::side::Block;
    use super::*;

    fn build(ms: f64) -> Side {
        let mut durations = Histogram::new();
        (0..200).for_each(|i| durations.record(((ms + f64::from(i) * 0.01) * 1e6) as i64));
        let blocks = vec![Block { durations, count: 200, ..Block::default() }];
        let endpoints = vec![Series { name: "GET /a".into(), blocks, ..Series::default() }];
        Side { block_ns: 1, n_blocks: 1, endpoints, ..Side::default() }
    }

    #[test]
    fn the_build_that_changed_it_is_named_and_is_no_noise() {
        let wobble = [1.0, 1.02, 0.98, 1.01, 0.99, 1.0, 1.02, 0.98, 1.01, 0.99];
        let level = |at: usize| if at < 6 { 100.0 } else { 150.0 };
        let sides: Vec<Side> = wobble.iter().enumerate().map(|(at, w)| build(level(at) * w)).collect();
        let names: Vec<String> = (0..10).map(|at| format!("build-{at}")).collect();
        let builds: Vec<(&str, &Side)> = names.iter().map(String::as_str).zip(&sides).collect();
        let found = history(&builds);
        assert_eq!(found.changes.len(), 1);
        assert_eq!((found.changes[0].build.as_str(), found.changes[0].previous.as_str()), ("build-6", "build-5"));
        let noise = found.noise["GET /a"];
        assert!(noise > 0.005 && noise < 0.03, "{noise}");
    }

    #[test]
    fn a_short_history_teaches_nothing() {
        let side = build(100.0);
        let found = history(&[("a", &side), ("b", &side)]);
        assert_eq!((found.noise.len(), found.changes.len(), found.runs), (0, 0, 2));
    }
}
