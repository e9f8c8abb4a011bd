//! One event is one operation, whichever shape of log it was written in.

use super::*;
use crate::{Batch, Chunk, Format, Kind, Options, Phase};

/// The shapes of one log, cut from a real server's; each line of stderr has its twin in the others.
const STDERR: &[u8] = include_bytes!("../../../fixtures/transaction/postgres/same-as-csv-and-json.log");
const CSV: &[u8] = include_bytes!("../../../fixtures/transaction/postgres-csv/same-as-stderr-and-json.csv");
const JSON: &[u8] = include_bytes!("../../../fixtures/transaction/postgres-json/same-as-stderr-and-csv.json");

fn rows(format: &dyn Format, bytes: &[u8]) -> Vec<String> {
    let decoder = format.open(bytes, &Options::default()).expect("opens");
    let chunk = Chunk::whole(bytes);
    let mut batch = Batch::new(&chunk);
    decoder.decode(chunk, &mut batch);
    assert_eq!(batch.rejects, []);
    (0..batch.len())
        .map(|i| {
            format!(
                "{} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                batch.kind[i],
                batch.phase[i],
                batch.outcome[i],
                batch.start.get(i),
                batch.duration.get(i),
                batch.session.get(i),
                batch.trace.get(i),
                batch.request.get(i),
                batch.instance.get(i, bytes),
                batch.peer.get(i, bytes),
                batch.name.get(i, bytes).map(String::from_utf8_lossy),
            )
        })
        .collect()
}

#[test]
fn three_shapes_of_one_log_give_the_same_operations() {
    let want = rows(&Postgres, STDERR);
    assert!(want.len() > 30);
    assert_eq!(rows(&PostgresCsv, CSV), want);
    assert_eq!(rows(&PostgresJson, JSON), want);
}

#[test]
fn the_three_samples_read_the_zone_and_the_step_of_the_stamp() {
    for format in [&Postgres as &dyn Format, &PostgresCsv, &PostgresJson] {
        let facts = format.open(format.spec().sample.as_bytes(), &Options::default()).expect("opens").facts();
        assert_eq!((facts.stamp_resolution_ns, facts.zone_missing), (1_000_000, false));
    }
}

#[test]
fn an_unknown_zone_is_said() {
    let log = b"2026-11-22 17:48:11.140 XYZT [12] a@b LOG:  duration: 1.500 ms  statement: BEGIN\n";
    let decoder = Postgres.open(log, &Options::default()).expect("opens");
    assert!(decoder.facts().zone_missing);
    let chunk = Chunk::whole(log);
    let mut batch = Batch::new(&chunk);
    decoder.decode(chunk, &mut batch);
    assert_eq!((batch.kind[0], batch.phase[0]), (Kind::Database as u8, Phase::Whole as u8));
    // date -u -d '2026-11-22 17:48:11' +%s, less 1.5 ms and plus 140
    assert_eq!(batch.start.get(0), Some(1_795_369_691_138_500_000));
}
