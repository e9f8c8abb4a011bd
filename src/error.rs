//! The one error type of the library: what is wrong, path first, remedy last.

use std::path::PathBuf;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path that does not exist or cannot be opened.
    #[error("{path}: {source}; check the path and its permissions", path = .path.display())]
    Open {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An input that broke off while it was read. What came before is analysed.
    #[error("{path}: cannot be read past byte {at} ({source}); what came before is analysed", path = .path.display())]
    Read {
        /// The path as given.
        path: PathBuf,
        /// Offset in the input as decoded, in bytes.
        at: u64,
        /// What the system or the decompressor said.
        source: std::io::Error,
    },
    /// A pattern that matches no file.
    #[error("{0}: no such file or folder, and no file matches it as a pattern")]
    NoMatch(String),
    /// A file that no format fits.
    #[error("{path}: not a log narrows knows{hint}; `narrows formats` lists what it knows; --log-format names one, gives its format string, or describes any other with custom:EXPRESSION", path = .path.display())]
    Unknown {
        /// The path as given.
        path: PathBuf,
        /// What was noticed, starting with a blank or punctuation; may be empty.
        hint: String,
    },
    /// A format that the content does not fit.
    #[error("{path}: {message}", path = .path.display())]
    Format {
        /// The path as given.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// An option, a configuration file or another text of the user that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Nothing to report on.
    #[error("{0}")]
    Empty(String),
    /// An output that cannot be written.
    #[error("{path}: {source}; choose another place with --output", path = .path.display())]
    Write {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data frame refused an operation: a defect of narrows.
    #[error("the frame cannot be computed: {0}; please report this")]
    Frame(#[from] polars::error::PolarsError),
}

impl Error {
    /// Whether it is a closed pipe: the reader has seen enough, which is no error.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Error::Write { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// Result of the library's functions.
pub type Result<T> = std::result::Result<T, Error>;
