//! From separate records to trees: which operation belongs to which, and which are the same.
//!
//! Records join by span id, by trace or request id, and within a database session by order and
//! time. What cannot be joined stays on its own and is counted.

mod align;
mod by_time;
mod clocks;
mod copies;
mod events;
mod fragments;
mod groups;
mod holders;
mod spans;
mod statements;
pub(crate) mod tiers;
mod tree;

pub use align::{Alignment, align};

use std::borrow::Cow;

use hashbrown::HashMap;

use super::columns::Rows;
use super::sources::Origin;
use crate::frame::NULL_I64;

/// No row.
pub(crate) const NONE: u32 = u32::MAX;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// Stands on its own: a request that came from outside, or an operation nothing claims.
    Root,
    /// Belongs to the row in `parent`.
    Child,
    /// Tells of the same event as another row, which is kept.
    Copy,
    /// Has become part of another record, or would have: the parse and bind of an execution, the event
    /// of a request's start.
    Absorbed,
    /// A span whose parent was not given.
    Orphan,
}

/// How the rows hang together.
pub(crate) struct Links<'a> {
    /// What becomes of each row.
    pub(crate) fate: Vec<Fate>,
    /// Row each row belongs to, or [`NONE`].
    pub(crate) parent: Vec<u32>,
    /// Start of each row after alignment; null pattern where unknown.
    pub(crate) start: Cow<'a, [i64]>,
    /// Duration of each row after merging; null pattern where unknown.
    pub(crate) duration: Cow<'a, [i64]>,
    /// Whether the parent waits for each row.
    pub(crate) blocking: Vec<bool>,
    /// Sibling that each row says it followed, or [`NONE`]; empty when no row says so.
    pub(crate) after: Vec<u32>,
    /// For requests told by two records, the row of the start by that of the end, which is kept.
    pub(crate) started: HashMap<u32, u32>,
    /// Counts of what was joined.
    pub(crate) joined: Joined,
}

impl Links<'_> {
    /// The row that names what `row` tells of: the event of a request's start, where that has a name.
    pub(crate) fn naming(&self, rows: &Rows<'_>, row: u32) -> u32 {
        let start = self.started.get(&row).copied();
        start.filter(|&start| rows.name(start as usize) != crate::frame::NO_NAME).unwrap_or(row)
    }
}

/// Counts of what was joined, for the data-quality section.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Joined {
    /// Rows that tell of an event another source told of, too.
    pub copies: u64,
    /// Exact duplicates within one source.
    pub duplicates: u64,
    /// Of both, those that are spans.
    pub copied_spans: u64,
    /// Records that tell a part of a span of which another record tells the rest.
    pub fragments: u64,
    /// Spans that another span claims as its child.
    pub adopted: u64,
    /// Spans that have the id of another span of their trace and side, but other times.
    pub conflicting_ids: u64,
    /// Records that had only the low half of their trace's id.
    pub short_ids: u64,
    /// Spans whose parent was not given.
    pub orphans: u64,
    /// Spans whose parents form a ring.
    pub cycles: u64,
    /// Requests of inner tiers and operations that carry an id.
    pub with_id: u64,
    /// Those of them that found a request to belong to.
    pub joined: u64,
    /// Requests of an inner tier that were given to one of an outer by endpoint and time.
    pub by_time: u64,
    /// Logs of requests that overlap in time and that nothing joins, by one source of each.
    pub apart: Vec<(u32, u32)>,
    /// Statements of sessions that were given to a request by order and time.
    pub by_session: u64,
    /// Traces seen in spans.
    pub traces: u64,
    /// Those of them of which a parent is missing.
    pub incomplete_traces: u64,
    /// Events of a request's start or end that have no partner.
    pub unpaired_events: u64,
    /// Calls between hosts whose clocks were corrected.
    pub skew_corrected: u64,
    /// The largest correction, in nanoseconds.
    pub max_skew_ns: i64,
}

/// Joins the rows. Where those that an id joins show that a log's clock differs, it is moved, and all are joined anew.
pub(crate) fn correlate<'a>(rows: &Rows<'a>, origins: &[Origin], alignment: &mut Alignment) -> Links<'a> {
    let links = join(rows, origins, alignment);
    let moved = clocks::offsets(rows, origins, &links);
    if moved.is_empty() {
        return links;
    }
    for (source, ns, note) in moved {
        let shift = &mut alignment.shift_ns[source as usize];
        *shift = shift.saturating_add(ns);
        alignment.notes.push((source, note));
    }
    join(rows, origins, alignment)
}

fn join<'a>(rows: &Rows<'a>, origins: &[Origin], alignment: &Alignment) -> Links<'a> {
    let mut links = Links {
        fate: vec![Fate::Root; rows.len()],
        parent: vec![NONE; rows.len()],
        start: alignment.starts(rows),
        duration: match rows.durations() {
            [] => Cow::Owned(vec![NULL_I64; rows.len()]),
            durations => Cow::Borrowed(durations),
        },
        blocking: vec![true; rows.len()],
        after: Vec::new(),
        started: HashMap::new(),
        joined: Joined { short_ids: rows.frame.widened, ..Joined::default() },
    };
    statements::merge_phases(rows, &mut links);
    spans::link(rows, origins, &mut links);
    events::pair(rows, origins, &mut links);
    copies::mark(rows, origins, &mut links);
    let groups = if one_tier(rows, origins) { groups::Groups::default() } else { groups::Groups::of(rows, &links) };
    let tiers = tiers::Tiers::of(rows, origins, &groups, &links);
    tree::link(rows, origins, &groups, &tiers, &mut links);
    by_time::link(rows, origins, &mut links);
    statements::claim_by_session(rows, &mut links);
    links
}

/// Whether the rows are nothing but requests of one log: then ids have nothing to join, and
/// millions of them need not be looked up.
fn one_tier(rows: &Rows<'_>, origins: &[Origin]) -> bool {
    let one_family = origins.windows(2).all(|pair| pair[0].family == pair[1].family);
    one_family && rows.are_plain_requests()
}
