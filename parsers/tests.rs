//! What holds for every format, so that a new one is tested the moment it is registered.

use super::*;

/// What the format's sample needs to be opened.
fn options(format: &dyn Format) -> Options {
    Options { layout: format.sample_layout().map(str::to_owned), ..Options::default() }
}

/// Decodes a log in pieces of `size` bytes and describes every row by what does not depend on the
/// pieces.
fn rows(format: &dyn Format, bytes: &[u8], size: usize) -> (Vec<String>, usize) {
    let decoder = format.open(bytes, &options(format)).expect("opens");
    let (mut rows, mut rejects) = (Vec::new(), 0);
    for piece in cut(bytes, size, &*decoder) {
        let chunk = Chunk { offset: piece.start as u64, bytes: &bytes[piece], header: header_of(bytes, &*decoder) };
        let mut batch = Batch::new(&chunk);
        decoder.decode(chunk, &mut batch);
        rejects += batch.rejects.len();
        assert!(batch.rejects.len() as u64 <= batch.records, "more rejects than records");
        rows.extend((0..batch.len()).map(|i| {
            let name = batch.name.get(i, chunk.bytes).map(String::from_utf8_lossy);
            format!("{} {} {:?} {:?} {name:?}", batch.offset[i], batch.kind[i], batch.start.get(i), batch.duration.get(i))
        }));
    }
    (rows, rejects)
}

/// The last header line among the first lines: the samples have one block of them.
fn header_of<'a>(bytes: &'a [u8], decoder: &dyn Decoder) -> &'a [u8] {
    let lines = bytes.split(|&b| b == b'\n').take_while(|l| l.starts_with(b"#"));
    lines.filter(|line| decoder.is_header(line)).last().unwrap_or_default()
}

#[test]
fn names_are_unique_and_kebab_case() {
    let mut names: Vec<_> = formats().map(|f| f.spec().name).collect();
    assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')), "{names:?}");
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn each_format_cites_its_definition() {
    for format in formats() {
        assert!(format.spec().source.starts_with("https://"), "{}", format.spec().name);
    }
}

#[test]
fn each_sample_is_detected_as_its_own_format() {
    for format in formats().filter(|format| format.sample_layout().is_none()) {
        let name = format.spec().name;
        let found = detect(format.spec().sample.as_bytes());
        let first = found.first().map(|c| (c.format.spec().name, c.verdict.clone()));
        assert_eq!(first.as_ref().map(|f| f.0), Some(name), "{first:?}");
    }
}

#[test]
fn logs_that_look_alike_are_told_apart() {
    let best = |log: &str| detect(log.as_bytes()).first().map(|c| c.format.spec().name);
    for (log, name) in [
        (include_str!("../fixtures/access/nginx/bad-times-in-head.log"), Some("nginx")),
        (include_str!("../fixtures/access/nginx/fewer-decimals.log"), Some("nginx")),
        (include_str!("../fixtures/access/nginx/lone-time-with-dashes.log"), Some("nginx")),
        (include_str!("../fixtures/transaction/app-log/pino-counts-from-zero.json"), Some("app-log")),
        (include_str!("../fixtures/transaction/elasticsearch-slow/abbreviated-loggers.log"), Some("elasticsearch-slow")),
        (include_str!("../fixtures/transaction/mongodb/blanks-behind-colons.json"), Some("mongodb")),
        (include_str!("../fixtures/transaction/postgres/epoch-prefix.log"), Some("postgres")),
        (include_str!("../fixtures/access/nginx/length-beside-time.log"), Some("nginx")),
        (include_str!("../fixtures/access/nginx/connection-and-upstream.log"), Some("nginx")),
        (include_str!("../fixtures/access/tomcat/seconds-say-millis.log"), Some("tomcat")),
        (include_str!("../fixtures/access/tomcat/seconds-say-micros.log"), Some("tomcat")),
        (include_str!("../fixtures/access/envoy/ambassador.log"), Some("envoy")),
        (include_str!("../fixtures/access/heroku/drained.log"), Some("heroku")),
        (include_str!("../fixtures/transaction/gc-legacy/tenuring-and-heap.log"), Some("gc-legacy")),
        (include_str!("../fixtures/transaction/gc-legacy/scavenge-within-remark.log"), Some("gc-legacy")),
        (include_str!("../fixtures/transaction/gc-legacy/shenandoah.log"), Some("gc-legacy")),
        (include_str!("../fixtures/transaction/gc-legacy/adaptive-decimal-comma.log"), Some("gc-legacy")),
        (include_str!("../fixtures/transaction/postgres/syslog-many-lines.log"), Some("postgres")),
        (include_str!("../fixtures/transaction/postgres/syslog-time-and-pid.log"), Some("postgres")),
        (include_str!("../fixtures/transaction/postgres/syslog-without-year.log"), Some("postgres")),
        (include_str!("../fixtures/transaction/postgres/prefix-time-last.log"), Some("postgres")),
        (include_str!("../fixtures/transaction/postgres/prefix-time-in-brackets.log"), Some("postgres")),
        (include_str!("../fixtures/transaction/postgres-json/cloudnativepg.json"), Some("postgres-json")),
        (include_str!("../fixtures/transaction/elasticsearch-slow/source-of-several-lines.log"), Some("elasticsearch-slow")),
        (include_str!("../fixtures/transaction/mysql-slow/short-time-alone.log"), Some("mysql-slow")),
        (include_str!("../fixtures/transaction/app-log/lograge-behind-ruby-head.log"), Some("app-log")),
        (include_str!("../fixtures/transaction/app-log/logfmt-without-stamps.log"), Some("app-log")),
        (include_str!("../fixtures/transaction/app-log/carbon-pool-empty.log"), Some("app-log")),
        (include_str!("../fixtures/transaction/app-log/json-behind-text.log"), Some("app-log")),
        (include_str!("../fixtures/access/json-lines/logback-access.jsonl"), Some("json-lines")),
        (include_str!("../fixtures/access/json-lines/go-slog-nanoseconds.jsonl"), Some("json-lines")),
        (include_str!("../fixtures/transaction/app-log/hikari-without-levels.log"), Some("app-log")),
        ("INFO:     127.0.0.1:50000 - \"GET / HTTP/1.1\" 200 OK\n", None),
        ("ERROR:  failed thing\n", None),
    ] {
        assert_eq!(best(log), name, "{log}");
    }
    let pino = |more: &str| {
        format!(
            "{{\"level\":30,\"time\":1773144000000,\"req\":{{\"id\":0,\"method\":\"GET\",\"url\":\"/u\"}},\
             \"res\":{{\"statusCode\":200}},\"responseTime\":100,{more}\"msg\":\"request completed\"}}\n"
        )
    };
    assert_eq!(best(&pino("")), Some("json-lines"));
    assert_eq!(best(&pino("\"db_ms\":7,")), Some("app-log"), "only there the parts are read");
}

#[test]
fn each_sample_is_read_without_rejects() {
    for format in formats() {
        let (rows, rejects) = rows(format, format.spec().sample.as_bytes(), usize::MAX);
        assert!(rejects == 0 && !rows.is_empty(), "{}: {rejects} rejects, {} rows", format.spec().name, rows.len());
    }
}

#[test]
fn the_number_of_chunks_makes_no_difference() {
    for format in formats() {
        let sample = format.spec().sample;
        let (head, body) = split_header(format, sample);
        let log = [head, &body.repeat(12)].concat();
        let want = rows(format, log.as_bytes(), usize::MAX);
        for size in [1, 7, 64, 200, 333, 1000, 4096] {
            assert_eq!(rows(format, log.as_bytes(), size), want, "{} in pieces of {size}", format.spec().name);
        }
    }
}

#[test]
fn a_damaged_byte_never_panics() {
    for format in formats() {
        let log = format.spec().sample;
        for i in 0..log.len() {
            for byte in [0, b'\n', b'"', b'{', b' ', b'9', 0xff] {
                let mut bytes = log.as_bytes().to_vec();
                bytes[i] = byte;
                let _ = format.sniff(&bytes);
                if let Ok(decoder) = format.open(log.as_bytes(), &options(format)) {
                    let chunk = Chunk { header: header_of(log.as_bytes(), &*decoder), ..Chunk::whole(&bytes) };
                    decoder.decode(chunk, &mut Batch::new(&chunk));
                }
                let _ = format.open(&bytes, &options(format));
            }
        }
    }
}

#[test]
fn a_cut_never_panics_and_keeps_what_came_before() {
    for format in formats() {
        let log = format.spec().sample.as_bytes();
        let decoder = format.open(log, &options(format)).expect("opens");
        for end in 0..log.len() {
            let _ = format.sniff(&log[..end]);
            let chunk = Chunk { header: header_of(log, &*decoder), ..Chunk::whole(&log[..end]) };
            decoder.decode(chunk, &mut Batch::new(&chunk));
        }
    }
}

#[test]
fn line_ends_make_no_difference() {
    let plain =
        |rows: Vec<String>| rows.into_iter().map(|r| r.split_once(' ').expect("offset first").1.to_owned()).collect::<Vec<_>>();
    // A binary format has no lines; its bytes may well look like line ends.
    let is_text = |format: &&dyn Format| !format.spec().sample.bytes().any(|b| b < b'\t');
    for format in formats().filter(is_text) {
        let name = format.spec().name;
        let log = format.spec().sample.replace("\r\n", "\n");
        let want = plain(rows(format, log.as_bytes(), usize::MAX).0);
        let crlf = rows(format, log.replace('\n', "\r\n").as_bytes(), usize::MAX);
        assert_eq!(plain(crlf.0), want, "{name} with CRLF");
        let unended = rows(format, log.trim_end_matches('\n').as_bytes(), usize::MAX);
        assert_eq!(plain(unended.0), want, "{name} without a last newline");
    }
}

#[test]
fn noise_is_no_format() {
    for noise in [
        &b""[..],
        b"\n\n\n",
        b"lorem ipsum dolor sit amet\nconsectetur adipiscing elit\n",
        b"\0\0\0\0\0\0\0\0",
        b"\xff\xfe\x01\x02",
        b"{}\n{}\n",
        b"[]",
        b"#!/bin/sh\necho hello\n",
        b"key: value\nother: 1\n",
    ] {
        let found = detect(noise);
        assert!(
            found.is_empty(),
            "{:?}: {} ({})",
            String::from_utf8_lossy(noise),
            found[0].format.spec().name,
            found[0].verdict.evidence
        );
    }
}

/// Header lines are not repeated when a sample is: what comes before the second line that starts a
/// record stays in front where the sample has a header.
fn split_header<'a>(format: &dyn Format, sample: &'a str) -> (&'a str, &'a str) {
    let decoder = format.open(sample.as_bytes(), &options(format)).expect("opens");
    if decoder.boundary() == Boundary::Whole {
        return (sample, "");
    }
    let chunk = Chunk { header: header_of(sample.as_bytes(), &*decoder), ..Chunk::whole(sample.as_bytes()) };
    let mut batch = Batch::new(&chunk);
    decoder.decode(chunk, &mut batch);
    let first = batch.offset.first().copied().unwrap_or(0) as usize;
    sample.split_at(first)
}
