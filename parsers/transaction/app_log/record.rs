//! A record of an application log as the readers of messages see it.

use crate::{Id, Kind, Nanos, Operation};

/// Takes an operation together with the place in the record that shows it.
pub(super) type Push<'f, 'a> = dyn FnMut(&'a [u8], Operation<'a>) + 'f;

/// A record: its text from the head on, continuation lines and all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record<'a> {
    /// The text.
    pub(super) text: &'a [u8],
    /// When it was written.
    pub(super) end: Option<i64>,
    /// The thread that wrote it.
    pub(super) thread: Option<&'a [u8]>,
    /// The request it is about.
    pub(super) request: Option<Id>,
    /// The trace it is about.
    pub(super) trace: Option<Id>,
}

impl<'a> Record<'a> {
    /// An operation at the moment of the record.
    pub(super) fn operation(&self, kind: Kind) -> Operation<'a> {
        Operation { start: self.end, thread: self.thread, request: self.request, trace: self.trace, ..Operation::new(kind) }
    }

    /// A wait that ended at the moment of the record.
    pub(super) fn waited(&self, kind: Kind, wait: Option<Nanos>) -> Operation<'a> {
        let start = self.end.map(|end| end.saturating_sub(wait.unwrap_or(0)));
        Operation { start, duration: wait, ..self.operation(kind) }
    }
}

/// The whole number a text starts with, and what follows. `u32::MAX` stands for "none" elsewhere
/// and is refused.
pub(super) fn number_at(text: &[u8]) -> Option<(u32, &[u8])> {
    let len = text.iter().take(11).take_while(|b| b.is_ascii_digit()).count();
    let value = std::str::from_utf8(&text[..len]).ok()?.parse().ok().filter(|&n| n != u32::MAX)?;
    Some((value, &text[len..]))
}

/// The number that follows `key` in a text.
pub(super) fn number_after(text: &[u8], key: &[u8]) -> Option<u32> {
    let at = memchr::memmem::find(text, key)?;
    number_at(&text[at + key.len()..]).map(|(value, _)| value)
}

/// A text up to its first line end.
pub(super) fn line_of(text: &[u8]) -> &[u8] {
    let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
    line.strip_suffix(b"\r").unwrap_or(line)
}
