//! From the texts of a record's fields to an operation.

use std::borrow::Cow;

use super::{Field, Layout, Scale, stamp};
use crate::lines::Memo;
use crate::scan::json::Str;
use crate::scan::{duration, line, number};
use crate::{Batch, Id, Kind, Nanos, Operation, Outcome, Parts, Reason, Role};

/// The texts of one record, by field.
pub(in crate::access) struct Values<'a> {
    texts: [&'a [u8]; Field::COUNT],
    /// Bit per field: its text holds backslash escapes of JSON.
    escaped: u32,
    /// Bit per field: its value is of a type that the field cannot have.
    wrong: u32,
}

impl<'a> Values<'a> {
    /// Nothing said.
    #[inline]
    pub(in crate::access) fn new() -> Self {
        Values { texts: [b""; Field::COUNT], escaped: 0, wrong: 0 }
    }

    /// Notes a text. The last one of a field counts.
    #[inline]
    pub(in crate::access) fn set(&mut self, field: Field, text: &'a [u8]) {
        self.texts[field as usize] = text;
        self.wrong &= !(1 << field as u32);
        self.escaped &= !(1 << field as u32);
    }

    /// Notes a JSON string.
    #[inline]
    pub(in crate::access) fn set_string(&mut self, field: Field, text: Str<'a>) {
        self.set(field, text.raw);
        self.escaped |= u32::from(text.escaped) << field as u32;
    }

    /// Notes that there is something else than a text or a number.
    pub(in crate::access) fn set_wrong(&mut self, field: Field) {
        self.set(field, b"");
        self.wrong |= 1 << field as u32;
    }

    /// The text of a field; `None` for what logs write when there is none.
    #[inline]
    fn text(&self, field: Field) -> Option<&'a [u8]> {
        let text = self.texts[field as usize];
        (!number::is_absent(text)).then_some(text)
    }

    /// The text of a field, escapes replaced.
    #[inline]
    fn plain(&self, field: Field) -> Option<Cow<'a, [u8]>> {
        let escaped = self.escaped & 1 << field as u32 != 0;
        self.text(field).map(|raw| Str { raw, escaped }.text())
    }

    /// A field that must have a value of its type, if any.
    #[inline]
    fn checked(&self, field: Field, reason: Reason) -> Result<Option<&'a [u8]>, Reason> {
        if self.wrong & 1 << field as u32 != 0 { Err(reason) } else { Ok(self.text(field)) }
    }
}

impl Layout {
    /// Pushes the request that a record tells of, and says whether it tells of one. A record that
    /// names neither target nor status, or that lacks both status and duration where others have
    /// them, is the log's chatter.
    #[inline]
    pub(in crate::access) fn push(&self, values: &Values<'_>, memo: &mut Memo, batch: &mut Batch) -> Result<bool, Reason> {
        let status = match values.checked(Field::Status, Reason::Number)? {
            Some(text) => number::status(text)?,
            None => None,
        };
        let stated = self.moments(values, memo)?;
        let duration = match self.span(values, Field::Duration)? {
            None => stated.length()?,
            duration => duration,
        };
        values.checked(Field::Name, Reason::Shape)?;
        values.checked(Field::Method, Reason::Shape)?;
        let target = values.plain(Field::Name);
        let route = values.plain(Field::Route);
        let name = route.as_deref().or(target.as_deref().map(path_of));
        let method = values.plain(Field::Method);
        let method = method.as_deref();
        let request = if name.is_none() || method.is_none() { values.plain(Field::Request) } else { None };
        let line = request.as_deref().and_then(line::request_line);
        let (name, method) = (name.or(line.map(|l| l.1)), method.or(line.map(|l| l.0)));
        let asked = name.is_some() || method.is_some();
        let answered = status.is_some() || duration.is_some() || !(self.has(Field::Status) || self.has(Field::Duration));
        if !(status.is_some() || asked && (answered || self.all_requests)) {
            return Ok(false);
        }
        let mut op = Operation::new(Kind::Request);
        op.role = Role::Server;
        op.name = name;
        op.method = method;
        op.status = status;
        op.outcome = status.map_or(Outcome::Unknown, Outcome::of_status);
        op.duration = duration;
        op.start = stated.start_less(duration);
        op.bytes = match values.checked(Field::Bytes, Reason::Number)? {
            Some(text) => Some(number::whole(text)?),
            None => None,
        };
        op.parts = self.parts(values)?;
        self.ids(values, &mut op);
        let (service, instance) = (values.plain(Field::Service), values.plain(Field::Instance));
        let (thread, peer) = (values.plain(Field::Thread), values.plain(Field::Peer));
        (op.service, op.instance) = (service.as_deref(), instance.as_deref());
        (op.thread, op.peer) = (thread.as_deref(), peer.as_deref());
        batch.push(&op);
        Ok(true)
    }

    fn moments(&self, values: &Values<'_>, memo: &mut Memo) -> Result<Moments, Reason> {
        let mut read = |field| match values.checked(field, Reason::Time)? {
            Some(text) => stamp::nanos(text, &mut memo.time).map(Some),
            None => Ok(None),
        };
        let (start, end, time) = (read(Field::Start)?, read(Field::End)?, read(Field::Time)?);
        Ok(match self.time_is_start {
            true => Moments { start: start.or(time), end },
            false => Moments { start, end: end.or(time) },
        })
    }

    #[inline]
    fn span(&self, values: &Values<'_>, field: Field) -> Result<Option<Nanos>, Reason> {
        let Some(text) = values.checked(field, Reason::Number)? else { return Ok(None) };
        if values.escaped & 1 << field as u32 != 0 {
            // `250\u00b5s`
            return values.plain(field).map(|text| self_described(&text)).transpose();
        }
        match self.scale(field) {
            Scale::Fixed(nanos) => match number::duration(text, nanos) {
                Err(Reason::Number) => self_described(text).map(Some),
                read => read.map(Some),
            },
            Scale::InValue => self_described(text).map(Some),
        }
    }

    /// A span that nginx writes as a list when it asked several upstreams: the sum of what was spent.
    #[inline]
    fn list(&self, values: &Values<'_>, field: Field) -> Result<Option<Nanos>, Reason> {
        let text = values.texts[field as usize];
        let (true, Scale::Fixed(nanos)) = (text.contains(&b' '), self.scale(field)) else {
            return self.span(values, field);
        };
        sum(text, nanos)
    }

    fn parts(&self, values: &Values<'_>) -> Result<Parts, Reason> {
        let mut parts = Parts::default();
        if !self.has_parts() {
            return Ok(parts);
        }
        parts.queue = self.span(values, Field::Queue)?;
        parts.pool_wait = self.span(values, Field::PoolWait)?;
        parts.database = self.span(values, Field::Database)?;
        parts.external = self.span(values, Field::External)?;
        parts.network = self.span(values, Field::Network)?;
        parts.own = self.span(values, Field::Own)?;
        parts.upstream = self.list(values, Field::Upstream)?;
        if let Some(connect) = self.list(values, Field::Connect)? {
            parts.network = parts.network.or(Some(connect));
            parts.upstream = parts.upstream.map(|total| (total - connect).max(0));
        }
        Ok(parts)
    }

    fn ids(&self, values: &Values<'_>, op: &mut Operation<'_>) {
        op.request = values.text(Field::RequestId).and_then(Id::parse);
        op.trace = values.text(Field::Trace).and_then(|text| Id::parse(last_segment(text)));
        op.span = values.text(Field::Span).and_then(Id::span);
        op.parent_span = values.text(Field::ParentSpan).and_then(Id::span);
        // The header as received names the caller's span.
        if let Some((trace, span)) = values.text(Field::Traceparent).and_then(Id::traceparent) {
            op.trace = op.trace.or(Some(trace));
            op.parent_span = op.parent_span.or(Some(span));
        }
    }
}

/// The sum of a list of spans, `0.010, 0.057 : 0.200`; `-` is an upstream that was not reached.
pub(super) fn sum(text: &[u8], nanos: Nanos) -> Result<Option<Nanos>, Reason> {
    let mut total = None;
    for one in text.split(|b| matches!(b, b',' | b':' | b' ')) {
        if let Some(one) = number::optional_duration(one, nanos)? {
            total = Some(one.checked_add(total.unwrap_or(0)).ok_or(Reason::Duration)?);
        }
    }
    Ok(total.filter(|&t| t <= number::MAX_DURATION))
}

/// A text that is no plain number may still say what it is: Caddy writes floats or Go durations,
/// .NET a TimeSpan, `00:00:01.5000000`.
pub(super) fn self_described(text: &[u8]) -> Result<Nanos, Reason> {
    let mut parts = text.splitn(3, |&b| b == b':');
    let (Some(hours), Some(minutes), Some(seconds)) = (parts.next(), parts.next(), parts.next()) else {
        return duration::parse(text, None);
    };
    let sum = [(hours, 3_600), (minutes, 60), (seconds, 1)].into_iter().try_fold(0i64, |sum, (text, scale)| {
        number::duration(text, scale * 1_000_000_000)?.checked_add(sum).ok_or(Reason::Duration)
    })?;
    if sum <= number::MAX_DURATION { Ok(sum) } else { Err(Reason::Duration) }
}

/// The id in Google Cloud's `projects/NAME/traces/ID`.
fn last_segment(text: &[u8]) -> &[u8] {
    if !text.starts_with(b"projects/") {
        return text;
    }
    text.rsplit(|&b| b == b'/').next().unwrap_or(text)
}

/// The target of an absolute URL.
fn path_of(url: &[u8]) -> &[u8] {
    if url.first() == Some(&b'/') || !url.starts_with(b"http") {
        return url;
    }
    let Some(authority) = url.strip_prefix(b"http://").or_else(|| url.strip_prefix(b"https://")) else { return url };
    match memchr::memchr(b'/', authority) {
        Some(at) => &authority[at..],
        None => b"/",
    }
}

struct Moments {
    start: Option<i64>,
    end: Option<i64>,
}

impl Moments {
    /// The time between the two, where both are stated.
    fn length(&self) -> Result<Option<Nanos>, Reason> {
        let (Some(start), Some(end)) = (self.start, self.end) else { return Ok(None) };
        let length = end.checked_sub(start).ok_or(Reason::Duration)?;
        if (0..=number::MAX_DURATION).contains(&length) { Ok(Some(length)) } else { Err(Reason::Duration) }
    }

    fn start_less(&self, duration: Option<Nanos>) -> Option<i64> {
        self.start.or_else(|| self.end?.checked_sub(duration.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_lists_are_summed_and_unreached_ones_left_out() {
        assert_eq!(sum(b"0.010, 0.057 : 0.200", 1_000_000_000), Ok(Some(267_000_000)));
        assert_eq!(sum(b"-, 0.005", 1_000_000_000), Ok(Some(5_000_000)));
        assert_eq!(sum(b"-, -", 1_000_000_000), Ok(None));
        assert_eq!(sum(b"0.010, x", 1_000_000_000), Err(Reason::Number));
    }

    #[test]
    fn an_absolute_url_gives_its_target() {
        assert_eq!(path_of(b"https://shop.example/a?b"), b"/a?b");
        assert_eq!(path_of(b"http://shop.example"), b"/");
        assert_eq!(path_of(b"/httpbin"), b"/httpbin");
        assert_eq!(path_of(b"httpx"), b"httpx");
    }
}
