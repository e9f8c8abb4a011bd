//! What container runtimes and their clients put around a line.
//!
//! Definitions: <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>,
//! <https://docs.docker.com/engine/logging/drivers/json-file/>,
//! <https://docs.docker.com/reference/cli/docker/compose/logs/>,
//! <https://kubernetes.io/docs/reference/kubectl/generated/kubectl_logs/>.

use memchr::memchr;

use super::Stripped;
use super::syslog::is_level;
use crate::scan::json::{Str, Walker};
use crate::scan::line::word;
use crate::scan::time;

/// `2026-11-22T17:55:50.123456789Z stdout F line`; `P` marks a part of a line.
pub(super) fn cri(line: &[u8]) -> Option<Stripped<'_>> {
    let (stamp, rest) = word(line);
    if stamp.get(10) != Some(&b'T') || time::iso(stamp).is_err() {
        return None;
    }
    let (stream, rest) = word(rest);
    let (tags, text) = word(rest);
    let stream = stream_of(stream)?;
    // Further tags may follow behind a colon.
    let partial = match tags.split(|&b| b == b':').next()? {
        b"F" => false,
        b"P" => true,
        _ => return None,
    };
    Some(Stripped { text: text.into(), stream, partial })
}

/// `{"log":"line\n","stream":"stdout","time":"..."}`; a `log` without its newline is a part.
pub(super) fn docker(line: &[u8]) -> Option<Stripped<'_>> {
    if !line.starts_with(b"{\"") {
        return None;
    }
    let (mut log, mut stream): (Option<Str<'_>>, Option<u8>) = (None, None);
    let mut walker = Walker::new(line);
    let walked = walker.object(|w, key| {
        match key.raw {
            b"log" => log = Some(w.string()?),
            b"stream" => stream = stream_of(w.string()?.raw),
            _ => {
                w.skip()?;
            }
        }
        Ok(())
    });
    let (Ok(()), Some(log), Some(stream)) = (walked, log, stream) else { return None };
    // Some collectors put the line's newline away.
    let mut text = log.text();
    let ended = text.ends_with(b"\n");
    if ended {
        match &mut text {
            std::borrow::Cow::Borrowed(text) => *text = &text[..text.len() - 1],
            std::borrow::Cow::Owned(text) => text.truncate(text.len() - 1),
        }
        if let std::borrow::Cow::Owned(text) = &mut text
            && text.ends_with(b"\r")
        {
            text.pop();
        }
    }
    Some(Stripped { text, stream, partial: !ended })
}

/// `[pod/web-5d4b/nginx] line`.
pub(super) fn kubectl(line: &[u8]) -> Option<Stripped<'_>> {
    let rest = line.strip_prefix(b"[pod/")?;
    let end = memchr(b']', rest)?;
    let name_fits = rest[..end].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'/'));
    let text = &rest[end + 1..];
    name_fits.then(|| Stripped::whole(text.strip_prefix(b" ").unwrap_or(text)))
}

/// `web-1  | line`, without colours.
pub(super) fn compose(line: &[u8]) -> Option<Stripped<'_>> {
    if line.first() == Some(&0x1b) {
        return None;
    }
    column(line).map(|(_, text)| Stripped::whole(text))
}

/// `ESC[36mweb-1  |ESC[0m line`.
pub(super) fn compose_coloured(line: &[u8]) -> Option<Stripped<'_>> {
    if line.first() != Some(&0x1b) {
        return None;
    }
    column(line).map(|(_, text)| Stripped::whole(text))
}

/// The service of a line of compose: its container's name without the number.
pub(super) fn compose_service(line: &[u8]) -> Option<&[u8]> {
    column(line)?;
    let line = uncoloured(line);
    let end = line.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))).unwrap_or(line.len());
    let name = &line[..end];
    let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let stem = &name[..name.len() - digits];
    Some(
        stem.strip_suffix(b"-").or_else(|| stem.strip_suffix(b"_")).filter(|stem| digits > 0 && !stem.is_empty()).unwrap_or(name),
    )
}

/// The container in `[pod/web-5d4b/nginx] line`.
pub(super) fn kubectl_service(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"[pod/")?;
    rest[..memchr(b']', rest)?].rsplit(|&b| b == b'/').next()
}

/// Whether the bars stand in one column, as compose pads the names; other logs have bars, too.
pub(super) fn is_column(lines: &[&[u8]]) -> bool {
    let mut bars = lines.iter().filter_map(|line| column(line)).map(|(at, _)| at);
    let Some(first) = bars.next() else { return false };
    bars.all(|at| at == first)
}

/// The width of the name with its padding, and the text behind the bar.
fn column(line: &[u8]) -> Option<(usize, &[u8])> {
    let line = uncoloured(line);
    let name = line.iter().take(128).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')).count();
    let has_letter = line[..name].iter().any(u8::is_ascii_alphabetic);
    if !has_letter || is_level(&line[..name]) {
        return None;
    }
    let rest = uncoloured(&line[name..]);
    let blanks = rest.iter().take_while(|&&b| b == b' ').count();
    let text = uncoloured(uncoloured(&rest[blanks..]).strip_prefix(b"|")?);
    if blanks == 0 || !(text.is_empty() || text.starts_with(b" ")) {
        return None;
    }
    let text = text.strip_prefix(b" ").unwrap_or(text);
    // Newer versions end the colour behind the blank.
    Some((name + blanks, text.strip_prefix(b"\x1b[0m").unwrap_or(text)))
}

/// The text behind a colour sequence, `ESC [ digits m`.
fn uncoloured(text: &[u8]) -> &[u8] {
    let Some(codes) = text.strip_prefix(b"\x1b[") else { return text };
    let len = codes.iter().take_while(|b| b.is_ascii_digit() || **b == b';').count();
    match codes.get(len) {
        Some(b'm') => &codes[len + 1..],
        _ => text,
    }
}

fn stream_of(name: &[u8]) -> Option<u8> {
    match name {
        b"stdout" => Some(1),
        b"stderr" => Some(2),
        _ => None,
    }
}
