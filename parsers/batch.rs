//! The columns a chunk is decoded into.

use crate::{Chunk, Id, Operation, Reason};

/// A value with one bit pattern that stands for "not said".
pub trait Null: Copy + PartialEq {
    /// The pattern.
    const NULL: Self;
}

impl Null for i64 {
    const NULL: i64 = i64::MIN;
}
impl Null for u64 {
    const NULL: u64 = u64::MAX;
}
impl Null for u32 {
    const NULL: u32 = u32::MAX;
}
impl Null for u16 {
    const NULL: u16 = u16::MAX;
}
impl Null for u128 {
    const NULL: u128 = 0;
}

/// A column of values, one per row, that takes no memory until a row has a value.
#[derive(Clone, Debug)]
pub struct Column<T>(Vec<T>);

impl<T> Default for Column<T> {
    fn default() -> Self {
        Column(Vec::new())
    }
}

impl<T: Null> Column<T> {
    /// The values, [`Null::NULL`] where there is none; empty when no row has one. May be shorter
    /// than the batch: the rows past its end have none.
    pub fn values(&self) -> &[T] {
        &self.0
    }

    /// The value of a row.
    pub fn get(&self, row: usize) -> Option<T> {
        self.0.get(row).copied().filter(|&v| v != T::NULL)
    }

    /// The values as they are, see [`Column::values`].
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }

    #[inline]
    fn push(&mut self, row: usize, value: Option<T>) {
        if let Some(value) = value {
            if self.0.len() < row {
                self.0.resize(row, T::NULL);
            }
            self.0.push(value);
        }
    }
}

/// A column of texts: places in the chunk where the text stands there as it is, else in an arena.
#[derive(Clone, Debug, Default)]
pub struct TextColumn {
    places: Vec<Place>,
    arena: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    len: u32,
}

impl Place {
    const NULL: Place = Place { start: 0, len: u32::MAX };
    const ARENA: u32 = 1 << 31;
}

impl TextColumn {
    /// Whether no row has a text.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn clear(&mut self) {
        self.places.clear();
        self.arena.clear();
    }

    /// The text of a row of a batch decoded from `chunk`.
    #[inline]
    pub fn get<'a>(&'a self, row: usize, chunk: &'a [u8]) -> Option<&'a [u8]> {
        let place = *self.places.get(row)?;
        if place.len == u32::MAX {
            return None;
        }
        let (start, len) = (place.start as usize, (place.len & !Place::ARENA) as usize);
        let from = if place.len & Place::ARENA == 0 { chunk } else { &self.arena };
        from.get(start..start + len)
    }

    #[inline]
    fn push(&mut self, row: usize, text: Option<&[u8]>, chunk: &std::ops::Range<usize>) {
        let Some(text) = text else { return };
        if self.places.len() < row {
            self.places.resize(row, Place::NULL);
        }
        let at = text.as_ptr() as usize;
        // A text that lies within the chunk is remembered by its place; the addresses are only
        // compared, never turned back into pointers.
        let place = if at >= chunk.start && at + text.len() <= chunk.end {
            Place { start: (at - chunk.start) as u32, len: text.len() as u32 }
        } else {
            let start = self.arena.len();
            self.arena.extend_from_slice(text);
            Place { start: start as u32, len: text.len() as u32 | Place::ARENA }
        };
        self.places.push(place);
    }
}

/// A record that was left out, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reject {
    /// Offset of the record in the input as decoded, in bytes.
    pub offset: u64,
    /// Its length in bytes, without the line end.
    pub len: u32,
    /// Line within the chunk, from 0.
    pub line: u32,
    /// Why it was left out.
    pub reason: Reason,
}

/// A span that another names as its child, whatever parent it names itself: an inferred span is made
/// after those below it have been sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd, Ord)]
pub struct Adoption {
    /// Trace id of both; 0 is none.
    pub trace: u128,
    /// Span id of the child.
    pub child: u64,
    /// Span id of the parent.
    pub parent: u64,
}

/// The operations of one chunk, column by column, and the records left out.
///
/// Each row has an offset, a line, a kind, a role, a phase and an outcome; every other column may
/// be empty or short, which means null. A batch is bound to the chunk it was decoded from, as its
/// texts are places in it.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Offset of the record in the input as decoded, in bytes.
    pub offset: Vec<u64>,
    /// Line of the record within the chunk, from 0.
    pub line: Vec<u32>,
    /// [`crate::Kind`] as a number.
    pub kind: Vec<u8>,
    /// [`crate::Role`] as a number.
    pub role: Vec<u8>,
    /// [`crate::Phase`] as a number.
    pub phase: Vec<u8>,
    /// [`crate::Outcome`] as a number.
    pub outcome: Vec<u8>,
    /// Start, in nanoseconds since the epoch.
    pub start: Column<i64>,
    /// Duration, in nanoseconds.
    pub duration: Column<i64>,
    /// Trace id.
    pub trace: Column<u128>,
    /// Request id.
    pub request: Column<u128>,
    /// Span id.
    pub span: Column<u64>,
    /// Span id of the parent.
    pub parent_span: Column<u64>,
    /// Span id of what the span merely follows.
    pub follows: Column<u64>,
    /// Session.
    pub session: Column<u64>,
    /// Service.
    pub service: TextColumn,
    /// Instance.
    pub instance: TextColumn,
    /// What was called, raw.
    pub name: TextColumn,
    /// HTTP method.
    pub method: TextColumn,
    /// Thread.
    pub thread: TextColumn,
    /// Product of the callee.
    pub system: TextColumn,
    /// Who was called.
    pub peer: TextColumn,
    /// Status code.
    pub status: Column<u16>,
    /// Bytes sent.
    pub bytes: Column<u64>,
    /// Calls the row stands for.
    pub count: Column<u32>,
    /// Upstreams tried, where more than one was.
    pub attempts: Column<u32>,
    /// Rows returned or affected.
    pub rows: Column<u64>,
    /// Part: queue.
    pub part_queue: Column<i64>,
    /// Part: pool wait.
    pub part_pool_wait: Column<i64>,
    /// Part: database.
    pub part_database: Column<i64>,
    /// Part: external.
    pub part_external: Column<i64>,
    /// Part: network.
    pub part_network: Column<i64>,
    /// Part: upstream.
    pub part_upstream: Column<i64>,
    /// Part: own code.
    pub part_own: Column<i64>,
    /// Gauge: size.
    pub slots: Column<u32>,
    /// Gauge: slots in use.
    pub in_use: Column<u32>,
    /// Gauge: callers waiting.
    pub waiting: Column<u32>,
    /// Records read, whatever became of them; blank lines are none.
    pub records: u64,
    /// Lines of the chunk.
    pub lines: u32,
    /// Records left out.
    pub rejects: Vec<Reject>,
    /// Children that spans claim for themselves.
    pub adopted: Vec<Adoption>,
    chunk: std::ops::Range<usize>,
    at: (u64, u32),
}

impl Batch {
    /// An empty batch for the operations of `chunk`.
    pub fn new(chunk: &Chunk<'_>) -> Self {
        let mut batch = Batch::default();
        batch.renew(chunk);
        batch
    }

    /// Empties a batch for the operations of another chunk. It keeps its memory, which fresh from the
    /// system costs as much as decoding into it.
    pub fn renew(&mut self, chunk: &Chunk<'_>) {
        let Batch { offset, line, kind, role, phase, outcome, rejects, adopted, .. } = self;
        offset.clear();
        line.clear();
        rejects.clear();
        adopted.clear();
        [kind, role, phase, outcome].into_iter().for_each(Vec::clear);
        self.start.0.clear();
        self.duration.0.clear();
        self.trace.0.clear();
        self.request.0.clear();
        self.span.0.clear();
        self.parent_span.0.clear();
        self.follows.0.clear();
        self.session.0.clear();
        self.status.0.clear();
        self.bytes.0.clear();
        self.count.0.clear();
        self.attempts.0.clear();
        self.rows.0.clear();
        self.part_queue.0.clear();
        self.part_pool_wait.0.clear();
        self.part_database.0.clear();
        self.part_external.0.clear();
        self.part_network.0.clear();
        self.part_upstream.0.clear();
        self.part_own.0.clear();
        self.slots.0.clear();
        self.in_use.0.clear();
        self.waiting.0.clear();
        let Batch { service, instance, name, method, thread, system, peer, .. } = self;
        [service, instance, name, method, thread, system, peer].into_iter().for_each(TextColumn::clear);
        (self.records, self.lines, self.at) = (0, 0, (0, 0));
        let start = chunk.bytes.as_ptr() as usize;
        self.chunk = start..start + chunk.bytes.len();
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.offset.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.offset.is_empty()
    }

    /// Starts a record: what is pushed from here on comes from this place. Counts it.
    #[inline]
    pub fn record(&mut self, offset: u64, line: u32) {
        self.at = (offset, line);
        self.records += 1;
    }

    /// Points what is pushed next to a later line of the record begun last, as its evidence.
    #[inline]
    pub fn place(&mut self, offset: u64, line: u32) {
        self.at = (offset, line);
    }

    /// Leaves out the record begun last. What it has pushed stays.
    #[inline]
    pub fn reject(&mut self, len: usize, reason: Reason) {
        let (offset, line) = self.at;
        self.rejects.push(Reject { offset, len: u32::try_from(len).unwrap_or(u32::MAX), line, reason });
    }

    /// Takes note that a span names another as its child.
    #[inline]
    pub fn adopt(&mut self, trace: Option<Id>, child: u64, parent: u64) {
        self.adopted.push(Adoption { trace: trace.map_or(0, |Id(id)| id), child, parent });
    }

    /// Moves every start by what `moved` makes of it: for times that had to be read without a zone.
    pub fn shift_start(&mut self, mut moved: impl FnMut(i64) -> i64) {
        for start in self.start.0.iter_mut().filter(|start| **start != i64::NULL) {
            *start = moved(*start);
        }
    }

    /// Adds a row to the record begun last.
    #[inline]
    pub fn push(&mut self, op: &Operation<'_>) {
        let row = self.len();
        self.push_plain(op);
        self.push_rest(row, op);
    }

    /// Adds a row that says no more than most access logs do: when, how long, what, method, status,
    /// bytes, network and upstream. Whatever else the operation says is left out.
    #[inline]
    pub(crate) fn push_plain(&mut self, op: &Operation<'_>) {
        let row = self.len();
        self.offset.push(self.at.0);
        self.line.push(self.at.1);
        self.kind.push(op.kind as u8);
        self.role.push(op.role as u8);
        self.phase.push(op.phase as u8);
        self.outcome.push(op.outcome as u8);
        self.start.push(row, op.start);
        self.duration.push(row, op.duration);
        self.name.push(row, op.name, &self.chunk);
        self.method.push(row, op.method, &self.chunk);
        self.status.push(row, op.status);
        self.bytes.push(row, op.bytes);
        self.part_network.push(row, op.parts.network);
        self.part_upstream.push(row, op.parts.upstream);
    }

    #[inline]
    fn push_rest(&mut self, row: usize, op: &Operation<'_>) {
        self.trace.push(row, op.trace.map(|Id(id)| id));
        self.request.push(row, op.request.map(|Id(id)| id));
        self.span.push(row, op.span);
        self.parent_span.push(row, op.parent_span);
        self.follows.push(row, op.follows);
        self.session.push(row, op.session);
        let chunk = &self.chunk;
        self.service.push(row, op.service, chunk);
        self.instance.push(row, op.instance, chunk);
        self.thread.push(row, op.thread, chunk);
        self.system.push(row, op.system, chunk);
        self.peer.push(row, op.peer, chunk);
        self.count.push(row, op.count);
        self.attempts.push(row, op.attempts);
        self.rows.push(row, op.rows);
        self.part_queue.push(row, op.parts.queue);
        self.part_pool_wait.push(row, op.parts.pool_wait);
        self.part_database.push(row, op.parts.database);
        self.part_external.push(row, op.parts.external);
        self.part_own.push(row, op.parts.own);
        self.slots.push(row, op.gauge.slots);
        self.in_use.push(row, op.gauge.in_use);
        self.waiting.push(row, op.gauge.waiting);
    }
}
