//! What requests did to one resource within a window: time held, waits, demand per endpoint, spread.

use super::model::{Requests, Resource};
use super::stats::{mean, nearest_rank, variance};
use super::sweep::Steps;
use super::window::Window;

/// Completions within a window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completions {
    /// All.
    pub total: u64,
    /// Those that did what was asked.
    pub success: u64,
    /// Successful ones by endpoint.
    pub by_endpoint: Vec<u64>,
}

/// Counts completions.
pub fn completions(requests: &Requests<'_>, endpoints: usize, window: Window) -> Completions {
    let mut out = Completions { by_endpoint: vec![0; endpoints], ..Completions::default() };
    for request in requests.iter().filter(|r| window.contains(r.end_ns)) {
        out.total += 1;
        if request.success {
            out.success += 1;
            if let Some(count) = out.by_endpoint.get_mut(request.endpoint as usize) {
                *count += 1;
            }
        }
    }
    out
}

/// One resource's use within a window; times in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Slot time taken, nested waits included: sum of overlaps.
    pub busy: f64,
    /// Slot time taken without nested waits.
    pub intrinsic: f64,
    /// Part of it in which what lies behind worked; `None` where the holds do not say.
    pub work: Option<f64>,
    /// Intrinsic slot time by endpoint.
    pub by_endpoint: Vec<f64>,
    /// Slots granted within the window.
    pub granted: u64,
    /// Acquisitions that gave up within the window.
    pub refused: u64,
    /// Acquisitions, granted or not, that waited longer than the resolution.
    pub waited: u64,
    /// Calls made in the holds granted within the window.
    pub calls: u64,
    /// Mean wait of all acquisitions.
    pub wait_mean: Option<f64>,
    /// 95th percentile of the waits of all acquisitions.
    pub wait_p95: Option<f64>,
    /// Mean hold, nested waits included.
    pub hold_mean: Option<f64>,
    /// Mean intrinsic hold.
    pub intrinsic_mean: Option<f64>,
    /// Squared coefficient of variation of the intrinsic hold.
    pub hold_scv: Option<f64>,
    /// Squared coefficient of variation of the time between two askings.
    pub arrival_scv: Option<f64>,
}

impl Usage {
    /// Acquisitions asked for, granted or not.
    pub fn acquisitions(&self) -> u64 {
        self.granted + self.refused
    }

    /// Takes the slots to have been taken for `seconds` in all, by whoever was seen to take them.
    pub fn fill(&mut self, seconds: f64) {
        let ratio = if self.busy > 0.0 { seconds / self.busy } else { 1.0 };
        self.busy *= ratio;
        self.intrinsic *= ratio;
        self.by_endpoint.iter_mut().for_each(|own| *own *= ratio);
    }

    /// Share of acquisitions that waited.
    pub fn waited_share(&self) -> Option<f64> {
        (self.acquisitions() > 0).then(|| self.waited as f64 / self.acquisitions() as f64)
    }
}

/// Measures a resource within a window.
pub fn measure(resource: &Resource, requests: &Requests<'_>, endpoints: usize, window: Window) -> Usage {
    let mut out = Usage { by_endpoint: vec![0.0; endpoints], ..Usage::default() };
    let (mut waits, mut holds, mut intrinsic, mut asked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut work, mut says_work) = (0.0, true);
    for hold in &resource.holds {
        let held = hold.held_ns();
        let inside = window.overlap(hold.grant_ns, hold.release_ns) as f64 / 1e9;
        if held > 0 && inside > 0.0 {
            let own = inside * hold.intrinsic_ns() as f64 / held as f64;
            out.busy += inside;
            out.intrinsic += own;
            match hold.work_ns {
                Some(part) => work += inside * (part.clamp(0, held) as f64 / held as f64),
                None => says_work = false,
            }
            let endpoint = requests.get(hold.request as usize).map(|r| r.endpoint as usize);
            if let Some(sum) = endpoint.and_then(|e| out.by_endpoint.get_mut(e)) {
                *sum += own;
            }
        }
        if !window.contains(hold.grant_ns) {
            continue;
        }
        let wait = hold.wait_ns.max(0);
        waits.push(wait);
        asked.push(hold.grant_ns.saturating_sub(wait));
        out.waited += u64::from(wait > resource.wait_resolution_ns.max(0));
        if hold.granted {
            out.granted += 1;
            out.calls += u64::from(hold.calls);
            holds.push(held as f64 / 1e9);
            intrinsic.push(hold.intrinsic_ns() as f64 / 1e9);
        } else {
            out.refused += 1;
        }
    }
    out.work = (says_work && out.busy > 0.0).then_some(work);
    let seconds: Vec<f64> = waits.iter().map(|w| *w as f64 / 1e9).collect();
    out.wait_mean = mean(&seconds);
    waits.sort_unstable();
    out.wait_p95 = nearest_rank(&waits, 0.95).map(|w| w as f64 / 1e9);
    out.hold_mean = mean(&holds);
    out.intrinsic_mean = mean(&intrinsic);
    out.hold_scv = squared_variation(&intrinsic);
    asked.sort_unstable();
    out.arrival_scv = squared_variation(&asked.windows(2).map(|p| p[1].saturating_sub(p[0]) as f64).collect::<Vec<_>>());
    out
}

/// The resource's holders as steps.
pub fn steps(resource: &Resource) -> Steps {
    Steps::new(resource.holds.iter().filter(|h| h.granted).map(|h| (h.grant_ns, h.release_ns)))
}

fn squared_variation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    (centre > 0.0).then(|| variance(values).map(|v| v / (centre * centre))).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::model::{Hold, Kind, Request};
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn overlaps_are_cut_and_nested_waits_removed() {
        let request = |endpoint, success| Request { start_ns: 0, end_ns: 5 * SECOND, endpoint, success };
        let requests: Requests<'_> = [request(0, true), request(1, false)].into_iter().collect();
        let mut resource = Resource::new("workers", Kind::Threads);
        // Held 0..4 s, half of it waiting inside; the window sees 2 of the 4 s.
        resource.holds.push(Hold { nested_wait_ns: 2 * SECOND, ..Hold::new(0, 4 * SECOND, 0, 0) });
        resource.holds.push(Hold::new(3 * SECOND, 5 * SECOND, SECOND, 1));
        resource.holds.push(Hold { granted: false, ..Hold::new(3 * SECOND, 3 * SECOND, SECOND, 1) });
        let window = Window { from_ns: 2 * SECOND, to_ns: 10 * SECOND };
        let out = measure(&resource, &requests, 2, window);
        assert_eq!((out.busy, out.intrinsic, out.by_endpoint.as_slice()), (4.0, 3.0, [1.0, 2.0].as_slice()));
        assert_eq!((out.granted, out.refused, out.waited, out.work), (1, 1, 2, None));
        assert_eq!((out.wait_mean, out.wait_p95, out.hold_mean), (Some(1.0), Some(1.0), Some(2.0)));
        let done = completions(&requests, 2, window);
        assert_eq!((done.total, done.success, done.by_endpoint), (2, 1, vec![1, 0]));
    }
}
