//! Many trees of spans at once, as columns: the rows of all traces, their parents, and the children of each row.
//!
//! Knows nothing of ids (`identity`), clocks (`skew`) or of what is done with the trees.

use std::cmp::Reverse;

/// The parent of a root.
pub const NO_PARENT: u32 = u32::MAX;
/// The parent of a row that takes no part (a duplicate of another row).
pub const DROPPED: u32 = u32::MAX - 1;

/// Borrowed columns of spans; row `i` of each is one span. `parent` must hold no cycle: rows that hang on one are not
/// reached. A span that ends before it starts counts as one of no length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spans<'a> {
    /// When each span starts, in nanoseconds.
    pub start: &'a [i64],
    /// When each span ends, in nanoseconds.
    pub end: &'a [i64],
    /// Row of the parent, [`NO_PARENT`] or [`DROPPED`].
    pub parent: &'a [u32],
    /// Whether the parent waits for the span. Empty: always.
    pub blocking: &'a [bool],
    /// Row of the sibling that had to end before each span began, as its record says. Empty: nothing is said.
    pub after: &'a [u32],
    /// What decides between equals (the span id). Empty: the row.
    pub tie: &'a [u64],
}

impl Spans<'_> {
    /// How many rows all needed columns have.
    pub fn len(&self) -> usize {
        self.start.len().min(self.end.len()).min(self.parent.len()).min(DROPPED as usize)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of a row, never negative.
    pub fn duration(&self, row: u32) -> i64 {
        self.end[row as usize].saturating_sub(self.start[row as usize]).max(0)
    }

    /// Whether the parent waits for the row.
    pub fn is_blocking(&self, row: u32) -> bool {
        self.blocking.get(row as usize).copied().unwrap_or(true)
    }

    /// The sibling that had to end before the row began, if that is said and fits the times.
    pub(super) fn before(&self, row: u32) -> Option<u32> {
        let before = self.after.get(row as usize).copied().filter(|&before| (before as usize) < self.len())?;
        let fits = self.parent[before as usize] == self.parent[row as usize]
            && self.end[before as usize] <= self.start[row as usize]
            && self.duration(before) > 0
            && self.is_blocking(before);
        fits.then_some(before)
    }

    /// Orders equals.
    pub(super) fn tie(&self, row: u32) -> (u64, u32) {
        (self.tie.get(row as usize).copied().unwrap_or(0), row)
    }
}

/// Spans with the children of each and an order from the roots down.
#[derive(Clone, Debug)]
pub struct Forest<'a> {
    /// The columns.
    pub spans: Spans<'a>,
    adjacency: Adjacency,
}

impl<'a> Forest<'a> {
    /// Links all rows: counting sort by parent, then the children of each row by end, latest first. O(n log n), no recursion.
    pub fn new(spans: Spans<'a>) -> Self {
        let mut adjacency = Adjacency::new(&spans.parent[..spans.len()]);
        for row in 0..spans.len() {
            let (from, to) = (adjacency.first[row] as usize, adjacency.first[row + 1] as usize);
            if to - from > 1 {
                adjacency.children[from..to].sort_unstable_by_key(|&child| {
                    let i = child as usize;
                    (Reverse(spans.end[i]), spans.start[i], spans.tie(child))
                });
            }
        }
        Forest { spans, adjacency }
    }

    /// The rows without a parent, in row order.
    pub fn roots(&self) -> &[u32] {
        self.adjacency.roots()
    }

    /// The children of a row: the latest end first, then the earliest start.
    pub fn children(&self, row: u32) -> &[u32] {
        self.adjacency.children(row)
    }

    /// Every row of every tree, each after its parent.
    pub fn top_down(&self) -> &[u32] {
        &self.adjacency.order
    }

    /// The root above each row; [`DROPPED`] for rows in no tree.
    pub fn root_of(&self) -> Vec<u32> {
        let mut root = vec![DROPPED; self.spans.len()];
        for &row in self.top_down() {
            let parent = self.spans.parent[row as usize];
            root[row as usize] = root.get(parent as usize).copied().unwrap_or(row);
        }
        root
    }

    /// How far each root's work runs on after the root has ended (work nobody waited for), in nanoseconds; 0 elsewhere.
    pub fn async_tails(&self) -> Vec<i64> {
        let root_of = self.root_of();
        let mut tail_ns = vec![0i64; self.spans.len()];
        for &row in self.top_down() {
            let root = root_of[row as usize] as usize;
            let root_end = self.spans.start[root].max(self.spans.end[root]);
            tail_ns[root] = tail_ns[root].max(self.spans.end[row as usize].saturating_sub(root_end));
        }
        tail_ns
    }
}

/// Children lists in one array, by counting sort.
#[derive(Clone, Debug)]
pub(super) struct Adjacency {
    first: Vec<u32>,
    children: Vec<u32>,
    order: Vec<u32>,
    n_roots: usize,
}

impl Adjacency {
    /// Children in row order. A parent that is out of range makes a root.
    pub(super) fn new(parent: &[u32]) -> Self {
        let n = parent.len();
        let mut first = vec![0u32; n + 1];
        let mut order = Vec::with_capacity(n);
        for (row, &p) in parent.iter().enumerate() {
            match first.get_mut(p as usize + 1) {
                Some(count) => *count += 1,
                None if p == DROPPED => {}
                None => order.push(row as u32),
            }
        }
        for i in 0..n {
            first[i + 1] += first[i];
        }
        let mut next = first.clone();
        let mut children = vec![0u32; first[n] as usize];
        for (row, &p) in parent.iter().enumerate() {
            if (p as usize) < n {
                let slot = &mut next[p as usize];
                children[*slot as usize] = row as u32;
                *slot += 1;
            }
        }
        let n_roots = order.len();
        let mut at = 0;
        while at < order.len() {
            let row = order[at] as usize;
            order.extend_from_slice(&children[first[row] as usize..first[row + 1] as usize]);
            at += 1;
        }
        Adjacency { first, children, order, n_roots }
    }

    pub(super) fn roots(&self) -> &[u32] {
        &self.order[..self.n_roots]
    }

    pub(super) fn children(&self, row: u32) -> &[u32] {
        &self.children[self.first[row as usize] as usize..self.first[row as usize + 1] as usize]
    }

    pub(super) fn top_down(&self) -> &[u32] {
        &self.order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_come_latest_end_first_and_roots_before_them() {
        // Two trees: 0 > {1, 2 > 3}, 4; row 5 is dropped.
        let start = [0, 10, 20, 30, 5, 0];
        let end = [100, 40, 90, 60, 9, 100];
        let parent = [NO_PARENT, 0, 0, 2, NO_PARENT, DROPPED];
        let forest = Forest::new(Spans { start: &start, end: &end, parent: &parent, ..Spans::default() });
        assert_eq!(forest.roots(), [0, 4]);
        assert_eq!(forest.children(0), [2, 1]);
        assert_eq!(forest.top_down(), [0, 4, 1, 2, 3]);
        assert_eq!(forest.root_of(), [0, 0, 0, 0, 4, DROPPED]);
    }

    #[test]
    fn rows_on_a_cycle_are_not_reached_and_do_not_hang() {
        let start = [0; 3];
        let end = [9; 3];
        let forest = Forest::new(Spans { start: &start, end: &end, parent: &[1, 0, NO_PARENT], ..Spans::default() });
        assert_eq!(forest.top_down(), [2]);
    }

    #[test]
    fn the_tail_is_measured_from_the_root() {
        // V07: the child outlives its parent by 50.
        let forest = Forest::new(Spans { start: &[0, 50], end: &[100, 150], parent: &[NO_PARENT, 0], ..Spans::default() });
        assert_eq!(forest.async_tails(), [50, 0]);
    }
}
