//! The same statement many times in one request.

use super::Facts;
use crate::analyze::bottlenecks::MANY_CALLS;
use crate::analyze::tables::Finding;
use crate::units::three_digits;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for statement in facts.database {
        for (endpoint, _, per_request) in statement.endpoints.iter().filter(|(_, _, n)| *n >= MANY_CALLS) {
            findings.push(Finding {
                rule: "n-plus-one",
                severity: "warning",
                subject: endpoint.clone(),
                sentence: format!("{endpoint} runs statement {} {} times per request.", statement.id, three_digits(*per_request)),
                next_step: "Fetch the rows in one statement (a join, or IN with a list).".to_owned(),
                evidence: statement.evidence.clone(),
            });
        }
    }
    findings
}
