//! Whole analyses of simulated logs against the simulator's truth: ceilings, next rungs, and what must stay an interval.

use super::analyse::{analyse, Capacity, Options};
use super::growth::Gain;
use super::ladder::Fix;
use super::testing::{close, simulated, vector};

fn truth(name: &str, rung: usize) -> f64 {
    vector(&format!("ladder_{name}.json"))["ladder"][rung]["sim_ceiling"].as_f64().expect("a ceiling")
}

fn run(name: &str, workers: u32, pool: u32) -> Capacity {
    let out = analyse(&simulated(name, Some(workers), Some(pool)), &Options::default());
    if std::env::var("SHOW").is_ok() {
        show(name, &out);
    }
    out
}

fn show(name: &str, out: &Capacity) {
    println!("== {name}: ceiling {:?} [{:?}, {:?}] cause {:?}", out.ceiling_tps, out.ceiling_low_tps, out.ceiling_high_tps, out.cause);
    for found in &out.resources {
        for line in super::explain::resource(out, &found.name).expect("there") {
            println!("   {line}");
        }
    }
    for rung in &out.ladder.rungs {
        println!("  > {:?}", rung.step);
        for line in super::explain::rung(out, rung) {
            println!("     {line}");
        }
        for other in &rung.alternatives {
            println!("    or {} -> {:?} [{:.1}, {:.1}]", other.fix, other.after_tps, other.after_low_tps, other.after_high_tps);
        }
    }
    println!("  {} {:?}", out.ladder.end, out.warnings);
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
