//! Budgets: limits that a run must keep, whatever an earlier run did. Strict: the limit itself is over it.

use super::counts::histogram_scale;
use super::effect;
use super::side::{Series, Side};

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// A quantile of the durations, in nanoseconds.
    Quantile(f64),
    /// The mean duration, in nanoseconds.
    Mean,
    /// The share of failed requests.
    ErrorRate,
    /// Database calls per request.
    CallsPerRequest,
    /// What the whole system would carry, in requests per second: the one limit that must be exceeded.
    CeilingTps,
}

/// One limit.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Name of an endpoint; `*` stands for any text. Not looked at for the ceiling.
    pub endpoint: String,
    /// What is limited.
    pub metric: Metric,
    /// The limit, in the unit of the metric.
    pub limit: f64,
    /// Endpoints with fewer requests are not judged.
    pub min_n: u64,
    /// Whether a quantile must be over the limit with all of its 95 % confidence interval.
    pub confidence: bool,
}

/// How a budget was kept by one endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// Within the limit.
    Ok,
    /// Over the limit.
    Broken,
    /// Fewer requests than `min_n`.
    TooFew,
    /// The logs do not say.
    Unknown,
}

/// One budget against one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Which of the budgets.
    pub budget: usize,
    /// The endpoint; empty for the ceiling.
    pub endpoint: String,
    /// What was measured, in the unit of the metric.
    pub actual: Option<f64>,
    /// The verdict.
    pub kept: Kept,
}

/// A budget whose pattern fits no endpoint: a typing error would otherwise pass for ever.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unmatched {
    /// Which of the budgets.
    pub budget: usize,
    /// Its pattern.
    pub pattern: String,
}

/// Holds a run against budgets: an outcome per budget and endpoint that fits, in the order given.
pub fn check(budgets: &[Budget], run: &Side) -> Result<Vec<Outcome>, Unmatched> {
    let mut outcomes = Vec::new();
    for (budget, limit) in budgets.iter().enumerate() {
        if limit.metric == Metric::CeilingTps {
            let actual = run.ceiling_tps;
            let kept = actual.map_or(Kept::Unknown, |actual| if actual > limit.limit { Kept::Ok } else { Kept::Broken });
            outcomes.push(Outcome { budget, endpoint: String::new(), actual, kept });
            continue;
        }
        let fitting: Vec<&Series> = run.endpoints.iter().filter(|series| fits(&limit.endpoint, &series.name)).collect();
        if fitting.is_empty() {
            return Err(Unmatched { budget, pattern: limit.endpoint.clone() });
        }
        for series in fitting {
            let (actual, certain) = measure(limit, series, run);
            let kept = match certain {
                _ if series.count() < limit.min_n => Kept::TooFew,
                None => Kept::Unknown,
                Some(value) if value < limit.limit => Kept::Ok,
                Some(_) => Kept::Broken,
            };
            outcomes.push(Outcome { budget, endpoint: series.name.clone(), actual, kept });
        }
    }
    Ok(outcomes)
}

/// What a series measures, and the value that must stay below the limit.
fn measure(budget: &Budget, series: &Series, run: &Side) -> (Option<f64>, Option<f64>) {
    let (sum_ns, timed) = series.time();
    let same = |value: Option<f64>| (value, value);
    match budget.metric {
        Metric::Quantile(share) if timed > 0 => {
            let (low, value, _) = effect::quantile_interval(&run.counts(series, 0.0), share, histogram_scale);
            (Some(value), Some(if budget.confidence { low } else { value }))
        }
        Metric::Mean if timed > 0 => same(Some(sum_ns / timed as f64)),
        Metric::Quantile(_) | Metric::Mean | Metric::CeilingTps => same(None),
        Metric::ErrorRate => {
            let errors: u64 = series.blocks.iter().map(|block| block.errors).sum();
            same((series.count() > 0).then(|| errors as f64 / series.count() as f64))
        }
        Metric::CallsPerRequest => same(series.calls_per_request),
    }
}

/// Whether a pattern fits a name. Greedy with one point of return, so never more than quadratic.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, tried)) = star {
            star = Some((at, tried + 1));
            (p, n) = (at + 1, tried + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

#[cfg(test)]
mod tests {
    use super::super::super::profile::histogram::Histogram;
    use super::super::side::Block;
    use super::*;

    fn run() -> Side {
        // 60 blocks of 10 requests at 90 to 99 ms, one of the 600 failed.
        let blocks = (0..60)
            .map(|i| {
                let mut durations = Histogram::new();
                (90..100).for_each(|ms| durations.record(ms * 1_000_000));
                Block { start_ns: i, durations, count: 10, errors: u64::from(i == 3) }
            })
            .collect();
        let pay = Series { name: "POST /pay".into(), blocks, calls_per_request: Some(3.0), ..Series::default() };
        Side { block_ns: 1, n_blocks: 60, endpoints: vec![pay], ceiling_tps: Some(80.0), ..Side::default() }
    }

    fn budget(metric: Metric, limit: f64) -> Budget {
        Budget { endpoint: "POST /*".into(), metric, limit, min_n: 200, confidence: false }
    }

    #[test]
    fn limits_are_strict() {
        let cases = [
            (Metric::Quantile(0.95), 100e6, Kept::Ok),
            (Metric::Quantile(0.95), 95e6, Kept::Broken),
            (Metric::Mean, 94.5e6, Kept::Broken),
            (Metric::Mean, 94.6e6, Kept::Ok),
            (Metric::ErrorRate, 1.0 / 600.0, Kept::Broken),
            (Metric::ErrorRate, 0.01, Kept::Ok),
            (Metric::CallsPerRequest, 3.0, Kept::Broken),
            (Metric::CeilingTps, 80.0, Kept::Broken),
            (Metric::CeilingTps, 79.9, Kept::Ok),
        ];
        for (metric, limit, kept) in cases {
            let got = check(&[budget(metric, limit)], &run()).unwrap();
            assert_eq!(got[0].kept, kept, "{metric:?} {limit} {got:?}");
        }
    }

    #[test]
    fn a_pattern_that_fits_nothing_is_an_error_and_few_requests_are_not_judged() {
        let typo = Budget { endpoint: "POST /pya".into(), ..budget(Metric::Mean, 1.0) };
        assert_eq!(check(&[typo], &run()), Err(Unmatched { budget: 0, pattern: "POST /pya".into() }));
        let many = Budget { min_n: 601, ..budget(Metric::Mean, 1.0) };
        assert_eq!(check(&[many], &run()).unwrap()[0].kept, Kept::TooFew);
    }

    #[test]
    fn with_confidence_the_whole_interval_must_be_over() {
        let certain = |limit| Budget { confidence: true, ..budget(Metric::Quantile(0.5), limit) };
        assert_eq!(check(&[certain(80e6)], &run()).unwrap()[0].kept, Kept::Broken);
        assert_eq!(check(&[certain(99e6)], &run()).unwrap()[0].kept, Kept::Ok);
    }

    #[test]
    fn stars_stand_for_any_text() {
        assert!(fits("*", "GET /a") && fits("GET /*/x", "GET /a/b/x") && fits("GET /a", "GET /a") && fits("**a*", "bcab"));
        assert!(!fits("GET /*/x", "GET /a/b") && !fits("", "a") && !fits("a", ""));
        assert!(!fits(&"*a".repeat(30), &"b".repeat(10_000)));
    }
}
