//! The verdict on two builds: which endpoints and statements became slower, faster, or cannot be told.
//!
//! Requests of one run depend on each other, so tests that take them for independent cry wolf; here blocks of time are the
//! units (`score`), many endpoints are paid for (`adjust`), and a difference must also be large enough to matter
//! (`effect`). Nothing here draws random numbers.

use std::collections::{BTreeMap, BTreeSet};

pub mod adjust;
pub mod budget;
pub mod change;
mod counts;
pub mod effect;
pub mod errors;
pub mod explain;
pub mod history;
pub mod load;
pub mod mix;
pub mod noise;
pub mod resources;
pub mod runs;
pub mod score;
pub mod side;
pub mod sides;
mod student;
#[cfg(test)]
mod testing;
pub mod trend;

pub use change::{Change, Reason, Verdict};
pub use side::{Block, Series, Side};

/// How runs are compared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// False discovery rate over all endpoints, half of it for their times and half for their errors. Default is 0.01: with
    /// the whole of it for times, 1.2 % of simulated reports on equal builds raise an alarm (benches/compare_simulation.rs).
    pub q: f64,
    /// A shift of the whole distribution must exceed this ratio. Default is 1.05.
    pub shift_ratio: f64,
    /// A 95 % quantile must exceed this ratio. Default is 1.10.
    pub p95_ratio: f64,
    /// An endpoint must differ by more than this, and by more than two ticks of the clock. Default is 2 ms.
    pub floor_ns: i64,
    /// A statement must differ by more than this. Default is 0.2 ms: requests make many calls.
    pub statement_floor_ns: i64,
    /// Fewer requests on either side are not judged. Default is 200.
    pub min_n: u64,
    /// With fewer the 95 % quantile is not judged. Default is 400.
    pub min_n_tail: u64,
    /// Requests must lie in so many blocks of time. Default is 10.
    pub min_blocks: usize,
    /// Without a finding, an endpoint is only called ok if this ratio would have been found. Default is 1.20.
    pub mde_ratio: f64,
    /// An error rate must grow by more than this share of requests. Default is 0.005.
    pub error_floor: f64,
    /// Calls per request must grow by more than this ratio. Default is 1.5.
    pub calls_ratio: f64,
    /// And by at least so many calls. Default is 1.
    pub calls_floor: f64,
    /// Share of each run, from its start, that is left out of the tests. Default is 0.
    pub warm_up_share: f64,
    /// Standard deviation of the log median from run to run, where no history says better. Default is 0: not measured.
    pub run_noise_default: f64,
    /// The same for endpoints and statements whose history says it.
    pub run_noise: BTreeMap<String, f64>,
    /// Loads agree within this share. Default is 0.10.
    pub load_tolerance: f64,
    /// A ceiling may fall, and a demand grow, by this share. Default is 0.10.
    pub capacity_tolerance: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            q: 0.01,
            shift_ratio: 1.05,
            p95_ratio: 1.10,
            floor_ns: 2_000_000,
            statement_floor_ns: 200_000,
            min_n: 200,
            min_n_tail: 400,
            min_blocks: 10,
            mde_ratio: 1.20,
            error_floor: 0.005,
            calls_ratio: 1.5,
            calls_floor: 1.0,
            warm_up_share: 0.0,
            run_noise_default: 0.0,
            run_noise: BTreeMap::new(),
            load_tolerance: 0.10,
            capacity_tolerance: 0.10,
        }
    }
}

/// The verdict on the whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Overall {
    /// No endpoint regressed.
    Ok,
    /// At least one endpoint regressed.
    Regression,
    /// Most requests belong to endpoints that cannot be judged.
    Inconclusive,
    /// The loads differ, so latencies say nothing.
    Incomparable,
}

impl Overall {
    /// Name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Overall::Ok => "ok",
            Overall::Regression => "regression",
            Overall::Inconclusive => "inconclusive",
            Overall::Incomparable => "incomparable",
        }
    }
}

/// What the reader must know beside the numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// One run a side (or too few): the noise between runs is neither measured nor stated.
    RunNoiseUnknown,
    /// One side ran more than twice as long as the other: lengths in seconds.
    UnequalLength(f64, f64),
    /// An endpoint with at least 1 % of the base's requests is gone.
    Gone(String),
}

/// Two builds compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The verdict on the whole.
    pub verdict: Overall,
    /// The endpoints, worst first.
    pub endpoints: Vec<Change>,
    /// The statements, worst first. They explain; they do not set the verdict on the whole.
    pub statements: Vec<Change>,
    /// What of the difference of the means is a matter of the mix.
    pub mix: mix::Mix,
    /// The loads.
    pub load: load::Load,
    /// What requests cost the resources known on both sides.
    pub demands: Vec<load::Demand>,
    /// Ceilings of base and candidate, in requests per second.
    pub ceiling_tps: (Option<f64>, Option<f64>),
    /// Whether the ceiling fell or a demand grew: what decides where loads cannot be compared.
    pub capacity_regressed: bool,
    /// What the reader must know.
    pub warnings: Vec<Warning>,
}

/// Compares two builds, each given as one run or several.
///
/// With five runs a side or more each run is one observation; otherwise blocks of time are. Capacity is compared between
/// the first runs.
pub fn compare(base: &[Side], candidate: &[Side], options: &Options) -> Comparison {
    let resolution_ns = base.iter().chain(candidate).map(|side| side.resolution_ns).max().unwrap_or(0);
    let floor = |floor_ns: i64| floor_ns.max(resolution_ns.saturating_mul(2)) as f64;
    let load = load::load(base, candidate, options.load_tolerance);
    let judged = |of: fn(&Side) -> &[Series], floor_ns| {
        let (a, b) = (sorted(base, of), sorted(candidate, of));
        let names: BTreeSet<&str> = a.iter().chain(&b).flat_map(|run| &run.1).map(|series| series.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let mut changes = change::judge(&a, &b, &names, floor(floor_ns), options);
        if !load.comparable {
            changes.iter_mut().for_each(change::under_another_load);
        }
        changes.sort_by(|a, b| {
            let shift = |change: &Change| change.effect.map_or(1.0, |effect| effect.shift_ratio.max(effect.p95_ratio));
            a.verdict.cmp(&b.verdict).then(shift(b).total_cmp(&shift(a))).then_with(|| a.name.cmp(&b.name))
        });
        changes
    };
    let endpoints = judged(|side| &side.endpoints, options.floor_ns);
    let statements = judged(|side| &side.statements, options.statement_floor_ns);

    let first = base.first().zip(candidate.first());
    let demands = first.map_or_else(Vec::new, |(a, b)| load::demands(a, b, options.capacity_tolerance));
    let ceiling_tps = (base.first().and_then(|s| s.ceiling_tps), candidate.first().and_then(|s| s.ceiling_tps));
    let ceiling_fell = ceiling_tps.0.zip(ceiling_tps.1).is_some_and(|(a, b)| b * (1.0 + options.capacity_tolerance) < a);
    let runs = base.len().min(candidate.len());
    Comparison {
        verdict: overall(&endpoints, load.comparable),
        mix: mix_of(base, candidate),
        warnings: warnings(base, candidate, &endpoints, runs < runs::MIN_RUNS && options.run_noise_default == 0.0, options),
        capacity_regressed: ceiling_fell || demands.iter().any(|demand| demand.regressed),
        endpoints,
        statements,
        load,
        demands,
        ceiling_tps,
    }
}

/// The series of each run, by name.
fn sorted<'a>(runs: &'a [Side], of: fn(&Side) -> &[Series]) -> Vec<(&'a Side, Vec<&'a Series>)> {
    let by_name = |side: &'a Side| {
        let mut series: Vec<&Series> = of(side).iter().collect();
        series.sort_by(|a, b| a.name.cmp(&b.name));
        (side, series)
    };
    runs.iter().map(by_name).collect()
}

fn overall(endpoints: &[Change], comparable: bool) -> Overall {
    let requests = |known: fn(&Change) -> bool| {
        let of_both = endpoints.iter().filter(|c| c.n_base > 0 && c.n_candidate > 0 && known(c));
        of_both.map(|c| c.n_base + c.n_candidate).sum::<u64>()
    };
    let judged = requests(|c| matches!(c.verdict, Verdict::Ok | Verdict::Improvement | Verdict::Changed));
    if !comparable {
        Overall::Incomparable
    } else if endpoints.iter().any(|change| change.verdict == Verdict::Regression) {
        Overall::Regression
    } else if judged * 2 < requests(|_| true) || judged == 0 {
        Overall::Inconclusive
    } else {
        Overall::Ok
    }
}

fn mix_of(base: &[Side], candidate: &[Side]) -> mix::Mix {
    fn rows(runs: &[Side]) -> Vec<(&str, u64, f64)> {
        let mut sums: BTreeMap<&str, (f64, u64)> = BTreeMap::new();
        for series in runs.iter().flat_map(|side| &side.endpoints) {
            let (sum, n) = series.time();
            let known = sums.entry(&series.name).or_default();
            *known = (known.0 + sum, known.1 + n);
        }
        sums.into_iter().map(|(name, (sum, n))| (name, n, sum / n.max(1) as f64)).collect()
    }
    mix::mix(&rows(base), &rows(candidate))
}

fn warnings(base: &[Side], candidate: &[Side], endpoints: &[Change], noise_unknown: bool, options: &Options) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if noise_unknown && options.run_noise.is_empty() {
        warnings.push(Warning::RunNoiseUnknown);
    }
    let seconds = |runs: &[Side]| runs.iter().map(|side| side.seconds).sum::<f64>() / runs.len().max(1) as f64;
    let (a, b) = (seconds(base), seconds(candidate));
    if a > 2.0 * b || b > 2.0 * a {
        warnings.push(Warning::UnequalLength(a, b));
    }
    let requests: u64 = base.iter().map(Side::requests).sum();
    let gone = endpoints.iter().filter(|c| c.verdict == Verdict::Gone && c.n_base * 100 >= requests);
    warnings.extend(gone.map(|change| Warning::Gone(change.name.clone())));
    warnings
}

#[cfg(test)]
mod tests {
    use super::super::profile::histogram::Histogram;
    use super::*;

    /// One side of an executed pair as a run of 600 s, values scaled.
    fn run(file: &str, factor: impl Fn(&str) -> f64) -> Side {
        let endpoints = testing::rows(file).into_iter().map(|(name, rows)| {
            let mut blocks: Vec<Block> = (0..60).map(|i| Block { start_ns: i * 10_000_000_000, ..Block::default() }).collect();
            for (ms, us) in rows {
                let block = &mut blocks[(ms / 10_000) as usize];
                block.durations.record((f64::from(us) * 1000.0 * factor(&name)) as i64);
                block.count += 1;
            }
            Series { name, blocks, ..Series::default() }
        });
        Side { block_ns: 10_000_000_000, n_blocks: 60, seconds: 600.0, endpoints: endpoints.collect(), ..Side::default() }
    }

    fn plain() -> Options {
        Options { floor_ns: 0, ..Options::default() }
    }

    fn verdicts(comparison: &Comparison) -> BTreeMap<&str, Verdict> {
        comparison.endpoints.iter().map(|change| (change.name.as_str(), change.verdict)).collect()
    }

    #[test]
    fn the_executed_pairs_give_their_verdicts() {
        for name in ["aa_pair", "ab_pair"] {
            let base = run(&format!("{name}_A.csv"), |_| 1.0);
            let candidate = run(&format!("{name}_B.csv"), |_| 1.0);
            let got = compare(&[base], &[candidate], &plain());
            let want = &testing::json(&format!("{name}.json"))["verdict"];
            for (endpoint, verdict) in verdicts(&got) {
                assert_eq!(verdict == Verdict::Regression, want[endpoint] == "regression", "{name} {endpoint}: {verdict:?}");
            }
        }
    }

    #[test]
    fn adjusted_values_are_those_of_the_executed_family() {
        let got = compare(&[run("ab_pair_A.csv", |_| 1.0)], &[run("ab_pair_B.csv", |_| 1.0)], &plain());
        let change = got.endpoints.iter().find(|change| change.name == "/e02").unwrap();
        // Executed on raw values: 1.194e-7; from buckets of 1 % within a few percent.
        let adjusted = change.p_adjusted.unwrap();
        assert!(adjusted > 0.9e-7 && adjusted < 1.5e-7, "{adjusted}");
        assert_eq!(got.verdict, Overall::Regression);
        assert_eq!(got.endpoints[0].verdict, Verdict::Regression);
        assert_eq!(verdicts(&got)["/e06"], Verdict::Improvement);
    }

    #[test]
    fn a_run_compared_with_itself_is_ok_with_p_of_one() {
        let side = run("aa_pair_A.csv", |_| 1.0);
        let got = compare(std::slice::from_ref(&side), std::slice::from_ref(&side), &Options::default());
        assert_eq!(got.verdict, Overall::Ok);
        assert!(got.endpoints.iter().all(|c| c.p_value == Some(1.0) && c.p_adjusted == Some(1.0)));
        assert_eq!((got.mix.within_ns, got.mix.mix_ns), (0.0, 0.0));
        assert_eq!(got.warnings, [Warning::RunNoiseUnknown]);
    }

    #[test]
    fn a_small_sure_change_is_changed_and_a_floor_holds_back_a_large_one() {
        let side = |factor: f64| run("aa_pair_A.csv", move |name| if name == "/e00" { factor } else { 1.0 });
        let verdict = |factor: f64, options: &Options| {
            let got = compare(&[side(1.0)], &[side(factor)], options);
            verdicts(&got)["/e00"]
        };
        assert_eq!(verdict(1.3, &plain()), Verdict::Regression);
        let absolute = Options { floor_ns: 1_000_000_000, ..Options::default() };
        assert_eq!(verdict(1.3, &absolute), Verdict::Changed);
        let large = Options { shift_ratio: 1.5, p95_ratio: 1.5, ..plain() };
        assert_eq!(verdict(1.3, &large), Verdict::Changed);
    }

    #[test]
    fn stated_noise_between_runs_holds_a_shift_back() {
        let (a, b) = (run("ab_pair_A.csv", |_| 1.0), run("ab_pair_B.csv", |_| 1.0));
        let verdict = |sd: f64| {
            let options = Options { run_noise_default: sd, ..plain() };
            verdicts(&compare(std::slice::from_ref(&a), std::slice::from_ref(&b), &options))["/e02"]
        };
        assert_eq!((verdict(0.01), verdict(0.3)), (Verdict::Regression, Verdict::Ok));
    }

    #[test]
    fn several_runs_a_side_measure_their_own_noise() {
        let runs = |wobble: [f64; 5], slower: f64| -> Vec<Side> {
            wobble.iter().map(|w| run("aa_pair_A.csv", |name| w * if name == "/e03" { slower } else { 1.0 })).collect()
        };
        let (calm, other) = ([1.0, 1.01, 0.99, 1.005, 0.995], [1.008, 0.992, 1.0, 1.003, 0.997]);
        let got = compare(&runs(calm, 1.0), &runs(other, 1.3), &plain());
        assert_eq!(verdicts(&got)["/e03"], Verdict::Regression);
        assert_eq!(got.endpoints.iter().filter(|c| c.verdict == Verdict::Regression).count(), 1);
        assert!(got.warnings.is_empty());
        let wild = compare(&runs([0.7, 1.3, 1.0, 0.8, 1.2], 1.0), &runs([0.75, 1.25, 1.0, 0.85, 1.15], 1.3), &plain());
        assert!(wild.endpoints.iter().all(|c| c.verdict != Verdict::Regression));
    }

    #[test]
    fn errors_calls_absence_and_scarcity_have_their_verdicts() {
        let series = |name: &str, n: u64, errors: u64, ns: i64, calls: Option<f64>| {
            let block = |i: i64| {
                let mut durations = Histogram::new();
                (0..n).for_each(|k| durations.record(ns + k as i64 * 100_000 + i % 7 * 150_000));
                Block { start_ns: i, durations, count: n, errors }
            };
            let blocks = (0..60).map(block).collect();
            Series { name: name.into(), blocks, calls_per_request: calls, buckets: vec![("own".into(), 600 * n as i64)] }
        };
        let side = |endpoints| Side { block_ns: 1, n_blocks: 60, seconds: 60.0, endpoints, ..Side::default() };
        let ms = 1_000_000;
        let base = side(vec![
            series("calls", 10, 0, 50 * ms, Some(2.0)),
            series("errors", 10, 0, 50 * ms, None),
            series("faster but failing", 10, 0, 50 * ms, None),
            series("faster", 10, 0, 50 * ms, None),
            series("few", 2, 0, 50 * ms, None),
            series("gone", 10, 0, 50 * ms, None),
        ]);
        let candidate = side(vec![
            series("calls", 10, 0, 50 * ms, Some(12.0)),
            series("errors", 10, 1, 50 * ms, None),
            series("faster but failing", 10, 1, 30 * ms, None),
            series("faster", 10, 0, 30 * ms, None),
            series("few", 2, 0, 90 * ms, None),
            series("new", 10, 0, 50 * ms, None),
        ]);
        let got = compare(&[base], &[candidate], &Options::default());
        let reasons = |name: &str| got.endpoints.iter().find(|c| c.name == name).unwrap().reasons.clone();
        let verdicts = verdicts(&got);
        assert_eq!((verdicts["calls"], reasons("calls")), (Verdict::Regression, vec![Reason::Calls]));
        assert_eq!((verdicts["errors"], reasons("errors")), (Verdict::Regression, vec![Reason::Errors]));
        assert_eq!(verdicts["faster but failing"], Verdict::Regression);
        assert_eq!(verdicts["faster"], Verdict::Improvement);
        assert_eq!(verdicts["few"], Verdict::TooFew);
        assert_eq!((verdicts["gone"], verdicts["new"]), (Verdict::Gone, Verdict::New));
        assert!(got.warnings.contains(&Warning::Gone("gone".into())));
        assert_eq!(got.endpoints[0].buckets, [("own".to_owned(), Some(10.0), Some(10.0))]);
    }

    #[test]
    fn another_load_is_incomparable_and_capacity_decides() {
        let base = Side { ceiling_tps: Some(80.0), ..run("aa_pair_A.csv", |_| 1.0) };
        let candidate = Side { seconds: 300.0, ceiling_tps: Some(30.0), ..run("aa_pair_A.csv", |_| 3.0) };
        let got = compare(&[base], &[candidate], &Options::default());
        assert_eq!((got.verdict, got.capacity_regressed), (Overall::Incomparable, true));
    }

    #[test]
    fn nothing_at_all_is_inconclusive_or_incomparable_but_no_panic() {
        assert_eq!(compare(&[], &[], &Options::default()).verdict, Overall::Incomparable);
        let empty = [Side::default()];
        assert_eq!(compare(&empty, &empty, &Options::default()).verdict, Overall::Incomparable);
    }
}
