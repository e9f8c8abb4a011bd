//! What a shorter group of spans would buy: each tree is replayed with the group's lengths scaled, sibling order and gaps
//! kept. A parallel sibling may take over, so the saving is at most the time of the group and of what is under it on the
//! critical path.
//!
//! After LatenSeer (Zhang et al., SoCC 2023): a child starts when the siblings that had finished before it have finished,
//! after the same gap, and no earlier behind the start of a sibling that was still running than it did. A span of the
//! group shrinks with all that is under it. One that says whom it waited for waits for that sibling alone.

use std::collections::BinaryHeap;

use super::forest::Forest;

/// The new length of each row, in nanoseconds, if every row of `group` (and what is under it, once) took `keep` times as
/// long (0 removes it, 1 changes nothing). The new length of a root is the new duration of its request; the part of a
/// span that its parent does not wait for is not counted.
pub fn what_if(forest: &Forest<'_>, group: impl Fn(u32) -> bool, keep: f64) -> Vec<i64> {
    let spans = &forest.spans;
    let n = spans.len();
    let keep = if keep.is_finite() { keep.max(0.0) } else { 1.0 };
    let (mut lo, mut hi, mut scaled) = (vec![0i64; n], vec![0i64; n], vec![false; n]);
    for &row in forest.top_down() {
        let i = row as usize;
        (lo[i], hi[i]) = (spans.start[i], spans.end[i]);
        let parent = spans.parent[i] as usize;
        if parent < n {
            if spans.is_blocking(row) {
                (lo[i], hi[i]) = (lo[i].max(lo[parent]), hi[i].min(hi[parent]));
            }
            scaled[i] = scaled[parent];
        }
        scaled[i] = scaled[i] || group(row);
    }

    let mut length = vec![0i64; n];
    let mut new_end = vec![0i64; n];
    let mut by_start: Vec<u32> = Vec::new();
    // By how much each sibling's start has moved, and when it had ended: the least moved on top.
    let mut running: BinaryHeap<(i64, i64)> = BinaryHeap::new();
    for &row in forest.top_down().iter().rev() {
        let i = row as usize;
        if lo[i] >= hi[i] {
            continue;
        }
        let stretch = |gap: i64| if scaled[i] { (gap as f64 * keep).round() as i64 } else { gap };
        let waited_for = |child: &u32| spans.is_blocking(*child) && lo[*child as usize] < hi[*child as usize];
        by_start.clear();
        by_start.extend(forest.children(row).iter().copied().filter(waited_for));
        by_start.sort_unstable_by_key(|&child| (lo[child as usize], spans.tie(child)));

        // Children are kept latest end first, and clipping keeps that order.
        let mut finished = forest.children(row).iter().rev().copied().filter(waited_for).peekable();
        let (mut old_base, mut new_base) = (lo[i], 0i64);
        running.clear();
        for &child in &by_start {
            let c = child as usize;
            while let Some(before) = finished.next_if(|&sibling| hi[sibling as usize] <= lo[c]) {
                old_base = hi[before as usize];
                new_base = new_base.max(new_end[before as usize]);
            }
            let offset = stretch(lo[c].saturating_sub(lo[i]));
            while running.peek().is_some_and(|&(_, end)| end <= lo[c]) {
                running.pop();
            }
            let stated = spans.before(child).filter(|&before| hi[before as usize] > lo[i]);
            let start = if let Some(before) = stated {
                new_end[before as usize].saturating_add(stretch(lo[c].saturating_sub(hi[before as usize])))
            } else {
                let after_finished = new_base.saturating_add(stretch(lo[c].saturating_sub(old_base)));
                let beside_running = running.peek().map_or(i64::MIN, |&(moved, _)| offset.saturating_add(moved));
                after_finished.max(beside_running)
            };
            running.push((start.saturating_sub(offset), hi[c]));
            new_end[c] = start.saturating_add(length[c]);
        }
        for last in finished {
            old_base = hi[last as usize];
            new_base = new_base.max(new_end[last as usize]);
        }
        length[i] = new_base.saturating_add(stretch(hi[i].saturating_sub(old_base)));
    }
    length
}

#[cfg(test)]
mod tests {
    use super::super::forest::{NO_PARENT, Spans};
    use super::super::testing;
    use super::*;

    fn forest<'a>(start: &'a [i64], end: &'a [i64], parent: &'a [u32]) -> Forest<'a> {
        Forest::new(Spans { start, end, parent, ..Spans::default() })
    }

    #[test]
    fn changing_nothing_changes_nothing() {
        for case in testing::vectors() {
            let forest = Forest::new(case.spans());
            let length = what_if(&forest, |_| true, 1.0);
            for &root in forest.roots() {
                assert_eq!(length[root as usize], forest.spans.duration(root), "{}", case.name);
            }
        }
    }

    #[test]
    fn removing_a_span_saves_at_most_its_time_on_the_path() {
        for case in testing::vectors() {
            let forest = Forest::new(case.spans());
            let path = super::super::critical_path::critical_path(&forest, |_, _, _| {});
            for row in 0..forest.spans.len() as u32 {
                // What is under a removed span goes with it.
                let mut gone = vec![row];
                let mut at = 0;
                while at < gone.len() {
                    gone.extend_from_slice(forest.children(gone[at]));
                    at += 1;
                }
                let bound: i64 = gone.iter().map(|&r| path.cp_ns[r as usize]).sum();
                let length = what_if(&forest, |r| r == row, 0.0);
                let saved: i64 = forest.roots().iter().map(|&r| forest.spans.duration(r) - length[r as usize]).sum();
                assert!((0..=bound).contains(&saved), "{} row {row}: saved {saved}, bound {bound}", case.name);
            }
        }
    }

    #[test]
    fn a_parallel_sibling_takes_over() {
        // V05: B 10-90 beside C 10-60 in A 0-100. Without B the request ends 10 after C: 70.
        let f = forest(&[0, 10, 10], &[100, 90, 60], &[NO_PARENT, 0, 0]);
        assert_eq!(what_if(&f, |row| row == 1, 0.0)[0], 70);
        assert_eq!(what_if(&f, |row| row == 1, 0.5)[0], 70);
        assert_eq!(what_if(&f, |row| row == 1, 0.75)[0], 80);
        assert_eq!(what_if(&f, |row| row == 2, 0.0)[0], 100);
    }

    #[test]
    fn gaps_stay_and_what_follows_moves_up() {
        // V13: three calls of 30, 25 and 25 with gaps 5, 5, 5, 5; halving all three saves 40.
        let f = forest(&[0, 5, 40, 70], &[100, 35, 65, 95], &[NO_PARENT, 0, 0, 0]);
        assert_eq!(what_if(&f, |row| row > 0, 0.0)[0], 20);
        assert_eq!(what_if(&f, |row| row == 1, 0.5)[0], 85);
    }

    #[test]
    fn a_sibling_that_ran_beside_keeps_its_distance() {
        // V06: C 30-80 starts while B 10-50 runs. Whether C needed B is not said, so nothing is promised.
        let f = forest(&[0, 10, 30], &[100, 50, 80], &[NO_PARENT, 0, 0]);
        assert_eq!(what_if(&f, |row| row == 1, 0.0)[0], 100);
        assert_eq!(what_if(&f, |row| row == 2, 0.0)[0], 70);
    }

    #[test]
    fn one_that_says_whom_it_waited_for_moves_with_that_one() {
        // f1 0-100, f2 0-200, f3 200-500 after f1: without f1, f3 starts at 100 and ends at 400, f2 at 200.
        let spans = Spans {
            start: &[0, 0, 0, 200],
            end: &[500, 100, 200, 500],
            parent: &[NO_PARENT, 0, 0, 0],
            after: &[NO_PARENT, NO_PARENT, NO_PARENT, 1],
            ..Spans::default()
        };
        let forest = Forest::new(spans);
        assert_eq!(what_if(&forest, |row| row == 1, 0.0)[0], 400);
        assert_eq!(what_if(&forest, |row| row == 2, 0.0)[0], 500);
    }

    #[test]
    fn a_group_shrinks_with_all_that_is_under_it_once() {
        // V23: A 0-100 > B 5-95 > C 10-90 > D 20-80. Halving B and C halves B's 90 once.
        let f = forest(&[0, 5, 10, 20], &[100, 95, 90, 80], &[NO_PARENT, 0, 1, 2]);
        let length = what_if(&f, |row| row == 1 || row == 2, 0.5);
        assert!((length[1] - 45).abs() <= 2 && (length[0] - 55).abs() <= 2, "{length:?}");
        assert_eq!(what_if(&f, |row| row == 3, 0.5)[0], 70);
    }

    #[test]
    fn a_million_calls_in_a_row_stay_linear() {
        let n = 1_000_000usize;
        let mut start: Vec<i64> = (0..n as i64).map(|i| i * 10).collect();
        let mut end: Vec<i64> = start.iter().map(|s| s + 8).collect();
        (start[0], end[0]) = (0, 10 * n as i64);
        let mut parent = vec![0; n];
        parent[0] = NO_PARENT;
        let length = what_if(&forest(&start, &end, &parent), |row| row > 0, 0.5);
        assert_eq!(length[0], end[0] - 4 * (n as i64 - 1));
    }
}
