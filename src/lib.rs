//! Finds where the flow narrows: a log and trace bottleneck analyzer.
//!
//! [`input`] turns paths into bytes, [`load`] bytes into one [`frame`] of operations, [`analyze`]
//! the frame into plain results, and [`report`] results into text; [`store`] keeps them in files. [`cli`] is the program.

pub mod analyze;
pub mod cli;
pub mod error;
pub mod frame;
pub mod input;
pub mod load;
pub mod report;
pub mod store;
pub mod units;
