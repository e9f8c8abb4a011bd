//! Helpers of this folder's tests: the vectors, tolerances, and simulated logs as systems.

use super::model::{Basis, Hold, Kind, Request, Resource, Size, System};

/// One vector file, read.
pub(super) fn vector(name: &str) -> serde_json::Value {
    let path = format!("{}/fixtures/vectors/models/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).expect(&path)).expect(&path)
}

/// The numbers of an array; empty of anything else.
pub(super) fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().map(|list| list.iter().filter_map(serde_json::Value::as_f64).collect()).unwrap_or_default()
}

/// Equal within a relative tolerance.
#[track_caller]
pub(super) fn close(actual: f64, expected: f64, tolerance: f64) {
    let error = (actual - expected).abs() / expected.abs().max(1e-300);
    assert!(error <= tolerance || actual == expected, "{actual} is not {expected} within {tolerance}: off by {error:.2e}");
}

/// Workers and the pool inside them, as a simulated log of `vectors/models/logs` holds them.
pub(super) fn simulated(name: &str, workers: Option<u32>, pool: Option<u32>) -> System<'static> {
    let path = format!("{}/fixtures/vectors/models/logs/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let size = |value: Option<u32>| Size { value, basis: if value.is_some() { Basis::Stated } else { Basis::Unknown } };
    let mut threads = Resource::new("workers", Kind::Threads);
    threads.size = size(workers);
    (threads.resolution_ns, threads.wait_resolution_ns) = (1_000, 1_000);
    let mut connections = Resource::new("pool", Kind::Connections);
    connections.size = size(pool);
    (connections.resolution_ns, connections.wait_resolution_ns) = (1_000, 1_000);
    connections.parent = Some(0);
    let mut external = Resource::new("external", Kind::External);
    external.parent = Some(0);
    external.placed = false;
    let mut requests = Vec::new();
    for (index, line) in text.lines().skip(1).enumerate() {
        let field: Vec<i64> = line.split(',').map(|v| v.parse::<i64>().expect("a whole number") * 1_000).collect();
        let [arrival, start, end, _asked, grant, release, wait, held, database, _cpu, away] = field[..] else { panic!("{line}") };
        let request = index as u32;
        requests.push(Request { start_ns: arrival, end_ns: end, endpoint: 0, success: true });
        threads.holds.push(Hold { nested_wait_ns: wait, ..Hold::new(start, end, start - arrival, request) });
        // Where a request takes the pool several times only the hull is logged: the hold then counts by amount, not by place.
        let is_one = (release - grant - held).abs() <= 2_000;
        connections.placed &= is_one;
        let release = if is_one { release } else { grant + held };
        connections.holds.push(Hold { work_ns: Some(database), ..Hold::new(grant, release, wait, request) });
        if away > 0 {
            external.holds.push(Hold::new(release, release + away, 0, request));
        }
    }
    let mut resources = vec![threads, connections];
    if !external.holds.is_empty() {
        resources.push(external);
    }
    System { requests: requests.into_iter().collect(), resources, endpoints: vec!["all".to_owned()], statements: Vec::new() }
}
