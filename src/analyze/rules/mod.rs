//! Findings: one rule per file, each from facts to sentences.

use super::capacity::Capacity;
use super::columns::Rows;
use super::correlate::Links;
use super::requests::{RequestOf, Requests};
use super::resources::Resources;
use super::run::{Quality, Totals};
use super::sources::Origin;
use super::tables::{EndpointRow, Finding, PauseRow, StatementRow, WaitRow};

/// What rules and the ranking of bottlenecks read.
pub(crate) struct Facts<'a> {
    pub(crate) rows: &'a Rows<'a>,
    pub(crate) origins: &'a [Origin],
    pub(crate) links: &'a Links,
    pub(crate) of: &'a RequestOf,
    pub(crate) requests: &'a Requests,
    pub(crate) totals: &'a Totals,
    pub(crate) endpoints: &'a [EndpointRow],
    pub(crate) database: &'a [StatementRow],
    pub(crate) waits: &'a [WaitRow],
    pub(crate) pauses: &'a [PauseRow],
    pub(crate) capacity: &'a Capacity,
    pub(crate) resources: &'a Resources,
    pub(crate) quality: &'a Quality,
}

/// A rule: its name and what it finds.
type Rule = fn(&Facts<'_>) -> Vec<Finding>;

/// Every rule, in the order in which its findings are shown within a severity.
const RULES: &[Rule] = &[];

/// Runs every rule; the worst findings first.
pub(crate) fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(facts)).collect();
    let weight = |finding: &Finding| ["error", "warning", "note"].iter().position(|s| *s == finding.severity);
    findings.sort_by_key(weight);
    findings
}
