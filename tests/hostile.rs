//! Broken, odd and malicious files: nothing panics, every record is accounted for, and what is
//! wrong is said with its place and a way out.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::Value;

use crate::support::{Folder, Run, int, number, rows};

/// A line of an nginx log: second of the minute, path, duration as written.
fn line(second: usize, path: &str, duration: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "10.0.0.1 - - [22/Nov/2026:10:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" 200 512 \"-\" \"curl/8.5\" rt={duration}\n"
    )
}

/// Lines of 10 ms, 20 ms, 30 ms and so on.
fn lines(n: usize) -> String {
    (0..n).map(|i| line(i, "/api/items", &format!("0.{:02}0", i + 1))).collect()
}

/// Sum of the durations of [`lines`].
fn sum_ns(n: i64) -> i64 {
    n * (n + 1) / 2 * 10_000_000
}

/// Reads one file, alone.
fn read(name: &str, bytes: impl AsRef<[u8]>) -> Run {
    Folder::with(name, bytes).narrows(&["--format", "json", name])
}

/// Asserts that so many requests were read and so many records rejected, of all that there were.
fn accounts(json: &Value, records: i64, requests: i64, rejected: i64) {
    let source = &json["sources"][0];
    let got: i64 = source["rejected"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
    assert_eq!((int(source, "/records"), int(json, "/requests/count"), got), (records, requests, rejected), "{source}");
    assert_eq!(records, requests + rejected);
}

#[test]
fn plain_lines_are_read() {
    let json = read("x.log", lines(9)).exits(0).json();
    accounts(&json, 9, 9, 0);
    assert_eq!(int(&json, "/requests/total_ns"), sum_ns(9));
}

#[test]
fn an_empty_file_alone_is_trouble_and_beside_others_is_not() {
    read("x.log", "").exits(2).says(&["x.log", "empty"]);
    let folder = Folder::with("logs/a.log", lines(3));
    folder.write("logs/b.log", "");
    let json = folder.narrows(&["--format", "json", "logs"]).exits(0).json();
    assert_eq!(int(&json, "/requests/count"), 3);
}

#[test]
fn one_line_without_its_newline_is_read() {
    accounts(&read("x.log", lines(1).trim_end()).exits(0).json(), 1, 1, 0);
}

#[test]
fn a_line_cut_in_the_middle_is_rejected_with_its_place() {
    let whole = lines(4);
    let start = lines(3).len();
    let run =
        read("x.log", &whole[..start + 40]).exits(0).says(&["x.log", "1 of 4", &format!("byte {start}"), "line 4", "--rejects"]);
    accounts(&run.json(), 4, 3, 1);
}

#[test]
fn a_block_of_nuls_costs_the_line_it_hit() {
    let mut bytes = lines(5).into_bytes();
    let third = lines(2).len();
    bytes.splice(third..third, [0; 4096]);
    let json = read("x.log", &bytes).exits(0).json();
    let source = &json["sources"][0];
    let rejected: i64 = source["rejected"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
    assert_eq!(int(source, "/records"), 5);
    assert!(rejected <= 1, "{source}");
    assert_eq!(int(&json, "/requests/count") + rejected, 5);
}

#[test]
fn line_ends_marks_and_encodings_change_nothing() {
    let plain = lines(7);
    let utf16 =
        |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { std::iter::once(0xfeff).chain(plain.encode_utf16()).flat_map(bytes).collect() };
    let halves = plain.as_bytes().split_at(500);
    let halves = [halves.0, halves.1];
    let zip = |level| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
        encoder.write_all(plain.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let cases: [(&str, Vec<u8>); 7] = [
        ("CRLF", plain.replace('\n', "\r\n").into_bytes()),
        ("BOM", ["\u{feff}", &plain].concat().into_bytes()),
        ("UTF-16LE", utf16(u16::to_le_bytes)),
        ("UTF-16BE", utf16(u16::to_be_bytes)),
        ("gzip", zip(flate2::Compression::default())),
        ("zstd", zstd::encode_all(plain.as_bytes(), 1).unwrap()),
        ("two members", halves.map(|half| zstd::encode_all(half, 1).unwrap()).concat()),
    ];
    for (name, bytes) in cases {
        let json = read("x.log", bytes).exits(0).json();
        accounts(&json, 7, 7, 0);
        assert_eq!(int(&json, "/requests/total_ns"), sum_ns(7), "{name}");
    }
}

#[test]
fn lone_carriage_returns_end_no_line_and_break_nothing() {
    let run = read("x.log", lines(4).replace('\n', "\r"));
    assert!(run.code == 0 || run.code == 2, "{}", run.code);
    // One in a line belongs to that line.
    let json = read("x.log", format!("{}{}", lines(3), line(9, "/a\rb", "0.100"))).exits(0).json();
    assert_eq!(int(&json["sources"][0], "/records"), 4);
}

#[test]
fn bytes_of_other_encodings_in_paths_are_read_and_written_as_utf_8() {
    let mut bytes = lines(3).into_bytes();
    for raw in [&b"/caf\xe9/\xa4\xa4\xa4\xe5"[..], b"/\xff\xfe\x80", "/caf\u{e9}".as_bytes()] {
        let text = line(5, "@", "0.040").into_bytes();
        let at = text.iter().position(|&b| b == b'@').unwrap();
        bytes.extend([&text[..at], raw, &text[at + 1..]].concat());
    }
    let run = read("x.log", &bytes).exits(0);
    accounts(&run.json(), 6, 6, 0);
    let folder = Folder::with("x.log", &bytes);
    for format in ["table", "markdown", "csv"] {
        assert!(std::str::from_utf8(&folder.narrows(&["--format", format, "x.log"]).exits(0).stdout).is_ok());
    }
}

#[test]
fn a_binary_file_is_named_for_what_it_is() {
    let noise: Vec<u8> =
        (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & if i % 3 == 0 { 0 } else { 255 }).collect();
    read("x.log", noise).exits(2).says(&["x.log", "binary", "--log-format"]);
}

#[test]
fn a_cut_gzip_gives_what_came_before_and_an_error() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Durations that do not compress to nothing.
    let text: String = (0..40_000).map(|i| line(i / 20, "/api/items", &format!("0.{:03}", i * 7919 % 1000))).collect();
    encoder.write_all(text.as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let run = read("x.log", &whole[..whole.len() / 2]).exits(2).says(&[
        "x.log",
        "cannot be read past byte",
        "what came before is analysed",
    ]);
    let got = int(&run.json(), "/requests/count");
    assert!(got > 10_000 && got < 30_000, "{got} of 40000 lines in half of the bytes");
}

#[test]
fn a_line_of_megabytes_is_one_record() {
    let long = line(5, &format!("/{}", "x".repeat(3 << 20)), "0.050");
    let json = read("x.log", format!("{}{long}{}", lines(3), line(6, "/after", "0.060"))).exits(0).json();
    assert_eq!(int(&json["sources"][0], "/records"), 5);
    assert!(rows(&json, "endpoints").iter().any(|row| row["endpoint"] == "GET /after"));
}

#[test]
fn lines_of_another_format_are_rejected_and_counted() {
    let other = "{\"level\":\"info\",\"msg\":\"started\"}\nplain prose in between\n";
    let text = format!("{}{other}{}", lines(5), line(9, "/api/items", "0.060"));
    let run = read("x.log", text).exits(0).says(&["2 of 8", "shape", &format!("byte {}", lines(5).len()), "line 6"]);
    accounts(&run.json(), 8, 6, 2);
}

#[test]
fn fields_that_change_in_mid_file_are_followed() {
    let text = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n\
        #Fields: date time cs-method cs-uri-stem sc-status time-taken\n\
        2026-11-22 10:00:01 GET /a 200 11\n2026-11-22 10:00:02 GET /a 200 12\n\
        #Fields: time-taken sc-status cs-uri-stem cs-method time date\n\
        13 500 /b POST 10:00:03 2026-11-22\n14 200 /b POST 10:00:04 2026-11-22\n";
    let json = read("u_ex261122.log", text).exits(0).json();
    let of = |endpoint: &str| {
        let row = rows(&json, "endpoints").iter().find(|row| row["endpoint"] == endpoint).expect(endpoint);
        (int(row, "/calls"), int(row, "/errors"), int(row, "/total_ns"))
    };
    assert_eq!(of("GET /a"), (2, 0, 23_000_000));
    assert_eq!(of("POST /b"), (2, 1, 27_000_000));
}

#[test]
fn a_wrong_type_in_json_costs_its_record_or_its_field_and_nothing_else() {
    let good = |i: i64| {
        format!(
            "{{\"time\":\"2026-11-22T10:00:{i:02}Z\",\"method\":\"GET\",\"uri\":\"/a\",\"status\":200,\"request_time\":0.0{i}}}\n"
        )
    };
    let odd = [
        r#"{"time":"2026-11-22T10:00:10Z","method":"GET","uri":"/a","status":"many","request_time":0.01}"#,
        r#"{"time":{"at":1},"method":"GET","uri":"/a","status":200,"request_time":0.01}"#,
        r#"{"time":"2026-11-22T10:00:12Z","method":["GET"],"uri":"/a","status":200,"request_time":[0.01]}"#,
        r#"{"time":"2026-11-22T10:00:13Z","method":"GET","uri":"/a","status":200,"request_time":0.01"#,
        r#"{"time":"2026-11-22T10:00:14Z","method":"GET","uri":"/a","status":200,"request_time":"0.01}"#,
        "[1,2,3]",
        "null",
    ];
    let text: String = (1..=9).map(good).chain(odd.iter().map(|o| format!("{o}\n"))).collect();
    let json = read("x.json", text).exits(0).json();
    let source = &json["sources"][0];
    let rejected: i64 = source["rejected"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
    assert_eq!(int(source, "/records"), 16);
    assert!(rejected >= 4, "{source}");
    let row = rows(&json, "endpoints").iter().find(|row| row["endpoint"] == "GET /a").unwrap();
    // 10 to 90 ms of the good ones, and at most 10 ms of each odd one.
    within(int(row, "/total_ns"), 450_000_000, 480_000_000);
}

fn within(value: i64, low: i64, high: i64) {
    assert!((low..=high).contains(&value), "{value} is not within {low} to {high}");
}

#[test]
fn an_unclosed_quote_costs_one_line() {
    let broken = "10.0.0.1 - - [22/Nov/2026:10:00:30 +0000] \"GET /never HTTP/1.1 200 512 - curl rt=0.010\n";
    let json = read("x.log", format!("{}{broken}{}", lines(4), line(31, "/api/items", "0.050"))).exits(0).json();
    accounts(&json, 6, 5, 1);
    assert_eq!(int(&json, "/requests/total_ns"), sum_ns(5));
}

#[test]
fn durations_that_are_none_are_not_zero_and_absurd_ones_are_rejected() {
    let odd = [
        line(20, "/api/items", "-"),
        line(21, "/api/items", "-1"),
        line(22, "/api/items", "-0.500"),
        line(23, "/api/items", "99999999999999.0"),
    ];
    let run = read("x.log", format!("{}{}", lines(6), odd.concat())).exits(0);
    let json = run.json();
    let row = &json["endpoints"][0];
    assert_eq!(int(row, "/total_ns"), sum_ns(6));
    // The mean is over those that have a duration: 10 to 60 ms.
    assert_eq!(int(row, "/mean_ns"), 35_000_000);
    assert_eq!(int(row, "/max_ns"), 60_000_000);
    let source = &json["sources"][0];
    assert_eq!(int(source, "/read/request/with_duration"), 6);
    let rejected: i64 = source["rejected"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
    assert_eq!(int(source, "/records"), int(&json, "/requests/count") + rejected);
}

#[test]
fn a_log_without_durations_is_ranked_by_calls_and_says_so() {
    let at = |i: usize, path: &str, status: u16| {
        format!("10.0.0.1 - - [22/Nov/2026:10:00:{i:02} +0000] \"GET {path} HTTP/1.1\" {status} 512 \"-\" \"curl/8.5\"\n")
    };
    let text: String =
        (0..8).map(|i| at(i, if i % 4 == 0 { "/rare" } else { "/often" }, if i == 5 { 500 } else { 200 })).collect();
    let json = read("access.log", text).exits(0).json();
    let first = &json["endpoints"][0];
    assert_eq!((first["endpoint"].as_str(), int(first, "/calls"), int(first, "/errors")), (Some("GET /often"), 6, 1));
    assert!(first["total_ns"].is_null() && first["mean_ns"].is_null() && first["p95_ns"].is_null(), "{first}");
    assert!(json["requests"]["total_ns"].is_null());
    assert!(json["verdict"].as_str().unwrap().contains("duration"), "{}", json["verdict"]);
}

#[test]
fn a_file_twice_is_counted_once() {
    let folder = Folder::with("logs/a.log", lines(5));
    folder.write("logs/copy of a.log", lines(5));
    let run = folder.narrows(&["--format", "json", "logs", "logs/a.log"]).exits(0);
    assert_eq!(int(&run.json(), "/requests/count"), 5);
    assert!(run.json()["quality"]["warnings"].to_string().contains("copy of a.log"), "{}", run.json()["quality"]);
}

#[test]
fn a_folder_of_mostly_other_files_gives_its_logs() {
    let folder = Folder::with("system/web/access.log", lines(6));
    folder.write("system/README.md", "# Notes\n\nSome words on the system.\n");
    folder.write("system/logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0");
    folder.write("system/app/Main.java", "class Main {\n  public static void main(String[] a) {}\n}\n");
    folder.write("system/app/config.yml", "server:\n  port: 8080\n  threads: 200\n");
    folder.write("system/app/data.csv", "id,name\n1,Ana\n2,Bo\n");
    folder.write("system/app/package.json", "{\"name\":\"x\",\"version\":\"1.0.0\"}\n");
    folder.write("system/.git/HEAD", lines(3));
    let json = folder.narrows(&["--format", "json", "system"]).exits(0).json();
    assert_eq!(rows(&json, "sources").len(), 1, "{}", json["sources"]);
    assert_eq!(int(&json, "/requests/count"), 6);
    let warnings = json["quality"]["warnings"].to_string();
    for other in ["README.md", "logo.png", "Main.java", "config.yml", "data.csv", "package.json"] {
        assert!(warnings.contains(other), "{other} is not listed in {warnings}");
    }
    // Named, it is an error, though the log is still read.
    let run = folder.narrows(&["--format", "json", "system/web", "system/README.md"]).exits(2).says(&["README.md"]);
    assert_eq!(int(&run.json(), "/requests/count"), 6);
}

#[test]
fn a_missing_file_is_trouble_and_the_rest_is_analysed() {
    let folder = Folder::with("a.log", lines(4));
    let run = folder.narrows(&["--format", "json", "a.log", "b.log", "c*.log"]).exits(2).says(&["b.log", "c*.log"]);
    assert_eq!(int(&run.json(), "/requests/count"), 4);
}

#[test]
fn escapes_never_reach_the_terminal() {
    let evil = "/a\x1b[31m\x1b]0;title\x07\u{9b}31m\u{202e}b";
    let text: String = (0..5).map(|i| line(i, evil, "0.010")).collect();
    let folder = Folder::with("x\x1b[2J.log", format!("{text}{}\x1b[31mbroken\n", lines(2)));
    let name = "x\x1b[2J.log";
    for args in [
        vec![name],
        vec!["--format", "markdown", name],
        vec!["--format", "csv", name],
        vec!["--format", "json", name],
        vec!["formats", "--detect", name],
        vec!["--rejects", "/dev/stderr", name],
        vec!["missing\x1b[31m.log", name],
    ] {
        let run = folder.narrows(&args);
        let shown = format!("{}{}", run.text(), run.stderr);
        for bad in ['\x1b', '\x07', '\u{9b}', '\u{202e}'] {
            assert!(!shown.contains(bad), "{args:?} lets {bad:?} through");
        }
    }
    for offset in ["0", "150"] {
        let run = folder.narrows(&["show", "--unmask", &format!("{name}:{offset}")]).exits(0);
        assert!(!run.text().contains('\x1b'), "{}", run.text().escape_debug());
    }
}

#[test]
fn a_folder_that_holds_itself_ends() {
    let folder = Folder::with("logs/a.log", lines(2));
    std::os::unix::fs::symlink(folder.path().join("logs"), folder.path().join("logs/again")).unwrap();
    let json = folder.narrows(&["--format", "json", "logs"]).exits(0).json();
    assert_eq!(int(&json, "/requests/count"), 2);
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let folder = Folder::new();
    let json = folder.narrows_reading(&["--format", "json", "-"], lines(8).as_bytes()).exits(0).json();
    accounts(&json, 8, 8, 0);
    folder.narrows_reading(&["-"], b"").exits(2);
}

/// Numbers without any pattern that a mistake could share, from a linear congruence.
fn noise(n: usize) -> Vec<u64> {
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(42u64), next).skip(1).take(n).map(|x| x >> 33).collect()
}

/// A log of several pieces, 12 endpoints, and the durations of each in ms.
fn large(n: usize) -> (String, Vec<Vec<u64>>) {
    let (mut text, mut durations) = (String::new(), vec![Vec::new(); 12]);
    for (i, x) in noise(n).into_iter().enumerate() {
        let (endpoint, ms) = ((x % 12) as usize, 1 + x / 12 % 5_000);
        durations[endpoint].push(ms);
        let path =
            format!("/api/v1/{}?page={i}", ["aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh", "ii", "jj", "kk", "ll"][endpoint]);
        write!(text, "{}", line(i / 40, &path, &format!("{}.{:03}", ms / 1000, ms % 1000))).unwrap();
    }
    (text, durations)
}

#[test]
fn numbers_are_those_of_plain_arithmetic() {
    let (text, durations) = large(60_000);
    assert!(text.len() > 6 << 20, "one piece would not show what joining pieces does");
    let json = read("x.log", text).exits(0).json();
    assert_eq!(rows(&json, "endpoints").len(), 12);
    for (name, mut ms) in ["aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh", "ii", "jj", "kk", "ll"].iter().zip(durations) {
        let endpoint = format!("GET /api/v1/{name}");
        let row = rows(&json, "endpoints").iter().find(|row| row["endpoint"] == endpoint.as_str()).expect(&endpoint);
        ms.sort_unstable();
        let sum: u64 = ms.iter().sum();
        assert_eq!(int(row, "/calls"), ms.len() as i64);
        assert_eq!(int(row, "/total_ns"), sum as i64 * 1_000_000);
        assert_eq!(int(row, "/max_ns"), ms[ms.len() - 1] as i64 * 1_000_000);
        let mean = sum as f64 * 1e6 / ms.len() as f64;
        assert!((number(row, "/mean_ns") - mean).abs() <= 1.0, "{endpoint}");
        for (key, share) in [("/p50_ns", 0.5), ("/p90_ns", 0.9), ("/p95_ns", 0.95), ("/p99_ns", 0.99)] {
            // Nearest rank: the smallest value that so many are not above.
            let rank = (share * ms.len() as f64).ceil() as usize;
            assert_eq!(int(row, key), ms[rank - 1] as i64 * 1_000_000, "{endpoint} {key}");
        }
    }
}

#[test]
fn any_number_of_threads_says_the_same() {
    let (text, _) = large(60_000);
    let folder = Folder::with("logs/a.log", &text);
    // A second log, so that sources are read in an order.
    folder.write("logs/b.log", lines(50));
    for format in ["json", "table"] {
        let one = folder.narrows(&["--threads", "1", "--format", format, "logs"]).exits(0).stdout;
        for threads in ["2", "7"] {
            let other = folder.narrows(&["--threads", threads, "--format", format, "logs"]).exits(0).stdout;
            assert!(one == other, "{threads} threads write another {format}");
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for format in ["json", "table", "csv"] {
        let mut command = crate::support::program(crate::support::root());
        command.args(["--format", format, "fixtures/scenarios/S1"]);
        let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
