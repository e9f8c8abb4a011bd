//! PostgreSQL server logs in their three shapes: stderr lines, csvlog and jsonlog.
//!
//! The shapes differ in where a message and its session stand; what the message says is read by one
//! reader, so that one event gives one operation whatever the shape.
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html>

mod csvlog;
mod jsonlog;
mod message;
mod prefix;
mod stderr;

pub use csvlog::PostgresCsv;
pub use jsonlog::PostgresJson;
pub use stderr::Postgres;

use crate::scan::time;
use crate::{Facts, Reason, Stamp, Unit};

/// A server's timestamp and what follows it. The server always writes a zone; one whose
/// abbreviation is unknown is passed over and the stamp counts as without zone.
fn stamp(text: &[u8]) -> Result<(time::Stamp, &[u8]), Reason> {
    let clock = text.get(19..).ok_or(Reason::Time)?;
    let (.., rest) = time::fraction(clock);
    let (stamp, _) = time::iso_prefix(&text[..text.len() - rest.len()])?;
    let Some(zone) = rest.strip_prefix(b" ") else { return Ok((stamp, rest)) };
    let signed = matches!(zone.first(), Some(b'+' | b'-'));
    let is_zone = |b: &u8| if signed { b.is_ascii_digit() } else { b.is_ascii_uppercase() };
    let len = usize::from(signed) + zone[usize::from(signed)..].iter().take_while(|b| is_zone(b)).count();
    let (word, after) = zone.split_at(len);
    match time::offset(word) {
        Ok(Some(offset)) => {
            let nanos = offset.checked_mul(time::SECOND).and_then(|o| stamp.nanos.checked_sub(o)).ok_or(Reason::Time)?;
            Ok((time::Stamp { nanos, zoned: true, ..stamp }, after))
        }
        // A severity may follow the time at once; any other word of capitals is a zone.
        _ if (2..=5).contains(&len) && !signed && !after.starts_with(b":  ") => Ok((stamp, after)),
        _ => Ok((stamp, rest)),
    }
}

/// The facts of a log whose first readable stamp is this.
fn facts(stamp: Option<time::Stamp>, layout: &str) -> Facts {
    let mut facts = Facts {
        stamp: Some(Stamp::End),
        unit: Some(Unit::Millis),
        resolution_ns: 1_000,
        stamp_resolution_ns: stamp.map_or(0, time::Stamp::resolution_ns),
        zone_missing: stamp.is_some_and(|s| !s.zoned),
        date_missing: false,
        layout: layout.to_owned(),
        assumptions: Vec::new(),
    };
    if facts.zone_missing {
        facts.assumptions.push("The zone of the timestamps is not known; they were read as UTC.".to_owned());
    }
    facts
}

#[cfg(test)]
mod tests;
