//! Decoders of logs in which each line is a record.

use memchr::memchr;

use crate::scan::time;
use crate::{Batch, Boundary, Chunk, Decoder, Facts, Reason};

/// The longest line that is read, in bytes.
const MAX_LINE: usize = 16 << 20;

/// What a decoder may remember from line to line of one chunk: caches, never meaning.
#[derive(Default)]
pub struct Memo {
    /// Days already computed.
    pub time: time::Memo,
}

/// A decoder of a log in which each line is a record. Implement this, and [`Decoder`] comes for free.
pub trait LineDecoder: Send + Sync {
    /// What was settled on opening.
    fn facts(&self) -> Facts;

    /// Reads one line, without its line end, and pushes the operations it tells of. A line that
    /// holds none (a comment, a header) pushes nothing and is no reject.
    ///
    /// # Errors
    /// The reason why the line is left out; then nothing may have been pushed.
    fn line(&self, line: &[u8], memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason>;
}

impl<T: LineDecoder> Decoder for T {
    fn facts(&self) -> Facts {
        LineDecoder::facts(self)
    }

    fn boundary(&self) -> Boundary {
        Boundary::Line
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut memo = Memo::default();
        each_line(chunk, batch, |line, batch| self.line(line, &mut memo, batch));
    }
}

/// Calls `read` for every line of the chunk that is not blank, and books what it says.
///
/// A line end is LF, CR LF or, in a chunk without any LF, a lone CR.
pub(crate) fn each_line(chunk: Chunk<'_>, batch: &mut Batch, mut read: impl FnMut(&[u8], &mut Batch) -> Result<(), Reason>) {
    let end = if memchr(b'\n', chunk.bytes).is_none() { b'\r' } else { b'\n' };
    let (mut at, mut number) = (0, 0);
    while at < chunk.bytes.len() {
        let rest = &chunk.bytes[at..];
        let len = memchr(end, rest).unwrap_or(rest.len());
        let line = rest[..len].strip_suffix(b"\r").unwrap_or(&rest[..len]);
        if !line.trim_ascii().is_empty() {
            batch.record(chunk.offset + at as u64, number);
            let outcome = if line.len() > MAX_LINE { Err(Reason::TooLong) } else { read(line, batch) };
            if let Err(reason) = outcome {
                batch.reject(line.len(), why(line, reason));
            }
        }
        number += 1;
        at += len + 1;
    }
    batch.lines = number;
}

/// A line full of NULs is not misshapen but lost: filesystems leave such runs after a crash.
fn why(line: &[u8], reason: Reason) -> Reason {
    if reason == Reason::Shape && memchr(0, line).is_some() { Reason::Binary } else { reason }
}
