//! Logs of real systems whose bottleneck is known: `narrows DIR` and not one flag must find it, and
//! its numbers must be those that the application and its clients measured.

mod altered;
mod simulated;
mod truth;

use std::fs;

use serde_json::Value;

use self::truth::Truth;
use crate::support::{int, narrows, number, root, rows, text};

/// What the program says of a scenario.
fn analyze(name: &str) -> Value {
    narrows(&["--format", "json", &format!("fixtures/scenarios/{name}")]).exits(0).json()
}

/// What it says of the scenario's logs but those whose names start so.
fn without(name: &str, left_out: &str) -> Value {
    let folder = root().join("fixtures/scenarios").join(name);
    let mut args = vec!["--format".to_owned(), "json".to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.starts_with(left_out) {
            args.push(format!("fixtures/scenarios/{name}/{file}"));
        }
    }
    args[2..].sort();
    narrows(&args.iter().map(String::as_str).collect::<Vec<_>>()).exits(0).json()
}

/// The kind and the subject of the first bottleneck.
fn cause(json: &Value) -> (&str, &str) {
    (text(json, "/bottlenecks/0/kind"), text(json, "/bottlenecks/0/subject"))
}

fn within(value: f64, low: f64, high: f64, what: &str) {
    assert!(value >= low && value <= high, "{what}: {value} is not within {low} to {high}");
}

/// Mean of a bucket in ms; `None` where no log told of it.
fn mean(row: &Value, bucket: &str) -> Option<f64> {
    Some(row["buckets"][bucket].as_i64()? as f64 / int(row, "/calls") as f64 / 1e6)
}

/// How far a scenario's numbers may be off.
struct Tolerance {
    calls: i64,
    share: f64,
    /// Pauses were taken out of the external calls, though the application's clock ran on.
    pauses_added_back: bool,
}

const EXACT: Tolerance = Tolerance { calls: 0, share: 0.01, pauses_added_back: false };

/// Compares the window of steady load with what was measured in it.
fn holds(truth: &Truth, tolerance: &Tolerance) {
    let path = format!("fixtures/scenarios/{}", truth.name);
    let json = narrows(&["--format", "json", "--since", truth.since, "--until", truth.until, &path]).exits(0).json();
    let mut faults = Vec::new();
    for &(endpoint, calls, [total, queue, pool_wait, database, external]) in truth.endpoints {
        let Some(row) = rows(&json, "endpoints").iter().find(|row| row["endpoint"] == endpoint) else {
            faults.push(format!("{endpoint}: no such row"));
            continue;
        };
        let got = int(row, "/calls");
        if (got - calls).abs() > tolerance.calls {
            faults.push(format!("{endpoint}: {got} calls, not {calls}"));
        }
        let off = |want: f64| (want * tolerance.share).max(0.5);
        for (bucket, want) in [("queue", queue), ("pool_wait", pool_wait), ("database", database), ("external", external)] {
            let got = mean(row, bucket).unwrap_or(f64::NAN);
            let most = match mean(row, "pause") {
                Some(pause) if tolerance.pauses_added_back && bucket == "external" && want > 0.0 => got + pause,
                _ => got,
            };
            let fits = got <= want + off(want) && most >= want - off(want);
            if !fits {
                faults.push(format!("{endpoint}: {bucket} {got:.3} ms, not {want}"));
            }
        }
        let tiers: Vec<f64> = rows(row, "tiers").iter().filter_map(|tier| tier["mean_ns"].as_f64()).map(|ns| ns / 1e6).collect();
        if !tiers.iter().any(|got| (got - total).abs() <= off(total)) {
            faults.push(format!("{endpoint}: no tier took {total} ms: {tiers:?}"));
        }
    }
    assert!(faults.is_empty(), "{}:\n{}", truth.name, faults.join("\n"));
}

#[test]
fn numbers_are_those_of_the_application() {
    for truth in [&truth::S0, &truth::S0Z, &truth::S1, &truth::S2, &truth::S5] {
        holds(truth, &EXACT);
    }
}

#[test]
fn numbers_hold_where_pauses_are_taken_out() {
    for truth in [&truth::S3, &truth::S7] {
        holds(truth, &Tolerance { pauses_added_back: true, ..EXACT });
    }
}

#[test]
fn numbers_hold_where_stamps_are_whole_seconds() {
    holds(&truth::S2T, &Tolerance { calls: 4, share: 0.02, pauses_added_back: false });
}

#[test]
fn numbers_of_traces_are_those_of_the_services() {
    for truth in [&truth::B1, &truth::B2] {
        let path = format!("fixtures/scenarios/{}", truth.name);
        let json = narrows(&["--format", "json", "--since", truth.since, "--until", truth.until, &path]).exits(0).json();
        for &(endpoint, calls, [total, _, pool_wait, database, risk]) in truth.endpoints {
            let row = rows(&json, "endpoints").iter().find(|row| row["endpoint"] == endpoint).expect(endpoint);
            assert_eq!(int(row, "/calls"), calls, "{} {endpoint}", truth.name);
            // Spans of the gateway begin at whole milliseconds and include what its own clock leaves out.
            within(number(row, "/mean_ns") / 1e6, total - 0.5, total * 1.01 + 1.5, endpoint);
            let got = mean(row, "pool_wait").unwrap();
            within(got, (pool_wait * 0.99).min(pool_wait - 0.5), (pool_wait * 1.01).max(pool_wait + 0.5), endpoint);
            // The application's figure leaves out the statement of the risk service; 6 to 9 ms, as
            // the PostgreSQL log has it.
            let more = if risk > 0.0 { 12.0 } else { 0.0 };
            within(mean(row, "database").unwrap(), database - 0.5, database * 1.01 + 0.5 + more, endpoint);
        }
    }
}

#[test]
fn buckets_sum_to_the_time_and_shares_to_one() {
    for name in ["S0", "S0Z", "S1", "S2", "S2T", "S3", "S5", "S7", "B1", "B2"] {
        let json = analyze(name);
        let (mut total, mut calls, mut share) = (0, 0, 0.0);
        for row in rows(&json, "endpoints") {
            let parts: i64 = row["buckets"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
            assert_eq!(parts, int(row, "/total_ns"), "{name}: {}", row["endpoint"]);
            total += parts;
            calls += int(row, "/calls");
            share += number(row, "/share");
        }
        assert_eq!(total, int(&json, "/requests/total_ns"), "{name}");
        assert_eq!(calls, int(&json, "/requests/count"), "{name}");
        within(share, 1.0 - 1e-9, 1.0 + 1e-9, name);
        assert_eq!(int(&json, "/quality/rejected"), 0, "{name}");
    }
}

#[test]
fn s0_three_shapes_of_one_log_are_one_log() {
    let json = analyze("S0");
    assert!(text(&json, "/verdict").starts_with("Nothing is saturated"), "{}", json["verdict"]);
    // zstdcat postgresql-*.log.zst | grep -c ' execute [^:]*: '
    let calls: i64 = rows(&json, "database").iter().map(|row| int(row, "/calls")).sum();
    assert_eq!(calls, 1660);
    // Parse, bind and execute summed by awk: 52,717.622 ms, of which 54 binds were never executed.
    let total: i64 = rows(&json, "database").iter().map(|row| int(row, "/server_ns")).sum();
    within(total as f64 / 1e6, 52_712.0, 52_717.622, "time of the statements");
    // nginx wrote 531 requests twice; Tomcat 535, 4 of which came by another way.
    assert_eq!(int(&json, "/requests/count"), 535);
    for shape in ["log", "csv", "json"] {
        let path = format!("fixtures/scenarios/S0/postgresql-2026-11-22_174800.{shape}.zst");
        let alone = narrows(&["--format", "json", &path]).exits(0).json();
        let of = |json: &Value| -> Vec<(String, i64, i64)> {
            rows(json, "database").iter().map(|r| (text(r, "/id").to_owned(), int(r, "/calls"), int(r, "/server_ns"))).collect()
        };
        let (mut one, mut all) = (of(&alone), of(&json));
        one.sort();
        all.sort();
        assert_eq!(one, all, "{shape}");
    }
}

#[test]
fn s0z_four_time_zones_are_one_timeline() {
    let json = analyze("S0Z");
    for source in rows(&json, "sources") {
        // Each log but the thread dump covers the load from 17:55:23 to 17:55:37 UTC.
        if text(source, "/format") != "thread-dump" {
            assert!(text(source, "/first") < "2026-11-22T17:55:23", "{source}");
            within(text(source, "/last")[17..19].parse().unwrap(), 36.0, 39.0, text(source, "/path"));
        }
    }
    let app = rows(&json, "sources").iter().find(|s| text(s, "/path").ends_with("app.log.zst")).unwrap();
    let said: Vec<&str> = rows(app, "assumptions").iter().filter_map(Value::as_str).collect();
    assert!(said.iter().any(|s| s.contains("-03:00")), "{said:?}");
    assert_eq!(number(&json, "/quality/joined_share"), 1.0);
}

#[test]
fn s1_nothing_is_saturated() {
    let json = analyze("S1");
    assert!(text(&json, "/verdict").starts_with("Nothing is saturated"), "{}", json["verdict"]);
    for resource in json["capacity"]["resources"].as_array().unwrap() {
        assert_eq!(resource["verdict"], "headroom", "{resource}");
    }
    assert_eq!(json["capacity"]["ladder"].as_array().map(Vec::len), Some(0));
    assert!(json["bottlenecks"][0]["ceiling_tps"].is_null());
}

#[test]
fn s2_the_connection_pool_and_not_the_queue_before_it() {
    let json = analyze("S2");
    assert_eq!(cause(&json), ("connection_pool", "HikariPool-1"));
    // 29.0 TPS were measured while the pool was full; another run of the same had 30.45.
    within(number(&json, "/bottlenecks/0/ceiling_tps"), 28.5, 30.5, "ceiling");
    let worker = rows(&json, "bottlenecks").iter().find(|row| row["kind"] == "thread_pool").unwrap();
    assert!(number(worker, "/share") > 0.7, "the symptom is larger than the cause: {worker}");
    // With a pool of 40 the workers were the limit, at 82.2 TPS (another run: 80.5).
    let rung = &json["capacity"]["ladder"][0];
    assert_eq!((text(rung, "/resource"), text(rung, "/next_resource")), ("HikariPool-1", "bank-worker"));
    within(number(rung, "/before_tps"), 28.5, 30.5, "before");
    within(number(rung, "/after_tps"), 78.0, 84.0, "after");
}

#[test]
fn s2_without_one_log_still_answers_or_says_what_is_missing() {
    for left_out in ["app.log", "gc.log", "localhost_access_log", "nginx_access", "postgresql", "threaddump"] {
        let json = without("S2", left_out);
        assert_eq!(cause(&json), ("connection_pool", "HikariPool-1"), "without {left_out}");
        within(number(&json, "/bottlenecks/0/ceiling_tps"), 28.5, 30.5, left_out);
    }
    let basis = |json: &Value| -> String {
        let wait = rows(json, "waits").iter().find(|row| row["resource"] == "HikariPool-1").unwrap();
        assert_eq!(int(wait, "/servers"), 3);
        text(wait, "/servers_basis").to_owned()
    };
    assert_eq!(basis(&without("S2", "gc.log")), "stated");
    // The pool states its size in app.log; without it the size shows in how many are in use while others wait.
    assert_eq!(basis(&without("S2", "app.log")), "inferred");
    // Nothing but the transaction log tells what a request waited for.
    let json = without("S2", "txn.log");
    let finding = rows(&json, "findings").iter().find(|row| row["rule"] == "missing-log").expect("says that a log is missing");
    assert!(!text(finding, "/next_step").is_empty());
    assert!(number(&json, "/quality/unaccounted_share") > 0.9);
}

#[test]
fn s2t_timeouts_and_goodput() {
    for json in [analyze("S2T"), narrows(&["--format", "json", "fixtures/scenarios/S2T/app.log.zst"]).exits(0).json()] {
        assert_eq!(cause(&json), ("connection_pool", "HikariPool-1"));
        // 56.6 TPS were measured, 30.2 of which succeeded.
        within(number(&json, "/bottlenecks/0/ceiling_tps"), 29.0, 31.0, "ceiling of goodput");
        within(number(&json, "/capacity/observed_tps"), 55.5, 57.5, "TPS");
        within(number(&json, "/capacity/goodput_tps"), 29.0, 31.0, "goodput");
        assert!(rows(&json, "findings").iter().any(|row| row["rule"] == "pool-timeouts"), "{}", json["findings"]);
    }
}

#[test]
fn s3_the_worker_threads_and_next_the_gateway() {
    let json = analyze("S3");
    assert_eq!(cause(&json), ("thread_pool", "bank-worker"));
    within(number(&json, "/bottlenecks/0/ceiling_tps"), 80.0, 83.0, "ceiling");
    let ladder = json["capacity"]["ladder"].as_array().unwrap();
    assert_eq!(text(&ladder[0], "/next_resource"), "ext");
    // 12 permits over 48 ms of external calls a request: about 248 TPS.
    let gateway = json["capacity"]["resources"].as_array().unwrap().iter().find(|r| r["name"] == "ext").unwrap();
    assert_eq!((int(gateway, "/servers"), text(gateway, "/servers_basis")), (12, "stated"));
    within(number(gateway, "/ceiling_tps"), 243.0, 253.0, "ceiling of the gateway");
    // The permits stand in app.log alone: without it no rung past the workers is a bold figure.
    let json = without("S3", "app.log");
    assert_eq!(cause(&json), ("thread_pool", "bank-worker"));
    for rung in json["capacity"]["ladder"].as_array().unwrap().iter().skip(1) {
        assert!(rung["after_tps"].is_null(), "{rung}");
    }
}

#[test]
fn s5_the_slow_statement_of_one_endpoint() {
    let json = analyze("S5");
    let (kind, subject) = cause(&json);
    assert_eq!(kind, "database_statement");
    assert!(subject.contains("history"), "{subject}");
    let endpoints: Vec<&str> = rows(&json["bottlenecks"][0], "endpoints").iter().filter_map(Value::as_str).collect();
    assert_eq!(endpoints, ["GET /api/accounts/{id}/transactions"]);
    // 900 ms of sleep were injected into it.
    within(number(&json, "/bottlenecks/0/mean_ns") / 1e6, 880.0, 940.0, "mean");
    // It holds connections, but nobody waits for one.
    assert!(json["capacity"]["resources"].as_array().unwrap().iter().all(|r| r["verdict"] == "headroom"));
}

#[test]
fn s7_pauses_of_the_runtime() {
    let json = analyze("S7");
    assert_eq!(cause(&json).0, "pause");
    let full = rows(&json, "pauses").iter().find(|row| row["cause"] == "Pause Full (Allocation Failure)").unwrap();
    // zstdcat gc.log.zst | grep -E 'Pause Full.* [0-9.]+ms$' | awk '{s += $NF; n++} END {print n, s}'
    assert_eq!(int(full, "/count"), 17);
    within(number(full, "/total_ns") / 1e6, 8664.0, 8665.5, "time in full collections");
}

#[test]
fn b1_nothing_is_saturated() {
    let json = analyze("B1");
    assert!(text(&json, "/verdict").starts_with("Nothing is saturated"), "{}", json["verdict"]);
    assert!(json["capacity"]["resources"].as_array().unwrap().iter().all(|r| r["verdict"] != "saturated"));
    assert!(rows(&json, "bottlenecks").iter().all(|row| row["ceiling_tps"].is_null()));
}

#[test]
fn b2_the_pool_of_the_core_service() {
    let json = analyze("B2");
    let (kind, subject) = cause(&json);
    assert_eq!(kind, "connection_pool");
    assert!(subject.contains("pg-pool"), "{subject}");
    // 29.0 TPS were measured; the size is nowhere logged and shows in the waits.
    within(number(&json, "/bottlenecks/0/ceiling_tps"), 28.5, 30.0, "ceiling");
    let pool = &rows(&json, "waits")[0];
    assert_eq!((int(pool, "/servers"), text(pool, "/servers_basis")), (3, "inferred"));
    // The PostgreSQL log by awk: 2,491 executes and 1,538 simple statements, 92,496.357 ms with
    // their parses and binds.
    let calls: i64 = rows(&json, "database").iter().map(|row| int(row, "/calls")).sum();
    let server: i64 = rows(&json, "database").iter().map(|row| int(row, "/server_ns")).sum();
    assert_eq!((calls, server), (2_491 + 1_538, 92_496_357_000));
}

#[test]
fn b2_three_encodings_of_the_same_spans_say_the_same() {
    let of = |file: &str| narrows(&["--format", "json", &format!("fixtures/scenarios/B2/{file}")]).exits(0).json();
    let (otlp, jaeger, zipkin) = (of("otlp.jsonl.zst"), of("jaeger.json.zst"), of("zipkin.jsonl.zst"));
    let all = analyze("B2");
    for other in [&jaeger, &zipkin, &all] {
        assert_eq!(cause(other), cause(&otlp));
        for row in rows(&otlp, "endpoints") {
            let is_same = |r: &&Value| r["endpoint"] == row["endpoint"] && r["service"] == row["service"];
            let same = rows(other, "endpoints").iter().find(is_same).unwrap();
            assert_eq!(int(same, "/calls"), int(row, "/calls"));
            // Jaeger and Zipkin write whole microseconds.
            let off = (number(same, "/mean_ns") - number(row, "/mean_ns")).abs();
            assert!(off <= 1000.0, "{}: {off} ns apart", row["endpoint"]);
            let (a, b) = (mean(same, "pool_wait"), mean(row, "pool_wait"));
            within(a.unwrap_or(0.0) - b.unwrap_or(0.0), -0.002, 0.002, "pool_wait");
        }
    }
    assert_eq!(int(&jaeger, "/requests/count"), int(&otlp, "/requests/count"));
    assert_eq!(int(&zipkin, "/requests/count"), int(&otlp, "/requests/count"));
    // One request in the log of the risk service came past the traced services.
    assert_eq!(int(&all, "/requests/count"), int(&otlp, "/requests/count") + 1);
    assert!(int(&all, "/quality/copies") > 0, "the same spans are counted once, and it is said");
}
