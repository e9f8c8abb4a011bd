//! The operational laws, which hold for any measured period whatever the distributions, and the asymptotic bounds.
//! Denning & Buzen 1978; bounds: Lazowska et al. 1984, ch. 5; Zahorjan 1982 for balanced jobs.

/// Utilisation law: the share of `servers` that `busy` time used in a period of `length`.
pub fn utilization(busy: f64, servers: f64, length: f64) -> f64 {
    busy / (servers * length)
}

/// Service time: busy time over completions.
pub fn service_time(busy: f64, completions: f64) -> f64 {
    busy / completions
}

/// Little's law: how many are inside.
pub fn little(throughput: f64, residence: f64) -> f64 {
    throughput * residence
}

/// Interactive response time law: what `population` users with think time `think` see at `throughput`.
pub fn interactive(population: f64, throughput: f64, think: f64) -> f64 {
    population / throughput - think
}

/// Forced flow law: the rate at a resource visited `visits` times a request.
pub fn forced_flow(throughput: f64, visits: f64) -> f64 {
    throughput * visits
}

/// Service demand law: seconds of one server per completion of the system.
pub fn demand(utilization: f64, servers: f64, throughput: f64) -> f64 {
    utilization * servers / throughput
}

/// What a resource of `servers` can complete at most at a demand of `demand` seconds.
pub fn ceiling(servers: f64, demand: f64) -> f64 {
    servers / demand
}

/// Lower and upper bound of a closed network's throughput.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Not less than this.
    pub low: f64,
    /// Not more than this.
    pub high: f64,
}

/// Asymptotic bounds for `population` customers with think time `think`.
pub fn asymptotic(demands: &[f64], population: f64, think: f64) -> Bounds {
    let (total, largest) = (demands.iter().sum::<f64>(), demands.iter().copied().fold(0.0, f64::max));
    Bounds { low: population / (population * total + think), high: (1.0 / largest).min(population / (total + think)) }
}

/// The population at which the two asymptotes meet.
pub fn saturation_population(demands: &[f64], think: f64) -> f64 {
    let (total, largest) = (demands.iter().sum::<f64>(), demands.iter().copied().fold(0.0, f64::max));
    (total + think) / largest
}

/// Balanced job bounds; single-server stations only.
pub fn balanced_job(demands: &[f64], population: f64, think: f64) -> Bounds {
    let (total, largest) = (demands.iter().sum::<f64>(), demands.iter().copied().fold(0.0, f64::max));
    let average = total / demands.len() as f64;
    let low = population / (total + think + (population - 1.0) * largest / (1.0 + think / (population * total)));
    let high = population / (total + think + (population - 1.0) * average / (1.0 + think / total));
    Bounds { low, high: high.min(1.0 / largest) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, numbers, vector};
    use super::*;

    #[test]
    fn the_laws_repeat_the_published_examples() {
        let file = vector("operational.json");
        for case in file["cases"].as_array().expect("cases") {
            let number = |name: &str| case[name].as_f64().expect("a number");
            let expect = |name: &str| case["expect"][name].as_f64().expect("a number");
            match case["id"].as_str().expect("an id") {
                "pbd3" => {
                    close(utilization(number("B"), 1.0, number("T")), expect("U"), 1e-6);
                    close(service_time(number("B"), number("C")), expect("S"), 1e-6);
                }
                "little" => close(little(number("X"), number("R")), expect("N"), 1e-6),
                "interactive" => close(interactive(number("N"), number("X"), number("Z")), expect("R"), 1e-6),
                "forced_flow" => close(forced_flow(number("X0"), number("V")), expect("Xk"), 1e-6),
                "demand" => {
                    let seconds = demand(number("U"), number("servers"), number("X0"));
                    close(seconds, expect("D"), 1e-6);
                    close(ceiling(number("servers"), seconds), expect("ceiling"), 1e-6);
                }
                "mix" => {
                    let sum = |name: &str| -> f64 {
                        case["classes"].as_array().expect("classes").iter().map(|c| c[name].as_f64().expect("a number")).sum()
                    };
                    let seconds = service_time(sum("hold_sum"), sum("count"));
                    close(seconds, expect("D_mean"), 1e-6);
                    close(ceiling(number("capacity"), seconds), expect("ceiling"), 1e-6);
                    close(case["classes"][1]["hold_sum"].as_f64().expect("a number") / sum("hold_sum"), expect("share_b"), 1e-6);
                }
                other => panic!("unknown case {other}"),
            }
        }
    }

    #[test]
    fn the_bounds_bracket_exact_throughput() {
        let file = vector("mva_single.json");
        for case in file["cases"].as_array().expect("cases") {
            let (demands, think) = (numbers(&case["D"]), case["Z"].as_f64().expect("Z"));
            close(saturation_population(&demands, think), case["n_star"].as_f64().expect("n_star"), 1e-6);
            for (index, exact) in numbers(&case["X"]).into_iter().enumerate() {
                let population = (index + 1) as f64;
                let (wide, tight) = (asymptotic(&demands, population, think), balanced_job(&demands, population, think));
                let (aba, bjb) = (numbers(&case["aba"][index]), numbers(&case["bjb"][index]));
                if aba.len() == 2 {
                    close(wide.low, aba[0], 1e-6);
                    close(wide.high, aba[1], 1e-6);
                }
                if bjb.len() == 2 {
                    close(tight.low, bjb[0], 1e-6);
                    close(tight.high, bjb[1], 1e-6);
                }
                assert!(tight.low <= exact * (1.0 + 1e-9) && exact <= tight.high * (1.0 + 1e-9));
                assert!(wide.low <= exact * (1.0 + 1e-9) && exact <= wide.high * (1.0 + 1e-9));
            }
        }
    }
}
