//! Scalability curves: the universal scalability law and the hockey stick, fitted to throughput over concurrency.
//!
//! Least squares on throughput with bounds, intervals by Student's t with n - p degrees of freedom; the better by AICc. Never
//! extrapolated beyond twice the load seen, refused below six levels over a factor of four. Gunther 2007; Schwartz 2015.

use super::knee::{Hockey, hockey};
use super::stats::t_quantile;

/// Why no curve is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refusal {
    /// Fewer than six distinct levels of concurrency.
    FewLevels {
        /// How many there are.
        levels: usize,
    },
    /// The highest level is less than four times the lowest.
    NarrowRange {
        /// Highest over lowest.
        ratio: f64,
    },
    /// A level or rate that is not a positive number, or a fit that does not settle.
    Unusable,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FewLevels { levels } => write!(f, "{levels} levels of concurrency seen, 6 needed"),
            Self::NarrowRange { ratio } => write!(f, "the highest concurrency is {ratio:.1} times the lowest, 4 times needed"),
            Self::Unusable => write!(f, "the measured points are not usable"),
        }
    }
}

/// A fitted parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// The estimate.
    pub value: f64,
    /// Its standard error; `None` where it sits at its bound or was given.
    pub error: Option<f64>,
    /// Its 95 % confidence interval; `None` where it sits at its bound or was given.
    pub interval: Option<(f64, f64)>,
    /// It would have left its range: only one side of it is known.
    pub at_bound: bool,
}

/// X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)).
#[derive(Debug, Clone, PartialEq)]
pub struct Usl {
    /// Contention, 0..1.
    pub sigma: Parameter,
    /// Coherency, not negative.
    pub kappa: Parameter,
    /// Throughput of one.
    pub lambda: Parameter,
    /// Residual standard error.
    pub residual_error: f64,
    /// Degrees of freedom of the residual.
    pub freedom: usize,
    /// Sum of squared residuals.
    pub squares: f64,
    /// Highest concurrency of the data: twice of it is as far as the curve speaks.
    pub highest_seen: f64,
}

impl Usl {
    /// The curve's throughput at a concurrency; `None` beyond twice the load seen.
    pub fn throughput(&self, concurrency: f64) -> Option<f64> {
        (concurrency <= 2.0 * self.highest_seen)
            .then(|| self.lambda.value * shape(concurrency, self.sigma.value, self.kappa.value))
    }

    /// Response time at a concurrency, by Little's law; `None` beyond twice the load seen.
    pub fn latency(&self, concurrency: f64) -> Option<f64> {
        self.throughput(concurrency).map(|x| concurrency / x)
    }

    /// The concurrency at which the response time reaches `latency`; `None` where it does not within twice the load seen.
    pub fn concurrency_at_latency(&self, latency: f64) -> Option<f64> {
        let (sigma, kappa, target) = (self.sigma.value, self.kappa.value, latency * self.lambda.value - 1.0);
        // kappa N^2 + (sigma - kappa) N - sigma = latency lambda - 1
        let (b, c) = (sigma - kappa, -(sigma + target));
        let n = if kappa > 0.0 { (-b + (b * b - 4.0 * kappa * c).sqrt()) / (2.0 * kappa) } else { -c / b };
        (n.is_finite() && n >= 1.0 && n <= 2.0 * self.highest_seen).then_some(n)
    }

    /// The concurrency of most throughput; `None` without coherency cost.
    pub fn peak_concurrency(&self) -> Option<f64> {
        (self.kappa.value > 0.0).then(|| ((1.0 - self.sigma.value) / self.kappa.value).sqrt())
    }

    /// Throughput there, even if it lies beyond the load seen.
    pub fn peak_throughput(&self) -> Option<f64> {
        self.peak_concurrency().map(|n| self.lambda.value * shape(n, self.sigma.value, self.kappa.value))
    }

    /// What contention alone would allow with endless concurrency; `None` without contention.
    pub fn contention_limit(&self) -> Option<f64> {
        (self.sigma.value > 0.0).then(|| self.lambda.value / self.sigma.value)
    }

    /// The small-sample Akaike criterion; `None` where there are too few points for it.
    pub fn criterion(&self) -> Option<f64> {
        criterion(self.squares, self.freedom + 3, 3)
    }
}

/// Which of the two describes the data better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The universal scalability law.
    Usl,
    /// The hockey stick: a hard ceiling.
    Hockey,
}

/// Both fits and the choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The universal scalability law.
    pub usl: Usl,
    /// The hockey stick.
    pub hockey: Hockey,
    /// The better by AICc.
    pub choice: Choice,
}

/// Fits both curves and chooses, or says why not.
pub fn curve(concurrency: &[f64], throughput: &[f64]) -> Result<Curve, Refusal> {
    check(concurrency, throughput)?;
    let usl = fit(concurrency, throughput, None)?;
    let hockey = hockey(concurrency, throughput).ok_or(Refusal::Unusable)?;
    let choice = match (usl.criterion(), hockey.criterion()) {
        (Some(law), Some(stick)) if stick < law => Choice::Hockey,
        _ => Choice::Usl,
    };
    Ok(Curve { usl, hockey, choice })
}

fn check(concurrency: &[f64], throughput: &[f64]) -> Result<(), Refusal> {
    if concurrency.len() != throughput.len() || concurrency.iter().chain(throughput).any(|v| !v.is_finite() || *v < 0.0) {
        return Err(Refusal::Unusable);
    }
    let mut levels: Vec<f64> = concurrency.to_vec();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    if levels.len() < 6 {
        return Err(Refusal::FewLevels { levels: levels.len() });
    }
    let ratio = levels[levels.len() - 1] / levels[0];
    if ratio < 4.0 { Err(Refusal::NarrowRange { ratio }) } else { Ok(()) }
}

/// The universal scalability law by bounded least squares, with `lambda` fitted or given.
pub fn fit(concurrency: &[f64], throughput: &[f64], lambda: Option<f64>) -> Result<Usl, Refusal> {
    check(concurrency, throughput)?;
    let data = Data { n: concurrency, x: throughput, lambda };
    let mut best: Option<(f64, [f64; 3])> = None;
    for sigma in [0.001, 0.01, 0.05, 0.1, 0.3, 0.5] {
        for kappa in [1e-6, 1e-5, 1e-4, 1e-3, 1e-2] {
            let start = [sigma, kappa, data.best_lambda(sigma, kappa)];
            let (squares, found) = data.descend(start);
            if squares.is_finite() && best.is_none_or(|(least, _)| squares < least) {
                best = Some((squares, found));
            }
        }
    }
    let (squares, found) = best.ok_or(Refusal::Unusable)?;
    let free = [found[0] > 0.0 && found[0] < 1.0, found[1] > 0.0, lambda.is_none()];
    let fitted = if lambda.is_none() { 3 } else { 2 };
    let freedom = concurrency.len() - fitted;
    let variance = squares / freedom as f64;
    let normal = data.normal(found).0;
    let quantile = t_quantile(0.975, freedom as f64);
    let indices: Vec<usize> = (0..3).filter(|&i| free[i]).collect();
    let parameter = |index: usize, at_bound: bool| {
        let error = indices.iter().position(|&i| i == index).and_then(|at| {
            let mut unit = vec![0.0; indices.len()];
            unit[at] = 1.0;
            Some((solve(&reduced(&normal, &indices), &unit)?[at] * variance).sqrt())
        });
        let interval = error.map(|e| (found[index] - quantile * e, found[index] + quantile * e));
        Parameter { value: found[index], error, interval, at_bound }
    };
    Ok(Usl {
        sigma: parameter(0, !free[0]),
        kappa: parameter(1, !free[1]),
        lambda: parameter(2, false),
        residual_error: variance.sqrt(),
        freedom,
        squares,
        highest_seen: concurrency.iter().copied().fold(0.0, f64::max),
    })
}

/// The 95 % interval of the concurrency of most throughput, by the profile of the squares; an open end is `None`.
pub fn peak_interval(concurrency: &[f64], throughput: &[f64], fitted: &Usl) -> Option<(Option<f64>, Option<f64>)> {
    let peak = fitted.peak_concurrency()?;
    let data = Data { n: concurrency, x: throughput, lambda: None };
    let allowed = fitted.squares + fitted.residual_error.powi(2) * t_quantile(0.975, fitted.freedom as f64).powi(2);
    let excess = |peak: f64| data.least_at_peak(peak) - allowed;
    let end = |factor: f64| {
        let mut inside = peak;
        for _ in 0..60 {
            let outside = inside * factor;
            if excess(outside) > 0.0 {
                let (mut low, mut high) = (inside, outside);
                for _ in 0..50 {
                    let middle = 0.5 * (low + high);
                    if excess(middle) > 0.0 { high = middle } else { low = middle }
                }
                return Some(low);
            }
            inside = outside;
        }
        None
    };
    Some((end(1.0 / 1.2), end(1.2)))
}

fn shape(n: f64, sigma: f64, kappa: f64) -> f64 {
    n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))
}

/// AICc of a least-squares fit of `parameters` and the variance.
pub(super) fn criterion(squares: f64, points: usize, parameters: usize) -> Option<f64> {
    let (n, k) = (points as f64, parameters as f64 + 1.0);
    (n > k + 1.0).then(|| n * (squares.max(1e-300) / n).ln() + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0))
}

struct Data<'a> {
    n: &'a [f64],
    x: &'a [f64],
    lambda: Option<f64>,
}

impl Data<'_> {
    fn best_lambda(&self, sigma: f64, kappa: f64) -> f64 {
        self.lambda.unwrap_or_else(|| {
            let (mut both, mut square) = (0.0, 0.0);
            for (n, x) in self.n.iter().zip(self.x) {
                let form = shape(*n, sigma, kappa);
                both += form * x;
                square += form * form;
            }
            both / square
        })
    }

    fn squares(&self, p: [f64; 3]) -> f64 {
        self.n.iter().zip(self.x).map(|(n, x)| (x - p[2] * shape(*n, p[0], p[1])).powi(2)).sum()
    }

    /// J'J and J'r.
    fn normal(&self, p: [f64; 3]) -> ([[f64; 3]; 3], [f64; 3]) {
        let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
        for (n, x) in self.n.iter().zip(self.x) {
            let form = shape(*n, p[0], p[1]);
            let slope = -p[2] * form * form / n;
            let row = [slope * (n - 1.0), slope * n * (n - 1.0), form];
            for i in 0..3 {
                right[i] += row[i] * (x - p[2] * form);
                for j in 0..3 {
                    matrix[i][j] += row[i] * row[j];
                }
            }
        }
        (matrix, right)
    }

    /// Levenberg-Marquardt within the bounds; a parameter at its bound that would leave it is held there for the step.
    fn descend(&self, start: [f64; 3]) -> (f64, [f64; 3]) {
        let (mut at, mut damping) = (start, 1e-3);
        let mut squares = self.squares(at);
        for _ in 0..500 {
            let (matrix, right) = self.normal(at);
            let held = |i: usize| match i {
                0 => (at[0] <= 0.0 && right[0] < 0.0) || (at[0] >= 1.0 && right[0] > 0.0),
                1 => at[1] <= 0.0 && right[1] < 0.0,
                _ => self.lambda.is_some(),
            };
            let free: Vec<usize> = (0..3).filter(|&i| !held(i)).collect();
            let mut small = reduced(&matrix, &free);
            for (i, row) in small.iter_mut().enumerate() {
                row[i] *= 1.0 + damping;
            }
            let target: Vec<f64> = free.iter().map(|&i| right[i]).collect();
            let Some(step) = solve(&small, &target) else { break };
            let mut next = at;
            for (&i, s) in free.iter().zip(&step) {
                next[i] += s;
            }
            next[0] = next[0].clamp(0.0, 1.0);
            next[1] = next[1].max(0.0);
            next[2] = next[2].max(f64::MIN_POSITIVE);
            let then = self.squares(next);
            if then < squares {
                let settled = squares - then <= 1e-15 * squares;
                (at, squares, damping) = (next, then, (damping * 0.2).max(1e-15));
                if settled {
                    break;
                }
            } else {
                damping *= 5.0;
                if damping > 1e15 {
                    break;
                }
            }
        }
        (squares, at)
    }

    /// The least squares with the peak held at a concurrency: kappa = (1 - sigma) / peak^2, sigma by golden section.
    fn least_at_peak(&self, peak: f64) -> f64 {
        let at = |sigma: f64| {
            let kappa = (1.0 - sigma) / (peak * peak);
            self.squares([sigma, kappa, self.best_lambda(sigma, kappa)])
        };
        let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..80 {
            let (a, b) = (high - golden * (high - low), low + golden * (high - low));
            if at(a) < at(b) { high = b } else { low = a }
        }
        at(0.5 * (low + high))
    }
}

fn reduced(matrix: &[[f64; 3]; 3], indices: &[usize]) -> Vec<Vec<f64>> {
    indices.iter().map(|&i| indices.iter().map(|&j| matrix[i][j]).collect()).collect()
}

/// Gauss elimination on a scaled matrix (the columns differ by many powers of ten); `None` if singular.
fn solve(matrix: &[Vec<f64>], right: &[f64]) -> Option<Vec<f64>> {
    let size = right.len();
    let scale: Vec<f64> = (0..size).map(|i| matrix[i][i].sqrt()).collect();
    if scale.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return None;
    }
    let mut rows: Vec<Vec<f64>> = (0..size)
        .map(|i| (0..size).map(|j| matrix[i][j] / (scale[i] * scale[j])).chain(std::iter::once(right[i] / scale[i])).collect())
        .collect();
    for column in 0..size {
        let pivot = (column..size).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        if rows[column][column].abs() < 1e-14 {
            return None;
        }
        for row in 0..size {
            if row != column {
                let factor = rows[row][column] / rows[column][column];
                let pivot_row = rows[column].clone();
                rows[row].iter_mut().zip(&pivot_row).for_each(|(at, above)| *at -= factor * above);
            }
        }
    }
    Some((0..size).map(|i| rows[i][size] / rows[i][i] / scale[i]).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, numbers, vector};
    use super::*;

    fn fitted(name: &str) -> (serde_json::Value, Vec<f64>, Vec<f64>, Usl) {
        let file = vector(name);
        let (n, x) = (numbers(&file["n"]), numbers(&file["x"]));
        let usl = fit(&n, &x, None).expect("fits");
        (file, n, x, usl)
    }

    fn check_fit(expected: &serde_json::Value, usl: &Usl) {
        for (name, parameter) in [("sigma", usl.sigma), ("kappa", usl.kappa), ("lambda", usl.lambda)] {
            let key = if name == "lambda" { "lambda_" } else { name };
            close(parameter.value, expected[key].as_f64().expect(key), 0.001);
            close(parameter.error.expect("free"), expected[format!("se_{name}")].as_f64().expect("se"), 0.01);
            let (low, high) = parameter.interval.expect("free");
            let bounds = numbers(&expected["ci95"][name]);
            let width = bounds[1] - bounds[0];
            assert!((low - bounds[0]).abs() < 0.01 * width && (high - bounds[1]).abs() < 0.01 * width, "{name}: {low} {high}");
        }
        close(usl.residual_error, expected["rse"].as_f64().expect("rse"), 0.001);
        assert_eq!(Some(usl.freedom as u64), expected["df"].as_u64());
        close(usl.peak_concurrency().expect("kappa > 0"), expected["n_peak"].as_f64().expect("n_peak"), 0.001);
        close(usl.peak_throughput().expect("kappa > 0"), expected["x_peak"].as_f64().expect("x_peak"), 0.001);
        close(usl.contention_limit().expect("sigma > 0"), expected["x_amdahl_limit"].as_f64().expect("limit"), 0.01);
    }

    #[test]
    fn published_fits_are_repeated() {
        let (file, n, x, usl) = fitted("usl_cisco.json");
        check_fit(&file["fit"], &usl);
        close(usl.sigma.value, file["published"]["sigma"].as_f64().expect("sigma"), 0.0002);
        close(usl.kappa.value, file["published"]["kappa"].as_f64().expect("kappa"), 0.0002);
        for (level, latency) in file["published"]["latency_at"].as_object().expect("latencies") {
            close(usl.latency(level.parse().expect("a level")).expect("seen"), latency.as_f64().expect("a number"), 0.0002);
        }
        let first = fit(&n[..10], &x[..10], None).expect("fits");
        check_fit(&file["first10"]["fit"], &first);
        for (latency, level) in file["first10"]["published_concurrencyAtLatency"].as_object().expect("levels") {
            let level = level.as_f64().expect("a number");
            let found = first.concurrency_at_latency(latency.parse().expect("a latency"));
            // Ten is the most that was seen, so nothing beyond twenty is said.
            assert_eq!(found.is_some(), level <= 20.0);
            if let Some(found) = found {
                close(found, level, 0.001);
            }
        }
        let (low, high) = peak_interval(&n, &x, &usl).expect("a peak");
        assert!(low.expect("closed") < 35.57 && high.expect("closed") > 35.58);
        let (file, n, x, usl) = fitted("usl_specsdm91.json");
        check_fit(&file["fit"], &usl);
        let variant = &file["fixed_lambda_variant"];
        let held = fit(&n, &x, variant["lambda_"].as_f64()).expect("fits");
        close(held.sigma.value, variant["fit"]["sigma"].as_f64().expect("sigma"), 0.001);
        close(held.kappa.value, variant["fit"]["kappa"].as_f64().expect("kappa"), 0.001);
        close(held.sigma.error.expect("free"), variant["fit"]["se_sigma"].as_f64().expect("se"), 0.01);
        let (file, _, _, usl) = fitted("usl_synthetic_exact.json");
        check_fit(&file["fit"], &usl);
        close(usl.sigma.value, 0.02, 0.01);
    }

    #[test]
    fn a_parameter_at_its_bound_has_no_two_sided_interval() {
        // Pure contention of 0.1: kappa belongs at zero, and noise alternates so that it does not creep off.
        let n: Vec<f64> = (1..=12).map(f64::from).collect();
        let x: Vec<f64> =
            n.iter().enumerate().map(|(i, n)| 50.0 * n / (1.0 + 0.1 * (n - 1.0)) * (1.0 + 1e-3 * i as f64)).collect();
        let usl = fit(&n, &x, None).expect("fits");
        assert!(usl.kappa.at_bound && usl.kappa.interval.is_none() && usl.peak_concurrency().is_none());
        assert!(usl.throughput(24.0).is_some() && usl.throughput(24.1).is_none());
    }

    #[test]
    fn too_little_load_range_is_refused() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(curve(&x, &x), Err(Refusal::FewLevels { levels: 5 }));
        let n = [10.0, 11.0, 12.0, 13.0, 14.0, 15.0];
        assert_eq!(curve(&n, &n), Err(Refusal::NarrowRange { ratio: 1.5 }));
        assert_eq!(curve(&[f64::NAN; 6], &n), Err(Refusal::Unusable));
    }
}
