//! Exact throughput of a closed network by Buzen's convolution, in log space.
//!
//! Textbook load-dependent MVA subtracts probabilities and loses all digits at a hundred customers (29 for 56 TPS); sums of
//! logarithms cannot. Buzen 1973, <https://doi.org/10.1145/362342.362345>; Lazowska et al. 1984, ch. 8.

/// One station as a request meets it; demands are seconds per request of the system.
#[derive(Debug, Clone, PartialEq)]
pub enum Station {
    /// Never queues: think time, a sleep, a pool that cannot fill.
    Delay {
        /// Seconds per request.
        demand: f64,
    },
    /// `servers` work in parallel on one queue.
    Servers {
        /// Seconds per request.
        demand: f64,
        /// How many at once.
        servers: u32,
    },
    /// Completes `rates[n - 1]` requests a second while n are there; beyond its end the last rate holds.
    Rates {
        /// Requests per second by number present.
        rates: Vec<f64>,
    },
}

impl Station {
    /// The logarithm of the time one of n requests present takes off the queue.
    fn log_step(&self, n: usize) -> f64 {
        match self {
            Self::Delay { demand } => (demand / n as f64).ln(),
            Self::Servers { demand, servers } => (demand / (n as f64).min(f64::from(*servers).max(1.0))).ln(),
            Self::Rates { rates } => rates.get(n - 1).or(rates.last()).map_or(f64::NEG_INFINITY, |rate| -rate.ln()),
        }
    }

    fn is_absent(&self) -> bool {
        match self {
            Self::Delay { demand } | Self::Servers { demand, .. } => *demand <= 0.0,
            Self::Rates { rates } => rates.is_empty(),
        }
    }
}

/// Throughput for 1..=`population` requests in the network, one value each; empty where no station takes time.
pub fn throughput(stations: &[Station], population: usize) -> Vec<f64> {
    let mut constant: Option<Vec<f64>> = None;
    for station in stations.iter().filter(|s| !s.is_absent()) {
        let mut own = Vec::with_capacity(population + 1);
        own.push(0.0);
        for n in 1..=population {
            own.push(own[n - 1] + station.log_step(n));
        }
        constant = Some(match constant {
            None => own,
            Some(before) => (0..=population).map(|n| log_convolve(&before, &own, n)).collect(),
        });
    }
    constant.map(|g| g.windows(2).map(|pair| (pair[0] - pair[1]).exp()).collect()).unwrap_or_default()
}

/// Mean response time at `population`, think time not counted.
pub fn response(throughput: &[f64], population: usize, think: f64) -> Option<f64> {
    throughput.get(population.checked_sub(1)?).map(|x| population as f64 / x - think)
}

fn log_convolve(left: &[f64], right: &[f64], n: usize) -> f64 {
    let term = |j: usize| left[j] + right[n - j];
    let largest = (0..=n).map(term).fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    // A term 45 below the largest is under 1e-19 of it.
    let sum: f64 = (0..=n).map(|j| term(j) - largest).filter(|d| *d > -45.0).map(f64::exp).sum();
    largest + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, numbers, vector};
    use super::*;

    #[test]
    fn single_server_networks_equal_exact_mva() {
        for case in vector("mva_single.json")["cases"].as_array().expect("cases") {
            let think = case["Z"].as_f64().expect("Z");
            let mut stations = vec![Station::Delay { demand: think }];
            stations.extend(numbers(&case["D"]).into_iter().map(|demand| Station::Servers { demand, servers: 1 }));
            let population = case["N"].as_u64().expect("N") as usize;
            let solved = throughput(&stations, population);
            for (n, (x, r)) in numbers(&case["X"]).into_iter().zip(numbers(&case["R"])).enumerate() {
                close(solved[n], x, 1e-6);
                close(response(&solved, n + 1, think).expect("solved"), r, 1e-6);
            }
            for (used, d) in numbers(&case["Uk_at_N"]).into_iter().zip(numbers(&case["D"])) {
                close(solved[population - 1] * d, used, 1e-6);
            }
        }
    }

    #[test]
    fn pools_and_delays_stay_exact_where_mva_breaks() {
        for case in vector("mva_multiserver.json")["cases"].as_array().expect("cases") {
            let think = case["Z"].as_f64().expect("Z");
            let mut stations = vec![Station::Delay { demand: think }];
            for station in case["stations"].as_array().expect("stations") {
                let demand = station["D"].as_f64().expect("D");
                stations.push(match station["servers"].as_u64() {
                    Some(servers) => Station::Servers { demand, servers: servers as u32 },
                    None => Station::Delay { demand },
                });
            }
            let population = case["N"].as_u64().expect("N") as usize;
            let solved = throughput(&stations, population);
            for (n, x) in numbers(&case["X"]).into_iter().enumerate() {
                close(solved[n], x, 1e-6);
            }
            close(response(&solved, population, think).expect("solved"), case["R_at_N"].as_f64().expect("R"), 1e-6);
        }
    }

    #[test]
    fn given_rates_of_a_two_server_station_equal_the_station() {
        let servers = [Station::Delay { demand: 1.0 }, Station::Servers { demand: 0.1, servers: 2 }];
        let rates = [Station::Delay { demand: 1.0 }, Station::Rates { rates: vec![10.0, 20.0] }];
        assert_eq!(throughput(&servers, 50).len(), 50);
        for (a, b) in throughput(&servers, 50).into_iter().zip(throughput(&rates, 50)) {
            close(a, b, 1e-12);
        }
        assert!(throughput(&[Station::Delay { demand: 0.0 }], 5).is_empty());
    }
}
