//! The operations frame: one row per operation, in polars, with its columns as slices beside it.

use parsers::{Adoption, Kind, Null};
use polars::prelude::*;

use super::Names;

/// What a null holds in a slice of `i64`.
pub const NULL_I64: i64 = <i64 as Null>::NULL;
/// What a null holds in a slice of `u64`.
pub const NULL_U64: u64 = <u64 as Null>::NULL;
/// What a null holds in a slice of `u32`: counts, and keys of texts.
pub const NULL_U32: u32 = <u32 as Null>::NULL;

/// Operations, one row each, in the order of their sources and places.
///
/// Columns that no source fills are not there. Slices of present columns have one value per row and
/// hold the `NULL_*` value where the frame is null.
pub struct Frame {
    data: DataFrame,
    /// Trace ids, 0 where there is none; empty when no row has one.
    pub trace: Vec<u128>,
    /// Request ids, 0 where there is none; empty when no row has one.
    pub request: Vec<u128>,
    /// Children that spans claim for themselves.
    pub adopted: Vec<Adoption>,
    /// Rows that had only the low half of their trace's id.
    pub widened: u64,
    /// Texts of the key columns.
    pub names: Names,
}

impl Frame {
    /// A frame of these columns.
    ///
    /// # Errors
    /// When the columns differ in length.
    pub(super) fn new(
        height: usize,
        columns: Vec<polars::prelude::Column>,
        trace: Vec<u128>,
        request: Vec<u128>,
        names: Names,
    ) -> PolarsResult<Self> {
        Ok(Frame { data: DataFrame::new(height, columns)?, trace, request, adopted: Vec::new(), widened: 0, names })
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.data.height()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The polars frame.
    pub fn data(&self) -> &DataFrame {
        &self.data
    }

    /// The kind of a row.
    pub fn kind(&self, row: usize) -> Kind {
        Kind::ALL[usize::from(self.u8s("kind")[row])]
    }

    /// A column of `i64`; empty when the frame has none of that name.
    pub fn i64s(&self, name: &str) -> &[i64] {
        let column = self.data.column(name).ok().and_then(|c| c.i64().ok());
        column.and_then(|c| c.downcast_iter().next()).map_or(&[], |array| array.values().as_slice())
    }

    /// A column of `u64`; empty when the frame has none of that name.
    pub fn u64s(&self, name: &str) -> &[u64] {
        let column = self.data.column(name).ok().and_then(|c| c.u64().ok());
        column.and_then(|c| c.downcast_iter().next()).map_or(&[], |array| array.values().as_slice())
    }

    /// A column of `u32`; empty when the frame has none of that name.
    pub fn u32s(&self, name: &str) -> &[u32] {
        let column = self.data.column(name).ok().and_then(|c| c.u32().ok());
        column.and_then(|c| c.downcast_iter().next()).map_or(&[], |array| array.values().as_slice())
    }

    /// A column of `u16`; empty when the frame has none of that name.
    pub fn u16s(&self, name: &str) -> &[u16] {
        let column = self.data.column(name).ok().and_then(|c| c.u16().ok());
        column.and_then(|c| c.downcast_iter().next()).map_or(&[], |array| array.values().as_slice())
    }

    /// A column of `u8`; empty when the frame has none of that name.
    pub fn u8s(&self, name: &str) -> &[u8] {
        let column = self.data.column(name).ok().and_then(|c| c.u8().ok());
        column.and_then(|c| c.downcast_iter().next()).map_or(&[], |array| array.values().as_slice())
    }
}
