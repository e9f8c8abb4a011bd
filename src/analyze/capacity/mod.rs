//! What caps a system's throughput, at how many requests a second, and the ladder of fixes.
//!
//! [`analyse()`] takes a plain [`System`] and returns plain results; every number carries the inputs it was computed from.
//! Nothing here reads logs or knows a format. The models: operational laws, flow-equivalent nesting, the load-dependent rate.

pub mod analyse;
pub mod convolution;
pub mod erlang;
pub mod evidence;
pub mod explain;
pub mod full;
pub mod growth;
pub mod knee;
pub mod ladder;
pub mod load;
pub mod model;
pub mod nested;
pub mod omission;
pub mod operational;
pub mod plateau;
pub mod resource;
#[cfg(test)]
mod scenarios;
pub mod state;
pub mod stats;
pub mod sweep;
pub mod target;
#[cfg(test)]
mod testing;
pub mod usage;
pub mod usl;
pub mod window;

pub use analyse::{Capacity, Options, analyse};
pub use model::System;
