//! `narrows.toml`: settings that would otherwise be typed each time.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};

/// The file's name in the current folder.
const NAME: &str = "narrows.toml";

/// What may stand in the file. An unknown key is an error: a misspelt budget must not pass.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Formats: patterns of paths and the format of each.
    #[serde(default)]
    pub(super) formats: std::collections::BTreeMap<String, String>,
    /// Routes.
    #[serde(default)]
    pub(super) routes: Vec<String>,
    /// Zone of timestamps that carry none.
    #[serde(default)]
    pub(super) tz: Option<String>,
    /// Sizes of pools, by name.
    #[serde(default)]
    pub(super) pools: std::collections::BTreeMap<String, u32>,
}

/// Reads the file named, or `narrows.toml` where there is one.
///
/// # Errors
/// When a named file is missing, or its text is not as it should be.
pub(super) fn read(named: Option<&Path>) -> Result<Config> {
    let path = named.unwrap_or(Path::new(NAME));
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map_err(|e| Error::Usage(format!("{}: {}", path.display(), e.to_string().trim_end()))),
        Err(_) if named.is_none() => Ok(Config::default()),
        Err(source) => Err(Error::Open { path: path.to_owned(), source }),
    }
}
