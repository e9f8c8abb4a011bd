//! Sweeps over intervals: how many are active when, area under it, completions per level, and the size a pool shows.
//!
//! Intervals are half-open: at equal times ends come before starts, and one without length is never active.

use super::model::Hold;
use super::stats::weighted_slope;

/// The number active as a step function, with its area.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Steps {
    times: Vec<i64>,
    levels: Vec<u32>,
    /// The area up to every [`EVERY`]th of the times.
    areas: Vec<i128>,
}

/// How many steps are added up for an area: fewer cost memory, more cost time.
const EVERY: usize = 32;

impl Steps {
    /// From intervals in any order; those that end before they start are left out.
    pub fn new(intervals: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let intervals = intervals.into_iter();
        let most = intervals.size_hint().1.unwrap_or(0);
        let (mut starts, mut ends) = (Vec::with_capacity(most), Vec::with_capacity(most));
        for (start, end) in intervals.filter(|(s, e)| e > s) {
            starts.push(start);
            ends.push(end);
        }
        let ((starts, mut times), ()) = rayon::join(|| sorted(starts), || ends.sort_unstable());
        times.clear();
        let mut out = Self { times, levels: Vec::with_capacity(starts.len()), ..Self::default() };
        let (mut level, mut area, mut s, mut e) = (0_u32, 0_i128, 0, 0);
        while e < ends.len() {
            let at = starts.get(s).map_or(ends[e], |start| ends[e].min(*start));
            if let Some(before) = out.times.last() {
                area += i128::from(level) * i128::from(at.saturating_sub(*before));
            }
            while ends.get(e) == Some(&at) {
                (level, e) = (level.saturating_sub(1), e + 1);
            }
            while starts.get(s) == Some(&at) {
                (level, s) = (level.saturating_add(1), s + 1);
            }
            if out.times.len().is_multiple_of(EVERY) {
                out.areas.push(area);
            }
            out.times.push(at);
            out.levels.push(level);
        }
        out
    }

    /// The most that were active at once.
    pub fn max(&self) -> u32 {
        self.levels.iter().copied().max().unwrap_or(0)
    }

    /// The most that were active at once within a period.
    pub fn max_within(&self, from: i64, to: i64) -> u32 {
        let first = self.times.partition_point(|t| *t <= from).saturating_sub(1);
        let last = self.times.partition_point(|t| *t < to);
        self.levels.get(first..last).and_then(|l| l.iter().copied().max()).unwrap_or(0)
    }

    /// How many are active at a moment.
    pub fn level_at(&self, at: i64) -> u32 {
        self.times.partition_point(|t| *t <= at).checked_sub(1).map_or(0, |i| self.levels[i])
    }

    /// Active time up to a moment: the sum of all durations so far.
    fn area_to(&self, at: i64) -> i128 {
        let Some(i) = self.times.partition_point(|t| *t <= at).checked_sub(1) else { return 0 };
        let first = i - i % EVERY;
        let ends = self.times[first + 1..=i].iter().chain([&at]);
        let steps = self.times[first..=i].iter().zip(ends).zip(&self.levels[first..=i]);
        steps.fold(self.areas[i / EVERY], |area, ((from, to), level)| {
            area + i128::from(*level) * i128::from(to.saturating_sub(*from))
        })
    }

    /// Active time within a period, in nanoseconds times holders.
    pub fn area(&self, from: i64, to: i64) -> f64 {
        (self.area_to(to) - self.area_to(from)).max(0) as f64
    }

    /// The mean number active in a period.
    pub fn mean(&self, from: i64, to: i64) -> f64 {
        if to > from { self.area(from, to) / to.saturating_sub(from) as f64 } else { 0.0 }
    }

    /// Time at each level within a period; the index is the level.
    pub fn time_at(&self, from: i64, to: i64) -> Vec<i64> {
        let mut out = vec![0_i64; self.max() as usize + 1];
        let mut add = |level: u32, start: i64, end: i64| {
            let length = end.min(to).saturating_sub(start.max(from));
            if length > 0 {
                out[level as usize] = out[level as usize].saturating_add(length);
            }
        };
        let Some((first, last)) = self.times.first().zip(self.times.last()) else { return out };
        add(0, from, *first);
        for (pair, level) in self.times.windows(2).zip(&self.levels) {
            add(*level, pair[0], pair[1]);
        }
        add(0, *last, to);
        out
    }

    /// The first and the last moment at which the number changes.
    pub fn span(&self) -> Option<(i64, i64)> {
        Some((*self.times.first()?, *self.times.last()?))
    }
}

/// Moments in order, and memory to be used again. Logs are nearly in order of time: moments are first told apart by the periods
/// they lie in, each for a few of them, and then each period is sorted, which stays within the cache.
fn sorted(mut moments: Vec<i64>) -> (Vec<i64>, Vec<i64>) {
    const FEW: usize = 4_096;
    const A_PERIOD: usize = 8;
    let (first, last) = moments.iter().fold((i64::MAX, i64::MIN), |(a, b), &m| (a.min(m), b.max(m)));
    if moments.len() < FEW || moments.is_sorted() {
        moments.sort_unstable();
        return (moments, Vec::new());
    }
    // Periods are a power of two long, so that none needs a division.
    let length = last.abs_diff(first) / (moments.len() / A_PERIOD) as u64;
    let period = |moment: i64| (moment.abs_diff(first) >> (length.max(1).ilog2() + 1)) as usize;
    let mut places = vec![0_u32; period(last) + 2];
    moments.iter().for_each(|&moment| places[period(moment) + 1] += 1);
    for i in 1..places.len() {
        places[i] += places[i - 1];
    }
    let mut out = vec![0; moments.len()];
    for &moment in &moments {
        let place = &mut places[period(moment)];
        out[*place as usize] = moment;
        *place += 1;
    }
    let mut from = 0;
    for &to in &places[..places.len() - 1] {
        out[from..to as usize].sort_unstable();
        from = to as usize;
    }
    (out, moments)
}

/// Time and completions with exactly `n` active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// How many were active.
    pub n: u32,
    /// For how long.
    pub time_ns: i64,
    /// How many of them ended.
    pub completions: u64,
}

impl Level {
    /// Completions per second at this level.
    pub fn rate(&self) -> f64 {
        self.completions as f64 / (self.time_ns as f64 / 1e9)
    }
}

/// The load-dependent rate: completions and time for each number active within a period, from 1 upward.
pub fn levels(intervals: &[(i64, i64)], from: i64, to: i64) -> Vec<Level> {
    let steps = Steps::new(intervals.iter().copied());
    let mut out: Vec<Level> = steps
        .time_at(from, to)
        .into_iter()
        .enumerate()
        .skip(1)
        .map(|(n, time_ns)| Level { n: n as u32, time_ns, completions: 0 })
        .collect();
    let mut ends: Vec<i64> = intervals.iter().filter(|(s, e)| e > s && *e >= from && *e < to).map(|i| i.1).collect();
    ends.sort_unstable();
    let (mut at, mut same) = (i64::MIN, 0);
    for end in ends {
        // Of several that end together the second one leaves a level lower.
        same = if end == at { same + 1 } else { 0 };
        at = end;
        let before = steps.level_at(end.saturating_sub(1)).saturating_sub(same);
        if let Some(level) = before.checked_sub(1).and_then(|i| out.get_mut(i as usize)) {
            level.completions += 1;
        }
    }
    out
}

/// How the rate grows with the number active: 1 is in proportion, 0 not at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elasticity {
    /// Slope of ln rate on ln n.
    pub slope: f64,
    /// Its standard error.
    pub error: f64,
    /// Levels used.
    pub levels: usize,
    /// Completions behind it.
    pub completions: u64,
}

/// The elasticity over levels `low..=high`, weighted by completions, from levels with at least 20 of them.
///
/// `None` below three levels or 200 completions, or where one level takes over 90 % of the time: then the log cannot tell.
pub fn elasticity(levels: &[Level], low: u32, high: u32) -> Option<Elasticity> {
    let total: f64 = levels.iter().map(|l| l.time_ns as f64).sum();
    let longest = levels.iter().map(|l| l.time_ns).max()?;
    if longest as f64 > 0.9 * total {
        return None;
    }
    let used: Vec<&Level> =
        levels.iter().filter(|l| (low..=high).contains(&l.n) && l.completions >= 20 && l.time_ns > 0).collect();
    let completions = used.iter().map(|l| l.completions).sum();
    if used.len() < 3 || completions < 200 {
        return None;
    }
    let column = |f: &dyn Fn(&Level) -> f64| used.iter().map(|l| f(l)).collect::<Vec<f64>>();
    let (slope, error) =
        weighted_slope(&column(&|l| f64::from(l.n).ln()), &column(&|l| l.rate().ln()), &column(&|l| l.completions as f64))?;
    Some(Elasticity { slope, error, levels: used.len(), completions })
}

/// A size read from the holders that were active in the middle of waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inferred {
    /// The most frequent number of holders.
    pub size: u32,
    /// Share of waits that saw this number or a neighbour of it.
    pub share: f64,
    /// Waits looked at.
    pub waits: usize,
}

/// The mid-wait mode: whoever waits, waits because all slots are taken. `None` below 30 waits longer than three times the
/// stamps' and twice the durations' resolution, and where stamps are as coarse as a second.
pub fn infer_size(holds: &[Hold], resolution_ns: i64, wait_resolution_ns: i64) -> Option<Inferred> {
    if resolution_ns >= 1_000_000_000 {
        return None;
    }
    let steps = Steps::new(holds.iter().filter(|h| h.granted).map(|h| (h.grant_ns, h.release_ns)));
    let mut seen: Vec<u64> = vec![0; steps.max() as usize + 1];
    let (mut waits, least) = (0, resolution_ns.saturating_mul(3).max(wait_resolution_ns.saturating_mul(2)));
    for hold in holds.iter().filter(|h| h.granted && h.wait_ns > least.max(0)) {
        seen[steps.level_at(hold.grant_ns.saturating_sub(hold.wait_ns / 2)) as usize] += 1;
        waits += 1;
    }
    if waits < 30 {
        return None;
    }
    let (size, _) = seen.iter().enumerate().rev().max_by_key(|(_, count)| **count)?;
    let near: u64 = seen[size.saturating_sub(1)..(size + 2).min(seen.len())].iter().sum();
    (size > 0).then_some(Inferred { size: size as u32, share: near as f64 / waits as f64, waits })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, simulated, vector};
    use super::*;

    #[test]
    fn overlap_vectors() {
        for case in vector("overlap.json")["cases"].as_array().expect("cases") {
            let intervals: Vec<(i64, i64)> = case["intervals"]
                .as_array()
                .expect("intervals")
                .iter()
                .map(|i| (i[0].as_i64().expect("start"), i[1].as_i64().expect("end")))
                .collect();
            let steps = Steps::new(intervals.iter().copied());
            assert_eq!(Some(u64::from(steps.max())), case["max"].as_u64());
            close(steps.area(i64::MIN / 2, i64::MAX / 2), case["area"].as_f64().expect("area"), 1e-12);
            let (from, to) = steps.span().expect("not empty");
            let time = steps.time_at(from, to);
            for (level, expected) in case["time_at"].as_object().expect("times") {
                assert_eq!(Some(time[level.parse::<usize>().expect("a level")]), expected.as_i64());
            }
        }
    }

    #[test]
    fn areas_within_a_period_cut_what_sticks_out() {
        let steps = Steps::new([(0, 10), (5, 15)]);
        assert_eq!(steps.area(3, 12), 2.0 + 5.0 * 2.0 + 2.0);
        assert_eq!(steps.mean(5, 10), 2.0);
        assert_eq!((steps.level_at(9), steps.level_at(10), steps.level_at(-1), steps.level_at(15)), (2, 1, 0, 0));
        assert_eq!(steps.time_at(-5, 20), [10, 10, 5]);
        assert_eq!((steps.max_within(0, 5), steps.max_within(9, 30), steps.max_within(15, 30)), (1, 2, 0));
    }

    #[test]
    fn moments_are_sorted_however_they_lie() {
        let scattered = |n: i64, range: i64| (0..n).map(|i| i * 7_919 % range - range / 2 + i).collect::<Vec<_>>();
        let far = |mut moments: Vec<i64>| {
            moments.extend([i64::MAX, i64::MIN, 0]);
            moments
        };
        for moments in [
            vec![],
            vec![7; 5_000],
            scattered(100, 30),
            scattered(9_000, 100),
            scattered(9_000, 1 << 40),
            far(scattered(9_000, 100)),
        ] {
            let mut expected = moments.clone();
            expected.sort_unstable();
            assert_eq!(sorted(moments).0, expected);
        }
    }

    #[test]
    fn the_load_dependent_rate_of_the_ramp_flattens_at_six_servers() {
        let system = simulated("ramp_dbsat", Some(64), None);
        let holds: Vec<(i64, i64)> = system.resources[1].holds.iter().map(|h| (h.grant_ns, h.release_ns)).collect();
        let found = levels(&holds, i64::MIN / 2, i64::MAX / 2);
        for expected in vector("ramp_dbsat.json")["mu_n"].as_array().expect("rates") {
            let level = found[expected["n"].as_u64().expect("n") as usize - 1];
            // The two sweeps may count the very last completion differently.
            assert!(level.completions.abs_diff(expected["count"].as_u64().expect("count")) <= 1);
            close(level.rate(), expected["mu"].as_f64().expect("mu"), 0.005);
        }
        let (low, high) = (elasticity(&found, 1, 8).expect("enough"), elasticity(&found, 8, 16).expect("enough"));
        assert!((low.slope - 0.96).abs() < 0.01, "{low:?}");
        assert!((high.slope - 0.06).abs() < 0.01, "{high:?}");
    }

    #[test]
    fn waits_show_the_size_of_the_pool() {
        for (name, workers, pool) in [("bank30", 50, 10), ("poolnogain", 64, 16), ("ramp_dbsat", 64, 16)] {
            let system = simulated(name, None, None);
            let found = infer_size(&system.resources[1].holds, 1_000, 1_000).expect("waits");
            assert_eq!(found.size, pool, "{name}");
            assert!(found.share > 0.85, "{name} {found:?}");
            if let Some(found) = infer_size(&system.resources[0].holds, 1_000, 1_000) {
                assert_eq!(found.size, workers, "{name}");
            }
        }
        assert_eq!(infer_size(&simulated("bank30", None, None).resources[1].holds, 1_000_000_000, 1_000), None);
    }
}
