//! Statements of database sessions: the steps of one execution are one call, and statements without
//! an id belong to the request whose session they stand in.

use hashbrown::HashMap;
use parsers::{Kind, Phase, Role};

use super::{Fate, Links, NONE};
use crate::analyze::columns::Rows;
use crate::frame::NULL_I64;

/// How far a statement may stick out of the request it belongs to, in nanoseconds: the answer to a
/// COMMIT and the transaction's own log line race each other.
const SLACK_NS: i64 = 20_000_000;

/// Rows of database servers by source and session, in the order of the log.
fn sessions(rows: &Rows<'_>) -> HashMap<(u32, u64), Vec<u32>> {
    let mut sessions: HashMap<(u32, u64), Vec<u32>> = HashMap::new();
    for row in rows.of_kind(Kind::Database).filter(|&row| rows.role(row) == Role::Server) {
        if let Some(session) = rows.session(row) {
            sessions.entry((rows.source[row], session)).or_default().push(row as u32);
        }
    }
    sessions
}

/// Adds the time of parse and bind to the execution that follows them in their session, and the
/// text of a statement to the record that has its duration.
pub(super) fn merge_phases(rows: &Rows<'_>, links: &mut Links) {
    for session in sessions(rows).values() {
        let mut steps: Vec<u32> = Vec::new();
        for &row in session {
            let at = row as usize;
            match rows.phase(at) {
                Phase::Parse | Phase::Bind | Phase::Text => steps.push(row),
                // The text came in a record of its own: that record is the call, this is its time.
                Phase::Time if steps.last().is_some_and(|&step| rows.phase(step as usize) == Phase::Text) => {
                    let (at, text) = (row as usize, steps.pop().unwrap_or(row) as usize);
                    (links.start.to_mut()[text], links.duration.to_mut()[text]) = (links.start[at], links.duration[at]);
                    links.fate[at] = Fate::Absorbed;
                    absorb(rows, links, &mut steps, text as u32);
                    steps.clear();
                }
                Phase::Execute | Phase::Whole | Phase::Time => {
                    absorb(rows, links, &mut steps, row);
                    steps.clear();
                }
            }
        }
        // Steps whose execution was never logged stand for a call that was cut off.
        for &row in steps.iter().filter(|&&row| rows.phase(row as usize) != Phase::Text) {
            links.fate[row as usize] = Fate::Absorbed;
        }
    }
}

fn absorb(rows: &Rows<'_>, links: &mut Links, steps: &mut [u32], into: u32) {
    let at = into as usize;
    for &step in steps.iter() {
        let from = step as usize;
        let same = rows.phase(at) == Phase::Time || rows.name(from) == rows.name(at);
        links.fate[from] = Fate::Absorbed;
        if !same || links.duration[from] == NULL_I64 {
            continue;
        }
        if links.duration[at] != NULL_I64 {
            links.duration.to_mut()[at] = links.duration[at].saturating_add(links.duration[from]);
        }
        if links.start[from] != NULL_I64 && links.start[at] != NULL_I64 {
            links.start.to_mut()[at] = links.start[at].min(links.start[from]);
        }
    }
}

/// Gives statements without an id to the request of their neighbours in the session: a COMMIT to
/// the one before, all else to the one after, where it lies within that request's time.
pub(super) fn claim_by_session(rows: &Rows<'_>, links: &mut Links) {
    for session in sessions(rows).values() {
        let calls: Vec<u32> = session
            .iter()
            .copied()
            .filter(|&row| links.fate[row as usize] != Fate::Absorbed && links.fate[row as usize] != Fate::Copy)
            .collect();
        let owner: Vec<u32> = calls.iter().map(|&row| links.parent[row as usize]).collect();
        let mut before = vec![NONE; calls.len()];
        let mut after = vec![NONE; calls.len()];
        let mut last = NONE;
        for i in 0..calls.len() {
            before[i] = last;
            if owner[i] != NONE {
                last = owner[i];
            }
        }
        last = NONE;
        for i in (0..calls.len()).rev() {
            after[i] = last;
            if owner[i] != NONE {
                last = owner[i];
            }
        }
        for i in 0..calls.len() {
            let row = calls[i] as usize;
            if owner[i] != NONE || rows.trace(row).is_some() || rows.request(row).is_some() {
                continue;
            }
            let ends = matches!(rows.text(rows.name(row)), "commit" | "rollback");
            let candidates = if ends { [before[i], after[i]] } else { [after[i], before[i]] };
            if let Some(&parent) = candidates.iter().find(|&&parent| parent != NONE && within(links, row, parent as usize)) {
                links.parent[row] = parent;
                links.fate[row] = Fate::Child;
                links.joined.by_session += 1;
            }
        }
    }
}

fn within(links: &Links, row: usize, parent: usize) -> bool {
    let (start, of) = (links.start[row], links.start[parent]);
    if start == NULL_I64 || of == NULL_I64 || links.duration[parent] == NULL_I64 {
        return false;
    }
    let end = start.saturating_add(links.duration[row].max(0));
    start >= of.saturating_sub(SLACK_NS) && end <= of.saturating_add(links.duration[parent]).saturating_add(SLACK_NS)
}
