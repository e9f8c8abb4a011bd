//! The fields of one HAProxy line, as an operation.
//!
//! Timers: <https://docs.haproxy.org/3.0/configuration.html#8.4>; how a session ended:
//! <https://docs.haproxy.org/3.0/configuration.html#8.5>.

use super::layout::{Fields, Var};
use crate::access::http;
use crate::scan::{number, time};
use crate::{Batch, Id, Kind, Nanos, Operation, Outcome, Parts, Reason, Role};

const MILLI: Nanos = 1_000_000;

/// Pushes the operation of a line.
pub(super) fn push(line: &[u8], fields: &Fields<'_>, batch: &mut Batch) -> Result<(), Reason> {
    let mut op = Operation::new(Kind::Request);
    op.role = Role::Server;
    op.parts = parts(fields)?;
    op.duration = match timer(fields, Var::ActiveTime)? {
        Some(active) => Some(active),
        None => timer(fields, Var::TotalTime)?,
    };
    op.start = start(fields)?;
    op.status = fields.get(Var::Status).map_or(Ok(None), number::status)?;
    op.bytes = fields.get(Var::Bytes).map_or(Ok(None), |text| number::optional_whole(unsigned(text)))?;
    op.service = fields.get(Var::Frontend).map(|name| name.strip_suffix(b"~").unwrap_or(name));
    op.instance = fields.get(Var::Host);
    op.request = fields.get(Var::Id).and_then(Id::parse);
    if let Some((trace, span)) = fields.get(Var::Traceparent).and_then(Id::traceparent) {
        (op.trace, op.parent_span) = (Some(trace), Some(span));
    }
    if let Some(request) = fields.get(Var::Request) {
        (op.method, op.name) = http::request(request);
    }
    op.method = op.method.or_else(|| fields.get(Var::Method).filter(|m| !m.starts_with(b"<")));
    op.name = op.name.or_else(|| fields.get(Var::Target).filter(|t| t.first() == Some(&b'/')));
    let is_http = op.status.is_some() || fields.get(Var::Status).is_some() || fields.get(Var::Request).is_some();
    if !is_http && op.name.is_none() {
        // A TCP session calls nothing but its backend.
        op.name = fields.get(Var::Backend).filter(|name| !name.starts_with(b"<"));
    }
    op.outcome = outcome(fields.get(Var::Termination), op.status, is_http);
    let mut joined = Vec::new();
    op.peer = peer(line, fields, &mut joined);
    batch.push(&op);
    Ok(())
}

/// `%tr` first: the accept date of a kept-alive connection is that of its first request.
fn start(fields: &Fields<'_>) -> Result<Option<i64>, Reason> {
    let dates = [Var::RequestDate, Var::ZonedRequestDate, Var::AcceptDate, Var::ZonedAcceptDate];
    let (stamp, of_connection) = match dates.into_iter().find_map(|var| Some((var, fields.get(var)?))) {
        Some((var, text)) => (time::clf(text)?, matches!(var, Var::AcceptDate | Var::ZonedAcceptDate)),
        None => match fields.get(Var::Epoch) {
            Some(text) => (time::epoch_seconds(text)?, true),
            None => return Ok(None),
        },
    };
    let millis = match fields.get(Var::Millis).filter(|_| stamp.digits == 0) {
        Some(text) => number::duration(text, MILLI)?,
        None => 0,
    };
    // `%Ta` runs from the request's first byte, which comes after handshake and idle time.
    let before = match of_connection && fields.get(Var::ActiveTime).is_some() {
        true => timer(fields, Var::HandshakeTime)?.unwrap_or(0) + timer(fields, Var::IdleTime)?.unwrap_or(0),
        false => 0,
    };
    stamp.nanos.checked_add(millis).and_then(|at| at.checked_add(before)).map(Some).ok_or(Reason::Time)
}

fn parts(fields: &Fields<'_>) -> Result<Parts, Reason> {
    let request = match timer(fields, Var::RequestTime)? {
        Some(time) => Some(time),
        None => timer(fields, Var::OldRequestTime)?,
    };
    let (queue, connect) = (timer(fields, Var::QueueTime)?, timer(fields, Var::ConnectTime)?);
    let response = timer(fields, Var::ResponseTime)?;
    let data = match timer(fields, Var::DataTime)? {
        Some(data) => Some(data),
        None => transfer(fields, [request, queue, connect, response])?,
    };
    // What was never reached adds nothing; what is unknown altogether stays unknown.
    let wire = [request, connect, data];
    let network = wire.iter().any(Option::is_some).then(|| wire.into_iter().flatten().sum());
    Ok(Parts { queue, upstream: response, network, ..Parts::default() })
}

/// The time of sending the answer: what the four timers leave of `%Ta`. Only where the line has
/// all of them, as otherwise the rest could be anything.
fn transfer(fields: &Fields<'_>, timers: [Option<Nanos>; 4]) -> Result<Option<Nanos>, Reason> {
    let total = match timer(fields, Var::ActiveTime)? {
        Some(active) => active,
        None if fields.get(Var::OldRequestTime).is_some() => timer(fields, Var::TotalTime)?.unwrap_or(-1),
        None => return Ok(None),
    };
    let [Some(request), Some(queue), Some(connect), Some(response)] = timers else { return Ok(None) };
    let rest = total - request - queue - connect - response;
    Ok((rest >= 0).then_some(rest))
}

/// A timer: milliseconds; -1 is "never reached", a `+` means that the session went on.
fn timer(fields: &Fields<'_>, var: Var) -> Result<Option<Nanos>, Reason> {
    fields.get(var).map_or(Ok(None), |text| number::optional_duration(unsigned(text), MILLI))
}

fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"+").unwrap_or(text)
}

/// Who ended the session is said by the first letter of its termination state.
fn outcome(termination: Option<&[u8]>, status: Option<u16>, is_http: bool) -> Outcome {
    let by_status = status.map_or(Outcome::Unknown, Outcome::of_status);
    match termination.and_then(|t| t.first()) {
        Some(b'C') => Outcome::Abandoned,
        Some(b'c' | b's') => Outcome::TimedOut,
        Some(b'S' | b'I' | b'R' | b'D' | b'K') => Outcome::Failed,
        Some(b'P') if !is_http => Outcome::Failed,
        Some(b'-') if !is_http => Outcome::Ok,
        _ => by_status,
    }
}

/// `backend/server`; none where HAProxy answered itself (`<NOSRV>`, `<STATS>`).
fn peer<'a>(line: &'a [u8], fields: &Fields<'a>, joined: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let called = |var| fields.get(var).filter(|name: &&[u8]| !name.starts_with(b"<") && *name != b"-");
    let server = called(Var::Server)?;
    let Some(backend) = called(Var::Backend) else { return Some(server) };
    let from = (backend.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
    let together = from.checked_add(backend.len() + 1 + server.len()).and_then(|to| line.get(from..to));
    if let Some(pair) = together
        && pair.get(backend.len()) == Some(&b'/')
        && pair.ends_with(server)
    {
        return Some(pair);
    }
    joined.extend_from_slice(backend);
    joined.push(b'/');
    joined.extend_from_slice(server);
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_ended_the_session_decides_the_outcome() {
        assert_eq!(outcome(Some(b"----"), Some(200), true), Outcome::Ok);
        assert_eq!(outcome(Some(b"CD--"), Some(200), true), Outcome::Abandoned);
        assert_eq!(outcome(Some(b"sH--"), Some(504), true), Outcome::TimedOut);
        assert_eq!(outcome(Some(b"SC--"), Some(503), true), Outcome::Failed);
        assert_eq!(outcome(Some(b"PR--"), Some(403), true), Outcome::Ok);
        assert_eq!(outcome(Some(b"--"), None, false), Outcome::Ok);
        assert_eq!(outcome(None, None, true), Outcome::Unknown);
    }
}
