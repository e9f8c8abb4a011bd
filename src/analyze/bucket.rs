//! The buckets a request's duration is split over.

use crate::frame::NULL_I64;

/// Where a part of a request's time went.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub enum Bucket {
    /// Waiting for a worker thread or in a server's queue.
    Queue,
    /// Waiting for a connection or a socket.
    PoolWait,
    /// In the database, as the caller saw it.
    Database,
    /// In calls to other services, caches and brokers.
    External,
    /// Stopped by the runtime.
    Pause,
    /// Between two tiers, or around a remote call.
    Network,
    /// Inside the next tier, whose own log was not given.
    Upstream,
    /// What is left when the record or the trace states its parts.
    Own,
    /// A bare duration that nothing splits.
    Unaccounted,
}

impl Bucket {
    /// Every bucket, in the order of its number.
    pub const ALL: [Bucket; 9] = [
        Bucket::Queue,
        Bucket::PoolWait,
        Bucket::Database,
        Bucket::External,
        Bucket::Pause,
        Bucket::Network,
        Bucket::Upstream,
        Bucket::Own,
        Bucket::Unaccounted,
    ];

    /// Name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Bucket::Queue => "queue",
            Bucket::PoolWait => "pool_wait",
            Bucket::Database => "database",
            Bucket::External => "external",
            Bucket::Pause => "pause",
            Bucket::Network => "network",
            Bucket::Upstream => "upstream",
            Bucket::Own => "own",
            Bucket::Unaccounted => "unaccounted",
        }
    }
}

/// A duration split over the buckets, in nanoseconds. `None` is "nothing tells", never zero; the
/// values that are there sum to the duration exactly.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Buckets(pub [Option<i64>; 9]);

impl Buckets {
    /// The nanoseconds of one bucket.
    pub fn get(&self, bucket: Bucket) -> Option<i64> {
        self.0[bucket as usize]
    }

    /// Books time on a bucket; booking zero still says that the bucket is known.
    pub fn add(&mut self, bucket: Bucket, ns: i64) {
        let slot = &mut self.0[bucket as usize];
        *slot = Some(slot.unwrap_or(0).saturating_add(ns));
    }

    /// Takes up to `ns` out of a bucket; gives how much it held.
    pub fn take(&mut self, bucket: Bucket, ns: i64) -> i64 {
        let slot = &mut self.0[bucket as usize];
        let taken = slot.unwrap_or(0).min(ns).max(0);
        if let Some(held) = slot {
            *held -= taken;
        }
        taken
    }

    /// Adds another split.
    pub fn merge(&mut self, other: &Buckets) {
        for (bucket, ns) in Bucket::ALL.iter().zip(other.0) {
            if let Some(ns) = ns {
                self.add(*bucket, ns);
            }
        }
    }

    /// Sum of all that is known.
    pub fn sum(&self) -> i64 {
        self.0.iter().flatten().fold(0, |sum, ns| sum.saturating_add(*ns))
    }
}

/// The splits of many durations, column by column: a bucket that none of them knows takes no memory.
#[derive(Clone, Debug, Default)]
pub struct Splits {
    len: usize,
    columns: [Vec<i64>; 9],
}

impl Splits {
    /// So many splits of which nothing is known yet.
    pub fn new(len: usize) -> Self {
        Splits { len, columns: Default::default() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One split.
    pub fn get(&self, at: usize) -> Buckets {
        Buckets(self.columns.each_ref().map(|column| column.get(at).copied().filter(|&ns| ns != NULL_I64)))
    }

    /// Books time on a bucket of one split; booking zero still says that the bucket is known.
    #[inline]
    pub fn add(&mut self, at: usize, bucket: Bucket, ns: i64) {
        let column = &mut self.columns[bucket as usize];
        if column.is_empty() {
            column.resize(self.len, NULL_I64);
        }
        if let Some(slot) = column.get_mut(at) {
            *slot = if *slot == NULL_I64 { ns } else { slot.saturating_add(ns) };
        }
    }

    /// Replaces one split.
    pub fn set(&mut self, at: usize, buckets: &Buckets) {
        for (column, ns) in self.columns.iter_mut().zip(buckets.0) {
            if column.is_empty() && ns.is_some() {
                column.resize(self.len, NULL_I64);
            }
            if let Some(slot) = column.get_mut(at) {
                *slot = ns.unwrap_or(NULL_I64);
            }
        }
    }

    /// Changes one split.
    pub fn update(&mut self, at: usize, change: impl FnOnce(&mut Buckets)) {
        let mut buckets = self.get(at);
        change(&mut buckets);
        self.set(at, &buckets);
    }

    /// Keeps the splits for which `kept` says so.
    pub fn retain(&mut self, kept: &[bool]) {
        if self.is_empty() {
            return;
        }
        self.len = kept.iter().filter(|k| **k).count();
        for column in self.columns.iter_mut().filter(|column| !column.is_empty()) {
            let mut kept = kept.iter();
            column.retain(|_| kept.next() == Some(&true));
        }
    }

    /// The sums of the splits of each of `groups` groups; `group` says which one each belongs to.
    pub fn sums(&self, group: &[u32], groups: usize) -> Vec<Buckets> {
        let mut sums = vec![Buckets::default(); groups];
        for (bucket, column) in Bucket::ALL.into_iter().zip(&self.columns) {
            for (&ns, &group) in column.iter().zip(group).filter(|(ns, _)| **ns != NULL_I64) {
                sums[group as usize].add(bucket, ns);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_hold_what_was_set_and_sum_by_group() {
        let mut splits = Splits::new(3);
        for (at, ns) in [(0, 5), (2, 7)] {
            splits.add(at, Bucket::Own, ns);
        }
        splits.update(1, |buckets| buckets.add(Bucket::Queue, 0));
        assert_eq!((splits.get(0).get(Bucket::Own), splits.get(1).get(Bucket::Own)), (Some(5), None));
        let sums = splits.sums(&[1, 0, 1], 2);
        assert_eq!((sums[0].get(Bucket::Queue), sums[1].get(Bucket::Queue), sums[1].get(Bucket::Own)), (Some(0), None, Some(12)));
        splits.retain(&[false, true, true]);
        assert_eq!((splits.get(0).get(Bucket::Queue), splits.get(1).get(Bucket::Own)), (Some(0), Some(7)));
    }

    #[test]
    fn nothing_told_is_not_zero() {
        let mut buckets = Buckets::default();
        assert_eq!(buckets.get(Bucket::Own), None);
        buckets.add(Bucket::Own, 0);
        assert_eq!(buckets.get(Bucket::Own), Some(0));
        assert_eq!(buckets.take(Bucket::Queue, 5), 0);
        assert_eq!(buckets.get(Bucket::Queue), None);
    }

    #[test]
    fn what_is_taken_is_no_more_than_there_was() {
        let mut buckets = Buckets::default();
        buckets.add(Bucket::External, 7);
        assert_eq!((buckets.take(Bucket::External, 10), buckets.sum()), (7, 0));
    }
}
