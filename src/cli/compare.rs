//! `narrows compare`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::args::{ColorArg, CompareArgs, FailOnArg};
use super::exit::Exit;
use super::runs::{self, Run};
use super::{config, messages, output};
use crate::analyze::compare::budget::{self, Budget, Kept};
use crate::analyze::compare::explain::explain;
use crate::analyze::compare::history::{History, history};
use crate::analyze::compare::resources::differences;
use crate::analyze::compare::side::Side;
use crate::analyze::compare::sides::sides;
use crate::analyze::compare::{Options, Overall, Verdict, compare as judge};
use crate::analyze::profile::{Snapshot, merge};
use crate::error::{Error, Result};
use crate::report::{self, compare};

pub(super) fn run(args: &CompareArgs) -> Result<Exit> {
    // What is wrong with the arguments is said before anything is read.
    let writer = compare::writer(&args.format).ok_or_else(|| {
        let names: Vec<&str> = compare::WRITERS.iter().map(|w| w.name).collect();
        Error::Usage(format!("--format {}: not one of {}", args.format, names.join(", ")))
    })?;
    let (base_paths, candidate_paths) = paths(args)?;
    let mut options = Options::default();
    if let Some(text) = &args.noise {
        options.run_noise_default = share("--noise", text)?;
    }
    if let Some(text) = &args.warm_up {
        options.warm_up_share = share("--warm-up", text)?;
    }
    let config = config::read(args.input.config.as_deref())?;
    let budgets: Vec<Budget> = config.budget.iter().map(config::BudgetTable::budgets).collect::<Result<Vec<_>>>()?.concat();

    let mut trouble = false;
    let mut read = |paths: &[PathBuf]| -> Result<Vec<Run>> {
        let mut all = Vec::new();
        for path in paths {
            all.extend(runs::read(path, &args.input, &config, &mut trouble)?);
        }
        Ok(all)
    };
    let (base, candidate) = (read(&base_paths)?, read(&candidate_paths)?);
    let earlier = args.history.as_deref().map(|folder| earlier(folder, &candidate)).transpose()?;

    // All names are settled together, or a service's endpoint might be called differently here and there.
    let earlier_runs = earlier.as_deref().unwrap_or_default();
    let merged = (sum(&base), sum(&candidate));
    let everything: Vec<&Snapshot> =
        base.iter().chain(&candidate).chain(earlier_runs).map(|run| &run.snapshot).chain(std::iter::once(&merged.1)).collect();
    let all = sides(&everything);
    let (base_sides, rest) = all.split_at(base.len());
    let (candidate_sides, rest) = rest.split_at(candidate.len());
    let (earlier_sides, whole) = rest.split_at(earlier_runs.len());

    let history = earlier.as_ref().map(|runs| trend(runs, earlier_sides, &candidate, candidate_sides));
    if let Some(history) = &history {
        options.run_noise.clone_from(&history.noise);
    }
    let comparison = judge(base_sides, candidate_sides, &options);
    let outcomes = match whole.first() {
        Some(side) => budget::check(&budgets, side).map_err(|unmatched| {
            let file = args.input.config.as_deref().unwrap_or(Path::new(config::NAME));
            Error::Usage(format!(
                "{}: the budget for endpoint `{}` fits no endpoint of the candidate; correct the pattern (`*` stands for any text)",
                file.display(),
                unmatched.pattern
            ))
        })?,
        None => Vec::new(),
    };
    let explanations = explain(&comparison.endpoints, &pairs(&base, base_sides), &pairs(&candidate, candidate_sides));
    let differing = base.first().zip(candidate.first()).map_or_else(Vec::new, |(a, b)| differences(&a.snapshot, &b.snapshot));
    let command = command(args, &base_paths, &candidate_paths);
    let file = args.input.config.as_deref().unwrap_or(Path::new(config::NAME)).display().to_string();
    let results = compare::Results {
        command: &command,
        base: &named(&base),
        candidate: &named(&candidate),
        base_merged: &merged.0,
        candidate_merged: &merged.1,
        comparison: &comparison,
        explanations: &explanations,
        differences: &differing,
        budgets: &budgets,
        outcomes: &outcomes,
        budget_file: &file,
        history: history.as_ref(),
    };
    let mut style = report::Options::default();
    (style.top, style.wide, style.color) = (args.top, args.wide, color(args));
    output::write(&args.output, (writer.write)(&results, &style).as_bytes())?;
    if args.output.as_os_str() != "-" {
        messages::note(&compare::verdict(&results));
    }
    Ok(exit(args, trouble, &comparison, &outcomes))
}

/// Broken gates come after trouble, which makes any verdict doubtful, and before what cannot be told.
fn exit(args: &CompareArgs, trouble: bool, found: &crate::analyze::compare::Comparison, outcomes: &[budget::Outcome]) -> Exit {
    let is_broken = outcomes.iter().any(|outcome| outcome.kept == Kept::Broken);
    let unsure = outcomes.iter().any(|outcome| matches!(outcome.kept, Kept::TooFew | Kept::Unknown));
    // Calls per request do not depend on the load.
    let by_calls = found.endpoints.iter().any(|change| change.verdict == Verdict::Regression);
    let strict = args.fail_on == Some(FailOnArg::Inconclusive);
    match found.verdict {
        _ if trouble => Exit::Trouble,
        Overall::Regression => Exit::Gate,
        _ if is_broken => Exit::Gate,
        Overall::Incomparable if found.capacity_regressed || by_calls => Exit::Gate,
        Overall::Incomparable => Exit::Trouble,
        Overall::Inconclusive if strict => Exit::Inconclusive,
        Overall::Ok if strict && unsure => Exit::Inconclusive,
        Overall::Ok | Overall::Inconclusive => Exit::Fine,
    }
}

/// The paths of both sides: two in a row, or each side by its flag.
fn paths(args: &CompareArgs) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    match (&args.input.paths[..], &args.base[..], &args.candidate[..]) {
        ([base, candidate], [], []) => Ok((vec![base.clone()], vec![candidate.clone()])),
        ([], [_, ..], [_, ..]) => Ok((args.base.clone(), args.candidate.clone())),
        _ => Err(Error::Usage("name BASE and CANDIDATE, or every run of both sides with --base and --candidate".to_owned())),
    }
}

/// `0.02` or `2%`.
fn share(flag: &str, text: &str) -> Result<f64> {
    let number = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.trim().parse::<f64>(),
    };
    let fits = number.ok().filter(|share| (0.0..1.0).contains(share));
    fits.ok_or_else(|| Error::Usage(format!("{flag} {text}: write a share below 1, for example 0.02 or 2%")))
}

/// The profiles of a folder, oldest first, without those that are the candidate itself.
fn earlier(folder: &Path, candidate: &[Run]) -> Result<Vec<Run>> {
    let mut found = Vec::new();
    let (files, errors) = crate::input::discover(&[folder.to_owned()]);
    if let Some(error) = errors.into_iter().next() {
        return Err(error);
    }
    for path in files.into_iter().map(|file| file.path).filter(|path| crate::store::is_profile(path)) {
        let snapshot = crate::store::read(&path)?;
        if candidate.iter().all(|run| run.snapshot.profile != snapshot.profile) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            found.push(Run { name, snapshot });
        }
    }
    if found.is_empty() {
        messages::note(&format!("--history {}: no saved profile of an earlier run in it", folder.display()));
    }
    found.sort_by(|a, b| (a.snapshot.profile.window, &a.name).cmp(&(b.snapshot.profile.window, &b.name)));
    Ok(found)
}

/// Noise from earlier runs alone; changes up to the candidate.
fn trend(earlier: &[Run], earlier_sides: &[Side], candidate: &[Run], candidate_sides: &[Side]) -> History {
    let mut builds: Vec<(&str, &Side)> = earlier.iter().map(|run| run.name.as_str()).zip(earlier_sides).collect();
    let noise = history(&builds);
    builds.extend(candidate.iter().map(|run| run.name.as_str()).zip(candidate_sides));
    History { changes: history(&builds).changes, ..noise }
}

fn sum(runs: &[Run]) -> Snapshot {
    let mut runs = runs.iter().map(|run| &run.snapshot);
    let first = runs.next().cloned().unwrap_or_default();
    runs.fold(first, |sum, next| merge(&sum, next))
}

fn pairs<'a>(runs: &'a [Run], sides: &'a [Side]) -> Vec<(&'a Snapshot, &'a Side)> {
    runs.iter().map(|run| &run.snapshot).zip(sides).collect()
}

fn named(runs: &[Run]) -> Vec<compare::Run<'_>> {
    runs.iter().map(|run| compare::Run { name: &run.name, snapshot: &run.snapshot }).collect()
}

fn color(args: &CompareArgs) -> bool {
    match args.color {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => {
            args.output.as_os_str() == "-" && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
        }
    }
}

/// What of the command changes the result.
fn command(args: &CompareArgs, base: &[PathBuf], candidate: &[PathBuf]) -> Vec<String> {
    let mut command = vec!["compare".to_owned()];
    let mut add = |flag: &str, value: &str| command.push(format!("--{flag}={value}"));
    args.input.log_format.iter().for_each(|v| add("log-format", v));
    args.input.tz.iter().for_each(|v| add("tz", v));
    args.input.route.iter().for_each(|v| add("route", v));
    args.noise.iter().for_each(|v| add("noise", v));
    args.warm_up.iter().for_each(|v| add("warm-up", v));
    args.history.iter().for_each(|v| add("history", &v.display().to_string()));
    base.iter().for_each(|v| add("base", &v.display().to_string()));
    candidate.iter().for_each(|v| add("candidate", &v.display().to_string()));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_either_way() {
        assert_eq!(share("--noise", "2%").ok(), Some(0.02));
        assert_eq!(share("--noise", "0.02").ok(), Some(0.02));
        assert!(share("--noise", "2").is_err() && share("--noise", "x").is_err() && share("--noise", "-1%").is_err());
    }
}
