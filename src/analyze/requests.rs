//! The requests: one entry for each request from outside, with its time split over the buckets.

use std::borrow::Cow;

use hashbrown::HashMap;
use parsers::{Kind, Outcome};

use rayon::prelude::*;

use super::attribute::{Below, split};
use super::bucket::{Buckets, Splits};
use super::columns::Rows;
use super::correlate::{Fate, Links, NONE};
use crate::frame::{NO_NAME, NULL_I64};

/// What a request is counted under.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, PartialOrd, Ord)]
pub struct EndpointKey {
    /// Key of the HTTP method, or none.
    pub method: u32,
    /// Key of the template, or none.
    pub name: u32,
    /// Key of the service, or none.
    pub service: u32,
}

/// Requests, column by column, in the order of the frame.
#[derive(Clone, Default)]
pub struct Requests<'a> {
    /// Row of the outermost record.
    pub row: Vec<u32>,
    /// Number of the endpoint.
    pub endpoint: Vec<u32>,
    /// When it was done, in nanoseconds since the epoch: the finest stamp of its records. The null
    /// pattern where no record has a stamp.
    pub end: Vec<i64>,
    /// How long it took, in nanoseconds; the null pattern where nobody says.
    pub duration: Cow<'a, [i64]>,
    /// How it ended.
    pub outcome: Vec<Outcome>,
    /// Where its time went; empty where each is told by one record alone, which says so itself.
    pub buckets: Splits,
    /// The endpoints by number.
    pub endpoints: Vec<EndpointKey>,
}

impl Requests<'_> {
    /// Number of requests.
    pub fn len(&self) -> usize {
        self.row.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }

    /// The split of a request.
    pub(crate) fn buckets(&self, rows: &Rows<'_>, request: usize) -> Buckets {
        if !self.buckets.is_empty() {
            return self.buckets.get(request);
        }
        let mut sums = Sums::default();
        sums.split(rows, self.row[request], self.duration[request]);
        sums.buckets
    }

    /// What all requests of each endpoint add up to.
    pub(crate) fn sums(&self, rows: &Rows<'_>, of: &RequestOf) -> Vec<Sums> {
        const AT_ONCE: usize = 1 << 18;
        let parts: Vec<Vec<Sums>> = (0..self.len().div_ceil(AT_ONCE))
            .into_par_iter()
            .map(|part| {
                let mut sums = vec![Sums::default(); self.endpoints.len()];
                for request in part * AT_ONCE..((part + 1) * AT_ONCE).min(self.len()) {
                    let sums = &mut sums[self.endpoint[request] as usize];
                    let row = self.row[request] as usize;
                    if let Some(bytes) = rows.bytes(row) {
                        sums.bytes = Some(sums.bytes.unwrap_or(0).saturating_add(bytes));
                    }
                    if let Some(calls) = rows.count(row) {
                        sums.stated_calls = Some(sums.stated_calls.unwrap_or(0) + u64::from(calls));
                    }
                    if self.buckets.is_empty() {
                        sums.split(rows, self.row[request], self.duration[request]);
                    }
                }
                sums
            })
            .collect();
        let mut sums = vec![Sums::default(); self.endpoints.len()];
        parts.iter().for_each(|part| sums.iter_mut().zip(part).for_each(|(sum, part)| sum.merge(part)));
        if !self.buckets.is_empty() {
            let splits = self.buckets.sums(&self.endpoint, self.endpoints.len());
            sums.iter_mut().zip(splits).for_each(|(sum, split)| sum.buckets = split);
        }
        // The records of inner tiers count calls, too.
        for row in rows.of_kind(Kind::Request).filter(|&row| rows.count(row).is_some() && of[row] != NONE) {
            let request = of[row] as usize;
            if let (true, Some(calls)) = (self.row[request] != row as u32, rows.count(row)) {
                let stated = &mut sums[self.endpoint[request] as usize].stated_calls;
                *stated = Some(stated.unwrap_or(0) + u64::from(calls));
            }
        }
        sums
    }

    /// Keeps the requests for which `keep` holds.
    pub fn retain(&mut self, keep: impl Fn(&Requests<'_>, usize) -> bool) {
        let kept: Vec<bool> = (0..self.len()).map(|request| keep(self, request)).collect();
        fn pick<T>(column: &mut Vec<T>, kept: &[bool]) {
            let mut at = 0;
            column.retain(|_| {
                at += 1;
                kept[at - 1]
            });
        }
        pick(&mut self.row, &kept);
        pick(&mut self.endpoint, &kept);
        pick(&mut self.end, &kept);
        pick(self.duration.to_mut(), &kept);
        pick(&mut self.outcome, &kept);
        self.buckets.retain(&kept);
    }
}

/// What several requests add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    /// Where their time went.
    pub(crate) buckets: Buckets,
    /// Bytes sent; `None` where nothing says.
    pub(crate) bytes: Option<u64>,
    /// Database calls as the records count them; `None` where none does.
    pub(crate) stated_calls: Option<u64>,
    /// Time that parts claimed beyond their record, where each request is one record.
    pub(crate) clipped_ns: i64,
    /// How many records that happened to.
    pub(crate) clipped: u64,
}

impl Sums {
    /// Books a request that one record alone tells of.
    #[inline]
    fn split(&mut self, rows: &Rows<'_>, row: u32, duration: i64) {
        if duration == NULL_I64 {
            return;
        }
        let clipped = split(rows, row as usize, duration, Below::default(), |bucket, ns| self.buckets.add(bucket, ns));
        self.clipped_ns = self.clipped_ns.saturating_add(clipped);
        self.clipped += u64::from(clipped > 0);
    }

    fn merge(&mut self, other: &Sums) {
        let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        self.buckets.merge(&other.buckets);
        self.bytes = add(self.bytes, other.bytes);
        self.stated_calls = add(self.stated_calls, other.stated_calls);
        self.clipped_ns = self.clipped_ns.saturating_add(other.clipped_ns);
        self.clipped += other.clipped;
    }
}

/// For each row, the number of the request it belongs to, or [`NONE`].
pub(crate) type RequestOf = Vec<u32>;

/// Finds the requests and what belongs to each.
pub(crate) fn collect<'a>(rows: &Rows<'_>, links: &'a Links<'_>) -> (Requests<'a>, RequestOf) {
    let mut requests = Requests::default();
    let mut of = vec![NONE; rows.len()];
    if rows.are_plain_requests() {
        requests.row.reserve_exact(rows.len());
    }
    let rooted = if links.joined.orphans > 0 { traces_with_root(rows, links) } else { hashbrown::HashSet::new() };
    for (row, slot) in of.iter_mut().enumerate() {
        if is_request(rows, links, row, &rooted) {
            *slot = requests.row.len() as u32;
            requests.row.push(row as u32);
        }
    }
    let any_child = links.fate.contains(&Fate::Child);
    if any_child {
        spread(&links.parent, &links.fate, &mut of);
    }
    let named = (any_child || !links.started.is_empty()).then(|| Named::of(rows, links, &requests, &of, any_child));
    requests.duration = match requests.len() == rows.len() {
        true => Cow::Borrowed(&links.duration),
        false => requests.row.iter().map(|&row| links.duration[row as usize]).collect(),
    };
    // Where nothing was joined, each record speaks for itself.
    let naming = |request: usize, root: u32| named.as_ref().map_or(root, |named| named.row[request]) as usize;
    let Requests { row: roots, endpoint, endpoints, outcome: outcomes, end, .. } = &mut requests;
    rayon::join(
        || {
            let mut numbers = Numbers::default();
            endpoint.extend(roots.iter().enumerate().map(|(request, &root)| {
                let row = naming(request, root);
                let key = EndpointKey { method: rows.method(row), name: rows.name(row), service: rows.service(root as usize) };
                numbers.of(key, endpoints)
            }));
        },
        || {
            outcomes.reserve_exact(roots.len());
            end.extend(roots.iter().enumerate().map(|(request, &root)| {
                let inner_failure = named.as_ref().map_or(Outcome::Unknown, |named| named.inner_failure[request]);
                outcomes.push(outcome(rows, root as usize, inner_failure));
                let stamp = named.as_ref().map_or(root, |named| named.stamp[request]) as usize;
                match links.start[stamp] {
                    NULL_I64 => NULL_I64,
                    start => start.saturating_add(links.duration[stamp].max(0)),
                }
            }));
        },
    );
    (requests, of)
}

/// Numbers endpoints in the order of their first request.
struct Numbers {
    by_key: HashMap<EndpointKey, u32>,
    /// The endpoint met last under each remainder of its name's key: most of the time it is the same again.
    recent: [(EndpointKey, u32); 64],
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers { by_key: HashMap::new(), recent: [(EndpointKey { method: 0, name: 0, service: 0 }, NONE); 64] }
    }
}

impl Numbers {
    #[inline]
    fn of(&mut self, key: EndpointKey, endpoints: &mut Vec<EndpointKey>) -> u32 {
        let recent = &mut self.recent[key.name as usize % 64];
        if recent.0 != key || recent.1 == NONE {
            let next = endpoints.len() as u32;
            let number = *self.by_key.entry(key).or_insert(next);
            if number == next {
                endpoints.push(key);
            }
            *recent = (key, number);
        }
        recent.1
    }
}

/// Traces of which the root span was given.
fn traces_with_root(rows: &Rows<'_>, links: &Links) -> hashbrown::HashSet<u128> {
    (0..rows.len())
        .filter(|&row| rows.span(row).is_some() && links.fate[row] != Fate::Orphan && links.parent[row] == NONE)
        .filter_map(|row| rows.trace(row))
        .collect()
}

/// Whether a row is a request from outside.
fn is_request(rows: &Rows<'_>, links: &Links, row: usize, rooted: &hashbrown::HashSet<u128>) -> bool {
    match links.fate[row] {
        Fate::Root if rows.is(row, Kind::Request) => true,
        // The root of a trace is a request even where nobody serves it: a job, a caller outside.
        Fate::Root => rows.span(row).is_some() && matches!(rows.kind(row), Kind::Internal | Kind::External),
        // The entry of a trace whose root was not given stands for it.
        Fate::Orphan => rows.is(row, Kind::Request) && rows.trace(row).is_none_or(|trace| !rooted.contains(&trace)),
        _ => false,
    }
}

/// Gives every row the request of its topmost parent.
fn spread(parent: &[u32], fate: &[Fate], of: &mut RequestOf) {
    let mut path = Vec::new();
    for row in 0..parent.len() {
        let mut at = row as u32;
        while of[at as usize] == NONE && parent[at as usize] != NONE && fate[at as usize] != Fate::Copy {
            path.push(at);
            at = parent[at as usize];
        }
        let request = of[at as usize];
        for at in path.drain(..) {
            of[at as usize] = request;
        }
    }
}

/// Which of a request's records names it, and which stamps it.
struct Named {
    row: Vec<u32>,
    stamp: Vec<u32>,
    inner_failure: Vec<Outcome>,
}

impl Named {
    /// The outermost record names the request, unless only an inner one has a URL; the record with
    /// the finest clock stamps it.
    fn of(rows: &Rows<'_>, links: &Links, requests: &Requests<'_>, of: &RequestOf, any_child: bool) -> Named {
        let mut named = Named {
            row: requests.row.iter().map(|&row| links.naming(rows, row)).collect(),
            stamp: requests.row.clone(),
            inner_failure: vec![Outcome::Unknown; requests.len()],
        };
        if !any_child {
            return named;
        }
        let is_path = |row: u32| rows.text(rows.name(row as usize)).starts_with('/');
        let step = |row: u32| {
            let start = rows.start(row as usize).unwrap_or(1);
            [1_000_000_000, 1_000_000, 1_000].into_iter().find(|step| start % step == 0).unwrap_or(1)
        };
        for (row, &request) in of.iter().enumerate() {
            if request == NONE || !rows.is(row, Kind::Request) || rows.start(row).is_none() {
                continue;
            }
            let (request, row) = (request as usize, row as u32);
            let (name, naming) = (&mut named.row[request], links.naming(rows, row));
            if !is_path(*name) && is_path(naming) {
                *name = naming;
            }
            // A clock that shows whole seconds is seen on the stamp itself: start + duration.
            let whole = |row: u32| rows.end(row as usize).is_some_and(|end| end % 1_000_000_000 == 0);
            let stamp = &mut named.stamp[request];
            if whole(*stamp) && !whole(row)
                || whole(*stamp) == whole(row) && rows.span(row as usize).is_none() && step(row) < step(*stamp) && whole(*stamp)
            {
                *stamp = row;
            }
            let outcome = rows.outcome(row as usize);
            if matches!(outcome, Outcome::Failed | Outcome::TimedOut) && row != requests.row[request] {
                named.inner_failure[request] = outcome;
            }
        }
        named
    }
}

/// The outcome of the outermost record; where it does not say, that of the inner ones.
fn outcome(rows: &Rows<'_>, root: usize, inner: Outcome) -> Outcome {
    match rows.outcome(root) {
        Outcome::Unknown if inner != Outcome::Unknown => inner,
        // The edge only sees a 503; the code inside knows that it gave up waiting.
        Outcome::Failed if inner == Outcome::TimedOut => inner,
        outcome => outcome,
    }
}

impl EndpointKey {
    /// The endpoint for people: `GET /accounts/{id}`, a transaction's name, or `(no request line)`.
    pub(crate) fn text(self, rows: &Rows<'_>) -> String {
        match (self.method, self.name) {
            (NO_NAME, NO_NAME) => "(no request line)".to_owned(),
            (method, NO_NAME) => format!("{} (no path)", rows.text(method)),
            (NO_NAME, name) => rows.text(name).to_owned(),
            (method, name) => format!("{} {}", rows.text(method), rows.text(name)),
        }
    }
}
