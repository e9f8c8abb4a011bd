//! From arguments to loaded operations and their origins.

use hashbrown::HashMap;
use jiff::tz::{Offset, TimeZone};
use parsers::Unit;
use parsers::access::layout_from_config;

use super::args::{InputArgs, UnitArg};
use super::config::Config;
use super::{messages, output, progress};
use crate::analyze::sources::Origin;
use crate::error::{Error, Result};
use crate::frame::Routes;
use crate::input::Origin::Named;
use crate::input::discover;
use crate::load::{self, FormatRule, Loaded};
use crate::store;

/// Everything that was read, with what the analysis needs to know of each source.
pub(super) struct Inputs {
    pub(super) loaded: Loaded,
    pub(super) origins: Vec<Origin>,
    pub(super) host_names: Vec<String>,
    /// Something could not be read, though the rest was.
    pub(super) trouble: bool,
}

/// Reads what the arguments name.
///
/// # Errors
/// When an option makes no sense, or nothing could be read at all.
pub(super) fn read(args: &InputArgs, config: &Config) -> Result<Inputs> {
    let mut options = options(args, config)?;
    if let Some(threads) = args.threads {
        // Fails only if a pool is there already, as in tests that run twice in one process.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
    }
    let (found, errors) = discover(&args.paths);
    errors.iter().for_each(messages::error);
    if found.is_empty() {
        return Err(Error::Empty(match errors.is_empty() {
            true => "no file to read; name log files or folders".to_owned(),
            false => "nothing was read".to_owned(),
        }));
    }
    if let Some(profile) = found.iter().find(|f| f.origin == Named && store::is_profile(&f.path)) {
        return Err(Error::Usage(format!(
            "{}: a saved profile; `narrows compare`, `save` and `merge` read it, this needs the logs it was made from",
            profile.path.display()
        )));
    }
    options.alone = found.len() == 1 && !args.all_ids;
    let bar = progress::bar(&found);
    let loaded = load::load(&found, &options, &|path, bytes| bar.advance(path, bytes))?;
    bar.finish();
    loaded.errors.iter().for_each(messages::error);
    loaded.sources.iter().for_each(messages::rejects);
    if let Some(path) = &args.rejects {
        output::write(path, &messages::rejected_records(&loaded))?;
    }
    let trouble = !errors.is_empty() || !loaded.errors.is_empty() || over_limit(&loaded, args.max_rejects.as_deref())?;
    let (origins, host_names) = origins(&loaded);
    Ok(Inputs { loaded, origins, host_names, trouble })
}

/// The loader's options.
pub(super) fn options(args: &InputArgs, config: &Config) -> Result<load::Options> {
    let mut options = load::Options::default();
    for text in &args.log_format {
        options.formats.push(rule(text)?);
    }
    for (glob, format) in &config.formats {
        options.formats.push(match format.strip_prefix('@') {
            Some(config) => from_config(format, config)?.only_for(glob)?,
            None => FormatRule::for_paths(glob, format)?,
        });
    }
    let mut routes: Vec<String> = args.route.iter().chain(&config.routes).cloned().collect();
    if let Some(path) = &args.openapi {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Open { path: path.clone(), source })?;
        routes.extend(Routes::paths_of_openapi(&text)?);
    }
    options.naming.routes = Routes::compile(routes.iter().map(String::as_str))?;
    options.tz = args.tz.as_deref().or(config.tz.as_deref()).map(zone).transpose()?;
    options.unit = args.unit.map(|unit| match unit {
        UnitArg::Ns => Unit::Nanos,
        UnitArg::Us => Unit::Micros,
        UnitArg::Ms => Unit::Millis,
        UnitArg::S => Unit::Seconds,
    });
    options.keep_rejects = args.rejects.is_some();
    options.hash = args.hash;
    Ok(options)
}

/// The rule of one `--log-format`. After `@` come a server's configuration file and, after a colon,
/// the name of one of its layouts.
pub(super) fn rule(text: &str) -> Result<FormatRule> {
    if let Some(config) = text.strip_prefix('@') {
        return from_config(text, config);
    }
    match text.split_once("=@") {
        Some((glob, config)) if !glob.contains(['$', '%', '"']) => from_config(text, config)?.only_for(glob),
        _ => FormatRule::parse(text),
    }
}

fn from_config(text: &str, config: &str) -> Result<FormatRule> {
    let read = |path: &str| std::fs::read_to_string(path);
    let (content, name) = match (read(config), config.rsplit_once(':')) {
        (Ok(content), _) => (content, None),
        (Err(source), None) => return Err(Error::Open { path: config.into(), source }),
        (Err(_), Some((path, name))) => (read(path).map_err(|source| Error::Open { path: path.into(), source })?, Some(name)),
    };
    let mut layouts = layout_from_config(&content);
    let usage = |what: String| Err(Error::Usage(format!("--log-format {text}: {what}")));
    if layouts.is_empty() {
        return usage("no log_format, LogFormat or AccessLogValve in it; files it includes are not read".to_owned());
    }
    if let Some(name) = name {
        let names: Vec<String> = layouts.iter().map(|(name, _)| name.clone()).collect();
        layouts.retain(|(own, _)| own == name);
        if layouts.is_empty() {
            return usage(format!("no layout of that name; there are {}", names.join(", ")));
        }
    }
    FormatRule::of_layouts(&layouts)
}

fn zone(text: &str) -> Result<TimeZone> {
    let fixed = || {
        let offset = parsers::scan::time::offset(text.as_bytes()).ok().flatten()?;
        Some(TimeZone::fixed(Offset::from_seconds(i32::try_from(offset).ok()?).ok()?))
    };
    TimeZone::get(text)
        .ok()
        .or_else(fixed)
        .ok_or_else(|| Error::Usage(format!("--tz {text}: no zone of that name; write for example America/Sao_Paulo or -03:00")))
}

/// Whether more records were rejected than allowed.
fn over_limit(loaded: &Loaded, limit: Option<&str>) -> Result<bool> {
    let Some(limit) = limit else { return Ok(false) };
    let usage = || Error::Usage(format!("--max-rejects {limit}: write a number, or a share such as 5%"));
    let rejected: u64 = loaded.sources.iter().map(load::Source::rejects).sum();
    let records: u64 = loaded.sources.iter().map(|s| s.records).sum();
    let most = match limit.strip_suffix('%') {
        Some(share) => {
            share.trim().parse::<f64>().ok().filter(|s| (0.0..=100.0).contains(s)).ok_or_else(usage)? / 100.0 * records as f64
        }
        None => limit.parse::<u64>().map_err(|_| usage())? as f64,
    };
    let over = rejected as f64 > most;
    if over {
        messages::note(&format!("{rejected} of {records} records were rejected, more than --max-rejects {limit} allows"));
    }
    Ok(over)
}

/// What the analysis needs to know of each source. A folder stands for a host.
fn origins(loaded: &Loaded) -> (Vec<Origin>, Vec<String>) {
    let (mut families, mut hosts, mut shapes) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut host_names = Vec::new();
    let origins = loaded
        .sources
        .iter()
        .map(|source| {
            let next = families.len() as u32;
            let family = *families.entry(source.family.clone()).or_insert(next);
            let next = shapes.len() as u32;
            let shape = *shapes.entry(source.format).or_insert(next);
            let folder = source.path.parent().map(|p| p.display().to_string()).unwrap_or_default();
            let next = hosts.len() as u32;
            let host = *hosts.entry(folder.clone()).or_insert(next);
            if host == next {
                host_names.push(folder);
            }
            Origin {
                family,
                host,
                shape,
                name: source.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
                stamp_resolution_ns: source.facts.stamp_resolution_ns,
                resolution_ns: source.facts.resolution_ns,
                zone_missing: source.facts.zone_missing,
                date_missing: source.facts.date_missing,
                span: source.span,
            }
        })
        .collect();
    // What all folders have in common names none of them, however the path was written.
    let common = host_names.iter().skip(1).fold(host_names.first().cloned().unwrap_or_default(), |a, b| common_folder(&a, b));
    let names = host_names.iter().map(|name| name[common.len()..].trim_matches('/').to_owned()).collect();
    (origins, names)
}

/// The folders two paths begin with, both.
fn common_folder(a: &str, b: &str) -> String {
    let parts = a
        .split_inclusive('/')
        .zip(b.split_inclusive('/'))
        .take_while(|(a, b)| a.trim_end_matches('/') == b.trim_end_matches('/'));
    parts.map(|(a, _)| a).collect::<String>().trim_end_matches('/').to_owned()
}
