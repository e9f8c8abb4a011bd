//! Pieces of a line: words, quoted texts, `key=value` pairs, the request line.

use memchr::{memchr, memchr2};

/// The text up to the next blank, and what follows the blank.
#[inline]
pub fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b' ', text) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

/// A quoted text that `text` starts with, and what follows the closing quote. A quote after a
/// backslash does not close. `None` when it does not start with `quote` or never closes.
#[inline]
pub fn quoted(text: &[u8], quote: u8) -> Option<(&[u8], &[u8])> {
    let body = text.strip_prefix(&[quote])?;
    let mut at = 0;
    loop {
        let found = at + memchr2(quote, b'\\', &body[at..])?;
        if body[found] == quote {
            return Some((&body[..found], &body[found + 1..]));
        }
        at = found + 2;
        if at > body.len() {
            return None;
        }
    }
}

/// Method and target of an HTTP request line, `GET /path HTTP/1.1`. HTTP/0.9 has no protocol, and
/// targets with blanks occur in attacks: the target is all between the first blank and the
/// protocol. `None` when there is no method of letters or no target.
#[inline]
pub fn request_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = match text {
        // Nearly all requests, told without a loop.
        [b'G', b'E', b'T', b' ', ..] => 3,
        [b'P', b'O', b'S', b'T', b' ', ..] => 4,
        _ => text.iter().take(25).position(|b| !(b.is_ascii_alphabetic() || matches!(b, b'-' | b'_')))?,
    };
    let (method, rest) = (&text[..end], &text[end + 1..]);
    if text[end] != b' ' || method.is_empty() || rest.is_empty() {
        return None;
    }
    let target = match rest {
        [target @ .., b' ', b'H', b'T', b'T', b'P', b'/', _, b'.', _] => target,
        _ => match rest.iter().rposition(|&b| b == b' ') {
            Some(at) if rest[at + 1..].starts_with(b"HTTP/") => &rest[..at],
            _ => rest,
        },
    };
    (!target.is_empty()).then_some((method, target))
}

/// Calls `each` with every `key=value` of a line. A key is a word of letters, digits, `_`, `.` and
/// `-`; a value ends at a blank, `,` or `;` before a blank, or is quoted by `"` or `'`.
pub fn key_values<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) {
    let mut at = 0;
    while let Some(found) = memchr(b'=', &text[at..]) {
        let equals = at + found;
        let key_start = text[at..equals].iter().rposition(|b| !is_key(*b)).map_or(at, |i| at + i + 1);
        let after = &text[equals + 1..];
        let (value, used) = match after.first() {
            Some(&quote @ (b'"' | b'\'')) => match quoted(after, quote) {
                Some((value, rest)) => (value, after.len() - rest.len()),
                None => (after, after.len()),
            },
            _ => {
                let len = after.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(after.len());
                let value = &after[..len];
                let value = value.strip_suffix(b",").or_else(|| value.strip_suffix(b";")).unwrap_or(value);
                (value, len)
            }
        };
        if key_start < equals {
            each(&text[key_start..equals], value);
        }
        at = equals + 1 + used;
    }
}

fn is_key(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_after_a_backslash_does_not_close() {
        assert_eq!(quoted(br#""a \"b\" c" rest"#, b'"'), Some((&br#"a \"b\" c"#[..], &b" rest"[..])));
        assert_eq!(quoted(b"\"never", b'"'), None);
        assert_eq!(quoted(b"\"ends in \\", b'"'), None);
        assert_eq!(quoted(b"bare", b'"'), None);
    }

    #[test]
    fn request_lines_are_read_with_their_oddities() {
        assert_eq!(request_line(b"GET /a?b=c HTTP/1.1"), Some((&b"GET"[..], &b"/a?b=c"[..])));
        assert_eq!(request_line(b"GET /a b HTTP/1.0"), Some((&b"GET"[..], &b"/a b"[..])));
        assert_eq!(request_line(b"GET /old"), Some((&b"GET"[..], &b"/old"[..])));
        assert_eq!(request_line(b"\\x16\\x03\\x01"), None);
        assert_eq!(request_line(b"-"), None);
    }

    #[test]
    fn key_values_are_found_wherever_they_stand() {
        let mut got = Vec::new();
        key_values(b"txn - id=7 type=PAY, msg=\"a b=c\" total_ms=12.5; x='y z' =no", |k, v| {
            got.push((String::from_utf8_lossy(k).into_owned(), String::from_utf8_lossy(v).into_owned()));
        });
        let want = [("id", "7"), ("type", "PAY"), ("msg", "a b=c"), ("total_ms", "12.5"), ("x", "y z")];
        assert_eq!(got, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }
}
