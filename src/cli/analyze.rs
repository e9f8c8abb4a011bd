//! `narrows analyze`.

use std::io::IsTerminal;

use globset::GlobBuilder;

use super::args::{AnalyzeArgs, ColorArg};
use super::exit::Exit;
use super::{config, inputs, messages, output};
use crate::analyze::{self, Analysis};
use crate::error::{Error, Result};
use crate::report::{self, Part, Results};
use crate::units;

pub(super) fn run(args: &AnalyzeArgs) -> Result<Exit> {
    // What is wrong with the arguments is said before anything is read.
    let writer = report::writer(&args.format).ok_or_else(|| {
        let names: Vec<&str> = report::WRITERS.iter().map(|w| w.name).collect();
        Error::Usage(format!("--format {}: not one of {}", args.format, names.join(", ")))
    })?;
    let part = Part::ALL
        .into_iter()
        .find(|part| part.name() == args.table)
        .ok_or_else(|| Error::Usage(format!("--table {}: not one of {}", args.table, Part::ALL.map(Part::name).join(", "))))?;
    let mut options = options(args)?;
    let config = config::read(args.input.config.as_deref())?;
    options.pools.clone_from(&config.pools);
    let inputs = inputs::read(&args.input, &config)?;
    if inputs.loaded.sources.is_empty() {
        for skipped in &inputs.loaded.skipped {
            messages::note(&format!("{}: {}", skipped.path.display(), skipped.why));
        }
        return Err(Error::Empty(
            "no log was recognised; `narrows formats` lists what is known, --log-format names a format".to_owned(),
        ));
    }
    let analysis = analyze::run(&inputs.loaded.frame, &inputs.origins, &inputs.host_names, &options)?;
    if let Some(outcome) = analysis.capacity.as_ref().and_then(|c| c.what_if.as_ref()).filter(|o| !o.unmatched.is_empty()) {
        let names: Vec<String> = outcome.unmatched.iter().map(report::what_if_text).collect();
        return Err(Error::Usage(format!(
            "--what-if: nothing in the logs is named so: {}; the tables show the names and ids",
            names.join("; ")
        )));
    }
    let command = command(args);
    let results = Results::new(&command, &inputs.loaded, &analysis);
    let color = match args.color {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => {
            args.output.as_os_str() == "-" && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
        }
    };
    let mut style = report::Options::default();
    (style.top, style.wide, style.color, style.part) = (args.top, args.wide, color, part);
    style.quantiles.extend(options.quantiles.iter().skip(4));
    let text = if args.explain.is_empty() { (writer.write)(&results, &style) } else { explain(&results, &args.explain)? };
    output::write(&args.output, text.as_bytes())?;
    Ok(exit(args, &inputs, &analysis))
}

/// The arithmetic behind rows, by id or name.
fn explain(results: &Results<'_>, ids: &[String]) -> Result<String> {
    let mut text = String::new();
    for id in ids {
        let lines = report::explain(results, id)
            .ok_or_else(|| Error::Usage(format!("--explain {id}: no row or resource of that id or name in the report")))?;
        for line in lines {
            text += &report::escape::terminal(&line);
            text.push('\n');
        }
    }
    Ok(text)
}

fn exit(args: &AnalyzeArgs, inputs: &inputs::Inputs, analysis: &Analysis) -> Exit {
    let parsed = inputs.loaded.sources.iter().map(|s| s.records - s.rejects()).sum::<u64>();
    if inputs.trouble || parsed == 0 {
        if parsed == 0 {
            messages::note("no record could be read; --log-format names the format");
        }
        return Exit::Trouble;
    }
    let ceiling = analysis.capacity.as_ref().and_then(|c| c.ceiling_tps);
    match (args.min_tps, ceiling) {
        (Some(least), Some(ceiling)) if ceiling < least => {
            messages::note(&format!("the ceiling of {} TPS is below --min-tps {least}", units::three_digits(ceiling)));
            Exit::Gate
        }
        (Some(least), None) => {
            messages::note(&format!("--min-tps {least}: the logs do not tell the ceiling"));
            Exit::Trouble
        }
        _ => Exit::Fine,
    }
}

/// What of the command changes the result.
fn command(args: &AnalyzeArgs) -> Vec<String> {
    let mut command = vec!["analyze".to_owned()];
    let mut add = |flag: &str, value: &str| command.push(format!("--{flag}={value}"));
    args.input.log_format.iter().for_each(|v| add("log-format", v));
    args.input.tz.iter().for_each(|v| add("tz", v));
    args.input.route.iter().for_each(|v| add("route", v));
    args.since.iter().for_each(|v| add("since", v));
    args.until.iter().for_each(|v| add("until", v));
    args.endpoint.iter().for_each(|v| add("endpoint", v));
    args.method.iter().for_each(|v| add("method", v));
    args.status.iter().for_each(|v| add("status", v));
    args.min_duration.iter().for_each(|v| add("min-duration", v));
    args.expected_interval.iter().for_each(|v| add("expected-interval", v));
    args.what_if.iter().for_each(|v| add("what-if", v));
    args.target_tps.iter().for_each(|v| add("target-tps", &v.to_string()));
    command.extend(args.input.paths.iter().map(|p| p.display().to_string()));
    command
}

fn options(args: &AnalyzeArgs) -> Result<analyze::Options> {
    let since = args.since.as_deref().map(|t| moment("--since", t)).transpose()?;
    let until = args.until.as_deref().map(|t| moment("--until", t)).transpose()?;
    let mut options = analyze::Options { since, until, ..analyze::Options::default() };
    for pattern in &args.endpoint {
        let glob = GlobBuilder::new(pattern).literal_separator(false).build();
        options.endpoints.push(glob.map_err(|e| Error::Usage(format!("--endpoint {pattern}: {e}")))?.compile_matcher());
    }
    options.methods.clone_from(&args.method);
    options.statuses = args.status.iter().map(|s| statuses(s)).collect::<Result<_>>()?;
    options.min_duration = args
        .min_duration
        .as_deref()
        .map(units::parse_duration)
        .transpose()
        .map_err(|e| Error::Usage(format!("--min-duration: {e}")))?;
    for &percentile in &args.percentiles {
        if !(percentile > 0.0 && percentile <= 100.0) {
            return Err(Error::Usage(format!(
                "--percentiles {percentile}: write numbers over 0 and up to 100, for example 75,99.9"
            )));
        }
        let quantile = percentile / 100.0;
        if !options.quantiles.iter().any(|q| (q - quantile).abs() < 1e-12) {
            options.quantiles.push(quantile);
        }
    }
    options.expected_interval = args
        .expected_interval
        .as_deref()
        .map(units::parse_duration)
        .transpose()
        .map_err(|e| Error::Usage(format!("--expected-interval: {e}")))?
        .filter(|&ns| ns > 0);
    options.folded = args.format == "folded";
    options.target_tps.clone_from(&args.target_tps);
    options.what_ifs = args.what_if.iter().map(|text| what_if(text)).collect::<Result<_>>()?;
    Ok(options)
}

fn moment(flag: &str, text: &str) -> Result<i64> {
    let stamp = parsers::scan::time::iso(text.as_bytes()).map(|stamp| stamp.nanos);
    let date = || parsers::scan::time::iso(format!("{text}T00:00:00").as_bytes()).map(|stamp| stamp.nanos);
    stamp.or_else(|_| date()).map_err(|_| Error::Usage(format!("{flag} {text}: no time; write for example 2026-11-22T17:55:00Z")))
}

/// `500`, `5xx` or `400-499` as a range.
fn statuses(text: &str) -> Result<(u16, u16)> {
    let usage = || Error::Usage(format!("--status {text}: write for example 500, 5xx or 400-499"));
    let number = |t: &str| t.parse::<u16>().map_err(|_| usage());
    if let Some(class) = text.to_ascii_lowercase().strip_suffix("xx") {
        let class = number(class)?;
        return if (1..=9).contains(&class) { Ok((class * 100, class * 100 + 99)) } else { Err(usage()) };
    }
    match text.split_once('-') {
        Some((a, b)) => Ok((number(a)?, number(b)?)),
        None => number(text).map(|n| (n, n)),
    }
}

/// `pool NAME=40`, `statement ID x0.5`, `endpoint "GET /x" x2 load`.
fn what_if(text: &str) -> Result<analyze::capacity::target::WhatIf> {
    use analyze::capacity::target::WhatIf;
    let usage = || {
        Error::Usage(format!(
            "--what-if {text}: write for example 'pool HikariPool-1=40', 'statement ID x0.5' or 'endpoint \"GET /x\" x2 load'"
        ))
    };
    let (sort, rest) = text.trim().split_once(' ').ok_or_else(usage)?;
    let unquoted = |name: &str| name.trim().trim_matches(['"', '\'']).to_owned();
    let factor = |rest: &str| -> Result<(String, f64)> {
        let (name, factor) = rest.trim().rsplit_once(" x").ok_or_else(usage)?;
        let factor: f64 = factor.trim().parse().map_err(|_| usage())?;
        if factor >= 0.0 && factor.is_finite() { Ok((unquoted(name), factor)) } else { Err(usage()) }
    };
    match sort {
        "pool" | "threads" | "resource" => {
            let (name, slots) = rest.rsplit_once('=').ok_or_else(usage)?;
            let slots = slots.trim().parse().ok().filter(|&n| n > 0).ok_or_else(usage)?;
            Ok(WhatIf::Size { resource: unquoted(name), slots })
        }
        "statement" => factor(rest).map(|(statement, factor)| WhatIf::Statement { statement, factor }),
        "endpoint" => {
            factor(rest.trim().strip_suffix("load").unwrap_or(rest)).map(|(endpoint, factor)| WhatIf::Load { endpoint, factor })
        }
        _ => Err(usage()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use analyze::capacity::target::WhatIf;

    #[test]
    fn statuses_are_ranges() {
        assert_eq!(statuses("500").ok(), Some((500, 500)));
        assert_eq!(statuses("5xx").ok(), Some((500, 599)));
        assert_eq!(statuses("400-499").ok(), Some((400, 499)));
        assert!(statuses("abc").is_err() && statuses("0xx").is_err());
    }

    #[test]
    fn changes_are_read_as_documented() {
        assert_eq!(what_if("pool HikariPool-1=40").ok(), Some(WhatIf::Size { resource: "HikariPool-1".to_owned(), slots: 40 }));
        assert_eq!(
            what_if("statement s1a2b3c4d x0.5").ok(),
            Some(WhatIf::Statement { statement: "s1a2b3c4d".to_owned(), factor: 0.5 })
        );
        assert_eq!(
            what_if("endpoint \"GET /x\" x2 load").ok(),
            Some(WhatIf::Load { endpoint: "GET /x".to_owned(), factor: 2.0 })
        );
        assert!(what_if("pool x").is_err() && what_if("more").is_err());
    }
}
