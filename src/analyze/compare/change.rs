//! The verdict on one endpoint or statement.

use super::counts::{Counts, histogram_scale};
use super::effect::{self, Effect};
use super::errors::{self, ErrorTest};
use super::score::{self, ScoreTest, Statistic};
use super::side::{Series, Side};
use super::{Options, adjust, noise, runs, student};

/// The verdict, worst first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Verdict {
    /// Worse, surely and by more than the floors.
    Regression,
    /// Different, surely, but by less than the floors (or faster with more errors).
    Changed,
    /// Not shown to differ, but a large difference would not have been shown either.
    Inconclusive,
    /// Too few requests to judge. Not a pass.
    TooFew,
    /// Only in the candidate.
    New,
    /// Only in the base.
    Gone,
    /// Not shown to differ, and a difference would have been.
    Ok,
    /// Better, surely and by more than the floors.
    Improvement,
}

impl Verdict {
    /// Name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Regression => "regression",
            Verdict::Changed => "changed",
            Verdict::Inconclusive => "inconclusive",
            Verdict::TooFew => "too_few",
            Verdict::New => "new",
            Verdict::Gone => "gone",
            Verdict::Ok => "ok",
            Verdict::Improvement => "improvement",
        }
    }
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The whole distribution moved.
    Shift,
    /// The slowest twentieth moved.
    Tail,
    /// The error rate grew.
    Errors,
    /// The database calls per request grew.
    Calls,
    /// Neither side varies: judged by the effect alone.
    Degenerate,
    /// More than half of the requests came in one block of time.
    Burst,
    /// It differs, but so does the load.
    Load,
}

/// One endpoint or statement on both sides. `None` is "not said" or "not tested".
#[derive(Clone, Debug)]
pub struct Change {
    /// Endpoint or statement.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on.
    pub reasons: Vec<Reason>,
    /// Requests of the base.
    pub n_base: u64,
    /// Requests of the candidate.
    pub n_candidate: u64,
    /// How large the difference is; none where a side has no durations.
    pub effect: Option<Effect>,
    /// p-value of the test that says most (rank or p95, slower or faster).
    pub p_value: Option<f64>,
    /// The same over all endpoints: the false discovery rate at which it would be rejected.
    pub p_adjusted: Option<f64>,
    /// How many independent requests the base is worth.
    pub n_eff_base: Option<f64>,
    /// How many independent requests the candidate is worth.
    pub n_eff_candidate: Option<f64>,
    /// The smallest ratio that would have been found nine times out of ten.
    pub mde_ratio: Option<f64>,
    /// Mean time in each bucket: (bucket, base, candidate), in nanoseconds.
    pub buckets: Vec<(String, Option<f64>, Option<f64>)>,
    /// Database calls per request of the base.
    pub calls_per_request_base: Option<f64>,
    /// Database calls per request of the candidate.
    pub calls_per_request_candidate: Option<f64>,
    /// Error rates; none where a side has no requests.
    pub errors: Option<ErrorTest>,
    /// The rank test.
    pub rank: Option<ScoreTest>,
    /// The test of the slowest twentieth.
    pub tail: Option<ScoreTest>,
}

/// One test waiting for the others of its family.
struct Pending {
    change: usize,
    reason: Reason,
    worse: f64,
    better: f64,
    is_worse: bool,
    is_better: bool,
}

/// Judges all series of both sides; each list is one family of tests.
pub(super) fn judge(
    base: &[(&Side, Vec<&Series>)],
    candidate: &[(&Side, Vec<&Series>)],
    names: &[&str],
    floor_ns: f64,
    options: &Options,
) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let (mut times, mut failures) = (Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let (a, b) = (Gathered::of(base, name, options), Gathered::of(candidate, name, options));
        changes.push(measure(name, &a, &b, options));
        times.extend(time_tests(&mut changes[at], at, &a, &b, floor_ns, options));
        failures.extend(error_test(&changes[at], at, options));
    }
    // Times and errors are two families; each may spend half of the rate, or a report would cry wolf twice as often.
    settle(&mut changes, &times, options.q / 2.0);
    settle(&mut changes, &failures, options.q / 2.0);
    for change in &mut changes {
        finish(change, options);
    }
    changes
}

/// One series over all runs of a side.
struct Gathered {
    runs: Vec<Counts>,
    all: Counts,
    errors: Vec<(u64, u64)>,
    n: u64,
    buckets: Vec<(String, f64)>,
    calls_per_request: Option<f64>,
}

impl Gathered {
    fn of(runs: &[(&Side, Vec<&Series>)], name: &str, options: &Options) -> Self {
        let absent = Series::default();
        let (mut counts, mut errors, mut calls) = (Vec::new(), Vec::new(), (0.0, 0u64));
        let mut buckets: Vec<(String, f64)> = Vec::new();
        let mut n = 0;
        for (side, series) in runs {
            let series = series.binary_search_by(|s| s.name.as_str().cmp(name)).map_or(&absent, |at| series[at]);
            counts.push(side.counts(series, options.warm_up_share));
            errors.extend(side.errors(series, options.warm_up_share));
            n += series.count();
            for (bucket, sum_ns) in &series.buckets {
                match buckets.iter_mut().find(|known| known.0 == *bucket) {
                    Some(known) => known.1 += *sum_ns as f64,
                    None => buckets.push((bucket.clone(), *sum_ns as f64)),
                }
            }
            if let Some(known) = series.calls_per_request {
                calls = (calls.0 + known * series.count() as f64, calls.1 + series.count());
            }
        }
        buckets.iter_mut().for_each(|bucket| bucket.1 /= n.max(1) as f64);
        let all = Counts::new(counts.iter().flat_map(|run| run.blocks.iter().cloned()).collect());
        let calls_per_request = (calls.1 > 0).then(|| calls.0 / calls.1 as f64);
        Gathered { runs: counts, all, errors, n, buckets, calls_per_request }
    }

    /// Whether there is enough to test.
    fn suffices(&self, options: &Options) -> bool {
        self.all.n >= options.min_n && self.all.filled_blocks() >= options.min_blocks
    }
}

/// All that needs no test.
fn measure(name: &str, a: &Gathered, b: &Gathered, options: &Options) -> Change {
    let verdict = match (a.n, b.n) {
        (0, _) => Verdict::New,
        (_, 0) => Verdict::Gone,
        _ if a.suffices(options) && b.suffices(options) => Verdict::Ok,
        _ => Verdict::TooFew,
    };
    let mut buckets: Vec<(String, Option<f64>, Option<f64>)> =
        a.buckets.iter().map(|(bucket, mean)| (bucket.clone(), Some(*mean), None)).collect();
    for (bucket, mean) in &b.buckets {
        match buckets.iter_mut().find(|known| known.0 == *bucket) {
            Some(known) => known.2 = Some(*mean),
            None => buckets.push((bucket.clone(), None, Some(*mean))),
        }
    }
    let timed = a.all.n > 0 && b.all.n > 0;
    Change {
        name: name.to_owned(),
        verdict,
        reasons: Vec::new(),
        n_base: a.n,
        n_candidate: b.n,
        effect: timed.then(|| effect::effect(&a.all, &b.all, histogram_scale)),
        p_value: None,
        p_adjusted: None,
        n_eff_base: None,
        n_eff_candidate: None,
        mde_ratio: None,
        buckets,
        calls_per_request_base: a.calls_per_request,
        calls_per_request_candidate: b.calls_per_request,
        errors: (a.n > 0 && b.n > 0).then(|| errors::test(&a.errors, &b.errors)),
        rank: None,
        tail: None,
    }
}

/// The tests of rank and tail, if there is enough to test.
fn time_tests(change: &mut Change, at: usize, a: &Gathered, b: &Gathered, floor_ns: f64, options: &Options) -> Vec<Pending> {
    let Some(effect) = change.effect.filter(|_| change.verdict == Verdict::Ok) else {
        return Vec::new();
    };
    let rank = score::test(&a.all, &b.all, Statistic::Rank);
    change.n_eff_base = Some(a.all.n as f64 / rank.inflation[0]);
    change.n_eff_candidate = Some(b.all.n as f64 / rank.inflation[1]);
    change.mde_ratio = Some(effect::detectable(&a.all, &b.all, rank.inflation, histogram_scale));
    if a.all.largest_block_share().max(b.all.largest_block_share()) > 0.5 {
        change.reasons.push(Reason::Burst);
        change.verdict = Verdict::Inconclusive;
        return Vec::new();
    }
    if rank.degenerate {
        change.reasons.push(Reason::Degenerate);
    }
    let sd = options.run_noise.get(&change.name).copied().unwrap_or(options.run_noise_default);
    let over = |ratio: f64, by_ns: f64, floor: f64| (ratio > floor && by_ns > floor_ns, ratio < 1.0 / floor && by_ns < -floor_ns);
    let pending = |reason, test: &ScoreTest, statistic, (is_worse, is_better), log_ratio: f64, log_variance: f64| {
        let (mut worse, mut better) = (test.p_slower, test.p_faster);
        if let Some((slower, faster)) = between_runs(a, b, statistic) {
            (worse, better) = (slower, faster);
        } else if sd > 0.0 {
            // Both must reject: the score test, and the shift against the noise between runs.
            let t = log_ratio / (log_variance + 2.0 * sd * sd).sqrt();
            worse = worse.max(student::upper_tail(t, test.df));
            better = better.max(student::upper_tail(-t, test.df));
        }
        Pending { change: at, reason, worse, better, is_worse, is_better }
    };
    let log_variance = if sd > 0.0 { noise::log_variance(&a.all, &b.all, histogram_scale) } else { 0.0 };
    let shifted = over(effect.shift_ratio, effect.shift_ns, options.shift_ratio);
    let mut tests = vec![pending(Reason::Shift, &rank, Statistic::Rank, shifted, effect.shift_ratio.ln(), log_variance)];
    change.rank = Some(rank);
    if a.all.n.min(b.all.n) >= options.min_n_tail {
        let statistic = Statistic::Tail(0.95);
        let tail = score::test(&a.all, &b.all, statistic);
        let reach = (effect.p95_high / effect.p95_low).ln() / 2.0 / student::exceeded_with(0.025, tail.df);
        let stretched = over(effect.p95_ratio, effect.p95_ns, options.p95_ratio);
        tests.push(pending(Reason::Tail, &tail, statistic, stretched, effect.p95_ratio.ln(), reach * reach));
        change.tail = Some(tail);
    }
    tests
}

/// With enough runs a side each run is one observation.
fn between_runs(a: &Gathered, b: &Gathered, statistic: Statistic) -> Option<(f64, f64)> {
    let with_values = |side: &Gathered| side.runs.iter().filter(|run| run.n > 0).count();
    if with_values(a).min(with_values(b)) < runs::MIN_RUNS {
        return None;
    }
    let scores = score::scores(statistic, &[&a.all, &b.all]);
    let means =
        |side: &Gathered| -> Vec<f64> { side.runs.iter().filter(|run| run.n > 0).map(|run| score::mean(run, &scores)).collect() };
    let (_, slower, faster) = runs::welch(&means(a), &means(b));
    Some((slower, faster))
}

fn error_test(change: &Change, at: usize, options: &Options) -> Option<Pending> {
    let errors = change.errors.filter(|_| change.n_base.min(change.n_candidate) >= options.min_n)?;
    let difference = errors.candidate - errors.base;
    Some(Pending {
        change: at,
        reason: Reason::Errors,
        worse: errors.p_more,
        better: errors.p_fewer,
        is_worse: difference > options.error_floor,
        is_better: difference < -options.error_floor,
    })
}

/// Adjusts a family, worse and better apart, and writes what it rejects into the changes.
fn settle(changes: &mut [Change], tests: &[Pending], q: f64) {
    let worse = adjust::benjamini_hochberg(&tests.iter().map(|test| test.worse).collect::<Vec<_>>());
    let better = adjust::benjamini_hochberg(&tests.iter().map(|test| test.better).collect::<Vec<_>>());
    for ((test, worse), better) in tests.iter().zip(worse).zip(better) {
        let change = &mut changes[test.change];
        if test.reason != Reason::Errors {
            let (p, adjusted) = if test.worse <= test.better { (test.worse, worse) } else { (test.better, better) };
            if change.p_adjusted.is_none_or(|known| (adjusted, p) < (known, change.p_value.unwrap_or(1.0))) {
                (change.p_value, change.p_adjusted) = (Some(p), Some(adjusted));
            }
        }
        let verdict = match (worse <= q, better <= q) {
            (true, _) if test.is_worse => Verdict::Regression,
            (_, true) if test.is_better => Verdict::Improvement,
            (false, false) => continue,
            _ => Verdict::Changed,
        };
        // Few errors less make nothing faster: an error test may find a regression, but no improvement.
        if test.reason == Reason::Errors && verdict != Verdict::Regression {
            continue;
        }
        change.reasons.push(test.reason);
        change.verdict = match (change.verdict, verdict) {
            (Verdict::Regression, _) | (_, Verdict::Regression) => Verdict::Regression,
            (Verdict::Improvement, _) | (_, Verdict::Improvement) => Verdict::Improvement,
            _ => verdict,
        };
    }
}

/// Takes back what was said of times and errors where the loads differ; calls per request do not depend on it.
pub(super) fn under_another_load(change: &mut Change) {
    let judged = matches!(change.verdict, Verdict::Regression | Verdict::Changed | Verdict::Improvement);
    if judged && !change.reasons.contains(&Reason::Calls) {
        change.verdict = Verdict::Inconclusive;
        change.reasons.push(Reason::Load);
    }
}

/// Calls per request, errors behind an improvement, and what could not have been found.
fn finish(change: &mut Change, options: &Options) {
    if let (Some(base), Some(candidate)) = (change.calls_per_request_base, change.calls_per_request_candidate)
        && change.n_base.min(change.n_candidate) >= options.min_n
        && candidate > base * options.calls_ratio
        && candidate - base >= options.calls_floor
    {
        change.reasons.push(Reason::Calls);
        change.verdict = Verdict::Regression;
    }
    let more_errors = change.errors.is_some_and(|errors| errors.candidate - errors.base > options.error_floor);
    if change.verdict == Verdict::Improvement && more_errors {
        change.reasons.push(Reason::Errors);
        change.verdict = Verdict::Changed;
    }
    if change.verdict == Verdict::Ok && change.mde_ratio.is_some_and(|mde| mde > options.mde_ratio) {
        change.verdict = Verdict::Inconclusive;
    }
}
