//! Prefixes that carriers put before the real line: syslog, journald, Kubernetes CRI, Docker.
//!
//! They are peeled off a whole chunk before its format sees it, so that every format, of one line
//! or of many, is read behind any of them. Lines that a carrier has split are joined again.

mod container;
mod syslog;

use memchr::memchr;

pub(crate) use syslog::{Head, head as syslog_head};

/// A carrier's prefix.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    /// Name, for the report.
    pub name: &'static str,
    /// A container's runtime wrote it: never a part of the format within.
    pub is_container: bool,
    strip: Strip,
    /// What must hold of the first lines together, where a single one proves little.
    steady: fn(&[&[u8]]) -> bool,
    /// The service whose line it is, where the carrier brings those of several together.
    service: Option<Service>,
    /// The one service whose lines are wanted.
    only: Option<Only>,
}

/// Tells whose line a line is.
type Service = for<'a> fn(&'a [u8]) -> Option<&'a [u8]>;

/// A service, by its name's hash; the first one takes the lines that are of none, so that none is lost.
#[derive(Clone, Copy, Debug)]
struct Only {
    name: u64,
    takes_strays: bool,
}

/// Takes the prefix off a line, given without its line end.
type Strip = for<'a> fn(&'a [u8]) -> Option<Stripped<'a>>;

/// What a carrier's line holds.
struct Stripped<'a> {
    /// The text of the real line, or a part of it.
    text: std::borrow::Cow<'a, [u8]>,
    /// Which of the container's streams it came from; parts are joined within a stream.
    stream: u8,
    /// Whether the real line goes on in a later line of the stream.
    partial: bool,
}

impl<'a> Stripped<'a> {
    fn whole(text: &'a [u8]) -> Self {
        Stripped { text: text.into(), stream: 0, partial: false }
    }
}

/// Carriers, the most specific first.
const CARRIERS: [Prefix; 9] = [
    container("docker json-file", container::docker, None),
    container("journald JSON", syslog::journal, None),
    container("kubernetes cri", container::cri, None),
    container("kubectl --prefix", container::kubectl, Some(container::kubectl_service)),
    syslog("syslog RFC 5424", syslog::rfc5424, always),
    syslog("syslog RFC 3164", syslog::rfc3164, always),
    syslog("syslog or journald, ISO time", syslog::iso, syslog::is_steady),
    Prefix { steady: container::is_column, ..container("docker-compose", container::compose, Some(container::compose_service)) },
    container("docker-compose, coloured", container::compose_coloured, Some(container::compose_service)),
];

const fn container(name: &'static str, strip: Strip, service: Option<Service>) -> Prefix {
    Prefix { name, is_container: true, strip, steady: always, service, only: None }
}

const fn syslog(name: &'static str, strip: Strip, steady: fn(&[&[u8]]) -> bool) -> Prefix {
    Prefix { name, is_container: false, strip, steady, service: None, only: None }
}

fn always(_: &[&[u8]]) -> bool {
    true
}

/// Lines looked at to find the prefix.
const SNIFF_LINES: usize = 100;

/// The prefix that nine in ten of the first lines carry, if there is one.
pub fn sniff(head: &[u8]) -> Option<Prefix> {
    let mut lines: Vec<&[u8]> = head.split_inclusive(|&b| b == b'\n').take(SNIFF_LINES).collect();
    // The head may end within a line.
    if lines.len() > 1 && lines.last().is_some_and(|line| !line.ends_with(b"\n")) {
        lines.pop();
    }
    let lines: Vec<&[u8]> = lines.into_iter().map(without_end).filter(|line| !line.trim_ascii().is_empty()).collect();
    CARRIERS.into_iter().find(|prefix| {
        let carried = lines.iter().filter(|line| (prefix.strip)(line).is_some()).count();
        carried > 0 && carried * 10 >= lines.len() * 9 && (prefix.steady)(&lines)
    })
}

/// A chunk without its prefixes.
#[derive(Clone, Debug, Default)]
pub struct Peeled {
    /// The lines that are left, each with its line end.
    pub bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// A line of the peeled bytes.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Where it starts in the peeled bytes.
    start: usize,
    /// Where in the chunk the line stands that it came from; the first of several.
    offset: u64,
    /// The number of that line within the chunk, from 0.
    number: u32,
}

impl Peeled {
    /// Where in the chunk the line stands that holds this offset of `bytes`, and its number within
    /// the chunk, from 0. A line that was joined of several stands where its first part does.
    pub fn original(&self, offset: u64) -> (u64, u32) {
        let at = self.lines.partition_point(|line| line.start as u64 <= offset);
        at.checked_sub(1).map_or((0, 0), |i| (self.lines[i].offset, self.lines[i].number))
    }
}

/// Parts of a line whose rest is still to come.
struct Pending {
    stream: u8,
    text: Vec<u8>,
    offset: u64,
    number: u32,
}

/// Longest line that is put together of parts; past it the parts stay lines of their own.
const MAX_JOINED: usize = 16 << 20;

impl Prefix {
    /// The service whose line it is, where the carrier brings those of several together.
    pub fn service<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        self.service.and_then(|of| of(without_end(line)))
    }

    /// The same prefix, of which only the lines of one service are peeled and all others left out;
    /// those of no service go to the one that `takes_strays`.
    pub fn only(self, service: &[u8], takes_strays: bool) -> Prefix {
        Prefix { only: Some(Only { name: crate::scan::sql::id(service), takes_strays }), ..self }
    }

    /// Whether a line is not wanted.
    fn leaves_out(&self, line: &[u8]) -> bool {
        self.only.is_some_and(|only| match self.service(line) {
            Some(service) => crate::scan::sql::id(service) != only.name,
            None => !only.takes_strays,
        })
    }

    /// Peels every line; a line without the prefix stays as it is. Parts whose rest does not follow
    /// in these bytes become lines of their own.
    pub fn peel(&self, bytes: &[u8]) -> Peeled {
        let mut peeled = Peeled { bytes: Vec::with_capacity(bytes.len()), lines: Vec::new() };
        let mut pending: Vec<Pending> = Vec::new();
        let (mut at, mut number) = (0, 0);
        while at < bytes.len() {
            let len = memchr(b'\n', &bytes[at..]).map_or(bytes.len() - at, |i| i + 1);
            let raw = &bytes[at..at + len];
            let line = without_end(raw);
            let place = (at as u64, number);
            if self.leaves_out(line) {
                at += len;
                number += 1;
                continue;
            }
            match (self.strip)(line) {
                None => peeled.push(place, &[raw]),
                Some(stripped) => {
                    let before = pending.iter().position(|part| part.stream == stripped.stream);
                    let end = &raw[line.len()..];
                    match (stripped.partial, before) {
                        (false, None) => peeled.push(place, &[&stripped.text, end]),
                        (false, Some(before)) => {
                            let part = pending.swap_remove(before);
                            peeled.push((part.offset, part.number), &[&part.text, &stripped.text, end]);
                        }
                        (true, Some(before)) if pending[before].text.len() < MAX_JOINED => {
                            pending[before].text.extend_from_slice(&stripped.text);
                        }
                        (true, before) => {
                            if let Some(before) = before {
                                let part = pending.swap_remove(before);
                                peeled.push((part.offset, part.number), &[&part.text, b"\n"]);
                            }
                            let text = stripped.text.into_owned();
                            pending.push(Pending { stream: stripped.stream, text, offset: place.0, number: place.1 });
                        }
                    }
                }
            }
            at += len;
            number += 1;
        }
        pending.sort_by_key(|part| part.number);
        for part in pending {
            peeled.push((part.offset, part.number), &[&part.text, b"\n"]);
        }
        peeled
    }

    /// Whether a line, given with or without its end, leaves the real line unfinished, so that a
    /// chunk must not end after it.
    pub fn is_partial(&self, line: &[u8]) -> bool {
        (self.strip)(without_end(line)).is_some_and(|stripped| stripped.partial)
    }
}

impl Peeled {
    fn push(&mut self, (offset, number): (u64, u32), pieces: &[&[u8]]) {
        self.lines.push(Line { start: self.bytes.len(), offset, number });
        for piece in pieces {
            self.bytes.extend_from_slice(piece);
        }
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests;
