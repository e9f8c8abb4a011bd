//! The buckets a request's duration is split over.

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

#[cfg(test)]
mod tests {
    use super::*;

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
