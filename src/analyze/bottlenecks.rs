//! What limits, or takes the most: the cause first, its symptoms after it.

use super::bucket::Bucket;
use super::capacity::model::{Basis, Kind};
use super::capacity::resource::ResourceCapacity;
use super::resources::{Reading, Watched};
use super::rules::Facts;
use super::tables::{BottleneckRow, EndpointRow, StatementRow, Times, WaitRow, id};
use crate::units::{count_text, duration_text, share_text, three_digits};

/// Share of the time below which something is not worth a row.
const WORTH_A_ROW: f64 = 0.005;
/// Calls of one statement per request from which on they count as N+1.
pub(crate) const MANY_CALLS: f64 = 5.0;
/// Share of wall time in pauses from which on they are the cause, whatever else is slow.
const MUCH_PAUSED: f64 = 0.1;

/// Ranks what takes the time. What is full comes first; then by time.
pub(crate) fn rank(facts: &Facts<'_>) -> Vec<BottleneckRow> {
    let mut rows: Vec<BottleneckRow> = Vec::new();
    rows.extend(facts.waits.iter().map(|wait| of_wait(facts, wait)));
    rows.extend(facts.database.iter().map(|statement| of_statement(facts, statement)));
    rows.extend(of_bucket(facts, Bucket::Database));
    rows.extend(of_bucket(facts, Bucket::Pause));
    rows.extend(of_bucket(facts, Bucket::Network));
    rows.extend(externals(facts));
    rows.extend(facts.endpoints.iter().flat_map(|endpoint| of_endpoint(facts, endpoint)));
    rows.extend(timeouts(facts));
    rows.extend(super::rules::retries::bottlenecks(facts));
    rows.extend(watched(facts));
    let cause = cause(facts, &rows);
    rows.retain(|row| {
        row.share >= WORTH_A_ROW
            || Some(&row.id) == cause.as_ref()
            || (row.kind == "timeouts" && row.calls > 0)
            || row.id.starts_with('g')
    });
    rows.sort_by(|a, b| {
        let first = |row: &BottleneckRow| Some(&row.id) != cause.as_ref();
        (first(a), b.times.total_ns, &a.id).cmp(&(first(b), a.times.total_ns, &b.id))
    });
    if let Some(at) = facts.capacity.cause {
        mark_symptoms(facts, at, &mut rows);
    }
    rows
}

/// The row that is the cause, where something is full: a lock or pauses behind it, else the
/// innermost full resource.
fn cause(facts: &Facts<'_>, rows: &[BottleneckRow]) -> Option<String> {
    let full = facts.capacity.cause.and_then(|at| facts.capacity.resources.get(at));
    let lock = match facts.capacity.lock {
        Some(at) => rows.iter().find(|row| row.id == facts.resources.id(at)),
        None => rows.iter().filter(|row| row.kind == "lock").max_by_key(|row| row.times.total_ns),
    };
    // Without a pool the statements tell what the lock takes of the database's time.
    let lock_ns = lock.and_then(|row| row.times.total_ns).unwrap_or(0);
    let statements_ns = facts.database.first().and_then(|s| s.times.total_ns).unwrap_or(0);
    let behind_a_lock = facts.capacity.lock.is_some() || full.is_none() && 2 * i128::from(lock_ns) >= i128::from(statements_ns);
    if let Some(lock) = lock.filter(|row| behind_a_lock && row.share >= 0.05) {
        return Some(lock.id.clone());
    }
    let paused: i64 = facts.paused_ns;
    let wall = facts.totals.seconds.unwrap_or(0.0);
    if full.is_none() && wall > 0.0 && paused as f64 / 1e9 >= MUCH_PAUSED * wall {
        return rows.iter().find(|row| row.kind == "pause").map(|row| row.id.clone());
    }
    let Some(at) = facts.capacity.cause else {
        let watched = rows.iter().find(|row| row.id.starts_with('g'));
        return watched.or_else(|| growing(facts, rows)).map(|row| row.id.clone());
    };
    let id = facts.resources.id(at);
    rows.iter().find(|row| row.id == id).map(|row| row.id.clone())
}

/// The row with most of what grows with the load where the throughput does not.
fn growing<'a>(facts: &Facts<'_>, rows: &'a [BottleneckRow]) -> Option<&'a BottleneckRow> {
    let kinds: &[&str] = match facts.growing?.bucket {
        Bucket::Own => &["own_code"],
        Bucket::External => &["external"],
        Bucket::Database => &["database_statement", "n_plus_one", "lock"],
        Bucket::Network => &["network"],
        Bucket::Queue => &["thread_pool"],
        Bucket::PoolWait => &["connection_pool", "socket_pool"],
        Bucket::Pause => &["pause"],
        Bucket::Upstream | Bucket::Unaccounted => &["endpoint"],
    };
    rows.iter().filter(|row| kinds.contains(&row.kind)).max_by_key(|row| row.times.total_ns)
}

/// Says of a wait around the full resource that it is a symptom.
fn mark_symptoms(facts: &Facts<'_>, cause: usize, rows: &mut [BottleneckRow]) {
    let system = &facts.resources.system;
    let full = &rows.first().map_or_else(|| system.resources[cause].name.clone(), |row| row.subject.clone());
    let mut outer = system.resources[cause].parent;
    while let Some(at) = outer {
        let id = facts.resources.id(at);
        if let Some(row) = rows.iter_mut().skip(1).find(|row| row.id == id) {
            row.sentence = format!("{} A symptom: its slots are held by requests that wait for {full}.", row.sentence);
            row.next_step = format!("Fix {full} first; this wait goes with it.");
        }
        outer = system.resources[at].parent.filter(|next| *next != at);
    }
}

fn total_ns(facts: &Facts<'_>) -> i64 {
    facts.totals.total_ns.unwrap_or(0)
}

fn share_of(facts: &Facts<'_>, ns: Option<i64>) -> f64 {
    match (ns, total_ns(facts)) {
        (Some(ns), total) if total > 0 => ns as f64 / total as f64,
        _ => 0.0,
    }
}

fn of_wait(facts: &Facts<'_>, wait: &WaitRow) -> BottleneckRow {
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
fn longest_waits(facts: &Facts<'_>, at: usize) -> Vec<super::tables::Evidence> {
    let mut holds: Vec<(i64, u32)> =
        facts.resources.system.resources[at].holds.iter().map(|h| (h.wait_ns, h.request)).filter(|h| h.0 > 0).collect();
    holds.sort_unstable_by_key(|&(wait, request)| (std::cmp::Reverse(wait), request));
    holds
        .iter()
        .take(3)
        .filter_map(|&(wait, request)| {
            facts.window_rows.get(request as usize).map(|&row| super::rank::evidence_of(facts.rows, row, wait))
        })
        .collect()
}

fn of_statement(facts: &Facts<'_>, statement: &StatementRow) -> BottleneckRow {
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
fn of_bucket(facts: &Facts<'_>, bucket: Bucket) -> Option<BottleneckRow> {
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
fn externals(facts: &Facts<'_>) -> Vec<BottleneckRow> {
    let resources = facts.resources.system.resources.iter().zip(&facts.resources.instance);
    resources
        .filter(|(resource, _)| resource.kind == Kind::External && !facts.waits.iter().any(|wait| wait.resource == resource.name))
        .map(|(resource, instance)| {
            let mut held: Vec<i64> = resource.holds.iter().map(super::capacity::model::Hold::held_ns).collect();
            let total = held.iter().fold(0i64, |sum, ns| sum.saturating_add(*ns));
            let mean = total / held.len().max(1) as i64;
            let max_ns = held.iter().copied().max();
            let quantiles_ns = super::summary::nearest_ranks(&mut held, facts.quantile_list);
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
fn of_endpoint(facts: &Facts<'_>, endpoint: &EndpointRow) -> Vec<BottleneckRow> {
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
fn timeouts(facts: &Facts<'_>) -> Option<BottleneckRow> {
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
            quantiles_ns: super::summary::nearest_ranks(&mut taken, facts.quantile_list),
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

/// Pools of which only a gauge tells, where it shows callers waiting in most of its readings.
fn watched(facts: &Facts<'_>) -> Vec<BottleneckRow> {
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

/// The endpoints with most of something, at most five.
fn most_concerned(facts: &Facts<'_>, of: impl Fn(&EndpointRow) -> i64) -> Vec<String> {
    let mut endpoints: Vec<(i64, &str)> =
        facts.endpoints.iter().map(|e| (of(e), e.endpoint.as_str())).filter(|e| e.0 > 0).collect();
    endpoints.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    endpoints.into_iter().take(5).map(|(_, name)| name.to_owned()).collect()
}

pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

/// What a resource is called that no log names.
const UNNAMED: &str = "(unnamed)";

/// A bottleneck as it is called within a sentence.
pub(super) fn named(row: &BottleneckRow) -> String {
    match row.kind {
        "connection_pool" if row.subject == UNNAMED => "the connection pool, which no log names,".to_owned(),
        "thread_pool" if row.subject == UNNAMED => "the worker threads".to_owned(),
        "external" if row.subject == UNNAMED => "calls to others".to_owned(),
        "connection_pool" => format!("the connection pool {}", row.subject),
        "thread_pool" => format!("the worker threads {}", row.subject),
        "socket_pool" => format!("the socket pool {}", row.subject),
        "lock" => format!("the lock {}", row.subject),
        "pause" => format!("pauses of the runtime ({})", row.subject),
        "network" => "the way between the tiers".to_owned(),
        "external" => format!("calls to {}", row.subject),
        "own_code" => format!("the own code of {}", row.subject),
        "timeouts" => "requests that timed out".to_owned(),
        "retries" => format!("failed attempts of {}", row.endpoints.first().map_or("calls", String::as_str)),
        "endpoint" => format!("what lies behind {}", row.subject),
        _ if row.id.starts_with('b') => row.subject.clone(),
        _ => {
            let caller = row.endpoints.first().map(|e| format!(" of {e}")).unwrap_or_default();
            let text: String = row.subject.chars().take(60).collect();
            let cut = if text.len() < row.subject.len() { "..." } else { "" };
            format!("statement {}{caller}: {text}{cut}", row.id)
        }
    }
}
