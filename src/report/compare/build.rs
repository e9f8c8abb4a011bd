//! The comparison as a report for people.

use super::super::model::{Block, Cell, Column, Report, Section, Table, Unit};
use super::{Results, kept_name, told, words};
use crate::analyze::compare::{Change, Verdict};
use crate::analyze::profile::snapshot::ResourceSummary;
use crate::units::three_digits;

/// Builds the report; tables hold at most `top` rows, and all that got worse.
pub(super) fn build(results: &Results<'_>, top: usize) -> Report {
    let comparison = results.comparison;
    let mut lead = words::lead(results);
    lead.extend(words::reasons(results));
    let mut sections = Vec::new();
    let mut add = |title, table: Option<Table>| {
        sections.extend(table.map(|table| Section { title, blocks: vec![Block::Table(table)] }));
    };
    add("Endpoints", changes(&comparison.endpoints, "Endpoint", top));
    add("Where the time of changed endpoints goes", parts(results));
    add("Database", changes(&comparison.statements, "Statement", top));
    add("Calls and errors", counts(&comparison.endpoints));
    add("Resources", resources(results));
    add("Budgets", budgets(results));
    add("History", history(results));
    let warnings = words::warnings(results);
    if !warnings.is_empty() {
        sections.push(Section { title: "Notes", blocks: warnings.into_iter().map(Block::Text).collect() });
    }
    Report { verdict: words::verdict(results), lead, sections }
}

/// One row per endpoint or statement, the worst first.
pub(super) fn changes(changes: &[Change], title: &str, top: usize) -> Option<Table> {
    let must = changes.iter().filter(|change| change.verdict == Verdict::Regression).count();
    let shown = &changes[..top.max(must).min(changes.len())];
    let table = change_table(shown, title);
    let rest = changes.len() - shown.len();
    (!changes.is_empty()).then(|| Table { other: (rest > 0).then(|| other(&changes[shown.len()..])), ..table })
}

/// The columns of [`changes`], and a row each.
pub(super) fn change_table(shown: &[Change], title: &str) -> Table {
    let number = |title: &str| Column::number(title, Unit::None);
    let columns = vec![
        Column::text(title),
        Column::text("Verdict"),
        number("n base"),
        number("n cand."),
        number("Ratio"),
        number("95 % CI"),
        number("p95 ratio"),
        number("p adj."),
        number("n_eff"),
        number("MDE"),
    ];
    let ratio = |value: Option<f64>| value.filter(|v| v.is_finite()).map_or(Cell::Empty, |v| Cell::Text(format!("{v:.2}")));
    let row = |change: &Change| {
        let effect = told(change);
        let interval = effect.filter(|e| e.shift_low.is_finite() && e.shift_high.is_finite());
        vec![
            Cell::Text(change.name.clone()),
            Cell::Text(words::verdict_text(change.verdict).to_owned()),
            Cell::Count(change.n_base),
            Cell::Count(change.n_candidate),
            ratio(effect.map(|e| e.shift_ratio)),
            interval.map_or(Cell::Empty, |e| Cell::Text(format!("{:.2}-{:.2}", e.shift_low, e.shift_high))),
            ratio(effect.map(|e| e.p95_ratio)),
            change.p_adjusted.map_or(Cell::Empty, |p| Cell::Text(p_text(p))),
            Cell::rate(change.n_eff_base.zip(change.n_eff_candidate).map(|(a, b)| a.min(b).round())),
            ratio(change.mde_ratio),
        ]
    };
    Table { columns, rows: shown.iter().map(row).collect(), other: None }
}

/// What is not shown, added up.
fn other(rest: &[Change]) -> Vec<Cell> {
    let mut cells = vec![Cell::Empty; 10];
    cells[0] = Cell::Text(format!("other ({})", rest.len()));
    cells[1] = Cell::Text(String::new());
    cells[2] = Cell::Count(rest.iter().map(|change| change.n_base).sum());
    cells[3] = Cell::Count(rest.iter().map(|change| change.n_candidate).sum());
    cells
}

/// A probability: two digits, powers of ten where it is tiny.
pub(super) fn p_text(p: f64) -> String {
    match p {
        p if p >= 0.01 => format!("{p:.2}"),
        p if p >= 0.0001 => format!("{p:.4}"),
        p => format!("{p:.0e}"),
    }
}

/// Mean time per part, of the endpoints that changed.
fn parts(results: &Results<'_>) -> Option<Table> {
    let millis = |title: &str| Column::number(title, Unit::Millis);
    let duration = |ns: Option<f64>| ns.map_or(Cell::Empty, |ns| Cell::Duration(ns.round() as i64));
    let mut rows = Vec::new();
    for explanation in results.explanations {
        let Some(change) = results.comparison.endpoints.iter().find(|change| change.name == explanation.endpoint) else {
            continue;
        };
        for (bucket, base, candidate) in &change.buckets {
            let grew = candidate.unwrap_or(0.0) - base.unwrap_or(0.0);
            rows.push(vec![
                Cell::Text(change.name.clone()),
                Cell::Text(bucket.clone()),
                duration(*base),
                duration(*candidate),
                duration(Some(grew)),
            ]);
        }
    }
    let columns = vec![Column::text("Endpoint"), Column::text("Part"), millis("Base"), millis("Candidate"), millis("Change")];
    (!rows.is_empty()).then_some(Table { columns, rows, other: None })
}

/// Calls per request and error rates, of those that have either and differ.
fn counts(changes: &[Change]) -> Option<Table> {
    let rows: Vec<Vec<Cell>> = changes
        .iter()
        .filter(|change| {
            let calls = change.calls_per_request_base.zip(change.calls_per_request_candidate);
            let more_calls = calls.is_some_and(|(a, b)| (a - b).abs() > 0.05 * a.max(b));
            more_calls || change.errors.is_some_and(|errors| (errors.base - errors.candidate).abs() > 0.001)
        })
        .map(|change| {
            let share = |share: Option<f64>| share.map_or(Cell::Empty, Cell::Share);
            vec![
                Cell::Text(change.name.clone()),
                Cell::rate(change.calls_per_request_base),
                Cell::rate(change.calls_per_request_candidate),
                share(change.errors.map(|errors| errors.base)),
                share(change.errors.map(|errors| errors.candidate)),
            ]
        })
        .collect();
    let columns = vec![
        Column::text("Endpoint"),
        Column::number("Calls/req. base", Unit::None),
        Column::number("Cand.", Unit::None),
        Column::number("Errors base", Unit::Percent),
        Column::number("Cand.", Unit::Percent),
    ];
    (!rows.is_empty()).then_some(Table { columns, rows, other: None })
}

/// Both sides of every resource.
pub(super) fn resources(results: &Results<'_>) -> Option<Table> {
    let both = |difference: &super::Difference, of: &dyn Fn(&ResourceSummary) -> Option<String>| {
        let side = |side: &Option<ResourceSummary>| side.as_ref().and_then(of).unwrap_or_else(|| "-".to_owned());
        match (side(&difference.base), side(&difference.candidate)) {
            (a, b) if a == "-" && b == "-" => Cell::Empty,
            (a, b) => Cell::Text(format!("{a} -> {b}")),
        }
    };
    let rows: Vec<Vec<Cell>> = results
        .differences
        .iter()
        .map(|difference| {
            vec![
                Cell::Text(difference.name.clone()),
                both(difference, &|r| r.size.value.map(|slots| slots.to_string())),
                both(difference, &|r| r.demand_ns.map(words::ns)),
                both(difference, &|r| r.utilization.map(|share| format!("{:.0} %", share * 100.0))),
                both(difference, &|r| crate::analyze::compare::resources::mean_wait(r).map(words::ns)),
                both(difference, &|r| r.ceiling_tps.map(three_digits)),
            ]
        })
        .collect();
    let number = |title: &str| Column::number(title, Unit::None);
    let columns = vec![
        Column::text("Resource"),
        number("Slots"),
        number("Held a request"),
        number("In use"),
        number("Mean wait"),
        number("Ceiling [TPS]"),
    ];
    (!rows.is_empty()).then_some(Table { columns, rows, other: None })
}

pub(super) fn budgets(results: &Results<'_>) -> Option<Table> {
    let rows: Vec<Vec<Cell>> = results
        .outcomes
        .iter()
        .map(|outcome| {
            vec![
                Cell::Text(results.budget_name(outcome)),
                Cell::Text(kept_name(outcome.kept).replace('_', " ")),
                Cell::rate(results.limit(outcome)),
                Cell::rate(results.actual(outcome)),
            ]
        })
        .collect();
    let number = |title: &str| Column::number(title, Unit::None);
    let columns = vec![Column::text("Budget"), Column::text("Kept"), number("Limit"), number("Actual")];
    (!rows.is_empty()).then_some(Table { columns, rows, other: None })
}

/// The builds that changed something.
pub(super) fn history(results: &Results<'_>) -> Option<Table> {
    let rows: Vec<Vec<Cell>> = results
        .history?
        .changes
        .iter()
        .map(|change| {
            vec![
                Cell::Text(change.build.clone()),
                Cell::Text(change.name.clone()),
                Cell::Duration(change.before_ns.round() as i64),
                Cell::Duration(change.after_ns.round() as i64),
                Cell::Text(p_text(change.p_value)),
            ]
        })
        .collect();
    let columns = vec![
        Column::text("Changed by"),
        Column::text("What"),
        Column::number("Median before", Unit::Millis),
        Column::number("After", Unit::Millis),
        Column::number("p", Unit::None),
    ];
    (!rows.is_empty()).then_some(Table { columns, rows, other: None })
}
