//! The shape of access lines whose layout is not known: what comes before `[time] "request"
//! status bytes`, what after, and the values that stand there in the first lines.

use memchr::memchr;

use crate::scan::{line, time};

/// How many lines are looked at.
const LINES: usize = 50;

/// How many values a tail may have. Real ones have a dozen; what compares values pair by pair must
/// not be made slow by a hostile line.
const VALUES: usize = 64;

/// A value before the stamp.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Before {
    /// Address of the client, or several.
    Client,
    /// Virtual host.
    Host,
    /// A dash: nobody asks for the identity of the client's user.
    Dash,
    /// Something else: identity or user.
    Other,
}

/// What stands after the bytes: literals, and values between them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// Text that stands in every line.
    Literal(Vec<u8>),
    /// A value.
    Value,
}

/// The shape most of the first lines have.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    /// The words before the stamp.
    pub(super) before: Vec<Before>,
    /// Whether the stamp is ISO 8601.
    pub(super) iso: bool,
    /// What stands after the bytes.
    pub(super) tail: Vec<Piece>,
    /// For each value of the tail, what the lines have there.
    pub(super) values: Vec<Vec<&'a [u8]>>,
    /// The stamps of those lines.
    pub(super) stamps: Vec<i64>,
    /// The bytes of those lines.
    pub(super) bytes: Vec<&'a [u8]>,
}

/// A line taken apart.
struct Parts<'a> {
    before: &'a [u8],
    iso: bool,
    stamp: i64,
    bytes: &'a [u8],
    tail: &'a [u8],
}

/// The first whole lines that are not blank. A last line without its end counts only when it is
/// the only one.
pub(super) fn first_lines(head: &[u8]) -> Vec<&[u8]> {
    let end = if memchr(b'\n', head).is_none() { b'\r' } else { b'\n' };
    let whole = head.iter().rposition(|&b| b == end).map_or(head, |at| &head[..at]);
    let lines = whole.split(|&b| b == end).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.trim_ascii().is_empty()).take(LINES).collect()
}

/// Percent of the first lines for which `fits` holds.
pub(super) fn share(lines: &[&[u8]], fits: impl Fn(&[u8]) -> bool) -> usize {
    lines.iter().filter(|line| fits(line)).count() * 100 / lines.len().max(1)
}

/// Whether nearly all values are such, and one of them is more than a dash: a few lines may hold
/// anything.
pub(super) fn mostly(values: &[&[u8]], is: impl Fn(&[u8]) -> bool) -> bool {
    let said: Vec<_> = values.iter().filter(|v| **v != b"-").collect();
    !said.is_empty() && said.iter().filter(|v| is(v)).count() * 10 >= said.len() * 6
}

/// The shape of the first lines, when most have one.
pub(super) fn of<'a>(lines: &[&'a [u8]]) -> Option<Shape<'a>> {
    let read: Vec<_> = lines.iter().filter_map(|line| parts(line)).collect();
    if read.is_empty() || read.len() * 100 < lines.len() * 60 {
        return None;
    }
    let tails: Vec<_> = read.iter().map(|parts| tail(parts.tail)).collect();
    let most = |i: &usize| tails.iter().filter(|t| t.0 == tails[*i].0).count();
    let model = (0..tails.len()).max_by_key(|i| (most(i), std::cmp::Reverse(*i)))?;
    let shape = &tails[model].0;
    let count = shape.iter().filter(|p| **p == Piece::Value).count();
    let alike: Vec<_> = tails.iter().filter(|t| t.0 == *shape).map(|t| &t.1).collect();
    let values = (0..count).map(|i| alike.iter().filter_map(|v| v.get(i).copied()).collect()).collect();
    let before: Vec<_> = read.iter().map(|p| words(p.before)).collect();
    let same = || read.iter().zip(&tails).filter(|(_, t)| t.0 == *shape).map(|(p, _)| p);
    Some(Shape {
        before: roles(&before)?,
        iso: read[model].iso,
        values,
        stamps: same().map(|p| p.stamp).collect(),
        bytes: same().map(|p| p.bytes).collect(),
        tail: shape.clone(),
    })
}

impl Shape<'_> {
    /// Whether the tail starts with the two quoted values of the combined layout.
    pub(super) fn is_combined(&self) -> bool {
        matches!(self.tail.as_slice(), [Piece::Literal(a), Piece::Value, Piece::Literal(b), Piece::Value, Piece::Literal(c), ..]
            if a == b" \"" && b == b"\" \"" && c.first() == Some(&b'"'))
    }

    /// Writes the layout: `before` in the notation's words, then the tail with a name per value.
    pub(super) fn layout(&self, head: &str, mut name: impl FnMut(usize) -> String) -> Option<String> {
        let mut layout = head.to_owned();
        let mut value = 0;
        for piece in &self.tail {
            match piece {
                Piece::Literal(text) => layout += std::str::from_utf8(text).ok().filter(|t| !t.contains(['$', '%', '\\']))?,
                Piece::Value => {
                    layout += &name(value);
                    value += 1;
                }
            }
        }
        Some(layout)
    }

    /// The key before a value, as in `key=value`, and whether the value is quoted.
    pub(super) fn key(&self, value: usize) -> (Option<&str>, bool) {
        let at = self.tail.iter().enumerate().filter(|(_, p)| **p == Piece::Value).nth(value).map_or(0, |(at, _)| at);
        let Some(Piece::Literal(text)) = at.checked_sub(1).and_then(|before| self.tail.get(before)) else { return (None, false) };
        let (text, quoted) = match text.strip_suffix(b"\"") {
            Some(text) => (text, true),
            None => (text.as_slice(), false),
        };
        let Some(key) = text.strip_suffix(b"=") else { return (None, quoted) };
        let start = key.iter().rposition(|&b| !is_key(b)).map_or(0, |i| i + 1);
        (std::str::from_utf8(&key[start..]).ok().filter(|k| !k.is_empty()), quoted)
    }
}

/// Takes a line apart at the first bracket that holds a time.
fn parts(text: &[u8]) -> Option<Parts<'_>> {
    let mut from = 0;
    for _ in 0..4 {
        let open = from + memchr(b'[', text.get(from..)?)?;
        let close = open + memchr(b']', &text[open..])?;
        let stamp = &text[open + 1..close];
        let (clf, iso) = (time::clf(stamp), time::iso(stamp));
        if let Ok(stamp) = clf.or(iso) {
            let (stamp, iso) = (stamp.nanos, clf.is_err());
            let (_, rest) = line::quoted(text[close + 1..].strip_prefix(b" ")?, b'"')?;
            let (status, rest) = bare(rest.strip_prefix(b" ")?);
            let (bytes, tail) = bare(rest.strip_prefix(b" ")?);
            let number = |t: &[u8], len| t == b"-" || (!t.is_empty() && t.len() <= len && t.iter().all(u8::is_ascii_digit));
            return (number(status, 3) && number(bytes, 19)).then_some(Parts { before: &text[..open], iso, stamp, bytes, tail });
        }
        from = open + 1;
    }
    None
}

fn bare(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(memchr(b' ', text).unwrap_or(text.len()))
}

/// The words before the stamp; a word that ends in a comma goes on.
fn words(before: &[u8]) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut rest = before.trim_ascii();
    while !rest.is_empty() && words.len() < 8 {
        let len = listed(rest);
        words.push(&rest[..len]);
        rest = rest[len..].trim_ascii_start();
    }
    words
}

/// Length of a bare value: to a blank that neither follows a comma nor leads to a lone colon.
fn listed(text: &[u8]) -> usize {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| memchr(b' ', rest)) {
        let at = from + found;
        if text[at..].starts_with(b" : ") {
            from = at + 3;
        } else if at > 0 && text[at - 1] == b',' {
            from = at + 1;
        } else {
            return at;
        }
    }
    text.len()
}

/// What the words before the stamp are, when most lines have equally many.
fn roles(lines: &[Vec<&[u8]>]) -> Option<Vec<Before>> {
    let most = |n: usize| lines.iter().filter(|words| words.len() == n).count();
    let count = (0..8).max_by_key(|&n| (most(n), std::cmp::Reverse(n)))?;
    let mut roles: Vec<_> = (0..count)
        .map(|i| {
            let column = || lines.iter().filter(|words| words.len() == count).map(move |words| words[i]);
            if column().all(|word| word == b"-") {
                Before::Dash
            } else if column().all(|word| word == b"-" || is_address(word)) {
                Before::Client
            } else if column().all(|word| word.contains(&b'.') || word.contains(&b':') || word == b"localhost") {
                Before::Host
            } else {
                Before::Other
            }
        })
        .collect();
    // Clients may be logged by name, and then look like hosts: the last of them is the client.
    if count > 0 && !roles.contains(&Before::Client) {
        let at = roles.iter().rposition(|r| *r == Before::Host).unwrap_or(0);
        roles[at] = Before::Client;
    }
    Some(roles)
}

/// IPv4, IPv6, or a list of them; with or without a port.
pub(super) fn is_address(text: &[u8]) -> bool {
    text.split(|&b| b == b',').all(|item| {
        let item = item.trim_ascii();
        let v4 = item.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b':')) && item.contains(&b'.');
        let v6 = item.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'[' | b']' | b'%'))
            && item.iter().filter(|b| **b == b':').count() >= 2;
        v4 || v6
    })
}

/// Takes a tail apart: quoted, bracketed and bare values, each with a `key=` or without.
fn tail(mut text: &[u8]) -> (Vec<Piece>, Vec<&[u8]>) {
    let (mut pieces, mut values, mut literal) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(&first) = text.first().filter(|_| values.len() < VALUES) {
        let key = text.iter().position(|&b| !is_key(b)).filter(|&at| at > 0 && text[at] == b'=' && text[0].is_ascii_alphabetic());
        let value_at = key.map_or(0, |at| at + 1);
        literal.extend_from_slice(&text[..value_at]);
        text = &text[value_at..];
        let (value, close): (&[u8], &[u8]) = match (text.first(), key) {
            (Some(b' '), None) => {
                literal.push(first);
                text = &text[1..];
                continue;
            }
            (Some(b'"'), _) => match line::quoted(text, b'"') {
                Some((value, _)) => {
                    literal.push(b'"');
                    (value, b"\"")
                }
                None => (text, b""),
            },
            (Some(b'['), _) if memchr(b']', text).is_some() => {
                literal.push(b'[');
                (&text[1..memchr(b']', text).unwrap_or(1)], b"]")
            }
            _ => (&text[..listed(text)], b""),
        };
        let separator = close.is_empty() && value != b"-" && !value.is_empty() && !value.iter().any(u8::is_ascii_alphanumeric);
        let used = value.len() + if close.is_empty() { 0 } else { 2 };
        if separator {
            literal.extend_from_slice(value);
        } else {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Value);
            values.push(value);
            literal.extend_from_slice(close);
        }
        text = text.get(used..).unwrap_or_default();
        if used == 0 && value_at == 0 {
            // Only an empty bare value uses nothing: the rest is a literal.
            literal.extend_from_slice(text);
            break;
        }
    }
    let blank_end = literal.iter().rposition(|b| *b != b' ').map_or(0, |at| at + 1);
    literal.truncate(blank_end);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    (pieces, values)
}

fn is_key(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_literals_and_values() {
        let (pieces, values) = tail(br#" "-" "a b" rt=0.026 urt=0.025, 0.010 : - ua="x" | [] - rid=ff"#);
        let literal = |t: &str| Piece::Literal(t.as_bytes().to_vec());
        let want = [" \"", "\" \"", "\" rt=", " urt=", " ua=\"", "\" | [", "] ", " rid="];
        assert_eq!(pieces, want.iter().flat_map(|t| [literal(t), Piece::Value]).collect::<Vec<_>>());
        assert_eq!(values, [&b"-"[..], b"a b", b"0.026", b"0.025, 0.010 : -", b"x", b"", b"-", b"ff"]);
    }

    #[test]
    fn what_comes_before_is_told_apart() {
        use Before::*;
        let roles_of = |line: &str| of(&[line.as_bytes()]).map(|s| s.before);
        let rest = r#"[22/Nov/2026:17:55:51 +0000] "GET / HTTP/1.1" 200 15"#;
        assert_eq!(roles_of(&format!("1.2.3.4 - bob {rest}")), Some(vec![Client, Dash, Other]));
        assert_eq!(roles_of(&format!("2001:db8::1 - - {rest}")), Some(vec![Client, Dash, Dash]));
        assert_eq!(roles_of(&format!("1.2.3.4, 5.6.7.8 - - {rest}")), Some(vec![Client, Dash, Dash]));
        assert_eq!(roles_of(&format!("www.a.example:443 1.2.3.4 - - {rest}")), Some(vec![Host, Client, Dash, Dash]));
        assert_eq!(roles_of(&format!("client.example - - {rest}")), Some(vec![Client, Dash, Dash]));
        assert_eq!(roles_of(rest), Some(vec![]));
    }

    #[test]
    fn keys_and_quotes_of_values_are_known() {
        let line = br#"1.1.1.1 - - [22/Nov/2026:17:55:51 +0000] "GET / HTTP/1.1" 200 15 "-" "a" rt=0.1 us="200" 7"#;
        let shape = of(&[line]).expect("a shape");
        assert!(shape.is_combined());
        let keys: Vec<_> = (0..5).map(|i| shape.key(i)).collect();
        assert_eq!(keys, [(None, true), (None, true), (Some("rt"), false), (Some("us"), true), (None, false)]);
    }
}
