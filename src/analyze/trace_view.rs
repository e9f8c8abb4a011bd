//! One trace, laid out for drawing: its operations as a tree, with the critical path of each.

use hashbrown::{HashMap, HashSet};
use parsers::{Kind, Outcome};

use super::attribute::attribute;
use super::attribute::critical_path::critical_path;
use super::attribute::forest::{DROPPED, Forest, NO_PARENT, Spans};
use super::attribute::self_time::self_time;
use super::columns::Rows;
use super::correlate::{Fate, Links, NONE, align, correlate};
use super::requests::{EndpointKey, collect};
use super::sources::Origin;
use crate::frame::{Frame, NULL_I64};

/// One trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceView {
    /// Its operations, each followed by what belongs to it, earliest first.
    pub operations: Vec<OperationView>,
    /// First start and last end, in nanoseconds since the epoch; `None` when nothing has a time.
    pub window: Option<(i64, i64)>,
    /// Time on the critical path, in nanoseconds.
    pub path_ns: i64,
    /// Operations that stand on top.
    pub roots: usize,
    /// Of them, those whose parent was not given.
    pub orphans: usize,
    /// Records that tell of an operation another record told of, too.
    pub copies: usize,
    /// Path time that may as well have been a sibling's.
    pub ambiguous_ns: i64,
}

/// One operation of a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationView {
    /// How many operations are above it.
    pub depth: u32,
    /// What it is.
    pub kind: &'static str,
    /// Service, empty where none is named.
    pub service: String,
    /// Name, empty where there is none.
    pub name: String,
    /// Start as the walk saw it, in nanoseconds since the epoch.
    pub start_ns: Option<i64>,
    /// Duration, in nanoseconds.
    pub duration_ns: Option<i64>,
    /// Time that nothing below it covers, in nanoseconds.
    pub self_ns: Option<i64>,
    /// Pieces of the critical path that are its own, from and to, in order.
    pub path: Vec<(i64, i64)>,
    /// Whether it failed or timed out.
    pub failed: bool,
    /// Whether its parent was named but not given.
    pub is_orphan: bool,
    /// Whether the record above states a total of its time already, so that it is not walked again.
    pub is_told: bool,
    /// Number of the source.
    pub source: u32,
    /// Line of the record, from 1.
    pub line: u64,
}

/// Looks for a trace or request by its id and lays it out. `None` when no record has the id.
pub fn trace_view(frame: &Frame, origins: &[Origin], id: u128) -> Option<TraceView> {
    let rows = &Rows::of(frame);
    // Some exports cut trace ids to their low half.
    let low = |id: u128| id & u128::from(u64::MAX);
    let same = |other: Option<u128>| {
        other.is_some_and(|other| other == id || (low(other) == low(id) && (other == low(other) || id == low(id))))
    };
    let has_id = |row: usize| same(rows.trace(row)) || same(rows.request(row));
    if !(0..rows.len()).any(has_id) {
        return None;
    }
    let links = correlate(rows, origins, &mut align(frame, origins));
    let (mut requests, of) = collect(rows, &links);
    let attribution = attribute(rows, origins, &links, &of, &mut requests);
    let wanted: HashSet<u32> = (0..rows.len()).filter(|&row| has_id(row) && of[row] != NONE).map(|row| of[row]).collect();
    let belongs = |row: usize| has_id(row) || (of[row] != NONE && wanted.contains(&of[row]));
    let mut view = TraceView::default();
    let mut chosen: Vec<u32> = Vec::new();
    for row in (0..rows.len()).filter(|&row| belongs(row)) {
        match links.fate[row] {
            Fate::Copy => view.copies += 1,
            Fate::Absorbed => {}
            _ => chosen.push(row as u32),
        }
    }
    let walked = Walked::of(&links, &chosen, &attribution.walk_parent, &attribution.windows);
    let forest = walked.forest();
    let mut pieces: Vec<Vec<(i64, i64)>> = vec![Vec::new(); chosen.len()];
    let path = critical_path(&forest, |at, from, to| pieces[at as usize].push((from, to)));
    pieces.iter_mut().for_each(|pieces| pieces.sort_unstable());
    let self_ns = self_time(&forest);
    view.ambiguous_ns = path.ambiguous_ns;
    view.path_ns = path.cp_ns.iter().fold(0, |sum, ns| sum.saturating_add(*ns));

    for (at, depth) in walked.in_order(&links, &chosen) {
        let row = chosen[at] as usize;
        let placed = links.start[row] != NULL_I64;
        let is_orphan = links.fate[row] == Fate::Orphan;
        view.roots += usize::from(depth == 0);
        view.orphans += usize::from(is_orphan);
        let key = EndpointKey { method: rows.method(row), name: rows.name(row), service: rows.service(row) };
        let duration = (links.duration[row] != NULL_I64).then_some(links.duration[row]);
        view.operations.push(OperationView {
            depth,
            kind: rows.kind(row).name(),
            service: rows.text(key.service).to_owned(),
            name: if rows.is(row, Kind::Request) { key.text(rows) } else { rows.text(key.name).to_owned() },
            start_ns: placed.then_some(walked.start[at]),
            duration_ns: duration,
            self_ns: duration.filter(|_| walked.parent[at] != DROPPED).map(|_| self_ns[at]),
            path: std::mem::take(&mut pieces[at]),
            failed: matches!(rows.outcome(row), Outcome::Failed | Outcome::TimedOut),
            is_orphan,
            is_told: walked.parent[at] == DROPPED && links.parent[row] != NONE,
            source: rows.source[row],
            line: u64::from(rows.line[row]) + 1,
        });
    }
    let starts = view.operations.iter().filter_map(|o| o.start_ns);
    let ends = view.operations.iter().filter_map(|o| Some(o.start_ns?.saturating_add(o.duration_ns.unwrap_or(0).max(0))));
    view.window = starts.min().zip(ends.max());
    Some(view)
}

/// The chosen rows as the walk sees them, numbered anew.
struct Walked {
    start: Vec<i64>,
    end: Vec<i64>,
    parent: Vec<u32>,
    blocking: Vec<bool>,
    after: Vec<u32>,
    number: HashMap<u32, u32>,
}

impl Walked {
    fn of(links: &Links, chosen: &[u32], walk_parent: &[u32], windows: &(Vec<i64>, Vec<i64>)) -> Walked {
        let number: HashMap<u32, u32> = chosen.iter().enumerate().map(|(at, &row)| (row, at as u32)).collect();
        let own = |row: usize| {
            let start = if links.start[row] == NULL_I64 { 0 } else { links.start[row] };
            (start, start.saturating_add(links.duration[row].max(0)))
        };
        let window = |row: u32| {
            let row = row as usize;
            windows.0.get(row).zip(windows.1.get(row)).map_or_else(|| own(row), |(&start, &end)| (start, end))
        };
        let (start, end) = chosen.iter().map(|&row| window(row)).unzip();
        let parent = chosen
            .iter()
            .map(|&row| match walk_parent.get(row as usize) {
                Some(&DROPPED) if links.parent[row as usize] != NONE => DROPPED,
                Some(above) => number.get(above).copied().unwrap_or(NO_PARENT),
                None => NO_PARENT,
            })
            .collect();
        let blocking = chosen.iter().map(|&row| links.blocking[row as usize]).collect();
        let after = |row: &u32| links.after.get(*row as usize).and_then(|after| number.get(after)).copied().unwrap_or(NO_PARENT);
        let after = chosen.iter().map(after).collect();
        Walked { start, end, parent, blocking, after, number }
    }

    fn forest(&self) -> Forest<'_> {
        Forest::new(Spans {
            start: &self.start,
            end: &self.end,
            parent: &self.parent,
            blocking: &self.blocking,
            after: &self.after,
            tie: &[],
        })
    }

    /// Every row after the one it belongs to, the earliest first, with its depth.
    fn in_order(&self, links: &Links, chosen: &[u32]) -> Vec<(usize, u32)> {
        let mut below: Vec<Vec<u32>> = vec![Vec::new(); chosen.len()];
        let mut stack: Vec<(u32, u32)> = Vec::new();
        for (at, &row) in chosen.iter().enumerate() {
            match self.number.get(&links.parent[row as usize]) {
                Some(&above) => below[above as usize].push(at as u32),
                None => stack.push((at as u32, 0)),
            }
        }
        // The stack gives back the last first.
        let key = |at: u32| (self.start[at as usize], std::cmp::Reverse(self.end[at as usize]), at);
        stack.sort_unstable_by_key(|&(at, _)| std::cmp::Reverse(key(at)));
        let mut order = Vec::with_capacity(chosen.len());
        while let Some((at, depth)) = stack.pop() {
            order.push((at as usize, depth));
            let mut children = std::mem::take(&mut below[at as usize]);
            children.sort_unstable_by_key(|&at| std::cmp::Reverse(key(at)));
            stack.extend(children.into_iter().map(|child| (child, depth + 1)));
        }
        order
    }
}
