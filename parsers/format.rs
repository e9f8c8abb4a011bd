//! What a log format has to provide.

use crate::{Batch, Boundary, Chunk, Nanos};

/// The folder a format lives in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// Requests as the edge saw them.
    Access,
    /// What applications, databases, pools and runtimes wrote down.
    Transaction,
    /// Spans.
    Apm,
}

impl Family {
    /// Name of the folder, in fixtures and in the sources.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Access => "access",
            Family::Transaction => "transaction",
            Family::Apm => "apm",
        }
    }
}

/// Which end of the operation the record's timestamp marks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stamp {
    /// The start.
    Start,
    /// The end: the start is the stamp less the duration.
    End,
}

/// The unit a log writes its durations in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Nanoseconds.
    Nanos,
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// Nanoseconds in one unit.
    pub const fn nanos(self) -> Nanos {
        match self {
            Unit::Nanos => 1,
            Unit::Micros => 1_000,
            Unit::Millis => 1_000_000,
            Unit::Seconds => 1_000_000_000,
        }
    }

    /// Symbol.
    pub const fn symbol(self) -> &'static str {
        match self {
            Unit::Nanos => "ns",
            Unit::Micros => "us",
            Unit::Millis => "ms",
            Unit::Seconds => "s",
        }
    }
}

/// What is to be known of a format without reading any log. Data, so that the list of formats,
/// the README table and the tests can be made from it.
#[derive(Debug)]
pub struct Spec {
    /// Name on the command line, in kebab case.
    pub name: &'static str,
    /// Family.
    pub family: Family,
    /// One line of description.
    pub title: &'static str,
    /// Where the format is defined: a URL.
    pub source: &'static str,
    /// What the timestamp marks, by default.
    pub stamp: Stamp,
    /// Unit of the durations, by default; `None` when the records name it or hold none.
    pub unit: Option<Unit>,
    /// Finest step of the durations, in nanoseconds; 0 when there are none.
    pub resolution_ns: Nanos,
    /// Records that must be detected as this format and read without rejects; checked by a test.
    pub sample: &'static str,
}

/// How well some bytes fit a format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// 0 is "certainly not", 100 "cannot be anything else". A plain line format gives at most 90,
    /// a layout that must be told apart by values at most 70.
    pub score: u8,
    /// Why, in a phrase: `6 of 6 lines read; duration in the field after "rt="`.
    pub evidence: String,
}

impl Verdict {
    /// Certainly not this format.
    pub const NO: Verdict = Verdict { score: 0, evidence: String::new() };

    /// A verdict with its reason.
    pub fn new(score: u8, evidence: impl Into<String>) -> Self {
        Verdict { score, evidence: evidence.into() }
    }
}

/// What the log itself does not say, as told by the user.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The layout: a format string (`log_format`, `LogFormat`, `log_line_prefix`), a regular
    /// expression for `custom`, or a `name=field` mapping for JSON lines. `None`: find out.
    pub layout: Option<String>,
    /// The unit of durations where the layout leaves it open. `None`: find out.
    pub unit: Option<Unit>,
    /// What the timestamp marks where the format leaves it open. `None`: the format's default.
    pub stamp: Option<Stamp>,
    /// No other log is read beside this one: ids that only join logs may be left unread.
    pub alone: bool,
}

/// What was settled when a log was opened; part of the report.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What the timestamp marks.
    pub stamp: Option<Stamp>,
    /// Unit of the durations as written; `None` when records name it or hold none.
    pub unit: Option<Unit>,
    /// Finest step of the durations in this log, in nanoseconds; 0 when there are none.
    pub resolution_ns: Nanos,
    /// Finest step of the timestamps in this log, in nanoseconds.
    pub stamp_resolution_ns: Nanos,
    /// Timestamps carry no zone: the decoder has read them as if they were UTC.
    pub zone_missing: bool,
    /// Timestamps carry no date either: the decoder has read them as of 1970-01-01, one day for all of the log.
    pub date_missing: bool,
    /// The layout in use, in the format's own notation; shown by `narrows formats --detect`.
    pub layout: String,
    /// What had to be assumed, in whole sentences.
    pub assumptions: Vec<String>,
}

/// Why a log cannot be read at all.
#[derive(Clone, Debug)]
pub struct OpenError {
    /// What is wrong and what to do about it, without the file name.
    pub message: String,
}

impl OpenError {
    /// An error with its text: lower case, remedy last.
    pub fn new(message: impl Into<String>) -> Self {
        OpenError { message: message.into() }
    }
}

/// A log format.
pub trait Format: Sync {
    /// What is to be known of it.
    fn spec(&self) -> &'static Spec;

    /// The layout that the sample needs. A format that has one takes any line by its layout and is
    /// never detected.
    fn sample_layout(&self) -> Option<&'static str> {
        None
    }

    /// Judges the first bytes of a log (whole lines where there are any, at most 64 KiB).
    fn sniff(&self, head: &[u8]) -> Verdict;

    /// Whether a text given as `--log-format` is a layout of this format.
    fn takes_layout(&self, _layout: &str) -> bool {
        false
    }

    /// Whether the decoder takes syslog's prefix off by itself, as it needs what stands there.
    fn reads_syslog(&self) -> bool {
        false
    }

    /// Reads what the first bytes tell (header, layout, units) and returns the decoder of this log.
    ///
    /// # Errors
    /// When the layout given does not compile, or nothing in `head` can be read.
    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError>;
}

/// Decodes the chunks of one log, from many threads at once.
pub trait Decoder: Send + Sync {
    /// What was settled on opening.
    fn facts(&self) -> Facts;

    /// Where the log may be cut.
    fn boundary(&self) -> Boundary;

    /// Whether a record starts with this line. Asked only where the boundary is [`Boundary::Record`].
    fn starts_record(&self, _line: &[u8]) -> bool {
        true
    }

    /// Whether the log has header lines that change how later lines are read (`#Fields`); such
    /// lines start with `#`. Pieces are then cut at them and carry the one in force.
    fn is_header(&self, _line: &[u8]) -> bool {
        false
    }

    /// Decodes whole records into `batch`, which was made for this chunk. Never fails: what cannot
    /// be read becomes a reject.
    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch);
}
