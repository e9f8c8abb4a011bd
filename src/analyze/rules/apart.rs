//! Logs of one time that nothing joins.

use super::Facts;
use crate::analyze::tables::Finding;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let apart = facts.quality.joined.apart.iter();
    apart
        .map(|&(a, b)| Finding {
            rule: "unjoined-logs",
            severity: "warning",
            subject: format!("{} and {}", facts.source_name(a), facts.source_name(b)),
            sentence: format!(
                "{} and {} were written at the same time and share no id, so the requests of both are counted: if one stands before the other, the throughput is counted twice.",
                facts.source_name(a),
                facts.source_name(b)
            ),
            next_step: "Log one request id in both, or give one of the two alone.".to_owned(),
            evidence: Vec::new(),
        })
        .collect()
}
