//! Operations by group: one pass over all, so that each group's durations lie together afterwards.

use super::profile::Block;
use super::profile::histogram::Recorder;
use crate::frame::NULL_I64;

/// How many slowest operations of a group are remembered.
pub const SLOWEST: usize = 3;

/// Operations, column by column; the null pattern stands for what nobody says.
pub struct Operations<'a> {
    /// Number of each one's group.
    pub group: &'a [u32],
    /// When each was done, in nanoseconds since the epoch.
    pub end: &'a [i64],
    /// How long each took, in nanoseconds.
    pub duration: &'a [i64],
}

/// The operations of one group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Operations, with a duration or without.
    pub calls: u64,
    /// The durations there are, in the order of the log.
    pub durations: Vec<i64>,
    /// Duration and index of the slowest, slowest first; those without a duration come last.
    pub slowest: Vec<(i64, u32)>,
    runs: Vec<Run>,
}

/// Neighbours of a group that ended in one block of time.
#[derive(Clone, Debug)]
struct Run {
    block: i64,
    durations: usize,
    calls: u64,
    errors: u64,
}

impl Operations<'_> {
    /// The operations of each of `groups` groups. Blocks of time are `block_ns` long, and `failed` tells the failures.
    pub fn grouped(&self, groups: usize, block_ns: i64, failed: impl Fn(usize) -> bool) -> Vec<Group> {
        let mut all = vec![Group::default(); groups];
        let mut calls = vec![0; groups];
        self.group.iter().for_each(|&group| calls[group as usize] += 1);
        all.iter_mut().zip(calls).for_each(|(group, calls)| group.durations.reserve_exact(calls));
        // Logs are nearly in order of time: the block is mostly that of the operation before.
        let (mut block, mut from, mut to) = (0, 0, 0);
        for (at, ((&group, &end), &ns)) in self.group.iter().zip(self.end).zip(self.duration).enumerate() {
            let end = if end == NULL_I64 { 0 } else { end };
            if !(from..to).contains(&end) {
                block = end.div_euclid(block_ns);
                (from, to) = (block.saturating_mul(block_ns), (block + 1).saturating_mul(block_ns));
            }
            all[group as usize].add(at as u32, block, ns, failed(at));
        }
        all
    }
}

impl Group {
    #[inline]
    fn add(&mut self, at: u32, block: i64, ns: i64, failed: bool) {
        if self.slowest.len() < SLOWEST || self.slowest[SLOWEST - 1].0 < ns {
            self.slowest.insert(self.slowest.partition_point(|&(other, _)| other >= ns), (ns, at));
            self.slowest.truncate(SLOWEST);
        }
        if self.runs.last().is_none_or(|run| run.block != block) {
            self.runs.push(Run { block, durations: 0, calls: 0, errors: 0 });
        }
        let Some(run) = self.runs.last_mut() else { return };
        run.calls += 1;
        run.errors += u64::from(failed);
        self.calls += 1;
        if ns != NULL_I64 {
            run.durations += 1;
            self.durations.push(ns);
        }
    }

    /// What was done in each block of time.
    pub fn blocks(&self, block_ns: i64, recorder: &mut Recorder) -> Vec<Block> {
        let mut blocks: std::collections::BTreeMap<i64, Block> = std::collections::BTreeMap::new();
        let mut rest = &self.durations[..];
        for run in &self.runs {
            let block = blocks.entry(run.block).or_insert_with(|| Block { start_ns: run.block * block_ns, ..Block::default() });
            let (durations, after) = rest.split_at(run.durations);
            rest = after;
            recorder.extend(durations.iter().copied());
            block.durations.merge(&recorder.take());
            block.count += run.calls;
            block.errors += run.errors;
        }
        blocks.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_its_own_in_order() {
        let operations =
            Operations { group: &[1, 0, 1, 1, 1], end: &[5, 7, 25, 6, NULL_I64], duration: &[30, 40, 50, NULL_I64, 20] };
        let groups = operations.grouped(3, 10, |at| at == 2);
        assert_eq!(groups[1].durations, [30, 50, 20]);
        assert_eq!((groups[0].calls, groups[1].calls, groups[2].calls), (1, 4, 0));
        assert_eq!(groups[1].slowest, [(50, 2), (30, 0), (20, 4)]);
        let blocks = groups[1].blocks(10, &mut Recorder::new());
        let seen: Vec<_> = blocks.iter().map(|b| (b.start_ns, b.count, b.errors, b.durations.n())).collect();
        assert_eq!(seen, [(0, 3, 0, 2), (20, 1, 1, 1)], "a time nobody says is the epoch's");
    }
}
