//! Machine output, schema 1. These structs are the contract: fields are added, never renamed or
//! removed within a schema number; what the logs do not say is null, never 0.

mod capacity;
mod curve;
mod rows;
mod traces;

use parsers::{Kind, Reason, Stamp};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use self::capacity::CapacityOut;
use self::rows::{BottleneckOut, BucketsOut, EndpointOut, FindingOut, PauseOut, SliceOut, StatementOut, WaitOut};
use self::traces::{EdgeOut, ReplayOut, ServiceOut};
use super::{Results, escape};
use crate::load::Source;
use crate::units::time_text;

/// The number of the contract.
const SCHEMA: u32 = 1;

/// Writes everything, indented, with a line end.
pub(super) fn write(results: &Results<'_>) -> String {
    let text = serde_json::to_string_pretty(&Document::of(results)).expect("plain structs with text keys serialise");
    escape::json(&text) + "\n"
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    narrows: &'static str,
    command: &'a [String],
    verdict: &'a str,
    sources: Vec<SourceOut<'a>>,
    window: WindowOut,
    requests: RequestsOut<'a>,
    bottlenecks: Vec<BottleneckOut<'a>>,
    endpoints: Vec<EndpointOut<'a>>,
    database: Vec<StatementOut<'a>>,
    waits: Vec<WaitOut<'a>>,
    pauses: Vec<PauseOut<'a>>,
    capacity: CapacityOut<'a>,
    findings: Vec<FindingOut<'a>>,
    timeline: Vec<SliceOut>,
    quality: QualityOut,
    services: Vec<ServiceOut<'a>>,
    edges: Vec<EdgeOut<'a>>,
    replays: Vec<ReplayOut<'a>>,
}

impl<'a> Document<'a> {
    fn of(results: &Results<'a>) -> Self {
        let found = results.analysis;
        let q = &found.quantiles;
        Document {
            schema: SCHEMA,
            narrows: env!("CARGO_PKG_VERSION"),
            command: results.command,
            verdict: &found.verdict,
            sources: results.sources.iter().enumerate().map(|(at, source)| SourceOut::of(results, at, source)).collect(),
            window: WindowOut::of(found.window, found.totals.seconds),
            requests: RequestsOut::of(results),
            bottlenecks: ranked(&found.bottlenecks, |rank, row| BottleneckOut::of(results, q, rank, row)),
            endpoints: ranked(&found.endpoints, |rank, row| EndpointOut::of(results, q, rank, row)),
            database: ranked(&found.database, |rank, row| StatementOut::of(results, q, rank, row)),
            waits: ranked(&found.waits, |rank, row| WaitOut::of(q, rank, row)),
            pauses: found.pauses.iter().map(PauseOut::of).collect(),
            capacity: CapacityOut::of(found.capacity.as_ref()),
            findings: found.findings.iter().map(|finding| FindingOut::of(results, finding)).collect(),
            timeline: found.timeline.iter().map(SliceOut::of).collect(),
            quality: QualityOut::of(results),
            services: ranked(&found.services, ServiceOut::of),
            edges: ranked(&found.edges, EdgeOut::of),
            replays: found.replays.iter().map(ReplayOut::of).collect(),
        }
    }
}

fn ranked<'a, T, U>(rows: &'a [T], out: impl Fn(usize, &'a T) -> U) -> Vec<U> {
    rows.iter().enumerate().map(|(at, row)| out(at + 1, row)).collect()
}

/// A text that is null when empty.
fn told(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[derive(Serialize)]
struct SourceOut<'a> {
    path: String,
    format: &'static str,
    bytes: u64,
    sha256: Option<&'a str>,
    records: u64,
    operations: u64,
    rejected: Counts,
    filtered: u64,
    read: Map<&'static str, ReadOut>,
    first: Option<String>,
    last: Option<String>,
    stamp: Option<&'static str>,
    duration_unit: Option<&'static str>,
    resolution_ns: Option<i64>,
    assumptions: Vec<&'a str>,
    evidence: &'a str,
    wrapping: &'a [&'static str],
}

type Counts = Map<&'static str, u64>;

#[derive(Serialize)]
struct ReadOut {
    count: u64,
    with_duration: u64,
    total_ns: Option<i64>,
}

impl<'a> SourceOut<'a> {
    fn of(results: &Results<'a>, at: usize, source: &'a Source) -> Self {
        let quality = &results.analysis.quality;
        let facts = &source.facts;
        let shift = quality.alignment.shift_ns.get(at).copied().unwrap_or(0);
        let notes = quality.alignment.notes.iter().filter(|(number, _)| *number as usize == at).map(|(_, note)| note.as_str());
        SourceOut {
            path: source.path.display().to_string(),
            format: source.format,
            bytes: source.bytes,
            sha256: source.sha256.as_deref(),
            records: source.records,
            operations: source.operations,
            rejected: Map(Reason::ALL.iter().zip(source.rejected).filter(|(_, n)| *n > 0).map(|(r, n)| (r.name(), n)).collect()),
            filtered: quality.filtered_by_source.get(at).copied().unwrap_or(0),
            read: Map(Kind::ALL
                .iter()
                .zip(&source.read)
                .filter(|(_, tally)| tally.count > 0)
                .map(|(kind, tally)| {
                    let total_ns = (tally.with_duration > 0).then_some(tally.total_ns);
                    (kind.name(), ReadOut { count: tally.count, with_duration: tally.with_duration, total_ns })
                })
                .collect()),
            first: source.span.map(|span| time_text(span.0.saturating_add(shift))),
            last: source.span.map(|span| time_text(span.1.saturating_add(shift))),
            stamp: facts.stamp.map(|stamp| match stamp {
                Stamp::Start => "start",
                Stamp::End => "end",
            }),
            duration_unit: facts.unit.map(parsers::Unit::symbol),
            resolution_ns: Some(facts.resolution_ns).filter(|&ns| ns > 0),
            assumptions: facts.assumptions.iter().map(String::as_str).chain(notes).collect(),
            evidence: &source.evidence,
            wrapping: &source.wrapping,
        }
    }
}

/// Names with values, in the order given.
struct Map<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// First and last completion of a run, and the time between them.
#[derive(Serialize)]
pub(in crate::report) struct WindowOut {
    first: Option<String>,
    last: Option<String>,
    seconds: Option<f64>,
}

impl WindowOut {
    pub(in crate::report) fn of(window: Option<(i64, i64)>, seconds: Option<f64>) -> Self {
        let (first, last) = (window.map(|w| time_text(w.0)), window.map(|w| time_text(w.1)));
        WindowOut { first, last, seconds }
    }
}

#[derive(Serialize)]
struct RequestsOut<'a> {
    count: u64,
    errors: u64,
    tps: Option<f64>,
    goodput_tps: Option<f64>,
    total_ns: Option<i64>,
    abandoned: u64,
    timed_out: u64,
    buckets: BucketsOut<'a>,
}

impl<'a> RequestsOut<'a> {
    fn of(results: &Results<'a>) -> Self {
        let totals = &results.analysis.totals;
        RequestsOut {
            count: totals.count,
            errors: totals.errors,
            tps: results.per_second(totals.count),
            goodput_tps: results.per_second(totals.count.saturating_sub(totals.errors)),
            total_ns: totals.total_ns,
            abandoned: totals.abandoned,
            timed_out: totals.timed_out,
            buckets: BucketsOut(&totals.buckets),
        }
    }
}

#[derive(Serialize)]
struct QualityOut {
    records: u64,
    rejected: u64,
    duplicates: u64,
    copies: u64,
    orphans: u64,
    joined_share: Option<f64>,
    unaccounted_share: Option<f64>,
    clipped_ns: i64,
    skew_corrected: u64,
    ambiguous_ns: i64,
    warnings: Vec<String>,
    filtered: u64,
    clipped: u64,
    cycles: u64,
    incomplete_traces: u64,
    folded_names: usize,
    unpaired_events: u64,
}

impl QualityOut {
    fn of(results: &Results<'_>) -> Self {
        let quality = &results.analysis.quality;
        QualityOut {
            records: results.sources.iter().map(|source| source.records).sum(),
            rejected: results.sources.iter().map(Source::rejects).sum(),
            duplicates: quality.joined.duplicates,
            copies: quality.joined.copies,
            orphans: quality.joined.orphans,
            joined_share: quality.joined_share,
            unaccounted_share: quality.unaccounted_share,
            clipped_ns: quality.clipped_ns,
            skew_corrected: quality.joined.skew_corrected,
            ambiguous_ns: quality.ambiguous_ns,
            warnings: results.warnings(),
            filtered: quality.filtered,
            clipped: quality.clipped,
            cycles: quality.joined.cycles,
            incomplete_traces: quality.joined.incomplete_traces,
            folded_names: results.folded_names,
            unpaired_events: quality.joined.unpaired_events,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::testing::{nothing, small};
    use super::*;

    /// The contract, object by object: where it is, and its keys.
    const CONTRACT: &[(&str, &str)] = &[
        (
            "",
            "schema narrows command verdict sources window requests bottlenecks endpoints database waits pauses capacity findings \
             timeline quality",
        ),
        (
            "/sources/0",
            "path format bytes sha256 records operations rejected filtered read first last stamp duration_unit resolution_ns \
             assumptions",
        ),
        ("/window", "first last seconds"),
        ("/requests", "count errors tps goodput_tps total_ns"),
        (
            "/bottlenecks/0",
            "rank id kind subject share total_ns calls mean_ns p50_ns p95_ns p99_ns max_ns ceiling_tps ceiling_low_tps \
             ceiling_high_tps endpoints confidence sentence next_step evidence",
        ),
        ("/bottlenecks/0/evidence/0", "source offset line duration_ns"),
        (
            "/endpoints/0",
            "rank id endpoint method service tiers calls tps errors total_ns share mean_ns p50_ns p90_ns p95_ns p99_ns max_ns \
             bytes buckets database_calls_per_request",
        ),
        ("/endpoints/0/tiers/0", "service source calls mean_ns"),
        ("/endpoints/0/buckets", "queue pool_wait database external pause network upstream own unaccounted"),
        (
            "/database/0",
            "rank id statement system calls calls_per_request errors total_ns server_ns share mean_ns p50_ns p95_ns p99_ns max_ns \
             rows endpoints",
        ),
        ("/database/0/endpoints/0", "endpoint calls calls_per_request"),
        (
            "/waits/0",
            "rank id resource instance kind acquisitions waited total_ns share mean_ns p50_ns p95_ns p99_ns max_ns servers \
             servers_basis in_use_max waiting_max utilization",
        ),
        ("/capacity", "observed_tps goodput_tps concurrency_mean concurrency_max resources ladder targets"),
        (
            "/capacity/resources/0",
            "name kind servers servers_basis demand_ns utilization ceiling_tps ceiling_low_tps ceiling_high_tps verdict evidence",
        ),
        (
            "/capacity/ladder/0",
            "rung fix resource before_tps after_tps after_low_tps after_high_tps next_resource assumption confidence",
        ),
        ("/findings/0", "rule severity subject sentence next_step evidence"),
        ("/timeline/0", "start seconds requests errors tps p50_ns p95_ns concurrency_mean"),
        (
            "/quality",
            "records rejected duplicates copies orphans joined_share unaccounted_share clipped_ns skew_corrected ambiguous_ns \
             warnings",
        ),
    ];

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("it is JSON")
    }

    #[test]
    fn every_field_of_the_contract_is_there() {
        let value = parsed(&write(&small().results()));
        for (place, keys) in CONTRACT {
            let object = value.pointer(place).and_then(Value::as_object).unwrap_or_else(|| panic!("{place} is no object"));
            for key in keys.split_whitespace() {
                assert!(object.contains_key(key), "{place} lacks {key}");
            }
        }
    }

    #[test]
    fn keys_come_in_the_order_of_the_contract() {
        let text = write(&small().results());
        let at = |key: &str| text.find(&format!("\n  \"{key}\":")).unwrap_or_else(|| panic!("no {key}"));
        let order: Vec<usize> = CONTRACT[0].1.split_whitespace().map(at).collect();
        assert!(order.is_sorted(), "{order:?}");
        let endpoint = &text[at("endpoints")..];
        let order: Vec<_> = CONTRACT[6].1.split_whitespace().map(|key| endpoint.find(&format!("\n      \"{key}\":"))).collect();
        assert!(order.is_sorted(), "{order:?}");
    }

    #[test]
    fn values_are_whole_nanoseconds_and_null_is_not_said() {
        let value = parsed(&write(&small().results()));
        let at = |place: &str| value.pointer(place).cloned().unwrap_or_else(|| panic!("no {place}"));
        assert_eq!(at("/sources/0/rejected"), serde_json::json!({"time": 2}));
        assert_eq!(at("/sources/0/first"), "2026-11-22T17:55:51.653000000Z");
        assert_eq!(at("/sources/0/sha256"), Value::Null);
        assert_eq!(at("/requests/tps"), 10.0);
        assert_eq!(at("/requests/goodput_tps"), 9.9);
        assert_eq!(at("/endpoints/0/p95_ns"), 1_200_000_000i64);
        assert_eq!(at("/endpoints/0/buckets/pool_wait"), 60_000_000_000i64);
        assert_eq!(at("/endpoints/0/buckets/queue"), Value::Null);
        assert_eq!(at("/endpoints/0/service"), Value::Null);
        assert_eq!(at("/bottlenecks/0/evidence/0/source"), "logs/access.log");
        assert_eq!(at("/quality/rejected"), 2);
        assert_eq!(at("/capacity/ladder/0/resource"), "HikariPool-1");
        assert_eq!(at("/capacity/resources/1/demand_ns"), 100_000_000i64);
        assert_eq!(at("/quality/warnings/0"), "logs/notes.txt: left alone: not a log narrows knows");
    }

    #[test]
    fn nothing_found_is_null_and_empty_arrays() {
        let value = parsed(&write(&nothing().results()));
        assert_eq!(value.pointer("/window/first"), Some(&Value::Null));
        assert_eq!(value.pointer("/capacity/observed_tps"), Some(&Value::Null));
        assert_eq!(value.pointer("/capacity/ladder"), Some(&serde_json::json!([])));
        assert_eq!(value.pointer("/endpoints"), Some(&serde_json::json!([])));
    }

    #[test]
    fn quantiles_asked_for_besides_add_keys() {
        let mut made = small();
        made.analysis.quantiles.push(0.999);
        made.analysis.endpoints[0].times.quantiles_ns.push(Some(7));
        let value = parsed(&write(&made.results()));
        assert_eq!(value.pointer("/endpoints/0/p99_9_ns"), Some(&Value::from(7)));
        assert_eq!(value.pointer("/endpoints/1/p99_9_ns"), Some(&Value::Null));
    }
}
