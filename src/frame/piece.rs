//! One chunk's operations with their names made: templates, fingerprints, plain texts.

use hashbrown::HashMap;
use parsers::scan::sql;
use parsers::{Batch, Kind, TextColumn};

use super::paths::Paths;
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
    paths: Paths,
}

impl Piece {
    /// Makes the names of the batch, which was decoded from `chunk`.
    pub fn make_names(&mut self, chunk: &[u8], naming: &Naming) {
        let Piece { batch, names, is_endpoint, name, method, service, instance, thread, system, peer, paths } = self;
        names.clear();
        is_endpoint.clear();
        paths.renew();
        let mut endpoints = Endpoints { naming, paths, is_endpoint, scratch: Vec::with_capacity(256) };
        make_names(batch, chunk, names, &mut endpoints, name);
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
    // Such columns have few values, which take turns.
    const RECENT: usize = 16;
    let mut recent: [(&[u8], u32); RECENT] = [(b"", NO_NAME); RECENT];
    let key = |row| {
        let Some(text) = column.get(row, chunk) else { return NO_NAME };
        let place = (text.len() + usize::from(text.first().copied().unwrap_or(0))) % RECENT;
        let (known, key) = recent[place];
        if text == known && key != NO_NAME {
            return key;
        }
        recent[place] = (text, names.key(text));
        recent[place].1
    };
    keys.extend((0..rows).map(key));
}

/// What makes names of targets.
struct Endpoints<'a> {
    naming: &'a Naming,
    paths: &'a mut Paths,
    is_endpoint: &'a mut Vec<bool>,
    scratch: Vec<u8>,
}

impl Endpoints<'_> {
    #[inline]
    fn key(&mut self, target: &[u8], names: &mut Names) -> u32 {
        let key = match self.given(target, names) {
            Some(key) => key,
            None => self.paths.key(target, names).unwrap_or_else(|| {
                self.scratch.clear();
                template(target, &mut self.scratch);
                names.key(&self.scratch)
            }),
        };
        if self.is_endpoint.len() <= key as usize {
            self.is_endpoint.resize(names.len(), false);
        }
        self.is_endpoint[key as usize] = true;
        key
    }

    /// The key of the route that the user gave for a target.
    fn given(&mut self, target: &[u8], names: &mut Names) -> Option<u32> {
        self.scratch.clear();
        self.naming.routes.apply(target, &mut self.scratch).then(|| names.key(&self.scratch))
    }
}

fn make_names(batch: &Batch, chunk: &[u8], names: &mut Names, endpoints: &mut Endpoints<'_>, keys: &mut Vec<u32>) {
    keys.clear();
    if batch.name.is_empty() {
        return;
    }
    let mut scratch = Vec::with_capacity(256);
    // Statements are long and few: the raw text is looked up before it is fingerprinted.
    let mut statements: HashMap<&[u8], u32> = HashMap::new();
    let mut key = |row: usize| {
        let Some(raw) = batch.name.get(row, chunk) else { return NO_NAME };
        match Kind::ALL[usize::from(batch.kind[row])] {
            Kind::Request | Kind::External => endpoints.key(raw, names),
            // These logs name the shape of a call already; it is no SQL.
            Kind::Database if matches!(batch.system.get(row, chunk), Some(b"mongodb" | b"elasticsearch")) => names.key(raw),
            Kind::Database => match statements.get(raw) {
                Some(&key) => key,
                None => {
                    scratch.clear();
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
