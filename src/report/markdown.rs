//! Markdown as GitHub reads it (<https://github.github.com/gfm/#tables-extension->), for pull
//! requests and wikis.

use super::escape::markdown;
use super::model::{Block, Cell, Report, Table};

/// Writes a report as Markdown.
pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    if !report.verdict.is_empty() {
        out += &format!("**{}**\n\n", markdown(&report.verdict));
    }
    for sentence in &report.lead {
        out += &format!("{}\n", markdown(sentence));
    }
    for section in &report.sections {
        out += &format!("\n### {}\n", section.title);
        for block in &section.blocks {
            out.push('\n');
            match block {
                Block::Text(text) => out += &format!("{}\n", markdown(text)),
                Block::Lines(lines) => out += &fenced(lines),
                Block::Table(table) => out += &grid(table),
            }
        }
    }
    out
}

/// Lines as they are, behind four blanks: no fence that the text could close.
fn fenced(lines: &[String]) -> String {
    lines.iter().map(|line| format!("    {}\n", super::escape::terminal(line))).collect()
}

pub(super) fn grid(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let title = |column: &super::model::Column| match column.unit.symbol() {
        "" => markdown(&column.title),
        unit => format!("{} [{unit}]", markdown(&column.title)),
    };
    let mut out = line(table.columns.iter().map(title).collect());
    out += &line(table.columns.iter().map(|c| if c.is_text { ":--" } else { "--:" }.to_owned()).collect());
    for row in table.rows.iter().chain(&table.other) {
        let show = |(cell, column): (&Cell, &super::model::Column)| markdown(&cell.show(column.unit));
        out += &line(row.iter().zip(&table.columns).map(show).collect());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::model::{Column, Unit};
    use super::*;

    #[test]
    fn pipes_and_mentions_do_not_break_the_table() {
        let table = Table {
            columns: vec![Column::text("Endpoint"), Column::number("p95", Unit::Millis)],
            rows: vec![vec![Cell::Text("GET /a|@b".to_owned()), Cell::Duration(2_000_000)]],
            other: None,
        };
        assert_eq!(grid(&table), "| Endpoint | p95 [ms] |\n| :-- | --: |\n| GET /a\\|@&#8203;b | 2.00 |\n");
    }
}
