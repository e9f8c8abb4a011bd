//! From the pieces of all sources to one frame.

use hashbrown::{HashMap, HashSet};
use parsers::{Kind, Null};
use polars::prelude::{ChunkedArray, IntoColumn, NamedFrom, PolarsNumericType, Series};
use polars_arrow::bitmap::Bitmap;

use super::learn::learn;
use super::{Frame, NO_NAME, Names, Piece};
use crate::error::Result;

/// Distinct texts of endpoints above which learned templates are applied while still reading, so
/// that memory does not grow with distinct URLs.
const CROWDED: usize = 20_000;

/// Collects pieces and makes the frame of them.
#[derive(Default)]
pub struct Builder {
    pieces: Vec<(u32, u32, Piece)>,
    names: Names,
    /// What learned templates have made of a key so far.
    folded: HashMap<u32, u32>,
    endpoints: HashSet<u32>,
    folded_names: usize,
}

impl Builder {
    /// Adds the operations of a chunk of `source` whose first line is line `first_line` of it,
    /// counted from 0.
    pub fn append(&mut self, source: u32, first_line: u32, mut piece: Piece) {
        let local = std::mem::take(&mut piece.names);
        let keys: Vec<u32> = local.iter().map(|text| self.names.key(text.as_bytes())).collect();
        for column in [
            &mut piece.name,
            &mut piece.method,
            &mut piece.service,
            &mut piece.instance,
            &mut piece.thread,
            &mut piece.system,
            &mut piece.peer,
        ] {
            for key in column.iter_mut().filter(|key| **key != NO_NAME) {
                *key = keys[*key as usize];
            }
        }
        for (row, &key) in piece.name.iter().enumerate() {
            if key != NO_NAME && matches!(Kind::ALL[usize::from(piece.batch.kind[row])], Kind::Request | Kind::External) {
                self.endpoints.insert(key);
            }
        }
        self.pieces.push((source, first_line, piece));
        if self.endpoints.len() > CROWDED {
            self.fold();
        }
    }

    /// Operations so far.
    pub fn rows(&self) -> usize {
        self.pieces.iter().map(|(_, _, piece)| piece.batch.len()).sum()
    }

    fn fold(&mut self) {
        let learned = learn(&self.names, &self.endpoints);
        self.folded_names += learned.len();
        for (key, template) in learned {
            let to = self.names.key(template.as_bytes());
            self.endpoints.remove(&key);
            self.endpoints.insert(to);
            self.folded.insert(key, to);
        }
    }

    /// Makes the frame. Also gives how many names were folded into learned templates.
    ///
    /// # Errors
    /// When polars refuses, which would be a defect.
    pub fn finish(mut self) -> Result<(Frame, usize)> {
        self.fold();
        let Builder { mut pieces, names, folded, folded_names, .. } = self;
        if !folded.is_empty() {
            for key in pieces.iter_mut().flat_map(|(_, _, piece)| piece.name.iter_mut()) {
                while let Some(&to) = folded.get(key) {
                    *key = to;
                }
            }
        }
        let rows = pieces.iter().map(|(_, _, piece)| piece.batch.len()).sum();
        let mut columns = Vec::new();
        let source = pieces.iter().flat_map(|(source, _, piece)| std::iter::repeat_n(*source, piece.batch.len()));
        columns.push(Series::new("source".into(), source.collect::<Vec<u32>>()).into_column());
        let line = pieces.iter().flat_map(|(_, first, piece)| piece.batch.line.iter().map(move |line| first.saturating_add(*line)));
        columns.push(Series::new("line".into(), line.collect::<Vec<u32>>()).into_column());
        let mut dense = |name: &str, take: fn(&mut Piece) -> Vec<u8>| {
            let mut all = Vec::with_capacity(rows);
            pieces.iter_mut().for_each(|(_, _, piece)| all.append(&mut take(piece)));
            columns.push(Series::new(name.into(), all).into_column());
        };
        dense("kind", |p| std::mem::take(&mut p.batch.kind));
        dense("role", |p| std::mem::take(&mut p.batch.role));
        dense("phase", |p| std::mem::take(&mut p.batch.phase));
        dense("outcome", |p| std::mem::take(&mut p.batch.outcome));
        let offsets = pieces.iter_mut().flat_map(|(_, _, piece)| std::mem::take(&mut piece.batch.offset));
        columns.push(Series::new("offset".into(), offsets.collect::<Vec<u64>>()).into_column());

        // Rows of each piece, once the columns that tell are gone.
        let lens: Vec<usize> = pieces.iter().map(|(_, _, piece)| piece.batch.line.len()).collect();
        macro_rules! sparse {
            ($($name:literal $type:ident $($field:ident).+;)*) => {$(
                let parts = pieces.iter_mut().map(|(_, _, piece)| std::mem::take(&mut piece.$($field).+)).collect();
                if let Some(values) = concat(parts, &lens, rows) {
                    columns.push(nullable::<polars::prelude::$type>($name, values));
                }
            )*};
        }
        sparse! {
            "name" UInt32Type name;
            "method" UInt32Type method;
            "service" UInt32Type service;
            "instance" UInt32Type instance;
            "thread" UInt32Type thread;
            "system" UInt32Type system;
            "peer" UInt32Type peer;
            "start" Int64Type batch.start;
            "duration" Int64Type batch.duration;
            "span" UInt64Type batch.span;
            "parent_span" UInt64Type batch.parent_span;
            "session" UInt64Type batch.session;
            "status" UInt16Type batch.status;
            "bytes" UInt64Type batch.bytes;
            "count" UInt32Type batch.count;
            "rows" UInt64Type batch.rows;
            "part_queue" Int64Type batch.part_queue;
            "part_pool_wait" Int64Type batch.part_pool_wait;
            "part_database" Int64Type batch.part_database;
            "part_external" Int64Type batch.part_external;
            "part_network" Int64Type batch.part_network;
            "part_upstream" Int64Type batch.part_upstream;
            "part_own" Int64Type batch.part_own;
            "slots" UInt32Type batch.slots;
            "in_use" UInt32Type batch.in_use;
            "waiting" UInt32Type batch.waiting;
        }
        let trace = pieces.iter_mut().map(|(_, _, piece)| std::mem::take(&mut piece.batch.trace)).collect();
        let trace = concat(trace, &lens, rows).unwrap_or_default();
        let request = pieces.iter_mut().map(|(_, _, piece)| std::mem::take(&mut piece.batch.request)).collect();
        let request = concat(request, &lens, rows).unwrap_or_default();
        Ok((Frame::new(rows, columns, trace, request, names)?, folded_names))
    }
}

/// What a piece may hold a column as.
trait Values<T> {
    fn into_values(self) -> Vec<T>;
}

impl<T> Values<T> for Vec<T> {
    fn into_values(self) -> Vec<T> {
        self
    }
}

impl<T: Null> Values<T> for parsers::Column<T> {
    fn into_values(self) -> Vec<T> {
        self.into_vec()
    }
}

/// The columns of the pieces end to end, nulls where a piece's column is short; `None` when all are
/// empty.
fn concat<T: Null, V: Values<T>>(parts: Vec<V>, lens: &[usize], rows: usize) -> Option<Vec<T>> {
    let parts: Vec<Vec<T>> = parts.into_iter().map(V::into_values).collect();
    if parts.iter().all(Vec::is_empty) {
        return None;
    }
    let mut all = Vec::with_capacity(rows);
    let mut end = 0;
    for (mut part, len) in parts.into_iter().zip(lens) {
        end += len;
        all.append(&mut part);
        all.resize(end, T::NULL);
    }
    Some(all)
}

/// A polars column over the values, null where they hold the null pattern.
fn nullable<T>(name: &str, values: Vec<T::Native>) -> polars::prelude::Column
where
    T: PolarsNumericType,
    T::Native: Null,
    ChunkedArray<T>: polars::prelude::IntoSeries,
{
    use polars::prelude::IntoSeries;
    let validity = values.contains(&T::Native::NULL).then(|| values.iter().map(|&v| v != T::Native::NULL).collect::<Bitmap>());
    ChunkedArray::<T>::from_vec_validity(name.into(), values, validity).into_series().into_column()
}
