//! Golden decoding of every file under `fixtures/<family>/<format>/`. Belongs to the parsers
//! crate, so that it runs without polars. `BLESS=1` rewrites the expectations; check the numbers
//! by an independent tool before they are committed.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use parsers::{Batch, Boundary, Chunk, Column, Facts, Kind, Null, Options, Outcome, Phase, Role, TextColumn, formats};

#[test]
fn fixtures_decode_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    for format in formats() {
        let spec = format.spec();
        let dir = root.join(spec.family.name()).join(spec.name);
        let dir = fs::read_dir(&dir).unwrap_or_else(|_| panic!("{}: no folder {}", spec.name, dir.display()));
        let is_log = |p: &Path| p.extension().is_none_or(|e| e != "tsv" && e != "layout");
        let mut logs: Vec<_> = dir.map(|e| e.unwrap().path()).filter(|p| is_log(p)).collect();
        logs.sort();
        assert!(!logs.is_empty(), "{}: no fixtures", spec.name);
        for log in logs {
            let bytes = fs::read(&log).unwrap();
            let mut options = Options::default();
            options.layout = fs::read_to_string(log.with_extension("layout")).ok().map(|l| l.trim_end().to_owned());
            let opened = format.open(&bytes, &options);
            let decoder = opened.unwrap_or_else(|e| panic!("{}: {}", log.display(), e.message));
            let chunk = Chunk::whole(&bytes);
            let mut batch = Batch::new(&chunk);
            decoder.decode(chunk, &mut batch);
            let got = head(&decoder.facts(), decoder.boundary()) + &dump(&batch, &bytes);
            let golden = log.with_extension("ops.tsv");
            if env::var_os("BLESS").is_some() {
                fs::write(&golden, &got).unwrap();
            }
            assert_eq!(got, fs::read_to_string(&golden).unwrap_or_default(), "{}", log.display());
        }
    }
}

fn head(facts: &Facts, boundary: Boundary) -> String {
    let mut text = format!(
        "# stamp={:?} unit={} resolution_ns={} stamp_resolution_ns={} zone_missing={} boundary={boundary:?}\n",
        facts.stamp,
        facts.unit.map_or("-", |u| u.symbol()),
        facts.resolution_ns,
        facts.stamp_resolution_ns,
        facts.zone_missing
    );
    for assumption in &facts.assumptions {
        writeln!(text, "# assumes: {assumption}").unwrap();
    }
    text
}

/// One line for each row: place, kind, then every column that is not null; the rejects; the counts.
fn dump(batch: &Batch, chunk: &[u8]) -> String {
    let mut out = String::new();
    for row in 0..batch.len() {
        let mut line = Line { out: &mut out, batch, chunk, row };
        line.row();
    }
    for claim in &batch.adopted {
        writeln!(out, "adopted\tchild={:x}\tparent={:x}\ttrace={:x}", claim.child, claim.parent, claim.trace).unwrap();
    }
    for reject in &batch.rejects {
        let place = format!("{}:{}", reject.line + 1, reject.offset);
        writeln!(out, "{place}\treject\t{}\tlen={}", reject.reason.name(), reject.len).unwrap();
    }
    writeln!(out, "# {} records, {} lines", batch.records, batch.lines).unwrap();
    out
}

struct Line<'a> {
    out: &'a mut String,
    batch: &'a Batch,
    chunk: &'a [u8],
    row: usize,
}

impl Line<'_> {
    fn row(&mut self) {
        const ROLE: [&str; 6] = ["", "server", "client", "producer", "consumer", "internal"];
        const PHASE: [&str; 6] = ["", "parse", "bind", "execute", "text", "time"];
        const OUTCOME: [&str; 5] = ["", "ok", "failed", "timed_out", "abandoned"];
        assert_eq!((Role::Internal as usize, Phase::Time as usize, Outcome::Abandoned as usize), (5, 5, 4));
        let (b, i) = (self.batch, self.row);
        write!(self.out, "{}:{}\t{}", b.line[i] + 1, b.offset[i], Kind::ALL[b.kind[i] as usize].name()).unwrap();
        for (key, text) in [
            ("role", ROLE[b.role[i] as usize]),
            ("phase", PHASE[b.phase[i] as usize]),
            ("outcome", OUTCOME[b.outcome[i] as usize]),
        ] {
            if !text.is_empty() {
                write!(self.out, "\t{key}={text}").unwrap();
            }
        }
        self.number("start", &b.start);
        self.number("duration", &b.duration);
        self.text("service", &b.service);
        self.text("instance", &b.instance);
        self.text("method", &b.method);
        self.text("name", &b.name);
        self.text("thread", &b.thread);
        self.text("system", &b.system);
        self.text("peer", &b.peer);
        self.number("status", &b.status);
        self.hex("trace", b.trace.get(i));
        self.hex("request", b.request.get(i));
        self.hex("span", b.span.get(i).map(u128::from));
        self.hex("parent", b.parent_span.get(i).map(u128::from));
        self.hex("follows", b.follows.get(i).map(u128::from));
        self.number("session", &b.session);
        self.number("bytes", &b.bytes);
        self.number("count", &b.count);
        self.number("rows", &b.rows);
        self.number("queue", &b.part_queue);
        self.number("pool_wait", &b.part_pool_wait);
        self.number("database", &b.part_database);
        self.number("external", &b.part_external);
        self.number("network", &b.part_network);
        self.number("upstream", &b.part_upstream);
        self.number("own", &b.part_own);
        self.number("slots", &b.slots);
        self.number("in_use", &b.in_use);
        self.number("waiting", &b.waiting);
        self.out.push('\n');
    }

    fn number<T: Null + std::fmt::Display>(&mut self, key: &str, column: &Column<T>) {
        if let Some(value) = column.get(self.row) {
            write!(self.out, "\t{key}={value}").unwrap();
        }
    }

    fn hex(&mut self, key: &str, value: Option<u128>) {
        if let Some(value) = value {
            write!(self.out, "\t{key}={value:x}").unwrap();
        }
    }

    fn text(&mut self, key: &str, column: &TextColumn) {
        if let Some(text) = column.get(self.row, self.chunk) {
            write!(self.out, "\t{key}={}", String::from_utf8_lossy(text).escape_debug()).unwrap();
        }
    }
}
