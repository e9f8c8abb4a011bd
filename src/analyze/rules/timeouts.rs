//! Requests that failed by waiting: timeouts, and clients that left before the answer.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, share_text};

/// Share of requests from which on this is an error, not a warning.
const GRAVE: f64 = 0.05;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let all = facts.totals.count.max(1) as f64;
    for wait in facts.waits.iter().filter(|wait| wait.timeouts > 0) {
        findings.push(Finding {
            rule: "pool-timeouts",
            severity: if wait.timeouts as f64 / all >= GRAVE { "error" } else { "warning" },
            subject: wait.resource.clone(),
            sentence: format!(
                "{} requests gave up waiting for {}; throughput counts them, goodput does not.",
                count_text(wait.timeouts as i64),
                wait.resource
            ),
            next_step: "Compare TPS with goodput before comparing builds; a failed request is a fast one.".to_owned(),
            evidence: Vec::new(),
        });
    }
    if facts.totals.abandoned > 0 {
        let abandoned = facts.totals.abandoned;
        findings.push(Finding {
            rule: "abandoned",
            severity: if abandoned as f64 / all >= GRAVE { "error" } else { "warning" },
            subject: "clients".to_owned(),
            sentence: format!(
                "{} clients left before the answer (499), {} of all requests; the servers went on working for them.",
                count_text(abandoned as i64),
                share_text(abandoned as f64 / all)
            ),
            next_step: "Compare the clients' time limit with the slowest endpoints.".to_owned(),
            evidence: Vec::new(),
        });
    }
    findings
}
