//! The ranked tables: plain rows, in the order in which they are shown.

use super::bucket::Buckets;

/// Where a row comes from: one record, the auditor's way in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// Number of the source.
    pub source: u32,
    /// Offset of the record in the source as decoded, in bytes.
    pub offset: u64,
    /// Line, from 1.
    pub line: u64,
    /// Duration of the operation, in nanoseconds.
    pub duration_ns: Option<i64>,
    /// Trace the record belongs to: `narrows show --trace` draws it.
    pub trace: Option<u128>,
}

/// Durations of a row, in nanoseconds; `None` where no record has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    /// Sum.
    pub total_ns: Option<i64>,
    /// Mean, rounded.
    pub mean_ns: Option<i64>,
    /// Nearest-rank quantiles, one for each asked for.
    pub quantiles_ns: Vec<Option<i64>>,
    /// Largest.
    pub max_ns: Option<i64>,
}

/// One endpoint.
#[derive(Clone, Debug, Default)]
pub struct EndpointRow {
    /// Stable id.
    pub id: String,
    /// Name, `GET /accounts/{id}`.
    pub endpoint: String,
    /// HTTP method, empty where there is none.
    pub method: String,
    /// Service, empty where none is named.
    pub service: String,
    /// The records of other tiers joined to its requests.
    pub tiers: Vec<TierRow>,
    /// Requests.
    pub calls: u64,
    /// Failed ones.
    pub errors: u64,
    /// Requests per second of the window; `None` when the window has no length.
    pub tps: Option<f64>,
    /// Share of the total time; of the calls where there is no time at all.
    pub share: f64,
    /// Durations.
    pub times: Times,
    /// Bytes sent.
    pub bytes: Option<u64>,
    /// Where the time went.
    pub buckets: Buckets,
    /// Database calls per request.
    pub database_calls_per_request: Option<f64>,
    /// The slowest requests.
    pub evidence: Vec<Evidence>,
}

/// Records of one log that belong to an endpoint's requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TierRow {
    /// Service, empty where none is named.
    pub service: String,
    /// Number of the (first) source.
    pub source: u32,
    /// Records.
    pub calls: u64,
    /// Mean duration, in nanoseconds.
    pub mean_ns: Option<i64>,
}

/// One database statement.
#[derive(Clone, Debug, Default)]
pub struct StatementRow {
    /// Stable id.
    pub id: String,
    /// Fingerprint.
    pub statement: String,
    /// Product.
    pub system: String,
    /// Executions.
    pub calls: u64,
    /// Executions per request; `None` without requests.
    pub calls_per_request: Option<f64>,
    /// Failed ones.
    pub errors: u64,
    /// Time by the server's word.
    pub server_ns: Option<i64>,
    /// Share of the time of all statements.
    pub share: f64,
    /// Durations, as the caller saw them where it told.
    pub times: Times,
    /// Rows returned or affected.
    pub rows: Option<u64>,
    /// The endpoints that make the calls: name, calls, calls per request.
    pub endpoints: Vec<(String, u64, f64)>,
    /// The slowest calls.
    pub evidence: Vec<Evidence>,
}

/// Waits for one resource.
#[derive(Clone, Debug, Default)]
pub struct WaitRow {
    /// Stable id.
    pub id: String,
    /// Name.
    pub resource: String,
    /// Host or folder.
    pub instance: String,
    /// `threads`, `connections`, `sockets`, `external` or `lock`.
    pub kind: &'static str,
    /// How often it was asked for.
    pub acquisitions: u64,
    /// How often it had to be waited for.
    pub waited: u64,
    /// Share of the time of all requests.
    pub share: f64,
    /// Waits.
    pub times: Times,
    /// Size.
    pub servers: Option<u32>,
    /// How the size is known.
    pub servers_basis: &'static str,
    /// Most slots in use.
    pub in_use_max: Option<u32>,
    /// Most callers waiting.
    pub waiting_max: Option<u32>,
    /// Busy share of the slots.
    pub utilization: Option<f64>,
    /// Callers that gave up.
    pub timeouts: u64,
}

/// Pauses of one cause.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PauseRow {
    /// Cause.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// Sum, in nanoseconds.
    pub total_ns: i64,
    /// Longest, in nanoseconds.
    pub max_ns: i64,
}

/// What limits, or takes the most.
#[derive(Clone, Debug, Default)]
pub struct BottleneckRow {
    /// Stable id.
    pub id: String,
    /// Kind, as in the contract.
    pub kind: &'static str,
    /// The thing: pool, endpoint, statement, host.
    pub subject: String,
    /// Share of the time of all requests.
    pub share: f64,
    /// Calls or waits.
    pub calls: u64,
    /// Durations.
    pub times: Times,
    /// Throughput it allows, with its interval.
    pub ceiling_tps: Option<f64>,
    /// Lower end.
    pub ceiling_low_tps: Option<f64>,
    /// Upper end.
    pub ceiling_high_tps: Option<f64>,
    /// Endpoints it concerns, the most concerned first.
    pub endpoints: Vec<String>,
    /// `high`, `medium` or `low`.
    pub confidence: &'static str,
    /// What it is, in one sentence.
    pub sentence: String,
    /// What to do next.
    pub next_step: String,
    /// Records that show it.
    pub evidence: Vec<Evidence>,
}

/// Something worth knowing.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// Name of the rule.
    pub rule: &'static str,
    /// `note`, `warning` or `error`.
    pub severity: &'static str,
    /// What it is about.
    pub subject: String,
    /// What was found.
    pub sentence: String,
    /// What to do next.
    pub next_step: String,
    /// Records that show it.
    pub evidence: Vec<Evidence>,
}

/// One slice of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SliceRow {
    /// Start, in nanoseconds since the epoch.
    pub start_ns: i64,
    /// Width, in nanoseconds.
    pub width_ns: i64,
    /// Requests done in it.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
    /// Median and 95th percentile, in nanoseconds, from the 1 % histogram.
    pub p50_ns: Option<i64>,
    /// See `p50_ns`.
    pub p95_ns: Option<i64>,
    /// Mean number of requests under way.
    pub concurrency_mean: Option<f64>,
}

/// A stable id: a letter for the sort of row, and 32 bits of a hash of what it is about.
pub(crate) fn id(sort: char, text: &str) -> String {
    format!("{sort}{:08x}", parsers::scan::sql::id(text.as_bytes()) as u32)
}
