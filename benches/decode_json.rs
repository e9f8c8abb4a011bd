//! Decoding of JSON lines and LTSV to columns, in bytes a second on one core. Belongs to the
//! parsers crate. `NARROWS_BENCH=DIR` reads `small.jsonl` and `small.ltsv` there; without it the
//! format's own sample is repeated.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::{env, fs};

use divan::Bencher;
use divan::counter::BytesCount;
use parsers::{Batch, Chunk, Options, cut, named};

/// What one piece of a log is in real use.
const CHUNK: usize = 4 << 20;
/// Enough to leave the caches.
const INPUT: usize = 64 << 20;

fn main() {
    divan::main();
}

#[divan::bench(args = ["json-lines", "ltsv"], sample_count = 10)]
fn decode(bencher: Bencher<'_, '_>, name: &str) {
    let format = named(name).unwrap();
    let bytes = input(name, format.spec().sample);
    let head = &bytes[..bytes.len().min(64 << 10)];
    let decoder = format.open(head, &Options::default()).unwrap();
    let pieces = cut(&bytes, CHUNK, &*decoder);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let mut rows = 0;
        for piece in &pieces {
            let chunk = Chunk { offset: piece.start as u64, bytes: &bytes[piece.clone()], header: b"" };
            let mut batch = Batch::new(&chunk);
            decoder.decode(chunk, &mut batch);
            assert!(batch.rejects.is_empty());
            rows += batch.len();
        }
        rows
    });
}

fn input(name: &str, sample: &str) -> Vec<u8> {
    let file = if name == "ltsv" { "small.ltsv" } else { "small.jsonl" };
    let dir = env::var_os("NARROWS_BENCH");
    let mut bytes =
        dir.map_or_else(|| sample.repeat(INPUT / sample.len()).into_bytes(), |dir| fs::read(Path::new(&dir).join(file)).unwrap());
    if let Some(end) = bytes[..bytes.len().min(INPUT)].iter().rposition(|&b| b == b'\n') {
        bytes.truncate(end + 1);
    }
    bytes
}
