//! Pauses of the runtime, laid over the requests they fell into.

use hashbrown::{HashMap, HashSet};
use parsers::Kind;

use crate::analyze::bucket::{Bucket, Splits};
use crate::analyze::columns::Rows;
use crate::analyze::correlate::{Fate, Links, NONE};
use crate::analyze::requests::{RequestOf, Requests};
use crate::analyze::sources::Origin;
use crate::frame::NULL_I64;

/// Intervals that do not overlap, in order.
type Timeline = Vec<(i64, i64)>;

/// Books what pauses took of each request: first from its own time, then from what lies between
/// the tiers, then from calls to others, which a pause makes look longer. What of a pause falls
/// into a wait or a database call stays there: the wait was for something else.
///
/// A pause belongs to the requests of its host; where no request was logged on that host, to all.
pub(crate) fn overlay(rows: &Rows<'_>, origins: &[Origin], links: &Links, of: &RequestOf, requests: &mut Requests<'_>) {
    let timelines = timelines(rows, links, |row| origins[rows.source[row] as usize].host);
    if timelines.is_empty() {
        return;
    }
    let hosts_with_requests: HashSet<u32> = (0..rows.len())
        .filter(|&row| rows.is(row, Kind::Request) && of[row] != NONE)
        .map(|row| origins[rows.source[row] as usize].host)
        .collect();
    let mut by_request: HashMap<u32, HashSet<u32>> = HashMap::new();
    let mut busy_elsewhere: HashMap<u32, (i64, i64)> = HashMap::new();
    for row in (0..rows.len()).filter(|&row| of[row] != NONE && rows.is(row, Kind::Request)) {
        by_request.entry(of[row]).or_default().insert(origins[rows.source[row] as usize].host);
        if let Some(interval) = waits_and_database(rows, links, row) {
            busy_elsewhere.insert(of[row], interval);
        }
    }
    if requests.buckets.is_empty() {
        let mut splits = Splits::new(requests.len());
        (0..requests.len()).for_each(|request| splits.set(request, &requests.buckets(rows, request)));
        requests.buckets = splits;
    }
    for request in 0..requests.len() {
        let (end, duration) = (requests.end[request], requests.duration[request]);
        if end == NULL_I64 || duration == NULL_I64 {
            continue;
        }
        let hosts = by_request.get(&(request as u32));
        let applies = |host: &u32| !hosts_with_requests.contains(host) || hosts.is_some_and(|hosts| hosts.contains(host));
        let window = (end.saturating_sub(duration), end);
        let elsewhere = busy_elsewhere.get(&(request as u32)).map(|&(from, to)| (from.max(window.0), to.min(window.1)));
        let felt = |timeline: &Timeline| overlap(timeline, window) - elsewhere.map_or(0, |inner| overlap(timeline, inner));
        let paused =
            timelines.iter().filter(|(host, _)| applies(host)).map(|(_, timeline)| felt(timeline)).max().unwrap_or(0).max(0);
        requests.buckets.update(request, |buckets| {
            let mut left = paused;
            for bucket in [Bucket::Own, Bucket::Network, Bucket::External, Bucket::Unaccounted] {
                left -= buckets.take(bucket, left);
            }
            buckets.add(Bucket::Pause, paused - left);
        });
    }
}

/// When a record that states its parts was waiting or in the database: from its start on, as the
/// parts are laid out in that order.
fn waits_and_database(rows: &Rows<'_>, links: &Links, row: usize) -> Option<(i64, i64)> {
    let [queue, pool_wait, database, ..] = rows.parts(row);
    let (start, duration) = (links.start[row], links.duration[row]);
    if start == NULL_I64 || duration == NULL_I64 || [queue, pool_wait, database].iter().all(Option::is_none) {
        return None;
    }
    let sum = [queue, pool_wait, database].into_iter().flatten().fold(0, i64::saturating_add);
    Some((start, start.saturating_add(sum.min(duration))))
}

/// The pauses of each host or source, whatever `of` gives for a row; overlapping ones merged, as a
/// safepoint holds the collection it was for. In the order of what they are of.
fn timelines(rows: &Rows<'_>, links: &Links, of: impl Fn(usize) -> u32) -> Vec<(u32, Timeline)> {
    let mut pauses: HashMap<u32, Timeline> = HashMap::new();
    for row in rows.of_kind(Kind::Pause).filter(|&row| links.fate[row] != Fate::Copy) {
        if links.start[row] != NULL_I64 && links.duration[row] > 0 {
            let pause = (links.start[row], links.start[row].saturating_add(links.duration[row]));
            pauses.entry(of(row)).or_default().push(pause);
        }
    }
    let mut timelines: Vec<_> = pauses.into_iter().map(|(of, pauses)| (of, merged(pauses))).collect();
    timelines.sort();
    timelines
}

/// Time in pauses within a window, on the clock: what overlaps counts once. Of several runtimes the
/// one that stood still longest.
pub(crate) fn paused(rows: &Rows<'_>, links: &Links, window: Option<(i64, i64)>) -> i64 {
    let Some(window) = window else { return 0 };
    let by_source = timelines(rows, links, |row| rows.source[row]);
    by_source.iter().map(|(_, pauses)| overlap(pauses, window)).max().unwrap_or(0)
}

/// Overlapping intervals made one.
fn merged(mut intervals: Timeline) -> Timeline {
    intervals.sort_unstable();
    let mut merged: Timeline = Vec::with_capacity(intervals.len());
    for (start, end) in intervals {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// How much of a window lies in the intervals.
fn overlap(timeline: &Timeline, window: (i64, i64)) -> i64 {
    let first = timeline.partition_point(|&(_, end)| end <= window.0);
    let inside = timeline[first..].iter().take_while(|(start, _)| *start < window.1);
    inside.map(|&(start, end)| (end.min(window.1) - start.max(window.0)).max(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safepoint_and_its_collection_are_one_pause() {
        let timeline = merged(vec![(10, 30), (12, 28), (50, 60), (60, 65)]);
        assert_eq!(timeline, [(10, 30), (50, 65)]);
        assert_eq!(overlap(&timeline, (20, 55)), 15);
        assert_eq!(overlap(&timeline, (30, 50)), 0);
    }
}
