//! JUnit XML, as CI servers read it (<https://github.com/testmoapp/junitxml>): a test case per endpoint and metric, a failure
//! for each that got worse, a skip for each that cannot be judged.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::super::escape::terminal;
use super::{Results, words};
use crate::analyze::compare::budget::Kept;
use crate::analyze::compare::{Change, Reason, Verdict};

/// Writes the comparison as one suite, its budgets as another.
pub(super) fn write(results: &Results<'_>) -> String {
    let mut report = Report::new("narrows compare");
    let mut endpoints = TestSuite::new("endpoints");
    for change in &results.comparison.endpoints {
        for metric in METRICS {
            endpoints.add_test_case(case(results, change, metric));
        }
    }
    report.add_test_suite(endpoints);
    if !results.outcomes.is_empty() {
        let mut budgets = TestSuite::new("budgets");
        for outcome in results.outcomes {
            let status = match outcome.kept {
                Kept::Ok => TestCaseStatus::success(),
                Kept::Broken => failure("budget", &words::budget(results, outcome)),
                Kept::TooFew => skipped("too few requests"),
                Kept::Unknown => skipped("the logs do not say"),
            };
            let mut case = TestCase::new(terminal(&results.budget_name(outcome)), status);
            case.set_classname("narrows.budgets");
            budgets.add_test_case(case);
        }
        report.add_test_suite(budgets);
    }
    // The crate escapes XML; what XML cannot hold at all went before it.
    report.to_string().unwrap_or_default()
}

/// A metric of an endpoint, and the reasons that speak of it.
struct Metric {
    name: &'static str,
    reasons: &'static [Reason],
}

const METRICS: &[Metric] = &[
    Metric { name: "latency", reasons: &[Reason::Shift, Reason::Degenerate, Reason::Burst] },
    Metric { name: "p95", reasons: &[Reason::Tail] },
    Metric { name: "errors", reasons: &[Reason::Errors] },
    Metric { name: "calls per request", reasons: &[Reason::Calls] },
];

fn case(results: &Results<'_>, change: &Change, metric: &Metric) -> TestCase {
    let speaks = change.reasons.iter().any(|reason| metric.reasons.contains(reason));
    let status = match change.verdict {
        _ if !results.comparison.load.comparable && metric.name != "calls per request" => skipped("the loads differ"),
        Verdict::Regression if speaks => {
            let explanation = results.explanations.iter().find(|e| e.endpoint == change.name);
            failure("regression", explanation.map_or("got worse", |e| &e.sentence))
        }
        Verdict::Inconclusive => skipped("inconclusive: a large difference would not have been found"),
        Verdict::TooFew => skipped("too few requests"),
        Verdict::New => skipped("new: not in the base"),
        Verdict::Gone => skipped("gone: not in the candidate"),
        _ => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(format!("{} {}", terminal(&change.name), metric.name), status);
    case.set_classname("narrows.endpoints");
    if metric.name == "latency" {
        let explained = results.explanations.iter().find(|e| e.endpoint == change.name).and_then(|e| e.mean_ns);
        if let Some((_, candidate)) = explained.filter(|(_, candidate)| candidate.is_finite() && *candidate >= 0.0) {
            case.set_time(Duration::from_nanos(candidate.round() as u64));
        }
    }
    case
}

fn failure(sort: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(sort).set_message(terminal(message));
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn what_comes_from_logs_cannot_break_the_document() {
        testing::with(3, |results| {
            let text = write(results);
            assert!(text.contains("\\x1b[31m") && !text.contains('\u{1b}'), "{text}");
            assert!(text.contains("&lt;b&gt;") && !text.contains("<b>"), "{text}");
            // Three endpoints, four metrics each; one got slower.
            assert_eq!(text.matches("<testcase ").count(), 12, "{text}");
            assert!(text.matches("<failure ").count() >= 1, "{text}");
            let again = quick_junit::Report::deserialize_from_str(&text).unwrap();
            assert_eq!(again.test_suites.len(), 1);
        });
    }
}
