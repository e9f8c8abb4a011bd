//! The unit of durations that a layout leaves open, settled by what the first lines hold: by a
//! second duration beside them, or by what a unit would imply. What neither settles stays open.

use crate::Unit;

/// More requests at once than this in one log are held to be impossible: servers of this kind run
/// hundreds of workers at most.
const MOST_AT_ONCE: u64 = 1000;

/// How a unit was settled.
pub(super) struct Settled {
    /// The unit.
    pub(super) unit: Unit,
    /// Why, as the end of a sentence.
    pub(super) why: String,
}

/// The whole numbers of a column, when most of its values are such.
pub(super) fn numbers(values: &[&[u8]]) -> Option<Vec<Option<u64>>> {
    let numbers: Vec<_> = values.iter().map(|v| crate::scan::number::whole(v).ok()).collect();
    let found = numbers.iter().flatten().count();
    (found > 0 && values.iter().filter(|v| **v != b"-").count() * 6 <= found * 10).then_some(numbers)
}

/// Whether a relation holds in every line that has both numbers, and one has.
pub(super) fn agree(a: &[Option<u64>], b: &[Option<u64>], holds: impl Fn(u64, u64) -> bool) -> bool {
    let mut both = a.iter().zip(b).filter_map(|(a, b)| Some((*a.as_ref()?, *b.as_ref()?))).peekable();
    both.peek().is_some() && both.all(|(a, b)| holds(a, b))
}

/// The unit of `values`, given other durations of the same requests in milliseconds that are at
/// most as long.
pub(super) fn beside(values: &[Option<u64>], millis: &[Option<u64>], name: &str) -> Option<Settled> {
    let both = values.iter().zip(millis).filter_map(|(whole, part)| Some(((*whole)?, (*part)?)));
    let (whole, part) = both.fold((0u64, 0u64), |sum, v| (sum.0.saturating_add(v.0), sum.1.saturating_add(v.1)));
    let ratio = whole.checked_div(part)?;
    let (unit, symbol) = match ratio {
        1..=20 => (Unit::Millis, "milliseconds"),
        800..=20_000 => (Unit::Micros, "microseconds"),
        _ => return None,
    };
    Some(Settled { unit, why: format!("in {symbol}: over the first lines they are {ratio} times {name}") })
}

/// The unit of `values` among `candidates`, by elimination: zeros do not occur in microseconds, and
/// a unit is too long when it has more requests run at once than a server can.
pub(super) fn alone(values: &[Option<u64>], stamps: &[i64], candidates: &[Unit]) -> Option<Settled> {
    let values: Vec<u64> = values.iter().flatten().copied().collect();
    let zeros = values.iter().filter(|v| **v == 0).count();
    let first = stamps.iter().min()?;
    let span = stamps.iter().max()?.checked_sub(*first)?.max(1_000_000_000);
    let sum = values.iter().fold(0u64, |sum, v| sum.saturating_add(*v));
    let at_once = |unit: Unit| i128::from(sum) * i128::from(unit.nanos()) / i128::from(span);
    let possible = |unit: Unit| match unit {
        Unit::Micros => zeros * 10 < values.len(),
        _ => at_once(unit) <= i128::from(MOST_AT_ONCE),
    };
    let left: Vec<_> = candidates.iter().copied().filter(|&unit| possible(unit)).collect();
    let &[unit] = left.as_slice() else { return None };
    let why = match (unit, candidates.iter().filter(|u| u.nanos() > unit.nanos()).min_by_key(|u| u.nanos())) {
        (_, Some(longer)) if !possible(*longer) => {
            format!("in {}: in {} they would mean {} requests at once", unit.symbol(), longer.symbol(), at_once(*longer))
        }
        _ => format!("in {}: {zeros} of the first {} are 0", unit.symbol(), values.len()),
    };
    Some(Settled { unit, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_duration_beside_settles_the_unit() {
        let some = |v: &[u64]| v.iter().map(|v| Some(*v)).collect::<Vec<_>>();
        let unit = |d: &[u64], f: &[u64]| beside(&some(d), &some(f), "%F").map(|s| s.unit);
        assert_eq!(unit(&[142_212, 135_617, 1094], &[141, 135, 0]), Some(Unit::Micros));
        assert_eq!(unit(&[142, 136, 3], &[141, 135, 0]), Some(Unit::Millis));
        assert_eq!(unit(&[142], &[0]), None);
    }

    #[test]
    fn what_cannot_be_is_eliminated() {
        let all = [Unit::Micros, Unit::Millis, Unit::Seconds];
        let unit = |v: &[u64], seconds: i64, of: &[Unit]| {
            let values: Vec<_> = v.iter().map(|v| Some(*v)).collect();
            alone(&values, &[0, seconds * SECOND], of).map(|s| s.unit)
        };
        assert_eq!(unit(&[350_000, 220_000, 910_000, 640_000], 2, &all), Some(Unit::Micros));
        assert_eq!(unit(&[350, 220, 910, 640], 2, &all), None);
        assert_eq!(unit(&[0, 220, 0, 3000], 2, &all), Some(Unit::Millis));
        assert_eq!(unit(&[0, 1, 0, 2], 2, &all), None);
        assert_eq!(unit(&[0, 1, 0, 2], 2, &all[..2]), Some(Unit::Millis));
    }
}
