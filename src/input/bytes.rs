//! An input as bytes: in one piece where it can be mapped, else block by block.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use encoding_rs_io::DecodeReaderBytesBuilder;
use memmap2::Mmap;
use sha2::{Digest, Sha256};

use super::inflate::Compression;
use super::map::map;
use crate::error::{Error, Result};

/// How much of an input is looked at to tell its format, in bytes.
pub const HEAD: usize = 64 << 10;

/// Bytes read at once from what cannot be mapped. Chosen so that two threads have eight pieces
/// each; a larger block gains nothing on the lab's machine.
const BLOCK: usize = 32 << 20;

/// The longest an input may be that cannot be cut (one JSON document), in bytes.
const MAX_WHOLE: usize = u32::MAX as usize;

/// An input ready to be read.
pub struct Opened {
    path: PathBuf,
    /// The first bytes, inflated and as UTF-8.
    pub head: Vec<u8>,
    /// Name of the compression, if any.
    pub compression: Option<&'static str>,
    /// Name of the encoding, where it is not UTF-8.
    pub encoding: Option<&'static str>,
    /// Size as stored, in bytes; `None` for standard input.
    pub size: Option<u64>,
    content: Content,
}

enum Content {
    Mapped { map: Mmap, skip: usize },
    Stream(Box<dyn Read + Send>),
}

/// Opens a file, or standard input for `-`.
///
/// # Errors
/// [`Error::Open`] when it does not exist or cannot be read at all.
pub fn open(path: &Path) -> Result<Opened> {
    open_inner(path).map_err(|source| Error::Open { path: path.to_owned(), source })
}

fn open_inner(path: &Path) -> io::Result<Opened> {
    if path == Path::new("-") {
        return stream(path, None, Box::new(io::stdin()));
    }
    let file = File::open(path)?;
    let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
    match map(&file) {
        Some(map) if Compression::of(&map).is_none() && utf16(&map).is_none() => {
            let skip = if map.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            let head = map[skip..map.len().min(skip + HEAD)].to_vec();
            let content = Content::Mapped { map, skip };
            Ok(Opened { path: path.to_owned(), head, compression: None, encoding: None, size, content })
        }
        _ => stream(path, size, Box::new(file)),
    }
}

/// The name of the UTF-16 that a byte order mark announces.
fn utf16(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, ..] => Some("UTF-16LE"),
        [0xfe, 0xff, ..] => Some("UTF-16BE"),
        _ => None,
    }
}

fn stream(path: &Path, size: Option<u64>, mut raw: Box<dyn Read + Send>) -> io::Result<Opened> {
    let magic = read_up_to(&mut raw, 16)?;
    let compression = Compression::of(&magic);
    let raw: Box<dyn Read + Send> = Box::new(Cursor::new(magic).chain(raw));
    let mut plain = match compression {
        Some(compression) => compression.inflate(raw)?,
        None => raw,
    };
    // A broken stream may still give its first bytes; the error comes again when it is read on.
    let start = read_up_to(&mut plain, 3).unwrap_or_default();
    let encoding = utf16(&start);
    let plain = Cursor::new(start).chain(plain);
    let mut text: Box<dyn Read + Send> =
        Box::new(DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).bom_override(true).build(plain));
    let head = read_up_to(&mut text, HEAD).unwrap_or_default();
    let content = Content::Stream(Box::new(Cursor::new(head.clone()).chain(text)));
    Ok(Opened { path: path.to_owned(), head, compression: compression.map(Compression::name), encoding, size, content })
}

/// Reads until `n` bytes are there or the input ends.
fn read_up_to(from: &mut impl Read, n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(n as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Opened {
    /// Hands the whole input to `block`, in order: its offset and bytes, never splitting what
    /// `cut` would not. `cut(bytes)` gives how many of the bytes may be handed on while more is to
    /// come: 0 when none may. Returns the number of bytes.
    ///
    /// # Errors
    /// [`Error::Read`] when the input breaks off; what came before has been handed on.
    pub fn read(self, cut: impl Fn(&[u8]) -> usize, mut block: impl FnMut(u64, &[u8])) -> Result<u64> {
        match self.content {
            Content::Mapped { map, skip } => {
                if map.len() > skip {
                    block(skip as u64, &map[skip..]);
                }
                let len = map.len() as u64;
                // A gigabyte takes the system a while to take back, which nobody needs to wait for. Where
                // there is no thread to be had it is dropped here.
                let _ = std::thread::Builder::new().spawn(move || drop(map));
                Ok(len)
            }
            Content::Stream(reader) => read_blocks(&self.path, reader, cut, block),
        }
    }

    /// SHA-256 of the input as decoded, in hex.
    ///
    /// # Errors
    /// [`Error::Read`] when the input breaks off.
    pub fn sha256(self) -> Result<String> {
        let mut hasher = Sha256::new();
        self.read(<[u8]>::len, |_, bytes| hasher.update(bytes))?;
        Ok(hex(hasher))
    }
}

/// What a hash says, in hex.
pub fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_blocks(
    path: &Path,
    mut reader: Box<dyn Read + Send>,
    cut: impl Fn(&[u8]) -> usize,
    mut block: impl FnMut(u64, &[u8]),
) -> Result<u64> {
    let (mut bytes, mut offset, mut want) = (Vec::new(), 0u64, BLOCK);
    loop {
        let missing = want.saturating_sub(bytes.len());
        let outcome = (&mut reader).take(missing as u64).read_to_end(&mut bytes);
        let ended = matches!(outcome, Ok(n) if n < missing) || outcome.is_err();
        let take = if ended { bytes.len() } else { cut(&bytes).min(bytes.len()) };
        if take > 0 {
            block(offset, &bytes[..take]);
            offset += take as u64;
            bytes.drain(..take);
            want = BLOCK;
        } else if !ended {
            want = bytes.len() + BLOCK;
        }
        if let Err(source) = outcome {
            return Err(Error::Read { path: path.to_owned(), at: offset, source });
        }
        if ended {
            return Ok(offset);
        }
        if bytes.len() > MAX_WHOLE - BLOCK {
            let source = io::Error::other("a single record of more than 4 GiB");
            return Err(Error::Read { path: path.to_owned(), at: offset, source });
        }
    }
}
