//! Where the time of each request went.

pub mod critical_path;
pub mod forest;
pub mod identity;
mod pauses;
pub mod self_time;
pub mod skew;
mod split;
#[cfg(test)]
mod testing;
mod walk;
pub mod what_if;

pub(crate) use pauses::{overlay, paused};
pub(crate) use split::{Below, split};
pub(crate) use walk::{Attribution, attribute, below};
