//! A file's map, being changed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use isobar_base::Ino;
use isobar_base::limits::SEGMENT_BYTES_MAX;

use super::change::Change;
use super::leaf::{Extent, Leaf, Node, NodeRef, Piece, block_bytes, block_start, push_joined};
use super::visit::visit;
use crate::codec::{decode, encode};
use crate::key;
use crate::limits::{LEAF_EXTENTS_MAX, LEAF_JOIN_EXTENTS_MAX};
use crate::record::{Inode, SourceRef};
use crate::state::State;

/// A gap of at most so many chunks is edited by gets instead of a scan.
const CHUNKS_BY_GET_MAX: u64 = 2;

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
        Ledger { state, ino, size, split, leaf: None, change: Change::default() }
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

    /// Makes a hole of `[from, to)`.
    pub(crate) fn remove(&mut self, from: u64, to: u64) {
        // No extent ends beyond the size.
        let last = to.min(self.size);
        if from >= last {
            return;
        }
        let chunks = (block_start(last - 1, 0) - block_start(from, 0)) / SEGMENT_BYTES_MAX + 1;
        if !(self.split || self.change.split) && chunks <= CHUNKS_BY_GET_MAX {
            let mut at = from;
            while at < last {
                let leaf = self.load(at, last);
                let stop = last.min(leaf.end());
                let (from, to) = ((at - leaf.start) as u32, (stop - leaf.start) as u32);
                self.edit(from, to, None);
                at = stop;
            }
            return;
        }
        self.flush();
        let start = key::extent_node(self.ino, block_start(from, 0), 0);
        let mut nodes = Vec::new();
        self.state.kv.range(&start, &key::extent_node(self.ino, to, 0), &mut |key, value| {
            let (start, level) = key::node_of(key);
            if start + block_bytes(level) > from {
                nodes.push((start, level, decode::<Node>(value)));
            }
            ControlFlow::Continue(())
        });
        for (start, level, node) in nodes {
            let inside = start >= from && start + block_bytes(level) <= to;
            match node {
                Node::Leaf(pieces) if inside => {
                    pieces.iter().for_each(|piece| piece.dropped(&mut self.change));
                    self.state.kv.delete(&key::extent_node(self.ino, start, level));
                }
                Node::Leaf(pieces) => {
                    let leaf = self.leaf.insert(Leaf { start, level, pieces, dirty: false });
                    let (from, to) = (from.max(start) - start, to.min(leaf.end()) - start);
                    self.edit(from as u32, to as u32, None);
                    self.flush();
                }
                Node::Split if inside => self.state.kv.delete(&key::extent_node(self.ino, start, level)),
                Node::Split => {}
            }
        }
    }

    /// Removes extents from the start of the file, at most `limit` or else one leaf's, and gives
    /// whether none is left. The map of what remains is fit for nothing but further removal.
    pub(crate) fn remove_first(&mut self, limit: usize) -> bool {
        self.flush();
        let (mut nodes, mut count, mut done) = (Vec::new(), 0, true);
        let prefix = key::extents(self.ino);
        self.state.kv.range(&prefix, &prefix.clone().end(), &mut |key, value| {
            let node: Node = decode(value);
            if let Node::Leaf(pieces) = &node {
                if count > 0 && count + pieces.len() > limit {
                    done = false;
                    return ControlFlow::Break(());
                }
                count += pieces.len();
            }
            nodes.push((key.to_vec(), node));
            ControlFlow::Continue(())
        });
        for (key, node) in nodes {
            if let Node::Leaf(pieces) = node {
                pieces.iter().for_each(|piece| piece.dropped(&mut self.change));
            }
            self.state.kv.delete(&key);
        }
        done
    }

    /// The extents that touch `[from, to)`.
    pub(crate) fn read(&mut self, from: u64, to: u64) -> Vec<Extent> {
        self.flush();
        let mut extents = Vec::new();
        visit(self.state.kv, self.ino, from, to, &mut |extent| {
            extents.push(extent);
            ControlFlow::Continue(())
        });
        extents
    }

    /// Makes split chunks within `[from, to)` whole again where few extents are left.
    pub(crate) fn join(&mut self, from: u64, to: u64) {
        self.flush();
        if !(self.split || self.change.split) {
            return;
        }
        let mut start = block_start(from, 0);
        while start < to {
            let end = start + SEGMENT_BYTES_MAX;
            let marker = self.state.kv.get(&key::extent_node(self.ino, start, 0));
            if marker.is_some_and(|bytes| decode::<Node>(&bytes) == Node::Split) {
                let extents = self.read(start, end);
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
                    self.leaf = Some(Leaf { start, level: 0, pieces: pieces.collect(), dirty: true });
                    self.flush();
                }
            }
            start = end;
        }
    }

    /// Holds the leaf at `at`. A split block that begins there and ends by `cover` is about to be
    /// overwritten as a whole, so it is emptied and becomes a leaf.
    fn load(&mut self, at: u64, cover: u64) -> &Leaf {
        let held = self.leaf.as_ref().is_some_and(|leaf| (leaf.start..leaf.end()).contains(&at));
        if !held {
            self.flush();
            let mut level = 0;
            let (pieces, dirty) = loop {
                let start = block_start(at, level);
                match self.state.kv.get(&key::extent_node(self.ino, start, level)).map(|bytes| decode(&bytes))
                {
                    None => break (Vec::new(), false),
                    Some(Node::Leaf(pieces)) => break (pieces, false),
                    Some(Node::Split) if start == at && start + block_bytes(level) <= cover => {
                        for piece in self.delete_nodes(start, level) {
                            piece.dropped(&mut self.change);
                        }
                        break (Vec::new(), true);
                    }
                    Some(Node::Split) => level += 1,
                }
            };
            self.leaf = Some(Leaf { start: block_start(at, level), level, pieces, dirty });
        }
        match &self.leaf {
            Some(leaf) => leaf,
            None => unreachable!("a leaf was just loaded"),
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
        if pieces.len() <= LEAF_EXTENTS_MAX {
            return self.state.kv.put(&key, encode(&NodeRef::Leaf(&pieces)));
        }
        self.state.kv.put(&key, encode(&NodeRef::Split));
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
            self.store(start + u64::from(block * size), level + 1, pieces);
        }
    }

    /// Deletes a node and all below it; gives the extents that were there.
    fn delete_nodes(&mut self, start: u64, level: u8) -> Vec<Piece> {
        let (mut keys, mut lost) = (Vec::new(), Vec::new());
        let first = key::extent_node(self.ino, start, level);
        let end = key::extent_node(self.ino, start + block_bytes(level), 0);
        self.state.kv.range(&first, &end, &mut |key, value| {
            keys.push(key.to_vec());
            if let Node::Leaf(pieces) = decode(value) {
                lost.extend(pieces);
            }
            ControlFlow::Continue(())
        });
        keys.iter().for_each(|key| self.state.kv.delete(key));
        lost
    }
}
