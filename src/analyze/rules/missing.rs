//! What the logs cannot tell, and which log would.

use super::Facts;
use crate::analyze::bucket::Bucket;
use crate::analyze::tables::Finding;
use crate::units::share_text;

/// Share of the time from which on it is worth saying what it hides.
const WORTH_SAYING: f64 = 0.1;

pub(super) fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(total) = facts.totals.total_ns.filter(|&t| t > 0) else { return findings };
    let share = |bucket: Bucket| facts.totals.buckets.get(bucket).unwrap_or(0) as f64 / total as f64;
    let mut say = |subject: &str, sentence: String, next_step: &str| {
        findings.push(Finding {
            rule: "missing-log",
            severity: "note",
            subject: subject.to_owned(),
            sentence,
            next_step: next_step.to_owned(),
            evidence: Vec::new(),
        });
    };
    if share(Bucket::Upstream) >= WORTH_SAYING {
        say(
            "upstream",
            format!(
                "{} of the time lies in the tier behind the access log, which it does not split.",
                share_text(share(Bucket::Upstream))
            ),
            "Add that tier's access log or transaction log, with the same request id.",
        );
    }
    if share(Bucket::Unaccounted) >= WORTH_SAYING {
        say(
            "unaccounted",
            format!("{} of the time is a bare duration that nothing splits.", share_text(share(Bucket::Unaccounted))),
            "Add upstream times to the access log, a transaction log with its parts, or traces.",
        );
    }
    if share(Bucket::Database) >= WORTH_SAYING && facts.database.is_empty() {
        say(
            "database",
            format!("{} of the time goes to the database, but no log names the statements.", share_text(share(Bucket::Database))),
            "Add the database's statement log; with the request id in a comment each statement finds its endpoint.",
        );
    }
    for wait in facts.waits.iter().filter(|wait| wait.servers.is_none() && wait.kind != "lock" && wait.share >= WORTH_SAYING) {
        say(
            &wait.resource,
            format!(
                "{} of the time is spent waiting for {}, but its size is nowhere stated.",
                share_text(wait.share),
                wait.resource
            ),
            "Log the pool's statistics, or state its size under [pools] in narrows.toml.",
        );
    }
    findings
}
