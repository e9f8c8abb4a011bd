//! HAProxy: the HTTP, HTTPS, TCP and CLF logs and any `log-format` string.
//!
//! The older HTTP log (`Tq/Tw/Tc/Tr/Tt`) has the shape of the newer one (`TR/Tw/Tc/Tr/Ta`), and in
//! both the timers add up to the last one, so that they read alike.
//! <https://docs.haproxy.org/3.0/configuration.html#8.2>

mod layout;
mod record;

use std::sync::LazyLock;

use layout::{Fields, Layout, Var};
use memchr::memmem;

use super::first_lines;
use crate::{Batch, Decoder, Facts, Family, Format, LineDecoder, Memo, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict};

const HTTP: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
const TCP: &str = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";
const CLF: &str = "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq \
                   %bq %CC %CS %hrl %hsl";

/// The built-in layouts. One log may hold several of them: a line for each frontend's mode.
static BUILT_IN: LazyLock<Vec<Layout>> = LazyLock::new(|| [HTTP, TCP, CLF].into_iter().filter_map(Layout::compile).collect());

pub(super) struct Haproxy;

static SPEC: Spec = Spec {
    name: "haproxy",
    family: Family::Access,
    title: "HAProxy HTTP, TCP and CLF logs, or a log-format string",
    source: "https://docs.haproxy.org/3.0/configuration.html#8.2",
    stamp: Stamp::Start,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} \"GET /index.html HTTP/1.1\"
10.0.1.3:33318 [06/Feb/2009:12:14:15.001] https~ app/<NOSRV> 3/-1/-1/-1/5003 503 212 - - sQ-- 8/8/3/0/0 0/3 \"POST /api/orders HTTP/1.1\"
10.0.1.2:33320 [06/Feb/2009:12:14:16.700] db db/pg1 0/1/5007 212 -- 0/0/0/0/3 0/0
",
};

impl Format for Haproxy {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        first_lines::verdict(head, 94, |line| {
            let line = headless(line);
            let fits = BUILT_IN.iter().any(|layout| layout.read(line).is_some());
            (fits || !is_chatter(line)).then_some(fits)
        })
    }

    fn takes_layout(&self, layout: &str) -> bool {
        const OWN: [&str; 14] =
            ["%ci", "%cp", "%ft", "%tr", "%trg", "%TR", "%Tw", "%Tc", "%Ta", "%Tt", "%Tq", "%ST", "%tsc", "%HU"];
        let names = || layout.split('%').skip(1).map(|t| t.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(""));
        layout.starts_with("log-format ") || names().filter(|name| OWN.iter().any(|own| own[1..] == **name)).count() >= 2
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let layouts = match &options.layout {
            None => BUILT_IN.clone(),
            Some(text) => {
                let bad = || OpenError::new("not a log-format string of HAProxy; it has no %field in it");
                vec![Layout::compile(text).ok_or_else(bad)?]
            }
        };
        let facts = facts(head, &layouts);
        Ok(Box::new(Lines { layouts, facts }))
    }
}

struct Lines {
    layouts: Vec<Layout>,
    facts: Facts,
}

impl Lines {
    fn fits<'a>(&self, line: &'a [u8], fields: &mut Fields<'a>) -> bool {
        self.layouts.iter().any(|layout| layout.read_into(line, fields))
    }
}

impl LineDecoder for Lines {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let mut fields = Fields::new();
        if self.fits(line, &mut fields) {
            return record::push(line, &fields, batch);
        }
        // The syslog head is searched for only in the few logs from which it was not peeled off.
        let line = headless(line);
        if self.fits(line, &mut fields) {
            return record::push(line, &fields, batch);
        }
        if is_chatter(line) { Ok(()) } else { Err(Reason::Shape) }
    }
}

/// What the first lines settle: which layout is in use, whether it has a zone, whether lines were
/// written before their sessions ended.
fn facts(head: &[u8], layouts: &[Layout]) -> Facts {
    let lines = || first_lines::first_lines(head).map(headless);
    let used = layouts.iter().find(|layout| lines().any(|line| layout.read(line).is_some())).unwrap_or(&layouts[0]);
    let zoned = [Var::ZonedRequestDate, Var::ZonedAcceptDate, Var::Epoch].into_iter().any(|var| used.has(var));
    let local = [Var::RequestDate, Var::AcceptDate].into_iter().any(|var| used.has(var));
    let mut assumptions = Vec::new();
    let asap = lines().filter_map(|line| used.read(line)).any(|fields| {
        [Var::ActiveTime, Var::TotalTime].into_iter().any(|var| fields.get(var).is_some_and(|text| text.starts_with(b"+")))
    });
    if asap {
        assumptions.push(
            "Total times with a + were logged before the session ended (option logasap): they are lower bounds.".to_owned(),
        );
    }
    let whole_seconds = !local && !used.has(Var::Millis);
    Facts {
        stamp: Some(Stamp::Start),
        unit: Some(Unit::Millis),
        resolution_ns: 1_000_000,
        stamp_resolution_ns: if whole_seconds { 1_000_000_000 } else { 1_000_000 },
        zone_missing: local && !zoned,
        date_missing: false,
        layout: used.text.clone(),
        assumptions,
    }
}

/// The line behind a syslog head that ends in `haproxy[123]: `, where it was not peeled off.
fn headless(line: &[u8]) -> &[u8] {
    let near = &line[..line.len().min(160)];
    match memmem::find(near, b"]: ") {
        Some(at) if near[..at].iter().rev().take_while(|b| b.is_ascii_digit()).count() > 0 => {
            let open = near[..at].iter().rposition(|b| !b.is_ascii_digit());
            if open.is_some_and(|open| near[open] == b'[') { &line[at + 3..] } else { line }
        }
        _ => line,
    }
}

/// What HAProxy writes besides sessions: changes of state, refused connections, start-up notes.
fn is_chatter(line: &[u8]) -> bool {
    const FIRST: [&[u8]; 11] = [
        b"Connect from ",
        b"Server ",
        b"Backup Server ",
        b"Proxy ",
        b"Health check ",
        b"Stopping ",
        b"Pausing ",
        b"[NOTICE]",
        b"[WARNING]",
        b"[ALERT]",
        b"backend ",
    ];
    FIRST.iter().any(|first| line.starts_with(first)) || is_connection_error(line)
}

/// `10.0.1.2:33317 [06/Feb/2009:12:14:14.655] https/1: SSL handshake failure`
fn is_connection_error(line: &[u8]) -> bool {
    let mut words = line.splitn(4, |&b| b == b' ');
    let (address, date, listener) = (words.next(), words.next(), words.next());
    address.is_some_and(|a| a.contains(&b':'))
        && date.is_some_and(|d| d.starts_with(b"[") && d.ends_with(b"]") && crate::scan::time::clf(d).is_ok())
        && listener.is_some_and(|l| l.ends_with(b":") && l.contains(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_layouts_compile() {
        assert_eq!(BUILT_IN.len(), 3);
    }

    #[test]
    fn layouts_of_others_are_not_taken() {
        assert!(Haproxy.takes_layout(HTTP) && Haproxy.takes_layout("%ci %Tw/%Tc/%Tt"));
        for other in ["%h %l %u %t \"%r\" %>s %b %D", "$remote_addr - $request_time", "%START_TIME% %DURATION%", "combined"] {
            assert!(!Haproxy.takes_layout(other), "{other}");
        }
    }

    #[test]
    fn a_syslog_head_is_tolerated() {
        assert_eq!(headless(b"Feb  6 12:14:14 lb1 haproxy[14389]: 10.0.1.2:1 [x]"), b"10.0.1.2:1 [x]");
        assert_eq!(headless(b"[::1]: x"), b"[::1]: x");
    }
}
