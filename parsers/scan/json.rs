//! A JSON walker: visits one document front to back and builds nothing.
//!
//! The caller asks for what it expects; all else is skipped by counting brackets, without recursion.
//! It checks structure as far as it walks, no more: a skipped value may hold nonsense.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};

/// The text is not the JSON that was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed {
    /// Where, in bytes from the start of the text.
    pub at: usize,
}

/// Result of a step of the walk.
pub type Walk<T> = Result<T, Malformed>;

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Str<'a> {
    /// The bytes between the quotes, escapes and all.
    pub raw: &'a [u8],
    /// Whether there is a backslash in it.
    pub escaped: bool,
}

impl<'a> Str<'a> {
    /// The text, with escapes replaced. Broken escapes stay as they are; lone surrogates become
    /// U+FFFD.
    pub fn text(self) -> Cow<'a, [u8]> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// The text of a string as it stands between its quotes, for callers who kept no more than that.
#[inline]
pub fn text(raw: &[u8]) -> Cow<'_, [u8]> {
    Str { raw, escaped: memchr(b'\\', raw).is_some() }.text()
}

/// A value that is no object or array; those are only named, and left unread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as written.
    Number(&'a [u8]),
    /// A string.
    String(Str<'a>),
    /// An object comes next: read it with [`Walker::object`] or [`Walker::skip`].
    Object,
    /// An array comes next: read it with [`Walker::array`] or [`Walker::skip`].
    Array,
}

impl<'a> Value<'a> {
    /// A string, number or boolean as text; `None` for the rest.
    #[inline]
    pub fn string(self) -> Option<Str<'a>> {
        match self {
            Value::String(text) => Some(text),
            Value::Number(raw) => Some(Str { raw, escaped: false }),
            Value::Bool(true) => Some(Str { raw: b"true", escaped: false }),
            Value::Bool(false) => Some(Str { raw: b"false", escaped: false }),
            Value::Null | Value::Object | Value::Array => None,
        }
    }

    /// The text of a string or a number: logs write one for the other. Strings as raw.
    pub fn scalar(self) -> Option<&'a [u8]> {
        match self {
            Value::Number(text) => Some(text),
            Value::String(text) => Some(text.raw),
            _ => None,
        }
    }
}

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walker<'a> {
    /// At the start of a text.
    pub fn new(bytes: &'a [u8]) -> Self {
        Walker { bytes, at: 0 }
    }

    /// At a place of a text.
    pub fn at(bytes: &'a [u8], at: usize) -> Self {
        Walker { bytes, at }
    }

    /// Where the walk is, in bytes.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is no white space, left unread; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        while let Some(&b) = self.bytes.get(self.at) {
            if !matches!(b, b' ' | b'\n' | b'\r' | b'\t') {
                return b;
            }
            self.at += 1;
        }
        0
    }

    /// A part of the text walked on; empty when it lies outside.
    pub fn between(&self, range: std::ops::Range<usize>) -> &'a [u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Steps over `lead` if it comes next, byte for byte.
    #[inline]
    pub fn take(&mut self, lead: &[u8]) -> bool {
        let next = self.bytes.get(self.at..).and_then(|rest| rest.get(..lead.len())).is_some_and(|next| same(next, lead));
        self.at += if next { lead.len() } else { 0 };
        next
    }

    /// Steps over white space and one byte.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Walk<()> {
        if self.peek() == byte {
            self.at += 1;
            Ok(())
        } else {
            Err(Malformed { at: self.at })
        }
    }

    /// Whether the white space from here on ends the text.
    #[inline]
    pub fn is_done(&mut self) -> bool {
        self.peek() == 0 && self.at >= self.bytes.len()
    }

    /// Steps over `text` if it comes next as it stands, white space and all: the cheap way through
    /// what writers nearly always write alike. Otherwise the walk stays where it is.
    #[inline]
    pub fn eat(&mut self, text: &[u8]) -> bool {
        let there = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        if there {
            self.at += text.len();
        }
        there
    }

    /// Steps into an object or array; false when it is empty, which is then stepped over. With
    /// [`Walker::key`] and [`Walker::more`] this is the walk for those who keep their own stack.
    #[inline]
    pub fn enter(&mut self, bracket: u8) -> Walk<bool> {
        self.expect(bracket)?;
        let empty = matches!(self.peek(), b'}' | b']');
        self.at += usize::from(empty);
        Ok(!empty)
    }

    /// Reads the key of a member.
    #[inline]
    pub fn key(&mut self) -> Walk<Str<'a>> {
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Whether another member or element follows the one just read; if not, steps out.
    #[inline]
    pub fn more(&mut self) -> Walk<bool> {
        let next = self.peek();
        if !matches!(next, b',' | b'}' | b']') {
            return Err(Malformed { at: self.at });
        }
        self.at += 1;
        Ok(next == b',')
    }

    /// Visits every member of an object. `member` must read the value, or skip it.
    #[inline]
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, Str<'a>) -> Walk<()>) -> Walk<()> {
        self.expect(b'{')?;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            member(self, key)?;
            match self.peek() {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Malformed { at: self.at }),
            }
        }
    }

    /// Visits every element of an array. `element` must read the value, or skip it.
    #[inline]
    pub fn array(&mut self, mut element: impl FnMut(&mut Self) -> Walk<()>) -> Walk<()> {
        self.expect(b'[')?;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            element(self)?;
            match self.peek() {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Malformed { at: self.at }),
            }
        }
    }

    /// Reads a string.
    #[inline]
    pub fn string(&mut self) -> Walk<Str<'a>> {
        self.expect(b'"')?;
        self.rest_of_string()
    }

    /// Reads a string of which the opening quote has been eaten.
    #[inline]
    pub fn rest_of_string(&mut self) -> Walk<Str<'a>> {
        let start = self.at;
        let mut escaped = false;
        loop {
            let Some(found) = self.bytes.get(self.at..).and_then(quote_or_backslash) else {
                return Err(Malformed { at: start });
            };
            self.at += found;
            if self.bytes[self.at] == b'"' {
                let raw = &self.bytes[start..self.at];
                self.at += 1;
                return Ok(Str { raw, escaped });
            }
            escaped = true;
            self.at = (self.at + 2).min(self.bytes.len());
        }
    }

    /// Reads a scalar; of an object or array only tells that it comes next.
    #[inline]
    pub fn value(&mut self) -> Walk<Value<'a>> {
        Ok(match self.peek() {
            b'"' => Value::String(self.string()?),
            b'{' => Value::Object,
            b'[' => Value::Array,
            b't' => self.literal(b"true", Value::Bool(true))?,
            b'f' => self.literal(b"false", Value::Bool(false))?,
            b'n' => self.literal(b"null", Value::Null)?,
            b'-' | b'0'..=b'9' => {
                let rest = &self.bytes[self.at..];
                let len =
                    rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')).unwrap_or(rest.len());
                self.at += len;
                Value::Number(&rest[..len])
            }
            _ => return Err(Malformed { at: self.at }),
        })
    }

    /// Reads a scalar, or skips an object or array and gives `None`.
    #[inline]
    pub fn scalar(&mut self) -> Walk<Option<&'a [u8]>> {
        match self.value()? {
            Value::Object | Value::Array => self.skip().map(|_| None),
            value => Ok(value.scalar()),
        }
    }

    /// Reads a scalar as text, or skips an object or array and gives an empty one.
    #[inline]
    pub fn text(&mut self) -> Walk<Str<'a>> {
        let value = self.value()?;
        if matches!(value, Value::Object | Value::Array) {
            self.skip()?;
        }
        Ok(value.string().unwrap_or(Str { raw: b"", escaped: false }))
    }

    /// Skips one value, whatever it is; gives its text.
    #[inline]
    pub fn skip(&mut self) -> Walk<&'a [u8]> {
        let first = self.peek();
        let start = self.at;
        match first {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => self.skip_nested()?,
            _ => {
                self.value()?;
            }
        }
        Ok(&self.bytes[start..self.at])
    }

    /// Skips an object or array by counting brackets outside of strings.
    fn skip_nested(&mut self) -> Walk<()> {
        let start = self.at;
        let (open, close) = if self.bytes[start] == b'{' { (b'{', b'}') } else { (b'[', b']') };
        let mut depth = 0u32;
        loop {
            let Some(found) = memchr3(b'"', open, close, &self.bytes[self.at..]) else {
                return Err(Malformed { at: start });
            };
            self.at += found;
            match self.bytes[self.at] {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b if b == open => depth += 1,
                _ => depth -= 1,
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn literal(&mut self, text: &[u8], value: Value<'a>) -> Walk<Value<'a>> {
        if self.bytes[self.at..].starts_with(text) {
            self.at += text.len();
            Ok(value)
        } else {
            Err(Malformed { at: self.at })
        }
    }
}

/// Where the first quote or backslash stands. Most strings of a log are shorter than it takes to
/// call a vectorised search, so the first bytes are looked at eight at a time.
#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The lowest flag set is that of the first zero byte; higher ones may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let mut at = 0;
    while at < 16
        && let Some(bytes) = text[at..].first_chunk::<8>()
    {
        let word = u64::from_le_bytes(*bytes);
        let found = zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr2(b'"', b'\\', &text[at..]).map(|found| at + found)
}

fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        if raw[at] != b'\\' {
            text.push(raw[at]);
            at += 1;
            continue;
        }
        let plain = match raw.get(at + 1) {
            Some(&b @ (b'"' | b'\\' | b'/')) => b,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'u') if hex4(raw, at + 2).is_some() => {
                let (c, used) = utf16(raw, at);
                text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                at += used;
                continue;
            }
            _ => {
                text.push(b'\\');
                at += 1;
                continue;
            }
        };
        text.push(plain);
        at += 2;
    }
    text
}

/// The character of the `\uXXXX`, or pair of them, at `at`, and how many bytes it takes.
fn utf16(raw: &[u8], at: usize) -> (char, usize) {
    let high = hex4(raw, at + 2).unwrap_or(0);
    if let 0xd800..=0xdbff = high
        && raw.get(at + 6..at + 8) == Some(b"\\u")
        && let Some(low @ 0xdc00..=0xdfff) = hex4(raw, at + 8)
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

fn hex4(raw: &[u8], at: usize) -> Option<u32> {
    let digits = raw.get(at..at + 4)?;
    digits.iter().try_fold(0, |n, &b| Some(n << 4 | (b as char).to_digit(16)?))
}

/// Whether two texts of one length are the same. Of 16 to 32 bytes halves that overlap are compared,
/// as a call would cost more.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    match b.len() {
        16..=32 => a.first_chunk::<16>() == b.first_chunk() && a.last_chunk::<16>() == b.last_chunk(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_visited_and_the_rest_is_skipped() {
        let text =
            br#" {"a": 1, "deep": {"x":[{"}":"]"}], "y":"\"}"}, "b":"t\u00e9\ud83d\ude00", "c":null, "d":[1, 2 ,3], "e":true} "#;
        let mut walker = Walker::new(text);
        let (mut a, mut b, mut d) = (None, None, Vec::new());
        walker
            .object(|w, key| {
                match key.raw {
                    b"a" => a = w.scalar()?,
                    b"b" => b = Some(w.string()?.text().into_owned()),
                    b"d" => w.array(|w| {
                        d.push(w.scalar()?.unwrap_or_default());
                        Ok(())
                    })?,
                    _ => {
                        w.skip()?;
                    }
                }
                Ok(())
            })
            .expect("well-formed");
        assert_eq!(a, Some(&b"1"[..]));
        assert_eq!(b.as_deref(), Some("té😀".as_bytes()));
        assert_eq!(d, [b"1", b"2", b"3"]);
    }

    #[test]
    fn malformed_text_is_an_error_with_its_place() {
        for text in
            ["", "{", "{\"a\"", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{\"a\":tru}", "{\"a\":\"x", "{a:1}", "[1", "{\"a\":[1,2}"]
        {
            assert!(Walker::new(text.as_bytes()).object(|w, _| w.skip().map(drop)).is_err(), "{text}");
        }
    }

    #[test]
    fn the_end_of_a_string_is_found_wherever_it_stands() {
        for len in 0..40 {
            for end in [b'"', b'\\'] {
                let mut text = vec![b'!'; len];
                text.push(end);
                assert_eq!(quote_or_backslash(&text), Some(len));
                text.extend_from_slice(b"#\"]\\........");
                assert_eq!(quote_or_backslash(&text), Some(len));
            }
            assert_eq!(quote_or_backslash(&vec![0xa2; len]), None);
        }
    }

    #[test]
    fn nesting_a_million_deep_neither_recurses_nor_fails() {
        let text = [b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat();
        assert_eq!(Walker::new(&text).skip().map(<[u8]>::len), Ok(2_000_000));
    }

    #[test]
    fn broken_escapes_stay_and_lone_surrogates_are_replaced() {
        assert_eq!(unescape(br"a\x41\u12"), br"a\x41\u12");
        assert_eq!(unescape(br"\ud800!"), "\u{fffd}!".as_bytes());
    }
}
