//! JSON documents one after another, on a line each or spread over many, and the place of each
//! record in them. Not here: what the documents hold.

use memchr::memchr;

use crate::scan::json::{Malformed, Walk, Walker};
use crate::{Batch, Boundary, Chunk, Reason};

use super::span::Span;

/// How often the walk goes on after a place that is no JSON, where lines do not bound the damage:
/// each time may cost a look at all the rest.
const RESUMED: usize = 16;

/// Where a record stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    offset: u64,
    line: u32,
}

/// Puts records into a batch with the place they came from.
pub(super) struct Recorder<'c, 'b> {
    batch: &'b mut Batch,
    chunk: Chunk<'c>,
    line: u32,
    /// Where the next line starts: places only ever go forward, so lines are counted once.
    next_line: usize,
    /// Where the record begun last starts.
    begun: usize,
    /// Whether the record begun last is neither finished nor left out.
    open: bool,
}

impl<'c, 'b> Recorder<'c, 'b> {
    pub(super) fn new(chunk: Chunk<'c>, batch: &'b mut Batch) -> Self {
        Recorder { batch, chunk, line: 0, next_line: 0, begun: 0, open: false }
    }

    /// All that follows stands on this line, until told otherwise: then no line ends are looked for.
    fn line_of_its_own(&mut self, line: u32) {
        (self.line, self.next_line) = (line, usize::MAX);
    }

    /// Starts the record that stands at this place of the chunk.
    pub(super) fn begin(&mut self, at: usize) {
        while at >= self.next_line && self.next_line < self.chunk.bytes.len() {
            self.line += u32::from(self.next_line > 0);
            self.next_line = line_after(self.chunk.bytes, self.next_line);
        }
        self.batch.record(self.chunk.offset + at as u64, self.line);
        (self.begun, self.open) = (at, true);
    }

    /// Finishes the record begun last with the span it is, or leaves it out.
    pub(super) fn finish(&mut self, span: Result<&Span<'_>, Reason>, len: usize) {
        match span {
            Ok(span) => span.push(self.batch),
            Err(reason) => self.batch.reject(len, reason),
        }
        self.open = false;
    }

    /// Adds a span to the record begun last, which stays open for more.
    pub(super) fn push(&mut self, span: &Span<'_>) {
        span.push(self.batch);
    }

    /// Where the record begun last stands.
    pub(super) fn place(&self) -> Place {
        Place { offset: self.chunk.offset + self.begun as u64, line: self.line }
    }

    /// Adds a span to a record begun earlier.
    pub(super) fn push_at(&mut self, place: Place, span: &Span<'_>) {
        self.batch.place(place.offset, place.line);
        span.push(self.batch);
    }

    /// Leaves out a record begun earlier.
    pub(super) fn reject_at(&mut self, place: Place, len: usize, reason: Reason) {
        self.batch.place(place.offset, place.line);
        self.batch.reject(len, reason);
    }

    /// Takes note of the spans that a span names as its children.
    pub(super) fn adopt(&mut self, span: &Span<'_>, children: impl IntoIterator<Item = u64>) {
        if let Some(id) = span.id {
            children.into_iter().for_each(|child| self.batch.adopt(span.trace, child, id));
        }
    }

    /// Finishes the record begun last, of which all spans have been pushed.
    pub(super) fn nothing(&mut self) {
        self.open = false;
    }

    /// Leaves out the rest of the input from where it is no longer JSON.
    fn lost(&mut self, at: usize, end: usize) {
        if !self.open {
            self.begin(at);
        }
        let lost = &self.chunk.bytes[self.begun..end.max(self.begun)];
        let cut = end >= self.chunk.bytes.len() && !matches!(lost.trim_ascii_end(), [.., b'}' | b']']);
        let reason = if memchr(0, lost).is_some() {
            Reason::Binary
        } else if cut {
            Reason::Truncated
        } else {
            Reason::Shape
        };
        self.batch.reject(lost.trim_ascii_end().len(), reason);
        self.open = false;
    }
}

/// Walks every document of a chunk. `read` walks one and puts its spans into the recorder. What is
/// no JSON is lost to the end of its line where each line is a document, else to the next line that
/// starts with a bracket.
pub(super) fn each<'c>(
    chunk: Chunk<'c>,
    boundary: Boundary,
    batch: &mut Batch,
    mut read: impl FnMut(&mut Walker<'c>, &mut Recorder<'c, '_>) -> Walk<()>,
) {
    let bytes = chunk.bytes;
    let mut recorder = Recorder::new(chunk, batch);
    let (mut resumed, mut lines) = (0, 0);
    let mut at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while at < bytes.len() {
        let end = if boundary == Boundary::Line { line_after(bytes, at) } else { bytes.len() };
        if boundary == Boundary::Line {
            recorder.line_of_its_own(lines);
        }
        lines += 1;
        let mut walker = Walker::at(&bytes[..end], at);
        while !walker.is_done() {
            let start = walker.position();
            let records = recorder.batch.records;
            if let Err(Malformed { at }) = read(&mut walker, &mut recorder) {
                let at = at.clamp(start, end);
                resumed += usize::from(boundary != Boundary::Line);
                let give_up = boundary == Boundary::Line || resumed > RESUMED;
                let next = if give_up { end } else { next_document(bytes, at) };
                recorder.lost(at, next);
                walker = Walker::at(&bytes[..end], next);
            } else if recorder.batch.records == records {
                recorder.begin(start);
                recorder.nothing();
            }
        }
        at = end;
    }
    if boundary != Boundary::Line {
        let ends = memchr::memchr_iter(b'\n', bytes).count();
        lines = ends as u32 + u32::from(bytes.last().is_some_and(|&b| b != b'\n'));
    }
    batch.lines = lines;
}

/// Walks an object, a list of objects or a list of lists of them; `read` walks one object.
pub(super) fn objects<'a>(w: &mut Walker<'a>, read: &mut impl FnMut(&mut Walker<'a>) -> Walk<()>) -> Walk<()> {
    match w.peek() {
        b'{' => read(w),
        _ => w.array(|w| match w.peek() {
            b'[' => w.array(|w| {
                w.peek();
                read(w)
            }),
            _ => read(w),
        }),
    }
}

/// Shows the members of the first object of a head, bare or in one or two lists, until `done`.
pub(super) fn first_object(head: &[u8], mut done: impl FnMut(&mut Walker<'_>, &[u8]) -> bool) {
    let mut walker = Walker::new(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
    // Every way out is an error, as is the end of a head that was cut.
    let _ = objects(&mut walker, &mut |w| {
        let end = Err(Malformed { at: 0 });
        w.object(|w, key| if done(&mut w.clone(), key.raw) { end } else { w.skip().map(drop) })?;
        end
    });
}

/// Whether a log may be cut at its lines: not when its first document goes on after the first line.
pub(super) fn boundary(head: &[u8]) -> Boundary {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let Some(end) = memchr(b'\n', head) else { return Boundary::Line };
    let mut walker = Walker::new(&head[..end]);
    if walker.skip().is_ok() && walker.is_done() { Boundary::Line } else { Boundary::Whole }
}

fn next_document(bytes: &[u8], from: usize) -> usize {
    let mut at = line_after(bytes, from.min(bytes.len()));
    while at < bytes.len() && !matches!(bytes[at], b'{' | b'[') {
        at = line_after(bytes, at);
    }
    at
}

fn line_after(bytes: &[u8], at: usize) -> usize {
    memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |found| at + found + 1)
}
