//! The mergeable summary of a run.

pub mod histogram;
