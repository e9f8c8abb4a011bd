//! Which format some bytes are.

use crate::{Format, Verdict, formats};

/// A format that may be the one, with how well it fits.
pub struct Candidate {
    /// The format.
    pub format: &'static dyn Format,
    /// How well it fits, and why.
    pub verdict: Verdict,
}

/// The formats that fit the first bytes of a log, best first; empty when none does. Of two that
/// fit equally well the one registered first wins.
pub fn detect(head: &[u8]) -> Vec<Candidate> {
    let mut found: Vec<_> = formats()
        .map(|format| Candidate { format, verdict: format.sniff(head) })
        .filter(|candidate| candidate.verdict.score > 0)
        .collect();
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.verdict.score));
    found
}

/// The format of that name.
pub fn named(name: &str) -> Option<&'static dyn Format> {
    formats().find(|format| format.spec().name == name)
}
