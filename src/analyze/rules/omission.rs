//! What a load generator did not measure while it waited for slow answers (coordinated omission), where the interval is known
//! at which it meant to send. Never for logs of servers, which miss no request.

use parsers::Role;

use super::Facts;
use crate::analyze::capacity::omission::corrected;
use crate::analyze::summary::nearest_ranks;
use crate::analyze::tables::Finding;
use crate::frame::NULL_I64;
use crate::units::{count_text, duration_text};

/// Values an endpoint may be corrected to: an interval far too short asks for more than memory holds.
const MOST: usize = 20_000_000;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(interval) = facts.expected_interval.and_then(|ns| u64::try_from(ns).ok()) else { return Vec::new() };
    let is_client = |request: usize| facts.rows.role(facts.requests.row[request] as usize) == Role::Client;
    let mut measured: Vec<Vec<u64>> = vec![Vec::new(); facts.requests.endpoints.len()];
    for request in (0..facts.requests.len()).filter(|&r| facts.requests.duration[r] != NULL_I64 && is_client(r)) {
        measured[facts.requests.endpoint[request] as usize].extend(u64::try_from(facts.requests.duration[request]));
    }
    let mut findings: Vec<Finding> = Vec::new();
    for (number, values) in measured.iter().enumerate().filter(|(_, values)| !values.is_empty()) {
        let name = facts.requests.endpoints[number].text(facts.rows);
        let every = duration_text(interval as i64);
        let sentence = match corrected(values, interval, MOST) {
            Some(all) => {
                let text = |values: &[u64]| {
                    let mut values: Vec<i64> = values.iter().map(|&v| i64::try_from(v).unwrap_or(i64::MAX)).collect();
                    let ranks = nearest_ranks(&mut values, &[0.5, 0.95, 0.99]);
                    let [p50, p95, p99] = [0, 1, 2].map(|at| duration_text(ranks[at].unwrap_or(0)));
                    format!("p50 {p50}, p95 {p95}, p99 {p99}")
                };
                format!(
                    "{name}, corrected for one request every {every}: {} instead of {}, with {} added to the {} measured.",
                    text(&all),
                    text(values),
                    count_text((all.len() - values.len()) as i64),
                    count_text(values.len() as i64)
                )
            }
            None => format!(
                "{name} cannot be corrected for one request every {every}: more than {} would be missing.",
                count_text(MOST as i64)
            ),
        };
        findings.push(Finding {
            rule: "coordinated-omission",
            severity: "note",
            subject: name,
            sentence,
            next_step: "The tables show what was measured; only this line is corrected.".to_owned(),
            evidence: Vec::new(),
        });
    }
    if findings.is_empty() {
        findings.push(Finding {
            rule: "coordinated-omission",
            severity: "warning",
            subject: "load generator".to_owned(),
            sentence: "No log of a load generator is among these, so nothing was corrected for coordinated omission.".to_owned(),
            next_step: "Give the generator's own log, such as JMeter's.".to_owned(),
            evidence: Vec::new(),
        });
    }
    findings
}
