//! From results to text: a [`Report`] of sections, tables and cells, and one writer per file.
//!
//! Reads plain results only; computes nothing that the analysis did not, prints nothing.

mod build;
pub mod compare;
mod csv;
pub mod escape;
mod explain;
mod folded;
mod json;
mod markdown;
pub mod mask;
pub mod model;
mod table;
#[cfg(test)]
mod testing;
mod waterfall;

pub use csv::Part;
pub use explain::explain;
pub use model::Report;
pub use waterfall::waterfall;

use crate::analyze::Analysis;
use crate::analyze::capacity::target::WhatIf;
use crate::analyze::tables::Times;
use crate::error::Error;
use crate::load::{Loaded, Skipped, Source};

/// Everything a report is made from.
#[derive(Clone, Copy)]
pub struct Results<'a> {
    /// The arguments that change the result, the command's name first.
    pub command: &'a [String],
    /// The logs read.
    pub sources: &'a [Source],
    /// Files left alone.
    pub skipped: &'a [Skipped],
    /// Inputs that could not be read, or not to their end.
    pub errors: &'a [Error],
    /// Names folded into learned templates.
    pub folded_names: usize,
    /// What was found.
    pub analysis: &'a Analysis,
}

impl<'a> Results<'a> {
    /// The results of one run.
    pub fn new(command: &'a [String], loaded: &'a Loaded, analysis: &'a Analysis) -> Self {
        Results {
            command,
            sources: &loaded.sources,
            skipped: &loaded.skipped,
            errors: &loaded.errors,
            folded_names: loaded.folded_names,
            analysis,
        }
    }

    /// A number over the length of the window.
    fn per_second(&self, n: u64) -> Option<f64> {
        self.analysis.totals.seconds.filter(|&s| s > 0.0).map(|s| n as f64 / s)
    }

    /// Path of a source, as shown; empty for a number that is none.
    fn path(&self, source: u32) -> String {
        self.sources.get(source as usize).map(|s| s.path.display().to_string()).unwrap_or_default()
    }

    /// What the reader of the numbers should be warned of, in whole sentences.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        warnings.extend(self.skipped.iter().map(|s| format!("{}: left alone: {}", s.path.display(), s.why)));
        let notes = &self.analysis.quality.alignment.notes;
        warnings.extend(notes.iter().map(|(source, note)| format!("{}: {note}", self.path(*source))));
        if self.folded_names > 0 {
            warnings.push(format!("{} names were folded into learned templates", self.folded_names));
        }
        if let Some(capacity) = &self.analysis.capacity {
            warnings.extend(capacity.warnings.iter().cloned());
        }
        warnings
    }
}

/// How a report is written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Rows of a table before the rest is added up. Default: 10.
    pub top: usize,
    /// Whether lines may be longer than 100 columns. Default: no.
    pub wide: bool,
    /// Whether colours are used. Default: no.
    pub color: bool,
    /// The quantiles that tables show, among those of the analysis. Default: p50, p95, p99.
    pub quantiles: Vec<f64>,
    /// The table that is written where a form holds one only. Default: endpoints.
    pub part: Part,
}

impl Default for Options {
    fn default() -> Self {
        Options { top: 10, wide: false, color: false, quantiles: vec![0.5, 0.95, 0.99], part: Part::default() }
    }
}

/// A form of output.
pub struct Writer {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is for, in a phrase.
    pub about: &'static str,
    /// Writes the results.
    pub write: fn(&Results<'_>, &Options) -> String,
}

/// Every form of output, the default first.
pub const WRITERS: &[Writer] = &[
    Writer {
        name: "table",
        about: "text for people, 100 columns wide",
        write: |results, options| table::write(&build(results, options), options.wide, options.color),
    },
    Writer {
        name: "markdown",
        about: "for pull requests and wikis",
        write: |results, options| markdown::write(&build(results, options)),
    },
    Writer {
        name: "csv",
        about: "one table in full, for spreadsheets",
        write: |results, options| csv::write(results, options.part),
    },
    Writer { name: "folded", about: "stacks of the critical path, for flame graphs", write: |results, _| folded::write(results) },
    Writer { name: "json", about: "everything, for other programs", write: |results, _| json::write(results) },
];

/// The writer of that name.
pub fn writer(name: &str) -> Option<&'static Writer> {
    WRITERS.iter().find(|writer| writer.name == name)
}

/// Makes the report that people read.
pub fn build(results: &Results<'_>, options: &Options) -> Report {
    build::build(results, options)
}

/// One quantile of a row, found by its value among those that were asked for.
fn quantile(asked: &[f64], times: &Times, wanted: f64) -> Option<i64> {
    let at = asked.iter().position(|&q| (q - wanted).abs() < 1e-9)?;
    times.quantiles_ns.get(at).copied().flatten()
}

/// A quantile in percent, without digits that say nothing: `95`, `99.9`.
fn percent(quantile: f64) -> String {
    let text = format!("{:.6}", quantile * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds of demand as whole nanoseconds.
fn demand_ns(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// A change to try, as it is typed.
pub fn what_if_text(change: &WhatIf) -> String {
    match change {
        WhatIf::Size { resource, slots } => format!("pool {resource}={slots}"),
        WhatIf::Statement { statement, factor } => format!("statement {statement} x{factor}"),
        WhatIf::Load { endpoint, factor } => format!("endpoint \"{endpoint}\" x{factor} load"),
    }
}
