//! The requests: one entry for each request from outside, with its time split over the buckets.

use hashbrown::HashMap;
use parsers::{Kind, Outcome};

use super::bucket::{Bucket, Buckets, Splits};
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
pub struct Requests {
    /// Row of the outermost record.
    pub row: Vec<u32>,
    /// Number of the endpoint.
    pub endpoint: Vec<u32>,
    /// When it was done, in nanoseconds since the epoch: the finest stamp of its records. The null
    /// pattern where no record has a stamp.
    pub end: Vec<i64>,
    /// How long it took, in nanoseconds; the null pattern where nobody says.
    pub duration: Vec<i64>,
    /// How it ended.
    pub outcome: Vec<Outcome>,
    /// Where its time went; empty when no record tells more than a duration.
    pub buckets: Splits,
    /// The endpoints by number.
    pub endpoints: Vec<EndpointKey>,
}

impl Requests {
    /// Number of requests.
    pub fn len(&self) -> usize {
        self.row.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }

    /// The split of a request. Where no record tells parts, all of it is unaccounted.
    pub fn buckets(&self, request: usize) -> Buckets {
        if !self.buckets.is_empty() {
            return self.buckets.get(request);
        }
        let mut buckets = Buckets::default();
        if self.duration[request] != NULL_I64 {
            buckets.add(Bucket::Unaccounted, self.duration[request]);
        }
        buckets
    }

    /// The splits of all requests of each endpoint together.
    pub fn bucket_sums(&self) -> Vec<Buckets> {
        let mut sums = self.buckets.sums(&self.endpoint, self.endpoints.len());
        if self.buckets.is_empty() {
            for (&ns, &endpoint) in self.duration.iter().zip(&self.endpoint).filter(|(ns, _)| **ns != NULL_I64) {
                sums[endpoint as usize].add(Bucket::Unaccounted, ns);
            }
        }
        sums
    }

    /// Keeps the requests for which `keep` holds.
    pub fn retain(&mut self, keep: impl Fn(&Requests, usize) -> bool) {
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
        pick(&mut self.duration, &kept);
        pick(&mut self.outcome, &kept);
        self.buckets.retain(&kept);
    }
}

/// For each row, the number of the request it belongs to, or [`NONE`].
pub(crate) type RequestOf = Vec<u32>;

/// Finds the requests and what belongs to each.
pub(crate) fn collect(rows: &Rows<'_>, links: &Links) -> (Requests, RequestOf) {
    let mut requests = Requests::default();
    let mut of = vec![NONE; rows.len()];
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
    let mut numbers: HashMap<EndpointKey, u32> = HashMap::new();
    for request in 0..requests.len() {
        let root = requests.row[request] as usize;
        // Where nothing was joined, each record speaks for itself.
        let (row, stamp, inner_failure) = named.as_ref().map_or((root, root, Outcome::Unknown), |named| {
            (named.row[request] as usize, named.stamp[request] as usize, named.inner_failure[request])
        });
        let key = EndpointKey { method: rows.method(row), name: rows.name(row), service: rows.service(root) };
        let next = requests.endpoints.len() as u32;
        let number = *numbers.entry(key).or_insert(next);
        if number == next {
            requests.endpoints.push(key);
        }
        requests.endpoint.push(number);
        requests.duration.push(links.duration[root]);
        requests.outcome.push(outcome(rows, root, inner_failure));
        let end = if links.start[stamp] == NULL_I64 {
            NULL_I64
        } else {
            links.start[stamp].saturating_add(links.duration[stamp].max(0))
        };
        requests.end.push(end);
    }
    (requests, of)
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
    fn of(rows: &Rows<'_>, links: &Links, requests: &Requests, of: &RequestOf, any_child: bool) -> Named {
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
