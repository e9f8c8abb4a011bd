//! From the frame to plain results: what belongs together, where the time went, what caps the
//! throughput. Opens no file, names no format, prints nothing.

pub mod amplification;
pub mod attribute;
mod bottlenecks;
pub mod bucket;
pub mod capacity;
mod columns;
pub mod compare;
pub mod correlate;
pub mod database;
pub mod folded;
pub mod grouped;
mod growing;
pub mod profile;
mod rank;
pub mod replay;
pub mod requests;
pub mod resources;
mod rules;
mod run;
pub mod services;
pub mod sources;
pub mod summary;
pub mod tables;
pub mod trace_view;
mod verdict;

pub use run::{Analysis, Options, Quality, Totals, run};
