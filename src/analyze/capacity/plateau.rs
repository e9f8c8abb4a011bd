//! A throughput that no longer grows with the load, whether or not any resource in the logs is full: then something is that no
//! log names. Calm parts have a lower rate than busy ones, since under a steady rate more are inside merely because some are slow.

use super::model::Requests;
use super::stats::{Estimate, batch_means, nearest_rank};
use super::sweep::Steps;
use super::window::{Finder, Window};

/// What calm and busy parts of a log show of its throughput.
#[derive(Debug, Clone, PartialEq)]
pub struct Plateau {
    /// Which parts of the log are calm and which are busy.
    pub sides: Sides,
    /// Completions a second in calm and in busy parts.
    pub throughput: (f64, f64),
    /// Successful completions a second in busy parts, with its interval.
    pub goodput: Estimate,
    /// Mean number of requests inside in calm and in busy parts.
    pub concurrency: (f64, f64),
    /// Typical response time in calm and in busy parts at the busy parts' mix of endpoints, in seconds.
    pub response: (f64, f64),
}

/// The calm and the busy parts of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Sides {
    parts: Vec<Window>,
    side: Vec<Option<usize>>,
}

impl Sides {
    fn new(parts: Vec<Window>, calm: &[usize], busy: &[usize]) -> Self {
        let mut side = vec![None; parts.len()];
        calm.iter().for_each(|&at| side[at] = Some(0));
        busy.iter().for_each(|&at| side[at] = Some(1));
        Sides { parts, side }
    }

    /// Tells of moments, which come nearly in order, the side: 0 is calm, 1 is busy, `None` neither.
    pub fn finder(&self) -> impl FnMut(i64) -> Option<usize> {
        let mut finder = Finder::new(&self.parts);
        move |moment| {
            let at = finder.find(moment);
            self.parts.get(at).filter(|part| part.contains(moment)).and_then(|_| self.side[at])
        }
    }
}

/// Requests of an endpoint on either side below which its times are not compared.
pub const COMPARABLE: usize = 5;
/// Completions in a part, on average; with fewer a calm part may be chance.
const A_PART: usize = 100;
/// Completions in all calm parts together.
const FEWEST: usize = 50;
/// How much more are inside in busy parts: the calmer the calm parts, the less of the change between the two is in them.
const MORE_INSIDE: [f64; 2] = [10.0, 3.0];
/// How much longer requests take in busy parts: random arrivals at a busy resource with room left wait for less.
const LONGER: f64 = 5.5;

/// The plateau of a log, if there is one.
pub fn plateau(requests: &Requests<'_>, endpoints: usize, inside: &Steps, window: Window) -> Option<Plateau> {
    let parts = window.parts((requests.len() / A_PART).clamp(1, 60));
    let mut finder = Finder::new(&parts);
    let (mut done, mut good) = (vec![0usize; parts.len()], vec![0usize; parts.len()]);
    for request in requests.iter() {
        let at = finder.find(request.end_ns);
        if let (Some(done), Some(good)) = (done.get_mut(at), good.get_mut(at)) {
            *done += 1;
            *good += usize::from(request.success);
        }
    }
    let rate = |at: usize| done[at] as f64 / parts[at].seconds();
    let concurrency = |at: usize| inside.mean(parts[at].from_ns, parts[at].to_ns);
    let mut crowds: Vec<f64> = (0..parts.len()).map(concurrency).collect();
    crowds.sort_by(f64::total_cmp);
    let crowd = nearest_rank(&crowds, 0.9)?;
    let busy: Vec<usize> = (0..parts.len()).filter(|&at| concurrency(at) >= 0.8 * crowd).collect();
    let mean = |chosen: &[usize], of: &dyn Fn(usize) -> f64| chosen.iter().map(|&at| of(at)).sum::<f64>() / chosen.len() as f64;
    let (busy_inside, busy_rate) = (mean(&busy, &concurrency), mean(&busy, &rate));
    let calm = MORE_INSIDE.into_iter().find_map(|more| {
        let is_calm = |at: &usize| done[*at] > 0 && rate(*at) <= 0.7 * busy_rate && more * concurrency(*at) <= busy_inside;
        let calm: Vec<usize> = (0..parts.len()).filter(is_calm).collect();
        (calm.iter().map(|&at| done[at]).sum::<usize>() >= FEWEST).then_some(calm)
    })?;
    let (throughput, concurrency) = ((mean(&calm, &rate), busy_rate), (mean(&calm, &concurrency), busy_inside));
    let goodput = batch_means(&busy.iter().map(|&at| good[at] as f64 / parts[at].seconds()).collect::<Vec<_>>())?;
    let sides = Sides::new(parts, &calm, &busy);
    let found = Plateau { throughput, goodput, concurrency, response: responses(requests, endpoints, &sides)?, sides };
    (found.response.1 >= LONGER * found.response.0).then_some(found)
}

/// Typical response times in calm and in busy parts, in seconds: medians of endpoints that were called in both, at the busy
/// parts' mix. A median shrugs off the few that were begun in one and ended in the other.
fn responses(requests: &Requests<'_>, endpoints: usize, sides: &Sides) -> Option<(f64, f64)> {
    let mut seen: Vec<[Vec<i64>; 2]> = vec![Default::default(); endpoints];
    let mut side_of = sides.finder();
    for request in requests.iter() {
        if let (Some(side), Some(seen)) = (side_of(request.end_ns), seen.get_mut(request.endpoint as usize)) {
            seen[side].push(request.end_ns.saturating_sub(request.start_ns));
        }
    }
    let median = |values: &mut Vec<i64>| {
        let middle = values.len() / 2;
        *values.select_nth_unstable(middle).1 as f64 / 1e9
    };
    let (mut calm, mut busy, mut weight, mut all) = (0.0, 0.0, 0.0, 0.0);
    for [quiet, crowded] in &mut seen {
        let n = crowded.len() as f64;
        all += n;
        if quiet.len() >= COMPARABLE && crowded.len() >= COMPARABLE {
            calm += n * median(quiet);
            busy += n * median(crowded);
            weight += n;
        }
    }
    (weight > 0.0 && weight >= 0.5 * all).then(|| (calm / weight, busy / weight))
}

#[cfg(test)]
mod tests {
    use super::super::model::Request;
    use super::super::window::whole;
    use super::*;

    const MS: i64 = 1_000_000;

    /// Ten seconds at `calm` requests a second of 50 ms each, then twenty at 100 a second of `busy_ms`.
    fn log(calm: i64, busy_ms: i64) -> Requests<'static> {
        let request =
            |start: i64, length: i64| Request { start_ns: start, end_ns: start + length * MS, endpoint: 0, success: true };
        let calm_part = (0..10 * calm).map(|i| request(i * 1_000 * MS / calm, 50));
        let busy_part = (0..2_000).map(|i| request(10_000 * MS + i * 10 * MS, busy_ms));
        calm_part.chain(busy_part).collect()
    }

    fn of(requests: &Requests<'_>) -> Option<Plateau> {
        plateau(requests, 1, &Steps::new(requests.spans()), whole(requests).expect("not empty"))
    }

    #[test]
    fn longer_answers_under_load_make_a_plateau() {
        // 20 a second with one inside, 100 a second with 50: five times the rate takes fifty times the requests.
        let found = of(&log(20, 500)).expect("a plateau");
        assert!((found.throughput.0 - 20.0).abs() < 2.0 && (found.throughput.1 - 100.0).abs() < 3.0, "{found:?}");
        assert!((found.response.0 - 0.05).abs() < 0.01 && (found.response.1 - 0.5).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn a_rate_that_grows_with_the_load_is_none() {
        assert_eq!(of(&log(20, 60)), None);
        assert_eq!(of(&log(100, 60)), None, "a steady load tells nothing");
    }
}
