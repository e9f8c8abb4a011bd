//! From a comparison to text: one writer per file. Reads plain results only.

mod build;
mod csv;
mod json;
mod junit;
mod markdown;
mod openmetrics;
mod sarif;
#[cfg(test)]
mod testing;
mod words;

pub use words::verdict;

use crate::analyze::compare::budget::{Budget, Kept, Metric, Outcome};
use crate::analyze::compare::effect::Effect;
use crate::analyze::compare::explain::Explanation;
use crate::analyze::compare::history::History;
use crate::analyze::compare::resources::Difference;
use crate::analyze::compare::{Change, Comparison};
use crate::analyze::profile::Snapshot;

/// One run of a side.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The path it was read from.
    pub name: &'a str,
    /// The run.
    pub snapshot: &'a Snapshot,
}

/// Everything a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Results<'a> {
    /// The arguments that change the result, the command's name first.
    pub command: &'a [String],
    /// The runs of the base.
    pub base: &'a [Run<'a>],
    /// The runs of the candidate.
    pub candidate: &'a [Run<'a>],
    /// All runs of the base as one.
    pub base_merged: &'a Snapshot,
    /// All runs of the candidate as one.
    pub candidate_merged: &'a Snapshot,
    /// The comparison.
    pub comparison: &'a Comparison,
    /// Why endpoints changed.
    pub explanations: &'a [Explanation],
    /// What differs between the resources.
    pub differences: &'a [Difference],
    /// The budgets.
    pub budgets: &'a [Budget],
    /// How the candidate kept them.
    pub outcomes: &'a [Outcome],
    /// Where the budgets are written; reports about code point there.
    pub budget_file: &'a str,
    /// What earlier runs say, where there are any.
    pub history: Option<&'a History>,
}

impl Results<'_> {
    /// The budgets that were broken.
    fn broken(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.kept == Kept::Broken)
    }

    /// A budget's name: what is limited, and where.
    fn budget_name(&self, outcome: &Outcome) -> String {
        let metric = self.budgets.get(outcome.budget).map_or(String::new(), |budget| metric_name(budget.metric));
        if outcome.endpoint.is_empty() { metric } else { format!("{} {metric}", outcome.endpoint) }
    }

    /// A limit, in the unit that its name states.
    fn limit(&self, outcome: &Outcome) -> Option<f64> {
        let budget = self.budgets.get(outcome.budget)?;
        Some(in_unit(budget.metric, budget.limit))
    }

    /// What was measured, in the unit that the name states.
    fn actual(&self, outcome: &Outcome) -> Option<f64> {
        let budget = self.budgets.get(outcome.budget)?;
        outcome.actual.map(|actual| in_unit(budget.metric, actual))
    }
}

/// The effect, where there are enough requests to speak of one.
fn told(change: &Change) -> Option<Effect> {
    const LEAST: u64 = 20;
    change.effect.filter(|_| change.n_base.min(change.n_candidate) >= LEAST)
}

/// A metric as `narrows.toml` names it.
fn metric_name(metric: Metric) -> String {
    match metric {
        Metric::Quantile(share) => format!("p{}_ms", super::percent(share)),
        Metric::Mean => "mean_ms".to_owned(),
        Metric::ErrorRate => "error_rate".to_owned(),
        Metric::CallsPerRequest => "calls_per_request".to_owned(),
        Metric::CeilingTps => "ceiling_tps".to_owned(),
    }
}

fn in_unit(metric: Metric, value: f64) -> f64 {
    if matches!(metric, Metric::Quantile(_) | Metric::Mean) { value / 1e6 } else { value }
}

/// An outcome's name in machine output.
fn kept_name(kept: Kept) -> &'static str {
    match kept {
        Kept::Ok => "ok",
        Kept::Broken => "broken",
        Kept::TooFew => "too_few",
        Kept::Unknown => "unknown",
    }
}

/// A form of output.
pub struct Writer {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is for, in a phrase.
    pub about: &'static str,
    /// Writes the results.
    pub write: fn(&Results<'_>, &super::Options) -> String,
}

/// Every form of output of a comparison, the default first.
pub const WRITERS: &[Writer] = &[
    Writer {
        name: "table",
        about: "text for people, 100 columns wide",
        write: |results, options| super::table::write(&build::build(results, options.top), options.wide, options.color),
    },
    Writer { name: "markdown", about: "for a comment on a pull request", write: |results, _| markdown::write(results) },
    Writer { name: "json", about: "everything, for other programs", write: |results, _| json::write(results) },
    Writer { name: "csv", about: "endpoints and statements, for spreadsheets", write: |results, _| csv::write(results) },
    Writer { name: "junit", about: "test cases, for CI servers", write: |results, _| junit::write(results) },
    Writer { name: "sarif", about: "SARIF 2.1.0, for code scanning", write: |results, _| sarif::write(results) },
    Writer {
        name: "openmetrics",
        about: "OpenMetrics text, for metrics reports",
        write: |results, _| openmetrics::write(results),
    },
];

/// The writer of that name.
pub fn writer(name: &str) -> Option<&'static Writer> {
    WRITERS.iter().find(|writer| writer.name == name)
}
