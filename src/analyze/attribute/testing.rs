//! Reads the executed vectors of `fixtures/vectors/critical-path.json` into columns. Tests only.

use std::collections::BTreeMap;

use serde_json::Value;

use super::forest::{NO_PARENT, Spans};
use super::identity::{Columns, Options, resolve};
use parsers::Role;

/// One case as columns and the answers that were executed.
pub(super) struct Case {
    pub(super) name: String,
    ids: Vec<String>,
    categories: Vec<String>,
    pub(super) start: Vec<i64>,
    pub(super) end: Vec<i64>,
    parent: Vec<u32>,
    blocking: Vec<bool>,
    pub(super) exact_cp: BTreeMap<String, i64>,
    pub(super) exact_cp_by_category: BTreeMap<String, i64>,
    pub(super) union_self: BTreeMap<String, i64>,
}

impl Case {
    pub(super) fn spans(&self) -> Spans<'_> {
        Spans { start: &self.start, end: &self.end, parent: &self.parent, blocking: &self.blocking, after: &[], tie: &[] }
    }

    /// Values by span id, those of 0 left out as in the vectors.
    pub(super) fn named(&self, values: &[i64]) -> BTreeMap<String, i64> {
        sums(&self.ids, values)
    }

    pub(super) fn by_category(&self, values: &[i64]) -> BTreeMap<String, i64> {
        sums(&self.categories, values)
    }
}

fn sums(keys: &[String], values: &[i64]) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for (key, &value) in keys.iter().zip(values) {
        *sums.entry(key.clone()).or_insert(0) += value;
    }
    sums.retain(|_, value| *value != 0);
    sums
}

/// All cases, their trees built from ids by [`resolve`].
pub(super) fn vectors() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/critical-path.json");
    let text = std::fs::read_to_string(path).expect("vectors are in the repository");
    let cases: BTreeMap<String, Value> = serde_json::from_str(&text).expect("vectors are JSON");
    cases.into_iter().map(|(name, case)| read(name, &case)).collect()
}

fn read(name: String, case: &Value) -> Case {
    let spans = case["spans"].as_array().expect("every case has spans");
    let text = |span: &Value, key: &str| span[key].as_str().unwrap_or_default().to_owned();
    let ids: Vec<String> = spans.iter().map(|s| text(s, "id")).collect();
    let start: Vec<i64> = spans.iter().map(|s| s["start"].as_i64().expect("a start")).collect();
    let end: Vec<i64> = spans.iter().map(|s| s["end"].as_i64().expect("an end")).collect();
    let role: Vec<Role> = spans
        .iter()
        .map(|s| match text(s, "kind").as_str() {
            "SERVER" => Role::Server,
            "CLIENT" => Role::Client,
            "PRODUCER" => Role::Producer,
            "CONSUMER" => Role::Consumer,
            _ => Role::Internal,
        })
        .collect();
    let number = |id: &str| ids.iter().position(|other| other == id).map_or(999, |at| at as u64 + 1);
    let span: Vec<u64> = ids.iter().map(|id| number(id)).collect();
    let parent_span: Vec<u64> = spans.iter().map(|s| s["parent"].as_str().map_or(0, number)).collect();
    let trace = vec![7; ids.len()];
    let columns =
        Columns { trace: &trace, span: &span, parent_span: &parent_span, role: &role, start: &start, end: &end, follows: &[] };
    let identity = resolve(&columns, &Options::default());
    let map = |key: &str| {
        let object = case[key].as_object().expect("every case has this answer");
        object.iter().map(|(k, v)| (k.clone(), v.as_i64().expect("whole"))).filter(|(_, v)| *v != 0).collect()
    };
    assert!(identity.parent.iter().all(|&p| p == NO_PARENT || (p as usize) < ids.len()));
    Case {
        name,
        categories: spans.iter().map(|s| text(s, "cat")).collect(),
        parent: identity.parent,
        blocking: identity.blocking,
        exact_cp: map("exact_cp"),
        exact_cp_by_category: map("exact_cp_by_cat"),
        union_self: map("union_self"),
        ids,
        start,
        end,
    }
}
