//! gunicorn access logs: any `access_log_format`, given or found out.
//! <https://docs.gunicorn.org/en/stable/settings.html#access-log-format>

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while1};
use nom::character::complete::char;
use nom::combinator::{all_consuming, map};
use nom::multi::many0;
use nom::sequence::delimited;

use super::apache::named_value;
use super::pattern::{Field, Form, Pattern, Token};
use super::settle;
use super::shape::{self, Before, Shape};
use crate::scan::time::SECOND;
use crate::{Decoder, Family, Format, Id, OpenError, Options, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct Gunicorn;

static SPEC: Spec = Spec {
    name: "gunicorn",
    family: Family::Access,
    title: "gunicorn access log, any access_log_format",
    source: "https://docs.gunicorn.org/en/stable/settings.html#access-log-format",
    stamp: Stamp::End,
    unit: Some(Unit::Micros),
    resolution_ns: 1_000,
    sample: concat!(
        r#"[22/Nov/2026:17:40:46 +0000] "GET /health HTTP/1.1" 200 16 4508 4 "Python-urllib/3.11" -"#,
        "\n",
        r#"[22/Nov/2026:17:40:47 +0000] "POST /risk?a=b HTTP/1.1" 200 12 213951 213 "-" "#,
        "00-82f366aeaba5d04a77a934bd56676f14-6567724af2b83cc8-01\n",
    ),
};

impl Format for Gunicorn {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        guess(head).map_or(Verdict::NO, |(_, verdict)| verdict)
    }

    /// A layout with the request or the path in gunicorn's notation, `%(r)s` or `%(U)s`.
    fn takes_layout(&self, layout: &str) -> bool {
        layout.contains("%(r)s") || layout.contains("%(U)s")
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let pattern = match &options.layout {
            Some(layout) => compile(layout)?,
            None => {
                let guess = guess(head).ok_or_else(|| {
                    OpenError::new("the first lines have no layout known here; give the access_log_format with --log-format")
                })?;
                guess.0
            }
        };
        Ok(Box::new(pattern.opened(options)))
    }
}

/// Compiles an `access_log_format`.
fn compile(layout: &str) -> Result<Pattern, OpenError> {
    let name = take_while1(|c: char| c != ')');
    let field = map(delimited(tag("%("), name, tag(")s")), tokens_of);
    let percent = map(tag("%%"), |_| vec![Token::literal("%")]);
    let text = map(is_not("%"), |text: &str| vec![Token::literal(text)]);
    let lone = map(char('%'), |_| vec![Token::literal("%")]);
    let parsed = all_consuming(many0(alt((field, percent, text, lone)))).parse(layout);
    let (_, tokens) = parsed.map_err(|_: nom::Err<nom::error::Error<&str>>| {
        OpenError::new(format!("`{layout}` is no access_log_format: a `%(` is not closed by `)s`"))
    })?;
    Ok(Pattern::compile(tokens.concat(), layout.to_owned()))
}

/// What a name says. The stamp is taken when the line is written, which is the end.
fn tokens_of(name: &str) -> Vec<Token> {
    let duration = |unit: Unit, resolution_ns| Field::Duration { unit, resolution_ns };
    let field = match name {
        "t" => {
            let stamp = Field::Stamp { form: Form::Clf, marks: Stamp::End, resolution_ns: SECOND };
            return vec![Token::literal("["), Token::field(stamp), Token::literal("]")];
        }
        "r" => Field::Request,
        "m" => Field::Method,
        "U" => Field::Target { rank: 1 },
        "s" => Field::Status { rank: 0 },
        "b" | "B" => Field::Bytes { rank: 0 },
        "T" => duration(Unit::Seconds, SECOND),
        "M" => duration(Unit::Millis, SECOND / 1000),
        "D" => duration(Unit::Micros, 1000),
        "L" => duration(Unit::Seconds, 1000),
        _ => match name.strip_prefix('{').and_then(|name| name.split_once('}')) {
            Some((header, _)) => named_value(header),
            None => Field::Skip,
        },
    };
    vec![Token::Field { field, list: name.eq_ignore_ascii_case("{x-forwarded-for}i") }]
}

/// The layout of the first lines, when they state one duration as `%(D)s` and `%(M)s`, or one as
/// `%(L)s`, which has six decimals: else nothing tells them from another server's.
fn guess(head: &[u8]) -> Option<(Pattern, Verdict)> {
    let lines = shape::first_lines(head);
    let shape = shape::of(&lines)?;
    let before = match shape.before.as_slice() {
        [] => "",
        [Before::Client, _, _] => "%(h)s %(l)s %(u)s ",
        _ => return None,
    };
    let (names, what) = names(&shape)?;
    let head = format!("{before}%(t)s \"%(r)s\" %(s)s %(b)s");
    let layout = shape.layout(&head, |i| names[i].map_or_else(|| format!("%({{field-{i}}}o)s"), str::to_owned))?;
    let pattern = compile(&layout).ok()?;
    let share = shape::share(&lines, |line| pattern.fits(line));
    let pattern = pattern.assume(format!("No layout was given: {what}."));
    let evidence = format!("{share} % of the first {} lines read; {what}", lines.len());
    (share >= 60 && !shape.iso).then(|| (pattern, Verdict::new(76, evidence)))
}

/// A name for each value of the tail that can be told, and how the duration was found.
fn names(shape: &Shape<'_>) -> Option<(Vec<Option<&'static str>>, &'static str)> {
    let mut names = vec![None; shape.values.len()];
    if shape.is_combined() {
        (names[0], names[1]) = (Some("%(f)s"), Some("%(a)s"));
    }
    let mut what = None;
    let columns: Vec<_> = (0..names.len()).filter_map(|i| settle::numbers(&shape.values[i]).map(|v| (i, v))).collect();
    for (i, fine) in &columns {
        for (j, coarse) in columns.iter().filter(|(j, _)| j != i) {
            if what.is_none()
                && fine.iter().flatten().any(|us| *us >= 1000)
                && settle::agree(fine, coarse, |us, ms| us / 1000 == ms)
            {
                (names[*i], names[*j]) = (Some("%(D)s"), Some("%(M)s"));
                what = Some("two fields agree as microseconds %(D)s and milliseconds %(M)s");
            }
        }
    }
    for (i, values) in shape.values.iter().enumerate() {
        if names[i].is_some() {
            continue;
        }
        if what.is_none() && shape::mostly(values, is_micros) {
            names[i] = Some("%(L)s");
            what = Some("a field has seconds with six decimals, as %(L)s has");
        } else if shape::mostly(values, |v| v.len() == 55 && Id::traceparent(v).is_some()) {
            names[i] = Some("%({traceparent}i)s");
        } else if shape::mostly(values, |v| matches!(v.len(), 32 | 36) && v.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')) {
            names[i] = Some("%({x-request-id}i)s");
        }
    }
    Some((names, what?))
}

/// Seconds with six decimals.
fn is_micros(text: &[u8]) -> bool {
    let dot = text.len().wrapping_sub(7);
    (1..8).contains(&dot) && text[dot] == b'.' && text[..dot].iter().chain(&text[dot + 1..]).all(u8::is_ascii_digit)
}
