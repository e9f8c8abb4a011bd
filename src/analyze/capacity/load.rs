//! The load over time: bins of equal count for evidence, levels of concurrency for the scalability curve.

use super::evidence::Bin;
use super::model::{Requests, Resource};
use super::sweep::Steps;
use super::usl::{Curve, Refusal, curve};
use super::window::{Finder, Window};

/// Bins of equal numbers of completions, at least 50 each and at most 40 of them.
pub fn bins(requests: &Requests<'_>, resource: &Resource, inside: &Steps, window: Window) -> Vec<Bin> {
    let mut ends: Vec<i64> = requests.iter().map(|r| r.end_ns).filter(|e| window.contains(*e)).collect();
    ends.sort_unstable();
    let count = (ends.len() / 50).min(40);
    if count == 0 {
        return Vec::new();
    }
    let edges: Vec<i64> = (0..count).map(|i| ends[i * ends.len() / count]).chain([window.to_ns]).collect();
    let mut sums = vec![(0.0, 0.0, 0.0, 0.0); count];
    for hold in &resource.holds {
        let Some(at) = edges.partition_point(|e| *e <= hold.grant_ns).checked_sub(1) else { continue };
        if let Some(sum) = sums.get_mut(at) {
            sum.0 += hold.wait_ns.max(0) as f64;
            sum.1 += 1.0;
            if hold.granted {
                sum.2 += hold.intrinsic_ns() as f64;
                sum.3 += 1.0;
            }
        }
    }
    edges
        .windows(2)
        .zip(&sums)
        .enumerate()
        .filter(|(_, (edge, _))| edge[1] > edge[0])
        .map(|(i, (edge, (wait, waits, hold, holds)))| Bin {
            concurrency: inside.mean(edge[0], edge[1]),
            throughput: ((i + 1) * ends.len() / count - i * ends.len() / count) as f64 * 1e9
                / edge[1].saturating_sub(edge[0]) as f64,
            wait: (*waits > 0.0).then(|| wait / waits / 1e9),
            hold: (*holds > 0.0).then(|| hold / holds / 1e9),
        })
        .collect()
}

/// One level of load, over all the time it was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadLevel {
    /// Mean requests inside.
    pub concurrency: f64,
    /// Successful completions per second.
    pub throughput: f64,
    /// Seconds at this level.
    pub seconds: f64,
}

/// Levels of concurrency a quarter apart, each with at least 50 completions.
pub fn levels(requests: &Requests<'_>, inside: &Steps, window: Window, mean_response: f64) -> Vec<LoadLevel> {
    // Shorter parts than a few responses mix arrivals of one level with completions of another.
    let width = (5.0 * mean_response).max(window.seconds() / 200.0).max(1e-3);
    let parts = window.parts(((window.seconds() / width) as usize).clamp(1, 200));
    let mut done = vec![0_u64; parts.len()];
    let mut finder = Finder::new(&parts);
    for request in requests.iter().filter(|r| r.success && window.contains(r.end_ns)) {
        if let Some(count) = done.get_mut(finder.find(request.end_ns)) {
            *count += 1;
        }
    }
    let mut grouped: std::collections::BTreeMap<i64, (f64, u64, f64)> = std::collections::BTreeMap::new();
    for (part, count) in parts.iter().zip(&done) {
        let concurrency = inside.mean(part.from_ns, part.to_ns);
        if concurrency > 0.0 {
            let entry = grouped.entry((concurrency.ln() / 1.25_f64.ln()).round() as i64).or_default();
            entry.0 += concurrency * part.seconds();
            entry.1 += count;
            entry.2 += part.seconds();
        }
    }
    grouped
        .into_values()
        .filter(|(_, count, _)| *count >= 50)
        .map(|(area, count, seconds)| LoadLevel { concurrency: area / seconds, throughput: count as f64 / seconds, seconds })
        .collect()
}

/// The scalability curve through the levels, or why there is none.
pub fn scalability(levels: &[LoadLevel]) -> Result<Curve, Refusal> {
    let (n, x): (Vec<f64>, Vec<f64>) = levels.iter().map(|l| (l.concurrency, l.throughput)).unzip();
    curve(&n, &x)
}
