//! What limits, or takes the most: the cause first, its symptoms after it.

mod rows;
mod waits;
mod words;

use rows::{externals, of_bucket, of_endpoint, of_statement, timeouts};
use waits::{of_wait, watched};
pub(super) use words::{capitalised, named};

use super::bucket::Bucket;
use super::rules::Facts;
use super::tables::BottleneckRow;

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
