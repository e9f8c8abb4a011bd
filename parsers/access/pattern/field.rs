//! What a field of an access log says of the operation.

use memchr::memchr;

use crate::access::strftime::{self, Item};
use crate::operation::Outcome;
use crate::scan::{line, number, time};
use crate::{Id, Memo, Nanos, Operation, Reason, Stamp, Unit};

/// How a timestamp is written.
#[derive(Clone, Debug)]
pub(in crate::access) enum Form {
    /// `10/Oct/2000:13:55:36 -0700`
    Clf,
    /// `2000-10-10T13:55:36-07:00`
    Iso,
    /// Seconds since the epoch with a fraction.
    EpochSeconds,
    /// A pattern of the user's.
    Items(Box<[Item]>),
}

impl Form {
    /// Whether the text says its zone.
    pub(super) fn zoned(&self) -> bool {
        if let Form::Items(items) = self { strftime::zoned(items) } else { true }
    }
}

/// What a field says.
#[derive(Clone, Debug)]
pub(in crate::access) enum Field {
    /// Nothing of use here.
    Skip,
    /// When it was.
    Stamp { form: Form, marks: Stamp, resolution_ns: Nanos },
    /// How long the request took.
    Duration { unit: Unit, resolution_ns: Nanos },
    /// Connecting to upstreams, in seconds: a list.
    Connect,
    /// From connecting to the last byte of upstreams, in seconds: a list.
    Upstream,
    /// `GET /path HTTP/1.1`
    Request,
    /// HTTP method.
    Method,
    /// Path, with query where `rank` is low.
    Target { rank: u8 },
    /// HTTP status; of several the lowest rank.
    Status { rank: u8 },
    /// Bytes sent; of several the lowest rank.
    Bytes { rank: u8 },
    /// Request or correlation id.
    RequestId,
    /// W3C `traceparent` as received: its span is the parent.
    TraceParent,
    /// Trace id.
    TraceId,
    /// Own span id.
    SpanId,
    /// Span id of the caller.
    ParentSpan,
    /// Address of the upstream: a list.
    Peer,
    /// Virtual host; of several the lowest rank.
    Service { rank: u8 },
    /// Machine that wrote the log.
    Instance,
    /// Worker thread.
    Thread,
}

impl Field {
    /// What this field sets, where only one field can, and its rank among those: lowest is kept.
    pub(super) fn slot(&self) -> Option<(u8, i64)> {
        Some(match self {
            Field::Stamp { marks, resolution_ns, .. } => (0, resolution_ns * 2 + i64::from(*marks == Stamp::End)),
            Field::Duration { resolution_ns, .. } => (1, *resolution_ns),
            Field::Request => (2, 0),
            Field::Target { rank } => (2, i64::from(*rank)),
            Field::Bytes { rank } => (3, i64::from(*rank)),
            Field::Service { rank } => (4, i64::from(*rank)),
            Field::Connect => (5, 0),
            Field::Upstream => (6, 0),
            Field::Status { rank } => (7, i64::from(*rank)),
            _ => return None,
        })
    }

    /// Whether [`crate::Batch::push_plain`] takes what it says.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Field::Skip | Field::Stamp { .. } | Field::Duration { .. } | Field::Connect | Field::Upstream => true,
            Field::Request | Field::Method | Field::Target { .. } | Field::Status { .. } | Field::Bytes { .. } => true,
            Field::RequestId | Field::TraceParent | Field::TraceId | Field::SpanId | Field::ParentSpan => false,
            Field::Peer | Field::Service { .. } | Field::Instance | Field::Thread => false,
        }
    }

    /// How often a byte occurs in every value.
    pub(super) fn inside(&self, byte: u8) -> usize {
        match self {
            Field::Stamp { form: Form::Items(items), .. } => items.iter().filter(|i| **i == Item::Literal(byte)).count(),
            Field::Stamp { form: Form::Clf, .. } => usize::from(byte == b' '),
            Field::Request => 2 * usize::from(byte == b' '),
            _ => 0,
        }
    }

    /// Reads a value into the operation. The stamp goes to `start` as it is, and upstream times as
    /// they are: the caller takes them apart.
    #[inline]
    pub(super) fn read<'a>(&self, text: &'a [u8], op: &mut Operation<'a>, memo: &mut Memo) -> Result<(), Reason> {
        match self {
            Field::Skip => {}
            Field::Stamp { form, .. } => op.start = Some(stamp(form, text, memo)?),
            Field::Duration { unit: Unit::Seconds, .. } => op.duration = seconds(text)?,
            Field::Duration { unit, .. } => op.duration = number::optional_duration(text, unit.nanos())?,
            Field::Connect => op.parts.network = sum(text)?,
            Field::Upstream => op.parts.upstream = sum(text)?,
            Field::Request => {
                if let Some((method, target)) = line::request_line(text) {
                    op.method = Some(method);
                    op.name = Some(target);
                }
            }
            Field::Method => op.method = said(text),
            Field::Target { .. } => op.name = said(text),
            Field::Status { .. } => {
                op.status = number::status(text)?;
                op.outcome = op.status.map_or(Outcome::Unknown, Outcome::of_status);
            }
            Field::Bytes { .. } => op.bytes = number::optional_whole(text)?,
            Field::RequestId => op.request = op.request.or_else(|| Id::parse(text)),
            Field::TraceParent => {
                if let Some((trace, span)) = Id::traceparent(text) {
                    (op.trace, op.parent_span) = (Some(trace), Some(span));
                }
            }
            Field::TraceId => op.trace = op.trace.or_else(|| Id::parse(text)),
            Field::SpanId => op.span = Id::span(text),
            Field::ParentSpan => op.parent_span = op.parent_span.or_else(|| Id::span(text)),
            Field::Peer => {
                op.peer = items(text).filter_map(said).last();
                // A comma parts attempts; a lone colon parts internal redirects, which are none.
                let tried = text.split(|&b| b == b',').filter(|item| !item.trim_ascii().is_empty()).count();
                op.attempts = u32::try_from(tried).ok().filter(|&n| n > 1);
            }
            Field::Service { .. } => op.service = said(text),
            Field::Instance => op.instance = said(text),
            Field::Thread => op.thread = said(text),
        }
        Ok(())
    }
}

#[inline]
fn stamp(form: &Form, text: &[u8], memo: &mut Memo) -> Result<i64, Reason> {
    match form {
        Form::Clf => memo.time.clf(text),
        Form::Iso => time::iso(text).map(|s| s.nanos),
        Form::Items(items) => strftime::read(items, text),
        Form::EpochSeconds => time::epoch_seconds(text).map(|s| s.nanos),
    }
}

/// A text, unless it is what logs write for none.
fn said(text: &[u8]) -> Option<&[u8]> {
    (!matches!(text, b"" | b"-")).then_some(text)
}

/// The items of a list of upstreams: `,` parts retries, `:` between blanks parts internal redirects.
fn items(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&b| matches!(b, b',' | b' ')).filter(|item| !item.is_empty() && *item != b":")
}

/// The sum of the times of a list of upstreams; `None` when none of them was reached.
#[inline]
fn sum(text: &[u8]) -> Result<Option<Nanos>, Reason> {
    if text.len() == 1 || number::short_seconds(text).is_some() || (memchr(b' ', text).is_none() && memchr(b',', text).is_none())
    {
        return seconds(text);
    }
    let mut sum = None;
    for item in items(text) {
        if let Some(time) = seconds(item)? {
            sum = Some(sum.unwrap_or(0i64).checked_add(time).ok_or(Reason::Duration)?);
        }
    }
    Ok(sum)
}

/// A time in seconds.
#[inline]
fn seconds(text: &[u8]) -> Result<Option<Nanos>, Reason> {
    match number::short_seconds(text) {
        Some(time) => Ok(Some(time)),
        None => number::optional_duration(text, Unit::Seconds.nanos()),
    }
}

/// A text with `\xHH`, `\"` and `\\` replaced: what nginx and Apache write for bytes that would
/// break the line. Other backslashes stay.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        let (byte, used) = match (b, text.get(at + 1)) {
            (b'\\', Some(&next @ (b'"' | b'\\'))) => (next, 2),
            (b'\\', Some(b'x')) => hex(text.get(at + 2..at + 4)).map_or((b, 1), |byte| (byte, 4)),
            _ => (b, 1),
        };
        plain.push(byte);
        at += used;
    }
    plain
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let digit = |b: u8| (b as char).to_digit(16);
    let &[high, low] = digits? else { return None };
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_told_where_there_was_more_than_one() {
        let attempts = |text: &[u8]| {
            let mut op = Operation::new(crate::Kind::Request);
            Field::Peer.read(text, &mut op, &mut Memo::default()).expect("reads");
            (op.attempts, op.peer.map(<[u8]>::to_vec))
        };
        assert_eq!(attempts(b"10.0.0.1:80"), (None, Some(b"10.0.0.1:80".to_vec())));
        assert_eq!(attempts(b"10.0.0.1:80, 10.0.0.2:80"), (Some(2), Some(b"10.0.0.2:80".to_vec())));
        assert_eq!(attempts(b"10.0.0.1:80 : 10.0.0.2:80"), (None, Some(b"10.0.0.2:80".to_vec())));
        assert_eq!(attempts(b"-"), (None, None));
    }

    #[test]
    fn lists_of_upstream_times_are_summed() {
        assert_eq!(sum(b"0.010, 0.057 : 0.200"), Ok(Some(267_000_000)));
        assert_eq!(sum(b"-, 0.057"), Ok(Some(57_000_000)));
        assert_eq!(sum(b"-, -"), Ok(None));
        assert_eq!(sum(b"-"), Ok(None));
        assert_eq!(sum(b"- : -"), Ok(None));
        assert_eq!(sum(b"12.345"), Ok(Some(12_345_000_000)));
        assert_eq!(sum(b"0.000"), Ok(Some(0)));
        assert_eq!(sum(b"0.010, -5"), Err(Reason::Duration));
    }

    #[test]
    fn escapes_are_replaced_and_broken_ones_stay() {
        assert_eq!(unescape(br#"/a\x22b\"c\\d\xZZ\q\"#), br#"/a"b"c\d\xZZ\q\"#);
    }
}
