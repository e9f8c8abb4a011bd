//! The one frame of operations: schema, names, and how batches become columns.

mod build;
mod columns;
mod learn;
mod names;
mod paths;
mod piece;
mod route;
mod template;
mod trace_ids;

pub use build::Builder;
pub use columns::{Frame, NULL_I64, NULL_U32, NULL_U64};
pub use names::{NO_NAME, Names};
pub use piece::{Naming, Piece};
pub use route::Routes;
pub use template::PLACEHOLDER;
