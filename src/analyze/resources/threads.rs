//! Worker threads: held from the end of the queue to the end of the request.

use parsers::{Kind, Role};

use super::connections::ByOwner;
use super::{Context, Found};
use crate::analyze::capacity::model::{self, Hold};
use crate::frame::NO_NAME;

/// Adds the thread pools that records tell of: by a stated wait for a worker, or by a span of it.
pub(super) fn add(context: &Context<'_>, found: &mut Found) {
    let rows = context.rows;
    if !rows.any_part(0) && !rows.any(&[Kind::ThreadWait]) {
        return;
    }
    let spans = rows.any(&[Kind::ThreadWait]).then(|| ByOwner::of(context));
    for row in 0..rows.len() {
        let (Some((start, end)), true) = (context.interval(row), context.live(row)) else { continue };
        let parts = rows.parts(row);
        if rows.is(row, Kind::Request) && rows.role(row) != Role::Client {
            let Some(queue) = parts[0] else { continue };
            let name = pool_name(context, row);
            let at = found.resource(context.host(row), model::Kind::Threads, &name);
            let grant = start.saturating_add(queue).min(end);
            let mut hold = Hold::new(grant, end, queue, context.of[row]);
            hold.nested_wait_ns = parts[1].unwrap_or(0).clamp(0, end - grant);
            found.resources[at].holds.push(hold);
        } else if rows.is(row, Kind::ThreadWait) {
            let at = found.resource(context.host(row), model::Kind::Threads, context.pool_name(row));
            // The span tells of the wait alone; the worker is held until the request is done.
            let until = request_end(context, row).unwrap_or(end).max(end);
            let mut hold = Hold::new(end, until, end - start, context.of[row]);
            let nested = spans.as_ref().map(|spans| spans.waits_within(rows.service(row), context.of[row], (end, until)));
            hold.nested_wait_ns = nested.unwrap_or(0).clamp(0, until - end);
            found.resources[at].holds.push(hold);
        }
    }
}

fn request_end(context: &Context<'_>, row: usize) -> Option<i64> {
    let parent = context.links.parent[row] as usize;
    if parent < context.rows.len() { context.interval(parent).map(|(_, end)| end) } else { None }
}

/// `bank-worker` of thread `bank-worker-7`; `(unnamed)` where no thread is named.
fn pool_name(context: &Context<'_>, row: usize) -> String {
    let thread = match context.rows.thread(row) {
        NO_NAME => "",
        key => context.rows.text(key),
    };
    let stem = thread.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_', '#', '.', ' ', ':']);
    if stem.is_empty() { model::UNNAMED.to_owned() } else { stem.to_owned() }
}
