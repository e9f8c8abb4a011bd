//! Markdown for a comment on a pull request: the worst rows first, the rest folded, and never longer than GitHub takes
//! (<https://github.github.com/gfm/>; a comment holds 65,536 characters).

use super::super::escape::markdown;
use super::super::markdown::grid;
use super::super::model::Table;
use super::{Results, build, words};

/// Rows that stand open.
const OPEN: usize = 20;

/// A comment's length at most, in bytes; the remark that something was left out fits into the rest.
const MOST_BYTES: usize = 64_000;

/// Sentences that stand open.
const SENTENCES: usize = 10;

/// Writes the comparison.
pub(super) fn write(results: &Results<'_>) -> String {
    let comparison = results.comparison;
    let mut page = Page::default();
    page.add(format!("### narrows: {}\n\n**{}**\n", comparison.verdict.name(), markdown(&words::verdict(results))));
    let mut reasons = words::reasons(results);
    reasons.truncate(SENTENCES);
    let sentences: String = reasons.iter().chain(&words::lead(results)).map(|s| format!("- {}\n", markdown(s))).collect();
    page.add(format!("\n{sentences}"));
    let (open, folded) = comparison.endpoints.split_at(comparison.endpoints.len().min(OPEN));
    if !open.is_empty() {
        page.add(format!("\n{}", grid(&build::change_table(open, "Endpoint"))));
    }
    if let Some(table) = build::budgets(results) {
        page.table("Budgets", &table, false);
    }
    if !folded.is_empty() {
        page.table(&format!("{} more endpoints", folded.len()), &build::change_table(folded, "Endpoint"), true);
    }
    if !comparison.statements.is_empty() {
        page.table("Database statements", &build::change_table(&comparison.statements, "Statement"), true);
    }
    for (title, table) in [("Resources", build::resources(results)), ("History", build::history(results))] {
        table.iter().for_each(|table| page.table(title, table, true));
    }
    let notes: String = words::warnings(results).iter().map(|note| format!("- {}\n", markdown(note))).collect();
    if !notes.is_empty() {
        page.add(format!("\n<details><summary>Notes</summary>\n\n{notes}\n</details>\n"));
    }
    page.finish()
}

/// A page that only takes what fits.
#[derive(Default)]
struct Page {
    text: String,
    left_out: bool,
}

impl Page {
    fn add(&mut self, part: String) {
        if self.text.len() + part.len() <= MOST_BYTES {
            self.text += &part;
        } else {
            self.left_out = true;
        }
    }

    /// A table with as many rows as fit.
    fn table(&mut self, title: &str, table: &Table, folded: bool) {
        let (before, after) = match folded {
            true => (format!("\n<details><summary>{title}</summary>\n\n"), "\n</details>\n"),
            false => (format!("\n#### {title}\n\n"), ""),
        };
        let mut room = MOST_BYTES.saturating_sub(self.text.len() + before.len() + after.len());
        let mut lines = String::new();
        for (at, line) in grid(table).split_inclusive('\n').enumerate() {
            if line.len() > room {
                self.left_out = true;
                if at < 3 {
                    return;
                }
                break;
            }
            room -= line.len();
            lines += line;
        }
        self.add(format!("{before}{lines}{after}"));
    }

    fn finish(mut self) -> String {
        if self.left_out {
            self.text += "\nNot all of it fits into a comment; `--format json` holds the rest.\n";
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn a_comment_is_escaped_folded_and_not_too_long() {
        testing::with(300, |results| {
            let text = write(results);
            assert!(text.len() <= 65_536, "{}", text.len());
            assert!(text.contains("<details><summary>280 more endpoints</summary>"), "{text}");
            assert!(text.contains("GET /a\\|@&#8203;team"), "{text}");
            assert!(!text.contains('\u{1b}'));
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        });
        testing::with(5000, |results| {
            let text = write(results);
            assert!(text.len() <= 65_536 && text.contains("Not all of it fits"), "{}", text.len());
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        });
    }
}
