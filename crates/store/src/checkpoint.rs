//! Checkpoints: what changed in the index goes to the device, beside the commits.
//!
//! A checkpoint is made in steps, a slice of it along with each batch of the log, whose sync makes the slice
//! durable as well: commits never wait for a checkpoint, only for their slice.
//! ```text
//! begin ─► pages ─► nodes ─(sync)─► older slot ─(sync)─► other slot ─(sync)─► free what was replaced ─► end
//! ```
//! `begin` freezes the index ([`crate::index`]) and notes the position of the log. Pages and nodes are
//! written to free blocks, twice. What they replace, and the log before that position, stays as it is until
//! both slots of the superblock are durable.

use std::io;

use isobar_base::AlignedBuf;

use crate::extent::Writes;
use crate::frame::{self, Kind};
use crate::index::Size;
use crate::limits::{SLICE_FREED_RUNS, SLICE_PAGES_MAX};
use crate::log::Log;
use crate::space::{Parts, Run, Space, Use};
use crate::state::StoreState;
use crate::superblock::{Superblock, write_slot};
use crate::table::{Place, Table, blocks_needed};

/// The last checkpoint, and the one that is being made.
pub(crate) struct Checkpoints {
    superblock: Superblock,
    /// The slot that is written first.
    older_slot: usize,
    table: Table,
    running: Option<Running>,
}

struct Running {
    step: Step,
    /// The index that is written.
    size: Size,
    /// What the slots will hold.
    superblock: Superblock,
    /// The slots before this one have been written.
    next_slot: u32,
    /// Blocks that were written.
    written_blocks: u64,
    /// Blocks that the checkpoint before has and this one has not.
    replaced: Vec<Run>,
    replaced_blocks: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Pages,
    /// All pages and nodes are written.
    Written,
    OlderSlot,
    OtherSlot,
    Free,
}

/// A page or node that is to be written, as a frame.
type Numbered = (u32, AlignedBuf);

impl Checkpoints {
    pub(crate) fn new(superblock: Superblock, older_slot: usize, table: Table) -> Checkpoints {
        Checkpoints { superblock, older_slot, table, running: None }
    }

    /// What the device holds.
    pub(crate) fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Of an index of `entry_bytes`: the blocks beyond those that this checkpoint and the two after it need,
    /// of `free_blocks` free ones. Each needs them while those of the one before still exist. `None` if even
    /// these are missing.
    pub(crate) fn spare_blocks(&self, free_blocks: u64, entry_bytes: u64) -> Option<u64> {
        let (mut bytes, mut written, mut held) = (entry_bytes, 0, self.table.blocks());
        if let Some(running) = &self.running {
            bytes = bytes.max(running.size.bytes);
            written = running.written_blocks;
            held += running.replaced_blocks;
        }
        let needed = blocks_needed(bytes);
        let now = (free_blocks + written).checked_sub(needed)?;
        Some(now.min((free_blocks + held).checked_sub(2 * needed)?))
    }

    /// Begins a checkpoint of everything that is in the log so far.
    ///
    /// # Panics
    /// When there is one.
    pub(crate) fn begin(&mut self, state: &StoreState, log: &mut Log) {
        assert!(self.running.is_none(), "one checkpoint at a time");
        let size = state.index.write().freeze();
        let mut superblock = self.superblock.clone();
        superblock.generation += 1;
        superblock.log = log.freeze();
        let mut replaced = Vec::new();
        self.table.resize(size.pages, &mut replaced);
        let replaced_blocks = count(&replaced);
        let step = Step::Pages;
        let running =
            Running { step, size, superblock, next_slot: 0, written_blocks: 0, replaced, replaced_blocks };
        self.running = Some(running);
    }

    /// Pages and nodes that are still to be written, as far as that is known.
    pub(crate) fn pages_left(&self, state: &StoreState) -> u64 {
        match &self.running {
            Some(Running { step: Step::Pages, .. }) => {
                state.index.read().frozen_pages() + self.table.changed_nodes()
            }
            _ => 0,
        }
    }

    /// Goes on: writes up to `pages` pages, or a slot. It is durable after the next sync.
    ///
    /// # Errors
    /// Of the device.
    pub(crate) fn write(&mut self, state: &StoreState, space: &mut Space, pages: u64) -> io::Result<()> {
        let Some(running) = &self.running else { return Ok(()) };
        let slot = match running.step {
            Step::Pages => return self.write_pages(state, space, pages),
            Step::Written | Step::Free => return Ok(()),
            Step::OlderSlot => self.older_slot,
            Step::OtherSlot => 1 - self.older_slot,
        };
        write_slot(&*state.disk, state.nonce, &running.superblock, slot)
    }

    fn write_pages(&mut self, state: &StoreState, space: &mut Space, pages: u64) -> io::Result<()> {
        let mut left = pages;
        while left > 0 {
            let (level, slice) = self.next_slice(state, left.min(SLICE_PAGES_MAX));
            if slice.is_empty() {
                self.finish_pages();
                break;
            }
            left -= slice.len() as u64;
            self.write_slice(state, space, level, &slice)?;
        }
        Ok(())
    }

    /// Up to `most` frozen pages, or a node once all are written.
    fn next_slice(&self, state: &StoreState, most: u64) -> (usize, Vec<Numbered>) {
        let index = state.index.read();
        let mut next = self.running.as_ref().map_or(0, |running| running.next_slot);
        let mut slice = Vec::new();
        while (slice.len() as u64) < most
            && let Some((slot, page)) = index.next_frozen(next)
        {
            slice.push((slot, frame::encode(Kind::Page, state.nonce, page)));
            next = slot + 1;
        }
        if slice.is_empty()
            && let Some((level, number, body)) = self.table.next_changed()
        {
            return (level, vec![(number, frame::encode(Kind::Node, state.nonce, &body))]);
        }
        (0, slice)
    }

    /// Writes both copies of pages or nodes of one level, all of one copy side by side where there is room.
    fn write_slice(
        &mut self,
        state: &StoreState,
        space: &mut Space,
        level: usize,
        slice: &[Numbered],
    ) -> io::Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let frame_blocks = |frame: &AlignedBuf| frame.len() as u64 / crate::limits::BLOCK_BYTES;
        let blocks = slice.iter().map(|(_, frame)| frame_blocks(frame)).sum();
        let mut copy = || {
            let runs = space.allocate(blocks, Use::Alone);
            let runs = runs.unwrap_or_else(|| panic!("PUTs leave the space that a checkpoint needs"));
            let mut parts = Parts::new(&runs);
            slice.iter().map(|(_, frame)| parts.next(frame_blocks(frame))).collect::<Vec<_>>()
        };
        let copies = [copy(), copy()];
        let mut writes = Writes::default();
        for copy in &copies {
            for ((_, frame), runs) in slice.iter().zip(copy) {
                writes.add(runs, &[frame]);
            }
        }
        writes.submit(&*state.disk)?;
        let known = running.replaced.len();
        let [first, second] = copies;
        for (((number, frame), first), second) in slice.iter().zip(first).zip(second) {
            let place = Place { copies: [first, second], crc: frame::crc(frame) };
            self.table.set(level, *number, place, &mut running.replaced);
        }
        running.written_blocks += 2 * blocks;
        running.replaced_blocks += count(&running.replaced[known..]);
        if level == 0 {
            let mut index = state.index.write();
            slice.iter().for_each(|(slot, _)| index.written(*slot));
            running.next_slot = slice.last().map_or(0, |(slot, _)| slot + 1);
        }
        Ok(())
    }

    fn finish_pages(&mut self) {
        let Some(running) = &mut self.running else { return };
        running.step = Step::Written;
        let (root, size) = (self.table.root(), running.size);
        let checkpoint = &mut running.superblock.checkpoint;
        (checkpoint.root, checkpoint.pages) = (root, size.pages);
        (checkpoint.entries, checkpoint.bytes) = (size.entries, size.bytes);
    }

    /// A sync made durable what [`Checkpoints::write`] wrote.
    pub(crate) fn synced(&mut self, log: &mut Log) {
        let Some(running) = &mut self.running else { return };
        running.step = match running.step {
            Step::Pages => Step::Pages,
            Step::Written => Step::OlderSlot,
            Step::OlderSlot => Step::OtherSlot,
            Step::OtherSlot => {
                // Both slots hold this generation now: whichever is written first next time, the other is
                // good.
                self.superblock = running.superblock.clone();
                self.older_slot = 1 - self.older_slot;
                log.release(self.superblock.log);
                Step::Free
            }
            Step::Free => Step::Free,
        };
    }

    /// Frees some of the blocks that are not needed any more, and ends the checkpoint with the last of them.
    pub(crate) fn free(&mut self, space: &mut Space) {
        let Some(running) = self.running.as_mut().filter(|running| running.step == Step::Free) else {
            return;
        };
        let rest = running.replaced.len().saturating_sub(SLICE_FREED_RUNS);
        let freed = running.replaced.split_off(rest);
        running.replaced_blocks -= count(&freed);
        space.free(&freed);
        if running.replaced.is_empty() {
            self.running = None;
        }
    }
}

fn count(runs: &[Run]) -> u64 {
    runs.iter().map(|run| u64::from(run.blocks)).sum()
}
