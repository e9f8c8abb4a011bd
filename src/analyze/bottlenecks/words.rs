//! Shares and names as the rows and the verdict say them.

use crate::analyze::capacity::model::UNNAMED;
use crate::analyze::rules::Facts;
use crate::analyze::tables::{BottleneckRow, EndpointRow};

pub(super) fn total_ns(facts: &Facts<'_>) -> i64 {
    facts.totals.total_ns.unwrap_or(0)
}

pub(super) fn share_of(facts: &Facts<'_>, ns: Option<i64>) -> f64 {
    match (ns, total_ns(facts)) {
        (Some(ns), total) if total > 0 => ns as f64 / total as f64,
        _ => 0.0,
    }
}

/// The endpoints with most of something, at most five.
pub(super) fn most_concerned(facts: &Facts<'_>, of: impl Fn(&EndpointRow) -> i64) -> Vec<String> {
    let mut endpoints: Vec<(i64, &str)> =
        facts.endpoints.iter().map(|e| (of(e), e.endpoint.as_str())).filter(|e| e.0 > 0).collect();
    endpoints.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    endpoints.into_iter().take(5).map(|(_, name)| name.to_owned()).collect()
}

pub(in crate::analyze) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

/// A bottleneck as it is called within a sentence.
pub(in crate::analyze) fn named(row: &BottleneckRow) -> String {
    match row.kind {
        "connection_pool" if row.subject == UNNAMED => "the connection pool, which no log names,".to_owned(),
        "thread_pool" if row.subject == UNNAMED => "the worker threads".to_owned(),
        "external" if row.subject == UNNAMED => "calls to others".to_owned(),
        "connection_pool" => format!("the connection pool {}", row.subject),
        "thread_pool" => format!("the worker threads {}", row.subject),
        "socket_pool" => format!("the socket pool {}", row.subject),
        "lock" => format!("the lock {}", row.subject),
        "pause" => format!("pauses of the runtime ({})", row.subject),
        "network" => "the way between the tiers".to_owned(),
        "external" => format!("calls to {}", row.subject),
        "own_code" => format!("the own code of {}", row.subject),
        "timeouts" => "requests that timed out".to_owned(),
        "retries" => format!("failed attempts of {}", row.endpoints.first().map_or("calls", String::as_str)),
        "endpoint" => format!("what lies behind {}", row.subject),
        _ if row.id.starts_with('b') => row.subject.clone(),
        _ => {
            let caller = row.endpoints.first().map(|e| format!(" of {e}")).unwrap_or_default();
            let text: String = row.subject.chars().take(60).collect();
            let cut = if text.len() < row.subject.len() { "..." } else { "" };
            format!("statement {}{caller}: {text}{cut}", row.id)
        }
    }
}
