//! Work that the response time hides or that is done more than once: calls side by side, calls
//! tried again, and work that goes on after the answer.

use hashbrown::{HashMap, HashSet};
use parsers::{Kind, Outcome, Role};

use super::attribute::Attribution;
use super::columns::Rows;
use super::correlate::{Fate, Links, NONE};
use super::rank::evidence_of;
use super::requests::{RequestOf, Requests};
use super::tables::Evidence;
use crate::frame::NULL_I64;

/// How many slowest records stand behind a row.
const EVIDENCE: usize = 3;

/// What the traces show beside response times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amplification {
    /// Calls of one sort in one endpoint, most time first.
    pub fan_outs: Vec<FanOut>,
    /// Calls that were tried again, most time lost first.
    pub retries: Vec<Retries>,
    /// Work after the answer, by endpoint, most first.
    pub tails: Vec<Tail>,
}

/// All calls of one name that one endpoint makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FanOut {
    /// Endpoint.
    pub endpoint: String,
    /// Statement, or what is called.
    pub call: String,
    /// Kind of the calls.
    pub kind: &'static str,
    /// Calls.
    pub calls: u64,
    /// Requests of the endpoint.
    pub requests: u64,
    /// Time of all calls, in nanoseconds.
    pub total_ns: i64,
    /// Their time on the critical paths, in nanoseconds.
    pub path_ns: i64,
    /// Time of all requests of the endpoint, in nanoseconds.
    pub endpoint_ns: i64,
    /// The longest calls.
    pub evidence: Vec<Evidence>,
}

impl FanOut {
    /// Calls per request.
    pub fn per_request(&self) -> f64 {
        self.calls as f64 / self.requests.max(1) as f64
    }
}

/// Calls of one name that failed and were made again by the same operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retries {
    /// Endpoint.
    pub endpoint: String,
    /// Statement, or what is called.
    pub call: String,
    /// Calls, each tried at least twice.
    pub calls: u64,
    /// Attempts in all.
    pub attempts: u64,
    /// Attempts that failed and were followed by another.
    pub failed: u64,
    /// Calls of which the last attempt failed, too.
    pub given_up: u64,
    /// Time of the failed attempts, in nanoseconds.
    pub failed_ns: i64,
    /// Of it, on the critical paths.
    pub path_ns: i64,
    /// The longest failed attempt, in nanoseconds.
    pub max_ns: i64,
    /// The longest failed attempts.
    pub evidence: Vec<Evidence>,
}

/// Work of an endpoint's requests that ran on after their end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tail {
    /// Endpoint.
    pub endpoint: String,
    /// Requests with such work.
    pub requests: u64,
    /// Requests of the endpoint.
    pub of: u64,
    /// Sum of the times from the end of the request to the end of the work, in nanoseconds.
    pub total_ns: i64,
    /// Time of all requests of the endpoint, in nanoseconds.
    pub endpoint_ns: i64,
    /// The requests with the longest.
    pub evidence: Vec<Evidence>,
}

/// Everything that is read.
pub(crate) struct Context<'a> {
    pub(crate) rows: &'a Rows<'a>,
    pub(crate) links: &'a Links<'a>,
    pub(crate) of: &'a RequestOf,
    pub(crate) requests: &'a Requests<'a>,
    pub(crate) attribution: &'a Attribution,
}

/// Finds it. Only spans tell.
pub(crate) fn find(context: &Context<'_>) -> Amplification {
    if context.attribution.branch_ns.is_empty() {
        return Amplification::default();
    }
    let per_endpoint = context.per_endpoint();
    Amplification { fan_outs: fan_outs(context, &per_endpoint), retries: retries(context), tails: tails(context, &per_endpoint) }
}

impl Context<'_> {
    /// Requests and their time, by endpoint.
    fn per_endpoint(&self) -> Vec<(u64, i64)> {
        let mut sums = vec![(0u64, 0i64); self.requests.endpoints.len()];
        for (&endpoint, &ns) in self.requests.endpoint.iter().zip(self.requests.duration.iter()) {
            let sum = &mut sums[endpoint as usize];
            sum.0 += 1;
            sum.1 = if ns == NULL_I64 { sum.1 } else { sum.1.saturating_add(ns) };
        }
        sums
    }

    /// The endpoint of a row that is a call its caller told of.
    fn endpoint_of_call(&self, row: usize) -> Option<u32> {
        let is_call = matches!(self.rows.kind(row), Kind::Database | Kind::External | Kind::Cache | Kind::Messaging);
        let by_caller = !matches!(self.rows.role(row), Role::Server | Role::Consumer);
        let live = !matches!(self.links.fate[row], Fate::Copy | Fate::Absorbed);
        let timed = self.links.duration[row] != NULL_I64;
        let request = self.of[row];
        (is_call && by_caller && live && timed && request != NONE).then(|| self.requests.endpoint[request as usize])
    }

    fn endpoint_text(&self, endpoint: u32) -> String {
        self.requests.endpoints[endpoint as usize].text(self.rows)
    }

    fn evidence(&self, longest: &[(i64, u32)]) -> Vec<Evidence> {
        longest.iter().map(|&(ns, row)| evidence_of(self.rows, row, ns)).collect()
    }
}

/// Times and their rows.
type Longest = Vec<(i64, u32)>;

/// Keeps the longest few, longest first; of equals the first row, whatever order they come in.
fn keep_longest(longest: &mut Longest, ns: i64, row: u32) {
    let at = longest.partition_point(|&(other, of)| (other, std::cmp::Reverse(of)) > (ns, std::cmp::Reverse(row)));
    if at < EVIDENCE {
        longest.insert(at, (ns, row));
        longest.truncate(EVIDENCE);
    }
}

#[derive(Default)]
struct Calls {
    calls: u64,
    total_ns: i64,
    path_ns: i64,
    longest: Longest,
}

fn fan_outs(context: &Context<'_>, per_endpoint: &[(u64, i64)]) -> Vec<FanOut> {
    let rows = context.rows;
    let mut by_key: HashMap<(u32, u32, u8), Calls> = HashMap::new();
    for row in 0..rows.len() {
        let Some(endpoint) = context.endpoint_of_call(row) else { continue };
        let calls = by_key.entry((endpoint, rows.name(row), rows.kind(row) as u8)).or_default();
        let ns = context.links.duration[row].max(0);
        calls.calls += u64::from(rows.count(row).unwrap_or(1));
        calls.total_ns = calls.total_ns.saturating_add(ns);
        calls.path_ns = calls.path_ns.saturating_add(context.attribution.branch_ns[row]);
        keep_longest(&mut calls.longest, ns, row as u32);
    }
    let mut fan_outs: Vec<FanOut> = by_key
        .into_iter()
        .map(|((endpoint, name, kind), calls)| FanOut {
            endpoint: context.endpoint_text(endpoint),
            call: rows.text(name).to_owned(),
            kind: Kind::ALL[usize::from(kind)].name(),
            calls: calls.calls,
            requests: per_endpoint[endpoint as usize].0,
            total_ns: calls.total_ns,
            path_ns: calls.path_ns,
            endpoint_ns: per_endpoint[endpoint as usize].1,
            evidence: context.evidence(&calls.longest),
        })
        .collect();
    fan_outs.sort_by(|a, b| {
        b.total_ns.cmp(&a.total_ns).then_with(|| (&a.endpoint, &a.call, a.kind).cmp(&(&b.endpoint, &b.call, b.kind)))
    });
    fan_outs
}

/// Operation above, what is called, who is called, kind.
type CallKey = (u32, u32, u32, u8);

fn retries(context: &Context<'_>) -> Vec<Retries> {
    let rows = context.rows;
    let failed = |row: usize| matches!(rows.outcome(row), Outcome::Failed | Outcome::TimedOut);
    let key = |row: usize| -> CallKey { (context.links.parent[row], rows.name(row), rows.peer(row), rows.kind(row) as u8) };
    let is_attempt = |row: usize| context.links.parent[row] != NONE && context.endpoint_of_call(row).is_some();
    let suspects: HashSet<CallKey> = (0..rows.len()).filter(|&row| failed(row) && is_attempt(row)).map(key).collect();
    if suspects.is_empty() {
        return Vec::new();
    }
    let mut by_key: HashMap<CallKey, Vec<u32>> = HashMap::new();
    for row in (0..rows.len()).filter(|&row| is_attempt(row) && suspects.contains(&key(row))) {
        by_key.entry(key(row)).or_default().push(row as u32);
    }
    let mut found: HashMap<(u32, u32), (Retries, Longest)> = HashMap::new();
    for attempts in by_key.values_mut().filter(|attempts| attempts.len() > 1) {
        attempts.sort_unstable_by_key(|&row| (context.links.start[row as usize], row));
        for call in tries(context, attempts, &failed) {
            let first = call[0] as usize;
            let Some(endpoint) = context.endpoint_of_call(first) else { continue };
            let (retries, longest) = found.entry((endpoint, rows.name(first))).or_default();
            retries.calls += 1;
            retries.attempts += call.len() as u64;
            retries.failed += call.len() as u64 - 1;
            retries.given_up += u64::from(call.last().is_some_and(|&last| failed(last as usize)));
            for &row in &call[..call.len() - 1] {
                let ns = context.links.duration[row as usize].max(0);
                retries.failed_ns = retries.failed_ns.saturating_add(ns);
                retries.path_ns = retries.path_ns.saturating_add(context.attribution.branch_ns[row as usize]);
                retries.max_ns = retries.max_ns.max(ns);
                keep_longest(longest, ns, row);
            }
        }
    }
    let mut retries: Vec<Retries> = found
        .into_iter()
        .map(|((endpoint, name), (retries, longest))| Retries {
            endpoint: context.endpoint_text(endpoint),
            call: rows.text(name).to_owned(),
            evidence: context.evidence(&longest),
            ..retries
        })
        .collect();
    retries.sort_by(|a, b| b.failed_ns.cmp(&a.failed_ns).then_with(|| (&a.endpoint, &a.call).cmp(&(&b.endpoint, &b.call))));
    retries
}

/// Runs of attempts, each but the last of a run failed and over before the next began.
fn tries<'a>(context: &Context<'_>, attempts: &'a [u32], failed: &dyn Fn(usize) -> bool) -> Vec<&'a [u32]> {
    let end = |row: u32| {
        let row = row as usize;
        context.links.start[row].saturating_add(context.links.duration[row].max(0))
    };
    let follows = |a: &u32, b: &u32| failed(*a as usize) && end(*a) <= context.links.start[*b as usize];
    attempts.chunk_by(follows).filter(|run| run.len() > 1).collect()
}

fn tails(context: &Context<'_>, per_endpoint: &[(u64, i64)]) -> Vec<Tail> {
    let mut by_endpoint: HashMap<u32, (Tail, Longest)> = HashMap::new();
    for (request, &row) in context.requests.row.iter().enumerate() {
        let ns = context.attribution.tail_ns[row as usize];
        if ns > 0 && context.rows.span(row as usize).is_some() {
            let (tail, longest) = by_endpoint.entry(context.requests.endpoint[request]).or_default();
            tail.requests += 1;
            tail.total_ns = tail.total_ns.saturating_add(ns);
            keep_longest(longest, ns, row);
        }
    }
    let mut tails: Vec<Tail> = by_endpoint
        .into_iter()
        .map(|(endpoint, (tail, longest))| Tail {
            endpoint: context.endpoint_text(endpoint),
            of: per_endpoint[endpoint as usize].0,
            endpoint_ns: per_endpoint[endpoint as usize].1,
            evidence: context.evidence(&longest),
            ..tail
        })
        .collect();
    tails.sort_by(|a, b| b.total_ns.cmp(&a.total_ns).then_with(|| a.endpoint.cmp(&b.endpoint)));
    tails
}
