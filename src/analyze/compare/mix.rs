//! Did the code change or the mix? The difference of the overall mean, split exactly into what endpoints became slower by
//! and what came of their shares (Kitagawa, J. Am. Stat. Assoc. 50, 1955).

use std::collections::BTreeMap;

/// The difference of two overall means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mix {
    /// Mean of the base, in nanoseconds.
    pub base_mean_ns: f64,
    /// Mean of the candidate, in nanoseconds.
    pub candidate_mean_ns: f64,
    /// Part of the difference that lies within the endpoints.
    pub within_ns: f64,
    /// Part of the difference that comes of their shares.
    pub mix_ns: f64,
    /// Both parts per endpoint: (endpoint, within, mix), by name.
    pub terms: Vec<(String, f64, f64)>,
}

impl Mix {
    /// What to say about it; nothing if the code weighs as much.
    pub fn sentence(&self) -> Option<&'static str> {
        (self.mix_ns.abs() > self.within_ns.abs()).then_some("the mix changed, not the code")
    }
}

/// Splits the difference. Rows are (endpoint, requests, mean in nanoseconds), each endpoint once a side. An endpoint of one
/// side only is taken to have had the same mean on the other: all of it is mix.
pub fn mix(base: &[(&str, u64, f64)], candidate: &[(&str, u64, f64)]) -> Mix {
    let total = |side: &[(&str, u64, f64)]| side.iter().map(|row| row.1).sum::<u64>().max(1) as f64;
    let (n_a, n_b) = (total(base), total(candidate));
    let mut by_name: BTreeMap<&str, [Option<(f64, f64)>; 2]> = BTreeMap::new();
    for (side, rows, n) in [(0, base, n_a), (1, candidate, n_b)] {
        for &(name, count, mean) in rows.iter().filter(|row| row.1 > 0) {
            by_name.entry(name).or_default()[side] = Some((count as f64 / n, mean));
        }
    }
    let mean = |side: usize| by_name.values().filter_map(|both| both[side]).map(|(share, mean)| share * mean).sum::<f64>();
    let mut mix = Mix { base_mean_ns: mean(0), candidate_mean_ns: mean(1), ..Mix::default() };
    let middle = (mix.base_mean_ns + mix.candidate_mean_ns) / 2.0;
    for (name, both) in by_name {
        let Some((_, present)) = both[0].or(both[1]) else { continue };
        let (share_a, mean_a) = both[0].unwrap_or((0.0, present));
        let (share_b, mean_b) = both[1].unwrap_or((0.0, present));
        let within = (share_a + share_b) / 2.0 * (mean_b - mean_a);
        let moved = (share_b - share_a) * ((mean_a + mean_b) / 2.0 - middle);
        mix.within_ns += within;
        mix.mix_ns += moved;
        mix.terms.push((name.to_owned(), within, moved));
    }
    mix
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, close};
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_executed_cases_hold() {
        for case in testing::json("mix_shift.json")["cases"].as_array().unwrap() {
            fn side(value: &Value) -> Vec<(&str, u64, f64)> {
                let rows = value.as_object().unwrap().iter();
                rows.map(|(k, v)| (k.as_str(), v["count"].as_u64().unwrap(), v["mean"].as_f64().unwrap())).collect()
            }
            let got = mix(&side(&case["A"]), &side(&case["B"]));
            close(got.within_ns, case["within_total"].as_f64().unwrap(), 1e-9);
            close(got.mix_ns, case["mix_total"].as_f64().unwrap(), 1e-9);
            close(got.within_ns + got.mix_ns, case["delta"].as_f64().unwrap(), 1e-9);
            for (name, within, moved) in &got.terms {
                close(*within, case["within"][name].as_f64().unwrap(), 1e-9);
                close(*moved, case["mix"][name].as_f64().unwrap(), 1e-9);
            }
            assert!(got.sentence().is_some());
        }
    }

    #[test]
    fn a_slower_endpoint_of_the_same_share_is_no_mix() {
        let got = mix(&[("a", 10, 5.0), ("b", 10, 7.0)], &[("a", 20, 6.0), ("b", 20, 7.0)]);
        assert_eq!((got.within_ns, got.mix_ns, got.sentence()), (0.5, 0.0, None));
    }
}
