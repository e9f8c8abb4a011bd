//! Ids that callers leave in SQL comments, read before the comments are stripped.
//!
//! `/*action='pay',traceparent='00-..-..-01'*/` as sqlcommenter writes it, with URL-encoded values
//! (<https://google.github.io/sqlcommenter/spec/>), and `/*request_id:abc,job:x*/` as Rails does.
//! Only a comment at the start, after the first word or at the end counts: those are where tools
//! put theirs, while text in the middle may be a user's.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use crate::Id;

/// What a statement's comments say of who sent it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ids {
    /// Trace id.
    pub trace: Option<Id>,
    /// Span that sent the statement.
    pub parent_span: Option<u64>,
    /// Request id.
    pub request: Option<Id>,
}

/// The ids in the comments of a statement.
#[inline]
pub fn ids(sql: &[u8]) -> Ids {
    let mut ids = Ids::default();
    // Most statements have no comment at all: one search settles it.
    if memmem::find(sql, b"/*").is_none() {
        return ids;
    }
    let sql = sql.trim_ascii();
    let after_first_word = sql.iter().position(u8::is_ascii_whitespace).map_or(&b""[..], |at| sql[at..].trim_ascii_start());
    for text in [sql, after_first_word] {
        if let Some(body) = text.strip_prefix(b"/*") {
            read(&body[..memmem::find(body, b"*/").unwrap_or(body.len())], &mut ids);
        }
    }
    let end = sql.strip_suffix(b";").unwrap_or(sql).trim_ascii_end();
    if let Some(text) = end.strip_suffix(b"*/")
        && let Some(start) = memmem::rfind(text, b"/*")
    {
        read(&text[start + 2..], &mut ids);
    }
    ids
}

/// The ids in a comment that is given by itself, as MongoDB's `comment` is.
pub fn ids_of_comment(comment: &[u8]) -> Ids {
    let mut ids = Ids::default();
    read(comment, &mut ids);
    ids
}

/// The pairs of one comment. What was found first stays.
fn read(comment: &[u8], ids: &mut Ids) {
    let mut rest = comment;
    while let Some(at) = rest.iter().position(|&b| matches!(b, b'=' | b':')) {
        let (key, after) = (last_word(&rest[..at]), &rest[at + 1..]);
        let (value, next) = value(after.trim_ascii_start());
        rest = next;
        take(key, value, ids);
    }
}

fn take(key: &[u8], value: &[u8], ids: &mut Ids) {
    let mut lower = [0u8; 24];
    let Some(name) = lower.get_mut(..key.len()) else { return };
    for (to, from) in name.iter_mut().zip(key) {
        *to = if *from == b'-' { b'_' } else { from.to_ascii_lowercase() };
    }
    match &*name {
        b"traceparent" => {
            if let Some((trace, span)) = Id::traceparent(&decode(value)) {
                ids.trace = ids.trace.or(Some(trace));
                ids.parent_span = ids.parent_span.or(Some(span));
            }
        }
        b"trace_id" | b"traceid" => ids.trace = ids.trace.or(Id::parse(&decode(value))),
        b"span_id" | b"spanid" => ids.parent_span = ids.parent_span.or(Id::span(&decode(value))),
        b"rid" | b"request_id" | b"requestid" | b"req_id" | b"reqid" | b"x_request_id" | b"correlation_id" | b"correlationid"
        | b"x_correlation_id" => ids.request = ids.request.or(Id::parse(&decode(value))),
        _ => {}
    }
}

fn last_word(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let start = text.iter().rposition(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))).map_or(0, |at| at + 1);
    &text[start..]
}

/// A value, quoted or up to the next comma or blank, and what follows it.
fn value(text: &[u8]) -> (&[u8], &[u8]) {
    if let Some(&quote @ (b'\'' | b'"')) = text.first() {
        let body = &text[1..];
        let len = memchr(quote, body).unwrap_or(body.len());
        return (&body[..len], body.get(len + 1..).unwrap_or_default());
    }
    let len = text.iter().position(|b| matches!(b, b',' | b' ' | b';')).unwrap_or(text.len());
    text.split_at(len)
}

/// Undoes URL encoding.
fn decode(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'%', value).is_none() {
        return Cow::Borrowed(value);
    }
    let digit = |at: usize| value.get(at).and_then(|&b| (b as char).to_digit(16)).map(|d| d as u8);
    let mut text = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        match (value[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                text.push(high << 4 | low);
                at += 3;
            }
            (byte, ..) => {
                text.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlcommenter_pairs_are_read() {
        let got = ids(b"SELECT 1 /*action='transfer',rid='0f1abffc42fed406f4b819c871cbb8f4'*/");
        assert_eq!(got.request, Some(Id(0x0f1a_bffc_42fe_d406_f4b8_19c8_71cb_b8f4)));
        let got = ids(b"BEGIN /*traceparent='00-58807f2012881be9950545be86d40802-0d7e1c5f2bef6ede-01'*/;");
        assert_eq!(got.trace, Some(Id(0x5880_7f20_1288_1be9_9505_45be_86d4_0802)));
        assert_eq!(got.parent_span, Some(0x0d7e_1c5f_2bef_6ede));
    }

    #[test]
    fn values_are_url_decoded() {
        assert_eq!(ids(b"SELECT 1 /*request_id='a%2Fb%20c'*/").request, Id::parse(b"a/b c"));
        assert_eq!(ids(b"SELECT 1 /*rid='100%'*/").request, Id::parse(b"100%"));
    }

    #[test]
    fn comments_count_at_the_front_after_the_first_word_and_with_colons() {
        assert_eq!(ids(b"/* X-Request-Id: abc-1 */ SELECT 1").request, Id::parse(b"abc-1"));
        assert_eq!(ids(b"SELECT /* correlation_id=77 */ 1").request, Id::parse(b"77"));
        assert_eq!(ids(b"SELECT 1 /*application:Bank,controller:a,request_id:r9,job:x*/").request, Id::parse(b"r9"));
    }

    #[test]
    fn text_in_the_middle_is_a_users() {
        assert_eq!(ids(b"SELECT '/*rid=1*/' FROM t"), Ids::default());
        for text in [&b""[..], b"/*", b"*/", b"/*/", b"/*rid*/", b"/*rid=*/", b"/*='x'*/", b"/*traceparent='00-1'*/", b"/*rid='x"]
        {
            let _ = ids(text);
        }
        assert_eq!(ids(b"SELECT 1 /*rid=''*/"), Ids::default());
    }
}
