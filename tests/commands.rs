//! Flags, exit codes, filters and messages.

use serde_json::Value;

use crate::support::{Folder, int, narrows, number, rows, text};

/// 60 requests, one a second: request `i` takes `10 (i + 1)` ms; every third is `POST /pay`, the others
/// are `GET /items/{id}`; every tenth fails.
fn folder() -> Folder {
    let line = |i: usize| {
        let (method, path) =
            if i.is_multiple_of(3) { ("POST", "/pay".to_owned()) } else { ("GET", format!("/items/{}", 1000 + i)) };
        let (status, ms) = (if i.is_multiple_of(10) { 503 } else { 200 }, 10 * (i + 1));
        format!(
            "10.0.0.1 - - [22/Nov/2026:10:00:{i:02} +0000] \"{method} {path} HTTP/1.1\" {status} 512 \"-\" \"curl/8.5\" rt={}.{:03}\n",
            ms / 1000,
            ms % 1000
        )
    };
    Folder::with("x.log", (0..60).map(line).collect::<String>())
}

/// Requests, and the sum of their durations in ms, under some filters.
fn filtered(filters: &[&str]) -> (i64, i64) {
    let json = folder().narrows(&[&["--format", "json", "x.log"], filters].concat()).exits(0).json();
    (int(&json, "/requests/count"), int(&json, "/requests/total_ns") / 1_000_000)
}

/// The same by arithmetic.
fn expected(keep: impl Fn(usize) -> bool) -> (i64, i64) {
    let kept = || (0..60).filter(|&i| keep(i));
    (kept().count() as i64, kept().map(|i| 10 * (i as i64 + 1)).sum())
}

#[test]
fn filters_keep_what_they_say() {
    assert_eq!(filtered(&[]), expected(|_| true));
    assert_eq!(filtered(&["--method", "post"]), expected(|i| i % 3 == 0));
    assert_eq!(filtered(&["--status", "5xx"]), expected(|i| i % 10 == 0));
    assert_eq!(filtered(&["--status", "200-299"]), expected(|i| i % 10 != 0));
    assert_eq!(filtered(&["--endpoint", "/items/*"]), expected(|i| i % 3 != 0));
    assert_eq!(filtered(&["--endpoint", "POST /pay"]), expected(|i| i % 3 == 0));
    assert_eq!(filtered(&["--min-duration", "300ms"]), expected(|i| i >= 29));
    assert_eq!(filtered(&["--status", "503", "--method", "GET"]), expected(|i| i % 10 == 0 && i % 3 != 0));
}

#[test]
fn windows_are_by_completion_and_half_open() {
    // nginx stamps the end, here in whole seconds.
    assert_eq!(filtered(&["--since", "2026-11-22T10:00:20Z"]), expected(|i| i >= 20));
    assert_eq!(filtered(&["--until", "2026-11-22T10:00:20Z"]), expected(|i| i < 20));
    assert_eq!(filtered(&["--since", "2026-11-22T12:00:05+02:00", "--until", "2026-11-22T10:00:06Z"]), expected(|i| i == 5));
    assert_eq!(filtered(&["--since", "2026-11-22"]), expected(|_| true));
}

#[test]
fn what_filters_leave_out_is_counted() {
    let json = folder().narrows(&["--format", "json", "x.log", "--status", "5xx"]).exits(0).json();
    assert_eq!(int(&json, "/sources/0/records"), 60);
    assert_eq!(int(&json, "/sources/0/filtered"), 54);
    assert_eq!(int(&json, "/sources/0/read/request/count"), 60);
}

#[test]
fn endpoints_are_learned_given_or_left_raw() {
    let endpoints = |args: &[&str]| -> Vec<String> {
        let json = folder().narrows(&[&["--format", "json", "x.log"], args].concat()).exits(0).json();
        rows(&json, "endpoints").iter().map(|row| text(row, "/endpoint").to_owned()).collect()
    };
    assert_eq!(endpoints(&[]), ["GET /items/{id}", "POST /pay"]);
    assert_eq!(endpoints(&["--route", "/items/{item}"]), ["GET /items/{item}", "POST /pay"]);
    let folder = folder();
    let api = r#"{"openapi":"3.0.0","paths":{"/items/{sku}":{"get":{}},"/pay":{"post":{}}}}"#;
    folder.write("api.json", api);
    let json = folder.narrows(&["--format", "json", "--openapi", "api.json", "x.log"]).exits(0).json();
    assert_eq!(json["endpoints"][0]["endpoint"], "GET /items/{sku}");
}

#[test]
fn percentiles_of_any_kind() {
    let json = folder().narrows(&["--format", "json", "x.log", "--percentiles", "75,20"]).exits(0).json();
    let pay = rows(&json, "endpoints").iter().find(|row| row["endpoint"] == "POST /pay").unwrap();
    // 20 values, 10, 40, 70 ... 580 ms: the 15th and the 4th.
    assert_eq!((int(pay, "/p75_ns"), int(pay, "/p20_ns")), (430_000_000, 100_000_000));
    folder().narrows(&["x.log", "--percentiles", "101"]).exits(2).says(&["--percentiles"]);
}

#[test]
fn top_folds_the_rest_into_one_row() {
    let run = folder().narrows(&["x.log", "--top", "1"]).exits(0);
    assert!(run.text().contains("other"), "{}", run.text());
    // Machine output holds every row.
    let json = folder().narrows(&["--format", "json", "x.log", "--top", "1"]).exits(0).json();
    assert_eq!(rows(&json, "endpoints").len(), 2);
}

#[test]
fn the_table_fits_100_columns_and_has_no_colour_on_a_pipe() {
    for name in ["S0", "S2", "S2T", "S3", "S5", "S7", "B2"] {
        let run = narrows(&[&format!("fixtures/scenarios/{name}")]).exits(0);
        assert!(!run.text().contains('\u{1b}'));
        for line in run.text().lines() {
            assert!(line.chars().count() <= 100, "{name}: {} columns: {line}", line.chars().count());
        }
        assert!(run.stderr.is_empty(), "{name}: {}", run.stderr);
    }
    assert!(narrows(&["--color", "always", "fixtures/scenarios/S2"]).exits(0).text().contains('\u{1b}'));
}

#[test]
fn a_gate_exits_with_1() {
    let gate = |tps: &str| narrows(&["--min-tps", tps, "fixtures/scenarios/S2"]).code;
    assert_eq!((gate("20"), gate("40")), (0, 1));
    narrows(&["--min-tps", "40", "fixtures/scenarios/S2"]).exits(1).says(&["--min-tps"]);
}

#[test]
fn targets_are_answered() {
    let json =
        narrows(&["--format", "json", "--target-tps", "70", "--target-tps", "25", "fixtures/scenarios/S2"]).exits(0).json();
    let targets = json["capacity"]["targets"].as_array().unwrap();
    let of = |tps: f64| targets.iter().find(|t| t["target_tps"] == tps).unwrap();
    assert_eq!(of(25.0)["reachable"], "yes");
    assert_eq!(of(70.0)["reachable"], "yes");
    assert!(of(70.0)["fixes"].to_string().contains("HikariPool-1"), "{}", of(70.0));
}

#[test]
fn bad_arguments_exit_with_2_and_say_what_to_write() {
    let folder = folder();
    for (args, says) in [
        (&["--format", "yaml", "x.log"][..], &["--format yaml", "json"][..]),
        (&["--log-format", "no such thing", "x.log"], &["--log-format", "narrows formats"]),
        (&["--since", "yesterday", "x.log"], &["--since yesterday", "2026-"]),
        (&["--status", "abc", "x.log"], &["--status abc", "5xx"]),
        (&["--min-duration", "3 apples", "x.log"], &["--min-duration", "500ms"]),
        (&["--tz", "Mars/Phobos", "x.log"], &["--tz Mars/Phobos", "-03:00"]),
        (&["--max-rejects", "few", "x.log"], &["--max-rejects few", "5%"]),
        (&["--what-if", "magic", "x.log"], &["--what-if magic", "HikariPool-1"]),
        (&["--explain", "zzz", "x.log"], &["--explain zzz"]),
        (&["--config", "none.toml", "x.log"], &["none.toml"]),
        (&["--no-such-flag", "x.log"], &["--no-such-flag"]),
        (&["show", "x.log"], &["x.log", "FILE:OFFSET"]),
        (&["show", "x.log:999999"], &["x.log:999999", "past the end"]),
    ] {
        let run = folder.narrows(args).exits(2).says(says);
        assert!(run.stdout.is_empty(), "{args:?}: {}", run.text());
    }
    folder.write("narrows.toml", "routs = []\n");
    folder.narrows(&["x.log"]).exits(2).says(&["narrows.toml", "routs"]);
}

#[test]
fn rejects_are_listed_and_may_be_too_many() {
    let folder = folder();
    let good = std::fs::read_to_string(folder.path().join("x.log")).unwrap();
    folder.write("y.log", format!("{good}no log line\n{}", &good[..50]));
    folder.narrows(&["--max-rejects", "2", "y.log"]).exits(0);
    folder.narrows(&["--max-rejects", "1", "y.log"]).exits(2).says(&["--max-rejects 1"]);
    folder.narrows(&["--max-rejects", "1%", "y.log"]).exits(2);
    folder.narrows(&["--max-rejects", "50%", "--rejects", "bad.tsv", "y.log"]).exits(0);
    let list = std::fs::read_to_string(folder.path().join("bad.tsv")).unwrap();
    let rows: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let first = [good.len().to_string(), (good.len() + "no log line\n".len()).to_string()];
    assert_eq!(rows.len(), 2, "{list}");
    for ((row, byte), (line, record)) in rows.iter().zip(first).zip([("61", "no log line"), ("62", &good[..50])]) {
        assert_eq!((row[0], row[1], row[2], row[4]), ("y.log", byte.as_str(), line, record));
    }
}

#[test]
fn evidence_leads_to_the_record() {
    let json = narrows(&["--format", "json", "fixtures/scenarios/S2"]).exits(0).json();
    let mut seen = 0;
    for row in rows(&json, "bottlenecks") {
        for evidence in rows(row, "evidence") {
            let (source, offset) = (text(evidence, "/source"), int(evidence, "/offset"));
            let shown = narrows(&["show", "--unmask", &format!("{source}:{offset}")]).exits(0);
            let plain = zstd::decode_all(std::fs::File::open(crate::support::root().join(source)).unwrap()).unwrap();
            let (before, rest) = plain.split_at(offset as usize);
            assert!(before.is_empty() || before.ends_with(b"\n"), "{source}:{offset} is not the start of a line");
            let line = before.iter().filter(|&&b| b == b'\n').count() as i64 + 1;
            assert_eq!(int(evidence, "/line"), line, "{source}:{offset}");
            let record = rest.split(|&b| b == b'\n').next().unwrap();
            assert_eq!(
                shown.text().trim_end().replace("\\t", "\t"),
                String::from_utf8_lossy(record).trim_end(),
                "{source}:{offset}"
            );
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn records_are_shown_with_their_ids_masked() {
    let args = ["show", "fixtures/scenarios/S2/txn.log.zst:0"];
    let masked = narrows(&args).exits(0);
    assert!(!masked.text().contains("06f7478a79b971f1f65bd0c31b995d72"), "{}", masked.text());
    assert!(masked.text().contains("total_ms=172.9"), "{}", masked.text());
    let open = narrows(&[&args[..], &["--unmask"]].concat()).exits(0);
    assert!(open.text().contains("06f7478a79b971f1f65bd0c31b995d72"), "{}", open.text());
}

#[test]
fn explain_prints_the_arithmetic() {
    let run = narrows(&["--explain", "HikariPool-1", "fixtures/scenarios/S2"]).exits(0);
    for part in ["3 slots", "per successful request", "TPS", "saturated"] {
        assert!(run.text().contains(part), "no {part:?} in: {}", run.text());
    }
    let json = narrows(&["--format", "json", "fixtures/scenarios/S2"]).exits(0).json();
    for key in ["bottlenecks", "endpoints", "database", "waits"] {
        let id = text(&rows(&json, key)[0], "/id");
        assert!(!narrows(&["--explain", id, "fixtures/scenarios/S2"]).exits(0).stdout.is_empty(), "{key} {id}");
    }
}

#[test]
fn a_report_may_go_to_a_file() {
    let folder = folder();
    assert!(folder.narrows(&["x.log", "--format", "json", "-o", "r.json"]).exits(0).stdout.is_empty());
    let json: Value = serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(int(&json, "/requests/count"), 60);
    folder.narrows(&["x.log", "-o", "no/such/folder/r.txt"]).exits(2).says(&["no/such/folder/r.txt", "--output"]);
}

#[test]
fn csv_holds_a_whole_table() {
    let run = folder().narrows(&["x.log", "--format", "csv"]).exits(0);
    let lines: Vec<&str> = run.text().lines().collect();
    let column = |name: &str| lines[0].split(',').position(|c| c == name).expect(name);
    let (endpoint, calls, total) = (column("endpoint"), column("calls"), column("total_ns"));
    let cells: Vec<Vec<&str>> = lines[1..].iter().map(|line| line.split(',').collect()).collect();
    let (_, gets) = expected(|i| i % 3 != 0);
    assert_eq!(
        (cells[0][endpoint], cells[0][calls], cells[0][total]),
        ("GET /items/{id}", "40", format!("{gets}000000").as_str())
    );
    assert_eq!(cells.len(), 2);
}

#[test]
fn hashes_are_written_when_asked_for() {
    let folder =
        Folder::with("x.log", "10.0.0.1 - - [22/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\" rt=0.010\n");
    let json = |args: &[&str]| folder.narrows(&[args, &["--format", "json", "x.log"]].concat()).exits(0).json();
    assert!(json(&[])["sources"][0]["sha256"].is_null());
    // By sha256sum.
    assert_eq!(json(&["--hash"])["sources"][0]["sha256"], "6a9fda448a298164e27fe7f63bcaa7f86716f8ef64f77b882bb5cc9b3629e5fe");
}

#[test]
fn formats_are_listed_and_detected() {
    let list = narrows(&["formats"]).exits(0);
    for format in parsers::formats() {
        assert!(list.text().lines().any(|line| line.starts_with(format.spec().name)), "{}", format.spec().name);
    }
    let run = narrows(&["formats", "--detect", "fixtures/scenarios/S2/nginx_access.log.zst"]).exits(0);
    for part in ["nginx", "evidence", "zstd", "stamp"] {
        assert!(run.text().contains(part), "no {part:?} in: {}", run.text());
    }
    narrows(&["formats", "--detect", "Cargo.toml"]).exits(2).says(&["Cargo.toml"]);
}

#[test]
fn services_of_one_compose_log_are_read_each_as_what_it_is() {
    let lines = |i: usize| {
        format!(
            "nginx-1  | 10.0.0.1 - - [22/Nov/2026:17:55:0{i} +0000] \"GET /a HTTP/1.1\" 200 120 \"-\" \"curl\" rt=0.02{i}\n\
             db-1     | 2026-11-22 17:55:0{i}.000 UTC [12] LOG:  duration: 1{i}.000 ms  statement: SELECT a\n\
             cache-1  | 1:M 22 Nov 2026 17:55:0{i}.000 * Ready to accept connections\n\
             db-1     | \tFROM t\n"
        )
    };
    let folder = Folder::with("compose.log", (0..5).map(lines).collect::<String>());
    let json = folder.narrows(&["--format", "json", "compose.log"]).exits(0).json();
    let formats: Vec<&str> = rows(&json, "sources").iter().map(|source| text(source, "/format")).collect();
    assert_eq!(formats, ["nginx", "postgres"]);
    assert_eq!((int(&json, "/requests/count"), int(&json, "/requests/total_ns")), (5, 110_000_000));
    assert_eq!(text(&json, "/database/0/statement"), "select a from t");
    assert_eq!((int(&json, "/database/0/calls"), int(&json, "/database/0/total_ns")), (5, 60_000_000));
    let detected = folder.narrows(&["formats", "--detect", "compose.log"]).exits(0);
    assert!(["the lines of nginx", "the lines of db"].iter().all(|part| detected.text().contains(part)), "{}", detected.text());
}

#[test]
fn a_format_string_or_a_servers_configuration_settles_the_layout() {
    let folder = Folder::with("odd.log", "12.500|/a|22/Nov/2026:10:00:00 +0000|200\n7.500|/a|22/Nov/2026:10:00:01 +0000|200\n");
    let layout = "$request_time|$uri|$time_local|$status";
    let total = |args: &[&str]| {
        let json = folder.narrows(&[args, &["--format", "json", "odd.log"]].concat()).exits(0).json();
        (int(&json, "/requests/count"), number(&json, "/requests/total_ns"))
    };
    assert_eq!(total(&["--log-format", layout]), (2, 20e9));
    assert_eq!(total(&["--log-format", &format!("nginx:{layout}")]), (2, 20e9));
    assert_eq!(total(&["--log-format", &format!("*.log={layout}")]), (2, 20e9));
    folder.write("nginx.conf", format!("http {{\n  log_format odd '{layout}';\n  access_log /var/log/odd.log odd;\n}}\n"));
    assert_eq!(total(&["--log-format", "@nginx.conf"]), (2, 20e9));
    folder.write(
        "several.conf",
        format!(
            "log_format main '$remote_addr $time_iso8601 $status';\nlog_format odd '{layout}';\nlog_format x '$status|$uri';\n"
        ),
    );
    assert_eq!(total(&["--log-format", "@several.conf"]), (2, 20e9));
    assert_eq!(total(&["--log-format", "@several.conf:odd"]), (2, 20e9));
    assert_eq!(total(&["--log-format", "*.log=@several.conf"]), (2, 20e9));
    folder.narrows(&["--log-format", "@several.conf:nope", "odd.log"]).exits(2).says(&["main", "odd", "x"]);
    folder.write("narrows.toml", format!("[formats]\n\"odd*\" = '{layout}'\n"));
    assert_eq!(total(&[]), (2, 20e9));
}

#[test]
fn completions_and_the_manual_are_printed() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(narrows(&["completions", shell]).exits(0).text().contains("log-format"), "{shell}");
    }
    assert!(narrows(&["man"]).exits(0).text().contains(".TH narrows"));
    assert!(narrows(&["--version"]).exits(0).text().contains(env!("CARGO_PKG_VERSION")));
    narrows(&[]).exits(2);
    narrows(&["--help"]).exits(0);
}

#[test]
fn starts_and_ends_told_apart_are_requests_across_rotation_and_threads() {
    // Request i starts at i * 7 ms and takes 100 + i % 5 ms; every tenth fails, and the last one has no end.
    let mut records: Vec<(u64, String)> = Vec::new();
    for i in 0..1000u64 {
        records.push((i * 7, format!("svc - request started rid=a{i:04x} uri=/api/{}", if i % 4 == 0 { "a" } else { "b" })));
        if i < 999 {
            let status = if i % 10 == 0 { 500 } else { 200 };
            records.push((i * 7 + 100 + i % 5, format!("svc - request finished rid=a{i:04x} status={status}")));
        }
    }
    records.sort();
    let stamped = |&(ms, ref text): &(u64, String)| {
        format!("2026-11-22 17:45:{:02},{:03} INFO  [w-{}] {text}\n", ms / 1000, ms % 1000, ms % 8)
    };
    let lines: Vec<String> = records.iter().map(stamped).collect();
    let folder = Folder::with("app.log.1", lines[..1000].concat());
    folder.write("app.log", lines[1000..].concat());
    for threads in ["1", "3"] {
        let json = folder.narrows(&["--threads", threads, "--format", "json", "."]).exits(0).json();
        assert_eq!((int(&json, "/requests/count"), int(&json, "/requests/errors")), (999, 100));
        // 999 * 100 ms, and 199 times 0 + 1 + 2 + 3 + 4 ms, and 0 + 1 + 2 + 3 ms.
        assert_eq!(int(&json, "/requests/total_ns"), (99_900 + 1_990 + 6) * 1_000_000);
        assert_eq!(int(&json, "/quality/unpaired_events"), 1);
        let mut calls: Vec<(&str, i64)> =
            rows(&json, "endpoints").iter().map(|row| (text(row, "/endpoint"), int(row, "/calls"))).collect();
        calls.sort_unstable();
        assert_eq!(calls, [("/api/a", 250), ("/api/b", 749)]);
    }
}

#[test]
fn a_proxy_that_tried_twice_is_named() {
    let line = |second: u32, rest: &str| {
        format!(
            "10.0.0.1 - - [22/Nov/2026:10:00:{second:02} +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"-\" rt=0.300 {rest} rid={second:032x}\n"
        )
    };
    let mut log = String::new();
    for second in 1..30 {
        log += &line(second, "urt=\"0.290\" ua=\"10.1.0.1:80\"");
    }
    log += &line(30, "urt=\"0.100, 0.190\" ua=\"10.1.0.1:80, 10.1.0.2:80\"");
    log += &line(31, "urt=\"0.100, 0.100, 0.090\" ua=\"10.1.0.1:80, 10.1.0.2:80, 10.1.0.3:80\"");
    let folder = Folder::with("access.log", log);
    let json = folder.narrows(&["--format", "json", "access.log"]).exits(0).json();
    let finding = rows(&json, "findings").iter().find(|finding| finding["rule"] == "retries").unwrap();
    assert_eq!(text(finding, "/sentence"), "The proxy tried more than one upstream for 2 requests of GET /a: 5 attempts in all.");
}
