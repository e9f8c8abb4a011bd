//! Traces end to end: OTLP JSON generated here to ranked rows, with every span's critical path walked. Run with
//! `cargo bench --bench spans`. Items are spans, bytes those of the log; judge the ratios, not the numbers.

use std::fmt::Write as _;

use divan::counter::{BytesCount, ItemsCount};
use narrows::analyze;

mod support;
use support::{file, loaded, origins, random};

fn main() {
    divan::main();
}

/// Spans of each log.
const SPANS: usize = 100_000;

/// One span with the attributes that instrumentation of today sets.
fn span(out: &mut String, trace: usize, (id, parent): (usize, usize), kind: u8, name: &str, (from, to): (u64, u64), more: &str) {
    let parent = if parent == 0 { String::new() } else { format!(r#""parentSpanId":"{parent:016x}","#) };
    let at = |ns: u64| 1_700_000_000_000_000_000 + trace as u64 * 3_000_000 + ns;
    write!(
        out,
        r#"{{"traceId":"{:032x}","spanId":"{id:016x}",{parent}"flags":256,"name":"{name}","kind":{kind},"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[{{"key":"thread.id","value":{{"intValue":"{}"}}}},{{"key":"thread.name","value":{{"stringValue":"http-nio-8080-exec-{}"}}}}{more}],"status":{{}}}}"#,
        trace as u128 + (7 << 64),
        at(from),
        at(to),
        30 + trace % 20,
        trace % 20,
    )
    .expect("memory takes it");
}

fn text(key: &str, value: &str) -> String {
    format!(r#",{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)
}

fn document(service: &str, spans: &str) -> String {
    let resource = ["service.name", "host.name", "telemetry.sdk.language"].map(|key| text(key, service)).concat();
    let attributes = resource.trim_start_matches(',');
    format!(
        "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{attributes}]}},\"scopeSpans\":[{{\"scope\":{{\"name\":\"io.opentelemetry.tomcat-10.0\"}},\"spans\":[{spans}]}}]}}]}}\n"
    )
}

/// Traces of ten spans in two services: a request that waits for a connection, sends four statements and calls the
/// other service, which sends two.
fn requests() -> String {
    const ROUTES: [&str; 4] = ["/accounts/{id}", "/cards/{id}/limits", "/transfers", "/payments/{id}"];
    let mut random = random();
    let (mut api, mut risk, mut log) = (String::new(), String::new(), String::new());
    let us = 1_000;
    for trace in 0..SPANS / 10 {
        api.clear();
        risk.clear();
        let id = |n: usize| trace * 16 + n;
        let route = ROUTES[random(4) as usize];
        let http = text("http.request.method", "GET") + &text("http.route", route) + &text("url.path", "/accounts/4711");
        let http = http + &text("url.scheme", "https") + r#",{"key":"http.response.status_code","value":{"intValue":"200"}}"#;
        span(&mut api, trace, (id(1), 0), 2, &format!("GET {route}"), (0, 60_000 * us), &http);
        let mut at = random(3_000) * us;
        api.push(',');
        span(&mut api, trace, (id(2), id(1)), 1, "HikariDataSource.getConnection", (100 * us, at + 100 * us), "");
        at += 200 * us;
        for n in 0..4 {
            let statement =
                format!("SELECT id, balance, currency FROM accounts WHERE customer_id = {} AND kind = ?", random(1 << 20));
            let database = text("db.system.name", "postgresql") + &text("db.query.text", &statement);
            let database = database + &text("server.address", "db-1") + &text("db.namespace", "bank");
            let to = at + (500 + random(9_000)) * us;
            api.push(',');
            span(&mut api, trace, (id(3 + n), id(1)), 3, "SELECT bank.accounts", (at, to), &database);
            at = to + random(300) * us;
        }
        let call = text("http.request.method", "POST") + &text("url.full", "http://risk:8080/risk/score");
        let call = call + &text("server.address", "risk") + r#",{"key":"server.port","value":{"intValue":"8080"}}"#;
        api.push(',');
        span(&mut api, trace, (id(7), id(1)), 3, "POST", (at, at + 12_000 * us), &call);
        span(
            &mut risk,
            trace,
            (id(8), id(7)),
            2,
            "POST /risk/score",
            (at + 900 * us, at + 11_000 * us),
            &text("http.route", "/risk/score"),
        );
        for n in 0..2 {
            let database = text("db.system", "mysql") + &text("db.statement", "select w from weights where model = ?");
            let from = at + (1_000 + 4_000 * n as u64) * us;
            risk.push(',');
            span(&mut risk, trace, (id(9 + n), id(8)), 3, "SELECT", (from, from + 3_000 * us), &database);
        }
        log += &document("api", &api);
        log += &document("risk", &risk);
    }
    log
}

/// One trace that holds all spans, each below one of those before it, many at once.
fn one_trace() -> String {
    let mut random = random();
    let mut times = vec![(0, 1_000_000_000_000u64)];
    let mut log = String::new();
    let mut spans = String::new();
    for n in 0..SPANS {
        let above = random(n.max(1) as u64) as usize;
        if n > 0 {
            let (from, to) = times[above];
            let start = from + random((to - from).max(1));
            times.push((start, start + random((to - start).max(1))));
            if !spans.is_empty() {
                spans.push(',');
            }
        }
        let parent = if n == 0 { 0 } else { above + 1 };
        span(&mut spans, 0, (n + 1, parent), if n == 0 { 2 } else { 1 }, "step", times[n], "");
        if n % 100 == 99 {
            log += &document("api", &spans);
            spans.clear();
        }
    }
    log
}

/// As many traces as spans.
fn traces_of_one() -> String {
    let route = text("http.route", "/health");
    let one = |trace| {
        let mut spans = String::new();
        span(&mut spans, trace, (trace + 1, 0), 2, "GET /health", (0, 1_000_000), &route);
        document("api", &spans)
    };
    (0..SPANS).map(one).collect()
}

/// The logs by name.
const LOGS: [&str; 3] = ["requests of 10 spans", "one trace", "traces of one span"];

fn written(name: &str) -> String {
    match name {
        "one trace" => one_trace(),
        "traces of one span" => traces_of_one(),
        _ => requests(),
    }
}

/// Bytes to ranked rows.
#[divan::bench(args = LOGS)]
fn end_to_end(bencher: divan::Bencher, name: &str) {
    let log = written(name);
    let (_folder, inputs) = file("traces.jsonl", log.as_bytes());
    bencher.counter(BytesCount::of_str(&log)).counter(ItemsCount::new(SPANS)).bench(|| {
        let loaded = loaded(&inputs);
        let origins = origins(&loaded);
        analyze::run(&loaded.frame, &origins, &["host".to_owned()], &analyze::Options::default()).expect("analyses")
    });
}

/// The frame to ranked rows: trees, critical paths, tables.
#[divan::bench(args = LOGS)]
fn analysis_of_a_frame(bencher: divan::Bencher, name: &str) {
    let (_folder, inputs) = file("traces.jsonl", written(name).as_bytes());
    let loaded = loaded(&inputs);
    let origins = origins(&loaded);
    assert_eq!(loaded.frame.len(), SPANS, "every span is read");
    bencher
        .counter(ItemsCount::new(SPANS))
        .bench(|| analyze::run(&loaded.frame, &origins, &["host".to_owned()], &analyze::Options::default()).expect("analyses"));
}
