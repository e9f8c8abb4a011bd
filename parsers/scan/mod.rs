//! Lexing that formats share. Whole numbers throughout: no float on the way in.

pub mod duration;
pub mod json;
pub mod json_shape;
pub mod line;
pub mod number;
pub mod protobuf;
pub mod semconv;
pub mod sql;
pub mod time;
