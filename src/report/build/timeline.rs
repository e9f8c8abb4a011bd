//! The run over time, as two lines of block characters.

use crate::analyze::tables::SliceRow;
use crate::report::model::Block;
use crate::units::{duration_text, three_digits, time_short};

/// The widest line, in characters.
const MOST: usize = 60;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn blocks(slices: &[SliceRow]) -> Vec<Block> {
    let (Some(first), Some(last)) = (slices.first(), slices.last()) else { return Vec::new() };
    if slices.len() < 2 || first.width_ns <= 0 {
        return Vec::new();
    }
    let group = slices.len().div_ceil(MOST);
    let seconds = |part: &[SliceRow]| part.iter().map(|s| s.width_ns as f64 / 1e9).sum::<f64>();
    let tps: Vec<Option<f64>> =
        slices.chunks(group).map(|part| Some(part.iter().map(|s| s.requests).sum::<u64>() as f64 / seconds(part))).collect();
    let p95: Vec<Option<f64>> =
        slices.chunks(group).map(|part| part.iter().filter_map(|s| s.p95_ns).max().map(|ns| ns as f64)).collect();
    let end = last.start_ns.saturating_add(last.width_ns);
    let step = duration_text(first.width_ns.saturating_mul(group as i64));
    let mut lines = vec![format!("TPS  {}  {}", bars(&tps), range(&tps, three_digits))];
    if p95.iter().any(Option::is_some) {
        lines.push(format!("p95  {}  {}", bars(&p95), range(&p95, |ns| duration_text(ns as i64))));
    }
    let largest = if group > 1 { "; p95 is the largest within each" } else { "" };
    lines.push(format!("from {} to {} UTC, {step} a step{largest}", time_short(first.start_ns), time_short(end)));
    vec![Block::Lines(lines)]
}

/// One bar per value from 0 to the largest; a blank where there is none.
fn bars(values: &[Option<f64>]) -> String {
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: f64| BARS[if most > 0.0 { (value / most * 7.0).round() as usize } else { 0 }.min(7)];
    values.iter().map(|value| value.map_or(' ', bar)).collect()
}

fn range(values: &[Option<f64>], show: impl Fn(f64) -> String) -> String {
    let known = || values.iter().flatten().copied();
    format!("{} to {}", show(known().fold(f64::INFINITY, f64::min)), show(known().fold(0.0, f64::max)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::small;

    #[test]
    fn bars_rise_with_the_values_and_say_their_range() {
        let blocks = blocks(&small().analysis.timeline);
        let want = [
            "TPS  ▁▅█  0 to 20.0",
            "p95  ▃▆█  400 ms to 1.20 s",
            "from 2026-11-22 17:55:51 to 2026-11-22 17:56:21 UTC, 10.0 s a step",
        ];
        assert_eq!(blocks, [Block::Lines(want.map(str::to_owned).to_vec())]);
    }

    #[test]
    fn many_slices_are_drawn_together() {
        let slice = SliceRow { width_ns: 1_000_000_000, requests: 5, ..SliceRow::default() };
        let blocks = blocks(&vec![slice; 150]);
        let [Block::Lines(lines)] = &blocks[..] else { panic!("{blocks:?}") };
        assert_eq!(lines[0].chars().filter(|c| BARS.contains(c)).count(), 50);
        assert!(lines[1].ends_with("3.00 s a step; p95 is the largest within each"), "{lines:?}");
    }
}
