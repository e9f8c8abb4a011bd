//! `narrows show`: the record behind a row of a report.

use std::path::PathBuf;

use super::args::ShowArgs;
use super::exit::Exit;
use super::output;
use crate::error::{Error, Result};
use crate::input::open;
use crate::report::{escape, mask};

/// The longest record that is printed, in bytes.
const LONGEST: usize = 64 << 10;

pub(super) fn run(args: &ShowArgs) -> Result<Exit> {
    let mut text = String::new();
    for place in &args.places {
        text += &record(place, args.unmask)?;
        text.push('\n');
    }
    output::stdout(text.as_bytes()).map(|()| Exit::Fine)
}

/// The line at `FILE:OFFSET`.
fn record(place: &str, unmask: bool) -> Result<String> {
    let usage = || Error::Usage(format!("{place}: not a place; write FILE:OFFSET as the report gives it"));
    let (path, offset) = place.rsplit_once(':').ok_or_else(usage)?;
    let offset: u64 = offset.parse().map_err(|_| usage())?;
    let path = PathBuf::from(path);
    let mut found: Option<Vec<u8>> = None;
    // Blocks end at line ends, so that a line is never split between two.
    let lines = |bytes: &[u8]| memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    let read = open(&path)?.read(lines, |start, block| {
        if let Some(at) = offset.checked_sub(start).map(|at| at as usize).filter(|&at| at < block.len()) {
            let begin = memchr::memrchr(b'\n', &block[..at]).map_or(0, |newline| newline + 1);
            let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |len| at + len);
            // A document of one line is shown from the place on.
            let begin = if end - begin > LONGEST { at } else { begin };
            found = Some(block[begin..end.min(begin + LONGEST)].to_vec());
        }
    })?;
    let line = found.ok_or_else(|| Error::Usage(format!("{place}: past the end, which is at byte {read}")))?;
    let line = line.strip_suffix(b"\r").unwrap_or(&line);
    Ok(if unmask { escape::bytes(line) } else { mask::line(&escape::bytes(line)) })
}
