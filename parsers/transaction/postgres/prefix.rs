//! `log_line_prefix`: compiled from its text, found out from a log, matched against lines.
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-LOG-LINE-PREFIX>

use memchr::{memchr, memmem};

use super::message::{Event, said};
use super::stamp;
use crate::OpenError;
use crate::scan::{number, time};

/// Prefixes that servers are found with: the defaults of distributions and clouds, and what the
/// well-known log analyzers ask for. `%m` also reads what `%t` wrote.
const KNOWN: &[&str] = &[
    "%m [%p]",
    "%m [%p] %q%u@%d",
    "%m [%p] %q%u@%d %a",
    "%m [%p] %q%u@%d/%a",
    "%m [%p] %q[user=%u,db=%d,app=%a]",
    "%m [%p]:",
    "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h",
    "%m [%p]: [%l] user=%u,db=%d,app=%a,client=%h",
    "%m [%p]: [%l-1] user=%u,db=%d",
    "%m [%p]: [%l-1] db=%d,user=%u",
    "%m [%p]: [%l-1] db=%d,user=%u,app=%a,client=%h",
    "%m [%p]: [%l-1]",
    "%m [%p]: user=%u,db=%d,app=%a,client=%h",
    "%m [%p]: user=%u,db=%d",
    "%m:%r:%u@%d:[%p]:",
    "%m [%p-%l] %q%u@%d",
    "%m [%p] %q[%c] %u@%d",
    "%m %u@%d [%p]",
    "%m %q%u@%d [%p]",
    "%m %d %u [%p]",
    "%m [%d] %u [%p]",
    "%m-%c-",
    "%m-%c-%u@%d",
    "%m %c",
    "%c %m",
    "%n [%p]",
    "%n [%p] %q%u@%d",
    "%n %p %q%u %d",
    "%m %p %u %d",
    "< %m >",
    "%m",
    "%m:",
    "user=%u,db=%d,app=%a,client=%h",
    "user=%u,db=%d",
    "",
];

/// The words before a message's colon that begin an event.
const PRIMARY: &[&[u8]] = &[b"LOG", b"ERROR", b"FATAL", b"PANIC", b"WARNING", b"NOTICE", b"INFO", b"DEBUG"];
/// The words before the further parts of an event.
const SECONDARY: &[&[u8]] = &[b"DETAIL", b"HINT", b"QUERY", b"CONTEXT", b"LOCATION", b"BACKTRACE", b"STATEMENT"];

/// How far into a line its severity is looked for, in bytes: names are at most 63 each.
const REACH: usize = 512;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Field {
    Time,
    Epoch,
    Pid,
    Session,
    Database,
    Application,
    /// Host and port, `10.0.0.1(5432)`: an IPv6 address holds the colons that may stand behind it.
    Remote,
    /// A number that is not used.
    Digits,
    /// A text that is not used.
    Text,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    Literal(Vec<u8>),
    /// A value, padded with blanks to a width or not.
    Field {
        field: Field,
        padded: bool,
    },
}

/// A compiled prefix.
#[derive(Clone, Debug)]
pub(super) struct Prefix {
    text: String,
    tokens: Vec<Token>,
    /// How many tokens a process without a session writes (`%q`).
    short: usize,
    /// Read by what the parts look like rather than by `tokens`.
    loose: bool,
}

/// A line apart: prefix, severity, message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) prefix: &'a [u8],
    pub(super) severity: &'a [u8],
    pub(super) message: &'a [u8],
}

impl Line<'_> {
    /// Whether the line begins an event, rather than telling more of one.
    pub(super) fn is_primary(&self) -> bool {
        !SECONDARY.contains(&self.severity)
    }
}

/// Takes a line apart at the first severity: a known word followed by a colon and two blanks.
pub(super) fn split(line: &[u8]) -> Option<Line<'_>> {
    let reach = &line[..line.len().min(REACH)];
    let mut at = 0;
    while let Some(colon) = memchr(b':', &reach[at..]).map(|i| at + i) {
        at = colon + 1;
        if !matches!(line.get(colon + 1..colon + 3), Some(b"  ")) {
            continue;
        }
        let start = line[..colon].iter().rposition(|b| !b.is_ascii_alphanumeric()).map_or(0, |i| i + 1);
        let word = &line[start..colon];
        // DEBUG1 to DEBUG5 are written as DEBUG by old servers.
        let severity = if word.len() == 6 && word.starts_with(b"DEBUG") { &word[..5] } else { word };
        if PRIMARY.contains(&severity) || SECONDARY.contains(&severity) {
            return Some(Line { prefix: &line[..start], severity, message: &line[colon + 3..] });
        }
    }
    None
}

impl Prefix {
    /// Compiles a `log_line_prefix`, or a line of `postgresql.conf` that sets it.
    pub(super) fn compile(layout: &str) -> Result<Prefix, OpenError> {
        // The blank in front of the severity is easily lost on the way here, and tells nothing.
        let text = setting(layout).trim_end();
        let mut tokens = Vec::new();
        let mut short = None;
        let mut literal = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte != b'%' {
                literal.push(byte);
                continue;
            }
            let pad = rest.iter().position(|b| !matches!(b, b'-' | b'0'..=b'9')).unwrap_or(rest.len());
            let Some(&escape) = rest.get(pad) else {
                return Err(OpenError::new("log_line_prefix ends in a lone %; write %% for the character"));
            };
            rest = &rest[pad + 1..];
            let field = match escape {
                b'%' => {
                    literal.push(b'%');
                    continue;
                }
                b'q' => {
                    flush(&mut literal, &mut tokens);
                    short = short.or(Some(tokens.len()));
                    continue;
                }
                b't' | b'm' => Field::Time,
                b'n' => Field::Epoch,
                b'p' => Field::Pid,
                b'c' => Field::Session,
                b'd' => Field::Database,
                b'a' => Field::Application,
                b'l' | b'P' | b'x' => Field::Digits,
                b'r' => Field::Remote,
                b'u' | b'h' | b'L' | b'b' | b'i' | b'e' | b's' | b'v' | b'Q' => Field::Text,
                other => {
                    let other = char::from(other);
                    return Err(OpenError::new(format!("log_line_prefix has no escape %{other}; see SHOW log_line_prefix")));
                }
            };
            flush(&mut literal, &mut tokens);
            tokens.push(Token::Field { field, padded: pad > 0 });
        }
        flush(&mut literal, &mut tokens);
        let short = short.unwrap_or(tokens.len());
        Ok(Prefix { text: text.to_owned(), tokens, short, loose: false })
    }

    /// The prefix that fits the most of these lines, with how many it fits. Of two that fit
    /// equally the one that tells more wins.
    pub(super) fn detect(lines: &[Line<'_>]) -> Option<(Prefix, usize)> {
        let known = KNOWN.iter().filter_map(|text| Prefix::compile(text).ok());
        let fits = known.map(|prefix| {
            let n = lines.iter().filter(|line| prefix.event(line).is_some()).count();
            (prefix, n)
        });
        fits.filter(|(_, n)| *n > 0).max_by_key(|(prefix, n)| (*n, prefix.tokens.len()))
    }

    /// A reading of prefixes that are none of the known: all by its looks.
    pub(super) fn loose() -> Prefix {
        let tokens = vec![Token::Field { field: Field::Time, padded: false }];
        Prefix { text: "... %m ...".to_owned(), tokens, short: 1, loose: true }
    }

    /// Whether this is the loose reading.
    pub(super) fn is_loose(&self) -> bool {
        self.loose
    }

    /// Whether the lines carry a time.
    pub(super) fn has_time(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::Field { field: Field::Time | Field::Epoch, .. }))
    }

    /// Whether each line begins with a date.
    pub(super) fn begins_with_date(&self) -> bool {
        matches!(self.tokens.first(), Some(Token::Field { field: Field::Time, .. }))
    }

    /// The prefix as `log_line_prefix` writes it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a line may begin like this prefix; cheap, for lines within a statement.
    pub(super) fn may_start(&self, line: &[u8]) -> bool {
        match self.tokens.first() {
            _ if self.loose => line.first().is_some_and(|b| !b.is_ascii_whitespace()),
            Some(Token::Literal(text)) => line.starts_with(text),
            Some(Token::Field { field: Field::Time, .. }) => line.len() > 19 && line[4] == b'-' && line[0].is_ascii_digit(),
            _ => line.first().is_some_and(|b| !b.is_ascii_whitespace()),
        }
    }

    /// The event of a line, its message left as it stands, and its stamp; `None` when the prefix
    /// does not fit.
    pub(super) fn event<'a>(&self, line: &Line<'a>) -> Option<(Event<'a>, Option<time::Stamp>)> {
        let full = if self.loose { by_looks(line.prefix) } else { self.walk(line.prefix, &self.tokens) };
        let (mut event, stamp) = match full {
            None if self.short < self.tokens.len() => self.walk(line.prefix, &self.tokens[..self.short])?,
            got => got?,
        };
        event.severity = line.severity;
        event.message = line.message;
        Some((event, stamp))
    }

    /// Matches `text` against `tokens`, all of both. Texts end at the first place where the literal
    /// behind them stands, but an application's name may hold blanks: it ends at the last.
    fn walk<'a>(&self, text: &'a [u8], tokens: &[Token]) -> Option<(Event<'a>, Option<time::Stamp>)> {
        let mut event = Event::default();
        let mut when = None;
        let mut rest = text.trim_ascii_end();
        for (i, token) in tokens.iter().enumerate() {
            let (field, padded) = match token {
                Token::Literal(literal) => {
                    let is_last = i + 1 == tokens.len();
                    rest = rest.strip_prefix(if is_last { literal.trim_ascii_end() } else { literal })?;
                    continue;
                }
                Token::Field { field, padded } => (*field, *padded),
            };
            if padded {
                rest = rest.trim_ascii_start();
            }
            let next = match tokens.get(i + 1) {
                Some(Token::Literal(literal)) => Some(literal.as_slice()),
                _ => None,
            };
            if field == Field::Time {
                let (stamp, after) = stamp(rest).ok()?;
                (when, rest) = (Some(stamp), after);
                event.stamp = Some(stamp.nanos);
                continue;
            }
            let len = match (field, next) {
                (Field::Epoch | Field::Digits | Field::Pid, _) => {
                    rest.iter().position(|b| !b.is_ascii_digit() && *b != b'.').unwrap_or(rest.len())
                }
                (Field::Remote, Some(literal)) => match memchr(b')', rest) {
                    Some(close) if rest[close + 1..].starts_with(literal) => close + 1,
                    _ => memmem::find(rest, literal)?,
                },
                (Field::Application, Some(literal)) => memmem::rfind(rest, literal)?,
                (_, Some(literal)) => memmem::find(rest, literal)?,
                (Field::Database, None) if memchr(b' ', rest).is_some() => return None,
                (_, None) if i + 1 == tokens.len() => rest.len(),
                (_, None) => rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()),
            };
            let (value, after) = rest.split_at(len);
            let (value, after) = if padded { (value.trim_ascii_end(), unpad(after, next)) } else { (value, after) };
            rest = after;
            match field {
                Field::Pid => event.pid = Some(number::whole(value).ok()?),
                Field::Session => event.pid = Some(pid_of_session(value)?),
                Field::Epoch => {
                    let stamp = time::epoch_seconds(value).ok()?;
                    (event.stamp, when) = (Some(stamp.nanos), Some(stamp));
                }
                Field::Database => event.database = said(value),
                Field::Application => event.application = said(value),
                Field::Time | Field::Digits | Field::Remote | Field::Text => {}
            }
        }
        rest.is_empty().then_some((event, when))
    }
}

/// Reads a prefix of unknown layout: a stamp wherever it stands, the first bracketed or bare number or
/// session id as the process id, `user@database`, and `db=`, `app=` or `pid=`.
fn by_looks(text: &[u8]) -> Option<(Event<'_>, Option<time::Stamp>)> {
    let at = date_in(text)?;
    let (when, rest) = stamp(&text[at..]).ok()?;
    let mut event = Event { stamp: Some(when.nanos), ..Event::default() };
    let breaks = |b: &u8| b" ,[]()|;<>".contains(b);
    for word in text[..at].split(breaks).chain(rest.split(breaks)).filter(|word| !word.is_empty()) {
        let (key, value) = match memchr(b'=', word) {
            Some(at) => (&word[..at], &word[at + 1..]),
            None => (&b""[..], word.strip_suffix(b":").unwrap_or(word)),
        };
        match key {
            b"db" | b"database" | b"dbname" | b"d" => event.database = said(value),
            b"app" | b"application" | b"application_name" | b"a" => event.application = said(value),
            b"pid" | b"p" => event.pid = number::whole(value).ok(),
            b"" => match memchr(b'@', value) {
                Some(at) if event.database.is_none() => event.database = said(&value[at + 1..]),
                _ => event.pid = event.pid.or_else(|| number::whole(value).ok()).or_else(|| pid_of_session(value)),
            },
            _ => {}
        }
    }
    Some((event, Some(when)))
}

/// Where a text holds a date and a time.
fn date_in(text: &[u8]) -> Option<usize> {
    let fits = |window: &[u8]| {
        window[0].is_ascii_digit() && window[4] == b'-' && window[7] == b'-' && window[10] == b' ' && window[13] == b':'
    };
    text[..text.len().min(160)].windows(16).position(fits)
}

/// What follows a padded value, without the padding behind it.
fn unpad<'a>(text: &'a [u8], next: Option<&[u8]>) -> &'a [u8] {
    let blanks = text.iter().take_while(|b| **b == b' ').count();
    match next {
        Some(literal) => (0..=blanks).rev().map(|n| &text[n..]).find(|text| text.starts_with(literal)).unwrap_or(text),
        None => &text[blanks..],
    }
}

fn flush(literal: &mut Vec<u8>, tokens: &mut Vec<Token>) {
    if !literal.is_empty() {
        tokens.push(Token::Literal(std::mem::take(literal)));
    }
}

/// The value of `log_line_prefix = '...'`, or the text itself.
fn setting(layout: &str) -> &str {
    let Some(value) = layout.trim_start().strip_prefix("log_line_prefix") else { return layout };
    let value = value.trim_start().trim_start_matches('=').trim_start();
    match value.strip_prefix('\'').and_then(|v| v.rfind('\'').map(|end| &v[..end])) {
        Some(quoted) => quoted,
        None => value,
    }
}

/// The process id in a session id, `6b032ad0.311f`: its second half, in hex.
fn pid_of_session(id: &[u8]) -> Option<u64> {
    let (start, pid) = id.split_at(memchr(b'.', id)?);
    let hex = |text: &[u8]| u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok();
    hex(start)?;
    hex(&pid[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(layout: &str, line: &str) -> Option<(Option<u64>, Option<String>, Option<String>)> {
        let prefix = Prefix::compile(layout).expect("compiles");
        let (event, _) = prefix.event(&split(line.as_bytes())?)?;
        let text = |t: Option<&[u8]>| t.map(|t| String::from_utf8_lossy(t).into_owned());
        Some((event.pid, text(event.database), text(event.application)))
    }

    #[test]
    fn prefixes_compile_and_match() {
        let some = |t: &str| Some(t.to_owned());
        let at = "2026-11-22 17:48:11.140 UTC";
        assert_eq!(
            read("%m [%p] %q%u@%d %a ", &format!("{at} [12] bank@core DBeaver 21 - Main LOG:  x")),
            Some((Some(12), some("core"), some("DBeaver 21 - Main")))
        );
        assert_eq!(read("%m [%p] %q%u@%d %a ", &format!("{at} [12] LOG:  x")), Some((Some(12), None, None)));
        assert_eq!(
            read("%t:%r:%u@%d:[%p]:", "2026-11-22 17:48:11 UTC:10.0.0.1(5432):u@core:[99]:LOG:  x"),
            Some((Some(99), some("core"), None))
        );
        assert_eq!(
            read("%t:%r:%u@%d:[%p]:", "2026-11-22 17:48:11 UTC:::1(5432):u@core:[99]:LOG:  x"),
            Some((Some(99), some("core"), None))
        );
        assert_eq!(
            read("log_line_prefix = '%-5p|%l|%c %n%% '", "12   |3|6b032ad0.311f 1795369691.140% LOG:  x").map(|r| r.0),
            Some(Some(0x311f))
        );
        assert_eq!(read("%c %n ", "6b032ad0.311f 1795369691.140 LOG:  x").map(|r| r.0), Some(Some(0x311f)));
        assert_eq!(read("%m [%p] ", &format!("{at} [12] x LOG:  x")), None);
        assert_eq!(read("", "LOG:  x"), Some((None, None, None)));
    }

    #[test]
    fn padding_is_passed_over() {
        assert_eq!(read("%m [%5p] ", "2026-11-22 17:48:11.140 UTC [   12] LOG:  x").map(|r| r.0), Some(Some(12)));
        assert_eq!(read("%-6p|%-8d ", "12    |core     LOG:  x"), Some((Some(12), Some("core".into()), None)));
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        assert!(Prefix::compile("%m [%p] %").is_err());
        assert!(Prefix::compile("%m %z ").is_err());
    }

    #[test]
    fn severities_are_found_at_their_colon() {
        let line = split(b"2026-11-22 17:48:11 UTC [1] LOG:  statement: SELECT 'ERROR:  x'").expect("splits");
        assert_eq!((line.severity, line.message), (&b"LOG"[..], &b"statement: SELECT 'ERROR:  x'"[..]));
        assert!(split(b"LOG: one blank").is_none());
        assert!(split(b"CATALOG:  x").is_none());
        assert_eq!(split(b"DEBUG2:  x").expect("splits").severity, b"DEBUG");
    }
}
