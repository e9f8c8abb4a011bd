//! The whole way from bytes to ranked rows, on lines generated here: run with
//! `cargo bench --bench pipeline`. Bytes per second count the log; judge the ratios, not the numbers.

use std::io::Write;

use divan::counter::{BytesCount, ItemsCount};
use narrows::analyze;
use narrows::analyze::grouped::Operations;
use narrows::analyze::summary::{Summary, by_group};
use narrows::frame::{Naming, Piece};
use narrows::input::Found;
use parsers::{Chunk, named};

mod support;
use support::{loaded, origins, random};

fn main() {
    divan::main();
}

/// Lines of the log.
const LINES: usize = 100_000;

/// An access log as nginx writes it, with timings and a request id.
fn log() -> Vec<u8> {
    const PATHS: [&str; 6] =
        ["/api/v2/accounts/", "/api/v2/cards/", "/api/v2/transfers/", "/api/v2/payments/", "/static/app/", "/health/ready/"];
    let mut random = random();
    let mut log = Vec::new();
    for i in 0..LINES {
        let (path, id) = (PATHS[random(6) as usize], random(1_000_000));
        let (second, took) = (i / 100, random(900));
        let request_id = u128::from(random(1 << 31)) << 90 | i as u128;
        writeln!(
            log,
            "10.0.{}.{} - - [03/Jun/2024:08:{:02}:{:02} -0600] \"GET {path}{id}/detail?limit=100&offset=50 HTTP/2.0\" 200 {} \
             \"https://www.example.com/accounts/detail\" \"Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36\" \
             rt={}.{:03} uct=0.001 urt=0.{took:03} rid={request_id:032x}",
            random(256),
            random(256),
            second / 60 % 60,
            second % 60,
            random(20_000),
            took / 1000,
            took % 1000,
        )
        .expect("memory takes it");
    }
    log
}

/// The log as a file, and its size.
fn file() -> (tempfile::TempDir, Vec<Found>, u64) {
    let log = log();
    let (folder, inputs) = support::file("access.log", &log);
    (folder, inputs, log.len() as u64)
}

/// Bytes to the frame.
#[divan::bench]
fn load_to_frame(bencher: divan::Bencher) {
    let (_folder, inputs, bytes) = file();
    bencher.counter(BytesCount::new(bytes)).bench(|| loaded(&inputs));
}

/// Bytes to ranked rows.
#[divan::bench]
fn end_to_end(bencher: divan::Bencher) {
    let (_folder, inputs, bytes) = file();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let loaded = loaded(&inputs);
        let origins = origins(&loaded);
        analyze::run(&loaded.frame, &origins, &["host".to_owned()], &analyze::Options::default()).expect("analyses")
    });
}

/// The frame to ranked rows.
#[divan::bench]
fn analysis_of_a_frame(bencher: divan::Bencher) {
    let (_folder, inputs, _) = file();
    let loaded = loaded(&inputs);
    let origins = origins(&loaded);
    bencher
        .counter(ItemsCount::new(LINES))
        .bench(|| analyze::run(&loaded.frame, &origins, &["host".to_owned()], &analyze::Options::default()).expect("analyses"));
}

/// Decoded rows to templates.
#[divan::bench]
fn templates(bencher: divan::Bencher) {
    let log = log();
    let format = named("nginx").expect("a format");
    let decoder = format.open(&log[..log.len().min(64 << 10)], &parsers::Options::default()).expect("opens");
    let chunk = Chunk::whole(&log);
    let mut piece = Piece::default();
    piece.batch.renew(&chunk);
    decoder.decode(chunk, &mut piece.batch);
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| piece.make_names(&log, &Naming::default()));
}

fn groups() -> (Vec<u32>, Vec<i64>) {
    let mut random = random();
    (0..1_000_000).map(|_| (random(61) as u32, random(1_000_000_000) as i64)).unzip()
}

const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// Exact quantiles of a million rows by polars.
#[divan::bench]
fn summary_by_polars(bencher: divan::Bencher) {
    let (group, duration) = groups();
    bencher.counter(ItemsCount::new(group.len())).bench(|| by_group(&group, &duration, 61, &QUANTILES));
}

/// The same by a pass that parts the groups and a partial sort of each.
#[divan::bench]
fn summary_by_parting(bencher: divan::Bencher) {
    let (group, duration) = groups();
    bencher.counter(ItemsCount::new(group.len())).bench(|| {
        let grouped = Operations { group: &group, end: &duration, duration: &duration }.grouped(61, i64::MAX, |_| false);
        grouped.into_iter().map(|group| Summary::of(group.calls, group.durations, &QUANTILES)).collect::<Vec<_>>()
    });
}
