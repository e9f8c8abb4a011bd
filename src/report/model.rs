//! What a report consists of: sections, tables and cells. Values keep their meaning up to the writer.

use crate::units::{bytes_text, count_text, duration_text, share_text, three_digits};

/// A report for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The answer, in one or two sentences.
    pub verdict: String,
    /// What it was found in, in whole sentences.
    pub lead: Vec<String>,
    /// In the order in which they are shown.
    pub sections: Vec<Section>,
}

/// A part with a title.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Title.
    pub title: &'static str,
    /// What it shows, one under the other.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Lines that are shown as they are.
    Lines(Vec<String>),
    /// A table.
    Table(Table),
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, a cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// What is not in the rows, added up.
    pub other: Option<Vec<Cell>>,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Heading.
    pub title: String,
    /// Unit of its values.
    pub unit: Unit,
    /// Text: set to the left, and cut in the middle where the table gets too wide.
    pub is_text: bool,
}

impl Column {
    /// A column of text.
    pub fn text(title: &str) -> Self {
        Column { title: title.to_owned(), unit: Unit::None, is_text: true }
    }

    /// A column of numbers.
    pub fn number(title: &str, unit: Unit) -> Self {
        Column { title: title.to_owned(), unit, is_text: false }
    }
}

/// Unit of a column, shown under its heading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// None, or each value carries its own.
    None,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// Per cent.
    Percent,
    /// Requests a second.
    Tps,
}

impl Unit {
    /// Symbol, empty where there is none.
    pub const fn symbol(self) -> &'static str {
        match self {
            Unit::None => "",
            Unit::Millis => "ms",
            Unit::Seconds => "s",
            Unit::Percent => "%",
            Unit::Tps => "TPS",
        }
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text as it came from a log or was made.
    Text(String),
    /// A number of things.
    Count(u64),
    /// Nanoseconds.
    Duration(i64),
    /// A part of 1.
    Share(f64),
    /// Per second, or any other number of which three digits matter.
    Rate(f64),
    /// Bytes.
    Bytes(u64),
    /// Not said.
    Empty,
}

impl Cell {
    /// A duration, where there is one.
    pub fn duration(ns: Option<i64>) -> Cell {
        ns.map_or(Cell::Empty, Cell::Duration)
    }

    /// A rate, where there is one.
    pub fn rate(value: Option<f64>) -> Cell {
        value.map_or(Cell::Empty, Cell::Rate)
    }

    /// A count, where there is one.
    pub fn count(n: Option<impl Into<u64>>) -> Cell {
        n.map_or(Cell::Empty, |n| Cell::Count(n.into()))
    }

    /// The value as people read it in a column of that unit. Text is left as it is.
    pub fn show(&self, unit: Unit) -> String {
        match (self, unit) {
            (Cell::Text(text), _) => text.clone(),
            (Cell::Count(n), _) => count_text(i64::try_from(*n).unwrap_or(i64::MAX)),
            (Cell::Duration(ns), Unit::Millis) => plain(*ns as f64 / 1e6),
            (Cell::Duration(ns), Unit::Seconds) => plain(*ns as f64 / 1e9),
            (Cell::Duration(ns), _) => duration_text(*ns),
            (Cell::Share(share), Unit::Percent) => percent(*share),
            (Cell::Share(share), _) => share_text(*share),
            (Cell::Rate(value), _) => three_digits(*value),
            (Cell::Bytes(n), _) => bytes_text(*n),
            (Cell::Empty, _) => "-".to_owned(),
        }
    }
}

/// Three digits, at most three behind the point: a microsecond in a column of milliseconds will do.
fn plain(value: f64) -> String {
    match value.abs() {
        v if v > 0.0 && v < 0.0005 => "<0.001".to_owned(),
        v if v < 0.1 => format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => three_digits(value),
    }
}

/// One digit behind the point; what is there but would round to nothing shows as such.
fn percent(share: f64) -> String {
    match share {
        s if !s.is_finite() => "-".to_owned(),
        0.0 => "0".to_owned(),
        s if s.abs() < 0.0005 => "<0.1".to_owned(),
        s => format!("{:.1}", s * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_the_unit_of_their_column() {
        for (cell, unit, want) in [
            (Cell::Duration(1_236_000), Unit::Millis, "1.24"),
            (Cell::Duration(1_236_000), Unit::None, "1.24 ms"),
            (Cell::Duration(400), Unit::Millis, "<0.001"),
            (Cell::Duration(50_000), Unit::Millis, "0.05"),
            (Cell::Duration(0), Unit::Millis, "0"),
            (Cell::Share(0.0001), Unit::Percent, "<0.1"),
            (Cell::Share(1.0), Unit::Percent, "100.0"),
            (Cell::Count(90_122), Unit::None, "90,122"),
            (Cell::Empty, Unit::Millis, "-"),
        ] {
            assert_eq!(cell.show(unit), want);
        }
    }
}
