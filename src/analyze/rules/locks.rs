//! Waits for locks in the database.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text};

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let locks = facts.waits.iter().filter(|wait| wait.kind == "lock");
    locks
        .map(|wait| Finding {
            rule: "lock-waits",
            severity: if wait.share >= 0.05 { "warning" } else { "note" },
            subject: wait.resource.clone(),
            sentence: format!(
                "{} waits for {}, together {}.",
                count_text(wait.acquisitions as i64),
                wait.resource,
                wait.times.total_ns.map(duration_text).unwrap_or_default()
            ),
            next_step: "Find the transaction that holds it: commit sooner, take locks in one order, spread the hot row."
                .to_owned(),
            evidence: Vec::new(),
        })
        .collect()
}
