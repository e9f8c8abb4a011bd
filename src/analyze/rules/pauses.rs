//! Pauses of the runtime that requests can feel.

use super::Facts;
use crate::analyze::bucket::Bucket;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text, share_text};

/// Share of wall time from which on pauses are worth a warning.
const MUCH: f64 = 0.05;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let (Some(seconds), Some(first)) = (facts.totals.seconds, facts.pauses.first()) else { return Vec::new() };
    let wall = facts.paused_ns as f64 / 1e9 / seconds;
    let longest = facts.pauses.iter().map(|p| p.max_ns).max().unwrap_or(0);
    if wall < MUCH && longest < 500_000_000 {
        return Vec::new();
    }
    let felt = facts
        .totals
        .buckets
        .get(Bucket::Pause)
        .zip(facts.totals.total_ns)
        .map(|(ns, total)| format!(" They are {} of the response time.", share_text(ns as f64 / total.max(1) as f64)))
        .unwrap_or_default();
    vec![Finding {
        rule: "pauses",
        severity: if wall >= MUCH { "warning" } else { "note" },
        subject: first.cause.clone(),
        sentence: format!(
            "The runtime stood still for {} of {} s ({}); most in {} times {}, longest {}.{felt}",
            duration_text(facts.paused_ns),
            seconds.round(),
            share_text(wall),
            count_text(first.count as i64),
            first.cause,
            duration_text(longest)
        ),
        next_step:
            "Much of a pause falls outside of the application's own clock; look at heap size and allocation before tuning code."
                .to_owned(),
        evidence: Vec::new(),
    }]
}
