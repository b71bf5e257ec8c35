//! Where the pages of a checkpoint are.
//!
//! A tree of fixed shape over the slots of the index: level 0 has the place of each page; a node of the level
//! above has the places of up to [`NODE_CHILDREN`] neighbours of the level below, and so on until one place
//! is left, the root. A page that is written again changes its place, so the nodes above it are written again
//! as well, and nothing else. A place names both copies and the CRC of the frame in them, so that old
//! bytes that a lost or misdirected write left there are noticed.

use serde::{Deserialize, Serialize};

use crate::frame::encode_value;
use crate::limits::{NODE_CHILDREN, PAGE_BYTES_MAX};
use crate::slots::Slots;
use crate::space::{Run, Runs};

/// Where the two copies of a page or node are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub copies: [Runs; 2],
    /// The CRC in the frame of both.
    pub crc: u32,
}

impl Place {
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.copies.iter().flat_map(Runs::as_slice).copied()
    }

    fn blocks(&self) -> u64 {
        self.copies.iter().map(Runs::blocks).sum()
    }
}

/// Upper bound of what the run of a place takes in a node.
const RUN_BYTES: u64 = 10;
/// The same of the rest of a place.
const PLACE_BYTES: u64 = 12;

/// The most blocks that the checkpoint of an index takes whose entries have so many bytes, however they are
/// spread over pages and however fragmented the device is.
pub(crate) fn blocks_needed(entry_bytes: u64) -> u64 {
    let page = PAGE_BYTES_MAX as u64;
    // Neighbours do not fit into one page; a long page takes at most two blocks more than it fills.
    let mut children = (3 * entry_bytes).div_ceil(page) + 1;
    let mut child_blocks = children;
    let mut blocks = child_blocks;
    while children > 1 {
        let bytes = children * PLACE_BYTES + 2 * child_blocks * RUN_BYTES;
        children = children.div_ceil(u64::from(NODE_CHILDREN));
        child_blocks = children + bytes / page;
        blocks += child_blocks;
    }
    2 * blocks
}

/// Number of places in each level of a table of so many pages.
pub(crate) fn levels(pages: u32) -> Vec<u32> {
    let mut lengths = vec![pages];
    let mut length = pages;
    while length > 1 {
        length = length.div_ceil(NODE_CHILDREN);
        lengths.push(length);
    }
    lengths
}

/// All places, as the next superblock will have them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    levels: Vec<Vec<Place>>,
    /// The nodes of each level that have to be written again.
    changed: Vec<Slots>,
    blocks: u64,
}

impl Table {
    /// The table of these places, the pages' first.
    pub(crate) fn new(levels: Vec<Vec<Place>>) -> Table {
        let changed = levels.iter().map(|_| Slots::default()).collect();
        let blocks = levels.iter().flatten().map(Place::blocks).sum();
        Table { levels, changed, blocks }
    }

    /// Blocks of all its places.
    pub(crate) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The blocks themselves.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.levels.iter().flatten().flat_map(Place::runs)
    }

    pub(crate) fn root(&self) -> Option<Place> {
        self.levels.last()?.first().cloned()
    }

    /// Gets the shape for so many pages; adds the blocks of places that are gone to `replaced`.
    pub(crate) fn resize(&mut self, pages: u32, replaced: &mut Vec<Run>) {
        let lengths = levels(pages);
        let height = self.levels.len().max(lengths.len());
        self.levels.resize_with(height, Vec::new);
        self.changed.resize_with(height, Slots::default);
        for level in 0..height {
            let length = lengths.get(level).copied().unwrap_or(0);
            let places = &mut self.levels[level];
            let gone = places.split_off(places.len().min(length as usize));
            replaced.extend(gone.iter().flat_map(Place::runs));
            self.blocks -= gone.iter().map(Place::blocks).sum::<u64>();
            self.changed[level].truncate(length);
            if !gone.is_empty() && length > 0 && level + 1 < lengths.len() {
                self.changed[level + 1].insert((length - 1) / NODE_CHILDREN);
            }
        }
        self.levels.truncate(lengths.len());
        self.changed.truncate(lengths.len());
    }

    /// A page or node has been written; adds the blocks where it was before to `replaced`.
    pub(crate) fn set(&mut self, level: usize, number: u32, place: Place, replaced: &mut Vec<Run>) {
        self.blocks += place.blocks();
        let places = &mut self.levels[level];
        if number as usize == places.len() {
            places.push(place);
        } else {
            let old = std::mem::replace(&mut places[number as usize], place);
            self.blocks -= old.blocks();
            replaced.extend(old.runs());
        }
        self.changed[level].remove(number);
        if let Some(above) = self.changed.get_mut(level + 1) {
            above.insert(number / NODE_CHILDREN);
        }
    }

    /// Nodes that have to be written again, as far as that is known.
    pub(crate) fn changed_nodes(&self) -> u64 {
        self.changed.iter().map(Slots::len).sum()
    }

    /// The lowest node that has to be written again: its level, number and contents.
    pub(crate) fn next_changed(&self) -> Option<(usize, u32, Vec<u8>)> {
        let (level, number) = (1..self.levels.len())
            .find_map(|level| self.changed[level].next(0).map(|number| (level, number)))?;
        let below = &self.levels[level - 1];
        let first = (number * NODE_CHILDREN) as usize;
        let children = &below[first..below.len().min(first + NODE_CHILDREN as usize)];
        Some((level, number, encode_value(&children)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Writes all that changed of a table that gets so many pages, the pages of `slots` among them, into
    /// blocks from `next` on; checks that every block is in the table or replaced.
    fn checkpoint(table: &mut Table, pages: u32, slots: &[u32], next: &mut u64) -> u64 {
        let mut used: BTreeSet<u64> = table.runs().map(|run| run.start).collect();
        let mut replaced = Vec::new();
        let mut place = || {
            *next += 2;
            let run = |start| Runs::One(Run { start, blocks: 1 });
            Place { copies: [run(*next), run(*next + 1)], crc: *next as u32 }
        };
        table.resize(pages, &mut replaced);
        let mut written = 0;
        for &slot in slots {
            table.set(0, slot, place(), &mut replaced);
        }
        while let Some((level, number, _)) = table.next_changed() {
            table.set(level, number, place(), &mut replaced);
            written += 1;
        }
        used.extend((*next - 2 * (written + slots.len() as u64) + 2)..*next + 2);
        let replaced: BTreeSet<u64> = replaced.iter().map(|run| run.start).collect();
        let held: BTreeSet<u64> = table.runs().map(|run| run.start).collect();
        assert_eq!(table.blocks(), held.len() as u64);
        assert!(held.is_disjoint(&replaced) && used == &held | &replaced);
        let lengths: Vec<u32> = table.levels.iter().map(|level| level.len() as u32).collect();
        assert_eq!(lengths, levels(pages));
        written
    }

    #[test]
    fn a_page_that_changes_costs_one_node_a_level() {
        let mut table = Table::default();
        let mut next = 0;
        let all: Vec<u32> = (0..20_000).collect();
        assert_eq!(checkpoint(&mut table, 20_000, &all, &mut next), 157 + 2 + 1);
        assert_eq!(checkpoint(&mut table, 20_000, &[12_345], &mut next), 3);
        assert_eq!(checkpoint(&mut table, 20_000, &[5, 7, 130], &mut next), 4);
        assert_eq!(checkpoint(&mut table, 20_000, &[], &mut next), 0);
    }

    #[test]
    fn a_table_grows_and_shrinks_by_whole_levels() {
        let mut table = Table::default();
        let mut next = 0;
        let mut pages = 0;
        for to in [1, 2, 128, 129, 130, 128, 1, 0, 200, 20_000, 129, 127, 0] {
            let new: Vec<u32> = (pages..to).collect();
            checkpoint(&mut table, to, &new, &mut next);
            assert_eq!(table.root().is_some(), to > 0);
            pages = to;
        }
        assert_eq!(table.blocks(), 0);
    }

    #[test]
    fn the_places_of_version_1_are_frozen() {
        let copies = [
            vec![Run { start: 1000, blocks: 1 }],
            vec![Run { start: 9, blocks: 1 }, Run { start: 30, blocks: 1 }],
        ];
        let place = Place { copies: copies.map(Runs::from), crc: 300 };
        assert_eq!(encode_value(&[place].as_slice()), [1, 0, 232, 7, 1, 1, 2, 9, 1, 30, 1, 172, 2]);
    }

    #[test]
    fn a_place_on_a_fragmented_device_takes_no_more_than_is_reckoned_with() {
        let runs: Vec<Run> = (0..5).map(|at| Run { start: (1 << 40) + at, blocks: 1 }).collect();
        let place = Place { copies: [Runs::from(runs.clone()), Runs::from(runs)], crc: u32::MAX };
        assert!(encode_value(&place).len() as u64 <= PLACE_BYTES + 10 * RUN_BYTES);
    }
}
