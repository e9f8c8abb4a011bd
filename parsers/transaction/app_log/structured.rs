//! Records of one line whose head is fields like any other: JSON objects and logfmt.
//! <https://brandur.org/logfmt>, <https://www.elastic.co/docs/reference/ecs/logging/java/intro>

use super::head::When;
use super::names::{Field, Meaning, Names};
use super::phrase;
use super::transaction::{Reading, lograge};
use super::words;
use crate::scan::json::{Value, Walk, Walker};
use crate::scan::{line, time};
use crate::{Reason, Unit};

/// Objects that only group fields: what is in them counts as if it stood outside.
const BAGS: [&str; 12] = [
    "fields",
    "mdc",
    "context",
    "contextMap",
    "attributes",
    "properties",
    "labels",
    "data",
    "extra",
    "Properties",
    "ctx",
    "meta",
];

/// How deep fields are looked for.
const DEPTH: u8 = 3;

/// Reads a line of JSON.
///
/// # Errors
/// When it is no JSON object.
pub(super) fn json<'a>(text: &'a [u8], names: &Names, unit: Unit) -> Result<Reading<'a>, Reason> {
    let mut reading = Reading::default();
    let mut walker = Walker::new(text);
    members(&mut walker, b"", DEPTH, names, unit, &mut reading).map_err(|_| Reason::Shape)?;
    add_message(&mut reading, names, unit);
    Ok(reading)
}

/// Reads a line of logfmt.
pub(super) fn logfmt<'a>(text: &'a [u8], names: &Names, unit: Unit) -> Reading<'a> {
    let mut reading = Reading::default();
    let usual = lograge(text);
    line::key_values(text, |key, value| {
        if let Some(meaning) = meaning(names, key, value) {
            reading.take(Meaning { unit: meaning.unit.or(usual), ..meaning }, value, unit);
        }
    });
    add_message(&mut reading, names, unit);
    reading
}

/// What the message tells, where no field tells a total.
fn add_message(reading: &mut Reading<'_>, names: &Names, unit: Unit) {
    reading.message = reading.message.or(reading.event);
    if let Some(message) = reading.message.filter(|_| !reading.has_total()) {
        reading.add_text(message, names, unit);
        if !reading.has_total() {
            phrase::read(message, reading);
        }
    }
    if let Some(message) = reading.message.filter(|_| reading.has_total()) {
        words::name(message, reading);
    }
}

/// Reads the JSON object that a message of plain text ends in, as zap's console does.
pub(super) fn add_tail<'a>(message: &'a [u8], names: &Names, unit: Unit, reading: &mut Reading<'a>) {
    let Some(open) = memchr::memmem::find(message, b"{\"").filter(|_| message.ends_with(b"}")) else { return };
    // A tail that breaks off tells what stands before the break.
    let _ = members(&mut Walker::new(&message[open..]), b"", DEPTH, names, unit, reading);
}

/// The moment a field tells.
pub(super) fn when(text: &[u8]) -> Option<When> {
    time::iso(text).or_else(|_| time::epoch(text)).ok().map(When::from)
}

fn members<'a>(
    walker: &mut Walker<'a>,
    parent: &[u8],
    depth: u8,
    names: &Names,
    unit: Unit,
    reading: &mut Reading<'a>,
) -> Walk<()> {
    let bag = parent.is_empty() || BAGS.iter().any(|b| parent == b.as_bytes());
    walker.object(|walker, key| match walker.value()? {
        Value::Object if depth > 1 => members(walker, key.raw, depth - 1, names, unit, reading),
        Value::Object | Value::Array => walker.skip().map(drop),
        value => {
            let text = match value {
                Value::Bool(true) => b"true",
                Value::Bool(false) => &b"false"[..],
                value => value.scalar().unwrap_or_default(),
            };
            let joined = || meaning(names, &[parent, b".", key.raw].concat(), text);
            let found = if bag { meaning(names, key.raw, text) } else { joined() };
            if let Some(found) = found {
                reading.take(found, text, unit);
            }
            Ok(())
        }
    })
}

/// As everywhere, but that `time` without a unit is the moment, not a length of time.
fn meaning(names: &Names, key: &[u8], value: &[u8]) -> Option<Meaning> {
    let is_moment = matches!(key, b"time" | b"Time" | b"date") && when(value).is_some();
    if is_moment { Some(Meaning { field: Field::Time, unit: None, bare: false }) } else { names.meaning(key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Id;

    #[test]
    fn json_fields_are_read_wherever_they_stand() {
        let text = br#"{"@timestamp":"2026-11-22T17:55:51.653Z","log.level":"INFO","message":"txn done","http":{"response":{"status_code":200},"request":{"method":"GET"}},"mdc":{"requestId":"abc1"},"url":{"path":"/api/x"},"duration_ms":12.5,"db":{"calls":3},"user":{"type":"vip"},"list":[{"type":"x"}]}"#;
        let reading = json(text, &Names::default(), Unit::Millis).expect("JSON");
        let op = reading.operation(Some(100_000_000), None).expect("reads").expect("a transaction");
        assert_eq!((op.duration, op.status, op.count), (Some(12_500_000), Some(200), Some(3)));
        assert_eq!((op.request, op.name), (Some(Id(0xabc1)), Some(&b"/api/x"[..])));
        assert_eq!(reading.time.and_then(when).map(|w| w.digits), Some(3));
    }

    #[test]
    fn a_message_with_pairs_is_read_too() {
        let text = br#"{"time":"2026-11-22T17:55:51Z","level":"info","msg":"done rid=7f took=3ms"}"#;
        let reading = json(text, &Names::default(), Unit::Millis).expect("JSON");
        let op = reading.operation(None, None).expect("reads").expect("a transaction");
        assert_eq!((op.duration, op.request), (Some(3_000_000), Some(Id(0x7f))));
        assert!(json(b"{\"a\":", &Names::default(), Unit::Millis).is_err());
    }

    #[test]
    fn logfmt_is_read() {
        let reading = logfmt(
            b"ts=2026-11-22T17:55:51Z level=info msg=\"served it\" dur=12ms path=/x status=200",
            &Names::default(),
            Unit::Millis,
        );
        let op = reading.operation(None, None).expect("reads").expect("a transaction");
        assert_eq!((op.duration, op.name, op.status), (Some(12_000_000), Some(&b"/x"[..]), Some(200)));
        assert!(reading.level.is_some() && reading.message == Some(b"served it"));
    }
}
