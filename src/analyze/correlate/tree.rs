//! The tree of each group: plain requests by their tiers, spans under the request around them, and
//! everything else under the innermost request.

use hashbrown::{HashMap, HashSet};
use parsers::{Kind, Role};

use super::groups::Groups;
use super::holders::Holders;
use super::tiers::{Tiers, tier_of};
use super::{Fate, Links, NONE};
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::NULL_I64;

pub(super) fn link(rows: &Rows<'_>, origins: &[Origin], groups: &Groups, tiers: &Tiers, links: &mut Links) {
    let mut tree = Tree { rows, origins, tiers, links };
    for group in groups.iter() {
        tree.group(group);
    }
}

struct Tree<'a, 'b> {
    rows: &'a Rows<'a>,
    origins: &'a [Origin],
    tiers: &'a Tiers,
    links: &'a mut Links<'b>,
}

impl Tree<'_, '_> {
    fn group(&mut self, group: &[u32]) {
        let rows = self.rows;
        let is_span = |row: &u32| rows.span(*row as usize).is_some();
        // Most groups of traces hold nothing but spans, and those are linked already.
        if group.iter().all(is_span) {
            return;
        }
        let (spans, plain): (Vec<u32>, Vec<u32>) = group.iter().partition(|row| is_span(row));
        self.plain(&plain, &spans);
    }

    fn attach(&mut self, row: u32, parent: u32) {
        if row != parent {
            self.links.parent[row as usize] = parent;
            self.links.fate[row as usize] = Fate::Child;
        }
    }

    fn plain(&mut self, plain: &[u32], spans: &[u32]) {
        let rows = self.rows;
        let (mut requests, others): (Vec<u32>, Vec<u32>) = plain.iter().partition(|&&row| rows.is(row as usize, Kind::Request));
        let known = Known::of(rows, self.links, spans);
        // A record that names the caller's span either is that call's server span, seen once more
        // by the server's own log, or stands in for it.
        requests.retain(|&row| {
            let Some(named) = rows.parent_span(row as usize) else { return true };
            let Some(&caller) = known.spans.get(&named) else { return true };
            if known.callees.contains(&named) || known.callers.contains(&caller) {
                self.links.fate[row as usize] = Fate::Copy;
                self.links.joined.copies += 1;
            } else {
                self.attach(row, caller);
            }
            false
        });
        requests.sort_by_key(|&row| {
            (self.tiers.rank(tier_of(rows, self.origins, row as usize)), self.links.start[row as usize], row)
        });
        let levels = self.levels(&requests);
        self.chain(&levels);
        // Spans without a parent hang under the innermost plain request that could hold them.
        let outer = requests.last().copied();
        if let Some(outer) = outer {
            for &span in spans {
                if self.links.parent[span as usize] == NONE && self.links.fate[span as usize] == Fate::Root {
                    self.attach(span, outer);
                }
            }
        }
        if others.is_empty() {
            return;
        }
        let serving: Vec<u32> = spans.iter().copied().filter(|&row| rows.is(row as usize, Kind::Request)).collect();
        let serving = (!serving.is_empty()).then(|| self.level(serving));
        for &row in &others {
            self.links.joined.with_id += 1;
            let named = rows.parent_span(row as usize).and_then(|id| known.spans.get(&id).copied());
            let parent = named
                .or_else(|| {
                    let holder = levels.iter().rev().find_map(|level| self.innermost(level, row));
                    holder.or_else(|| requests.last().copied())
                })
                .or_else(|| {
                    let serving = serving.as_ref()?;
                    self.innermost(serving, row).or_else(|| serving.rows.last().copied())
                });
            if let Some(parent) = parent {
                self.attach(row, parent);
                self.links.joined.joined += 1;
            }
        }
    }

    /// Sorted requests, tier by tier from the outside in.
    fn levels(&self, requests: &[u32]) -> Vec<Level> {
        let rank = |row: &u32| self.tiers.rank(tier_of(self.rows, self.origins, *row as usize));
        requests.chunk_by(|a, b| rank(a) == rank(b)).map(|level| self.level(level.to_vec())).collect()
    }

    fn level(&self, rows: Vec<u32>) -> Level {
        let step = |row: u32| self.origins[self.rows.source[row as usize] as usize].stamp_resolution_ns;
        let slack = rows.iter().map(|&row| step(row)).max().unwrap_or(0).max(1_000_000);
        let placed = rows.iter().filter(|&&row| self.links.start[row as usize] != NULL_I64);
        let holders = Holders::new(
            placed
                .map(|&row| {
                    let start = self.links.start[row as usize];
                    (start, start.saturating_add(self.links.duration[row as usize].max(0)), row)
                })
                .collect(),
        );
        Level { rows, holders, slack }
    }

    /// Each request hangs on the request of the next tier outside that lies around it in time, or
    /// on the last one where stamps are too coarse to tell.
    fn chain(&mut self, levels: &[Level]) {
        for pair in levels.windows(2) {
            let [outer, inner] = pair else { continue };
            for &row in &inner.rows {
                let parent = self.innermost(outer, row).or_else(|| outer.rows.last().copied());
                if let Some(parent) = parent {
                    self.links.joined.with_id += 1;
                    self.links.joined.joined += 1;
                    self.attach(row, parent);
                }
            }
        }
    }

    /// Of the requests of one tier, the last to start that may hold `row`.
    fn innermost(&self, level: &Level, row: u32) -> Option<u32> {
        let start = self.links.start[row as usize];
        if start == NULL_I64 {
            return None;
        }
        let slack = self.origins[self.rows.source[row as usize] as usize].stamp_resolution_ns.max(level.slack);
        let end = start.saturating_add(self.links.duration[row as usize].max(0));
        level.holders.innermost(start.saturating_add(slack), end.saturating_sub(slack))
    }
}

/// The requests of one tier.
struct Level {
    rows: Vec<u32>,
    holders: Holders,
    /// How far stamps of the tier may be off, in nanoseconds.
    slack: i64,
}

/// The spans of a group by what plain records may say of them.
#[derive(Default)]
struct Known {
    /// Row of each span id.
    spans: HashMap<u64, u32>,
    /// Ids of spans that were written by a callee.
    callees: HashSet<u64>,
    /// Rows above such spans.
    callers: HashSet<u32>,
}

impl Known {
    fn of(rows: &Rows<'_>, links: &Links, spans: &[u32]) -> Known {
        let mut known = Known::default();
        for &row in spans {
            let Some(id) = rows.span(row as usize) else { continue };
            known.spans.entry(id).or_insert(row);
            if matches!(rows.role(row as usize), Role::Server | Role::Consumer) {
                known.callees.insert(id);
                known.callers.insert(links.parent[row as usize]);
            }
        }
        known
    }
}
