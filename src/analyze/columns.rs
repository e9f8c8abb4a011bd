//! The frame's columns as slices, fetched once, with nulls as `None`.

use parsers::{Kind, Outcome, Phase, Role};

use crate::frame::{Frame, NO_NAME, NULL_I64, NULL_U32, NULL_U64};

/// Read access to the operations, row by row.
pub(crate) struct Rows<'a> {
    pub(crate) frame: &'a Frame,
    kind: &'a [u8],
    role: &'a [u8],
    phase: &'a [u8],
    outcome: &'a [u8],
    pub(crate) source: &'a [u32],
    pub(crate) offset: &'a [u64],
    pub(crate) line: &'a [u32],
    start: &'a [i64],
    duration: &'a [i64],
    name: &'a [u32],
    method: &'a [u32],
    service: &'a [u32],
    instance: &'a [u32],
    thread: &'a [u32],
    system: &'a [u32],
    peer: &'a [u32],
    span: &'a [u64],
    parent_span: &'a [u64],
    follows: &'a [u64],
    session: &'a [u64],
    status: &'a [u16],
    bytes: &'a [u64],
    count: &'a [u32],
    attempts: &'a [u32],
    rows: &'a [u64],
    parts: [&'a [i64]; 7],
    /// Those of the parts that any row states, with their numbers.
    present: Vec<(usize, &'a [i64])>,
    gauge: [&'a [u32]; 3],
    /// Whether there is any row of each kind.
    any: [bool; Kind::ALL.len()],
}

/// Names of the part columns, in the order of [`Rows::parts`].
const PARTS: [&str; 7] =
    ["part_queue", "part_pool_wait", "part_database", "part_external", "part_network", "part_upstream", "part_own"];

fn some<T: PartialEq + Copy>(values: &[T], row: usize, null: T) -> Option<T> {
    values.get(row).copied().filter(|&value| value != null)
}

impl<'a> Rows<'a> {
    pub(crate) fn of(frame: &'a Frame) -> Self {
        let kind = frame.u8s("kind");
        let mut any = [false; Kind::ALL.len()];
        kind.iter().for_each(|&kind| any[usize::from(kind)] = true);
        let parts = PARTS.map(|name| frame.i64s(name));
        Rows {
            frame,
            any,
            kind,
            role: frame.u8s("role"),
            phase: frame.u8s("phase"),
            outcome: frame.u8s("outcome"),
            source: frame.u32s("source"),
            offset: frame.u64s("offset"),
            line: frame.u32s("line"),
            start: frame.i64s("start"),
            duration: frame.i64s("duration"),
            name: frame.u32s("name"),
            method: frame.u32s("method"),
            service: frame.u32s("service"),
            instance: frame.u32s("instance"),
            thread: frame.u32s("thread"),
            system: frame.u32s("system"),
            peer: frame.u32s("peer"),
            span: frame.u64s("span"),
            parent_span: frame.u64s("parent_span"),
            follows: frame.u64s("follows"),
            session: frame.u64s("session"),
            status: frame.u16s("status"),
            bytes: frame.u64s("bytes"),
            count: frame.u32s("count"),
            attempts: frame.u32s("attempts"),
            rows: frame.u64s("rows"),
            present: parts.iter().copied().enumerate().filter(|(_, values)| !values.is_empty()).collect(),
            parts,
            gauge: ["slots", "in_use", "waiting"].map(|name| frame.u32s(name)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.kind.len()
    }

    pub(crate) fn kind(&self, row: usize) -> Kind {
        Kind::ALL[usize::from(self.kind[row])]
    }

    pub(crate) fn is(&self, row: usize, kind: Kind) -> bool {
        self.kind[row] == kind as u8
    }

    /// Whether there is any row of one of these kinds: what spares a search through millions of others.
    pub(crate) fn any(&self, kinds: &[Kind]) -> bool {
        kinds.iter().any(|&kind| self.any[kind as usize])
    }

    /// The rows of one kind, found without a search where there is none.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = usize> {
        let rows = if self.any(&[kind]) { self.len() } else { 0 };
        (0..rows).filter(move |&row| self.is(row, kind))
    }

    /// Whether any row states this part; numbered as in [`Rows::parts`].
    pub(crate) fn any_part(&self, part: usize) -> bool {
        !self.parts[part].is_empty()
    }

    /// Whether any row names the machine or process it comes from.
    pub(crate) fn has_instances(&self) -> bool {
        !self.instance.is_empty()
    }

    /// Whether any row is a span.
    pub(crate) fn has_spans(&self) -> bool {
        !self.span.is_empty()
    }

    /// The starts of all rows as in the frame.
    pub(crate) fn starts(&self) -> &'a [i64] {
        self.start
    }

    /// The durations of all rows as in the frame.
    pub(crate) fn durations(&self) -> &'a [i64] {
        self.duration
    }

    /// Whether every row is a request that no service and no span tells from the others.
    pub(crate) fn are_plain_requests(&self) -> bool {
        self.service.is_empty() && self.span.is_empty() && (1..self.any.len()).all(|kind| !self.any[kind])
    }

    pub(crate) fn role(&self, row: usize) -> Role {
        const ROLES: [Role; 6] = [Role::Unknown, Role::Server, Role::Client, Role::Producer, Role::Consumer, Role::Internal];
        ROLES[usize::from(self.role[row])]
    }

    pub(crate) fn phase(&self, row: usize) -> Phase {
        const PHASES: [Phase; 6] = [Phase::Whole, Phase::Parse, Phase::Bind, Phase::Execute, Phase::Text, Phase::Time];
        PHASES[usize::from(self.phase[row])]
    }

    pub(crate) fn outcome(&self, row: usize) -> Outcome {
        const OUTCOMES: [Outcome; 5] = [Outcome::Unknown, Outcome::Ok, Outcome::Failed, Outcome::TimedOut, Outcome::Abandoned];
        OUTCOMES[usize::from(self.outcome[row])]
    }

    pub(crate) fn start(&self, row: usize) -> Option<i64> {
        some(self.start, row, NULL_I64)
    }

    pub(crate) fn duration(&self, row: usize) -> Option<i64> {
        some(self.duration, row, NULL_I64)
    }

    /// When the operation ended; its stamp when it has no duration.
    pub(crate) fn end(&self, row: usize) -> Option<i64> {
        Some(self.start(row)?.saturating_add(self.duration(row).unwrap_or(0)))
    }

    pub(crate) fn name(&self, row: usize) -> u32 {
        self.name.get(row).copied().unwrap_or(NO_NAME)
    }

    pub(crate) fn method(&self, row: usize) -> u32 {
        self.method.get(row).copied().unwrap_or(NO_NAME)
    }

    pub(crate) fn service(&self, row: usize) -> u32 {
        self.service.get(row).copied().unwrap_or(NO_NAME)
    }

    pub(crate) fn instance(&self, row: usize) -> u32 {
        self.instance.get(row).copied().unwrap_or(NO_NAME)
    }

    pub(crate) fn thread(&self, row: usize) -> u32 {
        self.thread.get(row).copied().unwrap_or(NO_NAME)
    }

    pub(crate) fn system(&self, row: usize) -> u32 {
        self.system.get(row).copied().unwrap_or(NO_NAME)
    }

    pub(crate) fn peer(&self, row: usize) -> u32 {
        self.peer.get(row).copied().unwrap_or(NO_NAME)
    }

    pub(crate) fn trace(&self, row: usize) -> Option<u128> {
        some(&self.frame.trace, row, 0)
    }

    pub(crate) fn request(&self, row: usize) -> Option<u128> {
        some(&self.frame.request, row, 0)
    }

    pub(crate) fn span(&self, row: usize) -> Option<u64> {
        some(self.span, row, NULL_U64)
    }

    pub(crate) fn parent_span(&self, row: usize) -> Option<u64> {
        some(self.parent_span, row, NULL_U64)
    }

    /// Span ids that spans merely follow; empty when none is stated.
    pub(crate) fn follows(&self) -> &'a [u64] {
        self.follows
    }

    pub(crate) fn session(&self, row: usize) -> Option<u64> {
        some(self.session, row, NULL_U64)
    }

    pub(crate) fn status(&self, row: usize) -> Option<u16> {
        some(self.status, row, u16::MAX)
    }

    pub(crate) fn bytes(&self, row: usize) -> Option<u64> {
        some(self.bytes, row, NULL_U64)
    }

    /// Upstreams that were tried for a row, where more than one was.
    pub(crate) fn attempts(&self, row: usize) -> Option<u32> {
        some(self.attempts, row, NULL_U32)
    }

    /// Whether any row tells of more than one upstream tried.
    pub(crate) fn any_attempts(&self) -> bool {
        !self.attempts.is_empty()
    }

    pub(crate) fn count(&self, row: usize) -> Option<u32> {
        some(self.count, row, NULL_U32)
    }

    pub(crate) fn rows(&self, row: usize) -> Option<u64> {
        some(self.rows, row, NULL_U64)
    }

    /// The parts the record states: queue, pool wait, database, external, network, upstream, own.
    pub(crate) fn parts(&self, row: usize) -> [Option<i64>; 7] {
        self.parts.map(|values| some(values, row, NULL_I64))
    }

    /// The parts the record states, by their numbers in [`Rows::parts`]; columns of which there are none cost nothing.
    pub(crate) fn stated_parts(&self, row: usize) -> impl Iterator<Item = (usize, i64)> {
        self.present.iter().filter_map(move |&(part, values)| some(values, row, NULL_I64).map(|ns| (part, ns)))
    }

    /// The gauge's size, slots in use and waiting callers.
    pub(crate) fn gauge(&self, row: usize) -> [Option<u32>; 3] {
        self.gauge.map(|values| some(values, row, NULL_U32))
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: u32) -> &'a str {
        self.frame.names.get(key)
    }
}
