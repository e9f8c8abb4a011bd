//! Database calls: one row per call, whoever told of it.

use hashbrown::HashMap;
use parsers::{Kind, Outcome, Role};

use super::columns::Rows;
use super::correlate::{Fate, Links, NONE};
use super::requests::{RequestOf, Requests};
use crate::frame::{NO_NAME, NULL_I64};

/// Calls, column by column.
#[derive(Default)]
pub struct Calls {
    /// Row that tells of the call: the caller's where there is one.
    pub row: Vec<u32>,
    /// Number of the statement.
    pub statement: Vec<u32>,
    /// Number of the request it was made for, or none.
    pub request: Vec<u32>,
    /// As the caller saw it, else as the server did; the null pattern where nobody says.
    pub duration: Vec<i64>,
    /// As the server saw it; the null pattern where its log does not tell.
    pub server: Vec<i64>,
    /// How many executions the row stands for.
    pub count: Vec<u32>,
    /// Rows returned or affected, where said.
    pub rows: Vec<Option<u64>>,
    /// Whether it failed.
    pub failed: Vec<bool>,
    /// Statements by number: key of the fingerprint and of the product.
    pub statements: Vec<(u32, u32)>,
}

impl Calls {
    /// Number of calls.
    pub fn len(&self) -> usize {
        self.row.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }
}

/// Collects the calls of every request that is kept, and those no request claims.
///
/// A server's record under a caller's span is that call's server side, not a second call. So is a
/// server's record that no id joins, where a caller told of the same statement around it.
///
/// `unfiltered` is what `of` was before requests were filtered out: their calls go with them. Calls
/// of no request are kept where `in_window` holds of their end.
pub(crate) fn collect(
    rows: &Rows<'_>,
    links: &Links,
    of: &RequestOf,
    unfiltered: &RequestOf,
    requests: &Requests<'_>,
    in_window: impl Fn(i64) -> bool,
) -> Calls {
    if !rows.any(&[Kind::Database]) {
        return Calls::default();
    }
    let is_call = |row: usize| rows.is(row, Kind::Database) && !matches!(links.fate[row], Fate::Copy | Fate::Absorbed);
    let mut server_of: HashMap<u32, u32> = HashMap::new();
    let mut unclaimed = Vec::new();
    for row in (0..rows.len()).filter(|&row| is_call(row) && rows.role(row) == Role::Server) {
        let parent = links.parent[row];
        if parent != NONE && rows.is(parent as usize, Kind::Database) {
            server_of.insert(row as u32, parent);
        } else if parent == NONE {
            unclaimed.push(row as u32);
        }
    }
    pair_by_time(rows, links, &unclaimed, &mut server_of);
    let mut server_ns: HashMap<u32, i64> = HashMap::new();
    for (&server, &caller) in &server_of {
        let sum = server_ns.entry(caller).or_default();
        *sum = sum.saturating_add(links.duration[server as usize].max(0));
    }

    let mut calls = Calls::default();
    let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
    for row in (0..rows.len()).filter(|&row| is_call(row) && !server_of.contains_key(&(row as u32))) {
        let request = of[row];
        let filtered = request == NONE && (unfiltered[row] != NONE || !in_window(rows.end(row).unwrap_or(NULL_I64)));
        if rows.name(row) == NO_NAME || filtered {
            continue;
        }
        let key = (rows.name(row), rows.system(row));
        let next = calls.statements.len() as u32;
        let number = *numbers.entry(key).or_insert(next);
        if number == next {
            calls.statements.push(key);
        }
        let by_server = rows.role(row) == Role::Server;
        calls.row.push(row as u32);
        calls.statement.push(number);
        calls.request.push(if (request as usize) < requests.len() { request } else { NONE });
        calls.duration.push(busy(rows, links, row));
        calls.server.push(if by_server {
            links.duration[row]
        } else {
            server_ns.get(&(row as u32)).copied().unwrap_or(NULL_I64)
        });
        calls.count.push(rows.count(row).unwrap_or(1));
        calls.rows.push(rows.rows(row));
        calls.failed.push(matches!(rows.outcome(row), Outcome::Failed | Outcome::TimedOut));
    }
    calls
}

/// Gives a server's record without an id to the caller's span of the same statement that lies
/// around it in time, one to one.
fn pair_by_time(rows: &Rows<'_>, links: &Links, unclaimed: &[u32], server_of: &mut HashMap<u32, u32>) {
    const SLACK_NS: i64 = 2_000_000;
    let taken: hashbrown::HashSet<u32> = server_of.values().copied().collect();
    let mut callers: HashMap<u32, Vec<(i64, i64, u32)>> = HashMap::new();
    for row in 0..rows.len() {
        let caller = rows.is(row, Kind::Database) && rows.role(row) != Role::Server && links.fate[row] != Fate::Copy;
        if caller && !taken.contains(&(row as u32)) && links.start[row] != NULL_I64 {
            let end = links.start[row].saturating_add(links.duration[row].max(0));
            callers.entry(rows.name(row)).or_default().push((end, links.start[row], row as u32));
        }
    }
    for list in callers.values_mut() {
        list.sort_unstable();
    }
    let mut used = hashbrown::HashSet::new();
    for &server in unclaimed {
        let Some(list) = callers.get(&rows.name(server as usize)) else { continue };
        let start = links.start[server as usize];
        if start == NULL_I64 {
            continue;
        }
        let end = start.saturating_add(links.duration[server as usize].max(0));
        let from = list.partition_point(|&(caller_end, _, _)| caller_end < end.saturating_sub(SLACK_NS));
        // Few calls of one statement run at once: a short look ahead finds the one around.
        let around = list[from..]
            .iter()
            .take(64)
            .find(|&&(_, caller_start, row)| caller_start <= start.saturating_add(SLACK_NS) && !used.contains(&row));
        if let Some(&(_, _, caller)) = around {
            used.insert(caller);
            server_of.insert(server, caller);
        }
    }
}

/// How long a call took. A span that stands for several calls states the time in which they ran: between
/// them its caller was at work.
fn busy(rows: &Rows<'_>, links: &Links, row: usize) -> i64 {
    let stated = rows.span(row).and_then(|_| rows.parts(row)[2]);
    stated.filter(|_| links.duration[row] != NULL_I64).unwrap_or(links.duration[row])
}
