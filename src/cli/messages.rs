//! What is said on standard error, and the file of rejected records.

use std::fmt::Write as _;
use std::io::Write as _;

use parsers::Reason;

use crate::error::Error;
use crate::load::{Loaded, Source};
use crate::report::escape;
use crate::units::count_text;

/// An error.
pub(super) fn error(error: &Error) {
    say(&error.to_string());
}

/// Anything else worth a line.
pub(super) fn note(text: &str) {
    say(text);
}

/// One line on standard error. If that is closed there is nobody to tell.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "narrows: {}", escape::terminal(text));
}

/// What of a source was not read, if anything.
pub(super) fn rejects(source: &Source) {
    let Some(first) = source.first_rejects.first().filter(|_| source.rejects() > 0) else { return };
    let most = Reason::ALL.iter().max_by_key(|reason| source.rejected[**reason as usize]).unwrap_or(&first.reason);
    note(&format!(
        "{}: {} of {} records not read ({}, first at byte {}, line {}); {}; --rejects FILE lists them",
        source.path.display(),
        count_text(source.rejects() as i64),
        count_text(source.records as i64),
        most.name(),
        first.offset,
        first.line,
        most.remedy()
    ));
}

/// The rejected records as text: path, byte, line, reason and the record, tab by tab, escaped.
pub(super) fn rejected_records(loaded: &Loaded) -> Vec<u8> {
    let mut text = String::from("source\tbyte\tline\treason\trecord\n");
    for rejected in &loaded.rejected {
        let path = loaded.sources[rejected.source as usize].path.display().to_string();
        let record = escape::bytes(&rejected.bytes);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}\t{record}",
            escape::terminal(&path),
            rejected.place.offset,
            rejected.place.line,
            rejected.place.reason.name()
        );
    }
    text.into_bytes()
}
