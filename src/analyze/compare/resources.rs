//! What differs between two systems, resource by resource: sizes, demands, use, waits. Where loads cannot be compared this
//! is what can.

use crate::analyze::capacity::evidence::Verdict;
use crate::analyze::profile::Snapshot;
use crate::analyze::profile::snapshot::ResourceSummary;
use crate::units::{duration_text, share_text, three_digits};

/// One resource on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What sort of thing it is, as in machine output.
    pub kind: &'static str,
    /// On the base's side.
    pub base: Option<ResourceSummary>,
    /// On the candidate's side.
    pub candidate: Option<ResourceSummary>,
    /// Whether it tells the two systems apart: another size, or full on one side only.
    pub differs: bool,
    /// What differs, in words.
    pub sentence: String,
}

/// All resources of either side; those that differ first, of them the one that is full on one side only, then by name.
pub fn differences(base: &Snapshot, candidate: &Snapshot) -> Vec<Difference> {
    let mut found: Vec<(u8, Difference)> = Vec::new();
    let same = |a: &ResourceSummary, b: &ResourceSummary| (&a.name, a.kind) == (&b.name, b.kind);
    for one in &base.resources {
        let other = candidate.resources.iter().find(|other| same(one, other));
        found.push(difference(Some(one), other, base, candidate));
    }
    for other in candidate.resources.iter().filter(|other| !base.resources.iter().any(|one| same(one, other))) {
        found.push(difference(None, Some(other), base, candidate));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| (&a.1.name, a.1.kind).cmp(&(&b.1.name, b.1.kind))));
    found.into_iter().map(|(_, difference)| difference).collect()
}

fn difference(
    one: Option<&ResourceSummary>,
    other: Option<&ResourceSummary>,
    base: &Snapshot,
    candidate: &Snapshot,
) -> (u8, Difference) {
    let any = one.or(other).expect("a resource is on one side at least");
    let is_cause = [(one, base), (other, candidate)]
        .iter()
        .any(|(side, run)| side.is_some_and(|r| run.capacity.cause.as_deref() == Some(r.name.as_str())));
    let full = |side: Option<&ResourceSummary>| side.is_some_and(|r| r.verdict == Verdict::Saturated);
    let resized = one.and_then(|r| r.size.known()).zip(other.and_then(|r| r.size.known())).is_some_and(|(a, b)| a != b);
    let turned = full(one) != full(other);
    let (order, differs) = match (resized, turned, is_cause) {
        (true, true, _) => (0, true),
        (false, true, true) => (1, true),
        (true, false, _) => (2, true),
        (false, true, false) => (3, true),
        (false, false, _) => (4, false),
    };
    let difference = Difference {
        name: any.name.clone(),
        kind: any.kind.name(),
        base: one.cloned(),
        candidate: other.cloned(),
        differs,
        sentence: sentence(any, one, other, resized),
    };
    (order, difference)
}

fn sentence(any: &ResourceSummary, one: Option<&ResourceSummary>, other: Option<&ResourceSummary>, resized: bool) -> String {
    let (Some(a), Some(b)) = (one, other) else {
        let side = if one.is_some() { "base" } else { "candidate" };
        return format!("{} ({}): only the {side}'s logs tell of it.", any.name, any.kind.name());
    };
    let mut facts = Vec::new();
    if resized && let (Some(from), Some(to)) = (a.size.value, b.size.value) {
        facts.push(format!("{from} slots -> {to}"));
    }
    if a.verdict != b.verdict {
        facts.push(format!("{} -> {}", verdict_text(a.verdict), verdict_text(b.verdict)));
    }
    if let (Some(from), Some(to)) = (a.utilization, b.utilization) {
        facts.push(format!("in use {} -> {} of the time", share_text(from), share_text(to)));
    }
    if let (Some(from), Some(to)) = (a.demand_ns, b.demand_ns) {
        facts.push(format!("held {} -> {} a request", ns(from), ns(to)));
    }
    if let (Some(from), Some(to)) = (mean_wait(a), mean_wait(b)) {
        facts.push(format!("mean wait {} -> {}", ns(from), ns(to)));
    }
    if let (Some(from), Some(to)) = (a.ceiling_tps, b.ceiling_tps) {
        facts.push(format!("lets through {} -> {} TPS at most", three_digits(from), three_digits(to)));
    }
    format!("{} ({}): {}.", any.name, any.kind.name(), facts.join(", "))
}

/// A state in words.
fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Saturated => "full",
        Verdict::Near => "nearly full",
        Verdict::Headroom => "room left",
        Verdict::Unknown => "use unknown",
    }
}

fn ns(ns: f64) -> String {
    duration_text(ns.round() as i64)
}

/// Mean wait of those that asked, in nanoseconds.
pub fn mean_wait(resource: &ResourceSummary) -> Option<f64> {
    resource.waits.filter(|(n, _)| *n > 0).map(|(n, sum)| sum as f64 / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::capacity::model::{Basis, Kind, Size};

    fn run(pool: u32, verdict: Verdict) -> Snapshot {
        let resource = |name: &str, kind, slots, verdict| ResourceSummary {
            name: name.into(),
            kind,
            size: Size { value: Some(slots), basis: Basis::Stated },
            demand_ns: Some(1e8),
            utilization: Some(0.5),
            ceiling_tps: Some(f64::from(slots) * 10.0),
            verdict,
            waits: None,
        };
        let mut run = Snapshot::default();
        run.resources.push(resource("workers", Kind::Threads, 12, verdict));
        run.resources.push(resource("pool", Kind::Connections, pool, verdict));
        run
    }

    #[test]
    fn the_resource_with_another_size_that_turned_full_comes_first() {
        let found = differences(&run(20, Verdict::Headroom), &run(3, Verdict::Saturated));
        assert_eq!((found[0].name.as_str(), found[0].differs), ("pool", true));
        assert_eq!(
            found[0].sentence,
            "pool (connections): 20 slots -> 3, room left -> full, in use 50.0 % -> 50.0 % of the time, \
             held 100 ms -> 100 ms a request, lets through 200 -> 30.0 TPS at most."
        );
        let same = differences(&run(20, Verdict::Headroom), &run(20, Verdict::Headroom));
        assert!(same.iter().all(|difference| !difference.differs));
    }
}
