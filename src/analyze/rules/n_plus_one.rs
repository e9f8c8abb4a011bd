//! The same statement many times in one request.

use super::Facts;
use crate::analyze::bottlenecks::MANY_CALLS;
use crate::analyze::tables::Finding;
use crate::units::three_digits;

/// Calls of any statements per request from which on they look like one that repeats.
const MANY_STATED: f64 = 10.0;

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
    // Where no statement is joined the records' own count still tells.
    let is_told = |endpoint: &str| findings.iter().any(|finding| finding.subject == endpoint);
    let counted = facts.endpoints.iter().filter(|endpoint| !is_told(&endpoint.endpoint)).filter_map(|endpoint| {
        let calls = endpoint.database_calls_per_request.filter(|&n| n >= MANY_STATED)?;
        Some(Finding {
            rule: "n-plus-one",
            severity: "warning",
            subject: endpoint.endpoint.clone(),
            sentence: format!("{} makes {} database calls per request.", endpoint.endpoint, three_digits(calls)),
            next_step: "Look which of its statements repeat; a statement log with the request id names them.".to_owned(),
            evidence: endpoint.evidence.clone(),
        })
    });
    let counted: Vec<Finding> = counted.collect();
    findings.extend(counted);
    findings
}
