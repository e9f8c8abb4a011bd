//! Memory maps of finished files: the one place with `unsafe`.

use std::fs::File;
use std::time::{Duration, SystemTime};

use memmap2::{Advice, Mmap};

/// How long a file must have been left alone to count as finished.
const QUIET: Duration = Duration::from_secs(30);

/// Maps a file that looks finished: a regular file, not empty, not written to of late. `None` says
/// to read it instead. A mapped file that somebody truncates would kill the process (SIGBUS), and
/// a log that is still written to may be rotated by truncation at any moment.
pub(super) fn map(file: &File) -> Option<Mmap> {
    let meta = file.metadata().ok()?;
    let quiet = SystemTime::now().duration_since(meta.modified().ok()?).ok()?;
    if !meta.is_file() || meta.len() == 0 || quiet < QUIET {
        return None;
    }
    // SAFETY: the map is only read. Its contract is that nobody truncates or writes the file
    // meanwhile; nothing can enforce that, so only files left alone for `QUIET` are mapped, and
    // whatever bytes they hold are treated as untrusted. All else goes through `read`.
    let map = unsafe { Mmap::map(file) }.ok()?;
    // A hint: if the system does not take it, reading is slower and just as right.
    let _ = map.advise(Advice::Sequential);
    Some(map)
}
