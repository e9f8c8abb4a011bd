//! Requests told by two records: the event of the end becomes the request, with the time since the
//! event of its start. What has no partner is no request and is counted.

use hashbrown::HashMap;
use parsers::{Kind, Phase};

use super::{Fate, Links};
use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::{NO_NAME, NULL_I64};

/// Whom events are told of: within one log the request, else the trace, else the thread.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Whose {
    Request(u128),
    Trace(u128),
    Thread(u32),
}

impl Whose {
    fn of(rows: &Rows<'_>, row: usize) -> Option<Whose> {
        let thread = || Some(rows.thread(row)).filter(|&key| key != NO_NAME).map(Whose::Thread);
        rows.request(row).map(Whose::Request).or_else(|| rows.trace(row).map(Whose::Trace)).or_else(thread)
    }
}

/// A start or an end.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Event {
    at: i64,
    row: u32,
    is_end: bool,
}

/// Pairs the events of every log.
pub(super) fn pair(rows: &Rows<'_>, origins: &[Origin], links: &mut Links) {
    let mut lists: HashMap<(u32, Whose), Vec<Event>> = HashMap::new();
    for row in (0..rows.len()).filter(|&row| rows.is(row, Kind::Request) && rows.phase(row) != Phase::Whole) {
        links.fate[row] = Fate::Absorbed;
        let at = links.start[row];
        match Whose::of(rows, row).filter(|_| at != NULL_I64) {
            Some(whose) => {
                let event = Event { at, row: row as u32, is_end: rows.phase(row) == Phase::Time };
                lists.entry((origins[rows.source[row] as usize].family, whose)).or_default().push(event);
            }
            None => links.joined.unpaired_events += 1,
        }
    }
    for ((_, whose), mut events) in lists {
        events.sort_unstable();
        let (pairs, unpaired) = pairs(&events, !matches!(whose, Whose::Thread(_)));
        links.joined.unpaired_events += unpaired;
        for (start, end) in pairs {
            let row = end.row as usize;
            links.fate[row] = Fate::Root;
            links.start.to_mut()[row] = start.at;
            links.duration.to_mut()[row] = end.at.saturating_sub(start.at);
            links.started.insert(end.row, start.row);
        }
    }
}

/// The starts and ends that belong together, of one request or thread in order of time, and how many
/// have no partner. An end belongs to the last start that is open. Pairs within a pair are steps of
/// that request and are left out; a thread has no steps: it has left one request when it starts another.
fn pairs(events: &[Event], nests: bool) -> (Vec<(Event, Event)>, u64) {
    let mut open: Vec<Event> = Vec::new();
    let mut pairs: Vec<(Event, Event)> = Vec::new();
    let mut unpaired = 0;
    for &event in events {
        if !event.is_end {
            if !nests {
                unpaired += open.drain(..).count() as u64;
            }
            open.push(event);
        } else if let Some(start) = open.pop() {
            while pairs.last().is_some_and(|inner| inner.0 > start) {
                pairs.pop();
            }
            pairs.push((start, event));
        } else {
            unpaired += 1;
        }
    }
    (pairs, unpaired + open.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `S` starts and `E` ends, one each second; gives the seconds of each pair.
    fn of(events: &str, nests: bool) -> (Vec<(i64, i64)>, u64) {
        let event = |(at, letter): (usize, char)| Event { at: at as i64, row: at as u32, is_end: letter == 'E' };
        let events: Vec<Event> = events.chars().enumerate().filter(|(_, c)| *c != ' ').map(event).collect();
        let (pairs, unpaired) = pairs(&events, nests);
        (pairs.into_iter().map(|(start, end)| (start.at, end.at)).collect(), unpaired)
    }

    #[test]
    fn an_end_belongs_to_the_start_before_it() {
        assert_eq!(of("SE S  E", true), (vec![(0, 1), (3, 6)], 0));
        assert_eq!(of("E SE S", true), (vec![(2, 3)], 2));
        assert_eq!(of("SSE", true), (vec![(1, 2)], 1));
        assert_eq!(of("", true), (vec![], 0));
    }

    #[test]
    fn steps_of_a_request_are_no_requests() {
        assert_eq!(of("S SE S SE E E SE", true), (vec![(0, 11), (13, 14)], 0));
    }

    #[test]
    fn a_thread_does_one_request_at_a_time() {
        assert_eq!(of("S SE E SE", false), (vec![(2, 3), (7, 8)], 2));
    }
}
