//! The ladder of fixes: raise the binding limit, recompute every hold, look what binds next, until the log is silent.

use super::growth::{Basis, Gain};
use super::model::Kind;
use super::state::{Prediction, State, Station};

/// A change to the system.
#[derive(Debug, Clone, PartialEq)]
pub enum Fix {
    /// More slots.
    Enlarge {
        /// Which resource.
        resource: usize,
        /// Slots before.
        from: u32,
        /// Slots after.
        to: u32,
    },
    /// Hold it only while what lies behind works.
    ReleaseEarly {
        /// Which resource.
        resource: usize,
        /// Seconds a request no longer held.
        saved: f64,
    },
    /// Half as many calls within a hold.
    FewerCalls {
        /// Which resource.
        resource: usize,
        /// Calls per request before.
        calls: f64,
        /// Seconds a request saved.
        saved: f64,
    },
    /// One statement at half its time.
    FasterStatement {
        /// Which resource it holds.
        resource: usize,
        /// Its id or text.
        statement: String,
        /// Seconds a request saved.
        saved: f64,
    },
    /// What is called within the hold at half its time.
    FasterCall {
        /// The resource whose work gets faster.
        resource: usize,
        /// Seconds a request saved.
        saved: f64,
    },
    /// Do not hold the outer resource while the inner one is used.
    Detach {
        /// The resource to be freed.
        outer: usize,
        /// What it no longer waits for.
        inner: usize,
        /// Seconds a request no longer held.
        saved: f64,
    },
}

impl Fix {
    /// Applies it.
    pub fn apply(&self, state: &State) -> State {
        let mut out = state.clone();
        match *self {
            Self::Enlarge { resource, to, .. } => {
                state.twins(resource).iter().for_each(|&twin| out.stations[twin].size.value = Some(to));
            }
            Self::ReleaseEarly { resource, saved } => out.stations[resource].demand -= saved,
            Self::FewerCalls { resource, saved, calls } => {
                out.cut_work(resource, saved);
                out.stations[resource].calls = calls / 2.0;
            }
            Self::FasterCall { resource, saved } => out.cut_work(resource, saved),
            Self::FasterStatement { resource, saved, ref statement } => {
                out.cut_work(resource, saved);
                for known in out.statements.iter_mut().filter(|s| s.name == *statement && s.resource == resource) {
                    known.seconds -= saved;
                }
            }
            Self::Detach { outer, inner, saved } => {
                for index in out.chain(outer) {
                    out.stations[index].demand = (out.stations[index].demand - saved).max(0.0);
                }
                out.stations[inner].parent = None;
            }
        }
        out
    }

    /// The resource it changes.
    pub fn resource(&self) -> usize {
        match *self {
            Self::Enlarge { resource, .. }
            | Self::ReleaseEarly { resource, .. }
            | Self::FewerCalls { resource, .. }
            | Self::FasterStatement { resource, .. }
            | Self::FasterCall { resource, .. } => resource,
            Self::Detach { outer, .. } => outer,
        }
    }

    /// In words.
    pub fn sentence(&self, state: &State) -> String {
        let name = |index: usize| label(&state.stations[index]);
        let on_each = |index: usize| match state.twins(index).len() {
            1 => String::new(),
            hosts => format!(" on each of {hosts} hosts"),
        };
        match self {
            Self::Enlarge { resource, from, to } if state.stations[*resource].size.known().is_none() => {
                let times = f64::from(*to) / f64::from((*from).max(1));
                format!("{} to {times:.1} times its size (at least {from} now){}", name(*resource), on_each(*resource))
            }
            Self::Enlarge { resource, from, to } => format!("{} {from} -> {to}{}", name(*resource), on_each(*resource)),
            Self::ReleaseEarly { resource, saved } => {
                format!("hold {} only for its calls ({} less a request)", name(*resource), time(*saved))
            }
            Self::FewerCalls { resource, calls, .. } => {
                format!("calls per request within {} {calls:.1} -> {:.1}", name(*resource), calls / 2.0)
            }
            Self::FasterStatement { statement, saved, .. } => {
                format!("statement {statement} at half its time ({} less a request)", time(*saved))
            }
            Self::FasterCall { resource, saved } => {
                format!("the calls within {} at half their time ({} less a request)", name(*resource), time(*saved))
            }
            Self::Detach { outer, inner, .. } => format!("free {} while {} is called", name(*outer), name(*inner)),
        }
    }
}

/// A resource as a reader knows it: sort and name.
pub fn label(station: &Station) -> String {
    let sort = match station.kind {
        Kind::Threads => "worker threads",
        Kind::Connections => "connection pool",
        Kind::Sockets => "sockets",
        Kind::External => "external",
        Kind::Lock => "lock",
        Kind::Database => "database",
    };
    format!("{sort} {}", station.name)
}

/// Seconds with a unit.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.3} s"),
    }
}

/// How far a number may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Measured, or a short step from it.
    High,
    /// A step the log supports.
    Medium,
    /// An interval, or an assumption that no log tells.
    Low,
}

impl Confidence {
    /// The name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// What one fix leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The fix in words.
    pub fix: String,
    /// The fix.
    pub action: Fix,
    /// The resource it changes.
    pub resource: usize,
    /// The ceiling before.
    pub before_tps: f64,
    /// The ceiling after; `None` where the log cannot tell it from the ends of the interval.
    pub after_tps: Option<f64>,
    /// Low end of the interval.
    pub after_low_tps: f64,
    /// High end of the interval.
    pub after_high_tps: f64,
    /// The resource that limits next.
    pub next: usize,
    /// What has to hold.
    pub assumption: String,
    /// How far it may be trusted.
    pub confidence: Confidence,
}

/// One rung: the fix taken, and what else could be done in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// The fix taken.
    pub step: Step,
    /// Other fixes for the same limit, most gain first.
    pub alternatives: Vec<Step>,
    /// The numbers after the fix.
    pub after: State,
    /// The model's prediction for them.
    pub prediction: Prediction,
}

/// The rungs, and what is beyond them.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// From the ceiling as it is.
    pub rungs: Vec<Rung>,
    /// Why it ends where it ends.
    pub end: String,
}

/// Where the ladder starts, and how far it may lead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Start {
    /// The ceiling as it is, measured or predicted.
    pub now_tps: f64,
    /// Its low end.
    pub now_low_tps: f64,
    /// Beyond this rate nothing that the log shows can be carried over.
    pub trusted_tps: f64,
    /// The ladder's length at most.
    pub most_rungs: usize,
}

/// Climbs from a state.
pub fn climb(state: &State, start: Start) -> Ladder {
    let (mut state, mut before, mut floor) = (state.clone(), start.now_tps, start.now_low_tps);
    let mut rungs: Vec<Rung> = Vec::new();
    let end = loop {
        let Some(now) = state.predict() else { break "no size is known: the log sets no ceiling".to_owned() };
        if before > start.trusted_tps {
            break format!("beyond {:.1} TPS the log is silent: it is four times the rate in it", start.trusted_tps);
        }
        if rungs.len() >= start.most_rungs {
            break format!("beyond {before:.1} TPS the ladder was not followed");
        }
        let mut steps: Vec<Rung> =
            fixes(&state, &now).into_iter().filter_map(|fix| take(&state, fix, before, floor, start.trusted_tps)).collect();
        steps.sort_by(|a, b| gain(&b.step).total_cmp(&gain(&a.step)));
        let useful = |rung: &Rung| {
            let (after, now_best) = (&rung.prediction, now.point.max(before));
            after.upper > 1.02 * now.upper && after.point > 1.02 * now_best
        };
        let main = steps.iter().position(|r| useful(r) && matches!(r.step.action, Fix::Enlarge { .. }));
        let name = label(&state.stations[now.binding]);
        let is_silent = main.is_none() && !rungs.is_empty() && state.stations[now.binding].is_enlarged();
        if is_silent {
            break format!("beyond {before:.1} TPS the log is silent: {name} would grow past four times what was measured");
        }
        let Some(main) = main.or_else(|| steps.iter().position(useful)) else {
            break format!("beyond {before:.1} TPS the log is silent: nothing it holds would raise {name}");
        };
        let mut rung = steps.remove(main);
        rung.alternatives = steps.into_iter().map(|r| r.step).collect();
        before = rung.prediction.point;
        floor = rung.step.after_low_tps;
        state = rung.after.clone();
        rungs.push(rung);
    };
    Ladder { rungs, end }
}

/// The order of fixes: by the point, or the middle where there is none.
fn gain(step: &Step) -> f64 {
    step.after_tps.unwrap_or(0.5 * (step.after_low_tps + step.after_high_tps))
}

fn take(state: &State, fix: Fix, before: f64, floor: f64, trusted: f64) -> Option<Rung> {
    let after = fix.apply(state);
    let mut prediction = after.predict()?;
    // A size that nobody states cannot be told from a pool that is held longer than what is logged.
    let is_sizeless = matches!(fix, Fix::Enlarge { .. }) && state.stations[fix.resource()].size.known().is_none();
    if is_sizeless {
        prediction.is_supported = false;
        prediction.low = prediction.low.min(floor);
    }
    let is_far = prediction.point > trusted;
    if is_far {
        prediction.is_supported = false;
        prediction.low = prediction.low.min(trusted);
    }
    // No fix makes it worse, and a point lies within its interval.
    prediction.high = prediction.high.max(before);
    prediction.point = prediction.point.clamp(before.min(prediction.high), prediction.high);
    let low = prediction.low.max(floor.min(prediction.high)).min(prediction.point);
    let step = Step {
        fix: fix.sentence(state),
        resource: fix.resource(),
        before_tps: before,
        after_tps: prediction.is_supported.then_some(prediction.point),
        after_low_tps: low.min(prediction.high),
        after_high_tps: prediction.high,
        next: prediction.binding,
        assumption: assumption(&fix, &after, &prediction)
            + if is_sizeless { "; at most: its size is nowhere logged" } else { "" }
            + if is_far { "; extrapolated past four times the rate in the log" } else { "" },
        confidence: confidence(&fix, &after, &prediction),
        action: fix,
    };
    Some(Rung { step, alternatives: Vec::new(), after, prediction })
}

fn fixes(state: &State, now: &Prediction) -> Vec<Fix> {
    let (binding, station) = (now.binding, &state.stations[now.binding]);
    let mut out = Vec::new();
    if let Some(fix) = enlarge(state, binding) {
        out.push(fix);
    }
    if let Some(work) = station.work {
        if station.kind == Kind::Connections && work > 0.0 && work < 0.9 * station.demand {
            out.push(Fix::ReleaseEarly { resource: binding, saved: station.demand - work });
        }
        if station.calls >= 1.5 {
            out.push(Fix::FewerCalls { resource: binding, calls: station.calls, saved: 0.5 * work });
        }
    }
    let mut statements: Vec<_> = state.statements.iter().filter(|s| state.chain(s.resource).contains(&binding)).collect();
    statements.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then_with(|| a.name.cmp(&b.name)));
    out.extend(statements.iter().take(3).filter(|s| s.seconds > 0.02 * station.demand).map(|s| Fix::FasterStatement {
        resource: s.resource,
        statement: s.name.clone(),
        saved: 0.5 * s.seconds,
    }));
    if statements.is_empty() || station.kind == Kind::External {
        let work =
            station.work.unwrap_or(if matches!(station.kind, Kind::External | Kind::Database) { station.demand } else { 0.0 });
        if work > 0.0 {
            out.push(Fix::FasterCall { resource: binding, saved: 0.5 * work });
        }
    }
    for (index, inner) in state.stations.iter().enumerate().filter(|(_, s)| s.parent == Some(binding)) {
        if inner.kind == Kind::External && inner.demand > 0.05 * station.demand {
            out.push(Fix::Detach { outer: binding, inner: index, saved: inner.demand });
            out.push(Fix::FasterCall { resource: index, saved: 0.5 * inner.demand });
        }
    }
    out
}

/// The next whole size that lifts a resource 10 % above the next limit, but no more than four times what was logged.
fn enlarge(state: &State, binding: usize) -> Option<Fix> {
    let station = &state.stations[binding];
    let from = station.slots()?;
    let most = station.logged_size?.saturating_mul(4);
    if station.kind == Kind::Lock || from >= most {
        return None;
    }
    let wanted = state.next_limit(binding).map(|next| (1.1 * next * station.demand).ceil()).filter(|n| n.is_finite());
    let to = wanted.map_or(most, |n| (n.max(0.0) as u32).clamp(from + 1, most));
    Some(Fix::Enlarge { resource: binding, from, to })
}

fn assumption(fix: &Fix, after: &State, prediction: &Prediction) -> String {
    let station = &after.stations[fix.resource()];
    let mut out = match (fix, station.growth.gain, station.growth.basis) {
        (Fix::Enlarge { .. }, _, _) if station.kind == Kind::External => {
            "the partner answers as fast under the higher load, which no log here can tell".to_owned()
        }
        (Fix::Enlarge { .. }, Gain::Scales, Basis::Levels) => {
            format!("holds stay as short as they were with 1 to {:.0} in use", station.growth.seen_to)
        }
        (Fix::Enlarge { .. }, Gain::Scales, _) => "holds stay as short as in calm and busy parts of the log alike".to_owned(),
        (Fix::Enlarge { .. }, Gain::SaturatedBehind, _) => {
            "what lies behind is full: holds grew with the number in use, so more slots only move the wait".to_owned()
        }
        (Fix::Enlarge { .. }, Gain::Partial, _) => {
            let slope = station.growth.slope.unwrap_or(0.0);
            format!("the rate keeps growing by {slope:.2} % for each 1 % of slots")
        }
        (Fix::Enlarge { .. }, Gain::Unknown, _) => {
            "the log holds no low-load period; hold time at low load would decide".to_owned()
        }
        (Fix::ReleaseEarly { .. }, ..) => "only the calls need it".to_owned(),
        (Fix::Detach { .. }, ..) => "the call can run without holding it".to_owned(),
        (Fix::FewerCalls { .. } | Fix::FasterStatement { .. } | Fix::FasterCall { .. }, ..) => {
            "time falls with the work; all else stays".to_owned()
        }
    };
    if let Some(doubt) = prediction.doubt {
        let behind = &after.stations[doubt];
        if behind.slots().is_none() {
            out.push_str(&format!(
                "; at most: the size of {} is nowhere logged and {:.1} TPS is all it has shown",
                label(behind),
                behind.shown_tps
            ));
        } else if doubt != fix.resource() {
            out.push_str(&format!("; whether {} keeps up is open since its own enlargement", label(behind)));
        }
    }
    out
}

fn confidence(fix: &Fix, after: &State, prediction: &Prediction) -> Confidence {
    let station = &after.stations[fix.resource()];
    if !prediction.is_supported || (station.kind == Kind::External && matches!(fix, Fix::Enlarge { .. })) {
        return Confidence::Low;
    }
    match *fix {
        Fix::Enlarge { to, .. } => {
            let short = station.logged_size.is_some_and(|m| to <= m.saturating_mul(2));
            if short && station.growth.basis == Basis::Levels { Confidence::High } else { Confidence::Medium }
        }
        _ => Confidence::Medium,
    }
}
