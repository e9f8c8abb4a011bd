//! Trace ids that some records of a trace give in 64 bits and others in 128: tracers cut them for peers
//! that know no longer ones (<https://github.com/openzipkin/b3-propagation>).

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use parsers::Adoption;

/// Ids below this are counters of test agents, which any long id may end in. Of random ids one in four
/// thousand million is this small.
const COUNTERS: u128 = 1 << 32;

/// Gives each short id the long one that ends in it, where there is exactly one. Returns how many rows
/// that changed.
pub(super) fn widen(trace: &mut [u128], adopted: &mut [Adoption]) -> u64 {
    let is_short = |id: u128| (COUNTERS..1 << 64).contains(&id);
    let low = |id: u128| id & u128::from(u64::MAX);
    let mut long_of: HashMap<u128, Option<u128>> =
        trace.iter().copied().filter(|&id| is_short(id)).map(|id| (id, None)).collect();
    if long_of.is_empty() {
        return 0;
    }
    for &id in trace.iter().filter(|&&id| id >> 64 != 0) {
        if let Entry::Occupied(mut entry) = long_of.entry(low(id)) {
            match entry.get() {
                None => *entry.get_mut() = Some(id),
                Some(other) if *other == id => {}
                // Two traces end alike: which one is meant is not said.
                Some(_) => *entry.get_mut() = Some(low(id)),
            }
        }
    }
    let long = |id: u128| long_of.get(&id).copied().flatten().filter(|&long| long != id);
    let mut widened = 0;
    for id in trace {
        if let Some(long) = long(*id) {
            *id = long;
            widened += 1;
        }
    }
    for adoption in adopted {
        adoption.trace = long(adoption.trace).unwrap_or(adoption.trace);
    }
    widened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_becomes_the_only_long_one_that_ends_in_it() {
        const LOW: u128 = 0x5af7_183f_b1d4_cf5f;
        let long = 7 << 64 | LOW;
        let mut trace = [LOW, long, 0, LOW + 1, long, LOW];
        let mut adopted = [Adoption { trace: LOW, child: 1, parent: 2 }];
        assert_eq!(widen(&mut trace, &mut adopted), 2);
        assert_eq!(trace, [long, long, 0, LOW + 1, long, long]);
        assert_eq!(adopted[0].trace, long);
    }

    #[test]
    fn counters_and_ids_that_two_traces_end_in_stay_as_they_are() {
        const LOW: u128 = 0x5af7_183f_b1d4_cf5f;
        let given = [1, 9 << 64 | 1, LOW, 7 << 64 | LOW, 8 << 64 | LOW, 7 << 64 | LOW, LOW];
        let mut trace = given;
        assert_eq!(widen(&mut trace, &mut []), 0);
        assert_eq!(trace, given);
    }
}
