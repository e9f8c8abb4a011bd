//! The columns that a `#Fields` line names, and the operation a line of such columns is.
//!
//! <https://www.w3.org/TR/WD-logfile.html>

use std::borrow::Cow;

use crate::access::http;
use crate::scan::{number, time};
use crate::{Id, Kind, Nanos, Operation, Outcome, Reason, Role};

/// How the columns of a line are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::access) enum Separator {
    /// Runs of blanks and tabs; texts with blanks are quoted.
    Blanks,
    /// One tab; columns may be empty.
    Tab,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Column {
    Skip,
    Date,
    Time,
    Epoch,
    Clf,
    Taken,
    TakenMillis,
    TakenSeconds,
    FirstByte,
    OriginLastByte,
    Method,
    Target,
    Status,
    Bytes,
    Site,
    Computer,
    Peer,
    Request,
    Traceparent,
    Trace,
    Result,
}

/// The columns in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::access) struct Columns {
    columns: Vec<Column>,
    separator: Separator,
    /// Nanoseconds per unit of `time-taken`.
    unit: Nanos,
    /// Whether a line has exactly these columns; else it may have more.
    pub(in crate::access) exact: bool,
}

/// Whether a line names the columns of those that follow.
pub(in crate::access) fn is_fields(line: &[u8]) -> bool {
    line.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"#Fields:"))
}

impl Columns {
    /// The columns a `#Fields:` line names; `None` when it names none.
    pub(in crate::access) fn parse(line: &[u8], separator: Separator, unit: Nanos) -> Option<Columns> {
        let names = line.get(8..).filter(|_| is_fields(line))?;
        let names: Vec<Vec<u8>> =
            names.split(|b| b" \t\r\n".contains(b)).filter(|n| !n.is_empty()).map(<[u8]>::to_ascii_lowercase).collect();
        // The stem is the endpoint; the whole URI counts only where there is no stem.
        let stem = names.iter().any(|n| n == b"cs-uri-stem");
        let columns: Vec<_> =
            names.iter().map(|name| if stem && name == b"cs-uri" { Column::Skip } else { column(name) }).collect();
        (!columns.is_empty()).then_some(Columns { columns, separator, unit, exact: true })
    }

    /// Whether lines carry their date, so that they can be read apart from each other.
    pub(in crate::access) fn dated(&self) -> bool {
        self.columns.iter().any(|c| matches!(c, Column::Date | Column::Epoch | Column::Clf))
    }

    /// Whether lines say how long the request took.
    pub(in crate::access) fn timed(&self) -> bool {
        self.columns.iter().any(|c| matches!(c, Column::Taken | Column::TakenMillis | Column::TakenSeconds))
    }

    /// Whether this is about HTTP requests. Firewalls and mail servers write `#Fields`, too.
    pub(in crate::access) fn requests(&self) -> bool {
        let has = |wanted| self.columns.contains(&wanted);
        has(Column::Method) && (has(Column::Target) || has(Column::Status)) || has(Column::Target) && has(Column::Status)
    }

    /// The text of `time-taken` in a line, to tell its unit by.
    pub(in crate::access) fn taken<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        self.text(line, &[Column::Taken])
    }

    /// The text of the time in a line, to tell its resolution by.
    pub(in crate::access) fn clock<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        self.text(line, &[Column::Time, Column::Epoch])
    }

    fn text<'a>(&self, line: &'a [u8], wanted: &[Column]) -> Option<&'a [u8]> {
        let at = self.columns.iter().position(|column| wanted.contains(column))?;
        split(line, self.separator).nth(at)
    }

    /// Reads a line. `day` is the date in force where lines have only a time, in days.
    pub(in crate::access) fn read<'a>(&self, line: &'a [u8], day: Option<i64>) -> Result<Operation<'a>, Reason> {
        let mut op = Operation::new(Kind::Request);
        op.role = Role::Server;
        let (mut day, mut clock, mut stamp) = (day, None, None);
        let (mut first_byte, mut result) = (None, None);
        let mut texts = split(line, self.separator);
        for column in &self.columns {
            let text = texts.next().ok_or(Reason::Shape)?;
            if text == b"-" && *column != Column::Date {
                continue;
            }
            match column {
                Column::Skip => {}
                Column::Date => day = Some(date(text)?),
                Column::Time => clock = Some(time_of_day(text)?),
                Column::Epoch => stamp = Some(time::epoch(text)?.nanos),
                Column::Clf => stamp = Some(time::clf(text)?.nanos),
                Column::Taken => op.duration = number::optional_duration(text, self.unit)?,
                Column::TakenMillis => op.duration = number::optional_duration(text, 1_000_000)?,
                Column::TakenSeconds => op.duration = number::optional_duration(text, time::SECOND)?,
                Column::FirstByte => first_byte = number::optional_duration(text, time::SECOND)?,
                Column::OriginLastByte => op.parts.upstream = number::optional_duration(text, time::SECOND)?,
                Column::Method => op.method = Some(text),
                Column::Target => op.name = Some(http::path(text)),
                Column::Status => op.status = number::status(text)?,
                Column::Bytes => op.bytes = number::optional_whole(text)?,
                Column::Site => op.service = Some(text),
                Column::Computer => op.instance = Some(text),
                Column::Peer => op.peer = Some(text),
                Column::Request => op.request = op.request.or(Id::parse(text)),
                Column::Trace => op.trace = op.trace.or(Id::parse(text)),
                Column::Traceparent => {
                    if let Some((trace, span)) = Id::traceparent(text) {
                        (op.trace, op.parent_span) = (Some(trace), Some(span));
                    }
                }
                Column::Result => result = Some(text),
            }
        }
        if self.exact && texts.next().is_some() {
            return Err(Reason::Shape);
        }
        if let (Some(day), Some(clock)) = (day, clock) {
            let midnight = day.checked_mul(86_400 * time::SECOND).ok_or(Reason::Time)?;
            stamp = Some(midnight.checked_add(clock).ok_or(Reason::Time)?);
        }
        op.start = stamp.map(|end| http::started(end, op.duration)).transpose()?;
        op.outcome = op.status.map_or(Outcome::Unknown, Outcome::of_status);
        // CloudFront's word for a viewer that closed the connection; it writes status 000 then.
        if result.is_some_and(|r| r == b"ClientCommError" || r == b"AbortedOrigin") {
            op.outcome = Outcome::Abandoned;
        }
        if let (Some(first), Some(all), None) = (first_byte, op.duration, op.parts.upstream) {
            // What comes after the first byte is the sending of the answer.
            op.parts.network = (all >= first).then(|| all - first);
        }
        Ok(op)
    }
}

/// The column of a name in lower case.
fn column(name: &[u8]) -> Column {
    let header = name.iter().position(|&b| b == b'(').and_then(|at| name[at + 1..].strip_suffix(b")"));
    match header.unwrap_or(name) {
        b"traceparent" => return Column::Traceparent,
        b"x-request-id" | b"x-correlation-id" | b"request-id" | b"x-edge-request-id" | b"x-transaction-id" => {
            return Column::Request;
        }
        b"x-b3-traceid" | b"trace-id" | b"x-trace-id" => return Column::Trace,
        _ if header.is_some() => return Column::Skip,
        _ => {}
    }
    match name {
        b"date" => Column::Date,
        b"time" => Column::Time,
        b"timestamp" | b"x-timestamp" => Column::Epoch,
        b"gmttime" | b"localtime" => Column::Clf,
        b"time-taken" => Column::Taken,
        b"timetakenms" | b"time-taken-ms" | b"x-time-taken-ms" => Column::TakenMillis,
        b"x-duration" => Column::TakenSeconds,
        b"time-to-first-byte" => Column::FirstByte,
        b"origin-lbl" => Column::OriginLastByte,
        b"cs-method" | b"c-method" => Column::Method,
        b"cs-uri-stem" | b"cs-uri" => Column::Target,
        b"sc-status" | b"c-status" => Column::Status,
        b"sc-bytes" => Column::Bytes,
        b"s-sitename" => Column::Site,
        b"s-computername" => Column::Computer,
        b"s-supplier-name" | b"r-supplier-dns" => Column::Peer,
        b"x-edge-detailed-result-type" | b"x-edge-result-type" => Column::Result,
        _ => Column::Skip,
    }
}

/// The texts of a line, without quotes around them.
fn split(line: &[u8], separator: Separator) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        if separator == Separator::Tab {
            let (value, after) = match memchr::memchr(b'\t', text) {
                Some(at) => (&text[..at], Some(&text[at + 1..])),
                None => (text, None),
            };
            rest = after;
            return Some(value);
        }
        let text = text.trim_ascii_start();
        if text.is_empty() {
            rest = None;
            return None;
        }
        if let Some(body) = text.strip_prefix(b"\"")
            && let Some(end) = closing_quote(body)
        {
            rest = Some(&body[end + 1..]);
            return Some(&body[..end]);
        }
        let end = memchr::memchr2(b' ', b'\t', text).unwrap_or(text.len());
        rest = Some(&text[end..]);
        Some(&text[..end])
    })
}

/// The quote that is not one of a pair.
fn closing_quote(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + memchr::memchr(b'"', &body[at..])?;
        if body.get(found + 1) != Some(&b'"') {
            return Some(found);
        }
        at = found + 2;
    }
}

/// `2026-11-22` in days since the epoch.
pub(in crate::access) fn date(text: &[u8]) -> Result<i64, Reason> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return Err(Reason::Time);
    }
    let year = time::two(text, 0)? * 100 + time::two(text, 2)?;
    time::days(year, time::two(text, 5)?, time::two(text, 8)?)
}

/// `17:55:51` or `17:55:51.250` in nanoseconds.
fn time_of_day(text: &[u8]) -> Result<i64, Reason> {
    let text = if text.get(1) == Some(&b':') { Cow::Owned([b"0", text].concat()) } else { Cow::Borrowed(text) };
    let (seconds, rest) = time::clock(&text)?;
    let (nanos, _, rest) = time::fraction(rest);
    if rest.is_empty() { Ok(seconds * time::SECOND + nanos) } else { Err(Reason::Time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str, separator: Separator) -> Vec<String> {
        split(line.as_bytes(), separator).map(|t| String::from_utf8_lossy(t).into_owned()).collect()
    }

    #[test]
    fn texts_are_split_by_blanks_outside_of_quotes_or_by_tabs() {
        assert_eq!(texts("a  \"b \"\"c\"\"\"\t- \"\"", Separator::Blanks), ["a", "b \"\"c\"\"", "-", ""]);
        assert_eq!(texts("a \"unclosed b", Separator::Blanks), ["a", "\"unclosed", "b"]);
        assert_eq!(texts("a\t\tb c\t", Separator::Tab), ["a", "", "b c", ""]);
    }

    #[test]
    fn the_whole_uri_is_the_name_only_without_a_stem() {
        let read = |fields: &[u8], line: &'static [u8]| {
            let columns = Columns::parse(fields, Separator::Blanks, 1).expect("columns");
            columns.read(line, None).map(|op| op.name)
        };
        assert_eq!(read(b"#Fields: cs-uri cs-uri-stem", b"/a?b /a"), Ok(Some(&b"/a"[..])));
        assert_eq!(read(b"#Fields: cs-uri", b"http://h/a?b"), Ok(Some(&b"/a?b"[..])));
        assert_eq!(read(b"#Fields: cs-uri", b"/a b"), Err(Reason::Shape));
    }

    #[test]
    fn short_hours_and_fractions_are_read() {
        assert_eq!(time_of_day(b"7:05:00"), Ok(25_500 * time::SECOND));
        assert_eq!(time_of_day(b"17:55:51.250"), Ok(64_551 * time::SECOND + 250_000_000));
        assert_eq!(time_of_day(b"17:55"), Err(Reason::Time));
    }
}
