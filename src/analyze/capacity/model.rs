//! What capacity needs to know of a system: its requests, and what each of them held and waited for.
//! A plain description that any kind of log can fill; a piece the logs do not say is `None`, never 0.

use std::borrow::Cow;

/// One request as the system answered it; its index in [`System::requests`] is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Arrival, nanoseconds since any epoch.
    pub start_ns: i64,
    /// Completion.
    pub end_ns: i64,
    /// Index in [`System::endpoints`].
    pub endpoint: u32,
    /// It did what was asked: a 4xx other than 408, 429 and 499 counts.
    pub success: bool,
}

/// The requests of a system, column by column: what millions of them have been read into is borrowed as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests<'a> {
    end_ns: Cow<'a, [i64]>,
    duration_ns: Cow<'a, [i64]>,
    endpoint: Cow<'a, [u32]>,
    success: Cow<'a, [bool]>,
}

/// An end or a duration that is not known.
const UNKNOWN: i64 = i64::MIN;

impl<'a> Requests<'a> {
    /// From columns of one length; `i64::MIN` is an end or a duration that is not known.
    pub fn new(end_ns: Cow<'a, [i64]>, duration_ns: &'a [i64], endpoint: &'a [u32], success: Vec<bool>) -> Self {
        debug_assert!([end_ns.len(), duration_ns.len(), endpoint.len()] == [success.len(); 3], "columns of one length");
        Requests {
            end_ns,
            duration_ns: Cow::Borrowed(duration_ns),
            endpoint: Cow::Borrowed(endpoint),
            success: Cow::Owned(success),
        }
    }

    /// Number of requests.
    pub fn len(&self) -> usize {
        self.end_ns.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.end_ns.is_empty()
    }

    /// A request by its index.
    pub fn get(&self, index: usize) -> Option<Request> {
        let (start_ns, end_ns) = place(*self.end_ns.get(index)?, self.duration_ns[index]).unwrap_or((0, 0));
        Some(Request { start_ns, end_ns, endpoint: self.endpoint[index], success: self.success[index] })
    }

    /// All that have an end, in order.
    pub fn iter(&self) -> impl Iterator<Item = Request> {
        let times = self.end_ns.iter().zip(self.duration_ns.iter());
        let kinds = self.endpoint.iter().zip(self.success.iter());
        times.zip(kinds).filter_map(|((&end, &duration), (&endpoint, &success))| {
            place(end, duration).map(|(start_ns, end_ns)| Request { start_ns, end_ns, endpoint, success })
        })
    }

    /// Start and end of each that has an end.
    pub fn spans(&self) -> impl Iterator<Item = (i64, i64)> {
        self.end_ns.iter().zip(self.duration_ns.iter()).filter_map(|(&end, &duration)| place(end, duration))
    }
}

/// Start and end by end and duration; a request of unknown duration takes no time, and one of unknown end has no place.
#[inline]
fn place(end_ns: i64, duration_ns: i64) -> Option<(i64, i64)> {
    let start_ns = if duration_ns == UNKNOWN { end_ns } else { end_ns.saturating_sub(duration_ns) };
    (end_ns != UNKNOWN).then_some((start_ns, end_ns))
}

impl FromIterator<Request> for Requests<'_> {
    fn from_iter<T: IntoIterator<Item = Request>>(requests: T) -> Self {
        let (mut end_ns, mut duration_ns, mut endpoint, mut success) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for request in requests {
            end_ns.push(request.end_ns);
            duration_ns.push(request.end_ns.saturating_sub(request.start_ns));
            endpoint.push(request.endpoint);
            success.push(request.success);
        }
        Requests {
            end_ns: Cow::Owned(end_ns),
            duration_ns: Cow::Owned(duration_ns),
            endpoint: Cow::Owned(endpoint),
            success: Cow::Owned(success),
        }
    }
}

/// What a resource is called that no log names.
pub const UNNAMED: &str = "(unnamed)";

/// What sort of thing is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Worker threads.
    Threads,
    /// A pool of database connections.
    Connections,
    /// Sockets or an accept queue.
    Sockets,
    /// A partner system, or the permits in front of it.
    External,
    /// A lock.
    Lock,
    /// The database itself.
    Database,
}

impl Kind {
    /// Requests wait for a slot of it, and records may tell how long.
    pub fn is_waited_for(self) -> bool {
        matches!(self, Self::Threads | Self::Connections | Self::Sockets)
    }

    /// The name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Connections => "connections",
            Self::Sockets => "sockets",
            Self::External => "external",
            Self::Lock => "lock",
            Self::Database => "database",
        }
    }
}

/// How a size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// A start-up line or a configuration states it.
    Stated,
    /// The highest total of a gauge.
    Gauge,
    /// From the holders that were active while requests waited.
    Inferred,
    /// So many were seen at once; there may be more.
    AtLeast,
    /// Nothing tells.
    Unknown,
}

impl Basis {
    /// The name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Gauge => "gauge",
            Self::Inferred => "inferred",
            Self::AtLeast => "at_least",
            Self::Unknown => "unknown",
        }
    }
}

/// A size and how it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Slots; with [`Basis::AtLeast`] a lower bound.
    pub value: Option<u32>,
    /// How it is known.
    pub basis: Basis,
}

impl Size {
    /// The slots that can be counted on: those that are known, or all there are while they are all taken.
    pub fn slots(self, is_occupied: bool) -> Option<u32> {
        self.known().or(self.value.filter(|_| is_occupied))
    }

    /// The size as a limit that can be counted on; a lower bound is none.
    pub fn known(self) -> Option<u32> {
        self.value.filter(|v| *v > 0 && matches!(self.basis, Basis::Stated | Basis::Gauge | Basis::Inferred))
    }
}

/// One acquisition: asked at grant - wait, held from grant to release.
///
/// An acquisition that gave up has `granted = false` and `release_ns = grant_ns`: its wait counts, its hold does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// When the slot was given.
    pub grant_ns: i64,
    /// When it was returned.
    pub release_ns: i64,
    /// From asking to the grant.
    pub wait_ns: i64,
    /// Part of the hold spent waiting for resources inside this one.
    pub nested_wait_ns: i64,
    /// Part of the hold in which what lies behind worked (a connection's statements), if known.
    pub work_ns: Option<i64>,
    /// Calls made within the hold, if known; 0 is "not said".
    pub calls: u32,
    /// The slot was really given.
    pub granted: bool,
    /// Index in [`System::requests`].
    pub request: u32,
}

impl Hold {
    /// A granted hold without nested waits.
    pub fn new(grant_ns: i64, release_ns: i64, wait_ns: i64, request: u32) -> Self {
        Self { grant_ns, release_ns, wait_ns, nested_wait_ns: 0, work_ns: None, calls: 0, granted: true, request }
    }

    /// How long the slot was taken.
    pub fn held_ns(&self) -> i64 {
        if self.granted { self.release_ns.saturating_sub(self.grant_ns).max(0) } else { 0 }
    }

    /// The hold without the waits inside it: what survives once those are cured.
    pub fn intrinsic_ns(&self) -> i64 {
        (self.held_ns().saturating_sub(self.nested_wait_ns.max(0))).max(0)
    }
}

/// Something with slots that requests hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its name as the user knows it.
    pub name: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// Its slots.
    pub size: Size,
    /// The resource that is held around this one: the worker threads around their pool.
    pub parent: Option<usize>,
    /// The holds lie where they were. `false`: only their amounts are known, their places are assumed.
    pub placed: bool,
    /// Records tell of the waits. `false`: what exceeds the slots is counted as waiting.
    pub waits_logged: bool,
    /// Resolution of the stamps that place the holds.
    pub resolution_ns: i64,
    /// Resolution of the durations that tell waits.
    pub wait_resolution_ns: i64,
    /// Every acquisition, in any order.
    pub holds: Vec<Hold>,
}

impl Resource {
    /// A resource of unknown size without holds.
    pub fn new(name: &str, kind: Kind) -> Self {
        let size = Size { value: None, basis: Basis::Unknown };
        Self {
            name: name.to_owned(),
            kind,
            size,
            parent: None,
            placed: true,
            waits_logged: true,
            resolution_ns: 1_000_000,
            wait_resolution_ns: 1_000_000,
            holds: Vec::new(),
        }
    }
}

/// A statement's or call's share of a resource's hold, for what-ifs and for naming the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its id or text.
    pub name: String,
    /// The resource in whose holds it runs.
    pub resource: usize,
    /// Number of calls in the log.
    pub calls: u64,
    /// Their total time.
    pub total_ns: i64,
}

/// A system as its logs describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System<'a> {
    /// Every request, in any order.
    pub requests: Requests<'a>,
    /// What requests hold; parents may come before or after their children.
    pub resources: Vec<Resource>,
    /// Endpoint names.
    pub endpoints: Vec<String>,
    /// Statements or calls with known totals.
    pub statements: Vec<Statement>,
}
