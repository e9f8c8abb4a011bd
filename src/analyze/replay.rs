//! What a faster or slower statement would do to each endpoint: its requests are walked again.

use super::attribute::Attribution;
use super::attribute::forest::{Forest, NO_PARENT, Spans};
use super::attribute::what_if::what_if;
use super::capacity::target::WhatIf;
use super::columns::Rows;
use super::correlate::Links;
use super::requests::Requests;
use super::tables::id;
use crate::frame::NULL_I64;

/// What one change would do to one endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplayRow {
    /// What is changed: id or text as asked for.
    pub change: String,
    /// What its time is multiplied by.
    pub factor: f64,
    /// Endpoint.
    pub endpoint: String,
    /// Its requests.
    pub calls: u64,
    /// Their mean duration, in nanoseconds.
    pub mean_ns: i64,
    /// Mean duration after the change: what runs beside it may take over.
    pub new_mean_ns: i64,
    /// Mean duration if all of its time on the critical path were won or lost, in nanoseconds.
    pub bound_mean_ns: i64,
}

/// Replays every request for each change of a statement, or of operations of another name. Endpoints
/// that the change does not touch are left out.
pub(crate) fn replay(
    rows: &Rows<'_>,
    links: &Links,
    requests: &Requests<'_>,
    attribution: &Attribution,
    changes: &[WhatIf],
) -> Vec<ReplayRow> {
    let mut out = Vec::new();
    let (start, end) = &attribution.windows;
    if attribution.walk_parent.is_empty() {
        return out;
    }
    let mut forest: Option<(Forest<'_>, Vec<u32>)> = None;
    for change in changes {
        let WhatIf::Statement { statement, factor } = change else { continue };
        let is_meant = |text: &str| text == statement || id('s', text) == *statement;
        let keys: Vec<bool> = rows.frame.names.iter().map(is_meant).collect();
        let group = |row: u32| {
            let row = row as usize;
            !rows.is(row, parsers::Kind::Request) && keys.get(rows.name(row) as usize).copied().unwrap_or(false)
        };
        let (forest, root_of) = forest.get_or_insert_with(|| {
            let parent = &attribution.walk_parent;
            let forest = Forest::new(Spans { start, end, parent, blocking: &links.blocking, after: &links.after, tie: &[] });
            let root_of = forest.root_of();
            (forest, root_of)
        });
        let length = what_if(forest, group, *factor);
        // Path time of the group, once where one of it hangs under another.
        let mut in_group = vec![false; rows.len()];
        let mut group_ns = vec![0i64; rows.len()];
        for &row in forest.top_down() {
            let at = row as usize;
            let above = attribution.walk_parent[at];
            in_group[at] = group(row) || (above != NO_PARENT && in_group[above as usize]);
            if in_group[at] {
                let root = &mut group_ns[root_of[at] as usize];
                *root = root.saturating_add(attribution.cp_ns[at]);
            }
        }
        let mut sums = vec![Sums::default(); requests.endpoints.len()];
        for (request, &row) in requests.row.iter().enumerate() {
            let ns = requests.duration[request];
            if ns == NULL_I64 {
                continue;
            }
            let sum = &mut sums[requests.endpoint[request] as usize];
            let walked = forest.spans.duration(row);
            sum.calls += 1;
            sum.touched |= group_ns[row as usize] > 0 || length[row as usize] != walked;
            sum.before += i128::from(ns);
            sum.after += i128::from(ns.saturating_add(length[row as usize]).saturating_sub(walked));
            sum.bound += i128::from(ns) + ((factor - 1.0) * group_ns[row as usize] as f64).round() as i128;
        }
        let mean = |sum: i128, calls: u64| i64::try_from(sum / i128::from(calls.max(1))).unwrap_or(i64::MAX);
        let mut found: Vec<ReplayRow> = (0..sums.len())
            .filter(|&endpoint| sums[endpoint].touched)
            .map(|endpoint| {
                let sum = &sums[endpoint];
                ReplayRow {
                    change: statement.clone(),
                    factor: *factor,
                    endpoint: requests.endpoints[endpoint].text(rows),
                    calls: sum.calls,
                    mean_ns: mean(sum.before, sum.calls),
                    new_mean_ns: mean(sum.after, sum.calls),
                    bound_mean_ns: mean(sum.bound, sum.calls),
                }
            })
            .collect();
        let gain =
            |row: &ReplayRow| row.mean_ns.saturating_sub(row.new_mean_ns).saturating_abs().saturating_mul(row.calls as i64);
        found.sort_by(|a, b| gain(b).cmp(&gain(a)).then_with(|| a.endpoint.cmp(&b.endpoint)));
        out.append(&mut found);
    }
    out
}

#[derive(Clone, Default)]
struct Sums {
    calls: u64,
    touched: bool,
    before: i128,
    after: i128,
    bound: i128,
}
