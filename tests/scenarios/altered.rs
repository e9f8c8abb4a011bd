//! The logs of a full connection pool (S2: three connections, twelve workers, 29.0 TPS by the truth), with something taken from
//! them or changed: the answer degrades honestly, and stays right where it can be known.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use super::{cause, mean, within};
use crate::support::{Folder, int, number, root, rows, text};

/// A log of S2 as text.
fn log(name: &str) -> String {
    let file = fs::File::open(root().join("fixtures/scenarios/S2").join(name)).unwrap();
    String::from_utf8(zstd::decode_all(file).unwrap()).unwrap()
}

fn analyze(folder: &Folder) -> Value {
    folder.narrows(&["--format", "json", "."]).exits(0).json()
}

/// The log with each `rid=...` taken out, or given another name by `renamed`.
fn with_ids(log: &str, renamed: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for line in log.lines() {
        match line.split_once(" rid=") {
            Some((before, after)) => {
                let (id, rest) = after.split_once(' ').unwrap_or((after, ""));
                writeln!(out, "{before}{} {rest}", renamed(id)).unwrap();
            }
            None => writeln!(out, "{line}").unwrap(),
        }
    }
    out
}

/// The log by a clock that is so many seconds ahead.
fn ahead(log: &str, seconds: i64) -> String {
    let mut out = String::new();
    for line in log.lines() {
        let (stamp, rest) = line.split_once(' ').unwrap();
        let moved = stamp.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds);
        writeln!(out, "{moved:.3} {rest}").unwrap();
    }
    out
}

/// The pool is full, and the workers are not the cause, though they are full as well.
fn is_pool_bound(json: &Value, low: f64, high: f64) {
    assert_eq!(cause(json).0, "connection_pool");
    within(number(json, "/capacity/ceiling_tps"), low, high, "ceiling");
    // What a larger pool buys is not said in bold where its size is not known.
    assert!(number(json, "/capacity/ladder/0/after_high_tps") > 70.0);
}

#[test]
fn a_pool_whose_size_no_log_states_is_still_the_cause() {
    let folder = Folder::new();
    folder.write("txn.log", log("txn.log.zst"));
    let json = analyze(&folder);
    is_pool_bound(&json, 27.5, 30.5);
    let pool = rows(&json["capacity"], "resources").iter().find(|r| r["kind"] == "connections").unwrap();
    assert_eq!((&pool["servers"], &pool["servers_basis"]), (&3.into(), &"at_least".into()));
    assert!(json["capacity"]["ladder"][0]["after_tps"].is_null());
}

#[test]
fn two_tiers_without_a_common_id_are_not_added_up() {
    let folder = Folder::new();
    folder.write("nginx_access.log", log("nginx_access.log.zst"));
    folder.write("txn.log", with_ids(&log("txn.log.zst"), |_| String::new()));
    let json = analyze(&folder);
    is_pool_bound(&json, 27.5, 30.5);
    // zstdcat nginx_access.log.zst | wc -l; zstdcat txn.log.zst | grep -c ' txn - '
    assert_eq!(rows(&json, "endpoints").iter().map(|row| int(row, "/calls")).sum::<i64>(), 1_534);
    let both = rows(&json, "endpoints").iter().map(|row| rows(row, "tiers").iter().map(|tier| int(tier, "/calls")).sum::<i64>());
    assert_eq!(both.sum::<i64>(), 1_534 + 1_533);
}

#[test]
fn a_clock_that_is_ahead_is_set_right() {
    let (folder, right) = (Folder::new(), Folder::new());
    for (folder, txn) in [(&right, log("txn.log.zst")), (&folder, ahead(&log("txn.log.zst"), 3))] {
        folder.write("nginx_access.log", log("nginx_access.log.zst"));
        folder.write("txn.log", txn);
    }
    let (json, right) = (analyze(&folder), analyze(&right));
    for row in rows(&right, "endpoints").iter().filter(|row| int(row, "/calls") > 1) {
        let name = text(row, "/endpoint");
        let moved = rows(&json, "endpoints").iter().find(|other| other["endpoint"] == name).unwrap();
        for bucket in ["queue", "pool_wait", "database", "external", "network"] {
            let (want, got) = (mean(row, bucket).unwrap(), mean(moved, bucket).unwrap());
            assert!((want - got).abs() <= 0.5, "{name} {bucket}: {got} ms, not {want}");
        }
    }
    let said = folder.narrows(&["."]).exits(0);
    assert!(said.text().contains("its clock is 3.00 s"), "{}", said.text());
}

#[test]
fn two_processes_have_two_pools() {
    let folder = Folder::new();
    let txn = log("txn.log.zst");
    for node in ["a", "b"] {
        folder.write(&format!("app-node-{node}.log"), with_ids(&txn, |id| format!(" rid={node}{}", &id[1..])));
    }
    let json = analyze(&folder);
    is_pool_bound(&json, 55.0, 61.0);
    let pools = rows(&json["capacity"], "resources").iter().filter(|r| r["kind"] == "connections");
    assert_eq!(pools.map(|pool| int(pool, "/servers")).collect::<Vec<_>>(), [3, 3]);
}
