//! `narrows.toml`: settings that would otherwise be typed each time.

use std::path::Path;

use serde::Deserialize;

use crate::analyze::compare::budget::{Budget, Metric};
use crate::error::{Error, Result};

/// The file's name in the current folder.
pub(super) const NAME: &str = "narrows.toml";

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
    /// Limits that `compare` holds the candidate to.
    #[serde(default)]
    pub(super) budget: Vec<BudgetTable>,
}

/// Limits of the endpoints that fit a pattern.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetTable {
    /// Name of an endpoint; `*` stands for any text. All endpoints when left out.
    endpoint: Option<String>,
    p50_ms: Option<f64>,
    p90_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
    mean_ms: Option<f64>,
    error_rate: Option<f64>,
    calls_per_request: Option<f64>,
    /// What the system must be able to carry; concerns no single endpoint.
    ceiling_tps: Option<f64>,
    /// Endpoints with fewer requests are not judged.
    min_n: Option<u64>,
    /// Whether a quantile must be over its limit with all of its confidence interval.
    #[serde(default)]
    confidence: bool,
}

impl BudgetTable {
    /// One budget for each limit of the table.
    ///
    /// # Errors
    /// When it limits nothing, or a limit is no positive number.
    pub(super) fn budgets(&self) -> Result<Vec<Budget>> {
        let limits = [
            ("p50_ms", self.p50_ms, Metric::Quantile(0.50)),
            ("p90_ms", self.p90_ms, Metric::Quantile(0.90)),
            ("p95_ms", self.p95_ms, Metric::Quantile(0.95)),
            ("p99_ms", self.p99_ms, Metric::Quantile(0.99)),
            ("mean_ms", self.mean_ms, Metric::Mean),
            ("error_rate", self.error_rate, Metric::ErrorRate),
            ("calls_per_request", self.calls_per_request, Metric::CallsPerRequest),
            ("ceiling_tps", self.ceiling_tps, Metric::CeilingTps),
        ];
        let endpoint = self.endpoint.clone().unwrap_or_else(|| "*".to_owned());
        let mut budgets = Vec::new();
        for (key, limit, metric) in limits {
            let Some(limit) = limit else { continue };
            if !(limit.is_finite() && limit >= 0.0) {
                return Err(Error::Usage(format!(
                    "[[budget]] for `{endpoint}`: {key} = {limit} is no limit; write a number from 0 on"
                )));
            }
            let limit = if key.ends_with("_ms") { limit * 1e6 } else { limit };
            let (min_n, confidence) = (self.min_n.unwrap_or(0), self.confidence);
            budgets.push(Budget { endpoint: endpoint.clone(), metric, limit, min_n, confidence });
        }
        if budgets.is_empty() {
            return Err(Error::Usage(format!(
                "[[budget]] for `{endpoint}` limits nothing; give it p95_ms, error_rate, calls_per_request or ceiling_tps"
            )));
        }
        Ok(budgets)
    }
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
