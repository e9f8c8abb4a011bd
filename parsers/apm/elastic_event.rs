//! What one event of Elastic's intake stream says, in its long keys and in the short ones of RUM.
//! Not here: what it means, which takes other lines to know.

use crate::scan::json::{Walk, Walker};
use crate::scan::number;

use super::ids;
use super::span::Span;

#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(super) enum Class {
    #[default]
    Transaction,
    Span,
}

/// A transaction or span while it is read.
#[derive(Default)]
pub(super) struct Timed<'a> {
    pub(super) class: Class,
    pub(super) span: Span<'a>,
    pub(super) transaction: Option<u64>,
    pub(super) kind: &'a [u8],
    pub(super) subtype: &'a [u8],
    pub(super) action: &'a [u8],
    pub(super) timestamp: &'a [u8],
    /// Milliseconds from the transaction's start.
    pub(super) offset: &'a [u8],
    pub(super) duration: &'a [u8],
    pub(super) outcome: &'a [u8],
    pub(super) resource: &'a [u8],
    pub(super) composite: (&'a [u8], &'a [u8]),
    pub(super) dropped: Vec<Dropped<'a>>,
    /// Spans that were sent before this one was inferred to be their parent.
    pub(super) children: Vec<u64>,
    /// Spans of RUM, within their transaction, and the place of each one's parent in the list.
    pub(super) inner: Vec<(Timed<'a>, Option<usize>)>,
}

/// Calls of which only the sum is known.
#[derive(Default)]
pub(super) struct Dropped<'a> {
    pub(super) resource: &'a [u8],
    pub(super) product: &'a [u8],
    pub(super) outcome: &'a [u8],
    pub(super) count: &'a [u8],
    pub(super) micros: &'a [u8],
    pub(super) escaped: bool,
}

/// Reads a transaction or span, with the short keys of RUM v3 if `short`.
pub(super) fn read_event<'a>(w: &mut Walker<'a>, read: &mut Timed<'a>, short: bool) -> Walk<()> {
    w.object(|w, key| {
        let name = if short { long_name(key.raw) } else { key.raw };
        match (name, w.peek()) {
            (b"id", _) => read.span.id = ids::span(w.text()?.raw),
            (b"trace_id", _) => read.span.trace = ids::trace(w.text()?.raw),
            (b"parent_id", _) => read.span.parent = ids::span(w.text()?.raw),
            (b"transaction_id", _) => read.transaction = ids::span(w.text()?.raw),
            (b"name", _) => {
                let text = w.text()?;
                read.span.name = read.span.keep(text);
            }
            (b"type", _) => read.kind = w.text()?.raw,
            (b"subtype", _) => read.subtype = w.text()?.raw,
            (b"action", _) => read.action = w.text()?.raw,
            (b"timestamp", _) => read.timestamp = w.text()?.raw,
            (b"start", _) => read.offset = w.text()?.raw,
            (b"duration", _) => read.duration = w.text()?.raw,
            (b"outcome", _) => read.outcome = w.text()?.raw,
            (b"composite", b'{') => w.object(|w, key| {
                let value = w.text()?.raw;
                match key.raw {
                    b"count" => read.composite.0 = value,
                    b"sum" => read.composite.1 = value,
                    _ => {}
                }
                Ok(())
            })?,
            (b"context", b'{') => context(w, read, short)?,
            (b"child_ids", b'[') => w.array(|w| {
                read.children.extend(ids::span(w.text()?.raw));
                Ok(())
            })?,
            (b"dropped_spans_stats", b'[') => w.array(|w| {
                read.dropped.push(dropped(w)?);
                Ok(())
            })?,
            (b"spans", b'[') if short => w.array(|w| {
                let mut inner = Timed { class: Class::Span, ..Timed::default() };
                let mut parent = None;
                let mut look = w.clone();
                look.object(|w, key| {
                    if key.raw == b"pi" {
                        parent = number::whole(w.text()?.raw).ok().and_then(|i| usize::try_from(i).ok());
                        return Ok(());
                    }
                    w.skip().map(drop)
                })?;
                rum_span(w, &mut inner)?;
                read.inner.push((inner, parent));
                Ok(())
            })?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })
}

/// A span of RUM: it holds no spans, so this is no recursion.
fn rum_span<'a>(w: &mut Walker<'a>, read: &mut Timed<'a>) -> Walk<()> {
    w.object(|w, key| {
        match (long_name(key.raw), w.peek()) {
            (b"id", _) => read.span.id = ids::span(w.text()?.raw),
            (b"name", _) => {
                let text = w.text()?;
                read.span.name = read.span.keep(text);
            }
            (b"type", _) => read.kind = w.text()?.raw,
            (b"subtype", _) => read.subtype = w.text()?.raw,
            (b"action", _) => read.action = w.text()?.raw,
            // In a span `s` is its start.
            (b"sampled", _) => read.offset = w.text()?.raw,
            (b"duration", _) => read.duration = w.text()?.raw,
            (b"outcome", _) => read.outcome = w.text()?.raw,
            (b"context", b'{') => context(w, read, true)?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })
}

/// What a short key of RUM v3 stands for.
fn long_name(key: &[u8]) -> &[u8] {
    match key {
        b"tid" => b"trace_id",
        b"pid" => b"parent_id",
        b"n" => b"name",
        b"t" => b"type",
        b"su" => b"subtype",
        b"ac" => b"action",
        b"d" => b"duration",
        b"o" => b"outcome",
        b"c" => b"context",
        b"y" => b"spans",
        b"s" => b"sampled",
        key => key,
    }
}

fn context<'a>(w: &mut Walker<'a>, read: &mut Timed<'a>, short: bool) -> Walk<()> {
    let span = &mut read.span;
    w.object(|w, key| match (key.raw, w.peek()) {
        (b"db", b'{') => w.object(|w, key| {
            let value = w.text()?;
            match key.raw {
                b"statement" => span.put(b"db.statement", value),
                b"rows_affected" => span.put(b"db.response.returned_rows", value),
                _ => {}
            }
            Ok(())
        }),
        (b"http" | b"h", b'{') => w.object(|w, key| match (key.raw, w.peek()) {
            (b"response", b'{') => w.object(|w, key| {
                let value = w.text()?;
                if key.raw == b"status_code" {
                    span.put(b"http.status_code", value);
                }
                Ok(())
            }),
            (b"url", _) => {
                let value = w.text()?;
                span.put(b"http.url", value);
                Ok(())
            }
            (b"method" | b"mt", _) => {
                let value = w.text()?;
                span.put(b"http.method", value);
                Ok(())
            }
            (b"status_code" | b"sc", _) => {
                let value = w.text()?;
                span.put(b"http.response.status_code", value);
                Ok(())
            }
            _ => w.skip().map(drop),
        }),
        (b"request", b'{') => w.object(|w, key| {
            let value = w.text()?;
            if key.raw == b"method" {
                span.put(b"http.method", value);
            }
            Ok(())
        }),
        (b"response" | b"r", b'{') => w.object(|w, key| {
            let value = w.text()?;
            if key.raw == b"status_code" || short && key.raw == b"sc" {
                span.put(b"http.response.status_code", value);
            }
            Ok(())
        }),
        (b"destination", b'{') => w.object(|w, key| match (key.raw, w.peek()) {
            (b"address", _) => {
                let value = w.text()?;
                span.put(b"server.address", value);
                Ok(())
            }
            (b"port", _) => {
                let value = w.text()?;
                span.put(b"server.port", value);
                Ok(())
            }
            (b"service", b'{') => w.object(|w, key| {
                let value = w.text()?;
                if key.raw == b"resource" {
                    read.resource = span.keep(value);
                }
                Ok(())
            }),
            _ => w.skip().map(drop),
        }),
        (b"message", b'{') => w.object(|w, key| match (key.raw, w.peek()) {
            (b"queue", b'{') => w.object(|w, key| {
                let value = w.text()?;
                if key.raw == b"name" {
                    span.put(b"messaging.destination.name", value);
                }
                Ok(())
            }),
            _ => w.skip().map(drop),
        }),
        _ => w.skip().map(drop),
    })
}

/// One entry of `dropped_spans_stats`, with `duration` nested or its keys dotted.
fn dropped<'a>(w: &mut Walker<'a>) -> Walk<Dropped<'a>> {
    let mut read = Dropped::default();
    w.object(|w, key| {
        match (key.raw, w.peek()) {
            (b"destination_service_resource", _) => {
                let value = w.text()?;
                read.escaped |= value.escaped;
                read.resource = value.raw;
            }
            (b"service_target_type", _) => read.product = w.text()?.raw,
            (b"outcome", _) => read.outcome = w.text()?.raw,
            (b"duration.count", _) => read.count = w.text()?.raw,
            (b"duration.sum.us", _) => read.micros = w.text()?.raw,
            (b"duration", b'{') => w.object(|w, key| match (key.raw, w.peek()) {
                (b"count", _) => {
                    read.count = w.text()?.raw;
                    Ok(())
                }
                (b"sum.us", _) => {
                    read.micros = w.text()?.raw;
                    Ok(())
                }
                (b"sum", b'{') => w.object(|w, key| {
                    let value = w.text()?.raw;
                    if key.raw == b"us" {
                        read.micros = value;
                    }
                    Ok(())
                }),
                _ => w.skip().map(drop),
            })?,
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    })?;
    Ok(read)
}
