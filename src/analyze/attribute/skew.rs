//! Clock skew between hosts: moves the callee's side of a call back into the caller's, with all that ran on the callee's
//! host below it. Only pairs of client and server on different, known hosts that do not fit are touched, and counted. A
//! span that ends late on its parent's own host is asynchronous, not skewed.
//!
//! The shift is Jaeger's: <https://github.com/jaegertracing/jaeger> (model/adjuster, clock skew).

use super::forest::Adjacency;
use parsers::Role;

/// The host of a span that does not say.
pub const NO_HOST: u32 = u32::MAX;

/// Columns of spans whose times are to be corrected in place; row `i` of each is one span.
#[derive(Debug)]
pub struct Columns<'a> {
    /// When each span starts, in nanoseconds.
    pub start: &'a mut [i64],
    /// When each span ends, in nanoseconds.
    pub end: &'a mut [i64],
    /// Row of the parent, as in a forest.
    pub parent: &'a [u32],
    /// Host of each span, [`NO_HOST`] where unknown.
    pub host: &'a [u32],
    /// Which side wrote each span.
    pub role: &'a [Role],
}

/// What is corrected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// A pair fits if the server's span sticks out by no more than this. Default is 1 ms: rounding, not skew.
    pub tolerance_ns: i64,
    /// Larger shifts are refused and counted. Default is none.
    pub max_delta_ns: Option<i64>,
}

impl Default for Options {
    fn default() -> Self {
        Options { tolerance_ns: 1_000_000, max_delta_ns: None }
    }
}

/// What was corrected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Skew {
    /// Pairs that did not fit and were shifted.
    pub corrected: u64,
    /// Pairs that did not fit and would have had to be shifted too far.
    pub refused: u64,
    /// The largest shift made, in nanoseconds, without its sign.
    pub max_delta_ns: i64,
}

/// Corrects the times of all trees, from the roots down. O(n).
pub fn correct(columns: &mut Columns<'_>, options: &Options) -> Skew {
    let Columns { start, end, parent, host, role } = columns;
    let n = start.len().min(end.len()).min(parent.len()).min(host.len()).min(role.len());
    let mut skew = Skew::default();
    let crosses = |row: usize, above: usize| {
        role[row] == Role::Server
            && role[above] == Role::Client
            && host[row] != host[above]
            && host[row] != NO_HOST
            && host[above] != NO_HOST
    };
    if !(0..n).any(|row| (parent[row] as usize) < n && crosses(row, parent[row] as usize)) {
        return skew;
    }
    let adjacency = Adjacency::new(&parent[..n]);
    let mut delta = vec![0i64; n];
    for &row in adjacency.top_down() {
        let row = row as usize;
        let above = parent[row] as usize;
        if above >= n {
            continue;
        }
        if crosses(row, above) {
            let wanted = shift((start[above], end[above]), (start[row], end[row]), options.tolerance_ns);
            if options.max_delta_ns.is_some_and(|max| wanted.saturating_abs() > max) {
                skew.refused += 1;
            } else if wanted != 0 {
                skew.corrected += 1;
                skew.max_delta_ns = skew.max_delta_ns.max(wanted.saturating_abs());
                delta[row] = wanted;
            }
        } else if host[row] == host[above] || host[row] == NO_HOST {
            delta[row] = delta[above];
        }
        start[row] = start[row].saturating_add(delta[row]);
        end[row] = end[row].saturating_add(delta[row]);
    }
    skew
}

/// How far a server's span must move to fit into its client's: nothing if it does, to the client's start if it is longer
/// and begins early, else to the middle.
fn shift((from, to): (i64, i64), (start, end): (i64, i64), tolerance_ns: i64) -> i64 {
    let (caller, callee) = (to.saturating_sub(from), end.saturating_sub(start));
    if start >= from.saturating_sub(tolerance_ns) && end <= to.saturating_add(tolerance_ns) {
        0
    } else if callee > caller {
        from.saturating_sub(start).max(0)
    } else {
        from.saturating_add((caller - callee) / 2).saturating_sub(start)
    }
}

#[cfg(test)]
mod tests {
    use super::super::forest::NO_PARENT;
    use super::*;

    fn corrected(spans: &[(i64, i64, u32)], roles: &[Role], options: &Options) -> (Vec<(i64, i64)>, Skew) {
        let mut start: Vec<i64> = spans.iter().map(|s| s.0).collect();
        let mut end: Vec<i64> = spans.iter().map(|s| s.1).collect();
        let host: Vec<u32> = spans.iter().map(|s| s.2).collect();
        let parent: Vec<u32> = (0..spans.len() as u32).map(|i| i.checked_sub(1).unwrap_or(NO_PARENT)).collect();
        let mut columns = Columns { start: &mut start, end: &mut end, parent: &parent, host: &host, role: roles };
        let skew = correct(&mut columns, options);
        (start.into_iter().zip(end).collect(), skew)
    }

    const PAIR: [Role; 2] = [Role::Client, Role::Server];

    fn exact() -> Options {
        Options { tolerance_ns: 0, max_delta_ns: None }
    }

    #[test]
    fn the_table_of_jaegers_shifts_holds() {
        let table = [
            ((0, 100), (-50, 10), (20, 80)),
            ((0, 100), (90, 150), (20, 80)),
            ((0, 100), (20, 80), (20, 80)),
            ((0, 100), (-30, 100), (0, 130)),
            ((0, 100), (10, 140), (10, 140)),
            ((0, 100), (-40, 60), (0, 100)),
            ((10, 110), (0, 50), (35, 85)),
        ];
        for (client, server, want) in table {
            let (spans, skew) = corrected(&[(client.0, client.1, 1), (server.0, server.1, 2)], &PAIR, &exact());
            assert_eq!(spans[1], want, "{client:?} {server:?}");
            assert_eq!(skew.corrected, u64::from(server != want));
            assert_eq!(skew.max_delta_ns, (want.0 - server.0).abs());
        }
    }

    #[test]
    fn descendants_on_the_same_host_move_along() {
        let spans = [(10, 110, 1), (50, 120, 2), (60, 80, 2), (60, 80, 3)];
        let roles = [Role::Client, Role::Server, Role::Client, Role::Server];
        let (moved, skew) = corrected(&spans, &roles, &exact());
        assert_eq!(moved, [(10, 110), (25, 95), (35, 55), (35, 55)]);
        assert_eq!(skew, Skew { corrected: 2, refused: 0, max_delta_ns: 25 });
    }

    #[test]
    fn a_shift_over_the_limit_is_refused() {
        let options = Options { tolerance_ns: 0, max_delta_ns: Some(10) };
        let (spans, skew) = corrected(&[(10, 110, 1), (0, 50, 2)], &PAIR, &options);
        assert_eq!((spans[1], skew.refused, skew.corrected), ((0, 50), 1, 0));
    }

    #[test]
    fn only_pairs_of_client_and_server_on_two_known_hosts_are_touched() {
        for (roles, hosts) in [
            (PAIR, (1, 1)),
            (PAIR, (1, NO_HOST)),
            ([Role::Server, Role::Client], (1, 2)),
            ([Role::Producer, Role::Consumer], (1, 2)),
        ] {
            let (spans, skew) = corrected(&[(0, 100, hosts.0), (90, 150, hosts.1)], &roles, &exact());
            assert_eq!((spans[1], skew), ((90, 150), Skew::default()));
        }
    }

    #[test]
    fn rounding_is_not_skew() {
        let (spans, skew) = corrected(&[(0, 5_000_000, 1), (1_000_000, 5_900_000, 2)], &PAIR, &Options::default());
        assert_eq!((spans[1], skew.corrected), ((1_000_000, 5_900_000), 0));
    }
}
