//! The capacity of the machine output: what caps the throughput, the ladder, the targets.

use serde::Serialize;

use super::curve::CurveOut;
use crate::analyze::capacity::Capacity;
use crate::analyze::capacity::ladder::{Rung, Step};
use crate::analyze::capacity::resource::ResourceCapacity;
use crate::analyze::capacity::target::{Outcome, Target};
use crate::report::demand_ns;

#[derive(Default, Serialize)]
pub(super) struct CapacityOut<'a> {
    observed_tps: Option<f64>,
    goodput_tps: Option<f64>,
    concurrency_mean: Option<f64>,
    concurrency_max: Option<u32>,
    resources: Vec<ResourceOut<'a>>,
    ladder: Vec<RungOut<'a>>,
    targets: Vec<TargetOut<'a>>,
    ceiling_tps: Option<f64>,
    ceiling_low_tps: Option<f64>,
    ceiling_high_tps: Option<f64>,
    cause: Option<&'a str>,
    ladder_end: Option<&'a str>,
    what_if: Option<WhatIfOut<'a>>,
    curve: Option<CurveOut>,
    refusal: Option<&'a str>,
}

impl<'a> CapacityOut<'a> {
    pub(super) fn of(capacity: Option<&'a Capacity>) -> Self {
        let Some(capacity) = capacity else { return CapacityOut::default() };
        if let Some(refusal) = &capacity.refusal {
            return CapacityOut { refusal: Some(refusal), ..CapacityOut::default() };
        }
        let ladder = &capacity.ladder;
        CapacityOut {
            observed_tps: capacity.observed_tps,
            goodput_tps: capacity.goodput_tps,
            concurrency_mean: Some(capacity.concurrency_mean),
            concurrency_max: Some(capacity.concurrency_max),
            resources: capacity.resources.iter().map(ResourceOut::of).collect(),
            ladder: ladder.rungs.iter().enumerate().map(|(at, rung)| RungOut::of(capacity, at + 1, rung)).collect(),
            targets: capacity.targets.iter().map(TargetOut::of).collect(),
            ceiling_tps: capacity.ceiling_tps,
            ceiling_low_tps: capacity.ceiling_low_tps,
            ceiling_high_tps: capacity.ceiling_high_tps,
            cause: capacity.cause.and_then(|at| name(capacity, at)),
            ladder_end: Some(ladder.end.as_str()).filter(|end| !end.is_empty()),
            what_if: capacity.what_if.as_ref().map(|outcome| WhatIfOut::of(capacity, outcome)),
            curve: Some(CurveOut::of(capacity)),
            refusal: None,
        }
    }
}

fn name(capacity: &Capacity, at: usize) -> Option<&str> {
    capacity.resources.get(at).map(|resource| resource.name.as_str())
}

#[derive(Serialize)]
struct ResourceOut<'a> {
    name: &'a str,
    kind: &'static str,
    servers: Option<u32>,
    servers_basis: &'static str,
    demand_ns: Option<i64>,
    utilization: Option<f64>,
    ceiling_tps: Option<f64>,
    ceiling_low_tps: Option<f64>,
    ceiling_high_tps: Option<f64>,
    verdict: &'static str,
    evidence: Vec<String>,
}

impl<'a> ResourceOut<'a> {
    fn of(found: &'a ResourceCapacity) -> Self {
        ResourceOut {
            name: &found.name,
            kind: found.kind.name(),
            servers: found.size.value,
            servers_basis: found.size.basis.name(),
            demand_ns: found.demand.map(demand_ns),
            utilization: found.utilization,
            ceiling_tps: found.ceiling_tps,
            ceiling_low_tps: found.ceiling_low_tps,
            ceiling_high_tps: found.ceiling_high_tps,
            verdict: found.verdict.name(),
            evidence: found.evidence.sentences(),
        }
    }
}

#[derive(Serialize)]
struct StepOut<'a> {
    fix: &'a str,
    resource: Option<&'a str>,
    before_tps: f64,
    after_tps: Option<f64>,
    after_low_tps: f64,
    after_high_tps: f64,
    next_resource: Option<&'a str>,
    assumption: &'a str,
    confidence: &'static str,
}

impl<'a> StepOut<'a> {
    fn of(capacity: &'a Capacity, step: &'a Step) -> Self {
        StepOut {
            fix: &step.fix,
            resource: name(capacity, step.resource),
            before_tps: step.before_tps,
            after_tps: step.after_tps,
            after_low_tps: step.after_low_tps,
            after_high_tps: step.after_high_tps,
            next_resource: name(capacity, step.next),
            assumption: &step.assumption,
            confidence: step.confidence.name(),
        }
    }
}

#[derive(Serialize)]
struct RungOut<'a> {
    rung: usize,
    #[serde(flatten)]
    step: StepOut<'a>,
    alternatives: Vec<StepOut<'a>>,
}

impl<'a> RungOut<'a> {
    fn of(capacity: &'a Capacity, number: usize, rung: &'a Rung) -> Self {
        let alternatives = rung.alternatives.iter().map(|step| StepOut::of(capacity, step));
        RungOut { rung: number, step: StepOut::of(capacity, &rung.step), alternatives: alternatives.collect() }
    }
}

#[derive(Serialize)]
struct TargetOut<'a> {
    target_tps: f64,
    reachable: &'static str,
    fixes: &'a [String],
}

impl<'a> TargetOut<'a> {
    fn of(target: &'a Target) -> Self {
        TargetOut { target_tps: target.target_tps, reachable: target.reachable.name(), fixes: &target.fixes }
    }
}

#[derive(Serialize)]
struct WhatIfOut<'a> {
    before_tps: f64,
    after_tps: Option<f64>,
    after_low_tps: f64,
    after_high_tps: f64,
    next_resource: Option<&'a str>,
    unmatched: Vec<String>,
}

impl<'a> WhatIfOut<'a> {
    fn of(capacity: &'a Capacity, outcome: &Outcome) -> Self {
        WhatIfOut {
            before_tps: outcome.before_tps,
            after_tps: outcome.after_tps,
            after_low_tps: outcome.after_low_tps,
            after_high_tps: outcome.after_high_tps,
            next_resource: name(capacity, outcome.next),
            unmatched: outcome.unmatched.iter().map(crate::report::what_if_text).collect(),
        }
    }
}
