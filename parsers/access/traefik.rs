//! Traefik's access log in its default format: common log, then router, server and duration.
//!
//! The stamp is the start. <https://doc.traefik.io/traefik/observability/access-logs/>

use super::{first_lines, http};
use crate::scan::line::{quoted, word};
use crate::scan::{duration, number};
use crate::{
    Batch, Decoder, Facts, Family, Format, Kind, LineDecoder, Memo, OpenError, Operation, Options, Outcome, Reason, Role, Spec,
    Stamp, Verdict,
};

pub(super) struct Traefik;

static SPEC: Spec = Spec {
    name: "traefik",
    family: Family::Access,
    title: "Traefik access log (CLF)",
    source: "https://doc.traefik.io/traefik/observability/access-logs/",
    stamp: Stamp::Start,
    unit: None,
    resolution_ns: 1_000_000,
    sample: "\
10.0.0.7 - - [22/Nov/2026:17:55:51 +0000] \"GET /api/accounts?page=2 HTTP/1.1\" 200 512 \"-\" \"curl/8.5.0\" 17 \"web@docker\" \"http://10.0.1.2:8080\" 42ms
10.0.0.8 - kim [22/Nov/2026:17:55:52 +0000] \"POST /none HTTP/2.0\" 404 19 \"-\" \"-\" 18 \"-\" \"-\" 0ms
",
};

impl Format for Traefik {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        first_lines::verdict(head, 94, |line| Some(read(line, &mut Memo::default()).is_ok()))
    }

    fn open(&self, _head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(Lines))
    }
}

struct Lines;

impl LineDecoder for Lines {
    fn facts(&self) -> Facts {
        Facts {
            stamp: Some(Stamp::Start),
            unit: None,
            resolution_ns: 1_000_000,
            stamp_resolution_ns: 1_000_000_000,
            zone_missing: false,
            date_missing: false,
            layout: String::new(),
            assumptions: Vec::new(),
        }
    }

    fn line(&self, line: &[u8], memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        batch.push(&read(line, memo)?);
        Ok(())
    }
}

/// Reads `host - user [time] "request" status size "referer" "agent" count "router" "server" 42ms`.
fn read<'a>(line: &'a [u8], memo: &mut Memo) -> Result<Operation<'a>, Reason> {
    let (_client, rest) = word(line);
    let open = memchr::memchr(b'[', rest).ok_or(Reason::Shape)?;
    let close = open + memchr::memchr(b']', &rest[open..]).ok_or(Reason::Shape)?;
    let stamp = &rest[open + 1..close];
    let (request, rest) = quoted(rest[close + 1..].trim_ascii_start(), b'"').ok_or(Reason::Shape)?;
    let (status, rest) = word(rest.trim_ascii_start());
    let (size, rest) = word(rest);
    let (_referer, rest) = quoted(rest, b'"').ok_or(Reason::Shape)?;
    let (_agent, rest) = quoted(rest.trim_ascii_start(), b'"').ok_or(Reason::Shape)?;
    let (count, rest) = word(rest.trim_ascii_start());
    if count.is_empty() || !count.iter().all(|b| b.is_ascii_digit() || *b == b'-') {
        return Err(Reason::Shape);
    }
    let (_router, rest) = quoted(rest, b'"').ok_or(Reason::Shape)?;
    let (server, rest) = quoted(rest.trim_ascii_start(), b'"').ok_or(Reason::Shape)?;
    let elapsed = rest.trim_ascii();
    if elapsed.is_empty() {
        return Err(Reason::Shape);
    }
    let mut op = Operation::new(Kind::Request);
    op.role = Role::Server;
    op.start = Some(memo.time.clf(stamp)?);
    // The first versions wrote a duration of Go, `1.234567s`.
    op.duration = if elapsed == b"-" { None } else { Some(duration::parse(elapsed, None)?) };
    op.status = number::status(status)?;
    op.outcome = op.status.map_or(Outcome::Unknown, Outcome::of_status);
    op.bytes = number::optional_whole(size)?;
    (op.method, op.name) = http::request(request);
    let server = server.strip_prefix(b"http://").or_else(|| server.strip_prefix(b"https://")).unwrap_or(server);
    op.peer = Some(server).filter(|s| !matches!(*s, b"-" | b""));
    Ok(op)
}
