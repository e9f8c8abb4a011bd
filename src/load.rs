//! From inputs to the operations frame: the only place that joins input, formats, frame and threads.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use parsers::peel::Prefix;
use parsers::{Batch, Boundary, Chunk, Decoder, Facts, Kind, Reason, Unit, cut};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::frame::{Builder, Frame, Naming, Piece};
use crate::input::{Found, Opened, Origin, family, hex, open};

mod services;
mod settle;

pub use services::{Part, parts};
use settle::whole_lines;
pub use settle::{Choice, FormatRule, Settled, settle};

/// How large a piece one thread decodes at a time, in bytes. Smaller pieces cost more dictionaries,
/// larger ones leave the cache between decoding, naming and booking.
const PIECE: usize = 1 << 20;

/// How many pieces are decoded for each thread before they are booked.
const PIECES_PER_THREAD: usize = 4;

/// How many places of rejected records are kept for each source.
const KEPT_REJECTS: usize = 20;

/// What is read how.
#[derive(Default)]
#[non_exhaustive]
pub struct Options {
    /// Formats set by the user, the first that fits a path wins.
    pub formats: Vec<FormatRule>,
    /// How names are made.
    pub naming: Naming,
    /// Zone of timestamps that carry none. `None`: taken as UTC and aligned later.
    pub tz: Option<TimeZone>,
    /// Unit of durations where a format leaves it open. `None`: found out.
    pub unit: Option<Unit>,
    /// Whether every rejected record is to be kept, for `--rejects`.
    pub keep_rejects: bool,
    /// Whether inputs are hashed.
    pub hash: bool,
    /// Whether it is one log alone: then ids that only join logs may be left unread.
    pub alone: bool,
}

/// One log that was read, and the account of it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Path as shown.
    pub path: PathBuf,
    /// Rotated set the file belongs to; logs of different sets are joined, files of one are not.
    pub family: String,
    /// Name of the format.
    pub format: &'static str,
    /// Why this format.
    pub evidence: String,
    /// What was settled on opening.
    pub facts: Facts,
    /// Carrier prefix peeled off, compression and encoding, where there are any.
    pub wrapping: Vec<&'static str>,
    /// Size as stored, in bytes; the bytes read for standard input.
    pub bytes: u64,
    /// SHA-256 of the content as decoded, when asked for.
    pub sha256: Option<String>,
    /// Records read.
    pub records: u64,
    /// Operations they told of.
    pub operations: u64,
    /// Records left out, by reason.
    pub rejected: [u64; Reason::ALL.len()],
    /// The first places of them.
    pub first_rejects: Vec<Place>,
    /// What was read of each kind, before anything was filtered or joined.
    pub read: [Tally; Kind::ALL.len()],
    /// Earliest start and latest end of its operations, in nanoseconds since the epoch.
    pub span: Option<(i64, i64)>,
}

impl Source {
    /// Records left out.
    pub fn rejects(&self) -> u64 {
        self.rejected.iter().sum()
    }
}

/// Operations of one kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How many with a duration.
    pub with_duration: u64,
    /// Sum of the durations, in nanoseconds.
    pub total_ns: i64,
}

/// Where a rejected record stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Offset in bytes.
    pub offset: u64,
    /// Line, from 1.
    pub line: u64,
    /// Why it was left out.
    pub reason: Reason,
}

/// A rejected record in full.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RejectedRecord {
    /// Number of the source.
    pub source: u32,
    /// Where and why.
    pub place: Place,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file that was found and left alone.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// Path as shown.
    pub path: PathBuf,
    /// Why, in a phrase.
    pub why: String,
}

/// Everything that was read.
pub struct Loaded {
    /// Its operations.
    pub frame: Frame,
    /// Where they came from; `source` in the frame counts these from 0.
    pub sources: Vec<Source>,
    /// Files left alone.
    pub skipped: Vec<Skipped>,
    /// Inputs that could not be read, or not to their end.
    pub errors: Vec<Error>,
    /// Rejected records in full, when asked for.
    pub rejected: Vec<RejectedRecord>,
    /// Names folded into learned templates.
    pub folded_names: usize,
}

/// What is told of the progress: bytes read of a path.
pub type Progress<'a> = &'a (dyn Fn(&Path, u64) + Sync);

/// Reads inputs into one frame.
///
/// # Errors
/// Only when the frame cannot be made; inputs that cannot be read are listed in the result.
pub fn load(inputs: &[Found], options: &Options, progress: Progress<'_>) -> Result<Loaded> {
    let mut reader =
        Reader { options, progress, builder: Builder::default(), sources: Vec::new(), skipped: Vec::new(), rejected: Vec::new() };
    let mut errors = Vec::new();
    let mut seen = Seen::default();
    for found in inputs {
        if let Some(first) = seen.copy_of(found) {
            let why = format!("the same content as {}, counted once", first.display());
            reader.skipped.push(Skipped { path: found.path.clone(), why });
        } else if let Err(error) = reader.read(found) {
            errors.push(error);
        }
    }
    let Reader { builder, sources, skipped, rejected, .. } = reader;
    let (frame, folded_names) = builder.finish()?;
    Ok(Loaded { frame, sources, skipped, errors, rejected, folded_names })
}

struct Reader<'a> {
    options: &'a Options,
    progress: Progress<'a>,
    builder: Builder,
    sources: Vec<Source>,
    skipped: Vec<Skipped>,
    rejected: Vec<RejectedRecord>,
}

impl Reader<'_> {
    fn read(&mut self, found: &Found) -> Result<()> {
        let path = &found.path;
        let opened = open(path)?;
        if opened.head.is_empty() {
            let why = match opened.size {
                Some(0) | None => "empty",
                Some(_) => "nothing in it can be read",
            };
            self.skipped.push(Skipped { path: path.clone(), why: why.to_owned() });
            // An input that breaks off at once says why when it is read on.
            return opened.read(<[u8]>::len, |_, _| ()).map(drop);
        }
        let parts = parts(path, &opened, self.options);
        let several = parts.len() > 1;
        let mut first = Some(opened);
        for Part { service, settled } in parts {
            let settled = match settled {
                Err(Error::Unknown { hint, .. }) if several || found.origin == Origin::Walked => {
                    self.skipped.push(Skipped { path: path.clone(), why: format!("not a log narrows knows{hint}") });
                    continue;
                }
                settled => settled?,
            };
            let opened = first.take().map_or_else(|| open(path), Ok)?;
            self.take(found, opened, &settled, service.as_deref())?;
        }
        Ok(())
    }

    /// Reads a log, or what one service has in it.
    fn take(&mut self, found: &Found, opened: Opened, settled: &Settled, service: Option<&str>) -> Result<()> {
        let path = &found.path;
        let sha256 = if self.options.hash && found.origin != Origin::Stdin { Some(open(path)?.sha256()?) } else { None };
        let mut wrapping: Vec<_> = opened.compression.into_iter().chain(opened.encoding).collect();
        wrapping.extend(settled.prefix.map(|p| p.name));
        self.sources.push(Source {
            path: path.clone(),
            family: service.map_or_else(|| family(path), |service| format!("{} {service}", family(path))),
            format: settled.format.spec().name,
            evidence: settled.evidence.clone(),
            facts: settled.decoder.facts(),
            wrapping,
            bytes: opened.size.unwrap_or(0),
            sha256,
            ..Source::default()
        });
        let size = opened.size;
        // What comes in by a pipe can be read only once.
        let hash = self.options.hash && found.origin == Origin::Stdin;
        let outcome = self.decode(opened, settled, hash);
        if let (Some(source), None, Ok(bytes)) = (self.sources.last_mut(), size, &outcome) {
            source.bytes = *bytes;
        }
        outcome.map(drop)
    }

    /// Decodes the source added last.
    fn decode(&mut self, opened: Opened, settled: &Settled, hash: bool) -> Result<u64> {
        let decoder = &*settled.decoder;
        let path = self.sources.last().map(|s| s.path.clone()).unwrap_or_default();
        let mut state = Headers::new(decoder, &opened.head);
        let mut line = 0u32;
        let (mut decoded, mut fresh): (Vec<Decoded>, Vec<Decoded>) = (Vec::new(), Vec::new());
        let options = self.options;
        let cut_block = |bytes: &[u8]| last_record(bytes, decoder, settled.prefix);
        let mut days = Days { is_counted: decoder.facts().date_missing, ..Days::default() };
        let mut hasher = hash.then(Sha256::new);
        let read = opened.read(cut_block, |offset, block| {
            hasher.iter_mut().for_each(|hasher| hasher.update(block));
            let jobs: Vec<Job<'_>> = state
                .pieces(block, decoder, settled.prefix)
                .into_iter()
                .map(|(range, header)| Job {
                    decoder,
                    prefix: settled.prefix,
                    options,
                    offset: offset + range.start as u64,
                    bytes: &block[range],
                    header,
                })
                .collect();
            // While pieces are decoded those before them are booked, in order; then the two change
            // places, so that memory is used again.
            let at_once = PIECES_PER_THREAD * rayon::current_num_threads();
            for wave in jobs.chunks(at_once).chain([&[][..]]) {
                fresh.resize_with(wave.len(), Decoded::default);
                rayon::join(
                    || {
                        for piece in &mut decoded {
                            days.place(piece);
                            line = self.book(piece, line);
                        }
                    },
                    || fresh.par_iter_mut().zip(wave).for_each(|(piece, job)| job.run(piece)),
                );
                std::mem::swap(&mut decoded, &mut fresh);
                (self.progress)(&path, wave.iter().map(|job| job.bytes.len() as u64).sum());
            }
        });
        if let (Some(source), Some(hasher)) = (self.sources.last_mut(), hasher) {
            source.sha256 = Some(hex(hasher));
        }
        read
    }

    /// Books one piece of the source added last; gives the line after it.
    fn book(&mut self, decoded: &Decoded, first_line: u32) -> u32 {
        let number = self.sources.len() as u32 - 1;
        let Some(source) = self.sources.last_mut() else { return first_line };
        let batch = &decoded.piece.batch;
        source.records += batch.records;
        source.operations += batch.len() as u64;
        for (sum, tally) in source.read.iter_mut().zip(decoded.read) {
            sum.count += tally.count;
            sum.with_duration += tally.with_duration;
            sum.total_ns = sum.total_ns.saturating_add(tally.total_ns);
        }
        source.span = match (source.span, decoded.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (span, other) => span.or(other),
        };
        for (reject, bytes) in batch.rejects.iter().zip(decoded.rejects.iter().map(Some).chain(std::iter::repeat(None))) {
            source.rejected[reject.reason as usize] += 1;
            let place =
                Place { offset: reject.offset, line: u64::from(first_line) + u64::from(reject.line) + 1, reason: reject.reason };
            if source.first_rejects.len() < KEPT_REJECTS {
                source.first_rejects.push(place);
            }
            self.rejected.extend(bytes.map(|bytes| RejectedRecord { source: number, place, bytes: bytes.clone() }));
        }
        let next = first_line.saturating_add(batch.lines);
        self.builder.append(number, first_line, &decoded.piece);
        next
    }
}

/// Counts the days of a log whose stamps are times of day alone: it starts anew at midnight.
#[derive(Default)]
struct Days {
    is_counted: bool,
    last: Option<i64>,
    days: i64,
}

impl Days {
    /// Moves the next piece of the log to its days.
    fn place(&mut self, decoded: &mut Decoded) {
        const DAY_NS: i64 = 86_400_000_000_000;
        if !self.is_counted {
            return;
        }
        decoded.piece.batch.shift_start(|at| {
            // What jumps back by half a day was written past midnight; what jumps ahead is a straggler from before it.
            let step = at.saturating_sub(self.last.unwrap_or(at));
            if step < -DAY_NS / 2 {
                self.days += 1;
            }
            let straggles = step > DAY_NS / 2 && self.days > 0;
            if !straggles {
                self.last = Some(at);
            }
            at.saturating_add((self.days - i64::from(straggles)).saturating_mul(DAY_NS))
        });
        (decoded.read, decoded.span) = tally(&decoded.piece.batch);
    }
}

/// A piece decoded, with what is taken from its chunk before that goes. May be filled again.
#[derive(Default)]
struct Decoded {
    piece: Piece,
    read: [Tally; Kind::ALL.len()],
    span: Option<(i64, i64)>,
    rejects: Vec<Vec<u8>>,
}

struct Job<'a> {
    decoder: &'a dyn Decoder,
    prefix: Option<Prefix>,
    options: &'a Options,
    offset: u64,
    bytes: &'a [u8],
    header: Vec<u8>,
}

impl Job<'_> {
    fn run(&self, into: &mut Decoded) {
        let bytes = self.bytes;
        match self.prefix {
            None => self.decode(bytes, self.offset, into, |_| ()),
            Some(prefix) => {
                let peeled = prefix.peel(bytes);
                self.decode(&peeled.bytes, 0, into, |batch| {
                    let places = batch.offset.iter_mut().zip(batch.line.iter_mut());
                    let rejects = batch.rejects.iter_mut().map(|r| (&mut r.offset, &mut r.line));
                    for (offset, line) in places.chain(rejects) {
                        let (original, original_line) = peeled.original(*offset);
                        (*offset, *line) = (self.offset + original, original_line);
                    }
                    batch.lines = memchr::memchr_iter(b'\n', bytes).count() as u32 + u32::from(bytes.last() != Some(&b'\n'));
                });
            }
        }
    }

    fn decode(&self, bytes: &[u8], offset: u64, into: &mut Decoded, relocate: impl FnOnce(&mut Batch)) {
        let Decoded { piece, read, span, rejects } = into;
        let chunk = Chunk { offset, bytes, header: &self.header };
        piece.batch.renew(&chunk);
        self.decoder.decode(chunk, &mut piece.batch);
        rejects.clear();
        if self.options.keep_rejects {
            rejects.extend(piece.batch.rejects.iter().map(|r| text_of(bytes, r.offset - offset, r.len)));
        }
        relocate(&mut piece.batch);
        if let Some(tz) = self.options.tz.as_ref().filter(|_| self.decoder.facts().zone_missing) {
            piece.batch.shift_start(|local| to_utc(local, tz));
        }
        (*read, *span) = tally(&piece.batch);
        piece.make_names(bytes, &self.options.naming);
    }
}

fn text_of(bytes: &[u8], at: u64, len: u32) -> Vec<u8> {
    let start = (at as usize).min(bytes.len());
    bytes[start..start.saturating_add(len as usize).min(bytes.len())].to_vec()
}

/// A local time, written as if it were UTC, in UTC. A time that a clock change skips or repeats is
/// taken as the later or the earlier of the two (RFC 5545 has it so, as jiff does).
fn to_utc(local: i64, tz: &TimeZone) -> i64 {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(local)).ok();
    let civil = instant.map(|t| t.to_zoned(TimeZone::UTC).datetime());
    let zoned = civil.and_then(|c| tz.to_ambiguous_zoned(c).compatible().ok());
    zoned.and_then(|z| i64::try_from(z.timestamp().as_nanosecond()).ok()).unwrap_or(local)
}

fn tally(batch: &Batch) -> ([Tally; Kind::ALL.len()], Option<(i64, i64)>) {
    let mut read = [Tally::default(); Kind::ALL.len()];
    let mut span: Option<(i64, i64)> = None;
    for (row, &kind) in batch.kind.iter().enumerate() {
        let tally = &mut read[usize::from(kind)];
        tally.count += 1;
        let duration = batch.duration.get(row);
        if let Some(duration) = duration {
            tally.with_duration += 1;
            tally.total_ns = tally.total_ns.saturating_add(duration);
        }
        if let Some(start) = batch.start.get(row) {
            let end = start.saturating_add(duration.unwrap_or(0));
            span = Some(span.map_or((start, end), |(a, b)| (a.min(start), b.max(end))));
        }
    }
    (read, span)
}

/// How many bytes of a block may be decoded while more is to come: all up to the last record's start.
fn last_record(bytes: &[u8], decoder: &dyn Decoder, prefix: Option<Prefix>) -> usize {
    if decoder.boundary() == Boundary::Whole {
        return 0;
    }
    let mut end = bytes.len();
    while let Some(newline) = memchr::memrchr(b'\n', &bytes[..end.saturating_sub(1)]) {
        let line = &bytes[newline + 1..end];
        let starts = match prefix {
            Some(prefix) => decoder.starts_record(&prefix.peel(line).bytes) && !prefix.is_partial(line_before(bytes, newline)),
            None => decoder.starts_record(line),
        };
        if starts {
            // A whole last line of a line format may go, too.
            let partial = prefix.is_some_and(|prefix| prefix.is_partial(line));
            let whole = decoder.boundary() == Boundary::Line && bytes.last() == Some(&b'\n') && !partial;
            return if whole { bytes.len() } else { newline + 1 };
        }
        end = newline + 1;
    }
    0
}

/// The line that ends at a newline.
fn line_before(bytes: &[u8], newline: usize) -> &[u8] {
    let start = memchr::memrchr(b'\n', &bytes[..newline]).map_or(0, |at| at + 1);
    &bytes[start..newline]
}

/// Pieces of blocks, cut at header lines where a format has them.
struct Headers {
    /// The header in force; `None` when the format has none.
    current: Option<Vec<u8>>,
}

impl Headers {
    fn new(decoder: &dyn Decoder, head: &[u8]) -> Self {
        let any = head.split(|&b| b == b'\n').any(|line| line.first() == Some(&b'#') && decoder.is_header(line));
        Headers { current: any.then(Vec::new) }
    }

    fn pieces(&mut self, block: &[u8], decoder: &dyn Decoder, prefix: Option<Prefix>) -> Vec<(std::ops::Range<usize>, Vec<u8>)> {
        if let Some(prefix) = prefix {
            return carried_pieces(block, decoder, prefix).into_iter().map(|range| (range, Vec::new())).collect();
        }
        let Some(current) = &mut self.current else {
            return cut(block, PIECE, decoder).into_iter().map(|range| (range, Vec::new())).collect();
        };
        let mut pieces = Vec::new();
        for range in cut(block, PIECE, decoder) {
            pieces.push((range.clone(), current.clone()));
            for line in block[range].split(|&b| b == b'\n').filter(|line| line.first() == Some(&b'#')) {
                if decoder.is_header(line) {
                    *current = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                }
            }
        }
        pieces
    }
}

/// Pieces of a block whose lines carry a prefix: none ends in the middle of a split line.
fn carried_pieces(block: &[u8], decoder: &dyn Decoder, prefix: Prefix) -> Vec<std::ops::Range<usize>> {
    let mut pieces: Vec<std::ops::Range<usize>> = Vec::new();
    for piece in cut(block, PIECE, &Carried { decoder, prefix }) {
        match pieces.last_mut() {
            Some(last) if prefix.is_partial(line_before(block, last.end.saturating_sub(1))) => last.end = piece.end,
            _ => pieces.push(piece),
        }
    }
    pieces
}

/// A decoder as the cutter sees it behind a prefix.
struct Carried<'a> {
    decoder: &'a dyn Decoder,
    prefix: Prefix,
}

impl Decoder for Carried<'_> {
    fn facts(&self) -> Facts {
        self.decoder.facts()
    }

    fn boundary(&self) -> Boundary {
        self.decoder.boundary()
    }

    fn starts_record(&self, line: &[u8]) -> bool {
        self.decoder.starts_record(&self.prefix.peel(line).bytes)
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        self.decoder.decode(chunk, batch);
    }
}

/// Files already seen, to find copies.
#[derive(Default)]
struct Seen {
    files: Vec<(u64, PathBuf, Option<String>)>,
}

impl Seen {
    /// The file seen before with the same content, if there is one.
    fn copy_of(&mut self, found: &Found) -> Option<PathBuf> {
        let size = found.path.metadata().ok().filter(|m| m.is_file() && m.len() > 0)?.len();
        let mut own: Option<String> = None;
        for (other_size, path, hash) in &mut self.files {
            if *other_size != size {
                continue;
            }
            let hash_of = |path: &Path| open(path).ok().and_then(|o| o.sha256().ok());
            own = own.or_else(|| hash_of(&found.path));
            *hash = hash.take().or_else(|| hash_of(path));
            if own.is_some() && own == *hash {
                return Some(path.clone());
            }
        }
        self.files.push((size, found.path.clone(), own));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_without_dates_goes_on_past_midnight() {
        const HOUR: i64 = 3_600_000_000_000;
        let mut decoded = Decoded::default();
        for hour in [22, 23, 0, 23, 1] {
            let mut op = parsers::Operation::new(Kind::Request);
            op.start = Some(hour * HOUR);
            decoded.piece.batch.push(&op);
        }
        Days { is_counted: true, ..Days::default() }.place(&mut decoded);
        let hours: Vec<i64> = decoded.piece.batch.start.values().iter().map(|at| at / HOUR).collect();
        assert_eq!(hours, [22, 23, 24, 23, 25]);
        assert_eq!(decoded.span, Some((22 * HOUR, 25 * HOUR)));
    }

    #[test]
    fn a_local_time_is_moved_by_its_zone() {
        let tz = TimeZone::get("America/Sao_Paulo").expect("a zone");
        let local = 1_795_359_351_000_000_000; // 2026-11-22 14:55:51, read as UTC
        assert_eq!(to_utc(local, &tz), 1_795_370_151_000_000_000);
    }
}
