//! Statement fingerprints: SQL without what differs from call to call.
//!
//! Literals and placeholders become `?`, lists of them `(?+)`, comments go, white space and case
//! fold outside of quotes. What names a thing stays: `users_2009` and `users_2010` are two tables.
//! No dialect is asked for: where dialects differ, the reading that keeps fingerprints few wins.
//! After <https://docs.percona.com/percona-toolkit/pt-query-digest.html#fingerprints>.

mod lex;
#[cfg(test)]
mod tests;
mod union;

use lex::{Lexer, is_word};
use union::Unions;

/// Appends the fingerprint of a statement to `out`. One pass; a text that is cut anywhere still
/// has one.
pub fn fingerprint(sql: &[u8], out: &mut Vec<u8>) {
    let sql = sql.trim_ascii();
    if sql.starts_with(b"administrator command: ") {
        out.extend(sql.iter().map(u8::to_ascii_lowercase));
        return;
    }
    let base = out.len();
    let mut folder = Folder {
        lexer: Lexer::new(procedure_call(sql)),
        out,
        base,
        prev: Prev::Start,
        depth: 0,
        unions: Unions::new(base),
        calls: false,
    };
    folder.run();
    folder.finish();
}

/// The stable id of a fingerprint: FNV-1a with 64 bits
/// (<https://datatracker.ietf.org/doc/draft-eastlake-fnv/>).
pub fn id(fingerprint: &[u8]) -> u64 {
    fingerprint.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// `CALL p(?)` out of JDBC's `{? = call p(?)}`; any other text as it is.
fn procedure_call(sql: &[u8]) -> &[u8] {
    let Some(body) = sql.strip_prefix(b"{") else { return sql };
    let at = body.iter().take(16).position(u8::is_ascii_alphabetic);
    at.map(|at| &body[at..]).filter(|text| text.len() > 4 && text[..4].eq_ignore_ascii_case(b"call")).unwrap_or(sql)
}

/// What was written last, as far as it decides on blanks and on what may follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Prev {
    Start,
    Word,
    Keyword,
    /// `like`: a text follows.
    Like,
    /// `is` or `is not`: a `null` here is no value.
    Is,
    Union,
    Literal,
    Open,
    Close,
    Comma,
    Operator,
    Dot,
    Cast,
}

struct Folder<'a, 'o> {
    lexer: Lexer<'a>,
    out: &'o mut Vec<u8>,
    base: usize,
    prev: Prev,
    depth: usize,
    unions: Unions,
    /// Within `call name`: what follows the name goes.
    calls: bool,
}

impl Folder<'_, '_> {
    fn run(&mut self) {
        loop {
            let gap = self.lexer.skip_blanks();
            let Some(byte) = self.lexer.peek() else { return };
            match byte {
                b'(' | b'[' => {
                    if self.calls && byte == b'(' {
                        return;
                    }
                    self.open(byte, gap);
                }
                b')' | b']' => {
                    self.unions.close(self.depth, self.out);
                    self.depth = self.depth.saturating_sub(1);
                    self.put(Prev::Close, &[byte], false);
                }
                b',' => self.put(Prev::Comma, b",", false),
                b';' => {
                    self.unions.close(self.depth, self.out);
                    self.put(Prev::Operator, b";", false);
                    self.unions.open(self.depth, self.out.len());
                }
                b'"' => self.double_quoted(),
                b'`' => {
                    let text = self.lexer.quoted(b'`');
                    self.put_raw(Prev::Word, text);
                }
                b'.' if !self.lexer.at_number() => self.put(Prev::Dot, b".", false),
                b'@' if self.variable() => {}
                _ if self.lexer.literal(self.signed()) => self.put_raw(Prev::Literal, b"?"),
                _ if is_word(byte) => {
                    if self.word() {
                        return;
                    }
                }
                _ => {
                    let operator = self.lexer.operator();
                    if operator == b"::" {
                        self.glue(Prev::Cast, operator);
                    } else {
                        self.put_raw(Prev::Operator, operator);
                    }
                }
            }
        }
    }

    /// Whether a sign here belongs to a number.
    fn signed(&self) -> bool {
        !matches!(self.prev, Prev::Word | Prev::Literal | Prev::Close)
    }

    /// A variable of MySQL whose name is more than a parameter's: one of the server, or one that is given
    /// a value. Behind a value `@@` is PostgreSQL's operator.
    fn variable(&mut self) -> bool {
        if !self.signed() {
            return false;
        }
        let written = &self.out[self.base..];
        let given = self.prev == Prev::Keyword && (written == b"set" || written.ends_with(b" set"));
        let before = self.out.len();
        self.blank(true);
        if self.lexer.variable(given, self.out) {
            self.prev = Prev::Word;
            return true;
        }
        self.out.truncate(before);
        false
    }

    fn open(&mut self, byte: u8, gap: bool) {
        let spaced = match self.prev {
            Prev::Word | Prev::Literal | Prev::Close => gap && byte == b'(',
            _ => true,
        };
        self.put(Prev::Open, &[byte], spaced);
        self.depth += 1;
        self.unions.open(self.depth, self.out.len());
    }

    /// A word: a name, a keyword or a literal of letters. Tells whether the statement ends here.
    fn word(&mut self) -> bool {
        let start_of_text = self.out.len() == self.base;
        let before = self.out.len();
        self.blank(true);
        let start = self.out.len();
        let len = self.lexer.lower_word(self.out);
        if self.prev == Prev::Dot || len > 9 {
            self.prev = Prev::Word;
            return false;
        }
        let was = self.prev;
        self.prev = match &self.out[start..] {
            b"null" | b"true" | b"false" if was != Prev::Is => {
                self.out.truncate(start);
                self.out.push(b'?');
                Prev::Literal
            }
            b"is" => Prev::Is,
            b"not" if was == Prev::Is => Prev::Is,
            b"like" | b"ilike" | b"rlike" | b"regexp" => Prev::Like,
            b"in" => self.list(b'(', b')').unwrap_or(Prev::Keyword),
            b"array" => self.list(b'[', b']').unwrap_or(Prev::Word),
            b"values" => self.rows().unwrap_or(Prev::Keyword),
            b"union" => {
                let folded = self.unions.branch(self.depth, self.out, before);
                if folded < before {
                    self.out.extend_from_slice(b" union");
                }
                self.unions.begin(self.depth, self.out.len());
                Prev::Union
            }
            b"all" | b"distinct" if was == Prev::Union => {
                self.unions.begin(self.depth, self.out.len());
                Prev::Union
            }
            b"call" if start_of_text => {
                self.calls = true;
                Prev::Keyword
            }
            b"use" if start_of_text => {
                self.out.extend_from_slice(b" ?");
                return true;
            }
            b"select" | b"from" | b"where" | b"and" | b"or" | b"not" | b"on" | b"join" | b"when" | b"then" | b"else"
            | b"case" | b"limit" | b"offset" | b"between" | b"by" | b"set" | b"return" | b"returning" | b"having"
            | b"interval" | b"as" | b"distinct" | b"exists" | b"using" | b"with" | b"all" | b"into" | b"update" | b"table"
            | b"except" | b"intersect" => Prev::Keyword,
            _ => Prev::Word,
        };
        false
    }

    /// A list of nothing but literals after `in` or `array`, folded.
    fn list(&mut self, open: u8, close: u8) -> Option<Prev> {
        if !self.lexer.literal_list(open, close) {
            return None;
        }
        if open == b'(' {
            self.out.push(b' ');
        }
        self.out.extend_from_slice(&[open, b'?', b'+', close]);
        Some(Prev::Close)
    }

    /// The rows after `values`, folded whatever they hold.
    fn rows(&mut self) -> Option<Prev> {
        if !self.lexer.rows() {
            return None;
        }
        self.out.extend_from_slice(b" (?+)");
        Some(Prev::Close)
    }

    /// In double quotes PostgreSQL has names, MySQL texts: told apart by what stands before and
    /// behind, and by backquotes, which only MySQL has.
    fn double_quoted(&mut self) {
        let backquotes = self.lexer.has_backquotes();
        let text = self.lexer.quoted(b'"');
        let body = text.strip_prefix(b"\"").unwrap_or(text);
        let body = body.strip_suffix(b"\"").unwrap_or(body);
        let plain = !body.is_empty() && !body[0].is_ascii_digit() && body.iter().all(|&b| is_word(b));
        let qualified = self.prev == Prev::Dot || self.lexer.peek() == Some(b'.');
        let is_text = backquotes
            || !qualified
                && match self.prev {
                    Prev::Operator | Prev::Like => true,
                    Prev::Open | Prev::Comma => !plain,
                    _ => false,
                };
        if is_text { self.put_raw(Prev::Literal, b"?") } else { self.put_raw(Prev::Word, text) }
    }

    /// Writes a token of one byte that the lexer still stands at.
    fn put(&mut self, kind: Prev, text: &[u8], spaced: bool) {
        self.lexer.step();
        self.blank(spaced);
        self.out.extend_from_slice(text);
        self.prev = kind;
    }

    /// Writes a token that the lexer has passed.
    fn put_raw(&mut self, kind: Prev, text: &[u8]) {
        self.blank(true);
        self.out.extend_from_slice(text);
        self.prev = kind;
    }

    /// Writes a token without a blank before it.
    fn glue(&mut self, kind: Prev, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.prev = kind;
    }

    #[inline]
    fn blank(&mut self, wanted: bool) {
        if wanted && !matches!(self.prev, Prev::Start | Prev::Open | Prev::Dot | Prev::Cast) {
            self.out.push(b' ');
        }
    }

    fn finish(&mut self) {
        while self.out.len() > self.base && matches!(self.out.last(), Some(b';' | b' ')) {
            self.out.pop();
        }
        self.unions.close(self.depth, self.out);
    }
}
