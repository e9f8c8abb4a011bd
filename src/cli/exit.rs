//! Exit codes.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Exit {
    /// Done, and nothing over a gate.
    Fine = 0,
    /// A gate was broken.
    Gate = 1,
    /// Usage, an input that could not be read, nothing parsed, too many rejects.
    Trouble = 2,
    /// It cannot be told, and was asked to count as a failure.
    Inconclusive = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
