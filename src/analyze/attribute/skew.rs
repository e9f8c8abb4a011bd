//! Clock skew between hosts: moves the callee's side of a call back into the caller's, with all that ran on the callee's
//! host below it. Nothing is moved in silence: what is, is counted.
//!
//! Clocks are of hosts, not of calls. A server's span that does not fit into its client's may as well have been served
//! after the client gave up, or work on after the answer; so calls are corrected only where most calls between the same
//! two hosts do not fit. Where hosts are not stated, two services stand in for them, but then only a span that starts
//! before it was called is held against the clock: one service may share the other's host, and lateness is no proof.
//!
//! The shift is Jaeger's: <https://github.com/jaegertracing/jaeger> (model/adjuster, clock skew).

use hashbrown::{HashMap, HashSet};
use parsers::Role;

use super::forest::Adjacency;

/// The host or service of a span that does not say.
pub const UNKNOWN: u32 = u32::MAX;

/// Columns of spans whose times are to be corrected in place; row `i` of each is one span.
#[derive(Debug)]
pub struct Columns<'a> {
    /// When each span starts, in nanoseconds.
    pub start: &'a mut [i64],
    /// When each span ends, in nanoseconds.
    pub end: &'a mut [i64],
    /// Row of the parent, as in a forest.
    pub parent: &'a [u32],
    /// Host of each span, [`UNKNOWN`] where it is not stated.
    pub host: &'a [u32],
    /// Service of each span, [`UNKNOWN`] where it is not stated.
    pub service: &'a [u32],
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

/// How often the clocks are voted on: a host behind one that is off is only judged by where that one really was, so each
/// round settles one more host of a chain.
const ROUNDS: usize = 8;

/// Two clocks: a caller's and a callee's.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
struct Clocks {
    caller: u32,
    callee: u32,
    /// Whether these are hosts; else services stand in for them.
    are_hosts: bool,
}

/// Corrects the times of all trees, from the roots down. O(n).
pub fn correct(columns: &mut Columns<'_>, options: &Options) -> Skew {
    let Columns { start, end, parent, host, service, role } = columns;
    let n = [start.len(), end.len(), parent.len(), host.len(), service.len(), role.len()].into_iter().min().unwrap_or(0);
    let mut skew = Skew::default();
    // The clocks between which a row crosses from its caller, if it does.
    let crossed = |row: usize| -> Option<Clocks> {
        let above = parent[row] as usize;
        if above >= n || role[row] != Role::Server || role[above] != Role::Client {
            return None;
        }
        let are_hosts = host[row] != UNKNOWN && host[above] != UNKNOWN;
        let (caller, callee) = if are_hosts { (host[above], host[row]) } else { (service[above], service[row]) };
        (caller != callee && caller != UNKNOWN && callee != UNKNOWN).then_some(Clocks { caller, callee, are_hosts })
    };
    let same_clock = |row: usize, above: usize| {
        if host[row] == UNKNOWN || host[above] == UNKNOWN {
            service[row] == service[above] || service[row] == UNKNOWN
        } else {
            host[row] == host[above]
        }
    };
    let wanted = |clocks: Clocks, client: (i64, i64), server: (i64, i64)| {
        let is_early = server.0 < client.0.saturating_sub(options.tolerance_ns);
        if clocks.are_hosts || is_early { shift(client, server, options.tolerance_ns) } else { 0 }
    };
    // Only two clocks that some call does not fit between can be off; mostly there are none.
    let misfit = |row: usize, delta: &[i64]| {
        let clocks = crossed(row)?;
        let above = parent[row] as usize;
        let client = (start[above].saturating_add(delta[above]), end[above].saturating_add(delta[above]));
        Some((clocks, wanted(clocks, client, (start[row], end[row]))))
    };
    let mut delta = vec![0i64; n];
    if (0..n).all(|row| misfit(row, &delta).is_none_or(|(_, moved)| moved == 0)) {
        return skew;
    }
    let adjacency = Adjacency::new(&parent[..n]);
    let mut off: HashSet<Clocks> = HashSet::new();
    for _ in 0..ROUNDS {
        // Of the calls between two clocks, how many there are and how many do not fit, the callers where they are by now.
        let mut votes: HashMap<Clocks, (u64, u64)> = HashMap::new();
        for (clocks, moved) in (0..n).filter_map(|row| misfit(row, &delta)) {
            let vote = votes.entry(clocks).or_default();
            *vote = (vote.0 + 1, vote.1 + u64::from(moved != 0));
        }
        let now: HashSet<Clocks> =
            votes.into_iter().filter(|(_, (calls, misfits))| 2 * misfits > *calls).map(|(clocks, _)| clocks).collect();
        if now == off {
            break;
        }
        off = now;
        skew = Skew::default();
        for &row in adjacency.top_down() {
            let row = row as usize;
            let above = parent[row] as usize;
            delta[row] = match misfit(row, &delta) {
                // One that does not fit among many that do is late, not skewed.
                Some((clocks, moved)) if moved == 0 || !off.contains(&clocks) => 0,
                Some((_, moved)) if options.max_delta_ns.is_some_and(|max| moved.saturating_abs() > max) => {
                    skew.refused += 1;
                    0
                }
                Some((_, moved)) => {
                    skew.corrected += 1;
                    skew.max_delta_ns = skew.max_delta_ns.max(moved.saturating_abs());
                    moved
                }
                None if above < n && same_clock(row, above) => delta[above],
                None => 0,
            };
        }
    }
    for (row, delta) in delta.into_iter().enumerate() {
        start[row] = start[row].saturating_add(delta);
        end[row] = end[row].saturating_add(delta);
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

    /// Spans of (start, end, host, parent); the host is a service where `hosts` is false.
    fn corrected(spans: &[(i64, i64, u32, u32)], roles: &[Role], hosts: bool, options: &Options) -> (Vec<(i64, i64)>, Skew) {
        let mut start: Vec<i64> = spans.iter().map(|s| s.0).collect();
        let mut end: Vec<i64> = spans.iter().map(|s| s.1).collect();
        let named: Vec<u32> = spans.iter().map(|s| s.2).collect();
        let unknown = vec![UNKNOWN; spans.len()];
        let (host, service) = if hosts { (&named, &unknown) } else { (&unknown, &named) };
        let parent: Vec<u32> = spans.iter().map(|s| s.3).collect();
        let mut columns = Columns { start: &mut start, end: &mut end, parent: &parent, host, service, role: roles };
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
            let spans = [(client.0, client.1, 1, NO_PARENT), (server.0, server.1, 2, 0)];
            let (spans, skew) = corrected(&spans, &PAIR, true, &exact());
            assert_eq!(spans[1], want, "{client:?} {server:?}");
            assert_eq!(skew.corrected, u64::from(server != want));
            assert_eq!(skew.max_delta_ns, (want.0 - server.0).abs());
        }
    }

    #[test]
    fn descendants_on_the_same_host_move_along() {
        let spans = [(10, 110, 1, NO_PARENT), (50, 120, 2, 0), (60, 80, 2, 1), (60, 80, 3, 2)];
        let roles = [Role::Client, Role::Server, Role::Client, Role::Server];
        let (moved, skew) = corrected(&spans, &roles, true, &exact());
        assert_eq!(moved, [(10, 110), (25, 95), (35, 55), (35, 55)]);
        assert_eq!(skew, Skew { corrected: 2, refused: 0, max_delta_ns: 25 });
    }

    #[test]
    fn a_shift_over_the_limit_is_refused() {
        let options = Options { tolerance_ns: 0, max_delta_ns: Some(10) };
        let (spans, skew) = corrected(&[(10, 110, 1, NO_PARENT), (0, 50, 2, 0)], &PAIR, true, &options);
        assert_eq!((spans[1], skew.refused, skew.corrected), ((0, 50), 1, 0));
    }

    #[test]
    fn only_pairs_of_client_and_server_on_two_known_hosts_are_touched() {
        for (roles, hosts) in [
            (PAIR, (1, 1)),
            (PAIR, (1, UNKNOWN)),
            ([Role::Server, Role::Client], (1, 2)),
            ([Role::Producer, Role::Consumer], (1, 2)),
        ] {
            let spans = [(0, 100, hosts.0, NO_PARENT), (90, 150, hosts.1, 0)];
            let (spans, skew) = corrected(&spans, &roles, true, &exact());
            assert_eq!((spans[1], skew), ((90, 150), Skew::default()));
        }
    }

    #[test]
    fn rounding_is_not_skew() {
        let spans = [(0, 5_000_000, 1, NO_PARENT), (1_000_000, 5_900_000, 2, 0)];
        let (spans, skew) = corrected(&spans, &PAIR, true, &Options::default());
        assert_eq!((spans[1], skew.corrected), ((1_000_000, 5_900_000), 0));
    }

    #[test]
    fn one_late_server_among_many_in_time_is_not_skew() {
        // Two calls from host 1 to host 2 fit, the third went on after its caller had given up.
        let calls = [(0, 100, 10, 90), (200, 300, 210, 290), (400, 500, 490, 700)];
        let spans = |calls: &[(i64, i64, i64, i64)]| {
            let pair = |(i, &(a, b, c, d)): (usize, &(i64, i64, i64, i64))| [(a, b, 1, NO_PARENT), (c, d, 2, 2 * i as u32)];
            calls.iter().enumerate().flat_map(pair).collect::<Vec<_>>()
        };
        let roles = [PAIR, PAIR, PAIR].concat();
        let (moved, skew) = corrected(&spans(&calls), &roles, true, &exact());
        assert_eq!((moved[5], skew), ((490, 700), Skew::default()));
        // Where most are early by 40 the clock is off; the one that fits is left where it is.
        let calls = [(0, 100, -30, 50), (200, 300, 170, 250), (400, 500, 410, 490)];
        let (moved, skew) = corrected(&spans(&calls), &roles, true, &exact());
        assert_eq!([moved[1], moved[3], moved[5]], [(10, 90), (210, 290), (410, 490)]);
        assert_eq!(skew, Skew { corrected: 2, refused: 0, max_delta_ns: 40 });
    }

    #[test]
    fn services_stand_in_for_hosts_only_where_a_span_starts_before_it_is_called() {
        for (services, server, want) in [
            ((1, 2), (-50, 10), (20, 80)),
            ((1, 2), (90, 150), (90, 150)),
            ((1, 1), (-50, 10), (-50, 10)),
            ((1, UNKNOWN), (-50, 10), (-50, 10)),
        ] {
            let spans = [(0, 100, services.0, NO_PARENT), (server.0, server.1, services.1, 0)];
            let (spans, skew) = corrected(&spans, &PAIR, false, &exact());
            assert_eq!((spans[1], skew.corrected), (want, u64::from(server != want)), "{services:?} {server:?}");
        }
    }
}
