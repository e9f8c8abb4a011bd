//! Where a rising curve turns flat: the hockey stick by least squares, and Kneedle as a second opinion (Satopaa 2011).

use super::stats::mean;
use super::usl::criterion;

/// X(N) = min(slope N, plateau).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hockey {
    /// Throughput per unit of concurrency below the knee.
    pub slope: f64,
    /// Throughput beyond it.
    pub plateau: f64,
    /// Where they meet.
    pub knee: f64,
    /// Sum of squared residuals.
    pub squares: f64,
    /// Number of points.
    pub points: usize,
    /// Highest concurrency of the data.
    pub highest_seen: f64,
}

impl Hockey {
    /// The plateau may be called one: the load went half as far again past the knee.
    pub fn is_plateau(&self) -> bool {
        self.highest_seen >= 1.5 * self.knee
    }

    /// The small-sample Akaike criterion; `None` where there are too few points for it.
    pub fn criterion(&self) -> Option<f64> {
        criterion(self.squares, self.points, 2)
    }
}

/// The hockey stick by least squares over all breakpoints; `None` below three points.
pub fn hockey(concurrency: &[f64], throughput: &[f64]) -> Option<Hockey> {
    let mut points: Vec<(f64, f64)> = concurrency.iter().copied().zip(throughput.iter().copied()).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    if points.len() < 3 {
        return None;
    }
    let mut best: Option<Hockey> = None;
    for split in 1..points.len() {
        let (left, right) = points.split_at(split);
        let slope = left.iter().map(|(x, y)| x * y).sum::<f64>() / left.iter().map(|(x, _)| x * x).sum::<f64>();
        let plateau = mean(&right.iter().map(|(_, y)| *y).collect::<Vec<_>>())?;
        let squares: f64 = points.iter().map(|(x, y)| (y - (slope * x).min(plateau)).powi(2)).sum();
        if squares.is_finite() && slope > 0.0 && best.is_none_or(|b| squares < b.squares) {
            let highest_seen = points[points.len() - 1].0;
            best = Some(Hockey { slope, plateau, knee: plateau / slope, squares, points: points.len(), highest_seen });
        }
    }
    best
}

/// The knee of a rising, flattening curve by Kneedle (Satopaa 2011), x ascending; only a second opinion beside the hockey stick.
pub fn kneedle(x: &[f64], y: &[f64], sensitivity: f64) -> Option<f64> {
    let unit = |values: &[f64]| -> Option<Vec<f64>> {
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        (high > low).then(|| values.iter().map(|v| (v - low) / (high - low)).collect())
    };
    let (unit_x, unit_y) = (unit(x)?, unit(y)?);
    if unit_x.len() != unit_y.len() || unit_x.len() < 3 {
        return None;
    }
    let above: Vec<f64> = unit_x.iter().zip(&unit_y).map(|(x, y)| y - x).collect();
    let step = sensitivity / (unit_x.len() - 1) as f64;
    let mut candidate: Option<(usize, f64)> = None;
    for i in 1..above.len() {
        let falls_after = above.get(i + 1).is_some_and(|next| above[i] >= *next);
        if above[i] >= above[i - 1] && falls_after && above[i] > 1e-9 {
            candidate = Some((i, above[i] - step));
        } else if let Some((knee, threshold)) = candidate
            && above[i] < threshold
        {
            return Some(x[knee]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, numbers, vector};
    use super::super::usl::{Choice, curve};
    use super::*;

    #[test]
    fn the_knee_of_a_hard_ceiling_is_the_hockey_sticks() {
        for case in vector("knee.json")["cases"].as_array().expect("cases") {
            let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
            close(kneedle(&x, &y, 1.0).expect("a knee"), case["knee"].as_f64().expect("knee"), 1e-6);
            if case["hockey"].is_object() {
                let out = hockey(&x, &y).expect("enough points");
                for (actual, name) in [(out.slope, "slope"), (out.plateau, "plateau"), (out.knee, "knee")] {
                    close(actual, case["hockey"][name].as_f64().expect(name), 0.01);
                }
                assert!(out.is_plateau() && out.squares <= 1.01 * case["hockey"]["sse"].as_f64().expect("sse"));
                assert_eq!(curve(&x, &y).expect("enough levels").choice, Choice::Hockey);
            }
        }
        let line: Vec<f64> = (1..20).map(f64::from).collect();
        assert_eq!(kneedle(&line, &line, 1.0), None);
    }
}
