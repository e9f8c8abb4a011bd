//! The critical path of every request, booked on its buckets.

use parsers::{Kind, Role};

use super::critical_path::{CriticalPath, critical_path};
use super::forest::{DROPPED, Forest, NO_PARENT, Spans};
use super::self_time::self_time;
use super::split::{Below, split};
use crate::analyze::bucket::{Bucket, Splits};
use crate::analyze::columns::Rows;
use crate::analyze::correlate::{Fate, Links, NONE};
use crate::analyze::requests::{RequestOf, Requests};
use crate::analyze::sources::Origin;
use crate::frame::NULL_I64;

/// What the walk found, beside the buckets of the requests.
#[derive(Default)]
pub(crate) struct Attribution {
    /// Time of each row itself on its request's critical path, in nanoseconds; empty when nothing
    /// was joined.
    pub(crate) cp_ns: Vec<i64>,
    /// Row above each row in the walk; empty when nothing was joined.
    pub(crate) walk_parent: Vec<u32>,
    /// Start and end of each row as the walk saw it; empty when nothing was joined.
    pub(crate) windows: (Vec<i64>, Vec<i64>),
    /// Time of each row that no row below it covers; empty without spans.
    pub(crate) self_ns: Vec<i64>,
    /// Time of each row and all below it on the critical path; empty without spans.
    pub(crate) branch_ns: Vec<i64>,
    /// How far the work of each request's outermost row runs on after its end; empty without spans.
    pub(crate) tail_ns: Vec<i64>,
    /// Time that stated parts claimed beyond their record, or inner records beyond outer ones.
    pub(crate) clipped_ns: i64,
    /// How many records that happened to.
    pub(crate) clipped: u64,
    /// Path time that may as well have been another sibling's.
    pub(crate) ambiguous_ns: i64,
    /// Calls of which only sums are known, and their time: they are on no path.
    pub(crate) unplaced: u64,
    pub(crate) unplaced_ns: i64,
    /// Requests whose statements took longer in the database's log than the caller says.
    pub(crate) contradictions: u64,
}

/// Splits every request of which several records tell.
pub(crate) fn attribute(
    rows: &Rows<'_>,
    origins: &[Origin],
    links: &Links,
    of: &RequestOf,
    requests: &mut Requests<'_>,
) -> Attribution {
    if links.fate.contains(&Fate::Child) { joined(rows, origins, links, of, requests) } else { Attribution::default() }
}

fn joined(rows: &Rows<'_>, origins: &[Origin], links: &Links, of: &RequestOf, requests: &mut Requests<'_>) -> Attribution {
    let parent = walk_parents(rows, links, of);
    let (start, end) = windows(rows, origins, links, &parent);
    let forest = Forest::new(Spans {
        start: &start,
        end: &end,
        parent: &parent,
        blocking: &links.blocking,
        after: &links.after,
        tie: &[],
    });
    let CriticalPath { cp_ns, ambiguous_ns } = critical_path(&forest, |_, _, _| {});

    let mut attribution = Attribution { ambiguous_ns, ..Attribution::default() };
    let below: Vec<Below> = below(rows, &parent);
    requests.buckets = Splits::new(requests.len());
    for &row in forest.top_down() {
        let row = row as usize;
        let request = of[row];
        // A row off the path still says which buckets are known; but only requests say so for all.
        if request == NONE || links.duration[row] == NULL_I64 || (cp_ns[row] == 0 && !rows.is(row, Kind::Request)) {
            continue;
        }
        let book = |bucket, ns| requests.buckets.add(request as usize, bucket, ns);
        let clipped = split(rows, row, cp_ns[row], below[row], book);
        attribution.clipped_ns = attribution.clipped_ns.saturating_add(clipped);
        attribution.clipped += u64::from(clipped > 0);
    }
    debug_assert!(is_partition(rows, links, requests), "the buckets of a request sum to its duration");
    for (row, &above) in parent.iter().enumerate().filter(|(_, p)| **p != NO_PARENT && **p != DROPPED) {
        if rows.is(row, Kind::Request) && rows.span(row).is_none() && links.duration[row] > links.duration[above as usize] {
            attribution.clipped += 1;
            attribution.clipped_ns =
                attribution.clipped_ns.saturating_add(links.duration[row] - links.duration[above as usize].max(0));
        }
    }
    attribution.contradictions = contradictions(rows, links);
    let is_sum = |&row: &usize| links.start[row] == NULL_I64 && links.duration[row] != NULL_I64 && links.parent[row] != NONE;
    for row in (0..rows.len()).filter(is_sum) {
        if of[row] != NONE && !rows.is(row, Kind::Request) {
            attribution.unplaced += u64::from(rows.count(row).unwrap_or(1));
            attribution.unplaced_ns = attribution.unplaced_ns.saturating_add(links.duration[row]);
        }
    }
    if rows.has_spans() {
        attribution.self_ns = self_time(&forest);
        attribution.branch_ns = branches(&forest, &cp_ns);
        attribution.tail_ns = forest.async_tails();
    }
    attribution.cp_ns = cp_ns;
    attribution.walk_parent = parent;
    attribution.windows = (start, end);
    attribution
}

/// Whether every request is split exactly. Times near the end of the calendar are cut, and left out here.
fn is_partition(rows: &Rows<'_>, links: &Links, requests: &Requests<'_>) -> bool {
    (0..requests.len()).filter(|&request| requests.duration[request] != NULL_I64).all(|request| {
        let start = links.start[requests.row[request] as usize];
        let is_cut = start != NULL_I64 && start.checked_add(requests.duration[request]).is_none();
        is_cut || requests.buckets(rows, request).sum() == requests.duration[request]
    })
}

/// Path times of whole branches.
fn branches(forest: &Forest<'_>, cp_ns: &[i64]) -> Vec<i64> {
    let mut branch_ns = cp_ns.to_vec();
    for &row in forest.top_down().iter().rev() {
        let own = branch_ns[row as usize];
        if let Some(above) = branch_ns.get_mut(forest.spans.parent[row as usize] as usize) {
            *above = above.saturating_add(own);
        }
    }
    branch_ns
}

/// Who hangs under whom in the walk. A row does not enter it when its caller states a total for
/// its kind, when caller and server both told of it, or when it has no place in time.
fn walk_parents(rows: &Rows<'_>, links: &Links, of: &RequestOf) -> Vec<u32> {
    (0..rows.len())
        .map(|row| {
            let parent = links.parent[row];
            if parent == NONE {
                let stands_alone = of[row] != NONE && matches!(links.fate[row], Fate::Root | Fate::Orphan);
                return if stands_alone { NO_PARENT } else { DROPPED };
            }
            let above = parent as usize;
            let placed = links.start[row] != NULL_I64 && links.duration[row] != NULL_I64 && links.start[above] != NULL_I64;
            if placed && !told_by_caller(rows, row, above) { parent } else { DROPPED }
        })
        .collect()
}

/// Whether the record above accounts for this row's time itself.
fn told_by_caller(rows: &Rows<'_>, row: usize, above: usize) -> bool {
    let parts = rows.parts(above);
    let part = match rows.kind(row) {
        Kind::ThreadWait => parts[0],
        Kind::PoolWait | Kind::SocketWait => parts[1],
        Kind::Database | Kind::LockWait => parts[2],
        Kind::External | Kind::Cache | Kind::Messaging => parts[3],
        _ => None,
    };
    let seen_twice = rows.is(row, Kind::Database) && rows.role(row) == Role::Server && rows.is(above, Kind::Database);
    part.is_some() || seen_twice
}

/// Start and end of each row. A record with a coarse stamp is moved, within what the stamp leaves
/// open, to where it holds its children.
fn windows(rows: &Rows<'_>, origins: &[Origin], links: &Links, parent: &[u32]) -> (Vec<i64>, Vec<i64>) {
    let mut start: Vec<i64> = links.start.iter().map(|&s| if s == NULL_I64 { 0 } else { s }).collect();
    let mut end: Vec<i64> = start.iter().zip(links.duration.iter()).map(|(s, d)| s.saturating_add((*d).max(0))).collect();
    let mut hull: Vec<(i64, i64)> = vec![(i64::MAX, i64::MIN); rows.len()];
    for &row in children_first(parent).iter() {
        let row = row as usize;
        let (first, last) = hull[row];
        if first <= last && rows.span(row).is_none() {
            let step = origins[rows.source[row] as usize].stamp_resolution_ns.max(1_000_000);
            let shift = shift_to_hold((start[row], end[row]), (first, last), 2 * step + 2_000_000);
            start[row] = start[row].saturating_add(shift);
            end[row] = end[row].saturating_add(shift);
        }
        if let Some(above) = hull.get_mut(parent[row] as usize) {
            *above = (above.0.min(start[row]), above.1.max(end[row]));
        }
    }
    (start, end)
}

/// How far a window moves so as to hold another, by no more than `most`. A window that is too
/// short ends where the other ends.
fn shift_to_hold(window: (i64, i64), inner: (i64, i64), most: i64) -> i64 {
    let fits = window.1.saturating_sub(window.0) >= inner.1.saturating_sub(inner.0);
    let shift = if !fits || inner.1 > window.1 {
        inner.1.saturating_sub(window.1)
    } else if inner.0 < window.0 {
        inner.0.saturating_sub(window.0)
    } else {
        0
    };
    if shift.saturating_abs() <= most { shift } else { 0 }
}

/// Rows in an order in which each comes before its parent.
fn children_first(parent: &[u32]) -> Vec<u32> {
    let mut waiting = vec![0u32; parent.len()];
    for &p in parent {
        if let Some(count) = waiting.get_mut(p as usize) {
            *count += 1;
        }
    }
    let mut order: Vec<u32> = (0..parent.len() as u32).filter(|&row| waiting[row as usize] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        let above = parent[order[at] as usize];
        at += 1;
        if let Some(count) = waiting.get_mut(above as usize) {
            *count -= 1;
            if *count == 0 {
                order.push(above);
            }
        }
    }
    order
}

pub(crate) fn below(rows: &Rows<'_>, parent: &[u32]) -> Vec<Below> {
    let mut below = vec![Below::default(); parent.len()];
    for (row, &above) in parent.iter().enumerate() {
        if let Some(below) = below.get_mut(above as usize) {
            below.any = true;
            below.tier |= rows.is(row, Kind::Request);
        }
    }
    below
}

/// Requests whose joined statements took longer, by their server's word, than the caller says it
/// spent in the database: by more than 5 % and 2 ms.
fn contradictions(rows: &Rows<'_>, links: &Links) -> u64 {
    let mut server: hashbrown::HashMap<u32, i64> = hashbrown::HashMap::new();
    for row in 0..rows.len() {
        let parent = links.parent[row];
        if parent != NONE && rows.is(row, Kind::Database) && rows.role(row) == Role::Server && links.duration[row] != NULL_I64 {
            let sum = server.entry(parent).or_default();
            *sum = sum.saturating_add(links.duration[row]);
        }
    }
    let over = |row: u32, sum: i64| {
        let said = rows.parts(row as usize)[Bucket::Database as usize];
        said.is_some_and(|said| sum > said + said / 20 && sum > said + 2_000_000)
    };
    server.into_iter().filter(|&(row, sum)| over(row, sum)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coarse_window_moves_to_hold_what_is_inside() {
        assert_eq!(shift_to_hold((0, 100), (10, 90), 50), 0);
        assert_eq!(shift_to_hold((0, 100), (40, 120), 50), 20);
        assert_eq!(shift_to_hold((0, 100), (-30, 60), 50), -30);
        assert_eq!(shift_to_hold((0, 100), (-300, -260), 50), 0, "too far is another request");
        assert_eq!(shift_to_hold((0, 50), (10, 70), 50), 20, "too short ends with what is inside");
    }

    #[test]
    fn children_come_before_their_parents() {
        assert_eq!(children_first(&[NO_PARENT, 0, 1, 1]), [2, 3, 1, 0]);
    }
}
