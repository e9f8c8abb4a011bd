//! JMeter's result logs (JTL), as CSV and as XML.
//!
//! <https://jmeter.apache.org/usermanual/listeners.html>

mod csv;
mod sample;
mod xml;

pub(super) use csv::Jmeter;
pub(super) use xml::JmeterXml;

use crate::{Facts, Stamp, Unit};

/// What both shapes have in common.
fn facts(layout: &str, zone_missing: bool, stamp: Stamp) -> Facts {
    Facts {
        stamp: Some(stamp),
        unit: Some(Unit::Millis),
        resolution_ns: 1_000_000,
        stamp_resolution_ns: 1_000_000,
        zone_missing,
        date_missing: false,
        layout: layout.to_owned(),
        assumptions: match stamp {
            Stamp::Start => {
                vec![
                    "Time stamps are read as starts, JMeter's default (sampleresult.timestamp.start); it can be set to ends."
                        .to_owned(),
                ]
            }
            Stamp::End => Vec::new(),
        },
    }
}
