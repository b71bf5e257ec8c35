//! A file's map, being changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use isobar_base::Ino;
use isobar_base::limits::SEGMENT_BYTES_MAX;

use super::change::Change;
use super::leaf::{Extent, Leaf, Node, NodeRef, Piece, block_bytes, block_start, push_joined};
use super::visit;
use crate::codec::{decode, encode};
use crate::key;
use crate::limits::{LEAF_EXTENTS_MAX, LEAF_JOIN_EXTENTS_MAX, PURGE_NODES_MAX};
use crate::record::{Inode, SourceRef};
use crate::state::State;

/// A gap of at most so many chunks is edited by gets instead of a scan.
const CHUNKS_BY_GET_MAX: u64 = 2;
/// A run of bytes that covers a block of this level (32 KiB) is emptied before it is written.
const ROOM_LEVEL: u8 = 2;

/// A node: where its block begins, its level, and what it holds.
type Placed = (u64, u8, Node);

/// A file's map, being changed. The leaf last touched is held, so that neighbouring extents of one
/// operation are read and written once.
pub(crate) struct Ledger<'s, 'kv> {
    state: &'s mut State<'kv>,
    ino: Ino,
    size: u64,
    split: bool,
    leaf: Option<Leaf>,
    change: Change,
}

impl<'s, 'kv> Ledger<'s, 'kv> {
    pub(crate) fn new(state: &'s mut State<'kv>, ino: Ino, inode: &Inode) -> Ledger<'s, 'kv> {
        let (size, split) = (inode.size, inode.split);
        let change = Change { cuts: inode.cuts.clone(), ..Change::default() };
        Ledger { state, ino, size, split, leaf: None, change }
    }

    /// Writes what is held and gives what changed.
    pub(crate) fn finish(mut self) -> Change {
        self.flush();
        self.change
    }

    /// Puts an extent on top of what is there. Its length is at most a chunk's.
    pub(crate) fn insert(&mut self, offset: u64, len: u32, source: SourceRef, version: u64) {
        let end = offset + u64::from(len);
        let mut at = offset;
        while at < end {
            let leaf = self.load(at, end);
            let stop = end.min(leaf.end());
            let (from, to) = ((at - leaf.start) as u32, (stop - leaf.start) as u32);
            let source = source.part((at - offset) as u32, to - from).to_source();
            self.edit(from, to, Some(Piece { at: from, len: to - from, version, source }));
            at = stop;
        }
    }

    /// Makes a hole of `[from, to)`: in the tree if the entry has room for that, by a cut otherwise.
    pub(crate) fn remove(&mut self, from: u64, to: u64) {
        // No extent ends beyond the size, but for those that cuts have taken away.
        let last = to.min(self.size);
        if from >= last {
            return;
        }
        let chunks = (block_start(last - 1, 0) - block_start(from, 0)) / SEGMENT_BYTES_MAX + 1;
        if !self.is_split() && chunks <= CHUNKS_BY_GET_MAX && self.state.room.extents > 0 {
            let before = self.change.extents;
            let mut at = from;
            while at < last {
                let leaf = self.load(at, last);
                let stop = last.min(leaf.end());
                let (from, to) = ((at - leaf.start) as u32, (stop - leaf.start) as u32);
                self.edit(from, to, None);
                at = stop;
            }
            let removed = (before - self.change.extents).max(0) as usize;
            self.state.room.extents = self.state.room.extents.saturating_sub(removed);
            return;
        }
        self.flush();
        match self.nodes_within(from, to, self.state.room.extents) {
            Some((nodes, size)) => {
                self.state.room.extents -= size;
                nodes.into_iter().for_each(|node| self.take_out(from, to, node));
            }
            None => {
                // However many operations of an entry ask, they look at no more than twice the room.
                self.state.room.extents /= 2;
                self.change.cuts.add(from, to);
            }
        }
    }

    /// Makes one hole of each run of neighbours among ranges that are about to be written, where it has
    /// blocks of a split file within it: they are emptied once, and not a block at a time.
    pub(crate) fn make_room(&mut self, mut ranges: Vec<(u64, u64)>) {
        if !self.is_split() {
            return;
        }
        ranges.sort_unstable();
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for (from, to) in ranges {
            match runs.last_mut() {
                Some(run) if run.1 >= from => run.1 = run.1.max(to),
                _ => runs.push((from, to)),
            }
        }
        let block = block_bytes(ROOM_LEVEL);
        for (from, to) in runs {
            if from.next_multiple_of(block) + block <= to {
                self.remove(from, to);
            }
        }
    }

    /// The nodes that touch `[from, to)` and how much is in them, if that is at most `limit`.
    fn nodes_within(&self, from: u64, to: u64, limit: usize) -> Option<(Vec<Placed>, usize)> {
        let (mut nodes, mut size, mut fits) = (Vec::new(), 0, true);
        visit::nodes(self.state.kv, self.ino, from, to, &mut |start, level, node| {
            size += node.size();
            fits = size <= limit;
            nodes.push((start, level, node));
            if fits { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        fits.then_some((nodes, size))
    }

    /// Takes `[from, to)` out of a node, and the node out of the tree when it lies within.
    fn take_out(&mut self, from: u64, to: u64, (start, level, node): Placed) {
        let inside = start >= from && start + block_bytes(level) <= to;
        match node {
            Node::Leaf { pieces, .. } if inside => {
                pieces.iter().for_each(|piece| piece.dropped(&mut self.change));
                self.state.kv.delete(&key::extent_node(self.ino, start, level));
            }
            Node::Leaf { born, pieces } => {
                let leaf = self.leaf.insert(Leaf { start, level, pieces, born, dirty: false });
                let (from, to) = (from.max(start) - start, to.min(leaf.end()) - start);
                self.clean();
                self.edit(from as u32, to as u32, None);
                self.flush();
            }
            Node::Split { .. } if inside => self.state.kv.delete(&key::extent_node(self.ino, start, level)),
            Node::Split { .. } => {}
        }
    }

    /// Takes out of the tree what the oldest cut has taken away, at most `limit` extents or else one leaf's;
    /// gives how many that were.
    pub(crate) fn work_off(&mut self, limit: usize) -> usize {
        self.flush();
        let Some(cut) = self.change.cuts.first() else { return 0 };
        let (mut nodes, mut size, mut seen, mut rest) = (Vec::new(), 0, 0, None);
        visit::nodes(self.state.kv, self.ino, cut.from, cut.to, &mut |start, level, node| {
            seen += 1;
            let older = node.born() < cut.number;
            if older && size > 0 && size + node.size() > limit || seen > PURGE_NODES_MAX {
                rest = Some(start.max(cut.from));
                return ControlFlow::Break(());
            }
            if older {
                size += node.size();
                nodes.push((start, level, node));
            }
            ControlFlow::Continue(())
        });
        nodes.into_iter().for_each(|node| self.take_out(cut.from, cut.to, node));
        self.change.cuts.worked_off(rest);
        size
    }

    /// Removes extents from the start of the file, at most `limit` or else one leaf's; gives how many that
    /// were, and whether none is left. The map of what remains is fit for nothing but further removal.
    pub(crate) fn remove_first(&mut self, limit: usize) -> (usize, bool) {
        self.flush();
        let (mut nodes, mut size, mut done) = (Vec::new(), 0, true);
        let prefix = key::extents(self.ino);
        self.state.kv.range(&prefix, &prefix.clone().end(), &mut |key, value| {
            let node: Node = decode(value);
            if size > 0 && size + node.size() > limit {
                done = false;
                return ControlFlow::Break(());
            }
            size += node.size();
            nodes.push((key.to_vec(), node));
            ControlFlow::Continue(())
        });
        for (key, node) in nodes {
            if let Node::Leaf { pieces, .. } = node {
                pieces.iter().for_each(|piece| piece.dropped(&mut self.change));
            }
            self.state.kv.delete(&key);
        }
        (size, done)
    }

    fn is_split(&self) -> bool {
        self.split || self.change.split
    }

    /// The extents that touch `[from, to)`, as parts of their leaves; the last of these is held for what is
    /// inserted next. There are no cuts.
    pub(crate) fn look(&mut self, from: u64, to: u64) -> Vec<Extent> {
        let (mut extents, mut at) = (Vec::new(), from);
        while at < to {
            let leaf = self.load(at, at);
            let stop = to.min(leaf.end());
            let (from, to) = ((at - leaf.start) as u32, (stop - leaf.start) as u32);
            let first = leaf.pieces.partition_point(|piece| piece.end() <= from);
            let touching = leaf.pieces[first..].iter().take_while(|piece| piece.at < to);
            extents.extend(touching.map(|piece| piece.extent(leaf.start)));
            at = stop;
        }
        extents
    }

    /// The extents that touch `[from, to)`.
    fn read(&mut self, from: u64, to: u64) -> Vec<Extent> {
        self.flush();
        let mut extents = Vec::new();
        let map = (self.ino, &self.change.cuts);
        visit::visit(self.state.kv, map, (from, to), usize::MAX, &mut |extent| {
            extents.push(extent);
            ControlFlow::Continue(())
        });
        extents
    }

    /// Makes split chunks that have bytes of these ranges whole again where few extents are left. There are
    /// no cuts.
    pub(crate) fn join(&mut self, ranges: impl Iterator<Item = (u64, u64)>) {
        self.flush();
        if !self.is_split() {
            return;
        }
        let chunks = |(from, to)| (block_start(from, 0)..to).step_by(SEGMENT_BYTES_MAX as usize);
        for start in ranges.flat_map(chunks).collect::<BTreeSet<u64>>() {
            let marker = self.state.kv.get(&key::extent_node(self.ino, start, 0));
            if marker.is_some_and(|bytes| matches!(decode::<Node>(&bytes), Node::Split { .. })) {
                let extents = self.read(start, start + SEGMENT_BYTES_MAX);
                let mut joined = Vec::new();
                let before = extents.len();
                extents.into_iter().for_each(|extent| push_joined(&mut joined, extent));
                if joined.len() <= LEAF_JOIN_EXTENTS_MAX {
                    self.change.extents += joined.len() as i64 - before as i64;
                    self.delete_nodes(start, 0);
                    let pieces = joined.into_iter().map(|extent| Piece {
                        at: (extent.offset - start) as u32,
                        len: extent.len as u32,
                        version: extent.version,
                        source: extent.source,
                    });
                    let (pieces, born) = (pieces.collect(), self.change.cuts.newest());
                    self.leaf = Some(Leaf { start, level: 0, pieces, born, dirty: true });
                    self.flush();
                }
            }
        }
    }

    /// Holds the leaf at `at`, without what cuts have taken away. A split block that begins there and ends by
    /// `cover` is about to be overwritten as a whole, so it is emptied and becomes a leaf.
    fn load(&mut self, at: u64, cover: u64) -> &Leaf {
        let held = self.leaf.as_ref().is_some_and(|leaf| (leaf.start..leaf.end()).contains(&at));
        if !held {
            self.flush();
            let newest = self.change.cuts.newest();
            let mut level = 0;
            let (pieces, born, dirty) = loop {
                let start = block_start(at, level);
                let end = start + block_bytes(level);
                let key = key::extent_node(self.ino, start, level);
                match self.state.kv.get(&key).map(|bytes| decode(&bytes)) {
                    None => break (Vec::new(), newest, false),
                    Some(Node::Leaf { born, pieces }) => break (pieces, born, false),
                    Some(Node::Split { born }) if start == at && end <= cover => {
                        if !self.change.cuts.takes_all(born, start, end) {
                            for piece in self.delete_nodes(start, level) {
                                piece.dropped(&mut self.change);
                            }
                        }
                        break (Vec::new(), newest, true);
                    }
                    Some(Node::Split { born }) => {
                        // What is written below must not go with what cuts have taken away.
                        if !self.change.cuts.gone(born, start, end).is_empty() {
                            self.state.kv.put(&key, encode(&NodeRef::Split { born: newest }));
                        }
                        level += 1;
                    }
                }
            };
            self.leaf = Some(Leaf { start: block_start(at, level), level, pieces, born, dirty });
            self.clean();
        }
        match &self.leaf {
            Some(leaf) => leaf,
            None => unreachable!("a leaf was just loaded"),
        }
    }

    /// Takes out of the held leaf what cuts have taken away since it was written.
    fn clean(&mut self) {
        let Some(leaf) = &mut self.leaf else { return };
        for (from, to) in self.change.cuts.gone(leaf.born, leaf.start, leaf.end()) {
            let (from, to) = ((from - leaf.start) as u32, (to - leaf.start) as u32);
            leaf.splice(from, to, None, &mut self.change);
        }
    }

    /// Changes the held leaf.
    fn edit(&mut self, from: u32, to: u32, new: Option<Piece>) {
        let Some(leaf) = &mut self.leaf else { unreachable!("a leaf is held while it is edited") };
        leaf.splice(from, to, new, &mut self.change);
        if leaf.pieces.len() > LEAF_EXTENTS_MAX {
            self.flush();
        }
    }

    fn flush(&mut self) {
        match self.leaf.take() {
            Some(leaf) if leaf.dirty => self.store(leaf.start, leaf.level, leaf.pieces),
            _ => {}
        }
    }

    /// Writes a leaf, split where it is too long.
    fn store(&mut self, start: u64, level: u8, pieces: Vec<Piece>) {
        let key = key::extent_node(self.ino, start, level);
        if pieces.is_empty() {
            return self.state.kv.delete(&key);
        }
        let born = self.change.cuts.newest();
        if pieces.len() <= LEAF_EXTENTS_MAX {
            return self.state.kv.put(&key, encode(&NodeRef::Leaf { born, pieces: &pieces }));
        }
        self.state.kv.put(&key, encode(&NodeRef::Split { born }));
        self.change.split = true;
        let size = block_bytes(level + 1) as u32;
        let mut blocks: BTreeMap<u32, Vec<Piece>> = BTreeMap::new();
        self.change.extents -= pieces.len() as i64;
        for piece in pieces {
            let mut at = piece.at;
            while at < piece.end() {
                let block = at / size;
                let stop = piece.end().min((block + 1) * size);
                let mut part = piece.clip(at, stop);
                part.at -= block * size;
                blocks.entry(block).or_default().push(part);
                self.change.extents += 1;
                at = stop;
            }
        }
        for (block, pieces) in blocks {
            let start = start + u64::from(block * size);
            self.drop_beneath(start, level + 1);
            self.store(start, level + 1, pieces);
        }
    }

    /// A node is about to be written beneath what was a leaf: if there is one from before a cut, it goes.
    fn drop_beneath(&mut self, start: u64, level: u8) {
        if self.change.cuts.is_empty() {
            return;
        }
        let node = self.state.kv.get(&key::extent_node(self.ino, start, level));
        if let Some(Node::Leaf { pieces, .. }) = node.map(|bytes| decode(&bytes)) {
            pieces.iter().for_each(|piece| piece.dropped(&mut self.change));
        }
    }

    /// Deletes a node and all below it; gives the extents that were there.
    fn delete_nodes(&mut self, start: u64, level: u8) -> Vec<Piece> {
        let (mut keys, mut lost) = (Vec::new(), Vec::new());
        let first = key::extent_node(self.ino, start, level);
        let end = key::extent_node(self.ino, start + block_bytes(level), 0);
        self.state.kv.range(&first, &end, &mut |key, value| {
            keys.push(key.to_vec());
            if let Node::Leaf { pieces, .. } = decode(value) {
                lost.extend(pieces);
            }
            ControlFlow::Continue(())
        });
        keys.iter().for_each(|key| self.state.kv.delete(key));
        lost
    }
}
