//! Traps that the lab's servers did not set: logs of a simulated system, see `fixtures/simulated/README.md` for its truth.

use serde_json::Value;

use super::{cause, within};
use crate::support::{narrows, number, rows, text};

fn analyze(name: &str) -> Value {
    narrows(&["--format", "json", &format!("fixtures/simulated/{name}")]).exits(0).json()
}

fn ceiling(json: &Value) -> f64 {
    number(json, "/capacity/ceiling_tps")
}

#[test]
fn a_busy_pool_behind_a_row_lock_is_not_the_cause() {
    let json = analyze("row-lock");
    assert_eq!(cause(&json).0, "lock");
    within(ceiling(&json), 62.0, 67.0, "ceiling");
    // More connections would only wait for the same row.
    assert!(rows(&json["capacity"], "ladder").is_empty());
    narrows(&["--min-tps", "80", "fixtures/simulated/row-lock"]).exits(1);
}

#[test]
fn a_connection_is_held_longer_than_its_statements_take() {
    let json = analyze("held-connection");
    assert_eq!(cause(&json), ("connection_pool", "orders-db"));
    within(ceiling(&json), 66.0, 70.0, "ceiling");
    within(
        266.0,
        number(&json, "/capacity/ladder/0/after_low_tps"),
        number(&json, "/capacity/ladder/0/after_high_tps"),
        "24 slots",
    );
    let said: Vec<&str> = rows(&json["quality"], "warnings").iter().filter_map(Value::as_str).collect();
    assert!(said.iter().any(|text| text.contains("beyond what is logged")), "{said:?}");
}

#[test]
fn waits_for_permits_are_found_within_the_calls() {
    let json = analyze("permits");
    assert_eq!(cause(&json), ("external", "gateway"));
    within(ceiling(&json), 118.0, 130.0, "ceiling");
    assert!(text(&json, "/verdict").contains("No record tells of these waits"), "{}", text(&json, "/verdict"));
}

#[test]
fn a_queue_that_is_in_no_log_shows_between_the_tiers() {
    let json = analyze("accept-queue");
    assert_eq!(cause(&json).0, "network");
    within(ceiling(&json), 134.0, 142.0, "ceiling");
    assert!(text(&json, "/verdict").contains("accept queue"), "{}", text(&json, "/verdict"));
}

#[test]
fn a_full_processor_shows_as_own_code_that_grows() {
    let json = analyze("processor");
    assert_eq!(cause(&json).0, "own_code");
    within(ceiling(&json), 64.0, 68.5, "ceiling");
    assert!(rows(&json["capacity"], "ladder").is_empty());
}
