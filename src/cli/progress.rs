//! A progress bar, on a terminal only.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::input::Found;
use crate::report::escape;

/// Inputs smaller than this in all are read before anybody could look at a bar.
const WORTH_A_BAR: u64 = 50 << 20;

/// A bar over the bytes of all inputs.
pub(super) struct Bar(ProgressBar);

/// The bar for these inputs; hidden off a terminal and for little input.
pub(super) fn bar(inputs: &[Found]) -> Bar {
    let total: u64 = inputs.iter().filter_map(|f| f.path.metadata().ok()).map(|m| m.len()).sum();
    if total < WORTH_A_BAR || !std::io::stderr().is_terminal() {
        return Bar(ProgressBar::hidden());
    }
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {msg}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    Bar(bar)
}

impl Bar {
    /// So many more bytes of an input are read.
    pub(super) fn advance(&self, path: &Path, bytes: u64) {
        self.0.set_message(escape::terminal(&path.display().to_string()));
        self.0.inc(bytes);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
