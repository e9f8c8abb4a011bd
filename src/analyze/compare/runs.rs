//! Several runs a side: each run is one observation, which measures the noise between runs along with everything else.
//! Welch's t test (Biometrika 34, 1947).

use super::score;

/// The least number of runs a side: three can never reach the level that many endpoints ask for.
pub const MIN_RUNS: usize = 5;

/// t, and the probabilities of a slower and of a faster candidate, from one value per run.
pub(super) fn welch(base: &[f64], candidate: &[f64]) -> (f64, f64, f64) {
    let (mean_a, variance_a) = mean_and_variance(base);
    let (mean_b, variance_b) = mean_and_variance(candidate);
    let df = (variance_a + variance_b).powi(2)
        / (variance_a.powi(2) / (base.len() as f64 - 1.0) + variance_b.powi(2) / (candidate.len() as f64 - 1.0));
    let (t, slower, faster, _) = score::verdict(mean_b - mean_a, variance_a + variance_b, df);
    (t, slower, faster)
}

/// Mean, and variance of the mean.
fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
}

#[cfg(test)]
mod tests {
    use super::super::testing::close;
    use super::*;

    #[test]
    fn a_hand_computed_case_holds() {
        // Means 3 and 6, variances of the mean 0.5 and 0.5, so t = 3 and df = 8; P(t > 3) = 0.00854.
        let (t, slower, faster) = welch(&[1.0, 2.0, 3.0, 4.0, 5.0], &[4.0, 5.0, 6.0, 7.0, 8.0]);
        close(t, 3.0, 1e-12);
        close(slower, 0.008536, 1e-6);
        close(slower + faster, 1.0, 1e-12);
        assert_eq!(welch(&[1.0, 1.0], &[1.0, 1.0]), (0.0, 1.0, 1.0));
    }
}
