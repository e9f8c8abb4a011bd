//! Which files a command line means.

use std::path::{Path, PathBuf};

use globset::Glob;
use walkdir::WalkDir;

use crate::error::{Error, Result};

/// How an input came to be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Named on the command line: not recognising it is an error.
    Named,
    /// Found in a folder or by a pattern: not recognising it is worth a note.
    Walked,
    /// Standard input.
    Stdin,
}

/// An input to be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Path as it is shown; `-` for standard input.
    pub path: PathBuf,
    /// How it came to be read.
    pub origin: Origin,
}

/// The files that the arguments mean, in a fixed order, each once. Folders are walked in depth,
/// hidden entries left out. An argument that is neither file nor folder is tried as a pattern.
pub fn discover(args: &[PathBuf]) -> (Vec<Found>, Vec<Error>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for arg in args {
        match expand(arg) {
            Ok(more) => found.extend(more),
            Err(error) => errors.push(error),
        }
    }
    let mut seen = hashbrown::HashSet::new();
    found.retain(|f: &Found| seen.insert(f.path.canonicalize().unwrap_or_else(|_| f.path.clone())));
    (found, errors)
}

fn expand(arg: &Path) -> Result<Vec<Found>> {
    if arg == Path::new("-") {
        return Ok(vec![Found { path: arg.to_owned(), origin: Origin::Stdin }]);
    }
    match arg.metadata() {
        Ok(meta) if meta.is_dir() => Ok(walk(arg, |_| true)),
        Ok(_) => Ok(vec![Found { path: arg.to_owned(), origin: Origin::Named }]),
        Err(source) => match pattern(arg) {
            Some(found) if !found.is_empty() => Ok(found),
            Some(_) => Err(Error::NoMatch(arg.display().to_string())),
            None => Err(Error::Open { path: arg.to_owned(), source }),
        },
    }
}

/// The files a pattern matches, sorted; `None` when the text has no wildcard.
fn pattern(arg: &Path) -> Option<Vec<Found>> {
    let text = arg.to_str().filter(|t| t.contains(['*', '?', '[', '{']))?;
    let matcher = Glob::new(text).ok()?.compile_matcher();
    let is_literal = |c: &std::path::Component<'_>| !c.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
    let base: PathBuf = arg.components().take_while(is_literal).collect();
    let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
    Some(walk(&base, |path| matcher.is_match(path.strip_prefix("./").unwrap_or(path))))
}

fn walk(folder: &Path, keep: impl Fn(&Path) -> bool) -> Vec<Found> {
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name()))
        .filter_map(std::result::Result::ok)
        .filter(|entry| entry.file_type().is_file() && keep(entry.path()))
        .map(|entry| Found { path: entry.into_path(), origin: Origin::Walked })
        .collect()
}

/// The rotated set a file belongs to: its path without what rotation and compression add.
/// `x.log`, `x.log.1`, `x.log.2.gz`, `x.log-20261121` and `x.2026-11-21.log` are one set.
pub fn family(path: &Path) -> String {
    let text = path.display().to_string();
    let (folder, mut name) = match text.rfind('/') {
        Some(at) => (&text[..=at], text[at + 1..].to_owned()),
        None => ("", text.clone()),
    };
    for extension in [".gz", ".zst", ".bz2", ".xz", ".bz", ".zstd"] {
        if let Some(stem) = name.strip_suffix(extension) {
            name = stem.to_owned();
        }
    }
    let stamped: String = regex::Regex::new(r"[-._]?(\d{4}-?\d{2}-?\d{2}([-_T.]?\d{2,6})?|\.\d{1,4})($|\.)")
        // A day and a number follow each other, and each takes the point behind it.
        .map(|r| r.replace_all(&r.replace_all(&name, "$3"), "$3").into_owned())
        .unwrap_or(name);
    format!("{folder}{}", stamped.trim_end_matches(|c: char| c == '.' || c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_one_family() {
        for name in [
            "logs/x.log",
            "logs/x.log.1",
            "logs/x.log.2.gz",
            "logs/x.log-20261121",
            "logs/x.log-20261121.gz",
            "logs/x.2026-11-21.0.log.gz",
        ] {
            assert_eq!(family(Path::new(name)), "logs/x.log", "{name}");
        }
        assert_eq!(
            family(Path::new("a/localhost_access_log.2026-11-22.txt")),
            family(Path::new("a/localhost_access_log.2026-11-23.txt"))
        );
        assert_ne!(family(Path::new("a/x.log")), family(Path::new("b/x.log")));
        assert_ne!(family(Path::new("a/x.log")), family(Path::new("a/y.log")));
    }
}
