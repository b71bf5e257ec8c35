//! Which blocks of the data area are free.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::limits::{
    DISCARD_BLOCKS_MIN, DISCARD_REGIONS_MAX, PACKED_RUN_BLOCKS, REGION_BLOCKS, TAKEN_RUNS_MIN,
};

/// Consecutive blocks of the device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// First block.
    pub start: u64,
    /// How many.
    pub blocks: u32,
}

impl Run {
    /// The block after the last.
    pub(crate) fn end(self) -> u64 {
        self.start + u64::from(self.blocks)
    }
}

/// The blocks of one fragment, in the order of its bytes: nearly always one run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Runs {
    One(Run),
    Many(Box<[Run]>),
}

impl Runs {
    pub(crate) fn as_slice(&self) -> &[Run] {
        match self {
            Runs::One(run) => std::slice::from_ref(run),
            Runs::Many(runs) => runs,
        }
    }

    /// All blocks together.
    pub(crate) fn blocks(&self) -> u64 {
        self.as_slice().iter().map(|r| u64::from(r.blocks)).sum()
    }

    /// The runs that hold the fragment's own blocks `range`.
    pub(crate) fn pieces(&self, range: Range<u64>) -> impl Iterator<Item = Run> + '_ {
        let mut first = 0;
        self.as_slice().iter().filter_map(move |run| {
            let from = range.start.max(first);
            let to = range.end.min(first + u64::from(run.blocks));
            let piece =
                (from < to).then(|| Run { start: run.start + (from - first), blocks: (to - from) as u32 });
            first += u64::from(run.blocks);
            piece
        })
    }
}

impl From<Vec<Run>> for Runs {
    fn from(runs: Vec<Run>) -> Runs {
        match runs[..] {
            [run] => Runs::One(run),
            _ => Runs::Many(runs.into()),
        }
    }
}

/// Hands out the blocks of an allocation one part after the other.
pub(crate) struct Parts {
    runs: std::vec::IntoIter<Run>,
    rest: Run,
}

impl Parts {
    pub(crate) fn new(runs: &Runs) -> Parts {
        Parts { runs: runs.as_slice().to_vec().into_iter(), rest: Run { start: 0, blocks: 0 } }
    }

    /// The next `blocks` blocks.
    ///
    /// # Panics
    /// When fewer are left.
    pub(crate) fn next(&mut self, mut blocks: u64) -> Runs {
        let mut part = Vec::new();
        while blocks > 0 {
            if self.rest.blocks == 0 {
                self.rest = self.runs.next().unwrap_or_else(|| panic!("{blocks} blocks more than allocated"));
            }
            let taken = self.rest.blocks.min(u32::try_from(blocks).unwrap_or(u32::MAX));
            part.push(Run { start: self.rest.start, blocks: taken });
            self.rest = Run { start: self.rest.start + u64::from(taken), blocks: self.rest.blocks - taken };
            blocks -= u64::from(taken);
        }
        part.into()
    }
}

/// The runs that are in use on a device that is being opened. What lies side by side is joined, so that
/// millions of fragments need little memory here.
#[derive(Debug)]
pub(crate) struct Taken {
    runs: Vec<Run>,
    join_at: usize,
}

impl Default for Taken {
    fn default() -> Taken {
        Taken { runs: Vec::new(), join_at: TAKEN_RUNS_MIN }
    }
}

impl Extend<Run> for Taken {
    fn extend<T: IntoIterator<Item = Run>>(&mut self, runs: T) {
        for run in runs {
            self.runs.push(run);
            if self.runs.len() >= self.join_at {
                self.join();
                self.join_at = TAKEN_RUNS_MIN.max(2 * self.runs.len());
            }
        }
    }
}

impl Taken {
    fn join(&mut self) {
        self.runs.sort_unstable();
        self.runs.dedup_by(|run, before| {
            let joined = before.blocks.checked_add(run.blocks).filter(|_| before.end() == run.start);
            joined.inspect(|&blocks| before.blocks = blocks).is_some()
        });
    }
}

/// What an allocation is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// One thing that is read and deleted as a whole: the smallest run that fits, which also recycles
    /// blocks that were written before.
    Alone,
    /// A packed fragment: right behind the one before it, in a long run if there is any.
    Packed,
}

/// The free runs of the data area.
#[derive(Debug, Default)]
pub(crate) struct Space {
    by_start: BTreeMap<u64, u64>,
    by_length: BTreeSet<(u64, u64)>,
    free_blocks: u64,
    packed_next: u64,
    /// Regions of the device with blocks that were freed and not discarded since.
    freed_regions: BTreeSet<u64>,
}

impl Space {
    /// The blocks of `area` that are in none of `taken`; `None` if those overlap or lie outside.
    pub(crate) fn new(area: Range<u64>, mut taken: Taken) -> Option<Space> {
        let mut space = Space::default();
        let mut at = area.start;
        taken.join();
        for run in taken.runs {
            if run.start < at || run.blocks == 0 {
                return None;
            }
            space.insert(at, run.start - at);
            at = run.start.checked_add(u64::from(run.blocks))?;
        }
        space.insert(at, area.end.checked_sub(at)?);
        Some(space)
    }

    /// Number of free blocks.
    pub(crate) fn free_blocks(&self) -> u64 {
        self.free_blocks
    }

    /// Whether any block of `run` is free.
    #[cfg(test)]
    pub(crate) fn has_free(&self, run: Run) -> bool {
        let before = self.by_start.range(..run.end()).next_back();
        before.is_some_and(|(&start, &length)| start + length > run.start)
    }

    /// Takes `blocks` blocks, in as few runs as there are; `None` only if fewer are free.
    pub(crate) fn allocate(&mut self, blocks: u64, purpose: Use) -> Option<Runs> {
        if blocks == 0 || blocks > self.free_blocks {
            return None;
        }
        if let Some(start) = self.find(blocks, purpose) {
            let run = self.take(start, blocks);
            if purpose == Use::Packed {
                self.packed_next = run.end();
            }
            return Some(Runs::One(run));
        }
        let mut runs = Vec::new();
        let mut missing = blocks;
        while missing > 0 {
            let &(length, start) = self.by_length.last()?;
            let run = self.take(start, length.min(missing));
            missing -= u64::from(run.blocks);
            runs.push(run);
        }
        Some(runs.into())
    }

    fn find(&self, blocks: u64, purpose: Use) -> Option<u64> {
        if purpose == Use::Packed {
            if self.by_start.get(&self.packed_next).is_some_and(|&length| length >= blocks) {
                return Some(self.packed_next);
            }
            if let Some(&(_, start)) = self.by_length.range((blocks.max(PACKED_RUN_BLOCKS), 0)..).next() {
                return Some(start);
            }
        }
        self.by_length.range((blocks, 0)..).next().map(|&(_, start)| start)
    }

    /// Takes the first `blocks` blocks of the free run at `start`.
    fn take(&mut self, start: u64, blocks: u64) -> Run {
        let Some(length) = self.by_start.remove(&start) else { panic!("no free run at block {start}") };
        self.by_length.remove(&(length, start));
        self.free_blocks -= length;
        self.insert(start + blocks, length - blocks);
        let blocks = u32::try_from(blocks).unwrap_or_else(|_| panic!("an allocation of {blocks} blocks"));
        Run { start, blocks }
    }

    /// Gives `runs` back.
    ///
    /// # Panics
    /// When some of them are free already: the allocator and the index disagree.
    pub(crate) fn free(&mut self, runs: &[Run]) {
        for run in runs {
            let (mut start, mut end) = (run.start, run.end());
            if let Some((&before, &length)) = self.by_start.range(..start).next_back() {
                assert!(before + length <= start, "block {start} is freed twice");
                if before + length == start {
                    self.remove(before, length);
                    start = before;
                }
            }
            if let Some((&after, &length)) = self.by_start.range(run.start..).next() {
                assert!(after >= end, "block {after} is freed twice");
                if after == end {
                    self.remove(after, length);
                    end = after + length;
                }
            }
            self.insert(start, end - start);
            self.freed_regions.extend(run.start / REGION_BLOCKS..run.end().div_ceil(REGION_BLOCKS));
        }
        while self.freed_regions.len() > DISCARD_REGIONS_MAX {
            self.freed_regions.pop_last();
        }
    }

    /// The free runs of a region where some were freed since it was asked for; `None` when there is no such
    /// region. Shorter ones than are worth a discard are left out.
    pub(crate) fn take_freed(&mut self) -> Option<Vec<Run>> {
        let first = self.freed_regions.pop_first()? * REGION_BLOCKS;
        let region = first..first + REGION_BLOCKS;
        let before = self.by_start.range(..region.start).next_back();
        let runs = before.into_iter().chain(self.by_start.range(region.clone()));
        let within = |(&start, &length): (&u64, &u64)| {
            let (from, to) = (start.max(region.start), (start + length).min(region.end));
            (to >= from + DISCARD_BLOCKS_MIN).then(|| Run { start: from, blocks: (to - from) as u32 })
        };
        Some(runs.filter_map(within).collect())
    }

    fn insert(&mut self, start: u64, length: u64) {
        if length > 0 {
            self.by_start.insert(start, length);
            self.by_length.insert((length, start));
            self.free_blocks += length;
        }
    }

    fn remove(&mut self, start: u64, length: u64) {
        self.by_start.remove(&start);
        self.by_length.remove(&(length, start));
        self.free_blocks -= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: u64, blocks: u32) -> Run {
        Run { start, blocks }
    }

    fn taken(runs: impl IntoIterator<Item = Run>) -> Taken {
        let mut taken = Taken::default();
        taken.extend(runs);
        taken
    }

    #[test]
    fn freed_neighbours_merge_and_holes_are_recycled_first() {
        let mut space = Space::new(0..100, taken([])).unwrap();
        let runs: Vec<Runs> = (0..10).map(|_| space.allocate(10, Use::Alone).unwrap()).collect();
        assert_eq!(space.free_blocks(), 0);
        space.free(runs[3].as_slice());
        space.free(runs[5].as_slice());
        assert_eq!(space.allocate(4, Use::Alone), Some(Runs::One(run(30, 4))));
        assert_eq!(space.allocate(10, Use::Alone), Some(Runs::One(run(50, 10))));
        space.free(&[run(50, 10)]);
        space.free(runs[4].as_slice());
        assert_eq!(space.allocate(26, Use::Alone), Some(Runs::One(run(34, 26))));
    }

    #[test]
    fn every_free_block_can_be_allocated() {
        let odd = taken((0..50).map(|at| run(at * 2, 1)));
        let mut space = Space::new(0..100, odd).unwrap();
        let all = space.allocate(50, Use::Alone).unwrap();
        assert_eq!((all.blocks(), all.as_slice().len()), (50, 50));
        assert_eq!(space.allocate(1, Use::Packed), None);
        let pieces: Vec<Run> = all.pieces(10..12).collect();
        assert_eq!(pieces, &all.as_slice()[10..12]);
    }

    #[test]
    fn packed_allocations_follow_each_other() {
        let mut space = Space::new(8..4096, taken([run(9, 1)])).unwrap();
        assert_eq!(space.allocate(1, Use::Packed), Some(Runs::One(run(10, 1))));
        assert_eq!(space.allocate(3, Use::Packed), Some(Runs::One(run(11, 3))));
        space.free(&[run(10, 1)]);
        assert_eq!(space.allocate(2, Use::Packed), Some(Runs::One(run(14, 2))));
    }

    #[test]
    fn what_was_freed_is_discarded_once_and_only_while_it_is_free() {
        let mut space = Space::new(0..1000, taken([run(0, 700)])).unwrap();
        assert_eq!(space.take_freed(), None);
        space.free(&[run(200, 100), run(600, 4)]);
        space.free(&[run(690, 2)]);
        assert_eq!(space.take_freed(), Some(vec![run(200, 56)]));
        assert_eq!(space.allocate(20, Use::Alone), Some(Runs::One(run(200, 20))));
        assert_eq!(space.allocate(50, Use::Alone), Some(Runs::One(run(220, 50))));
        assert_eq!(space.take_freed(), Some(vec![run(270, 30)]));
        // Its own blocks are too few, but they belong to the free rest of the region.
        assert_eq!(space.take_freed(), Some(vec![run(700, 68)]));
        assert_eq!(space.take_freed(), None);
    }

    #[test]
    fn an_allocation_is_handed_out_in_parts_across_its_runs() {
        let runs = Runs::from(vec![run(10, 2), run(20, 3)]);
        let mut parts = Parts::new(&runs);
        assert_eq!(parts.next(1), Runs::One(run(10, 1)));
        assert_eq!(parts.next(3), Runs::from(vec![run(11, 1), run(20, 2)]));
        assert_eq!(parts.next(1), Runs::One(run(22, 1)));
    }

    #[test]
    fn taken_runs_are_joined_where_they_meet_and_only_there() {
        let mut runs = taken([run(8, 2), run(2, 3), run(5, 3), run(10, u32::MAX), run(11, 1)]);
        runs.join();
        assert_eq!(runs.runs, [run(2, 8), run(10, u32::MAX), run(11, 1)]);
    }

    #[test]
    fn overlapping_or_outlying_runs_are_refused() {
        assert!(Space::new(0..10, taken([run(0, 3), run(2, 1)])).is_none());
        assert!(Space::new(5..10, taken([run(4, 1)])).is_none());
        assert!(Space::new(0..10, taken([run(9, 2)])).is_none());
    }

    #[test]
    #[should_panic(expected = "freed twice")]
    fn freeing_twice_stops_the_store() {
        let mut space = Space::new(0..10, taken([])).unwrap();
        space.free(&[run(2, 1)]);
    }
}
