//! Spans: trees by their ids, and copies of one span in several exports.

use parsers::Role;

use super::{Fate, Links, NONE};
use crate::analyze::attribute::forest::{DROPPED, NO_PARENT};
use crate::analyze::attribute::identity::{Columns, Options, resolve};
use crate::analyze::attribute::skew;
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::{NO_NAME, NULL_I64};

/// Links the rows that are spans, and marks the copies among them.
pub(super) fn link(rows: &Rows<'_>, origins: &[Origin], links: &mut Links) {
    if !rows.has_spans() {
        return;
    }
    let spans: Vec<u32> = (0..rows.len() as u32).filter(|&row| rows.span(row as usize).is_some()).collect();
    if spans.is_empty() {
        return;
    }
    let pick = |value: &dyn Fn(usize) -> i64| spans.iter().map(|&row| value(row as usize)).collect::<Vec<i64>>();
    let mut start = pick(&|row| links.start[row]);
    let mut end = pick(&|row| links.start[row].saturating_add(links.duration[row].max(0)));
    let role: Vec<Role> = spans.iter().map(|&row| rows.role(row as usize)).collect();
    let trace: Vec<u128> = spans.iter().map(|&row| rows.trace(row as usize).unwrap_or(0)).collect();
    let span: Vec<u64> = spans.iter().map(|&row| rows.span(row as usize).unwrap_or(0)).collect();
    let parent_span: Vec<u64> = spans.iter().map(|&row| rows.parent_span(row as usize).unwrap_or(0)).collect();
    let mut options = Options::default();
    // A start and a duration are each cut to the export's step, so an end may differ by two steps.
    let coarsest = spans.iter().map(|&row| origins[rows.source[row as usize] as usize].stamp_resolution_ns).max().unwrap_or(0);
    options.copy_tolerance_ns = options.copy_tolerance_ns.max(2 * coarsest);
    let columns = Columns {
        trace: &trace,
        span: &span,
        parent_span: &parent_span,
        role: &role,
        start: &start,
        end: &end,
        follows_from: &[],
    };
    let mut identity = resolve(&columns, &options);
    keep_the_finest(rows, origins, &spans, &mut identity.parent, &mut identity.duplicates);

    let host: Vec<u32> = spans.iter().map(|&row| host_of(rows, row as usize)).collect();
    let mut times = skew::Columns { start: &mut start, end: &mut end, parent: &identity.parent, host: &host, role: &role };
    let skew = skew::correct(&mut times, &skew::Options::default());

    for (i, &row) in spans.iter().enumerate() {
        let row = row as usize;
        match identity.parent[i] {
            DROPPED => links.fate[row] = Fate::Copy,
            NO_PARENT => {}
            parent => {
                links.parent[row] = spans[parent as usize];
                links.fate[row] = Fate::Child;
            }
        }
        links.blocking[row] = identity.blocking[i];
        if links.start[row] != NULL_I64 {
            links.start.to_mut()[row] = start[i];
        }
    }
    for &orphan in &identity.orphans {
        let row = spans[orphan as usize] as usize;
        if links.fate[row] == Fate::Root {
            links.fate[row] = Fate::Orphan;
        }
    }
    let copies_within =
        |&&(copy, kept): &&(u32, u32)| rows.source[spans[copy as usize] as usize] == rows.source[spans[kept as usize] as usize];
    let within = identity.duplicates.iter().filter(copies_within).count() as u64;
    links.joined.duplicates += within;
    links.joined.copies += identity.duplicates.len() as u64 - within;
    links.joined.copied_spans += identity.duplicates.len() as u64;
    links.joined.orphans += identity.orphans.len() as u64;
    links.joined.cycles += identity.cycles;
    links.joined.traces += identity.traces;
    links.joined.incomplete_traces += identity.incomplete_traces;
    links.joined.skew_corrected += skew.corrected;
    links.joined.max_skew_ns = links.joined.max_skew_ns.max(skew.max_delta_ns);
}

/// Where a copy comes from a finer clock than the span that was kept, the two change places.
fn keep_the_finest(rows: &Rows<'_>, origins: &[Origin], spans: &[u32], parent: &mut [u32], duplicates: &mut [(u32, u32)]) {
    let clock = |i: u32| {
        let source = rows.source[spans[i as usize] as usize];
        (origins[source as usize].stamp_resolution_ns, source)
    };
    let mut stands_for: Vec<u32> = (0..parent.len() as u32).collect();
    for (copy, kept) in duplicates.iter_mut() {
        let now = stands_for[*kept as usize];
        if clock(*copy) < clock(now) {
            stands_for[*kept as usize] = *copy;
            parent[*copy as usize] = parent[now as usize];
            parent[now as usize] = DROPPED;
            (*copy, *kept) = (now, *copy);
        } else {
            *kept = now;
        }
    }
    for parent in parent.iter_mut() {
        if let Some(&to) = stands_for.get(*parent as usize) {
            *parent = to;
        }
    }
}

/// Where a span ran: what the record says, else its service.
fn host_of(rows: &Rows<'_>, row: usize) -> u32 {
    let host = [rows.instance(row), rows.service(row)].into_iter().find(|&key| key != NO_NAME);
    host.unwrap_or(NONE)
}
