//! Which part of the log to measure: warm-up and drain trimmed, and, where a resource was full, the time it was full.

use super::model::{Hold, Requests};
use super::stats::{nearest_rank_index, nth_smallest};
use super::sweep::Steps;

/// A period, half-open, in nanoseconds of the log's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its start.
    pub from_ns: i64,
    /// Its end.
    pub to_ns: i64,
}

impl Window {
    /// Its length in seconds.
    pub fn seconds(self) -> f64 {
        self.to_ns.saturating_sub(self.from_ns).max(0) as f64 / 1e9
    }

    /// A completion at this moment counts.
    pub fn contains(self, at: i64) -> bool {
        (self.from_ns..self.to_ns).contains(&at)
    }

    /// How much of an interval lies inside, in nanoseconds.
    pub fn overlap(self, from: i64, to: i64) -> i64 {
        to.min(self.to_ns).saturating_sub(from.max(self.from_ns)).max(0)
    }

    /// The same length cut into equal parts.
    pub fn parts(self, count: usize) -> Vec<Window> {
        let length = i128::from(self.to_ns) - i128::from(self.from_ns);
        let edge = |i: usize| (i128::from(self.from_ns) + length * i as i128 / count as i128) as i64;
        (0..count).map(|i| Window { from_ns: edge(i), to_ns: edge(i + 1) }).collect()
    }
}

/// Which of some consecutive periods moments lie in. Moments come nearly in order: the period of the last one is tried first.
pub struct Finder<'a> {
    parts: &'a [Window],
    last: usize,
}

impl<'a> Finder<'a> {
    /// Over periods that follow each other.
    pub fn new(parts: &'a [Window]) -> Self {
        Finder { parts, last: 0 }
    }

    /// The period of a moment; the number of periods where it lies past them all.
    #[inline]
    pub fn find(&mut self, at: i64) -> usize {
        if !self.parts.get(self.last).is_some_and(|part| part.contains(at)) {
            self.last = self.parts.partition_point(|part| part.to_ns <= at);
        }
        self.last
    }
}

/// From the first arrival to the last completion; `None` without requests.
pub fn whole(requests: &Requests<'_>) -> Option<Window> {
    let hull = |(from, to): (i64, i64), (start, end): (i64, i64)| (from.min(start), to.max(end));
    let (from_ns, to_ns) = requests.spans().fold((i64::MAX, i64::MIN), hull);
    (to_ns > from_ns).then_some(Window { from_ns, to_ns })
}

/// The log, which is `all` long, without its edges: at each end the longer of the 99th percentile of response time and 1 % is cut, since requests that
/// began before the log or end after it are not in it. `None` where nothing would be left.
pub fn trimmed(requests: &Requests<'_>, all: Window) -> Option<Window> {
    let durations = || requests.spans().map(|(start, end)| end.saturating_sub(start).max(0) as u64);
    let rank = nearest_rank_index(requests.len(), 0.99)?;
    let slow = nth_smallest(durations, rank)? as i64;
    let cut = slow.max(all.to_ns.saturating_sub(all.from_ns) / 100);
    let out = Window { from_ns: all.from_ns.saturating_add(cut), to_ns: all.to_ns.saturating_sub(cut) };
    (out.to_ns > out.from_ns).then_some(out)
}

/// The longest period within `window` in which a resource of `size` slots was full: at least nine tenths of its slots taken, bar
/// short dips (a fifth of the period together), less its first tenth where it begins within the window. `None` below three bins.
pub fn full_period(steps: &Steps, holds: &[Hold], size: f64, window: Window) -> Option<Window> {
    let bins = bins(holds, window);
    let full: Vec<bool> = bins.iter().map(|b| steps.mean(b.from_ns, b.to_ns) >= 0.9 * size).collect();
    let (from, to) = longest_run(&full)?;
    if to - from < 3 {
        return None;
    }
    let (start, end) = (bins[from].from_ns, bins[to - 1].to_ns);
    // A load that has just set in still fills queues, caches and compilers: its first tenth is warm-up.
    let warm_up = if start > window.from_ns { end.saturating_sub(start) / 10 } else { 0 };
    Some(Window { from_ns: start.saturating_add(warm_up), to_ns: end })
}

/// A period in bins many holds long: shorter ones are empty or full by chance, more so where places are assumed.
pub(super) fn bins(holds: &[Hold], window: Window) -> Vec<Window> {
    let granted: Vec<i64> = holds.iter().filter(|h| h.granted).map(Hold::held_ns).collect();
    let mean_hold = granted.iter().map(|h| *h as f64).sum::<f64>() / granted.len().max(1) as f64 / 1e9;
    let width = (20.0 * mean_hold).max(window.seconds() / 200.0).max(0.001);
    window.parts(((window.seconds() / width) as usize).clamp(1, 200))
}

/// The longest stretch that begins and ends full and is full for four fifths: each full bin earns 1, each other costs 4.
pub(super) fn longest_run(full: &[bool]) -> Option<(usize, usize)> {
    let (mut best, mut start, mut score): (Option<(i64, usize, usize)>, usize, i64) = (None, 0, 0);
    for (index, is_full) in full.iter().enumerate() {
        score += if *is_full { 1 } else { -4 };
        if score <= 0 {
            (score, start) = (0, index + 1);
        } else if best.is_none_or(|b| score > b.0) {
            best = Some((score, start, index + 1));
        }
    }
    best.map(|(_, from, to)| (from, to))
}

/// Moments of more than a second at which requests were `inside` and none completed: a pause of the whole process, or of the log.
pub fn stalls(requests: &Requests<'_>, inside: &Steps, window: Window) -> Vec<Window> {
    let mut ends: Vec<i64> = Vec::new();
    // Stamps of whole seconds repeat from line to line.
    for end in requests.spans().map(|(_, end)| end).filter(|end| window.contains(*end)) {
        if ends.last() != Some(&end) {
            ends.push(end);
        }
    }
    ends.sort_unstable();
    ends.windows(2)
        .filter(|pair| pair[1].saturating_sub(pair[0]) > 1_000_000_000)
        .map(|pair| Window { from_ns: pair[0], to_ns: pair[1] })
        .filter(|w| inside.mean(w.from_ns, w.to_ns) >= 1.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::model::Request;
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn request(start: i64, end: i64) -> Request {
        Request { start_ns: start * SECOND, end_ns: end * SECOND, endpoint: 0, success: true }
    }

    #[test]
    fn both_edges_lose_the_slowest_response() {
        let requests: Requests<'_> = (0..100).map(|i| request(i, i + 3)).collect();
        let trimmed = |requests: &Requests<'_>| whole(requests).and_then(|all| trimmed(requests, all));
        assert_eq!(trimmed(&requests), Some(Window { from_ns: 3 * SECOND, to_ns: 99 * SECOND }));
        assert_eq!(trimmed(&[request(0, 5)].into_iter().collect()), None);
        assert_eq!(trimmed(&Requests::default()), None);
    }

    #[test]
    fn the_full_period_leaves_out_warm_up_and_idle_time() {
        // One slot: every other second taken at first, then from second 100 to 200 without a break but one.
        let mut holds: Vec<Hold> = (0..50).map(|i| Hold::new(2 * i * SECOND, (2 * i + 1) * SECOND, 0, 0)).collect();
        holds.extend((100..200).filter(|i| *i != 150).map(|i| Hold::new(i * SECOND, (i + 1) * SECOND, 0, 0)));
        let steps = Steps::new(holds.iter().map(|h| (h.grant_ns, h.release_ns)));
        let out = full_period(&steps, &holds, 1.0, Window { from_ns: 0, to_ns: 300 * SECOND }).expect("a full period");
        assert!((100..=115).contains(&(out.from_ns / SECOND)) && (195..=205).contains(&(out.to_ns / SECOND)), "{out:?}");
        assert_eq!(full_period(&steps, &holds, 2.0, Window { from_ns: 0, to_ns: 300 * SECOND }), None);
    }

    #[test]
    fn a_second_without_any_completion_is_a_stall() {
        let requests: Requests<'_> = [request(0, 1), request(0, 4), request(10, 11)].into_iter().collect();
        let all = whole(&requests).expect("not empty");
        let inside = Steps::new(requests.iter().map(|r| (r.start_ns, r.end_ns)));
        assert_eq!(stalls(&requests, &inside, all), [Window { from_ns: SECOND, to_ns: 4 * SECOND }]);
    }
}
