//! The small statistics that capacity needs: Student's t, ranks, batch means, nearest-rank percentiles.
//! Nothing here knows of logs. Definitions: <https://dlmf.nist.gov/8.17> (incomplete beta), Jain 1991 ch. 13 and 25.

/// A mean with its two-sided 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample variance (divisor n - 1); `None` below two values.
pub fn variance(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values)?;
    Some(values.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

/// The mean of values that are themselves means of consecutive batches, with its interval by Student's t.
///
/// Batches swallow the correlation between neighbours, which single requests of a queue do not have the right to ignore.
pub fn batch_means(batches: &[f64]) -> Option<Estimate> {
    let centre = mean(batches)?;
    let spread = variance(batches)?.sqrt() / (batches.len() as f64).sqrt();
    let half = t_quantile(0.975, (batches.len() - 1) as f64) * spread;
    Some(Estimate { mean: centre, low: centre - half, high: centre + half })
}

/// The nearest-rank percentile of values sorted ascending: the smallest value with at least `share` of all at or below it.
pub fn nearest_rank<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    sorted.get(nearest_rank_index(sorted.len(), share)?).copied()
}

/// Where [`nearest_rank`] stands among so many sorted values.
pub fn nearest_rank_index(values: usize, share: f64) -> Option<usize> {
    let rank = (share * values as f64 - 1e-9).ceil().max(1.0) as usize;
    rank.min(values).checked_sub(1)
}

/// The value of an index among so many sorted, of many values that are made anew each time they are asked for: a
/// count by leading digits finds its neighbours, and only those are held and ordered.
pub fn nth_smallest<I: Iterator<Item = u64>>(values: impl Fn() -> I, index: usize) -> Option<u64> {
    /// Digits of the binary number behind the first one.
    const DIGITS: u32 = 6;
    let part_of = |value: u64| {
        let power = value.checked_ilog2().unwrap_or(0);
        let digits = if power >= DIGITS { value >> (power - DIGITS) } else { value << (DIGITS - power) };
        (power as usize) << DIGITS | (digits & ((1 << DIGITS) - 1)) as usize
    };
    let mut counts = vec![0usize; 64 << DIGITS];
    values().for_each(|value| counts[part_of(value)] += 1);
    let mut below = 0;
    let part = counts.iter().position(|count| {
        let found = below + count > index;
        below += if found { 0 } else { *count };
        found
    })?;
    let mut near: Vec<u64> = values().filter(|&value| part_of(value) == part).collect();
    Some(*near.select_nth_unstable(index - below).1)
}

/// A rank correlation and the chance of one as strong without any relation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Spearman's coefficient, -1..1.
    pub rho: f64,
    /// Two-sided p by Student's t with n - 2 degrees of freedom.
    pub p_value: f64,
}

/// Spearman's rank correlation, ties sharing their mean rank; `None` below four pairs or where one side is constant.
pub fn spearman(left: &[f64], right: &[f64]) -> Option<Correlation> {
    let count = left.len().min(right.len());
    if count < 4 {
        return None;
    }
    let (a, b) = (ranks(&left[..count]), ranks(&right[..count]));
    let centre = (count as f64 + 1.0) / 2.0;
    let (mut both, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(&b) {
        both += (x - centre) * (y - centre);
        square_a += (x - centre).powi(2);
        square_b += (y - centre).powi(2);
    }
    if square_a == 0.0 || square_b == 0.0 {
        return None;
    }
    let rho = (both / (square_a * square_b).sqrt()).clamp(-1.0, 1.0);
    let freedom = count as f64 - 2.0;
    let p_value =
        if rho.abs() >= 1.0 { 0.0 } else { 2.0 * (1.0 - t_cdf(rho.abs() * (freedom / (1.0 - rho * rho)).sqrt(), freedom)) };
    Some(Correlation { rho, p_value })
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut out = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let mut to = from + 1;
        while to < order.len() && values[order[to]] == values[order[from]] {
            to += 1;
        }
        for &index in &order[from..to] {
            out[index] = (from + to + 1) as f64 / 2.0;
        }
        from = to;
    }
    out
}

/// A straight line through weighted points: `(slope, standard error of the slope)`; `None` where x does not vary.
pub fn weighted_slope(x: &[f64], y: &[f64], weight: &[f64]) -> Option<(f64, f64)> {
    let total: f64 = weight.iter().sum();
    if x.len() < 2 || total <= 0.0 {
        return None;
    }
    let dot = |a: &[f64]| a.iter().zip(weight).map(|(v, w)| v * w).sum::<f64>() / total;
    let (mean_x, mean_y) = (dot(x), dot(y));
    let (mut xx, mut xy) = (0.0, 0.0);
    for ((x, y), w) in x.iter().zip(y).zip(weight) {
        xx += w * (x - mean_x).powi(2);
        xy += w * (x - mean_x) * (y - mean_y);
    }
    if xx <= 0.0 {
        return None;
    }
    let slope = xy / xx;
    let residual: f64 = x.iter().zip(y).zip(weight).map(|((x, y), w)| w * (y - mean_y - slope * (x - mean_x)).powi(2)).sum();
    let freedom = (x.len() as f64 - 2.0).max(1.0);
    Some((slope, (residual / freedom / xx).sqrt()))
}

/// The distribution function of Student's t.
pub fn t_cdf(t: f64, freedom: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    if t >= 0.0 { 1.0 - tail } else { tail }
}

/// The quantile of Student's t, by bisection on the distribution function.
pub fn t_quantile(share: f64, freedom: f64) -> f64 {
    if share < 0.5 {
        return -t_quantile(1.0 - share, freedom);
    }
    let (mut low, mut high) = (0.0_f64, 2.0_f64);
    while t_cdf(high, freedom) < share && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if t_cdf(middle, freedom) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The regularised incomplete beta function by its continued fraction (modified Lentz).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let floor = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / floor(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..500 {
        let m = f64::from(step);
        for numerator in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / floor(1.0 + numerator * d);
            c = floor(1.0 + numerator / c);
            fraction *= d * c;
        }
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// ln of the gamma function for positive arguments (Lanczos, g = 7, nine terms).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let base = x + 7.5;
    let sum = TERMS.iter().enumerate().skip(1).fold(TERMS[0], |sum, (i, term)| sum + term / (x + i as f64));
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * base.ln() - base + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_smallest_is_found_whatever_the_size_of_the_numbers() {
        let values: Vec<u64> = (0..2_000u64).map(|i| (i * 7_919 % 2_003) << (i % 50)).chain([0, 0, u64::MAX]).collect();
        let mut sorted = values.clone();
        sorted.sort_unstable();
        for index in [0, 1, 2, 500, 1_999, 2_001, 2_002] {
            assert_eq!(nth_smallest(|| values.iter().copied(), index), Some(sorted[index]));
        }
        assert_eq!(nth_smallest(|| values.iter().copied(), 2_003), None);
    }

    #[test]
    fn t_quantiles_are_those_of_the_printed_tables() {
        for (freedom, expected) in [(1.0, 12.7062), (3.0, 3.18245), (4.0, 2.77645), (19.0, 2.09302), (29.0, 2.04523)] {
            assert!((t_quantile(0.975, freedom) - expected).abs() < 1e-4, "{freedom}");
        }
        assert!((t_quantile(0.95, 10.0) - 1.81246).abs() < 1e-5);
        assert!((t_quantile(0.025, 4.0) + 2.77645).abs() < 1e-5);
    }

    #[test]
    fn spearman_shares_the_ranks_of_ties() {
        // Ranks of the left side 1, 2.5, 2.5, 4, 5; of the right 1..5: rho = 9.5 / sqrt(9.5 * 10).
        let out = spearman(&[1.0, 2.0, 2.0, 3.0, 9.0], &[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five pairs");
        assert!((out.rho - 9.5 / 95.0_f64.sqrt()).abs() < 1e-12);
        assert!(out.p_value < 0.01);
        assert!(spearman(&[1.0; 5], &[1.0, 2.0, 3.0, 4.0, 5.0]).is_none());
    }

    #[test]
    fn nearest_rank_is_a_value_that_occurred() {
        let values = [10, 20, 30, 40];
        assert_eq!(nearest_rank(&values, 0.5), Some(20));
        assert_eq!(nearest_rank(&values, 0.51), Some(30));
        assert_eq!(nearest_rank(&values, 1.0), Some(40));
        assert_eq!(nearest_rank(&values, 0.0), Some(10));
        assert_eq!(nearest_rank::<i32>(&[], 0.5), None);
    }

    #[test]
    fn batch_means_by_hand() {
        // Mean 3, s = sqrt(2.5), half width 2.77645 * sqrt(2.5 / 5) = 1.96325.
        let out = batch_means(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five batches");
        assert!((out.mean - 3.0).abs() < 1e-12 && (out.high - 4.96325).abs() < 1e-4);
    }

    #[test]
    fn a_weighted_slope_follows_its_heavy_points() {
        let (slope, error) = weighted_slope(&[0.0, 1.0, 2.0], &[0.0, 1.0, 2.0], &[1.0, 5.0, 1.0]).expect("x varies");
        assert!((slope - 1.0).abs() < 1e-12 && error < 1e-9);
    }
}
