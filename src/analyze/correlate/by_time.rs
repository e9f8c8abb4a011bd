//! Two tiers that share no id: known as such by their counts, joined by endpoint and time.
//!
//! An endpoint that one log counts as often as another counts one of its own, period by period, is the same traffic: two
//! systems, or two hosts that take turns, would differ by chance. Its records are then joined one to one. Which belongs to
//! which is likely for each and right in sum.

use hashbrown::{HashMap, HashSet};
use parsers::{Kind, Role};

use super::{Fate, Links, NONE};
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::{NO_NAME, NULL_I64};

/// Logs beyond which none are compared: each would be with every other, and so many hosts are no tiers.
const MOST_LOGS: usize = 32;
/// Requests below which two logs are not compared.
const FEWEST: usize = 50;
/// Records of an endpoint below which its counts tell nothing.
const FEWEST_OF_ONE: f64 = 20.0;
/// How far the counts of two endpoints may lie apart, as a share of either.
const APART: f64 = 0.05;
/// Squared differences of the counts of periods over their sum: about 1 for two systems of random arrivals.
const BY_CHANCE: f64 = 0.1;
/// Share of an inner tier's records whose endpoints need a partner.
const MOST: f64 = 0.8;
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
    step_ns: i64,
    states_parts: bool,
    is_proxy: bool,
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

    fn mean_ns(&self) -> f64 {
        let sum: f64 = self.requests.iter().map(|r| r.0.saturating_sub(r.1) as f64).sum();
        sum / self.requests.len().max(1) as f64
    }
}

/// Joins logs of one traffic; what else overlaps in time without anything to join it is listed, by one source of each.
pub(super) fn link(rows: &Rows<'_>, origins: &[Origin], links: &mut Links) {
    let mut tiers = tiers(rows, origins, links);
    if tiers.len() > MOST_LOGS {
        return;
    }
    // From the inside out: who states its parts is innermost, and a proxy stands before what it calls.
    tiers.sort_by(|a, b| {
        let order = |tier: &Tier| (!tier.states_parts, tier.is_proxy);
        order(a).cmp(&order(b)).then_with(|| a.mean_ns().total_cmp(&b.mean_ns())).then_with(|| a.family.cmp(&b.family))
    });
    let mut joined: HashSet<u32> = HashSet::new();
    for (at, inner) in tiers.iter().enumerate() {
        let candidates = tiers[at + 1..].iter().filter(|outer| outer.shape != inner.shape && !outer.states_parts);
        if let Some((outer, partners)) = candidates.filter_map(|outer| Some((outer, partners(rows, outer, inner)?))).next() {
            pair(rows, outer, inner, &partners, links);
            joined.insert(inner.family);
        }
    }
    let source_of = |tier: &Tier| tier.requests.first().map_or(0, |r| rows.source[r.2 as usize]);
    for (at, a) in tiers.iter().enumerate().filter(|(_, a)| !joined.contains(&a.family)) {
        for b in tiers[at + 1..].iter().filter(|b| b.shape != a.shape && !joined.contains(&b.family)) {
            let ((a_from, a_to), (b_from, b_to)) = (a.span(), b.span());
            let both = a_to.min(b_to).saturating_sub(a_from.max(b_from)) as f64;
            if both >= MUCH * a_to.saturating_sub(a_from).min(b_to.saturating_sub(b_from)) as f64 && both > 0.0 {
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
            step_ns: origin.stamp_resolution_ns,
            states_parts: false,
            is_proxy: false,
        });
        tier.requests.push((start.saturating_add(duration), start, row as u32));
        // A proxy tells of its queue, too, and of the tier behind it.
        let parts = rows.parts(row);
        tier.states_parts |= parts[1..4].iter().any(Option::is_some);
        tier.is_proxy |= parts[5].is_some() || rows.peer(row) != NO_NAME;
    }
    let mut tiers: Vec<Tier> = tiers.into_values().filter(|tier| tier.requests.len() >= FEWEST).collect();
    tiers.iter_mut().for_each(|tier| tier.requests.sort_unstable());
    tiers
}

/// The outer endpoint of each inner one, where the two logs count the same traffic.
fn partners(rows: &Rows<'_>, outer: &Tier, inner: &Tier) -> Option<HashMap<u32, u32>> {
    let ((a, b), (c, d)) = (outer.span(), inner.span());
    let (from, to) = (a.max(c), b.min(d));
    let step = outer.step_ns.max(inner.step_ns).max(1_000_000);
    // A cut stamp stays in its period where periods are whole steps long.
    let width = (to.saturating_sub(from) / 20 / step).max(1).saturating_mul(step);
    let (first, last) = (from.div_euclid(width), to.div_euclid(width));
    if last - first < 6 {
        return None;
    }
    let by_start = outer.cuts_starts() || inner.cuts_starts();
    // Of the first and the last period one log may hold less.
    let counts = |tier: &Tier| {
        let mut counts: HashMap<u32, Vec<f64>> = HashMap::new();
        for &(end, start, row) in &tier.requests {
            let period = (if by_start { start } else { end }).div_euclid(width) - first - 1;
            let counts = counts.entry(rows.name(row as usize)).or_insert_with(|| vec![0.0; (last - first - 1) as usize]);
            if let Some(count) = usize::try_from(period).ok().and_then(|at| counts.get_mut(at)) {
                *count += 1.0;
            }
        }
        counts
    };
    let (theirs, ours) = (counts(outer), counts(inner));
    // Names that occur in both logs stand for themselves.
    let (mut partners, mut with_partner, mut all) = (HashMap::new(), 0.0, 0.0);
    for (&name, counts) in &ours {
        let n: f64 = counts.iter().sum();
        all += n;
        let named = theirs.get_key_value(&name).into_iter();
        let is_path = |name: u32| name != NO_NAME && rows.text(name).starts_with('/');
        let others = theirs.iter().filter(|(other, _)| !(theirs.contains_key(&name) || is_path(name) && is_path(**other)));
        let fits = named.chain(others).filter_map(|(&other, theirs)| Some((apart(counts, theirs)?, other)));
        let best = fits.min_by(|a, b| a.0.total_cmp(&b.0).then_with(|| rows.text(a.1).cmp(rows.text(b.1))));
        if let Some((_, other)) = best {
            partners.insert(name, other);
            with_partner += n;
        } else if n < FEWEST_OF_ONE && theirs.contains_key(&name) {
            partners.insert(name, name);
        }
    }
    (with_partner >= FEWEST as f64 && with_partner >= MOST * all).then_some(partners)
}

/// How far two counts lie apart, period by period: about 1 for two systems of random arrivals. `None` where they are not the
/// same traffic.
fn apart(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let (all_ours, all_theirs): (f64, f64) = (ours.iter().sum(), theirs.iter().sum());
    let spread = ours.iter().zip(theirs).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / (all_ours + all_theirs);
    let is_same =
        all_ours >= FEWEST_OF_ONE && (all_theirs - all_ours).abs() <= (APART * all_ours).max(2.0) && spread <= BY_CHANCE;
    is_same.then_some(spread)
}

/// Hangs each inner request under the outer one that lies around it and is least longer, one to one; what finds none goes to
/// the nearest that is left.
fn pair(rows: &Rows<'_>, outer: &Tier, inner: &Tier, partners: &HashMap<u32, u32>, links: &mut Links) {
    /// Outer requests that are looked at for one inner one.
    const FAR: usize = 2048;
    let mut taken = vec![false; outer.requests.len()];
    let step = outer.step_ns.max(1_000_000);
    let mut left: Vec<(i64, i64, u32)> = inner.requests.clone();
    for is_strict in [true, false] {
        left.retain(|&(end, start, row)| {
            let reach = if is_strict { step + SLACK_NS } else { 2 * step + 1_000_000_000 };
            let from = outer.requests.partition_point(|r| r.0.saturating_add(reach) < end);
            let lies_around = |r: &(i64, i64, u32)| {
                r.1 <= start.saturating_add(SLACK_NS + inner.step_ns)
                    && r.0.saturating_sub(r.1).saturating_add(SLACK_NS) >= end.saturating_sub(start)
            };
            let best = outer.requests[from..]
                .iter()
                .enumerate()
                .take(FAR)
                .filter(|(at, r)| {
                    !taken[from + at] && (if is_strict { lies_around(r) } else { r.1 <= end.saturating_add(reach) })
                })
                .filter(|(_, r)| partners.get(&rows.name(row as usize)) == Some(&rows.name(r.2 as usize)))
                // Coarse stamps say little: of those that fit, the one whose length is nearest.
                .min_by_key(|(_, r)| {
                    (r.0.saturating_sub(end).max(0) / step, r.0.saturating_sub(r.1).abs_diff(end.saturating_sub(start)))
                });
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
        Tier { family, shape: family, requests, step_ns, states_parts: family > 0, is_proxy: false }
    }

    #[test]
    fn whole_seconds_of_starts_are_told_from_those_of_ends() {
        const SECOND: i64 = 1_000_000_000;
        let starts = tier(0, SECOND, (0..9).map(|i| (i * SECOND, i * SECOND + 7)));
        let ends = tier(0, SECOND, (1..9).map(|i| (i * SECOND - 7, i * SECOND)));
        assert_eq!((starts.cuts_starts(), ends.cuts_starts()), (true, false));
        // Period by period the same, but for one at an edge; and two that merely add up to the same.
        assert!(apart(&[10.0, 20.0, 10.0], &[10.0, 19.0, 11.0]).is_some());
        assert_eq!(apart(&[10.0, 20.0, 10.0], &[15.0, 12.0, 13.0]), None);
        assert_eq!((ends.span(), ends.mean_ns()), ((SECOND - 7, 8 * SECOND), 7.0));
    }
}
