//! One chunk's operations with their names made: templates, fingerprints, plain texts.

use hashbrown::HashMap;
use parsers::scan::sql;
use parsers::{Batch, Kind, TextColumn};

use super::template::template;
use super::{NO_NAME, Names, Routes};

/// How names are made.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Naming {
    /// Routes that override the templates.
    pub routes: Routes,
}

/// The operations of one chunk, their texts as keys of a dictionary of its own. May be filled again
/// and again, to keep its memory.
#[derive(Default)]
pub struct Piece {
    /// What was decoded; its texts stand in the chunk and mean nothing without it.
    pub batch: Batch,
    /// Dictionary.
    pub(super) names: Names,
    /// Which keys of the dictionary name endpoints.
    pub(super) is_endpoint: Vec<bool>,
    /// Keys, one column each; empty where the batch has no such text.
    pub(super) name: Vec<u32>,
    pub(super) method: Vec<u32>,
    pub(super) service: Vec<u32>,
    pub(super) instance: Vec<u32>,
    pub(super) thread: Vec<u32>,
    pub(super) system: Vec<u32>,
    pub(super) peer: Vec<u32>,
}

impl Piece {
    /// Makes the names of the batch, which was decoded from `chunk`.
    pub fn make_names(&mut self, chunk: &[u8], naming: &Naming) {
        let Piece { batch, names, is_endpoint, name, method, service, instance, thread, system, peer } = self;
        names.clear();
        is_endpoint.clear();
        make_names(batch, chunk, naming, names, is_endpoint, name);
        for (column, keys) in [
            (&batch.method, method),
            (&batch.service, service),
            (&batch.instance, instance),
            (&batch.thread, thread),
            (&batch.system, system),
            (&batch.peer, peer),
        ] {
            plain_keys(column, batch.len(), chunk, names, keys);
        }
        is_endpoint.resize(names.len(), false);
    }
}

/// Keys of texts taken as they are.
fn plain_keys(column: &TextColumn, rows: usize, chunk: &[u8], names: &mut Names, keys: &mut Vec<u32>) {
    keys.clear();
    if column.is_empty() {
        return;
    }
    // Such columns repeat the value of the row before more often than not.
    let mut last: (&[u8], u32) = (b"", NO_NAME);
    let key = |row| match column.get(row, chunk) {
        Some(text) if text == last.0 && last.1 != NO_NAME => last.1,
        Some(text) => {
            last = (text, names.key(text));
            last.1
        }
        None => NO_NAME,
    };
    keys.extend((0..rows).map(key));
}

fn make_names(batch: &Batch, chunk: &[u8], naming: &Naming, names: &mut Names, is_endpoint: &mut Vec<bool>, keys: &mut Vec<u32>) {
    keys.clear();
    if batch.name.is_empty() {
        return;
    }
    let mut scratch = Vec::with_capacity(256);
    // Statements are long and few: the raw text is looked up before it is fingerprinted.
    let mut statements: HashMap<&[u8], u32> = HashMap::new();
    let mut key = |row: usize| {
        let Some(raw) = batch.name.get(row, chunk) else { return NO_NAME };
        scratch.clear();
        match Kind::ALL[usize::from(batch.kind[row])] {
            Kind::Request | Kind::External => {
                if !naming.routes.apply(raw, &mut scratch) {
                    template(raw, &mut scratch);
                }
                let key = names.key(&scratch);
                if is_endpoint.len() <= key as usize {
                    is_endpoint.resize(names.len(), false);
                }
                is_endpoint[key as usize] = true;
                key
            }
            // These logs name the shape of a call already; it is no SQL.
            Kind::Database if matches!(batch.system.get(row, chunk), Some(b"mongodb" | b"elasticsearch")) => names.key(raw),
            Kind::Database => match statements.get(raw) {
                Some(&key) => key,
                None => {
                    sql::fingerprint(raw, &mut scratch);
                    let key = names.key(&scratch);
                    statements.insert(raw, key);
                    key
                }
            },
            _ => names.key(raw),
        }
    };
    keys.extend((0..batch.len()).map(&mut key));
}
