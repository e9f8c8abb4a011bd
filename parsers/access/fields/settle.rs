//! Settles from the first records which key feeds which field, and in what unit.
//!
//! A unit comes from the user, the end of a name, the values' own text, a known writer's
//! convention, or the log's start and end stamps. What is left is assumed by a stated rule, or the
//! field is left out; both are said in [`Facts::assumptions`].

use std::collections::BTreeMap;

use super::names::{Known, known, snake, timed};
use super::record::{self_described, sum};
use super::{Field, Layout, Mapping, Scale, Source, conventions, stamp};
use crate::scan::{line, number};
use crate::{Facts, Nanos, OpenError, Options, Reason, Stamp, Unit};

/// A key seen in the first records.
pub(in crate::access) struct Key {
    /// Names of the objects down to the value.
    pub(in crate::access) path: Vec<Vec<u8>>,
    /// Its values, by record: no nulls.
    pub(in crate::access) values: BTreeMap<usize, Vec<u8>>,
}

impl Key {
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.path.join(&b'.')).into_owned()
    }

    /// Its values, without those that stand for "none".
    fn texts(&self) -> Vec<&[u8]> {
        self.values.values().map(Vec::as_slice).filter(|text| !number::is_absent(text)).collect()
    }
}

/// A key that may feed a field.
struct Candidate<'a> {
    key: &'a Key,
    known: Known,
    /// Digits after the point, at most, of what it holds.
    digits: u8,
    scale: Option<Scale>,
    /// What was assumed about its unit.
    assumed: Option<String>,
    told: bool,
}

/// Settles the layout of a log from the keys of its first `records` records.
pub(in crate::access) fn settle(
    keys: &[Key],
    records: usize,
    mappings: &[Mapping],
    options: &Options,
) -> Result<Layout, OpenError> {
    let mut candidates = Vec::new();
    for mapping in mappings {
        candidates.push(mapped(keys, mapping)?);
    }
    for key in keys {
        candidates.extend(known(&key.path).into_iter().filter_map(|known| fits(key, known)));
    }
    candidates.extend(only_timed(keys, &candidates));
    let names: Vec<String> = keys.iter().map(name_of).collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    let span_of_record = starts_and_ends(&candidates);
    for candidate in candidates.iter_mut().filter(|c| c.known.field.is_span()) {
        unit(candidate, &has, &span_of_record, options);
    }
    let mut chosen: Vec<Candidate<'_>> = Vec::new();
    let mut assumptions = Vec::new();
    for (field, _) in Field::ALL {
        let mut of_field: Vec<_> = extract(&mut candidates, field);
        of_field.sort_by_key(|c| preference(c, records));
        // A key feeds one field only.
        let free = of_field.into_iter().find(|c| chosen.iter().all(|other| !std::ptr::eq(other.key, c.key)));
        if let Some(candidate) = free {
            assumptions.extend(candidate.assumed.clone());
            if !(field.is_span() && candidate.scale.is_none()) {
                chosen.push(candidate);
            }
        }
    }
    assumptions.extend(unread(keys, &chosen));
    let mut layout = layout(chosen, assumptions, options);
    layout.all_requests = !mappings.is_empty();
    // Requests of one tier have no use for an id that only other tiers' logs could share.
    let is_tier = |field| matches!(field, Field::Service | Field::Span | Field::ParentSpan | Field::Traceparent);
    if options.alone && !layout.sources.iter().any(|source| is_tier(source.field)) {
        layout.sources.retain(|source| source.field != Field::RequestId);
    }
    Ok(layout)
}

fn layout(chosen: Vec<Candidate<'_>>, assumptions: Vec<String>, options: &Options) -> Layout {
    let by = |field| chosen.iter().find(|c| c.known.field == field);
    let moment = by(Field::Start).or(by(Field::End)).or(by(Field::Time));
    let mut facts = Facts { assumptions, stamp: options.stamp, ..Facts::default() };
    if let Some(moment) = moment {
        let (stamp, why) = stamp_of(moment);
        facts.stamp = options.stamp.or(Some(stamp));
        if options.stamp.is_none() && by(Field::Duration).is_some() {
            facts.assumptions.extend(why);
        }
        note_stamps(moment.key, &mut facts);
    }
    match by(Field::Duration) {
        Some(Candidate { scale: Some(Scale::Fixed(nanos)), digits, .. }) => {
            facts.unit = unit_of_nanos(*nanos);
            facts.resolution_ns = (nanos / 10i64.pow(u32::from((*digits).min(9)))).max(1);
        }
        Some(_) => facts.resolution_ns = 1,
        None if by(Field::Start).is_some() && by(Field::End).is_some() => facts.resolution_ns = facts.stamp_resolution_ns,
        None => {}
    }
    let source =
        |c: Candidate<'_>| Source { field: c.known.field, path: c.key.path.clone(), scale: c.scale.unwrap_or(Scale::InValue) };
    let start_stated = chosen.iter().any(|c| c.known.field == Field::Start);
    let is_start = facts.stamp == Some(Stamp::Start);
    let mut layout = Layout::new(chosen.into_iter().map(source).collect(), facts);
    layout.time_is_start = is_start && !start_stated;
    layout
}

/// What a timestamp marks, and what was assumed in saying so.
fn stamp_of(moment: &Candidate<'_>) -> (Stamp, Option<String>) {
    let texts = moment.key.texts();
    let shown = moment.key.shown();
    match moment.known.field {
        Field::Start => (Stamp::Start, None),
        Field::End => (Stamp::End, None),
        // nginx's variables are documented to be read when the line is written.
        _ if matches!(&*name_of(moment.key), "msec" | "time_local" | "time_iso8601") => (Stamp::End, None),
        _ if texts.iter().filter(|text| text.starts_with(b"[")).count() * 2 > texts.len() => {
            let why = format!("`{shown}` stands in brackets as Apache's %t does, so it is taken as the start of the request.");
            (Stamp::Start, Some(why))
        }
        _ => {
            let why =
                format!("`{shown}` does not say what it marks; taken as the end of the request, when its line was written.");
            (Stamp::End, Some(why))
        }
    }
}

/// Notes what the timestamps of a key look like.
pub(super) fn note_stamps(key: &Key, facts: &mut Facts) {
    let stamps: Vec<_> = key.texts().into_iter().filter_map(|text| stamp::parse(text).ok()).collect();
    facts.zone_missing = stamps.iter().any(|stamp| !stamp.zoned);
    facts.stamp_resolution_ns = stamps.iter().map(|stamp| stamp.resolution_ns()).min().unwrap_or(0);
}

fn extract<'a>(candidates: &mut Vec<Candidate<'a>>, field: Field) -> Vec<Candidate<'a>> {
    let (of_field, others) = std::mem::take(candidates).into_iter().partition(|c| c.known.field == field);
    *candidates = others;
    of_field
}

/// Sorts candidates for one field: what the user told, what has a unit, what most records have,
/// what is finest, what is named best.
fn preference(candidate: &Candidate<'_>, records: usize) -> (bool, bool, bool, usize, u8, usize) {
    let present = candidate.key.texts().len();
    let quarters = (present * 4).div_ceil(records.max(1)).min(4);
    let fineness = if candidate.known.field.is_moment() { 9 - candidate.digits.min(9) } else { 0 };
    let no_unit = candidate.known.field.is_span() && candidate.scale.is_none();
    (!candidate.told, no_unit, candidate.assumed.is_some(), 4 - quarters, fineness, candidate.known.rank)
}

/// The key that the user named.
fn mapped<'a>(keys: &'a [Key], mapping: &Mapping) -> Result<Candidate<'a>, OpenError> {
    let key = keys.iter().find(|key| key.shown() == mapping.key);
    let key = key.ok_or_else(|| {
        let shown: Vec<_> = keys.iter().map(Key::shown).take(30).collect();
        OpenError::new(format!("no key `{}` in the first records; there are {}", mapping.key, shown.join(", ")))
    })?;
    let known = known(&key.path).into_iter().find(|known| known.field == mapping.field);
    let unit = mapping.unit.or(known.and_then(|known| known.unit));
    let known = Known { field: mapping.field, rank: 0, unit };
    Ok(Candidate { key, known, digits: digits(key), scale: None, assumed: None, told: true })
}

/// The one key that states a length of time with its unit, where no key is known as the duration.
fn only_timed<'a>(keys: &'a [Key], candidates: &[Candidate<'a>]) -> Option<Candidate<'a>> {
    if candidates.iter().any(|c| c.known.field == Field::Duration) {
        return None;
    }
    let mut timed = keys.iter().filter_map(|key| {
        let known = Known { field: Field::Duration, rank: usize::MAX, unit: Some(timed(&key.path)?) };
        fits(key, known).filter(|_| !key.texts().is_empty())
    });
    let only = timed.next().filter(|_| timed.next().is_none())?;
    let assumed = format!("`{}` was taken as the duration of the request, as no other key states one.", only.key.shown());
    Some(Candidate { assumed: Some(assumed), ..only })
}

/// What is to be said of a log whose requests have no duration although it holds numbers that nothing
/// reads.
fn unread(keys: &[Key], chosen: &[Candidate<'_>]) -> Option<String> {
    let has = |field| chosen.iter().any(|c| c.known.field == field);
    if has(Field::Duration) || has(Field::Start) && has(Field::End) || !(has(Field::Status) || has(Field::Method)) {
        return None;
    }
    let is_number = |key: &&Key| {
        let texts = key.texts();
        !texts.is_empty() && known(&key.path).is_empty() && texts.iter().all(|text| spent(text, 1).is_ok())
    };
    let unread: Vec<_> = keys.iter().filter(is_number).map(Key::shown).take(6).collect();
    let first = unread.first()?;
    let list = unread.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    Some(format!(
        "No key is known as the duration of the request; numbers that were not read: {list}. A layout such as \
         `duration={first}:ms` reads one."
    ))
}

/// The key as a candidate for a field, if most of its values are of the field's type.
fn fits(key: &Key, known: Known) -> Option<Candidate<'_>> {
    let texts = key.texts();
    let fitting = texts.iter().filter(|text| fits_field(known.field, text)).count();
    // A key without a single value proves nothing, but an empty upstream time may be filled later.
    let enough = if texts.is_empty() { known.field.is_span() } else { fitting * 10 >= texts.len() * 6 };
    enough.then(|| Candidate { key, known, digits: digits(key), scale: None, assumed: None, told: false })
}

fn fits_field(field: Field, text: &[u8]) -> bool {
    match field {
        Field::Time | Field::Start | Field::End => stamp::parse(text).is_ok(),
        Field::Name => matches!(text.first(), Some(b'/' | b'*' | b'\\')) || memchr::memmem::find(text, b"://").is_some(),
        Field::Request => {
            line::request_line(text).is_some_and(|(_, target)| target.starts_with(b"/") || target.starts_with(b"http"))
        }
        Field::Method => text.len() <= 24 && text.iter().all(|b| b.is_ascii_uppercase() || *b == b'-'),
        Field::Status => text.len() == 3 && number::status(text).is_ok(),
        Field::Bytes => number::whole(text).is_ok(),
        Field::Traceparent => crate::Id::traceparent(text).is_some(),
        // A short number counts the requests of one process and joins nothing.
        Field::RequestId => text.len() >= 10 || !text.iter().all(u8::is_ascii_digit),
        Field::Route | Field::Trace | Field::Span | Field::ParentSpan => text.len() <= 512,
        Field::Service | Field::Instance | Field::Thread | Field::Peer => text.len() <= 512,
        _ => spent(text, 1).is_ok() || self_described(text).is_ok(),
    }
}

/// A bare number, or nginx's list of them.
fn spent(text: &[u8], nanos: Nanos) -> Result<Nanos, Reason> {
    match number::duration(text, nanos) {
        Err(Reason::Number) if text.contains(&b' ') => sum(text, nanos)?.ok_or(Reason::Number),
        read => read,
    }
}

fn digits(key: &Key) -> u8 {
    let after_point = |text: &[u8]| {
        let point = text.iter().rposition(|&b| matches!(b, b'.' | b','))?;
        Some(text[point + 1..].iter().take_while(|b| b.is_ascii_digit()).count().min(9) as u8)
    };
    let stamp = |text: &[u8]| stamp::parse(text).map(|stamp| stamp.digits).ok();
    key.texts().into_iter().filter_map(|text| stamp(text).or_else(|| after_point(text))).max().unwrap_or(0)
}

fn name_of(key: &Key) -> String {
    key.path.iter().map(|name| snake(name)).collect::<Vec<_>>().join("_")
}

/// Settles the unit of a length of time.
fn unit(
    candidate: &mut Candidate<'_>,
    has: &dyn Fn(&str) -> bool,
    span_of_record: &BTreeMap<usize, (Nanos, Nanos)>,
    options: &Options,
) {
    let texts = candidate.key.texts();
    let in_value = texts.iter().filter(|text| spent(text, 1).is_err() && self_described(text).is_ok()).count();
    if in_value * 10 >= texts.len() * 6 && in_value > 0 {
        candidate.scale = Some(Scale::InValue);
        return;
    }
    let name = name_of(candidate.key);
    let settled = candidate.known.unit.or_else(|| {
        // The record's own stamps know better than a name that several writers share.
        let stamped = || by_stamps(candidate.key, span_of_record);
        let early = if candidate.known.field == Field::Duration { stamped() } else { None };
        let convention = || conventions::unit(&name, candidate.known.field, has, &texts);
        early.or_else(convention).or_else(stamped).or(options.unit)
    });
    if let Some(unit) = settled {
        candidate.scale = Some(Scale::Fixed(unit.nanos()));
        return;
    }
    if texts.is_empty() {
        return;
    }
    let shown = candidate.key.shown();
    match assumed(&texts, conventions::is_go_slog(&name, has)) {
        Some((unit, why)) => {
            candidate.scale = Some(Scale::Fixed(unit.nanos()));
            let unit = unit.symbol();
            candidate.assumed = Some(format!(
                "`{shown}` does not state its unit; read as {unit} because {why}; a layout that names the unit overrides this."
            ));
        }
        None => {
            candidate.assumed = Some(format!(
                "`{shown}` does not state its unit and its values do not settle it, so it is left out until a layout names the unit."
            ));
        }
    }
}

/// How long each record lasted by its own stamps, and how far off that may be.
fn starts_and_ends(candidates: &[Candidate<'_>]) -> BTreeMap<usize, (Nanos, Nanos)> {
    let first = |field: &[Field]| candidates.iter().filter(|c| field.contains(&c.known.field)).max_by_key(|c| c.digits);
    let (Some(start), Some(end)) = (first(&[Field::Start]), first(&[Field::End, Field::Time])) else { return BTreeMap::new() };
    let mut spans = BTreeMap::new();
    for (record, text) in &start.key.values {
        let both = end.key.values.get(record).and_then(|end| Some((stamp::parse(text).ok()?, stamp::parse(end).ok()?)));
        if let Some((from, to)) = both {
            let span = to.nanos.saturating_sub(from.nanos);
            spans.insert(*record, (span, from.resolution_ns().max(to.resolution_ns())));
        }
    }
    spans
}

/// The one unit in which the key agrees with the records' own stamps, in nine of ten records that
/// last ten steps of their clock or more.
fn by_stamps(key: &Key, spans: &BTreeMap<usize, (Nanos, Nanos)>) -> Option<Unit> {
    let agrees = |unit: Unit| {
        let mut counts = (0usize, 0usize);
        for (record, text) in &key.values {
            let Some(&(span, step)) = spans.get(record).filter(|(span, step)| *span >= step.saturating_mul(10)) else { continue };
            let near = spent(text, unit.nanos()).is_ok_and(|length| (length - span).abs() <= step * 2 + span / 10);
            counts = (counts.0 + usize::from(near), counts.1 + 1);
        }
        counts.1 > 0 && counts.0 * 10 >= counts.1 * 9
    };
    let mut units = [Unit::Nanos, Unit::Micros, Unit::Millis, Unit::Seconds].into_iter().filter(|&unit| agrees(unit));
    units.next().filter(|_| units.next().is_none())
}

/// The unit that the values make likely, and why; `None` where more than one is.
///
/// Whole numbers with a median under 1000 are milliseconds: whole seconds are too coarse to log,
/// and few servers answer most requests within a thousand microseconds. A larger median may be slow
/// milliseconds or quick microseconds. Of fractions those under 1 are seconds, from 100 on
/// milliseconds. Go's slog writes nanoseconds, and nothing takes less than ten thousand of them at the
/// median.
fn assumed(texts: &[&[u8]], go_slog: bool) -> Option<(Unit, &'static str)> {
    let mut values: Vec<Nanos> = texts.iter().filter_map(|text| number::scaled(text, 1_000_000).ok()).collect();
    values.sort_unstable();
    let (median, max) = (*values.get(values.len() / 2)?, *values.last()?);
    let hour_of_millis = 3_600_000 * 1_000_000;
    let fractions = texts.iter().any(|text| text.iter().any(|b| matches!(b, b'.' | b',' | b'e' | b'E')));
    match fractions {
        false if go_slog && median >= 10_000 * 1_000_000 => {
            Some((Unit::Nanos, "Go's slog writes durations as whole nanoseconds"))
        }
        false if median < 1_000 * 1_000_000 && max <= hour_of_millis => {
            Some((Unit::Millis, "its values are whole with a median under 1000"))
        }
        true if median < 1_000_000 && max <= 3_600 * 1_000_000 => {
            Some((Unit::Seconds, "its values are fractions with a median under 1"))
        }
        true if median >= 100 * 1_000_000 && max <= hour_of_millis => {
            Some((Unit::Millis, "its values are fractions with a median of 100 or more"))
        }
        _ => None,
    }
}

fn unit_of_nanos(nanos: Nanos) -> Option<Unit> {
    [Unit::Nanos, Unit::Micros, Unit::Millis, Unit::Seconds].into_iter().find(|unit| unit.nanos() == nanos)
}
