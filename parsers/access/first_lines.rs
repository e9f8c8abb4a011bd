//! The first lines of a log, judged one by one: what every sniff of a line format does.

use memchr::memchr;

use crate::Verdict;

/// How many lines are judged. Enough to outvote a banner, few enough to cost microseconds.
const LINES: usize = 50;

/// Non-blank lines among the first ones, without their line ends.
pub(super) fn first_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = if memchr(b'\n', head).is_none() { b'\r' } else { b'\n' };
    head.split(move |&b| b == end)
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .take(LINES)
}

/// A verdict of `score` when at least six in ten of the first lines fit, and one of the first eight.
/// `judge` says `None` of a line that tells nothing either way (a comment, a start-up message).
pub(super) fn verdict<'a>(head: &'a [u8], score: u8, judge: impl FnMut(&'a [u8]) -> Option<bool>) -> Verdict {
    let (mut read, mut seen) = (0, 0);
    for fits in first_lines(head).filter_map(judge) {
        seen += 1;
        read += usize::from(fits);
        if seen == 8 && read == 0 {
            return Verdict::NO;
        }
    }
    if read == 0 || read * 10 < seen * 6 {
        return Verdict::NO;
    }
    Verdict::new(score, format!("{read} of {seen} lines read"))
}
