//! Where records contradict each other or themselves.

use super::Facts;
use crate::analyze::tables::Finding;
use crate::units::{count_text, duration_text};

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.quality.contradictions > 0 {
        findings.push(Finding {
            rule: "database-time-contradiction",
            severity: "note",
            subject: "database".to_owned(),
            sentence: format!(
                "For {} requests the database's log counts more time than the application says it spent there; the application's word is kept.",
                count_text(facts.quality.contradictions as i64)
            ),
            next_step: "Statements that run at once, or after the answer, look like this; check that the join is right.".to_owned(),
            evidence: Vec::new(),
        });
    }
    if facts.quality.clipped > 0 {
        findings.push(Finding {
            rule: "inner-longer-than-outer",
            severity: "note",
            subject: "clocks".to_owned(),
            sentence: format!(
                "{} records claim more time than the record around them, {} in all; the excess was cut, so that no time is counted twice.",
                count_text(facts.quality.clipped as i64),
                duration_text(facts.quality.clipped_ns)
            ),
            next_step: "Clocks round, and servers go on after clients have left; only a large share needs a look.".to_owned(),
            evidence: Vec::new(),
        });
    }
    findings
}
