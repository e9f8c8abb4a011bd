//! The whole analysis, step by step.

use std::collections::BTreeMap;

use globset::GlobMatcher;
use parsers::Outcome;

use super::attribute::{attribute, overlay, paused};
use super::bucket::{Bucket, Buckets};
use super::capacity::target::WhatIf;
use super::capacity::{self, Capacity};
use super::columns::Rows;
use super::correlate::{Alignment, Fate, Joined, Links, NONE, align, correlate};
use super::folded::FoldedRow;
use super::growing::growing;
use super::profile::{self, Groups, Profile};
use super::rank::Ranking;
use super::replay::ReplayRow;
use super::requests::{RequestOf, Requests, collect};
use super::resources::{self, Resources, Watched};
use super::rules::{self, Facts};
use super::services::{EdgeRow, ServiceRow};
use super::sources::Origin;
use super::tables::{BottleneckRow, EndpointRow, Finding, PauseRow, SliceRow, StatementRow, WaitRow};
use super::verdict::verdict;
use super::{amplification, bottlenecks, database, folded, replay, services};
use crate::error::Result;
use crate::frame::{Frame, NULL_I64};

/// What is analysed, and how.
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    /// Only requests done at or after this, in nanoseconds since the epoch. Default: all.
    pub since: Option<i64>,
    /// Only requests done before this. Default: all.
    pub until: Option<i64>,
    /// Only endpoints that match one of these; empty: all.
    pub endpoints: Vec<GlobMatcher>,
    /// Only these methods; empty: all.
    pub methods: Vec<String>,
    /// Only these statuses, as inclusive ranges; empty: all.
    pub statuses: Vec<(u16, u16)>,
    /// Only requests that took at least this, in nanoseconds.
    pub min_duration: Option<i64>,
    /// Quantiles of every table. Default: p50, p90, p95, p99.
    pub quantiles: Vec<f64>,
    /// Rates to be reached, successful requests a second.
    pub target_tps: Vec<f64>,
    /// Changes to try, all together.
    pub what_ifs: Vec<WhatIf>,
    /// Sizes of pools and thread pools by name, as the user states them; they overrule the logs.
    pub pools: BTreeMap<String, u32>,
    /// The interval at which a load generator meant to send each of its requests, in nanoseconds: its log is then corrected for
    /// coordinated omission. Default: none.
    pub expected_interval: Option<i64>,
    /// Whether critical paths are folded into stacks. Default: no.
    pub folded: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            since: None,
            until: None,
            endpoints: Vec::new(),
            methods: Vec::new(),
            statuses: Vec::new(),
            min_duration: None,
            quantiles: vec![0.5, 0.9, 0.95, 0.99],
            target_tps: Vec::new(),
            what_ifs: Vec::new(),
            pools: BTreeMap::new(),
            expected_interval: None,
            folded: false,
        }
    }
}

impl Options {
    /// Whether only a part of the time is wanted.
    fn has_window(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Whether only some of its requests are.
    fn selects(&self) -> bool {
        !self.endpoints.is_empty() || !self.methods.is_empty() || !self.statuses.is_empty() || self.min_duration.is_some()
    }
}

/// Requests in total.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Requests.
    pub count: u64,
    /// Failed ones.
    pub errors: u64,
    /// Of them, given up by the client.
    pub abandoned: u64,
    /// Of them, timed out.
    pub timed_out: u64,
    /// Sum of the durations; `None` when no record has one.
    pub total_ns: Option<i64>,
    /// Length of the window, in seconds; `None` when it has none.
    pub seconds: Option<f64>,
    /// Where all the time went.
    pub buckets: Buckets,
}

/// What the numbers rest on.
#[derive(Clone, Debug, Default)]
pub struct Quality {
    /// Requests left out by a filter.
    pub filtered: u64,
    /// Operations of each source that the filters left out.
    pub filtered_by_source: Vec<u64>,
    /// How the records were joined.
    pub joined: Joined,
    /// Share of records with an id that found a request; `None` when none has one.
    pub joined_share: Option<f64>,
    /// Share of the time that nothing splits; `None` without any time.
    pub unaccounted_share: Option<f64>,
    /// Time that parts claimed beyond their record.
    pub clipped_ns: i64,
    /// How many records that happened to.
    pub clipped: u64,
    /// Path time that may as well have been another sibling's.
    pub ambiguous_ns: i64,
    /// Calls of which only the sum is known, so that they are on no path.
    pub unplaced: u64,
    /// Their time.
    pub unplaced_ns: i64,
    /// Requests whose statements took longer in the database's log than the caller says.
    pub contradictions: u64,
    /// What was done to line up the timestamps.
    pub alignment: Alignment,
}

/// Everything that was found.
pub struct Analysis {
    /// One or two sentences: what it is.
    pub verdict: String,
    /// First and last completion, in nanoseconds since the epoch.
    pub window: Option<(i64, i64)>,
    /// Requests in total.
    pub totals: Totals,
    /// The cause first.
    pub bottlenecks: Vec<BottleneckRow>,
    /// By total time.
    pub endpoints: Vec<EndpointRow>,
    /// By total time.
    pub database: Vec<StatementRow>,
    /// By total time.
    pub waits: Vec<WaitRow>,
    /// Pools of which only readings tell.
    pub watched: Vec<Watched>,
    /// By total time.
    pub pauses: Vec<PauseRow>,
    /// What caps the throughput.
    pub capacity: Option<Capacity>,
    /// What is worth knowing, worst first.
    pub findings: Vec<Finding>,
    /// Services by their time on the critical paths; only spans tell.
    pub services: Vec<ServiceRow>,
    /// Calls between services by their time; only spans tell.
    pub edges: Vec<EdgeRow>,
    /// What changes of statements would do to each endpoint, where they were asked for.
    pub replays: Vec<ReplayRow>,
    /// The critical paths as stacks, where they were asked for.
    pub folded: Option<Vec<FoldedRow>>,
    /// Slices of time.
    pub timeline: Vec<SliceRow>,
    /// What the numbers rest on.
    pub quality: Quality,
    /// The mergeable summary.
    pub profile: Profile,
    /// The quantiles of the tables.
    pub quantiles: Vec<f64>,
}

/// Analyses a frame. `host_names` names the hosts of the origins.
///
/// # Errors
/// When polars refuses, which would be a defect.
pub fn run(frame: &Frame, origins: &[Origin], host_names: &[String], options: &Options) -> Result<Analysis> {
    let rows = &Rows::of(frame);
    let mut alignment = align(frame, origins);
    let links = correlate(rows, origins, &mut alignment);
    let (mut requests, mut of) = collect(rows, &links);
    let mut attribution = attribute(rows, origins, &links, &of, &mut requests);
    overlay(rows, origins, &links, &of, &mut requests);
    let before = requests.len();
    // Filters work on copies, which are made only where there is something to leave out.
    let unfiltered = options.has_window().then(|| of.clone());
    if unfiltered.is_some() {
        keep(&mut requests, &mut of, |requests, request| in_window(requests.end[request], options));
    }
    let narrowed = options.selects().then(|| {
        let (mut requests, mut of) = (requests.clone(), of.clone());
        keep(&mut requests, &mut of, |requests, request| selected(rows, requests, request, options));
        (requests, of)
    });
    // Resources are those of all traffic, whatever was selected.
    let (all, all_of) = (&requests, &of);
    let (requests, of) = narrowed.as_ref().map_or((all, all_of), |(requests, of)| (requests, of));
    let unfiltered = unfiltered.as_ref().unwrap_or(all_of);
    let calls_of = |of, requests| database::collect(rows, &links, of, unfiltered, requests, |end| in_window(end, options));
    let all_calls = calls_of(all_of, all);
    let some_calls = narrowed.as_ref().map(|(requests, of)| calls_of(of, requests));
    let calls = some_calls.as_ref().unwrap_or(&all_calls);
    let ((resources, capacity), (groups, profile)) = rayon::join(
        || {
            let resources = resources::build(rows, origins, &links, all_of, all, &all_calls, host_names, &options.pools);
            let capacity = capacity_of(&resources, options);
            (resources, capacity)
        },
        || {
            let (groups, sums) = rayon::join(|| Groups::of(rows, requests, calls), || requests.sums(rows, of));
            let profile = profile::build(rows, requests, &groups, &sums, calls);
            attribution.clipped_ns = sums.iter().fold(attribution.clipped_ns, |ns, sum| ns.saturating_add(sum.clipped_ns));
            attribution.clipped += sums.iter().map(|sum| sum.clipped).sum::<u64>();
            (groups, profile)
        },
    );
    let ranking = Ranking {
        rows,
        origins,
        links: &links,
        of,
        requests,
        groups: &groups,
        calls,
        profile: &profile,
        quantiles: &options.quantiles,
    };
    let (endpoints, timeline) = rayon::join(|| ranking.endpoints(), || ranking.timeline());
    let database = ranking.statements()?;
    let waits = ranking.waits(&resources, &capacity);
    let pauses = ranking.pauses();
    let totals = totals(requests, &profile, ranking.seconds());
    let services = services::services(rows, &links, of, &attribution, totals.total_ns);
    let edges = services::edges(rows, &links, of, &attribution);
    let folded = options.folded.then(|| folded::folded(rows, &links, of, requests, &attribution));
    let replays = replay::replay(rows, &links, requests, &attribution, &options.what_ifs);
    let seen = amplification::Context { rows, links: &links, of, requests, attribution: &attribution };
    let amplification = amplification::find(&seen);
    let quality = quality(rows, &links, requests, of, before, &totals, &attribution, alignment, origins.len());
    let growing = capacity.plateau.as_ref().and_then(|plateau| growing(rows, all, plateau));
    let facts = Facts {
        expected_interval: options.expected_interval,
        origins,
        rows,
        requests,
        window_rows: &all.row,
        totals: &totals,
        endpoints: &endpoints,
        database: &database,
        waits: &waits,
        pauses: &pauses,
        paused_ns: paused(rows, &links, profile.window),
        capacity: &capacity,
        resources: &resources,
        quality: &quality,
        growing,
        edges: &edges,
        amplification: &amplification,
        call_durations: &calls.duration,
        quantiles: options.quantiles.len(),
        quantile_list: &options.quantiles,
    };
    let bottlenecks = bottlenecks::rank(&facts);
    let findings = rules::run(&facts);
    let verdict = verdict(&facts, &bottlenecks);
    Ok(Analysis {
        verdict,
        window: profile.window,
        totals,
        bottlenecks,
        endpoints,
        database,
        waits,
        watched: resources.watched.clone(),
        pauses,
        capacity: Some(without_found(capacity, &replays)),
        findings,
        services,
        edges,
        replays,
        folded,
        timeline,
        quality,
        profile,
        quantiles: options.quantiles.clone(),
    })
}

fn capacity_of(resources: &Resources<'_>, options: &Options) -> Capacity {
    let mut chosen = capacity::Options::default();
    chosen.target_tps.clone_from(&options.target_tps);
    chosen.what_ifs.clone_from(&options.what_ifs);
    let mut capacity = capacity::analyse(&resources.system, &chosen);
    capacity.warnings.extend(resources.conflicts.iter().cloned());
    capacity
}

/// The capacity model may not know a statement that the replay of traces found.
fn without_found(mut capacity: Capacity, replays: &[ReplayRow]) -> Capacity {
    if let Some(outcome) = &mut capacity.what_if {
        let found = |change: &WhatIf| matches!(change, WhatIf::Statement { statement, .. } if replays.iter().any(|r| r.change == *statement));
        outcome.unmatched.retain(|change| !found(change));
    }
    capacity
}

fn in_window(end: i64, options: &Options) -> bool {
    !options.has_window()
        || end != NULL_I64 && options.since.is_none_or(|since| end >= since) && options.until.is_none_or(|until| end < until)
}

fn selected(rows: &Rows<'_>, requests: &Requests<'_>, request: usize, options: &Options) -> bool {
    let row = requests.row[request] as usize;
    let key = requests.endpoints[requests.endpoint[request] as usize];
    let status = rows.status(row);
    let long = requests.duration[request];
    (options.endpoints.is_empty() || {
        let (full, path) = (key.text(rows), rows.text(key.name));
        options.endpoints.iter().any(|pattern| pattern.is_match(&full) || pattern.is_match(path))
    }) && (options.methods.is_empty() || options.methods.iter().any(|m| m.eq_ignore_ascii_case(rows.text(key.method))))
        && (options.statuses.is_empty() || status.is_some_and(|s| options.statuses.iter().any(|&(a, b)| (a..=b).contains(&s))))
        && options.min_duration.is_none_or(|least| long != NULL_I64 && long >= least)
}

/// Keeps some requests and renumbers what belongs to them.
fn keep(requests: &mut Requests<'_>, of: &mut RequestOf, wanted: impl Fn(&Requests<'_>, usize) -> bool) {
    let before = requests.len();
    let mut number = vec![NONE; before];
    let mut next = 0;
    for (request, slot) in number.iter_mut().enumerate() {
        if wanted(requests, request) {
            *slot = next;
            next += 1;
        }
    }
    if next as usize == before {
        return;
    }
    requests.retain(|_, request| number[request] != NONE);
    for slot in of.iter_mut().filter(|slot| **slot != NONE) {
        *slot = number[*slot as usize];
    }
}

fn totals(requests: &Requests<'_>, profile: &Profile, seconds: Option<f64>) -> Totals {
    let mut totals = Totals { count: requests.len() as u64, seconds, ..Totals::default() };
    for request in 0..requests.len() {
        let outcome = requests.outcome[request];
        totals.errors += u64::from(profile::is_error(outcome));
        totals.abandoned += u64::from(outcome == Outcome::Abandoned);
        totals.timed_out += u64::from(outcome == Outcome::TimedOut);
        if requests.duration[request] != NULL_I64 {
            totals.total_ns = Some(totals.total_ns.unwrap_or(0).saturating_add(requests.duration[request]));
        }
    }
    profile.endpoints.iter().for_each(|series| totals.buckets.merge(&series.buckets));
    totals
}

#[expect(clippy::too_many_arguments, reason = "each is one thing the account is drawn up from")]
fn quality(
    rows: &Rows<'_>,
    links: &Links,
    requests: &Requests<'_>,
    of: &RequestOf,
    before: usize,
    totals: &Totals,
    attribution: &super::attribute::Attribution,
    alignment: Alignment,
    sources: usize,
) -> Quality {
    let joined = links.joined.clone();
    let share = |part: i64| totals.total_ns.filter(|&t| t > 0).map(|total| part as f64 / total as f64);
    let mut filtered_by_source = vec![0u64; sources];
    if before > requests.len() {
        for row in (0..rows.len()).filter(|&row| of[row] == NONE && matches!(links.fate[row], Fate::Root | Fate::Child)) {
            if rows.is(row, parsers::Kind::Request) {
                filtered_by_source[rows.source[row] as usize] += 1;
            }
        }
    }
    Quality {
        filtered: (before - requests.len()) as u64,
        filtered_by_source,
        joined_share: (joined.with_id > 0).then(|| joined.joined as f64 / joined.with_id as f64),
        unaccounted_share: share(totals.buckets.get(Bucket::Unaccounted).unwrap_or(0)),
        clipped_ns: attribution.clipped_ns,
        clipped: attribution.clipped,
        ambiguous_ns: attribution.ambiguous_ns,
        unplaced: attribution.unplaced,
        unplaced_ns: attribution.unplaced_ns,
        contradictions: attribution.contradictions,
        joined,
        alignment,
    }
}
