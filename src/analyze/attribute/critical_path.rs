//! The critical path by the exact last-finisher walk: who was the request waiting for, at each instant, seen from its end.
//!
//! Partition: the path times of a tree sum to its root's length, to the nanosecond. What the walk cannot know (who really
//! waited for whom among parallel siblings) it counts as ambiguous. After CRISP (Zhang et al., USENIX ATC 2022), without
//! its loss of overlapped siblings and without the strict comparison that loses back-to-back spans in Jaeger's UI.

use super::forest::Forest;

/// The critical path of many trees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CriticalPath {
    /// Time on the path of each row itself, in nanoseconds.
    pub cp_ns: Vec<i64>,
    /// Path time below spans of which another sibling may as well have been the one waited for: it also ran, and the
    /// span ended within 1 % of the parent's length of where the next one started.
    pub ambiguous_ns: i64,
}

/// Walks every tree of the forest.
///
/// `on_segment(row, from, to)` is told each piece of the path once; the pieces of a tree cover its root without overlap.
/// They come in no useful order of time.
pub fn critical_path(forest: &Forest<'_>, mut on_segment: impl FnMut(u32, i64, i64)) -> CriticalPath {
    let mut path = CriticalPath { cp_ns: vec![0; forest.spans.len()], ambiguous_ns: 0 };
    for &root in forest.roots() {
        walk(forest, root, &mut path, &mut on_segment);
    }
    path
}

/// Walks the tree below one row, adding to `path`, whose column must have a place for every row.
pub fn walk(forest: &Forest<'_>, root: u32, path: &mut CriticalPath, on_segment: &mut impl FnMut(u32, i64, i64)) {
    let spans = &forest.spans;
    let mut windows = vec![(root, spans.start[root as usize], spans.end[root as usize])];
    while let Some((row, lo, hi)) = windows.pop() {
        let mut own = |from: i64, to: i64| {
            let slot = &mut path.cp_ns[row as usize];
            *slot = slot.saturating_add(to.saturating_sub(from));
            on_segment(row, from, to);
        };
        let mut children = Cursor { children: forest.children(row), at: 0, forest };
        let mut later_start = None;
        let mut stated = None;
        let mut at = hi;
        while at > lo {
            if let Some(before) = stated.filter(|&before: &u32| spans.end[before as usize] > lo) {
                // The one taken last says whom it waited for; until it began, the row itself was at work.
                let end = spans.end[before as usize];
                if end < at {
                    own(end, at);
                }
                let from = spans.start[before as usize].max(lo);
                windows.push((before, from, end));
                later_start = Some(from);
                stated = spans.before(before);
                at = from;
            } else if let Some(last) = children.running_at(at, lo) {
                let from = spans.start[last.row as usize].max(lo);
                // One that ends just as this one starts ran before it, not beside it.
                let beside = |end: i64| end > from && !near(end, from, spans.duration(row));
                if later_start.is_some_and(|next| near(spans.end[last.row as usize], next, spans.duration(row)))
                    && (last.rivals > 0 || children.next_end().is_some_and(beside))
                {
                    path.ambiguous_ns = path.ambiguous_ns.saturating_add(at.saturating_sub(from));
                }
                windows.push((last.row, from, at));
                later_start = Some(from);
                stated = spans.before(last.row);
                at = from;
            } else {
                // Nobody ran: the time back to the next end, or to the start of the window, is the row's own.
                let back = children.next_end().map_or(lo, |end| end.max(lo));
                own(back, at);
                stated = None;
                at = back;
            }
        }
    }
}

/// Whether two instants lie within 1 % of a length.
fn near(a: i64, b: i64, length: i64) -> bool {
    u128::from(a.abs_diff(b)) * 100 <= u128::from(length.unsigned_abs())
}

/// The children of one row, taken from the latest end backwards. Each is looked at once: of those that have been seen
/// when one is chosen, all start later than it and can never be chosen again.
struct Cursor<'f, 'a> {
    children: &'f [u32],
    at: usize,
    forest: &'f Forest<'a>,
}

/// The child waited for at an instant, and how many others ran then.
struct Last {
    row: u32,
    rivals: usize,
}

impl Cursor<'_, '_> {
    /// Of the children running just before `at`, the earliest to start; starts before `lo` are equal.
    fn running_at(&mut self, at: i64, lo: i64) -> Option<Last> {
        let spans = &self.forest.spans;
        let mut best: Option<(i64, (u64, u32))> = None;
        let mut running = 0;
        while self.next_end().is_some_and(|end| end >= at) {
            let child = self.children[self.at];
            self.at += 1;
            let from = spans.start[child as usize].max(lo);
            if from < at {
                running += 1;
                let key = (from, spans.tie(child));
                best = Some(best.map_or(key, |b| b.min(key)));
            }
        }
        best.map(|(_, (_, row))| Last { row, rivals: running - 1 })
    }

    /// The end of the next child that may hold time on the path; passes over the others for good.
    fn next_end(&mut self) -> Option<i64> {
        let spans = &self.forest.spans;
        while let Some(&child) = self.children.get(self.at) {
            let (start, end) = (spans.start[child as usize], spans.end[child as usize]);
            if start < end && spans.is_blocking(child) {
                return Some(end);
            }
            self.at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::forest::{NO_PARENT, Spans};
    use super::super::testing;
    use super::*;

    fn path_of(start: &[i64], end: &[i64], parent: &[u32]) -> CriticalPath {
        let forest = Forest::new(Spans { start, end, parent, ..Spans::default() });
        critical_path(&forest, |_, _, _| {})
    }

    #[test]
    fn all_executed_vectors_hold() {
        let vectors = testing::vectors();
        assert_eq!(vectors.len(), 24);
        for case in vectors {
            let forest = Forest::new(case.spans());
            let mut covered = vec![0i64; case.start.len()];
            let path = critical_path(&forest, |row, from, to| {
                assert!(from < to, "{}: empty piece", case.name);
                covered[row as usize] += to - from;
            });
            assert_eq!(case.named(&path.cp_ns), case.exact_cp, "{}", case.name);
            assert_eq!(case.by_category(&path.cp_ns), case.exact_cp_by_category, "{}", case.name);
            assert_eq!(covered, path.cp_ns, "{}", case.name);
            let roots: i64 = forest.roots().iter().map(|&root| forest.spans.duration(root)).sum();
            assert_eq!(path.cp_ns.iter().sum::<i64>(), roots, "{}: partition", case.name);
        }
    }

    #[test]
    fn the_published_crisp_samples_get_back_what_crisp_books_to_the_parent() {
        // Samples 13, 14, 16 and 19 of github.com/uber-research/CRISP (start, end, parent), exact times by hand.
        let none = NO_PARENT;
        let p13 = path_of(&[0, 10, 25, 30], &[100, 70, 45, 50], &[none, 0, 1, 1]);
        assert_eq!(p13.cp_ns, [40, 35, 5, 20]);
        let p14 = path_of(&[0, 10, 20, 40], &[80, 30, 45, 65], &[none, 0, 0, 0]);
        assert_eq!(p14.cp_ns, [25, 10, 20, 25]);
        let p16 = path_of(&[0, 10, 15, 30, 50, 70, 80], &[110, 20, 35, 40, 60, 100, 90], &[none, 0, 0, 0, 0, 0, 5]);
        assert_eq!(p16.cp_ns, [40, 5, 15, 10, 10, 20, 10]);
        let p19 = path_of(&[0, 10, 205, 300], &[600, 210, 305, 600], &[none, 0, 0, 0]);
        assert_eq!(p19.cp_ns, [10, 195, 95, 300]);
    }

    #[test]
    fn an_async_gather_is_called_ambiguous() {
        // V22: f2 0-200 ends where f3 starts, and f1 0-100 also ran: the path may have gone through f1 and a sleep.
        let gather = path_of(&[0, 0, 0, 200], &[500, 100, 200, 500], &[NO_PARENT, 0, 0, 0]);
        assert_eq!((gather.cp_ns, gather.ambiguous_ns), (vec![0, 0, 200, 300], 200));
        let one_after_the_other = path_of(&[0, 10, 50], &[100, 50, 90], &[NO_PARENT, 0, 0]);
        assert_eq!(one_after_the_other.ambiguous_ns, 0);
    }

    #[test]
    fn a_stated_predecessor_goes_before_the_rule() {
        // V22, where f3 says that it waited for f1: the 100 between them are the parent's own, and nothing is in doubt.
        let none = NO_PARENT;
        let (start, end, parent) = ([0, 0, 0, 200], [500, 100, 200, 500], [none, 0, 0, 0]);
        let said = |after: &[u32]| {
            let spans = Spans { start: &start, end: &end, parent: &parent, after, ..Spans::default() };
            let path = critical_path(&Forest::new(spans), |_, _, _| {});
            (path.cp_ns, path.ambiguous_ns)
        };
        assert_eq!(said(&[none, none, none, 1]), (vec![100, 100, 0, 300], 0));
        // One that ended later than that, or hangs elsewhere, cannot have been waited for.
        assert_eq!(said(&[none, none, 3, none]).0, [0, 0, 200, 300]);
        assert_eq!(said(&[none, none, none, 0]).0, [0, 0, 200, 300]);
    }

    #[test]
    fn a_chain_of_predecessors_is_followed_and_then_the_rule_goes_on() {
        // c 80-100 after b 50-70; before b the rule decides: a 10-60 ran until b began, and z 0-5 before it.
        let (none, start, end) = (NO_PARENT, [0, 0, 10, 50, 80, 75], [100, 5, 60, 70, 100, 95]);
        let spans = Spans {
            start: &start,
            end: &end,
            parent: &[none, 0, 0, 0, 0, 0],
            after: &[none, none, none, none, 3, none],
            ..Spans::default()
        };
        assert_eq!(critical_path(&Forest::new(spans), |_, _, _| {}).cp_ns, [15, 5, 40, 20, 20, 0]);
    }

    #[test]
    fn ties_go_to_the_smaller_id_whatever_the_row_order() {
        let spans =
            Spans { start: &[0, 20, 20], end: &[100, 80, 80], parent: &[NO_PARENT, 0, 0], tie: &[1, 9, 3], ..Spans::default() };
        assert_eq!(critical_path(&Forest::new(spans), |_, _, _| {}).cp_ns, [40, 0, 60]);
    }

    /// The rule as it is defined, word by word: quadratic and recursive.
    fn by_definition(forest: &Forest<'_>, row: u32, lo: i64, hi: i64, cp: &mut [i64]) {
        let spans = &forest.spans;
        let mut at = hi;
        while at > lo {
            let best = (0..spans.len() as u32)
                .filter(|&c| spans.parent[c as usize] == row && spans.is_blocking(c))
                .map(|c| (spans.end[c as usize].min(at), spans.start[c as usize].max(lo), c))
                .filter(|&(end, start, _)| start < end)
                .min_by_key(|&(end, start, c)| (std::cmp::Reverse(end), start, spans.tie(c)));
            let Some((end, start, child)) = best else {
                cp[row as usize] += at - lo;
                break;
            };
            cp[row as usize] += at - end;
            by_definition(forest, child, start, end, cp);
            at = start;
        }
    }

    #[test]
    fn random_trees_agree_with_the_rule_as_written() {
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        for _ in 0..400 {
            let n = 2 + random(12) as usize;
            let start: Vec<i64> = (0..n).map(|_| random(40) as i64).collect();
            let end: Vec<i64> = start.iter().map(|s| s + random(40) as i64 - 2).collect();
            let parent: Vec<u32> = (0..n).map(|i| if i == 0 { NO_PARENT } else { random(i as u64) as u32 }).collect();
            let blocking: Vec<bool> = (0..n).map(|_| random(8) > 0).collect();
            let spans = Spans { start: &start, end: &end, parent: &parent, blocking: &blocking, ..Spans::default() };
            let forest = Forest::new(spans);
            let mut want = vec![0; n];
            by_definition(&forest, 0, start[0], end[0], &mut want);
            let got = critical_path(&forest, |_, _, _| {});
            assert_eq!(got.cp_ns, want, "{start:?} {end:?} {parent:?} {blocking:?}");
            assert_eq!(got.cp_ns.iter().sum::<i64>(), spans.duration(0));
            for group in 0..n as u32 {
                let saved = spans.duration(0) - super::super::what_if::what_if(&forest, |row| row == group, 0.0)[0];
                let mut under = vec![group];
                let mut next = 0;
                while next < under.len() {
                    under.extend_from_slice(forest.children(under[next]));
                    next += 1;
                }
                let bound: i64 = under.iter().map(|&row| want[row as usize]).sum();
                assert!((0..=bound).contains(&saved), "{saved} of {bound}: {start:?} {end:?} {parent:?} {blocking:?}");
            }
        }
    }

    #[test]
    fn a_chain_of_a_million_and_a_million_roots_take_no_stack_and_little_time() {
        let n = 1_000_000u32;
        let start: Vec<i64> = (0..i64::from(n)).collect();
        let end: Vec<i64> = (0..i64::from(n)).map(|i| 4_000_000 - i).collect();
        let chain: Vec<u32> = (0..n).map(|i| i.checked_sub(1).unwrap_or(NO_PARENT)).collect();
        let path = path_of(&start, &end, &chain);
        assert_eq!(path.cp_ns[0], 2);
        assert_eq!(path.cp_ns.iter().sum::<i64>(), 4_000_000);

        let alone = path_of(&start, &end, &vec![NO_PARENT; n as usize]);
        assert!(alone.cp_ns.iter().zip(start.iter().zip(&end)).all(|(cp, (s, e))| *cp == e - s));
    }

    #[test]
    fn a_million_children_of_one_parent_stay_linear() {
        // Every child overlaps its neighbours, and half of them are not waited for.
        let n = 1_000_000usize;
        let mut start: Vec<i64> = (0..n as i64).map(|i| i * 10).collect();
        let mut end: Vec<i64> = (0..n as i64).map(|i| i * 10 + 25).collect();
        start[0] = 0;
        end[0] = 10 * n as i64 + 100;
        let mut parent = vec![0; n];
        parent[0] = NO_PARENT;
        let blocking: Vec<bool> = (0..n).map(|i| i % 2 == 0).collect();
        let spans = Spans { start: &start, end: &end, parent: &parent, blocking: &blocking, ..Spans::default() };
        let path = critical_path(&Forest::new(spans), |_, _, _| {});
        assert_eq!(path.cp_ns.iter().sum::<i64>(), end[0]);
        assert_eq!(path.cp_ns[1], 0);
    }

    #[test]
    fn absurd_times_do_not_panic() {
        let path = path_of(&[i64::MIN, 5, 9], &[i64::MAX, 3, i64::MAX], &[NO_PARENT, 0, 0]);
        assert_eq!(path.cp_ns[1], 0);
    }
}
