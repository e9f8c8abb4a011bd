//! Calls that failed and were made again.

use super::Facts;
use super::amplification::short;
use crate::analyze::amplification::Retries;
use crate::analyze::tables::{BottleneckRow, Finding, Times, id};
use crate::units::{count_text, duration_text};

/// Findings of this rule at most.
const MOST: usize = 5;

const NEXT_STEP: &str =
    "Fix what makes the first attempt fail; retries multiply the load on a callee that is in trouble already.";

/// The time lost in attempts that were repeated, as rows among the bottlenecks.
pub(crate) fn bottlenecks(facts: &Facts<'_>) -> Vec<BottleneckRow> {
    let total = facts.totals.total_ns.unwrap_or(0).max(1) as f64;
    let retries = facts.amplification.retries.iter().filter(|r| r.path_ns > 0);
    retries
        .map(|r| BottleneckRow {
            id: id('r', &format!("{} {}", r.endpoint, r.call)),
            kind: "retries",
            subject: r.call.clone(),
            share: r.path_ns as f64 / total,
            calls: r.failed,
            times: Times {
                total_ns: Some(r.path_ns),
                mean_ns: Some(r.path_ns / r.failed.max(1) as i64),
                quantiles_ns: vec![None; facts.quantiles],
                max_ns: Some(r.max_ns),
            },
            endpoints: vec![r.endpoint.clone()],
            confidence: "high",
            sentence: sentence(r),
            next_step: NEXT_STEP.to_owned(),
            evidence: r.evidence.clone(),
            ..BottleneckRow::default()
        })
        .collect()
}

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let retries = facts.amplification.retries.iter().take(MOST);
    retries
        .map(|r| Finding {
            rule: "retries",
            severity: "warning",
            subject: r.endpoint.clone(),
            sentence: sentence(r),
            next_step: NEXT_STEP.to_owned(),
            evidence: r.evidence.clone(),
        })
        .collect()
}

fn sentence(r: &Retries) -> String {
    let given_up = match r.given_up {
        0 => String::new(),
        n => format!(" {} of them failed to the end.", count_text(n as i64)),
    };
    format!(
        "{} tried {} calls of {} more than once: {} attempts, of which {} failed and were repeated after {} in all.{given_up}",
        r.endpoint,
        count_text(r.calls as i64),
        short(&r.call),
        count_text(r.attempts as i64),
        count_text(r.failed as i64),
        duration_text(r.failed_ns),
    )
}
