//! PostgreSQL's jsonlog, and the events that CloudNativePG writes as JSON with csvlog's columns.
//! <https://cloudnative-pg.io/documentation/current/logging/>
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG>

use super::message::{self, Event, said};
use super::{facts, stamp};
use crate::scan::json::{Str, Walk, Walker};
use crate::scan::{number, time};
use crate::transaction::blocks::head_lines;
use crate::{Batch, Decoder, Facts, Family, Format, LineDecoder, Memo, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict};

/// PostgreSQL's jsonlog.
pub struct PostgresJson;

static SPEC: Spec = Spec {
    name: "postgres-json",
    family: Family::Transaction,
    title: "PostgreSQL server log (jsonlog)",
    source: "https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG",
    stamp: Stamp::End,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000,
    sample: r#"{"timestamp":"2026-11-22 17:48:00.527 UTC","pid":12575,"session_id":"6b032ad0.311f","line_num":1,"session_start":"2026-11-22 17:48:00 UTC","txid":0,"error_severity":"LOG","message":"database system is ready to accept connections","backend_type":"postmaster","query_id":0}
{"timestamp":"2026-11-22 17:48:11.140 UTC","user":"bank","dbname":"bank","pid":12898,"remote_host":"127.0.0.1","remote_port":47938,"session_id":"6b032adb.3262","line_num":1,"ps":"PARSE","session_start":"2026-11-22 17:48:11 UTC","vxid":"2/93","txid":0,"error_severity":"LOG","message":"duration: 0.108 ms  parse <unnamed>: SELECT \"a\"\nFROM t /*rid='2fff31898e6a6d29f926026d7958163e'*/","application_name":"omni-backend","backend_type":"client backend","query_id":0}
{"timestamp":"2026-11-22 17:48:11.142 UTC","user":"bank","dbname":"bank","pid":12898,"session_id":"6b032adb.3262","line_num":3,"ps":"SELECT","txid":0,"error_severity":"LOG","message":"duration: 0.026 ms  execute <unnamed>: SELECT 1","application_name":"omni-backend","backend_type":"client backend","query_id":0}
"#,
};

impl Format for PostgresJson {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let lines: Vec<_> = head_lines(head, 20).collect();
        let fits = |line: &&&[u8]| {
            line.starts_with(b"{") && ["\"error_severity\":", "\"session_id\":", "\"message\":"].iter().all(|key| has(line, key))
        };
        let n = lines.iter().filter(fits).count();
        if n == 0 || n * 10 < lines.len() * 6 {
            return Verdict::NO;
        }
        Verdict::new(97, format!("{n} of {} lines with error_severity, session_id and message", lines.len()))
    }

    fn open(&self, head: &[u8], _options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let first = head_lines(head, 50).find_map(|line| Fields::read(line).ok()?.stamp);
        let mut facts = facts(first, "");
        let plans = message::has_plans_alone(head);
        facts.assumptions.extend(plans.then(|| message::PLANS_ALONE.to_owned()));
        Ok(Box::new(JsonDecoder { plans, facts }))
    }
}

fn has(line: &[u8], key: &str) -> bool {
    memchr::memmem::find(line, key.as_bytes()).is_some()
}

struct JsonDecoder {
    plans: bool,
    facts: Facts,
}

/// The members in use.
#[derive(Default)]
struct Fields<'a> {
    /// An operator of Kubernetes wrote the line, with the event as a member or with a word of its own.
    carried: bool,
    stamp: Option<time::Stamp>,
    bad_stamp: bool,
    pid: Option<&'a [u8]>,
    database: Option<Str<'a>>,
    application: Option<Str<'a>>,
    severity: &'a [u8],
    message: Option<Str<'a>>,
    statement: Option<Str<'a>>,
}

impl<'a> Fields<'a> {
    fn read(line: &'a [u8]) -> Walk<Fields<'a>> {
        let mut fields = Fields::default();
        Walker::new(line).object(|w, key| match key.raw {
            b"record" if w.peek() == b'{' => w.object(|w, key| fields.member(w, key.raw)),
            b"logger" => {
                fields.carried = true;
                w.skip().map(drop)
            }
            key => fields.member(w, key),
        })?;
        Ok(fields)
    }

    /// Takes a member by its name in jsonlog, or by the column's name in csvlog.
    fn member(&mut self, w: &mut Walker<'a>, key: &[u8]) -> Walk<()> {
        match key {
            b"timestamp" | b"log_time" => {
                let text = w.scalar()?.unwrap_or_default();
                self.stamp = stamp(text).ok().filter(|(_, rest)| rest.is_empty()).map(|(stamp, _)| stamp);
                self.bad_stamp = self.stamp.is_none();
            }
            b"pid" | b"process_id" => self.pid = w.scalar()?,
            b"dbname" | b"database_name" => self.database = Some(w.string()?),
            b"application_name" => self.application = Some(w.string()?),
            b"error_severity" => self.severity = w.scalar()?.unwrap_or_default(),
            b"message" => self.message = Some(w.string()?),
            b"statement" | b"query" => self.statement = Some(w.string()?),
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    }
}

impl LineDecoder for JsonDecoder {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn line(&self, line: &[u8], _memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let fields = Fields::read(line).map_err(|_| if line.ends_with(b"}") { Reason::Shape } else { Reason::Truncated })?;
        if fields.bad_stamp {
            return Err(Reason::Time);
        }
        let (Some(stamp), Some(message)) = (fields.stamp, fields.message.map(Str::text)) else {
            return if fields.carried { Ok(()) } else { Err(Reason::Shape) };
        };
        let (database, application, statement) =
            (fields.database.map(Str::text), fields.application.map(Str::text), fields.statement.map(Str::text));
        let event = Event {
            stamp: Some(stamp.nanos),
            pid: fields.pid.map(number::whole).transpose()?,
            database: database.as_deref().and_then(said),
            application: application.as_deref().and_then(said),
            severity: fields.severity,
            message: &message,
            statement: statement.as_deref(),
            plans: self.plans,
        };
        message::push(&event, batch)
    }
}
