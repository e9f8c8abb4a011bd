//! Saved profiles: a line that names the version, a line with the SHA-256 and the length of what follows, and the document
//! as JSON in one zstd frame (RFC 8878). Knows nothing of logs.
//!
//! A file that was damaged, cut or written by a later version is refused with what is wrong and what to do.

mod document;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::analyze::profile::Snapshot;
use crate::error::{Error, Result};

/// The extension of saved profiles.
pub const EXTENSION: &str = "narrows";

/// What every saved profile starts with; the version follows.
const MAGIC: &[u8] = b"narrows-profile ";

/// The version written and read.
const VERSION: u32 = 1;

/// Profiles are a few megabytes; one that claims more than this in memory is no profile.
const MOST_BYTES: u64 = 1 << 30;

/// Enough for files that are kept for years; twice the level saves a twentieth more.
const LEVEL: i32 = 9;

/// Whether a path is a saved profile: by its first bytes, or by its name where those are gone.
pub fn is_profile(path: &Path) -> bool {
    let named = path.extension().is_some_and(|extension| extension == EXTENSION);
    let mut head = [0; MAGIC.len()];
    let mut starts = || File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok_and(|()| head == MAGIC);
    path.is_file() && (named || starts())
}

/// Reads a saved profile.
///
/// # Errors
/// [`Error::Open`] for a file that cannot be read, [`Error::Format`] for one that is damaged, cut or of a later version.
pub fn read(path: &Path) -> Result<Snapshot> {
    let bytes = std::fs::read(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
    decode(&bytes).map_err(|message| Error::Format { path: path.to_owned(), message })
}

/// Saves a profile. The file appears whole or not at all: it is written beside its place and then moved there.
///
/// # Errors
/// [`Error::Write`].
pub fn write(path: &Path, snapshot: &Snapshot) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part: PathBuf = path.with_file_name(name);
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(&encode(snapshot))?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&part, path)).map_err(|source| {
        // The error that matters is the first one; a part that was never made cannot be removed.
        let _ = std::fs::remove_file(&part);
        failed(source)
    })
}

/// A profile as bytes; the same profile always gives the same.
pub fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let text = document::write(snapshot);
    let payload = zstd::bulk::compress(text.as_bytes(), LEVEL).expect("memory takes any number of bytes");
    let mut bytes = format!("narrows-profile {VERSION}\n{} {}\n", hex(&payload), payload.len()).into_bytes();
    bytes.extend(payload);
    bytes
}

/// A profile from bytes.
///
/// # Errors
/// What is wrong with them and what to do, without the path.
pub fn decode(bytes: &[u8]) -> std::result::Result<Snapshot, String> {
    const AGAIN: &str = "save it anew with `narrows save`, or copy it again";
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| {
        let what = if bytes.is_empty() { "is empty" } else { "does not start with `narrows-profile`" };
        format!("no saved profile: it {what}; {AGAIN}")
    })?;
    let (version, rest) = line(rest).ok_or_else(|| format!("cut in its first line at byte {}; {AGAIN}", bytes.len()))?;
    let version: u32 = version.parse().map_err(|_| format!("its version is no number at byte {}; {AGAIN}", MAGIC.len()))?;
    if version > VERSION {
        return Err(format!(
            "written by a later narrows (profile version {version}, this one reads {VERSION}); update narrows, or save it anew with this one"
        ));
    }
    if version < 1 {
        return Err(format!("its version is 0 at byte {}; {AGAIN}", MAGIC.len()));
    }
    let (account, payload) = line(rest).ok_or_else(|| format!("cut in its second line at byte {}; {AGAIN}", bytes.len()))?;
    let start = bytes.len() - payload.len();
    let (sum, length) = account
        .split_once(' ')
        .and_then(|(sum, length)| Some((sum, length.parse::<usize>().ok()?)))
        .ok_or_else(|| format!("its second line is damaged; {AGAIN}"))?;
    if payload.len() < length {
        return Err(format!(
            "cut at byte {}: {} of {length} bytes of the profile are there; {AGAIN}",
            bytes.len(),
            payload.len()
        ));
    }
    if payload.len() > length {
        return Err(format!("{} bytes too many from byte {} on; {AGAIN}", payload.len() - length, start.saturating_add(length)));
    }
    if hex(payload) != sum {
        return Err(format!(
            "damaged: the SHA-256 of the {length} bytes from byte {start} on is not the one it was saved with; {AGAIN}"
        ));
    }
    let mut text = String::new();
    zstd::stream::read::Decoder::new(payload)
        .and_then(|decoder| decoder.take(MOST_BYTES).read_to_string(&mut text))
        .map_err(|error| format!("the zstd frame at byte {start} cannot be read ({error}); {AGAIN}"))?;
    document::read(&text).map_err(|what| format!("its content makes no sense: {what}; {AGAIN}"))
}

/// The first line as text, and what follows it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    // Both lines are short; a longer one is damage, and need not be searched to its end.
    let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(200)])?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::Totals;
    use crate::analyze::bucket::{Bucket, Buckets};
    use crate::analyze::capacity::evidence::Verdict;
    use crate::analyze::capacity::model::{Basis, Kind, Size};
    use crate::analyze::profile::histogram::Histogram;
    use crate::analyze::profile::snapshot::{CapacitySummary, QualitySummary, ResourceSummary, SourceSummary};
    use crate::analyze::profile::{Block, Caller, Profile, Series};

    const S: i64 = 1_000_000_000;

    fn snapshot() -> Snapshot {
        let mut durations = Histogram::new();
        [5_000, 1_234_567, 1_234_999, 9 * S].into_iter().for_each(|ns| durations.record(ns));
        let mut buckets = Buckets::default();
        buckets.add(Bucket::Database, 17);
        buckets.add(Bucket::Own, 0);
        let block = Block { start_ns: 100 * S, durations, count: 5, errors: 1 };
        let series = Series {
            name: "GET /a|{id} \u{1b}é".into(),
            method: "GET".into(),
            blocks: vec![Block { start_ns: 98 * S, count: 1, ..Block::default() }, block],
            buckets,
            database_calls: Some(3),
            ..Series::default()
        };
        let profile = Profile {
            block_ns: S,
            window: Some((98 * S + 5, 100 * S + 7)),
            endpoints: vec![series.clone()],
            statements: vec![series],
            callers: vec![Caller { statement: "select".into(), endpoint: "GET /a".into(), calls: 9, timed: 8, total_ns: 7 }],
        };
        Snapshot {
            verdict: "It is the pool.".into(),
            totals: Totals { count: 6, errors: 1, total_ns: Some(9), seconds: Some(2.000000002), buckets, ..Totals::default() },
            profile,
            capacity: CapacitySummary {
                successes: 5,
                ceiling_tps: Some(0.1 + 0.2),
                cause: Some("p".into()),
                ..Default::default()
            },
            resources: vec![ResourceSummary {
                name: "p".into(),
                kind: Kind::Connections,
                size: Size { value: Some(3), basis: Basis::Gauge },
                demand_ns: Some(1e9 / 3.0),
                utilization: Some(1.0 / 7.0),
                ceiling_tps: None,
                verdict: Verdict::Saturated,
                waits: Some((7, 12)),
            }],
            sources: vec![SourceSummary {
                path: "a.log".into(),
                format: "nginx".into(),
                sha256: Some("00".into()),
                span: Some((-1, 5)),
                rejected: vec![("time".into(), 2)],
                read: vec![("request".into(), 6, 5, 9)],
                ..SourceSummary::default()
            }],
            quality: QualitySummary { joined: (3, 2), warnings: vec!["w".into()], ..QualitySummary::default() },
        }
    }

    #[test]
    fn what_was_saved_is_read_again_to_the_last_bit() {
        let bytes = encode(&snapshot());
        assert_eq!(decode(&bytes), Ok(snapshot()));
        assert_eq!(encode(&snapshot()), bytes);
        assert_eq!(decode(&encode(&Snapshot::default())), Ok(Snapshot::default()));
    }

    #[test]
    fn a_cut_or_damaged_profile_is_refused_at_every_byte() {
        let bytes = encode(&snapshot());
        for end in 0..bytes.len() {
            let error = decode(&bytes[..end]).unwrap_err();
            assert!(error.contains("save it anew"), "{error}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(decode(&damaged).is_err(), "{at}");
        }
        let long = [&bytes[..], b"x"].concat();
        assert!(decode(&long).unwrap_err().contains("1 bytes too many"));
    }

    #[test]
    fn a_later_version_says_so() {
        let error = decode(b"narrows-profile 2\nwhatever comes then").unwrap_err();
        assert!(error.contains("profile version 2, this one reads 1") && error.contains("update narrows"), "{error}");
    }

    /// A profile whose checksum is right though its document is not.
    fn forged(text: &str) -> std::result::Result<Snapshot, String> {
        let payload = zstd::bulk::compress(text.as_bytes(), 1).unwrap();
        let mut bytes = format!("narrows-profile 1\n{} {}\n", hex(&payload), payload.len()).into_bytes();
        bytes.extend(payload);
        decode(&bytes)
    }

    #[test]
    fn a_forged_document_neither_panics_nor_passes() {
        let good = document::write(&snapshot());
        assert!(forged(&good).is_ok());
        let cases = [
            ("{}", "missing field"),
            ("[[[[[[[[", "invalid type"),
            (&good.replace("\"block_ns\":1000000000", "\"block_ns\":0"), "width"),
            (&good.replace("\"block_ns\":1000000000", "\"block_ns\":999999999"), "width"),
            (&good.replace("[98000000005,100000000007]", "[0,900000000000000]"), "blocks"),
            (&good.replace("[100,5,1,", "[100,18446744073709551615,1,"), "count"),
            (&good.replace("[100,5,1,", "[100,5,6,"), "errors"),
            (&good.replace("[100,5,1,", "[9223372036854775807,5,1,"), "outside"),
            (&good.replace("[100,5,1,", "[98,5,1,"), "order"),
            (&good.replace("\"connections\"", "\"unheard of\""), "kind"),
        ];
        for (text, what) in cases {
            let error = forged(text).unwrap_err();
            assert!(error.contains(what), "{what}: {error}");
        }
        // Any byte of the document may be another digit or bracket.
        for at in 0..good.len() {
            for byte in [b'9', b'-', b']', b'"', b'0'] {
                let mut text = good.clone().into_bytes();
                text[at] = byte;
                if let Ok(snapshot) = String::from_utf8(text).map_err(drop).and_then(|text| forged(&text).map_err(drop)) {
                    let merged = crate::analyze::profile::merge(&snapshot, &snapshot);
                    let sides = crate::analyze::compare::sides::sides(&[&snapshot, &merged]);
                    crate::analyze::compare::compare(&sides[..1], &sides[1..], &crate::analyze::compare::Options::default());
                }
            }
        }
    }

    #[test]
    fn a_file_appears_whole_and_no_part_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("base.narrows");
        write(&path, &snapshot()).unwrap();
        assert!(is_profile(&path));
        assert_eq!(read(&path).unwrap(), snapshot());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = folder.path().join("no/such/base.narrows");
        assert!(matches!(write(&nowhere, &snapshot()), Err(Error::Write { .. })));
        assert!(matches!(read(&nowhere), Err(Error::Open { .. })));
    }
}
