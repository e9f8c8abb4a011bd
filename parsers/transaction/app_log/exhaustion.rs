//! What connection pools other than HikariCP say when they have nothing left to lend. Most do not say
//! which pool it is: those go by the product's name.
//! <https://tomcat.apache.org/tomcat-10.1-doc/jdbc-pool.html>,
//! <https://commons.apache.org/proper/commons-dbcp/configuration.html>,
//! <https://www.mchange.com/projects/c3p0/>

use memchr::memmem;

use super::record::{Push, Record, line_of, number_after, number_at};
use crate::scan::duration;
use crate::{Gauge, Kind, Nanos, Operation, Outcome};

const MILLI: Nanos = 1_000_000;

/// Reads what a record holds of them: the first message of each kind, as causes repeat it.
pub(super) fn read<'a>(record: &Record<'a>, push: &mut Push<'_, 'a>) {
    for (mark, message) in MESSAGES {
        if let Some(at) = memmem::find(record.text, mark) {
            message(record, &record.text[at..], push);
        }
    }
}

type Message = for<'a> fn(&Record<'a>, &'a [u8], &mut Push<'_, 'a>);

const MESSAGES: [(&[u8], Message); 7] = [
    (b"Timeout: Pool empty. Unable to fetch a connection in ", tomcat_jdbc),
    (b"Cannot get a connection, pool error", dbcp),
    (b"An attempt by a client to checkout a Connection has timed out", c3p0),
    (b"[managed: ", c3p0_reading),
    (b"wait millis ", druid),
    (b"No managed connections available within configured blocking timeout (", iron_jacamar),
    (b"Timeout waiting for connection from pool", http_client),
];

/// `... in 30 seconds, none available[size:100; busy:100; idle:0; lastwait:30000].`
fn tomcat_jdbc<'a>(record: &Record<'a>, text: &'a [u8], push: &mut Push<'_, 'a>) {
    let line = line_of(text);
    let wait = number_after(line, b"lastwait:").map(|ms| Nanos::from(ms) * MILLI);
    push(text, Operation { name: Some(b"tomcat-jdbc"), outcome: Outcome::TimedOut, ..record.waited(Kind::PoolWait, wait) });
    // None is available and none may be opened: what is open is what may be.
    let gauge = Gauge { slots: number_after(line, b"size:"), in_use: number_after(line, b"busy:"), waiting: None };
    if gauge != Gauge::default() {
        push(text, Operation { name: Some(b"tomcat-jdbc"), gauge, ..record.operation(Kind::Gauge) });
    }
}

/// `Cannot get a connection, pool error Timeout waiting for idle object`, with `borrowMaxWaitMillis=` or `borrowMaxWaitDuration=PT10S` lately.
fn dbcp<'a>(record: &Record<'a>, text: &'a [u8], push: &mut Push<'_, 'a>) {
    let line = line_of(text);
    let millis = number_after(line, b"borrowMaxWaitMillis=").map(|ms| Nanos::from(ms) * MILLI);
    let wait = millis.or_else(|| {
        const KEY: &[u8] = b"borrowMaxWaitDuration=";
        let value = &line[memmem::find(line, KEY)? + KEY.len()..];
        let len = value.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'.').count();
        duration::parse(value[..len].strip_suffix(b".").unwrap_or(&value[..len]), None).ok()
    });
    let outcome = if memmem::find(line, b"Timeout").is_some() { Outcome::TimedOut } else { Outcome::Failed };
    push(text, Operation { name: Some(b"dbcp"), outcome, ..record.waited(Kind::PoolWait, wait) });
}

fn c3p0<'a>(record: &Record<'a>, text: &'a [u8], push: &mut Push<'_, 'a>) {
    push(text, Operation { name: Some(b"c3p0"), outcome: Outcome::TimedOut, ..record.waited(Kind::PoolWait, None) });
}

/// `[managed: 15, unused: 2, excluded: 0]`
fn c3p0_reading<'a>(record: &Record<'a>, text: &'a [u8], push: &mut Push<'_, 'a>) {
    let line = line_of(text);
    let (managed, unused) = (number_after(line, b"managed: "), number_after(line, b"unused: "));
    if let Some(in_use) = managed.zip(unused).and_then(|(managed, unused)| managed.checked_sub(unused)) {
        push(
            text,
            Operation {
                name: Some(b"c3p0"),
                gauge: Gauge { in_use: Some(in_use), ..Gauge::default() },
                ..record.operation(Kind::Gauge)
            },
        );
    }
}

/// `wait millis 60000, active 20, maxActive 20, creating 0`
fn druid<'a>(record: &Record<'a>, text: &'a [u8], push: &mut Push<'_, 'a>) {
    let line = line_of(text);
    let Some(active) = number_after(line, b", active ") else { return };
    let wait = number_after(line, b"wait millis ").map(|ms| Nanos::from(ms) * MILLI);
    push(text, Operation { name: Some(b"druid"), outcome: Outcome::TimedOut, ..record.waited(Kind::PoolWait, wait) });
    let gauge = Gauge { slots: number_after(line, b"maxActive "), in_use: Some(active), waiting: None };
    push(text, Operation { name: Some(b"druid"), gauge, ..record.operation(Kind::Gauge) });
}

/// JBoss and WildFly: `IJ000453: Unable to get managed connection for java:/DS`, then `(30000 [ms])`.
fn iron_jacamar<'a>(record: &Record<'a>, text: &'a [u8], push: &mut Push<'_, 'a>) {
    let open = text.iter().position(|&b| b == b'(').map_or(text.len(), |at| at + 1);
    let wait = number_at(&text[open..]).map(|(ms, _)| Nanos::from(ms) * MILLI);
    let name = memmem::find(record.text, b"managed connection for ").map(|at| {
        let rest = &record.text[at + b"managed connection for ".len()..];
        &rest[..rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len())]
    });
    push(text, Operation { name, outcome: Outcome::TimedOut, ..record.waited(Kind::PoolWait, wait) });
}

/// Apache HttpClient: a wait for a socket of its pool.
fn http_client<'a>(record: &Record<'a>, text: &'a [u8], push: &mut Push<'_, 'a>) {
    push(text, Operation { outcome: Outcome::TimedOut, ..record.waited(Kind::SocketWait, None) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(Kind, Option<Nanos>, Gauge, String)> {
        let record = Record { text: text.as_bytes(), ..Record::default() };
        let mut got = Vec::new();
        read(&record, &mut |_, op: Operation<'_>| {
            got.push((op.kind, op.duration, op.gauge, String::from_utf8_lossy(op.name.unwrap_or_default()).into_owned()));
        });
        got
    }

    #[test]
    fn exhausted_pools_are_waits_and_readings() {
        let got = all("[exec-1] Timeout: Pool empty. Unable to fetch a connection in 30 seconds, none available\
            [size:100; busy:99; idle:0; lastwait:30001].");
        assert_eq!(got[0], (Kind::PoolWait, Some(30_001 * MILLI), Gauge::default(), "tomcat-jdbc".to_owned()));
        assert_eq!(got[1].2, Gauge { slots: Some(100), in_use: Some(99), waiting: None });
        let got = all("GetConnectionTimeoutException: wait millis 60000, active 20, maxActive 25, creating 0");
        assert_eq!(got[0].1, Some(60_000 * MILLI));
        assert_eq!(got[1].2, Gauge { slots: Some(25), in_use: Some(20), waiting: None });
        let got = all("IJ000453: Unable to get managed connection for java:/DS\nIJ000655: No managed connections available \
            within configured blocking timeout (30000 [ms])");
        assert_eq!(got, [(Kind::PoolWait, Some(30_000 * MILLI), Gauge::default(), "java:/DS".to_owned())]);
        let got = all("BasicResourcePool@1 [managed: 15, unused: 2, excluded: 0]");
        assert_eq!(got[0].2.in_use, Some(13));
        assert_eq!(all("Cannot get a connection, pool error Timeout waiting for idle object")[0].1, None);
        let got = all("Cannot get a connection, pool error Timeout waiting for idle object, borrowMaxWaitDuration=PT10S");
        assert_eq!(got[0].1, Some(10_000 * MILLI));
    }

    #[test]
    fn chatter_is_none() {
        assert!(all("wait millis 100").is_empty());
        assert!(all("[managed: x, unused: y]").is_empty());
    }
}
