//! Spans as CSV with a header that is known: Nezha's spans, Alibaba's call graphs of 2021 and 2022,
//! the trace table that Grafana exports from Tempo. Columns are found by name, in any order.
//!
//! Definition: <https://github.com/alibaba/clusterdata/tree/master/cluster-trace-microservices-v2021>.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use crate::scan::{number, time};
use crate::{
    Batch, Facts, Family, Format, Id, Kind, LineDecoder, Memo, Nanos, OpenError, Options, Reason, Role, Spec, Stamp, Unit,
    Verdict,
};

use super::ids;
use super::span::{Span, believed};

/// The format.
pub(super) struct SpanCsv;

static SPEC: Spec = Spec {
    name: "span-csv",
    family: Family::Apm,
    title: "spans as CSV (Nezha, Alibaba call graphs, Tempo's table)",
    source: "https://github.com/alibaba/clusterdata/tree/master/cluster-trace-microservices-v2021",
    stamp: Stamp::Start,
    unit: None,
    resolution_ns: 1,
    sample: concat!(
        "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n",
        "5b8efff798038103d269b633813fc60c,eee19b7ec3c1b174,root,api-7d9f5c-x2x4z,GET /pay,1700000000000000000,1700000000100000000,100000\n",
        "5b8efff798038103d269b633813fc60c,eee19b7ec3c1b175,eee19b7ec3c1b174,db-66f8-abcde,SELECT,1700000000010000000,1700000000060000000,50000\n",
    ),
};

impl Format for SpanCsv {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        match Table::of(header(head)) {
            Some(table) => Verdict::new(95, format!("the header of {}", table.dialect.title())),
            None => Verdict::NO,
        }
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn crate::Decoder>, OpenError> {
        let table = Table::of(header(head));
        let unknown = || OpenError::new("no header of a known span table; the first line must name the columns");
        Ok(Box::new(table.ok_or_else(unknown)?))
    }
}

fn header(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let line = &head[..memchr(b'\n', head).unwrap_or(head.len())];
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dialect {
    Nezha,
    Alibaba,
    Tempo,
}

impl Dialect {
    fn title(self) -> &'static str {
        match self {
            Dialect::Nezha => "Nezha's spans",
            Dialect::Alibaba => "Alibaba's call graphs",
            Dialect::Tempo => "Tempo's trace table",
        }
    }

    /// The columns that are read, by the names of the array's places.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Dialect::Nezha => {
                &["traceid", "spanid", "parentid", "podname", "operationname", "starttimeunixnano", "endtimeunixnano"]
            }
            Dialect::Alibaba => &["traceid", "rpcid", "um", "rpctype", "interface", "dm", "rt", "timestamp"],
            Dialect::Tempo => &["traceid", "starttime", "traceservice", "tracename", "traceduration"],
        }
    }
}

/// A table, and where in its lines the columns of its dialect stand.
struct Table {
    dialect: Dialect,
    places: Vec<usize>,
    header: Vec<u8>,
}

impl Table {
    fn of(header: &[u8]) -> Option<Table> {
        if memchr_iter(b',', header).count() < 4 {
            return None;
        }
        let names: Vec<_> = Fields(Some(header))
            .map(|name| name.iter().filter(|b| !matches!(b, b' ' | b'_')).map(u8::to_ascii_lowercase).collect::<Vec<_>>())
            .collect();
        [Dialect::Nezha, Dialect::Alibaba, Dialect::Tempo].into_iter().find_map(|dialect| {
            let place = |column: &&str| names.iter().position(|name| name == column.as_bytes());
            let places: Vec<_> = dialect.columns().iter().map_while(place).collect();
            (places.len() == dialect.columns().len()).then(|| Table { dialect, places, header: header.to_vec() })
        })
    }
}

impl LineDecoder for Table {
    fn facts(&self) -> Facts {
        let (unit, resolution, assumption) = match self.dialect {
            Dialect::Nezha => (Unit::Nanos, 1, None),
            Dialect::Alibaba => (
                Unit::Millis,
                1_000_000,
                Some("The call graph's timestamps are offsets in milliseconds; they are read as if the window began in 1970."),
            ),
            Dialect::Tempo => (Unit::Millis, 1_000_000, Some("The duration column of the trace table is taken as milliseconds.")),
        };
        Facts {
            stamp: Some(Stamp::Start),
            unit: Some(unit),
            resolution_ns: resolution,
            stamp_resolution_ns: resolution,
            layout: self.dialect.title().to_owned(),
            assumptions: assumption.into_iter().map(str::to_owned).collect(),
            ..Facts::default()
        }
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line == self.header {
            return Ok(());
        }
        let mut all: Vec<Cow<'_, [u8]>> = Vec::with_capacity(16);
        all.extend(Fields(Some(line)).take(64));
        let mut fields: [&[u8]; 8] = [b""; 8];
        for (field, &place) in fields.iter_mut().zip(&self.places) {
            *field = all.get(place).ok_or(Reason::Shape)?;
        }
        let span = match self.dialect {
            Dialect::Nezha => nezha(fields)?,
            Dialect::Alibaba => alibaba(fields)?,
            Dialect::Tempo => tempo(fields)?,
        };
        span.push(batch);
        Ok(())
    }
}

fn nezha([trace, id, parent, pod, name, start, end, _]: [&[u8]; 8]) -> Result<Span<'_>, Reason> {
    let mut span = Span { trace: ids::trace(trace), id: ids::span(id), name, instance: pod, ..Span::default() };
    span.parent = if parent.eq_ignore_ascii_case(b"root") { None } else { ids::span(parent) };
    // A pod is called after its deployment, replica set and itself.
    let mut dashes = memchr::memrchr_iter(b'-', pod);
    let end_of_service = dashes.nth(1).unwrap_or(pod.len());
    span.service = &pod[..end_of_service];
    span.role = match name {
        [b'S', b'e', b'n', b't', b'.', ..] => Role::Client,
        [b'R', b'e', b'c', b'v', b'.', ..] => Role::Server,
        _ => Role::Unknown,
    };
    let nanos = |text| number::whole(text).map_err(|_| Reason::Time);
    span.between(nanos(start)?, nanos(end)?)?;
    Ok(span)
}

/// Calls are numbered by their place in the tree: `0.1.2` is below `0.1`. Caller and callee write a
/// row each, with the callee's time negative; both halves keep the id, as Zipkin's do.
fn alibaba([trace, rpc, um, class, interface, dm, rt, at]: [&[u8]; 8]) -> Result<Span<'_>, Reason> {
    if rpc.is_empty() || !rpc.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return Err(Reason::Shape);
    }
    let rt = number::scaled(rt, 1_000_000)?;
    let caller = rt >= 0;
    let mut span = Span { trace: Id::parse(trace), id: Some(ids::hashed(rpc, 0)), name: named(interface), ..Span::default() };
    span.parent = memchr::memrchr(b'.', rpc).map(|dot| ids::hashed(&rpc[..dot], 0));
    span.service = named(if caller { um } else { dm });
    span.role = if caller { Role::Client } else { Role::Server };
    span.attributes.put(b"peer.service", named(dm));
    span.kind = Some(match (class, caller) {
        (b"db", true) => Kind::Database,
        (b"mc", true) => Kind::Cache,
        (b"mq", true) => Kind::Messaging,
        (_, true) => Kind::External,
        (_, false) => Kind::Request,
    });
    span.start = Some(number::scaled(at, 1_000_000).map_err(|_| Reason::Time)?);
    span.duration = Some(believed(rt.checked_abs().ok_or(Reason::Number)?)?);
    Ok(span)
}

/// A name that is one; the data set writes several words for none.
fn named(text: &[u8]) -> &[u8] {
    if matches!(text, b"(?)" | b"NAN" | b"nan" | b"NaN" | b"UNKNOWN") { b"" } else { text }
}

/// A whole trace in one row: its root's time is all there is.
fn tempo([trace, start, service, name, duration, ..]: [&[u8]; 8]) -> Result<Span<'_>, Reason> {
    let mut span = Span { trace: ids::trace(trace), service, name, kind: Some(Kind::Request), ..Span::default() };
    let stamp = time::epoch(start).or_else(|_| time::iso(start))?;
    span.start = Some(stamp.nanos);
    let milli: Nanos = 1_000_000;
    span.duration = match crate::scan::duration::parse(duration, Some(Unit::Millis)) {
        Err(Reason::Number) => number::optional_duration(duration, milli)?,
        parsed => Some(parsed?),
    };
    Ok(span)
}

/// The fields of a CSV line, quotes taken off.
struct Fields<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        let rest = self.0?;
        if rest.first() != Some(&b'"') {
            let end = memchr(b',', rest);
            self.0 = end.map(|end| &rest[end + 1..]);
            return Some(Cow::Borrowed(&rest[..end.unwrap_or(rest.len())]));
        }
        // Inside of quotes a quote is doubled.
        let mut quotes = memchr_iter(b'"', &rest[1..]).map(|at| at + 1).peekable();
        let mut doubled = false;
        let mut close = rest.len();
        while let Some(at) = quotes.next() {
            if quotes.peek() == Some(&(at + 1)) {
                quotes.next();
                doubled = true;
            } else {
                close = at;
                break;
            }
        }
        let text = &rest[1..close];
        let after = rest.get(close + 1..).unwrap_or_default();
        self.0 = memchr(b',', after).map(|comma| &after[comma + 1..]);
        Some(if doubled { Cow::Owned(undouble(text)) } else { Cow::Borrowed(text) })
    }
}

fn undouble(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut after_quote = false;
    for &b in text {
        after_quote = b == b'"' && !after_quote;
        if !after_quote {
            plain.push(b);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_may_hold_commas_and_quotes() {
        let fields = |line: &'static [u8]| Fields(Some(line)).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(fields(b"a,\"b,c\",\"d\"\"e\",,"), [&b"a"[..], b"b,c", b"d\"e", b"", b""]);
        assert_eq!(fields(b"\"open,a"), [&b"open,a"[..]]);
        assert_eq!(fields(b""), [&b""[..]]);
    }
}
