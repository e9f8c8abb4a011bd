//! From paths to bytes: files, folders, patterns and standard input; mapped, inflated or read.
//!
//! Knows nothing of log formats. The one place with `unsafe` is `map`.

mod bytes;
mod discover;
mod inflate;
mod map;

pub use bytes::{HEAD, Opened, hex, open};
pub use discover::{Found, Origin, discover, family};
