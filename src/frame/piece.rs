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

/// A batch whose texts have become keys of a dictionary of its own.
pub struct Piece {
    /// Everything but the texts.
    pub(super) batch: Batch,
    /// Dictionary.
    pub(super) names: Names,
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
    /// Makes the names of a batch that was decoded from `chunk`.
    pub fn new(batch: Batch, chunk: &[u8], naming: &Naming) -> Piece {
        let mut names = Names::default();
        let name = make_names(&batch, chunk, naming, &mut names);
        let mut keys = |column: &TextColumn| plain_keys(column, batch.len(), chunk, &mut names);
        let (method, service, instance) = (keys(&batch.method), keys(&batch.service), keys(&batch.instance));
        let (thread, system, peer) = (keys(&batch.thread), keys(&batch.system), keys(&batch.peer));
        let mut batch = batch;
        for texts in [
            &mut batch.name,
            &mut batch.method,
            &mut batch.service,
            &mut batch.instance,
            &mut batch.thread,
            &mut batch.system,
            &mut batch.peer,
        ] {
            *texts = TextColumn::default();
        }
        Piece { batch, names, name, method, service, instance, thread, system, peer }
    }

    /// The batch, without its texts.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }
}

/// Keys of texts taken as they are.
fn plain_keys(column: &TextColumn, rows: usize, chunk: &[u8], names: &mut Names) -> Vec<u32> {
    if column.is_empty() {
        return Vec::new();
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
    (0..rows).map(key).collect()
}

fn make_names(batch: &Batch, chunk: &[u8], naming: &Naming, names: &mut Names) -> Vec<u32> {
    if batch.name.is_empty() {
        return Vec::new();
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
                names.key(&scratch)
            }
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
    (0..batch.len()).map(&mut key).collect()
}
