//! Pools held inside pools: flow-equivalent servers, solved inside out (database, connections, workers, clients).
//!
//! A worker keeps its slot while it waits for a connection, so plain networks do not apply: each inner resource becomes a station
//! whose rate depends on how many are in it. Chandy, Herzog & Woo 1975; Lazowska et al. 1984, ch. 9. The answer is an interval:
//! flow equivalence (exact for exponential times, low for constant ones) below, the smallest m/D above.

use super::convolution::{Station, throughput};

/// Above this many slots a level is solved as a fluid: the two bounds differ by less than sampling error there.
const LARGEST_POPULATION: usize = 1_000;

/// One resource of the nest. `demand` holds everything while the slot is taken, inner resources included, waits for them excluded.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Seconds of one slot per completed request.
    pub demand: f64,
    /// Slots; `None` is a delay that never fills.
    pub size: Option<u32>,
    /// The resource that is held around this one.
    pub parent: Option<usize>,
    /// A rate that this resource does not exceed, whatever its size: something behind it is full.
    pub cap: Option<f64>,
}

impl Node {
    /// What the resource alone lets through at most.
    pub fn limit(&self) -> Option<f64> {
        let linear = self.size.filter(|_| self.demand > 0.0).map(|size| f64::from(size) / self.demand);
        match (linear, self.cap) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// The ceiling of a nest of resources.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceilings {
    /// Which resource has the smallest limit.
    pub binding: usize,
    /// The smallest limit: not more than this.
    pub upper: f64,
    /// By flow equivalence: queueing between neighbouring limits included.
    pub lower: f64,
}

/// Both bounds; `None` where no resource has a limit.
pub fn ceilings(nodes: &[Node]) -> Option<Ceilings> {
    let limits = nodes.iter().enumerate().filter_map(|(index, node)| Some((index, node.limit()?)));
    let (binding, upper) = limits.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let mut lower = upper;
    for root in (0..nodes.len()).filter(|&index| nodes[index].limit().is_some() && limited_ancestor(nodes, index).is_none()) {
        if let Some(rate) = rates(nodes, root, 0).last() {
            lower = lower.min(*rate);
        }
    }
    Some(Ceilings { binding, upper, lower })
}

/// Requests per second of the resource `index` with 1..=size of its slots taken.
pub fn level_rates(nodes: &[Node], index: usize) -> Vec<f64> {
    rates(nodes, index, 0)
}

/// Throughput for 1..=`population` clients with think time `think` in front of a resource of the given rates.
pub fn with_clients(rates: &[f64], population: usize, think: f64) -> Vec<f64> {
    throughput(&[Station::Delay { demand: think }, Station::Rates { rates: rates.to_vec() }], population)
}

/// The mean number inside, for arrivals that do not wait for answers (a birth-death chain); `None` where it grows without end.
pub fn mean_inside_open(rates: &[f64], arrivals_per_second: f64) -> Option<f64> {
    let last = *rates.last()?;
    let ratio = arrivals_per_second / last;
    if ratio >= 1.0 || ratio.is_nan() {
        return None;
    }
    let (mut weight, mut total, mut inside) = (1.0_f64, 1.0_f64, 0.0_f64);
    for (index, rate) in rates.iter().enumerate() {
        weight *= arrivals_per_second / rate;
        total += weight;
        inside += weight * (index + 1) as f64;
        if total > 1e200 {
            (weight, total, inside) = (weight / 1e200, total / 1e200, inside / 1e200);
        }
    }
    // Beyond the last level the chain is geometric: sum of ratio^k and of (n + k) ratio^k.
    let tail = weight * ratio / (1.0 - ratio);
    inside += tail * (rates.len() as f64 + 1.0 / (1.0 - ratio));
    Some(inside / (total + tail))
}

fn limited_ancestor(nodes: &[Node], index: usize) -> Option<usize> {
    let mut at = nodes[index].parent;
    for _ in 0..nodes.len() {
        let parent = at.filter(|&p| p < nodes.len())?;
        if nodes[parent].limit().is_some() {
            return Some(parent);
        }
        at = nodes[parent].parent;
    }
    None
}

fn rates(nodes: &[Node], index: usize, depth: usize) -> Vec<f64> {
    let node = &nodes[index];
    let Some(limit) = node.limit() else { return Vec::new() };
    let slots = node.size.map_or_else(|| (limit * node.demand).ceil(), f64::from).max(1.0) as usize;
    let children: Vec<usize> =
        (0..nodes.len()).filter(|&c| c != index && nodes[c].demand > 0.0 && nodes[c].limit().is_some() && limited_ancestor(nodes, c) == Some(index)).collect();
    let cap = |rate: f64| node.cap.map_or(rate, |cap| rate.min(cap));
    // A nest as deep as it has members would be a cycle of parents; it is then cut here.
    if depth > nodes.len() || slots > LARGEST_POPULATION {
        let ceiling = children.iter().filter_map(|&c| nodes[c].limit()).fold(limit, f64::min);
        let levels = slots.min(LARGEST_POPULATION);
        let step = slots as f64 / levels as f64;
        return (1..=levels).map(|n| (n as f64 * step / node.demand).min(ceiling)).collect();
    }
    let inner: f64 = children.iter().map(|&c| nodes[c].demand).sum();
    let mut stations = vec![Station::Delay { demand: (node.demand - inner).max(0.0) }];
    stations.extend(children.iter().map(|&c| Station::Rates { rates: rates(nodes, c, depth + 1) }));
    throughput(&stations, slots).into_iter().map(cap).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, vector};
    use super::*;

    /// The nest of a simulated configuration: workers around a CPU and a pool, the pool around the database.
    fn nest(config: &serde_json::Value, hold: &serde_json::Value) -> Vec<Node> {
        let number = |name: &str| config[name].as_f64().expect("a number");
        let size = |name: &str| config[name].as_u64().map(|v| v as u32);
        let node = |demand, size, parent| Node { demand, size, parent, cap: None };
        vec![
            node(hold["worker"].as_f64().expect("worker"), size("W"), None),
            node(number("pre") + number("post"), size("CPU"), Some(0)),
            node(hold["conn"].as_f64().expect("conn"), size("P"), Some(0)),
            node(number("nq") * number("db"), size("CDB"), Some(2)),
        ]
    }

    #[test]
    fn simulated_ceilings_lie_between_the_bounds() {
        for row in vector("nested_ceilings.json")["rows"].as_array().expect("rows") {
            let out = ceilings(&nest(&row["config"], &row["intrinsic_hold"])).expect("limited");
            close(out.upper, row["naive_min_bound"].as_f64().expect("bound"), 1e-6);
            close(out.lower, row["fesc_ceiling"].as_f64().expect("fesc"), 1e-6);
            let truth = row["sim_ceiling"].as_f64().expect("sim");
            assert!((0.985 * out.lower..=1.015 * out.upper).contains(&truth), "{}: {truth} {out:?}", row["id"]);
        }
    }

    #[test]
    fn one_full_resource_alone_is_its_own_ceiling() {
        let alone = Node { demand: 0.1, size: Some(3), parent: None, cap: None };
        let out = ceilings(std::slice::from_ref(&alone)).expect("limited");
        close(out.upper, 30.0, 1e-12);
        close(out.lower, 30.0, 1e-9);
        let capped = ceilings(&[Node { cap: Some(20.0), ..alone }]).expect("limited");
        assert_eq!((capped.upper, capped.lower), (20.0, 20.0));
        assert!(ceilings(&[Node { demand: 0.1, size: None, parent: None, cap: None }]).is_none());
    }

    #[test]
    fn parents_in_a_circle_and_huge_pools_end() {
        let node = |parent, size| Node { demand: 1.0, size: Some(size), parent: Some(parent), cap: None };
        assert!(ceilings(&[node(1, 5), node(0, 7)]).is_some());
        let out = ceilings(&[Node { parent: None, ..node(0, 1_000_000) }, Node { demand: 0.5, ..node(0, 400_000) }]).expect("limited");
        close(out.upper, 800_000.0, 1e-9);
        close(out.lower, 800_000.0, 1e-9);
    }

    #[test]
    fn open_arrivals_at_one_server_are_the_textbook_queue() {
        // M/M/1 with rho = 0.5: one inside on average.
        close(mean_inside_open(&[2.0], 1.0).expect("stable"), 1.0, 1e-12);
        assert_eq!(mean_inside_open(&[2.0], 2.0), None);
        close(with_clients(&[10.0], 1, 0.9)[0], 1.0, 1e-9);
    }
}
