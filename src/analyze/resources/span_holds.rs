//! From the spans of a request's waits for a connection and of its calls to how long each connection was
//! held: from the end of its wait to the end of the last call that began before the next wait did.
//! Knows intervals only. O(n log n), however the waits overlap.

/// What became of a slot after its wait.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Held {
    /// End of the last call; `None` without calls.
    pub(super) release_ns: Option<i64>,
    /// Sum of what of the calls came after the wait.
    pub(super) work_ns: i64,
    /// How many calls.
    pub(super) calls: u32,
}

/// From and to.
type Interval = (i64, i64);

/// For each wait the calls that it was for: those that begin after it began and before the next wait that
/// begins after it ended, and that end after it ended. Both lists are sorted.
pub(super) fn held(waits: &[Interval], calls: &[Interval]) -> Vec<Held> {
    debug_assert!(waits.is_sorted() && calls.is_sorted(), "intervals come in order");
    let longest = Latest::of(calls);
    let sums = running(&calls.iter().map(|call| call.1.saturating_sub(call.0)).collect::<Vec<_>>());
    // Calls that begin during a wait count from its end, those that begin after it whole.
    let mut questions: Vec<Question> = Vec::new();
    let (mut found, mut work): (Vec<Held>, Vec<i128>) = (Vec::with_capacity(waits.len()), Vec::with_capacity(waits.len()));
    for (wait, &(start, end)) in waits.iter().enumerate() {
        let first = calls.partition_point(|call| call.0 < start);
        let during = calls.partition_point(|call| call.0 < end);
        let after = calls.partition_point(|&call| call <= (end, end));
        let next = match start == end {
            // Waits that took no time at that same moment are the same as this one.
            true => waits.partition_point(|&wait| wait <= (end, end)),
            false => waits.partition_point(|wait| wait.0 < end),
        };
        let last = waits.get(next).map_or(calls.len(), |&next| calls.partition_point(|&call| call <= next));
        let latest = longest.within(first, last).filter(|&latest| latest > end);
        work.push(sums[last.max(after)] - sums[after]);
        found.push(Held { release_ns: latest, work_ns: 0, calls: last.saturating_sub(after) as u32 });
        questions.push(Question { before: during, end, wait, adds: true });
        questions.push(Question { before: first, end, wait, adds: false });
    }
    questions.sort_unstable_by_key(|question| question.before);
    let mut ends: Vec<i64> = calls.iter().map(|call| call.1).collect();
    ends.sort_unstable();
    let mut seen = Sums::new(ends.len());
    let mut at = 0;
    for Question { before, end, wait, adds } in questions {
        for &(_, to) in &calls[at..before] {
            seen.add(ends.partition_point(|&other| other < to), to);
        }
        at = before;
        let (count, sum) = seen.from(ends.partition_point(|&other| other <= end));
        let beyond = sum - i128::from(end) * i128::from(count);
        // What began before the wait is taken off again, in either order.
        let calls: &mut u32 = &mut found[wait].calls;
        if adds {
            (*calls, work[wait]) = (calls.wrapping_add(count), work[wait] + beyond);
        } else {
            (*calls, work[wait]) = (calls.wrapping_sub(count), work[wait] - beyond);
        }
    }
    for (held, work) in found.iter_mut().zip(work) {
        held.work_ns = i64::try_from(work).unwrap_or(i64::MAX);
    }
    found
}

/// How long was waited until any moment, all waits added up.
pub(super) struct Waited {
    starts: Vec<i64>,
    ends: Vec<i64>,
    /// Sums of the first starts and of the first ends.
    sums: (Vec<i128>, Vec<i128>),
}

impl Waited {
    pub(super) fn of(waits: &[Interval]) -> Waited {
        let mut starts: Vec<i64> = waits.iter().map(|wait| wait.0).collect();
        let mut ends: Vec<i64> = waits.iter().map(|wait| wait.1).collect();
        starts.sort_unstable();
        ends.sort_unstable();
        let sums = (running(&starts), running(&ends));
        Waited { starts, ends, sums }
    }

    /// Within a period.
    pub(super) fn within(&self, (from, to): Interval) -> i64 {
        i64::try_from(self.until(to.max(from)) - self.until(from)).unwrap_or(i64::MAX)
    }

    /// What has begun by then runs since; what has ended runs no longer.
    fn until(&self, at: i64) -> i128 {
        let since = |stamps: &[i64], sums: &[i128]| {
            let before = stamps.partition_point(|&stamp| stamp < at);
            i128::from(at) * before as i128 - sums[before]
        };
        since(&self.starts, &self.sums.0) - since(&self.ends, &self.sums.1)
    }
}

/// Sums of the first values, from none to all.
fn running(values: &[i64]) -> Vec<i128> {
    let mut sums = vec![0i128];
    for &value in values {
        sums.push(sums[sums.len() - 1] + i128::from(value));
    }
    sums
}

/// Asks, of the calls before a place, how many end after a wait did, and with what sum.
struct Question {
    before: usize,
    end: i64,
    wait: usize,
    adds: bool,
}

/// The latest end within any range of calls: a tree of maxima.
struct Latest {
    tree: Vec<i64>,
    len: usize,
}

impl Latest {
    fn of(calls: &[Interval]) -> Latest {
        let len = calls.len();
        let mut tree = vec![i64::MIN; 2 * len];
        for (at, call) in calls.iter().enumerate() {
            tree[len + at] = call.1;
        }
        for at in (1..len).rev() {
            tree[at] = tree[2 * at].max(tree[2 * at + 1]);
        }
        Latest { tree, len }
    }

    fn within(&self, first: usize, last: usize) -> Option<i64> {
        let (mut from, mut to) = (first + self.len, last + self.len);
        let mut latest = None;
        while from < to {
            if from % 2 == 1 {
                latest = latest.max(Some(self.tree[from]));
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                latest = latest.max(Some(self.tree[to]));
            }
            (from, to) = (from / 2, to / 2);
        }
        latest
    }
}

/// How many calls, and the sum of their ends, by the rank of the end: a Fenwick tree
/// (<https://doi.org/10.1002/spe.4380240306>), summed from the top.
struct Sums {
    tree: Vec<(u32, i128)>,
}

impl Sums {
    fn new(ranks: usize) -> Sums {
        Sums { tree: vec![(0, 0); ranks + 1] }
    }

    fn add(&mut self, rank: usize, value: i64) {
        let mut at = self.tree.len() - 1 - rank;
        while let Some(node) = self.tree.get_mut(at) {
            (node.0, node.1) = (node.0 + 1, node.1 + i128::from(value));
            at += at & at.wrapping_neg();
        }
    }

    /// Of all ranks from this one on.
    fn from(&self, rank: usize) -> (u32, i128) {
        let mut at = self.tree.len() - 1 - rank;
        let mut total = (0, 0);
        while at > 0 {
            total = (total.0 + self.tree[at].0, total.1 + self.tree[at].1);
            at -= at & at.wrapping_neg();
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_held_until_the_last_call_before_the_next_wait() {
        // Waits 0-10 and 50-60; calls 10-20 and 20-45 for the first, 60-90 and one begun while waiting, 55-70, for the second.
        let calls = [(10, 20), (20, 45), (55, 70), (60, 90)];
        let want =
            [Held { release_ns: Some(45), work_ns: 35, calls: 2 }, Held { release_ns: Some(90), work_ns: 10 + 30, calls: 2 }];
        assert_eq!(held(&[(0, 10), (50, 60)], &calls), want);
    }

    #[test]
    fn a_wait_without_calls_holds_nothing() {
        assert_eq!(held(&[(0, 10), (20, 30)], &[(2, 5), (30, 40)])[0], Held::default());
        assert_eq!(held(&[(0, 10)], &[]), [Held::default()]);
    }

    #[test]
    fn waits_beside_each_other_share_the_calls_after_both() {
        // Both wait 0-10 and 0-12; the call 12-30 is after each, 11-13 began during the second: 1 of it is after that.
        let got = held(&[(0, 10), (0, 12)], &[(11, 13), (12, 30)]);
        assert_eq!(got[0], Held { release_ns: Some(30), work_ns: 2 + 18, calls: 2 });
        assert_eq!(got[1], Held { release_ns: Some(30), work_ns: 1 + 18, calls: 2 });
    }

    /// The rule, read out for each wait over all spans in order.
    fn by_definition(waits: &[Interval], calls: &[Interval]) -> Vec<Held> {
        let mut spans: Vec<(i64, i64, bool)> = waits.iter().map(|w| (w.0, w.1, true)).collect();
        spans.extend(calls.iter().map(|c| (c.0, c.1, false)));
        spans.sort_unstable();
        let one = |&(start, end): &Interval| {
            let mut held = Held::default();
            for &(from, to, wait) in spans.iter().filter(|span| span.0 >= start) {
                if wait && from >= end && (from, to) != (start, end) {
                    break;
                }
                if !wait && to > end {
                    held.release_ns = held.release_ns.max(Some(to));
                    held.work_ns += to - from.max(end);
                    held.calls += 1;
                }
            }
            held
        };
        waits.iter().map(one).collect()
    }

    #[test]
    fn any_spans_agree_with_the_rule_as_it_reads() {
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) % below) as i64
        };
        for _ in 0..3_000 {
            let mut spans = |most: u64| -> Vec<Interval> {
                let count = random(most);
                let one = |_| {
                    let from = random(30);
                    (from, from + random(12))
                };
                let mut spans: Vec<Interval> = (0..count).map(one).collect();
                spans.sort_unstable();
                spans
            };
            let (waits, calls) = (spans(7), spans(12));
            assert_eq!(held(&waits, &calls), by_definition(&waits, &calls), "{waits:?} {calls:?}");
        }
    }

    #[test]
    fn waits_add_up_within_any_period() {
        let waits = [(0, 10), (5, 20), (30, 40), (35, 35)];
        let waited = Waited::of(&waits);
        // 0-10 and 5-20 within 8-12: 2 and 4. Within 0-50 all 35, before and after nothing.
        assert_eq!(waited.within((8, 12)), 6);
        assert_eq!([(0, 50), (-9, 0), (40, 90), (12, 8)].map(|period| waited.within(period)), [35, 0, 0, 0]);
        for from in -2..45 {
            for to in from..45 {
                let sum: i64 = waits.iter().map(|wait| (wait.1.min(to) - wait.0.max(from)).max(0)).sum();
                assert_eq!(waited.within((from, to)), sum, "{from} {to}");
            }
        }
    }

    #[test]
    fn a_hundred_thousand_waits_at_once_stay_near_linear() {
        // Wait i is i to n, so that none comes after another; call i is n + i to n + 2i: every wait has every call but the empty one.
        let n = 100_000i64;
        let waits: Vec<Interval> = (0..n).map(|i| (i, n)).collect();
        let calls: Vec<Interval> = (0..n).map(|i| (n + i, n + 2 * i)).collect();
        let want = Held { release_ns: Some(3 * n - 2), work_ns: n * (n - 1) / 2, calls: n as u32 - 1 };
        assert!(held(&waits, &calls).iter().all(|held| *held == want));
    }
}
