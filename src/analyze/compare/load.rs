//! Whether two runs carried the same load. If not, latencies say nothing, and only demands and ceilings can be compared.

use super::side::Side;

/// The load of both runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Arrivals of the base, in requests per second.
    pub base_tps: f64,
    /// Arrivals of the candidate, in requests per second.
    pub candidate_tps: f64,
    /// Mean number of requests in the base.
    pub base_concurrency: Option<f64>,
    /// Mean number of requests in the candidate.
    pub candidate_concurrency: Option<f64>,
    /// Whether either agrees.
    pub comparable: bool,
}

/// What a request costs one resource on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The resource.
    pub name: String,
    /// Busy time per request of the base, in nanoseconds.
    pub base_ns: f64,
    /// Busy time per request of the candidate, in nanoseconds.
    pub candidate_ns: f64,
    /// Whether it grew by more than the tolerance.
    pub regressed: bool,
}

/// Compares the loads. Comparable if the arrival rate **or** the mean concurrency agrees: a slower build at equal arrivals
/// raises the concurrency by itself, and one under a fixed number of clients lowers the arrivals. Utilisation is an outcome,
/// never a reason.
pub(super) fn load(base: &[Side], candidate: &[Side], tolerance: f64) -> Load {
    let rate = |side: &[Side]| side.iter().map(Side::tps).sum::<f64>() / side.len().max(1) as f64;
    let concurrency = |side: &[Side]| {
        let known: Option<Vec<f64>> = side.iter().map(|run| run.concurrency_mean).collect();
        known.filter(|known| !known.is_empty()).map(|known| known.iter().sum::<f64>() / known.len() as f64)
    };
    let agree = |a: f64, b: f64| a > 0.0 && b > 0.0 && (a / b).max(b / a) <= 1.0 + tolerance;
    let (base_tps, candidate_tps) = (rate(base), rate(candidate));
    let (base_concurrency, candidate_concurrency) = (concurrency(base), concurrency(candidate));
    let by_concurrency = base_concurrency.zip(candidate_concurrency).is_some_and(|(a, b)| agree(a, b));
    let comparable = agree(base_tps, candidate_tps) || by_concurrency;
    Load { base_tps, candidate_tps, base_concurrency, candidate_concurrency, comparable }
}

/// Compares the demands of resources that both sides know, by name.
pub(super) fn demands(base: &Side, candidate: &Side, tolerance: f64) -> Vec<Demand> {
    let mut demands: Vec<Demand> = base
        .demand_ns
        .iter()
        .filter_map(|(name, base_ns)| {
            let (_, candidate_ns) = candidate.demand_ns.iter().find(|other| other.0 == *name)?;
            let regressed = *candidate_ns > base_ns * (1.0 + tolerance);
            Some(Demand { name: name.clone(), base_ns: *base_ns, candidate_ns: *candidate_ns, regressed })
        })
        .collect();
    demands.sort_by(|a, b| a.name.cmp(&b.name));
    demands
}

#[cfg(test)]
mod tests {
    use super::super::side::{Block, Series};
    use super::*;

    fn run(tps: u64, concurrency: Option<f64>) -> Side {
        let blocks = vec![Block { count: tps * 100, ..Block::default() }];
        let endpoints = vec![Series { name: "/".into(), blocks, ..Series::default() }];
        Side { seconds: 100.0, concurrency_mean: concurrency, endpoints, ..Side::default() }
    }

    #[test]
    fn one_of_both_must_agree() {
        let cases = [
            ((30, Some(3.0)), (32, Some(9.0)), true),
            ((30, Some(10.0)), (15, Some(10.5)), true),
            ((30, Some(3.0)), (80, Some(12.0)), false),
            ((30, None), (34, None), false),
            ((0, Some(0.0)), (0, Some(0.0)), false),
        ];
        for (a, b, comparable) in cases {
            assert_eq!(load(&[run(a.0, a.1)], &[run(b.0, b.1)], 0.10).comparable, comparable, "{a:?} {b:?}");
        }
    }

    #[test]
    fn demands_are_matched_by_name() {
        let side =
            |pool: f64, other: &str| Side { demand_ns: vec![("pool".into(), pool), (other.into(), 5.0)], ..Side::default() };
        let got = demands(&side(100.0, "a"), &side(112.0, "b"), 0.10);
        assert_eq!(got, [Demand { name: "pool".into(), base_ns: 100.0, candidate_ns: 112.0, regressed: true }]);
    }
}
