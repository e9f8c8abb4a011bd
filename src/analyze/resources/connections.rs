//! Connection pools: waited for before, held while statements run.

use hashbrown::HashMap;
use parsers::{Kind, Outcome, Role};

use super::span_holds::{Held, Waited, held};
use super::{Context, Found, sizes};
use crate::analyze::capacity::model::{self, Hold};
use crate::analyze::correlate::NONE;
use crate::frame::NO_NAME;

/// Adds the pools that records tell of: by a stated wait or database time, or by spans of the wait.
pub(super) fn add(context: &Context<'_>, found: &mut Found) {
    let stated = context.rows.any_part(1) && context.rows.any_part(2);
    if !stated && !context.rows.any(&[Kind::PoolWait, Kind::SocketWait]) {
        return;
    }
    let statements = statements_by_parent(context);
    let kept = Kept::of(context, &statements);
    let spans = ByOwner::of(context);
    for row in 0..context.rows.len() {
        let (Some(interval), true) = (context.interval(row), context.live(row)) else { continue };
        match context.rows.kind(row) {
            Kind::Request => add_stated(context, found, row, interval, &statements, kept),
            Kind::PoolWait | Kind::SocketWait if !told_by_caller(context, row) => add_span(context, found, row, interval, &spans),
            _ => {}
        }
    }
}

/// Whether the record above already totals its waits for a pool.
fn told_by_caller(context: &Context<'_>, row: usize) -> bool {
    let parent = context.links.parent[row];
    parent != NONE && context.rows.parts(parent as usize)[1].is_some()
}

/// A transaction that states what it waited for a connection and spent in the database. Where its
/// statements are joined they say when the connection was held; else the amounts are laid out in
/// the order queue, pool wait, database.
fn add_stated(
    context: &Context<'_>,
    found: &mut Found,
    row: usize,
    (start, end): (i64, i64),
    statements: &HashMap<u32, Vec<u32>>,
    kept: Kept,
) {
    let [queue, pool_wait, database, ..] = context.rows.parts(row);
    let (Some(wait), Some(database)) = (pool_wait, database) else { return };
    if wait == 0 && database == 0 {
        return;
    }
    let name = context.only_gauge(row, sizes::Sort::Connections).unwrap_or(model::UNNAMED).to_owned();
    let at = found.resource(context.host(row), model::Kind::Connections, &name);
    let gave_up = database == 0 && context.rows.outcome(row) == Outcome::TimedOut;
    let grant = start.saturating_add(queue.unwrap_or(0)).saturating_add(wait).min(end);
    let request = context.of[row];
    let resource = &mut found.resources[at];
    match statements.get(&(row as u32)).filter(|_| !gave_up) {
        Some(rows) => {
            let mut holds = holds_of(context, rows, request, kept);
            if let Some(first) = holds.first_mut() {
                first.wait_ns = wait;
            }
            resource.holds.append(&mut holds);
        }
        None => {
            let release = if gave_up { grant } else { grant.saturating_add(database).min(end) };
            let mut hold = Hold::new(grant, release, wait, request);
            hold.granted = !gave_up;
            hold.work_ns = Some(release - grant);
            hold.calls = context.rows.count(row).unwrap_or(0);
            resource.holds.push(hold);
            resource.placed = false;
        }
    }
    if gave_up {
        found.timeouts[at] += 1;
    }
}

/// Statements joined to a request, by it, in order of time.
fn statements_by_parent(context: &Context<'_>) -> HashMap<u32, Vec<u32>> {
    let mut by_parent: HashMap<u32, Vec<u32>> = HashMap::new();
    for row in (0..context.rows.len()).filter(|&row| context.rows.is(row, Kind::Database) && context.live(row)) {
        let parent = context.links.parent[row];
        if parent != NONE && context.interval(row).is_some() && context.rows.session(row).is_some() {
            by_parent.entry(parent).or_default().push(row as u32);
        }
    }
    for rows in by_parent.values_mut() {
        rows.sort_by_key(|&row| (context.links.start[row as usize], row));
    }
    by_parent
}

/// Statements of one session that follow within this, in nanoseconds, are one hold.
const SOON_NS: i64 = 5_000_000;

/// Whether requests keep their connection from their first statement to their last.
#[derive(Clone, Copy)]
struct Kept(bool);

impl Kept {
    /// They do where statements that lie further apart are nearly always of the same session: from a pool of several a
    /// connection that was given back would seldom come again.
    fn of(context: &Context<'_>, statements: &HashMap<u32, Vec<u32>>) -> Kept {
        const FEWEST: u64 = 30;
        let (mut sessions, mut apart, mut same) = (hashbrown::HashSet::new(), 0u64, 0u64);
        for pair in statements.values().flat_map(|rows| rows.windows(2)) {
            let [Some(before), Some(after)] = [pair[0], pair[1]].map(|row| context.interval(row as usize)) else { continue };
            let session = |row: u32| context.rows.session(row as usize);
            sessions.extend(session(pair[0]));
            if after.0.saturating_sub(before.1) > SOON_NS {
                apart += 1;
                same += u64::from(session(pair[0]) == session(pair[1]));
            }
        }
        Kept(sessions.len() >= 3 && apart >= FEWEST && same * 10 >= apart * 9)
    }
}

/// When connections were held: from the first to the last statement of a transaction, or of a request that keeps them, else
/// for each statement.
fn holds_of(context: &Context<'_>, rows: &[u32], request: u32, kept: Kept) -> Vec<Hold> {
    let mut holds: Vec<(Hold, bool)> = Vec::new();
    let mut last_of: HashMap<u64, usize> = HashMap::new();
    for &row in rows {
        let row = row as usize;
        let Some((start, end)) = context.interval(row) else { continue };
        let session = context.rows.session(row).unwrap_or(0);
        let text = context.rows.text(context.rows.name(row));
        let opens = matches!(text, "begin" | "start transaction");
        let closes = matches!(text, "commit" | "rollback");
        let last = last_of.get(&session).and_then(|&at| holds.get_mut(at));
        match last {
            Some((hold, open)) if *open || kept.0 || start.saturating_sub(hold.release_ns) <= SOON_NS => {
                hold.release_ns = hold.release_ns.max(end);
                hold.work_ns = hold.work_ns.map(|work| work + (end - start));
                hold.calls += 1;
                *open = (*open || opens) && !closes;
            }
            _ => {
                let mut hold = Hold::new(start, end, 0, request);
                hold.work_ns = Some(end - start);
                hold.calls = 1;
                last_of.insert(session, holds.len());
                holds.push((hold, opens));
            }
        }
    }
    holds.into_iter().map(|(hold, ..)| hold).collect()
}

/// What the waits for pools came to, told from the spans of database calls that ran for the same service
/// and request.
pub(super) struct ByOwner {
    /// What became of the slot after each span of a wait, by its row.
    held: HashMap<u32, Held>,
    /// The waits of each service and request.
    waited: HashMap<(u32, u32), Waited>,
}

/// A request's waits, each with its row, and its calls.
type Spans = (Vec<((i64, i64), u32)>, Vec<(i64, i64)>);

impl ByOwner {
    pub(super) fn of(context: &Context<'_>) -> ByOwner {
        let rows = context.rows;
        let mut by_owner: HashMap<(u32, u32), Spans> = HashMap::new();
        for row in (0..rows.len()).filter(|&row| context.live(row)) {
            let wait = matches!(rows.kind(row), Kind::PoolWait | Kind::SocketWait);
            let call = rows.is(row, Kind::Database) && rows.role(row) != Role::Server;
            if let (true, Some(interval)) = (wait || call, context.interval(row)) {
                let (waits, calls) = by_owner.entry((rows.service(row), context.of[row])).or_default();
                if wait {
                    waits.push((interval, row as u32));
                } else {
                    calls.push(interval);
                }
            }
        }
        let mut owners = ByOwner { held: HashMap::new(), waited: HashMap::new() };
        for (owner, (mut waits, mut calls)) in by_owner.into_iter().filter(|(_, (waits, _))| !waits.is_empty()) {
            waits.sort_unstable();
            calls.sort_unstable();
            let intervals: Vec<(i64, i64)> = waits.iter().map(|wait| wait.0).collect();
            owners.held.extend(waits.iter().map(|wait| wait.1).zip(held(&intervals, &calls)));
            owners.waited.insert(owner, Waited::of(&intervals));
        }
        owners
    }

    /// Time a service waited for pools on behalf of a request, within a period, in nanoseconds.
    pub(super) fn waits_within(&self, service: u32, request: u32, period: (i64, i64)) -> i64 {
        self.waited.get(&(service, request)).map_or(0, |waited| waited.within(period))
    }
}

/// A span of the wait itself: the connection is held until the last call before the next wait.
fn add_span(context: &Context<'_>, found: &mut Found, row: usize, (start, end): (i64, i64), spans: &ByOwner) {
    let rows = context.rows;
    let kind = if rows.is(row, Kind::PoolWait) { model::Kind::Connections } else { model::Kind::Sockets };
    let name = match rows.service(row) {
        NO_NAME => context.pool_name(row).to_owned(),
        key => format!("{} {}", rows.text(key), context.pool_name(row)),
    };
    let at = found.resource(context.host(row), kind, &name);
    let mut hold = Hold::new(end, end, end - start, context.of[row]);
    hold.granted = rows.outcome(row) != Outcome::TimedOut;
    if !hold.granted {
        found.timeouts[at] += 1;
    }
    let held = spans.held.get(&(row as u32)).copied().unwrap_or_default();
    hold.release_ns = held.release_ns.unwrap_or(end);
    hold.calls = held.calls;
    if hold.granted && hold.calls > 0 {
        hold.work_ns = Some(held.work_ns);
    }
    found.resources[at].holds.push(hold);
}
