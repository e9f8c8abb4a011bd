//! The arithmetic behind a resource, a rung or the ceiling, in lines that a reader can redo on paper.

use super::analyse::Capacity;
use super::growth::{Basis, Gain};
use super::ladder::{Rung, time};
use super::resource::ResourceCapacity;
use super::state::State;

/// How a resource's ceiling comes about; `None` for a name that is not there.
pub fn resource(capacity: &Capacity, name: &str) -> Option<Vec<String>> {
    let index = capacity.resources.iter().position(|r| r.name == name)?;
    let (found, window) = (&capacity.resources[index], capacity.window?);
    let success = capacity.completions.success;
    let mut out = vec![
        format!("{}: {} ({})", capacity.label(index), size(found), found.size.basis.name()),
        format!(
            "window: {:.3} s, {} completions of which {success} successful{}",
            window.seconds(),
            capacity.completions.total,
            if capacity.is_full_period { " (the time for which the cause was full)" } else { "" }
        ),
        format!(
            "slot time taken: {:.3} s, of it waits for inner resources {:.3} s",
            found.usage.busy,
            found.usage.busy - found.usage.intrinsic
        ),
    ];
    if let Some(demand) = found.demand {
        out.push(format!("demand: {:.3} s / {success} = {} per successful request", found.usage.intrinsic, time(demand)));
        if let (Some(slots), Some(ceiling)) = (found.slots(), found.ceiling_tps) {
            let low = found.ceiling_low_tps.unwrap_or(ceiling);
            let high = found.ceiling_high_tps.unwrap_or(ceiling);
            out.push(format!("ceiling: {slots} / {} = {ceiling:.2} TPS [{low:.2}, {high:.2}] (20 batches, 95 %)", time(demand)));
        } else {
            out.push("ceiling: unknown, since the size is".to_owned());
        }
    }
    if let (Some(slots), Some(used)) = (found.slots(), found.utilization) {
        out.push(format!("use: {:.3} s / ({slots} x {:.3} s) = {:.1} %", found.usage.busy, window.seconds(), 100.0 * used));
    }
    if let Some(hold) = found.usage.hold_mean {
        let rate = found.usage.granted as f64 / window.seconds();
        out.push(format!(
            "Little: {rate:.2} holds/s x {} = {:.2} in use; swept area says {:.2}",
            time(hold),
            rate * hold,
            found.in_use_mean
        ));
    }
    if let (Some(mean), Some(p95)) = (found.usage.wait_mean, found.usage.wait_p95) {
        out.push(format!("wait: mean {}, p95 {}, {} acquisitions", time(mean), time(p95), found.usage.acquisitions()));
    }
    if let Some(waits) = found.inferred {
        out.push(format!(
            "in the middle of {} waits {} were in use ({:.1} % within one of it)",
            waits.waits,
            waits.size,
            100.0 * waits.share
        ));
    }
    out.push(growth(found));
    if let Some((low, high)) = found.open_wait {
        out.push(format!("for open arrivals: mean wait {} (Erlang C) and {} (Allen-Cunneen) bound it", time(low), time(high)));
    }
    out.push(format!("verdict: {}", found.verdict.name()));
    out.extend(found.evidence.sentences());
    Some(out)
}

/// How a rung's ceiling comes about.
pub fn rung(capacity: &Capacity, rung: &Rung) -> Vec<String> {
    let (step, found) = (&rung.step, &rung.prediction);
    let mut out = vec![format!("{:.2} TPS before; {}", step.before_tps, step.fix)];
    out.extend(limits(&rung.after));
    out.push(format!("upper: the smallest of them, {:.2} TPS ({})", found.upper, capacity.label(found.binding)));
    out.push(format!("lower: {:.2} TPS, with the queueing between neighbouring limits (flow-equivalent servers)", found.lower));
    let spread = rung.after.stations[found.binding].variation;
    out.push(format!("point: {:.2} TPS, between the two by the holds' variation of {spread:.2}", found.point));
    out.push(format!("interval: [{:.2}, {:.2}] TPS", step.after_low_tps, step.after_high_tps));
    out.push(format!("assumes that {}; confidence {}", step.assumption, step.confidence.name()));
    out
}

/// How the ceiling as it is comes about.
pub fn ceiling(capacity: &Capacity) -> Vec<String> {
    let mut out = limits(&capacity.state);
    if let Some(found) = capacity.prediction {
        out.push(format!(
            "model: {:.2} to {:.2} TPS, point {:.2} ({})",
            found.lower,
            found.upper,
            found.point,
            capacity.label(found.binding)
        ));
    }
    if let (Some(cause), Some(rate)) = (capacity.cause, capacity.goodput) {
        let label = capacity.label(cause);
        out.push(format!("measured while {label} was full: {:.2} TPS [{:.2}, {:.2}]", rate.mean, rate.low, rate.high));
    }
    out
}

fn limits(state: &State) -> Vec<String> {
    state
        .stations
        .iter()
        .filter(|s| s.demand > 0.0)
        .map(|s| match (s.slots(), s.limit()) {
            (Some(slots), Some(limit)) => format!("{}: {slots} / {} = {limit:.2} TPS", s.name, time(s.demand)),
            _ => format!("{}: size unknown, {} per request; {:.2} TPS is what it has shown", s.name, time(s.demand), s.shown_tps),
        })
        .collect()
}

fn size(found: &ResourceCapacity) -> String {
    match (found.size.known(), found.size.value) {
        (Some(slots), _) => format!("{slots} slots"),
        (None, Some(seen)) => format!("at least {seen} slots seen in use"),
        (None, None) => "size unknown".to_owned(),
    }
}

fn growth(found: &ResourceCapacity) -> String {
    let Some((slope, error)) = found.growth.slope.zip(found.growth.error) else {
        return "more slots: the log holds no low-load period; hold time at low load would decide".to_owned();
    };
    let way = if found.growth.basis == Basis::Levels {
        "completions per time at each number in use"
    } else {
        "holds in calm and busy parts"
    };
    let meaning = match found.growth.gain {
        Gain::Scales => "it scales",
        Gain::Partial => "it scales in part",
        Gain::SaturatedBehind => "what lies behind is full",
        Gain::Unknown => "nothing can be said",
    };
    format!("more slots: elasticity {slope:.2} +- {error:.2} up to {:.0} in use, by {way}: {meaning}", found.growth.seen_to)
}
