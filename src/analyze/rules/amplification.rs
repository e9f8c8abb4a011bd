//! Calls side by side: work that the database or the callee feels and the response time hides.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text, three_digits};

/// Time of the calls over their time on the critical path, from which on it is worth a sentence.
const MUCH: f64 = 1.5;
/// Time of the calls as a share of the endpoint's, below which they do not matter.
const WORTH_SAYING: f64 = 0.2;
/// Findings of this rule at most: the first ones tell the story.
const MOST: usize = 5;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let fan_outs = facts.amplification.fan_outs.iter();
    let wide = fan_outs.filter(|f| {
        f.per_request() >= 1.5
            && f.total_ns as f64 >= MUCH * f.path_ns as f64
            && f.total_ns as f64 >= WORTH_SAYING * f.endpoint_ns as f64
    });
    wide.take(MOST)
        .map(|f| {
            let requests = f.requests.max(1) as i64;
            let (total, path) = (duration_text(f.total_ns / requests), duration_text(f.path_ns / requests));
            let times = if f.path_ns > 0 {
                format!(", {} times as much", three_digits(f.total_ns as f64 / f.path_ns as f64))
            } else {
                String::new()
            };
            Finding {
                rule: "fan-out",
                severity: "note",
                subject: f.endpoint.clone(),
                sentence: format!(
                    "{} makes {} {} calls per request ({} in all) of {}: {total} of work per request for {path} of response time{times}.",
                    f.endpoint,
                    three_digits(f.per_request()),
                    f.kind,
                    count_text(f.calls as i64),
                    short(&f.call),
                ),
                next_step: "They run side by side, so the response time hides their load; under saturation each of them takes a slot.".to_owned(),
                evidence: f.evidence.clone(),
            }
        })
        .collect()
}

/// A statement as far as it helps to know it again.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None if text.is_empty() => "an unnamed callee".to_owned(),
        None => text.to_owned(),
    }
}
