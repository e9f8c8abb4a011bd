//! What holds across trace formats.

use std::collections::BTreeMap;
use std::path::Path;

use super::FORMATS;
use crate::{Batch, Chunk, Options, TextColumn};

/// Every span of a fixture by trace and span id: what it is, when (in microseconds) and how long.
fn spans(file: &str, resolution_ns: i64) -> BTreeMap<(u128, u64), String> {
    let (format, _) = file.split_once('/').expect("a folder");
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/apm").join(file)).expect("a fixture");
    let format = FORMATS.iter().find(|f| f.spec().name == format).expect("a format");
    let decoder = format.open(&bytes, &Options::default()).expect("opens");
    let chunk = Chunk::whole(&bytes);
    let mut batch = Batch::new(&chunk);
    decoder.decode(chunk, &mut batch);
    assert!(batch.rejects.is_empty(), "{file}: {:?}", batch.rejects);
    let text = |column: &TextColumn, i| String::from_utf8_lossy(column.get(i, &bytes).unwrap_or_default()).into_owned();
    let describe = |i| {
        let start = batch.start.get(i).expect("a start") / resolution_ns;
        let texts = [&batch.service, &batch.name, &batch.method, &batch.system, &batch.peer].map(|column| text(column, i));
        let numbers = (batch.kind[i], batch.role[i], batch.outcome[i], batch.status.get(i), batch.parent_span.get(i));
        let key = (batch.trace.get(i).expect("a trace"), batch.span.get(i).expect("a span"));
        (key, format!("{start} {texts:?} {numbers:?}"))
    };
    (0..batch.len()).map(describe).collect()
}

/// Two traces of one run of a real system, which its collector wrote in every encoding. The Zipkin
/// exporter of one service was off: what it has must be the same.
#[test]
fn the_encodings_of_one_run_tell_the_same() {
    let otlp = spans("otlp-json/lab-two-traces.jsonl", 1_000);
    let jaeger = spans("jaeger/lab-two-traces.json", 1_000);
    let proto = spans("otlp-proto/lab-two-traces-framed.bin", 1_000);
    let zipkin = spans("zipkin/lab-two-traces.jsonl", 1_000);
    assert_eq!(otlp, proto);
    assert_eq!(otlp, jaeger);
    assert_eq!((otlp.len(), zipkin.len()), (19, 17));
    for (id, span) in zipkin {
        assert_eq!(Some(&span), otlp.get(&id));
    }
}

#[test]
fn no_depth_of_nesting_overflows_the_stack() {
    let deep = "[".repeat(200_000);
    for format in FORMATS {
        let sample = format.spec().sample;
        for text in [
            deep.clone(),
            sample.replace(":[", &format!(":{deep}")),
            sample.replace(":{", &format!(":{}", "{\"a\":".repeat(100_000))),
        ] {
            let _ = format.sniff(text.as_bytes());
            let decoder = format.open(sample.as_bytes(), &Options::default()).expect("opens");
            let chunk = Chunk::whole(text.as_bytes());
            decoder.decode(chunk, &mut Batch::new(&chunk));
        }
    }
}

/// Each line opens what is never closed: a walk that looked for the end of each would take hours.
#[test]
fn damage_on_every_line_is_passed_in_linear_time() {
    let log = "{\"a\":[\n".repeat(50_000);
    for format in FORMATS {
        for head in [log.as_str(), format.spec().sample] {
            let Ok(decoder) = format.open(head.as_bytes(), &Options::default()) else { continue };
            let chunk = Chunk::whole(log.as_bytes());
            let mut batch = Batch::new(&chunk);
            decoder.decode(chunk, &mut batch);
            assert!(batch.is_empty() && !batch.rejects.is_empty(), "{}", format.spec().name);
        }
    }
}

#[test]
fn a_trace_of_many_spans_and_many_traces_of_one_are_read() {
    let span = |i: usize| {
        format!(r#"{{"traceID":"a","spanID":"{i:x}","operationName":"x","startTime":{i},"duration":1,"processID":"p1"}}"#)
    };
    let processes = r#""processes":{"p1":{"serviceName":"api"}}"#;
    let count = 20_000;
    let list = (1..=count).map(span).collect::<Vec<_>>().join(",");
    let one = format!(r#"{{"data":[{{"traceID":"a","spans":[{list}],{processes}}}]}}"#);
    let traces = (1..=count).map(|i| format!(r#"{{"traceID":"a","spans":[{}],{processes}}}"#, span(i))).collect::<Vec<_>>();
    let many = format!(r#"{{"data":[{}]}}"#, traces.join(","));
    let jaeger = FORMATS.iter().find(|f| f.spec().name == "jaeger").expect("a format");
    for text in [one, many] {
        let chunk = Chunk::whole(text.as_bytes());
        let mut batch = Batch::new(&chunk);
        jaeger.open(&text.as_bytes()[..1000], &Options::default()).expect("opens").decode(chunk, &mut batch);
        assert_eq!((batch.len(), batch.rejects.len()), (count, 0));
        assert!((0..count).all(|i| batch.service.get(i, text.as_bytes()) == Some(b"api")));
        assert!((0..count).all(|i| batch.span.get(i) == Some(i as u64 + 1)));
    }
}
