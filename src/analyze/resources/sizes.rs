//! Sizes and readings of pools: what start-up lines and gauges say, and which resource they mean.

use hashbrown::HashMap;
use parsers::Kind;

use super::Reading;
use super::hosts::Hosts;
use crate::analyze::capacity::model::{self, Basis, Resource, Size, UNNAMED};
use crate::analyze::columns::Rows;
use crate::analyze::correlate::{Fate, Links};
use crate::frame::NO_NAME;

/// What sort of resource a gauge's name speaks of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sort {
    Threads,
    Connections,
    External,
}

impl Sort {
    fn of(name: &str, readings: bool) -> Option<Sort> {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if name == UNNAMED {
            Some(Sort::Connections)
        } else if has(&["worker", "thread", "executor", "exec", "tomcat", "jetty", "undertow"]) {
            Some(Sort::Threads)
        } else if has(&["pool", "hikari", "datasource", "jdbc", "dbcp", "c3p0", "connection", "db"]) {
            Some(Sort::Connections)
        } else if has(&["ext", "gateway", "partner", "permit", "bulkhead", "semaphore", "http"]) {
            Some(Sort::External)
        } else {
            readings.then_some(Sort::Connections)
        }
    }

    fn of_resource(kind: model::Kind) -> Option<Sort> {
        match kind {
            model::Kind::Threads => Some(Sort::Threads),
            model::Kind::Connections => Some(Sort::Connections),
            model::Kind::External | model::Kind::Sockets => Some(Sort::External),
            model::Kind::Lock | model::Kind::Database => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Gauge {
    /// The largest size stated.
    slots: Option<u32>,
    in_use_max: Option<u32>,
    waiting_max: Option<u32>,
    /// Slots in use at the reading with callers waiting: a full pool shows its size.
    full: Option<u32>,
    /// Readings of slots and waiters, and those of them with callers waiting.
    readings: u32,
    with_waiters: u32,
}

impl Gauge {
    fn reading(&self) -> Reading {
        Reading {
            in_use_max: self.in_use_max,
            waiting_max: self.waiting_max,
            readings: self.readings,
            with_waiters: self.with_waiters,
        }
    }
}

fn name_of<'a>(rows: &Rows<'a>, row: usize) -> &'a str {
    match rows.name(row) {
        NO_NAME => UNNAMED,
        key if rows.text(key).is_empty() => UNNAMED,
        key => rows.text(key),
    }
}

/// Gauges by host and name.
#[derive(Default)]
pub(super) struct Gauges {
    by_name: HashMap<(u32, String), Gauge>,
}

impl Gauges {
    pub(super) fn of(rows: &Rows<'_>, hosts: &Hosts<'_>, links: &Links) -> Gauges {
        let mut gauges = Gauges::default();
        for row in rows.of_kind(Kind::Gauge).filter(|&row| links.fate[row] != Fate::Copy) {
            let gauge = gauges.by_name.entry((hosts.host(row), name_of(rows, row).to_owned())).or_default();
            let [slots, in_use, waiting] = rows.gauge(row);
            gauge.slots = gauge.slots.max(slots);
            gauge.in_use_max = gauge.in_use_max.max(in_use);
            gauge.waiting_max = gauge.waiting_max.max(waiting);
            gauge.readings += u32::from(in_use.is_some() && waiting.is_some());
            if waiting.is_some_and(|waiting| waiting > 0) {
                gauge.full = gauge.full.max(in_use);
                gauge.with_waiters += u32::from(in_use.is_some());
            }
        }
        gauges
    }

    /// The only gauge of a sort on a host; of a pool with readings and a mere size, the pool.
    pub(super) fn only(&self, host: u32, sort: Sort) -> Option<&str> {
        let of_sort = |with_readings: bool| {
            let mut names = self
                .by_name
                .iter()
                .filter(|((h, name), gauge)| {
                    let readings = gauge.in_use_max.is_some() && gauge.waiting_max.is_some();
                    *h == host && readings == with_readings && Sort::of(name, readings) == Some(sort)
                })
                .map(|((_, name), _)| name.as_str());
            names.next().filter(|_| names.next().is_none())
        };
        of_sort(true).or_else(|| of_sort(false))
    }

    /// Pools that were read again and again, by host and name.
    pub(super) fn watched(&self) -> Vec<(u32, String, Reading)> {
        let is_watched = |(_, gauge): &(&(u32, String), &Gauge)| gauge.in_use_max.is_some();
        let mut watched: Vec<_> =
            self.by_name.iter().filter(is_watched).map(|((host, name), gauge)| (*host, name.clone(), gauge.reading())).collect();
        watched.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        watched
    }

    /// The size of a resource and its highest readings: its own gauge, else the only gauge of its
    /// sort on its host, or around that, whose name it does not contradict.
    pub(super) fn size(&self, hosts: [u32; 2], resource: &Resource) -> (Option<Size>, Reading) {
        // What no line names is a pool of connections.
        let is_meant = resource.name != UNNAMED || resource.kind == model::Kind::Connections;
        let own = hosts.iter().filter(|_| is_meant).find_map(|&host| self.by_name.get(&(host, resource.name.clone())));
        let reading = own.map_or(Reading::default(), Gauge::reading);
        let of_sort = || hosts.iter().find_map(|&host| self.stated_for(host, resource));
        let stated = own.and_then(|g| g.slots).or_else(of_sort);
        let size = stated
            .map(|slots| Size { value: Some(slots), basis: Basis::Stated })
            .or_else(|| own.and_then(|g| g.full).map(|slots| Size { value: Some(slots), basis: Basis::Gauge }));
        (size, reading)
    }

    fn stated_for(&self, host: u32, resource: &Resource) -> Option<u32> {
        let sort = Sort::of_resource(resource.kind)?;
        let stated: Vec<(&str, u32)> = self
            .by_name
            .iter()
            .filter(|((h, _), _)| *h == host)
            .filter_map(|((_, name), gauge)| Some((name.as_str(), gauge.slots?)))
            .filter(|(name, _)| Sort::of(name, false) == Some(sort))
            .collect();
        let named: Vec<u32> = stated.iter().filter(|(name, _)| resource.name.contains(name)).map(|s| s.1).collect();
        match (&named[..], &stated[..]) {
            ([slots], _) | ([], [(_, slots)]) => Some(*slots),
            _ => None,
        }
    }
}
