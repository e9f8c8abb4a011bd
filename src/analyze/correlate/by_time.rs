//! Two tiers that share no id: known as such by their counts, joined by endpoint and time.
//!
//! What one log counts and the other counts as well, second by second, is the same traffic: two systems of their own would
//! differ by chance. Its records are then joined one to one. Which belongs to which is likely for each and right in sum.

use hashbrown::{HashMap, HashSet};
use parsers::{Kind, Role};

use super::{Fate, Links, NONE};
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::{NO_NAME, NULL_I64};

/// Requests below which two logs are not compared.
const FEWEST: usize = 50;
/// How far the counts of two tiers may lie apart, as a share of either.
const APART: f64 = 0.05;
/// Squared differences of the counts of periods over their sum: about 1 for two systems of random arrivals.
const BY_CHANCE: f64 = 0.1;
/// Share of an inner tier's records whose endpoint the outer one knows too, from which on endpoints are compared.
const SAME_NAMES: f64 = 0.8;
/// How far clocks may be off, and by how much an inner record may seem longer, in nanoseconds.
const SLACK_NS: i64 = 5_000_000;
/// Share of the time of two logs in which both were written, from which on it matters that nothing joins them.
const MUCH: f64 = 0.5;

/// A log's requests that nothing joins.
struct Tier {
    family: u32,
    shape: u32,
    /// End, start, row, in order of the end.
    requests: Vec<(i64, i64, u32)>,
    names: HashSet<u32>,
    step_ns: i64,
    states_parts: bool,
}

impl Tier {
    fn span(&self) -> (i64, i64) {
        let first = self.requests.iter().map(|r| r.1).min().unwrap_or(0);
        (first, self.requests.last().map_or(0, |r| r.0))
    }

    /// Whether it stamps starts, and cuts them to whole seconds or more: then only starts compare.
    fn cuts_starts(&self) -> bool {
        let is_whole = |at: i64| at % self.step_ns.max(1) == 0;
        self.step_ns >= 1_000_000_000 && self.requests.iter().all(|r| is_whole(r.1))
    }

    fn mean_ns(&self, from: i64, to: i64) -> f64 {
        let within = self.requests.iter().filter(|r| (from..to).contains(&r.0));
        let (sum, n) = within.fold((0.0, 0.0), |(sum, n), r| (sum + (r.0 - r.1) as f64, n + 1.0));
        sum / f64::max(n, 1.0)
    }
}

/// Joins logs of one traffic; what else overlaps in time without anything to join it is listed, by one source of each.
pub(super) fn link(rows: &Rows<'_>, origins: &[Origin], links: &mut Links) {
    let mut tiers = tiers(rows, origins, links);
    // From the inside out: who states its parts is innermost.
    tiers.sort_by_key(|tier| (!tier.states_parts, tier.family));
    let mut joined: HashSet<u32> = HashSet::new();
    for inner in &tiers {
        let outer = tiers
            .iter()
            .filter(|outer| outer.shape != inner.shape && outer.family != inner.family && !joined.contains(&outer.family))
            .filter(|outer| !outer.states_parts && is_same_traffic(rows, outer, inner))
            .min_by(|a, b| a.mean_ns(i64::MIN, i64::MAX).total_cmp(&b.mean_ns(i64::MIN, i64::MAX)));
        if let Some(outer) = outer {
            pair(rows, outer, inner, links);
            joined.insert(inner.family);
        }
    }
    let source_of = |tier: &Tier| tier.requests.first().map_or(0, |r| rows.source[r.2 as usize]);
    for (at, a) in tiers.iter().enumerate().filter(|(_, a)| !joined.contains(&a.family)) {
        for b in tiers[at + 1..].iter().filter(|b| b.shape != a.shape && !joined.contains(&b.family)) {
            let ((a_from, a_to), (b_from, b_to)) = (a.span(), b.span());
            let both = a_to.min(b_to).saturating_sub(a_from.max(b_from)) as f64;
            if both >= MUCH * (a_to - a_from).min(b_to - b_from) as f64 && both > 0.0 {
                links.joined.apart.push((source_of(a), source_of(b)));
            }
        }
    }
}

/// The logs whose requests nothing joins; one of which some are joined is left to what joins them.
fn tiers(rows: &Rows<'_>, origins: &[Origin], links: &Links) -> Vec<Tier> {
    let family = |row: usize| origins[rows.source[row] as usize].family;
    let families: HashSet<u32> = origins.iter().map(|o| o.family).collect();
    if families.len() < 2 || !rows.any(&[Kind::Request]) {
        return Vec::new();
    }
    let mut with_inner: HashSet<u32> = HashSet::new();
    for row in rows.of_kind(Kind::Request).filter(|&row| links.parent[row] != NONE) {
        let outer = links.parent[row] as usize;
        with_inner.extend([family(row), family(outer)].into_iter().filter(|_| family(row) != family(outer)));
    }
    let mut tiers: HashMap<u32, Tier> = HashMap::new();
    for row in rows.of_kind(Kind::Request) {
        let (start, duration) = (links.start[row], links.duration[row]);
        let plain = rows.span(row).is_none() && rows.role(row) != Role::Client && links.fate[row] == Fate::Root;
        if !plain || start == NULL_I64 || duration == NULL_I64 || with_inner.contains(&family(row)) {
            continue;
        }
        let origin = &origins[rows.source[row] as usize];
        let tier = tiers.entry(origin.family).or_insert_with(|| Tier {
            family: origin.family,
            shape: origin.shape,
            requests: Vec::new(),
            names: HashSet::new(),
            step_ns: origin.stamp_resolution_ns,
            states_parts: false,
        });
        tier.requests.push((start.saturating_add(duration), start, row as u32));
        tier.names.insert(rows.name(row));
        // A proxy tells of its queue, too.
        tier.states_parts |= rows.parts(row)[1..4].iter().any(Option::is_some);
    }
    let mut tiers: Vec<Tier> = tiers.into_values().filter(|tier| tier.requests.len() >= FEWEST).collect();
    tiers.iter_mut().for_each(|tier| tier.requests.sort_unstable());
    tiers
}

/// Whether endpoints of the inner tier are known by the same names to the outer one.
fn names_agree(rows: &Rows<'_>, outer: &Tier, inner: &Tier) -> bool {
    let known =
        inner.requests.iter().filter(|r| rows.name(r.2 as usize) != NO_NAME && outer.names.contains(&rows.name(r.2 as usize)));
    known.count() as f64 >= SAME_NAMES * inner.requests.len() as f64
}

fn is_same_traffic(rows: &Rows<'_>, outer: &Tier, inner: &Tier) -> bool {
    let ((a, b), (c, d)) = (outer.span(), inner.span());
    let (from, to) = (a.max(c), b.min(d));
    let step = outer.step_ns.max(inner.step_ns).max(1_000_000);
    // A cut stamp stays in its period where periods are whole steps long.
    let width = (to.saturating_sub(from) / 20 / step).max(1).saturating_mul(step);
    let period_of = |at: i64| at.div_euclid(width);
    let (first, last) = (period_of(from), period_of(to));
    if last - first < 6 {
        return false;
    }
    let same_names = names_agree(rows, outer, inner);
    let by_start = outer.cuts_starts() || inner.cuts_starts();
    let counts = |tier: &Tier, counted: &dyn Fn(u32) -> bool| {
        // Of the first and the last period one log may hold less.
        let mut counts = vec![0.0f64; (last - first - 1) as usize];
        for period in tier.requests.iter().filter(|r| counted(r.2)).map(|r| period_of(if by_start { r.1 } else { r.0 })) {
            if let Some(count) = counts.get_mut(usize::try_from(period - first - 1).unwrap_or(usize::MAX)) {
                *count += 1.0;
            }
        }
        counts
    };
    let theirs = counts(outer, &|row| !same_names || inner.names.contains(&rows.name(row as usize)));
    let ours = counts(inner, &|_| true);
    let (all_theirs, all_ours): (f64, f64) = (theirs.iter().sum(), ours.iter().sum());
    let spread: f64 = theirs.iter().zip(&ours).map(|(a, b)| (a - b).powi(2)).sum();
    all_ours >= FEWEST as f64
        && (all_theirs - all_ours).abs() <= APART * all_ours
        && spread <= BY_CHANCE * (all_theirs + all_ours)
        && outer.mean_ns(from, to) + SLACK_NS as f64 >= inner.mean_ns(from, to)
}

/// Hangs each inner request under the outer one that lies around it and is least longer, one to one; what finds none goes to
/// the nearest that is left.
fn pair(rows: &Rows<'_>, outer: &Tier, inner: &Tier, links: &mut Links) {
    /// Outer requests that are looked at for one inner one.
    const MOST: usize = 512;
    let same_names = names_agree(rows, outer, inner);
    let mut taken = vec![false; outer.requests.len()];
    let step = outer.step_ns.max(1_000_000);
    let mut left: Vec<(i64, i64, u32)> = inner.requests.clone();
    for is_strict in [true, false] {
        left.retain(|&(end, start, row)| {
            let reach = if is_strict { step + SLACK_NS } else { 2 * step + 1_000_000_000 };
            let from = outer.requests.partition_point(|r| r.0.saturating_add(reach) < end);
            let lies_around = |r: &(i64, i64, u32)| {
                r.1 <= start.saturating_add(SLACK_NS + inner.step_ns) && r.0 - r.1 + SLACK_NS >= end - start
            };
            let best = outer.requests[from..]
                .iter()
                .enumerate()
                .take(MOST)
                .filter(|(at, r)| {
                    !taken[from + at] && (if is_strict { lies_around(r) } else { r.1 <= end.saturating_add(reach) })
                })
                .filter(|(_, r)| !same_names || rows.name(r.2 as usize) == rows.name(row as usize))
                // Coarse stamps say little: of those that fit, the one whose length is nearest.
                .min_by_key(|(_, r)| (r.0.saturating_sub(end).max(0) / step, ((r.0 - r.1) - (end - start)).abs()));
            let Some((at, found)) = best else { return true };
            taken[from + at] = true;
            links.parent[row as usize] = found.2;
            links.fate[row as usize] = Fate::Child;
            links.joined.by_time += 1;
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(family: u32, step_ns: i64, requests: impl Iterator<Item = (i64, i64)>) -> Tier {
        let requests = requests.map(|(start, end)| (end, start, 0)).collect();
        Tier { family, shape: family, requests, names: HashSet::new(), step_ns, states_parts: family > 0 }
    }

    #[test]
    fn whole_seconds_of_starts_are_told_from_those_of_ends() {
        const SECOND: i64 = 1_000_000_000;
        let starts = tier(0, SECOND, (0..9).map(|i| (i * SECOND, i * SECOND + 7)));
        let ends = tier(0, SECOND, (1..9).map(|i| (i * SECOND - 7, i * SECOND)));
        assert_eq!((starts.cuts_starts(), ends.cuts_starts()), (true, false));
        assert_eq!((ends.span(), ends.mean_ns(0, 3 * SECOND)), ((SECOND - 7, 8 * SECOND), 7.0));
    }
}
