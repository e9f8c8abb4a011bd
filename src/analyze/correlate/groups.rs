//! Rows that share a trace or request id.

use hashbrown::HashMap;

use super::{Fate, Links};
use crate::analyze::columns::Rows;

/// Rows by the id they share. Rows without any id are in no group.
#[derive(Default)]
pub(super) struct Groups {
    /// Where each group's rows start in `rows`; one entry more than there are groups.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Groups {
    pub(super) fn of(rows: &Rows<'_>, links: &Links) -> Groups {
        let mut ids = Ids::default();
        let mut keys = Vec::new();
        for row in 0..rows.len() {
            if matches!(links.fate[row], Fate::Copy | Fate::Absorbed) {
                continue;
            }
            let trace = rows.trace(row).map(|id| ids.key(id, 0));
            let request = rows.request(row).map(|id| ids.key(id, 1));
            if let (Some(a), Some(b)) = (trace, request) {
                ids.unite(a, b);
            }
            if let Some(key) = trace.or(request) {
                keys.push((key, row as u32));
            }
        }
        let mut keyed: Vec<(u32, u32)> = keys.into_iter().map(|(key, row)| (ids.find(key), row)).collect();
        keyed.sort_unstable();
        let mut starts = Vec::new();
        let mut last = None;
        for (at, (key, _)) in keyed.iter().enumerate() {
            if last != Some(*key) {
                starts.push(at as u32);
                last = Some(*key);
            }
        }
        starts.push(keyed.len() as u32);
        Groups { starts, rows: keyed.into_iter().map(|(_, row)| row).collect() }
    }

    /// The groups, each as its rows in the order of the frame.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|w| &self.rows[w[0] as usize..w[1] as usize])
    }
}

/// Ids as dense keys, and which of them mean the same request (disjoint sets with path halving).
#[derive(Default)]
struct Ids {
    keys: HashMap<(u128, u8), u32>,
    parent: Vec<u32>,
}

impl Ids {
    /// The key of an id. Long ids are one name space; short ones (counters) only count within
    /// their column, as a small request number may equal some trace's number by chance.
    fn key(&mut self, id: u128, column: u8) -> u32 {
        let space = if id >> 64 == 0 { column } else { 0 };
        let next = self.parent.len() as u32;
        let key = *self.keys.entry((id, space)).or_insert(next);
        if key == next {
            self.parent.push(next);
        }
        key
    }

    fn find(&mut self, mut key: u32) -> u32 {
        while self.parent[key as usize] != key {
            let up = self.parent[self.parent[key as usize] as usize];
            self.parent[key as usize] = up;
            key = up;
        }
        key
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }
}
