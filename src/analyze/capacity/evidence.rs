//! Whether a resource is saturated, and by which evidence: waits that grow, holds that stay flat, a plateau, time at the cap, use.

use super::stats::{mean, spearman, weighted_slope};

/// A resource's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Full, and requests wait for it.
    Saturated,
    /// Over 70 % used.
    Near,
    /// Room left.
    Headroom,
    /// The size is not known.
    Unknown,
}

impl Verdict {
    /// The name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Saturated => "saturated",
            Self::Near => "near",
            Self::Headroom => "headroom",
            Self::Unknown => "unknown",
        }
    }
}

/// What one bin of the log shows; bins hold equal numbers of requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Mean number of requests in the system.
    pub concurrency: f64,
    /// Completions per second.
    pub throughput: f64,
    /// Mean wait for the resource, seconds; `None` where none was asked for.
    pub wait: Option<f64>,
    /// Mean intrinsic hold, seconds.
    pub hold: Option<f64>,
}

/// Everything the verdict rests on; `None` is not measurable.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// E1: rank correlation of wait and concurrency, with its p.
    pub wait_growth: Option<(f64, f64)>,
    /// E2: hold in the busiest quarter of bins over that in calm ones, with half as many inside at most.
    pub hold_ratio: Option<f64>,
    /// E3: d ln X / d ln N over the busier half of bins.
    pub plateau_slope: Option<f64>,
    /// E4: share of the time with all slots taken.
    pub at_cap_share: Option<f64>,
    /// E5: share of slot time used.
    pub utilization: Option<f64>,
    /// Share of acquisitions that waited longer than the resolution.
    pub waited_share: Option<f64>,
    /// Share of its slot time that records account for, where nearly all wait and it is thus full.
    pub accounted_share: Option<f64>,
    /// A full period of the log, seconds, if it is only a part.
    pub full_seconds: Option<f64>,
}

impl Evidence {
    /// Fills E1 to E3 from bins; below 20 bins they stay unknown.
    pub fn from_bins(bins: &[Bin]) -> Self {
        let mut out = Self::default();
        if bins.len() < 20 {
            return out;
        }
        let mut order: Vec<&Bin> = bins.iter().collect();
        order.sort_by(|a, b| a.concurrency.total_cmp(&b.concurrency));
        let waits: Vec<(f64, f64)> = order.iter().filter_map(|b| Some((b.wait?, b.concurrency))).collect();
        let (wait, beside): (Vec<f64>, Vec<f64>) = waits.into_iter().unzip();
        out.wait_growth = spearman(&wait, &beside).map(|c| (c.rho, c.p_value));
        let (rest, busiest) = order.split_at(order.len() - bins.len() / 4);
        let hold = |part: &[&Bin]| mean(&part.iter().filter_map(|b| b.hold).collect::<Vec<_>>());
        // Calm is what has half as many inside, at most a quarter of all; a log without such bins cannot tell.
        let crowd = mean(&busiest.iter().map(|b| b.concurrency).collect::<Vec<_>>()).unwrap_or(0.0);
        let calm = rest.partition_point(|b| b.concurrency <= 0.5 * crowd).min(bins.len() / 4);
        out.hold_ratio = hold(busiest).zip(hold(&rest[..calm])).filter(|(_, low)| *low > 0.0).map(|(h, l)| h / l);
        let busy = &order[order.len() / 2..];
        // Over a load that hardly varies the slope is noise.
        if busy[0].concurrency > 0.0 && busy[busy.len() - 1].concurrency >= 1.25 * busy[0].concurrency {
            let usable: Vec<(f64, f64)> =
                busy.iter().filter(|b| b.throughput > 0.0).map(|b| (b.concurrency.ln(), b.throughput.ln())).collect();
            let (x, y): (Vec<f64>, Vec<f64>) = usable.into_iter().unzip();
            out.plateau_slope = weighted_slope(&x, &y, &vec![1.0; x.len()]).map(|s| s.0);
        }
        out
    }

    fn waits_grow(&self) -> bool {
        self.wait_growth.is_some_and(|(rho, p)| rho > 0.6 && p < 0.01)
    }

    fn is_plateau(&self) -> bool {
        self.plateau_slope.is_some_and(|slope| slope < 0.15)
    }

    /// Under a load that never varies nothing can grow; that most have to wait is then the same evidence.
    fn most_wait(&self) -> bool {
        self.waited_share.is_some_and(|share| share >= 0.5)
    }

    fn is_full(&self) -> bool {
        let at_cap = self.at_cap_share.is_some_and(|share| share >= 0.5);
        self.utilization.is_some_and(|used| used >= if at_cap { 0.85 } else { 0.9 })
    }

    /// Full, and by waits or plateau the limit. A pool that is busy while nobody waits for it is only near.
    pub fn verdict(&self) -> Verdict {
        let Some(used) = self.utilization else { return Verdict::Unknown };
        let waited_for = self.waited_share.is_none_or(|share| share > 0.05);
        if self.is_full() && waited_for && (self.waits_grow() || self.is_plateau() || self.most_wait()) {
            Verdict::Saturated
        } else if used >= 0.7 {
            Verdict::Near
        } else {
            Verdict::Headroom
        }
    }

    /// One sentence per known piece.
    pub fn sentences(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(seconds) = self.full_seconds {
            out.push(format!("full for {seconds:.1} s of the log"));
        }
        match (self.accounted_share, self.utilization) {
            (Some(share), _) => out.push(format!("{:.1} % of its slot time accounted for by records", 100.0 * share)),
            (None, Some(used)) => out.push(format!("{:.1} % of its slot time used", 100.0 * used)),
            (None, None) => {}
        }
        if let Some(share) = self.at_cap_share {
            // The sum of nothing is -0.0, which no reader wants to see.
            out.push(format!("all slots taken {:.1} % of the time", 100.0 * share + 0.0));
        }
        if let Some(share) = self.waited_share {
            out.push(format!("{:.1} % of acquisitions waited", 100.0 * share));
        }
        if let Some((rho, p)) = self.wait_growth {
            let p = if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") };
            out.push(format!("rank correlation of wait and concurrency {rho:.2} ({p})"));
        }
        if let Some(ratio) = self.hold_ratio {
            let meaning = match ratio {
                r if (0.8..=1.25).contains(&r) => "flat: nothing behind it slows down",
                r if r > 1.5 => "it grows with load: the limit is behind it",
                _ => "not conclusive",
            };
            out.push(format!("hold in the busiest quarter of the log {ratio:.2} times that in its calm parts ({meaning})"));
        }
        if let Some(slope) = self.plateau_slope {
            out.push(format!("throughput grows by {slope:.2} % for each 1 % of concurrency in the busier half"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(wait: impl Fn(f64) -> f64, throughput: impl Fn(f64) -> f64) -> Vec<Bin> {
        (1..=24)
            .map(f64::from)
            .map(|n| Bin { concurrency: n, throughput: throughput(n), wait: Some(wait(n)), hold: Some(0.1) })
            .collect()
    }

    #[test]
    fn full_with_growing_waits_is_saturated() {
        let mut out = Evidence::from_bins(&bins(|n| n * 0.1, |_| 30.0));
        assert_eq!(out.wait_growth.map(|w| w.0), Some(1.0));
        assert!(out.plateau_slope.expect("varies").abs() < 1e-9 && (out.hold_ratio.expect("holds") - 1.0).abs() < 1e-9);
        assert_eq!(out.verdict(), Verdict::Unknown);
        out.utilization = Some(0.97);
        assert_eq!(out.verdict(), Verdict::Saturated);
        assert!(out.sentences().iter().any(|s| s.contains("flat")));
    }

    #[test]
    fn a_busy_pool_that_nobody_waits_for_is_not_the_cause() {
        let mut out = Evidence::from_bins(&bins(|_| 0.0, |_| 30.0));
        (out.utilization, out.waited_share) = (Some(0.99), Some(0.0));
        assert_eq!(out.verdict(), Verdict::Near);
        out.utilization = Some(0.3);
        assert_eq!(out.verdict(), Verdict::Headroom);
    }

    #[test]
    fn a_steady_load_is_judged_by_who_waits() {
        let out = Evidence { utilization: Some(0.99), waited_share: Some(0.99), ..Evidence::default() };
        assert_eq!(out.verdict(), Verdict::Saturated);
        assert!(Evidence::from_bins(&bins(|n| n, |n| n)[..10]).wait_growth.is_none());
    }
}
