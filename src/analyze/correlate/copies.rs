//! Records of one event in two sources: text and JSON access logs, three shapes of a database log.
//! They are one operation. Copies of spans are told by their ids, see [`super::spans`].

use hashbrown::HashMap;
use parsers::Kind;

use super::{Fate, Links};
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::NULL_I64;

/// Share of the smaller source's records that must have a twin for two sources to be copies.
const ENOUGH: f64 = 0.9;
/// Two sources with fewer common records than this are not compared.
const FEWEST: usize = 5;

/// Marks every row that tells of an event another row tells of as well.
pub(super) fn mark(rows: &Rows<'_>, origins: &[Origin], links: &mut Links) {
    if origins.len() > 1 {
        mark_records(rows, origins, links);
    }
}

fn resolution(rows: &Rows<'_>, origins: &[Origin], row: usize) -> i64 {
    let origin = &origins[rows.source[row] as usize];
    origin.stamp_resolution_ns.max(origin.resolution_ns).max(1_000_000)
}

/// What two records of one event have in common, whatever their shape.
type Likeness = (u8, u32, u32, u64, i64, u16, u128, u64);

/// Plain records: two sources of which nearly all of the smaller one's records, where the two
/// overlap in time, have a twin in the other.
fn mark_records(rows: &Rows<'_>, origins: &[Origin], links: &mut Links) {
    let mut by_source: HashMap<u32, Vec<u32>> = HashMap::new();
    for row in 0..rows.len() {
        let plain = rows.span(row).is_none() && links.fate[row] == Fate::Root && links.duration[row] != NULL_I64;
        if plain && matches!(rows.kind(row), Kind::Request | Kind::Database | Kind::Pause) {
            by_source.entry(rows.source[row]).or_default().push(row as u32);
        }
    }
    let mut sources: Vec<u32> = by_source.keys().copied().collect();
    // The finest clock first: it is the one that stays.
    sources.sort_by_key(|&s| (origins[s as usize].stamp_resolution_ns, s));
    for (i, &kept) in sources.iter().enumerate() {
        for &other in &sources[i + 1..] {
            let apart = origins[kept as usize].family != origins[other as usize].family;
            if apart && overlap(origins[kept as usize].span, origins[other as usize].span) {
                mark_pair(rows, origins, links, &by_source[&kept], &by_source[&other]);
            }
        }
    }
}

fn overlap(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.0 <= b.1 && b.0 <= a.1)
}

fn mark_pair(rows: &Rows<'_>, origins: &[Origin], links: &mut Links, kept: &[u32], other: &[u32]) {
    let (Some(&a), Some(&b)) = (kept.first(), other.first()) else { return };
    let step = resolution_of_durations(origins, rows, a as usize).max(resolution_of_durations(origins, rows, b as usize));
    let with_ids = |list: &[u32]| list.iter().any(|&row| rows.request(row as usize).is_some());
    let ids = with_ids(kept) && with_ids(other);
    // Two hosts of one service serve requests that look alike; only an id tells that they are one.
    let host = |row: u32| origins[rows.source[row as usize] as usize].host;
    if !ids && host(a) != host(b) && rows.is(a as usize, Kind::Request) {
        return;
    }
    let bytes = [a, b].iter().all(|&row| rows.bytes(row as usize).is_some());
    // As it was logged; only what two records tell has no duration of its own.
    let took = |row: usize| rows.duration(row).unwrap_or(links.duration[row]);
    let like = |row: u32| -> Likeness {
        let row = row as usize;
        let id = if ids { rows.request(row).unwrap_or(0) } else { 0 };
        let duration = took(row) / step;
        (
            rows.kind(row) as u8,
            rows.name(row),
            rows.method(row),
            rows.session(row).unwrap_or(0),
            duration,
            rows.status(row).unwrap_or(0),
            id,
            if bytes { rows.bytes(row).unwrap_or(0) } else { 0 },
        )
    };
    let live = |row: &&u32| links.fate[**row as usize] == Fate::Root;
    let end = |row: u32| links.start[row as usize].saturating_add(took(row as usize));
    let mut twins: HashMap<Likeness, Twins> = HashMap::new();
    for &row in kept.iter().filter(live) {
        twins.entry(like(row)).or_default().ends.push(end(row));
    }
    twins.values_mut().for_each(Twins::sort);
    let tolerance = resolution(rows, origins, a as usize) + resolution(rows, origins, b as usize);
    let is_found = |row: &&u32| twins.get_mut(&like(**row)).is_some_and(|twins| twins.take(end(**row), tolerance));
    let found: Vec<u32> = other.iter().filter(live).filter(is_found).copied().collect();
    let smaller = kept.iter().filter(live).count().min(other.iter().filter(live).count());
    if found.len() >= FEWEST && found.len() as f64 >= ENOUGH * smaller as f64 {
        links.joined.copies += found.len() as u64;
        for row in found {
            links.fate[row as usize] = Fate::Copy;
        }
    }
}

/// When records of one likeness ended, each to be taken once.
#[derive(Default)]
struct Twins {
    ends: Vec<i64>,
    /// For each, the first at or after it that is not taken yet, by way of others.
    free: Vec<u32>,
}

impl Twins {
    fn sort(&mut self) {
        self.ends.sort_unstable();
        self.free = (0..=self.ends.len() as u32).collect();
    }

    /// Takes the earliest that ended within a tolerance of `end`, if there is one.
    fn take(&mut self, end: i64, tolerance: i64) -> bool {
        let mut at = self.ends.partition_point(|&e| e < end.saturating_sub(tolerance));
        while self.free[at] as usize != at {
            self.free[at] = self.free[self.free[at] as usize];
            at = self.free[at] as usize;
        }
        let is_there = self.ends.get(at).is_some_and(|&e| e <= end.saturating_add(tolerance));
        if is_there {
            self.free[at] += 1;
        }
        is_there
    }
}

fn resolution_of_durations(origins: &[Origin], rows: &Rows<'_>, row: usize) -> i64 {
    origins[rows.source[row] as usize].resolution_ns.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_twin_is_taken_once_and_the_earliest_first() {
        let mut twins = Twins { ends: vec![30, 10, 20], free: Vec::new() };
        twins.sort();
        assert!(twins.take(15, 5) && twins.take(15, 5) && !twins.take(15, 5));
        assert!(twins.take(26, 5) && !twins.take(26, 5));
    }
}
