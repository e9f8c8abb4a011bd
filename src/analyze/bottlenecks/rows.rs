//! Rows of what takes time other than waiting for a slot.

use super::MANY_CALLS;
use super::words::{most_concerned, share_of, total_ns};
use crate::analyze::bucket::Bucket;
use crate::analyze::capacity::model::Kind;
use crate::analyze::rules::Facts;
use crate::analyze::tables::{BottleneckRow, EndpointRow, StatementRow, Times, id};
use crate::units::{count_text, duration_text, share_text, three_digits};

pub(super) fn of_statement(facts: &Facts<'_>, statement: &StatementRow) -> BottleneckRow {
    let repeated = statement.endpoints.iter().find(|(_, _, per_request)| *per_request >= MANY_CALLS);
    let mean = statement.times.mean_ns.map(duration_text).unwrap_or_default();
    let unjoined = facts.totals.count > 0 && statement.endpoints.is_empty();
    let (kind, sentence, next_step) = match repeated {
        Some((endpoint, _, n)) => (
            "n_plus_one",
            format!("{endpoint} runs this statement {} times per request, {mean} each.", three_digits(*n)),
            "Fetch the rows in one statement (a join, or IN with a list).",
        ),
        None => (
            "database_statement",
            format!("{} calls of this statement, {mean} each.", count_text(statement.calls as i64)),
            "Look at its plan (EXPLAIN ANALYZE) and its indexes, or call it less often.",
        ),
    };
    BottleneckRow {
        id: statement.id.clone(),
        kind,
        subject: statement.statement.clone(),
        share: match total_ns(facts) {
            0 => statement.share,
            _ if unjoined => 0.0,
            _ => share_of(facts, statement.times.total_ns),
        },
        calls: statement.calls,
        times: statement.times.clone(),
        endpoints: statement.endpoints.iter().map(|(endpoint, ..)| endpoint.clone()).collect(),
        confidence: if unjoined { "low" } else { "high" },
        sentence: if unjoined {
            format!("{sentence} Nothing joins them to requests, so their share of the response time is not known.")
        } else {
            sentence
        },
        next_step: next_step.to_owned(),
        evidence: statement.evidence.clone(),
        ..BottleneckRow::default()
    }
}

/// Pauses or the network, over all endpoints.
pub(super) fn of_bucket(facts: &Facts<'_>, bucket: Bucket) -> Option<BottleneckRow> {
    let ns = match bucket {
        Bucket::Database => database_without_statement(facts)?,
        _ => facts.totals.buckets.get(bucket).filter(|&ns| ns > 0)?,
    };
    let (kind, subject, sentence, next_step, calls) = match bucket {
        Bucket::Pause => {
            let wall = facts
                .totals
                .seconds
                .map(|s| format!(", {} of the time", share_text(facts.paused_ns as f64 / 1e9 / s)))
                .unwrap_or_default();
            let count: u64 = facts.pauses.iter().map(|p| p.count).sum();
            let worst = facts.pauses.iter().map(|p| p.max_ns).max().unwrap_or(0);
            (
                "pause",
                facts.pauses.first().map_or_else(|| "runtime pauses".to_owned(), |p| p.cause.clone()),
                format!(
                    "The runtime stood still for {} in {} pauses (longest {}){wall}.",
                    duration_text(facts.paused_ns),
                    count_text(count as i64),
                    duration_text(worst)
                ),
                "Give the heap more room or choose a collector with shorter pauses; look at what allocates.",
                count,
            )
        }
        Bucket::Database => (
            "database_statement",
            "the database".to_owned(),
            format!(
                "{} per request are spent in the database; {}.",
                duration_text(ns / facts.totals.count.max(1) as i64),
                if facts.database.is_empty() {
                    "no log names the statements"
                } else {
                    "no statement of its log is joined to them"
                }
            ),
            if facts.database.is_empty() {
                "Add the database's statement log, with the request id in a comment."
            } else {
                "Put the request id into a comment of each statement, or log the session with both."
            },
            facts.totals.count,
        ),
        _ => (
            "network",
            "between the tiers".to_owned(),
            format!(
                "{} on average lie between the tiers: connections, accept queues, the wire.",
                duration_text(ns / facts.totals.count.max(1) as i64)
            ),
            "Look at accept queues, connection reuse and the load of the hosts in between.",
            facts.totals.count,
        ),
    };
    Some(BottleneckRow {
        id: id('b', kind),
        kind,
        subject,
        share: share_of(facts, Some(ns)),
        calls,
        times: Times {
            total_ns: Some(ns),
            mean_ns: Some(ns / facts.totals.count.max(1) as i64),
            quantiles_ns: vec![None; facts.quantiles],
            max_ns: None,
        },
        endpoints: most_concerned(facts, |endpoint| endpoint.buckets.get(bucket).unwrap_or(0)),
        confidence: "high",
        sentence,
        next_step: next_step.to_owned(),
        ..BottleneckRow::default()
    })
}

/// Time in the database that no joined statement accounts for, where that is much of it, in nanoseconds.
fn database_without_statement(facts: &Facts<'_>) -> Option<i64> {
    let all = facts.totals.buckets.get(Bucket::Database).filter(|&ns| ns > 0)?;
    let joined = facts.database.iter().filter(|s| !s.endpoints.is_empty()).filter_map(|s| s.times.total_ns);
    let rest = all.saturating_sub(joined.fold(0, i64::saturating_add));
    // What drivers and the wire add is less than that.
    (facts.database.is_empty() || rest * 10 > all.saturating_mul(3) && share_of(facts, Some(rest)) >= 0.05).then_some(rest)
}

/// Calls to others, one row per callee.
pub(super) fn externals(facts: &Facts<'_>) -> Vec<BottleneckRow> {
    let resources = facts.resources.system.resources.iter().zip(&facts.resources.instance);
    resources
        .filter(|(resource, _)| resource.kind == Kind::External && !facts.waits.iter().any(|wait| wait.resource == resource.name))
        .map(|(resource, instance)| {
            let mut held: Vec<i64> = resource.holds.iter().map(crate::analyze::capacity::model::Hold::held_ns).collect();
            let total = held.iter().fold(0i64, |sum, ns| sum.saturating_add(*ns));
            let mean = total / held.len().max(1) as i64;
            let max_ns = held.iter().copied().max();
            let quantiles_ns = crate::analyze::summary::nearest_ranks(&mut held, facts.quantile_list);
            BottleneckRow {
                id: id('x', &format!("{instance} {}", resource.name)),
                kind: "external",
                subject: resource.name.clone(),
                share: share_of(facts, Some(total)),
                calls: held.len() as u64,
                times: Times { total_ns: Some(total), mean_ns: Some(mean), quantiles_ns, max_ns },
                endpoints: most_concerned(facts, |endpoint| endpoint.buckets.get(Bucket::External).unwrap_or(0)),
                confidence: "high",
                sentence: format!("{} calls to others, {} each.", count_text(held.len() as i64), duration_text(mean)),
                next_step: "Call in parallel, cache, or ask the callee for its own logs.".to_owned(),
                ..BottleneckRow::default()
            }
        })
        .collect()
}

/// An endpoint's own code, and what nothing splits of it.
pub(super) fn of_endpoint(facts: &Facts<'_>, endpoint: &EndpointRow) -> Vec<BottleneckRow> {
    let own = endpoint.buckets.get(Bucket::Own).unwrap_or(0);
    let opaque = endpoint.buckets.get(Bucket::Unaccounted).unwrap_or(0) + endpoint.buckets.get(Bucket::Upstream).unwrap_or(0);
    let calls = endpoint.calls.max(1) as i64;
    let mut rows = Vec::new();
    for (kind, ns, sentence, next_step) in [
        ("own_code", own, "in its own code, outside of calls and waits", "Profile it under load."),
        (
            "endpoint",
            opaque,
            "that this log does not split",
            "Add the log of the tier behind it, or a transaction log that states its parts.",
        ),
    ] {
        if ns <= 0 {
            continue;
        }
        let whole = kind == "endpoint" && Some(ns) == endpoint.times.total_ns;
        rows.push(BottleneckRow {
            id: if kind == "endpoint" {
                endpoint.id.clone()
            } else {
                id('o', &format!("{} {}", endpoint.service, endpoint.endpoint))
            },
            kind,
            subject: endpoint.endpoint.clone(),
            share: share_of(facts, Some(ns)),
            calls: endpoint.calls,
            times: if whole {
                endpoint.times.clone()
            } else {
                Times { total_ns: Some(ns), mean_ns: Some(ns / calls), quantiles_ns: vec![None; facts.quantiles], max_ns: None }
            },
            endpoints: vec![endpoint.endpoint.clone()],
            confidence: if kind == "endpoint" { "medium" } else { "high" },
            sentence: format!("{} per request of {} {sentence}.", duration_text(ns / calls), endpoint.endpoint),
            next_step: next_step.to_owned(),
            evidence: endpoint.evidence.clone(),
            ..BottleneckRow::default()
        });
    }
    rows
}

/// Requests that timed out or were given up.
pub(super) fn timeouts(facts: &Facts<'_>) -> Option<BottleneckRow> {
    let lost = facts.totals.timed_out + facts.totals.abandoned;
    if lost == 0 {
        return None;
    }
    let mut taken: Vec<i64> = (0..facts.requests.len())
        .filter(|&r| matches!(facts.requests.outcome[r], parsers::Outcome::TimedOut | parsers::Outcome::Abandoned))
        .map(|r| facts.requests.duration[r])
        .filter(|&ns| ns != crate::frame::NULL_I64)
        .collect();
    let total = taken.iter().fold(0i64, |sum, ns| sum.saturating_add(*ns));
    let max_ns = taken.iter().copied().max();
    let mean_ns = (!taken.is_empty()).then(|| total / taken.len() as i64);
    Some(BottleneckRow {
        id: id('b', "timeouts"),
        kind: "timeouts",
        subject: "timed out or given up".to_owned(),
        share: share_of(facts, Some(total)),
        calls: lost,
        times: Times {
            total_ns: Some(total),
            mean_ns,
            quantiles_ns: crate::analyze::summary::nearest_ranks(&mut taken, facts.quantile_list),
            max_ns,
        },
        endpoints: most_concerned(facts, |endpoint| endpoint.errors as i64),
        confidence: "high",
        sentence: format!(
            "{} requests timed out and {} were given up by the client, of {}.",
            count_text(facts.totals.timed_out as i64),
            count_text(facts.totals.abandoned as i64),
            count_text(facts.totals.count as i64)
        ),
        next_step: "Fix what they wait for; their time holds slots that others need.".to_owned(),
        ..BottleneckRow::default()
    })
}
