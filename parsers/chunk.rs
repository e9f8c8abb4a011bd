//! Where an input may be cut so that no record is split.

use std::ops::Range;

use memchr::memchr;

use crate::Decoder;

/// What separates one record from the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Boundary {
    /// Each line is a record.
    Line,
    /// A record starts at each line for which [`Decoder::starts_record`] holds and runs to the next.
    Record,
    /// The input cannot be cut.
    Whole,
}

/// A piece of an input that holds whole records.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Offset of the piece in the input as decoded, in bytes.
    pub offset: u64,
    /// The piece. At most 4 GiB.
    pub bytes: &'a [u8],
    /// The header line in force where the piece starts; empty when there is none. Only for
    /// decoders with [`Decoder::is_header`].
    pub header: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// A whole input as one piece.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Chunk { offset: 0, bytes, header: b"" }
    }
}

/// Cuts `bytes` in pieces of about `size` bytes, none of which splits a record. The pieces cover
/// `bytes`. A record that starts before the end of a piece belongs to it whole.
pub fn cut(bytes: &[u8], size: usize, decoder: &dyn Decoder) -> Vec<Range<usize>> {
    let mut pieces = Vec::with_capacity(bytes.len() / size.max(1) + 1);
    let mut start = 0;
    while start < bytes.len() {
        let end = next_start(bytes, start.saturating_add(size.max(1)), decoder);
        pieces.push(start..end);
        start = end;
    }
    pieces
}

/// The first record start at or after `from`.
fn next_start(bytes: &[u8], from: usize, decoder: &dyn Decoder) -> usize {
    if from >= bytes.len() || decoder.boundary() == Boundary::Whole {
        return bytes.len();
    }
    let mut at = line_after(bytes, from - 1);
    if decoder.boundary() == Boundary::Record {
        while at < bytes.len() {
            let next = line_after(bytes, at);
            if decoder.starts_record(&bytes[at..next]) {
                break;
            }
            at = next;
        }
    }
    at
}

fn line_after(bytes: &[u8], at: usize) -> usize {
    memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |i| at + i + 1)
}
