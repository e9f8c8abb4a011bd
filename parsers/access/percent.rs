//! Format strings of directives that start with `%`: Apache httpd's, which lighttpd shares, and
//! Tomcat's. Only their syntax; what a directive says differs from server to server.
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while};
use nom::character::complete::{char, satisfy};
use nom::combinator::{all_consuming, map, opt, value};
use nom::multi::many0;
use nom::sequence::delimited;

use super::pattern::{Field, Form, Token};
use super::strftime::{self, Item};
use crate::{OpenError, Stamp, Unit};

/// A piece of a format string.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// Text.
    Literal(String),
    /// A directive.
    Directive(Directive),
}

/// `%{argument}x`, or `%^xy`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Directive {
    /// What stands in braces; empty when there are none.
    pub(super) argument: String,
    /// The letter.
    pub(super) letter: char,
    /// `<`: of the request before internal redirects.
    pub(super) original: bool,
}

/// The pieces of a format string. Backslashes are those of a configuration file.
pub(super) fn pieces(layout: &str) -> Result<Vec<Piece>, OpenError> {
    let parsed = all_consuming(many0(alt((escape, literal, percent, directive)))).parse(layout);
    let (_, pieces) = parsed.map_err(|_: nom::Err<nom::error::Error<&str>>| {
        OpenError::new(format!("`{layout}` is no log format: a `%` stands without a directive, or a brace is not closed"))
    })?;
    Ok(pieces)
}

/// Whether a text looks like such a format string, and not like HAProxy's, Envoy's, gunicorn's or
/// PostgreSQL's: a request, a status, and no directive of two letters.
pub(super) fn is_layout(layout: &str) -> bool {
    let Ok(pieces) = pieces(layout) else { return false };
    let (mut request, mut status) = (false, false);
    for (i, piece) in pieces.iter().enumerate() {
        let Piece::Directive(directive) = piece else { continue };
        request |= matches!(directive.letter, 'r' | 'U');
        status |= directive.letter == 's';
        // Letters right behind belong to another notation's name, unless they are the unit of a time.
        let glued = matches!(pieces.get(i + 1), Some(Piece::Literal(text)) if text.starts_with(|c: char| c.is_ascii_alphabetic()))
            && !(directive.letter == 'D' && unit_behind(&pieces, i).is_some());
        if glued || !directive.letter.is_ascii_alphabetic() || directive.argument.starts_with('+') {
            return false;
        }
    }
    request && status
}

/// The unit that the text behind a directive names: `%Dms`, `%D us`.
pub(super) fn unit_behind(pieces: &[Piece], at: usize) -> Option<Unit> {
    let Some(Piece::Literal(text)) = pieces.get(at + 1) else { return None };
    let text = text.strip_prefix(' ').unwrap_or(text);
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    match &text[..end] {
        "ms" | "msec" | "millis" => Some(Unit::Millis),
        "us" | "usec" | "micros" | "\u{b5}s" | "\u{3bc}s" => Some(Unit::Micros),
        _ => None,
    }
}

/// The unit that is written behind `%D`, if any.
pub(super) fn unit_of_d(pieces: &[Piece]) -> Option<Unit> {
    let is_d = |piece: &Piece| matches!(piece, Piece::Directive(d) if d.letter == 'D');
    pieces.iter().position(is_d).and_then(|at| unit_behind(pieces, at))
}

/// Tokens of the pieces, by what the server means with its directives. Stamps that are spread over
/// several directives (`%{%T}t.%{msec_frac}t`) are put together.
pub(super) fn tokens(
    pieces: &[Piece],
    dates: fn(&str) -> Option<Vec<Item>>,
    stamp: Stamp,
    field: impl Fn(&Directive) -> Field,
) -> Result<Vec<Token>, OpenError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        at += 1;
        match piece {
            Piece::Literal(text) => tokens.push(Token::literal(text)),
            Piece::Directive(d) if d.letter == 't' && d.argument.is_empty() => {
                let form = Form::Clf;
                let clf = Field::Stamp { form, marks: stamp, resolution_ns: strftime::resolution_ns(&[Item::Second]) };
                tokens.extend([Token::literal("["), Token::field(clf), Token::literal("]")]);
            }
            Piece::Directive(d) if d.letter == 't' => {
                let (items, marks, used) = spread(&pieces[at - 1..], dates, stamp).ok_or_else(|| {
                    OpenError::new(format!("`%{{{}}}t` holds a part of a time that cannot be read", d.argument))
                })?;
                at += used - 1;
                let resolution_ns = strftime::resolution_ns(&items);
                let whole = strftime::is_whole(&items);
                let field =
                    if whole { Field::Stamp { form: Form::Items(items.into()), marks, resolution_ns } } else { Field::Skip };
                tokens.push(Token::field(field));
            }
            Piece::Directive(d) => {
                let list = d.letter == 'i' && d.argument.eq_ignore_ascii_case("x-forwarded-for");
                tokens.push(Token::Field { field: field(d), list });
            }
        }
    }
    Ok(tokens)
}

/// The stamp that starts at the first piece: its items, what it marks, and how many pieces it is
/// spread over.
fn spread(pieces: &[Piece], dates: fn(&str) -> Option<Vec<Item>>, default: Stamp) -> Option<(Vec<Item>, Stamp, usize)> {
    let part = |piece: &Piece| match piece {
        Piece::Directive(d) if d.letter == 't' && !d.argument.is_empty() => {
            let (marks, pattern) = match d.argument.split_once(':') {
                Some(("begin", pattern)) => (Stamp::Start, pattern),
                Some(("end", pattern)) => (Stamp::End, pattern),
                _ => (default, d.argument.as_str()),
            };
            dates(pattern).map(|items| (items, marks))
        }
        _ => None,
    };
    let (mut items, marks) = part(pieces.first()?)?;
    let mut used = 1;
    if matches!(items.as_slice(), [Item::Epoch(_)]) && !matches!(pieces.get(1), Some(Piece::Literal(text)) if text == ".") {
        return Some((items, marks, used));
    }
    loop {
        let (literal, next) = match pieces.get(used..)? {
            [Piece::Literal(text), next, ..] if text.len() <= 2 => (text.as_str(), next),
            [next, ..] => ("", next),
            [] => break,
        };
        let Some((more, same)) = part(next) else { break };
        if same != marks || (strftime::is_whole(&items) && strftime::is_whole(&more)) {
            break;
        }
        items.extend(literal.bytes().map(Item::Literal));
        items.extend(more);
        used += if literal.is_empty() { 1 } else { 2 };
    }
    Some((items, marks, used))
}

fn literal(input: &str) -> nom::IResult<&str, Piece> {
    map(is_not("%\\"), |text: &str| Piece::Literal(text.to_owned())).parse(input)
}

fn escape(input: &str) -> nom::IResult<&str, Piece> {
    let known = alt((value("\t", tag("\\t")), value("\n", tag("\\n")), value("\"", tag("\\\"")), value("\\", tag("\\"))));
    map(known, |text: &str| Piece::Literal(text.to_owned())).parse(input)
}

fn percent(input: &str) -> nom::IResult<&str, Piece> {
    map(tag("%%"), |_| Piece::Literal("%".to_owned())).parse(input)
}

fn directive(input: &str) -> nom::IResult<&str, Piece> {
    let statuses = take_while(|c: char| c.is_ascii_digit() || matches!(c, '!' | ','));
    let braces = delimited(char('{'), take_while(|c| c != '}'), char('}'));
    let (rest, (_, _, redirect, argument)) = (char('%'), statuses, opt(alt((char('<'), char('>')))), opt(braces)).parse(input)?;
    let letter = || satisfy(|c| c.is_ascii_alphabetic());
    let (rest, letter) = alt((map((char('^'), letter(), letter()), |_| '^'), letter())).parse(rest)?;
    let argument = argument.unwrap_or("").to_owned();
    Ok((rest, Piece::Directive(Directive { argument, letter, original: redirect == Some('<') })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_taken_apart() {
        let got = pieces(r#"%h \"%<{Referer}i\" %>s %!200,304{X-Id}o %^FB 100%%"#).expect("compiles");
        let directive =
            |argument: &str, letter, original| Piece::Directive(Directive { argument: argument.into(), letter, original });
        let letters: Vec<_> = got.iter().filter(|p| matches!(p, Piece::Directive(_))).cloned().collect();
        let want = [
            directive("", 'h', false),
            directive("Referer", 'i', true),
            directive("", 's', false),
            directive("X-Id", 'o', false),
            directive("", '^', false),
        ];
        assert_eq!(letters, want);
        assert!(pieces("%h %").is_err());
        assert!(pieces("%{open").is_err());
    }

    #[test]
    fn other_notations_are_left_alone() {
        assert!(is_layout(r#"%h %l %u %t "%r" %>s %b"#));
        assert!(is_layout(r"%v %{%F}t %m %U%q %s"));
        assert!(is_layout(r#"%h %t "%r" %s %Dus"#));
        for other in [
            "%t [%p]: user=%u,db=%d ",
            "%m [%p] %q%u@%d ",
            "%ci:%cp [%tr] %ft %b/%s %ST %B %{+Q}r",
            r#"%(h)s "%(r)s" %(s)s"#,
            "[%START_TIME%] %RESPONSE_CODE%",
            "$remote_addr $status",
        ] {
            assert!(!is_layout(other), "{other}");
        }
    }
}
