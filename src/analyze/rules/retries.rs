//! Calls that failed and were made again.

use super::Facts;
use super::amplification::short;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text};

/// Findings of this rule at most.
const MOST: usize = 5;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let retries = facts.amplification.retries.iter().take(MOST);
    retries
        .map(|r| {
            let given_up = match r.given_up {
                0 => String::new(),
                n => format!(" {} of them failed to the end.", count_text(n as i64)),
            };
            Finding {
                rule: "retries",
                severity: "warning",
                subject: r.endpoint.clone(),
                sentence: format!(
                    "{} tried {} calls of {} more than once: {} attempts, of which {} failed and were repeated after {} in all.{given_up}",
                    r.endpoint,
                    count_text(r.calls as i64),
                    short(&r.call),
                    count_text(r.attempts as i64),
                    count_text(r.failed as i64),
                    duration_text(r.failed_ns),
                ),
                next_step: "Fix what makes the first attempt fail; retries multiply the load on a callee that is in trouble already.".to_owned(),
                evidence: r.evidence.clone(),
            }
        })
        .collect()
}
