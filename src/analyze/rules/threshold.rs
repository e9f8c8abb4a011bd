//! Database logs that hold only what was slow.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text};

/// Fewer calls than this prove no threshold.
const ENOUGH: usize = 50;
/// A floor under this may be the work itself.
const LEAST_NS: i64 = 5_000_000;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let mut times: Vec<i64> = facts.call_durations.iter().copied().filter(|&ns| ns != crate::frame::NULL_I64).collect();
    if times.len() < ENOUGH {
        return Vec::new();
    }
    times.sort_unstable();
    let (floor, next) = (times[0], times[times.len() / 20]);
    // A cut leaves the fastest twentieth piled up right above the floor.
    if floor < LEAST_NS || next > floor + floor / 2 {
        return Vec::new();
    }
    vec![Finding {
        rule: "logged-above-a-threshold",
        severity: "note",
        subject: "database".to_owned(),
        sentence: format!(
            "No call of {} is shorter than {}: the log seems to hold only slow ones, so counts and sums are lower bounds.",
            count_text(times.len() as i64),
            duration_text(floor)
        ),
        next_step: "Lower log_min_duration_statement or long_query_time for a while to see all calls.".to_owned(),
        evidence: Vec::new(),
    }]
}
