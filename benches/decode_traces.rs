//! Traces to columns, one thread: bytes and spans a second. Belongs to the parsers crate.
//!
//! `TRACES=DIR cargo bench -p narrows-parsers --bench decode_traces` reads `DIR/traces.otlp.jsonl`
//! and `DIR/traces.jaeger.json`; without it, fixtures are repeated, which flatters the caches.

use std::path::Path;
use std::{env, fs};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use parsers::{Batch, Chunk, Options, cut, named};

const PIECE: usize = 4 << 20;
const REPEATED: usize = 32 << 20;

fn main() {
    divan::main();
}

#[divan::bench]
fn otlp_json(bencher: Bencher) {
    decode(bencher, "otlp-json", "traces.otlp.jsonl", "otlp-json/lab-two-traces.jsonl");
}

#[divan::bench]
fn jaeger(bencher: Bencher) {
    decode(bencher, "jaeger", "traces.jaeger.json", "jaeger/lab-two-traces.json");
}

#[divan::bench]
fn zipkin(bencher: Bencher) {
    decode(bencher, "zipkin", "traces.zipkin.jsonl", "zipkin/lab-two-traces.jsonl");
}

#[divan::bench]
fn otlp_proto(bencher: Bencher) {
    decode(bencher, "otlp-proto", "traces.otlp.binpb", "otlp-proto/lab-two-traces-framed.bin");
}

fn decode(bencher: Bencher, format: &str, file: &str, fixture: &str) {
    let data = env::var_os("TRACES").and_then(|dir| fs::read(Path::new(&dir).join(file)).ok());
    let data = data.unwrap_or_else(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/apm").join(fixture);
        let bytes = fs::read(path).expect("the fixture is part of the sources");
        bytes.repeat(REPEATED / bytes.len())
    });
    let format = named(format).expect("a registered format");
    let decoder = format.open(&data[..data.len().min(1 << 16)], &Options::default()).expect("the data is of the format");
    let pieces = cut(&data, PIECE, &*decoder);
    let run = || -> usize {
        let decode = |piece: &std::ops::Range<usize>| {
            let chunk = Chunk { offset: piece.start as u64, bytes: &data[piece.clone()], header: b"" };
            let mut batch = Batch::new(&chunk);
            decoder.decode(chunk, &mut batch);
            assert!(batch.rejects.is_empty());
            batch.len()
        };
        pieces.iter().map(decode).sum()
    };
    bencher.counter(BytesCount::of_slice(&data)).counter(ItemsCount::new(run())).bench_local(run);
}
