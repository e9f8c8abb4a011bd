//! Self time by union: the length of a span less what its children, clipped to it, cover together. All children count,
//! also those nobody waited for. Never negative. (Jaeger's trace statistics and Sentry's exclusive time do the same.)

use super::forest::Forest;

/// Self time of each row, in nanoseconds.
pub fn self_time(forest: &Forest<'_>) -> Vec<i64> {
    let spans = &forest.spans;
    let mut self_ns = vec![0i64; spans.len()];
    for &row in forest.top_down() {
        let (lo, hi) = (spans.start[row as usize], spans.end[row as usize]);
        let mut own = spans.duration(row);
        // Sweep from the right: `edge` is where the covered part begins.
        let mut edge = hi;
        for &child in forest.children(row) {
            let from = spans.start[child as usize].max(lo);
            let to = spans.end[child as usize].min(edge);
            if from < to {
                own -= to - from;
                edge = from;
            }
        }
        self_ns[row as usize] = own.max(0);
    }
    self_ns
}

#[cfg(test)]
mod tests {
    use super::super::forest::{NO_PARENT, Spans};
    use super::super::testing;
    use super::*;

    #[test]
    fn all_executed_vectors_hold() {
        for case in testing::vectors() {
            let self_ns = self_time(&Forest::new(case.spans()));
            assert_eq!(case.named(&self_ns), case.union_self, "{}", case.name);
        }
    }

    #[test]
    fn a_short_child_inside_a_long_one_is_covered_once() {
        // Union of 10-90 and 20-30 and 85-120 within 0-100 is 10-100.
        let spans =
            Spans { start: &[0, 10, 20, 85], end: &[100, 90, 30, 120], parent: &[NO_PARENT, 0, 0, 0], ..Spans::default() };
        assert_eq!(self_time(&Forest::new(spans)), [10, 80, 10, 35]);
    }
}
