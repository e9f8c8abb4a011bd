//! Whether a rate is reachable, by which fixes, and what a stated change would do.

use super::ladder::Ladder;
use super::state::State;

/// The answer to "can it do so many?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable {
    /// Even the low end is enough.
    Yes,
    /// No fix the log knows of leads there.
    No,
    /// It lies within an interval, or beyond what the log tells.
    Unknown,
}

impl Reachable {
    /// The name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// A target and the way to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The rate asked for, successful requests a second.
    pub target_tps: f64,
    /// Whether it is reached.
    pub reachable: Reachable,
    /// The fixes, in order; empty where nothing need be done.
    pub fixes: Vec<String>,
}

/// Walks the ladder until the low end of a rung reaches the target.
pub fn reach(target_tps: f64, now_low_tps: Option<f64>, ladder: &Ladder) -> Target {
    let answer = |reachable, fixes: usize| Target {
        target_tps,
        reachable,
        fixes: ladder.rungs[..fixes].iter().map(|r| r.step.fix.clone()).collect(),
    };
    let Some(now) = now_low_tps else { return answer(Reachable::Unknown, 0) };
    if now >= target_tps {
        return answer(Reachable::Yes, 0);
    }
    if let Some(at) = ladder.rungs.iter().position(|r| r.step.after_low_tps >= target_tps) {
        return answer(Reachable::Yes, at + 1);
    }
    if let Some(at) = ladder.rungs.iter().position(|r| r.step.after_high_tps >= target_tps) {
        return answer(Reachable::Unknown, at + 1);
    }
    // A ladder that merely ends where the log is silent forbids nothing.
    answer(if ladder.rungs.is_empty() { Reachable::No } else { Reachable::Unknown }, ladder.rungs.len())
}

/// A change to try.
#[derive(Debug, Clone, PartialEq)]
pub enum WhatIf {
    /// A resource with so many slots.
    Size {
        /// Its name.
        resource: String,
        /// Slots.
        slots: u32,
    },
    /// A statement whose time is multiplied.
    Statement {
        /// Its id or text.
        statement: String,
        /// By this.
        factor: f64,
    },
    /// An endpoint whose load is multiplied.
    Load {
        /// Its name.
        endpoint: String,
        /// By this.
        factor: f64,
    },
}

/// What the changes, all together, would lead to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The ceiling before.
    pub before_tps: f64,
    /// The ceiling after; `None` where the log cannot tell it from the ends of the interval.
    pub after_tps: Option<f64>,
    /// Low end of the interval.
    pub after_low_tps: f64,
    /// High end of the interval.
    pub after_high_tps: f64,
    /// The resource that limits then.
    pub next: usize,
    /// The numbers it follows from.
    pub after: State,
    /// Changes that name nothing in the log.
    pub unmatched: Vec<WhatIf>,
}

/// Applies all changes and predicts; mix first, so that later ones act on the new mix. `None` where no size is known.
pub fn what_if(state: &State, endpoints: &[String], now_tps: f64, changes: &[WhatIf]) -> Option<Outcome> {
    let (mut after, mut unmatched) = (state.clone(), Vec::new());
    let mut factors = vec![1.0; endpoints.len()];
    for change in changes {
        if let WhatIf::Load { endpoint, factor } = change {
            match endpoints.iter().position(|e| e == endpoint) {
                Some(at) => factors[at] *= factor,
                None => unmatched.push(change.clone()),
            }
        }
    }
    if factors.iter().any(|f| *f != 1.0) {
        after.change_mix(&factors);
    }
    for change in changes {
        match change {
            WhatIf::Load { .. } => {}
            WhatIf::Size { resource, slots } => match after.stations.iter_mut().find(|s| s.name == *resource) {
                Some(station) => {
                    station.size = super::model::Size { value: Some(*slots), basis: super::model::Basis::Stated };
                }
                None => unmatched.push(change.clone()),
            },
            WhatIf::Statement { statement, factor } => match after.statements.iter().position(|s| s.name == *statement) {
                Some(at) => {
                    let (resource, saved) = (after.statements[at].resource, after.statements[at].seconds * (1.0 - factor));
                    after.cut_work(resource, saved);
                    after.statements[at].seconds -= saved;
                }
                None => unmatched.push(change.clone()),
            },
        }
    }
    let found = after.predict()?;
    Some(Outcome {
        before_tps: now_tps,
        after_tps: found.is_supported.then_some(found.point),
        after_low_tps: found.low,
        after_high_tps: found.high,
        next: found.binding,
        after,
        unmatched,
    })
}
