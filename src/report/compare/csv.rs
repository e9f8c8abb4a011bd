//! Endpoints and statements as comma-separated values by RFC 4180: numbers raw, times in nanoseconds; an empty field is "not
//! said".

use std::fmt::Display;

use super::super::escape;
use super::{Results, told};
use crate::analyze::bucket::Bucket;
use crate::analyze::compare::Change;

const HEADER: &str = "kind,name,verdict,n_base,n_candidate,p50_ratio,p95_ratio,p95_low,p95_high,shift_ratio,shift_low,shift_high,\
p_value,p_adjusted,n_eff_base,n_eff_candidate,mde_ratio,calls_per_request_base,calls_per_request_candidate,error_rate_base,\
error_rate_candidate";

/// Writes every row, endpoints first. Records end in CR LF, as the RFC has it.
pub(super) fn write(results: &Results<'_>) -> String {
    let mut out = HEADER.to_owned();
    for bucket in Bucket::ALL {
        out += &format!(",{0}_base_mean_ns,{0}_candidate_mean_ns", bucket.name());
    }
    out += "\r\n";
    for (kind, changes) in [("endpoint", &results.comparison.endpoints), ("statement", &results.comparison.statements)] {
        for change in changes {
            out += &row(kind, change).join(",");
            out += "\r\n";
        }
    }
    out
}

fn row(kind: &str, change: &Change) -> Vec<String> {
    fn maybe(value: Option<impl Display>) -> String {
        value.map(|v| v.to_string()).unwrap_or_default()
    }
    let number = |value: Option<f64>| maybe(value.filter(|v| v.is_finite()));
    let effect = |of: fn(&crate::analyze::compare::effect::Effect) -> f64| number(told(change).as_ref().map(of));
    let mut fields = vec![
        kind.to_owned(),
        escape::csv(&change.name),
        change.verdict.name().to_owned(),
        change.n_base.to_string(),
        change.n_candidate.to_string(),
        effect(|e| e.p50_ratio),
        effect(|e| e.p95_ratio),
        effect(|e| e.p95_low),
        effect(|e| e.p95_high),
        effect(|e| e.shift_ratio),
        effect(|e| e.shift_low),
        effect(|e| e.shift_high),
        number(change.p_value),
        number(change.p_adjusted),
        number(change.n_eff_base),
        number(change.n_eff_candidate),
        number(change.mde_ratio),
        number(change.calls_per_request_base),
        number(change.calls_per_request_candidate),
        number(change.errors.map(|e| e.base)),
        number(change.errors.map(|e| e.candidate)),
    ];
    for bucket in Bucket::ALL {
        let found = change.buckets.iter().find(|known| known.0 == bucket.name());
        fields.push(maybe(found.and_then(|known| known.1).map(|ns| ns.round() as i64)));
        fields.push(maybe(found.and_then(|known| known.2).map(|ns| ns.round() as i64)));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn every_record_has_a_field_for_each_column() {
        testing::with(3, |results| {
            let text = write(results);
            let columns = text.lines().next().unwrap().split(',').count();
            assert_eq!(columns, 21 + 18);
            assert!(text.lines().all(|line| line.split(',').count() == columns), "{text}");
            assert_eq!(text.matches("\r\n").count(), 1 + 3);
        });
    }
}
