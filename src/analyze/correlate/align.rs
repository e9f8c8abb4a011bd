//! One timeline: sources whose timestamps carry no zone are moved to where the others are.

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::NULL_I64;

/// Zones lie at multiples of a quarter of an hour.
const QUARTER_NS: i64 = 900_000_000_000;
const DAY_NS: i64 = 86_400_000_000_000;
/// Offsets reach from -12 h to +14 h.
const QUARTERS: std::ops::RangeInclusive<i64> = -56..=48;

/// Records of one id that are compared: an id that never changes joins nothing.
const MOST_PER_ID: usize = 16;

/// How far each source's timestamps are moved, in nanoseconds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Alignment {
    /// One shift per source.
    pub shift_ns: Vec<i64>,
    /// One sentence for each source that was moved or could not be placed: its number and the text.
    pub notes: Vec<(u32, String)>,
}

impl Alignment {
    /// The starts of all rows on the common timeline; the frame's own where no source is moved.
    pub(super) fn starts<'a>(&self, rows: &Rows<'a>) -> Cow<'a, [i64]> {
        if self.shift_ns.iter().all(|&shift| shift == 0) && !rows.starts().is_empty() {
            return Cow::Borrowed(rows.starts());
        }
        (0..rows.len()).map(|row| self.start(rows, row)).collect()
    }

    /// The start of a row on the common timeline; the null pattern when it has none.
    pub(crate) fn start(&self, rows: &Rows<'_>, row: usize) -> i64 {
        let shift = self.shift_ns.get(rows.source[row] as usize).copied().unwrap_or(0);
        rows.start(row).map_or(NULL_I64, |start| start.saturating_add(shift))
    }
}

/// Finds the shift of every source without a zone: by the records it shares with others through
/// ids, else by the offset at which it overlaps them longest.
pub fn align(frame: &crate::frame::Frame, origins: &[Origin]) -> Alignment {
    let rows = &Rows::of(frame);
    let mut alignment = Alignment { shift_ns: vec![0; origins.len()], notes: Vec::new() };
    if !origins.iter().any(|o| o.zone_missing) {
        return alignment;
    }
    // Without any log that has a zone, those that have a date at least place those that have none.
    let any_zoned = origins.iter().any(|o| !o.zone_missing && o.span.is_some());
    let is_moved = |origin: &Origin| if any_zoned { origin.zone_missing } else { origin.date_missing };
    let fixed: Vec<(i64, i64)> = origins.iter().filter(|o| !is_moved(o)).filter_map(|o| o.span).collect();
    let by_id = shifts_by_id(rows, origins, is_moved);
    for (number, origin) in origins.iter().enumerate().filter(|(_, o)| o.zone_missing) {
        let Some(span) = origin.span else { continue };
        let lacks = if origin.date_missing { "no date and no zone" } else { "no zone" };
        let note = if !is_moved(origin) || fixed.is_empty() {
            let day = if origin.date_missing { " of 1970-01-01" } else { "" };
            format!("timestamps carry {lacks}: taken as UTC{day}; --tz names the zone")
        } else {
            let (shift, how) = match by_id.get(&(number as u32)) {
                Some(&shift) => (shift, "by the records it shares with other logs"),
                None => (shift_by_overlap(span, &fixed, origin.date_missing), "where it overlaps the other logs longest"),
            };
            alignment.shift_ns[number] = shift;
            let zone = offset_text(-(shift + DAY_NS / 2).rem_euclid(DAY_NS) + DAY_NS / 2);
            format!("timestamps carry {lacks}: taken as UTC{zone}, {how}; --tz overrides")
        };
        alignment.notes.push((number as u32, note));
    }
    alignment
}

/// `+03:00` for the offset of local time from UTC; empty for zero.
fn offset_text(ns: i64) -> String {
    let minutes = ns / 60_000_000_000;
    let sign = if minutes < 0 { '-' } else { '+' };
    if minutes == 0 { String::new() } else { format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60) }
}

/// The median distance from records with the same id in sources that stay to those of each that is
/// moved, to the quarter of an hour, for every source that has at least three of them.
fn shifts_by_id(rows: &Rows<'_>, origins: &[Origin], is_moved: impl Fn(&Origin) -> bool) -> HashMap<u32, i64> {
    let zoneless = |row: usize| is_moved(&origins[rows.source[row] as usize]);
    let id = |row: usize| rows.request(row).or_else(|| rows.trace(row));
    let mut wanted: HashMap<u128, Vec<(u32, i64)>> = HashMap::new();
    for row in (0..rows.len()).filter(|&row| zoneless(row)) {
        if let (Some(id), Some(end)) = (id(row), rows.end(row)) {
            let list = wanted.entry(id).or_default();
            if list.len() < MOST_PER_ID {
                list.push((rows.source[row], end));
            }
        }
    }
    let mut distances: HashMap<u32, Vec<i64>> = HashMap::new();
    if !wanted.is_empty() {
        for row in (0..rows.len()).filter(|&row| !zoneless(row)) {
            if let (Some(id), Some(end)) = (id(row), rows.end(row)) {
                for (source, own) in wanted.get(&id).into_iter().flatten() {
                    distances.entry(*source).or_default().push(end - own);
                }
            }
        }
    }
    let median = |mut values: Vec<i64>| {
        let middle = values.len() / 2;
        *values.select_nth_unstable(middle).1
    };
    let quarter = |ns: i64| (ns + QUARTER_NS / 2).div_euclid(QUARTER_NS) * QUARTER_NS;
    distances.into_iter().filter(|(_, d)| d.len() >= 3).map(|(source, d)| (source, quarter(median(d)))).collect()
}

/// The multiple of a quarter of an hour that makes `span` overlap the others longest; of equals the
/// smallest. A log without a date may have been written on any day of the others.
fn shift_by_overlap(span: (i64, i64), others: &[(i64, i64)], date_missing: bool) -> i64 {
    /// Days of the other logs that are tried.
    const MOST_DAYS: i64 = 400;
    let day_of = |at: i64| at.div_euclid(DAY_NS);
    let days = match (others.iter().map(|o| day_of(o.0)).min(), others.iter().map(|o| day_of(o.1)).max()) {
        (Some(first), Some(last)) if date_missing => first..=last.min(first.saturating_add(MOST_DAYS)),
        _ => 0..=0,
    };

    let overlap = |shift: i64| -> i64 {
        let (first, last) = (span.0.saturating_add(shift), span.1.saturating_add(shift).saturating_add(1));
        others.iter().map(|o| last.min(o.1).saturating_sub(first.max(o.0)).max(0)).fold(0, i64::saturating_add)
    };
    let shifts = days.flat_map(|day| QUARTERS.map(move |q| (q, day.saturating_mul(DAY_NS).saturating_add(q * QUARTER_NS))));
    shifts.max_by_key(|&(q, shift)| (overlap(shift), std::cmp::Reverse(q.abs()))).map_or(0, |(_, shift)| shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_at_minus_three_hours_is_moved_forward() {
        let hour = 3_600_000_000_000;
        let other = (100 * hour, 100 * hour + 35_000_000_000);
        let own = (other.0 - 3 * hour - 1_000_000_000, other.1 - 3 * hour - 1_000_000_000);
        assert_eq!(shift_by_overlap(own, &[other], false), 3 * hour);
        assert_eq!(offset_text(-3 * hour), "-03:00");
    }

    #[test]
    fn without_any_overlap_nothing_is_moved() {
        assert_eq!(shift_by_overlap((0, 10), &[(i64::MAX - 10, i64::MAX)], false), 0);
    }

    #[test]
    fn a_log_without_a_date_is_of_the_others_day() {
        let hour = 3_600_000_000_000;
        // The others were written on day 20,000 from 09:00 to 10:00 UTC; this one says 11:00 to 12:00.
        let other = (20_000 * DAY_NS + 9 * hour, 20_000 * DAY_NS + 10 * hour);
        assert_eq!(shift_by_overlap((11 * hour, 12 * hour), &[other], true), 20_000 * DAY_NS - 2 * hour);
    }
}
