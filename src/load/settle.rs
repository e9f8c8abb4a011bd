//! Which format a log is read as: the one the user named, the one of several layouts that fits, or the
//! one its first lines show. Reads nothing but those lines.

use std::path::Path;

use globset::GlobMatcher;
use parsers::peel::{self, Prefix};
use parsers::{Batch, Candidate, Chunk, Decoder, Format, detect, formats, named};

use super::Options;
use crate::error::{Error, Result};

/// What certain paths are read as.
pub struct FormatRule {
    /// Which paths; `None` for all.
    pub paths: Option<GlobMatcher>,
    /// What they may be, at least one; the log itself decides between several.
    pub choices: Vec<Choice>,
}

/// A format, and the layout of a log of it.
pub struct Choice {
    /// The format.
    pub format: &'static dyn Format,
    /// The layout, where the rule gives one.
    pub layout: Option<String>,
    /// What a configuration calls the layout.
    pub name: Option<String>,
}

impl FormatRule {
    /// A rule as typed: `nginx`, a format string, or either after `GLOB=`.
    ///
    /// # Errors
    /// [`Error::Usage`] when no format has that name or takes that layout.
    pub fn parse(text: &str) -> Result<FormatRule> {
        // Servers take any text as a format string, also one with a pattern of paths before it.
        let pattern = text.split_once('=').filter(|(glob, _)| is_pattern(glob));
        if let Some(Ok(rule)) = pattern.map(|(glob, rest)| Self::for_paths(glob, rest)) {
            return Ok(rule);
        }
        if let Some(rule) = Self::of(text) {
            return Ok(rule);
        }
        match text.split_once('=') {
            Some((glob, rest)) => Self::for_paths(glob, rest),
            None => Err(Self::unknown(text)),
        }
    }

    /// A rule for the paths that a pattern matches: a name without folders in any folder.
    ///
    /// # Errors
    /// [`Error::Usage`] when the pattern is none, or no format has that name or takes that layout.
    pub fn for_paths(glob: &str, format: &str) -> Result<FormatRule> {
        Self::of(format).ok_or_else(|| Self::unknown(&format!("{glob}={format}")))?.only_for(glob)
    }

    fn unknown(text: &str) -> Error {
        Error::Usage(format!(
            "--log-format {text}: neither a format's name nor a format string of nginx, Apache, Tomcat, HAProxy, gunicorn or \
             PostgreSQL; logs of other layouts are read by custom:EXPRESSION; `narrows formats` lists the names"
        ))
    }

    fn of(text: &str) -> Option<FormatRule> {
        let choices = choices(text, None);
        (!choices.is_empty()).then_some(FormatRule { paths: None, choices })
    }

    /// A rule of the layouts that a server's configuration defines, each with its name.
    ///
    /// # Errors
    /// [`Error::Usage`] when no format takes any of them.
    pub fn of_layouts(layouts: &[(String, String)]) -> Result<FormatRule> {
        let choices: Vec<_> = layouts.iter().flat_map(|(name, layout)| choices(layout, Some(name))).collect();
        match (choices.is_empty(), layouts) {
            (false, _) => Ok(FormatRule { paths: None, choices }),
            (true, [(_, layout), ..]) => Err(Self::unknown(layout)),
            (true, []) => Err(Self::unknown("@")),
        }
    }

    /// The same rule for the paths that a pattern matches.
    ///
    /// # Errors
    /// [`Error::Usage`] when the pattern is none.
    pub fn only_for(self, glob: &str) -> Result<FormatRule> {
        let everywhere = if glob.contains('/') { glob.to_owned() } else { format!("**/{glob}") };
        let paths = globset::Glob::new(&everywhere).map_err(|e| Error::Usage(format!("--log-format {glob}=...: {e}")))?;
        Ok(FormatRule { paths: Some(paths.compile_matcher()), ..self })
    }

    pub(super) fn fits(&self, path: &Path) -> bool {
        self.paths.as_ref().is_none_or(|paths| paths.is_match(path.strip_prefix("./").unwrap_or(path)) || paths.is_match(path))
    }
}

/// What a format's name, a layout, or a layout behind its format's name may mean. Servers share
/// notations, so that one layout may be of several.
fn choices(text: &str, name: Option<&str>) -> Vec<Choice> {
    let choice =
        |format, layout: Option<&str>| Choice { format, layout: layout.map(str::to_owned), name: name.map(str::to_owned) };
    if let Some(format) = named(text) {
        return vec![choice(format, None)];
    }
    if let Some((format, layout)) = text.split_once(':')
        && let Some(format) = named(format)
    {
        return vec![choice(format, Some(layout))];
    }
    formats().filter(|format| format.takes_layout(text)).map(|format| choice(format, Some(text))).collect()
}

/// Whether a text before `=` is a pattern of paths, and not the start of a format string.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '/', '.']) && !text.contains(['$', '%', '"', '(', '\\', ' '])
}

/// A log's format, settled.
pub struct Settled {
    /// The format.
    pub format: &'static dyn Format,
    /// Why this one.
    pub evidence: String,
    /// The decoder.
    pub decoder: Box<dyn Decoder>,
    /// Prefix to peel off first.
    pub prefix: Option<Prefix>,
}

/// Settles the format of a log by its first bytes.
///
/// # Errors
/// [`Error::Unknown`] when no format fits, [`Error::Format`] when the format asked for does not.
pub fn settle(path: &Path, head: &[u8], options: &Options) -> Result<Settled> {
    let failed = |message: String| Error::Format { path: path.to_owned(), message };
    if let Some(rule) = options.formats.iter().find(|rule| rule.fits(path)) {
        return chosen(rule, head, options).map_err(failed);
    }
    let (prefix, found) = recognise(head);
    let Some(best) = found else { return Err(Error::Unknown { path: path.to_owned(), hint: hint(head).to_owned() }) };
    let peeled = prefix.map(|p| p.peel(whole_lines(head)));
    let head = peeled.as_ref().map_or(head, |p| &p.bytes);
    let mut opening = parsers::Options::default();
    (opening.unit, opening.alone) = (options.unit, options.alone);
    let decoder = best.format.open(head, &opening).map_err(|e| failed(e.message))?;
    Ok(Settled { format: best.format, evidence: best.verdict.evidence, decoder, prefix })
}

/// Reads a head as a rule says; of several choices, as the first of those that reject the fewest records.
fn chosen(rule: &FormatRule, head: &[u8], options: &Options) -> std::result::Result<Settled, String> {
    let open = |choice: &Choice| {
        let prefix = peel::sniff(head).filter(|carrier| carrier.is_container || !choice.format.reads_syslog());
        let peeled = prefix.map(|p| p.peel(whole_lines(head)));
        let head = peeled.as_ref().map_or(head, |p| &p.bytes);
        let mut opening = parsers::Options::default();
        (opening.unit, opening.alone) = (options.unit, options.alone);
        opening.layout = choice.layout.clone();
        let decoder = choice.format.open(head, &opening).map_err(|e| e.message)?;
        let evidence = "named with --log-format".to_owned();
        let rejected = if rule.choices.len() > 1 { rejected(&*decoder, whole_lines(head)) } else { (0, 1) };
        Ok::<_, String>((rejected, Settled { format: choice.format, evidence, decoder, prefix }))
    };
    let (mut best, mut error) = (None::<((u64, u64), Settled, &Choice)>, None);
    for choice in &rule.choices {
        match open(choice) {
            Ok((rejects, settled)) if best.as_ref().is_none_or(|(least, ..)| rejects.0 < least.0) => {
                best = Some((rejects, settled, choice));
            }
            Ok(_) => {}
            Err(message) => error = error.or(Some(message)),
        }
    }
    let mut names: Vec<&str> = rule.choices.iter().filter_map(|choice| choice.name.as_deref()).collect();
    names.dedup();
    match best {
        Some(((rejected, records), ..)) if rule.choices.len() > 1 && rejected >= records => Err(match names.as_slice() {
            [] => "its lines do not fit the layout given".to_owned(),
            names => format!("none of the layouts given fits it ({})", names.join(", ")),
        }),
        Some((_, mut settled, choice)) => {
            if let Some(name) = choice.name.as_deref().filter(|_| names.len() > 1) {
                settled.evidence = format!("named with --log-format; `{name}` fits best of {}", names.join(", "));
            }
            Ok(settled)
        }
        None => Err(error.unwrap_or_default()),
    }
}

/// How many records of a head a decoder rejects, and how many there are.
fn rejected(decoder: &dyn Decoder, head: &[u8]) -> (u64, u64) {
    let chunk = Chunk::whole(head);
    let mut batch = Batch::new(&chunk);
    decoder.decode(chunk, &mut batch);
    (batch.rejects.len() as u64, batch.records)
}

/// The format that fits some bytes best.
pub(super) fn best(head: &[u8]) -> Option<Candidate> {
    detect(head).into_iter().next()
}

/// A verdict under this is weak: the lines have the format's outline, and much in them is unaccounted for.
const WEAK: u8 = 60;

/// The best format of a head, and the carrier's prefix to peel off for it.
///
/// Formats that know syslog's prefix as their own come first, unless they know it only as words before a
/// common outline while what is behind it is known better. No format knows a container's prefix.
fn recognise(head: &[u8]) -> (Option<Prefix>, Option<Candidate>) {
    let Some(carrier) = peel::sniff(head) else { return (None, best(head)) };
    let plain = if carrier.is_container { None } else { best(head) };
    let score = |found: &Option<Candidate>| found.as_ref().map_or(0, |f| f.verdict.score);
    if score(&plain) >= WEAK {
        return (None, plain);
    }
    let behind = best(&carrier.peel(whole_lines(head)).bytes);
    if plain.is_some() && score(&plain) >= score(&behind) { (None, plain) } else { (Some(carrier), behind) }
}

/// What an unrecognised head looks like.
fn hint(head: &[u8]) -> &'static str {
    match head {
        [] => " (it is empty)",
        _ if head.iter().take(4096).filter(|&&b| b == 0).count() > 16 => " (it looks binary)",
        _ => {
            let lines = || head.split(|&b| b == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(20);
            let mostly = |is: fn(&[u8]) -> bool| lines().filter(|line| is(line)).count() * 10 >= lines().count() * 6;
            match () {
                () if mostly(is_w3c) => " (it may be of IIS without its #Fields line; give that line with --log-format)",
                () if mostly(is_jmeter) => " (it may be of JMeter without its header; give that line with --log-format)",
                () if mostly(is_old_mongodb) => " (it may be of MongoDB before 4.4, of which only the JSON log is read)",
                () => "",
            }
        }
    }
}

/// `2026-11-22 17:55:51 10.0.0.1 GET /path ...`: the columns of IIS, whose names are in another line.
fn is_w3c(line: &[u8]) -> bool {
    let words: Vec<&[u8]> = line.split(|&b| b == b' ').take(8).collect();
    let is_date = |w: &&[u8]| w.len() == 10 && w[4] == b'-' && w[7] == b'-';
    let is_clock = |w: &&[u8]| w.len() == 8 && w[2] == b':' && w[5] == b':';
    let asks = |pair: &[&[u8]]| {
        matches!(pair[0], b"GET" | b"POST" | b"PUT" | b"DELETE" | b"HEAD" | b"OPTIONS") && pair[1].starts_with(b"/")
    };
    words.first().is_some_and(is_date) && words.get(1).is_some_and(is_clock) && words.windows(2).any(asks)
}

/// A time in milliseconds and a duration, `1795370151653,150,...`.
fn is_jmeter(line: &[u8]) -> bool {
    let mut cells = line.split(|b| matches!(b, b',' | b'\t' | b';' | b'|'));
    let mut number = |digits: std::ops::Range<usize>| {
        cells.next().is_some_and(|cell| digits.contains(&cell.len()) && cell.iter().all(u8::is_ascii_digit))
    };
    number(13..14) && number(1..9)
}

/// `2020-01-01T10:00:00.123+0000 I COMMAND  [conn1] ...`
fn is_old_mongodb(line: &[u8]) -> bool {
    let mut words = line.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let stamp = words.next().is_some_and(|w| w.len() > 19 && w[10] == b'T');
    let level = words.next().is_some_and(|w| matches!(w, b"I" | b"D" | b"W" | b"E" | b"F"));
    let component = words.next().is_some_and(|w| w.iter().all(u8::is_ascii_uppercase));
    stamp && level && component && words.next().is_some_and(|w| w.starts_with(b"["))
}

/// The bytes up to the last line end; all of them when there is none.
pub(super) fn whole_lines(head: &[u8]) -> &[u8] {
    memchr::memrchr(b'\n', head).map_or(head, |at| &head[..=at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_syslog_prefix_is_read_when_the_prefix_only_looks_like_more_of_a_line() {
        let envoy = "[2026-11-22T17:55:51.653Z] \"GET /a HTTP/1.1\" 200 - 0 14 7 6 \"-\" \"curl\" \"x\" \"shop\" \"10.0.0.9:80\"";
        let combined = "10.0.0.1 - - [22/Nov/2026:17:55:51 +0000] \"GET /a HTTP/1.1\" 200 15 \"-\" \"curl\"";
        for (line, format) in [(envoy, "envoy"), (combined, "nginx")] {
            let log = format!("Nov 22 17:55:51 web1 proxy[7]: {line}\n").repeat(8);
            let (prefix, found) = recognise(log.as_bytes());
            assert_eq!(prefix.map(|p| p.name), Some("syslog RFC 3164"), "{format}");
            assert_eq!(found.map(|f| f.format.spec().name), Some(format));
        }
        let postgres =
            "Nov 22 17:55:51 db1 postgres[7]: [5-1] user=a,db=b LOG:  duration: 1.5 ms  statement: SELECT 1\n".repeat(8);
        let (prefix, found) = recognise(postgres.as_bytes());
        assert!(
            prefix.is_none() && found.is_some_and(|f| f.format.spec().name == "postgres"),
            "it needs what stands in the prefix"
        );
    }
}
