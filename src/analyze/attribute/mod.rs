//! Where the time of each request went.

pub mod critical_path;
pub mod forest;
pub mod identity;
pub mod role;
pub mod self_time;
pub mod skew;
#[cfg(test)]
mod testing;
pub mod what_if;
