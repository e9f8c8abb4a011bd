//! uWSGI request log, the default line; a `log-format` of one's own is not read. Its stamp is the
//! start of the request (`start_of_request_in_sec` in uWSGI's core/logging.c), in local time
//! without a zone. <https://uwsgi-docs.readthedocs.io/en/latest/LogFormat.html>

use memchr::memmem;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_until};
use nom::character::complete::{digit1, not_line_ending};
use nom::combinator::opt;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::shape;
use super::strftime::{self, Item};
use crate::operation::{Kind, Operation, Outcome, Role};
use crate::scan::number;
use crate::{
    Batch, Decoder, Facts, Family, Format, LineDecoder, Memo, Nanos, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict,
};

/// The format.
pub(super) struct Uwsgi;

static SPEC: Spec = Spec {
    name: "uwsgi",
    family: Family::Access,
    title: "uWSGI request log, default line",
    source: "https://uwsgi-docs.readthedocs.io/en/latest/LogFormat.html",
    stamp: Stamp::Start,
    unit: None,
    resolution_ns: 1_000_000,
    sample: concat!(
        "[pid: 311|app: 0|req: 1/1] 203.0.113.7 () {40 vars in 608 bytes} [Sun Nov 22 17:55:51 2026] ",
        "GET /a?b=c => generated 612 bytes in 42 msecs (HTTP/1.1 200) 3 headers in 110 bytes (1 switches on core 0)\n",
        "[pid: 312|app: 0|req: 1/2] 203.0.113.8 (bob) {42 vars in 700 bytes} [Sun Nov 22 17:55:52 2026] ",
        "POST /b => generated 0 bytes in 7 msecs via sendfile() (HTTP/1.0 504) 2 headers in 80 bytes (2 switches on core 1)\n",
    ),
};

/// What the line says, as text.
struct Line<'a> {
    stamp: &'a [u8],
    method: &'a [u8],
    target: &'a [u8],
    bytes: &'a [u8],
    duration: &'a [u8],
    unit: &'a [u8],
    status: &'a [u8],
}

impl Format for Uwsgi {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let lines = shape::first_lines(head);
        let share = shape::share(&lines, |text| line(text).is_ok());
        // The server's own messages stand between the requests.
        if share < 30 {
            Verdict::NO
        } else {
            Verdict::new(95, format!("{share} % of the first {} lines are requests", lines.len()))
        }
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let lines = shape::first_lines(head);
        let unit = lines.iter().find_map(|text| line(text).ok()).map(|(_, line)| unit_of(line.unit));
        let stamp = options.stamp.unwrap_or(Stamp::Start);
        let items = strftime::strftime("%a %b %e %H:%M:%S %Y").ok_or_else(|| OpenError::new("the stamp cannot be read"))?;
        Ok(Box::new(Requests { unit: unit.unwrap_or(Unit::Millis), stamp, items }))
    }
}

struct Requests {
    unit: Unit,
    stamp: Stamp,
    items: Vec<Item>,
}

impl LineDecoder for Requests {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(self.stamp),
            unit: Some(self.unit),
            resolution_ns: self.unit.nanos(),
            stamp_resolution_ns: Unit::Seconds.nanos(),
            zone_missing: true,
            date_missing: false,
            layout: "default".to_owned(),
            assumptions: Vec::new(),
        }
    }

    fn line(&self, text: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let Ok((_, line)) = line(text) else {
            // Start-up messages, tracebacks of the application: nothing that starts like a request.
            return if text.starts_with(b"[pid: ") && memmem::find(text, b"=> generated").is_some() {
                Err(Reason::Shape)
            } else {
                Ok(())
            };
        };
        let mut op = Operation::new(Kind::Request);
        op.role = Role::Server;
        op.duration = number::optional_duration(line.duration, unit_of(line.unit).nanos())?;
        let stamp = strftime::read(&self.items, line.stamp)?;
        let taken: Nanos = if self.stamp == Stamp::End { op.duration.unwrap_or(0) } else { 0 };
        op.start = Some(stamp.saturating_sub(taken));
        op.method = Some(line.method).filter(|m| !m.is_empty());
        op.name = Some(line.target).filter(|t| !t.is_empty());
        op.bytes = number::optional_whole(line.bytes)?;
        op.status = number::status(line.status)?;
        op.outcome = op.status.map_or(Outcome::Unknown, Outcome::of_status);
        batch.push(&op);
        Ok(())
    }
}

fn unit_of(name: &[u8]) -> Unit {
    if name == b"micros" { Unit::Micros } else { Unit::Millis }
}

/// One request.
fn line(text: &[u8]) -> IResult<&[u8], Line<'_>> {
    let mut head = (
        tag("[pid: "),
        take_until("] "),
        tag("] "),
        take_until(" ("),
        tag(" ("),
        take_until(") {"),
        take_until("} ["),
        tag("} "),
    );
    let (rest, _) = head.parse(text)?;
    let (rest, stamp) = delimited(tag("["), take_until("] "), tag("] ")).parse(rest)?;
    let (rest, request) = terminated(take_until(" => generated "), tag(" => generated ")).parse(rest)?;
    let (rest, bytes) = terminated(alt((digit1, tag("-"))), tag(" bytes in ")).parse(rest)?;
    let (rest, duration) = terminated(take_until(" "), tag(" ")).parse(rest)?;
    let (rest, unit) = alt((tag("msecs"), tag("micros"))).parse(rest)?;
    let (rest, _) = opt(preceded(tag(" via "), take_until(" ("))).parse(rest)?;
    let (rest, protocol) = delimited(tag(" ("), take_until(")"), tag(")")).parse(rest)?;
    let (rest, _) = not_line_ending(rest)?;
    let (method, target) = crate::scan::line::word(request);
    let status = protocol.rsplit(|&b| b == b' ').next().unwrap_or_default();
    Ok((rest, Line { stamp, method, target, bytes, duration, unit, status }))
}
