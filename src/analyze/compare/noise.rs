//! Noise between runs: what two runs of one build differ by, of which no single run says anything. It is stated, or
//! learned from earlier runs of the same build, and then added to the variance of the shift.

use super::counts::{Counts, Scale};
use super::score::{self, Scores};

/// How many runs the pool of all endpoints weighs in the noise of one.
const POOL_WEIGHT: f64 = 4.0;

/// The least number of earlier runs to learn from.
pub const MIN_RUNS: usize = 5;

/// Standard deviation of the logarithm of the median from run to run, per endpoint: `log_medians[endpoint][run]`. Each is
/// drawn towards the pool of all, as a few runs say little. `None` where no endpoint has five runs.
pub fn learn(log_medians: &[Vec<f64>]) -> Option<Vec<f64>> {
    let variance = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
    };
    let usable = log_medians.iter().filter(|runs| runs.len() >= MIN_RUNS);
    let (squares, df) = usable.fold((0.0, 0.0), |sum, runs| (sum.0 + variance(runs), sum.1 + runs.len() as f64 - 1.0));
    if df == 0.0 {
        return None;
    }
    let pool = squares / df;
    let shrunk = |runs: &Vec<f64>| {
        let own = if runs.len() >= MIN_RUNS { (variance(runs), runs.len() as f64 - 1.0) } else { (0.0, 0.0) };
        ((own.0 + POOL_WEIGHT * pool) / (own.1 + POOL_WEIGHT)).sqrt()
    };
    Some(log_medians.iter().map(shrunk).collect())
}

/// Variance of the difference of mean logarithms between two sides, from their blocks. Logarithms are cut at the 1 % and
/// 99 % quantiles of both together, so that a few outliers do not hide a shift.
pub(super) fn log_variance(base: &Counts, candidate: &Counts, scale: Scale) -> f64 {
    let cut = |share: f64| (base.quantile(share, scale).ln() + candidate.quantile(share, scale).ln()) / 2.0;
    let (low, high) = (cut(0.01), cut(0.99));
    let mut scores: Scores = base.total.iter().chain(&candidate.total).map(|&(bucket, _)| (bucket, 0.0)).collect();
    scores.sort_by_key(|score| score.0);
    scores.dedup_by_key(|score| score.0);
    for (bucket, value) in &mut scores {
        let (from, to) = scale(*bucket);
        *value = (from / 2.0 + to / 2.0).ln().max(low).min(high);
    }
    let (a, b) = (score::block_variances(base, &scores), score::block_variances(candidate, &scores));
    (0..3).map(|i| a[i] + b[i]).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::super::counts::histogram_scale;
    use super::super::testing::{self, close};
    use super::*;

    #[test]
    fn noise_is_drawn_towards_the_pool() {
        // By hand: squares 10 and 0 with 4 degrees of freedom each: pool 10 / 8 = 1.25; (10 + 5) / 8 and 5 / 8.
        let runs = [vec![1.0, 2.0, 3.0, 4.0, 5.0], vec![7.0; 5], vec![0.0, 9.0]];
        let learned = learn(&runs).unwrap();
        close(learned[0], (15.0f64 / 8.0).sqrt(), 1e-12);
        close(learned[1], (5.0f64 / 8.0).sqrt(), 1e-12);
        close(learned[2], 1.25f64.sqrt(), 1e-12);
        assert_eq!(learn(&runs[2..]), None);
    }

    #[test]
    fn the_variance_of_independent_logarithms_is_that_of_the_mean() {
        // e00 of the A/A pair is independent: spread 0.5, 2000 a side, so about 2 * 0.25 / 2000.
        let (base, candidate) = &testing::histogram_pair("aa_pair")["/e00"];
        let variance = log_variance(base, candidate, histogram_scale);
        assert!(variance > 1e-4 && variance < 8e-4, "{variance}");
    }
}
