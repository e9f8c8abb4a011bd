//! From the profile to ranked rows: endpoints, statements, waits, pauses, the timeline.

use hashbrown::HashMap;
use parsers::Kind;
use rayon::prelude::*;

use super::capacity::Capacity;
use super::capacity::model::{Resource, UNNAMED};
use super::columns::Rows;
use super::correlate::tiers::{TierKey, tier_of};
use super::correlate::{Fate, Links, NONE};
use super::database::Calls;
use super::grouped::Group;
use super::profile::histogram::Histogram;
use super::profile::{Groups, Profile, Series};
use super::requests::{RequestOf, Requests};
use super::resources::Resources;
use super::sources::Origin;
use super::summary::{Summary, by_group};
use super::tables::{EndpointRow, Evidence, PauseRow, SliceRow, StatementRow, TierRow, Times, WaitRow, id};
use crate::error::Result;
use crate::frame::NULL_I64;

/// The records of one tier that belong to an endpoint's requests.
#[derive(Clone)]
struct TierSum {
    tier: TierKey,
    calls: u64,
    timed: u64,
    sum: i64,
    source: u32,
}

/// Everything ranking reads.
pub(super) struct Ranking<'a> {
    pub(super) rows: &'a Rows<'a>,
    pub(super) origins: &'a [Origin],
    pub(super) links: &'a Links<'a>,
    pub(super) of: &'a RequestOf,
    pub(super) requests: &'a Requests<'a>,
    pub(super) groups: &'a Groups,
    pub(super) calls: &'a Calls,
    pub(super) profile: &'a Profile,
    pub(super) quantiles: &'a [f64],
}

impl Ranking<'_> {
    /// Length of the window, in seconds; `None` when it has none.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.profile.window.map(|(first, last)| (last - first) as f64 / 1e9).filter(|&s| s > 0.0)
    }

    /// Endpoints by total time, then by calls, then by name.
    pub(super) fn endpoints(&self) -> Vec<EndpointRow> {
        let summary = |group: &Group| Summary::of(group.calls, group.durations.clone(), self.quantiles);
        let summaries: Vec<Summary> = self.groups.endpoints.par_iter().map(summary).collect();
        let evidence = self.groups.endpoints.iter().map(|group| slowest(self.rows, group, &self.requests.row));
        let mut tiers = self.tiers();
        let total: i64 = summaries.iter().filter_map(|s| s.total_ns).fold(0, i64::saturating_add);
        let calls: u64 = summaries.iter().map(|s| s.calls).sum();
        let mut rows: Vec<EndpointRow> = self
            .profile
            .endpoints
            .iter()
            .zip(summaries)
            .zip(evidence)
            .enumerate()
            .filter(|(_, ((_, summary), _))| summary.calls > 0)
            .map(|(number, ((series, summary), evidence))| EndpointRow {
                id: id('e', &format!("{} {}", series.service, series.name)),
                endpoint: series.name.clone(),
                method: series.method.clone(),
                service: series.service.clone(),
                tiers: tiers.remove(&(number as u32)).unwrap_or_default(),
                calls: summary.calls,
                errors: series.errors(),
                tps: self.seconds().map(|s| summary.calls as f64 / s),
                share: share(summary.total_ns, total, summary.calls, calls),
                bytes: series.volume,
                buckets: series.buckets,
                database_calls_per_request: series.database_calls.map(|n| n as f64 / summary.calls as f64),
                times: times(summary),
                evidence,
            })
            .collect();
        rows.sort_by(|a, b| {
            (b.times.total_ns, b.calls)
                .cmp(&(a.times.total_ns, a.calls))
                .then_with(|| (&a.endpoint, &a.service).cmp(&(&b.endpoint, &b.service)))
        });
        rows
    }

    /// For each endpoint, the records of every tier that belong to its requests.
    fn tiers(&self) -> HashMap<u32, Vec<TierRow>> {
        let mut tiers: HashMap<u32, Vec<TierRow>> = HashMap::new();
        // A request has records of few tiers: they are looked for one by one.
        let mut sums: Vec<Vec<TierSum>> = vec![Vec::new(); self.requests.endpoints.len()];
        for row in self.rows.of_kind(Kind::Request).filter(|&row| self.of[row] != NONE) {
            if self.links.fate[row] == Fate::Copy {
                continue;
            }
            let sums = &mut sums[self.requests.endpoint[self.of[row] as usize] as usize];
            let tier = tier_of(self.rows, self.origins, row);
            let at = sums.iter().position(|sum| sum.tier == tier).unwrap_or_else(|| {
                sums.push(TierSum { tier, calls: 0, timed: 0, sum: 0, source: self.rows.source[row] });
                sums.len() - 1
            });
            sums[at].calls += 1;
            if self.links.duration[row] != NULL_I64 {
                sums[at].timed += 1;
                sums[at].sum = sums[at].sum.saturating_add(self.links.duration[row]);
            }
        }
        for (endpoint, mut sums) in sums.into_iter().enumerate() {
            sums.sort_by_key(|s| (std::cmp::Reverse((s.calls > 0, s.sum / (s.timed.max(1) as i64))), s.tier));
            for TierSum { tier, calls, timed, sum, source } in sums {
                let mean_ns = (timed > 0).then(|| (sum as f64 / timed as f64).round() as i64);
                let row = TierRow { service: self.rows.text(tier.1).to_owned(), source, calls, mean_ns };
                tiers.entry(endpoint as u32).or_default().push(row);
            }
        }
        tiers
    }

    /// Statements by total time.
    pub(super) fn statements(&self) -> Result<Vec<StatementRow>> {
        let groups = self.calls.statements.len();
        let summaries = by_group(&self.calls.statement, &self.calls.duration, groups, self.quantiles)?;
        let evidence = self.groups.statements.iter().map(|group| slowest(self.rows, group, &self.calls.row));
        let mut callers = self.callers();
        let per_endpoint = self.requests_per_endpoint();
        let total: i64 = summaries.iter().filter_map(|s| s.total_ns).fold(0, i64::saturating_add);
        let all_calls: u64 = summaries.iter().map(|s| s.calls).sum();
        let requests = self.requests.len() as f64;
        let mut rows: Vec<StatementRow> = Vec::with_capacity(groups);
        for (number, ((series, summary), evidence)) in self.profile.statements.iter().zip(summaries).zip(evidence).enumerate() {
            let calls = series.database_calls.unwrap_or(summary.calls);
            let mut endpoints: Vec<(String, u64, f64)> = callers
                .remove(&(number as u32))
                .unwrap_or_default()
                .into_iter()
                .map(|(endpoint, n)| {
                    (self.profile.endpoints[endpoint as usize].name.clone(), n, n as f64 / per_endpoint[endpoint as usize] as f64)
                })
                .collect();
            endpoints.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            rows.push(StatementRow {
                id: id('s', &series.name),
                statement: series.name.clone(),
                system: series.method.clone(),
                calls,
                calls_per_request: (requests > 0.0).then(|| calls as f64 / requests),
                errors: series.errors(),
                server_ns: series.server_ns,
                share: share(summary.total_ns, total, summary.calls, all_calls),
                times: times(summary),
                rows: series.volume,
                endpoints,
                evidence,
            });
        }
        rows.sort_by(|a, b| {
            (b.times.total_ns, b.calls)
                .cmp(&(a.times.total_ns, a.calls))
                .then_with(|| (&a.statement, &a.system).cmp(&(&b.statement, &b.system)))
        });
        Ok(rows)
    }

    /// Calls by statement and endpoint.
    fn callers(&self) -> HashMap<u32, HashMap<u32, u64>> {
        let mut callers: HashMap<u32, HashMap<u32, u64>> = HashMap::new();
        for (call, &request) in self.calls.request.iter().enumerate().filter(|(_, r)| **r != NONE) {
            let endpoint = self.requests.endpoint[request as usize];
            *callers.entry(self.calls.statement[call]).or_default().entry(endpoint).or_default() +=
                u64::from(self.calls.count[call]);
        }
        callers
    }

    fn requests_per_endpoint(&self) -> Vec<u64> {
        let mut counts = vec![0u64; self.requests.endpoints.len()];
        self.requests.endpoint.iter().for_each(|&endpoint| counts[endpoint as usize] += 1);
        counts
    }

    /// Pauses by total time. A safepoint that was for a collection which is listed itself is left
    /// out: it is the same stop.
    pub(super) fn pauses(&self) -> Vec<PauseRow> {
        let safepoint = |row: usize| self.rows.text(self.rows.name(row)).starts_with("Safepoint");
        let pauses = || self.rows.of_kind(Kind::Pause).filter(|&row| self.links.fate[row] != Fate::Copy);
        let mut collections: Vec<(u32, i64, i64)> = pauses()
            .filter(|&row| !safepoint(row))
            .filter_map(|row| Some((self.rows.source[row], self.rows.start(row)?, self.rows.end(row)?)))
            .collect();
        collections.sort_unstable();
        let is_listed = |row: usize| {
            let (Some(start), Some(end)) = (self.rows.start(row), self.rows.end(row)) else { return false };
            let source = self.rows.source[row];
            // Stamps show milliseconds, so that the two may miss each other by one.
            let from = collections.partition_point(|&(s, _, e)| (s, e) < (source, start.saturating_sub(1_000_000)));
            collections[from..].first().is_some_and(|&(s, begin, _)| s == source && begin <= end.saturating_add(1_000_000))
        };
        let mut by_cause: HashMap<u32, PauseRow> = HashMap::new();
        for row in pauses().filter(|&row| !(safepoint(row) && is_listed(row))) {
            let Some(ns) = self.rows.duration(row) else { continue };
            let cause = || PauseRow { cause: self.rows.text(self.rows.name(row)).to_owned(), ..PauseRow::default() };
            let pause = by_cause.entry(self.rows.name(row)).or_insert_with(cause);
            pause.count += 1;
            pause.total_ns = pause.total_ns.saturating_add(ns);
            pause.max_ns = pause.max_ns.max(ns);
        }
        let mut pauses: Vec<PauseRow> = by_cause.into_values().collect();
        pauses.sort_by(|a, b| b.total_ns.cmp(&a.total_ns).then_with(|| a.cause.cmp(&b.cause)));
        pauses
    }

    /// Waits by total time.
    pub(super) fn waits(&self, resources: &Resources<'_>, capacity: &Capacity) -> Vec<WaitRow> {
        let total: i64 = self.requests.duration.iter().filter(|&&ns| ns != NULL_I64).fold(0, |sum, ns| sum.saturating_add(*ns));
        let mut waits: Vec<WaitRow> = resources
            .system
            .resources
            .iter()
            .enumerate()
            .filter(|(_, resource)| resource.holds.iter().any(|hold| hold.wait_ns > 0))
            .map(|(at, resource)| {
                let durations: Vec<i64> = resource.holds.iter().map(|hold| hold.wait_ns.max(0)).collect();
                let summary = Summary::of(durations.len() as u64, durations.clone(), self.quantiles);
                let known = capacity.resources.get(at);
                let size = known.map_or(resource.size, |k| k.size);
                let reading = resources.readings[at];
                WaitRow {
                    id: resources.id(at),
                    resource: resource.name.clone(),
                    instance: resources.instance[at].clone(),
                    kind: resource.kind.name(),
                    acquisitions: durations.len() as u64,
                    waited: durations.iter().filter(|&&ns| ns > resource.resolution_ns).count() as u64,
                    share: if total > 0 { self.waited_ns(resource) as f64 / total as f64 } else { 0.0 },
                    times: times(summary),
                    servers: size.value,
                    servers_basis: size.basis.name(),
                    in_use_max: reading
                        .in_use_max
                        .or_else(|| known.map(|k| k.in_use_max).filter(|_| resource.kind != super::capacity::model::Kind::Lock)),
                    waiting_max: reading.waiting_max,
                    utilization: known.and_then(|k| k.utilization),
                    timeouts: resources.timeouts[at],
                }
            })
            .collect();
        waits.extend(self.loose_waits(resources));
        waits.sort_by(|a, b| {
            b.times.total_ns.cmp(&a.times.total_ns).then_with(|| (&a.resource, &a.instance).cmp(&(&b.resource, &b.instance)))
        });
        waits
    }

    /// Time requests waited for a resource. Of a request that was given up only what its caller saw counts.
    fn waited_ns(&self, resource: &Resource) -> i64 {
        let most = |request: u32| self.requests.duration.get(request as usize).copied().filter(|&ns| ns != NULL_I64);
        let waits = resource.holds.iter().map(|hold| hold.wait_ns.clamp(0, most(hold.request).unwrap_or(i64::MAX).max(0)));
        waits.fold(0, i64::saturating_add)
    }

    /// Waits for pools that belong to no request: a pool's own log tells of them.
    fn loose_waits(&self, resources: &Resources<'_>) -> Vec<WaitRow> {
        let mut by_pool: std::collections::BTreeMap<&str, (Vec<i64>, u64)> = std::collections::BTreeMap::new();
        for row in self.rows.of_kind(Kind::PoolWait).filter(|&row| self.of[row] == NONE) {
            if let Some(ns) = self.rows.duration(row).filter(|_| self.links.fate[row] != Fate::Copy) {
                let pool = by_pool.entry(self.rows.text(self.rows.name(row))).or_default();
                pool.0.push(ns);
                pool.1 += u64::from(self.rows.outcome(row) == parsers::Outcome::TimedOut);
            }
        }
        // Timeouts that the transactions themselves tell of are not told twice.
        let told: u64 = resources.timeouts.iter().sum();
        by_pool
            .into_iter()
            .filter(|(_, (durations, timeouts))| *timeouts < durations.len() as u64 || told * 10 < *timeouts * 9)
            .map(|(name, waits)| (if name.is_empty() { UNNAMED } else { name }, waits))
            .map(|(name, (durations, timeouts))| {
                let summary = Summary::of(durations.len() as u64, durations.clone(), self.quantiles);
                WaitRow {
                    id: id('w', &format!("loose {name}")),
                    resource: name.to_owned(),
                    kind: "connections",
                    acquisitions: summary.calls,
                    waited: durations.iter().filter(|&&ns| ns > 0).count() as u64,
                    times: times(summary),
                    servers_basis: "unknown",
                    timeouts,
                    ..WaitRow::default()
                }
            })
            .collect()
    }

    /// The blocks of all endpoints together, as slices of time.
    pub(super) fn timeline(&self) -> Vec<SliceRow> {
        let mut slices: std::collections::BTreeMap<i64, (Histogram, u64, u64)> = std::collections::BTreeMap::new();
        for block in self.profile.endpoints.iter().flat_map(|series: &Series| &series.blocks) {
            let slice = slices.entry(block.start_ns).or_default();
            slice.0.merge(&block.durations);
            slice.1 += block.count;
            slice.2 += block.errors;
        }
        let concurrency = self.concurrency(self.profile.block_ns);
        let Some((first, last)) = self.profile.window else { return Vec::new() };
        let width = self.profile.block_ns;
        // Slices without a request are slices, too: a stall is the most telling of all.
        (first.div_euclid(width)..=last.div_euclid(width))
            .map(|number| {
                let (durations, requests, errors) = slices.remove(&(number * width)).unwrap_or_default();
                SliceRow {
                    start_ns: number * width,
                    width_ns: width,
                    requests,
                    errors,
                    p50_ns: durations.quantile_ns(0.5),
                    p95_ns: durations.quantile_ns(0.95),
                    concurrency_mean: concurrency
                        .as_ref()
                        .map(|c| c[(number - first.div_euclid(width)) as usize] as f64 / width as f64),
                }
            })
            .collect()
    }

    /// Time spent inside requests, by number of the slice; `None` when no request has a duration.
    fn concurrency(&self, width: i64) -> Option<Vec<i64>> {
        let (first, last) = self.profile.window?;
        let slice_of = |at: i64| at.div_euclid(width);
        let mut inside = vec![0i64; (slice_of(last) - slice_of(first) + 1) as usize];
        for (&end, &ns) in self.requests.end.iter().zip(self.requests.duration.iter()) {
            if end == NULL_I64 || ns == NULL_I64 {
                continue;
            }
            let mut at = end.saturating_sub(ns).max(first);
            while at < end.min(last.saturating_add(1)) {
                let slice = slice_of(at);
                let until = end.min((slice + 1).saturating_mul(width));
                let sum = &mut inside[(slice - slice_of(first)) as usize];
                *sum = sum.saturating_add(until - at);
                at = until;
            }
        }
        inside.iter().any(|&ns| ns > 0).then_some(inside)
    }
}

fn times(summary: Summary) -> Times {
    Times { total_ns: summary.total_ns, mean_ns: summary.mean_ns(), max_ns: summary.max_ns, quantiles_ns: summary.quantiles_ns }
}

/// Share of the total time; where no record has a time, share of the calls.
fn share(part: Option<i64>, total: i64, calls: u64, all_calls: u64) -> f64 {
    match part {
        Some(part) if total > 0 => part as f64 / total as f64,
        _ if total == 0 && all_calls > 0 => calls as f64 / all_calls as f64,
        _ => 0.0,
    }
}

/// The slowest records of a group; `row` gives the row of each of its operations.
fn slowest(rows: &Rows<'_>, group: &Group, row: &[u32]) -> Vec<Evidence> {
    group.slowest.iter().map(|&(ns, at)| evidence_of(rows, row[at as usize], ns)).collect()
}

/// Where a row stands.
pub(super) fn evidence_of(rows: &Rows<'_>, row: u32, ns: i64) -> Evidence {
    let row = row as usize;
    Evidence {
        source: rows.source[row],
        offset: rows.offset[row],
        line: u64::from(rows.line[row]) + 1,
        duration_ns: (ns != NULL_I64).then_some(ns),
        trace: rows.trace(row),
    }
}
