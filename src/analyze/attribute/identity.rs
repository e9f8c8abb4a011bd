//! From span ids to trees: which row is the parent of which, and what to do where ids are doubled, shared, missing or
//! circular. Nothing is dropped or moved in silence: every oddity is counted.
//!
//! Shared ids (client and server side of one call under one id) are Zipkin's: <https://github.com/openzipkin/b3-propagation>.

use super::forest::{DROPPED, NO_PARENT};
use parsers::Role;

/// Borrowed columns; row `i` of each is one span. An id of 0 is "not said".
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns<'a> {
    /// Trace id.
    pub trace: &'a [u128],
    /// Span id, unique within its trace where the tracer is sound.
    pub span: &'a [u64],
    /// Span id of the parent.
    pub parent_span: &'a [u64],
    /// Which side wrote the span.
    pub role: &'a [Role],
    /// When it started, in nanoseconds.
    pub start: &'a [i64],
    /// When it ended, in nanoseconds.
    pub end: &'a [i64],
    /// Span id of what the span merely follows: its parent, who then does not wait for it, or a sibling that had to
    /// end first. Empty: nothing is said.
    pub follows: &'a [u64],
}

/// How ids are resolved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Two rows of one id and side are copies of one span if their starts and their ends differ by no more than this.
    /// Default is 1,000 ns: most exports cut to microseconds.
    pub copy_tolerance_ns: i64,
}

impl Default for Options {
    fn default() -> Self {
        Options { copy_tolerance_ns: 1_000 }
    }
}

/// The trees, and what was odd about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Row of each row's parent, `NO_PARENT` for a root, `DROPPED` for a copy.
    pub parent: Vec<u32>,
    /// Whether the parent waits for the row: not from producer to consumer, nor where a span merely follows from another.
    pub blocking: Vec<bool>,
    /// Row of the sibling that each row says it followed, `NO_PARENT` for none; empty when no row says so.
    pub after: Vec<u32>,
    /// Dropped copies: (the copy, the row that is kept). In row order.
    pub duplicates: Vec<(u32, u32)>,
    /// Roots of which the parent is named but not there. In row order.
    pub orphans: Vec<u32>,
    /// Ids shared by the two sides of a call: split, the callee's side hung under the caller's.
    pub shared_ids: u64,
    /// Rows that have the id and side of another span, but other times: kept as spans without an id.
    pub conflicting_ids: u64,
    /// Spans named as their own parent: roots.
    pub self_parents: u64,
    /// Circles of parents, each cut above its earliest span.
    pub cycles: u64,
    /// Spans that end before they start: taken as of no length.
    pub negative: u64,
    /// Traces seen (rows without a trace id count as none).
    pub traces: u64,
    /// Traces with at least one orphan.
    pub incomplete_traces: u64,
}

/// Resolves the ids of all rows at once. Sorts the rows, so O(n log n) for any ids. Of copies the earliest to start is
/// kept, of equal ones the first row.
pub fn resolve(columns: &Columns<'_>, options: &Options) -> Identity {
    let n = columns.len();
    let mut out = Identity { parent: vec![NO_PARENT; n], ..Identity::default() };
    let mut keys: Vec<(u128, u64, u32)> = (0..n)
        .filter(|&i| columns.span[i] != 0 || columns.parent_span[i] != 0 || columns.trace[i] != 0)
        .map(|i| (columns.trace[i], columns.span[i], i as u32))
        .collect();
    keys.sort_unstable();

    if columns.follows.iter().any(|&id| id != 0) {
        out.after = vec![NO_PARENT; n];
    }
    let mut heads = Vec::new();
    for trace in keys.chunk_by(|a, b| a.0 == b.0) {
        heads.clear();
        for same_id in trace.chunk_by(|a, b| a.1 == b.1) {
            if same_id[0].1 != 0 {
                let parent_for_children = head(columns, options, same_id, &mut out);
                heads.push((same_id[0].1, parent_for_children));
            }
        }
        let orphans = out.orphans.len();
        for &(_, span, row) in trace {
            link(columns.parent_span[row as usize], span, row, &heads, &mut out);
            if let Some(&follows) = columns.follows.get(row as usize).filter(|&&id| id != 0 && id != span)
                && let Ok(at) = heads.binary_search_by_key(&follows, |head| head.0)
            {
                out.after[row as usize] = heads[at].1;
            }
        }
        out.traces += u64::from(trace[0].0 != 0);
        out.incomplete_traces += u64::from(trace[0].0 != 0 && out.orphans.len() > orphans);
    }

    out.cycles = cut_cycles(columns, &mut out.parent);
    out.duplicates.sort_unstable();
    out.orphans.sort_unstable();
    out.negative = (0..n).filter(|&i| columns.end[i] < columns.start[i]).count() as u64;
    out.blocking = (0..n)
        .map(|i| {
            let parent = columns.role[..n].get(out.parent[i] as usize);
            let follows = columns.follows.get(i).is_some_and(|&id| id != 0 && id == columns.parent_span[i]);
            let message = columns.role[i] == Role::Consumer && parent == Some(&Role::Producer);
            !follows && !message
        })
        .collect();
    out
}

impl Columns<'_> {
    /// How many rows all needed columns have.
    fn len(&self) -> usize {
        let lengths = [self.span.len(), self.parent_span.len(), self.role.len(), self.start.len(), self.end.len()];
        lengths.into_iter().fold(self.trace.len(), usize::min).min(DROPPED as usize)
    }
}

/// Sorts out the rows of one id and returns the row that children of this id hang under.
fn head(columns: &Columns<'_>, options: &Options, same_id: &[(u128, u64, u32)], out: &mut Identity) -> u32 {
    if let [(_, _, only)] = same_id {
        return *only;
    }
    let start = |row: u32| columns.start[row as usize];
    let end = |row: u32| columns.end[row as usize];
    let mut rows: Vec<u32> = same_id.iter().map(|key| key.2).collect();
    rows.sort_unstable_by_key(|&row| (side(columns.role[row as usize]), start(row), end(row), row));

    let tolerance = options.copy_tolerance_ns.unsigned_abs();
    let mut kept: Vec<u32> = Vec::new();
    for &row in &rows {
        let same = |&&other: &&u32| {
            side(columns.role[row as usize]) == side(columns.role[other as usize])
                && start(row).abs_diff(start(other)) <= tolerance
                && end(row).abs_diff(end(other)) <= tolerance
        };
        // A few rows back are enough: copies lie side by side unless several spans of one id started at once.
        if let Some(&original) = kept.iter().rev().take(4).find(same) {
            out.duplicates.push((row, original));
            out.parent[row as usize] = DROPPED;
        } else {
            kept.push(row);
        }
    }
    // The first of each side has the id; the others are spans of their own.
    let mut firsts: [Option<u32>; 5] = [None; 5];
    for &row in &kept {
        let first = &mut firsts[side(columns.role[row as usize])];
        out.conflicting_ids += u64::from(first.is_some());
        first.get_or_insert(row);
    }
    let [client, server, producer, consumer, other] = firsts;
    for (caller, callee) in [(client, server), (producer, consumer)] {
        if let (Some(caller), Some(callee)) = (caller, callee) {
            out.shared_ids += 1;
            out.parent[callee as usize] = caller;
        }
    }
    server.or(consumer).or(client).or(producer).or(other).unwrap_or(rows[0])
}

/// Groups roles by what may be one span in two exports, and numbers them.
fn side(role: Role) -> usize {
    match role {
        Role::Client => 0,
        Role::Server => 1,
        Role::Producer => 2,
        Role::Consumer => 3,
        Role::Internal | Role::Unknown => 4,
    }
}

/// Finds the parent of one row among the heads of its trace, which are sorted by id.
fn link(parent_span: u64, span: u64, row: u32, heads: &[(u64, u32)], out: &mut Identity) {
    if out.parent[row as usize] != NO_PARENT || parent_span == 0 {
        return;
    }
    if parent_span == span {
        out.self_parents += 1;
        return;
    }
    match heads.binary_search_by_key(&parent_span, |head| head.0) {
        Ok(at) => out.parent[row as usize] = heads[at].1,
        Err(_) => out.orphans.push(row),
    }
}

/// Cuts every circle above its earliest span and returns how many there were.
fn cut_cycles(columns: &Columns<'_>, parent: &mut [u32]) -> u64 {
    const NEW: u8 = 0;
    const ON_PATH: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; parent.len()];
    let mut path: Vec<u32> = Vec::new();
    let mut cycles = 0;
    for first in 0..parent.len() as u32 {
        path.clear();
        let mut row = first;
        while state.get(row as usize) == Some(&NEW) {
            state[row as usize] = ON_PATH;
            path.push(row);
            row = parent[row as usize];
        }
        if state.get(row as usize) == Some(&ON_PATH) {
            cycles += 1;
            let circle = path.iter().skip_while(|&&on| on != row);
            let earliest = circle.min_by_key(|&&on| (columns.start[on as usize], columns.span[on as usize], on));
            if let Some(&top) = earliest {
                parent[top as usize] = NO_PARENT;
            }
        }
        for &on in &path {
            state[on as usize] = DONE;
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::super::critical_path::critical_path;
    use super::super::forest::{Forest, Spans};
    use super::*;

    /// Rows of (trace, span, parent, role, start, end).
    type Row = (u128, u64, u64, Role, i64, i64);

    fn resolved(rows: &[Row]) -> (Identity, Vec<i64>) {
        let trace: Vec<u128> = rows.iter().map(|r| r.0).collect();
        let span: Vec<u64> = rows.iter().map(|r| r.1).collect();
        let parent_span: Vec<u64> = rows.iter().map(|r| r.2).collect();
        let role: Vec<Role> = rows.iter().map(|r| r.3).collect();
        let start: Vec<i64> = rows.iter().map(|r| r.4).collect();
        let end: Vec<i64> = rows.iter().map(|r| r.5).collect();
        let columns = Columns {
            trace: &trace,
            span: &span,
            parent_span: &parent_span,
            role: &role,
            start: &start,
            end: &end,
            follows: &[],
        };
        let identity = resolve(&columns, &Options { copy_tolerance_ns: 0 });
        let (parent, blocking, after) = (&identity.parent, &identity.blocking, &identity.after);
        let spans = Spans { start: &start, end: &end, parent, blocking, after, tie: &span };
        let path = critical_path(&Forest::new(spans), |_, _, _| {});
        (identity, path.cp_ns)
    }

    use Role::{Client, Consumer, Internal, Producer, Server, Unknown};

    #[test]
    fn an_exact_duplicate_is_dropped_and_counted() {
        let (id, cp) = resolved(&[(1, 1, 0, Server, 0, 100), (1, 2, 1, Client, 10, 60), (1, 2, 1, Client, 10, 60)]);
        assert_eq!(id.duplicates, [(2, 1)]);
        assert_eq!(cp, [50, 50, 0]);
    }

    #[test]
    fn many_copies_all_point_at_the_first_row() {
        let row = (1, 2, 0, Client, 10, 60);
        let (id, cp) = resolved(&[row, row, row, row]);
        assert_eq!(id.duplicates, [(1, 0), (2, 0), (3, 0)]);
        assert_eq!(cp, [50, 0, 0, 0]);
    }

    #[test]
    fn an_id_shared_by_client_and_server_is_split() {
        // The child of the id hangs under the server: client 40, server 20, database 40.
        let (id, cp) = resolved(&[(1, 5, 0, Server, 20, 80), (1, 6, 5, Client, 30, 70), (1, 5, 0, Client, 0, 100)]);
        assert_eq!(id.parent, [2, 0, NO_PARENT]);
        assert_eq!((id.shared_ids, id.conflicting_ids), (1, 0));
        assert_eq!(cp, [20, 40, 40]);
    }

    #[test]
    fn one_id_with_other_times_is_kept_twice_and_children_stay_with_the_first() {
        let rows = [(1, 1, 0, Server, 0, 100), (1, 2, 1, Client, 10, 30), (1, 2, 1, Client, 40, 70), (1, 3, 2, Internal, 15, 20)];
        let (id, cp) = resolved(&rows);
        assert_eq!(id.parent, [NO_PARENT, 0, 0, 1]);
        assert_eq!(id.conflicting_ids, 1);
        assert_eq!(cp, [50, 15, 30, 5]);
    }

    #[test]
    fn a_missing_parent_makes_an_orphan_root_of_its_own() {
        // V17, and a second, whole trace with the same span ids.
        let rows = [
            (1, 1, 0, Server, 0, 100),
            (1, 2, 1, Client, 10, 40),
            (1, 3, 99, Client, 60, 90),
            (2, 1, 0, Server, 0, 50),
            (2, 2, 1, Client, 10, 40),
        ];
        let (id, cp) = resolved(&rows);
        assert_eq!(id.orphans, [2]);
        assert_eq!((id.traces, id.incomplete_traces), (2, 1));
        assert_eq!(id.parent, [NO_PARENT, 0, NO_PARENT, NO_PARENT, 3]);
        assert_eq!(cp, [70, 30, 30, 20, 30]);
    }

    #[test]
    fn a_circle_is_cut_above_its_earliest_span_and_a_self_parent_is_a_root() {
        let rows =
            [(1, 1, 2, Internal, 10, 90), (1, 2, 3, Internal, 0, 100), (1, 3, 1, Internal, 20, 30), (1, 4, 4, Internal, 0, 5)];
        let (id, cp) = resolved(&rows);
        assert_eq!(id.parent, [1, NO_PARENT, 0, NO_PARENT]);
        assert_eq!((id.cycles, id.self_parents), (1, 1));
        assert_eq!(cp, [70, 20, 10, 5]);
    }

    #[test]
    fn a_circle_of_a_million_terminates() {
        let n = 1_000_000u64;
        let rows: Vec<Row> = (1..=n).map(|i| (1, i, i % n + 1, Internal, i as i64, 2_000_000)).collect();
        let (id, cp) = resolved(&rows);
        assert_eq!(id.cycles, 1);
        assert_eq!(id.parent[0], NO_PARENT);
        assert_eq!(cp.iter().sum::<i64>(), 1_999_999);
    }

    #[test]
    fn a_million_rows_of_one_id_stay_linear() {
        let rows: Vec<Row> = (0..1_000_000).map(|i| (1, 7, 0, Internal, i, i + 1)).collect();
        assert_eq!(resolved(&rows).0.conflicting_ids, 999_999);
        let copies = vec![(1, 7, 0, Internal, 0, 1); 1_000_000];
        assert_eq!(resolved(&copies).0.duplicates.len(), 999_999);
    }

    #[test]
    fn a_consumer_is_not_waited_for_and_a_negative_span_has_no_length() {
        let (id, cp) = resolved(&[(1, 1, 0, Producer, 0, 100), (1, 2, 1, Consumer, 40, 95), (1, 3, 1, Unknown, 60, 50)]);
        assert_eq!(id.blocking, [true, false, true]);
        assert_eq!((id.negative, cp), (1, vec![100, 0, 0]));
    }

    #[test]
    fn what_follows_its_parent_is_not_waited_for_and_a_sibling_followed_is_known() {
        let columns = Columns {
            trace: &[1; 4],
            span: &[1, 2, 3, 4],
            parent_span: &[0, 1, 1, 1],
            role: &[Role::Internal; 4],
            start: &[0, 10, 50, 60],
            end: &[100, 40, 90, 99],
            follows: &[0, 0, 2, 1],
        };
        let identity = resolve(&columns, &Options::default());
        assert_eq!(identity.parent, [NO_PARENT, 0, 0, 0]);
        assert_eq!(identity.blocking, [true, true, true, false]);
        assert_eq!(identity.after, [NO_PARENT, NO_PARENT, 1, 0]);
    }

    #[test]
    fn copies_of_two_exports_with_coarser_clocks_are_one_span() {
        let columns = Columns {
            trace: &[1, 1],
            span: &[2, 2],
            parent_span: &[0, 0],
            role: &[Role::Internal, Role::Unknown],
            start: &[1_000_999, 1_000_000],
            end: &[5_000_123, 5_000_000],
            follows: &[],
        };
        assert_eq!(resolve(&columns, &Options::default()).duplicates, [(0, 1)]);
    }

    #[test]
    fn rows_without_any_id_are_roots() {
        let (id, _) = resolved(&[(0, 0, 0, Unknown, 0, 1), (0, 0, 0, Unknown, 0, 1)]);
        assert_eq!((id.parent, id.duplicates.len(), id.traces), (vec![NO_PARENT; 2], 0, 0));
    }
}
