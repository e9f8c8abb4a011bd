//! Why an endpoint changed: which part of its time grew, in which statement, and which parts did not.

use std::collections::BTreeMap;

use super::change::{Change, Reason, Verdict};
use super::side::Side;
use crate::analyze::profile::Snapshot;
use crate::units::{duration_text, three_digits};

/// A part moved if it makes up at least this share of what all parts moved by.
const SHARE: f64 = 0.2;

/// What is said of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The endpoint.
    pub endpoint: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Mean duration of base and candidate, in nanoseconds.
    pub mean_ns: Option<(f64, f64)>,
    /// Parts that moved with it, the most first: name, base and candidate, in nanoseconds per request.
    pub moved: Vec<(String, f64, f64)>,
    /// Parts that waits are booked on and that did not move with it.
    pub steady: Vec<String>,
    /// The statements that moved with it, the most first.
    pub statements: Vec<StatementGrowth>,
    /// All of it in words.
    pub sentence: String,
}

/// One statement's part in it.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementGrowth {
    /// The statement.
    pub statement: String,
    /// Mean time of a call, in nanoseconds, base and candidate; `None` where a side does not say.
    pub mean_ns: (Option<f64>, Option<f64>),
    /// Calls per request of the endpoint, base and candidate.
    pub calls_per_request: (f64, f64),
    /// By how much it moved a request, in nanoseconds.
    pub moved_ns: f64,
}

/// Explains every endpoint whose verdict needs it, in their order.
pub fn explain(changes: &[Change], base: &[(&Snapshot, &Side)], candidate: &[(&Snapshot, &Side)]) -> Vec<Explanation> {
    let moved = |change: &&Change| matches!(change.verdict, Verdict::Regression | Verdict::Changed | Verdict::Improvement);
    let (a, b) = (Calls::of(base), Calls::of(candidate));
    changes.iter().filter(moved).map(|change| explanation(change, &a, &b)).collect()
}

/// What the runs of one side say of statements.
#[derive(Default)]
struct Calls<'a> {
    /// Calls, and sum and number of their durations, by endpoint, then statement.
    by_endpoint: BTreeMap<&'a str, BTreeMap<&'a str, (u64, f64, u64)>>,
    /// Sum and number of the durations of an endpoint.
    requests: BTreeMap<&'a str, (f64, u64)>,
}

impl<'a> Calls<'a> {
    fn of(runs: &[(&'a Snapshot, &'a Side)]) -> Self {
        let mut calls = Calls::default();
        for (snapshot, side) in runs {
            for caller in &snapshot.profile.callers {
                let (n, sum, timed) =
                    calls.by_endpoint.entry(&caller.endpoint).or_default().entry(&caller.statement).or_default();
                *n += caller.calls;
                *sum += caller.total_ns as f64;
                *timed += caller.timed;
            }
            for series in &side.endpoints {
                let (sum, n) = series.time();
                let known = calls.requests.entry(series.name.as_str()).or_default();
                *known = (known.0 + sum, known.1 + n);
            }
        }
        calls
    }

    /// Mean duration of an endpoint's requests, in nanoseconds.
    fn mean(&self, endpoint: &str) -> Option<f64> {
        self.requests.get(endpoint).filter(|(_, n)| *n > 0).map(|(sum, n)| sum / *n as f64)
    }

    /// Calls of a statement by one endpoint, and their mean duration in nanoseconds.
    fn of_statement(&self, endpoint: &str, statement: &str) -> (u64, Option<f64>) {
        let found = self.statements(endpoint).and_then(|of| of.get(statement));
        found.map_or((0, None), |&(n, sum, timed)| (n, (timed > 0).then(|| sum / timed as f64)))
    }

    /// A name that carries its service is looked up without it.
    fn statements(&self, endpoint: &str) -> Option<&BTreeMap<&'a str, (u64, f64, u64)>> {
        let bare = || endpoint.split_once(": ").and_then(|(_, name)| self.by_endpoint.get(name));
        self.by_endpoint.get(endpoint).or_else(bare)
    }
}

fn explanation(change: &Change, a: &Calls<'_>, b: &Calls<'_>) -> Explanation {
    let mean_ns = a.mean(&change.name).zip(b.mean(&change.name));
    let difference = mean_ns.map_or(0.0, |(base, candidate)| candidate - base);
    let parts: Vec<(String, f64, f64)> = change
        .buckets
        .iter()
        .filter_map(|(bucket, base, candidate)| Some((bucket.clone(), base.unwrap_or(0.0), (*candidate).or(base.map(|_| 0.0))?)))
        .collect();
    let with_it = |delta: f64| difference != 0.0 && delta / difference >= SHARE;
    let mut moved: Vec<_> = parts.iter().filter(|part| with_it(part.2 - part.1)).cloned().collect();
    moved.sort_by(|x, y| (y.2 - y.1).abs().total_cmp(&(x.2 - x.1).abs()).then_with(|| x.0.cmp(&y.0)));
    let is_wait = |name: &str| matches!(name, "queue" | "pool_wait" | "pause");
    let steady = parts.iter().filter(|part| is_wait(&part.0) && !with_it(part.2 - part.1)).map(|part| part.0.clone()).collect();
    let mut explanation = Explanation {
        endpoint: change.name.clone(),
        verdict: change.verdict,
        mean_ns,
        moved,
        steady,
        statements: statements(change, difference, a, b),
        sentence: String::new(),
    };
    explanation.sentence = sentence(change, &explanation);
    explanation
}

/// The statements that moved with an endpoint.
fn statements(change: &Change, difference: f64, a: &Calls<'_>, b: &Calls<'_>) -> Vec<StatementGrowth> {
    let mut names: Vec<&str> =
        [a, b].iter().filter_map(|side| side.statements(&change.name)).flat_map(BTreeMap::keys).copied().collect();
    names.sort_unstable();
    names.dedup();
    let per_request = |calls: u64, n: u64| if n > 0 { calls as f64 / n as f64 } else { 0.0 };
    let mut found: Vec<StatementGrowth> = names
        .into_iter()
        .map(|statement| {
            let (of_a, of_b) = (a.of_statement(&change.name, statement), b.of_statement(&change.name, statement));
            let mean = (of_a.1, of_b.1);
            let calls = (per_request(of_a.0, change.n_base), per_request(of_b.0, change.n_candidate));
            let moved_ns = calls.1 * mean.1.unwrap_or(0.0) - calls.0 * mean.0.unwrap_or(0.0);
            StatementGrowth { statement: statement.to_owned(), mean_ns: mean, calls_per_request: calls, moved_ns }
        })
        .filter(|growth| {
            let more_calls =
                change.reasons.contains(&Reason::Calls) && growth.calls_per_request.1 - growth.calls_per_request.0 >= 0.5;
            more_calls || difference != 0.0 && growth.moved_ns / difference >= SHARE
        })
        .collect();
    found.sort_by(|x, y| y.moved_ns.abs().total_cmp(&x.moved_ns.abs()).then_with(|| x.statement.cmp(&y.statement)));
    found
}

fn sentence(change: &Change, found: &Explanation) -> String {
    let ns = |ns: f64| duration_text(ns.round() as i64);
    let mut text = change.name.clone();
    let slower = matches!(found.verdict, Verdict::Regression | Verdict::Changed);
    match (found.mean_ns, change.effect) {
        (Some((base, candidate)), Some(effect)) => {
            text += &format!(
                " takes {} times as long (95 % interval {} to {}; mean {} -> {})",
                three_digits(effect.shift_ratio),
                three_digits(effect.shift_low),
                three_digits(effect.shift_high),
                ns(base),
                ns(candidate)
            );
            if change.reasons.contains(&Reason::Tail) {
                text += &format!(", its p95 {} times", three_digits(effect.p95_ratio));
            }
        }
        _ => text += " has no durations",
    }
    if let Some((part, base, candidate)) = found.moved.first() {
        let verb = if slower { "grew" } else { "moved" };
        text += &format!("; what {verb} is {} ({} -> {} a request)", part_text(part), ns(*base), ns(*candidate));
        for (part, base, candidate) in &found.moved[1..] {
            text += &format!(", then {} ({} -> {})", part_text(part), ns(*base), ns(*candidate));
        }
    }
    if let Some(growth) = found.statements.first() {
        text += &format!("; the statement is `{}`", short(&growth.statement));
        if let (Some(base), Some(candidate)) = growth.mean_ns {
            text += &format!(" ({} -> {} a call", ns(base), ns(candidate));
            let calls = growth.calls_per_request;
            if (calls.1 - calls.0).abs() >= 0.05 * calls.0.max(calls.1) {
                text += &format!(", {} -> {} calls a request", three_digits(calls.0), three_digits(calls.1));
            }
            text.push(')');
        }
    }
    if change.reasons.contains(&Reason::Calls)
        && let (Some(base), Some(candidate)) = (change.calls_per_request_base, change.calls_per_request_candidate)
    {
        text += &format!("; database calls per request {} -> {}", three_digits(base), three_digits(candidate));
    }
    if let Some(errors) = change.errors.filter(|_| change.reasons.contains(&Reason::Errors)) {
        text += &format!("; errors {} % -> {} %", three_digits(errors.base * 100.0), three_digits(errors.candidate * 100.0));
    }
    if !found.steady.is_empty() && found.verdict != Verdict::Improvement {
        let names: Vec<&str> = found.steady.iter().map(|part| part_text(part)).collect();
        text += &format!("; {} did not grow with it", list(&names));
    }
    text.push('.');
    text
}

/// A part of a request's time in words.
pub fn part_text(bucket: &str) -> &str {
    match bucket {
        "queue" => "the queue for a thread",
        "pool_wait" => "the wait for a connection",
        "database" => "the database",
        "external" => "calls to others",
        "pause" => "pauses",
        "network" => "the network",
        "upstream" => "the next tier",
        "own" => "its own code",
        "unaccounted" => "time that nothing splits",
        other => other,
    }
}

fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A statement short enough for a sentence.
fn short(statement: &str) -> String {
    const MOST: usize = 120;
    if statement.chars().count() <= MOST {
        return statement.to_owned();
    }
    statement.chars().take(MOST - 1).chain(['…']).collect()
}
