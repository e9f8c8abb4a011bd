//! Prefixes of carriers, peeled off logs of every kind.

use super::*;

fn peeled(log: &str) -> Option<(&'static str, String)> {
    let prefix = sniff(log.as_bytes())?;
    Some((prefix.name, String::from_utf8(prefix.peel(log.as_bytes()).bytes).expect("text")))
}

#[track_caller]
fn check(log: &str, name: &'static str, want: &str) {
    assert_eq!(peeled(log), Some((name, want.to_owned())));
}

#[test]
fn syslog_is_peeled_with_and_without_priority() {
    check(
        "<190>Nov 22 17:55:50 web1 nginx: 10.0.0.9 - - a\n<190>Nov  2 17:55:51 web1 nginx: b\r\n",
        "syslog RFC 3164",
        "10.0.0.9 - - a\nb\r\n",
    );
    check("Nov 22 17:55:50 web1 haproxy[14389]: a b\nNov 22 17:55:50 web1 haproxy[14389]: c", "syslog RFC 3164", "a b\nc");
    check(
        "<165>1 2026-11-22T17:55:50.003Z web1 shop 77 ID47 [ex@1 a=\"x\\\"]\" b=\"]\"][o@2] \u{feff}GET /\n\
         <165>1 2026-11-22T17:55:50.003Z web1 shop - - - GET /b\n",
        "syslog RFC 5424",
        "GET /\nGET /b\n",
    );
}

#[test]
fn journald_as_json_is_unescaped() {
    check(
        "{\"__REALTIME_TIMESTAMP\":\"1795370151653000\",\"_PID\":\"7\",\"MESSAGE\":\"GET \\\"/a\\\"\"}\n\
         {\"MESSAGE\":\"b\",\"__REALTIME_TIMESTAMP\":\"1795370151653000\"}\n",
        "journald JSON",
        "GET \"/a\"\nb\n",
    );
}

#[test]
fn journald_with_iso_times_is_peeled() {
    check(
        "2026-11-22T17:55:50+0000 web1 shop[77]: a\n2026-11-22T17:55:50.123456+00:00 web1 shop[77]: b: c\n",
        "syslog or journald, ISO time",
        "a\nb: c\n",
    );
}

#[test]
fn cri_lines_are_peeled_and_parts_joined_within_their_stream() {
    let log = "2026-11-22T17:55:50.1Z stdout F one\n\
               2026-11-22T17:55:50.2Z stdout P two, \n\
               2026-11-22T17:55:50.3Z stderr F aside\n\
               2026-11-22T17:55:50.4Z stdout P goes on, \n\
               2026-11-22T17:55:50.5Z stdout F ends\r\n\
               2026-11-22T17:55:50.6+01:00 stdout F \n\
               2026-11-22T17:55:50.7Z stdout F three\n\
               2026-11-22T17:55:50.8Z stdout F four\n\
               2026-11-22T17:55:50.9Z stdout F five\n\
               no prefix\n\
               2026-11-22T17:55:51.0Z stdout P unfinished\n";
    let prefix = sniff(log.as_bytes()).expect("a carrier");
    let peeled = prefix.peel(log.as_bytes());
    let text = String::from_utf8(peeled.bytes.clone()).expect("text");
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let want = ["one\n", "aside\n", "two, goes on, ends\r\n", "\n", "three\n", "four\n", "five\n", "no prefix\n", "unfinished\n"];
    assert_eq!(lines, want);
    let mut at = 0;
    let numbers = [0, 2, 1, 5, 6, 7, 8, 9, 10];
    for (line, number) in lines.iter().zip(numbers) {
        let offset: usize = log.split_inclusive('\n').take(number).map(str::len).sum();
        for inside in [at, at + line.len() - 1] {
            assert_eq!(peeled.original(inside as u64), (offset as u64, number as u32), "{line:?}");
        }
        at += line.len();
    }
    assert!(prefix.is_partial(b"2026-11-22T17:55:50.2Z stdout P two\n"));
    assert!(!prefix.is_partial(b"2026-11-22T17:55:50.2Z stdout F two\n"));
}

#[test]
fn docker_entries_are_unescaped_and_parts_joined() {
    let log = concat!(
        r#"{"log":"{\"uri\":\"/a\\u0026b\"}\n","stream":"stdout","time":"2026-11-22T17:55:50.1Z"}"#,
        "\n",
        r#"{"log":"long ","stream":"stdout","time":"2026-11-22T17:55:50.2Z"}"#,
        "\n",
        r#"{"log":"line\r\n","stream":"stdout","attrs":{"a":"b"},"time":"2026-11-22T17:55:50.3Z"}"#,
        "\n"
    );
    check(log, "docker json-file", "{\"uri\":\"/a\\u0026b\"}\nlong line\n");
    let peeled = sniff(log.as_bytes()).expect("a carrier").peel(log.as_bytes());
    let second = log.find('\n').expect("lines") as u64 + 1;
    assert_eq!(peeled.original(22), (second, 1));
    assert_eq!(peeled.original(0), (0, 0));
}

#[test]
fn compose_and_kubectl_names_are_peeled() {
    check("web-1     | GET /\nbackend-1 | 200 | x\n", "docker-compose", "GET /\n200 | x\n");
    check("web_1  | GET /\nweb_1  |\n", "docker-compose", "GET /\n\n");
    check("\x1b[36mweb-1  |\x1b[0m GET /\n\x1b[33;1mapi-1  | \x1b[0m12\n", "docker-compose, coloured", "GET /\n12\n");
    check("[pod/web-5d4b/nginx] GET /\n[pod/web-5d4b/nginx] x\n", "kubectl --prefix", "GET /\nx\n");
}

#[test]
fn lines_of_applications_and_servers_carry_no_prefix() {
    for log in [
        "2026-11-22 17:55:39.870 UTC [24823] LOG:  statement: SELECT 1\n",
        "2026-11-22 17:55:50,298 DEBUG [main] com.x.Pool - stats\n",
        "2026-11-22T17:55:50.298Z INFO com.x.Main: started\n",
        "2026-11-22T17:55:50.298+01:00  INFO 1234 --- [main] c.x.Main : started\n",
        "2026-11-22T17:55:50.298Z main com.x.Main: started\n2026-11-22T17:55:50.298Z worker-1 com.x.Main: started\n",
        "10.0.0.9 - - [22/Nov/2026:17:55:51 +0000] \"GET / HTTP/1.1\" 200 1\n",
        "{\"log\":\"x\",\"level\":\"info\",\"time\":\"2026-11-22T17:55:50Z\"}\n",
        "INFO  | GET /\nWARN  | GET /\n",
        "a | b\nlonger | c\n",
        "Nov 22 17:55:50 something happened\n",
        "<xml>\n</xml>\n",
        "",
        "\n\n",
    ] {
        assert_eq!(peeled(log), None, "{log}");
    }
}

#[test]
fn a_line_without_the_prefix_stays() {
    let mut log = "web-1  | GET /\n".repeat(10);
    log.push_str("Attaching to web-1\n");
    let (_, text) = peeled(&log).expect("a carrier");
    assert!(text.ends_with("GET /\nAttaching to web-1\n"));
}

#[test]
fn every_format_comes_out_of_every_carrier_as_it_went_in() {
    for format in crate::formats() {
        let sample = format.spec().sample.replace("\r\n", "\n");
        let escaped = |line: &str| serde_json::to_string(&format!("{line}\n")).expect("a string");
        let carriers: [&dyn Fn(&str) -> String; 7] = [
            &|line| format!("{{\"log\":{},\"stream\":\"stdout\",\"time\":\"2026-11-22T17:55:50.1Z\"}}", escaped(line)),
            &|line| format!("2026-11-22T17:55:50.123456789Z stderr F {line}"),
            &|line| format!("[pod/web-5d4b/nginx] {line}"),
            &|line| format!("<165>1 2026-11-22T17:55:50.003Z web1 shop 77 - - {line}"),
            &|line| format!("Nov 22 17:55:50 web1 shop[77]: {line}"),
            &|line| format!("2026-11-22T17:55:50+0000 web1 shop[77]: {line}"),
            &|line| format!("web-1  | {line}"),
        ];
        for carrier in carriers {
            let carried: String = sample.lines().map(|line| carrier(line) + "\n").collect();
            let (name, text) = peeled(&carried).unwrap_or_else(|| panic!("{carried}"));
            assert_eq!(text.trim_end_matches('\n'), sample.trim_end_matches('\n'), "{name}");
        }
    }
}

#[test]
fn a_damaged_byte_never_panics() {
    let samples = [
        "<165>1 2026-11-22T17:55:50.003Z web1 shop 77 ID47 [ex@1 a=\"x\\\"]\"] GET /\n",
        "<34>Nov 22 17:55:50 web1 shop[77]: GET /\n",
        "2026-11-22T17:55:50+0000 web1 shop[77]: a\n",
        "2026-11-22T17:55:50.1Z stdout P one\n",
        "{\"log\":\"a\\n\",\"stream\":\"stdout\"}\n",
        "\x1b[36mweb-1  |\x1b[0m GET /\n",
        "[pod/web-5d4b/nginx] GET /\n",
    ];
    for sample in samples {
        for i in 0..sample.len() {
            for byte in [0, b'\n', b'[', b']', b'"', b'\\', b' ', 0xff] {
                let mut bytes = sample.as_bytes().to_vec();
                bytes[i] = byte;
                sniff(&bytes);
                sniff(&bytes[..i]);
                for prefix in CARRIERS {
                    prefix.peel(&bytes);
                    prefix.peel(&bytes[i..]);
                }
            }
        }
    }
}

#[test]
fn the_lines_of_one_service_are_taken_apart() {
    let log = "Attaching to web\nnginx-1  | a\napp-1    | b\napp-2    | c\nnginx-1  | d\n";
    let prefix = CARRIERS[7];
    assert_eq!(prefix.service(b"app-12 | x\n"), Some(&b"app"[..]));
    assert_eq!(prefix.service(b"db | x"), Some(&b"db"[..]));
    let text = |prefix: Prefix| String::from_utf8(prefix.peel(log.as_bytes()).bytes).expect("text");
    assert_eq!(text(prefix.only(b"nginx", true)), "Attaching to web\na\nd\n");
    assert_eq!(text(prefix.only(b"app", false)), "b\nc\n");
    let peeled = prefix.only(b"app", false).peel(log.as_bytes());
    assert_eq!(peeled.original(2), (43, 3));
    assert_eq!(CARRIERS[3].service(b"[pod/web-5d4b/nginx] line"), Some(&b"nginx"[..]));
}
