//! The critical paths as folded stacks, one a line: frames between semicolons, a blank, microseconds.
//! What flame-graph tools read (<https://www.brendangregg.com/flamegraphs.html>).

use super::Results;
use super::escape::terminal;
use crate::analyze::folded::FoldedRow;

/// Writes all stacks in their order. Stacks under half a microsecond are left out.
pub(super) fn write(results: &Results<'_>) -> String {
    let stacks = results.analysis.folded.as_deref().unwrap_or_default();
    stacks.iter().filter_map(line).collect()
}

fn line(stack: &FoldedRow) -> Option<String> {
    let micros = (stack.path_ns + 500) / 1_000;
    let frames: Vec<String> = stack.frames.iter().map(|frame| terminal(frame).replace(';', ",")).collect();
    (micros > 0).then(|| format!("{} {micros}\n", frames.join(";")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::small;
    use super::*;

    #[test]
    fn frames_hold_no_semicolon_and_no_line_end() {
        let mut made = small();
        let stack = |frames: &[&str], path_ns| FoldedRow { frames: frames.iter().map(|&f| f.to_owned()).collect(), path_ns };
        made.analysis.folded = Some(vec![
            stack(&["api", "GET /pay"], 1_499_500),
            stack(&["api", "GET /pay", "select 1; select\n2"], 2_000),
            stack(&["api", "GET /quick"], 499),
        ]);
        assert_eq!(write(&made.results()), "api;GET /pay 1500\napi;GET /pay;select 1, select\\n2 2\n");
        assert_eq!(write(&small().results()), "");
    }
}
