//! Compressed inputs, told by their first bytes and never by their names.

use std::io::{self, BufReader, Chain, Cursor, Read};

/// A compression.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    /// Records of a big-endian length and a zstd frame each, as the OpenTelemetry collector's file
    /// exporter writes when told to compress.
    FramedZstd,
}

impl Compression {
    /// What the first bytes say.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Some(Compression::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
            [_, _, _, _, 0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::FramedZstd),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
            Compression::FramedZstd => "framed zstd",
        }
    }

    /// Reads on, inflated. Files of several members are read to their end.
    pub(super) fn inflate<R: Read + Send + 'static>(self, raw: R) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(raw)),
            Compression::Zstd => Box::new(zstd::Decoder::new(raw)?),
            Compression::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(raw)),
            Compression::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(raw)),
            Compression::FramedZstd => Box::new(Frames { raw: BufReader::new(raw), frame: Cursor::new(Vec::new()).chain(Cursor::new(b"")) }),
        })
    }
}

/// The largest record of a framed file.
const MAX_FRAME: u32 = 1 << 30;

/// Unpacks records of a length and a zstd frame. A JSON document gets a newline after it, a
/// protobuf message its length before it, so that what comes out is what would have been written
/// without compression.
struct Frames<R> {
    raw: BufReader<R>,
    frame: Chain<Cursor<Vec<u8>>, Cursor<&'static [u8]>>,
}

impl<R: Read> Frames<R> {
    /// Unpacks the next record; `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let mut length = [0; 4];
        match self.raw.read(&mut length[..1])? {
            0 => return Ok(false),
            _ => self.raw.read_exact(&mut length[1..])?,
        }
        let length = u32::from_be_bytes(length);
        if length > MAX_FRAME {
            return Err(io::Error::other("a record longer than 1 GiB"));
        }
        let mut packed = Vec::new();
        if (&mut self.raw).take(u64::from(length)).read_to_end(&mut packed)? < length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut record = Vec::new();
        zstd::Decoder::new(&packed[..])?.take(u64::from(MAX_FRAME)).read_to_end(&mut record)?;
        let json = record.trim_ascii_start().starts_with(b"{");
        if !json {
            let length = (record.len() as u32).to_be_bytes();
            record.splice(0..0, length);
        }
        self.frame = Cursor::new(record).chain(Cursor::new(if json { b"\n" } else { b"" }));
        Ok(true)
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.frame.read(out)? {
                0 if !out.is_empty() => {
                    if !self.advance()? {
                        return Ok(0);
                    }
                }
                n => return Ok(n),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framed_records_come_out_as_lines() {
        let mut file = Vec::new();
        for record in ["{\"a\":1}", "{\"b\":2}"] {
            let packed = zstd::encode_all(record.as_bytes(), 1).expect("packs");
            file.extend((packed.len() as u32).to_be_bytes());
            file.extend(packed);
        }
        assert_eq!(Compression::of(&file), Some(Compression::FramedZstd));
        let mut text = String::new();
        Compression::FramedZstd.inflate(Cursor::new(file)).expect("opens").read_to_string(&mut text).expect("reads");
        assert_eq!(text, "{\"a\":1}\n{\"b\":2}\n");
    }

    #[test]
    fn text_is_not_compressed() {
        assert_eq!(Compression::of(b"127.0.0.1 - - ["), None);
        assert_eq!(Compression::of(b""), None);
    }
}
