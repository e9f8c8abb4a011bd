//! Endpoint templates: the path of a request with what looks like an id taken out.
//!
//! `/accounts/4711/balance?x=1` becomes `/accounts/{id}/balance`. Every kind of id becomes the same
//! placeholder, so that an all-digit hex id does not split its endpoint.

use memchr::{memchr, memchr3};

/// What stands for an id.
pub const PLACEHOLDER: &[u8] = b"{id}";

/// Appends the template of a request target to `out`.
///
/// Query, fragment, `;parameters`, scheme and host go; a trailing slash goes. A target that is no
/// path (`*`, `host:443`, a transaction's name) is kept as it is. Bytes that are not UTF-8 are
/// percent-encoded.
pub(super) fn template(target: &[u8], out: &mut Vec<u8>) {
    let Some(path) = path_of(target) else {
        push_text(target, out);
        return;
    };
    let start = out.len();
    for segment in Segments::of(path) {
        out.push(b'/');
        segment.push(out);
    }
    if out.len() == start {
        out.push(b'/');
    }
}

/// The segments of a path that belong to its template.
pub(super) struct Segments<'a> {
    path: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// Those of a path with its leading slash.
    pub(super) fn of(path: &'a [u8]) -> Self {
        Segments { path, at: 0 }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    // Each round stands on the slash before a segment.
    #[inline]
    fn next(&mut self) -> Option<Segment<'a>> {
        let tail = self.path[self.at..].strip_prefix(b"/")?;
        let (len, sums) = class_sums(tail);
        let end = self.at + 1 + len;
        self.at = end;
        if self.path.get(end) == Some(&b';') {
            let rest = &self.path[end..];
            self.at += memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
        }
        let is_last = self.path.get(self.at) != Some(&b'/');
        (len > 0 || !is_last).then_some(Segment { up_to: &self.path[..end], len, sums })
    }
}

/// A segment of a path.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    /// The path up to its end.
    up_to: &'a [u8],
    len: usize,
    /// Its classes, see [`class_sums`].
    sums: u64,
}

impl<'a> Segment<'a> {
    /// As written.
    #[inline]
    pub(super) fn text(self) -> &'a [u8] {
        &self.up_to[self.up_to.len() - self.len..]
    }

    /// A segment of less than 16 bytes, with its length, as one word.
    #[inline]
    pub(super) fn word(self) -> Option<u128> {
        const BITS: usize = 15 * 8;
        if self.len > 15 {
            return None;
        }
        // What stands before it is shifted out: that is faster than to copy a few bytes.
        let word = match self.up_to.last_chunk() {
            Some(sixteen) => u128::from_le_bytes(*sixteen).checked_shr(128 - 8 * self.len as u32).unwrap_or(0),
            None => self.text().iter().rev().fold(0, |word, &b| word << 8 | u128::from(b)),
        };
        Some(word | (self.len as u128) << BITS)
    }

    /// Whether the whole segment stands for something of which there are many.
    #[inline]
    pub(super) fn is_variable(self) -> bool {
        // Nothing but digits: the commonest id, told without a closer look.
        self.is_number() || !self.is_plain() && (is_route_variable(self.text()) || is_id(self.text(), self.sums))
    }

    /// Whether it is nothing but digits.
    #[inline]
    pub(super) fn is_number(self) -> bool {
        self.sums == self.len as u64 && (1..=LANE).contains(&self.len)
    }

    /// Most segments are plain lower-case words, and no id has neither digit nor capital nor `@`.
    #[inline]
    fn is_plain(self) -> bool {
        const PLAIN: u64 = (0xff << 8) | (0xff << 16) | (0xff << 32) | (0xff << 48) | (0xff << 40);
        let dots_alone = (self.sums >> 40) as u8 == (self.sums >> 48) as u8;
        self.len < 24 && self.sums & !PLAIN == 0 && dots_alone
    }

    /// Appends what the template has for it.
    pub(super) fn push(self, out: &mut Vec<u8>) {
        if self.is_plain() {
            out.extend_from_slice(self.text());
        } else if self.is_variable() {
            out.extend_from_slice(PLACEHOLDER);
        } else if memchr3(b'.', b'-', b'_', self.text()).is_some() {
            push_tokens(self.text(), out);
        } else {
            push_text(self.text(), out);
        }
    }
}

/// The path of a target, with its leading slash; `None` when the target is no path.
pub(super) fn path_of(target: &[u8]) -> Option<&[u8]> {
    if target.first() == Some(&b'/') {
        return Some(target);
    }
    let scheme = memchr::memmem::find(target, b"://").filter(|&at| at <= 8)?;
    let after = &target[scheme + 3..];
    Some(memchr(b'/', after).map_or(b"/", |at| &after[at..]))
}

/// What a byte counts for, in lanes of 8 bits: see [`Counts`]. Bytes that end a segment are [`STOP`].
static CLASS: [u64; 256] = classes();
const STOP: u64 = u64::MAX;
/// Bytes after which a lane might run over.
const LANE: usize = 255;

const fn classes() -> [u64; 256] {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = match b as u8 {
            b'0'..=b'9' => 1,
            b'a'..=b'f' => 1 << 8 | 1 << 16,
            b'g'..=b'z' => 1 << 16,
            b'A'..=b'F' => 1 << 8 | 1 << 24,
            b'G'..=b'Z' => 1 << 24,
            b'-' | b'_' => 1 << 32,
            b'.' => 1 << 40 | 1 << 48,
            b'=' | b'+' | b'~' | b':' | b',' | b'%' => 1 << 40,
            b'/' | b'?' | b'#' | b';' => STOP,
            _ => 1 << 56,
        };
        b += 1;
    }
    table
}

/// The length of the segment that `path` begins with, and the sum of its classes, which means
/// something up to [`LANE`] bytes.
#[inline]
fn class_sums(path: &[u8]) -> (usize, u64) {
    let mut sums = 0u64;
    for (at, &b) in path.iter().enumerate() {
        let class = CLASS[usize::from(b)];
        if class == STOP {
            return (at, sums);
        }
        sums = sums.wrapping_add(class);
    }
    (path.len(), sums)
}

/// How many bytes of each class a segment has.
#[derive(Default)]
struct Counts {
    digits: usize,
    hex: usize,
    lower: usize,
    upper: usize,
    dashes: usize,
    other: usize,
    dots: usize,
    strange: usize,
}

impl Counts {
    fn of(segment: &[u8], sums: u64) -> Counts {
        let mut counts = Counts::default();
        if segment.len() <= LANE {
            counts.add(sums);
            return counts;
        }
        for part in segment.chunks(LANE) {
            counts.add(part.iter().fold(0, |sums, &b| sums + CLASS[usize::from(b)]));
        }
        counts
    }

    fn add(&mut self, sums: u64) {
        let lanes = [
            &mut self.digits,
            &mut self.hex,
            &mut self.lower,
            &mut self.upper,
            &mut self.dashes,
            &mut self.other,
            &mut self.dots,
            &mut self.strange,
        ];
        for (count, sum) in lanes.into_iter().zip(sums.to_le_bytes()) {
            *count += usize::from(sum);
        }
    }
}

/// A variable of a route as frameworks write it: `:id`, `{id}`.
fn is_route_variable(segment: &[u8]) -> bool {
    match segment {
        [b':', name @ ..] => is_name(name),
        [first, .., last] => (*first, *last) == (b'{', b'}'),
        _ => false,
    }
}

fn is_name(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'(' | b')' | b'\\' | b'+' | b'*'))
}

/// A segment of several tokens, of which some may be ids: `order-4711`, `main.8f3a2b1c9d.js`.
fn push_tokens(segment: &[u8], out: &mut Vec<u8>) {
    if let Some(dot) = memchr::memrchr(b'.', segment)
        && is_id_alone(&segment[..dot])
        && segment[dot + 1..].iter().any(u8::is_ascii_alphabetic)
    {
        out.extend_from_slice(PLACEHOLDER);
        push_text(&segment[dot..], out);
        return;
    }
    let mut rest = segment;
    loop {
        let len = memchr3(b'.', b'-', b'_', rest).unwrap_or(rest.len());
        let token = &rest[..len];
        // Short numbers are versions and sizes: `v1.2`, `logo-2x`, `jquery-3.7.1`.
        let number = token.len() >= 3 && token.iter().all(u8::is_ascii_digit);
        let hash = token.len() >= 8 && is_id_alone(token);
        if number || hash {
            out.extend_from_slice(PLACEHOLDER);
        } else {
            push_text(token, out);
        }
        match rest.get(len) {
            Some(&separator) => out.push(separator),
            None => return,
        }
        rest = &rest[len + 1..];
    }
}

/// Whether a whole segment is an id: a number, UUID, hex or date, a reference of letters and many
/// digits, an e-mail address, or a long token no person would type.
fn is_id(segment: &[u8], sums: u64) -> bool {
    let Counts { digits, hex, lower, upper, dashes, dots, other, strange } = Counts::of(segment, sums);
    if strange > 0 {
        let first = segment.iter().find(|b| CLASS[usize::from(**b)] >> 56 > 0);
        return first == Some(&b'@') && segment.len() > 4;
    }
    let (len, letters) = (segment.len(), lower + upper);
    if digits == 0 {
        // Base64 without a digit is rare and long; words are long, too, but seldom mixed in case.
        return len >= 24 && lower >= 4 && upper >= 4 && dashes + other == 0;
    }
    let all_hex = digits + hex + dashes == len && letters == hex;
    letters == 0 && digits + dashes + other == len
        || (all_hex && len - dashes >= 8 && hex > 0)
        || (len >= 8 && dots == 0 && digits >= 5 && digits * 3 >= letters && dashes + other <= 4)
        || (len >= 20 && dots == 0 && digits >= 3 && (upper >= 2 || letters >= 16) && dashes <= 3)
        || memchr::memmem::find(segment, b"%40").is_some()
}

/// The same of a part of a segment.
fn is_id_alone(text: &[u8]) -> bool {
    is_id(text, class_sums(text).1)
}

/// Text that becomes part of a name: bytes that are not UTF-8 are percent-encoded, so that
/// different names stay different.
fn push_text(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend_from_slice(text);
        return;
    }
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        for byte in chunk.invalid() {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: &str) -> String {
        let mut out = Vec::new();
        template(target.as_bytes(), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn ids_of_every_kind_become_one_placeholder() {
        for id in [
            "4711",
            "1ee6cfd2-9d64-41ad-8b1f-1f1f1f1f1f1f",
            "5b8efff798038103",
            "00000000000000000000000000000042",
            "CR05015202001026284066",
            "2024-05-17",
            "ana.maria%40example.com",
            "ana@example.com",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            ":id",
            "{accountId}",
            "20261122",
        ] {
            assert_eq!(of(&format!("/api/v2/accounts/{id}/balance")), "/api/v2/accounts/{id}/balance", "{id}");
        }
    }

    #[test]
    fn words_versions_and_files_are_kept() {
        for path in [
            "/api/v2/oauth2/token",
            "/static/js/jquery-3.7.1.min.js",
            "/iso8601/parse",
            "/a/b-c_d.e",
            "/img/logo-2x.png",
            "/healthz",
            "/Accounts/GetBalance",
        ] {
            assert_eq!(of(path), path);
        }
    }

    #[test]
    fn what_is_no_part_of_the_endpoint_goes() {
        assert_eq!(of("/a/b?x=1"), "/a/b");
        assert_eq!(of("/a/b/#top"), "/a/b");
        assert_eq!(of("/a;jsessionid=0F1/b"), "/a/b");
        assert_eq!(of("http://host:8080/a/7"), "/a/{id}");
        assert_eq!(of("https://host"), "/");
        assert_eq!(of("/"), "/");
        assert_eq!(of("*"), "*");
        assert_eq!(of("host:443"), "host:443");
        assert_eq!(of("BILL_PAYMENT"), "BILL_PAYMENT");
    }

    #[test]
    fn ids_within_a_segment_are_found() {
        assert_eq!(of("/orders/order-4711"), "/orders/order-{id}");
        assert_eq!(of("/static/main.8f3a2b1c9d.js"), "/static/main.{id}.js");
        assert_eq!(of("/reports/2024-05-17.pdf"), "/reports/{id}.pdf");
    }

    #[test]
    fn other_encodings_stay_apart_and_become_text() {
        let mut out = Vec::new();
        template(b"/caf\xe9/\xa4\xa4", &mut out);
        assert_eq!(out, b"/caf%E9/%A4%A4");
    }
}
