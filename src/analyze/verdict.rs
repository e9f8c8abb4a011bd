//! What the whole report says in one or two sentences: what is the limit, or why none can be named.

use super::bottlenecks::{capitalised, named};
use super::bucket::Bucket;
use super::capacity::evidence::Verdict;
use super::capacity::resource::ResourceCapacity;
use super::capacity::usl::Choice;
use super::rules::Facts;
use super::tables::BottleneckRow;
use crate::units::{count_text, duration_text, share_text, three_digits};

/// Share of acquisitions that may have to wait while nobody is said to wait.
const HARDLY_ANY: f64 = 0.05;
/// Share of the time in locks or pauses from which on they are what matters.
const MUCH: f64 = 0.05;

/// One or two sentences that say what it is.
pub(crate) fn verdict(facts: &Facts<'_>, ranked: &[BottleneckRow]) -> String {
    if facts.totals.count == 0 {
        return without_requests(facts, ranked);
    }
    if facts.totals.total_ns.is_none() {
        return without_durations(facts);
    }
    let rate = facts.totals.seconds.map(|s| facts.totals.count as f64 / s);
    let rate = rate.map(|tps| format!(" at {} TPS", three_digits(tps))).unwrap_or_default();
    let Some(row) = ranked.first() else { return format!("Nothing takes any time{rate}.") };
    let is_lock_or_pause = matches!(row.kind, "lock" | "pause") && row.share >= MUCH;
    if facts.capacity.cause.is_some() || row.id.starts_with('g') || is_lock_or_pause {
        return full(ranked, row);
    }
    let limit = plateau(facts).or_else(|| open(facts, &rate)).or_else(|| knee(facts)).unwrap_or_else(|| calm(facts, &rate));
    let why =
        facts.capacity.refusal.as_ref().map(|why| format!(" Whether anything caps the throughput the logs do not tell: {why}."));
    let share = format!("The largest share of the response time, {}, is {}.", share_text(row.share), named(row));
    format!("{limit} {share} {}{}", row.sentence, why.unwrap_or_default()).trim_start().to_owned()
}

fn without_requests(facts: &Facts<'_>, ranked: &[BottleneckRow]) -> String {
    if facts.quality.filtered > 0 {
        return format!("The filters left none of {} requests.", count_text(facts.quality.filtered as i64));
    }
    if let Some(row) = ranked.first() {
        return format!("These logs hold no request. Of what they hold, most time goes to {}: {}", named(row), row.sentence);
    }
    let pauses = facts.pauses.iter().map(|p| (p.count, p.total_ns, p.max_ns));
    match pauses.reduce(|a, b| (a.0 + b.0, a.1.saturating_add(b.1), a.2.max(b.2))) {
        Some((count, total, longest)) => format!(
            "These logs hold no request. The runtime stood still for {} in {} pauses (longest {}).",
            duration_text(total),
            count_text(count as i64),
            duration_text(longest)
        ),
        None => "These logs hold no request and no operation with a duration.".to_owned(),
    }
}

fn without_durations(facts: &Facts<'_>) -> String {
    let busiest = facts.endpoints.first();
    let busiest = busiest.map(|e| format!(" The busiest endpoint is {} with {} of the calls.", e.endpoint, share_text(e.share)));
    format!(
        "No record states a duration, so {} requests are ranked by calls and errors, not by time.{} Log the request time to see where it goes.",
        count_text(facts.totals.count as i64),
        busiest.unwrap_or_default()
    )
}

/// Something is full, or stands still.
fn full(ranked: &[BottleneckRow], row: &BottleneckRow) -> String {
    let (caps, is) = if matches!(row.kind, "thread_pool" | "pause" | "external") { ("cap", "are") } else { ("caps", "is") };
    let caps = match row.ceiling_tps {
        Some(tps) => format!("{} {caps} the throughput at {} TPS.", capitalised(&named(row)), three_digits(tps)),
        None if row.id.starts_with('g') => format!("{} was full most of the time.", capitalised(&named(row))),
        None => format!("{} {is} the cause.", capitalised(&named(row))),
    };
    let symptom = ranked.iter().skip(1).find(|other| other.sentence.contains("A symptom"));
    let symptom =
        symptom.map(|other| format!(" The wait for {} ({} of the time) is its symptom.", other.subject, share_text(other.share)));
    format!("{caps} {}{}", row.sentence, symptom.unwrap_or_default())
}

/// The throughput does not follow the load, and no resource of these logs is full.
fn plateau(facts: &Facts<'_>) -> Option<String> {
    let found = facts.capacity.plateau.as_ref()?;
    let head = format!(
        "The throughput does not follow the load: {} TPS with {} requests inside, {} TPS with {}, each {} times as slow; and nothing that these logs tell of is full.",
        three_digits(found.throughput.0),
        three_digits(found.concurrency.0),
        three_digits(found.throughput.1),
        three_digits(found.concurrency.1),
        three_digits(found.response.1 / found.response.0)
    );
    let Some(growing) = facts.growing else { return Some(head) };
    let (what, next) = match growing.bucket {
        Bucket::Own => ("own code", "the processors of that service, or a lock in it: its CPU load and a profile would tell"),
        Bucket::External => ("calls to others", "the callee, or the permits before it: its own log would tell"),
        Bucket::Database => ("the database", "its processors, disks or locks: its own log and load would tell"),
        Bucket::Network => {
            ("the way between the tiers", "an accept queue or the inner tier's threads: their number and queue would tell")
        }
        Bucket::Queue | Bucket::PoolWait => ("waiting for a slot", "what is waited for: its size would tell"),
        Bucket::Pause => ("pauses of the runtime", "the heap: a log of the collector would tell"),
        Bucket::Upstream | Bucket::Unaccounted => ("what these logs do not split", "in the tier behind: its log would tell"),
    };
    let (calm, busy) = (duration_text(growing.calm_ns), duration_text(growing.busy_ns));
    Some(format!("{head} What grows with the load is {what}, from {calm} to {busy} per request; the limit is {next}."))
}

/// Whether requests wait for a slot of a resource, as records tell.
fn is_waited_for(resource: &ResourceCapacity) -> bool {
    resource.kind.is_waited_for() && resource.usage.waited_share().is_some_and(|share| share > HARDLY_ANY)
}

/// Some wait for a resource of which nothing tells how much of it is used.
fn open(facts: &Facts<'_>, rate: &str) -> Option<String> {
    let is_open = |r: &&ResourceCapacity| r.verdict == Verdict::Unknown && is_waited_for(r);
    let found = facts.capacity.resources.iter().find(is_open)?;
    let share = share_text(found.usage.waited_share().unwrap_or(0.0));
    Some(format!(
        "Whether {} is full{rate} these logs do not tell: {share} of its callers wait, and its size is not known.",
        found.name
    ))
}

/// The scalability curve bends, and no resource of these logs is full.
fn knee(facts: &Facts<'_>) -> Option<String> {
    /// How far past the bend the load has to go for the flat part to count.
    const PAST: f64 = 1.5;
    /// Share of the flat rate that the lightest load shows at most: under a steady rate slow answers bend the curve as well.
    const RISES: f64 = 0.7;
    let curve = facts.capacity.curve.as_ref().ok().filter(|curve| curve.choice == Choice::Hockey)?;
    let most = facts.capacity.load_levels.iter().map(|level| level.concurrency).fold(0.0, f64::max);
    let lightest = facts.capacity.load_levels.iter().min_by(|a, b| a.concurrency.total_cmp(&b.concurrency))?;
    (most >= PAST * curve.hockey.knee && lightest.throughput <= RISES * curve.hockey.plateau).then(|| {
        format!(
            "From {} requests inside on the throughput stays at {} TPS, and nothing that these logs tell of is full: the log of the tier behind would tell.",
            three_digits(curve.hockey.knee),
            three_digits(curve.hockey.plateau)
        )
    })
}

/// Nothing is seen to be full: because it is not, or because nothing tells.
fn calm(facts: &Facts<'_>, rate: &str) -> String {
    if facts.capacity.refusal.is_some() {
        return String::new();
    }
    let resources = &facts.capacity.resources;
    let has_room = |r: &ResourceCapacity| matches!(r.verdict, Verdict::Headroom | Verdict::Near);
    let is_idle = |r: &ResourceCapacity| r.usage.wait_mean.is_some() && !is_waited_for(r) && r.kind.is_waited_for();
    if resources.iter().any(has_room) {
        return format!("Nothing is saturated{rate}.");
    }
    if let Some(idle) = resources.iter().find(|r| is_idle(r)) {
        return format!("Nothing is saturated that these logs tell of{rate}: nobody waits for {}.", idle.name);
    }
    if facts.resources.watched.iter().any(|pool| pool.reading.readings > 1 && pool.reading.with_waiters == 0) {
        return format!("No pool that these logs tell of is full{rate}; of waits for worker threads they say nothing.");
    }
    format!("Whether anything is full{rate} these logs do not tell: none states a pool and its waits.")
}
