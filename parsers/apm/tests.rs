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
