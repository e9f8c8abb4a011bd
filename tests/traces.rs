//! Traces: what several encodings of one run have in common, what their shapes tell, and how one is drawn.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Folder, int, narrows, number, rows, text};

/// The whole milliseconds of truth's window of B2 and B1.
const B2: [&str; 4] = ["--since", "2026-11-22T17:40:58.151Z", "--until", "2026-11-22T17:41:23.151Z"];

const SECOND: i64 = 1_700_000_000_000_000_000;

/// A span of OTLP JSON with times in milliseconds: id, parent (0 is none), kind, name, from, to, more fields.
type Span<'a> = (u64, u64, u8, &'a str, i64, i64, &'a str);

const STATEMENT: &str = r#","attributes":[{"key":"db.system","value":{"stringValue":"mysql"}},{"key":"db.statement","value":{"stringValue":"select a from t where id = 1"}}]"#;
const FAILED: &str = r#","status":{"code":2},"attributes":[{"key":"db.system","value":{"stringValue":"mysql"}},{"key":"db.statement","value":{"stringValue":"select a from t where id = 1"}}]"#;

/// A document of spans of one service.
fn otlp(service: &str, trace: u64, spans: &[Span<'_>]) -> String {
    let mut text = String::new();
    for (id, parent, kind, name, from, to, more) in spans {
        let parent = if *parent == 0 { String::new() } else { format!(r#""parentSpanId":"{parent:016x}","#) };
        let (from, to) = (SECOND + from * 1_000_000, SECOND + to * 1_000_000);
        let comma = if text.is_empty() { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"traceId":"{trace:032x}","spanId":"{id:016x}",{parent}"name":"{name}","kind":{kind},"startTimeUnixNano":"{from}","endTimeUnixNano":"{to}"{more}}}"#
        )
        .unwrap();
    }
    let resource = format!(r#"{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}}"#);
    format!("{{\"resourceSpans\":[{{\"resource\":{resource},\"scopeSpans\":[{{\"spans\":[{text}]}}]}}]}}\n")
}

fn json(folder: &Folder) -> Value {
    folder.narrows(&["--format", "json", "."]).exits(0).json()
}

fn finding<'a>(json: &'a Value, rule: &str) -> &'a Value {
    let findings = rows(json, "findings");
    findings.iter().find(|f| f["rule"] == rule).unwrap_or_else(|| panic!("no finding {rule} in {findings:?}"))
}

#[test]
fn three_encodings_of_one_run_give_the_same_figures() {
    let run = |file: &str| {
        let path = format!("fixtures/scenarios/B2/{file}");
        narrows(&[&["--format", "json", &path][..], &B2].concat()).exits(0).json()
    };
    let (otlp, zipkin, jaeger) = (run("otlp.jsonl.zst"), run("zipkin.jsonl.zst"), run("jaeger.json.zst"));
    for other in [&zipkin, &jaeger] {
        assert_eq!(int(&otlp, "/requests/count"), int(other, "/requests/count"));
        for row in rows(&otlp, "endpoints") {
            let same = rows(other, "endpoints").iter().find(|r| r["endpoint"] == row["endpoint"]).unwrap();
            assert_eq!(row["calls"], same["calls"]);
            // Zipkin's and Jaeger's clocks show microseconds.
            assert!((int(row, "/mean_ns") - int(same, "/mean_ns")).abs() <= 1_000, "{row}");
            let wait = |row: &Value| int(row, "/buckets/pool_wait") / int(row, "/calls");
            assert!((wait(row) - wait(same)).abs() <= 2_000, "{row}");
        }
        // The export to Zipkin lacks one service, and so its only statement.
        for row in rows(other, "database") {
            let same = rows(&otlp, "database").iter().find(|r| r["statement"] == row["statement"]).unwrap();
            assert_eq!(row["calls"], same["calls"], "{}", text(row, "/statement"));
        }
    }
    assert_eq!(rows(&otlp, "database").len(), rows(&jaeger, "database").len());
    assert_eq!(rows(&otlp, "database").len(), rows(&zipkin, "database").len() + 1);
}

#[test]
fn spans_in_three_encodings_count_once() {
    let files = ["otlp.jsonl.zst", "zipkin.jsonl.zst", "jaeger.json.zst"].map(|file| format!("fixtures/scenarios/B2/{file}"));
    let one = narrows(&[&["--format", "json", &files[0]][..], &B2].concat()).exits(0).json();
    let all = narrows(&[&["--format", "json", &files[0], &files[1], &files[2]][..], &B2].concat()).exits(0).json();
    for table in ["endpoints", "waits", "services", "edges"] {
        let figures = |json: &Value| -> Vec<(Value, Value)> {
            rows(json, table).iter().map(|row| (row["calls"].clone(), row["total_ns"].clone())).collect()
        };
        assert_eq!(figures(&one), figures(&all), "{table}");
    }
    // 9,700 spans in Jaeger, 8,792 in Zipkin.
    assert_eq!(int(&all, "/quality/copies"), 18_492);
    assert!(text(finding(&all, "copied-spans"), "/sentence").starts_with("18,492 spans were given more than once"));
}

#[test]
fn statements_of_spans_are_those_of_the_database_log() {
    let run = |files: &[&str]| {
        let paths: Vec<String> = files.iter().map(|file| format!("fixtures/scenarios/B2/{file}")).collect();
        let args: Vec<&str> = ["--format", "json"].into_iter().chain(paths.iter().map(String::as_str)).collect();
        narrows(&args).exits(0).json()
    };
    let (spans, log) = (run(&["otlp.jsonl.zst"]), run(&["postgresql-2026-11-22_174029.log.zst"]));
    let traced = rows(&spans, "database").iter().filter(|row| !matches!(text(row, "/statement"), "begin" | "commit"));
    let mut compared = 0;
    for row in traced {
        let same = rows(&log, "database").iter().find(|r| r["statement"] == row["statement"]).unwrap();
        assert_eq!(row["calls"], same["calls"], "{}", text(row, "/statement"));
        compared += 1;
    }
    assert_eq!(compared, 12);
}

#[test]
fn services_and_edges_hold_the_gap_between_the_sides_of_a_call() {
    // api 0-100 calls risk 10-70, whose own span is 20-60: 20 of 60 lie on the way.
    let folder = Folder::with("a.jsonl", otlp("api", 7, &[(1, 0, 2, "GET /pay", 0, 100, ""), (2, 1, 3, "POST", 10, 70, "")]));
    folder.write("b.jsonl", otlp("risk", 7, &[(3, 2, 2, "POST /risk", 20, 60, r#","status":{"code":2}"#)]));
    let json = json(&folder);
    let edge = &rows(&json, "edges")[0];
    assert_eq!((text(edge, "/caller"), text(edge, "/callee"), text(edge, "/kind")), ("api", "risk", "service"));
    assert_eq!((int(edge, "/calls"), int(edge, "/errors"), int(edge, "/mean_gap_ns")), (1, 1, 20_000_000));
    let services: Vec<_> =
        rows(&json, "services").iter().map(|s| (text(s, "/service"), int(s, "/path_ns") / 1_000_000)).collect();
    assert_eq!(services, [("api", 60), ("risk", 40)]);
    assert_eq!(number(&rows(&json, "services")[0], "/share"), 0.6);
}

#[test]
fn calls_side_by_side_are_more_work_than_they_show() {
    // V14: eight calls from 10 to 28, 36, ... 84: 368 ms of work, 74 of path.
    let mut spans: Vec<Span<'_>> = vec![(1, 0, 2, "GET /wide", 0, 100, "")];
    spans.extend((0..8).map(|i| (10 + i, 1, 3, "q", 10, 28 + 8 * i as i64, STATEMENT)));
    let json = json(&Folder::with("t.jsonl", otlp("api", 7, &spans)));
    let sentence = text(finding(&json, "fan-out"), "/sentence");
    assert!(sentence.contains("368 ms of work per request for 74.0 ms of response time, 4.97 times as much"), "{sentence}");
}

#[test]
fn attempts_before_the_last_are_retries() {
    // V13 with the first two calls failed: 30 + 25 ms lost.
    let spans = [
        (1, 0, 2, "GET /again", 0, 100, ""),
        (2, 1, 3, "q", 5, 35, FAILED),
        (3, 1, 3, "q", 40, 65, FAILED),
        (4, 1, 3, "q", 70, 95, STATEMENT),
    ];
    let found = json(&Folder::with("t.jsonl", otlp("api", 7, &spans)));
    let sentence = text(finding(&found, "retries"), "/sentence");
    assert!(sentence.contains("3 attempts, of which 2 failed and were repeated after 55.0 ms"), "{sentence}");
    let row = rows(&found, "bottlenecks").iter().find(|row| row["kind"] == "retries").unwrap();
    assert_eq!((int(row, "/calls"), int(row, "/total_ns"), number(row, "/share")), (2, 55_000_000, 0.55));
    // Failed calls side by side are none.
    let beside = [(1, 0, 2, "GET /x", 0, 100, ""), (2, 1, 3, "q", 5, 35, FAILED), (3, 1, 3, "q", 6, 36, FAILED)];
    let found = json(&Folder::with("t.jsonl", otlp("api", 7, &beside)));
    assert!(rows(&found, "findings").iter().all(|f| f["rule"] != "retries"));
}

#[test]
fn work_after_the_answer_and_missing_parents_are_told() {
    // V07 and V17.
    let tail = [(1, 0, 2, "GET /late", 0, 100, ""), (2, 1, 3, "q", 50, 150, STATEMENT)];
    let five: String = (1..=5).map(|trace| otlp("api", trace, &tail)).collect();
    let found = json(&Folder::with("t.jsonl", five));
    let sentence = text(finding(&found, "async-tail"), "/sentence");
    assert!(sentence.contains("After 5 of 5 answers of GET /late work goes on, for 50.0 ms"), "{sentence}");
    let orphan = [(1, 0, 2, "GET /a", 0, 100, ""), (2, 1, 3, "q", 10, 40, STATEMENT), (3, 99, 3, "q", 60, 90, STATEMENT)];
    let found = json(&Folder::with("t.jsonl", otlp("api", 7, &orphan)));
    assert!(text(finding(&found, "incomplete-traces"), "/sentence").starts_with("1 of 1 traces (100 %)"));
    assert_eq!(int(&found, "/endpoints/0/buckets/database"), 30_000_000);
}

#[test]
fn a_faster_statement_is_replayed_and_a_sibling_may_take_over() {
    // V05: the statement takes 10-90, another call 10-60. Without the statement the request takes 70.
    let spans = [(1, 0, 2, "GET /two", 0, 100, ""), (2, 1, 3, "q", 10, 90, STATEMENT), (3, 1, 3, "POST", 10, 60, "")];
    let folder = Folder::with("t.jsonl", otlp("api", 7, &spans));
    let id = json(&folder)["database"][0]["id"].as_str().unwrap().to_owned();
    let found = folder.narrows(&["--format", "json", "--what-if", &format!("statement {id} x0"), "."]).exits(0).json();
    let row = &rows(&found, "replays")[0];
    assert_eq!(
        (int(row, "/mean_ns"), int(row, "/new_mean_ns"), int(row, "/bound_mean_ns")),
        (100_000_000, 70_000_000, 20_000_000)
    );
}

#[test]
fn folded_stacks_hold_all_time_of_all_requests() {
    let spans = [(1, 0, 2, "GET /pay", 0, 100, ""), (2, 1, 3, "q", 10, 60, STATEMENT)];
    let folder = Folder::with("t.jsonl", otlp("api", 7, &spans));
    let run = folder.narrows(&["--format", "folded", "."]).exits(0);
    assert_eq!(run.text(), "api;GET /pay 50000\napi;GET /pay;select a from t where id = ? 50000\n");

    let path = "fixtures/scenarios/B2/otlp.jsonl.zst";
    let total = int(&narrows(&["--format", "json", path]).exits(0).json(), "/requests/total_ns");
    let run = narrows(&["--format", "folded", path]).exits(0);
    let stacks: Vec<i64> = run.text().lines().map(|l| l.rsplit_once(' ').unwrap().1.parse().unwrap()).collect();
    let sum: i64 = stacks.iter().sum();
    assert!((sum - total / 1_000).abs() <= stacks.len() as i64, "{sum} us of {total} ns");
}

#[test]
fn evidence_names_a_trace_that_can_be_drawn() {
    let json = narrows(&["--format", "json", "fixtures/scenarios/B2/otlp.jsonl.zst"]).exits(0).json();
    let trace = text(&json, "/endpoints/0/evidence/0/trace");
    let run = narrows(&["show", "--trace", trace, "fixtures/scenarios/B2"]).exits(0);
    let drawn = run.text();
    assert!(drawn.contains("core-svc: ") && drawn.contains("pg-pool") && drawn.contains('█') && drawn.contains('░'), "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() <= 100), "{drawn}");
    assert!(!drawn.contains(trace), "ids are hidden: {drawn}");
    assert!(narrows(&["show", "--unmask", "--trace", trace, "fixtures/scenarios/B2"]).exits(0).text().contains(trace));
}

#[test]
fn a_trace_that_is_not_there_is_an_error_that_names_what_was_searched() {
    let folder = Folder::with("t.jsonl", otlp("api", 7, &[(1, 0, 2, "GET /a", 0, 1, "")]));
    folder.narrows(&["show", "--trace", "8", "."]).exits(2).says(&["--trace 8", "1 operations", "t.jsonl"]);
    let drawn = folder.narrows(&["show", "--trace", "7", "."]).exits(0);
    assert!(drawn.text().contains("api: GET /a"), "{}", drawn.text());
}

#[test]
fn a_request_id_is_found_in_a_log_that_stands_alone() {
    let line = |id: &str| {
        format!(
            "1.2.3.4 - - [22/Nov/2026:17:55:51 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"-\" rt=0.088 uct=0.001 urt=0.080 rid={id}\n"
        )
    };
    let id = "2b671db30653d06be86cf396065e9487";
    let folder = Folder::with(
        "access.log",
        line("2b81a490c54a15e0e75b8458b04971d5") + &line(id) + &line("6152e06fdc76e265c720188f29d473d7"),
    );
    let drawn = folder.narrows(&["show", "--trace", id, "access.log"]).exits(0);
    assert!(drawn.text().contains("GET /a"), "{}", drawn.text());
}
