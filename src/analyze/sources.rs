//! What the analysis needs to know of each source, beyond its operations.

/// A source as the analysis sees it: plain facts, no path is opened and no format named.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Rotated set the source belongs to: sources of one set are one log.
    pub family: u32,
    /// Host the log stands for: its folder, unless records name an instance.
    pub host: u32,
    /// Number of its format: logs of one are alike.
    pub shape: u32,
    /// What its file is called.
    pub name: String,
    /// Finest step of its timestamps, in nanoseconds.
    pub stamp_resolution_ns: i64,
    /// Finest step of its durations, in nanoseconds.
    pub resolution_ns: i64,
    /// Its timestamps carry no zone and were read as UTC.
    pub zone_missing: bool,
    /// Earliest start and latest end of its operations, in nanoseconds since the epoch.
    pub span: Option<(i64, i64)>,
}
