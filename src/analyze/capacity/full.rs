//! When a resource was full, told by its slots or by its waiters: whoever waits, waits because all slots are taken.

use super::model::{Hold, Kind, Resource, Size};
use super::sweep::Steps;
use super::window::{Window, bins, full_period, longest_run};

/// Share of acquisitions that have to wait while a resource of any size is full. Random arrivals meet all slots taken no more
/// often than these are in use (Erlang's C is at most the utilisation), so that at least as much of it is in use.
pub const NEARLY_ALL: f64 = 0.9;
/// The same share within a short part of such a period, where it is partly chance.
const OFTEN: f64 = 0.8;
/// Share of acquisitions that have to wait at the least where the slots in use tell that it is full.
const MOST: f64 = 0.5;
/// Share of a resource's time beyond its slots from which on its holds are taken to contain waits.
const TOO_MUCH: f64 = 0.05;

/// A period in which a resource was full, and by what that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Full {
    /// The longest such period.
    pub window: Window,
    /// Nearly all had to wait: the resource is full whatever its holds add up to.
    pub by_waits: bool,
}

/// The longest period in which a resource was full; `steps` are its holders. A size makes its slots tell, too.
pub fn full(resource: &Resource, steps: &Steps, size: Size, window: Window) -> Option<Full> {
    let by_use = size.known().and_then(|m| full_period(steps, &resource.holds, f64::from(m), window));
    match by_use.filter(|full| waited(resource, *full) >= MOST) {
        Some(window) => Some(Full { window, by_waits: waited(resource, window) >= NEARLY_ALL }),
        None => full_by_waits(resource, window).map(|window| Full { window, by_waits: true }),
    }
}

fn is_wait(resource: &Resource, hold: &Hold) -> bool {
    hold.wait_ns > resource.wait_resolution_ns.max(0)
}

/// Share of the acquisitions of a period that had to wait.
fn waited(resource: &Resource, window: Window) -> f64 {
    let asked = resource.holds.iter().filter(|h| window.contains(h.grant_ns));
    let (all, waited) = asked.fold((0_u64, 0_u64), |(a, w), h| (a + 1, w + u64::from(is_wait(resource, h))));
    if all > 0 { waited as f64 / all as f64 } else { 0.0 }
}

/// The longest period in which nearly all had to wait, as long as they then held, and in which somebody was always waiting: what
/// merely takes its time to hand out a slot has no queue. A lock has no slots.
fn full_by_waits(resource: &Resource, window: Window) -> Option<Window> {
    if resource.kind == Kind::Lock {
        return None;
    }
    let bins = bins(&resource.holds, window);
    let mut asked = vec![(0_u32, 0_u32); bins.len()];
    for hold in resource.holds.iter().filter(|h| window.contains(h.grant_ns)) {
        if let Some(bin) = asked.get_mut(bins.partition_point(|b| b.to_ns <= hold.grant_ns)) {
            *bin = (bin.0 + 1, bin.1 + u32::from(is_wait(resource, hold)));
        }
    }
    let is_full: Vec<bool> =
        asked.iter().map(|(all, waited)| *all > 0 && f64::from(*waited) >= OFTEN * f64::from(*all)).collect();
    let (from, to) = longest_run(&is_full)?;
    let found = Window { from_ns: bins[from].from_ns, to_ns: bins[to - 1].to_ns };
    let inside = || resource.holds.iter().filter(|h| found.contains(h.grant_ns));
    let (waited_ns, held_ns) =
        inside().fold((0_i128, 0_i128), |(w, h), hold| (w + i128::from(hold.wait_ns.max(0)), h + i128::from(hold.held_ns())));
    let always_one = waited_ns as f64 / 1e9 >= found.seconds();
    (to - from >= 3 && 2 * waited_ns >= held_ns && always_one && waited(resource, found) >= NEARLY_ALL).then_some(found)
}

/// Takes waits that no record tells of out of the holds: where a resource of known size was asked for more than it has, and no
/// record tells of a wait for it, the excess at each moment waited. The waits come first in each hold, and are nested waits of
/// what is held around it.
pub fn part_unlogged_waits(resources: &mut [Resource]) {
    for index in 0..resources.len() {
        let resource = &mut resources[index];
        let Some(slots) = resource.size.known().filter(|_| is_silent_on_waits(resource)) else { continue };
        let steps = Steps::new(resource.holds.iter().map(|h| (h.grant_ns, h.release_ns)));
        let Some((from, to)) = steps.span() else { continue };
        let times = steps.time_at(from, to);
        let (mut beyond, mut all) = (0.0, 0.0);
        for (level, time) in times.iter().enumerate() {
            all += level as f64 * *time as f64;
            beyond += level.saturating_sub(slots as usize) as f64 * *time as f64;
        }
        if beyond < TOO_MUCH * all || !grows_beyond(resource, &steps, slots) {
            continue;
        }
        let mut nested: hashbrown::HashMap<u32, i64> = hashbrown::HashMap::new();
        for hold in &mut resource.holds {
            let level = steps.mean(hold.grant_ns, hold.release_ns).max(f64::from(slots));
            hold.wait_ns = (hold.held_ns() as f64 * (1.0 - f64::from(slots) / level)) as i64;
            hold.grant_ns = hold.grant_ns.saturating_add(hold.wait_ns);
            let sum = nested.entry(hold.request).or_default();
            *sum = sum.saturating_add(hold.wait_ns);
        }
        resource.waits_logged = false;
        if let Some(around) = resource.parent.and_then(|parent| resources.get_mut(parent)) {
            for hold in &mut around.holds {
                let waits = nested.get(&hold.request).copied().unwrap_or(0);
                hold.nested_wait_ns = hold.nested_wait_ns.saturating_add(waits).min(hold.held_ns());
            }
        }
    }
}

/// Whether holds are longer while more are under way than there are slots: of slots that are another's they would not be.
fn grows_beyond(resource: &Resource, steps: &Steps, slots: u32) -> bool {
    /// Holds on either side below which nothing can be compared.
    const FEWEST: f64 = 20.0;
    /// How much longer they are.
    const LONGER: f64 = 1.5;
    let mut sides = [(0.0, 0.0); 2];
    for hold in &resource.holds {
        let level = steps.mean(hold.grant_ns, hold.release_ns);
        let side = if level <= f64::from(slots) {
            0
        } else if level >= 2.0 * f64::from(slots) {
            1
        } else {
            continue;
        };
        sides[side] = (sides[side].0 + hold.held_ns() as f64, sides[side].1 + 1.0);
    }
    let [(within, few), (beyond, many)] = sides;
    few >= FEWEST && many >= FEWEST && beyond / many >= LONGER * within / few
}

fn is_silent_on_waits(resource: &Resource) -> bool {
    !matches!(resource.kind, Kind::Lock | Kind::Threads) && resource.holds.iter().all(|h| h.wait_ns <= 0 && h.granted)
}

#[cfg(test)]
mod tests {
    use super::super::model::Basis;
    use super::*;

    const MS: i64 = 1_000_000;

    /// Slots are given in turn, each for 10 ms; `callers` ask again at once.
    fn holds(slots: i64, callers: i64, count: i64) -> Vec<Hold> {
        let wait = (callers - slots) * 10 * MS / slots;
        (0..count)
            .map(|i| Hold::new((i / slots) * 10 * MS + wait, (i / slots) * 10 * MS + wait + 10 * MS, wait, i as u32))
            .collect()
    }

    #[test]
    fn whoever_waits_makes_a_resource_of_unknown_size_full() {
        let mut pool = Resource::new("pool", Kind::Connections);
        pool.holds = holds(3, 12, 3_000);
        let steps = Steps::new(pool.holds.iter().map(|h| (h.grant_ns, h.release_ns)));
        let window = Window { from_ns: 1_000 * MS, to_ns: 9_000 * MS };
        let found = full(&pool, &steps, pool.size, window).expect("full");
        assert!(found.by_waits && found.window == window);
        // Half of them get a slot at once: that may be chance.
        pool.holds.iter_mut().step_by(2).for_each(|h| h.wait_ns = 0);
        assert_eq!(full(&pool, &steps, pool.size, window), None);
    }

    #[test]
    fn what_exceeds_the_slots_has_waited() {
        let mut permits = Resource::new("gateway", Kind::External);
        permits.size = Size { value: Some(2), basis: Basis::Stated };
        permits.parent = Some(0);
        // Eight at a time, each 40 ms in a call that takes 10 ms: 30 ms of it are spent waiting for one of two permits.
        let mut workers = Resource::new("workers", Kind::Threads);
        // Before that, one at a time, which takes 10 ms.
        for i in 800..840_i64 {
            permits.holds.push(Hold::new((i - 2_000) * 20 * MS, (i - 2_000) * 20 * MS + 10 * MS, 0, i as u32));
        }
        for i in 0..800_i64 {
            let start = i * 5 * MS;
            permits.holds.push(Hold::new(start, start + 40 * MS, 0, i as u32));
            workers.holds.push(Hold::new(start, start + 50 * MS, 0, i as u32));
        }
        let mut resources = vec![workers, permits];
        let calm = resources.clone();
        part_unlogged_waits(&mut resources);
        let middle = &resources[1].holds[440];
        assert_eq!((middle.wait_ns, middle.held_ns(), resources[0].holds[400].nested_wait_ns), (30 * MS, 10 * MS, 30 * MS));
        assert!(!resources[1].waits_logged);
        // Within its size nothing is moved.
        let mut resources = calm;
        resources[1].size.value = Some(8);
        part_unlogged_waits(&mut resources);
        assert_eq!((resources[1].holds[440].wait_ns, resources[1].waits_logged), (0, true));
    }
}
