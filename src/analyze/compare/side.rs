//! What is compared: one run of a system, as the Profile sums it up. Plain values, filled by whoever holds the Profile.

use super::super::profile::histogram::Histogram;
use super::counts::Counts;

/// One run.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Width of a time block, in nanoseconds.
    pub block_ns: i64,
    /// Start of the first block of the run, in nanoseconds.
    pub first_block_ns: i64,
    /// How many blocks the run covers, empty ones included.
    pub n_blocks: usize,
    /// Length of the run, in seconds.
    pub seconds: f64,
    /// The coarsest clock among the sources, in nanoseconds.
    pub resolution_ns: i64,
    /// Mean number of requests in the system; `None` if not known.
    pub concurrency_mean: Option<f64>,
    /// What the resources would carry, in requests per second; `None` if not known.
    pub ceiling_tps: Option<f64>,
    /// Busy time that a request costs each resource, in nanoseconds.
    pub demand_ns: Vec<(String, f64)>,
    /// The endpoints, each name once.
    pub endpoints: Vec<Series>,
    /// The database statements, each name once.
    pub statements: Vec<Series>,
}

/// One endpoint or statement of a run.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// What it is called on both sides.
    pub name: String,
    /// Its time blocks; those without a request may be left out.
    pub blocks: Vec<Block>,
    /// Where its time went: bucket and sum in nanoseconds. A bucket of which the logs say nothing is left out.
    pub buckets: Vec<(String, i64)>,
    /// Database calls per request (of a statement: its calls per request of the run); `None` if not known.
    pub calls_per_request: Option<f64>,
}

/// One endpoint or statement in one block of time.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Start of the block, in nanoseconds.
    pub start_ns: i64,
    /// Durations of those that have one.
    pub durations: Histogram,
    /// How many there were, with a duration or without.
    pub count: u64,
    /// How many of them failed.
    pub errors: u64,
}

impl Side {
    /// Requests of all endpoints.
    pub fn requests(&self) -> u64 {
        self.endpoints.iter().map(Series::count).sum()
    }

    /// Requests per second; 0 for a run without length.
    pub fn tps(&self) -> f64 {
        if self.seconds > 0.0 { self.requests() as f64 / self.seconds } else { 0.0 }
    }

    /// Number of a block in this run, if it belongs to it and comes after the warm-up.
    fn block(&self, start_ns: i64, warm_up_share: f64) -> Option<usize> {
        let at = start_ns.checked_sub(self.first_block_ns)?.checked_div(self.block_ns)?;
        let at = usize::try_from(at).ok().filter(|&at| at < self.n_blocks)?;
        at.checked_sub(self.warm_up(warm_up_share))
    }

    /// How many blocks at the start are left out.
    pub(super) fn warm_up(&self, share: f64) -> usize {
        (self.n_blocks as f64 * share.clamp(0.0, 0.9)).round() as usize
    }

    /// The durations of a series over the blocks of the run.
    pub(super) fn counts(&self, series: &Series, warm_up_share: f64) -> Counts {
        let blocks = series.blocks.iter().filter_map(|b| Some((self.block(b.start_ns, warm_up_share)?, &b.durations)));
        Counts::of_histograms(self.n_blocks - self.warm_up(warm_up_share), blocks)
    }

    /// Requests and errors of a series over the blocks of the run.
    pub(super) fn errors(&self, series: &Series, warm_up_share: f64) -> Vec<(u64, u64)> {
        let mut blocks = vec![(0, 0); self.n_blocks - self.warm_up(warm_up_share)];
        for block in &series.blocks {
            if let Some(at) = self.block(block.start_ns, warm_up_share) {
                blocks[at].0 += block.count;
                blocks[at].1 += block.errors.min(block.count);
            }
        }
        blocks
    }
}

impl Series {
    /// Requests of all blocks.
    pub fn count(&self) -> u64 {
        self.blocks.iter().map(|block| block.count).sum()
    }

    /// Sum and number of the durations.
    pub(super) fn time(&self) -> (f64, u64) {
        let times = self.blocks.iter().map(|block| (block.durations.sum_ns() as f64, block.durations.n()));
        times.fold((0.0, 0), |sum, block| (sum.0 + block.0, sum.1 + block.1))
    }
}
