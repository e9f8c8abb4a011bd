//! One table as comma-separated values by RFC 4180 (<https://www.rfc-editor.org/rfc/rfc4180>): every
//! row, numbers raw, times in nanoseconds; an empty field is "not said".

use std::fmt::Display;

use super::escape;
use super::{Results, demand_ns, percent, quantile};
use crate::analyze::bucket::Bucket;
use crate::analyze::tables::Times;
use crate::units::time_text;

/// A table that can be written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Part {
    /// Ranked causes.
    Bottlenecks,
    /// Ranked endpoints.
    #[default]
    Endpoints,
    /// Ranked statements.
    Database,
    /// Ranked waits.
    Waits,
    /// Pauses by cause.
    Pauses,
    /// What can be full.
    Resources,
    /// Fixes.
    Ladder,
    /// Findings.
    Findings,
    /// Slices of time.
    Timeline,
    /// Services.
    Services,
    /// Calls between services.
    Edges,
    /// Logs read.
    Sources,
}

impl Part {
    /// Every table.
    pub const ALL: [Part; 12] = [
        Part::Bottlenecks,
        Part::Endpoints,
        Part::Database,
        Part::Waits,
        Part::Pauses,
        Part::Resources,
        Part::Ladder,
        Part::Findings,
        Part::Timeline,
        Part::Services,
        Part::Edges,
        Part::Sources,
    ];

    /// Name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Bottlenecks => "bottlenecks",
            Part::Endpoints => "endpoints",
            Part::Database => "database",
            Part::Waits => "waits",
            Part::Pauses => "pauses",
            Part::Resources => "resources",
            Part::Ladder => "ladder",
            Part::Findings => "findings",
            Part::Timeline => "timeline",
            Part::Services => "services",
            Part::Edges => "edges",
            Part::Sources => "sources",
        }
    }
}

/// Writes one table with its header. Records end in CR LF, as the RFC has it.
pub(super) fn write(results: &Results<'_>, part: Part) -> String {
    let (header, rows) = match part {
        Part::Bottlenecks => bottlenecks(results),
        Part::Endpoints => endpoints(results),
        Part::Database => database(results),
        Part::Waits => waits(results),
        Part::Pauses => pauses(results),
        Part::Resources => resources(results),
        Part::Ladder => ladder(results),
        Part::Findings => findings(results),
        Part::Timeline => timeline(results),
        Part::Services => services(results),
        Part::Edges => edges(results),
        Part::Sources => sources(results),
    };
    let mut out = header + "\r\n";
    for row in rows {
        out += &row.0.join(",");
        out += "\r\n";
    }
    out
}

type Sheet = (String, Vec<Row>);

/// One record, field by field.
#[derive(Default)]
struct Row(Vec<String>);

impl Row {
    fn ranked(at: usize, id: &str) -> Row {
        Row::default().number(at + 1).text(id)
    }

    fn text(mut self, text: &str) -> Row {
        self.0.push(escape::csv(text));
        self
    }

    fn number(mut self, value: impl Display) -> Row {
        self.0.push(value.to_string());
        self
    }

    fn maybe(mut self, value: Option<impl Display>) -> Row {
        self.0.push(value.map(|v| v.to_string()).unwrap_or_default());
        self
    }

    fn times(self, results: &Results<'_>, times: &Times) -> Row {
        let asked = &results.analysis.quantiles;
        let row = self.maybe(times.total_ns).maybe(times.mean_ns);
        asked.iter().fold(row, |row, &q| row.maybe(quantile(asked, times, q))).maybe(times.max_ns)
    }
}

/// Headings of [`Row::times`].
fn times(results: &Results<'_>) -> String {
    let quantiles: String =
        results.analysis.quantiles.iter().map(|&q| format!(",p{}_ns", percent(q).replace('.', "_"))).collect();
    format!("total_ns,mean_ns{quantiles},max_ns")
}

fn bottlenecks(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.bottlenecks.iter().enumerate().map(|(at, row)| {
        Row::ranked(at, &row.id)
            .text(row.kind)
            .text(&row.subject)
            .number(row.share)
            .number(row.calls)
            .times(results, &row.times)
            .maybe(row.ceiling_tps)
            .maybe(row.ceiling_low_tps)
            .maybe(row.ceiling_high_tps)
            .text(row.confidence)
            .text(&row.sentence)
            .text(&row.next_step)
    });
    let times = times(results);
    let header = format!(
        "rank,id,kind,subject,share,calls,{times},ceiling_tps,ceiling_low_tps,ceiling_high_tps,confidence,sentence,next_step"
    );
    (header, rows.collect())
}

fn endpoints(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.endpoints.iter().enumerate().map(|(at, row)| {
        let head = Row::ranked(at, &row.id)
            .text(&row.endpoint)
            .text(&row.method)
            .text(&row.service)
            .number(row.calls)
            .maybe(row.tps)
            .number(row.errors)
            .number(row.share)
            .times(results, &row.times)
            .maybe(row.bytes)
            .maybe(row.database_calls_per_request);
        Bucket::ALL.iter().fold(head, |line, &bucket| line.maybe(row.buckets.get(bucket)))
    });
    let buckets: String = Bucket::ALL.iter().map(|bucket| format!(",{}_ns", bucket.name())).collect();
    let times = times(results);
    let header =
        format!("rank,id,endpoint,method,service,calls,tps,errors,share,{times},bytes,database_calls_per_request{buckets}");
    (header, rows.collect())
}

fn database(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.database.iter().enumerate().map(|(at, row)| {
        Row::ranked(at, &row.id)
            .text(&row.statement)
            .text(&row.system)
            .number(row.calls)
            .maybe(row.calls_per_request)
            .number(row.errors)
            .number(row.share)
            .times(results, &row.times)
            .maybe(row.server_ns)
            .maybe(row.rows)
    });
    let times = times(results);
    (format!("rank,id,statement,system,calls,calls_per_request,errors,share,{times},server_ns,rows"), rows.collect())
}

fn waits(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.waits.iter().enumerate().map(|(at, row)| {
        Row::ranked(at, &row.id)
            .text(&row.resource)
            .text(&row.instance)
            .text(row.kind)
            .number(row.acquisitions)
            .number(row.waited)
            .number(row.timeouts)
            .number(row.share)
            .times(results, &row.times)
            .maybe(row.servers)
            .text(row.servers_basis)
            .maybe(row.in_use_max)
            .maybe(row.waiting_max)
            .maybe(row.utilization)
    });
    let times = times(results);
    let header = format!(
        "rank,id,resource,instance,kind,acquisitions,waited,timeouts,share,{times},servers,servers_basis,in_use_max,waiting_max,\
         utilization"
    );
    (header, rows.collect())
}

fn pauses(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.pauses.iter();
    let rows = rows.map(|row| Row::default().text(&row.cause).number(row.count).number(row.total_ns).number(row.max_ns));
    ("cause,count,total_ns,max_ns".to_owned(), rows.collect())
}

fn resources(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.capacity.iter().flat_map(|capacity| &capacity.resources).map(|row| {
        Row::default()
            .text(&row.name)
            .text(row.kind.name())
            .maybe(row.size.value)
            .text(row.size.basis.name())
            .maybe(row.demand.map(demand_ns))
            .maybe(row.utilization)
            .maybe(row.ceiling_tps)
            .maybe(row.ceiling_low_tps)
            .maybe(row.ceiling_high_tps)
            .text(row.verdict.name())
    });
    let header = "name,kind,servers,servers_basis,demand_ns,utilization,ceiling_tps,ceiling_low_tps,ceiling_high_tps,verdict";
    (header.to_owned(), rows.collect())
}

fn ladder(results: &Results<'_>) -> Sheet {
    let rungs = results.analysis.capacity.iter().flat_map(|capacity| {
        capacity.ladder.rungs.iter().enumerate().map(move |(at, rung)| {
            let name = |at: usize| capacity.resources.get(at).map(|r| r.name.as_str()).unwrap_or_default();
            let step = &rung.step;
            Row::default()
                .number(at + 1)
                .text(&step.fix)
                .text(name(step.resource))
                .number(step.before_tps)
                .maybe(step.after_tps)
                .number(step.after_low_tps)
                .number(step.after_high_tps)
                .text(name(step.next))
                .text(&step.assumption)
                .text(step.confidence.name())
        })
    });
    let header = "rung,fix,resource,before_tps,after_tps,after_low_tps,after_high_tps,next_resource,assumption,confidence";
    (header.to_owned(), rungs.collect())
}

fn findings(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.findings.iter();
    let rows = rows
        .map(|row| Row::default().text(row.rule).text(row.severity).text(&row.subject).text(&row.sentence).text(&row.next_step));
    ("rule,severity,subject,sentence,next_step".to_owned(), rows.collect())
}

fn timeline(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.timeline.iter().map(|row| {
        Row::default()
            .text(&time_text(row.start_ns))
            .number(row.width_ns as f64 / 1e9)
            .number(row.requests)
            .number(row.errors)
            .maybe(row.p50_ns)
            .maybe(row.p95_ns)
            .maybe(row.concurrency_mean)
    });
    ("start,seconds,requests,errors,p50_ns,p95_ns,concurrency_mean".to_owned(), rows.collect())
}

fn services(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.services.iter().map(|row| {
        Row::default()
            .text(&row.service)
            .number(row.operations)
            .number(row.requests)
            .number(row.errors)
            .number(row.self_ns)
            .number(row.path_ns)
            .number(row.share)
    });
    ("service,operations,requests,errors,self_ns,path_ns,share".to_owned(), rows.collect())
}

fn edges(results: &Results<'_>) -> Sheet {
    let rows = results.analysis.edges.iter().map(|row| {
        Row::default()
            .text(&row.caller)
            .text(&row.callee)
            .text(row.kind)
            .number(row.calls)
            .number(row.errors)
            .maybe(row.total_ns)
            .number(row.paired)
            .maybe(row.gap_ns)
            .maybe(row.mean_gap_ns())
    });
    ("caller,callee,kind,calls,errors,total_ns,paired,gap_ns,mean_gap_ns".to_owned(), rows.collect())
}

fn sources(results: &Results<'_>) -> Sheet {
    let rows = results.sources.iter().enumerate().map(|(at, source)| {
        Row::default()
            .text(&source.path.display().to_string())
            .text(source.format)
            .number(source.bytes)
            .text(source.sha256.as_deref().unwrap_or_default())
            .number(source.records)
            .number(source.operations)
            .number(source.rejects())
            .number(results.analysis.quality.filtered_by_source.get(at).copied().unwrap_or(0))
    });
    ("path,format,bytes,sha256,records,operations,rejected,filtered".to_owned(), rows.collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::small;
    use super::*;

    #[test]
    fn endpoints_are_raw_numbers_and_empty_where_not_said() {
        let mut made = small();
        made.analysis.endpoints[1].endpoint = "=cmd|' /C calc'!A0,x".to_owned();
        let text = write(&made.results(), Part::Endpoints);
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines[0].starts_with("rank,id,endpoint,method,service,calls,tps,errors,share,total_ns,mean_ns,p50_ns,p90_ns,"));
        assert_eq!(
            lines[1],
            "1,e0000000a,GET /accounts/{id},GET,,200,6.666666666666667,0,0.8,80000000000,400000000,400000000,800000000,1200000000,\
             2500000000,2500000000,,2,,60000000000,15000000000,,,,,5000000000,"
        );
        assert!(lines[2].starts_with("2,e0000000b,\"'=cmd|' /C calc'!A0,x\",POST,"), "{}", lines[2]);
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn every_table_has_as_many_fields_as_headings() {
        let made = small();
        for part in Part::ALL {
            let text = write(&made.results(), part);
            let mut lines = text.lines();
            let headings = lines.next().map_or(0, |header| header.split(',').count());
            for line in lines.filter(|line| !line.contains('"')) {
                assert_eq!(line.split(',').count(), headings, "{}: {line}", part.name());
            }
        }
    }
}
