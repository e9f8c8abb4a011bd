//! A mergeable histogram of durations: whole microseconds below 100 us, buckets of 1 % above
//! (`floor(ln(x) / ln(1.01))`, x in us). Sparse, so that one per endpoint and time block is affordable.
//!
//! A quantile read from it lies within 1 % (or 1 us) of the exact one, and says between which bounds.

use std::sync::LazyLock;

/// Below this, a bucket is a whole microsecond.
const EXACT_BELOW_NS: u64 = 100_000;
/// `floor(ln(100) / ln(1.01))`: the bucket in which 100 us falls. Numbers between 100 and this are not used.
const FIRST_LOG_BUCKET: u16 = 462;
/// Slots for each power of two. A slot is at most 1/128 wide, less than a bucket, so it holds at most one boundary.
const SLOT_BITS: u32 = 7;
/// Slots start at 2^16 ns, the largest power of two below 100 us.
const FIRST_POWER: u32 = 16;

/// A bucket and where the next one starts.
#[derive(Clone, Copy)]
struct Slot {
    next_ns: u64,
    bucket: u16,
}

/// The buckets above 100 us.
struct Table {
    /// Where each bucket from [`FIRST_LOG_BUCKET`] on starts.
    low_ns: Vec<u64>,
    slots: Vec<Slot>,
}

/// Built by multiplying, not by `exp`: the same on every machine.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut edge_us = 1.0f64;
    for _ in 0..FIRST_LOG_BUCKET {
        edge_us *= 1.01;
    }
    let mut low_ns = vec![EXACT_BELOW_NS];
    loop {
        edge_us *= 1.01;
        let edge_ns = (edge_us * 1e3).ceil();
        if edge_ns >= i64::MAX as f64 {
            break;
        }
        low_ns.push(edge_ns as u64);
    }
    low_ns.push(u64::MAX);
    let mut slots = Vec::new();
    let mut at = 0;
    for power in FIRST_POWER..63 {
        for part in 0..1u64 << SLOT_BITS {
            let start = ((1 << SLOT_BITS) + part) << (power - SLOT_BITS);
            while low_ns[at + 1] <= start {
                at += 1;
            }
            slots.push(Slot { next_ns: low_ns[at + 1], bucket: FIRST_LOG_BUCKET + at as u16 });
        }
    }
    Table { low_ns, slots }
});

/// The bucket of a duration. What is negative counts as 0.
#[inline]
pub fn bucket_of(duration_ns: i64) -> u16 {
    bucket_in(&TABLE.slots, duration_ns.max(0) as u64)
}

#[inline]
fn bucket_in(slots: &[Slot], ns: u64) -> u16 {
    if ns < EXACT_BELOW_NS {
        return (ns / 1000) as u16;
    }
    let power = 63 - ns.leading_zeros();
    let part = (ns >> (power - SLOT_BITS)) & ((1 << SLOT_BITS) - 1);
    let slot = slots[((power - FIRST_POWER) as usize) << SLOT_BITS | part as usize];
    slot.bucket + u16::from(ns >= slot.next_ns)
}

/// The first duration of a bucket and the first past it, in nanoseconds.
pub fn bucket_bounds_ns(bucket: u16) -> (i64, i64) {
    if bucket < 100 {
        return (i64::from(bucket) * 1000, i64::from(bucket) * 1000 + 1000);
    }
    let low_ns = &TABLE.low_ns;
    let at = usize::from(bucket.saturating_sub(FIRST_LOG_BUCKET)).min(low_ns.len() - 2);
    (low_ns[at] as i64, low_ns[at + 1].min(i64::MAX as u64) as i64)
}

/// Durations by bucket, with count, sum, minimum and maximum.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Histogram {
    counts: Vec<(u16, u64)>,
    n: u64,
    sum_ns: u64,
    min_ns: i64,
    max_ns: i64,
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self::default()
    }

    /// A histogram as it was saved; `None` if the parts contradict each other.
    pub fn from_parts(counts: Vec<(u16, u64)>, sum_ns: u64, min_ns: i64, max_ns: i64) -> Option<Self> {
        let sorted = counts.is_sorted_by(|a, b| a.0 < b.0) && counts.iter().all(|&(_, count)| count > 0);
        let n = counts.iter().try_fold(0u64, |n, &(_, count)| n.checked_add(count))?;
        let ends = match (counts.first(), counts.last()) {
            (Some(first), Some(last)) => {
                0 <= min_ns && min_ns <= max_ns && bucket_of(min_ns) == first.0 && bucket_of(max_ns) == last.0
            }
            _ => sum_ns == 0 && min_ns == 0 && max_ns == 0,
        };
        (sorted && ends).then_some(Histogram { counts, n, sum_ns, min_ns, max_ns })
    }

    /// Adds one duration. For many at once use a [`Recorder`].
    pub fn record(&mut self, duration_ns: i64) {
        let ns = duration_ns.max(0);
        let bucket = bucket_of(ns);
        match self.counts.binary_search_by_key(&bucket, |count| count.0) {
            Ok(at) => self.counts[at].1 += 1,
            Err(at) => self.counts.insert(at, (bucket, 1)),
        }
        self.min_ns = if self.n == 0 { ns } else { self.min_ns.min(ns) };
        self.max_ns = self.max_ns.max(ns);
        self.n += 1;
        self.sum_ns = self.sum_ns.saturating_add(ns as u64);
    }

    /// Adds what another histogram holds. The order of merging does not matter.
    pub fn merge(&mut self, other: &Histogram) {
        if other.n == 0 {
            return;
        }
        self.min_ns = if self.n == 0 { other.min_ns } else { self.min_ns.min(other.min_ns) };
        self.max_ns = self.max_ns.max(other.max_ns);
        self.n += other.n;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        if self.counts.is_empty() {
            self.counts.clone_from(&other.counts);
            return;
        }
        let mine = std::mem::take(&mut self.counts);
        self.counts.reserve(mine.len() + other.counts.len());
        let (mut a, mut b) = (mine.into_iter().peekable(), other.counts.iter().copied().peekable());
        while let (Some(&(left, _)), Some(&(right, _))) = (a.peek(), b.peek()) {
            let from_a = a.next_if(|_| left <= right).map_or(0, |count| count.1);
            let from_b = b.next_if(|_| right <= left).map_or(0, |count| count.1);
            self.counts.push((left.min(right), from_a + from_b));
        }
        self.counts.extend(a);
        self.counts.extend(b);
    }

    /// The counts that are not 0, by bucket.
    pub fn counts(&self) -> &[(u16, u64)] {
        &self.counts
    }

    /// How many durations there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Their sum; stops at 584 years.
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// The shortest, exactly.
    pub fn min_ns(&self) -> Option<i64> {
        (self.n > 0).then_some(self.min_ns)
    }

    /// The longest, exactly.
    pub fn max_ns(&self) -> Option<i64> {
        (self.n > 0).then_some(self.max_ns)
    }

    /// The mean, exactly but for the last half nanosecond.
    pub fn mean_ns(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum_ns as f64 / self.n as f64)
    }

    /// The duration of rank `ceil(share * n)` (the definition of the exact tables), read off its bucket as if those in it
    /// were spread evenly. Never outside [`Histogram::quantile_bounds_ns`].
    pub fn quantile_ns(&self, share: f64) -> Option<i64> {
        let (bucket, below, count, rank) = self.find(share)?;
        let (low, high) = self.clip(bucket);
        if rank == 1 {
            return Some(low);
        }
        if rank == self.n {
            return Some(high);
        }
        let into = ((rank - below) as f64 - 0.5) / count as f64;
        Some((low + ((high - low) as f64 * into).round() as i64).clamp(low, high))
    }

    /// Between which durations the exact quantile lies, both included.
    pub fn quantile_bounds_ns(&self, share: f64) -> Option<(i64, i64)> {
        self.find(share).map(|(bucket, ..)| self.clip(bucket))
    }

    /// Bucket of a quantile, how many lie in lower buckets, how many in it, and its rank from 1.
    fn find(&self, share: f64) -> Option<(u16, u64, u64, u64)> {
        let rank = ((share.clamp(0.0, 1.0) * self.n as f64 - 1e-9).ceil() as u64).clamp(1, self.n.max(1));
        let mut below = 0;
        for &(bucket, count) in &self.counts {
            if below + count >= rank {
                return Some((bucket, below, count, rank));
            }
            below += count;
        }
        None
    }

    fn clip(&self, bucket: u16) -> (i64, i64) {
        let (low, high) = bucket_bounds_ns(bucket);
        (low.max(self.min_ns), (high - 1).min(self.max_ns))
    }
}

/// Collects many durations for one histogram: about 3 ns each, and 30 KB that are used again and again.
#[derive(Debug)]
pub struct Recorder {
    counts: Vec<u64>,
    touched: Option<(u16, u16)>,
    sum_ns: u64,
    min_ns: i64,
    max_ns: i64,
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder { counts: vec![0; usize::from(bucket_of(i64::MAX)) + 1], touched: None, sum_ns: 0, min_ns: i64::MAX, max_ns: 0 }
    }
}

impl Recorder {
    /// An empty recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds durations.
    pub fn extend(&mut self, durations_ns: impl IntoIterator<Item = i64>) {
        let slots = &TABLE.slots;
        let (mut low, mut high) = self.touched.unwrap_or((u16::MAX, 0));
        for duration_ns in durations_ns {
            let ns = duration_ns.max(0);
            let bucket = bucket_in(slots, ns as u64);
            self.counts[usize::from(bucket)] += 1;
            (low, high) = (low.min(bucket), high.max(bucket));
            (self.min_ns, self.max_ns) = (self.min_ns.min(ns), self.max_ns.max(ns));
            self.sum_ns = self.sum_ns.saturating_add(ns as u64);
        }
        self.touched = (low <= high).then_some((low, high));
    }

    /// Takes out what was added and empties the recorder.
    pub fn take(&mut self) -> Histogram {
        let Some((low, high)) = self.touched.take() else {
            return Histogram::default();
        };
        let mut histogram = Histogram { sum_ns: self.sum_ns, min_ns: self.min_ns, max_ns: self.max_ns, ..Histogram::default() };
        for bucket in low..=high {
            let count = std::mem::take(&mut self.counts[usize::from(bucket)]);
            if count > 0 {
                histogram.counts.push((bucket, count));
                histogram.n += count;
            }
        }
        (self.sum_ns, self.min_ns, self.max_ns) = (0, i64::MAX, 0);
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Durations over the whole range, none special.
    fn durations(n: usize) -> Vec<i64> {
        let mut state = 7u64;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let bits = 5 + (state >> 59) as u32 % 32;
                (state >> 17) as i64 & ((1 << bits) - 1)
            })
            .collect()
    }

    #[test]
    fn buckets_are_microseconds_then_one_percent() {
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of(-5), 0);
        assert_eq!(bucket_of(999), 0);
        assert_eq!(bucket_of(42_500), 42);
        assert_eq!(bucket_of(99_999), 99);
        assert_eq!(bucket_of(100_000), 462);
        // By hand: ln(1000) / ln(1.01) = 694.2, ln(1e6) / ln(1.01) = 1388.4.
        assert_eq!(bucket_of(1_000_000), 694);
        assert_eq!(bucket_of(1_000_000_000), 1388);
        for ns in durations(200_000).into_iter().filter(|&ns| ns >= 100_000) {
            let exact = (ns as f64 / 1e3).ln() / 1.01f64.ln();
            let bucket = f64::from(bucket_of(ns));
            assert!(bucket == exact.floor() || (exact - exact.round()).abs() < 1e-6, "{ns}: {bucket} {exact}");
        }
    }

    #[test]
    fn every_duration_lies_within_the_bounds_of_its_bucket() {
        let edges = (0..4000u16).flat_map(|b| [bucket_bounds_ns(b).0, bucket_bounds_ns(b).1 - 1]);
        for ns in durations(100_000).into_iter().chain(edges).chain([i64::MAX]) {
            let (low, high) = bucket_bounds_ns(bucket_of(ns));
            assert!(low <= ns && (ns < high || high == i64::MAX), "{ns}: {low}..{high}");
            assert!(high as f64 - low as f64 <= (low as f64 * 0.01001 + 1.0).max(1000.0), "{ns}: {low}..{high}");
        }
    }

    #[test]
    fn quantiles_are_within_one_percent_and_their_bounds() {
        let mut values = durations(5_001);
        let mut histogram = Histogram::new();
        values.iter().for_each(|&ns| histogram.record(ns));
        values.sort_unstable();
        for share in [0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
            let rank = ((share * 5_001.0f64).ceil() as usize).max(1);
            let exact = values[rank - 1];
            let (low, high) = histogram.quantile_bounds_ns(share).unwrap();
            assert!(low <= exact && exact <= high, "{share}: {exact} not in {low}..{high}");
            let read = histogram.quantile_ns(share).unwrap();
            assert!((read - exact).abs() as f64 <= (exact as f64 * 0.01).max(1000.0), "{share}: {read} for {exact}");
        }
        assert_eq!(histogram.quantile_ns(0.0), histogram.min_ns());
        assert_eq!(histogram.quantile_ns(1.0), histogram.max_ns());
        assert_eq!(histogram.sum_ns(), values.iter().sum::<i64>() as u64);
    }

    #[test]
    fn merging_in_any_order_is_recording_at_once() {
        let values = durations(3_000);
        let part = |from: usize, to: usize| {
            let mut recorder = Recorder::new();
            recorder.extend(values[from..to].iter().copied());
            recorder.take()
        };
        let mut one_by_one = Histogram::new();
        values.iter().for_each(|&ns| one_by_one.record(ns));
        assert_eq!(part(0, 3_000), one_by_one);
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let parts = [part(0, 10), part(10, 2_000), part(2_000, 3_000)];
            let mut merged = Histogram::new();
            order.iter().for_each(|&i| merged.merge(&parts[i]));
            merged.merge(&Histogram::new());
            assert_eq!(merged, one_by_one);
        }
    }

    #[test]
    fn a_recorder_can_be_used_again() {
        let mut recorder = Recorder::new();
        recorder.extend([5_000, 7_000_000]);
        assert_eq!(recorder.take().n(), 2);
        assert_eq!(recorder.take(), Histogram::new());
        recorder.extend([9]);
        assert_eq!(recorder.take().max_ns(), Some(9));
    }

    #[test]
    fn saved_parts_are_checked() {
        let mut histogram = Histogram::new();
        [1_500, 2_000_000, 2_000_000].into_iter().for_each(|ns| histogram.record(ns));
        let counts = histogram.counts().to_vec();
        let again = |counts, sum, min, max| Histogram::from_parts(counts, sum, min, max);
        assert_eq!(again(counts.clone(), 4_001_500, 1_500, 2_000_000), Some(histogram));
        assert_eq!(again(counts.clone(), 4_001_500, 1_500, 3_000_000), None);
        assert_eq!(again(counts.into_iter().rev().collect(), 4_001_500, 1_500, 2_000_000), None);
        assert_eq!(again(vec![(1, u64::MAX), (2, 1)], 0, 1_000, 2_000), None);
        assert_eq!(again(vec![], 0, 0, 0), Some(Histogram::new()));
    }

    #[test]
    fn an_empty_histogram_says_nothing() {
        let empty = Histogram::new();
        assert_eq!((empty.min_ns(), empty.mean_ns(), empty.quantile_ns(0.5)), (None, None, None));
    }
}
