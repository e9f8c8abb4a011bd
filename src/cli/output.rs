//! Where reports go.

use std::io::{self, Write as _};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes to a file, or to standard output for `-`.
///
/// # Errors
/// [`Error::Write`]; a closed pipe is told by [`Error::is_broken_pipe`].
pub(super) fn write(path: &Path, text: &[u8]) -> Result<()> {
    if path == Path::new("-") {
        return stdout(text);
    }
    std::fs::write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Writes to standard output.
///
/// # Errors
/// See [`write`].
pub(super) fn stdout(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).map_err(stdout_error)
}

/// An error of standard output.
pub(super) fn stdout_error(source: io::Error) -> Error {
    Error::Write { path: "-".into(), source }
}
