//! The arithmetic behind a row, a resource or a rung of the ladder.

use super::Results;
use crate::analyze::bucket::Bucket;
use crate::analyze::capacity::explain;
use crate::analyze::tables::{EndpointRow, StatementRow, WaitRow};
use crate::units::{count_text, duration_text, share_text};

/// Lines that a reader can redo on paper, for a row's id, a resource's or endpoint's name, `ceiling`
/// or `rung N`; `None` when the report has nothing of that name.
pub fn explain(results: &Results<'_>, wanted: &str) -> Option<Vec<String>> {
    let analysis = results.analysis;
    if let Some(capacity) = &analysis.capacity {
        if wanted == "ceiling" {
            return Some(explain::ceiling(capacity));
        }
        if let Some(rung) = wanted.strip_prefix("rung ").and_then(|n| n.parse::<usize>().ok()?.checked_sub(1)) {
            return capacity.ladder.rungs.get(rung).map(|rung| explain::rung(capacity, rung));
        }
        let by_id = analysis.waits.iter().find(|wait| wait.id == wanted);
        let name = by_id.map_or(wanted, |wait| wait.resource.as_str());
        if let Some(mut lines) = explain::resource(capacity, name) {
            lines.extend(by_id.or_else(|| analysis.waits.iter().find(|w| w.resource == name)).into_iter().flat_map(wait));
            return Some(lines);
        }
        if let Some(found) = by_id {
            return Some(wait(found));
        }
    }
    let is = |id: &str, name: &str| id == wanted || name == wanted;
    if let Some(row) = analysis.endpoints.iter().find(|row| is(&row.id, &row.endpoint)) {
        return Some(endpoint(results, row));
    }
    if let Some(row) = analysis.database.iter().find(|row| is(&row.id, &row.statement)) {
        return Some(statement(results, row));
    }
    let row = analysis.bottlenecks.iter().find(|row| is(&row.id, &row.subject))?;
    let mut lines = vec![format!("{}: {}", row.subject, row.kind), row.sentence.clone()];
    lines.push(format!("share: {} of the time of all requests", share_text(row.share)));
    lines.extend(evidence(results, &row.evidence));
    Some(lines)
}

fn endpoint(results: &Results<'_>, row: &EndpointRow) -> Vec<String> {
    let mut lines = vec![format!(
        "{}: {} requests, {} of them failed",
        row.endpoint,
        count_text(row.calls as i64),
        count_text(row.errors as i64)
    )];
    let Some(total) = row.times.total_ns else {
        lines.push("no record states a duration".to_owned());
        return lines;
    };
    lines.push(format!(
        "total {} = sum of their durations; mean {} = total / requests with a duration",
        duration_text(total),
        row.times.mean_ns.map(duration_text).unwrap_or_default()
    ));
    for bucket in Bucket::ALL {
        if let Some(ns) = row.buckets.get(bucket) {
            lines.push(format!(
                "  {:<12} {:>12} {:>8}",
                bucket.name(),
                duration_text(ns),
                share_text(ns as f64 / total.max(1) as f64)
            ));
        }
    }
    lines.push(format!("  {:<12} {:>12} = the total, to the nanosecond", "sum", duration_text(row.buckets.sum())));
    for tier in &row.tiers {
        let path = results.path(tier.source);
        lines.push(format!(
            "tier {path} {}: {} records, mean {}",
            tier.service,
            count_text(tier.calls as i64),
            tier.mean_ns.map(duration_text).unwrap_or_default()
        ));
    }
    lines.extend(evidence(results, &row.evidence));
    lines
}

fn statement(results: &Results<'_>, row: &StatementRow) -> Vec<String> {
    let mut lines = vec![
        row.statement.clone(),
        format!("{} calls, total {}", count_text(row.calls as i64), row.times.total_ns.map(duration_text).unwrap_or_default()),
    ];
    if let (Some(server), Some(total)) = (row.server_ns, row.times.total_ns) {
        lines.push(format!(
            "by the server's word {}; the rest, {}, is driver and wire",
            duration_text(server),
            duration_text((total - server).max(0))
        ));
    }
    for (endpoint, calls, per_request) in &row.endpoints {
        lines.push(format!("  {endpoint}: {} calls, {per_request:.2} per request", count_text(*calls as i64)));
    }
    lines.extend(evidence(results, &row.evidence));
    lines
}

fn wait(row: &WaitRow) -> Vec<String> {
    vec![format!(
        "waits: {} of {} acquisitions, total {}, mean {}",
        count_text(row.waited as i64),
        count_text(row.acquisitions as i64),
        row.times.total_ns.map(duration_text).unwrap_or_default(),
        row.times.mean_ns.map(duration_text).unwrap_or_default()
    )]
}

fn evidence(results: &Results<'_>, rows: &[crate::analyze::tables::Evidence]) -> Vec<String> {
    rows.iter()
        .map(|e| {
            format!(
                "evidence: narrows show {}:{} (line {}, {})",
                results.path(e.source),
                e.offset,
                e.line,
                e.duration_ns.map(duration_text).unwrap_or_default()
            )
        })
        .collect()
}
