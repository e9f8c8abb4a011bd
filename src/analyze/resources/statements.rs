//! Which statements run while which resource is held: what a faster one would free.

use hashbrown::HashMap;

use crate::analyze::capacity::model::{Kind, Resource, Statement};
use crate::analyze::columns::Rows;
use crate::analyze::correlate::NONE;
use crate::analyze::database::Calls;
use crate::analyze::tables::id;
use crate::frame::NULL_I64;

/// The statements that requests make, by the connection pool their requests hold, or else by their worker threads.
pub(super) fn of(rows: &Rows<'_>, calls: &Calls, resources: &[Resource], requests: usize) -> Vec<Statement> {
    if calls.is_empty() {
        return Vec::new();
    }
    let mut held = vec![NONE; requests];
    for sort in [Kind::Connections, Kind::Threads] {
        for (at, resource) in resources.iter().enumerate().filter(|(_, resource)| resource.kind == sort) {
            for hold in &resource.holds {
                if let Some(slot) = held.get_mut(hold.request as usize).filter(|slot| **slot == NONE) {
                    *slot = at as u32;
                }
            }
        }
    }
    let mut sums: HashMap<(u32, u32), (u64, i64)> = HashMap::new();
    for call in (0..calls.len()).filter(|&call| calls.request[call] != NONE && calls.duration[call] != NULL_I64) {
        let at = held[calls.request[call] as usize];
        if at != NONE {
            let (n, total_ns) = sums.entry((calls.statement[call], at)).or_default();
            *n += u64::from(calls.count[call]);
            *total_ns = total_ns.saturating_add(calls.duration[call]);
        }
    }
    let mut statements: Vec<Statement> = sums
        .into_iter()
        .map(|((statement, at), (calls_made, total_ns))| Statement {
            name: id('s', rows.text(calls.statements[statement as usize].0)),
            resource: at as usize,
            calls: calls_made,
            total_ns,
        })
        .collect();
    statements.sort_by(|a, b| (&a.name, a.resource).cmp(&(&b.name, b.resource)));
    statements
}
