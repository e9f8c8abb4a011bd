//! Times in which requests were inside and none was done.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text, time_short};

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let stalls = &facts.capacity.stalls;
    let length = |w: &crate::analyze::capacity::window::Window| (w.seconds() * 1e9) as i64;
    let Some(longest) = stalls.iter().max_by_key(|w| length(w)) else { return Vec::new() };
    vec![Finding {
        rule: "stalls",
        severity: "warning",
        subject: "the whole system".to_owned(),
        sentence: format!(
            "{} times no request was done for over a second though some were inside; the longest lasted {} from {} UTC.",
            count_text(stalls.len() as i64),
            duration_text(length(longest)),
            time_short(longest.from_ns)
        ),
        next_step: "See what else happened at that time: pauses, checkpoints, failovers, a lock that all need.".to_owned(),
        evidence: Vec::new(),
    }]
}
