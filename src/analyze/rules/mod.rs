//! Findings: one rule per file, each from facts to sentences.

mod amplification;
mod apart;
mod async_tail;
mod contradictions;
mod edges;
mod incomplete;
mod locks;
mod missing;
mod n_plus_one;
mod omission;
mod pauses;
pub(crate) mod retries;
mod stalls;
mod threshold;
mod timeouts;
mod uneven;

use super::amplification::Amplification;
use super::capacity::Capacity;
use super::columns::Rows;
use super::growing::Growing;
use super::requests::Requests;
use super::resources::Resources;
use super::run::{Quality, Totals};
use super::services::EdgeRow;
use super::sources::Origin;
use super::tables::{EndpointRow, Finding, PauseRow, StatementRow, WaitRow};

/// What rules and the ranking of bottlenecks read.
pub(crate) struct Facts<'a> {
    /// The interval at which a load generator meant to send, in nanoseconds.
    pub(crate) expected_interval: Option<i64>,
    pub(crate) origins: &'a [Origin],
    pub(crate) rows: &'a Rows<'a>,
    pub(crate) requests: &'a Requests<'a>,
    /// Row of every request of the window, filtered or not: what resources count requests by.
    pub(crate) window_rows: &'a [u32],
    pub(crate) totals: &'a Totals,
    pub(crate) endpoints: &'a [EndpointRow],
    pub(crate) database: &'a [StatementRow],
    pub(crate) waits: &'a [WaitRow],
    pub(crate) pauses: &'a [PauseRow],
    /// Time in pauses on the clock, overlapping ones once.
    pub(crate) paused_ns: i64,
    pub(crate) capacity: &'a Capacity,
    pub(crate) resources: &'a Resources<'a>,
    pub(crate) quality: &'a Quality,
    /// What grows with the load where the throughput does not.
    pub(crate) growing: Option<Growing>,
    /// Calls between services.
    pub(crate) edges: &'a [EdgeRow],
    /// What traces show beside response times.
    pub(crate) amplification: &'a Amplification,
    /// Durations of all database calls; the null pattern where unknown.
    pub(crate) call_durations: &'a [i64],
    /// How many quantiles every table has, and which.
    pub(crate) quantiles: usize,
    pub(crate) quantile_list: &'a [f64],
}

impl Facts<'_> {
    /// What a source is called.
    fn source_name(&self, source: u32) -> &str {
        self.origins.get(source as usize).map_or("", |origin| &origin.name)
    }
}

/// A rule: from facts to findings.
type Rule = fn(&Facts<'_>) -> Vec<Finding>;

/// Every rule, in the order in which its findings are shown within a severity.
const RULES: &[Rule] = &[
    apart::find,
    timeouts::find,
    locks::find,
    pauses::find,
    n_plus_one::find,
    retries::find,
    amplification::find,
    async_tail::find,
    edges::find,
    stalls::find,
    uneven::find,
    omission::find,
    contradictions::find,
    incomplete::find,
    threshold::find,
    missing::find,
];

/// Runs every rule; the worst findings first.
pub(crate) fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(facts)).collect();
    let weight = |finding: &Finding| ["error", "warning", "note"].iter().position(|s| *s == finding.severity);
    findings.sort_by_key(weight);
    findings
}
