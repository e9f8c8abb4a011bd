//! How large a difference is, and how surely: ratios of quantiles, their confidence intervals after Woodruff (J. Am. Stat.
//! Assoc. 47, 1952) with the variance of the blocks, and the smallest shift that would have been found.

use super::counts::{Counts, Scale};
use super::score::{self, Statistic};
use super::student;

/// Probability outside a confidence interval, on each side.
const TAIL: f64 = 0.025;

/// Quantiles of a normal distribution for p = 1e-4 (what a family of 100 tests at 1 % asks of one test) and a power of 90 %.
const DETECTION: f64 = 3.72 + 1.28;

/// Candidate against base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Median over the nine deciles of candidate over base: the shift of the whole distribution.
    pub shift_ratio: f64,
    /// Its 95 % confidence interval (as wide as that of the medians).
    pub shift_low: f64,
    /// Upper end of that interval.
    pub shift_high: f64,
    /// Median over the nine deciles of candidate less base, in nanoseconds.
    pub shift_ns: f64,
    /// Candidate's median over the base's.
    pub p50_ratio: f64,
    /// Candidate's 95 % quantile over the base's.
    pub p95_ratio: f64,
    /// Lower end of its 95 % confidence interval.
    pub p95_low: f64,
    /// Upper end of its 95 % confidence interval.
    pub p95_high: f64,
    /// Candidate's 95 % quantile less the base's, in nanoseconds.
    pub p95_ns: f64,
}

/// Measures the effect between two sides that both have values.
pub(super) fn effect(base: &Counts, candidate: &Counts, scale: Scale) -> Effect {
    let deciles = (1..10).map(|tenth| f64::from(tenth) / 10.0).map(|q| (base.quantile(q, scale), candidate.quantile(q, scale)));
    let (mut ratios, mut differences): (Vec<f64>, Vec<f64>) = deciles.map(|(a, b)| (b / a, b - a)).unzip();
    let shift_ratio = median(&mut ratios);
    let (p50_ratio, down, up) = ratio_interval(base, candidate, 0.5, scale);
    let (p95_ratio, p95_down, p95_up) = ratio_interval(base, candidate, 0.95, scale);
    Effect {
        shift_ratio,
        shift_low: shift_ratio * (-down).exp(),
        shift_high: shift_ratio * up.exp(),
        shift_ns: median(&mut differences),
        p50_ratio,
        p95_ratio,
        p95_low: p95_ratio * (-p95_down).exp(),
        p95_high: p95_ratio * p95_up.exp(),
        p95_ns: candidate.quantile(0.95, scale) - base.quantile(0.95, scale),
    }
}

/// A quantile and its 95 % confidence interval: (low, quantile, high).
pub(super) fn quantile_interval(counts: &Counts, share: f64, scale: Scale) -> (f64, f64, f64) {
    let scores = score::scores(Statistic::Tail(share), &[counts]);
    let variance = score::block_variances(counts, &scores).into_iter().fold(0.0, f64::max);
    let reach = student::exceeded_with(TAIL, score::df(counts.blocks.len())) * variance.sqrt();
    let at = |share: f64| counts.quantile(share, scale);
    (at(share - reach), at(share), at(share + reach))
}

/// A ratio of quantiles and how far its logarithm reaches down and up.
pub(super) fn ratio_interval(base: &Counts, candidate: &Counts, share: f64, scale: Scale) -> (f64, f64, f64) {
    let (a_low, a, a_high) = quantile_interval(base, share, scale);
    let (b_low, b, b_high) = quantile_interval(candidate, share, scale);
    let down = (b / b_low).ln().hypot((a_high / a).ln());
    let up = (b_high / b).ln().hypot((a / a_low).ln());
    (b / a, down, up)
}

/// The smallest ratio that would have been found nine times out of ten.
pub(super) fn detectable(base: &Counts, candidate: &Counts, inflation: [f64; 2], scale: Scale) -> f64 {
    let spread = |counts: &Counts| (counts.quantile(0.84, scale) / counts.quantile(0.16, scale)).ln() / 2.0;
    let spread = (spread(base) + spread(candidate)) / 2.0;
    let variance = inflation[0] / base.n.max(1) as f64 + inflation[1] / candidate.n.max(1) as f64;
    (DETECTION * spread * variance.sqrt()).exp()
}

/// Median of a list that is not empty; sorts it.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::super::counts::histogram_scale;
    use super::super::testing::{self, close};
    use super::*;

    #[test]
    fn the_executed_pairs_hold_raw_and_from_histograms() {
        let raw: Scale = |bucket| (f64::from(bucket), f64::from(bucket));
        for name in ["aa_pair", "ab_pair"] {
            let expect = &testing::json(&format!("{name}.json"))["expect"];
            let pairs = [(testing::raw_pair(name), raw, 1e-9), (testing::histogram_pair(name), histogram_scale, 0.01)];
            for (pair, scale, tolerance) in pairs {
                for (endpoint, (base, candidate)) in pair {
                    let got = effect(&base, &candidate, scale);
                    let want = &expect[&endpoint];
                    close(got.p50_ratio, want["median_ratio"].as_f64().unwrap(), tolerance);
                    close(got.p95_ratio, want["p95_ratio"].as_f64().unwrap(), tolerance);
                    close(got.shift_ratio, want["shift_median"].as_f64().unwrap(), tolerance);
                }
            }
        }
    }

    #[test]
    fn intervals_hold_the_true_shift_and_are_narrower_than_it_is_large() {
        // ab_pair: e01 is slower by 10 %, e02 by 20 %, e06 faster by 15 %; e00, e03, e04 and e07 are the same.
        let truth = [("/e00", 1.0), ("/e01", 1.1), ("/e02", 1.2), ("/e03", 1.0), ("/e04", 1.0), ("/e06", 0.85), ("/e07", 1.0)];
        let pairs = testing::histogram_pair("ab_pair");
        for (endpoint, ratio) in truth {
            let (base, candidate) = &pairs[endpoint];
            let got = effect(base, candidate, histogram_scale);
            assert!(got.shift_low < ratio && ratio < got.shift_high, "{endpoint}: {got:?}");
            assert!(got.shift_high / got.shift_low < 1.2, "{endpoint}: {got:?}");
        }
    }

    #[test]
    fn what_can_be_found_follows_the_rule_of_thumb() {
        // ln values spread evenly over 16 % .. 84 % by about 1 in both sides: s = 0.5; n = 2000 a side, independent.
        let spread = |n: u64| Counts::new(vec![vec![(100, n / 4), (165, n / 4), (166, n / 4), (272, n / 4)]; 1]);
        let raw: Scale = |bucket| (f64::from(bucket), f64::from(bucket));
        let got = detectable(&spread(2000), &spread(2000), [1.0, 1.0], raw);
        close(got, (5.0 * 0.5 * (272.0f64 / 100.0).ln() * 0.001f64.sqrt()).exp(), 1e-9);
        assert!(got > 1.08 && got < 1.09, "{got}");
    }
}
