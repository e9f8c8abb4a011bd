//! The system as a set of numbers that fixes change: sizes, demands, what is known of growth. Evaluates to a ceiling.

use super::growth::{Basis, Gain, Growth};
use super::model::{Kind, Size};
use super::nested::{Node, ceilings};

/// One resource's numbers. Demands are seconds of one slot per successful request.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// Its size now, after fixes so far.
    pub size: Size,
    /// All its slots are taken, so that a size of at least so many counts as the size.
    pub is_occupied: bool,
    /// Its size as logged, if known.
    pub logged_size: Option<u32>,
    /// The most seen in use at once.
    pub seen: f64,
    /// The resource that is held around it.
    pub parent: Option<usize>,
    /// Intrinsic hold per successful request, at the mix of the log.
    pub demand: f64,
    /// Part of it in which what lies behind worked.
    pub work: Option<f64>,
    /// Calls per successful request within its holds; 0 is not known.
    pub calls: f64,
    /// Demand of a successful request of each endpoint.
    pub by_endpoint: Vec<f64>,
    /// What the log says of more slots.
    pub growth: Growth,
    /// Successful requests a second at the top of what was seen, where growth is less than proportional.
    pub top_tps: Option<f64>,
    /// What it is known to carry whatever its size, in successful requests a second.
    pub shown_tps: f64,
    /// Relative half width of the 95 % confidence interval of its ceiling.
    pub sampling: f64,
    /// Coefficient of variation of its hold.
    pub variation: f64,
}

impl Station {
    /// The slots that can be counted on.
    pub fn slots(&self) -> Option<u32> {
        self.size.slots(self.is_occupied)
    }

    /// m / D; `None` where the size is not known or it takes no time.
    pub fn limit(&self) -> Option<f64> {
        self.slots().filter(|_| self.demand > 0.0).map(|m| f64::from(m) / self.demand)
    }

    /// Larger than it was when logged.
    pub fn is_enlarged(&self) -> bool {
        self.slots() > self.logged_size
    }

    /// A rate it does not exceed for what lies behind it. The cautious view counts on nothing that the log does not show.
    fn cap(&self, cautious: bool) -> Option<f64> {
        if self.demand <= 0.0 {
            return None;
        }
        let slots = self.slots().map(f64::from);
        match (self.growth.gain, self.top_tps) {
            _ if slots.is_none() => cautious.then_some(self.shown_tps),
            (Gain::SaturatedBehind, Some(top)) => Some(top),
            (Gain::Partial, Some(top)) if cautious && self.growth.basis == Basis::CalmAndBusy => Some(top),
            (Gain::Partial, Some(top)) => {
                let ratio = slots.unwrap_or(1.0) / self.growth.seen_to.max(1.0);
                Some(top * ratio.max(1e-9).powf(self.growth.slope.unwrap_or(0.0).clamp(0.0, 1.0)))
            }
            _ if cautious && self.is_enlarged() => match self.growth.gain {
                Gain::Scales => self.logged_size.map(|m| 4.0 * f64::from(m) / self.demand),
                _ => Some(self.shown_tps),
            },
            _ => None,
        }
    }

    fn node(&self, cautious: bool) -> Node {
        Node { demand: self.demand, size: self.slots(), parent: self.parent, cap: self.cap(cautious) }
    }
}

/// A statement's or call's time per successful request.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementDemand {
    /// Its id or text.
    pub name: String,
    /// The resource in whose holds it runs.
    pub resource: usize,
    /// Calls per successful request.
    pub calls: f64,
    /// Seconds per successful request.
    pub seconds: f64,
}

/// Everything a ceiling follows from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Every resource.
    pub stations: Vec<Station>,
    /// Share of each endpoint in the successful requests.
    pub shares: Vec<f64>,
    /// Statements with known totals.
    pub statements: Vec<StatementDemand>,
}

/// A predicted ceiling, in successful requests a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The resource that limits.
    pub binding: usize,
    /// min m/D: not more than this.
    pub upper: f64,
    /// By flow equivalence: queueing between neighbouring limits included.
    pub lower: f64,
    /// Between the two by the spread of the holds: flow equivalence is exact for exponential ones, the bound for constant ones.
    pub point: f64,
    /// The low end of what the log supports, sampling error included.
    pub low: f64,
    /// The high end, sampling error included.
    pub high: f64,
    /// The log supports the point: nothing that limits it is unknown.
    pub is_supported: bool,
    /// The resource whose unknown limits the low end, if not supported.
    pub doubt: Option<usize>,
}

impl State {
    /// The ceiling of this state; `None` where no size is known.
    pub fn predict(&self) -> Option<Prediction> {
        let nodes = |cautious| self.stations.iter().map(|s| s.node(cautious)).collect::<Vec<_>>();
        let found = ceilings(&nodes(false)).filter(|c| c.upper.is_finite())?;
        let cautious = ceilings(&nodes(true)).unwrap_or(found);
        let station = &self.stations[found.binding];
        let point = found.lower + (found.upper - found.lower) * (1.0 - station.variation.clamp(0.0, 1.0));
        let is_supported = cautious.lower >= 0.97 * found.lower;
        let lowest = if is_supported { found.lower } else { cautious.lower };
        Some(Prediction {
            binding: found.binding,
            upper: found.upper,
            lower: found.lower,
            point,
            low: 0.99 * lowest * (1.0 - station.sampling),
            high: 1.005 * found.upper * (1.0 + station.sampling),
            is_supported,
            doubt: (!is_supported).then_some(cautious.binding),
        })
    }

    /// The resource and its like on other hosts: of one name, sort and size. Whoever enlarges one enlarges them all.
    pub fn twins(&self, index: usize) -> Vec<usize> {
        let one = &self.stations[index];
        let is_twin = |other: &Station| other.kind == one.kind && other.name == one.name && other.slots() == one.slots();
        (0..self.stations.len()).filter(|&at| at == index || is_twin(&self.stations[at])).collect()
    }

    /// The second smallest limit: what enlarging `binding` has to clear.
    pub fn next_limit(&self, binding: usize) -> Option<f64> {
        let twins = self.twins(binding);
        let others = self.stations.iter().enumerate().filter(|(index, _)| !twins.contains(index));
        others.filter_map(|(_, s)| s.node(false).limit()).min_by(f64::total_cmp)
    }

    /// The resource itself and all that are held around it.
    pub fn chain(&self, index: usize) -> Vec<usize> {
        let mut out = vec![index];
        while let Some(parent) = self.stations[out[out.len() - 1]].parent {
            if parent >= self.stations.len() || out.contains(&parent) {
                break;
            }
            out.push(parent);
        }
        out
    }

    /// Takes `seconds` of work a request out of a resource: from it, from what is held around it, and from the database behind it.
    pub fn cut_work(&mut self, index: usize, seconds: f64) {
        let before = self.stations[index].work.unwrap_or(self.stations[index].demand);
        let seconds = seconds.min(before).max(-1e9);
        let ratio = if before > 0.0 { ((before - seconds) / before).max(1e-9) } else { 1.0 };
        let chain = self.chain(index);
        for (at, station) in self.stations.iter_mut().enumerate() {
            if chain.contains(&at) {
                let after = (station.demand - seconds).max(0.0);
                station.scale_endpoints(after);
                station.demand = after;
            } else if station.parent == Some(index) {
                station.scale_endpoints(station.demand * ratio);
                station.demand *= ratio;
                station.shown_tps /= ratio;
                station.top_tps = station.top_tps.map(|x| x / ratio);
            }
        }
        let station = &mut self.stations[index];
        station.work = station.work.map(|w| w * ratio);
        station.top_tps = station.top_tps.map(|x| x / ratio);
        station.shown_tps /= ratio;
    }

    /// Changes the mix: each endpoint's share times its factor.
    pub fn change_mix(&mut self, factors: &[f64]) {
        let weights: Vec<f64> = self.shares.iter().zip(factors).map(|(s, f)| s * f.max(0.0)).collect();
        let total: f64 = weights.iter().sum();
        if total <= 0.0 {
            return;
        }
        self.shares = weights.iter().map(|w| w / total).collect();
        for station in &mut self.stations {
            let after: f64 = self.shares.iter().zip(&station.by_endpoint).map(|(share, d)| share * d).sum();
            if station.demand > 0.0 && after > 0.0 {
                let ratio = after / station.demand;
                station.demand = after;
                station.work = station.work.map(|w| w * ratio);
                station.top_tps = station.top_tps.map(|x| x / ratio);
                station.shown_tps /= ratio;
            } else {
                station.demand = after;
            }
        }
    }
}

impl Station {
    fn scale_endpoints(&mut self, after: f64) {
        if self.demand > 0.0 {
            let ratio = after / self.demand;
            self.by_endpoint.iter_mut().for_each(|d| *d *= ratio);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Basis as SizeBasis;
    use super::super::testing::close;
    use super::*;

    pub(super) fn station(name: &str, slots: u32, demand: f64, parent: Option<usize>) -> Station {
        Station {
            name: name.to_owned(),
            kind: Kind::Threads,
            size: Size { value: Some(slots), basis: SizeBasis::Stated },
            is_occupied: false,
            logged_size: Some(slots),
            seen: f64::from(slots),
            parent,
            demand,
            work: None,
            calls: 0.0,
            by_endpoint: vec![demand],
            growth: Growth::unknown(),
            top_tps: None,
            shown_tps: f64::from(slots) / demand,
            sampling: 0.0,
            variation: 1.0,
        }
    }

    fn bank() -> State {
        let stations = vec![station("workers", 50, 0.603, None), station("pool", 10, 0.333, Some(0))];
        State { stations, shares: vec![1.0], statements: Vec::new() }
    }

    #[test]
    fn as_is_the_pool_binds_and_a_larger_one_is_only_an_interval() {
        let mut state = bank();
        let before = state.predict().expect("sizes known");
        assert_eq!(before.binding, 1);
        close(before.point, 30.03, 0.001);
        assert!(before.is_supported);
        close(state.next_limit(1).expect("workers"), 50.0 / 0.603, 1e-9);
        state.stations[1].size.value = Some(40);
        let after = state.predict().expect("sizes known");
        assert_eq!((after.binding, after.is_supported, after.doubt), (0, false, Some(1)));
        assert!(after.low < 30.1 && (82.9..84.0).contains(&after.high), "{after:?}");
        state.stations[1].growth.gain = Gain::Scales;
        assert!(state.predict().expect("sizes known").is_supported);
    }

    #[test]
    fn pools_of_one_name_and_size_are_enlarged_together() {
        let mut state = bank();
        state.stations.extend([station("workers", 50, 0.6, None), station("pool", 10, 0.33, Some(2))]);
        assert_eq!((state.twins(1), state.twins(0)), (vec![1, 3], vec![0, 2]));
        close(state.next_limit(1).expect("workers"), 50.0 / 0.603, 1e-9);
        state.stations[3].size.value = Some(4);
        assert_eq!(state.twins(1), [1]);
    }

    #[test]
    fn work_cut_inside_shortens_every_hold_around_it() {
        let mut state = bank();
        state.stations[1].work = Some(0.2);
        state.cut_work(1, 0.1);
        close(state.stations[1].demand, 0.233, 1e-9);
        close(state.stations[0].demand, 0.503, 1e-9);
        close(state.stations[1].work.expect("known"), 0.1, 1e-9);
    }

    #[test]
    fn a_changed_mix_weighs_demands_anew() {
        let mut state = bank();
        state.shares = vec![0.5, 0.5];
        state.stations[1].by_endpoint = vec![0.1, 0.566];
        state.stations[0].by_endpoint = vec![0.3, 0.906];
        state.change_mix(&[1.0, 3.0]);
        close(state.stations[1].demand, 0.25 * 0.1 + 0.75 * 0.566, 1e-9);
    }
}
