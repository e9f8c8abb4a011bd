//! `narrows save` and `narrows merge`.

use std::path::Path;

use super::args::{InputArgs, MergeArgs, SaveArgs};
use super::exit::Exit;
use super::{config, messages, runs};
use crate::analyze::profile::{Snapshot, merge};
use crate::error::{Error, Result};
use crate::store;

/// Sums logs up and saves the profile. Saved profiles among the paths are merged into it.
pub(super) fn save(args: &SaveArgs) -> Result<Exit> {
    check(&args.output)?;
    let config = config::read(args.input.config.as_deref())?;
    let mut logs = Vec::new();
    let mut merged: Option<Snapshot> = None;
    for path in &args.input.paths {
        let profiles = runs::profiles(path)?;
        if profiles.is_empty() {
            logs.push(path.clone());
        }
        for path in profiles {
            merged = add(merged, store::read(&path)?);
        }
    }
    let mut trouble = false;
    if !logs.is_empty() {
        // A saved profile must say what it was made from.
        let input = InputArgs { paths: logs, hash: true, ..args.input.clone() };
        let (snapshot, inputs) = runs::analyse(&input, &config)?;
        trouble = inputs.trouble;
        merged = add(merged, snapshot);
    }
    let snapshot = merged.ok_or_else(|| Error::Usage("nothing to save; name logs, folders or saved profiles".to_owned()))?;
    store::write(&args.output, &snapshot)?;
    Ok(if trouble { Exit::Trouble } else { Exit::Fine })
}

/// Merges saved profiles into one.
pub(super) fn run_merge(args: &MergeArgs) -> Result<Exit> {
    check(&args.output)?;
    let mut merged: Option<Snapshot> = None;
    for path in &args.paths {
        let found = runs::profiles(path)?;
        if found.is_empty() {
            return Err(Error::Usage(format!("{}: no saved profile; `narrows save` makes one from logs", path.display())));
        }
        for path in found {
            let snapshot = store::read(&path)?;
            if let Some(known) = &merged
                && snapshot.sources.iter().any(|source| source.sha256.is_some() && known.sources.contains(source))
            {
                messages::note(&format!(
                    "{}: made from a log that another of the profiles was made from, too; it counts twice",
                    path.display()
                ));
            }
            merged = add(merged, snapshot);
        }
    }
    let snapshot = merged.ok_or_else(|| Error::Usage("nothing to merge; name saved profiles".to_owned()))?;
    store::write(&args.output, &snapshot)?;
    Ok(Exit::Fine)
}

fn add(sum: Option<Snapshot>, next: Snapshot) -> Option<Snapshot> {
    Some(match sum {
        Some(sum) => merge(&sum, &next),
        None => next,
    })
}

/// What is wrong with the place is said before hours of logs are read.
fn check(output: &Path) -> Result<()> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    if output.is_dir() || output.file_name().is_none() || output == Path::new("-") {
        return Err(Error::Usage(format!("--output {}: name a file, for example base.narrows", output.display())));
    }
    match folder.map(Path::metadata) {
        Some(Err(source)) => Err(Error::Write { path: output.to_owned(), source }),
        _ => Ok(()),
    }
}
