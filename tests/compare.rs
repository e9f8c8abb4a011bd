//! `save`, `merge` and `compare`, on saved profiles of real runs: S9A and S9B are the same build twice, S8B is S8A with one
//! slower statement, S2 is S1 with a pool of 3 instead of 40 and more clients.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Folder, Run, root};

fn profile(name: &str) -> String {
    root().join("fixtures/profiles").join(format!("{name}.narrows")).display().to_string()
}

fn run(folder: &Folder, args: &[&str]) -> Run {
    folder.narrows(args)
}

fn compare(folder: &Folder, base: &str, candidate: &str, more: &[&str]) -> Run {
    let (base, candidate) = (profile(base), profile(candidate));
    run(folder, &[&["compare", &base, &candidate], more].concat())
}

fn temporary() -> Folder {
    Folder::new()
}

/// Endpoint and verdict of each row.
fn verdicts(report: &Value) -> Vec<(String, String)> {
    let rows = report["endpoints"].as_array().unwrap().iter();
    rows.map(|row| (row["endpoint"].as_str().unwrap().to_owned(), row["verdict"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn the_same_build_twice_is_ok() {
    let folder = temporary();
    let report = compare(&folder, "S9A", "S9B", &["--format", "json"]).exits(0).json();
    assert_eq!(report["verdict"], "ok");
    assert!(verdicts(&report).iter().all(|(_, verdict)| verdict == "ok" || verdict == "too_few"), "{report}");
}

#[test]
fn a_run_and_itself_have_p_of_one() {
    let folder = temporary();
    let report = compare(&folder, "S8A", "S8A", &["--format", "json"]).exits(0).json();
    for row in report["endpoints"].as_array().unwrap().iter().filter(|row| row["verdict"] != "too_few") {
        assert_eq!((row["p_value"].as_f64(), row["p_adjusted"].as_f64()), (Some(1.0), Some(1.0)), "{row}");
    }
    assert_eq!((report["mix"]["within_ns"].as_i64(), report["mix"]["mix_ns"].as_i64()), (Some(0), Some(0)));
}

#[test]
fn the_slower_endpoint_is_found_and_nothing_else_and_its_statement_is_named() {
    let folder = temporary();
    let report = compare(&folder, "S8A", "S8B", &["--format", "json"]).exits(1).json();
    assert_eq!(report["verdict"], "regression");
    let worse: Vec<_> = verdicts(&report).into_iter().filter(|(_, v)| v != "ok" && v != "too_few").collect();
    assert_eq!(worse, [("POST /api/payments".to_owned(), "regression".to_owned())]);
    // The clients measured 1.185, from 1.149 to 1.221.
    let row = &report["endpoints"][0];
    let ratio = row["shift_ratio"].as_f64().unwrap();
    assert!(ratio > 1.149 && ratio < 1.221, "{ratio}");
    assert!(row["shift_low"].as_f64().unwrap() > 1.05);
    let grew = |bucket: &str| {
        let bucket = &row["buckets"][bucket];
        bucket["candidate_mean_ns"].as_f64().unwrap() - bucket["base_mean_ns"].as_f64().unwrap()
    };
    assert!(grew("database") > 45e6 && grew("database") < 65e6, "{}", grew("database"));
    assert!(grew("pool_wait").abs() < 1e6 && grew("queue").abs() < 1e6);
    // The statement took 55 ms and was given another 57.
    let statement = &row["statements"][0];
    assert!(statement["statement"].as_str().unwrap().contains("update accounts set balance = balance - ?"));
    let (base, candidate) =
        (statement["base_mean_ns"].as_f64().unwrap() / 1e6, statement["candidate_mean_ns"].as_f64().unwrap() / 1e6);
    assert!((52.0..60.0).contains(&base) && (106.0..116.0).contains(&candidate), "{base} {candidate}");
    let sentence = row["sentence"].as_str().unwrap();
    assert!(sentence.contains("the queue for a thread, the wait for a connection and pauses did not grow"), "{sentence}");
}

#[test]
fn another_load_is_said_and_the_pool_is_what_differs() {
    let folder = temporary();
    let report = compare(&folder, "S1", "S2", &["--format", "json"]).exits(1).json();
    assert_eq!((report["verdict"].as_str(), report["load"]["comparable"].as_bool()), (Some("incomparable"), Some(false)));
    assert!(verdicts(&report).iter().all(|(_, verdict)| verdict != "regression"));
    let differs = &report["capacity"]["resources"][0];
    assert_eq!((differs["name"].as_str(), differs["differs"].as_bool()), (Some("HikariPool-1"), Some(true)));
    assert_eq!((&differs["base"]["servers"], &differs["candidate"]["servers"]), (&40.into(), &3.into()));
    let ceiling = report["capacity"]["candidate_ceiling_tps"].as_f64().unwrap();
    assert!((28.0..30.5).contains(&ceiling), "{ceiling}");
    // The other way round nothing fell: the loads cannot be compared, and that is all.
    compare(&folder, "S2", "S1", &[]).exits(2);
    let text = compare(&folder, "S1", "S2", &[]).exits(1);
    assert!(text.text().starts_with("The loads differ") && text.text().contains("What differs: HikariPool-1"), "{}", text.text());
}

#[test]
fn every_form_is_the_same_each_time_and_parses() {
    let folder = temporary();
    for format in ["table", "markdown", "json", "csv", "junit", "sarif", "openmetrics"] {
        let first = compare(&folder, "S8A", "S8B", &["--format", format]).exits(1);
        let again = compare(&folder, "S8A", "S8B", &["--format", format, "--threads", "1"]).exits(1);
        assert_eq!(first.stdout, again.stdout, "{format}");
        let text = first.text();
        match format {
            "table" => assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}"),
            "json" | "sarif" => assert!(serde_json::from_str::<Value>(text).is_ok()),
            "junit" => assert_eq!(text.matches("<failure ").count(), 1, "{text}"),
            "openmetrics" => assert!(text.ends_with("# EOF\n")),
            "csv" => assert!(text.lines().count() > 7),
            _ => assert!(text.len() < 65_536 && text.starts_with("### narrows: regression")),
        }
    }
    compare(&folder, "S8A", "S8B", &["--format", "xml"]).exits(2).says(&["--format xml", "junit"]);
}

/// A log of `n` requests of two endpoints, a second apart; the first takes `ms` and some.
fn log(folder: &Path, name: &str, n: u32, ms: u32) -> PathBuf {
    let mut text = String::new();
    for i in 0..n {
        let (path, took) = if i % 2 == 0 { ("/slow", ms + i * 7 % 23) } else { ("/calm", 40 + i * 7 % 23) };
        let (hour, minute, second) = (i / 3600, i / 60 % 60, i % 60);
        writeln!(
            text,
            "10.0.0.1 - - [22/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" 200 5 \"-\" \"-\" {}.{:03}",
            took / 1000,
            took % 1000
        )
        .unwrap();
    }
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    file
}

const FORMAT: &str = "--log-format=$remote_addr - - [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \
                      \"$http_user_agent\" $request_time";

#[test]
fn logs_and_their_profiles_compare_alike_and_merge() {
    let folder = temporary();
    let at = folder.path();
    log(at, "a.log", 2000, 50);
    log(at, "b.log", 2000, 90);
    for name in ["a", "b"] {
        run(&folder, &["save", FORMAT, &format!("{name}.log"), "-o", &format!("{name}.narrows")]).exits(0);
    }
    assert!(fs::metadata(at.join("a.narrows")).unwrap().len() < 20_000);
    let of_logs = run(&folder, &["compare", FORMAT, "a.log", "b.log", "--hash", "--format", "csv"]).exits(1);
    let of_profiles = run(&folder, &["compare", "a.narrows", "b.narrows", "--format", "csv"]).exits(1);
    assert_eq!(of_logs.text(), of_profiles.text());
    let report = run(&folder, &["compare", "a.narrows", "b.narrows", "--format", "json"]).json();
    assert_eq!(verdicts(&report)[0], ("GET /slow".to_owned(), "regression".to_owned()));
    assert_eq!(report["base"]["sources"][0]["sha256"].as_str().map(str::len), Some(64));

    run(&folder, &["merge", "a.narrows", "b.narrows", "-o", "c.narrows"]).exits(0);
    let report = run(&folder, &["compare", "c.narrows", "c.narrows", "--format", "json"]).exits(0).json();
    assert_eq!(report["base"]["requests"]["count"], 4000);
    assert_eq!(report["base"]["sources"].as_array().unwrap().len(), 2);
    // Saving twice gives the same bytes, and nothing else is left in the folder.
    run(&folder, &["save", FORMAT, "a.log", "-o", "again.narrows", "--threads", "1"]).exits(0);
    assert_eq!(fs::read(at.join("a.narrows")).unwrap(), fs::read(at.join("again.narrows")).unwrap());
    assert_eq!(fs::read_dir(at).unwrap().count(), 6);
}

#[test]
fn several_runs_a_side_and_a_history_are_taken() {
    let folder = temporary();
    let at = folder.path();
    fs::create_dir(at.join("history")).unwrap();
    let mut sides: Vec<String> = Vec::new();
    for build in 0..12 {
        let ms = if build < 6 { 50 } else { 80 } + build % 3;
        log(at, "x.log", 1000, ms);
        let name = format!("history/build-{build:02}.narrows");
        run(&folder, &["save", FORMAT, "x.log", "-o", &name]).exits(0);
        sides.push(format!("--{}={name}", if build < 6 { "base" } else { "candidate" }));
    }
    let sides: Vec<&str> = sides.iter().map(String::as_str).collect();
    let report = run(&folder, &[&["compare", "--format", "json"][..], &sides[..]].concat()).exits(1).json();
    assert_eq!(report["base"]["runs"].as_array().unwrap().len(), 6);
    assert_eq!(report["warnings"].as_array().unwrap().len(), 0, "{}", report["warnings"]);
    let report = run(
        &folder,
        &["compare", "history/build-00.narrows", "history/build-11.narrows", "--history", "history", "--format", "json"],
    )
    .exits(1)
    .json();
    assert_eq!(report["history"]["changes"][0]["build"], "build-06", "{}", report["history"]);
    assert_eq!(report["history"]["changes"][0]["previous"], "build-05");
    assert!(report["history"]["noise"]["GET /slow"].as_f64().unwrap() < 0.1);
}

#[test]
fn budgets_are_kept_broken_or_misspelt() {
    let folder = temporary();
    let toml = |text: &str| fs::write(folder.path().join("narrows.toml"), text).unwrap();
    let run = |more: &[&str]| compare(&folder, "S9A", "S9B", more);
    toml("[[budget]]\nendpoint = \"POST /api/*\"\np95_ms = 2000\nerror_rate = 0.01\n[[budget]]\nceiling_tps = 100\n");
    let report = run(&["--format", "json"]).exits(0).json();
    assert_eq!(report["budgets"].as_array().unwrap().len(), 3 + 3 + 1);
    assert!(report["budgets"].as_array().unwrap().iter().all(|budget| budget["verdict"] == "ok"), "{}", report["budgets"]);
    toml("[[budget]]\nendpoint = \"POST /api/payments\"\np95_ms = 100\n");
    let text = run(&["--format", "junit"]).exits(1);
    assert!(text.text().contains("POST /api/payments p95_ms is "), "{}", text.text());
    toml("[[budget]]\nceiling_tps = 10000\n");
    run(&[]).exits(1);
    toml("[[budget]]\nendpoint = \"POST /api/paymnets\"\np95_ms = 100\n");
    run(&[]).exits(2).says(&["narrows.toml", "`POST /api/paymnets` fits no endpoint"]);
    toml("[[budget]]\nendpoint = \"*\"\np95 = 100\n");
    run(&[]).exits(2).says(&["unknown field `p95`"]);
    toml("[[budget]]\nendpoint = \"*\"\n");
    run(&[]).exits(2).says(&["limits nothing"]);
}

#[test]
fn too_little_is_inconclusive_and_fails_only_when_asked() {
    let folder = temporary();
    let at = folder.path();
    log(at, "few.log", 60, 50);
    let args = ["compare", FORMAT, "few.log", "few.log"];
    let report = run(&folder, &[&args[..], &["--format", "json"]].concat()).exits(0).json();
    assert_eq!(report["verdict"], "inconclusive");
    run(&folder, &[&args[..], &["--fail-on", "inconclusive"]].concat()).exits(3);
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = temporary();
    let at = folder.path();
    let good = fs::read(profile("S9A")).unwrap();
    let damaged = |name: &str, bytes: &[u8]| {
        fs::write(at.join(name), bytes).unwrap();
        run(&folder, &["compare", name, &profile("S9B")]).exits(2)
    };
    damaged("cut.narrows", &good[..good.len() / 2]).says(&["cut.narrows: cut at byte", "save it anew"]);
    let mut flipped = good.clone();
    flipped[1000] ^= 1;
    damaged("flipped.narrows", &flipped).says(&["flipped.narrows: damaged: the SHA-256"]);
    let later = [b"narrows-profile 7\n", &good[18..]].concat();
    damaged("later.narrows", &later).says(&["later.narrows: written by a later narrows", "update narrows"]);
    damaged("empty.narrows", b"").says(&["empty.narrows: no saved profile: it is empty"]);
    run(&folder, &["compare", "nowhere", &profile("S9B")]).exits(2).says(&["nowhere"]);
    run(&folder, &["compare", &profile("S9B")]).exits(2);
    run(&folder, &["compare", &profile("S9A"), &profile("S9B"), "--noise", "7"]).exits(2).says(&["--noise 7"]);
    run(&folder, &["merge", "nowhere.narrows", "-o", "x.narrows"]).exits(2);
    fs::write(at.join("noise.txt"), "nothing to see\n").unwrap();
    run(&folder, &["save", "noise.txt", "-o", "x.narrows"]).exits(2);
    run(&folder, &["save", "noise.txt", "-o", "no/such/x.narrows"]).exits(2).says(&["no/such/x.narrows"]);
    assert!(!at.join("x.narrows").exists());
}
