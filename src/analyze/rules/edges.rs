//! Time that lies between two services: neither's own, and the callee's queue more often than the wire.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text, share_text};

/// Share of the time of all requests below which a gap does not matter.
const WORTH_SAYING: f64 = 0.05;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let total = facts.totals.total_ns.unwrap_or(0);
    let share = |gap: Option<i64>| gap.map_or(0.0, |ns| ns as f64 / total.max(1) as f64);
    let wide = facts.edges.iter().filter(|edge| total > 0 && share(edge.gap_ns) >= WORTH_SAYING);
    wide.map(|edge| Finding {
        rule: "edge-gap",
        severity: "warning",
        subject: edge.callee.clone(),
        sentence: format!(
            "Calls from {} to {} take {} longer than {} says it works on them, on average of {}: {} of the response time.",
            edge.caller,
            edge.callee,
            edge.mean_gap_ns().map(duration_text).unwrap_or_default(),
            edge.callee,
            count_text(edge.paired as i64),
            share_text(share(edge.gap_ns)),
        ),
        next_step: format!(
            "Look at the accept queue and the load of {}, at connections made anew, and at the network between the two.",
            edge.callee
        ),
        evidence: Vec::new(),
    })
    .collect()
}
