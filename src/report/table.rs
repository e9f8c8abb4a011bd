//! The default output: text for a terminal or a pipe, 100 columns wide.

use comfy_table::{CellAlignment, ContentArrangement, TableComponent, presets};
use unicode_width::UnicodeWidthStr;

use super::escape::terminal;
use super::model::{Block, Cell, Report, Table, Unit};

/// How wide lines may be.
const WIDTH: usize = 100;
/// A text column is not cut below this.
const LEAST: usize = 12;

/// Writes a report as text.
pub(super) fn write(report: &Report, wide: bool, color: bool) -> String {
    let width = if wide { usize::MAX } else { WIDTH };
    let bold = |text: String| if color { format!("\x1b[1m{text}\x1b[0m") } else { text };
    let mut out = String::new();
    for (at, line) in wrap(&terminal(&report.verdict), width, "").into_iter().enumerate() {
        if at > 0 || !line.is_empty() {
            out += &(bold(line) + "\n");
        }
    }
    for sentence in &report.lead {
        push(&mut out, wrap(&terminal(sentence), width, ""));
    }
    for section in &report.sections {
        out += &format!("\n{}\n", bold(section.title.to_owned()));
        for block in &section.blocks {
            match block {
                Block::Text(text) => push(&mut out, wrap(&terminal(text), width, "  ")),
                Block::Lines(lines) => push(&mut out, lines.iter().map(|line| terminal(line)).collect()),
                Block::Table(table) => push(&mut out, grid(table, width)),
            }
        }
    }
    out
}

fn push(out: &mut String, lines: Vec<String>) {
    for line in lines {
        *out += &line;
        out.push('\n');
    }
}

/// A table's lines, its widest text column cut until it fits.
fn grid(table: &Table, width: usize) -> Vec<String> {
    let show = |row: &Vec<Cell>| -> Vec<String> {
        row.iter().zip(&table.columns).map(|(cell, column)| terminal(&cell.show(column.unit))).collect()
    };
    let mut rows: Vec<Vec<String>> = table.rows.iter().chain(&table.other).map(show).collect();
    let has_units = table.columns.iter().any(|column| column.unit != Unit::None);
    let titles: Vec<String> = table
        .columns
        .iter()
        .map(|column| if has_units { format!("{}\n{}", column.title, column.unit.symbol()) } else { column.title.clone() })
        .collect();
    let gap = fit(&mut rows, &titles, table, width);
    let mut drawn = comfy_table::Table::new();
    drawn.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    drawn.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    drawn.set_header(&titles);
    drawn.add_rows(&rows);
    for (at, (column, drawn)) in table.columns.iter().zip(drawn.column_iter_mut()).enumerate() {
        drawn.set_padding((0, if at + 1 < table.columns.len() { gap - 1 } else { 0 }));
        drawn.set_cell_alignment(if column.is_text { CellAlignment::Left } else { CellAlignment::Right });
    }
    drawn.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Cuts what is too wide; gives the blanks between columns: two where there is room, else one.
fn fit(rows: &mut [Vec<String>], titles: &[String], table: &Table, width: usize) -> u16 {
    let mut widths: Vec<usize> =
        titles.iter().map(|title| title.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)).collect();
    for row in rows.iter() {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(cell.width());
        }
    }
    let (text, gaps) = (widths.iter().sum::<usize>(), widths.len().saturating_sub(1));
    if text + 2 * gaps <= width {
        return 2;
    }
    let mut over = (text + gaps).saturating_sub(width);
    while over > 0 {
        let texts = (0..widths.len()).filter(|&at| table.columns[at].is_text && widths[at] > LEAST);
        let Some(widest) = texts.max_by_key(|&at| (widths[at], usize::MAX - at)) else { break };
        let next = (0..widths.len()).filter(|&at| at != widest && table.columns[at].is_text).map(|at| widths[at]).max();
        // Down to the next widest at most, so that one long column does not swallow the others.
        let step = over.min(widths[widest] - next.unwrap_or(LEAST).clamp(LEAST, widths[widest] - 1));
        widths[widest] -= step;
        over -= step;
        rows.iter_mut().for_each(|row| row[widest] = cut(&row[widest], widths[widest]));
    }
    1
}

/// A text shortened in its middle.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let keep = width.saturating_sub(1);
    let front: String = take(text.chars(), keep.div_ceil(2));
    let back: String = take(text.chars().rev(), keep / 2).chars().rev().collect();
    format!("{front}…{back}")
}

fn take(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut taken = String::new();
    for c in chars {
        taken.push(c);
        if taken.width() > width {
            taken.pop();
            break;
        }
    }
    taken
}

/// Lines of at most a width, later ones indented.
fn wrap(text: &str, width: usize, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut is_fresh = true;
    for word in text.split(' ') {
        if !is_fresh && line.width().saturating_add(1 + word.width()) > width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            is_fresh = true;
        }
        if !is_fresh {
            line.push(' ');
        }
        line += word;
        is_fresh = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::super::model::{Column, Section};
    use super::*;

    fn table() -> Table {
        Table {
            columns: vec![Column::text("Endpoint"), Column::number("Calls", Unit::None), Column::number("p95", Unit::Millis)],
            rows: vec![
                vec![Cell::Text("GET /a".to_owned()), Cell::Count(1_200), Cell::Duration(12_500_000)],
                vec![Cell::Text("GET /\u{1b}b".to_owned()), Cell::Count(7), Cell::Empty],
            ],
            other: Some(vec![Cell::Text("other (3)".to_owned()), Cell::Count(9), Cell::Empty]),
        }
    }

    #[test]
    fn a_table_lines_up_and_carries_units() {
        let want = [
            "Endpoint    Calls   p95",
            "                     ms",
            "───────────────────────",
            "GET /a      1,200  12.5",
            "GET /\\x1bb      7     -",
            "other (3)       9     -",
        ];
        assert_eq!(grid(&table(), 100), want);
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        assert_eq!(cut("GET /accounts/{id}/transactions", 20), "GET /accou…nsactions");
        assert_eq!(cut("帳戶帳戶帳戶", 7), "帳…戶");
        let mut long = table();
        long.rows[0][0] = Cell::Text(format!("GET /{}", "long/".repeat(60)));
        assert_eq!(grid(&long, 60).iter().map(|line| line.width()).max(), Some(60));
        assert!(grid(&long, usize::MAX).iter().any(|line| line.width() > 300));
    }

    #[test]
    fn text_wraps_and_colour_comes_only_when_told() {
        let report = Report {
            verdict: "It is the pool.".to_owned(),
            lead: vec!["word ".repeat(30).trim_end().to_owned()],
            sections: vec![Section { title: "Endpoints", blocks: vec![Block::Text("None.".to_owned())] }],
        };
        let plain = write(&report, false, false);
        assert!(plain.lines().all(|line| line.width() <= 100) && !plain.contains('\x1b'));
        assert!(plain.starts_with("It is the pool.\nword") && plain.ends_with("\n\nEndpoints\nNone.\n"));
        assert!(write(&report, false, true).contains("\x1b[1mEndpoints\x1b[0m"));
    }
}
