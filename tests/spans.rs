//! What joins spans where ids and parents are not enough: parts, claims, followers, cut ids, wrong clocks.
//! All figures by hand from the times in the files, in microseconds.

use crate::support::{Folder, int, narrows, rows};

/// The stacks of the critical path of a file or folder.
fn folded(path: &str) -> String {
    narrows(&["--format", "folded", path]).exits(0).text().to_owned()
}

/// The same of a log written here.
fn folded_of(name: &str, log: &str) -> String {
    Folder::with(name, log).narrows(&["--format", "folded", "."]).exits(0).text().to_owned()
}

#[test]
fn a_stated_predecessor_is_whom_the_request_waited_for() {
    // f3 200-500 waited for f1 0-100, so f2 0-200 was not waited for and 100-200 is the service's own.
    let want = "api;GET /gather 100000\napi;GET /gather;f1 100000\napi;GET /gather;f3 300000\n";
    assert_eq!(folded("fixtures/apm/xray/precursor-ids.json"), want);
}

#[test]
fn an_inferred_span_takes_the_children_it_claims() {
    // Book 10-90 claims the statement 20-50: 50 of its own, 20 left of the request.
    let want = "api;GET /pay 20000\napi;GET /pay;Ledger#book 50000\napi;GET /pay;Ledger#book;select from acc 30000\n";
    assert_eq!(folded("fixtures/apm/elastic-apm/children-claimed-by-an-inferred-span.ndjson"), want);
    // f1 to f6 0-100, 0-200, 200-400, 460-470; the inferred span 190-450 claims f3 200-400.
    let want = "api;GET /gather 40000\napi;GET /gather;f2 190000\napi;GET /gather;f6 10000\n\
                api;GET /gather;inferred 60000\napi;GET /gather;inferred;f3 200000\n";
    for encoding in ["otlp-json/links-and-exceptions.jsonl", "otlp-proto/links-and-exceptions.bin"] {
        assert_eq!(folded(&format!("fixtures/apm/{encoding}")), want, "{encoding}");
    }
}

#[test]
fn the_gaps_within_a_composite_span_are_its_callers_own() {
    // Five statements ran 20 of the 50 ms from the first to the last, in a request of 100.
    let json = narrows(&["--format", "json", "fixtures/apm/elastic-apm-docs/search-answer.json"]).exits(0).json();
    let endpoint = &rows(&json, "endpoints")[0];
    assert_eq!((int(endpoint, "/buckets/database"), int(endpoint, "/buckets/own")), (20_000_000, 80_000_000));
    let statement = &rows(&json, "database")[0];
    assert_eq!((int(statement, "/calls"), int(statement, "/total_ns")), (5, 20_000_000));
}

#[test]
fn calls_that_an_agent_dropped_count_but_are_on_no_path() {
    let log = [
        r#"{"metadata":{"service":{"name":"api"}}}"#,
        r#"{"transaction":{"id":"945254c567a5417e","trace_id":"0123456789abcdef0123456789abcdef","name":"GET /pay","type":"request","timestamp":1700000000000000,"duration":100.0,"span_count":{"started":0,"dropped":3},"dropped_spans_stats":[{"destination_service_resource":"mysql","outcome":"success","duration":{"count":3,"sum":{"us":15000}}}]}}"#,
    ];
    let folder = Folder::with("e.ndjson", log.join("\n"));
    let json = folder.narrows(&["--format", "json", "."]).exits(0).json();
    let statement = &rows(&json, "database")[0];
    assert_eq!((int(statement, "/calls"), int(statement, "/total_ns")), (3, 15_000_000));
    assert_eq!(int(&rows(&json, "endpoints")[0], "/buckets/own"), 100_000_000);
    let text = folder.narrows(&["."]).exits(0).text().to_owned();
    assert!(text.contains("3 calls are known by their sum of 15.0 ms only"), "{text}");
}

#[test]
fn a_span_that_only_follows_is_not_waited_for() {
    // The audit 480-495 follows the request 0-500, which so has 470-500 to itself.
    let got = folded("fixtures/apm/jaeger/links-exceptions-and-followers.json");
    assert!(got.starts_with("api;GET /gather 40000\n") && !got.contains("audit"), "{got}");
}

/// A Zipkin span on a line of its own.
fn zipkin(trace: &str, id: u8, more: &str) -> String {
    format!(r#"[{{"traceId":"{trace}","id":"00000000000000{id:02x}",{more}}}]"#) + "\n"
}

#[test]
fn parts_of_a_span_are_one_span_wherever_they_stand() {
    let shared = "web;GET /pay 40000\nweb;GET /pay;api;GET /pay 20000\nweb;GET /pay;api;GET /pay;select \"1\" 40000\n";
    let got = folded("fixtures/apm/zipkin/parts-of-spans.json");
    assert_eq!(got, format!("other;(no request line) 1\n{shared}"));

    // Start and length in two lines, the length first: 0-100 with a call 30-70.
    let trace = "5af7183fb1d4cf5f";
    let log = [
        zipkin(trace, 1, r#""duration":100000,"localEndpoint":{"serviceName":"api"}"#),
        zipkin(
            trace,
            2,
            r#""parentId":"0000000000000001","kind":"CLIENT","name":"call","timestamp":1700000000030000,"duration":40000,"localEndpoint":{"serviceName":"api"}"#,
        ),
        zipkin(
            trace,
            1,
            r#""kind":"SERVER","name":"get /pay","timestamp":1700000000000000,"localEndpoint":{"serviceName":"api"}"#,
        ),
    ];
    let folder = Folder::with("z.jsonl", log.concat());
    let json = folder.narrows(&["--format", "json", "."]).exits(0).json();
    assert_eq!((int(&json, "/requests/count"), int(&json, "/requests/total_ns")), (1, 100_000_000));
    assert!(folder.narrows(&["."]).exits(0).text().contains("1 records tell a part of a span"));
}

#[test]
fn the_low_half_of_a_trace_id_joins_the_whole_one() {
    let (short, long) = ("5af7183fb1d4cf5f", "00000000000000075af7183fb1d4cf5f");
    let log = [
        zipkin(
            long,
            1,
            r#""kind":"SERVER","name":"get /pay","timestamp":1700000000000000,"duration":100000,"localEndpoint":{"serviceName":"api"}"#,
        ),
        zipkin(
            short,
            2,
            r#""parentId":"0000000000000001","kind":"CLIENT","name":"call","timestamp":1700000000030000,"duration":40000,"localEndpoint":{"serviceName":"api"}"#,
        ),
    ];
    assert_eq!(folded_of("z.jsonl", &log.concat()), "api;GET /pay 60000\napi;GET /pay;call 40000\n");
    // Where two traces end alike nothing is joined.
    let other = zipkin("00000000000000085af7183fb1d4cf5f", 9, r#""timestamp":1700000000000000,"duration":1,"name":"x""#);
    let got = folded_of("z.jsonl", &(log.concat() + &other));
    assert!(got.contains("api;GET /pay 100000\n"), "{got}");
}

/// A client's span 0-100 and its server's span, on hosts as given, in milliseconds after a second of its own.
fn call(trace: u8, server: (i64, i64), hosts: (&str, &str)) -> String {
    let at = |ms: i64| 1_700_000_000_000_000 + i64::from(trace) * 1_000_000 + ms * 1_000;
    let endpoint = |service: &str, ip: &str| match ip {
        "" => format!(r#""localEndpoint":{{"serviceName":"{service}"}}"#),
        ip => format!(r#""localEndpoint":{{"serviceName":"{service}","ipv4":"{ip}"}}"#),
    };
    let trace = format!("5af7183fb1d4cf{trace:02x}");
    let client = format!(r#""kind":"CLIENT","name":"call","timestamp":{},"duration":100000,{}"#, at(0), endpoint("web", hosts.0));
    let server = format!(
        r#""parentId":"0000000000000001","kind":"SERVER","name":"get /pay","timestamp":{},"duration":{},{}"#,
        at(server.0),
        (server.1 - server.0) * 1_000,
        endpoint("api", hosts.1)
    );
    zipkin(&trace, 1, &client) + &zipkin(&trace, 2, &server)
}

#[test]
fn clocks_are_corrected_where_most_calls_between_two_hosts_do_not_fit() {
    let quality = |log: &str| {
        let json = Folder::with("z.jsonl", log).narrows(&["--format", "json", "."]).exits(0).json();
        int(&json, "/quality/skew_corrected")
    };
    let apart = ("10.0.0.1", "10.0.0.2");
    let (fits, early, late) = ((20, 80), (-50, 10), (90, 150));
    assert_eq!(quality(&call(1, early, apart)), 1);
    assert_eq!(quality(&call(1, early, ("10.0.0.1", "10.0.0.1"))), 0);
    assert_eq!(quality(&[call(1, fits, apart), call(2, fits, apart), call(3, late, apart)].concat()), 0);
    assert_eq!(quality(&[call(1, late, apart), call(2, late, apart), call(3, fits, apart)].concat()), 2);
    // Without hosts only what starts before it is called is held against the clock.
    assert_eq!(quality(&call(1, late, ("", ""))), 0);
    assert_eq!(quality(&call(1, early, ("", ""))), 1);
    // 90 - (-50) moved to 20: the gap of 40 around the server's 60 is found again.
    let got = folded_of("z.jsonl", &call(1, early, apart));
    assert_eq!(got, "web;GET /pay 40000\nweb;GET /pay;api;GET /pay 60000\n");
}

#[test]
fn a_trace_is_drawn_by_its_id_as_the_file_writes_it() {
    let xray = "fixtures/apm/xray/precursor-ids.json";
    let drawn = |args: &[&str]| narrows(&[&["show", "--trace"][..], args].concat()).exits(0).text().to_owned();
    let own = drawn(&["1-581cf771-a006649127e371903a2de979", xray]);
    assert!(own.contains(" 6 operations of 1 service, 500 ms"), "{own}");
    let other = drawn(&["581cf771a006649127e371903a2de979", xray]);
    assert!(own.lines().skip(1).eq(other.lines().skip(1)), "{own}\n{other}");
    let base64 = drawn(&["W47/95gDgQPSabYzgT/GDA==", "fixtures/apm/otlp-json/reference-example.json"]);
    assert!(base64.contains(" 2 operations of 1 service, 100 ms"), "{base64}");
    let datadog = drawn(&["1", "fixtures/apm/datadog/reference-example.json"]);
    assert!(datadog.contains(" 2 operations of 1 service, 100 ms"), "{datadog}");
}
