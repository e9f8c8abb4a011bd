//! Log formats, and nothing else: bytes in, columns out.
//!
//! This crate knows what a record of each format looks like. It does no I/O, starts no threads
//! and knows nothing of data frames, so that it compiles and tests in seconds.
#![forbid(unsafe_code)]

mod batch;
mod chunk;
mod detect;
mod format;
mod id;
mod lines;
mod operation;
pub mod peel;
pub mod scan;

pub mod access;
pub mod apm;
pub mod transaction;

pub use batch::{Adoption, Batch, Column, Null, Reject, TextColumn};
pub use chunk::{Boundary, Chunk, cut};
pub use detect::{Candidate, detect, named};
pub use format::{Decoder, Facts, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};
pub use id::Id;
pub use lines::{LineDecoder, Memo};
pub use operation::{Gauge, Kind, Nanos, Operation, Outcome, Parts, Phase, Reason, Role};

/// Every format. Within a family the most specific comes first: of two equal verdicts the earlier
/// format wins.
pub fn formats() -> impl Iterator<Item = &'static dyn Format> {
    let families = [transaction::FORMATS, apm::FORMATS, access::FORMATS];
    families.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests;
