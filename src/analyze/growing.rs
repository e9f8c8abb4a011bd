//! What makes requests longer under load where the throughput no longer grows: the bucket that nobody else accounts for.

use super::bucket::Bucket;
use super::capacity::plateau::{COMPARABLE, Plateau};
use super::columns::Rows;
use super::requests::Requests;
use crate::frame::NULL_I64;

/// A bucket in calm and in busy parts of the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Growing {
    /// The bucket that grew most.
    pub(crate) bucket: Bucket,
    /// Its mean per request in calm parts, at the busy parts' mix of endpoints, in nanoseconds.
    pub(crate) calm_ns: i64,
    /// Its mean per request in busy parts.
    pub(crate) busy_ns: i64,
}

/// The bucket that grew most between the calm and the busy parts of a plateau.
pub(crate) fn growing(rows: &Rows<'_>, requests: &Requests<'_>, plateau: &Plateau) -> Option<Growing> {
    let mut side_of = plateau.sides.finder();
    let mut sums = vec![[([0.0; Bucket::ALL.len()], 0.0); 2]; requests.endpoints.len()];
    for request in 0..requests.len() {
        let (end, duration) = (requests.end[request], requests.duration[request]);
        if end == NULL_I64 || duration == NULL_I64 {
            continue;
        }
        let Some(side) = side_of(end) else { continue };
        let (buckets, count) = &mut sums[requests.endpoint[request] as usize][side];
        *count += 1.0;
        let split = requests.buckets(rows, request);
        for (sum, bucket) in buckets.iter_mut().zip(Bucket::ALL) {
            *sum += split.get(bucket).unwrap_or(0) as f64;
        }
    }
    let mut means = [[0.0; 2]; Bucket::ALL.len()];
    let mut weight = 0.0;
    let enough = |sides: &&[([f64; Bucket::ALL.len()], f64); 2]| sides.iter().all(|(_, n)| *n >= COMPARABLE as f64);
    for [(calm, calm_n), (busy, busy_n)] in sums.iter().filter(enough) {
        weight += busy_n;
        for (mean, (calm, busy)) in means.iter_mut().zip(calm.iter().zip(busy)) {
            mean[0] += busy_n * calm / calm_n;
            mean[1] += busy;
        }
    }
    let most = Bucket::ALL.into_iter().zip(means).max_by(|a, b| (a.1[1] - a.1[0]).total_cmp(&(b.1[1] - b.1[0])));
    most.filter(|(_, mean)| weight > 0.0 && mean[1] > mean[0]).map(|(bucket, mean)| Growing {
        bucket,
        calm_ns: (mean[0] / weight).round() as i64,
        busy_ns: (mean[1] / weight).round() as i64,
    })
}
