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
    let calls = retries.map(|r| Finding {
        rule: "retries",
        severity: "warning",
        subject: r.endpoint.clone(),
        sentence: sentence(r),
        next_step: NEXT_STEP.to_owned(),
        evidence: r.evidence.clone(),
    });
    calls.chain(upstreams(facts)).collect()
}

/// Requests for which a proxy had to try more than one upstream, by endpoint.
fn upstreams(facts: &Facts<'_>) -> Vec<Finding> {
    if !facts.rows.any_attempts() {
        return Vec::new();
    }
    let mut sums = vec![(0u64, 0u64); facts.requests.endpoints.len()];
    for (&row, &endpoint) in facts.requests.row.iter().zip(&facts.requests.endpoint) {
        if let Some(attempts) = facts.rows.attempts(row as usize) {
            let sum = &mut sums[endpoint as usize];
            *sum = (sum.0 + 1, sum.1 + u64::from(attempts));
        }
    }
    let mut tried: Vec<(usize, u64, u64)> = sums
        .into_iter()
        .enumerate()
        .filter(|(_, (n, _))| *n > 0)
        .map(|(endpoint, (n, attempts))| (endpoint, n, attempts))
        .collect();
    tried.sort_by_key(|&(endpoint, _, attempts)| (std::cmp::Reverse(attempts), endpoint));
    let finding = |(endpoint, n, attempts): (usize, u64, u64)| {
        let name = facts.requests.endpoints[endpoint].text(facts.rows);
        Finding {
            rule: "retries",
            severity: "warning",
            sentence: format!(
                "The proxy tried more than one upstream for {} requests of {name}: {} attempts in all.",
                count_text(n as i64),
                count_text(attempts as i64)
            ),
            subject: name,
            next_step: NEXT_STEP.to_owned(),
            evidence: Vec::new(),
        }
    };
    tried.into_iter().take(MOST).map(finding).collect()
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
