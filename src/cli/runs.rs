//! From paths to runs: saved profiles are read, logs are analysed and summed up.

use std::path::{Path, PathBuf};

use parsers::{Kind, Reason, Stamp};

use super::args::InputArgs;
use super::config::Config;
use super::inputs::{self, Inputs};
use super::messages;
use crate::analyze::profile::Snapshot;
use crate::analyze::profile::snapshot::SourceSummary;
use crate::analyze::{self, Analysis};
use crate::error::{Error, Result};
use crate::input::discover;
use crate::load::Source;
use crate::report::Results;
use crate::store;

/// One run and the path it was read from.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) snapshot: Snapshot,
}

/// The runs that a path stands for: a saved profile is one, logs together are one, and each profile of a folder or
/// pattern is one. Sets `trouble` where something could not be read though the rest was.
///
/// # Errors
/// When there is nothing to read, or a profile is damaged.
pub(super) fn read(path: &Path, args: &InputArgs, config: &Config, trouble: &mut bool) -> Result<Vec<Run>> {
    let profiles = profiles(path)?;
    if profiles.is_empty() {
        let args = InputArgs { paths: vec![path.to_owned()], ..args.clone() };
        let (snapshot, inputs) = analyse(&args, config)?;
        *trouble |= inputs.trouble;
        return Ok(vec![Run { name: path.display().to_string(), snapshot }]);
    }
    profiles.iter().map(|path| Ok(Run { name: path.display().to_string(), snapshot: store::read(path)? })).collect()
}

/// The saved profiles that a path stands for; none where it stands for logs.
pub(super) fn profiles(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(if store::is_profile(path) { vec![path.to_owned()] } else { Vec::new() });
    }
    let (found, _) = discover(&[path.to_owned()]);
    let (profiles, others): (Vec<_>, Vec<_>) =
        found.into_iter().map(|found| found.path).partition(|path| store::is_profile(path));
    if !profiles.is_empty() && !others.is_empty() {
        return Err(Error::Usage(format!(
            "{}: holds both saved profiles ({}) and other files ({}); name the one or the other",
            path.display(),
            profiles.len(),
            others.len()
        )));
    }
    Ok(profiles)
}

/// Analyses logs and sums them up.
///
/// # Errors
/// When no log was recognised or an option makes no sense.
pub(super) fn analyse(args: &InputArgs, config: &Config) -> Result<(Snapshot, Inputs)> {
    let inputs = inputs::read(args, config)?;
    let parsed: u64 = inputs.loaded.sources.iter().map(|source| source.records - source.rejects()).sum();
    if parsed == 0 {
        for skipped in &inputs.loaded.skipped {
            messages::note(&format!("{}: {}", skipped.path.display(), skipped.why));
        }
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Error::Empty(format!(
            "{}: no log was recognised; `narrows formats` lists what is known, --log-format names a format",
            paths.join(", ")
        )));
    }
    let mut options = analyze::Options::default();
    options.pools.clone_from(&config.pools);
    let analysis = analyze::run(&inputs.loaded.frame, &inputs.origins, &inputs.host_names, &options)?;
    let results = Results::new(&[], &inputs.loaded, &analysis);
    let sources = inputs.loaded.sources.iter().enumerate().map(|(at, source)| summary(&analysis, at, source)).collect();
    let snapshot = Snapshot::of(&analysis, sources, results.warnings());
    Ok((snapshot, inputs))
}

fn summary(analysis: &Analysis, at: usize, source: &Source) -> SourceSummary {
    let (quality, facts) = (&analysis.quality, &source.facts);
    let shift = quality.alignment.shift_ns.get(at).copied().unwrap_or(0);
    let notes = quality.alignment.notes.iter().filter(|(number, _)| *number as usize == at).map(|(_, note)| note);
    SourceSummary {
        path: source.path.display().to_string(),
        format: source.format.to_owned(),
        bytes: source.bytes,
        sha256: source.sha256.clone(),
        records: source.records,
        operations: source.operations,
        rejected: Reason::ALL
            .iter()
            .zip(source.rejected)
            .filter(|(_, n)| *n > 0)
            .map(|(reason, n)| (reason.name().to_owned(), n))
            .collect(),
        filtered: quality.filtered_by_source.get(at).copied().unwrap_or(0),
        read: Kind::ALL
            .iter()
            .zip(&source.read)
            .filter(|(_, tally)| tally.count > 0)
            .map(|(kind, tally)| (kind.name().to_owned(), tally.count, tally.with_duration, tally.total_ns))
            .collect(),
        span: source.span.map(|(first, last)| (first.saturating_add(shift), last.saturating_add(shift))),
        stamp: facts.stamp.map(|stamp| match stamp {
            Stamp::Start => "start".to_owned(),
            Stamp::End => "end".to_owned(),
        }),
        duration_unit: facts.unit.map(|unit| unit.symbol().to_owned()),
        resolution_ns: Some(facts.resolution_ns).filter(|&ns| ns > 0),
        assumptions: facts.assumptions.iter().chain(notes).cloned().collect(),
    }
}
