//! Where a value ends: at the literal that follows it in the layout.

use memchr::{memchr, memchr2};

/// What ends a value.
#[derive(Debug)]
pub(super) enum End {
    /// The line.
    Line,
    /// A slash that belongs to the next value.
    Slash,
    /// One byte.
    Byte(u8),
    /// A text, found by its most telling byte.
    Text { text: Box<[u8]>, pivot: usize },
    /// A closing quote with what follows it; a quote after a backslash does not close.
    Quote { text: Box<[u8]> },
    /// A closing quote that ends the line.
    LastQuote,
    /// A text whose first byte occurs so often in the value itself.
    Nth { text: Box<[u8]>, inside: usize },
    /// A text that starts with a blank, after a list whose separators hold blanks, too.
    List { text: Box<[u8]> },
}

impl End {
    /// The end that a literal makes, of a value that may be in quotes or a list, and that may be the
    /// last of the line.
    pub(super) fn of(text: &[u8], quoted: bool, list: bool, last: bool) -> Self {
        match text {
            b"\"" if quoted && last => End::LastQuote,
            [b'"', ..] if quoted => End::Quote { text: text.into() },
            [b' ', ..] if list => End::List { text: text.into() },
            [byte] => End::Byte(*byte),
            // Blanks and the letters of a key occur inside of values more often than the rest.
            _ => {
                let pivot = text.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b' ').unwrap_or(0);
                End::Text { text: text.into(), pivot }
            }
        }
    }

    /// The value `rest` starts with, what follows its end, and whether a backslash is in it.
    #[inline]
    pub(super) fn split<'a>(&self, rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8], bool)> {
        let (value, after) = match self {
            End::Byte(byte) => {
                let at = short(*byte, rest)?;
                (&rest[..at], &rest[at + 1..])
            }
            End::Quote { text } => return quoted(rest, text),
            End::LastQuote => return last_quoted(rest),
            End::Text { text, pivot } => {
                let mut from = *pivot;
                loop {
                    let at = from + memchr(text[*pivot], rest.get(from..)?)? - pivot;
                    if rest[at..].starts_with(text) {
                        break (&rest[..at], &rest[at + text.len()..]);
                    }
                    from = at + pivot + 1;
                }
            }
            End::Nth { text, inside } => {
                let at = memchr::memchr_iter(text[0], rest).nth(*inside).filter(|&at| rest[at..].starts_with(text))?;
                (&rest[..at], &rest[at + text.len()..])
            }
            End::List { text } => {
                let at = list(rest, text)?;
                (&rest[..at], &rest[at + text.len()..])
            }
            End::Slash => {
                let at = memchr(b'/', rest)?;
                (&rest[..at], &rest[at..])
            }
            End::Line => (rest, &rest[rest.len()..]),
        };
        Some((value, after, false))
    }
}

/// Where a byte is that is expected to be near.
#[inline]
fn short(byte: u8, rest: &[u8]) -> Option<usize> {
    let near = rest.len().min(16);
    match rest[..near].iter().position(|&b| b == byte) {
        Some(at) => Some(at),
        None => memchr(byte, &rest[near..]).map(|at| near + at),
    }
}

/// Up to a quote that is not escaped and goes on as the layout does. Some programs do not escape
/// quotes: then the first that is followed by the right text closes.
#[inline]
fn quoted<'a>(rest: &'a [u8], text: &[u8]) -> Option<(&'a [u8], &'a [u8], bool)> {
    let (mut at, mut escaped) = (0, false);
    loop {
        let found = at + memchr2(b'"', b'\\', rest.get(at..)?)?;
        if rest[found] == b'\\' {
            escaped = true;
            at = found + 2;
        } else if rest[found..].starts_with(text) {
            return Some((&rest[..found], &rest[found + text.len()..], escaped));
        } else {
            at = found + 1;
        }
    }
}

/// Up to the quote at the end of the line. Another quoted value before it is not of this layout.
#[inline]
fn last_quoted(rest: &[u8]) -> Option<(&[u8], &[u8], bool)> {
    let value = rest.trim_ascii_end().strip_suffix(b"\"")?;
    let mut from = 0;
    while let Some(found) = memchr(b'"', &value[from..]) {
        from += found + 1;
        if value[from..].starts_with(b" \"") {
            return None;
        }
    }
    Some((value, &rest[rest.len()..], memchr(b'\\', value).is_some()))
}

/// Up to a blank that neither follows a comma nor leads to a lone colon.
fn list(rest: &[u8], text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr(b' ', rest.get(from..)?)?;
        if rest[at..].starts_with(b" : ") {
            from = at + 3;
        } else if at > 0 && rest[at - 1] == b',' {
            from = at + 1;
        } else {
            return rest[at..].starts_with(text).then_some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(end: &End, rest: &'a str) -> Option<(&'a str, &'a str)> {
        let text = |b| std::str::from_utf8(b).expect("text");
        end.split(rest.as_bytes()).map(|(value, after, _)| (text(value), text(after)))
    }

    #[test]
    fn a_text_is_found_where_it_stands_whole() {
        let end = End::of(b" - ", false, false, false);
        assert_eq!(value(&end, "1.2.3.4, 5-6 - bob"), Some(("1.2.3.4, 5-6", "bob")));
        assert_eq!(value(&end, "-"), None);
        assert_eq!(value(&End::of(b" [", false, false, false), "a [b] ["), Some(("a", "b] [")));
    }

    #[test]
    fn quotes_close_where_the_layout_goes_on() {
        let end = End::of(b"\" rt=", true, false, false);
        assert_eq!(value(&end, r#"a \" rt=x" rt=1"#), Some((r#"a \" rt=x"#, "1")));
        assert_eq!(value(&end, r#"a "b" c" rt=1"#), Some((r#"a "b" c"#, "1")));
        assert_eq!(value(&end, "a\\"), None);
        let last = End::of(b"\"", true, false, true);
        assert_eq!(value(&last, r#"a "b" c""#), Some((r#"a "b" c"#, "")));
        assert_eq!(value(&last, r#"a" "b""#), None);
    }

    #[test]
    fn lists_keep_their_blanks() {
        let end = End::of(b" rid=", false, true, false);
        assert_eq!(value(&end, "0.010, 0.057 : 0.200 rid=7"), Some(("0.010, 0.057 : 0.200", "7")));
        assert_eq!(value(&end, "- rid=7"), Some(("-", "7")));
        assert_eq!(value(&end, "0.010 0.057 rid=7"), None);
    }
}
