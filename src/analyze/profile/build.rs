//! From requests and calls to a profile.

use parsers::Outcome;
use rayon::prelude::*;

use super::histogram::Recorder;
use super::{Block, Caller, Profile, Series, block_width};
use crate::analyze::columns::Rows;
use crate::analyze::correlate::NONE;
use crate::analyze::database::Calls;
use crate::analyze::grouped::{Group, Operations};
use crate::analyze::requests::{Requests, Sums};
use crate::frame::NULL_I64;

/// A run's requests by endpoint and calls by statement, in the order of their numbers.
pub(crate) struct Groups {
    window: Option<(i64, i64)>,
    block_ns: i64,
    pub(crate) endpoints: Vec<Group>,
    pub(crate) statements: Vec<Group>,
}

impl Groups {
    /// Of these requests and calls.
    pub(crate) fn of(rows: &Rows<'_>, requests: &Requests<'_>, calls: &Calls) -> Self {
        let ends = || requests.end.iter().copied().filter(|&end| end != NULL_I64);
        let window = ends().min().zip(ends().max());
        let block_ns = block_width(window);
        let by_endpoint = Operations { group: &requests.endpoint, end: &requests.end, duration: &requests.duration };
        // A call is done when its request is, so that blocks of both agree; without one, when it ended.
        let end: Vec<i64> = (0..calls.len())
            .map(|call| match calls.request[call] {
                NONE => rows.end(calls.row[call] as usize).unwrap_or(NULL_I64),
                request => requests.end[request as usize],
            })
            .collect();
        let by_statement = Operations { group: &calls.statement, end: &end, duration: &calls.duration };
        Groups {
            window,
            block_ns,
            endpoints: by_endpoint.grouped(requests.endpoints.len(), block_ns, |at| is_error(requests.outcome[at])),
            statements: by_statement.grouped(calls.statements.len(), block_ns, |at| calls.failed[at]),
        }
    }
}

/// Sums up a run. `sums` are what the requests of each endpoint add up to.
pub(crate) fn build(rows: &Rows<'_>, requests: &Requests<'_>, groups: &Groups, sums: &[Sums], calls: &Calls) -> Profile {
    let (window, block_ns) = (groups.window, groups.block_ns);
    let blocks = blocks(&groups.endpoints, block_ns);
    let mut endpoints: Vec<Series> = requests
        .endpoints
        .iter()
        .zip(blocks)
        .zip(sums)
        .map(|((key, blocks), sums)| Series {
            name: key.text(rows),
            method: rows.text(key.method).to_owned(),
            service: rows.text(key.service).to_owned(),
            buckets: sums.buckets,
            volume: sums.bytes,
            database_calls: sums.stated_calls,
            blocks,
            ..Series::default()
        })
        .collect();
    count_calls(requests, calls, &mut endpoints);
    let statements = statements(rows, calls, groups);
    let callers = callers(requests, calls, &endpoints, &statements);
    Profile { block_ns, window, endpoints, statements, callers }
}

/// Failures, among which no 4xx counts but 408, 429 and 499.
pub(crate) fn is_error(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::TimedOut | Outcome::Abandoned)
}

/// Database calls per endpoint: where statements were joined they count, not what the records say of their number.
fn count_calls(requests: &Requests<'_>, calls: &Calls, endpoints: &mut [Series]) {
    let mut joined = vec![0u64; endpoints.len()];
    for (call, &request) in calls.request.iter().enumerate().filter(|(_, request)| **request != NONE) {
        joined[requests.endpoint[request as usize] as usize] += u64::from(calls.count[call]);
    }
    if joined.iter().any(|&n| n > 0) {
        endpoints.iter_mut().zip(joined).for_each(|(series, n)| series.database_calls = Some(n));
    }
}

/// Whose requests make the calls, and how long these take. One statement may be quick for one endpoint and slow for another.
fn callers(requests: &Requests<'_>, calls: &Calls, endpoints: &[Series], statements: &[Series]) -> Vec<Caller> {
    let mut sums: std::collections::BTreeMap<(&str, &str), (u64, u64, i64)> = std::collections::BTreeMap::new();
    for (call, &request) in calls.request.iter().enumerate().filter(|(_, request)| **request != NONE) {
        let endpoint = &endpoints[requests.endpoint[request as usize] as usize].name;
        let statement = &statements[calls.statement[call] as usize].name;
        let (n, timed, total_ns) = sums.entry((statement, endpoint)).or_default();
        *n += u64::from(calls.count[call]);
        if calls.duration[call] != NULL_I64 {
            *timed += 1;
            *total_ns = total_ns.saturating_add(calls.duration[call]);
        }
    }
    sums.into_iter()
        .map(|((statement, endpoint), (calls, timed, total_ns))| Caller {
            statement: statement.to_owned(),
            endpoint: endpoint.to_owned(),
            calls,
            timed,
            total_ns,
        })
        .collect()
}

fn statements(rows: &Rows<'_>, calls: &Calls, groups: &Groups) -> Vec<Series> {
    let blocks = blocks(&groups.statements, groups.block_ns);
    let mut series: Vec<Series> = calls
        .statements
        .iter()
        .zip(blocks)
        .map(|(&(name, system), blocks)| Series {
            name: rows.text(name).to_owned(),
            method: rows.text(system).to_owned(),
            blocks,
            ..Series::default()
        })
        .collect();
    for call in 0..calls.len() {
        let series = &mut series[calls.statement[call] as usize];
        series.database_calls = Some(series.database_calls.unwrap_or(0) + u64::from(calls.count[call]));
        if calls.server[call] != NULL_I64 {
            series.server_ns = Some(series.server_ns.unwrap_or(0).saturating_add(calls.server[call]));
        }
        if let Some(n) = calls.rows[call] {
            series.volume = Some(series.volume.unwrap_or(0).saturating_add(n));
        }
    }
    series
}

fn blocks(groups: &[Group], block_ns: i64) -> Vec<Vec<Block>> {
    groups.par_iter().map_init(Recorder::new, |recorder, group| group.blocks(block_ns, recorder)).collect()
}
