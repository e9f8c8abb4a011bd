//! Lexing that formats share. Whole numbers throughout: no float on the way in.

pub mod duration;
pub mod json;
pub mod line;
pub mod number;
pub mod protobuf;
pub mod semconv;
pub mod time;
