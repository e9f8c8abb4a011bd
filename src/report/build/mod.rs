//! From results to the report that people read: which sections there are, in which order.

mod capacity;
mod quality;
mod rows;
mod timeline;
mod traces;

use super::model::{Block, Report, Section};
use super::{Options, Results};
use crate::units::{count_text, duration_text, share_text, three_digits, time_short};

/// Makes the report.
pub(super) fn build(results: &Results<'_>, options: &Options) -> Report {
    let found = results.analysis;
    let mut sections = vec![
        section("Bottlenecks", rows::bottlenecks(results, options)),
        section("Endpoints", rows::endpoints(results, options)),
        section("Where the time of a request goes (mean per request)", rows::buckets(results, options)),
        section("Database calls", rows::database(results, options)),
        section("Waits", rows::waits(results, options)),
        section("Readings of pools", rows::watched(results)),
        section("Services", traces::services(results, options)),
        section("Calls between services", traces::edges(results, options)),
        section("Pauses", rows::pauses(results, options)),
        section("Capacity", capacity::blocks(found.capacity.as_ref())),
        section("What if (every trace walked again)", traces::replays(results, options)),
        section("Findings", rows::findings(results)),
        section("Timeline", timeline::blocks(&found.timeline)),
        section("Data quality", quality::blocks(results)),
    ];
    sections.retain(|section| !section.blocks.is_empty());
    Report { verdict: found.verdict.clone(), lead: lead(results), sections }
}

fn section(title: &'static str, blocks: Vec<Block>) -> Section {
    Section { title, blocks }
}

/// How much was seen, and what it cannot tell.
fn lead(results: &Results<'_>) -> Vec<String> {
    let totals = &results.analysis.totals;
    let mut lead = Vec::new();
    let logs = match results.sources.len() {
        1 => "1 log".to_owned(),
        n => format!("{n} logs"),
    };
    let mut first = format!("{} requests from {logs}", count(totals.count));
    if let (Some((from, to)), Some(seconds)) = (results.analysis.window, totals.seconds) {
        let long = duration_text((seconds * 1e9) as i64);
        let (from, to) = (time_short(from), time_short(to));
        // The day is said once where it is the same.
        let to = match (from.split_once(' '), to.split_once(' ')) {
            (Some((day, _)), Some((other, time))) if day == other => time,
            _ => to.as_str(),
        };
        first += &format!(", {from} to {to} UTC ({long})");
    }
    if let Some(tps) = results.per_second(totals.count) {
        first += &format!(": {} TPS", three_digits(tps));
    }
    if totals.count > 0 {
        first += &format!(", {} failed", share_text(totals.errors as f64 / totals.count as f64));
    }
    if let (true, Some(goodput)) = (totals.errors > 0, results.per_second(totals.count - totals.errors.min(totals.count))) {
        first += &format!(" (goodput {} TPS)", three_digits(goodput));
    }
    lead.push(first + ".");
    if totals.count > 0 && totals.total_ns.is_none() {
        lead.push("No request has a duration: endpoints are ranked by calls, and nothing can be said about time.".to_owned());
    }
    lead
}

fn count(n: u64) -> String {
    count_text(i64::try_from(n).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{nothing, small};
    use super::*;

    #[test]
    fn sections_come_in_their_order_and_empty_ones_not_at_all() {
        let report = build(&small().results(), &Options::default());
        let titles: Vec<_> = report.sections.iter().map(|s| s.title).collect();
        assert_eq!(
            titles,
            [
                "Bottlenecks",
                "Endpoints",
                "Where the time of a request goes (mean per request)",
                "Database calls",
                "Waits",
                "Capacity",
                "Findings",
                "Timeline",
                "Data quality"
            ]
        );
        assert_eq!(
            report.lead,
            ["300 requests from 1 log, 2026-11-22 17:55:51 to 17:56:21 UTC (30.0 s): 10.0 TPS, 1.0 % failed (goodput 9.90 TPS)."]
        );
        let none = build(&nothing().results(), &Options::default());
        assert_eq!(none.lead, ["0 requests from 0 logs."]);
    }

    #[test]
    fn a_log_without_durations_says_so() {
        let mut made = small();
        made.analysis.totals.total_ns = None;
        assert!(build(&made.results(), &Options::default()).lead[1].contains("ranked by calls"));
    }
}
