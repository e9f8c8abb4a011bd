//! Rows of pools, threads, permits and locks that are waited for.

use super::words::{capitalised, most_concerned};
use crate::analyze::bucket::Bucket;
use crate::analyze::capacity::model::{Basis, UNNAMED};
use crate::analyze::capacity::resource::ResourceCapacity;
use crate::analyze::rank::evidence_of;
use crate::analyze::resources::{Reading, Watched};
use crate::analyze::rules::Facts;
use crate::analyze::tables::{BottleneckRow, Evidence, Times, WaitRow, id};
use crate::units::{count_text, duration_text, share_text};

pub(super) fn of_wait(facts: &Facts<'_>, wait: &WaitRow) -> BottleneckRow {
    let (kind, bucket) = match wait.kind {
        "threads" => ("thread_pool", Bucket::Queue),
        "connections" => ("connection_pool", Bucket::PoolWait),
        "sockets" => ("socket_pool", Bucket::PoolWait),
        "lock" => ("lock", Bucket::Database),
        _ => ("external", Bucket::External),
    };
    let resources = &facts.resources.system.resources;
    let at = (0..resources.len()).find(|&at| facts.resources.id(at) == wait.id);
    let subject = at.map_or_else(|| wait.resource.clone(), |at| facts.resources.full_name(at));
    let capacity = at.and_then(|at| facts.capacity.resources.get(at));
    let is_cause = at.is_some() && facts.capacity.lock.or(facts.capacity.cause) == at;
    let mean = wait.times.mean_ns.map(duration_text).unwrap_or_default();
    let size = size_text(wait);
    let mut sentence = match wait.kind {
        "lock" => format!("{} waits for {subject}, {mean} each.", count_text(wait.waited as i64)),
        _ => format!(
            "{} of {} requests for a slot of {}{size} had to wait; {mean} on average over all of them.",
            count_text(wait.waited as i64),
            count_text(wait.acquisitions as i64),
            if wait.resource == UNNAMED { "it" } else { &subject },
        ),
    };
    if at.is_some_and(|at| !resources[at].waits_logged) {
        sentence += " No record tells of these waits: what its slots cannot have served at once was waiting.";
    }
    if let Some(utilization) = wait.utilization.filter(|_| wait.kind != "lock") {
        sentence += &format!(" Its slots are in use {} of the time.", share_text(utilization.min(1.0)));
    }
    if let (true, Some(known)) = (is_cause, capacity) {
        sentence += &full_for(facts, known);
    }
    if wait.timeouts > 0 {
        sentence += &format!(" {} gave up waiting.", count_text(wait.timeouts as i64));
    }
    let next_step = match (is_cause, facts.capacity.ladder.rungs.first()) {
        (true, Some(rung)) => format!("{}.", capitalised(&rung.step.fix)),
        (true, None) => facts.capacity.ladder.end.clone(),
        _ if wait.kind == "lock" => "Shorten the transactions that hold it, or spread the rows they contend for.".to_owned(),
        _ => format!(
            "Watch its slots in use and its waiters under a higher load{}.",
            if wait.servers.is_none() { "; its size is nowhere stated" } else { "" }
        ),
    };
    BottleneckRow {
        id: wait.id.clone(),
        kind,
        subject,
        share: wait.share,
        calls: wait.acquisitions,
        times: wait.times.clone(),
        ceiling_tps: if is_cause { facts.capacity.ceiling_tps } else { capacity.and_then(|c| c.ceiling_tps) },
        ceiling_low_tps: if is_cause { facts.capacity.ceiling_low_tps } else { capacity.and_then(|c| c.ceiling_low_tps) },
        ceiling_high_tps: if is_cause { facts.capacity.ceiling_high_tps } else { capacity.and_then(|c| c.ceiling_high_tps) },
        endpoints: most_concerned(facts, |endpoint| endpoint.buckets.get(bucket).unwrap_or(0)),
        confidence: if wait.servers.is_some() && wait.servers_basis != Basis::AtLeast.name() { "high" } else { "medium" },
        sentence,
        next_step,
        evidence: at.map(|at| longest_waits(facts, at)).unwrap_or_default(),
    }
}

/// For how long the cause was full, where that is a small part of the log, and which endpoint took most of it meanwhile.
fn full_for(facts: &Facts<'_>, cause: &ResourceCapacity) -> String {
    let mut text = String::new();
    let whole = facts.totals.seconds.unwrap_or(0.0);
    if let Some(window) = facts.capacity.window.filter(|w| facts.capacity.is_full_period && w.seconds() < 0.5 * whole) {
        text += &format!(" It was full for {:.1} s of {whole:.0} s, and all this holds for that time.", window.seconds());
    }
    let most = cause.demand_share.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    if let Some((endpoint, share)) = most.filter(|(_, share)| cause.demand_share.len() > 1 && **share >= 0.3)
        && let Some(name) = facts.resources.system.endpoints.get(endpoint)
    {
        text += &format!(" {name} takes {} of its slot time.", share_text(*share));
    }
    text
}

fn size_text(wait: &WaitRow) -> String {
    match wait.servers {
        Some(n) if wait.servers_basis == Basis::AtLeast.name() => format!(" (at least {n})"),
        Some(n) => format!(" ({n}, {})", wait.servers_basis.replace('_', " ")),
        None => String::new(),
    }
}

/// The records of the requests that waited longest for a resource.
fn longest_waits(facts: &Facts<'_>, at: usize) -> Vec<Evidence> {
    let mut holds: Vec<(i64, u32)> =
        facts.resources.system.resources[at].holds.iter().map(|h| (h.wait_ns, h.request)).filter(|h| h.0 > 0).collect();
    holds.sort_unstable_by_key(|&(wait, request)| (std::cmp::Reverse(wait), request));
    holds
        .iter()
        .take(3)
        .filter_map(|&(wait, request)| facts.window_rows.get(request as usize).map(|&row| evidence_of(facts.rows, row, wait)))
        .collect()
}

/// Pools of which only a gauge tells, where it shows callers waiting in most of its readings.
pub(super) fn watched(facts: &Facts<'_>) -> Vec<BottleneckRow> {
    const FEWEST: u32 = 5;
    let is_full = |reading: &Reading| reading.readings >= FEWEST && 2 * reading.with_waiters >= reading.readings;
    facts
        .resources
        .watched
        .iter()
        .filter(|pool| is_full(&pool.reading))
        .map(|Watched { name, instance, reading }| BottleneckRow {
            id: id('g', &format!("{instance} {name}")),
            kind: "connection_pool",
            subject: name.clone(),
            calls: u64::from(reading.readings),
            times: Times { quantiles_ns: vec![None; facts.quantiles], ..Times::default() },
            confidence: "medium",
            sentence: format!(
                "In {} of {} readings callers were waiting for {}, up to {} at once, with {} slots in use; how long they waited no log says.",
                count_text(i64::from(reading.with_waiters)),
                count_text(i64::from(reading.readings)),
                name,
                reading.waiting_max.unwrap_or(0),
                reading.in_use_max.unwrap_or(0)
            ),
            next_step: "Add a transaction log with the wait for a connection, or traces of it, to see what a larger pool buys.".to_owned(),
            ..BottleneckRow::default()
        })
        .collect()
}
