//! Logs into which a container's client has put the lines of several services, `docker compose logs`: each
//! service is read by itself where they are of different formats. Costs a pass over the log for each.

use std::path::Path;

use parsers::peel::{self, Prefix};

use super::settle::{Settled, best, settle};
use super::{Options, whole_lines};
use crate::error::{Error, Result};
use crate::input::{HEAD, Opened, open};

/// A log with more services than this is not taken apart.
const MOST: usize = 64;

/// A log, or what one service has in it.
pub struct Part {
    /// The service, where there are several.
    pub service: Option<String>,
    /// How it is read.
    pub settled: Result<Settled>,
}

/// Settles the format of a log, or of each of the services in it.
pub fn parts(path: &Path, opened: &Opened, options: &Options) -> Vec<Part> {
    let named = options.formats.iter().any(|rule| rule.fits(path));
    // What comes in by a pipe can be read only once.
    let again = opened.size.is_some();
    let split = if named || !again { None } else { split(path, &opened.head, options) };
    split.unwrap_or_else(|| vec![Part { service: None, settled: settle(path, &opened.head, options) }])
}

/// The services of a log; `None` where there is but one, or all are of one format.
fn split(path: &Path, head: &[u8], options: &Options) -> Option<Vec<Part>> {
    let carrier = peel::sniff(head)?;
    let mut first: Option<&[u8]> = None;
    let several = head
        .split_inclusive(|&b| b == b'\n')
        .filter_map(|line| carrier.service(line))
        .any(|service| *first.get_or_insert(service) != service);
    if !several {
        return None;
    }
    let heads = heads(path, carrier).ok().filter(|heads| heads.len() <= MOST)?;
    let mut found: Vec<_> = Vec::with_capacity(heads.len());
    for (at, (service, head)) in heads.into_iter().enumerate() {
        let prefix = carrier.only(&service, at == 0);
        let peeled = prefix.peel(&head).bytes;
        found.push((String::from_utf8_lossy(&service).into_owned(), prefix, best(&peeled), peeled));
    }
    let format = |at: usize| found.get(at).and_then(|(.., best, _)| best.as_ref()).map(|best| best.format.spec().name);
    if (0..found.len()).all(|at| format(at) == format(0)) {
        return None;
    }
    let part = |(service, prefix, best, head): (String, Prefix, Option<parsers::Candidate>, Vec<u8>)| {
        let unknown = || Error::Unknown { path: path.to_owned(), hint: format!(" (the lines of {service})") };
        let settled = best.ok_or_else(unknown).and_then(|best| {
            let mut opening = parsers::Options::default();
            opening.unit = options.unit;
            let evidence = format!("the lines of {service}: {}", best.verdict.evidence);
            let opened = best.format.open(&head, &opening);
            let decoder =
                opened.map_err(|e| Error::Format { path: path.to_owned(), message: format!("{service}: {}", e.message) })?;
            Ok(Settled { format: best.format, evidence, decoder, prefix: Some(prefix) })
        });
        Part { service: Some(service), settled }
    };
    Some(found.into_iter().map(part).collect())
}

/// The services of a log in the order in which they come, each with its first lines. Lines without a
/// service count with the first.
fn heads(path: &Path, carrier: Prefix) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut heads: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let cut = |bytes: &[u8]| whole_lines(bytes).len();
    open(path)?.read(cut, |_, block| {
        for line in block.split_inclusive(|&b| b == b'\n') {
            let Some(service) = carrier.service(line) else { continue };
            let at = heads.iter().position(|(known, _)| known == service).unwrap_or(heads.len());
            if at == heads.len() && at <= MOST {
                heads.push((service.to_vec(), Vec::new()));
            }
            if let Some((_, head)) = heads.get_mut(at).filter(|(_, head)| head.len() < HEAD) {
                head.extend_from_slice(line);
            }
        }
    })?;
    Ok(heads)
}
