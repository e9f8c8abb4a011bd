//! The scalability curve of the machine output: an addition to the contract.

use serde::Serialize;

use crate::analyze::capacity::Capacity;
use crate::analyze::capacity::usl::{Choice, Parameter};

#[derive(Serialize)]
pub(super) struct CurveOut {
    /// `usl` or `hockey_stick`: the better by AICc.
    chosen: Option<&'static str>,
    /// Why there is no curve.
    refusal: Option<String>,
    usl: Option<UslOut>,
    hockey_stick: Option<HockeyOut>,
    levels: Vec<LevelOut>,
}

#[derive(Serialize)]
struct UslOut {
    sigma: ParameterOut,
    kappa: ParameterOut,
    lambda_tps: ParameterOut,
    peak_concurrency: Option<f64>,
    /// Only where the peak lies within twice the load seen.
    peak_tps: Option<f64>,
}

#[derive(Serialize)]
struct ParameterOut {
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
    at_bound: bool,
}

#[derive(Serialize)]
struct HockeyOut {
    knee_concurrency: f64,
    plateau_tps: f64,
}

#[derive(Serialize)]
struct LevelOut {
    concurrency: f64,
    tps: f64,
    seconds: f64,
}

impl CurveOut {
    pub(super) fn of(capacity: &Capacity) -> CurveOut {
        let curve = capacity.curve.as_ref().ok();
        CurveOut {
            chosen: curve.map(|c| if c.choice == Choice::Usl { "usl" } else { "hockey_stick" }),
            refusal: capacity.curve.as_ref().err().map(ToString::to_string),
            usl: curve.map(|c| UslOut {
                sigma: parameter(c.usl.sigma),
                kappa: parameter(c.usl.kappa),
                lambda_tps: parameter(c.usl.lambda),
                peak_concurrency: c.usl.peak_concurrency(),
                peak_tps: c.usl.peak_concurrency().and_then(|n| c.usl.throughput(n)),
            }),
            hockey_stick: curve.map(|c| HockeyOut { knee_concurrency: c.hockey.knee, plateau_tps: c.hockey.plateau }),
            levels: capacity
                .load_levels
                .iter()
                .map(|level| LevelOut { concurrency: level.concurrency, tps: level.throughput, seconds: level.seconds })
                .collect(),
        }
    }
}

fn parameter(parameter: Parameter) -> ParameterOut {
    let (low, high) = parameter.interval.map_or((None, None), |(low, high)| (Some(low), Some(high)));
    ParameterOut { value: parameter.value, low, high, at_bound: parameter.at_bound }
}
