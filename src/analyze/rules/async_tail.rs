//! Work that goes on after the answer: no response time shows it, yet it holds threads and connections.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text};

/// Share of an endpoint's requests, and of their time, below which a tail is noise.
const WORTH_SAYING: f64 = 0.05;
/// Requests with a tail that make it more than an accident.
const LEAST: u64 = 5;
/// Findings of this rule at most.
const MOST: usize = 3;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let tails = facts.amplification.tails.iter();
    let long = tails.filter(|t| {
        t.requests >= LEAST
            && t.requests as f64 >= WORTH_SAYING * t.of as f64
            && t.total_ns as f64 >= WORTH_SAYING * t.endpoint_ns as f64
    });
    long.take(MOST)
        .map(|t| Finding {
            rule: "async-tail",
            severity: "note",
            subject: t.endpoint.clone(),
            sentence: format!(
                "After {} of {} answers of {} work goes on, for {} on average.",
                count_text(t.requests as i64),
                count_text(t.of as i64),
                t.endpoint,
                duration_text(t.total_ns / t.requests.max(1) as i64),
            ),
            next_step:
                "It is in no response time, but holds threads and connections that requests need: count it in when sizing."
                    .to_owned(),
            evidence: t.evidence.clone(),
        })
        .collect()
}
