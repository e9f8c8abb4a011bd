//! What more slots would buy: whether a resource's rate still grows with the number in use, or something behind it is full.
//!
//! From the load-dependent rate where holds lie where they were, else from holds in calm and busy parts of the log. A log that
//! was saturated throughout cannot tell, and then says so.

use super::model::{Hold, Resource, System};
use super::sweep::{Steps, elasticity, levels};
use super::window::Window;

/// What the log says of a larger resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gain {
    /// The rate grows with the slots.
    Scales,
    /// It grows, but less.
    Partial,
    /// It no longer grows: what lies behind is full.
    SaturatedBehind,
    /// The log cannot tell.
    Unknown,
}

/// Where the elasticity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Completions per time at each number in use.
    Levels,
    /// Holds, adjusted for the mix of endpoints, in calm against busy parts of the log.
    CalmAndBusy,
    /// Nothing.
    None,
}

/// The elasticity of a resource and what follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// What it says.
    pub gain: Gain,
    /// Where it comes from.
    pub basis: Basis,
    /// d ln rate / d ln n near the top of what was seen.
    pub slope: Option<f64>,
    /// Its standard error.
    pub error: Option<f64>,
    /// The number in use up to which this was seen.
    pub seen_to: f64,
    /// Releases per second there, where the gain is less than proportional.
    pub top_rate: Option<f64>,
}

impl Growth {
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self { gain: Gain::Unknown, basis: Basis::None, slope: None, error: None, seen_to: 0.0, top_rate: None }
    }

    /// A rate that seems to grow a little less than in proportion does grow so where holds are as short in busy parts of the log as
    /// in calm ones: the rate at each number in use is also cut short by who comes and goes.
    pub fn with_hold_ratio(mut self, hold_ratio: Option<f64>) -> Self {
        const FLAT: f64 = 1.1;
        let nearly = match hold_ratio {
            Some(ratio) if ratio <= FLAT => 0.7,
            Some(_) => 1.0,
            None => 0.8,
        };
        if self.gain == Gain::Partial && self.slope.is_some_and(|slope| slope >= nearly) {
            (self.gain, self.top_rate) = (Gain::Scales, None);
        }
        self
    }

    fn from_slope(basis: Basis, slope: f64, error: f64, seen_to: f64, top_rate: f64) -> Self {
        // Within its standard error a slope counts as proportional.
        let gain = match slope {
            s if s + error >= 0.85 => Gain::Scales,
            s if s <= 0.25 => Gain::SaturatedBehind,
            _ => Gain::Partial,
        };
        let top_rate = (gain != Gain::Scales).then_some(top_rate);
        Self { gain, basis, slope: Some(slope), error: Some(error), seen_to, top_rate }
    }
}

/// Measures the growth of resource `index` within the trimmed log; `size` is its known number of slots, if any.
pub fn measure(system: &System, index: usize, size: Option<u32>, window: Window) -> Growth {
    let resource = &system.resources[index];
    let nested: i128 = resource.holds.iter().map(|h| i128::from(h.held_ns().saturating_sub(h.intrinsic_ns()))).sum();
    let held: i128 = resource.holds.iter().map(|h| i128::from(h.held_ns())).sum();
    // The raw rate of a resource that waits for inner ones shows the inner limit, not its own.
    let is_own = nested * 20 <= held;
    let by_level = if resource.placed && is_own { from_levels(resource, size, window) } else { None };
    // A level rate that does not grow may be the fault of an inner resource, which has a growth of its own.
    let is_leaf = !system.resources.iter().any(|r| r.parent == Some(index));
    by_level
        .filter(|g| is_leaf || g.gain == Gain::Scales)
        .or_else(|| from_calm_and_busy(system, index, size, window))
        .unwrap_or_else(Growth::unknown)
}

fn from_levels(resource: &Resource, size: Option<u32>, window: Window) -> Option<Growth> {
    let intervals: Vec<(i64, i64)> = resource.holds.iter().filter(|h| h.granted).map(|h| (h.grant_ns, h.release_ns)).collect();
    let found = levels(&intervals, window.from_ns, window.to_ns);
    let usable = |l: &&super::sweep::Level| l.completions >= 20 && l.time_ns > 0;
    let top = found.iter().filter(usable).map(|l| l.n).max()?.min(size.unwrap_or(u32::MAX));
    // A pool of three has but two levels in its upper half; the slope needs three.
    let low = (top / 2).min(top.saturating_sub(2)).max(1);
    let fit = elasticity(&found, low, top)?;
    let quarter: Vec<&super::sweep::Level> = found.iter().filter(usable).filter(|l| l.n <= top && 4 * l.n >= 3 * top).collect();
    let time: f64 = quarter.iter().map(|l| l.time_ns as f64).sum();
    let done: u64 = quarter.iter().map(|l| l.completions).sum();
    let at_top = found.get(top as usize - 1).filter(|l| l.completions >= 200).map(super::sweep::Level::rate);
    let top_rate = at_top.unwrap_or(done as f64 / (time / 1e9));
    Some(Growth::from_slope(Basis::Levels, fit.slope, fit.error, f64::from(top), top_rate))
}

/// One part of the log: mean number in use without nested waits, slots granted a second, and the holds granted in it.
struct Part {
    in_use: f64,
    rate: f64,
    seconds: f64,
    adjusted: Vec<f64>,
}

/// If holds keep their length while more are in use, the rate grows in proportion: slope = 1 - d ln hold / d ln n. Holds are
/// divided by their endpoint's mean, so that a change of mix is not taken for a change of speed.
///
/// Calm and busy are told by the rate: under a steady rate more are in use merely because some holds happen to be long.
fn from_calm_and_busy(system: &System, index: usize, size: Option<u32>, window: Window) -> Option<Growth> {
    let resource = &system.resources[index];
    let inside: Vec<&Hold> =
        resource.holds.iter().filter(|h| h.granted && h.intrinsic_ns() > 0 && window.contains(h.grant_ns)).collect();
    if inside.len() < 200 {
        return None;
    }
    let lengths = own_lengths(system, index, &inside);
    let mean_hold = inside.iter().map(|h| h.intrinsic_ns() as f64).sum::<f64>() / inside.len() as f64 / 1e9;
    let count_of_parts = (window.seconds() / (10.0 * mean_hold).max(window.seconds() / 60.0)) as usize;
    let windows = window.parts(count_of_parts.max(1));
    // A hold less its nested waits keeps its end: what is waited for inside is mostly waited for first.
    let active = Steps::new(inside.iter().map(|h| (h.release_ns.saturating_sub(h.intrinsic_ns()), h.release_ns)));
    let mut parts: Vec<Part> = windows
        .iter()
        .map(|w| Part { in_use: active.mean(w.from_ns, w.to_ns), rate: 0.0, seconds: w.seconds(), adjusted: Vec::new() })
        .collect();
    for (hold, length) in inside.iter().zip(lengths) {
        if let Some(part) = parts.get_mut(windows.partition_point(|w| w.to_ns <= hold.grant_ns)) {
            part.adjusted.push(length);
        }
    }
    parts.iter_mut().for_each(|p| p.rate = p.adjusted.len() as f64 / p.seconds);
    let top_of = |values: Vec<f64>| {
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        super::stats::nearest_rank(&sorted, 0.9)
    };
    let seen = top_of(parts.iter().map(|p| p.in_use).collect())?;
    let top_rate = top_of(parts.iter().map(|p| p.rate).collect())?;
    let top = size.map_or(seen, |s| seen.min(f64::from(s)));
    let busy = group(&parts, |p| p.rate >= 0.85 * top_rate).filter(|g| g.count >= 50.0)?;
    // The nearer the calm part, the more the slope is that at the top.
    let calm = [0.4, 0.2, 0.02]
        .into_iter()
        .filter_map(|least| group(&parts, |p| p.rate <= 0.8 * top_rate && p.in_use <= 0.8 * top && p.in_use >= least * top))
        .find(|g| g.count >= 50.0 && busy.in_use >= 1.2 * g.in_use)?;
    let span = (busy.in_use / calm.in_use).ln();
    let slope = 1.0 - (busy.hold / calm.hold).ln() / span;
    let error = (busy.relative_error.powi(2) + calm.relative_error.powi(2)).sqrt() / span;
    if error > 0.2 {
        return None;
    }
    Some(Growth::from_slope(Basis::CalmAndBusy, slope, error, top, busy.count / busy.seconds))
}

/// Each hold over the mean of its endpoint, with the time in inner resources held at its mean: their growth is theirs.
fn own_lengths(system: &System, index: usize, holds: &[&Hold]) -> Vec<f64> {
    let mut within = vec![0_i64; system.requests.len()];
    for inner in system.resources.iter().filter(|r| r.parent == Some(index)) {
        for hold in &inner.holds {
            if let Some(sum) = within.get_mut(hold.request as usize) {
                *sum = sum.saturating_add(hold.held_ns());
            }
        }
    }
    let endpoint = |hold: &Hold| system.requests.get(hold.request as usize).map_or(0, |r| r.endpoint as usize);
    let inner = |hold: &Hold| within.get(hold.request as usize).map_or(0, |w| *w.min(&hold.intrinsic_ns())) as f64;
    let endpoints = holds.iter().map(|h| endpoint(h)).max().unwrap_or(0) + 1;
    let mut sums = vec![(0.0, 0.0, 0.0); endpoints];
    for hold in holds {
        let sum = &mut sums[endpoint(hold)];
        sum.0 += hold.intrinsic_ns() as f64;
        sum.1 += inner(hold);
        sum.2 += 1.0;
    }
    holds
        .iter()
        .map(|hold| {
            let (all, inside, count) = sums[endpoint(hold)];
            (hold.intrinsic_ns() as f64 - inner(hold) + inside / count) * count / all
        })
        .collect()
}

struct Group {
    in_use: f64,
    hold: f64,
    relative_error: f64,
    count: f64,
    seconds: f64,
}

fn group(parts: &[Part], wanted: impl Fn(&Part) -> bool) -> Option<Group> {
    let chosen: Vec<&Part> = parts.iter().filter(|p| wanted(p)).collect();
    let seconds: f64 = chosen.iter().map(|p| p.seconds).sum();
    let holds: Vec<f64> = chosen.iter().flat_map(|p| p.adjusted.iter().copied()).collect();
    let hold = super::stats::mean(&holds)?;
    let spread = super::stats::variance(&holds)?;
    let in_use = chosen.iter().map(|p| p.in_use * p.seconds).sum::<f64>() / seconds;
    let count = holds.len() as f64;
    (in_use > 0.0).then(|| Group { in_use, hold, relative_error: (spread / count).sqrt() / hold, count, seconds })
}

#[cfg(test)]
mod tests {
    use super::super::testing::simulated;
    use super::super::window::{trimmed, whole};
    use super::*;

    fn growth(name: &str, resource: usize, size: u32, placed: bool) -> Growth {
        let mut system = simulated(name, None, None);
        system.resources[resource].placed = placed;
        let calm = whole(&system.requests).and_then(|log| trimmed(&system.requests, log));
        measure(&system, resource, Some(size), calm.expect("long enough"))
    }

    #[test]
    fn the_ramp_shows_that_a_larger_pool_buys_nothing() {
        let out = growth("ramp_dbsat", 1, 16, true);
        assert_eq!((out.gain, out.basis, out.seen_to), (Gain::SaturatedBehind, Basis::Levels, 16.0));
        assert!((out.top_rate.expect("limited") - 67.4).abs() < 1.0, "{out:?}");
        // Without places the calm parts say the same.
        let out = growth("ramp_dbsat", 1, 16, false);
        assert_eq!(out.basis, Basis::CalmAndBusy, "{out:?}");
        assert!(matches!(out.gain, Gain::SaturatedBehind | Gain::Partial), "{out:?}");
    }

    #[test]
    fn a_log_that_was_full_throughout_cannot_tell() {
        for (name, size) in [("bank30", 10), ("poolnogain", 16)] {
            for placed in [true, false] {
                assert_eq!(growth(name, 1, size, placed).gain, Gain::Unknown, "{name} {placed}");
            }
        }
    }

    #[test]
    fn an_open_load_below_the_ceiling_shows_that_workers_scale() {
        let out = growth("extbound", 0, 20, true);
        assert_eq!(out.gain, Gain::Scales, "{out:?}");
    }
}
