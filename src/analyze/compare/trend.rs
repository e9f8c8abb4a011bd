//! Where a history of builds changed: change points by the energy statistic of E-divisive (Matteson and James, J. Am. Stat.
//! Assoc. 109, 2014), judged by a t test instead of permutations as Hunter does (Fleming et al., ICPE 2023), so that the
//! same history always gives the same answer.

use super::score;

/// How a history is split.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// A change point needs a smaller p-value. Default is 0.001.
    pub max_p: f64,
    /// And a change of at least this share. Default is 0.05.
    pub min_change: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options { max_p: 0.001, min_change: 0.05 }
    }
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// The first build after the change.
    pub index: usize,
    /// Geometric mean between the change before and this one.
    pub before: f64,
    /// Geometric mean between this change and the next one.
    pub after: f64,
    /// Probability of so large a change by chance.
    pub p: f64,
}

/// The shortest stretch between two changes: one odd build is not a trend.
const MIN_STRETCH: usize = 2;

/// Finds the changes in one value per build, oldest first; all must be positive, others are taken as the smallest number.
/// Weak points are allowed first and the weakest is then removed until all stand, as a point may need its neighbours.
pub fn change_points(values: &[f64], options: &Options) -> Vec<ChangePoint> {
    let logs: Vec<f64> = values.iter().map(|v| if *v > 0.0 { v.ln() } else { f64::MIN_POSITIVE.ln() }).collect();
    let mut splits = Vec::new();
    let mut open = vec![(0, logs.len())];
    while let Some((from, to)) = open.pop() {
        if let Some(at) = best_split(&logs[from..to]).map(|at| from + at)
            && p_value(&logs[from..at], &logs[at..to]) <= options.max_p * 10.0
        {
            splits.push(at);
            open.extend([(from, at), (at, to)]);
        }
    }
    splits.sort_unstable();
    loop {
        let points: Vec<ChangePoint> = (0..splits.len()).map(|i| judge(&logs, &splits, i)).collect();
        let weakness = |point: &ChangePoint| {
            let change = (point.after / point.before).max(point.before / point.after) - 1.0;
            if change < options.min_change { 1.0 } else { point.p }
        };
        let weakest = (0..points.len()).max_by(|&i, &j| weakness(&points[i]).total_cmp(&weakness(&points[j])));
        match weakest.filter(|&i| weakness(&points[i]) > options.max_p) {
            Some(i) => splits.remove(i),
            None => return points,
        };
    }
}

fn judge(logs: &[f64], splits: &[usize], i: usize) -> ChangePoint {
    let from = if i == 0 { 0 } else { splits[i - 1] };
    let (at, to) = (splits[i], splits.get(i + 1).copied().unwrap_or(logs.len()));
    let (left, right) = (&logs[from..at], &logs[at..to]);
    let mean = |part: &[f64]| (part.iter().sum::<f64>() / part.len() as f64).exp();
    ChangePoint { index: at, before: mean(left), after: mean(right), p: p_value(left, right) }
}

/// The split with the largest energy statistic. Quadratic: distances are moved from one side to the other as it advances.
fn best_split(values: &[f64]) -> Option<usize> {
    let n = values.len();
    if n < 2 * MIN_STRETCH {
        return None;
    }
    let distance_to = |part: &[f64], value: f64| part.iter().map(|other| (other - value).abs()).sum::<f64>();
    let mut within_right: f64 = (0..n).map(|i| distance_to(&values[i + 1..], values[i])).sum();
    let (mut within_left, mut between) = (0.0, 0.0);
    let mut best: Option<(f64, usize)> = None;
    for at in 1..n {
        // `values[at - 1]` goes over to the left.
        let moved = values[at - 1];
        let (to_left, to_right) = (distance_to(&values[..at - 1], moved), distance_to(&values[at..], moved));
        within_left += to_left;
        within_right -= to_right;
        between += to_right - to_left;
        if at < MIN_STRETCH || n - at < MIN_STRETCH {
            continue;
        }
        let (left, right) = (at as f64, (n - at) as f64);
        let energy = 2.0 * between / (left * right)
            - 2.0 * within_left / (left * (left - 1.0))
            - 2.0 * within_right / (right * (right - 1.0));
        let statistic = energy * left * right / (left + right);
        if best.is_none_or(|(most, _)| statistic > most) {
            best = Some((statistic, at));
        }
    }
    best.map(|(_, at)| at)
}

/// Both-sided t test with a common variance.
fn p_value(left: &[f64], right: &[f64]) -> f64 {
    let squares = |part: &[f64]| {
        let mean = part.iter().sum::<f64>() / part.len() as f64;
        (mean, part.iter().map(|v| (v - mean).powi(2)).sum::<f64>())
    };
    let ((mean_a, a), (mean_b, b)) = (squares(left), squares(right));
    let (n_a, n_b) = (left.len() as f64, right.len() as f64);
    let df = n_a + n_b - 2.0;
    let variance = (a + b) / df * (1.0 / n_a + 1.0 / n_b);
    let (_, slower, faster, _) = score::verdict(mean_b - mean_a, variance, df);
    (2.0 * slower.min(faster)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::close;
    use super::*;

    /// A level with a fixed wobble of about 1 %.
    fn history(levels: &[(usize, f64)]) -> Vec<f64> {
        let wobble = [0.99, 1.01, 1.0, 1.012, 0.988, 1.004, 0.996];
        let levels = levels.iter().flat_map(|&(n, level)| std::iter::repeat_n(level, n));
        levels.zip(wobble.iter().cycle()).map(|(level, w)| level * w).collect()
    }

    #[test]
    fn the_build_that_changed_it_is_named() {
        let points = change_points(&history(&[(12, 100.0), (9, 130.0), (10, 110.0)]), &Options::default());
        assert_eq!(points.iter().map(|p| p.index).collect::<Vec<_>>(), [12, 21]);
        close(points[0].before, 100.0, 0.01);
        close(points[0].after, 130.0, 0.01);
        close(points[1].after, 110.0, 0.01);
    }

    #[test]
    fn a_steady_history_one_odd_build_and_a_small_step_are_no_change() {
        let steady = history(&[(30, 100.0)]);
        assert!(change_points(&steady, &Options::default()).is_empty());
        let mut odd = steady.clone();
        odd[14] = 300.0;
        assert!(change_points(&odd, &Options::default()).is_empty());
        assert!(change_points(&history(&[(15, 100.0), (15, 103.0)]), &Options::default()).is_empty());
        assert!(change_points(&[1.0, 2.0, 0.0], &Options::default()).is_empty());
    }

    #[test]
    fn the_energy_statistic_is_largest_at_the_step() {
        assert_eq!(best_split(&[1.0, 1.1, 0.9, 5.0, 5.1, 4.9]), Some(3));
        // Equal variance t by hand: means 1 and 5, pooled variance 0.01, t = 4 / sqrt(0.01 * 2 / 3) = 48.99, df 4.
        assert!(p_value(&[1.0, 1.1, 0.9], &[5.0, 5.1, 4.9]) < 2e-6);
    }
}
