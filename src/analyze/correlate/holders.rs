//! Which of many intervals holds another, in logarithmic time: the latest to start among those that
//! last long enough.

/// Intervals by their start, with the longest end of every block of them.
pub(super) struct Holders {
    start: Vec<i64>,
    row: Vec<u32>,
    /// A binary tree of the largest ends, its leaves in the order of `start`.
    latest_end: Vec<i64>,
    leaves: usize,
}

impl Holders {
    /// Of rows with their starts and ends, in any order.
    pub(super) fn new(mut intervals: Vec<(i64, i64, u32)>) -> Holders {
        intervals.sort_unstable_by_key(|&(start, _, row)| (start, row));
        let leaves = intervals.len().next_power_of_two();
        let mut latest_end = vec![i64::MIN; 2 * leaves];
        for (at, &(_, end, _)) in intervals.iter().enumerate() {
            latest_end[leaves + at] = end;
        }
        for at in (1..leaves).rev() {
            latest_end[at] = latest_end[2 * at].max(latest_end[2 * at + 1]);
        }
        let (start, row) = intervals.iter().map(|&(start, _, row)| (start, row)).unzip();
        Holders { start, row, latest_end, leaves }
    }

    /// Of the intervals that start at or before `start` and end at or after `end`, the last to start.
    pub(super) fn innermost(&self, start: i64, end: i64) -> Option<u32> {
        let mut until = self.start.partition_point(|&s| s <= start);
        // The blocks that make up the front of the list, from its end on: whole ones by size.
        while until > 0 {
            let mut node = self.leaves + until - 1;
            let mut first = until - 1;
            let mut size = 1;
            // Climbs while the block above still ends where this one does.
            while node > 1 && node % 2 == 1 && self.latest_end[node] < end {
                node /= 2;
                first = first + size - 2 * size;
                size *= 2;
            }
            if self.latest_end[node] >= end {
                while node < self.leaves {
                    let right = 2 * node + 1;
                    node = if self.latest_end[right] >= end { right } else { 2 * node };
                }
                return self.row.get(node - self.leaves).copied();
            }
            until = first;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_to_start_of_those_that_last_long_enough() {
        let holders = Holders::new(vec![(20, 30, 2), (0, 100, 0), (10, 60, 1), (40, 45, 3)]);
        assert_eq!(holders.innermost(42, 44), Some(3));
        assert_eq!(holders.innermost(42, 50), Some(1));
        assert_eq!(holders.innermost(42, 80), Some(0));
        assert_eq!(holders.innermost(42, 101), None);
        assert_eq!(holders.innermost(-1, 0), None);
        assert_eq!(Holders::new(Vec::new()).innermost(0, 0), None);
    }

    #[test]
    fn it_agrees_with_a_search_one_by_one() {
        let mut state = 9u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for n in 0..40u32 {
            let mut intervals: Vec<(i64, i64, u32)> = (0..n)
                .map(|row| {
                    let start = random(50) as i64;
                    (start, start + random(30) as i64, row)
                })
                .collect();
            let holders = Holders::new(intervals.clone());
            intervals.sort_by_key(|&(start, _, row)| (start, row));
            for _ in 0..40 {
                let start = random(60) as i64;
                let end = start + random(20) as i64;
                let want = intervals.iter().rfind(|i| i.0 <= start && i.1 >= end).map(|i| i.2);
                assert_eq!(holders.innermost(start, end), want, "{intervals:?} {start} {end}");
            }
        }
    }
}
