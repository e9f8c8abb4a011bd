//! How far traces can be trusted: missing spans, several exports of one, paths that may be others.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text, share_text};

/// Share of the traces, or of the time, from which on it is worth a warning.
const MUCH: f64 = 0.05;
/// Share of the time below which doubts do not matter.
const WORTH_SAYING: f64 = 0.01;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let joined = &facts.quality.joined;
    let mut findings = Vec::new();
    let mut say = |rule, severity, sentence, next_step: &str| {
        findings.push(Finding {
            rule,
            severity,
            subject: "traces".to_owned(),
            sentence,
            next_step: next_step.to_owned(),
            evidence: Vec::new(),
        });
    };
    if joined.incomplete_traces > 0 {
        let share = joined.incomplete_traces as f64 / joined.traces.max(1) as f64;
        say(
            "incomplete-traces",
            if share >= MUCH { "warning" } else { "note" },
            format!(
                "{} of {} traces ({}) lack a span that others name as their parent; {} spans stand alone.",
                count_text(joined.incomplete_traces as i64),
                count_text(joined.traces as i64),
                share_text(share),
                count_text(joined.orphans as i64)
            ),
            "Time under a missing span counts for no request. Look at sampling and dropped exports, and add the missing services' spans.",
        );
    }
    if joined.copied_spans > 0 {
        say(
            "copied-spans",
            "note",
            format!(
                "{} spans were given more than once, in several exports or the same one twice; each is counted once, by its finest clock.",
                count_text(joined.copied_spans as i64)
            ),
            "One export is enough.",
        );
    }
    let total = facts.totals.total_ns.unwrap_or(0);
    if total > 0 && facts.quality.ambiguous_ns as f64 >= WORTH_SAYING * total as f64 {
        say(
            "ambiguous-path",
            "note",
            format!(
                "For {} of path time ({}) another call ran beside the one that is blamed, and the intervals do not tell which was waited for.",
                duration_text(facts.quality.ambiguous_ns),
                share_text(facts.quality.ambiguous_ns as f64 / total as f64)
            ),
            "Spans say when, not why: check with the code before tuning one of several parallel calls.",
        );
    }
    findings
}
