//! The tree of each group: plain requests by their tiers, spans under the request around them, and
//! everything else under the innermost request.

use parsers::{Kind, Role};

use super::groups::Groups;
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
        let (spans, plain): (Vec<u32>, Vec<u32>) = group.iter().partition(|&&row| rows.span(row as usize).is_some());
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
        let span_of = |id: u64| spans.iter().copied().find(|&row| rows.span(row as usize) == Some(id));
        // A record that names the caller's span either is that call's server span, seen once more
        // by the server's own log, or stands in for it.
        requests.retain(|&row| {
            let Some(caller) = rows.parent_span(row as usize).and_then(span_of) else { return true };
            let twin = spans.iter().find(|&&s| {
                is_callee(rows, s)
                    && (self.links.parent[s as usize] == caller || rows.span(s as usize) == rows.parent_span(row as usize))
            });
            if twin.is_some() {
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
        self.chain(&requests);
        // Spans without a parent hang under the innermost plain request that could hold them.
        let outer = requests.last().copied();
        if let Some(outer) = outer {
            for &span in spans {
                if self.links.parent[span as usize] == NONE && self.links.fate[span as usize] == Fate::Root {
                    self.attach(span, outer);
                }
            }
        }
        for &row in &others {
            self.links.joined.with_id += 1;
            let named = rows.parent_span(row as usize).and_then(span_of);
            let parent = named.or_else(|| self.innermost(&requests, row)).or_else(|| self.innermost(spans, row));
            if let Some(parent) = parent {
                self.attach(row, parent);
                self.links.joined.joined += 1;
            }
        }
    }

    /// Requests from the outside in: each hangs on the request of the next tier outside that lies
    /// around it in time, or on the last one where stamps are too coarse to tell.
    fn chain(&mut self, requests: &[u32]) {
        let rank = |row: u32| self.tiers.rank(tier_of(self.rows, self.origins, row as usize));
        let mut parents = Vec::new();
        for (i, &row) in requests.iter().enumerate().skip(1) {
            let outer: Vec<u32> = requests[..i].iter().copied().filter(|&o| rank(o) < rank(row)).collect();
            let Some(next) = outer.iter().map(|&o| rank(o)).max() else { continue };
            let level: Vec<u32> = outer.into_iter().filter(|&o| rank(o) == next).collect();
            if let Some(parent) = self.innermost(&level, row) {
                parents.push((row, parent));
            }
        }
        for (row, parent) in parents {
            self.links.joined.with_id += 1;
            self.links.joined.joined += 1;
            self.attach(row, parent);
        }
    }

    /// Of the rows that may hold `row`, the last that starts before it ends; where none does, the
    /// last there is.
    fn innermost(&self, candidates: &[u32], row: u32) -> Option<u32> {
        let start = self.links.start[row as usize];
        let end = start.saturating_add(self.links.duration[row as usize].max(0));
        let slack = self.origins[self.rows.source[row as usize] as usize].stamp_resolution_ns;
        let holds = |&&c: &&u32| {
            let of = self.links.start[c as usize];
            let slack = slack.max(self.origins[self.rows.source[c as usize] as usize].stamp_resolution_ns).max(1_000_000);
            let until = of.saturating_add(self.links.duration[c as usize].max(0)).saturating_add(slack);
            c != row && start != NULL_I64 && of != NULL_I64 && of.saturating_sub(slack) <= start && end <= until
        };
        let requests = candidates.iter().filter(|&&c| self.rows.is(c as usize, Kind::Request));
        let last = requests.clone().rfind(holds).copied();
        last.or_else(|| requests.copied().rfind(|&c| c != row))
    }
}

fn is_callee(rows: &Rows<'_>, row: u32) -> bool {
    matches!(rows.role(row as usize), Role::Server | Role::Consumer)
}
