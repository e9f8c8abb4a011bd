//! The comparison in sentences.

use super::Results;
use crate::analyze::compare::{Change, Overall, Verdict, Warning};
use crate::units::{count_text, duration_text, three_digits};

/// How many endpoints a sentence names.
const NAMED: usize = 3;

/// Less of a change in the overall mean is no news.
const NOTABLE_MIX: f64 = 0.05;

/// The answer, in one or two sentences.
pub fn verdict(results: &Results<'_>) -> String {
    let comparison = results.comparison;
    let of = |verdict: Verdict| comparison.endpoints.iter().filter(move |change| change.verdict == verdict);
    let judged = comparison.endpoints.iter().filter(|c| c.n_base > 0 && c.n_candidate > 0).count();
    let text = match comparison.verdict {
        Overall::Regression => {
            format!("{} of {judged} endpoints got worse: {}.", of(Verdict::Regression).count(), names(of(Verdict::Regression)))
        }
        Overall::Ok => {
            let faster = match of(Verdict::Improvement).count() {
                0 => String::new(),
                n => format!(" {n} got better: {}.", names(of(Verdict::Improvement))),
            };
            format!("None of {judged} endpoints got worse.{faster}")
        }
        Overall::Inconclusive => {
            let unsure = of(Verdict::Inconclusive).count() + of(Verdict::TooFew).count();
            format!(
                "It cannot be told whether anything got worse: {unsure} of {judged} endpoints have too few independent requests."
            )
        }
        Overall::Incomparable => {
            let outcome = match (comparison.capacity_regressed, comparison.ceiling_tps) {
                (true, _) => "by demand and ceiling the candidate is worse",
                (false, (None, _) | (_, None)) if comparison.demands.is_empty() => {
                    "neither demand nor ceiling is known on both sides"
                }
                (false, _) => "by demand and ceiling the candidate is no worse",
            };
            format!("The loads differ, so that latencies cannot be compared; {outcome}.")
        }
    };
    match results.broken().count() {
        0 => text,
        1 => format!("{text} 1 budget is broken."),
        n => format!("{text} {n} budgets are broken."),
    }
}

fn names<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let all: Vec<&str> = changes.map(|change| change.name.as_str()).collect();
    let more = all.len().saturating_sub(NAMED);
    let named = all[..all.len() - more].join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// What was compared, the loads, the ceilings, and the mix.
pub(super) fn lead(results: &Results<'_>) -> Vec<String> {
    let comparison = results.comparison;
    let mut sentences = Vec::new();
    let load = &comparison.load;
    let requests = |n: u64| count_text(i64::try_from(n).unwrap_or(i64::MAX));
    let mut text = format!(
        "{} requests against {}; load {} against {} TPS",
        requests(results.base_merged.totals.count),
        requests(results.candidate_merged.totals.count),
        three_digits(load.base_tps),
        three_digits(load.candidate_tps)
    );
    if let (Some(a), Some(b)) = (load.base_concurrency, load.candidate_concurrency) {
        text += &format!(", {} against {} requests at once", three_digits(a), three_digits(b));
    }
    text += if load.comparable { ": the same load." } else { ": another load." };
    sentences.push(text);
    sentences.push(ceilings(results));
    let mix = &comparison.mix;
    if let Some(sentence) = mix.sentence().filter(|_| mix.mix_ns.abs() > NOTABLE_MIX * mix.base_mean_ns) {
        sentences.push(format!(
            "Mean over all requests {} -> {}: {} within the endpoints, {} by their shares; {sentence}.",
            ns(mix.base_mean_ns),
            ns(mix.candidate_mean_ns),
            signed(mix.within_ns),
            signed(mix.mix_ns)
        ));
    }
    sentences
}

fn ceilings(results: &Results<'_>) -> String {
    let text = |ceiling: Option<f64>| ceiling.map_or_else(|| "unknown".to_owned(), |tps| format!("{} TPS", three_digits(tps)));
    let (base, candidate) = results.comparison.ceiling_tps;
    format!("Ceiling: {} in the base, {} in the candidate.", text(base), text(candidate))
}

/// Why: of what changed, and where loads differ of what differs.
pub(super) fn reasons(results: &Results<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    if results.comparison.load.comparable {
        sentences.extend(results.explanations.iter().map(|explanation| explanation.sentence.clone()));
    } else {
        let differing = results.differences.iter().filter(|difference| difference.differs);
        let mut first = true;
        for difference in differing {
            let start = if std::mem::take(&mut first) { "What differs: " } else { "Also: " };
            sentences.push(format!("{start}{}", difference.sentence));
        }
        for demand in results.comparison.demands.iter().filter(|demand| demand.regressed) {
            sentences.push(format!(
                "A request holds {} for {} instead of {}.",
                demand.name,
                ns(demand.candidate_ns),
                ns(demand.base_ns)
            ));
        }
    }
    sentences
}

/// What the reader must know beside the numbers.
pub(super) fn warnings(results: &Results<'_>) -> Vec<String> {
    let mut sentences: Vec<String> = results.comparison.warnings.iter().map(warning).collect();
    if let Some(history) = results.history.filter(|history| history.noise.is_empty()) {
        sentences.push(format!(
            "The history holds {} runs; five of an endpoint are needed to learn the noise between runs.",
            history.runs
        ));
    }
    for (side, run) in [("base", results.base_merged), ("candidate", results.candidate_merged)] {
        sentences.extend(run.quality.warnings.iter().map(|warning| format!("{side}: {warning}")));
    }
    sentences
}

fn warning(warning: &Warning) -> String {
    match warning {
        Warning::RunNoiseUnknown => {
            "Run-to-run noise not measured: single run per side; repeat --base and --candidate five times, \
                                     or give --noise or --history."
                .to_owned()
        }
        Warning::UnequalLength(base, candidate) => format!(
            "The runs differ in length ({} against {} s): what comes with the time of day differs, too.",
            three_digits(*base),
            three_digits(*candidate)
        ),
        Warning::Gone(endpoint) => format!("{endpoint} made up at least 1 % of the base's requests and is gone."),
    }
}

/// One budget in words.
pub(super) fn budget(results: &Results<'_>, outcome: &crate::analyze::compare::budget::Outcome) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), three_digits);
    format!(
        "{} is {}; the budget is {}",
        results.budget_name(outcome),
        number(results.actual(outcome)),
        number(results.limit(outcome))
    )
}

/// A verdict in words.
pub(super) fn verdict_text(verdict: Verdict) -> &'static str {
    if verdict == Verdict::TooFew { "too few" } else { verdict.name() }
}

pub(super) fn ns(ns: f64) -> String {
    duration_text(ns.round() as i64)
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", ns(value)) } else { ns(value) }
}
