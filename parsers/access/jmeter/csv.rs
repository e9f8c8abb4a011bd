//! The CSV shape: a header names the columns; messages may be quoted and run over several lines.
//!
//! <https://jmeter.apache.org/usermanual/listeners.html#csvlogformat>

use std::borrow::Cow;

use memchr::memchr;

use super::sample::{Sample, moment};
use crate::access::first_lines::first_lines;
use crate::{Batch, Boundary, Chunk, Decoder, Facts, Family, Format, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict};

pub(in crate::access) struct Jmeter;

static SPEC: Spec = Spec {
    name: "jmeter",
    family: Family::Access,
    title: "JMeter results as CSV (JTL)",
    source: "https://jmeter.apache.org/usermanual/listeners.html#csvlogformat",
    stamp: Stamp::Start,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect
1795370151000,120,GET /api/accounts,200,OK,Users 1-1,text,true,,5120,240,10,10,http://shop/api/accounts,90,0,10
1795370151120,3000,\"POST /api/payments, card\",Non HTTP response code: java.net.SocketTimeoutException,\"Non HTTP response message: Read timed out
while \"\"reading\"\"\",Users 1-2,text,false,,0,0,10,10,http://shop/api/payments,0,0,0
",
};

impl Format for Jmeter {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        match first_lines(head).next().and_then(Columns::parse) {
            Some(_) => Verdict::new(98, "a header with timeStamp, elapsed and label"),
            None => Verdict::NO,
        }
    }

    fn takes_layout(&self, layout: &str) -> bool {
        Columns::parse(layout.as_bytes()).is_some()
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let header = options.layout.as_deref().map(str::as_bytes).or_else(|| first_lines(head).next());
        let Some((columns, header)) = header.and_then(|line| Some((Columns::parse(line)?, line))) else {
            return Err(OpenError::new("no header line with timeStamp and elapsed; give the one of the log as --log-format"));
        };
        let stamp = options.stamp.unwrap_or(Stamp::Start);
        let first = first_lines(head).find_map(|line| columns.stamp(line));
        let zone_missing = first.is_some_and(|stamp| !stamp.zoned);
        let facts = super::facts(&String::from_utf8_lossy(header), zone_missing, stamp);
        Ok(Box::new(Lines { columns, header: header.to_vec(), stamp, facts }))
    }
}

/// Which column holds which field of a sample.
struct Columns {
    delimiter: u8,
    names: Vec<Field>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Field {
    Skip,
    Stamp,
    Elapsed,
    Latency,
    Connect,
    Label,
    Code,
    Message,
    Thread,
    Success,
    Bytes,
    Count,
    Host,
}

impl Columns {
    /// The columns a header names; `None` when it is none of JMeter's.
    fn parse(header: &[u8]) -> Option<Columns> {
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let delimiter = *header.iter().find(|b| !b.is_ascii_alphabetic() && !matches!(b, b'"' | b'_'))?;
        if !matches!(delimiter, b',' | b';' | b'\t' | b'|') {
            return None;
        }
        let names: Vec<_> = header.split(|&b| b == delimiter).map(|name| field(unquoted(name.trim_ascii()))).collect();
        let ours = [Field::Stamp, Field::Elapsed, Field::Label].iter().all(|field| names.contains(field));
        ours.then_some(Columns { delimiter, names })
    }

    /// The time a line starts with, where the time is the first column.
    fn stamp(&self, line: &[u8]) -> Option<crate::scan::time::Stamp> {
        if self.names.first() != Some(&Field::Stamp) {
            return None;
        }
        let end = memchr(self.delimiter, line.get(..40.min(line.len()))?)?;
        moment(unquoted(&line[..end])).ok()
    }
}

fn field(name: &[u8]) -> Field {
    match name {
        b"timeStamp" => Field::Stamp,
        b"elapsed" => Field::Elapsed,
        b"Latency" => Field::Latency,
        b"Connect" => Field::Connect,
        b"label" => Field::Label,
        b"responseCode" => Field::Code,
        b"responseMessage" => Field::Message,
        b"threadName" => Field::Thread,
        b"success" => Field::Success,
        b"bytes" => Field::Bytes,
        b"SampleCount" => Field::Count,
        b"Hostname" => Field::Host,
        _ => Field::Skip,
    }
}

fn unquoted(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text)
}

struct Lines {
    columns: Columns,
    header: Vec<u8>,
    stamp: Stamp,
    facts: Facts,
}

impl Decoder for Lines {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    /// Where the time does not come first, nothing tells the second line of a message from a record.
    fn boundary(&self) -> Boundary {
        if self.columns.names.first() == Some(&Field::Stamp) { Boundary::Record } else { Boundary::Whole }
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        self.columns.stamp(line).is_some() || self.is_header(line)
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let by_quotes = self.boundary() == Boundary::Whole;
        let (mut at, mut number) = (0, 0);
        while at < chunk.bytes.len() {
            let rest = &chunk.bytes[at..];
            let record = if by_quotes { quoted_record(rest) } else { self.record(rest) };
            let lines = self.decode_record(record, chunk.offset + at as u64, number, batch);
            number += lines;
            at += record.len();
        }
        batch.lines = number;
    }
}

impl Lines {
    fn is_header(&self, line: &[u8]) -> bool {
        line.trim_ascii_end() == self.header.trim_ascii_end()
    }

    /// The record that `text` starts with: up to the next line that starts one.
    fn record<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let mut end = line_end(text, 0);
        while end < text.len() {
            let next = line_end(text, end);
            if self.starts_record(&text[end..next]) {
                break;
            }
            end = next;
        }
        &text[..end]
    }

    /// Reads a record and gives the number of its lines. Lines that the quotes leave over belong to
    /// no record: each is left out by itself.
    fn decode_record(&self, record: &[u8], offset: u64, number: u32, batch: &mut Batch) -> u32 {
        let mut used = quoted_record(record).len();
        let first = &record[..used];
        let blank = first.trim_ascii().is_empty();
        if !blank {
            batch.record(offset, number);
        }
        if !blank
            && !self.is_header(first)
            && let Err(reason) = self.read(first, batch)
        {
            // A quote that never closes must not swallow what follows.
            used = if reason == Reason::Shape { line_end(record, 0) } else { used };
            batch.reject(record[..used].trim_ascii_end().len(), reason);
        }
        let mut lines = count_lines(&record[..used]);
        let mut at = used;
        while at < record.len() {
            let end = line_end(record, at);
            let line = record[at..end].trim_ascii_end();
            if !line.is_empty() {
                batch.record(offset + at as u64, number + lines);
                batch.reject(line.len(), Reason::Shape);
            }
            lines += 1;
            at = end;
        }
        lines
    }

    fn read(&self, record: &[u8], batch: &mut Batch) -> Result<(), Reason> {
        let mut rest = Some(record.strip_suffix(b"\n").unwrap_or(record));
        rest = rest.map(|text| text.strip_suffix(b"\r").unwrap_or(text));
        let mut fields: [Cow<'_, [u8]>; FIELDS] = [const { Cow::Borrowed(&[]) }; FIELDS];
        for &name in &self.columns.names {
            let Some(text) = rest else { return Err(Reason::Shape) };
            let (value, after) = cell(text, self.columns.delimiter).ok_or(Reason::Shape)?;
            fields[name as usize] = value;
            rest = after;
        }
        if rest.is_some() {
            return Err(Reason::Shape);
        }
        let get = |field: Field| fields[field as usize].as_ref();
        let sample = Sample {
            stamp: get(Field::Stamp),
            elapsed: get(Field::Elapsed),
            latency: get(Field::Latency),
            connect: get(Field::Connect),
            label: get(Field::Label),
            code: get(Field::Code),
            message: get(Field::Message),
            thread: get(Field::Thread),
            success: get(Field::Success),
            bytes: get(Field::Bytes),
            count: get(Field::Count),
            host: get(Field::Host),
        };
        batch.push(&sample.read(self.stamp)?);
        Ok(())
    }
}

const FIELDS: usize = Field::Host as usize + 1;

/// The end of the line that starts at `at`, past its line end.
fn line_end(text: &[u8], at: usize) -> usize {
    memchr(b'\n', &text[at..]).map_or(text.len(), |i| at + i + 1)
}

fn count_lines(text: &[u8]) -> u32 {
    let ends = memchr::memchr_iter(b'\n', text).count();
    (ends + usize::from(!text.is_empty() && !text.ends_with(b"\n"))) as u32
}

/// Up to the first line end outside of quotes; the first line when a quote never closes.
fn quoted_record(text: &[u8]) -> &[u8] {
    let mut inside = false;
    for at in memchr::memchr2_iter(b'"', b'\n', text) {
        if text[at] == b'"' {
            inside = !inside;
        } else if !inside {
            return &text[..=at];
        }
    }
    if inside { &text[..line_end(text, 0)] } else { text }
}

type Cell<'a> = (Cow<'a, [u8]>, Option<&'a [u8]>);

/// A value and what follows its delimiter; `None` after the last one. Quotes are doubled within
/// quotes.
fn cell(text: &[u8], delimiter: u8) -> Option<Cell<'_>> {
    let Some(body) = text.strip_prefix(b"\"") else {
        return Some(match memchr(delimiter, text) {
            Some(at) => (Cow::Borrowed(&text[..at]), Some(&text[at + 1..])),
            None => (Cow::Borrowed(text), None),
        });
    };
    let (mut at, mut doubled) = (0, false);
    let end = loop {
        let found = at + memchr(b'"', &body[at..])?;
        if body.get(found + 1) != Some(&b'"') {
            break found;
        }
        doubled = true;
        at = found + 2;
    };
    let value = if doubled { Cow::Owned(undouble(&body[..end])) } else { Cow::Borrowed(&body[..end]) };
    match &body[end + 1..] {
        [] => Some((value, None)),
        [next, rest @ ..] if *next == delimiter => Some((value, Some(rest))),
        _ => None,
    }
}

fn undouble(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut skip = false;
    for &b in text {
        skip = b == b'"' && !skip;
        if !skip {
            out.push(b);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_split_outside_of_quotes() {
        assert_eq!(cell(b"a,b", b','), Some((Cow::Borrowed(&b"a"[..]), Some(&b"b"[..]))));
        assert_eq!(cell(b"\"a,\"\"b\"\"\",c", b',').map(|c| c.0.into_owned()), Some(b"a,\"b\"".to_vec()));
        assert_eq!(cell(b"\"a\"x", b','), None);
        assert_eq!(cell(b"\"a", b','), None);
        assert_eq!(cell(b"", b','), Some((Cow::Borrowed(&b""[..]), None)));
    }

    #[test]
    fn headers_are_known_by_their_names_and_any_delimiter() {
        for header in ["timeStamp,elapsed,label", "timeStamp;elapsed;label", "\"timeStamp\"\t\"elapsed\"\t\"label\""] {
            assert!(Columns::parse(header.as_bytes()).is_some(), "{header}");
        }
        assert!(Columns::parse(b"timestamp,duration,name").is_none());
    }
}
