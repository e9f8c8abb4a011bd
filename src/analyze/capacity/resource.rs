//! One resource's capacity: size, demand, use, evidence, ceiling and its interval.

use super::erlang::wait as open_wait;
use super::evidence::{Evidence, Verdict};
use super::full::{Full, NEARLY_ALL};
use super::growth::{self, Growth};
use super::load::bins;
use super::model::{Basis, Kind, Resource, Size, System};
use super::stats::{Estimate, batch_means};
use super::sweep::{Inferred, Steps, infer_size};
use super::usage::{Completions, Usage, measure};
use super::window::Window;

/// One resource's capacity.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceCapacity {
    /// Its name.
    pub name: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// Its size and how it is known.
    pub size: Size,
    /// Nearly all had to wait for it, so that all its slots were taken all the time, whatever the records account for.
    pub is_occupied: bool,
    /// What the waits say of the size.
    pub inferred: Option<Inferred>,
    /// What requests did to it within the window.
    pub usage: Usage,
    /// Mean number in use.
    pub in_use_mean: f64,
    /// The most in use at once.
    pub in_use_max: u32,
    /// Intrinsic hold per successful request, seconds.
    pub demand: Option<f64>,
    /// Share of the demand by endpoint.
    pub demand_share: Vec<f64>,
    /// Share of slot time taken, nested waits included.
    pub utilization: Option<f64>,
    /// What it alone lets through at most, successful requests a second.
    pub ceiling_tps: Option<f64>,
    /// Low end of the 95 % interval.
    pub ceiling_low_tps: Option<f64>,
    /// High end of the 95 % interval.
    pub ceiling_high_tps: Option<f64>,
    /// Ceiling over goodput, less 1.
    pub headroom: Option<f64>,
    /// Its state.
    pub verdict: Verdict,
    /// What the verdict rests on.
    pub evidence: Evidence,
    /// What a larger one would buy.
    pub growth: Growth,
    /// Predicted mean wait for arrivals that do not wait for answers: Erlang C and Allen-Cunneen, seconds. `None` is unstable or unknown.
    pub open_wait: Option<(f64, f64)>,
}

/// Slot time used from which on the rate at the time is the ceiling, and not one below it.
const NEARLY_FULL: f64 = 0.97;

impl ResourceCapacity {
    /// The slots that can be counted on: those that are known, or all there are while they are all taken.
    pub fn slots(&self) -> Option<u32> {
        self.size.slots(self.is_occupied)
    }

    /// Whether it left no room, so that the rate was what it lets through.
    pub(super) fn is_full_throughout(&self) -> bool {
        self.is_occupied
            || self.utilization.is_some_and(|used| used >= NEARLY_FULL)
            || self.usage.waited_share().is_some_and(|share| share >= NEARLY_ALL)
    }
}

/// How far Little's law and the sweep over the holds may lie apart: what lies across the window's edges differs.
const DISAGREE: f64 = 0.2;

/// Batches for confidence intervals.
pub(super) const BATCHES: usize = 20;

/// What one resource is measured with.
pub(super) struct View<'a> {
    pub(super) system: &'a System<'a>,
    pub(super) steps: &'a Steps,
    pub(super) inside: &'a Steps,
    pub(super) window: Window,
    pub(super) calm: Window,
    pub(super) done: &'a Completions,
    pub(super) full: Option<Full>,
}

/// Measures one resource.
pub(super) fn resource(view: &View<'_>, index: usize, (size, inferred): (Size, Option<Inferred>)) -> ResourceCapacity {
    let (source, window) = (&view.system.resources[index], view.window);
    let mut usage = measure(source, &view.system.requests, view.system.endpoints.len(), window);
    let accounted = size.known().map(|m| usage.busy / (f64::from(m) * window.seconds()));
    let is_waited_for = view.full.is_some_and(|full| full.by_waits) && usage.waited_share().is_some_and(|s| s >= NEARLY_ALL);
    let is_occupied = is_waited_for && accounted.is_none_or(|used| used < NEARLY_ALL);
    let mut size = size;
    if is_occupied {
        if size.known().is_none() {
            size = Size { value: Some(lower_bound(view.steps.mean(window.from_ns, window.to_ns)).max(1)), basis: Basis::AtLeast };
        }
        usage.fill(f64::from(size.value.unwrap_or(1)) * window.seconds());
    }
    let slots = size.slots(is_occupied).map(f64::from);
    let success = view.done.success as f64;
    let demand = (success > 0.0 && !source.holds.is_empty()).then(|| usage.intrinsic / success);
    let utilization = slots.map(|m| usage.busy / (m * window.seconds()));
    let mut evidence = Evidence::from_bins(&bins(&view.system.requests, source, view.inside, view.calm));
    evidence.utilization = utilization;
    evidence.waited_share = usage.waited_share();
    evidence.full_seconds = view.full.map(|full| full.window.seconds());
    evidence.accounted_share = accounted.filter(|_| is_occupied);
    if let (Some(m), true) = (size.known(), source.placed) {
        let times = view.steps.time_at(window.from_ns, window.to_ns);
        let at_cap: f64 = times.iter().skip(m as usize).map(|t| *t as f64).sum();
        evidence.at_cap_share = Some(at_cap / 1e9 / window.seconds());
    }
    let sampling = slots.and_then(|m| ceiling_by_batches(view, source, m, is_occupied));
    let ceiling_tps = slots.zip(demand).filter(|(_, d)| *d > 0.0).map(|(m, d)| m / d);
    let half = sampling.map(|s| (s.high - s.mean) / s.mean);
    let arrivals = usage.acquisitions() as f64 / window.seconds();
    // The recursion takes a step for each slot; so many slots hold nobody up.
    let countable = size.known().filter(|m| *m <= 100_000);
    let open_wait = match (countable, usage.intrinsic_mean, usage.arrival_scv, usage.hold_scv) {
        (Some(m), Some(hold), Some(arrival), Some(spread)) => {
            open_wait(m, arrivals * hold, hold, arrival, spread).map(|w| w.interval())
        }
        _ => None,
    };
    let total: f64 = usage.by_endpoint.iter().sum();
    ResourceCapacity {
        name: source.name.clone(),
        kind: source.kind,
        size,
        is_occupied,
        inferred,
        in_use_mean: view.steps.mean(window.from_ns, window.to_ns),
        in_use_max: view.steps.max_within(window.from_ns, window.to_ns),
        demand,
        demand_share: usage.by_endpoint.iter().map(|b| if total > 0.0 { b / total } else { 0.0 }).collect(),
        utilization,
        ceiling_tps,
        ceiling_low_tps: ceiling_tps.zip(half).map(|(c, h)| c * (1.0 - h)),
        ceiling_high_tps: ceiling_tps.zip(half).map(|(c, h)| c * (1.0 + h)),
        headroom: None,
        verdict: evidence.verdict(),
        evidence,
        growth: growth::measure(view.system, index, size.known(), view.calm).with_hold_ratio(evidence.hold_ratio),
        open_wait,
        usage,
    }
}

/// The ceiling's interval: m times successes over intrinsic busy time, batch by batch.
fn ceiling_by_batches(view: &View<'_>, source: &Resource, slots: f64, is_occupied: bool) -> Option<Estimate> {
    let parts = view.window.parts(BATCHES);
    let (mut busy, mut done) = (vec![0.0; BATCHES], vec![0_u64; BATCHES]);
    for hold in source.holds.iter().filter(|h| h.held_ns() > 0) {
        let own = hold.intrinsic_ns() as f64 / hold.held_ns() as f64;
        let first = parts.partition_point(|p| p.to_ns <= hold.grant_ns);
        for at in (first..BATCHES).take_while(|&at| parts[at].from_ns < hold.release_ns) {
            busy[at] += own * parts[at].overlap(hold.grant_ns, hold.release_ns) as f64 / 1e9;
        }
    }
    for request in view.system.requests.iter().filter(|r| r.success && view.window.contains(r.end_ns)) {
        done[parts.partition_point(|p| p.to_ns <= request.end_ns).min(BATCHES - 1)] += 1;
    }
    if is_occupied {
        let all: f64 = busy.iter().sum();
        let full = slots * view.window.seconds() / BATCHES as f64;
        // Full all the time: each batch has the same slot time, of which the share that is not nested waits counts.
        let own = if all > 0.0 { all / view.steps.area(view.window.from_ns, view.window.to_ns) * 1e9 } else { 1.0 };
        busy.fill(full * own.min(1.0));
    }
    let ceilings: Vec<f64> =
        busy.iter().zip(&done).filter(|(b, d)| **b > 0.0 && **d > 0).map(|(b, d)| slots * *d as f64 / b).collect();
    (ceilings.len() >= BATCHES / 2).then(|| batch_means(&ceilings)).flatten()
}

/// What is stated, else what waits show, else what was seen at once.
pub(super) fn size_of(resource: &Resource, steps: &Steps, window: Window) -> (Size, Option<Inferred>) {
    let inferred =
        if resource.placed { infer_size(&resource.holds, resource.resolution_ns, resource.wait_resolution_ns) } else { None };
    if resource.size.known().is_some() {
        return (resource.size, inferred);
    }
    if let Some(found) = inferred.filter(|f| f.share >= 0.85) {
        return (Size { value: Some(found.size), basis: Basis::Inferred }, inferred);
    }
    let seen = seen_at_once(resource, steps, window).max(resource.size.value.unwrap_or(0));
    let basis = if seen > 0 && resource.resolution_ns < 1_000_000_000 { Basis::AtLeast } else { Basis::Unknown };
    (Size { value: (basis == Basis::AtLeast).then_some(seen), basis }, inferred)
}

/// At least so many slots, where so many are in use on average; a twentieth may be error.
fn lower_bound(mean: f64) -> u32 {
    (mean - 0.05).ceil().max(0.0) as u32
}

/// How many were in use at once at the least: where holds lie where they were, of their parts that rounded stamps leave certain;
/// where places are assumed, on average over some time, since chance stacks wrong places up.
fn seen_at_once(resource: &Resource, steps: &Steps, window: Window) -> u32 {
    if resource.placed {
        let step = resource.resolution_ns.max(0);
        let granted = resource.holds.iter().filter(|h| h.granted);
        return Steps::new(granted.map(|h| (h.grant_ns.saturating_add(step), h.release_ns.saturating_sub(step)))).max();
    }
    let parts = window.parts(BATCHES);
    parts.iter().map(|part| lower_bound(steps.mean(part.from_ns, part.to_ns))).max().unwrap_or(0)
}

/// What disagrees with what is stated.
pub(super) fn cross_check(found: &ResourceCapacity, window: Window, warnings: &mut Vec<String>) {
    let sort = found.kind.name();
    if let (Some(share), Some(hold)) = (found.evidence.accounted_share, found.usage.hold_mean) {
        let beyond = hold / share.max(1e-9) - hold;
        warnings.push(format!(
            "{sort} {}: nearly all wait for it, so its slots are all taken, but the records account for {:.0} % of them: each is held about {} beyond what is logged, or there are fewer",
            found.name,
            100.0 * share,
            super::ladder::time(beyond)
        ));
        return;
    }
    let holds_a_second = found.usage.granted as f64 / window.seconds();
    if let Some(little) = found.usage.hold_mean.map(|hold| holds_a_second * hold).filter(|_| found.usage.granted >= 100)
        && (little - found.in_use_mean).abs() > DISAGREE * little.max(found.in_use_mean)
    {
        warnings.push(format!(
            "{sort} {}: {holds_a_second:.1} holds a second of the mean length would be {little:.1} in use (Little's law), the log shows {:.1}: holds are missing from it, or their places are wrong",
            found.name, found.in_use_mean
        ));
    }
    let Some(size) = found.size.known() else { return };
    if let Some(used) = found.utilization.filter(|u| *u > 1.02) {
        warnings.push(format!(
            "{} {} would be {:.0} % used: its size is not {size}, or its holds are not what they seem",
            sort,
            found.name,
            100.0 * used
        ));
    }
    if let Some(waits) = found.inferred.filter(|i| i.share >= 0.85 && i.size.abs_diff(size) > 1) {
        warnings.push(format!(
            "{} {}: the {} say {size} slots, its waits say {}",
            found.kind.name(),
            found.name,
            found.size.basis.name(),
            waits.size
        ));
    }
}
