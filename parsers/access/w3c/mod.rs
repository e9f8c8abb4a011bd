//! W3C extended logs: `#Fields` names the columns, and may name others further down.
//!
//! The draft leaves open what the time means; servers write a line when a request is done.
//! <https://www.w3.org/TR/WD-logfile.html>

pub(super) mod columns;
mod iis;

use columns::{Columns, Separator, date, is_fields};
pub(super) use iis::Iis;

use super::first_lines::first_lines;
use crate::lines::each_line;
use crate::{Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Nanos, OpenError, Options, Spec, Stamp, Unit, Verdict};

pub(super) struct W3c;

static SPEC: Spec = Spec {
    name: "w3c",
    family: Family::Access,
    title: "W3C extended log of any server (#Fields)",
    source: "https://www.w3.org/TR/WD-logfile.html",
    stamp: Stamp::End,
    unit: None,
    resolution_ns: 1_000_000,
    sample: "\
#Version: 1.0
#Software: Apache Tomcat/9.0.80
#Fields: date time c-ip cs-method cs-uri sc-status bytes time-taken
2026-11-22 17:55:51 10.0.0.7 GET /api/accounts?page=2 200 512 0.042
2026-11-22 17:55:52 10.0.0.8 POST /api/payments 500 77 1.250
",
};

impl Format for W3c {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        match header(head) {
            Some(found) if !found.iis && !found.cloudfront => Verdict::new(95, "a #Fields line with columns of HTTP requests"),
            _ => Verdict::NO,
        }
    }

    fn takes_layout(&self, layout: &str) -> bool {
        is_fields(layout.as_bytes()) && !layout.contains("x-edge-")
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        open(head, options)
    }
}

/// What the head of a W3C log says.
struct Header<'a> {
    fields: &'a [u8],
    software: &'a [u8],
    day: Option<i64>,
    iis: bool,
    cloudfront: bool,
}

/// The `#Fields` line and its companions, where they are about HTTP requests.
fn header(head: &[u8]) -> Option<Header<'_>> {
    let (mut software, mut day) = (&b""[..], None);
    for line in first_lines(head).take_while(|line| line.first() == Some(&b'#')) {
        if is_fields(line) {
            Columns::parse(line, Separator::Blanks, 1).filter(Columns::requests)?;
            let lower = line.to_ascii_lowercase();
            let names = |name: &[u8]| memchr::memmem::find(&lower, name).is_some();
            return Some(Header {
                fields: line,
                software,
                day,
                iis: software.starts_with(b"Microsoft") || names(b"sc-win32-status") || names(b"sc-substatus"),
                cloudfront: names(b"x-edge-location") || names(b"x-edge-result-type"),
            });
        }
        software = directive(line, b"#Software:").unwrap_or(software);
        day = day_of(line).or(day);
    }
    None
}

fn directive<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    line.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| line[name.len()..].trim_ascii())
}

/// The date of `#Date: 2026-11-22 00:00:00`.
fn day_of(line: &[u8]) -> Option<i64> {
    date(directive(line, b"#Date:")?.get(..10)?).ok()
}

/// Opens any W3C log: the unit of `time-taken` is told by who wrote it.
fn open(head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
    let found = header(head);
    let fields = match (&options.layout, &found) {
        (Some(layout), _) => layout.as_bytes(),
        (None, Some(found)) => found.fields,
        (None, None) => {
            return Err(OpenError::new("no #Fields line on top; give the one of the log as --log-format '#Fields: ...'"));
        }
    };
    let software = found.as_ref().map_or(&b""[..], |found| found.software);
    let probe = Columns::parse(fields, Separator::Blanks, 1);
    let probe = probe.ok_or_else(|| OpenError::new("a #Fields line with no column; name them as in #Fields: date time ..."))?;
    let lines = || first_lines(head).filter(|line| line[0] != b'#');
    let taken = lines().filter_map(|line| probe.taken(line)).find(|text| *text != b"-");
    let clock_digits = lines().filter_map(|line| probe.clock(line)).map(digits).max().unwrap_or(0);
    let iis = found.as_ref().is_some_and(|found| found.iis);
    let (unit, why) = unit(options.unit, software, iis, taken);
    let mut assumptions =
        vec!["W3C times are read as UTC and, as lines are written when a request is done, as the end of it.".to_owned()];
    if probe.timed() {
        assumptions.extend(why);
    }
    let columns = Columns::parse(fields, Separator::Blanks, unit.nanos());
    let facts = Facts {
        stamp: Some(Stamp::End),
        unit: probe.timed().then_some(unit),
        resolution_ns: if probe.timed() { step(unit, taken.map_or(0, digits)) } else { 0 },
        stamp_resolution_ns: step(Unit::Seconds, clock_digits),
        zone_missing: false,
        date_missing: false,
        layout: String::from_utf8_lossy(fields).trim().to_owned(),
        assumptions,
    };
    let stamp_at_start = options.stamp == Some(Stamp::Start);
    let day = found.and_then(|found| found.day);
    Ok(Box::new(Lines::new(columns, Separator::Blanks, unit, day, facts, stamp_at_start)))
}

/// The unit of `time-taken`, and what had to be assumed for it. The draft says seconds; IIS and the
/// ProxySG write milliseconds.
fn unit(told: Option<Unit>, software: &[u8], iis: bool, taken: Option<&[u8]>) -> (Unit, Option<String>) {
    let by = |name: &[u8]| memchr::memmem::find(software, name).is_some();
    let fraction = taken.is_some_and(|text| text.contains(&b'.'));
    match told {
        Some(unit) => (unit, None),
        None if iis || by(b"SGOS") => (Unit::Millis, None),
        None if by(b"Tomcat") || fraction => (Unit::Seconds, None),
        None => {
            let text = "time-taken is read as milliseconds, as IIS writes it: whole numbers do not tell, and the W3C draft says seconds.";
            (Unit::Millis, Some(text.to_owned()))
        }
    }
}

/// Digits after the point.
fn digits(text: &[u8]) -> u32 {
    let point = text.iter().position(|&b| b == b'.');
    point.map_or(0, |at| text[at + 1..].iter().take_while(|b| b.is_ascii_digit()).take(9).count() as u32)
}

/// The finest step that so many digits of a unit can tell, in nanoseconds.
fn step(unit: Unit, digits: u32) -> Nanos {
    (unit.nanos() / 10i64.pow(digits.min(9))).max(1)
}

/// The decoder of any log with `#Fields` lines.
pub(super) struct Lines {
    first: Option<Columns>,
    separator: Separator,
    unit: Unit,
    day: Option<i64>,
    facts: Facts,
    stamp_at_start: bool,
}

impl Lines {
    pub(super) fn new(
        first: Option<Columns>,
        separator: Separator,
        unit: Unit,
        day: Option<i64>,
        mut facts: Facts,
        stamp_at_start: bool,
    ) -> Self {
        if stamp_at_start {
            facts.stamp = Some(Stamp::Start);
        }
        Lines { first, separator, unit, day, facts, stamp_at_start }
    }
}

impl Decoder for Lines {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    /// Lines without a date need the `#Date` above them, wherever it stands.
    fn boundary(&self) -> Boundary {
        if self.first.as_ref().is_none_or(Columns::dated) { Boundary::Line } else { Boundary::Whole }
    }

    fn is_header(&self, line: &[u8]) -> bool {
        is_fields(line)
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let parse = |line: &[u8]| Columns::parse(line, self.separator, self.unit.nanos());
        let mut columns = parse(chunk.header).or_else(|| self.first.clone());
        let mut day = self.day;
        each_line(chunk, batch, |line, batch| {
            if line[0] == b'#' {
                if is_fields(line) {
                    columns = parse(line);
                }
                day = day_of(line).or(day);
                return Ok(());
            }
            let mut op = columns.as_ref().ok_or(crate::Reason::Shape)?.read(line, day)?;
            if self.stamp_at_start {
                op.start = op.start.and_then(|start| start.checked_add(op.duration.unwrap_or(0)));
            }
            batch.push(&op);
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_told_by_who_wrote_the_log() {
        assert_eq!(unit(None, b"Apache Tomcat/9.0.80", false, Some(b"12")), (Unit::Seconds, None));
        assert_eq!(unit(None, b"SGOS 6.7.4.1", false, Some(b"12")), (Unit::Millis, None));
        assert_eq!(unit(None, b"", false, Some(b"0.012")), (Unit::Seconds, None));
        assert_eq!(unit(Some(Unit::Micros), b"", false, Some(b"12")), (Unit::Micros, None));
        assert!(unit(None, b"", false, Some(b"12")).1.is_some());
    }

    #[test]
    fn a_piece_in_mid_log_is_read_by_the_header_it_carries() {
        let decoder = W3c.open(SPEC.sample.as_bytes(), &Options::default()).expect("opens");
        let header = b"#Fields: date time time-taken cs-method cs-uri-stem sc-status";
        let chunk = Chunk { header, ..Chunk::whole(b"2026-11-22 17:55:51 0.5 GET /a 200\n") };
        let mut batch = Batch::new(&chunk);
        decoder.decode(chunk, &mut batch);
        assert_eq!((batch.duration.get(0), batch.status.get(0)), (Some(500_000_000), Some(200)));
    }
}
