//! Branches of a `union` that repeat each other word for word, as generated statements have them.

/// Deeper than this, branches are left as they are.
const DEPTH: usize = 16;

/// What stands in place of the branches that were folded away.
const MARK: &[u8] = b" /*repeat union*/";

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Where the branch being written starts.
    start: usize,
    /// The branch before it.
    last: Option<(usize, usize)>,
    repeats: bool,
}

/// The branches at each depth of brackets.
#[derive(Debug)]
pub(super) struct Unions {
    levels: [Level; DEPTH],
}

impl Unions {
    pub(super) fn new(start: usize) -> Unions {
        let mut levels = [Level::default(); DEPTH];
        levels[0].start = start;
        Unions { levels }
    }

    /// A bracket has opened to this depth.
    pub(super) fn open(&mut self, depth: usize, at: usize) {
        if let Some(level) = self.levels.get_mut(depth) {
            *level = Level { start: at, ..Level::default() };
        }
    }

    /// A branch starts here.
    pub(super) fn begin(&mut self, depth: usize, at: usize) {
        if let Some(level) = self.levels.get_mut(depth) {
            level.start = at;
        }
    }

    /// The branch of this depth has ended at `end`; what was written since goes with it when it
    /// repeats the one before. Gives how long the output then is, or more when nothing has gone.
    pub(super) fn branch(&mut self, depth: usize, out: &mut Vec<u8>, end: usize) -> usize {
        let Some(level) = self.levels.get_mut(depth) else { return usize::MAX };
        let Some(from) = trimmed(out, level.start, end).filter(|from| *from < end) else { return usize::MAX };
        if let Some((start, stop)) = level.last
            && out.get(start..stop) == out.get(from..end)
        {
            out.truncate(stop);
            level.repeats = true;
            return stop;
        }
        level.last = Some((from, end));
        usize::MAX
    }

    /// The brackets of this depth close, or the statement ends.
    pub(super) fn close(&mut self, depth: usize, out: &mut Vec<u8>) {
        if self.levels.get(depth).is_none_or(|level| level.last.is_none()) {
            return;
        }
        let end = out.len();
        if self.branch(depth, out, end) != usize::MAX {
            out.extend_from_slice(MARK);
        }
    }
}

/// The start of a branch without the blank before it.
fn trimmed(out: &[u8], start: usize, end: usize) -> Option<usize> {
    let blanks = out.get(start..end)?.iter().take_while(|b| **b == b' ').count();
    Some(start + blanks)
}
