//! `narrows show`: the record behind a row of a report, or a trace drawn as a waterfall.

use std::path::PathBuf;

use parsers::Id;
use parsers::apm::trace_ids;

use super::args::{InputArgs, ShowArgs};
use super::exit::Exit;
use super::{config, inputs, output};
use crate::analyze::trace_view::trace_view;
use crate::error::{Error, Result};
use crate::input::open;
use crate::load::Loaded;
use crate::report::{escape, mask, waterfall};
use crate::units::count_text;

/// The longest record that is printed, in bytes.
const LONGEST: usize = 64 << 10;

pub(super) fn run(args: &ShowArgs) -> Result<Exit> {
    if let Some(id) = &args.trace {
        return output::stdout(trace(id, args)?.as_bytes()).map(|()| Exit::Fine);
    }
    let mut text = String::new();
    for place in &args.places {
        text += &record(place, args.unmask)?;
        text.push('\n');
    }
    output::stdout(text.as_bytes()).map(|()| Exit::Fine)
}

/// A trace drawn from all that the paths hold.
fn trace(id: &str, args: &ShowArgs) -> Result<String> {
    let keys = trace_ids(id.as_bytes());
    if keys.is_empty() {
        return Err(Error::Usage(format!("--trace {id}: no id")));
    }
    let input = InputArgs {
        paths: args.places.iter().map(PathBuf::from).collect(),
        log_format: args.log_format.clone(),
        tz: args.tz.clone(),
        all_ids: true,
        ..InputArgs::default()
    };
    let inputs = inputs::read(&input, &config::read(None)?)?;
    let view = keys.into_iter().find_map(|Id(key)| trace_view(&inputs.loaded.frame, &inputs.origins, key));
    let view = view.ok_or_else(|| missing(id, &inputs.loaded))?;
    Ok(waterfall(id, &view, args.unmask))
}

/// What was searched in vain.
fn missing(id: &str, loaded: &Loaded) -> Error {
    const NAMED: usize = 5;
    let mut names: Vec<String> = loaded.sources.iter().take(NAMED).map(|s| s.path.display().to_string()).collect();
    if loaded.sources.len() > NAMED {
        names.push(format!("{} more", loaded.sources.len() - NAMED));
    }
    let operations = count_text(loaded.frame.len() as i64);
    let place = if names.is_empty() { "no log was recognised".to_owned() } else { names.join(", ") };
    Error::Usage(format!("--trace {id}: no record has this trace or request id among {operations} operations ({place})"))
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
