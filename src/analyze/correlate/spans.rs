//! Spans: trees by their ids, and copies of one span in several exports.

use hashbrown::HashMap;
use parsers::{Adoption, Role};

use super::{Fate, Links, NONE, fragments};
use crate::analyze::attribute::forest::{DROPPED, NO_PARENT};
use crate::analyze::attribute::identity::{Columns, Options, resolve};
use crate::analyze::attribute::skew;
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::{NO_NAME, NULL_I64, NULL_U64};

/// Links the rows that are spans, and marks the copies among them.
pub(super) fn link(rows: &Rows<'_>, origins: &[Origin], links: &mut Links) {
    if !rows.has_spans() {
        return;
    }
    fragments::merge(rows, links);
    let is_span = |row: &u32| rows.span(*row as usize).is_some() && links.fate[*row as usize] != Fate::Absorbed;
    let spans: Vec<u32> = (0..rows.len() as u32).filter(is_span).collect();
    if spans.is_empty() {
        return;
    }
    let pick = |value: &dyn Fn(usize) -> i64| spans.iter().map(|&row| value(row as usize)).collect::<Vec<i64>>();
    let mut start = pick(&|row| links.start[row]);
    let mut end = pick(&|row| links.start[row].saturating_add(links.duration[row].max(0)));
    let role: Vec<Role> = spans.iter().map(|&row| rows.role(row as usize)).collect();
    let trace: Vec<u128> = spans.iter().map(|&row| rows.trace(row as usize).unwrap_or(0)).collect();
    let span: Vec<u64> = spans.iter().map(|&row| rows.span(row as usize).unwrap_or(0)).collect();
    let mut parent_span: Vec<u64> = spans.iter().map(|&row| rows.parent_span(row as usize).unwrap_or(0)).collect();
    links.joined.adopted += adopt(&rows.frame.adopted, &trace, &span, &mut parent_span);
    let follows = |&row: &u32| rows.follows()[row as usize];
    let follows: Vec<u64> = match rows.follows() {
        [] => Vec::new(),
        _ => spans.iter().map(follows).map(|id| if id == NULL_U64 { 0 } else { id }).collect(),
    };
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
        follows: &follows,
    };
    let mut identity = resolve(&columns, &options);
    keep_the_finest(rows, origins, &spans, &mut identity.parent, &mut identity.duplicates);

    let key_of = |key: u32| if key == NO_NAME { skew::UNKNOWN } else { key };
    let host: Vec<u32> = spans.iter().map(|&row| key_of(rows.instance(row as usize))).collect();
    let service: Vec<u32> = spans.iter().map(|&row| key_of(rows.service(row as usize))).collect();
    let mut times =
        skew::Columns { start: &mut start, end: &mut end, parent: &identity.parent, host: &host, service: &service, role: &role };
    let mut options = skew::Options::default();
    options.tolerance_ns = options.tolerance_ns.max(2 * coarsest);
    let skew = skew::correct(&mut times, &options);
    if !identity.after.is_empty() {
        links.after = vec![NONE; rows.len()];
    }

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
        if let Some(&after) = identity.after.get(i) {
            links.after[row] = spans.get(after as usize).copied().unwrap_or(NONE);
        }
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
    links.joined.conflicting_ids += identity.conflicting_ids;
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

/// Hangs spans under those that claim them, where those are there. Returns how many.
fn adopt(adopted: &[Adoption], trace: &[u128], span: &[u64], parent_span: &mut [u64]) -> u64 {
    if adopted.is_empty() {
        return 0;
    }
    // Of two that claim one child the smaller id has it, so that the order of files does not matter.
    let mut sorted = adopted.to_vec();
    sorted.sort_unstable();
    let mut there: HashMap<(u128, u64), bool> = sorted.iter().map(|claim| ((claim.trace, claim.parent), false)).collect();
    for key in trace.iter().copied().zip(span.iter().copied()) {
        there.entry(key).and_modify(|there| *there = true);
    }
    let mut claimed: HashMap<(u128, u64), u64> = HashMap::new();
    for claim in sorted.iter().filter(|claim| claim.child != claim.parent && there[&(claim.trace, claim.parent)]) {
        claimed.entry((claim.trace, claim.child)).or_insert(claim.parent);
    }
    let mut moved = 0;
    for (i, parent) in parent_span.iter_mut().enumerate() {
        if let Some(&to) = claimed.get(&(trace[i], span[i])) {
            *parent = to;
            moved += 1;
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_child_moves_to_the_span_that_claims_it() {
        let claim = |child, parent| Adoption { trace: 1, child, parent };
        let mut parents = [0, 1, 1, 1];
        // 9 is not there, and no span is its own child.
        let claims = [claim(3, 9), claim(3, 4), claim(4, 4), claim(2, 4), claim(8, 4)];
        assert_eq!(adopt(&claims, &[1; 4], &[1, 2, 3, 4], &mut parents), 2);
        assert_eq!(parents, [0, 4, 4, 1]);
        assert_eq!(adopt(&claims, &[2; 4], &[1, 2, 3, 4], &mut parents), 0);
    }
}
