//! Whole analyses of simulated logs against the simulator's truth: ceilings, next rungs, and what must stay an interval.

use super::analyse::{Capacity, Options, analyse};
use super::evidence::Verdict;
use super::growth::Gain;
use super::ladder::Fix;
use super::model::{Basis, Hold, Kind, Request, Resource, Size, Statement, System};
use super::target::{Reachable, WhatIf};
use super::testing::{close, simulated, vector};

fn truth(name: &str, rung: usize) -> f64 {
    vector(&format!("ladder_{name}.json"))["ladder"][rung]["sim_ceiling"].as_f64().expect("a ceiling")
}

fn run(name: &str, workers: u32, pool: u32) -> Capacity {
    analyse(&simulated(name, Some(workers), Some(pool)), &Options::default())
}

#[test]
fn bank30_is_limited_by_its_pool_and_then_by_its_workers() {
    let out = run("bank30", 50, 10);
    assert_eq!(out.cause, Some(1));
    close(out.ceiling_tps.expect("measured"), truth("bank30", 0), 0.04);
    let rung = &out.ladder.rungs[0].step;
    assert!(matches!(rung.action, Fix::Enlarge { resource: 1, .. }));
    assert_eq!(rung.next, 0);
    // The log is full throughout, so the gain is an interval; its upper end is what the workers allow.
    assert_eq!(rung.after_tps, None);
    let after = truth("bank30", 1);
    assert!(rung.after_low_tps <= after && after <= rung.after_high_tps);
    close(rung.after_high_tps, after, 0.05);
}

#[test]
fn poolnogain_never_promises_what_a_full_database_cannot_give() {
    let out = run("poolnogain", 64, 16);
    close(out.ceiling_tps.expect("measured"), truth("poolnogain", 0), 0.04);
    let rung = &out.ladder.rungs[0];
    assert_eq!(rung.step.after_tps, None);
    assert!((rung.step.after_low_tps..=rung.step.after_high_tps).contains(&truth("poolnogain", 1)));
    assert!(rung.step.assumption.contains("no low-load period"));
    // Work cut in half doubles the rate whichever of the two it is.
    let faster = rung.alternatives.iter().find(|s| matches!(s.action, Fix::FasterCall { .. })).expect("its calls can be faster");
    close(faster.after_tps.expect("supported"), truth("poolnogain", 2), 0.05);
}

#[test]
fn extbound_is_predicted_from_a_load_below_its_ceiling() {
    let out = run("extbound", 20, 20);
    close(out.ceiling_tps.expect("predicted"), truth("extbound", 0), 0.04);
    let rung = &out.ladder.rungs[0].step;
    assert!(matches!(rung.action, Fix::Enlarge { resource: 0, to: 80, .. }));
    assert!((rung.after_low_tps..=rung.after_high_tps).contains(&truth("extbound", 1)));
    // The partner's size is nowhere logged.
    assert_eq!(rung.after_tps, None);
    assert!(rung.assumption.contains("at most"), "{}", rung.assumption);
}

#[test]
fn balanced_has_two_limits_beside_each_other() {
    let out = run("balanced", 12, 6);
    close(out.ceiling_tps.expect("measured"), truth("balanced", 0), 0.04);
    let model = out.prediction.expect("sizes known");
    close(model.point, truth("balanced", 0), 0.04);
    let rung = &out.ladder.rungs[0].step;
    assert!((rung.after_low_tps..=rung.after_high_tps).contains(&truth("balanced", 1)), "{rung:?}");
}

#[test]
fn the_ramp_names_what_lies_behind_its_pool() {
    let out = run("ramp_dbsat", 64, 16);
    let file = vector("ramp_dbsat.json");
    close(out.ceiling_tps.expect("known"), file["sim_ceiling"].as_f64().expect("a number"), 0.04);
    assert_eq!(out.resources[1].growth.gain, Gain::SaturatedBehind);
    let all = out.ladder.rungs.iter().flat_map(|r| std::iter::once(&r.step).chain(&r.alternatives));
    for step in all.filter(|s| matches!(s.action, Fix::Enlarge { resource: 1, .. }) && s.before_tps < 70.0) {
        close(step.after_tps.unwrap_or(step.after_high_tps), file["sim_ceiling_pool64"].as_f64().expect("a number"), 0.05);
    }
}

#[test]
fn targets_are_reached_by_name_or_left_open() {
    let options = Options { target_tps: vec![25.0, 80.0, 500.0], ..Options::default() };
    let out = analyse(&simulated("bank30", Some(50), Some(10)), &options);
    let found: Vec<(Reachable, usize)> = out.targets.iter().map(|t| (t.reachable, t.fixes.len())).collect();
    assert_eq!(found[0], (Reachable::Yes, 0));
    // The pool would do it if what is behind it keeps up, which this log cannot tell.
    assert_eq!(found[1], (Reachable::Unknown, 1));
    assert_eq!(found[2].0, Reachable::Unknown);
    assert!(out.targets[1].fixes[0].starts_with("connection pool pool 10 -> "));
}

#[test]
fn what_ifs_act_together_and_name_what_they_do_not_find() {
    let mut system = simulated("poolnogain", Some(64), Some(16));
    let total_ns = system.resources[1].holds.iter().filter_map(|h| h.work_ns).sum();
    system.statements.push(Statement { name: "select".to_owned(), resource: 1, calls: 12_000, total_ns });
    let unknown = WhatIf::Load { endpoint: "GET /nowhere".to_owned(), factor: 2.0 };
    let what_ifs = vec![WhatIf::Statement { statement: "select".to_owned(), factor: 0.5 }, unknown.clone()];
    let options = Options { what_ifs, ..Options::default() };
    let out = analyse(&system, &options).what_if.expect("sizes known");
    close(out.after_tps.expect("supported"), truth("poolnogain", 2), 0.05);
    assert_eq!(out.unmatched, [unknown]);
    let what_ifs = vec![WhatIf::Size { resource: "pool".to_owned(), slots: 64 }];
    let options = Options { what_ifs, ..Options::default() };
    let out = analyse(&system, &options).what_if.expect("sizes known");
    assert_eq!(out.after_tps, None);
    assert!((out.after_low_tps..=out.after_high_tps).contains(&truth("poolnogain", 1)));
}

#[test]
fn sizes_that_no_line_states_are_read_from_waits() {
    let out = analyse(&simulated("bank30", None, None), &Options::default());
    for (index, slots) in [(0, 50), (1, 10)] {
        assert_eq!(out.resources[index].size, Size { value: Some(slots), basis: Basis::Inferred });
    }
    close(out.ceiling_tps.expect("measured"), truth("bank30", 0), 0.04);
    // Nobody waits for the pool of the other log: it has no ceiling, only so many seen.
    let out = analyse(&simulated("extbound", None, None), &Options::default());
    assert_eq!((out.resources[1].size.basis, out.resources[1].verdict), (Basis::AtLeast, Verdict::Unknown));
    assert_eq!(out.resources[1].ceiling_tps, None);
}

#[test]
fn failures_take_no_part_in_goodput_but_their_holds_do() {
    // One slot, held 0.1 s at a time. Every second holder fails, and as many again give up waiting for it.
    let tenth = 100_000_000;
    let mut requests = Vec::new();
    let mut pool = Resource::new("pool", Kind::Connections);
    pool.size = Size { value: Some(1), basis: Basis::Stated };
    for i in 0..1_000_i64 {
        let (grant, request) = ((i + 5) * tenth, requests.len() as u32);
        let arrival = grant - 5 * tenth;
        requests.push(Request { start_ns: arrival, end_ns: grant + tenth, endpoint: 0, success: i % 2 == 0 });
        pool.holds.push(Hold::new(grant, grant + tenth, 5 * tenth, request));
        requests.push(Request { start_ns: arrival, end_ns: grant, endpoint: 0, success: false });
        pool.holds.push(Hold { granted: false, ..Hold::new(grant, grant, 5 * tenth, request + 1) });
    }
    let requests = requests.into_iter().collect();
    let system = System { requests, resources: vec![pool], endpoints: vec!["all".to_owned()], statements: Vec::new() };
    let out = analyse(&system, &Options::default());
    assert_eq!((out.cause, out.resources[0].verdict), (Some(0), Verdict::Saturated));
    close(out.observed_tps.expect("measured"), 20.0, 0.02);
    close(out.ceiling_tps.expect("measured"), 5.0, 0.02);
    close(out.resources[0].demand.expect("held"), 0.2, 0.02);
}

#[test]
fn too_little_is_refused() {
    let mut system = simulated("bank30", Some(50), Some(10));
    system.requests = system.requests.iter().take(50).collect();
    let out = analyse(&system, &Options::default());
    assert!(out.refusal.is_some() && out.ceiling_tps.is_none() && out.ladder.rungs.is_empty());
    assert!(analyse(&System::default(), &Options::default()).refusal.is_some());
}

#[test]
fn absurd_stamps_and_sizes_end_without_a_panic() {
    // Extremes in every place, in a fixed order of chance (a linear congruential step).
    let extremes = [i64::MIN, -1, 0, 1, 1_000_000_000, 3_600_000_000_000, i64::MAX];
    let mut seed = 1_u64;
    let mut next = |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    for round in 0..40 {
        let mut system = System { endpoints: vec!["all".to_owned()], ..System::default() };
        let mut requests = Vec::new();
        let mut resources = vec![Resource::new("a", Kind::Threads), Resource::new("b", Kind::Connections)];
        for i in 0..300_i64 {
            let mut stamp = |usual: i64| if next(20) == 0 && round > 0 { extremes[next(extremes.len())] } else { usual };
            let (start, end) = (stamp(i * 1_000_000), stamp((i + 3) * 1_000_000));
            requests.push(Request { start_ns: start, end_ns: end, endpoint: (i % 3) as u32, success: i % 7 != 0 });
            for resource in &mut resources {
                let (grant, release, wait, request) = (stamp(start), stamp(end), stamp(5), stamp(i) as u32);
                let work_ns = Some(stamp(1_000));
                resource.holds.push(Hold {
                    nested_wait_ns: stamp(10),
                    work_ns,
                    calls: 2,
                    ..Hold::new(grant, release, wait, request)
                });
            }
        }
        for resource in &mut resources {
            let value = [0, 1, 3, 100_000, u32::MAX][next(5)];
            resource.size = Size { value: Some(value), basis: Basis::Stated };
            resource.parent = Some(next(3));
        }
        (system.requests, system.resources) = (requests.into_iter().collect(), resources);
        let options = Options { target_tps: vec![f64::NAN, 0.0, f64::INFINITY], ..Options::default() };
        let out = analyse(&system, &options);
        for found in &out.resources {
            assert!(super::explain::resource(&out, &found.name).is_some());
        }
    }
}
