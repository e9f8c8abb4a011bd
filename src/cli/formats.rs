//! `narrows formats`: what is known, and what a file is.

use std::fmt::Write as _;
use std::path::Path;

use parsers::{Stamp, detect, formats};

use super::args::FormatsArgs;
use super::exit::Exit;
use super::{inputs, messages, output};
use crate::error::Result;
use crate::input::{Opened, open};
use crate::load::{self, Settled, parts};
use crate::report::escape;

pub(super) fn run(args: &FormatsArgs) -> Result<Exit> {
    if args.detect.is_empty() {
        return output::stdout(list().as_bytes()).map(|()| Exit::Fine);
    }
    let mut options = load::Options::default();
    for text in &args.log_format {
        options.formats.push(inputs::rule(text)?);
    }
    let (mut text, mut exit) = (String::new(), Exit::Fine);
    for path in &args.detect {
        match describe(path, &options) {
            Ok(description) => text += &description,
            Err(error) => {
                messages::error(&error);
                exit = Exit::Trouble;
            }
        }
    }
    output::stdout(text.as_bytes()).map(|()| exit)
}

/// Every format, one a line.
fn list() -> String {
    let mut text = String::new();
    for format in formats() {
        let spec = format.spec();
        let unit = spec.unit.map_or("-", |unit| unit.symbol());
        let stamp = if spec.stamp == Stamp::Start { "start" } else { "end" };
        let _ = writeln!(text, "{:<20} {:<12} stamp {:<6} unit {:<3} {}", spec.name, spec.family.name(), stamp, unit, spec.title);
    }
    text
}

fn describe(path: &Path, options: &load::Options) -> Result<String> {
    let opened = open(path)?;
    let mut text = String::new();
    for part in parts(path, &opened, options) {
        let several = part.service.is_some();
        let shown = match part.service {
            Some(service) => format!("{}, the lines of {service}", path.display()),
            None => path.display().to_string(),
        };
        match part.settled {
            Ok(settled) => text += &description(&shown, &opened, &settled),
            Err(error) if several => messages::error(&error),
            Err(error) => return Err(error),
        }
    }
    Ok(text)
}

fn description(shown: &str, opened: &Opened, settled: &Settled) -> String {
    let facts = settled.decoder.facts();
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "  {key:<12} {}", escape::terminal(value));
    };
    line("format", settled.format.spec().name);
    line("evidence", &settled.evidence);
    if !facts.layout.is_empty() {
        line("layout", &facts.layout);
    }
    let stamp = match facts.stamp {
        Some(Stamp::Start) => "start of the operation",
        Some(Stamp::End) => "end of the operation",
        None => "not known",
    };
    line("stamp", stamp);
    line("unit", facts.unit.map_or("named by each record, or none", |unit| unit.symbol()));
    for wrapping in opened.compression.into_iter().chain(opened.encoding).chain(settled.prefix.map(|p| p.name)) {
        line("inside", wrapping);
    }
    for assumption in &facts.assumptions {
        line("assumes", assumption);
    }
    for other in detect(&opened.head).iter().filter(|c| c.format.spec().name != settled.format.spec().name).take(3) {
        line("also fits", &format!("{} ({} of 100): {}", other.format.spec().name, other.verdict.score, other.verdict.evidence));
    }
    format!("{}\n{text}", escape::terminal(shown))
}
