//! Connection pools: waited for before, held while statements run.

use hashbrown::HashMap;
use parsers::{Kind, Outcome, Role};

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
    let name = context.only_gauge(row, sizes::Sort::Connections).unwrap_or("(unnamed)").to_owned();
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
    let mut holds: Vec<(Hold, u64, bool)> = Vec::new();
    for &row in rows {
        let row = row as usize;
        let Some((start, end)) = context.interval(row) else { continue };
        let session = context.rows.session(row).unwrap_or(0);
        let text = context.rows.text(context.rows.name(row));
        let opens = matches!(text, "begin" | "start transaction");
        let closes = matches!(text, "commit" | "rollback");
        let last = holds.iter_mut().rev().find(|(_, s, _)| *s == session);
        match last {
            Some((hold, _, open)) if *open || kept.0 || start.saturating_sub(hold.release_ns) <= SOON_NS => {
                hold.release_ns = hold.release_ns.max(end);
                hold.work_ns = hold.work_ns.map(|work| work + (end - start));
                hold.calls += 1;
                *open = (*open || opens) && !closes;
            }
            _ => {
                let mut hold = Hold::new(start, end, 0, request);
                hold.work_ns = Some(end - start);
                hold.calls = 1;
                holds.push((hold, session, opens));
            }
        }
    }
    holds.into_iter().map(|(hold, ..)| hold).collect()
}

/// Spans of database calls and pool waits by the service and request they ran for, in order of time.
pub(super) struct ByOwner(HashMap<(u32, u32), Vec<(i64, i64, bool)>>);

impl ByOwner {
    pub(super) fn of(context: &Context<'_>) -> ByOwner {
        let rows = context.rows;
        let mut by_owner: HashMap<(u32, u32), Vec<(i64, i64, bool)>> = HashMap::new();
        for row in (0..rows.len()).filter(|&row| context.live(row)) {
            let wait = matches!(rows.kind(row), Kind::PoolWait | Kind::SocketWait);
            let call = rows.is(row, Kind::Database) && rows.role(row) != Role::Server;
            if let (true, Some((start, end))) = (wait || call, context.interval(row)) {
                by_owner.entry((rows.service(row), context.of[row])).or_default().push((start, end, wait));
            }
        }
        by_owner.values_mut().for_each(|list| list.sort_unstable());
        ByOwner(by_owner)
    }

    /// Start, end and whether it is a wait, of the calls and waits of a service for a request.
    fn get(&self, service: u32, request: u32) -> &[(i64, i64, bool)] {
        self.0.get(&(service, request)).map_or(&[], Vec::as_slice)
    }

    /// Time a service waited for pools on behalf of a request, within a period, in nanoseconds.
    pub(super) fn waits_within(&self, service: u32, request: u32, (from, to): (i64, i64)) -> i64 {
        let waits = self.get(service, request).iter().filter(|span| span.2);
        waits.fold(0i64, |sum, span| sum.saturating_add(span.1.min(to).saturating_sub(span.0.max(from)).max(0)))
    }
}

/// A span of the wait itself: the connection is held until the last call before the next wait.
fn add_span(context: &Context<'_>, found: &mut Found, row: usize, (start, end): (i64, i64), spans: &ByOwner) {
    let rows = context.rows;
    let kind = if rows.is(row, Kind::PoolWait) { model::Kind::Connections } else { model::Kind::Sockets };
    let service = rows.service(row);
    let host = context.host(row);
    let name = match service {
        NO_NAME => pool_name(context, row).to_owned(),
        key => format!("{} {}", rows.text(key), pool_name(context, row)),
    };
    let at = found.resource(host, kind, &name);
    let mut hold = Hold::new(end, end, end - start, context.of[row]);
    hold.granted = rows.outcome(row) != Outcome::TimedOut;
    if !hold.granted {
        found.timeouts[at] += 1;
    }
    let mut work = 0;
    let spans = spans.get(service, context.of[row]);
    let first = spans.partition_point(|&(from, ..)| from < start);
    for &(from, to, wait) in &spans[first..] {
        if (from, to) == (start, end) {
            continue;
        }
        if wait && from >= end {
            break;
        }
        if !wait && to > end {
            hold.release_ns = hold.release_ns.max(to);
            work += to - from.max(end);
            hold.calls += 1;
        }
    }
    if hold.granted && hold.calls > 0 {
        hold.work_ns = Some(work);
    }
    found.resources[at].holds.push(hold);
}

fn pool_name<'a>(context: &Context<'a>, row: usize) -> &'a str {
    match context.rows.name(row) {
        NO_NAME => "(unnamed)",
        key => context.rows.text(key),
    }
}
