//! What requests hold and wait for: thread pools, connection pools, permits, locks; built from
//! whatever the logs say of them, as the capacity model wants it.

mod connections;
mod hosts;
mod sizes;
mod span_holds;
mod statements;
mod threads;

use std::borrow::Cow;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use parsers::{Kind, Outcome};

use super::capacity::full::part_unlogged_waits;
use super::capacity::model::{self, Hold, Resource, System};
use super::columns::Rows;
use super::correlate::{Fate, Links, NONE};
use super::database::Calls;
use super::profile::is_error;
use super::requests::{RequestOf, Requests};
use super::sources::Origin;
use crate::frame::{NO_NAME, NULL_I64};

/// The resources of a system, with what identifies each.
pub struct Resources<'a> {
    /// As the capacity model wants them.
    pub system: System<'a>,
    /// Host or folder of each resource, in the order of `system.resources`.
    pub instance: Vec<String>,
    /// Highest reading of slots in use and of callers waiting, per resource.
    pub readings: Vec<Reading>,
    /// Callers that gave up waiting, per resource.
    pub timeouts: Vec<u64>,
    /// Pools of which only a gauge tells: nobody says who held what, or how long anybody waited.
    pub watched: Vec<Watched>,
    /// Where a stated size contradicts the logs.
    pub conflicts: Vec<String>,
}

impl Resources<'_> {
    /// The name of a resource; with its host where others have the same one.
    pub(crate) fn full_name(&self, at: usize) -> String {
        let Resource { kind, name, .. } = &self.system.resources[at];
        let hosts: Vec<&str> = (self.system.resources.iter().zip(&self.instance))
            .filter(|(other, _)| other.kind == *kind && other.name == *name)
            .map(|(_, host)| last_part(host))
            .collect();
        let host = last_part(&self.instance[at]);
        match hosts.iter().filter(|other| **other == host).count() {
            _ if hosts.len() == 1 => name.clone(),
            1 => format!("{name} of {host}"),
            _ => format!("{name} of {}", self.instance[at]),
        }
    }

    /// The id of a resource's row.
    pub(crate) fn id(&self, at: usize) -> String {
        let Resource { kind, name, .. } = &self.system.resources[at];
        super::tables::id('w', &format!("{} {} {name}", self.instance[at], kind.name()))
    }
}

/// The last part of a path.
fn last_part(path: &str) -> &str {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}

/// A pool of which only a gauge tells.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Watched {
    /// Name.
    pub name: String,
    /// Host or folder.
    pub instance: String,
    /// What the gauge showed.
    pub reading: Reading,
}

/// The highest readings of a resource's gauge.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reading {
    /// Slots in use.
    pub in_use_max: Option<u32>,
    /// Callers waiting.
    pub waiting_max: Option<u32>,
    /// How often both were read.
    pub readings: u32,
    /// How often callers were waiting then.
    pub with_waiters: u32,
}

/// Everything a builder of resources reads.
struct Context<'a> {
    rows: &'a Rows<'a>,
    links: &'a Links<'a>,
    of: &'a RequestOf,
    origins: &'a [Origin],
    gauges: sizes::Gauges,
    hosts: hosts::Hosts<'a>,
}

impl Context<'_> {
    pub(super) fn host(&self, row: usize) -> u32 {
        self.hosts.host(row)
    }

    /// The only gauge of a sort on the host of a row, else around it.
    pub(super) fn only_gauge(&self, row: usize, sort: sizes::Sort) -> Option<&str> {
        let host = self.host(row);
        self.gauges.only(host, sort).or_else(|| self.gauges.only(self.hosts.around(host), sort))
    }

    /// What the record of a wait calls its pool.
    pub(super) fn pool_name(&self, row: usize) -> &str {
        match self.rows.name(row) {
            NO_NAME => model::UNNAMED,
            key => self.rows.text(key),
        }
    }

    /// Start and end of a row; `None` without both.
    pub(super) fn interval(&self, row: usize) -> Option<(i64, i64)> {
        let (start, duration) = (self.links.start[row], self.links.duration[row]);
        (start != NULL_I64 && duration != NULL_I64).then(|| (start, start.saturating_add(duration)))
    }

    pub(super) fn live(&self, row: usize) -> bool {
        self.of[row] != NONE && !matches!(self.links.fate[row], Fate::Copy | Fate::Absorbed)
    }
}

/// Builds the resources of the whole traffic.
#[expect(clippy::too_many_arguments, reason = "each is one thing resources are told from")]
pub(crate) fn build<'a>(
    rows: &Rows<'_>,
    origins: &[Origin],
    links: &Links,
    of: &RequestOf,
    requests: &'a Requests<'_>,
    calls: &Calls,
    host_names: &[String],
    stated: &BTreeMap<String, u32>,
) -> Resources<'a> {
    let hosts = hosts::Hosts::of(rows, origins, &links.parent, host_names);
    let gauges = sizes::Gauges::of(rows, &hosts, links);
    let context = Context { rows, links, of, origins, gauges, hosts };
    let mut found = Found::default();
    threads::add(&context, &mut found);
    connections::add(&context, &mut found);
    add_external(&context, &mut found);
    add_locks(&context, &mut found);
    finish(&context, found, requests, calls, stated)
}

/// Resources on the way, by what identifies them.
#[derive(Default)]
pub(super) struct Found {
    index: HashMap<(u32, model::Kind, String), usize>,
    pub(super) resources: Vec<Resource>,
    pub(super) host: Vec<u32>,
    pub(super) timeouts: Vec<u64>,
}

impl Found {
    /// The resource of that host, sort and name.
    pub(super) fn resource(&mut self, host: u32, kind: model::Kind, name: &str) -> usize {
        let next = self.resources.len();
        let at = *self.index.entry((host, kind, name.to_owned())).or_insert(next);
        if at == next {
            self.resources.push(Resource::new(name, kind));
            self.host.push(host);
            self.timeouts.push(0);
        }
        at
    }
}

/// Calls to others: what a record totals, or the spans themselves, one resource per callee.
fn add_external(context: &Context<'_>, found: &mut Found) {
    let rows = context.rows;
    if !rows.any_part(3) && !rows.any(&[Kind::External]) {
        return;
    }
    // A call whose other side was traced, too, is no black box: its time is told by what lies in it.
    let answered: hashbrown::HashSet<u32> = (0..rows.len())
        .filter(|&row| rows.is(row, Kind::Request) && context.live(row))
        .map(|row| context.links.parent[row])
        .collect();
    for row in 0..rows.len() {
        let (Some((start, end)), true) = (context.interval(row), context.live(row)) else { continue };
        if let Some(external) = rows.parts(row)[3].filter(|&ns| ns > 0) {
            let name = context.only_gauge(row, sizes::Sort::External).unwrap_or(model::UNNAMED).to_owned();
            let at = found.resource(context.host(row), model::Kind::External, &name);
            let mut hold = Hold::new(end.saturating_sub(external).max(start), end, 0, context.of[row]);
            hold.calls = 1;
            found.resources[at].holds.push(hold);
            found.resources[at].placed = false;
        } else if rows.is(row, Kind::External) && context.links.parent[row] != NONE && !answered.contains(&(row as u32)) {
            let peer = [rows.peer(row), rows.name(row)].into_iter().find(|&key| key != NO_NAME);
            let at = found.resource(NONE, model::Kind::External, peer.map_or(model::UNNAMED, |key| rows.text(key)));
            let mut hold = Hold::new(start, end, 0, context.of[row]);
            hold.calls = 1;
            found.resources[at].holds.push(hold);
        }
    }
}

/// Waits for locks: nothing says how long a lock was held, only how long it was waited for.
fn add_locks(context: &Context<'_>, found: &mut Found) {
    let rows = context.rows;
    for row in rows.of_kind(Kind::LockWait).filter(|&row| context.links.fate[row] != Fate::Copy) {
        let Some((start, end)) = context.interval(row) else { continue };
        let at = found.resource(context.host(row), model::Kind::Lock, rows.text(rows.name(row)));
        let mut hold = Hold::new(end, end, end - start, context.of[row]);
        hold.granted = rows.outcome(row) != Outcome::TimedOut;
        found.resources[at].holds.push(hold);
    }
}

/// Keeps the resources with most time in them, and says so where that is not all.
fn keep_largest(found: &mut Found) -> Option<String> {
    /// More than these nobody reads, and each is measured against all requests.
    const MOST: usize = 200;
    if found.resources.len() <= MOST {
        return None;
    }
    let time = |r: &Resource| r.holds.iter().fold(0i128, |sum, h| sum + i128::from(h.held_ns()) + i128::from(h.wait_ns.max(0)));
    let mut order: Vec<usize> = (0..found.resources.len()).collect();
    order.sort_by_cached_key(|&at| (std::cmp::Reverse(time(&found.resources[at])), at));
    let left_out = order.split_off(MOST).len();
    order.sort_unstable();
    let pick = |at: &usize| (found.resources[*at].clone(), found.host[*at], found.timeouts[*at]);
    let kept: Vec<_> = order.iter().map(pick).collect();
    found.resources = kept.iter().map(|k| k.0.clone()).collect();
    found.host = kept.iter().map(|k| k.1).collect();
    found.timeouts = kept.iter().map(|k| k.2).collect();
    Some(format!("{left_out} pools and callees with the least time in them are left out of waits and capacity"))
}

/// The ends of the requests that count for the throughput. Of logs that nothing joins, those that hold no resource may stand
/// before those that do: what the resources let through is told by their own requests alone.
fn counted<'a>(context: &Context<'_>, requests: &'a Requests<'_>, resources: &[Resource]) -> Cow<'a, [i64]> {
    let family = |request: u32| {
        let row = requests.row[request as usize] as usize;
        context.origins[context.rows.source[row] as usize].family
    };
    let apart: hashbrown::HashSet<u32> = (context.links.joined.apart.iter())
        .flat_map(|&(a, b)| [a, b])
        .map(|source| context.origins[source as usize].family)
        .collect();
    let in_requests = |hold: &&Hold| (hold.request as usize) < requests.len();
    let holding: hashbrown::HashSet<u32> =
        resources.iter().flat_map(|r| &r.holds).filter(in_requests).map(|hold| family(hold.request)).collect();
    if apart.is_disjoint(&holding) {
        return Cow::Borrowed(&requests.end);
    }
    let is_out = |request: u32| apart.contains(&family(request)) && !holding.contains(&family(request));
    (0..requests.len() as u32).map(|r| if is_out(r) { NULL_I64 } else { requests.end[r as usize] }).collect()
}

fn finish<'a>(
    context: &Context<'_>,
    mut found: Found,
    requests: &'a Requests<'_>,
    calls: &Calls,
    stated: &BTreeMap<String, u32>,
) -> Resources<'a> {
    let rows = context.rows;
    let left_out = keep_largest(&mut found);
    // Connections and permits are held within worker threads of the same host.
    for at in 0..found.resources.len() {
        let inner = matches!(found.resources[at].kind, model::Kind::Connections | model::Kind::External | model::Kind::Sockets);
        let mut outer = (0..found.resources.len())
            .filter(|&o| found.resources[o].kind == model::Kind::Threads && found.host[o] == found.host[at]);
        if let (true, Some(first), None) = (inner, outer.next(), outer.next()) {
            found.resources[at].parent = Some(first);
        }
    }
    let around = |host: u32| context.hosts.around(host);
    let found_names: hashbrown::HashSet<(u32, String)> = found
        .resources
        .iter()
        .zip(&found.host)
        .flat_map(|(resource, &host)| [host, around(host)].map(|host| (host, resource.name.clone())))
        .collect();
    let (mut readings, mut conflicts) = (Vec::new(), left_out.into_iter().collect::<Vec<_>>());
    for (resource, &host) in found.resources.iter_mut().zip(&found.host) {
        let (size, reading) = context.gauges.size([host, around(host)], resource);
        let told = stated.get(&resource.name).map(|&slots| model::Size { value: Some(slots), basis: model::Basis::Stated });
        if let (Some(told), Some(logged)) =
            (told.and_then(|t| t.value), size.and_then(|s| s.value).filter(|&n| told.is_some_and(|t| t.value != Some(n))))
        {
            conflicts.push(format!("{}: [pools] states {told} slots, the logs say {logged}; [pools] counts", resource.name));
        }
        if let Some(size) = told.or(size) {
            resource.size = size;
        }
        readings.push(reading);
    }
    let is_known = |host: u32, name: &str| found_names.contains(&(host, name.to_owned()));
    let watched = context
        .gauges
        .watched()
        .into_iter()
        .filter(|(host, name, _)| !is_known(*host, name))
        .map(|(host, name, reading)| Watched { name, instance: context.hosts.name(host), reading })
        .collect();
    let instance = found.host.iter().map(|&host| context.hosts.name(host)).collect();
    part_unlogged_waits(&mut found.resources);
    let statements = statements::of(rows, calls, &found.resources, requests.len());
    let success = requests.outcome.iter().map(|outcome| !is_error(*outcome)).collect();
    let system = System {
        requests: model::Requests::new(
            counted(context, requests, &found.resources),
            &requests.duration,
            &requests.endpoint,
            success,
        ),
        resources: found.resources,
        endpoints: requests.endpoints.iter().map(|key| key.text(rows)).collect(),
        statements,
    };
    Resources { system, instance, readings, timeouts: found.timeouts, watched, conflicts }
}
