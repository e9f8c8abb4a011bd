//! The analysis of one system: window, demands, verdicts, ceiling, ladder, targets, what-ifs.

use super::evidence::Verdict;
use super::full::{Full, full};
use super::growth;
use super::ladder::{Ladder, Start, climb, label};
use super::load::{LoadLevel, levels, scalability};
use super::model::{Kind, Resource, Size, System};
use super::plateau::{Plateau, plateau};
use super::resource::{BATCHES, ResourceCapacity, View, cross_check, resource, size_of};
use super::state::{Prediction, State, StatementDemand, Station};
use super::stats::{Estimate, batch_means};
use super::sweep::{Inferred, Steps};
use super::target::{Outcome, Target, WhatIf, reach, what_if};
use super::usage::{Completions, completions, steps};
use super::usl::{Curve, Refusal};
use super::window::{Finder, Window, stalls, trimmed, whole};

/// What to compute beside the ceiling.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Rates to be reached, successful requests a second.
    pub target_tps: Vec<f64>,
    /// Changes to try, all together.
    pub what_ifs: Vec<WhatIf>,
    /// The ladder's length at most.
    pub most_rungs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { target_tps: Vec::new(), what_ifs: Vec::new(), most_rungs: 6 }
    }
}

/// What a system can do, and what keeps it from more.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// Why there is no ceiling to speak of; the measured values below are then all there is.
    pub refusal: Option<String>,
    /// The period measured.
    pub window: Option<Window>,
    /// The window is the time for which the cause was full.
    pub is_full_period: bool,
    /// Share of all request time that lies outside of the window.
    pub edge_share: f64,
    /// Completions in the window.
    pub completions: Completions,
    /// Completions a second in the window.
    pub observed_tps: Option<f64>,
    /// Successful completions a second in the window.
    pub goodput_tps: Option<f64>,
    /// The same by batch means, with its interval.
    pub goodput: Option<Estimate>,
    /// Mean response time of successful requests, seconds.
    pub response_mean: Option<f64>,
    /// Mean number of requests inside.
    pub concurrency_mean: f64,
    /// The most inside at once.
    pub concurrency_max: u32,
    /// The ceiling as the system is: measured while full, else predicted.
    pub ceiling_tps: Option<f64>,
    /// Its low end.
    pub ceiling_low_tps: Option<f64>,
    /// Its high end.
    pub ceiling_high_tps: Option<f64>,
    /// Four times the highest rate in the log: a ceiling or rung beyond it is arithmetic, not experience.
    pub trusted_tps: f64,
    /// The model's prediction of it; the measured one must agree.
    pub prediction: Option<Prediction>,
    /// The innermost full resource.
    pub cause: Option<usize>,
    /// The lock that keeps connections busy, where waits for it make up half of what they are held.
    pub lock: Option<usize>,
    /// In the order of the system's resources.
    pub resources: Vec<ResourceCapacity>,
    /// The numbers that the ceiling and the ladder start from.
    pub state: State,
    /// Fixes one after the other.
    pub ladder: Ladder,
    /// An answer for each target.
    pub targets: Vec<Target>,
    /// What the stated changes would do.
    pub what_if: Option<Outcome>,
    /// Levels of load seen.
    pub load_levels: Vec<LoadLevel>,
    /// A throughput that no longer grew with the load although no resource was full.
    pub plateau: Option<Plateau>,
    /// The scalability curve through them, or why there is none.
    pub curve: Result<Curve, Refusal>,
    /// Times without any completion while requests were inside.
    pub stalls: Vec<Window>,
    /// Where the numbers disagree with each other or with what is stated.
    pub warnings: Vec<String>,
}

/// How many times the rate in the log a prediction may go.
const FURTHEST: f64 = 4.0;

/// How far a prediction may lie above a plateau and still be the same limit.
const EXPLAINED: f64 = 1.15;

/// Below these nothing is said.
const LEAST_REQUESTS: usize = 100;

/// Analyses a system.
pub fn analyse(system: &System, options: &Options) -> Capacity {
    if system.requests.is_empty() {
        return refused(system, "there is no request to count".to_owned());
    }
    let (inside, windows) = rayon::join(
        || Steps::new(system.requests.spans()),
        || whole(&system.requests).and_then(|log| Some((log, trimmed(&system.requests, log)?))),
    );
    let Some((log, calm)) = windows else {
        return refused(system, "the log is shorter than its slowest responses".to_owned());
    };
    let mean_response = inside.area(log.from_ns, log.to_ns) / system.requests.len() as f64 / 1e9;
    if system.requests.len() < LEAST_REQUESTS || log.seconds() < 10.0 * mean_response {
        let why = format!(
            "{} requests in {:.1} s: 100 and ten times the response time are needed",
            system.requests.len(),
            log.seconds()
        );
        return refused(system, why);
    }
    let holders: Vec<Steps> = system.resources.iter().map(steps).collect();
    let sizes: Vec<(Size, Option<Inferred>)> = system.resources.iter().zip(&holders).map(|(r, s)| size_of(r, s, calm)).collect();
    let depths: Vec<usize> = (0..system.resources.len()).map(|i| depth(&system.resources, i)).collect();

    // The innermost resource that was full for long enough, and waited for, sets the window.
    let full: Vec<Option<Full>> = (0..holders.len())
        .map(|i| full(&system.resources[i], &holders[i], sizes[i].0, calm).filter(|full| is_long(system, full.window, calm)))
        .collect();
    let innermost = (0..full.len()).filter(|&i| full[i].is_some()).max_by_key(|&i| (depths[i], std::cmp::Reverse(i)));
    let window = innermost.and_then(|i| full[i]).map_or(calm, |full| full.window);

    let (done, goodput) =
        rayon::join(|| completions(&system.requests, system.endpoints.len(), window), || rate_by_batches(system, window));
    let success = done.success as f64;
    let mut warnings = Vec::new();
    let mut resources: Vec<ResourceCapacity> = (0..holders.len())
        .map(|i| {
            let view = View { system, steps: &holders[i], inside: &inside, window, calm, done: &done, full: full[i] };
            resource(&view, i, sizes[i])
        })
        .collect();
    let cause = (0..resources.len()).filter(|&i| resources[i].verdict == Verdict::Saturated).max_by(|&a, &b| {
        depths[a].cmp(&depths[b]).then_with(|| nan_last(resources[b].ceiling_tps).total_cmp(&nan_last(resources[a].ceiling_tps)))
    });

    let state = state(system, &resources, &done, goodput);
    let prediction = state.predict();
    for (index, found) in resources.iter_mut().enumerate() {
        cross_check(found, window, &mut warnings);
        if found.verdict == Verdict::Saturated {
            // What waits at a full resource follows from who else may enter, not from an open stream of arrivals.
            found.open_wait = None;
        }
        found.headroom = found.ceiling_tps.filter(|_| success > 0.0).map(|c| c * window.seconds() / success - 1.0);
        if found.growth.gain == growth::Gain::SaturatedBehind {
            found.ceiling_tps = state.stations[index].top_tps.map(|top| found.ceiling_tps.map_or(top, |c| c.min(top)));
        }
    }
    let lock = cause_lock(&resources, cause);
    let (plateau, (load_levels, stalls)) = rayon::join(
        || cause.is_none().then(|| plateau(&system.requests, system.endpoints.len(), &inside, log)).flatten(),
        || (levels(&system.requests, &inside, calm, mean_response), stalls(&system.requests, &inside, log)),
    );
    let is_full_period = innermost.is_some() && cause.is_some();
    // While the cause is full the system's own rate is its ceiling; else the model has to tell.
    let measured = goodput.filter(|_| cause.is_some_and(|cause| resources[cause].is_full_throughout()) || lock.is_some());
    // So it is on a plateau that no resource of the log explains, whatever is full there.
    let is_explained = |rate: Estimate| prediction.is_some_and(|p| p.point <= EXPLAINED * rate.mean);
    let unexplained = plateau.as_ref().map(|plateau| plateau.goodput).filter(|rate| !is_explained(*rate));
    let measured = measured.or(unexplained);
    let (ceiling, low, high) = match (measured, prediction) {
        (Some(rate), _) => (Some(rate.mean), Some(rate.low), Some(rate.high)),
        // What was done can be done, whatever the model says.
        (None, Some(p)) => {
            let done = goodput.map_or(0.0, |rate| rate.mean);
            (Some(p.point.max(done)), Some(p.low), Some(p.high.max(done)))
        }
        (None, None) => (None, None, None),
    };
    if let (Some(rate), Some(p)) = (measured.filter(|_| unexplained.is_none()), prediction)
        && (rate.mean < 0.92 * p.lower || rate.mean > 1.05 * p.upper)
    {
        warnings.push(format!(
            "measured while full: {:.1} TPS; sizes and holds say {:.1} to {:.1}: a size or a hold is not what it seems",
            rate.mean, p.lower, p.upper
        ));
    }
    let highest = load_levels.iter().map(|l| l.throughput).chain(goodput.map(|g| g.mean)).fold(0.0, f64::max);
    let trusted_tps = FURTHEST * highest;
    let of_lock = |at: usize| {
        let name = &resources[at].name;
        format!("whoever waits for {name} holds a connection meanwhile, so that more of them only wait more")
    };
    let silence = lock.map(of_lock).or_else(|| unexplained.map(|_| "what is full there no log names".to_owned()));
    let ladder = match (ceiling, low, silence) {
        (Some(now), _, Some(why)) => Ladder { rungs: Vec::new(), end: format!("beyond {now:.1} TPS the log is silent: {why}") },
        (Some(now_tps), Some(now_low_tps), None) => {
            climb(&state, Start { now_tps, now_low_tps, trusted_tps, most_rungs: options.most_rungs })
        }
        _ => Ladder { rungs: Vec::new(), end: "no size is known: the log sets no ceiling".to_owned() },
    };
    let targets = options.target_tps.iter().map(|t| reach(*t, low, trusted_tps, &ladder)).collect();
    let what_if = ceiling
        .filter(|_| !options.what_ifs.is_empty())
        .and_then(|now| what_if(&state, &system.endpoints, now, trusted_tps, &options.what_ifs));
    let area = inside.area(log.from_ns, log.to_ns);
    let curve = scalability(&load_levels);
    let good = system.requests.iter().filter(|r| r.success && window.contains(r.end_ns));
    let (sum, count) = good.fold((0.0, 0.0), |(s, c), r| (s + r.end_ns.saturating_sub(r.start_ns) as f64 / 1e9, c + 1.0));
    Capacity {
        refusal: None,
        window: Some(window),
        is_full_period,
        edge_share: 1.0 - inside.area(window.from_ns, window.to_ns) / area,
        observed_tps: Some(done.total as f64 / window.seconds()),
        goodput_tps: Some(success / window.seconds()),
        goodput,
        response_mean: (count > 0.0).then(|| sum / count),
        concurrency_mean: inside.mean(window.from_ns, window.to_ns),
        concurrency_max: inside.max_within(window.from_ns, window.to_ns),
        completions: done,
        ceiling_tps: ceiling,
        ceiling_low_tps: low,
        ceiling_high_tps: high,
        trusted_tps,
        prediction,
        cause,
        lock,
        resources,
        state,
        ladder,
        targets,
        what_if,
        load_levels,
        plateau,
        curve,
        stalls,
        warnings,
    }
}

fn refused(system: &System, why: String) -> Capacity {
    Capacity {
        refusal: Some(why.clone()),
        window: whole(&system.requests),
        is_full_period: false,
        edge_share: 0.0,
        completions: Completions::default(),
        observed_tps: None,
        goodput_tps: None,
        goodput: None,
        response_mean: None,
        concurrency_mean: 0.0,
        concurrency_max: 0,
        ceiling_tps: None,
        ceiling_low_tps: None,
        ceiling_high_tps: None,
        trusted_tps: 0.0,
        prediction: None,
        cause: None,
        lock: None,
        resources: Vec::new(),
        state: State::default(),
        ladder: Ladder { rungs: Vec::new(), end: why },
        targets: Vec::new(),
        what_if: None,
        load_levels: Vec::new(),
        plateau: None,
        curve: Err(Refusal::FewLevels { levels: 0 }),
        stalls: Vec::new(),
        warnings: Vec::new(),
    }
}

fn nan_last(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::INFINITY)
}

fn depth(resources: &[Resource], index: usize) -> usize {
    let mut at = resources[index].parent;
    let mut out = 0;
    while let Some(parent) = at.filter(|p| *p < resources.len() && out <= resources.len()) {
        out += 1;
        at = resources[parent].parent;
    }
    out
}

/// Share of the log that a full period makes up at least: random arrivals fill a busy resource for shorter ones, too.
const NO_CHANCE: f64 = 0.05;

/// Whether a period is a part of the log that counts, and enough requests completed in it.
fn is_long(system: &System, window: Window, log: Window) -> bool {
    window.seconds() >= NO_CHANCE * log.seconds()
        && system.requests.iter().filter(|r| r.success && window.contains(r.end_ns)).count() >= LEAST_REQUESTS
}

/// Share of the time connections are held from which on waits for a lock are what keeps them.
const MUCH_LOCKED: f64 = 0.5;

/// The lock that keeps the connections busy: the most waited for, where that makes up half of what the cause, or else the
/// busiest pool, is held.
fn cause_lock(resources: &[ResourceCapacity], cause: Option<usize>) -> Option<usize> {
    let waited = |found: &ResourceCapacity| found.usage.wait_mean.unwrap_or(0.0) * found.usage.acquisitions() as f64;
    let lock = (0..resources.len())
        .filter(|&i| resources[i].kind == Kind::Lock)
        .max_by(|&a, &b| waited(&resources[a]).total_cmp(&waited(&resources[b])))?;
    let pools = resources.iter().filter(|r| r.kind == Kind::Connections).map(|r| r.usage.busy);
    let held = cause.map_or_else(|| pools.fold(0.0, f64::max), |cause| resources[cause].usage.busy);
    (held > 0.0 && waited(&resources[lock]) >= MUCH_LOCKED * held).then_some(lock)
}

/// Goodput by batch means.
fn rate_by_batches(system: &System, window: Window) -> Option<Estimate> {
    let parts = window.parts(BATCHES);
    let mut done = [0.0; BATCHES];
    let mut finder = Finder::new(&parts);
    for request in system.requests.iter().filter(|r| r.success && window.contains(r.end_ns)) {
        done[finder.find(request.end_ns).min(BATCHES - 1)] += 1.0;
    }
    let rates: Vec<f64> = done.iter().zip(&parts).map(|(d, p)| d / p.seconds()).collect();
    batch_means(&rates).map(|rate| Estimate { low: rate.low.max(0.0), ..rate })
}

fn state(system: &System, resources: &[ResourceCapacity], done: &Completions, goodput: Option<Estimate>) -> State {
    let success = done.success as f64;
    let now = goodput.map_or(0.0, |g| g.mean);
    let stations = resources
        .iter()
        .zip(&system.resources)
        .map(|(found, source)| {
            let demand = found.demand.unwrap_or(0.0);
            let slots = found.slots();
            let seen = f64::from(slots.map_or(found.in_use_max, |m| found.in_use_max.min(m)));
            let seen = if slots.is_none() { found.size.value.map_or(0.0, f64::from) } else { seen };
            // Whatever was seen at once it can hold; what it did it can do.
            let shown_tps = if demand > 0.0 { (seen / demand).max(now) } else { f64::INFINITY };
            let per_release = if found.usage.granted > 0 { success / found.usage.granted as f64 } else { 0.0 };
            let share = |endpoint: usize| done.by_endpoint.get(endpoint).map_or(0.0, |n| *n as f64);
            Station {
                name: found.name.clone(),
                kind: found.kind,
                size: found.size,
                is_occupied: found.is_occupied,
                logged_size: slots,
                seen,
                parent: source.parent,
                demand,
                work: found.usage.work.map(|w| w / success.max(1.0)),
                calls: found.usage.calls as f64 / success.max(1.0),
                by_endpoint: found
                    .usage
                    .by_endpoint
                    .iter()
                    .enumerate()
                    .map(|(e, busy)| if share(e) > 0.0 { busy / share(e) } else { 0.0 })
                    .collect(),
                growth: found.growth,
                top_tps: found.growth.top_rate.map(|r| r * per_release),
                shown_tps,
                sampling: found.ceiling_tps.zip(found.ceiling_high_tps).map_or(0.0, |(c, h)| (h - c) / c),
                variation: found.usage.hold_scv.map_or(1.0, f64::sqrt),
            }
        })
        .collect();
    let all_success = system.requests.iter().filter(|r| r.success).count().max(1) as f64;
    State {
        stations,
        shares: done.by_endpoint.iter().map(|n| *n as f64 / success.max(1.0)).collect(),
        statements: system
            .statements
            .iter()
            .filter(|s| s.resource < resources.len())
            .map(|s| StatementDemand {
                name: s.name.clone(),
                resource: s.resource,
                calls: s.calls as f64 / all_success,
                seconds: s.total_ns as f64 / 1e9 / all_success,
            })
            .collect(),
    }
}

impl Capacity {
    /// A resource's name with its sort, as the ladder prints it.
    pub fn label(&self, index: usize) -> String {
        self.state.stations.get(index).map_or_else(String::new, label)
    }
}
