//! Services and the calls between them. The time between a caller's and its callee's record of one
//! call belongs to neither: it is the edge's (connections, accept queues, the wire).

use hashbrown::HashMap;
use parsers::{Kind, Outcome, Role};

use super::attribute::Attribution;
use super::columns::Rows;
use super::correlate::{Fate, Links, NONE};
use super::requests::RequestOf;
use crate::frame::{NO_NAME, NULL_I64};

/// One service, over all requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceRow {
    /// Name.
    pub service: String,
    /// Operations it told of.
    pub operations: u64,
    /// Of them, requests it served.
    pub requests: u64,
    /// Of the requests, those that failed.
    pub errors: u64,
    /// Time of its operations that nothing below them covers, in nanoseconds.
    pub self_ns: i64,
    /// Time of its operations on the critical paths, in nanoseconds.
    pub path_ns: i64,
    /// Share of that in the time of all requests.
    pub share: f64,
}

/// The calls from one service to another, or to something that tells of nothing itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdgeRow {
    /// Who calls.
    pub caller: String,
    /// Who is called: a service, else the address or product.
    pub callee: String,
    /// `service`, `external`, `database`, `cache` or `messaging`.
    pub kind: &'static str,
    /// Calls.
    pub calls: u64,
    /// Failed ones.
    pub errors: u64,
    /// Time of the calls as the caller saw it, in nanoseconds; `None` when it told of none.
    pub total_ns: Option<i64>,
    /// Calls that both sides told of.
    pub paired: u64,
    /// Time of those on the caller's side that the callee does not cover, in nanoseconds.
    pub gap_ns: Option<i64>,
}

impl EdgeRow {
    /// Mean time between the two sides of a call, in nanoseconds.
    pub fn mean_gap_ns(&self) -> Option<i64> {
        self.gap_ns.map(|ns| ns / self.paired.max(1) as i64)
    }
}

/// Services by their time on the critical paths; none where no span names one.
pub(crate) fn services(
    rows: &Rows<'_>,
    links: &Links,
    of: &RequestOf,
    attribution: &Attribution,
    total_ns: Option<i64>,
) -> Vec<ServiceRow> {
    if !rows.has_spans() {
        return Vec::new();
    }
    let mut by_key: HashMap<u32, ServiceRow> = HashMap::new();
    for row in (0..rows.len()).filter(|&row| counts(rows, links, of, row)) {
        let service = by_key.entry(rows.service(row)).or_default();
        service.operations += 1;
        if rows.is(row, Kind::Request) {
            service.requests += 1;
            service.errors += u64::from(failed(rows, row));
        }
        let alone = || links.duration[row].max(0);
        service.self_ns = service.self_ns.saturating_add(attribution.self_ns.get(row).copied().unwrap_or_else(alone));
        service.path_ns = service.path_ns.saturating_add(attribution.cp_ns.get(row).copied().unwrap_or_else(alone));
    }
    let mut services: Vec<ServiceRow> = by_key
        .into_iter()
        .map(|(key, row)| ServiceRow {
            service: rows.text(key).to_owned(),
            share: total_ns.filter(|&t| t > 0).map_or(0.0, |total| row.path_ns as f64 / total as f64),
            ..row
        })
        .collect();
    services.sort_by(|a, b| b.path_ns.cmp(&a.path_ns).then_with(|| a.service.cmp(&b.service)));
    services
}

/// Edges by the time of their calls.
pub(crate) fn edges(rows: &Rows<'_>, links: &Links, of: &RequestOf, attribution: &Attribution) -> Vec<EdgeRow> {
    if !rows.has_spans() {
        return Vec::new();
    }
    let mut edges = Edges::default();
    let mut answered = vec![false; rows.len()];
    for row in (0..rows.len()).filter(|&row| rows.is(row, Kind::Request) && counts(rows, links, of, row)) {
        let caller = links.parent[row] as usize;
        if caller >= rows.len() || rows.service(caller) == NO_NAME || rows.service(caller) == rows.service(row) {
            continue;
        }
        let edge = edges.edge((rows.service(caller), "service", rows.service(row)));
        edge.calls += 1;
        edge.errors += u64::from(failed(rows, row) || (calls_out(rows, caller) && failed(rows, caller)));
        // A second attempt under the same call shares its time, which is booked once.
        if calls_out(rows, caller) && !std::mem::replace(&mut answered[caller], true) {
            edge.add_time(links.duration[caller]);
            if let Some(&gap) = attribution.self_ns.get(caller) {
                edge.paired += 1;
                edge.gap_ns = Some(edge.gap_ns.unwrap_or(0).saturating_add(gap));
            }
        }
    }
    for row in (0..rows.len()).filter(|&row| calls_out(rows, row) && counts(rows, links, of, row) && !answered[row]) {
        let kind = match rows.kind(row) {
            Kind::Database => "database",
            Kind::Cache => "cache",
            Kind::Messaging => "messaging",
            Kind::External => "external",
            _ => continue,
        };
        let callee = [rows.peer(row), rows.system(row)].into_iter().find(|&key| key != NO_NAME);
        let edge = edges.edge((rows.service(row), kind, callee.unwrap_or(NO_NAME)));
        let count = u64::from(rows.count(row).unwrap_or(1));
        edge.calls += count;
        edge.errors += u64::from(failed(rows, row));
        edge.add_time(links.duration[row]);
    }
    edges.finish(rows)
}

/// Whether a row belongs to a request that is kept, and a service told of it.
fn counts(rows: &Rows<'_>, links: &Links, of: &RequestOf, row: usize) -> bool {
    rows.service(row) != NO_NAME && of[row] != NONE && !matches!(links.fate[row], Fate::Copy | Fate::Absorbed)
}

/// Whether a row is the caller's side of a call.
fn calls_out(rows: &Rows<'_>, row: usize) -> bool {
    match rows.role(row) {
        Role::Client | Role::Producer => true,
        Role::Unknown | Role::Internal => {
            matches!(rows.kind(row), Kind::External | Kind::Database | Kind::Cache | Kind::Messaging)
        }
        Role::Server | Role::Consumer => false,
    }
}

fn failed(rows: &Rows<'_>, row: usize) -> bool {
    matches!(rows.outcome(row), Outcome::Failed | Outcome::TimedOut)
}

impl EdgeRow {
    fn add_time(&mut self, ns: i64) {
        if ns != NULL_I64 {
            self.total_ns = Some(self.total_ns.unwrap_or(0).saturating_add(ns.max(0)));
        }
    }
}

/// Caller, sort of callee, callee.
type EdgeKey = (u32, &'static str, u32);

#[derive(Default)]
struct Edges(HashMap<EdgeKey, EdgeRow>);

impl Edges {
    fn edge(&mut self, key: EdgeKey) -> &mut EdgeRow {
        self.0.entry(key).or_default()
    }

    fn finish(self, rows: &Rows<'_>) -> Vec<EdgeRow> {
        let named = |key: u32, kind: &str| match key {
            NO_NAME => format!("({kind})"),
            key => rows.text(key).to_owned(),
        };
        let mut edges: Vec<EdgeRow> = self
            .0
            .into_iter()
            .map(|((caller, kind, callee), row)| EdgeRow {
                caller: named(caller, "caller"),
                callee: named(callee, kind),
                kind,
                ..row
            })
            .collect();
        edges.sort_by(|a, b| {
            b.total_ns.cmp(&a.total_ns).then_with(|| (&a.caller, &a.callee, a.kind).cmp(&(&b.caller, &b.callee, b.kind)))
        });
        edges
    }
}
