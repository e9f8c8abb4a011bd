//! Pauses of the runtime, laid over the requests they fell into.

use hashbrown::{HashMap, HashSet};
use parsers::Kind;

use crate::analyze::bucket::Bucket;
use crate::analyze::columns::Rows;
use crate::analyze::correlate::{Fate, Links, NONE};
use crate::analyze::requests::{RequestOf, Requests};
use crate::analyze::sources::Origin;
use crate::frame::NULL_I64;

/// Intervals that do not overlap, in order.
type Timeline = Vec<(i64, i64)>;

/// Books what pauses took of each request: first from its own time, then from what lies between
/// the tiers, then from calls to others, which a pause makes look longer.
///
/// A pause belongs to the requests of its host; where no request was logged on that host, to all.
pub(crate) fn overlay(rows: &Rows<'_>, origins: &[Origin], links: &Links, of: &RequestOf, requests: &mut Requests) {
    let timelines = timelines(rows, origins, links);
    if timelines.is_empty() {
        return;
    }
    let hosts_with_requests: HashSet<u32> =
        (0..rows.len()).filter(|&row| rows.is(row, Kind::Request) && of[row] != NONE).map(|row| origins[rows.source[row] as usize].host).collect();
    let mut by_request: HashMap<u32, HashSet<u32>> = HashMap::new();
    for row in (0..rows.len()).filter(|&row| of[row] != NONE && rows.is(row, Kind::Request)) {
        by_request.entry(of[row]).or_default().insert(origins[rows.source[row] as usize].host);
    }
    if requests.buckets.is_empty() {
        requests.buckets = (0..requests.len()).map(|request| requests.buckets(request)).collect();
    }
    for request in 0..requests.len() {
        let (end, duration) = (requests.end[request], requests.duration[request]);
        if end == NULL_I64 || duration == NULL_I64 {
            continue;
        }
        let hosts = by_request.get(&(request as u32));
        let applies = |host: &u32| !hosts_with_requests.contains(host) || hosts.is_some_and(|hosts| hosts.contains(host));
        let window = (end.saturating_sub(duration), end);
        let paused = timelines.iter().filter(|(host, _)| applies(host)).map(|(_, timeline)| overlap(timeline, window)).max().unwrap_or(0);
        let buckets = &mut requests.buckets[request];
        let mut left = paused;
        for bucket in [Bucket::Own, Bucket::Network, Bucket::External, Bucket::Unaccounted] {
            left -= buckets.take(bucket, left);
        }
        buckets.add(Bucket::Pause, paused - left);
    }
}

/// The pauses of each host, overlapping ones merged: a safepoint holds the collection it was for.
fn timelines(rows: &Rows<'_>, origins: &[Origin], links: &Links) -> Vec<(u32, Timeline)> {
    let mut by_host: HashMap<u32, Timeline> = HashMap::new();
    for row in (0..rows.len()).filter(|&row| rows.is(row, Kind::Pause) && links.fate[row] != Fate::Copy) {
        if links.start[row] != NULL_I64 && links.duration[row] > 0 {
            let pause = (links.start[row], links.start[row].saturating_add(links.duration[row]));
            by_host.entry(origins[rows.source[row] as usize].host).or_default().push(pause);
        }
    }
    let mut timelines: Vec<_> = by_host.into_iter().map(|(host, pauses)| (host, merged(pauses))).collect();
    timelines.sort();
    timelines
}

/// Overlapping intervals made one.
pub(crate) fn merged(mut intervals: Timeline) -> Timeline {
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
    inside.map(|&(start, end)| end.min(window.1) - start.max(window.0)).sum()
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
