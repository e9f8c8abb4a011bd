//! One record's own time, split by what the record states and by what it is.

use parsers::{Kind, Role};

use crate::analyze::bucket::Bucket;
use crate::analyze::columns::Rows;

/// What hangs below a record, as far as its own time depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Below {
    /// A request of the next tier.
    pub(crate) tier: bool,
    /// Anything that was joined by a trace.
    pub(crate) any: bool,
}

/// Books `amount`, the time of a row that none of its placed children took, on the buckets.
///
/// Parts that the record states come first, clipped to what is left, in the order queue, pool wait,
/// database, external, network, upstream, own. The rest goes by what the row is. Returns the time
/// that parts claimed beyond the amount, in nanoseconds.
#[inline]
pub(crate) fn split(rows: &Rows<'_>, row: usize, amount: i64, below: Below, mut book: impl FnMut(Bucket, i64)) -> i64 {
    const ORDER: [Bucket; 7] =
        [Bucket::Queue, Bucket::PoolWait, Bucket::Database, Bucket::External, Bucket::Network, Bucket::Upstream, Bucket::Own];
    let (mut left, mut clipped, mut stated) = (amount, 0i64, false);
    for (part, ns) in rows.stated_parts(row) {
        let bucket = ORDER[part];
        // The next tier's own record takes the place of what this one knew of it.
        if below.tier && matches!(bucket, Bucket::Upstream | Bucket::Network | Bucket::Own) {
            continue;
        }
        stated = true;
        let booked = ns.clamp(0, left);
        clipped = clipped.saturating_add(ns - booked);
        left -= booked;
        book(bucket, booked);
    }
    let rest = rest_of(rows, row, below, stated);
    if left > 0 || rest != Bucket::Unaccounted {
        book(rest, left);
    }
    clipped
}

/// Where the time goes that a row neither states nor hands to children.
#[inline]
fn rest_of(rows: &Rows<'_>, row: usize, below: Below, stated: bool) -> Bucket {
    let span = rows.span(row).is_some();
    match rows.kind(row) {
        // A span that stands for several calls says how long they ran: between them the caller was at work.
        Kind::Database | Kind::External | Kind::Cache | Kind::Messaging if span && stated => Bucket::Own,
        Kind::Request if below.tier && !span => Bucket::Network,
        Kind::Request if stated || span => Bucket::Own,
        Kind::Request => Bucket::Unaccounted,
        Kind::Database | Kind::LockWait => Bucket::Database,
        // Around a remote server span lies the wire, not the caller's work.
        Kind::External | Kind::Messaging if below.tier => Bucket::Network,
        Kind::External | Kind::Messaging | Kind::Cache => Bucket::External,
        Kind::PoolWait | Kind::SocketWait => Bucket::PoolWait,
        Kind::ThreadWait => Bucket::Queue,
        Kind::Pause => Bucket::Pause,
        Kind::Internal if rows.role(row) == Role::Client && below.tier => Bucket::Network,
        Kind::Internal | Kind::Gauge => {
            if below.any || span {
                Bucket::Own
            } else {
                Bucket::Unaccounted
            }
        }
    }
}
