//! What only traces tell: services, the calls between them, and what a faster statement would do.

use crate::report::model::{Block, Cell, Column, Table, Unit};
use crate::report::{Options, Results};

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

pub(super) fn services(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let all = &results.analysis.services;
    if all.is_empty() {
        return Vec::new();
    }
    let (shown, left) = all.split_at(options.top.min(all.len()));
    let columns = vec![
        Column::text("Service"),
        Column::number("Operations", Unit::None),
        Column::number("Requests", Unit::None),
        Column::number("Errors", Unit::None),
        Column::number("Self", Unit::Seconds),
        Column::number("On path", Unit::Seconds),
        Column::number("Time", Unit::Percent),
    ];
    let line = |name: Cell, row: &crate::analyze::services::ServiceRow| {
        vec![
            name,
            Cell::Count(row.operations),
            Cell::Count(row.requests),
            Cell::Count(row.errors),
            Cell::Duration(row.self_ns),
            Cell::Duration(row.path_ns),
            Cell::Share(row.share),
        ]
    };
    let mut rest = crate::analyze::services::ServiceRow::default();
    for row in left {
        rest.operations += row.operations;
        rest.requests += row.requests;
        rest.errors += row.errors;
        rest.self_ns = rest.self_ns.saturating_add(row.self_ns);
        rest.path_ns = rest.path_ns.saturating_add(row.path_ns);
        rest.share += row.share;
    }
    let rows = shown.iter().map(|row| line(text(&row.service), row)).collect();
    let other = (!left.is_empty()).then(|| line(Cell::Text(format!("other ({})", left.len())), &rest));
    vec![Block::Table(Table { columns, rows, other })]
}

pub(super) fn edges(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let all = &results.analysis.edges;
    if all.is_empty() {
        return Vec::new();
    }
    let (shown, left) = all.split_at(options.top.min(all.len()));
    let columns = vec![
        Column::text("Caller"),
        Column::text("Callee"),
        Column::text("Sort"),
        Column::number("Calls", Unit::None),
        Column::number("Errors", Unit::None),
        Column::number("Total", Unit::Seconds),
        Column::number("Mean gap", Unit::Millis),
    ];
    let rows = shown.iter().map(|row| {
        vec![
            text(&row.caller),
            text(&row.callee),
            text(row.kind),
            Cell::Count(row.calls),
            Cell::Count(row.errors),
            Cell::duration(row.total_ns),
            Cell::duration(row.mean_gap_ns()),
        ]
    });
    let rows = rows.collect();
    let other = (!left.is_empty()).then(|| {
        let timed: Vec<i64> = left.iter().filter_map(|row| row.total_ns).collect();
        vec![
            Cell::Text(format!("other ({})", left.len())),
            text(""),
            text(""),
            Cell::Count(left.iter().map(|row| row.calls).sum()),
            Cell::Count(left.iter().map(|row| row.errors).sum()),
            if timed.is_empty() { Cell::Empty } else { Cell::Duration(timed.iter().fold(0, |a, b| a.saturating_add(*b))) },
            Cell::Empty,
        ]
    });
    vec![Block::Table(Table { columns, rows, other })]
}

pub(super) fn replays(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let all = &results.analysis.replays;
    if all.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::text("Change"),
        Column::text("Endpoint"),
        Column::number("Calls", Unit::None),
        Column::number("Mean", Unit::Millis),
        Column::number("New mean", Unit::Millis),
        Column::number("At best", Unit::Millis),
    ];
    let rows = all.iter().take(options.top).map(|row| {
        vec![
            Cell::Text(format!("{} x{}", row.change, row.factor)),
            text(&row.endpoint),
            Cell::Count(row.calls),
            Cell::Duration(row.mean_ns),
            Cell::Duration(row.new_mean_ns),
            Cell::Duration(row.bound_mean_ns),
        ]
    });
    let table = Table { columns, rows: rows.collect(), other: None };
    let how = "Each request is walked again with the calls changed and everything else in its place: what ran beside them may take \
               over. Waits for a pool or a queue stay as they were; the capacity section has what they would become.";
    vec![Block::Table(table), Block::Text(how.to_owned())]
}
