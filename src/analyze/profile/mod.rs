//! The mergeable summary of a run: per endpoint and statement, per block of time, a histogram of
//! durations with counts and sums. Everything that ranks, compares or is saved reads it.

mod build;
pub mod histogram;
pub mod merge;
pub mod snapshot;

pub(crate) use build::{Groups, build, is_error};
pub use merge::merge;
pub use snapshot::Snapshot;

use super::bucket::Buckets;
use histogram::Histogram;

/// More blocks than this are made coarser in pairs.
pub const MOST_BLOCKS: i64 = 120;

/// A run in short.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Width of a block of time, in nanoseconds: a power of two of seconds, so that the blocks of
    /// any two profiles line up.
    pub block_ns: i64,
    /// First and last completion, in nanoseconds since the epoch.
    pub window: Option<(i64, i64)>,
    /// Endpoints.
    pub endpoints: Vec<Series>,
    /// Database statements.
    pub statements: Vec<Series>,
    /// Who makes the database calls, by statement, then endpoint.
    pub callers: Vec<Caller>,
}

/// Calls of one statement by one endpoint.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Caller {
    /// The statement.
    pub statement: String,
    /// The endpoint.
    pub endpoint: String,
    /// How many executions.
    pub calls: u64,
    /// How many calls have a duration.
    pub timed: u64,
    /// The sum of those durations, in nanoseconds.
    pub total_ns: i64,
}

/// One endpoint or statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name: `GET /accounts/{id}`, or the fingerprint of a statement.
    pub name: String,
    /// HTTP method of an endpoint, product of a statement's database.
    pub method: String,
    /// Service, where records name one.
    pub service: String,
    /// Blocks with anything in them, by start.
    pub blocks: Vec<Block>,
    /// Where the time of an endpoint went.
    pub buckets: Buckets,
    /// Database calls made for an endpoint; executions of a statement. `None` where no record tells.
    pub database_calls: Option<u64>,
    /// Bytes sent, rows returned. `None` where no record tells.
    pub volume: Option<u64>,
    /// Time by the server's word, of a statement.
    pub server_ns: Option<i64>,
}

/// One block of time of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Start, in nanoseconds since the epoch; a multiple of the width.
    pub start_ns: i64,
    /// Durations of those that have one.
    pub durations: Histogram,
    /// How many, with a duration or without.
    pub count: u64,
    /// How many failed.
    pub errors: u64,
}

impl Series {
    /// How many, with a duration or without.
    pub fn count(&self) -> u64 {
        self.blocks.iter().map(|block| block.count).sum()
    }

    /// How many failed.
    pub fn errors(&self) -> u64 {
        self.blocks.iter().map(|block| block.errors).sum()
    }

    /// The durations of all blocks.
    pub fn durations(&self) -> Histogram {
        let mut all = Histogram::new();
        self.blocks.iter().for_each(|block| all.merge(&block.durations));
        all
    }

    /// Sum of the durations, in nanoseconds; `None` when no record has one.
    pub fn total_ns(&self) -> Option<i64> {
        let (mut sum, mut n) = (0u64, 0);
        for block in &self.blocks {
            sum = sum.saturating_add(block.durations.sum_ns());
            n += block.durations.n();
        }
        (n > 0).then(|| i64::try_from(sum).unwrap_or(i64::MAX))
    }
}

/// The width of blocks for a window: the least power of two of seconds, from 1/64 s on, that needs
/// at most [`MOST_BLOCKS`].
pub fn block_width(window: Option<(i64, i64)>) -> i64 {
    const LEAST: i64 = 1_000_000_000 / 64;
    let (first, last) = window.unwrap_or((0, 0));
    let mut width = LEAST;
    while last.div_euclid(width) - first.div_euclid(width) >= MOST_BLOCKS {
        width *= 2;
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_powers_of_two_and_at_most_120() {
        const S: i64 = 1_000_000_000;
        assert_eq!(block_width(Some((0, 60 * S))), S / 2 * 2 / 2 * 2);
        assert_eq!(block_width(Some((0, 59 * S))), S / 2);
        assert_eq!(block_width(Some((0, 3600 * S))), 32 * S);
        assert_eq!(block_width(None), S / 64);
    }
}
