//! OpenMetrics text (<https://prometheus.io/docs/specs/om/open_metrics_spec/>), for metrics reports of CI servers. No
//! timestamps: the same input gives the same bytes.

use std::fmt::Write;

use super::super::escape::terminal;
use super::{Results, kept_name, told};
use crate::analyze::compare::Overall;

/// Writes the candidate's numbers and the ratios to the base.
pub(super) fn write(results: &Results<'_>) -> String {
    let comparison = results.comparison;
    let mut out = String::new();
    let verdicts = [Overall::Ok, Overall::Regression, Overall::Inconclusive, Overall::Incomparable];
    let rows = verdicts
        .map(|verdict| (format!("verdict=\"{}\"", verdict.name()), Some(f64::from(u8::from(verdict == comparison.verdict)))));
    family(&mut out, "narrows_compare_verdict", "1 for the verdict on the whole.", rows.into_iter());
    for (sort, changes) in [("endpoint", &comparison.endpoints), ("statement", &comparison.statements)] {
        type Value = fn(&crate::analyze::compare::Change) -> Option<f64>;
        let families: [(&str, &str, Value); 6] = [
            ("requests", "Operations of the candidate.", |c| Some(c.n_candidate as f64)),
            ("shift_ratio", "Shift of the durations, candidate over base.", |c| told(c).map(|e| e.shift_ratio)),
            ("p95_ratio", "95 % quantile, candidate over base.", |c| told(c).map(|e| e.p95_ratio)),
            ("p_adjusted", "False discovery rate at which the difference counts.", |c| c.p_adjusted),
            ("calls_per_request", "Database calls per request of the candidate.", |c| c.calls_per_request_candidate),
            ("error_rate", "Share of failed operations of the candidate.", |c| c.errors.map(|e| e.candidate)),
        ];
        for (name, help, value) in families {
            let rows = changes.iter().map(|change| (format!("{sort}=\"{}\"", label(&change.name)), value(change)));
            family(&mut out, &format!("narrows_{sort}_{name}"), help, rows);
        }
    }
    let sides = [("base", comparison.ceiling_tps.0), ("candidate", comparison.ceiling_tps.1)];
    let rows = sides.into_iter().map(|(side, tps)| (format!("side=\"{side}\""), tps));
    family(&mut out, "narrows_ceiling_tps", "Requests per second that the system would carry.", rows);
    let rows = results.outcomes.iter().map(|outcome| {
        let labels = format!("budget=\"{}\",kept=\"{}\"", label(&results.budget_name(outcome)), kept_name(outcome.kept));
        (labels, results.actual(outcome))
    });
    family(&mut out, "narrows_budget_actual", "What was measured against a budget.", rows);
    out += "# EOF\n";
    out
}

/// One metric with its samples; those without a value are left out.
fn family(out: &mut String, name: &str, help: &str, rows: impl Iterator<Item = (String, Option<f64>)>) {
    let mut is_first = true;
    for (labels, value) in rows {
        let Some(value) = value.filter(|value| value.is_finite()) else { continue };
        if std::mem::take(&mut is_first) {
            // Writing to a string cannot fail.
            let _ = write!(out, "# TYPE {name} gauge\n# HELP {name} {help}\n");
        }
        let _ = writeln!(out, "{name}{{{labels}}} {value}");
    }
}

/// The text of a label.
fn label(text: &str) -> String {
    terminal(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn each_line_is_a_comment_or_a_sample_and_the_end_is_marked() {
        testing::with(3, |results| {
            let text = write(results);
            assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
            for line in text.lines().filter(|line| !line.starts_with("# ")) {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok() && name.starts_with("narrows_") && name.ends_with('}'), "{line}");
            }
            assert!(text.contains("narrows_compare_verdict{verdict=\"regression\"} 1\n"), "{text}");
            assert!(text.contains("\\\\x1b[31m"), "{text}");
        });
    }
}
