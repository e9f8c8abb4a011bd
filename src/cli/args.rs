//! The command line as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Finds where the flow narrows: point it at the logs and traces of a slow system.
#[derive(Debug, Parser)]
#[command(name = "narrows", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done; 1 a gate was broken; 2 trouble: usage, an unreadable input, nothing parsed, too many rejects."
)]
pub struct Cli {
    /// What to do; `analyze` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `analyze`.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say where the time goes and what caps the throughput (the default)
    Analyze(Box<AnalyzeArgs>),
    /// Judge a build against another one: which endpoints and statements got slower, and why
    Compare(Box<CompareArgs>),
    /// Sum logs up in a small file, to compare with later
    Save(Box<SaveArgs>),
    /// Make one saved profile of several
    Merge(MergeArgs),
    /// List the formats, or tell what a file is
    Formats(FormatsArgs),
    /// Print the record at a place, or draw one trace
    Show(ShowArgs),
    /// Print a completion script
    Completions {
        /// Shell to complete for
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// What is read, and how.
#[derive(Args, Clone, Debug, Default)]
pub struct InputArgs {
    /// Files, folders, patterns, or - for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Format by name or format string, or both as NAME:STRING; GLOB=FORMAT for some files only; @FILE takes the strings from an
    /// nginx, Apache or Tomcat configuration and tries them, @FILE:NAME one of them
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Vec<String>,
    /// Zone of timestamps that carry none, for example America/Sao_Paulo or -03:00
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// Unit of durations where a log leaves it open
    #[arg(long, value_name = "UNIT", value_enum)]
    pub unit: Option<UnitArg>,
    /// Path of an endpoint, for example /files/{path...}
    #[arg(long, value_name = "ROUTE")]
    pub route: Vec<String>,
    /// OpenAPI document (JSON) whose paths are endpoints
    #[arg(long, value_name = "FILE")]
    pub openapi: Option<PathBuf>,
    /// Settings; narrows.toml in the current folder when left out
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write SHA-256 of every input into the report
    #[arg(long)]
    pub hash: bool,
    /// Read ids even where there is nothing to join them with: to look one up.
    #[arg(skip)]
    pub all_ids: bool,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Write rejected records, with place and reason, to a file
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Fail with 2 when more records than this are rejected: a number, or a share such as 5%
    #[arg(long, value_name = "LIMIT")]
    pub max_rejects: Option<String>,
}

/// Options of `analyze`.
#[derive(Args, Clone, Debug, Default)]
pub struct AnalyzeArgs {
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
    /// Only requests done at or after this (RFC 3339, or a date and time in UTC)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only requests done before this
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only endpoints that match, for example 'GET /api/**' or '/pay*'
    #[arg(long, value_name = "PATTERN")]
    pub endpoint: Vec<String>,
    /// Only this HTTP method
    #[arg(long, value_name = "METHOD")]
    pub method: Vec<String>,
    /// Only this status: 500, 5xx or 400-499
    #[arg(long, value_name = "STATUS")]
    pub status: Vec<String>,
    /// Only requests that took at least this, for example 500ms
    #[arg(long, value_name = "DURATION")]
    pub min_duration: Option<String>,
    /// Rows of each table
    #[arg(long, value_name = "N", default_value = "10", value_parser = rows)]
    pub top: usize,
    /// Percentiles to compute beside 50, 90, 95 and 99
    #[arg(long, value_name = "P,...", value_delimiter = ',')]
    pub percentiles: Vec<f64>,
    /// How to write the report
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: String,
    /// Table to write, for formats that hold only one
    #[arg(long, value_name = "TABLE", default_value = "endpoints")]
    pub table: String,
    /// Where to write the report; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
    /// Let lines be longer than 100 columns
    #[arg(long)]
    pub wide: bool,
    /// Colours in tables
    #[arg(long, value_enum, default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
    /// Interval at which a load generator meant to send each request, for example 100ms: corrects its log for coordinated omission
    #[arg(long, value_name = "DURATION")]
    pub expected_interval: Option<String>,
    /// Throughput to be reached: says whether, and by which fixes
    #[arg(long, value_name = "N", value_parser = rate)]
    pub target_tps: Vec<f64>,
    /// Fail with 1 when the ceiling is below this
    #[arg(long, value_name = "N", value_parser = rate)]
    pub min_tps: Option<f64>,
    /// Change to try: 'pool HikariPool-1=40', 'statement ID x0.5', 'endpoint "GET /x" x2 load'
    #[arg(long, value_name = "CHANGE")]
    pub what_if: Vec<String>,
    /// Print the arithmetic behind a row or resource, by its id or name
    #[arg(long, value_name = "ID")]
    pub explain: Vec<String>,
}

/// Options of `compare`.
#[derive(Args, Clone, Debug, Default)]
#[command(mut_arg("paths", |arg| arg.value_names(["BASE", "CANDIDATE"]).num_args(2).help("A saved profile, a log, or a folder of logs, of each side")))]
#[command(
    after_help = "Exit codes: 0 nothing got worse; 1 a regression or a broken budget; 2 trouble, or loads that cannot be compared; 3 cannot be told, with --fail-on inconclusive."
)]
pub struct CompareArgs {
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
    /// A run of the base; repeat it for several runs
    #[arg(long, value_name = "PATH")]
    pub base: Vec<PathBuf>,
    /// A run of the candidate; repeat it for several runs
    #[arg(long, value_name = "PATH")]
    pub candidate: Vec<PathBuf>,
    /// How much the median of equal builds differs from run to run (standard deviation), for example 2%
    #[arg(long, value_name = "SHARE")]
    pub noise: Option<String>,
    /// Folder of profiles of earlier runs: tells the noise between runs, and which build changed what
    #[arg(long, value_name = "DIR")]
    pub history: Option<PathBuf>,
    /// Share of each run, from its start, that is left out of the tests, for example 5%
    #[arg(long, value_name = "SHARE")]
    pub warm_up: Option<String>,
    /// Also fail, with 3, when it cannot be told
    #[arg(long, value_enum, value_name = "VERDICT")]
    pub fail_on: Option<FailOnArg>,
    /// How to write the report: table, markdown, json, csv, junit, sarif or openmetrics
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: String,
    /// Rows of each table
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Let lines be longer than 100 columns
    #[arg(long)]
    pub wide: bool,
    /// Where to write the report; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
    /// Colours in tables
    #[arg(long, value_enum, default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
}

/// Options of `save`.
#[derive(Args, Clone, Debug, Default)]
pub struct SaveArgs {
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
    /// The profile to write, for example base.narrows
    #[arg(short, long, value_name = "FILE", required = true)]
    pub output: PathBuf,
}

/// Options of `merge`.
#[derive(Args, Clone, Debug, Default)]
pub struct MergeArgs {
    /// Saved profiles, or folders of them
    #[arg(value_name = "PROFILE", required = true)]
    pub paths: Vec<PathBuf>,
    /// The profile to write
    #[arg(short, long, value_name = "FILE", required = true)]
    pub output: PathBuf,
}

/// What fails beside what always does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FailOnArg {
    /// Too few independent requests to tell
    Inconclusive,
}

/// Options of `formats`.
#[derive(Args, Debug)]
pub struct FormatsArgs {
    /// Tell what these files are, and why
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub detect: Vec<PathBuf>,
    /// Format to try instead of finding it out
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Vec<String>,
}

/// Options of `show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// FILE:OFFSET as reports give it; with --trace, files and folders
    #[arg(value_name = "FILE:OFFSET", required = true)]
    pub places: Vec<String>,
    /// Draw this trace as a waterfall, its critical path marked
    #[arg(long, value_name = "ID")]
    pub trace: Option<String>,
    /// With --trace: format by name or format string, as for analyze
    #[arg(long, value_name = "FORMAT", requires = "trace")]
    pub log_format: Vec<String>,
    /// With --trace: zone of timestamps that carry none
    #[arg(long, value_name = "ZONE", requires = "trace")]
    pub tz: Option<String>,
    /// Show ids and literals as they are
    #[arg(long)]
    pub unmask: bool,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UnitArg {
    /// Nanoseconds
    Ns,
    /// Microseconds
    Us,
    /// Milliseconds
    Ms,
    /// Seconds
    S,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A rate: a number over zero.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err("not a rate over zero".to_owned()) }
}

/// A number of rows: at least one.
fn rows(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&rows| rows > 0).ok_or_else(|| "not a number of at least 1".to_owned())
}
