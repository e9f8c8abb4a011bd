//! Syslog and journald prefixes.
//!
//! Definitions: <https://datatracker.ietf.org/doc/html/rfc3164>,
//! <https://datatracker.ietf.org/doc/html/rfc5424>, and `short`, `short-iso` and `json` of
//! <https://www.freedesktop.org/software/systemd/man/latest/journalctl.html>.

use super::Stripped;
use crate::scan::json::Walker;
use crate::scan::line::word;
use crate::scan::{number, time};

/// What stands before the message, for formats whose records need it.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    /// When it was written; the old prefix has no year and so no time.
    pub(crate) stamp: Option<time::Stamp>,
    /// Process id of the writer.
    pub(crate) pid: Option<u64>,
    /// The message.
    pub(crate) text: &'a [u8],
}

/// Takes a line apart at whichever of the prefixes it has.
pub(crate) fn head(line: &[u8]) -> Option<Head<'_>> {
    new_head(line).or_else(|| old_head(line)).or_else(|| iso_head(line))
}

/// `<34>Oct 11 22:14:15 host tag[123]: message`, with or without the priority: journald's `short`
/// writes the same without.
pub(super) fn rfc3164(line: &[u8]) -> Option<Stripped<'_>> {
    old_head(line).map(|head| Stripped::whole(head.text))
}

/// `<34>1 2003-10-11T22:14:15.003Z host app procid msgid [id key="value"] message`.
pub(super) fn rfc5424(line: &[u8]) -> Option<Stripped<'_>> {
    new_head(line).map(|head| Stripped::whole(head.text))
}

/// `2026-11-22T17:55:50+0000 host tag[123]: message`, as journald's `short-iso` and rsyslog's
/// default file format write.
pub(super) fn iso(line: &[u8]) -> Option<Stripped<'_>> {
    iso_head(line).map(|head| Stripped::whole(head.text))
}

/// `{"__REALTIME_TIMESTAMP":"...","MESSAGE":"line",...}`, as journald's `json` writes. A message that is not
/// UTF-8 is a list of its bytes, and such a line stays as it is.
pub(super) fn journal(line: &[u8]) -> Option<Stripped<'_>> {
    if !line.starts_with(b"{") || memchr::memmem::find(line, b"\"__REALTIME_TIMESTAMP\"").is_none() {
        return None;
    }
    let mut message = None;
    let walked = Walker::new(line).object(|w, key| {
        if key.raw == b"MESSAGE" && w.peek() == b'"' {
            message = Some(w.string()?);
            return Ok(());
        }
        w.skip().map(drop)
    });
    let text = walked.ok().and(message)?.text();
    Some(Stripped { text, stream: 0, partial: false })
}

fn old_head(line: &[u8]) -> Option<Head<'_>> {
    let (_, line) = priority(line);
    let stamp = line.get(..16)?;
    let day_fits = matches!(stamp[4], b' ' | b'0'..=b'3') && stamp[5].is_ascii_digit();
    if stamp[3] != b' ' || !day_fits || stamp[6] != b' ' || time::month_of(&stamp[..3]).is_err() {
        return None;
    }
    let (_, rest) = time::clock(&line[7..]).ok()?;
    // journald's short-precise and rsyslog can write a fraction.
    let (_, _, rest) = time::fraction(rest);
    let (_, tag, text) = host_and_tag(rest.strip_prefix(b" ")?)?;
    Some(Head { stamp: None, pid: pid_of(tag), text })
}

fn new_head(line: &[u8]) -> Option<Head<'_>> {
    let (true, line) = priority(line) else { return None };
    let rest = line.strip_prefix(b"1 ")?;
    let (stamp, mut rest) = word(rest);
    let stamp = if stamp == b"-" { None } else { Some(time::iso(stamp).ok()?) };
    let mut fields = [&b""[..]; 4];
    for field in &mut fields {
        (*field, rest) = word(rest);
        if field.is_empty() {
            return None;
        }
    }
    let text = match rest.strip_prefix(b"-") {
        Some(text) => text,
        None => structured_data(rest)?,
    };
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    Some(Head { stamp, pid: number::whole(fields[2]).ok(), text })
}

fn iso_head(line: &[u8]) -> Option<Head<'_>> {
    let (_, tag, text) = parts(line)?;
    let (_, line) = priority(line);
    Some(Head { stamp: time::iso(word(line).0).ok(), pid: pid_of(tag), text })
}

/// The process id in `tag[123]`.
fn pid_of(tag: &[u8]) -> Option<u64> {
    let open = memchr::memchr(b'[', tag)?;
    number::whole(tag[open + 1..].strip_suffix(b"]")?).ok()
}

/// Many applications write lines of an ISO time, a word and a `word:`. A carrier shows itself by
/// process ids behind the tag, or by always the same host.
pub(super) fn is_steady(lines: &[&[u8]]) -> bool {
    let parts: Vec<_> = lines.iter().filter_map(|line| parts(line)).collect();
    let with_pid = parts.iter().filter(|(_, tag, _)| tag.ends_with(b"]")).count();
    with_pid * 2 >= parts.len() || parts.len() > 4 && parts.windows(2).all(|pair| pair[0].0 == pair[1].0)
}

/// Host, tag and message behind an ISO time with a `T` and a zone.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (_, line) = priority(line);
    let (stamp, rest) = word(line);
    let stamp = (stamp.get(10) == Some(&b'T')).then(|| time::iso(stamp).ok())??;
    if !stamp.zoned { None } else { host_and_tag(rest) }
}

/// A `<PRI>` of up to three digits, if there is one, and what follows.
fn priority(line: &[u8]) -> (bool, &[u8]) {
    let Some(rest) = line.strip_prefix(b"<") else { return (false, line) };
    let digits = rest.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    match (digits, rest.get(digits)) {
        (1..=3, Some(b'>')) => (true, &rest[digits + 1..]),
        _ => (false, line),
    }
}

/// `host tag[123]: message`, `host tag: message`.
fn host_and_tag(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (host, rest) = word(text);
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'@');
    if host.is_empty() || !host.iter().all(is_name) || is_level(host) {
        return None;
    }
    let name = rest.iter().take(128).position(|b| !(b.is_ascii_alphanumeric() || b"._-/@()\\".contains(b)))?;
    let bracket = rest[name..].strip_prefix(b"[").map(|after| after.iter().take_while(|b| b.is_ascii_digit()).count() + 2);
    let tag = name + bracket.unwrap_or(0);
    let closed = bracket.is_none() || rest.get(tag - 1) == Some(&b']');
    if name == 0 || !closed || rest.get(tag) != Some(&b':') {
        return None;
    }
    let text = &rest[tag + 1..];
    Some((host, &rest[..tag], text.strip_prefix(b" ").unwrap_or(text)))
}

/// Words that stand in the host's place in application logs.
pub(super) fn is_level(word: &[u8]) -> bool {
    const LEVELS: [&[u8]; 16] = [
        b"TRACE",
        b"DEBUG",
        b"INFO",
        b"NOTICE",
        b"WARN",
        b"WARNING",
        b"ERROR",
        b"ERR",
        b"FATAL",
        b"CRITICAL",
        b"CRIT",
        b"SEVERE",
        b"LOG",
        b"FINE",
        b"STDERR",
        b"STDOUT",
    ];
    LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level))
}

/// What follows one or more `[id key="value"]`.
fn structured_data(mut text: &[u8]) -> Option<&[u8]> {
    while text.first() == Some(&b'[') {
        let (mut quoted, mut at) = (false, 1);
        loop {
            match text.get(at)? {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
            at += 1;
        }
        text = &text[at + 1..];
    }
    (text.is_empty() || text.starts_with(b" ")).then_some(text)
}
