//! Where the tokens of a statement end. Every text has tokens: what is not closed runs to the end.

use memchr::{memchr, memchr2, memmem};

/// For each byte that may stand in a name what it is in lower case; 0 for all others.
static LOWER: [u8; 256] = lower();

const fn lower() -> [u8; 256] {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80 {
            table[b] = byte.to_ascii_lowercase();
        }
        b += 1;
    }
    table
}

/// Whether a byte may stand in a name.
#[inline]
pub(super) fn is_word(b: u8) -> bool {
    LOWER[usize::from(b)] != 0
}

/// A place in a statement.
pub(super) struct Lexer<'a> {
    sql: &'a [u8],
    at: usize,
    /// Whether the one second look at a text that never closed has been taken: more would make
    /// the time quadratic.
    looked_again: bool,
    /// No comment closes from here on.
    unclosed_comment: bool,
    backquotes: Option<bool>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sql: &'a [u8]) -> Self {
        Lexer { sql, at: 0, looked_again: false, unclosed_comment: false, backquotes: None }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.sql.get(self.at).copied()
    }

    #[inline]
    fn byte(&self, ahead: usize) -> u8 {
        self.sql.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Passes the byte it stands at.
    #[inline]
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    pub(super) fn has_backquotes(&mut self) -> bool {
        *self.backquotes.get_or_insert_with(|| memchr(b'`', self.sql).is_some())
    }

    /// Passes white space and comments; tells whether there were any.
    #[inline]
    pub(super) fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\t' | b'\r' | 0x0b | 0x0c | 0) => self.at += 1,
                Some(b'/') if self.byte(1) == b'*' => self.block_comment(),
                // `5--1` is a number less a negative one in MySQL; nobody comments in digits.
                Some(b'-') if self.byte(1) == b'-' && !self.byte(2).is_ascii_digit() => self.line_comment(),
                Some(b'#') if self.at_line_start() => self.line_comment(),
                _ => return self.at > start,
            }
        }
    }

    fn at_line_start(&self) -> bool {
        let before = &self.sql[..self.at];
        before.iter().rev().take(64).find(|b| !matches!(b, b' ' | b'\t')).is_none_or(|&b| b == b'\n')
    }

    fn line_comment(&mut self) {
        self.at = memchr(b'\n', &self.sql[self.at..]).map_or(self.sql.len(), |n| self.at + n + 1);
    }

    /// A comment, with the comments within it where they are closed (PostgreSQL), or else up to
    /// the first end (all others).
    fn block_comment(&mut self) {
        let body = self.at + 2;
        let Some(first) = memmem::find(&self.sql[body..], b"*/").map(|n| body + n + 2) else {
            self.at = self.sql.len();
            return;
        };
        self.at = first;
        if self.unclosed_comment || memmem::find(&self.sql[body..first], b"/*").is_none() {
            return;
        }
        let (mut depth, mut at) = (1u32, body);
        while depth > 0 {
            let Some(n) = memchr2(b'*', b'/', &self.sql[at..]) else {
                self.unclosed_comment = true;
                return;
            };
            at += n;
            match self.sql.get(at..at + 2) {
                Some(b"/*") => (depth, at) = (depth + 1, at + 2),
                Some(b"*/") => (depth, at) = (depth - 1, at + 2),
                _ => at += 1,
            }
        }
        self.at = at;
    }

    /// Passes a name or keyword.
    #[inline]
    fn word(&mut self) -> &'a [u8] {
        let rest = &self.sql[self.at..];
        let len = rest.iter().position(|&b| !is_word(b)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// Passes a name or keyword and appends it in lower case; gives its length.
    #[inline]
    pub(super) fn lower_word(&mut self, out: &mut Vec<u8>) -> usize {
        let word = self.word();
        out.extend(word.iter().map(|&b| LOWER[usize::from(b)]));
        word.len()
    }

    /// Passes `@@version` or `@@session.tx_isolation` and appends it in lower case, or a variable that
    /// is given a value here, `@n := 5`; tells whether there was one.
    pub(super) fn variable(&mut self, given: bool, out: &mut Vec<u8>) -> bool {
        let rest = &self.sql[self.at..];
        let signs = rest.iter().take_while(|&&b| b == b'@').count();
        let name = rest[signs.min(rest.len())..].iter().take_while(|&&b| is_word(b) || b == b'.').count();
        let assigned = || rest[signs + name..].trim_ascii_start().starts_with(b":=");
        if name == 0 || !(signs == 2 || signs == 1 && (given || assigned())) {
            return false;
        }
        out.extend(rest[..signs + name].iter().map(u8::to_ascii_lowercase));
        self.at += signs + name;
        true
    }

    /// Whether a number starts here.
    pub(super) fn at_number(&self) -> bool {
        self.byte(0).is_ascii_digit() || self.byte(0) == b'.' && self.byte(1).is_ascii_digit()
    }

    /// Passes a literal or placeholder, if there is one; a sign belongs to it only if `signed`.
    #[inline]
    pub(super) fn literal(&mut self, signed: bool) -> bool {
        match self.byte(0) {
            b'\'' => {
                self.quoted(b'\'');
                true
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            b'?' => {
                self.at += 1;
                true
            }
            b'$' => self.dollar(),
            b':' | b'@' if self.byte(1) != b'$' && is_word(self.byte(1)) => {
                self.at += 1;
                self.word();
                true
            }
            b'%' => self.python(),
            b'-' | b'+' if signed => {
                let blanks = self.sql[self.at + 1..].iter().take_while(|b| **b == b' ').count();
                self.at += 1 + blanks;
                if self.at_number() && self.number() {
                    return true;
                }
                self.at -= 1 + blanks;
                false
            }
            b'e' | b'E' | b'b' | b'B' | b'x' | b'X' | b'n' | b'N' | b'_' | b'u' | b'U' => self.introduced(),
            _ => false,
        }
    }

    /// A text behind `E`, `B`, `X`, `N`, `U&` or a character set (`_utf8mb4`).
    fn introduced(&mut self) -> bool {
        let quote = match self.byte(0) {
            b'_' => {
                let rest = &self.sql[self.at..];
                let len = rest.iter().take(24).position(|&b| !is_word(b)).unwrap_or(0);
                if len == 0 { return false } else { len }
            }
            b'u' | b'U' if self.byte(1) == b'&' => 2,
            _ => 1,
        };
        if self.byte(quote) != b'\'' {
            return false;
        }
        self.at += quote;
        self.quoted(b'\'');
        true
    }

    /// A number: decimal, hex, binary, with an exponent. What begins like one and goes on as a
    /// name (`2fa_tokens`) is a name.
    fn number(&mut self) -> bool {
        let rest = &self.sql[self.at..];
        let mut len = 0;
        while let Some(&b) = rest.get(len) {
            let exponent_sign = matches!(b, b'+' | b'-')
                && matches!(rest[len - usize::from(len > 0)], b'e' | b'E')
                && !matches!(rest.get(1), Some(b'x' | b'X'))
                && rest.get(len + 1).is_some_and(u8::is_ascii_digit);
            if !(is_word(b) || b == b'.' || exponent_sign) {
                break;
            }
            len += 1;
        }
        let text = &rest[..len];
        let is_name = text.windows(2).any(|pair| pair[0] == b'_' && !pair[1].is_ascii_digit());
        if !is_name {
            self.at += len;
        }
        !is_name
    }

    /// `$1`, or a text in dollar quotes.
    fn dollar(&mut self) -> bool {
        let rest = &self.sql[self.at + 1..];
        let tag = rest.iter().position(|&b| b == b'$' || !is_word(b)).unwrap_or(rest.len());
        if rest.first().is_some_and(u8::is_ascii_digit) {
            self.at += 1 + tag;
            return true;
        }
        if rest.get(tag) != Some(&b'$') {
            return false;
        }
        let quote = &self.sql[self.at..self.at + tag + 2];
        let body = self.at + quote.len();
        self.at = memmem::find(&self.sql[body..], quote).map_or(self.sql.len(), |n| body + n + quote.len());
        true
    }

    /// `%s` and `%(name)s`, which Python's drivers have for placeholders.
    fn python(&mut self) -> bool {
        if self.byte(1) == b's' && !is_word(self.byte(2)) {
            self.at += 2;
            return true;
        }
        let name = self.sql[self.at + 1..].strip_prefix(b"(").unwrap_or_default();
        match name.iter().take(64).position(|&b| !is_word(b)) {
            Some(n) if n > 0 && name[n..].starts_with(b")s") => {
                self.at += n + 4;
                true
            }
            _ => false,
        }
    }

    /// Passes a quoted text, quotes and all. The quote stands for itself when doubled or behind a
    /// backslash. Where a backslash is no escape a text may end in one: if none of the quotes
    /// behind closes the text, the first one after a backslash did.
    pub(super) fn quoted(&mut self, quote: u8) -> &'a [u8] {
        let start = self.at;
        let mut at = start + 1;
        let mut doubtful = None;
        let end = loop {
            let Some(n) = memchr2(quote, b'\\', &self.sql[at..]) else {
                break match doubtful {
                    Some(end) if !self.looked_again => {
                        self.looked_again = true;
                        end
                    }
                    _ => self.sql.len(),
                };
            };
            at += n;
            if self.sql[at] == b'\\' && quote != b'`' {
                if self.sql.get(at + 1) == Some(&quote) {
                    doubtful = doubtful.or(Some(at + 2));
                }
                at = (at + 2).min(self.sql.len());
            } else if self.sql[at] == quote && self.sql.get(at + 1) == Some(&quote) {
                at += 2;
            } else if self.sql[at] == quote {
                break at + 1;
            } else {
                at += 1;
            }
        };
        self.at = end;
        &self.sql[start..end]
    }

    /// Passes an operator: at least one byte.
    pub(super) fn operator(&mut self) -> &'a [u8] {
        let rest = &self.sql[self.at..];
        let mut len = match rest {
            [b':', b':' | b'=', ..] => 2,
            [b'*', ..] => 1,
            _ => {
                let mut len = 0;
                while rest.get(len).is_some_and(|b| {
                    matches!(b, b'=' | b'<' | b'>' | b'!' | b'~' | b'|' | b'&' | b'^' | b'%' | b'+' | b'-' | b'/' | b'#' | b'@')
                }) && !rest[len..].starts_with(b"/*")
                    && (len == 0 || !rest[len..].starts_with(b"--"))
                {
                    len += 1;
                }
                len.max(1)
            }
        };
        // A sign, a variable or a placeholder may stand right behind: `=-1`, `=@p1`, `=%s`.
        while len > 1 && matches!(rest[len - 1], b'+' | b'-' | b'@' | b'%') {
            len -= 1;
        }
        self.at += len;
        &rest[..len]
    }

    /// Passes a list in brackets of nothing but literals, with their casts, if there is one here.
    /// A list that is cut off counts.
    pub(super) fn literal_list(&mut self, open: u8, close: u8) -> bool {
        let start = self.at;
        self.skip_blanks();
        if self.peek() != Some(open) {
            self.at = start;
            return false;
        }
        let (mut depth, mut found) = (0u32, false);
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b) if b == open => depth += 1,
                Some(b) if b == close => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        break;
                    }
                }
                Some(b',') => {}
                None => break,
                Some(b':') if self.byte(1) == b':' => {
                    self.at += 2;
                    self.skip_blanks();
                    self.word();
                    continue;
                }
                Some(_) if self.list_literal() => {
                    found = true;
                    continue;
                }
                Some(_) => {
                    found = false;
                    break;
                }
            }
            self.at += 1;
        }
        if !found {
            self.at = start;
        }
        found
    }

    fn list_literal(&mut self) -> bool {
        if self.peek() == Some(b'"') {
            self.quoted(b'"');
            return self.peek() != Some(b'.');
        }
        if self.literal(true) {
            return true;
        }
        let start = self.at;
        let word = self.word();
        let is_value = [&b"null"[..], b"true", b"false"].iter().any(|value| word.eq_ignore_ascii_case(value));
        if !is_value {
            self.at = start;
        }
        is_value
    }

    /// Passes rows in parentheses, `(..), (..)`, whatever they hold, if there are any here.
    pub(super) fn rows(&mut self) -> bool {
        let mut found = false;
        loop {
            let start = self.at;
            self.skip_blanks();
            if found && self.peek() == Some(b',') {
                self.at += 1;
                self.skip_blanks();
                if self.peek().is_none() {
                    return true;
                }
            }
            if self.peek() != Some(b'(') {
                self.at = start;
                return found;
            }
            self.row();
            found = true;
        }
    }

    fn row(&mut self) {
        let mut depth = 0u32;
        loop {
            self.skip_blanks();
            match self.peek() {
                None => return,
                Some(b'(') => depth += 1,
                Some(b')') => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                Some(quote @ (b'\'' | b'"' | b'`')) => {
                    self.quoted(quote);
                    continue;
                }
                Some(b'$') if self.dollar() => continue,
                Some(b) if is_word(b) => {
                    self.word();
                    continue;
                }
                Some(_) => {}
            }
            self.at += 1;
        }
    }
}
