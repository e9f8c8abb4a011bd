//! One sample result, from whichever shape, as an operation.
//!
//! `elapsed` runs to the last byte of the answer, `Latency` to the first one, `Connect` to the
//! connection; the later ones hold the earlier. <https://jmeter.apache.org/usermanual/glossary.html>

use crate::scan::{number, time};
use crate::{Kind, Nanos, Operation, Outcome, Parts, Reason, Role, Stamp};

/// The fields of a sample as written; empty where the log lacks them.
#[derive(Clone, Copy, Default)]
pub(super) struct Sample<'a> {
    pub(super) stamp: &'a [u8],
    pub(super) elapsed: &'a [u8],
    pub(super) latency: &'a [u8],
    pub(super) connect: &'a [u8],
    pub(super) label: &'a [u8],
    pub(super) code: &'a [u8],
    pub(super) message: &'a [u8],
    pub(super) thread: &'a [u8],
    pub(super) success: &'a [u8],
    pub(super) bytes: &'a [u8],
    pub(super) count: &'a [u8],
    pub(super) host: &'a [u8],
}

impl<'a> Sample<'a> {
    /// The operation of this sample.
    pub(super) fn read(&self, stamp: Stamp) -> Result<Operation<'a>, Reason> {
        let text = |text: &'a [u8]| Some(text).filter(|t| !t.is_empty());
        let mut op = Operation::new(Kind::Request);
        op.role = Role::Client;
        let at = moment(self.stamp)?.nanos;
        op.duration = Some(number::duration(self.elapsed, 1_000_000)?);
        op.start = match stamp {
            Stamp::Start => Some(at),
            Stamp::End => at.checked_sub(op.duration.unwrap_or(0)),
        };
        op.parts = parts(op.duration, millis(self.latency)?, millis(self.connect)?);
        op.name = text(self.label);
        op.thread = text(self.thread);
        op.instance = text(self.host);
        op.bytes = number::optional_whole(self.bytes)?;
        op.count = number::optional_whole(self.count)?.and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 1);
        let is_status = self.code.len() == 3 && self.code.iter().all(u8::is_ascii_digit);
        op.status = if is_status { number::status(self.code)? } else { None };
        op.outcome = self.outcome(op.status);
        if self.is_transaction() {
            // The sum of samples that have records of their own, pauses between them included.
            op.kind = Kind::Internal;
            op.parts = Parts::default();
        }
        Ok(op)
    }

    /// JMeter's own verdict comes first: assertions fail answers of status 200.
    fn outcome(&self, status: Option<u16>) -> Outcome {
        let by_status = status.map_or(Outcome::Unknown, Outcome::of_status);
        match self.success {
            b"true" => Outcome::Ok,
            b"false" if matches!(by_status, Outcome::TimedOut | Outcome::Abandoned) => by_status,
            b"false" if holds(self.code, b"Timeout") || holds(self.message, b"timed out") => Outcome::TimedOut,
            b"false" => Outcome::Failed,
            _ => by_status,
        }
    }

    /// Whether this is the result of a transaction controller.
    fn is_transaction(&self) -> bool {
        self.message.starts_with(b"Number of samples in transaction")
    }
}

/// Connecting and receiving are `network`, what lies between is the server's. A latency of 0 beside
/// a real duration is what samplers write that do not measure it.
fn parts(duration: Option<Nanos>, latency: Option<Nanos>, connect: Option<Nanos>) -> Parts {
    let mut parts = Parts { network: connect.filter(|&c| c > 0), ..Parts::default() };
    if let (Some(all), Some(first)) = (duration, latency.filter(|&l| l > 0)) {
        let connect = connect.unwrap_or(0);
        if connect <= first && first <= all {
            parts.network = Some(connect + (all - first));
            parts.upstream = Some(first - connect);
        }
    }
    parts
}

fn millis(text: &[u8]) -> Result<Option<Nanos>, Reason> {
    number::optional_duration(text, 1_000_000)
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// Milliseconds since the epoch, or a date where JMeter was told to write one.
pub(super) fn moment(text: &[u8]) -> Result<time::Stamp, Reason> {
    if text.iter().all(u8::is_ascii_digit) { time::epoch(text) } else { time::iso(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connecting_and_receiving_are_network() {
        let ms = |n: i64| Some(n * 1_000_000);
        let got = parts(ms(100), ms(70), ms(10));
        assert_eq!((got.network, got.upstream), (ms(40), ms(60)));
        assert_eq!(parts(ms(100), Some(0), Some(0)), Parts::default());
        assert_eq!(parts(ms(100), ms(120), ms(10)).upstream, None);
    }

    #[test]
    fn the_verdict_of_jmeter_comes_first() {
        let outcome =
            |success: &'static [u8], code: &'static [u8], status| Sample { success, code, ..Sample::default() }.outcome(status);
        assert_eq!(outcome(b"false", b"200", Some(200)), Outcome::Failed);
        assert_eq!(outcome(b"true", b"404", Some(404)), Outcome::Ok);
        assert_eq!(outcome(b"false", b"Non HTTP response code: java.net.SocketTimeoutException", None), Outcome::TimedOut);
        assert_eq!(outcome(b"", b"503", Some(503)), Outcome::Failed);
    }
}
