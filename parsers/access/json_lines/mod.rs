//! JSON lines: one object a line, its fields known by name or mapped by the user.
//!
//! Not for documents over many lines, nor for application logs, traces and database logs that are
//! written as JSON lines too: those have formats of their own. Definition: <https://jsonlines.org>.

mod keys;
mod plan;

use keys::{Seen, seen_in};
use plan::Plan;

use super::fields::{Field, Layout, Mapping, Values, settle};
use crate::lines::{LineDecoder, Memo};
use crate::{Batch, Decoder, Facts, Family, Format, OpenError, Options, Reason, Spec, Stamp, Verdict};

/// The format.
pub(super) struct JsonLines;

static SPEC: Spec = Spec {
    name: "json-lines",
    family: Family::Access,
    title: "JSON lines with request fields known by name, or mapped by `name=key,duration=key:ms,...`",
    source: "https://jsonlines.org",
    stamp: Stamp::End,
    unit: None,
    resolution_ns: 1_000_000,
    sample: concat!(
        r#"{"time":"2026-11-22T17:48:12+00:00","msec":"1795369692.670","method":"GET","uri":"/api/accounts/805/transactions","#,
        r#""status":"200","bytes":"25","request_time":"0.213","upstream_connect_time":"0.022","upstream_response_time":"0.213","#,
        r#""request_id":"f373768fabe0b2639dd97924fab34c23"}"#,
        "\n",
        r#"{"time":"2026-11-22T17:48:12+00:00","msec":"1795369692.679","method":"POST","uri":"/api/payments","#,
        r#""status":"504","bytes":"160","request_time":"0.316","upstream_connect_time":"0.000, 0.001","#,
        r#""upstream_response_time":"0.010, 0.305","request_id":"47894994f8c373e03c799358da1f01ea"}"#,
        "\n",
    ),
};

/// Lines looked at to settle the layout.
const HEAD_LINES: usize = 400;
/// Lines looked at to judge.
const SNIFF_LINES: usize = 40;

/// Keys that only logs with a format of their own have.
const FOREIGN: [&[u8]; 14] = [
    b"resourceSpans",
    b"resourceLogs",
    b"resourceMetrics",
    b"scopeSpans",
    b"spans",
    b"transaction",
    b"span",
    b"metadata",
    b"metricset",
    b"error_severity",
    b"localEndpoint",
    b"parentSpanId",
    b"references",
    b"batches",
];

impl Format for JsonLines {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        if !starts_with_object(head) {
            return Verdict::NO;
        }
        let total = lines(head).take(SNIFF_LINES).count();
        let seen = seen_in(lines(head).take(SNIFF_LINES));
        if total == 0 || seen.objects * 10 < total * 6 || seen.keys.iter().any(|key| FOREIGN.contains(&&*key.path[0])) {
            return Verdict::NO;
        }
        let Ok(layout) = settle(&seen.keys, seen.objects, &[], &Options::default()) else { return Verdict::NO };
        let records = |field: Field| -> Vec<usize> {
            let source = layout.sources.iter().find(|source| source.field == field);
            let key = source.and_then(|source| seen.keys.iter().find(|key| key.path == source.path));
            key.map_or(Vec::new(), |key| key.values.keys().copied().collect())
        };
        let [name, request, route, method, status, duration] =
            [Field::Name, Field::Request, Field::Route, Field::Method, Field::Status, Field::Duration].map(records);
        let timed = [Field::Time, Field::Start, Field::End].map(records).concat();
        let is_request = |i: &usize| {
            let target = name.contains(i) || request.contains(i) || route.contains(i) && method.contains(i);
            timed.contains(i)
                && (target && (status.contains(i) || duration.contains(i) || method.contains(i))
                    || method.contains(i) && status.contains(i))
        };
        let requests = (0..seen.objects).filter(is_request).count();
        let evidence = format!("{requests} of {total} lines are JSON objects with a time and a request: {}", layout.facts.layout);
        match requests {
            _ if requests * 10 >= total * 6 => Verdict::new(75, evidence),
            // An application's log with requests among its chatter.
            _ if requests * 10 >= total && !duration.is_empty() => Verdict::new(45, evidence),
            _ => Verdict::NO,
        }
    }

    fn takes_layout(&self, layout: &str) -> bool {
        Mapping::parse_all(layout).is_ok_and(|mappings| !mappings.is_empty())
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let mappings = Mapping::parse_all(options.layout.as_deref().unwrap_or_default())?;
        let seen = seen(head);
        if seen.objects == 0 {
            return Err(OpenError::new("no line is a JSON object"));
        }
        let layout = settle(&seen.keys, seen.objects, &mappings, options)?;
        if layout
            .sources
            .iter()
            .all(|source| !matches!(source.field, Field::Name | Field::Route | Field::Request | Field::Status))
        {
            let keys: Vec<_> = seen.keys.iter().map(|key| String::from_utf8_lossy(&key.path.join(&b'.')).into_owned()).collect();
            let message = format!(
                "no key is known as the path or status of a request; map them, as in name=key,duration=key:ms,time=key; there are {}",
                keys.join(", ")
            );
            return Err(OpenError::new(message));
        }
        Ok(Box::new(JsonDecoder::new(layout, head)))
    }
}

/// A decoder of JSON lines with a settled layout.
pub(super) struct JsonDecoder {
    layout: Layout,
    plan: Plan,
}

impl JsonDecoder {
    /// A decoder that learns the usual order of keys from `head`.
    pub(super) fn new(layout: Layout, head: &[u8]) -> JsonDecoder {
        let plan = Plan::new(&layout, lines(head).take(HEAD_LINES));
        JsonDecoder { layout, plan }
    }
}

impl LineDecoder for JsonDecoder {
    fn facts(&self) -> Facts {
        self.layout.facts.clone()
    }

    #[inline]
    fn line(&self, line: &[u8], memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let mut values = Values::new();
        self.plan.read(line, &mut values)?;
        self.layout.push(&values, memo, batch).map(drop)
    }
}

/// The keys of the first lines.
pub(super) fn seen(head: &[u8]) -> Seen {
    seen_in(lines(head).take(HEAD_LINES))
}

/// The verdict on lines that must be JSON objects with something in them; `score` when six in ten
/// are. `test` gets a search within the line.
pub(super) fn share(head: &[u8], score: u8, what: &str, test: impl Fn(&dyn Fn(&[u8]) -> bool) -> bool) -> Verdict {
    if !starts_with_object(head) {
        return Verdict::NO;
    }
    let (mut hits, mut total) = (0, 0);
    for line in lines(head).take(SNIFF_LINES) {
        total += 1;
        hits += usize::from(line[0] == b'{' && test(&|text| memchr::memmem::find(line, text).is_some()));
    }
    if hits == 0 || hits * 10 < total * 6 { Verdict::NO } else { Verdict::new(score, format!("{hits} of {total} {what}")) }
}

/// The lines of a head that are not blank.
pub(super) fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = if memchr::memchr(b'\n', head).is_some() { b'\n' } else { b'\r' };
    head.split(move |&b| b == end).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

/// Whether the first line that is not blank starts an object.
pub(super) fn starts_with_object(head: &[u8]) -> bool {
    head.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(lines: &str) -> u8 {
        JsonLines.sniff(lines.repeat(3).as_bytes()).score
    }

    #[test]
    fn logs_of_other_kinds_are_left_to_their_formats() {
        for line in [
            // OTLP, Zipkin, Elastic APM
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"GET /","kind":2,"startTimeUnixNano":"1795370151653000000"}]}]}]}"#,
            r#"{"traceId":"1","id":"2","parentId":"3","name":"get","timestamp":1795370151653000,"duration":12,"localEndpoint":{"serviceName":"x"},"tags":{"http.path":"/","http.method":"GET"}}"#,
            r#"{"transaction":{"id":"1","timestamp":1795370151653000,"duration":3.2,"context":{"request":{"method":"GET","url":{"pathname":"/"}}}}}"#,
            // PostgreSQL, MongoDB
            r#"{"timestamp":"2026-11-22 17:55:51.653 UTC","user":"u","dbname":"d","pid":7,"error_severity":"LOG","message":"duration: 1.2 ms"}"#,
            r#"{"t":{"$date":"2026-11-22T17:55:51.653Z"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn1","msg":"Slow query","attr":{"ns":"a.b","durationMillis":120}}"#,
            // Applications
            r#"{"@timestamp":"2026-11-22T17:55:51.653Z","level":"INFO","logger":"x","message":"txn","type":"PAY","total_ms":12,"db_ms":3}"#,
            r#"{"time":"2026-11-22T17:55:51.653Z","level":"info","msg":"started","path":"/etc/x.conf"}"#,
            r#"{"time":"2026-11-22T17:55:51.653Z","status":"ok","name":"job","duration":12}"#,
            r#"{"uri":"/a","method":"GET","status":200}"#,
        ] {
            assert_eq!(score(&format!("{line}\n")), 0, "{line}");
        }
    }

    #[test]
    fn requests_in_an_applications_log_are_a_weak_claim() {
        let request =
            r#"{"time":"2026-11-22T17:55:51.653Z","msg":"done","method":"GET","path":"/a","status":200,"elapsed_ms":12}"#;
        let chatter = r#"{"time":"2026-11-22T17:55:51.653Z","msg":"started"}"#;
        assert_eq!(score(&format!("{request}\n")), 75);
        assert_eq!(score(&format!("{request}\n{chatter}\n{chatter}\n")), 45);
        assert_eq!(score(&format!("{chatter}\n")), 0);
    }
}
