//! Hosts of one service that are not alike.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::three_digits;

/// How much longer one host holds its slots than the others, from which on it is worth a line.
const MUCH_LONGER: f64 = 1.5;
/// Acquisitions of a host below which its mean is chance.
const FEWEST: u64 = 100;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let resources = &facts.capacity.resources;
    let hold = |at: usize| resources[at].usage.intrinsic_mean.filter(|_| resources[at].usage.granted >= FEWEST);
    (0..resources.len())
        .filter_map(|at| {
            let like =
                |other: &usize| resources[*other].name == resources[at].name && resources[*other].kind == resources[at].kind;
            let others: Vec<f64> = (0..resources.len()).filter(|&other| other != at).filter(like).filter_map(hold).collect();
            let slowest = others.iter().copied().reduce(f64::max)?;
            let times = hold(at)? / slowest;
            (times >= MUCH_LONGER).then(|| Finding {
                rule: "uneven-hosts",
                severity: "warning",
                subject: facts.resources.full_name(at),
                sentence: format!(
                    "{} is held {} times as long as its like on any other host: {} ms against {} ms at most.",
                    facts.resources.full_name(at),
                    three_digits(times),
                    three_digits(hold(at).unwrap_or(0.0) * 1e3),
                    three_digits(slowest * 1e3)
                ),
                next_step:
                    "Compare that host with the others: its processors, its neighbours, its version, its share of slow requests."
                        .to_owned(),
                evidence: Vec::new(),
            })
        })
        .collect()
}
