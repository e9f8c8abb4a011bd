//! What the tests read of one endpoint on one side: how many values fell into each bucket, per time block.
//!
//! Buckets are ordered like their values. A histogram's are 1 % wide; raw values are buckets of their own.

use super::super::profile::histogram::{Histogram, bucket_bounds_ns};

/// Bounds of a bucket: lowest and highest value.
pub(super) type Scale = fn(u32) -> (f64, f64);

/// The scale of [`Histogram`], in nanoseconds. The lowest bucket starts at 1 ns, so that logarithms exist.
pub(super) fn histogram_scale(bucket: u32) -> (f64, f64) {
    let (low, high) = bucket_bounds_ns(bucket.min(u32::from(u16::MAX)) as u16);
    (low.max(1) as f64, high as f64)
}

/// Counts of one endpoint on one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// Per block: bucket and count, by bucket. Blocks without values are there, empty.
    pub(super) blocks: Vec<Vec<(u32, u64)>>,
    /// All blocks together.
    pub(super) total: Vec<(u32, u64)>,
    /// How many values there are.
    pub(super) n: u64,
}

impl Counts {
    /// Sums up blocks, each sorted by bucket.
    pub(super) fn new(blocks: Vec<Vec<(u32, u64)>>) -> Self {
        let mut total: Vec<(u32, u64)> = blocks.concat();
        total.sort_unstable();
        total.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let n = total.iter().map(|count| count.1).sum();
        Counts { blocks, total, n }
    }

    /// `n_blocks` blocks, those of `histograms` filled: (block, histogram).
    pub(super) fn of_histograms<'a>(n_blocks: usize, histograms: impl Iterator<Item = (usize, &'a Histogram)>) -> Self {
        let mut blocks = vec![Histogram::default(); n_blocks];
        for (block, histogram) in histograms {
            if let Some(slot) = blocks.get_mut(block) {
                slot.merge(histogram);
            }
        }
        Counts::new(
            blocks.iter().map(|h| h.counts().iter().map(|&(bucket, count)| (u32::from(bucket), count)).collect()).collect(),
        )
    }

    /// How many blocks hold a value.
    pub(super) fn filled_blocks(&self) -> usize {
        self.blocks.iter().filter(|block| !block.is_empty()).count()
    }

    /// The share of the fullest block.
    pub(super) fn largest_block_share(&self) -> f64 {
        let largest = self.blocks.iter().map(|block| block.iter().map(|c| c.1).sum::<u64>()).max().unwrap_or(0);
        largest as f64 / self.n.max(1) as f64
    }

    /// The quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan, American Statistician
    /// 50, 1996); values of one bucket are spread evenly over it.
    pub(super) fn quantile(&self, share: f64, scale: Scale) -> f64 {
        if self.n == 0 {
            return f64::NAN;
        }
        let at = share.clamp(0.0, 1.0) * (self.n - 1) as f64;
        let (lower, upper) = (self.ordered(at.floor() as u64, scale), self.ordered(at.ceil() as u64, scale));
        lower + (at - at.floor()) * (upper - lower)
    }

    /// The value of a rank, from 0.
    fn ordered(&self, rank: u64, scale: Scale) -> f64 {
        let mut below = 0;
        for &(bucket, count) in &self.total {
            if below + count > rank {
                let (low, high) = scale(bucket);
                return low + (high - low) * ((rank - below) as f64 + 0.5) / count as f64;
            }
            below += count;
        }
        self.total.last().map_or(f64::NAN, |&(bucket, _)| scale(bucket).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_values_give_type_7_quantiles() {
        // By hand: of 10, 20, 30, 40 the median is 25 and the 95 % quantile 38.5.
        let counts = Counts::new(vec![vec![(10, 1), (40, 1)], vec![], vec![(20, 1), (30, 1)]]);
        let raw: Scale = |bucket| (f64::from(bucket), f64::from(bucket));
        assert_eq!(counts.quantile(0.5, raw), 25.0);
        assert!((counts.quantile(0.95, raw) - 38.5).abs() < 1e-12);
        assert_eq!((counts.n, counts.filled_blocks(), counts.largest_block_share()), (4, 2, 0.5));
    }
}
