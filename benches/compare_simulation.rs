//! Does `compare` cry wolf, and does it sleep? Simulated pairs of runs of 50 endpoints, 600 s each, with a known answer.
//!
//! `cargo bench --bench compare_simulation [-- REPORTS]`: REPORTS pairs per row (default 500). Ends with an error if more
//! than 1 % of the reports on two equal builds raise an alarm, or fewer than 95 % of the 20 % shifts are caught where the
//! variance of the mean is up to 2.3 times that of independent requests.
//!
//! Log-normal durations with spread 0.5 around 100 ms; "ac": so much of the log-variance is a process with a memory of
//! 10 s, which inflates the variance of the mean 2.3 or 7.6 times; "bimodal": every fifth request takes ten times as long;
//! "run": each run has a random level of its own, of which a single run a side cannot know.

use std::f64::consts::TAU;
use std::process::ExitCode;

use narrows::analyze::compare::{Block, Options, Series, Side, Verdict, compare};
use narrows::analyze::profile::histogram::Recorder;

const ENDPOINTS: usize = 50;
const SHIFTED: usize = 5;
const SECONDS: usize = 600;
const BLOCK_SECONDS: usize = 8;
const MEMORY_SECONDS: f64 = 10.0;
const SPREAD: f64 = 0.5;

/// How the durations of a run are made.
#[derive(Clone, Copy)]
struct Data {
    name: &'static str,
    n: usize,
    /// Share of the log-variance that has a memory.
    memory: f64,
    bimodal: bool,
    /// Standard deviation of the log level between runs.
    run: f64,
}

/// What differs between the builds, in a tenth of the endpoints.
#[derive(Clone, Copy)]
enum Change {
    Nothing,
    /// All requests take this much longer.
    All(f64),
    /// The slowest tenth takes this much longer.
    Slowest(f64),
}

fn main() -> ExitCode {
    let reports = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(500);
    let data = |name, n, memory, bimodal, run| Data { name, n, memory, bimodal, run };
    let iid = data("iid", 2000, 0.0, false, 0.0);
    let bimodal = data("bimodal", 2000, 0.0, true, 0.0);
    let ac2 = data("ac 2 % (2.3)", 2000, 0.02, false, 0.0);
    let ac7 = data("ac 10 % (7.6)", 2000, 0.10, false, 0.0);
    let mut kept = true;

    println!("two equal builds, reports with an alarm:");
    for (data, must) in [
        (iid, true),
        (bimodal, true),
        (ac2, true),
        (ac7, true),
        (Data { run: 0.01, name: "ac 2 % + run 1 %", ..ac2 }, false),
        (Data { run: 0.02, name: "ac 2 % + run 2 %", ..ac2 }, false),
    ] {
        let share = count(data, Change::Nothing, reports).alarms as f64 / reports as f64;
        kept &= !must || share <= 0.01;
        println!("  {:18} n {:5} {:6.1} %{}", data.name, data.n, share * 100.0, if must { "  (at most 1)" } else { "" });
    }

    println!("5 of 50 endpoints slower, share of them caught, and reports with an alarm elsewhere:");
    let more = |n, data: Data| Data { n, ..data };
    for (data, change, must) in [
        (iid, Change::All(1.05), false),
        (iid, Change::All(1.10), false),
        (iid, Change::All(1.20), true),
        (bimodal, Change::All(1.10), false),
        (bimodal, Change::All(1.20), true),
        (ac2, Change::All(1.10), false),
        (ac2, Change::All(1.20), true),
        (ac7, Change::All(1.10), false),
        (ac7, Change::All(1.20), false),
        (more(500, iid), Change::All(1.20), false),
        (more(5000, iid), Change::All(1.10), false),
        (more(5000, ac2), Change::All(1.10), false),
        (iid, Change::Slowest(1.5), false),
        (iid, Change::Slowest(1.2), false),
    ] {
        let reports = (reports / 5).max(1);
        let found = count(data, change, reports);
        let share = found.caught as f64 / (reports * SHIFTED) as f64;
        kept &= !must || share >= 0.95;
        let what = match change {
            Change::Nothing => "nothing".to_owned(),
            Change::All(factor) => format!("all x{factor}"),
            Change::Slowest(factor) => format!("slowest 10 % x{factor}"),
        };
        let must = if must { "  (at least 95)" } else { "" };
        let elsewhere = found.alarms as f64 / reports as f64 * 100.0;
        println!("  {:18} n {:5} {what:20} {:6.1} %  {elsewhere:4.1} %{must}", data.name, data.n, share * 100.0);
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Clone, Copy, Default)]
struct Found {
    /// Reports with a regression where there is none.
    alarms: usize,
    /// Changed endpoints that were called a regression.
    caught: usize,
}

/// Simulates on all cores; each report has its own seed, so the result does not depend on how many there are.
fn count(data: Data, change: Change, reports: usize) -> Found {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || (worker..reports).step_by(threads).map(|seed| report(data, change, seed)).collect())
            })
            .collect();
        let found: Vec<Vec<Found>> = workers.into_iter().filter_map(|worker| worker.join().ok()).collect();
        let sum = |a: Found, b: &Found| Found { alarms: a.alarms + b.alarms, caught: a.caught + b.caught };
        found.iter().flatten().fold(Found::default(), sum)
    })
}

fn report(data: Data, change: Change, seed: usize) -> Found {
    let shifted = if matches!(change, Change::Nothing) { 0 } else { SHIFTED };
    let base = run(data, Change::Nothing, 0, 2 * seed as u64 + 1);
    let candidate = run(data, change, shifted, 2 * seed as u64 + 2);
    let comparison = compare(&[base], &[candidate], &Options::default());
    let regressions = comparison.endpoints.iter().filter(|change| change.verdict == Verdict::Regression);
    let names: Vec<usize> = regressions.filter_map(|change| change.name.parse().ok()).collect();
    Found {
        alarms: usize::from(names.iter().any(|&name| name >= shifted)),
        caught: names.iter().filter(|&&name| name < shifted).count(),
    }
}

fn run(data: Data, change: Change, shifted: usize, seed: u64) -> Side {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ data.n as u64);
    let mut recorder = Recorder::new();
    let endpoints = (0..ENDPOINTS).map(|endpoint| {
        let change = if endpoint < shifted { change } else { Change::Nothing };
        let level = data.run * random.normal();
        let memory = process(&mut random);
        let mut blocks = vec![Vec::new(); SECONDS.div_ceil(BLOCK_SECONDS)];
        for _ in 0..data.n {
            let second = (random.uniform() * SECONDS as f64) as usize;
            let own = random.normal();
            let z = (1.0 - data.memory).sqrt() * own + data.memory.sqrt() * memory[second];
            let slow = if data.bimodal && random.uniform() < 0.2 { 10.0 } else { 1.0 };
            let factor = match change {
                Change::Nothing => 1.0,
                Change::All(factor) => factor,
                // 1.2816 is exceeded by a tenth of a normal distribution.
                Change::Slowest(factor) => {
                    if z > 1.2816 {
                        factor
                    } else {
                        1.0
                    }
                }
            };
            blocks[second / BLOCK_SECONDS].push((1e8 * (SPREAD * z + level).exp() * slow * factor) as i64);
        }
        let blocks = blocks.into_iter().enumerate().map(|(at, durations)| {
            let count = durations.len() as u64;
            recorder.extend(durations);
            Block { start_ns: (at * BLOCK_SECONDS) as i64, durations: recorder.take(), count, errors: 0 }
        });
        Series { name: endpoint.to_string(), blocks: blocks.collect(), ..Series::default() }
    });
    let endpoints = endpoints.collect();
    let n_blocks = SECONDS.div_ceil(BLOCK_SECONDS);
    Side { block_ns: BLOCK_SECONDS as i64, n_blocks, seconds: SECONDS as f64, endpoints, ..Side::default() }
}

/// An autoregressive process with unit variance, one value a second.
fn process(random: &mut Random) -> Vec<f64> {
    let keep = (-1.0 / MEMORY_SECONDS).exp();
    let mut value = random.normal();
    let mut step = || {
        value = keep * value + (1.0 - keep * keep).sqrt() * random.normal();
        value
    };
    (0..SECONDS).map(|_| step()).collect()
}

/// A linear congruential generator (Knuth's MMIX constants) with its weak low bits cut off.
struct Random(u64);

impl Random {
    /// Above 0 and up to 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}
