//! The ranked tables. What a table leaves out is added up in its last row, so that shares sum to 1.

use crate::analyze::bucket::{Bucket, Buckets};
use crate::analyze::tables::{EndpointRow, Times};
use crate::report::model::{Block, Cell, Column, Table, Unit};
use crate::report::{Options, Results, percent, quantile};

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// A quantile that so many values carry: fewer than 1 / (1 - q) have none of that rank beside their maximum.
fn carried(asked: &[f64], times: &Times, wanted: f64, n: u64) -> Cell {
    let has_enough = n as f64 * (1.0 - wanted) > 1.0 - 1e-9;
    Cell::duration(quantile(asked, times, wanted).filter(|_| has_enough))
}

fn quantile_columns(options: &Options) -> impl Iterator<Item = Column> {
    options.quantiles.iter().map(|&q| Column::number(&format!("p{}", percent(q)), Unit::Millis))
}

fn quantile_cells<'a>(
    results: &'a Results<'_>,
    options: &'a Options,
    times: &'a Times,
    n: u64,
) -> impl Iterator<Item = Cell> + 'a {
    options.quantiles.iter().map(move |&q| carried(&results.analysis.quantiles, times, q, n))
}

/// The share that is left of the whole; nothing where rounding is all there is.
fn rest(shares: impl Iterator<Item = f64>) -> Option<f64> {
    Some(1.0 - shares.sum::<f64>()).filter(|&rest| rest >= 0.0005)
}

/// Share of the time from which on a bottleneck has a sentence beside its row.
const WORTH_A_SENTENCE: f64 = 0.02;
/// The first rows have one whatever their share.
const ALWAYS_SAID: usize = 2;

pub(super) fn bottlenecks(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let found = results.analysis.bottlenecks.iter().take(options.top);
    let mut table = Table {
        columns: vec![
            Column::number("#", Unit::None),
            Column::text("ID"),
            Column::text("Kind"),
            Column::text("Subject"),
            Column::number("Time", Unit::Percent),
            Column::number("Calls", Unit::None),
            Column::number("Mean", Unit::Millis),
            Column::number("p95", Unit::Millis),
            Column::number("Ceiling", Unit::Tps),
            Column::text("Sure"),
        ],
        ..Table::default()
    };
    let mut blocks = Vec::new();
    for (at, row) in found.enumerate() {
        table.rows.push(vec![
            Cell::Count(at as u64 + 1),
            text(&row.id),
            text(&row.kind.replace('_', " ")),
            text(&row.subject),
            Cell::Share(row.share),
            Cell::Count(row.calls),
            Cell::duration(row.times.mean_ns),
            carried(&results.analysis.quantiles, &row.times, 0.95, row.calls),
            Cell::rate(row.ceiling_tps),
            text(row.confidence),
        ]);
        let next = if row.next_step.is_empty() { String::new() } else { format!(" Next: {}", row.next_step) };
        // What takes little has its row; a sentence for each would bury those that matter.
        let is_said = at < ALWAYS_SAID || row.share >= WORTH_A_SENTENCE || row.kind == "timeouts";
        if is_said && (!row.sentence.is_empty() || !next.is_empty()) {
            blocks.push(Block::Text(format!("{}. {}{next}", at + 1, row.sentence)));
        }
    }
    if table.rows.is_empty() {
        return blocks;
    }
    // Causes and their symptoms overlap, so there may be nothing left, or more than the whole.
    table.other = rest(results.analysis.bottlenecks.iter().take(options.top).map(|row| row.share)).map(|share| {
        let mut other = vec![Cell::Empty; table.columns.len()];
        (other[0], other[1], other[2], other[3], other[4]) =
            (text(""), text(""), text("other"), text("everything else"), Cell::Share(share));
        other
    });
    blocks.insert(0, Block::Table(table));
    blocks
}

pub(super) fn endpoints(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let all = &results.analysis.endpoints;
    if all.is_empty() {
        return Vec::new();
    }
    let (shown, left) = all.split_at(options.top.min(all.len()));
    let has_time = results.analysis.totals.total_ns.is_some();
    let share = Column::number(if has_time { "Time" } else { "Calls" }, Unit::Percent);
    let mut columns = vec![
        Column::number("#", Unit::None),
        Column::text("ID"),
        Column::text("Endpoint"),
        Column::number("Calls", Unit::None),
        Column::number("Rate", Unit::Tps),
    ];
    if has_time {
        columns.push(Column::number("Total", Unit::Seconds));
    }
    columns.push(share);
    if has_time {
        columns.extend(quantile_columns(options));
        columns.push(Column::number("Max", Unit::Millis));
    }
    columns.push(Column::number("Err", Unit::Percent));
    let line = |number: Cell, id: &str, name: String, row: &EndpointRow, is_other: bool| {
        let mut cells = vec![number, text(id), Cell::Text(name), Cell::Count(row.calls), Cell::rate(row.tps)];
        if has_time {
            cells.push(Cell::duration(row.times.total_ns));
        }
        cells.push(Cell::Share(row.share));
        if has_time {
            // Quantiles of several rows together are not known from theirs.
            cells.extend(quantile_cells(results, options, &row.times, if is_other { 0 } else { row.calls }));
            cells.push(Cell::duration(row.times.max_ns));
        }
        cells.push(if row.calls > 0 { Cell::Share(row.errors as f64 / row.calls as f64) } else { Cell::Empty });
        cells
    };
    let rows =
        shown.iter().enumerate().map(|(at, row)| line(Cell::Count(at as u64 + 1), &row.id, name(row), row, false)).collect();
    let other = (!left.is_empty()).then(|| line(text(""), "", format!("other ({})", left.len()), &sum(left), true));
    vec![Block::Table(Table { columns, rows, other })]
}

/// An endpoint's name, its service in front where there is one.
fn name(row: &EndpointRow) -> String {
    if row.service.is_empty() { row.endpoint.clone() } else { format!("{}: {}", row.service, row.endpoint) }
}

/// Several endpoints as one.
fn sum(rows: &[EndpointRow]) -> EndpointRow {
    let mut all = EndpointRow::default();
    for row in rows {
        all.calls += row.calls;
        all.errors += row.errors;
        all.share += row.share;
        all.buckets.merge(&row.buckets);
        all.tps = row.tps.map(|tps| all.tps.unwrap_or(0.0) + tps).or(all.tps);
        all.times.total_ns =
            row.times.total_ns.map(|ns| all.times.total_ns.unwrap_or(0).saturating_add(ns)).or(all.times.total_ns);
        all.times.max_ns = all.times.max_ns.max(row.times.max_ns);
    }
    all
}

const TITLES: [&str; 9] = ["Queue", "Pool", "Database", "External", "Pause", "Network", "Upstream", "Own", "Unsplit"];

pub(super) fn buckets(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let all = &results.analysis.endpoints;
    let totals = &results.analysis.totals.buckets;
    // A bare duration per request is in the table above.
    let known: Vec<Bucket> = Bucket::ALL.into_iter().filter(|&bucket| totals.get(bucket).is_some()).collect();
    if all.is_empty() || known.iter().all(|&bucket| bucket == Bucket::Unaccounted) {
        return Vec::new();
    }
    let (shown, left) = all.split_at(options.top.min(all.len()));
    let mut columns = vec![Column::text("ID"), Column::text("Endpoint"), Column::number("Mean", Unit::Millis)];
    columns.extend(known.iter().map(|&bucket| Column::number(TITLES[bucket as usize], Unit::Millis)));
    let line = |id: &str, name: String, split: &Buckets, calls: u64| {
        let mean = |ns: i64| Cell::Duration((ns as f64 / calls.max(1) as f64).round() as i64);
        let mut cells = vec![text(id), Cell::Text(name), mean(split.sum())];
        cells.extend(known.iter().map(|&bucket| split.get(bucket).map_or(Cell::Empty, mean)));
        cells
    };
    let rows = shown.iter().map(|row| line(&row.id, name(row), &row.buckets, row.calls)).collect();
    let rest = sum(left);
    let other = (!left.is_empty()).then(|| line("", format!("other ({})", left.len()), &rest.buckets, rest.calls));
    vec![Block::Table(Table { columns, rows, other })]
}

pub(super) fn database(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let all = &results.analysis.database;
    if all.is_empty() {
        return Vec::new();
    }
    let (shown, left) = all.split_at(options.top.min(all.len()));
    let mut columns = vec![
        Column::number("#", Unit::None),
        Column::text("ID"),
        Column::text("Statement"),
        Column::number("Calls", Unit::None),
        Column::number("per req", Unit::None),
        Column::number("Total", Unit::Seconds),
        Column::number("Time", Unit::Percent),
    ];
    columns.extend(quantile_columns(options));
    columns.push(Column::number("Max", Unit::Millis));
    let rows = shown.iter().enumerate().map(|(at, row)| {
        let mut cells = vec![
            Cell::Count(at as u64 + 1),
            text(&row.id),
            text(&row.statement),
            Cell::Count(row.calls),
            Cell::rate(row.calls_per_request),
            Cell::duration(row.times.total_ns),
            Cell::Share(row.share),
        ];
        cells.extend(quantile_cells(results, options, &row.times, row.calls));
        cells.push(Cell::duration(row.times.max_ns));
        cells
    });
    let rows = rows.collect();
    let other = (!left.is_empty()).then(|| {
        let mut other = vec![Cell::Empty; columns.len()];
        other[0] = text("");
        other[1] = text("");
        other[2] = Cell::Text(format!("other ({})", left.len()));
        other[3] = Cell::Count(left.iter().map(|row| row.calls).sum());
        let per_request: Vec<f64> = left.iter().filter_map(|row| row.calls_per_request).collect();
        other[4] = if per_request.is_empty() { Cell::Empty } else { Cell::Rate(per_request.iter().sum()) };
        let timed: Vec<i64> = left.iter().filter_map(|row| row.times.total_ns).collect();
        other[5] = if timed.is_empty() { Cell::Empty } else { Cell::Duration(timed.iter().sum()) };
        other[6] = Cell::Share(left.iter().map(|row| row.share).sum());
        other[columns.len() - 1] = Cell::duration(left.iter().filter_map(|row| row.times.max_ns).max());
        other
    });
    vec![Block::Table(Table { columns, rows, other })]
}

/// Pools of which only readings tell: who held what, and how long anybody waited, they do not say.
pub(super) fn watched(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let watched = &results.analysis.watched;
    if watched.is_empty() {
        return Vec::new();
    }
    let cell = |value: Option<u32>| value.map_or(Cell::Empty, |value| Cell::Count(u64::from(value)));
    let rows = watched.iter().take(options.top).map(|pool| {
        let has_waiters = pool.reading.waiting_max.is_some();
        vec![
            text(&pool.name),
            cell(pool.reading.in_use_max),
            cell(pool.reading.waiting_max),
            if has_waiters { Cell::Count(u64::from(pool.reading.readings)) } else { Cell::Empty },
            if has_waiters { Cell::Count(u64::from(pool.reading.with_waiters)) } else { Cell::Empty },
        ]
    });
    let columns = vec![
        Column::text("Pool"),
        Column::number("Most in use", Unit::None),
        Column::number("Most waiting", Unit::None),
        Column::number("Readings", Unit::None),
        Column::number("With waiters", Unit::None),
    ];
    let mut blocks = vec![Block::Table(Table { columns, rows: rows.collect(), other: None })];
    if let Some(more) = watched.len().checked_sub(options.top).filter(|&more| more > 0) {
        blocks.push(Block::Text(format!("{} more pools are not shown.", super::count(more as u64))));
    }
    blocks
}

pub(super) fn waits(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let all = &results.analysis.waits;
    if all.is_empty() {
        return Vec::new();
    }
    let shown = &all[..options.top.min(all.len())];
    let columns = vec![
        Column::number("#", Unit::None),
        Column::text("ID"),
        Column::text("Waiting for"),
        Column::number("Size", Unit::None),
        Column::number("Asked", Unit::None),
        Column::number("Waited", Unit::None),
        Column::number("Total", Unit::Seconds),
        Column::number("Time", Unit::Percent),
        Column::number("Mean", Unit::Millis),
        Column::number("p95", Unit::Millis),
        Column::number("Max", Unit::Millis),
        Column::number("Busy", Unit::Percent),
    ];
    let rows = shown.iter().enumerate().map(|(at, row)| {
        let mut subject = format!("{} {}", row.kind, row.resource);
        if !row.instance.is_empty() && all.iter().any(|other| other.resource == row.resource && other.instance != row.instance) {
            subject += &format!(" ({})", row.instance);
        }
        vec![
            Cell::Count(at as u64 + 1),
            text(&row.id),
            Cell::Text(subject),
            size(row.servers, row.servers_basis),
            Cell::Count(row.acquisitions),
            Cell::Count(row.waited),
            Cell::duration(row.times.total_ns),
            Cell::Share(row.share),
            Cell::duration(row.times.mean_ns),
            carried(&results.analysis.quantiles, &row.times, 0.95, row.acquisitions),
            Cell::duration(row.times.max_ns),
            row.utilization.map_or(Cell::Empty, Cell::Share),
        ]
    });
    let rows = rows.collect();
    let other = rest(shown.iter().map(|row| row.share)).map(|share| {
        let mut other = vec![Cell::Empty; columns.len()];
        (other[0], other[1], other[2]) = (text(""), text(""), text("other: not waiting for these"));
        other[7] = Cell::Share(share);
        other
    });
    vec![Block::Table(Table { columns, rows, other })]
}

/// A size, marked where it is not stated.
pub(super) fn size(servers: Option<u32>, basis: &str) -> Cell {
    match (servers, basis) {
        (None, _) => text("?"),
        (Some(n), "at_least") => Cell::Text(format!(">={n}")),
        (Some(n), "inferred") => Cell::Text(format!("~{n}")),
        (Some(n), _) => Cell::Count(u64::from(n)),
    }
}

pub(super) fn pauses(results: &Results<'_>, options: &Options) -> Vec<Block> {
    let all = &results.analysis.pauses;
    if all.is_empty() {
        return Vec::new();
    }
    let (shown, left) = all.split_at(options.top.min(all.len()));
    let line = |cause: String, count: u64, total: i64, max: i64| {
        vec![Cell::Text(cause), Cell::Count(count), Cell::Duration(total), Cell::Duration(max)]
    };
    let other = (!left.is_empty()).then(|| {
        let (count, total) = left.iter().fold((0, 0i64), |(n, ns), row| (n + row.count, ns.saturating_add(row.total_ns)));
        line(format!("other ({})", left.len()), count, total, left.iter().map(|row| row.max_ns).max().unwrap_or(0))
    });
    vec![Block::Table(Table {
        columns: vec![
            Column::text("Cause"),
            Column::number("Pauses", Unit::None),
            Column::number("Total", Unit::Millis),
            Column::number("Max", Unit::Millis),
        ],
        rows: shown.iter().map(|row| line(row.cause.clone(), row.count, row.total_ns, row.max_ns)).collect(),
        other,
    })]
}

pub(super) fn findings(results: &Results<'_>) -> Vec<Block> {
    let findings = results.analysis.findings.iter();
    findings
        .map(|found| {
            let next = if found.next_step.is_empty() { String::new() } else { format!(" Next: {}", found.next_step) };
            Block::Text(format!("{} [{}] {}{next}", found.severity, found.rule, found.sentence))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::small;

    #[test]
    fn what_is_left_out_is_in_the_last_row() {
        let made = small();
        let options = Options { top: 1, ..Options::default() };
        let blocks = endpoints(&made.results(), &options);
        let [Block::Table(table)] = &blocks[..] else { panic!("{blocks:?}") };
        let other = table.other.as_ref().expect("one endpoint is left out");
        assert_eq!(other[2], Cell::Text("other (1)".to_owned()));
        assert_eq!((&other[3], &other[6]), (&Cell::Count(100), &Cell::Share(0.2)));
        assert_eq!(table.rows.len(), 1);
    }

    #[test]
    fn ten_calls_carry_no_p99() {
        let times = Times { quantiles_ns: vec![Some(5), Some(9)], ..Times::default() };
        let asked = [0.9, 0.99];
        assert_eq!(carried(&asked, &times, 0.9, 10), Cell::Duration(5));
        assert_eq!(carried(&asked, &times, 0.99, 10), Cell::Empty);
        assert_eq!(carried(&asked, &times, 0.99, 100), Cell::Duration(9));
    }

    #[test]
    fn buckets_are_means_and_only_those_that_are_known() {
        let made = small();
        let blocks = buckets(&made.results(), &Options::default());
        let [Block::Table(table)] = &blocks[..] else { panic!("{blocks:?}") };
        let titles: Vec<&str> = table.columns.iter().map(|c| c.title.as_str()).collect();
        assert_eq!(titles, ["ID", "Endpoint", "Mean", "Pool", "Database", "Own", "Unsplit"]);
        // 60 s, 15 s and 5 s over 200 calls.
        let want = [400, 300, 75, 25].map(|ms| Cell::Duration(ms * 1_000_000));
        assert_eq!(table.rows[0][2..6], want);
        assert_eq!(table.rows[0][6], Cell::Empty);
    }
}
