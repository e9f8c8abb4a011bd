//! stub
use crate::analyze::Analysis;
use crate::load::Loaded;
/// x
pub struct Results<'a> { /// x
pub command: &'a [String], /// x
pub loaded: &'a Loaded, /// x
pub analysis: &'a Analysis }
/// x
pub struct Style { /// x
pub top: usize, /// x
pub color: bool, /// x
pub table: String }
/// x
pub struct Writer { /// x
pub name: &'static str, /// x
pub write: fn(&Results<'_>, &Style) -> crate::error::Result<Vec<u8>> }
/// x
pub static WRITERS: &[Writer] = &[Writer { name: "table", write: stub }];
/// x
pub fn writer(_: &str) -> Option<&'static Writer> { WRITERS.first() }
/// x
pub fn explain(_: &Results<'_>, _: &str) -> Option<Vec<String>> { None }
fn stub(r: &Results<'_>, _: &Style) -> crate::error::Result<Vec<u8>> {
    use std::fmt::Write;
    let a = r.analysis; let mut t = String::new();
    let _ = writeln!(t, "{}\n totals {:?} window {:?}", a.verdict, a.totals, a.window);
    for b in &a.bottlenecks { let _ = writeln!(t, "B {} {} share {:.3} ceil {:?} [{:?} {:?}] {} | {}", b.kind, b.subject.chars().take(60).collect::<String>(), b.share, b.ceiling_tps, b.ceiling_low_tps, b.ceiling_high_tps, b.sentence, b.next_step); }
    for e in &a.endpoints { let _ = writeln!(t, "E {} n={} err={} mean={:?} q={:?} dbc={:?}\n    {:?}\n    {:?}", e.endpoint, e.calls, e.errors, e.times.mean_ns, e.times.quantiles_ns, e.database_calls_per_request, e.buckets, e.tiers); }
    for e in &a.database { let _ = writeln!(t, "D {} n={} mean={:?} srv={:?} {:?}", e.statement.chars().take(60).collect::<String>(), e.calls, e.times.mean_ns, e.server_ns, e.endpoints); }
    for w in &a.waits { let _ = writeln!(t, "W {:?}", w); }
    for w in &a.pauses { let _ = writeln!(t, "P {:?}", w); }
    for w in &a.findings { let _ = writeln!(t, "F {} {} {}", w.severity, w.rule, w.sentence); }
    let _ = writeln!(t, "Q {:?}", a.quality);
    if let Some(c) = &a.capacity { let _ = writeln!(t, "C {:?} obs {:?} good {:?} ceil {:?} [{:?},{:?}] cause {:?} win {:?} full {} warn {:?}", c.refusal, c.observed_tps, c.goodput_tps, c.ceiling_tps, c.ceiling_low_tps, c.ceiling_high_tps, c.cause, c.window, c.is_full_period, c.warnings);
    for x in &c.resources { let _ = writeln!(t, "  R {} {:?} size {:?} demand {:?} util {:?} ceil {:?} verdict {:?} {:?}", x.name, x.kind, x.size, x.demand, x.utilization, x.ceiling_tps, x.verdict, x.evidence); }
    for x in &c.ladder.rungs { let _ = writeln!(t, "  L {} {} -> {:?} [{} {}] next {} conf {:?}", x.step.fix, x.step.before_tps, x.step.after_tps, x.step.after_low_tps, x.step.after_high_tps, x.step.next, x.step.confidence); }
    let _ = writeln!(t, "  end {}", c.ladder.end); }
    for s in &r.loaded.sources { let _ = writeln!(t, "S {} {} rec {} ops {} rej {:?} {:?} {:?}", s.path.display(), s.format, s.records, s.operations, s.rejected, s.facts.assumptions, s.evidence); }
    for s in &r.loaded.skipped { let _ = writeln!(t, "skip {:?}", s); }
    Ok(t.into_bytes())
}
/// x
pub mod escape { /// x
pub fn text(t: &str) -> String { t.to_owned() } /// x
pub fn bytes(t: &[u8]) -> String { String::from_utf8_lossy(t).into_owned() } }
/// x
pub mod mask { /// x
pub fn line(t: &str) -> String { t.to_owned() } }
