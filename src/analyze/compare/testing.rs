//! Reads the executed vectors of `fixtures/vectors/models`. Tests only.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::profile::histogram::Histogram;
use super::counts::Counts;

fn text(file: &str) -> String {
    let path = format!("{}/fixtures/vectors/models/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("vectors are in the repository")
}

pub(super) fn json(file: &str) -> Value {
    serde_json::from_str(&text(file)).expect("vectors are JSON")
}

pub(super) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// Asserts equality to a relative (below 1: absolute) tolerance.
#[track_caller]
pub(super) fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{got} is not {want}");
}

/// Rows of (ms, us) by endpoint.
pub(super) fn rows(file: &str) -> BTreeMap<String, Vec<(u64, u32)>> {
    let mut rows: BTreeMap<String, Vec<(u64, u32)>> = BTreeMap::new();
    for line in text(file).lines().skip(1) {
        let mut fields = line.split(',');
        let ms = fields.next().and_then(|f| f.parse().ok()).expect("a time");
        let endpoint = fields.next().expect("an endpoint").to_owned();
        let us = fields.next().and_then(|f| f.parse().ok()).expect("a latency");
        rows.entry(endpoint).or_default().push((ms, us));
    }
    rows
}

/// Each value its own bucket, by block.
pub(super) fn raw_counts(values: impl Iterator<Item = (usize, u32)>, n_blocks: usize) -> Counts {
    let mut blocks = vec![BTreeMap::<u32, u64>::new(); n_blocks];
    for (block, value) in values {
        *blocks[block].entry(value).or_default() += 1;
    }
    Counts::new(blocks.into_iter().map(|block| block.into_iter().collect()).collect())
}

type Pairs = BTreeMap<String, (Counts, Counts)>;

/// Both sides of an executed pair, values in us, in 60 blocks of 10 s.
pub(super) fn raw_pair(name: &str) -> Pairs {
    pair(name, |rows| raw_counts(rows.iter().map(|&(ms, us)| ((ms / 10_000) as usize, us)), 60))
}

/// The same as histograms.
pub(super) fn histogram_pair(name: &str) -> Pairs {
    pair(name, |rows| {
        let mut blocks = vec![Histogram::new(); 60];
        for &(ms, us) in rows {
            blocks[(ms / 10_000) as usize].record(i64::from(us) * 1000);
        }
        Counts::of_histograms(60, blocks.iter().enumerate())
    })
}

fn pair(name: &str, counts: impl Fn(&[(u64, u32)]) -> Counts) -> Pairs {
    let mut candidates = rows(&format!("{name}_B.csv"));
    let bases = rows(&format!("{name}_A.csv")).into_iter();
    bases
        .map(|(endpoint, base)| {
            let candidate = candidates.remove(&endpoint).expect("both sides have it");
            (endpoint, (counts(&base), counts(&candidate)))
        })
        .collect()
}
