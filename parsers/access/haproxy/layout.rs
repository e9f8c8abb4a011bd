//! `log-format` strings, compiled: which field stands where in a line, and where it ends.
//!
//! What the fields mean is not known here, only how they are told apart.
//! <https://docs.haproxy.org/3.0/configuration.html#8.2.6>

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_until, take_while};
use nom::character::complete::{alphanumeric1, anychar};
use nom::combinator::{map, opt};
use nom::multi::many0;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use crate::scan::line::quoted;

/// A field that matters. All others are only skipped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Var {
    /// `%tr`: when the request's first byte came, without a zone.
    RequestDate,
    /// `%t`: when the connection was accepted, without a zone.
    AcceptDate,
    /// `%trg`, `%trl`: as `%tr`, with a zone.
    ZonedRequestDate,
    /// `%T`, `%Tl`: as `%t`, with a zone.
    ZonedAcceptDate,
    /// `%Ts`
    Epoch,
    /// `%ms`
    Millis,
    /// `%TR`
    RequestTime,
    /// `%Tq`
    OldRequestTime,
    /// `%Tw`
    QueueTime,
    /// `%Tc`
    ConnectTime,
    /// `%Tr`
    ResponseTime,
    /// `%Td`
    DataTime,
    /// `%Ta`
    ActiveTime,
    /// `%Tt`
    TotalTime,
    /// `%Th`
    HandshakeTime,
    /// `%Ti`
    IdleTime,
    /// `%ST`
    Status,
    /// `%B`
    Bytes,
    /// `%tsc`, `%ts`
    Termination,
    /// `%f`, `%ft`
    Frontend,
    /// `%b`
    Backend,
    /// `%s`
    Server,
    /// `%r`
    Request,
    /// `%HM`
    Method,
    /// `%HU`, `%HP`, `%HPO`
    Target,
    /// `%ID`
    Id,
    /// A captured or fetched `traceparent` header.
    Traceparent,
    /// `%H`
    Host,
}

const VARS: usize = Var::Host as usize + 1;

/// How the end of a field is found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lex {
    /// Digits with a sign.
    Number,
    /// `06/Feb/2009:12:14:14.655` with or without ` +0100`.
    Date,
    /// An address, which may hold the colons that also separate.
    Address,
    /// `{a|b}`, left out when empty, together with the blank that follows.
    Captures,
    /// Quoted texts one after another.
    List,
    /// All up to the next literal, without blanks.
    Word,
    /// All up to the next literal.
    Text,
}

#[derive(Clone, Debug)]
enum Item {
    Literal(Vec<u8>),
    Field { var: Option<Var>, lex: Lex, quoted: bool },
}

/// A compiled `log-format`.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The string it was compiled from.
    pub(super) text: String,
    items: Vec<Item>,
}

/// The fields of one line.
pub(super) struct Fields<'a>([Option<&'a [u8]>; VARS]);

impl<'a> Fields<'a> {
    /// No fields yet.
    pub(super) fn new() -> Self {
        Fields([None; VARS])
    }

    /// The text of a field, if the line has it.
    pub(super) fn get(&self, var: Var) -> Option<&'a [u8]> {
        self.0[var as usize]
    }
}

impl Layout {
    /// Compiles a `log-format` string, with or without the directive's name and quotes around it.
    pub(super) fn compile(text: &str) -> Option<Layout> {
        let mut body = text.trim();
        for directive in ["log-format-sd ", "log-format "] {
            body = body.strip_prefix(directive).unwrap_or(body).trim_start();
        }
        let outer = body.chars().next().filter(|q| matches!(q, '"' | '\''));
        let body = outer.and_then(|q| body.strip_prefix(q)?.strip_suffix(q)).unwrap_or(body);
        let (rest, tokens) = many0(token).parse(body.as_bytes()).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut items: Vec<Item> = Vec::new();
        let mut all_quoted = false;
        for token in tokens {
            match token {
                Token::Literal(byte) => match items.last_mut() {
                    Some(Item::Literal(bytes)) => bytes.push(byte),
                    _ => items.push(Item::Literal(vec![byte])),
                },
                Token::Variable { flags, name: b"o" } => all_quoted = quotes(flags).unwrap_or(all_quoted),
                Token::Variable { flags, name } => {
                    let (var, lex) = variable(name);
                    items.push(Item::Field { var, lex, quoted: quotes(flags).unwrap_or(all_quoted) });
                }
                Token::Expression { flags, text } => {
                    items.push(Item::Field {
                        var: expression(text),
                        lex: Lex::Text,
                        quoted: quotes(flags).unwrap_or(all_quoted),
                    });
                }
            }
        }
        // The directive `%o` leaves an empty field behind, whose blank is not written.
        if let Some(Item::Literal(bytes)) = items.first_mut()
            && body.starts_with("%{")
            && bytes.first() == Some(&b' ')
        {
            bytes.remove(0);
        }
        let has_field = items.iter().any(|i| matches!(i, Item::Field { .. }));
        has_field.then(|| Layout { text: body.to_owned(), items })
    }

    /// Whether any field of the layout is this one.
    pub(super) fn has(&self, wanted: Var) -> bool {
        self.items.iter().any(|i| matches!(i, Item::Field { var: Some(var), .. } if *var == wanted))
    }

    /// Takes a line apart. `None` when it does not fit. What follows the last item after a blank is
    /// left alone; a quoted field that never closes is what HAProxy leaves of a line that is too
    /// long, and ends it.
    pub(super) fn read<'a>(&self, line: &'a [u8]) -> Option<Fields<'a>> {
        let mut fields = Fields::new();
        self.read_into(line, &mut fields).then_some(fields)
    }

    /// As [`Layout::read`], without moving half a kilobyte of fields about. What a line that does
    /// not fit leaves in the fields means nothing.
    pub(super) fn read_into<'a>(&self, line: &'a [u8], fields: &mut Fields<'a>) -> bool {
        fields.0 = [None; VARS];
        self.walk(line, fields).is_some()
    }

    fn walk<'a>(&self, line: &'a [u8], fields: &mut Fields<'a>) -> Option<()> {
        let mut rest = line;
        let mut skip_blank = false;
        for (i, item) in self.items.iter().enumerate() {
            match item {
                Item::Literal(bytes) => {
                    let bytes = if skip_blank { bytes.strip_prefix(b" ").unwrap_or(bytes) } else { bytes };
                    rest = match bytes {
                        // Nearly all literals are one byte: no call for that.
                        [only] => rest.split_first().filter(|(first, _)| *first == only)?.1,
                        _ => rest.strip_prefix(bytes)?,
                    };
                    skip_blank = false;
                }
                Item::Field { var, lex, quoted: is_quoted } => {
                    let next = match self.items.get(i + 1) {
                        Some(Item::Literal(bytes)) => bytes.as_slice(),
                        Some(Item::Field { .. }) => b" ",
                        None => b"",
                    };
                    let (value, after) = if *is_quoted && rest.first() == Some(&b'"') {
                        match quoted(rest, b'"') {
                            Some(split) => split,
                            None => {
                                set(fields, *var, &rest[1..]);
                                return Some(());
                            }
                        }
                    } else {
                        let len = lex.length(rest, next)?;
                        skip_blank = *lex == Lex::Captures && len == 0;
                        rest.split_at(len)
                    };
                    set(fields, *var, value);
                    rest = after;
                }
            }
        }
        (rest.is_empty() || matches!(rest[0], b' ' | b'\t')).then_some(())
    }
}

/// The first place a field is written at is the one that counts.
fn set<'a>(fields: &mut Fields<'a>, var: Option<Var>, value: &'a [u8]) {
    if let Some(var) = var {
        fields.0[var as usize].get_or_insert(value);
    }
}

impl Lex {
    /// How much of `text` the field takes, given the literal that follows it.
    fn length(self, text: &[u8], next: &[u8]) -> Option<usize> {
        let run = |fits: fn(u8) -> bool| text.iter().position(|&b| !fits(b)).unwrap_or(text.len());
        match self {
            Lex::Number => {
                let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
                let digits = text[sign..].iter().take_while(|b| b.is_ascii_digit()).count();
                (digits > 0 || text.first() == Some(&b'-')).then_some(sign + digits)
            }
            Lex::Date => {
                let len = run(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b':' | b'.'));
                let zone = text
                    .get(len..len + 6)
                    .is_some_and(|z| z[0] == b' ' && matches!(z[1], b'+' | b'-') && z[2..].iter().all(u8::is_ascii_digit));
                (len > 0).then_some(if zone { len + 6 } else { len })
            }
            Lex::Address => {
                let len =
                    run(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'%' | b'@' | b'_' | b'[' | b']'));
                match next.first() {
                    Some(b':') => text[..len].iter().rposition(|&b| b == b':'),
                    _ => Some(len),
                }
            }
            Lex::Captures if text.first() == Some(&b'{') => text.iter().position(|&b| b == b'}').map(|at| at + 1),
            Lex::Captures => Some(0),
            Lex::List => {
                let mut rest = text;
                while let Some((_, after)) = quoted(rest, b'"') {
                    rest = match after.strip_prefix(b" ") {
                        Some(more) if more.first() == Some(&b'"') => more,
                        _ => after,
                    };
                }
                Some(text.len() - rest.len())
            }
            Lex::Word => {
                let len = if next.is_empty() { run(|b| b != b' ') } else { up_to(text, next)? };
                (len > 0 && !text[..len].contains(&b' ')).then_some(len)
            }
            // A text that the line's end cuts off is all there is left.
            Lex::Text => Some(up_to(text, next).unwrap_or(text.len())),
        }
    }
}

/// Where `next` first occurs; all of the text when nothing comes next.
fn up_to(text: &[u8], next: &[u8]) -> Option<usize> {
    match *next {
        [] => Some(text.len()),
        // Most fields are a few bytes long: a loop is done before a search has been set up.
        [only] => text.iter().position(|&b| b == only),
        [first, ..] => memchr::memchr_iter(first, text).find(|&at| text[at..].starts_with(next)),
    }
}

/// A piece of a `log-format` string.
enum Token<'a> {
    Literal(u8),
    Variable { flags: &'a [u8], name: &'a [u8] },
    Expression { flags: &'a [u8], text: &'a [u8] },
}

fn token(input: &[u8]) -> IResult<&[u8], Token<'_>> {
    let flags = || map(opt(delimited(tag("{"), take_while(|b| b != b'}'), tag("}"))), Option::unwrap_or_default);
    let name = || opt(delimited(tag("("), is_not(")"), tag(")")));
    alt((
        map(tag("%%"), |_| Token::Literal(b'%')),
        map((tag("%"), name(), flags(), delimited(tag("["), take_until("]"), tag("]"))), |(_, _, flags, text)| {
            Token::Expression { flags, text }
        }),
        map((tag("%"), name(), flags(), alphanumeric1), |(_, _, flags, name)| Token::Variable { flags, name }),
        // A configuration file escapes blanks and quotes.
        map(preceded(tag("\\"), anychar), |c| Token::Literal(u8::try_from(c).unwrap_or(b'?'))),
        map(nom::number::complete::u8, Token::Literal),
    ))
    .parse(input)
}

/// Whether flags such as `+Q,-E` turn quotes on or off, if they say.
fn quotes(flags: &[u8]) -> Option<bool> {
    flags.split(|&b| b == b',').rev().find_map(|flag| match flag.trim_ascii() {
        b"+Q" | b"Q" => Some(true),
        b"-Q" => Some(false),
        _ => None,
    })
}

fn variable(name: &[u8]) -> (Option<Var>, Lex) {
    match name {
        b"tr" => (Some(Var::RequestDate), Lex::Date),
        b"t" => (Some(Var::AcceptDate), Lex::Date),
        b"trg" | b"trl" => (Some(Var::ZonedRequestDate), Lex::Date),
        b"T" | b"Tl" => (Some(Var::ZonedAcceptDate), Lex::Date),
        b"Ts" => (Some(Var::Epoch), Lex::Number),
        b"ms" => (Some(Var::Millis), Lex::Number),
        b"TR" => (Some(Var::RequestTime), Lex::Number),
        b"Tq" => (Some(Var::OldRequestTime), Lex::Number),
        b"Tw" => (Some(Var::QueueTime), Lex::Number),
        b"Tc" => (Some(Var::ConnectTime), Lex::Number),
        b"Tr" => (Some(Var::ResponseTime), Lex::Number),
        b"Td" => (Some(Var::DataTime), Lex::Number),
        b"Ta" => (Some(Var::ActiveTime), Lex::Number),
        b"Tt" => (Some(Var::TotalTime), Lex::Number),
        b"Th" => (Some(Var::HandshakeTime), Lex::Number),
        b"Ti" => (Some(Var::IdleTime), Lex::Number),
        b"ST" => (Some(Var::Status), Lex::Number),
        b"B" => (Some(Var::Bytes), Lex::Number),
        b"tsc" | b"ts" => (Some(Var::Termination), Lex::Word),
        b"f" | b"ft" => (Some(Var::Frontend), Lex::Word),
        b"b" => (Some(Var::Backend), Lex::Word),
        b"s" => (Some(Var::Server), Lex::Word),
        b"r" => (Some(Var::Request), Lex::Text),
        b"HM" => (Some(Var::Method), Lex::Word),
        b"HU" | b"HP" | b"HPO" => (Some(Var::Target), Lex::Text),
        b"ID" => (Some(Var::Id), Lex::Text),
        b"H" => (Some(Var::Host), Lex::Word),
        b"ci" | b"fi" | b"bi" | b"si" => (None, Lex::Address),
        b"cp" | b"fp" | b"bp" | b"sp" | b"ac" | b"fc" | b"bc" | b"sc" | b"rc" | b"sq" | b"bq" | b"lc" | b"rt" | b"U" | b"pid" => {
            (None, Lex::Number)
        }
        b"hr" | b"hs" => (None, Lex::Captures),
        b"hrl" | b"hsl" => (None, Lex::List),
        _ => (None, Lex::Text),
    }
}

/// The few sample expressions whose meaning is certain.
fn expression(text: &[u8]) -> Option<Var> {
    let fetch = text.split(|&b| b == b',').next().unwrap_or(text).trim_ascii();
    match fetch {
        b"unique-id" | b"req.hdr(x-request-id)" | b"req.hdr(X-Request-ID)" | b"capture.req.hdr(x-request-id)" => Some(Var::Id),
        b"method" | b"capture.req.method" => Some(Var::Method),
        b"path" | b"pathq" | b"url" | b"capture.req.uri" => Some(Var::Target),
        b"status" | b"txn.status" => Some(Var::Status),
        b"hostname" => Some(Var::Host),
        b"req.hdr(traceparent)" => Some(Var::Traceparent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(layout: &str, line: &str, var: Var) -> Option<String> {
        let fields = Layout::compile(layout)?.read(line.as_bytes())?;
        fields.get(var).map(|v| String::from_utf8_lossy(v).into_owned())
    }

    #[test]
    fn colons_of_an_address_do_not_end_it() {
        let line = "2001:db8::1:33317 web/s1 12";
        assert_eq!(get("%ci:%cp %b/%s %Ta", line, Var::ActiveTime).as_deref(), Some("12"));
        assert_eq!(get("%ci:%cp %b/%s %Ta", line, Var::Server).as_deref(), Some("s1"));
    }

    #[test]
    fn captures_that_are_left_out_take_their_blank_along() {
        for line in ["0/0 {a b|c} {} \"GET / HTTP/1.1\"", "0/0 {a} \"GET / HTTP/1.1\"", "0/0 \"GET / HTTP/1.1\""] {
            assert_eq!(get("%sq/%bq %hr %hs %{+Q}r", line, Var::Request).as_deref(), Some("GET / HTTP/1.1"), "{line}");
        }
    }

    #[test]
    fn any_text_between_the_fields_is_a_literal() {
        let layout = r#"log-format '{"at":"%trg","ms":%Ta,"pct":"5%%","req":"%r"}'"#;
        let line = r#"{"at":"06/Feb/2009:12:14:14 +0000","ms":109,"pct":"5%","req":"GET /a HTTP/1.1"}"#;
        assert_eq!(get(layout, line, Var::ActiveTime).as_deref(), Some("109"));
        assert_eq!(get(layout, line, Var::ZonedRequestDate).as_deref(), Some("06/Feb/2009:12:14:14 +0000"));
        assert_eq!(get(layout, line, Var::Request).as_deref(), Some("GET /a HTTP/1.1"));
        let escaped = r"%ci:%cp\ [%t]\ %{+Q}[unique-id]";
        assert_eq!(get(escaped, r#"10.0.0.1:5 [06/Feb/2009:12:14:14.655] "a b""#, Var::Id).as_deref(), Some("a b"));
    }

    #[test]
    fn what_does_not_fit_is_none() {
        assert_eq!(get("%Tw/%Tc/%Tt %B", "1/2/x 5", Var::Bytes), None);
        assert_eq!(get("%Tw/%Tc/%Tt %B", "1/2/3/4/5 5", Var::Bytes), None);
        assert!(Layout::compile("no fields at all").is_none());
    }
}
