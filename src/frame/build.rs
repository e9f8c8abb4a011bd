//! From the pieces of all sources to one frame.

use hashbrown::{HashMap, HashSet};
use parsers::{Adoption, Null};
use polars::prelude::{ChunkedArray, IntoColumn, PolarsNumericType};
use polars_arrow::bitmap::Bitmap;

use super::learn::learn;
use super::trace_ids::widen;
use super::{Frame, NO_NAME, Names, Piece};
use crate::error::Result;

/// Distinct texts of endpoints above which learned templates are applied while still reading, so
/// that memory does not grow with distinct URLs.
const CROWDED: usize = 20_000;

/// Columns on the way, and how a piece's go to their end. Large vectors grow in place, as the system
/// moves their pages, so that no row is ever held twice.
macro_rules! columns {
    (keys { $($key:ident)* } values { $($value:ident: $type:ident $polars:ident;)* }) => {
        #[derive(Default)]
        struct Columns {
            source: Vec<u32>,
            offset: Vec<u64>,
            line: Vec<u32>,
            kind: Vec<u8>,
            role: Vec<u8>,
            phase: Vec<u8>,
            outcome: Vec<u8>,
            trace: Vec<u128>,
            request: Vec<u128>,
            adopted: Vec<Adoption>,
            $($key: Vec<u32>,)*
            $($value: Vec<$type>,)*
        }

        impl Columns {
            fn append(&mut self, source: u32, first_line: u32, piece: &Piece, keys: &[u32]) {
                let batch = &piece.batch;
                let rows = self.source.len();
                self.source.resize(rows + batch.len(), source);
                self.offset.extend_from_slice(&batch.offset);
                self.line.extend(batch.line.iter().map(|line| first_line.saturating_add(*line)));
                self.kind.extend_from_slice(&batch.kind);
                self.role.extend_from_slice(&batch.role);
                self.phase.extend_from_slice(&batch.phase);
                self.outcome.extend_from_slice(&batch.outcome);
                self.adopted.extend_from_slice(&batch.adopted);
                extend(&mut self.trace, rows, batch.trace.values());
                extend(&mut self.request, rows, batch.request.values());
                $(extend_keys(&mut self.$key, rows, &piece.$key, keys);)*
                $(extend(&mut self.$value, rows, batch.$value.values());)*
            }

            fn finish(mut self, names: Names) -> Result<Frame> {
                let rows = self.source.len();
                let mut columns = vec![
                    full::<polars::prelude::UInt32Type>("source", self.source),
                    full::<polars::prelude::UInt32Type>("line", self.line),
                    full::<polars::prelude::UInt8Type>("kind", self.kind),
                    full::<polars::prelude::UInt8Type>("role", self.role),
                    full::<polars::prelude::UInt8Type>("phase", self.phase),
                    full::<polars::prelude::UInt8Type>("outcome", self.outcome),
                    full::<polars::prelude::UInt64Type>("offset", self.offset),
                ];
                $(columns.extend(nullable::<polars::prelude::UInt32Type>(stringify!($key), self.$key, rows));)*
                $(columns.extend(nullable::<polars::prelude::$polars>(stringify!($value), self.$value, rows));)*
                for ids in [&mut self.trace, &mut self.request].into_iter().filter(|ids| !ids.is_empty()) {
                    ids.resize(rows, u128::NULL);
                }
                let widened = widen(&mut self.trace, &mut self.adopted);
                let mut frame = Frame::new(rows, columns, self.trace, self.request, names)?;
                (frame.adopted, frame.widened) = (self.adopted, widened);
                Ok(frame)
            }
        }
    };
}

columns! {
    keys { name method service instance thread system peer }
    values {
        start: i64 Int64Type;
        duration: i64 Int64Type;
        span: u64 UInt64Type;
        parent_span: u64 UInt64Type;
        follows: u64 UInt64Type;
        session: u64 UInt64Type;
        status: u16 UInt16Type;
        bytes: u64 UInt64Type;
        count: u32 UInt32Type;
        attempts: u32 UInt32Type;
        rows: u64 UInt64Type;
        part_queue: i64 Int64Type;
        part_pool_wait: i64 Int64Type;
        part_database: i64 Int64Type;
        part_external: i64 Int64Type;
        part_network: i64 Int64Type;
        part_upstream: i64 Int64Type;
        part_own: i64 Int64Type;
        slots: u32 UInt32Type;
        in_use: u32 UInt32Type;
        waiting: u32 UInt32Type;
    }
}

/// Adds the values of a piece behind `rows` rows, of which the last may have had none.
fn extend<T: Null>(all: &mut Vec<T>, rows: usize, values: &[T]) {
    if !values.is_empty() {
        all.resize(rows, T::NULL);
        all.extend_from_slice(values);
    }
}

/// The same for keys, of which `keys` tells what they are in the whole.
fn extend_keys(all: &mut Vec<u32>, rows: usize, local: &[u32], keys: &[u32]) {
    if !local.is_empty() {
        all.resize(rows, NO_NAME);
        all.extend(local.iter().map(|key| keys.get(*key as usize).copied().unwrap_or(NO_NAME)));
    }
}

/// Collects pieces and makes the frame of them.
#[derive(Default)]
pub struct Builder {
    columns: Columns,
    names: Names,
    /// What learned templates have made of a key so far.
    folded: HashMap<u32, u32>,
    endpoints: HashSet<u32>,
    folded_names: usize,
}

impl Builder {
    /// Adds the operations of a chunk of `source` whose first line is line `first_line` of it,
    /// counted from 0.
    pub fn append(&mut self, source: u32, first_line: u32, piece: &Piece) {
        let keys: Vec<u32> = piece.names.iter().map(|text| self.names.key(text.as_bytes())).collect();
        self.endpoints.extend(keys.iter().zip(&piece.is_endpoint).filter(|(_, is)| **is).map(|(key, _)| *key));
        self.columns.append(source, first_line, piece, &keys);
        if self.endpoints.len() > CROWDED {
            self.fold();
        }
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
        if !self.folded.is_empty() {
            for key in &mut self.columns.name {
                while let Some(&to) = self.folded.get(key) {
                    *key = to;
                }
            }
        }
        Ok((self.columns.finish(self.names)?, self.folded_names))
    }
}

/// A polars column over values of which each row has one; takes their memory over.
fn full<T>(name: &str, values: Vec<T::Native>) -> polars::prelude::Column
where
    T: PolarsNumericType,
    ChunkedArray<T>: polars::prelude::IntoSeries,
{
    use polars::prelude::IntoSeries;
    ChunkedArray::<T>::from_vec(name.into(), values).into_series().into_column()
}

/// A polars column over the values, null where they hold the null pattern and past their end; none
/// when there is no value.
fn nullable<T>(name: &str, mut values: Vec<T::Native>, rows: usize) -> Option<polars::prelude::Column>
where
    T: PolarsNumericType,
    T::Native: Null,
    ChunkedArray<T>: polars::prelude::IntoSeries,
{
    use polars::prelude::IntoSeries;
    if values.is_empty() {
        return None;
    }
    values.resize(rows, T::Native::NULL);
    let validity = values.contains(&T::Native::NULL).then(|| validity(&values));
    Some(ChunkedArray::<T>::from_vec_validity(name.into(), values, validity).into_series().into_column())
}

/// A bit for each value: whether it is one. Eight at a time, which is several times as fast as one by one.
fn validity<V: Null>(values: &[V]) -> Bitmap {
    let byte = |eight: &[V]| eight.iter().enumerate().fold(0, |byte, (i, &value)| byte | u8::from(value != V::NULL) << i);
    let (eights, rest) = values.as_chunks::<8>();
    let mut bytes: Vec<u8> = eights.iter().map(|eight| byte(eight)).collect();
    bytes.extend((!rest.is_empty()).then(|| byte(rest)));
    Bitmap::from_u8_vec(bytes, values.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_its_bit() {
        for len in [0, 1, 7, 8, 9, 20] {
            let values: Vec<u32> = (0..len).map(|i| if i % 3 == 1 { u32::NULL } else { i }).collect();
            let bits: Vec<bool> = validity(&values).iter().collect();
            assert_eq!(bits, (0..len).map(|i| i % 3 != 1).collect::<Vec<_>>());
        }
    }
}
