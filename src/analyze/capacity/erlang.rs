//! Waits at a pool for arrivals that do not wait for answers: Erlang's B and C, and Allen-Cunneen for other spreads.
//! Allen 1990, ch. 5. Unstable loads have no wait at all to print: they are `None`.

/// Erlang B: the share of arrivals that find all `servers` busy and leave, at `load` = arrivals x service time.
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, k| load * blocked / (f64::from(k) + load * blocked))
}

/// Erlang C: the share of arrivals that have to wait; `None` where the load does not fit.
pub fn erlang_c(servers: u32, load: f64) -> Option<f64> {
    let busy = load / f64::from(servers);
    if servers == 0 || busy.is_nan() || busy >= 1.0 {
        return None;
    }
    let blocked = erlang_b(servers, load);
    Some(blocked / (1.0 - busy * (1.0 - blocked)))
}

/// What arrivals at a pool wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wait {
    /// Share that waits at all.
    pub waiting_share: f64,
    /// Mean wait of all arrivals with exponential service, in the unit of the service time.
    pub mean: f64,
    /// 95th percentile of the wait with exponential service.
    pub p95: f64,
    /// Mean wait by Allen-Cunneen for the spreads given; equal to `mean` where both are 1.
    pub mean_spread: f64,
}

impl Wait {
    /// The interval to print: for spreads above one the truth lay between the two in every simulated case.
    pub fn interval(&self) -> (f64, f64) {
        (self.mean.min(self.mean_spread), self.mean.max(self.mean_spread))
    }
}

/// Waits at `servers` for `load` Erlang of service time `service`; squared coefficients of variation of arrivals and service.
/// `None` means unstable: more arrives than can be served.
pub fn wait(servers: u32, load: f64, service: f64, arrival_scv: f64, service_scv: f64) -> Option<Wait> {
    let waiting_share = erlang_c(servers, load)?;
    let spare = f64::from(servers) - load;
    let mean = waiting_share * service / spare;
    Some(Wait {
        waiting_share,
        mean,
        p95: wait_quantile(waiting_share, 0.95, service, spare),
        mean_spread: mean * (arrival_scv + service_scv) / 2.0,
    })
}

fn wait_quantile(waiting_share: f64, share: f64, service: f64, spare: f64) -> f64 {
    (service * (waiting_share / (1.0 - share)).ln() / spare).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, vector};
    use super::*;

    #[test]
    fn erlang_vectors() {
        for case in vector("erlang.json")["cases"].as_array().expect("cases") {
            let number = |name: &str| case[name].as_f64().expect("a number");
            let servers = case["c"].as_u64().expect("c") as u32;
            close(erlang_b(servers, number("a")), number("erlang_b"), 1e-6);
            close(erlang_c(servers, number("a")).expect("stable"), number("erlang_c"), 1e-6);
            let out = wait(servers, number("a"), 1.0, 1.0, 1.0).expect("stable");
            close(out.mean, number("Wq_over_service"), 1e-6);
            close(out.p95, number("Wq_p95_over_service"), 1e-6);
            close(out.mean_spread, out.mean, 1e-12);
        }
    }

    #[test]
    fn too_much_load_is_unstable_and_spread_widens() {
        assert_eq!(wait(10, 10.0, 1.0, 1.0, 1.0), None);
        assert_eq!(wait(0, 1.0, 1.0, 1.0, 1.0), None);
        let out = wait(10, 8.0, 1.0, 1.0, 6.25).expect("stable");
        close(out.interval().1 / out.interval().0, 3.625, 1e-9);
    }
}
