//! Many tests at once: the false discovery rate of Benjamini and Hochberg (J. R. Stat. Soc. B 57, 1995).

/// The smallest false discovery rate at which each p-value would be rejected; same order as given.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 1.0f64;
    for (i, &at) in order.iter().enumerate() {
        let rank = (p.len() - i) as f64;
        least = least.min(p[at] * p.len() as f64 / rank);
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn the_worked_example_of_1995_holds() {
        let vector = testing::json("stats_basic.json");
        let example = &vector["bh"][0];
        let p = testing::numbers(&example["p"]);
        let adjusted = benjamini_hochberg(&p);
        for (got, want) in adjusted.iter().zip(testing::numbers(&example["adjusted"])) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
        assert_eq!(adjusted.iter().filter(|&&p| p <= 0.05).count(), 4);
    }

    #[test]
    fn nothing_and_equal_values_are_fine() {
        assert!(benjamini_hochberg(&[]).is_empty());
        assert_eq!(benjamini_hochberg(&[0.5, 0.5]), [0.5, 0.5]);
    }
}
