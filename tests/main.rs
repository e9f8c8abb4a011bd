//! Tests of the program as a whole. One binary, as linking polars once is enough; each file is one
//! subject. They spawn the program and depend on nothing outside the repository.
#![allow(clippy::unwrap_used)]

/// Flags, exit codes, filters and messages.
mod commands;
/// Saved profiles and the comparison of two builds.
mod compare;
/// Broken, odd and malicious files.
mod hostile;
/// What the README shows is what the program does.
mod readme;
/// Logs of real systems whose bottleneck is known.
mod scenarios;
/// What joins spans where ids and parents are not enough.
mod spans;
/// Running the program, and reading what it says.
mod support;
/// The rules of the house.
mod tidy;
/// What traces tell, and how one is drawn.
mod traces;
