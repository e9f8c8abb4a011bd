//! Error rates of two runs: two proportions, with the variance of the blocks, since errors come in bursts.

use super::score;

/// Two error rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorTest {
    /// Share of failed requests of the base.
    pub base: f64,
    /// Share of failed requests of the candidate.
    pub candidate: f64,
    /// Probability of so many more errors if both were the same.
    pub p_more: f64,
    /// Probability of so many fewer errors if both were the same.
    pub p_fewer: f64,
}

/// Tests (requests, errors) per block of both sides.
pub(super) fn test(base: &[(u64, u64)], candidate: &[(u64, u64)]) -> ErrorTest {
    let total = |side: &[(u64, u64)]| side.iter().fold((0, 0), |sum, block| (sum.0 + block.0, sum.1 + block.1));
    let rate = |(n, errors): (u64, u64)| errors as f64 / n.max(1) as f64;
    let (of_a, of_b) = (total(base), total(candidate));
    let deviations = |side: &[(u64, u64)], rate: f64| -> Vec<f64> {
        side.iter().map(|&(n, errors)| errors as f64 - rate * n as f64).collect()
    };
    let a = score::variances_of(&deviations(base, rate(of_a)), of_a.0);
    let b = score::variances_of(&deviations(candidate, rate(of_b)), of_b.0);
    // Few errors may happen to lie evenly; then at least the binomial variance holds.
    let pooled = rate((of_a.0 + of_b.0, of_a.1 + of_b.1));
    let binomial = pooled * (1.0 - pooled) * (1.0 / of_a.0.max(1) as f64 + 1.0 / of_b.0.max(1) as f64);
    let variance = (0..3).map(|i| a[i] + b[i]).fold(binomial, f64::max);
    let df = score::df(base.len().min(candidate.len()));
    let (_, p_more, p_fewer, _) = score::verdict(rate(of_b) - rate(of_a), variance, df);
    ErrorTest { base: rate(of_a), candidate: rate(of_b), p_more, p_fewer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_errors_are_found_and_a_burst_is_not() {
        let clean = vec![(100, 0); 60];
        let spread = vec![(100, 2); 60];
        // By hand: 2 % against 0 of 6000 each, binomial variance 0.0099 / 3000, t = 11.
        assert!(test(&clean, &spread).p_more < 1e-9);
        assert!(test(&spread, &clean).p_fewer < 1e-9);
        let mut burst = clean.clone();
        burst[7].1 = 100;
        let found = test(&clean, &burst);
        assert!(found.p_more > 0.1 && found.candidate > 0.016, "{found:?}");
    }

    #[test]
    fn the_same_rate_has_p_of_one() {
        let none = test(&[(10, 0); 10], &[(20, 0); 10]);
        assert_eq!((none.p_more, none.p_fewer), (1.0, 1.0));
        assert_eq!(test(&[], &[]).base, 0.0);
    }
}
