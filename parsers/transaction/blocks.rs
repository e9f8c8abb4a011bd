//! Records of several lines: which lines belong together, and the booking of each record.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use crate::{Batch, Chunk, Reason};

/// The longest record that is read, in bytes.
const MAX_RECORD: usize = 16 << 20;

/// Calls `read` for every record of the chunk, without its last line end, and books what it says.
/// A record starts at a line for which `starts` holds and runs to the next. Lines before the first
/// start are a record of their own, as what they continue was cut off. Blank lines between records
/// belong to none.
pub(crate) fn each_record(
    chunk: Chunk<'_>,
    batch: &mut Batch,
    starts: impl Fn(&[u8]) -> bool,
    mut read: impl FnMut(&[u8], &mut Batch) -> Result<(), Reason>,
) {
    let mut book = |from: usize, to: usize, number: u32, batch: &mut Batch| {
        let record = chunk.bytes[from..to].trim_ascii_end();
        if record.trim_ascii_start().is_empty() {
            return;
        }
        batch.record(chunk.offset + from as u64, number);
        let outcome = if record.len() > MAX_RECORD { Err(Reason::TooLong) } else { read(record, batch) };
        if let Err(reason) = outcome {
            let lost = reason == Reason::Shape && memchr(0, record).is_some();
            batch.reject(record.len(), if lost { Reason::Binary } else { reason });
        }
    };
    let (mut at, mut number) = (0, 0);
    let (mut from, mut first, mut open) = (0, 0, false);
    while at < chunk.bytes.len() {
        let rest = &chunk.bytes[at..];
        let len = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..len];
        if starts(line) {
            book(from, at, first, batch);
            (from, first, open) = (at, number, true);
        } else if !open {
            if line.trim_ascii().is_empty() {
                (from, first) = ((at + len + 1).min(chunk.bytes.len()), number + 1);
            } else {
                open = true;
            }
        }
        number += 1;
        at += len + 1;
    }
    book(from, chunk.bytes.len(), first, batch);
    batch.lines = number;
}

/// The first lines of a log, without their line ends.
pub(crate) fn head_lines(head: &[u8], n: usize) -> impl Iterator<Item = &[u8]> {
    head.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty()).take(n)
}

/// A text of several lines with LF for line ends, whatever the log's way here made of them.
pub(crate) fn unix_lines(text: &[u8]) -> Cow<'_, [u8]> {
    if memmem::find(text, b"\r\n").is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|&b| b == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                plain.extend_from_slice(line);
                plain.push(b'\n');
            }
            None => plain.extend_from_slice(line),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_gathered_and_counted() {
        let text = b"\n\ntail\n of old\n#a\n1\n\n2\r\n#b\n\n";
        let chunk = Chunk::whole(text);
        let mut batch = Batch::new(&chunk);
        let mut got = Vec::new();
        each_record(
            chunk,
            &mut batch,
            |l| l.starts_with(b"#"),
            |r, _| {
                got.push(String::from_utf8_lossy(r).into_owned());
                if r.starts_with(b"#") { Ok(()) } else { Err(Reason::Shape) }
            },
        );
        assert_eq!(got, ["tail\n of old", "#a\n1\n\n2", "#b"]);
        assert_eq!((batch.records, batch.lines), (3, 10));
        let reject = batch.rejects[0];
        assert_eq!((reject.offset, reject.line, reject.len), (2, 2, 12));
    }
}
