//! Student's t distribution, by the continued fraction of the incomplete beta function
//! (Lentz's method; Press et al., Numerical Recipes, 6.4).

/// Probability that t with `df` degrees of freedom exceeds `t`.
pub(super) fn upper_tail(t: f64, df: f64) -> f64 {
    if t.is_nan() || df <= 0.0 {
        return 1.0;
    }
    let both = incomplete_beta(df / (df + t * t), df / 2.0, 0.5);
    if t >= 0.0 { both / 2.0 } else { 1.0 - both / 2.0 }
}

/// The t that is exceeded with the probability `tail` (below one half).
pub(super) fn exceeded_with(tail: f64, df: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e4);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if upper_tail(middle, df) > tail { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function I_x(a, b).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    if x < (a + 1.0) / (a + b + 2.0) { front * fraction(x, a, b) / a } else { 1.0 - front * fraction(1.0 - x, b, a) / b }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let tiny = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / tiny(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / tiny(1.0 + even * d);
        c = tiny(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / tiny(1.0 + odd * d);
        c = tiny(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

/// Logarithm of the gamma function for positive arguments (Lanczos, g = 7, 9 terms).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.5203681218851,
        -1259.1392167224028,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507343278686905,
        -0.13857109526572012,
        9.984_369_578_019_572e-6,
        1.5056327351493116e-7,
    ];
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    for (i, term) in TERMS.iter().enumerate() {
        sum += term / (x + i as f64 + 1.0);
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_hold() {
        // With one degree of freedom this is Cauchy's distribution: P(t > 1) is a quarter.
        assert!((upper_tail(1.0, 1.0) - 0.25).abs() < 1e-13);
        assert!((upper_tail(-1.0, 1.0) - 0.75).abs() < 1e-13);
        // With two: (1 - t / sqrt(2 + t^2)) / 2.
        let t = 3.5f64;
        assert!((upper_tail(t, 2.0) - (1.0 - t / (2.0 + t * t).sqrt()) / 2.0).abs() < 1e-13);
        // Tables: t(0.975, 28) = 2.048407.
        assert!((exceeded_with(0.025, 28.0) - 2.048407).abs() < 1e-6);
        assert_eq!(upper_tail(0.0, 28.0), 0.5);
    }

    #[test]
    fn far_tails_keep_their_digits() {
        // From the executed pair ab_pair.json.
        let p = upper_tail(11.14157350917748, 28.0);
        assert!((p / 4.201743657162301e-12 - 1.0).abs() < 1e-9, "{p}");
    }
}
