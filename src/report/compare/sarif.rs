//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>), for code scanning. A log has no
//! line of code: a result points to the endpoint as its logical location, and to the file of budgets as its place in the
//! repository, which GitHub asks for.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::super::escape::terminal;
use super::{Results, words};
use crate::analyze::compare::{Change, Overall, Reason, Verdict};

/// GitHub takes so many results of a run.
const MOST_RESULTS: usize = 5_000;

/// What can be found: id, name, what it means.
const RULES: &[(&str, &str, &str)] = &[
    ("PERF001", "LatencyRegression", "An endpoint got slower than in the base."),
    ("PERF002", "TailRegression", "The slowest twentieth of an endpoint's requests got slower than in the base."),
    ("PERF003", "ErrorRegression", "An endpoint fails more often than in the base."),
    ("PERF004", "CallsRegression", "An endpoint makes more database calls per request than in the base."),
    ("PERF005", "BudgetBroken", "A budget of narrows.toml is broken."),
    ("PERF006", "LoadsDiffer", "The loads differ, so that latencies cannot be compared."),
    ("PERF007", "Inconclusive", "Too few independent requests to judge an endpoint."),
];

/// Writes the findings.
pub(super) fn write(results: &Results<'_>) -> String {
    let mut found = Vec::new();
    if results.comparison.verdict == Overall::Incomparable {
        let level = if results.comparison.capacity_regressed { "error" } else { "warning" };
        found.push(Finding::of(results, 5, level, "load", "load", words::verdict(results)));
    }
    for change in &results.comparison.endpoints {
        endpoint(results, change, &mut found);
    }
    for outcome in results.broken() {
        let name = results.budget_name(outcome);
        found.push(Finding::of(results, 4, "error", &name, &name, words::budget(results, outcome)));
    }
    found.truncate(MOST_RESULTS);
    let document = Document {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [RunOut {
            tool: Tool {
                driver: Driver {
                    name: "narrows",
                    version: env!("CARGO_PKG_VERSION"),
                    rules: RULES
                        .iter()
                        .map(|(id, name, text)| Rule { id, name, short_description: Text { text: (*text).to_owned() } })
                        .collect(),
                },
            },
            results: found,
            column_kind: "unicodeCodePoints",
        }],
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain structs with text keys serialise");
    text.push('\n');
    text
}

fn endpoint(results: &Results<'_>, change: &Change, found: &mut Vec<Finding>) {
    let message = || {
        let explanation = results.explanations.iter().find(|e| e.endpoint == change.name);
        explanation.map_or_else(|| format!("{} got worse.", change.name), |e| e.sentence.clone())
    };
    match change.verdict {
        Verdict::Regression if results.comparison.load.comparable || change.reasons.contains(&Reason::Calls) => {
            for (reason, rule, metric) in [
                (Reason::Shift, 0, "shift"),
                (Reason::Tail, 1, "p95"),
                (Reason::Errors, 2, "errors"),
                (Reason::Calls, 3, "calls"),
            ] {
                if change.reasons.contains(&reason) {
                    found.push(Finding::of(results, rule, "error", &change.name, metric, message()));
                }
            }
        }
        Verdict::Inconclusive if results.comparison.load.comparable => {
            let text = format!("{}: a large difference would not have been found.", change.name);
            found.push(Finding::of(results, 6, "note", &change.name, "shift", text));
        }
        _ => {}
    }
}

#[derive(Serialize)]
struct Document {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [RunOut; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunOut {
    tool: Tool,
    results: Vec<Finding>,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: &'static str,
    short_description: Text,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    logical_locations: [LogicalLocation; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "endpointMetric/v1")]
    endpoint_metric: String,
}

impl Finding {
    fn of(results: &Results<'_>, rule: usize, level: &'static str, name: &str, metric: &str, message: String) -> Self {
        let id = RULES[rule].0;
        let digest = Sha256::digest(format!("{id}\n{name}\n{metric}"));
        Finding {
            rule_id: id,
            rule_index: rule,
            level,
            message: Text { text: terminal(&message) },
            locations: [Location {
                physical_location: PhysicalLocation {
                    artifact_location: Artifact { uri: uri(results.budget_file) },
                    region: Region { start_line: 1 },
                },
                logical_locations: [LogicalLocation { fully_qualified_name: terminal(name), kind: "resource" }],
            }],
            partial_fingerprints: Fingerprints { endpoint_metric: digest.iter().take(16).map(|b| format!("{b:02x}")).collect() },
        }
    }
}

/// A path as a relative reference of RFC 3986.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn each_result_names_a_rule_a_place_and_a_fingerprint() {
        testing::with(3, |results| {
            let text = write(results);
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(document["version"], "2.1.0");
            let run = &document["runs"][0];
            let found = run["results"].as_array().unwrap();
            assert!(!found.is_empty());
            for result in found {
                let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
                assert_eq!(rule["id"], result["ruleId"]);
                assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "ci/my%20narrows.toml");
                assert_eq!(result["partialFingerprints"]["endpointMetric/v1"].as_str().unwrap().len(), 32);
                assert!(!result["message"]["text"].as_str().unwrap().contains('\u{1b}'));
            }
        });
    }
}
