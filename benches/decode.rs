//! Bytes to columns, per format, on one thread. Lines are made in memory, so that it runs anywhere.
#![allow(missing_docs)]

use std::fmt::Write as _;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use parsers::{Batch, Chunk, Options, named};

fn main() {
    divan::main();
}

/// Lines of 4 MiB in all: the size of a chunk.
const SIZE: usize = 4 << 20;

#[divan::bench(args = ["nginx", "apache", "tomcat"])]
fn access(bencher: Bencher<'_, '_>, name: &str) {
    decode(bencher, name, &log(name));
}

fn decode(bencher: Bencher<'_, '_>, name: &str, log: &str) {
    let format = named(name).expect("a format of this name");
    let decoder = format.open(log.as_bytes(), &Options::default()).expect("opens");
    bencher.counter(BytesCount::new(log.len())).bench_local(|| {
        let chunk = Chunk::whole(black_box(log.as_bytes()));
        let mut batch = Batch::new(&chunk);
        decoder.decode(chunk, &mut batch);
        assert!(batch.rejects.is_empty());
        batch
    });
}

/// A log of a format, the values of its lines drawn from a fixed sequence.
fn log(name: &str) -> String {
    let mut log = String::with_capacity(SIZE + 400);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut second = 0;
    while log.len() < SIZE {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (a, b, c) = (seed >> 40, seed >> 20 & 0xf_ffff, seed & 0xffff);
        second += u64::from(a % 4 == 0);
        let (ip, ms) = (format!("{}.{}.{}.{}", 11 + a % 200, a % 255, b % 255, c % 255), a % 400);
        let stamp = format!("22/Nov/2026:{:02}:{:02}:{:02} +0000", second / 3600 % 24, second / 60 % 60, second % 60);
        let request = format!("GET /api/v2/accounts/{b}/transactions?limit=100&offset={c} HTTP/1.1");
        let agent =
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36";
        match name {
            "nginx" => writeln!(
                log,
                "{ip} - - [{stamp}] \"{request}\" 200 {c} \"https://www.example.org/\" \"{agent}\" rt=0.{ms:03} uct=0.001 urt=0.{ms:03} \
                 rid={seed:016x}{a:016x}"
            ),
            "apache" => writeln!(log, "{ip} - - [{stamp}] \"{request}\" 200 {c} \"-\" \"{agent}\" {}", ms * 1000 + c % 1000),
            _ => writeln!(
                log,
                "{ip} - - [{stamp}] \"{request}\" 200 {c} {} {ms} http-nio-8080-exec-{} {seed:016x}{a:016x}",
                ms * 1000 + c % 1000,
                a % 12
            ),
        }
        .expect("writing to a string");
    }
    log
}
