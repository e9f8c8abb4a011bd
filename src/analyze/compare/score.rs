//! The block score test: do two runs differ in the rank (or in the tail) of their values, when values of one block of time
//! depend on each other?
//!
//! Each value gets a score from the pooled distribution; the variance of the mean score comes from the blocks, not from
//! the values, so that dependence within a run is paid for. Newey and West, Econometrica 55, 1987, for neighbouring blocks.

use super::counts::Counts;
use super::student;

/// What the score asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// Where a value stands among all, from 0 to 1 (mid-ranks for ties).
    Rank,
    /// Whether a value is above this quantile of all.
    Tail(f64),
}

/// Degrees of freedom of the test where there are 30 blocks.
pub(super) const FULL_DF: f64 = 28.0;

/// Below this a variance is rounding.
const NO_VARIANCE: f64 = 1e-20;

/// A score for each bucket, sorted by bucket.
pub(super) type Scores = Vec<(u32, f64)>;

/// The outcome of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreTest {
    /// Mean score of the candidate less that of the base.
    pub difference: f64,
    /// Variance of the difference from 30 blocks with their neighbours, from 15 and from 10.
    pub variances: [f64; 3],
    /// `difference` over the root of the largest variance.
    pub t: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Probability of so much slower a candidate if both were the same.
    pub p_slower: f64,
    /// Probability of so much faster a candidate if both were the same.
    pub p_faster: f64,
    /// Neither side varies, yet they differ: only the effect can be judged.
    pub degenerate: bool,
    /// How much larger than for independent values the variance of each side's mean is; at least 1.
    pub inflation: [f64; 2],
}

/// Tests one statistic on two sides.
pub(super) fn test(base: &Counts, candidate: &Counts, statistic: Statistic) -> ScoreTest {
    let scores = scores(statistic, &[base, candidate]);
    let (mean_a, mean_b) = (mean(base, &scores), mean(candidate, &scores));
    let (of_a, of_b) = (block_variances(base, &scores), block_variances(candidate, &scores));
    let variances = [0, 1, 2].map(|i| of_a[i] + of_b[i]);
    let largest = (0..3).max_by(|&i, &j| variances[i].total_cmp(&variances[j])).unwrap_or(0);
    let difference = mean_b - mean_a;
    let df = df(base.blocks.len().min(candidate.blocks.len()));
    let inflation = [(base, of_a[largest]), (candidate, of_b[largest])].map(|(counts, variance)| {
        let independent = independent_variance(counts, &scores);
        if independent > NO_VARIANCE { (variance / independent).max(1.0) } else { 1.0 }
    });
    let (t, p_slower, p_faster, degenerate) = verdict(difference, variances[largest], df);
    ScoreTest { difference, variances, t, df, p_slower, p_faster, degenerate, inflation }
}

/// t, the probabilities of both directions, and whether there was no variance to judge by.
pub(super) fn verdict(difference: f64, variance: f64, df: f64) -> (f64, f64, f64, bool) {
    let same = difference.abs() < 1e-12;
    if same {
        (0.0, 1.0, 1.0, false)
    } else if variance <= NO_VARIANCE {
        (f64::INFINITY * difference.signum(), f64::from(difference < 0.0), f64::from(difference > 0.0), true)
    } else {
        let t = difference / variance.sqrt();
        (t, student::upper_tail(t, df), student::upper_tail(-t, df), false)
    }
}

/// Degrees of freedom for so many blocks: what the test is calibrated for, or less.
pub(super) fn df(n_blocks: usize) -> f64 {
    (n_blocks as f64 - 2.0).clamp(1.0, FULL_DF)
}

/// Scores from sides that are pooled with equal weight, whatever their sizes.
pub(super) fn scores(statistic: Statistic, sides: &[&Counts]) -> Scores {
    let mut pooled: Scores = Vec::new();
    for side in sides {
        let weight = 1.0 / (sides.len() as f64 * side.n.max(1) as f64);
        pooled.extend(side.total.iter().map(|&(bucket, count)| (bucket, count as f64 * weight)));
    }
    pooled.sort_by_key(|score| score.0);
    pooled.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    let mut below = 0.0;
    for (_, share) in &mut pooled {
        let p = *share;
        *share = match statistic {
            Statistic::Rank => below + p / 2.0,
            Statistic::Tail(quantile) => ((below + p - quantile) / p).clamp(0.0, 1.0),
        };
        below += p;
    }
    pooled
}

fn score_of(scores: &Scores, bucket: u32) -> f64 {
    scores.binary_search_by_key(&bucket, |score| score.0).map_or(0.0, |at| scores[at].1)
}

/// Mean score of one side.
pub(super) fn mean(counts: &Counts, scores: &Scores) -> f64 {
    counts.total.iter().map(|&(bucket, count)| count as f64 * score_of(scores, bucket)).sum::<f64>() / counts.n.max(1) as f64
}

/// Variance of the mean score if all values were independent.
fn independent_variance(counts: &Counts, scores: &Scores) -> f64 {
    let mean = mean(counts, scores);
    let squares = counts.total.iter().map(|&(bucket, count)| count as f64 * (score_of(scores, bucket) - mean).powi(2));
    let n = counts.n.max(1) as f64;
    squares.sum::<f64>() / (n * n)
}

/// Variance of one side's mean score from 30 blocks (with their neighbours), 15 and 10.
pub(super) fn block_variances(counts: &Counts, scores: &Scores) -> [f64; 3] {
    let mean = mean(counts, scores);
    let deviations: Vec<f64> = counts
        .blocks
        .iter()
        .map(|block| block.iter().map(|&(bucket, count)| count as f64 * (score_of(scores, bucket) - mean)).sum())
        .collect();
    variances_of(&deviations, counts.n)
}

/// The same from the summed deviations of each fine block from the mean.
pub(super) fn variances_of(deviations: &[f64], n: u64) -> [f64; 3] {
    let n_squared = (n.max(1) as f64).powi(2);
    let scaled = |groups: &[f64], sum: f64| {
        let k = groups.len() as f64;
        if k > 1.0 { k / (k - 1.0) * sum / n_squared } else { 0.0 }
    };
    let squares = |groups: &[f64]| groups.iter().map(|u| u * u).sum::<f64>();
    let lagged = |groups: &[f64], lag: usize| groups.iter().zip(groups.iter().skip(lag)).map(|(u, v)| u * v).sum::<f64>();
    let [thirty, fifteen, ten] = [30, 15, 10].map(|k| merged(deviations, k));
    let alone = squares(&thirty);
    let with_neighbours = alone + 2.0 * (2.0 / 3.0 * lagged(&thirty, 1) + 1.0 / 3.0 * lagged(&thirty, 2));
    [scaled(&thirty, with_neighbours.max(alone)), scaled(&fifteen, squares(&fifteen)), scaled(&ten, squares(&ten))]
}

/// Sums neighbours into `k` groups as even as can be, or fewer where there are fewer blocks.
fn merged(deviations: &[f64], k: usize) -> Vec<f64> {
    let k = k.min(deviations.len());
    let mut groups = vec![0.0; k];
    for (i, deviation) in deviations.iter().enumerate() {
        groups[i * k / deviations.len()] += deviation;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, close};
    use super::*;

    #[test]
    fn the_executed_pairs_hold_to_a_billionth_on_raw_values() {
        for name in ["aa_pair", "ab_pair"] {
            let expect = &testing::json(&format!("{name}.json"))["expect"];
            for (endpoint, (base, candidate)) in testing::raw_pair(name) {
                for (statistic, key) in [(Statistic::Rank, "rank"), (Statistic::Tail(0.95), "p95")] {
                    let (got, want) = (test(&base, &candidate, statistic), &expect[&endpoint][key]);
                    let number = |key: &str| want[key].as_f64().unwrap();
                    close(got.difference, number("diff"), 1e-9);
                    close(got.variances[0], number("var_30nw"), 1e-9);
                    close(got.variances[1], number("var_15"), 1e-9);
                    close(got.variances[2], number("var_10"), 1e-9);
                    close(got.t, number("t"), 1e-9);
                    close(got.p_slower, number("p_one_sided"), 1e-9);
                    assert_eq!(got.df, number("df"));
                }
            }
        }
    }

    #[test]
    fn histograms_of_one_percent_hardly_change_t() {
        // A tail is cut inside a bucket, whose values share a score: up to 0.2 more where nothing is found anyway.
        let expect = &testing::json("ab_pair.json")["expect"];
        for (endpoint, (base, candidate)) in testing::histogram_pair("ab_pair") {
            for (statistic, key, more) in [(Statistic::Rank, "rank", 0.0), (Statistic::Tail(0.95), "p95", 0.2)] {
                let got = test(&base, &candidate, statistic).t;
                let want = expect[&endpoint][key]["t"].as_f64().unwrap();
                assert!((got - want).abs() <= 0.02 * want.abs().max(1.0) + more, "{endpoint} {key}: {got} {want}");
            }
        }
    }

    #[test]
    fn the_rank_difference_is_the_common_language_effect_size_of_scipy() {
        for case in testing::json("stats_basic.json")["cases"].as_array().unwrap() {
            let side = |key: &str| testing::raw_counts(testing::numbers(&case[key]).into_iter().map(|v| (0, v as u32)), 1);
            let (a, b) = (side("a"), side("b"));
            let cles = test(&a, &b, Statistic::Rank).difference + 0.5;
            close(cles, case["cles_b_gt_a"].as_f64().unwrap(), 1e-9);
            close(cles * (a.n * b.n) as f64, case["U_b"].as_f64().unwrap(), 1e-9);
        }
    }

    #[test]
    fn a_run_compared_with_itself_has_p_of_one_and_constants_are_degenerate() {
        let constant = |value| Counts::new(vec![vec![(value, 20)]; 12]);
        let same = test(&constant(5), &constant(5), Statistic::Rank);
        assert_eq!((same.t, same.p_slower, same.p_faster, same.degenerate), (0.0, 1.0, 1.0, false));
        let slower = test(&constant(5), &constant(6), Statistic::Rank);
        assert!(slower.degenerate && slower.p_slower == 0.0 && slower.p_faster == 1.0);
        for (_, (base, _)) in testing::raw_pair("aa_pair") {
            assert_eq!(test(&base, &base, Statistic::Rank).p_slower, 1.0);
        }
    }

    #[test]
    fn blocks_merge_evenly_into_what_is_asked_for() {
        assert_eq!(merged(&[1.0; 60], 15), [4.0; 15]);
        assert_eq!(merged(&[1.0; 4], 30), [1.0; 4]);
        let odd = merged(&[1.0; 100], 30);
        assert!(odd.iter().sum::<f64>() == 100.0 && odd.iter().all(|&n| n == 3.0 || n == 4.0));
    }
}
