//! A small made-up run for this folder's tests: two endpoints, a statement, a pool that is full.

use crate::analyze::bucket::{Bucket, Buckets};
use crate::analyze::capacity::model::{Basis, Hold, Kind, Request, Resource, Size};
use crate::analyze::capacity::{self, System};
use crate::analyze::profile::Profile;
use crate::analyze::tables::{BottleneckRow, EndpointRow, Evidence, Finding, SliceRow, StatementRow, TierRow, Times, WaitRow};
use crate::analyze::{Analysis, Quality, Totals};
use crate::error::Error;
use crate::load::{Place, Skipped, Source};
use crate::report::Results;
use parsers::Reason;

const MS: i64 = 1_000_000;
/// 2026-11-22 17:55:51.653 UTC.
const START: i64 = 1_795_370_151_653_000_000;

/// What a [`Results`] borrows.
pub(super) struct Made {
    pub(super) command: Vec<String>,
    pub(super) sources: Vec<Source>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) errors: Vec<Error>,
    pub(super) analysis: Analysis,
}

impl Made {
    pub(super) fn results(&self) -> Results<'_> {
        Results {
            command: &self.command,
            sources: &self.sources,
            skipped: &self.skipped,
            errors: &self.errors,
            folded_names: 0,
            analysis: &self.analysis,
        }
    }
}

/// Nothing read, nothing found.
pub(super) fn nothing() -> Made {
    let analysis = Analysis {
        verdict: String::new(),
        window: None,
        totals: Totals::default(),
        bottlenecks: Vec::new(),
        endpoints: Vec::new(),
        database: Vec::new(),
        waits: Vec::new(),
        watched: Vec::new(),
        pauses: Vec::new(),
        capacity: None,
        findings: Vec::new(),
        services: Vec::new(),
        edges: Vec::new(),
        replays: Vec::new(),
        folded: None,
        timeline: Vec::new(),
        quality: Quality::default(),
        profile: Profile::default(),
        quantiles: vec![0.5, 0.9, 0.95, 0.99],
    };
    Made { command: Vec::new(), sources: Vec::new(), skipped: Vec::new(), errors: Vec::new(), analysis }
}

/// Durations of `calls` equal calls with a slow one.
fn times(calls: u64, mean_ms: i64, max_ms: i64) -> Times {
    Times {
        total_ns: Some(calls as i64 * mean_ms * MS),
        mean_ns: Some(mean_ms * MS),
        quantiles_ns: vec![Some(mean_ms * MS), Some(2 * mean_ms * MS), Some(3 * mean_ms * MS), Some(max_ms * MS)],
        max_ns: Some(max_ms * MS),
    }
}

fn buckets(parts: &[(Bucket, i64)]) -> Buckets {
    let mut buckets = Buckets::default();
    parts.iter().for_each(|&(bucket, ms)| buckets.add(bucket, ms * MS));
    buckets
}

/// Two endpoints, 300 requests in 30 s.
pub(super) fn small() -> Made {
    let mut made = nothing();
    let first = buckets(&[(Bucket::PoolWait, 60_000), (Bucket::Database, 15_000), (Bucket::Own, 5_000)]);
    let mut rejected = [0; Reason::ALL.len()];
    rejected[Reason::Time as usize] = 2;
    made.command = vec!["analyze".to_owned(), "--top".to_owned(), "1".to_owned()];
    made.sources = vec![Source {
        path: "logs/access.log".into(),
        format: "nginx",
        bytes: 90_122,
        records: 302,
        operations: 300,
        rejected,
        first_rejects: vec![Place { offset: 1_048, line: 7, reason: Reason::Time }],
        span: Some((START, START + 30_000 * MS)),
        ..Source::default()
    }];
    made.sources[0].facts.assumptions = vec!["durations are in ms: the field is named so.".to_owned()];
    made.skipped = vec![Skipped { path: "logs/notes.txt".into(), why: "not a log narrows knows".to_owned() }];
    let found = &mut made.analysis;
    found.verdict = "The connection pool HikariPool-1 caps the system at 30 TPS.".to_owned();
    found.window = Some((START, START + 30_000 * MS));
    found.totals =
        Totals { count: 300, errors: 3, total_ns: Some(100_000 * MS), seconds: Some(30.0), buckets: first, ..Totals::default() };
    found.totals.buckets.add(Bucket::Unaccounted, 20_000 * MS);
    found.bottlenecks = vec![BottleneckRow {
        id: "b0000000a".to_owned(),
        kind: "connection_pool",
        subject: "HikariPool-1".to_owned(),
        share: 0.6,
        calls: 200,
        times: times(200, 300, 900),
        ceiling_tps: Some(30.0),
        ceiling_low_tps: Some(28.5),
        ceiling_high_tps: Some(30.5),
        endpoints: vec!["GET /accounts/{id}".to_owned()],
        confidence: "high",
        sentence: "Requests wait for one of 3 connections.".to_owned(),
        next_step: "Enlarge the pool.".to_owned(),
        evidence: vec![Evidence { source: 0, offset: 512, line: 4, duration_ns: Some(900 * MS), trace: Some(0xab) }],
    }];
    found.endpoints = vec![
        EndpointRow {
            id: "e0000000a".to_owned(),
            endpoint: "GET /accounts/{id}".to_owned(),
            method: "GET".to_owned(),
            calls: 200,
            tps: Some(200.0 / 30.0),
            share: 0.8,
            times: times(200, 400, 2_500),
            buckets: first,
            tiers: vec![TierRow { service: String::new(), source: 0, calls: 200, mean_ns: Some(400 * MS) }],
            database_calls_per_request: Some(2.0),
            ..EndpointRow::default()
        },
        EndpointRow {
            id: "e0000000b".to_owned(),
            endpoint: "POST /pay|now".to_owned(),
            method: "POST".to_owned(),
            calls: 100,
            errors: 3,
            tps: Some(100.0 / 30.0),
            share: 0.2,
            times: times(100, 200, 800),
            buckets: buckets(&[(Bucket::Unaccounted, 20_000)]),
            bytes: Some(5_000),
            ..EndpointRow::default()
        },
    ];
    found.database = vec![StatementRow {
        id: "s0000000a".to_owned(),
        statement: "select * from account where id = ?".to_owned(),
        system: "postgresql".to_owned(),
        calls: 400,
        calls_per_request: Some(400.0 / 300.0),
        server_ns: Some(10_000 * MS),
        share: 1.0,
        times: times(400, 37, 500),
        endpoints: vec![("GET /accounts/{id}".to_owned(), 400, 2.0)],
        ..StatementRow::default()
    }];
    found.waits = vec![WaitRow {
        id: "w0000000a".to_owned(),
        resource: "HikariPool-1".to_owned(),
        kind: "connections",
        acquisitions: 200,
        waited: 180,
        share: 0.6,
        times: times(200, 300, 900),
        servers: Some(3),
        servers_basis: "stated",
        in_use_max: Some(3),
        waiting_max: Some(9),
        utilization: Some(0.99),
        ..WaitRow::default()
    }];
    found.findings = vec![Finding {
        rule: "pool_too_small",
        severity: "warning",
        subject: "HikariPool-1".to_owned(),
        sentence: "3 connections serve 12 workers.".to_owned(),
        next_step: "Enlarge the pool.".to_owned(),
        evidence: Vec::new(),
    }];
    found.timeline = (0..3)
        .map(|slice| SliceRow {
            start_ns: START + slice * 10_000 * MS,
            width_ns: 10_000 * MS,
            requests: 100 * slice as u64,
            errors: slice as u64,
            p50_ns: Some(300 * MS),
            p95_ns: Some((slice + 1) * 400 * MS),
            concurrency_mean: Some(3.0),
        })
        .collect();
    found.quality.joined_share = Some(0.995);
    found.quality.unaccounted_share = Some(0.2);
    found.quality.joined.copies = 4;
    found.capacity = Some(capacity::analyse(&full_pool(), &capacity::Options::default()));
    made
}

/// Three slots that are never empty, and workers around them: 30 requests a second.
fn full_pool() -> System<'static> {
    let mut pool = Resource::new("HikariPool-1", Kind::Connections);
    pool.size = Size { value: Some(3), basis: Basis::Stated };
    pool.parent = Some(0);
    let mut workers = Resource::new("workers", Kind::Threads);
    workers.size = Size { value: Some(12), basis: Basis::Stated };
    let mut requests = Vec::new();
    for number in 0..900u32 {
        // Slot n mod 3 is free every 100 ms; nine requests are always waiting.
        let grant = START + i64::from(number / 3) * 100 * MS;
        let (wait, request) = (300 * MS, number);
        let end = grant + 100 * MS;
        requests.push(Request { start_ns: grant - wait, end_ns: end, endpoint: number % 2, success: true });
        pool.holds.push(Hold::new(grant, end, wait, request));
        workers.holds.push(Hold { nested_wait_ns: wait, ..Hold::new(grant - wait, end, 0, request) });
    }
    let endpoints = vec!["GET /accounts/{id}".to_owned(), "POST /pay|now".to_owned()];
    System { requests: requests.into_iter().collect(), resources: vec![workers, pool], endpoints, statements: Vec::new() }
}
