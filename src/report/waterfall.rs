//! One trace as text: an operation a line, with a bar of when it ran and what of it was waited for.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape::terminal;
use super::mask;
use crate::analyze::trace_view::{OperationView, TraceView};
use crate::units::{count_text, duration_text, time_text};

/// Columns of a line: name, three times of nine with a blank each, the bar.
const NAME: usize = 44;
const BAR: usize = 25;
/// Deeper operations are not indented further, so that names keep some room.
const DEEPEST: u32 = 12;
/// Operations that are drawn; of more, the longest.
const MOST: usize = 1_000;

/// Draws a trace. `title` is what it is called; ids and literals are hidden unless `unmask`.
pub fn waterfall(title: &str, view: &TraceView, unmask: bool) -> String {
    let safe = |text: &str| if unmask { terminal(text) } else { mask::line(&terminal(text)) };
    let mut out = format!("Trace {}: {}\n", safe(title), summary(view));
    for note in notes(view) {
        out += &format!("  {note}\n");
    }
    out += &format!("\n{:NAME$} {:>9} {:>9} {:>9} █ critical path, ░ not\n", "Operation", "Start", "Duration", "Self");
    out += &format!("{}\n", "─".repeat(NAME + 30 + 1 + BAR));
    let drawn = longest(view);
    let mut services: Vec<&str> = Vec::new();
    for (at, operation) in view.operations.iter().enumerate() {
        services.truncate(operation.depth as usize);
        let is_news = services.last() != Some(&operation.service.as_str()) && !operation.service.is_empty();
        services.resize(operation.depth as usize, "");
        services.push(&operation.service);
        if drawn[at] {
            let name = fit(&name(operation, is_news, &safe), NAME);
            let start = operation.start_ns.zip(view.window).map(|(start, window)| short(start.saturating_sub(window.0)));
            let [start, duration, own] = [start, operation.duration_ns.map(short), operation.self_ns.map(short)]
                .map(|t| t.unwrap_or_else(|| "-".to_owned()));
            let line = format!("{name} {start:>9} {duration:>9} {own:>9} {}", bar(operation, view.window));
            out += line.trim_end();
            out.push('\n');
        }
    }
    let left = drawn.iter().filter(|drawn| !**drawn).count();
    if left > 0 {
        out += &format!("{} shorter operations are not drawn.\n", count_text(left as i64));
    }
    out
}

fn summary(view: &TraceView) -> String {
    let n = view.operations.len();
    let many = |n: usize, one: &str, more: &str| format!("{} {}", count_text(n as i64), if n == 1 { one } else { more });
    let mut text = many(n, "operation", "operations");
    let mut services: Vec<&str> = view.operations.iter().map(|o| o.service.as_str()).filter(|s| !s.is_empty()).collect();
    services.sort_unstable();
    services.dedup();
    if !services.is_empty() {
        text += &format!(" of {}", many(services.len(), "service", "services"));
    }
    if let Some((first, last)) = view.window {
        text += &format!(", {} from {}", duration_text(last.saturating_sub(first)), time_text(first));
    }
    text
}

/// What is odd about it, in whole sentences.
fn notes(view: &TraceView) -> Vec<String> {
    let count = |n: usize| count_text(n as i64);
    let mut notes = Vec::new();
    if view.roots > 1 {
        notes.push(format!("{} operations stand on top: each is walked on its own.", count(view.roots)));
    }
    if view.orphans > 0 {
        notes.push(format!("{} name a parent that was not given: marked ?.", count(view.orphans)));
    }
    if view.operations.iter().any(|o| o.is_told) {
        notes.push("Marked =: the record above states a total of their time, so they are not walked again.".to_owned());
    }
    if view.copies > 0 {
        notes.push(format!("{} records tell of an operation that another tells of, too: drawn once.", count(view.copies)));
    }
    if view.ambiguous_ns > 0 {
        notes.push(format!("{} of the path may as well be a sibling's.", duration_text(view.ambiguous_ns)));
    }
    notes
}

/// Which operations are drawn: all, or the longest.
fn longest(view: &TraceView) -> Vec<bool> {
    let mut drawn = vec![true; view.operations.len()];
    if drawn.len() > MOST {
        let mut order: Vec<usize> = (0..drawn.len()).collect();
        order.sort_by_key(|&at| (std::cmp::Reverse(view.operations[at].duration_ns), at));
        order[MOST..].iter().for_each(|&at| drawn[at] = false);
    }
    drawn
}

fn name(operation: &OperationView, is_news: bool, safe: &dyn Fn(&str) -> String) -> String {
    let depth = operation.depth.min(DEEPEST);
    let mut text = " ".repeat(depth as usize);
    if operation.depth > DEEPEST {
        text += &format!("+{} ", operation.depth - DEEPEST);
    }
    if operation.is_orphan {
        text.push_str("? ");
    }
    if operation.is_told {
        text.push_str("= ");
    }
    if operation.failed {
        text.push_str("! ");
    }
    if is_news {
        text += &format!("{}: ", safe(&operation.service));
    }
    text += &match operation.name.as_str() {
        "" => format!("({})", operation.kind.replace('_', " ")),
        name => safe(name),
    };
    text
}

/// A duration in nine columns.
fn short(ns: i64) -> String {
    duration_text(ns)
}

/// A text in exactly so many columns, its end cut where it is longer.
fn fit(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    let is_long = text.width() > width;
    for c in text.chars() {
        let next = c.width().unwrap_or(0);
        if used + next > width - usize::from(is_long) {
            break;
        }
        out.push(c);
        used += next;
    }
    if is_long {
        out.push('…');
        used += 1;
    }
    out + &" ".repeat(width - used)
}

/// When an operation ran, over the whole trace; what is shorter than a column still shows.
fn bar(operation: &OperationView, window: Option<(i64, i64)>) -> String {
    let (Some(start), Some((first, last))) = (operation.start_ns, window) else { return String::new() };
    let end = start.saturating_add(operation.duration_ns.unwrap_or(0).max(0));
    let length = last.saturating_sub(first).max(1) as f64;
    let column = |ns: i64| ((ns.saturating_sub(first) as f64 / length * BAR as f64) as usize).min(BAR - 1);
    let until = |ns: i64| ((ns.saturating_sub(first) as f64 / length * BAR as f64).ceil() as usize).min(BAR);
    let mut cells = [' '; BAR];
    let mut fill = |from: i64, to: i64, mark: char| {
        let from = column(from);
        cells[from..until(to).max(from + 1)].fill(mark);
    };
    fill(start, end, '░');
    operation.path.iter().for_each(|&(from, to)| fill(from, to, '█'));
    cells.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(depth: u32, service: &str, name: &str, start: i64, end: i64, path: &[(i64, i64)]) -> OperationView {
        OperationView {
            depth,
            kind: "request",
            service: service.to_owned(),
            name: name.to_owned(),
            start_ns: Some(start),
            duration_ns: Some(end - start),
            self_ns: Some(path.iter().map(|(a, b)| b - a).sum()),
            path: path.to_vec(),
            ..OperationView::default()
        }
    }

    /// V06: B 10-50 and C 30-80 in A 0-100; the path is A 0-10, B 10-30, C 30-80, A 80-100.
    fn overlapping() -> TraceView {
        TraceView {
            operations: vec![
                operation(0, "api", "GET /pay/{id}", 0, 100, &[(0, 10), (80, 100)]),
                operation(1, "api", "select 'secret' from t where id=123456", 10, 50, &[(10, 30)]),
                operation(1, "risk", "check\u{1b}[31m", 30, 80, &[(30, 80)]),
            ],
            window: Some((0, 100)),
            path_ns: 100,
            roots: 1,
            ..TraceView::default()
        }
    }

    #[test]
    fn bars_show_when_it_ran_and_what_was_waited_for() {
        let text = waterfall("ab", &overlapping(), false);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("Trace ab: 3 operations of 2 services, 100 ns from 1970-01-01T00:00:00"), "{text}");
        // 25 columns of 4 ns: A's own path is 0-10 and 80-100.
        assert!(lines[4].ends_with("███░░░░░░░░░░░░░░░░░█████"), "{text}");
        assert!(lines[5].ends_with("  ██████░░░░░"), "{text}");
        assert!(lines[6].ends_with("       █████████████"), "{text}");
        assert!(lines.iter().all(|line| line.width() <= 100), "{text}");
    }

    #[test]
    fn literals_are_hidden_unless_asked_for_and_control_codes_never_obeyed() {
        let masked = waterfall("ab", &overlapping(), false);
        assert!(masked.contains("select '***' from t where id=***") && masked.contains("risk: check\\x1b[31m"), "{masked}");
        let open = waterfall("ab", &overlapping(), true);
        assert!(open.contains("select 'secret' from t where id=123456") && !open.contains('\u{1b}'), "{open}");
    }

    #[test]
    fn what_is_odd_is_said() {
        let mut view = overlapping();
        (view.roots, view.orphans, view.copies) = (2, 1, 3);
        view.operations[2].is_orphan = true;
        let text = waterfall("ab", &view, false);
        assert!(text.contains("2 operations stand on top") && text.contains("3 records tell"), "{text}");
        assert!(text.contains("? risk: check"), "{text}");
    }

    #[test]
    fn of_very_many_the_longest_are_drawn() {
        let mut view = overlapping();
        view.operations.extend((0..2_000).map(|_| operation(1, "api", "tiny", 5, 6, &[])));
        let text = waterfall("ab", &view, false);
        assert!(text.ends_with("1,003 shorter operations are not drawn.\n"), "{}", text.lines().count());
        assert!(text.contains("GET /pay/{id}"));
    }
}
