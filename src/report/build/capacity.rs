//! What caps the throughput, and the ladder of fixes.

use super::rows::size;
use crate::analyze::capacity::Capacity;
use crate::analyze::capacity::ladder::Step;
use crate::analyze::capacity::usl::Choice;
use crate::report::model::{Block, Cell, Column, Table, Unit};
use crate::report::{demand_ns, what_if_text};
use crate::units::three_digits;

pub(super) fn blocks(capacity: Option<&Capacity>) -> Vec<Block> {
    let Some(capacity) = capacity else { return Vec::new() };
    if let Some(refusal) = &capacity.refusal {
        return vec![Block::Text(format!("No ceiling can be given: {refusal}."))];
    }
    let mut blocks = vec![Block::Text(now(capacity))];
    if !capacity.resources.is_empty() {
        blocks.push(Block::Table(resources(capacity)));
    }
    let rungs = &capacity.ladder.rungs;
    for (at, rung) in rungs.iter().enumerate() {
        blocks.push(Block::Text(format!("{}. {}", at + 1, step(capacity, &rung.step))));
        if let Some(text) = instead(&rung.alternatives).filter(|_| at == 0) {
            blocks.push(Block::Text(text));
        }
    }
    if !capacity.ladder.end.is_empty() {
        blocks.push(Block::Text(format!("The ladder ends there: {}.", capacity.ladder.end.trim_end_matches('.'))));
    }
    blocks.extend(curve(capacity).map(Block::Text));
    for target in &capacity.targets {
        let fixes = if target.fixes.is_empty() { String::new() } else { format!(", by: {}", target.fixes.join("; ")) };
        let answer = match target.reachable.name() {
            "yes" if target.fixes.is_empty() => "reached as it is",
            "yes" => "within reach",
            "no" => "out of reach by any fix the log knows of",
            _ => "cannot be told from this log",
        };
        blocks.push(Block::Text(format!("Target {} TPS: {answer}{fixes}.", three_digits(target.target_tps))));
    }
    if let Some(outcome) = &capacity.what_if {
        let (low, high) = (three_digits(outcome.after_low_tps), three_digits(outcome.after_high_tps));
        let after = outcome.after_tps.map_or_else(|| format!("{low} to {high}"), three_digits);
        let next = capacity.label(outcome.next);
        let before = three_digits(outcome.before_tps);
        blocks.push(Block::Text(format!("What if: {before} -> {after} TPS [{low}, {high}]; the limit then: {next}.")));
        blocks.extend(
            outcome
                .unmatched
                .iter()
                .map(|change| Block::Text(format!("What if: nothing is named so: {}.", what_if_text(change)))),
        );
    }
    blocks
}

/// The scalability curve, where the log holds enough levels of load for one.
fn curve(capacity: &Capacity) -> Option<String> {
    let curve = capacity.curve.as_ref().ok()?;
    let levels = capacity.load_levels.len();
    Some(match (curve.choice, curve.usl.peak_concurrency().and_then(|n| Some((n, curve.usl.throughput(n)?)))) {
        (Choice::Hockey, _) => format!(
            "Over {levels} levels of load the throughput grows to {} TPS at {} requests inside and stays there (hockey stick, better than the scalability law by AICc).",
            three_digits(curve.hockey.plateau),
            three_digits(curve.hockey.knee)
        ),
        (Choice::Usl, Some((n, tps))) => format!(
            "Over {levels} levels of load the universal scalability law peaks at {} TPS with {} requests inside (contention {}, coherency {}).",
            three_digits(tps),
            three_digits(n),
            three_digits(curve.usl.sigma.value),
            three_digits(curve.usl.kappa.value)
        ),
        (Choice::Usl, None) => format!(
            "Over {levels} levels of load the universal scalability law shows contention {} and no peak within twice the load seen.",
            three_digits(curve.usl.sigma.value)
        ),
    })
}

/// The ceiling as it is.
fn now(capacity: &Capacity) -> String {
    let observed = capacity.observed_tps.map_or_else(|| "-".to_owned(), three_digits);
    let mut text = format!("Now {observed} TPS");
    if let Some(goodput) = capacity.goodput_tps.filter(|&good| capacity.observed_tps.is_none_or(|all| good < all * 0.9995)) {
        text += &format!(" (goodput {})", three_digits(goodput));
    }
    let inside = format!("with {} requests inside on average", three_digits(capacity.concurrency_mean));
    text += &format!(", {inside}, {} at most", capacity.concurrency_max);
    match (capacity.ceiling_tps, capacity.ceiling_low_tps.zip(capacity.ceiling_high_tps)) {
        (Some(ceiling), Some((low, high))) => {
            text += &format!("; ceiling {} TPS [{}, {}]", three_digits(ceiling), three_digits(low), three_digits(high));
        }
        _ => text += "; no ceiling is known",
    }
    if let Some(cause) = capacity.cause {
        text += &format!(", set by the {}", capacity.label(cause));
    }
    text + "."
}

fn resources(capacity: &Capacity) -> Table {
    let interval = |low: Option<f64>, high: Option<f64>| match (low, high) {
        (Some(low), Some(high)) => Cell::Text(format!("{}..{}", three_digits(low), three_digits(high))),
        _ => Cell::Empty,
    };
    let rows = capacity.resources.iter().map(|found| {
        vec![
            Cell::Text(found.name.clone()),
            Cell::Text(found.kind.name().to_owned()),
            size(found.size.value, found.size.basis.name()),
            Cell::Text(found.size.basis.name().replace('_', " ")),
            found.demand.map_or(Cell::Empty, |demand| Cell::Duration(demand_ns(demand))),
            found.utilization.map_or(Cell::Empty, Cell::Share),
            Cell::rate(found.ceiling_tps),
            interval(found.ceiling_low_tps, found.ceiling_high_tps),
            Cell::Text(found.verdict.name().to_owned()),
        ]
    });
    Table {
        columns: vec![
            Column::text("Resource"),
            Column::text("Kind"),
            Column::number("Size", Unit::None),
            Column::text("Known by"),
            Column::number("Demand", Unit::Millis),
            Column::number("Busy", Unit::Percent),
            Column::number("Ceiling", Unit::Tps),
            Column::number("95 %", Unit::Tps),
            Column::text("Verdict"),
        ],
        rows: rows.collect(),
        other: None,
    }
}

/// `30.0 -> 80.0 TPS: connection pool HikariPool-1 3 -> 9 (next limit ...) [78, 84], confidence`.
fn step(capacity: &Capacity, step: &Step) -> String {
    let (low, high) = (three_digits(step.after_low_tps), three_digits(step.after_high_tps));
    let after = step.after_tps.map_or_else(|| format!("{low} to {high}"), three_digits);
    let interval = if step.after_tps.is_some() { format!(" [{low}, {high}]") } else { String::new() };
    let sort = if step.next == step.resource { "still limited by" } else { "next limit:" };
    let next = format!("{sort} {}", capacity.label(step.next));
    let assumption = if step.assumption.is_empty() { String::new() } else { format!(", if {}", step.assumption) };
    let (before, confidence) = (three_digits(step.before_tps), step.confidence.name());
    format!("{before} -> {after} TPS{interval}: {} ({next}); confidence {confidence}{assumption}.", step.fix)
}

/// What else the first rung could be, most gain first.
fn instead(alternatives: &[Step]) -> Option<String> {
    const SHOWN: usize = 3;
    let text = |step: &Step| {
        let (low, high) = (three_digits(step.after_low_tps), three_digits(step.after_high_tps));
        format!(
            "{} -> {}",
            step.fix,
            step.after_tps.map_or_else(|| format!("{low} to {high} TPS"), |tps| format!("{} TPS", three_digits(tps)))
        )
    };
    let texts: Vec<String> = alternatives.iter().take(SHOWN).map(text).collect();
    (!texts.is_empty()).then(|| format!("Instead of 1: {}.", texts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::small;

    #[test]
    fn a_full_pool_is_the_first_rung() {
        let made = small();
        let blocks = blocks(made.analysis.capacity.as_ref());
        let texts: Vec<&str> =
            blocks.iter().filter_map(|b| if let Block::Text(text) = b { Some(text.as_str()) } else { None }).collect();
        assert!(texts[0].contains("set by the ") && texts[0].contains("HikariPool-1"), "{texts:?}");
        assert!(texts[1].starts_with("1. 30.0 -> ") && texts[1].contains("HikariPool-1"), "{texts:?}");
        let Some(Block::Table(table)) = blocks.iter().find(|b| matches!(b, Block::Table(_))) else { panic!("no table") };
        // 3 slots over 100 ms.
        assert_eq!(table.rows[1][4], Cell::Duration(100_000_000));
        assert_eq!(table.rows[1][6].show(Unit::Tps), "30.0");
    }
}
