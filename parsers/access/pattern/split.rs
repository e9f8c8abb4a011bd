//! Where a value ends: at the literal that follows it in the layout.

use memchr::memchr;

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
    Text { text: Literal, pivot: usize },
    /// A closing quote with what follows it; a quote after a backslash does not close.
    Quote { text: Literal },
    /// A closing quote that ends the line.
    LastQuote,
    /// A text whose first byte occurs so often in the value itself.
    Nth { text: Box<[u8]>, inside: usize },
    /// A text that starts with a blank, after a list whose separators hold blanks, too.
    List { text: Literal },
}

impl End {
    /// The end that a literal makes, of a value that may be in quotes or a list, and that may be the
    /// last of the line.
    pub(super) fn of(text: &[u8], quoted: bool, list: bool, last: bool) -> Self {
        match text {
            b"\"" if quoted && last => End::LastQuote,
            [b'"', ..] if quoted => End::Quote { text: Literal::new(text) },
            [b' ', ..] if list => End::List { text: Literal::new(text) },
            [byte] => End::Byte(*byte),
            // Blanks and the letters of a key occur inside of values more often than the rest.
            _ => {
                let pivot = text.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b' ').unwrap_or(0);
                End::Text { text: Literal::new(text), pivot }
            }
        }
    }

    /// The value `rest` starts with, and what follows its end.
    // A call for each value would cost a tenth of the line.
    #[inline(always)]
    pub(super) fn split<'a>(&self, rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        Some(match self {
            End::Byte(byte) => {
                let at = near(*byte, rest)?;
                (&rest[..at], &rest[at + 1..])
            }
            End::Quote { text } => return quoted(rest, text),
            End::LastQuote => return last_quoted(rest),
            End::Text { text, pivot } => {
                let mut from = *pivot;
                loop {
                    let at = from + near(text.bytes[*pivot], rest.get(from..)?)? - pivot;
                    if text.starts(&rest[at..]) {
                        break (&rest[..at], &rest[at + text.bytes.len()..]);
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
                (&rest[..at], &rest[at + text.bytes.len()..])
            }
            End::Slash => {
                let at = memchr(b'/', rest)?;
                (&rest[..at], &rest[at..])
            }
            End::Line => (rest, &rest[rest.len()..]),
        })
    }

    /// Whether it ends values in which a backslash escapes.
    pub(super) fn is_quote(&self) -> bool {
        matches!(self, End::Quote { .. } | End::LastQuote)
    }
}

/// A text that is compared in one step where it is short.
#[derive(Debug)]
pub(super) struct Literal {
    bytes: Box<[u8]>,
    word: u64,
    mask: u64,
}

impl Literal {
    fn new(text: &[u8]) -> Self {
        let mut word = [0; 8];
        let len = text.len().min(8);
        word[..len].copy_from_slice(&text[..len]);
        Literal {
            bytes: text.into(),
            word: u64::from_le_bytes(word),
            mask: u64::MAX.checked_shr(64 - 8 * len as u32).unwrap_or(0),
        }
    }

    /// Whether `rest` starts with it.
    #[inline]
    fn starts(&self, rest: &[u8]) -> bool {
        match rest.first_chunk() {
            Some(eight) if self.bytes.len() <= 8 => u64::from_le_bytes(*eight) & self.mask == self.word,
            _ => rest.starts_with(&self.bytes),
        }
    }
}

/// Where a byte is that is expected to be near: a call for a few bytes costs more than the bytes.
#[inline]
fn near(byte: u8, rest: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while at < 24
        && let Some(eight) = rest.get(at..).and_then(|rest| rest.first_chunk())
    {
        // The lowest byte that became zero is exact, and nothing else is asked for.
        let word = u64::from_le_bytes(*eight) ^ (LOW * u64::from(byte));
        let zeros = word.wrapping_sub(LOW) & !word & HIGH;
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr(byte, &rest[at..]).map(|found| at + found)
}

/// Up to a quote that is not escaped and goes on as the layout does. Some programs do not escape
/// quotes: then the first that is followed by the right text closes.
#[inline]
fn quoted<'a>(rest: &'a [u8], text: &Literal) -> Option<(&'a [u8], &'a [u8])> {
    let mut from = 0;
    loop {
        let found = from + memchr(b'"', rest.get(from..)?)?;
        let value = &rest[..found];
        // Of two backslashes the first one escapes the second.
        let is_escaped = value.last() == Some(&b'\\') && value.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1;
        if !is_escaped && text.starts(&rest[found..]) {
            return Some((value, &rest[found + text.bytes.len()..]));
        }
        from = found + 1;
    }
}

/// Up to the quote at the end of the line. Another quoted value before it is not of this layout.
#[inline]
fn last_quoted(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = rest.trim_ascii_end().strip_suffix(b"\"")?;
    let mut from = 0;
    while let Some(found) = memchr(b'"', &value[from..]) {
        from += found + 1;
        if value[from..].starts_with(b" \"") {
            return None;
        }
    }
    Some((value, &rest[rest.len()..]))
}

/// Up to a blank that neither follows a comma nor leads to a lone colon.
fn list(rest: &[u8], text: &Literal) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + near(b' ', rest.get(from..)?)?;
        if let [_, b':', b' ', ..] = rest[at..] {
            from = at + 3;
        } else if at > 0 && rest[at - 1] == b',' {
            from = at + 1;
        } else {
            return text.starts(&rest[at..]).then_some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(end: &End, rest: &'a str) -> Option<(&'a str, &'a str)> {
        let text = |b| std::str::from_utf8(b).expect("text");
        end.split(rest.as_bytes()).map(|(value, after)| (text(value), text(after)))
    }

    #[test]
    fn a_text_is_found_where_it_stands_whole() {
        let end = End::of(b" - ", false, false, false);
        assert_eq!(value(&end, "1.2.3.4, 5-6 - bob"), Some(("1.2.3.4, 5-6", "bob")));
        assert_eq!(value(&end, "-"), None);
        assert_eq!(value(&End::of(b" [", false, false, false), "a [b] ["), Some(("a", "b] [")));
    }

    #[test]
    fn a_byte_is_found_at_any_distance() {
        for len in 0..70 {
            let text = [vec![b'x'; len], b"-more-of-it".to_vec()].concat();
            assert_eq!(near(b'-', &text), Some(len));
            assert_eq!(near(b'-', &text[..len]), None);
        }
    }

    #[test]
    fn quotes_close_where_the_layout_goes_on() {
        let end = End::of(b"\" rt=", true, false, false);
        assert_eq!(value(&end, r#"a \" rt=x" rt=1"#), Some((r#"a \" rt=x"#, "1")));
        assert_eq!(value(&end, r#"a "b" c" rt=1"#), Some((r#"a "b" c"#, "1")));
        assert_eq!(value(&end, r#"a \\" rt=x\" rt=1"#), Some((r#"a \\"#, r#"x\" rt=1"#)));
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
