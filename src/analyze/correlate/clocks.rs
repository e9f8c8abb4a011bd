//! Clocks that differ from log to log: the offset at which what was joined by an id lies within what it belongs to.
//!
//! Of a record within another, start and end bound the offset of its log from both sides; the offset that most pairs allow is
//! taken. Spans have a correction of their own, see [`crate::analyze::attribute::skew`].

use std::collections::BTreeMap;

use hashbrown::HashMap;
use parsers::Kind;

use super::{Links, NONE};
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::NULL_I64;
use crate::units::{count_text, duration_text};

/// Pairs below which nothing is said of a clock.
const FEWEST: usize = 20;
/// Share of pairs that lie within each other as they are where clocks agree.
const AGREE: f64 = 0.95;
/// Share of pairs that have to allow an offset.
const ALLOW: f64 = 0.9;
/// Offsets below this are the rounding of stamps, in nanoseconds.
const LEAST_NS: i64 = 5_000_000;
/// How far stamps may be off beyond their resolution, in nanoseconds.
const SLACK_NS: i64 = 2_000_000;

/// How far a log has to be moved, in nanoseconds, and by how many pairs that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Offset {
    ns: i64,
    /// Half the width of what the pairs leave open.
    error_ns: i64,
    pairs: usize,
}

/// For every source whose clock differs from the others' how far it is moved, in nanoseconds, and a sentence.
pub(super) fn offsets(rows: &Rows<'_>, origins: &[Origin], links: &Links) -> Vec<(u32, i64, String)> {
    let family = |row: usize| origins[rows.source[row] as usize].family;
    let mut pairs: BTreeMap<(u32, u32), Vec<(i64, i64)>> = BTreeMap::new();
    if origins.windows(2).any(|pair| pair[0].family != pair[1].family) {
        let innermost = innermost_requests(rows, links);
        for row in (0..rows.len()).filter(|&row| links.parent[row] != NONE && rows.span(row).is_none()) {
            let Some(id) = id(rows, row) else { continue };
            // What is no request hangs where its stamps let it, and belongs to the innermost request within that.
            let parent = links.parent[row];
            let is_within = |inner: &u32| links.parent[*inner as usize] == parent;
            let inner = innermost.get(&id).copied().filter(|_| !rows.is(row, Kind::Request)).filter(is_within);
            let outer = inner.unwrap_or(parent) as usize;
            if family(row) != family(outer)
                && let Some(bounds) = bounds(rows, origins, links, row, outer)
            {
                pairs.entry((family(row), family(outer))).or_default().push(bounds);
            }
        }
    }
    let mut steps: BTreeMap<u32, (u32, Option<Offset>)> = BTreeMap::new();
    for ((inner, outer), bounds) in pairs {
        // A log may hang under several; the one it shares most with places it.
        let known = steps.get(&inner).and_then(|(_, offset)| *offset).map_or(0, |offset| offset.pairs);
        if bounds.len() >= FEWEST && bounds.len() > known {
            steps.insert(inner, (outer, offset(&bounds)));
        }
    }
    moves(origins, &steps)
}

fn id(rows: &Rows<'_>, row: usize) -> Option<u128> {
    rows.request(row).or_else(|| rows.trace(row))
}

/// The shortest request of each id, which is the innermost one; spans are none.
fn innermost_requests(rows: &Rows<'_>, links: &Links) -> HashMap<u128, u32> {
    let mut innermost: HashMap<u128, u32> = HashMap::new();
    for row in rows.of_kind(Kind::Request).filter(|&row| rows.span(row).is_none() && links.duration[row] != NULL_I64) {
        if let Some(id) = id(rows, row) {
            let known = innermost.entry(id).or_insert(row as u32);
            if links.duration[row] < links.duration[*known as usize] {
                *known = row as u32;
            }
        }
    }
    innermost
}

/// Between which offsets an inner record lies within its outer one; `None` where it is too long for that.
fn bounds(rows: &Rows<'_>, origins: &[Origin], links: &Links, inner: usize, outer: usize) -> Option<(i64, i64)> {
    let place = |row: usize| {
        let (start, duration) = (links.start[row], links.duration[row]);
        (start != NULL_I64 && duration != NULL_I64).then(|| (start, start.saturating_add(duration)))
    };
    let step = |row: usize| origins[rows.source[row] as usize].stamp_resolution_ns;
    let ((inner_start, inner_end), (outer_start, outer_end)) = (place(inner)?, place(outer)?);
    // Stamps are cut, not rounded: the truth lies at or after them.
    let low = outer_start.saturating_sub(inner_start).saturating_sub(step(inner)).saturating_sub(SLACK_NS);
    let high = outer_end.saturating_sub(inner_end).saturating_add(step(outer)).saturating_add(SLACK_NS);
    (inner_end.saturating_sub(inner_start) <= outer_end.saturating_sub(outer_start) && low <= high).then_some((low, high))
}

/// The middle of the offsets that most pairs allow: none where they lie within each other as they are, or never agree.
fn offset(bounds: &[(i64, i64)]) -> Option<Offset> {
    let none = Some(Offset { ns: 0, error_ns: 0, pairs: bounds.len() });
    let allow = |ns: i64| bounds.iter().filter(|(low, high)| (*low..=*high).contains(&ns)).count() as f64 / bounds.len() as f64;
    if allow(0) >= AGREE {
        return none;
    }
    let mut edges: Vec<(i64, i32)> = bounds.iter().flat_map(|&(low, high)| [(low, -1), (high, 1)]).collect();
    // At one moment what begins comes before what ends.
    edges.sort_unstable();
    let (mut open, mut most, mut best) = (0, 0, (0, 0));
    for (at, &(from, edge)) in edges.iter().enumerate() {
        open -= edge;
        if open > most {
            (most, best) = (open, (from, edges.get(at + 1).map_or(from, |next| next.0)));
        }
    }
    let ns = best.0 + (best.1 - best.0) / 2;
    if (f64::from(most)) < ALLOW * bounds.len() as f64 || ns.abs() < LEAST_NS {
        return none;
    }
    Some(Offset { ns, error_ns: (best.1 - best.0) / 2, pairs: bounds.len() })
}

/// How far each source is moved: the offsets add up from the inside out, and the clock that most logs share stays.
fn moves(origins: &[Origin], steps: &BTreeMap<u32, (u32, Option<Offset>)>) -> Vec<(u32, i64, String)> {
    let mut total: BTreeMap<u32, i64> = BTreeMap::new();
    for origin in origins {
        let (mut at, mut sum) = (origin.family, 0i64);
        let is_joined = steps.contains_key(&at) || steps.values().any(|(outer, _)| *outer == at);
        // No chain is longer than there are logs.
        for _ in 0..steps.len() {
            let Some((outer, offset)) = steps.get(&at) else { break };
            sum = sum.saturating_add(offset.map_or(0, |offset| offset.ns));
            at = *outer;
        }
        if is_joined {
            total.insert(origin.family, sum);
        }
    }
    let near = |a: i64, b: i64| a.saturating_sub(b).saturating_abs() < LEAST_NS;
    let sharing = |ns: i64| total.values().filter(|&&other| near(ns, other)).count();
    // Of equals the outermost log's clock, which has no offset.
    let Some(stays) = total.values().copied().max_by_key(|&ns| (sharing(ns), ns == 0)) else { return Vec::new() };
    let moved_by = |family: u32| total.get(&family).map(|&ns| ns.saturating_sub(stays)).filter(|&ns| !near(ns, 0));
    let pairs = steps.values().filter_map(|(_, offset)| offset.filter(|offset| offset.ns != 0));
    let (count, error_ns) = pairs.fold((0, 0), |(n, error), offset| (n + offset.pairs, error.max(offset.error_ns)));
    let name = |ns: i64| if ns > 0 { "behind" } else { "ahead of" };
    origins
        .iter()
        .enumerate()
        .filter_map(|(source, origin)| {
            // What no id joins follows the only joined logs of its host.
            let hosts = || origins.iter().filter(|o| o.host == origin.host && total.contains_key(&o.family));
            let by_host = || {
                let first = moved_by(hosts().next()?.family)?;
                hosts().all(|o| moved_by(o.family).is_some_and(|ns| near(ns, first))).then_some(first)
            };
            let ns = if total.contains_key(&origin.family) { moved_by(origin.family) } else { by_host() }?;
            let note = format!(
                "its clock is {} {} the other logs', +- {}, by {} records joined by their ids: moved",
                duration_text(ns.saturating_abs()),
                name(ns),
                duration_text(error_ns),
                count_text(count as i64)
            );
            Some((source as u32, ns, note))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn the_offset_that_most_pairs_allow() {
        // Inner records of 30 ms begin 5 to 15 ms after outer ones of 60 ms, by a clock that is 200 ms ahead.
        let bounds: Vec<(i64, i64)> = (0..40)
            .map(|i| {
                let begin = 200 * MS + (5 + i % 11) * MS;
                (-begin, 60 * MS - begin - 30 * MS)
            })
            .collect();
        // The latest to begin allows -200 + 15 ms at most, the earliest -205 ms at least.
        let found = offset(&bounds).expect("an offset");
        assert_eq!((found.ns, found.error_ns), (-195 * MS, 10 * MS));
        let agree: Vec<(i64, i64)> = (0..40).map(|_| (-5 * MS, 25 * MS)).collect();
        assert_eq!(offset(&agree).map(|o| o.ns), Some(0));
    }

    #[test]
    fn the_clock_that_most_logs_share_stays() {
        let origins: Vec<Origin> = (0..4).map(|family| Origin { family, host: family, ..Origin::default() }).collect();
        let known = |ns| Some(Offset { ns, error_ns: 0, pairs: 100 });
        // The outermost log is three seconds ahead of the two inside it; a fourth is joined to none.
        let steps = BTreeMap::from([(1, (0, known(3_000 * MS))), (2, (1, known(0)))]);
        let moved: Vec<(u32, i64)> = moves(&origins, &steps).into_iter().map(|(source, ns, _)| (source, ns)).collect();
        assert_eq!(moved, [(0, -3_000 * MS)]);
        // The one in the middle alone differs.
        let steps = BTreeMap::from([(1, (0, known(-3_000 * MS))), (2, (1, known(3_000 * MS)))]);
        let moved: Vec<(u32, i64)> = moves(&origins, &steps).into_iter().map(|(source, ns, _)| (source, ns)).collect();
        assert_eq!(moved, [(1, -3_000 * MS)]);
    }
}
