//! What limits, or takes the most: the cause first, its symptoms after it.

use super::rules::Facts;
use super::tables::BottleneckRow;

/// Ranks what takes the time.
pub(crate) fn rank(_facts: &Facts<'_>) -> Vec<BottleneckRow> {
    Vec::new()
}

/// One or two sentences that say what it is.
pub(crate) fn verdict(_facts: &Facts<'_>, _ranked: &[BottleneckRow]) -> String {
    String::new()
}
