//! Which tier stands before which.

use hashbrown::HashMap;
use parsers::{Kind, Role};

use super::groups::Groups;
use super::{Links, NONE};
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::NULL_I64;

/// The requests of one log, or of one service in a log of spans.
pub(crate) type TierKey = (u32, u32);

/// The tier of a request row.
pub(crate) fn tier_of(rows: &Rows<'_>, origins: &[Origin], row: usize) -> TierKey {
    (origins[rows.source[row] as usize].family, rows.service(row))
}

/// Tiers from the outside in.
pub(super) struct Tiers {
    rank: HashMap<TierKey, u32>,
}

/// What is known of one tier.
#[derive(Clone, Copy, Default)]
struct Seen {
    rows: u64,
    client: bool,
    proxies: u64,
    states_parts: u64,
}

impl Tiers {
    pub(super) fn of(rows: &Rows<'_>, origins: &[Origin], groups: &Groups, links: &Links) -> Tiers {
        let mut seen: HashMap<TierKey, Seen> = HashMap::new();
        // How much longer the requests of one tier took than those of another, summed over groups.
        let mut longer: HashMap<(TierKey, TierKey), i128> = HashMap::new();
        for group in groups.iter() {
            let plain = |&&row: &&u32| rows.is(row as usize, Kind::Request) && rows.span(row as usize).is_none();
            let requests: Vec<u32> = group.iter().filter(plain).copied().collect();
            for &row in &requests {
                let parts = rows.parts(row as usize);
                let tier = seen.entry(tier_of(rows, origins, row as usize)).or_default();
                tier.rows += 1;
                tier.client |= rows.role(row as usize) == Role::Client;
                tier.proxies += u64::from(parts[5].is_some() || rows.peer(row as usize) != NONE);
                tier.states_parts += u64::from(parts[..4].iter().any(Option::is_some));
            }
            // What each pair of tiers differs by, over all pairs of their requests, from sums alone.
            let mut sums: Vec<(TierKey, i128, i128)> = Vec::new();
            for &row in &requests {
                let (key, ns) = (tier_of(rows, origins, row as usize), links.duration[row as usize]);
                if ns == NULL_I64 {
                    continue;
                }
                match sums.iter_mut().find(|sum| sum.0 == key) {
                    Some(sum) => (sum.1, sum.2) = (sum.1 + 1, sum.2 + i128::from(ns)),
                    None => sums.push((key, 1, i128::from(ns))),
                }
            }
            for &(a, many_a, sum_a) in &sums {
                for &(b, many_b, sum_b) in sums.iter().filter(|sum| sum.0 != a) {
                    *longer.entry((a, b)).or_default() += many_b * sum_a - many_a * sum_b;
                }
            }
        }
        let mut order: Vec<(TierKey, Seen)> = seen.into_iter().collect();
        let wins = |key: &TierKey| longer.iter().filter(|((a, _), ns)| a == key && **ns > 0).count();
        // A load generator stands before proxies, proxies before servers, and the log that states
        // where its time went is written by the innermost code; else the longer one is outside.
        order.sort_by_key(|(key, tier)| {
            let most = |n: u64| n * 2 > tier.rows;
            (!tier.client, !most(tier.proxies), most(tier.states_parts), std::cmp::Reverse(wins(key)), *key)
        });
        Tiers { rank: order.into_iter().enumerate().map(|(rank, (key, _))| (key, rank as u32)).collect() }
    }

    /// 0 is outermost.
    pub(super) fn rank(&self, key: TierKey) -> u32 {
        self.rank.get(&key).copied().unwrap_or(0)
    }
}
