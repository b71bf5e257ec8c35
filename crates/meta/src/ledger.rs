//! Extent maps: which bytes of a file are where.
//!
//! A file is cut into chunks of 8 MiB (`SEGMENT_BYTES_MAX`), and each chunk is one value that lists its
//! extents: a streaming COMMIT costs one get and one put per chunk, with no range scan to find what
//! lies beneath. A chunk that gathers more than 128 extents (small random writes) is split into 16
//! blocks, each a value of its own, and so on down to blocks of 128 bytes, which cannot overflow: a
//! small write never rewrites more than a few KiB, however fragmented the file is.
//!
//! ```text
//! E <ino> <0>      <level 0>  Split                 8 MiB  [0, 8 MiB)
//! E <ino> <0>      <level 1>  Leaf [extent, ..]   512 KiB  [0, 512 KiB)
//! E <ino> <512 K>  <level 1>  Leaf [..]           512 KiB
//! E <ino> <8 M>    <level 0>  Leaf [..]             8 MiB  [8 MiB, 16 MiB)
//! ```
//!
//! A missing node is an empty leaf. Extents never cross a leaf's boundary (they are cut there, and
//! joined again when a map is read), are ordered and do not overlap. Adjacent extents of one segment
//! and version are kept as one. Every change is gathered in a [`Change`], from which `segments.rs`
//! settles what each segment has left.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use isobar_base::limits::SEGMENT_BYTES_MAX;
use isobar_base::{Ino, KvRead, SegmentId};
use isobar_wire::message::files::{Extent, Source};
use serde::{Deserialize, Serialize};

use crate::codec::{decode, encode};
use crate::key;
use crate::limits::{LEAF_EXTENTS_MAX, LEAF_JOIN_EXTENTS_MAX};
use crate::record::Inode;
use crate::state::State;

/// log2 of a chunk.
const CHUNK_BITS: u32 = SEGMENT_BYTES_MAX.trailing_zeros();
/// log2 of how many blocks a node is split into.
const FANOUT_BITS: u32 = 4;
/// A gap of at most so many chunks is edited by gets instead of a scan.
const CHUNKS_BY_GET_MAX: u64 = 2;

const _: () = assert!(SEGMENT_BYTES_MAX.is_power_of_two());

/// Bytes covered by a node.
pub(crate) fn block_bytes(level: u8) -> u64 {
    1 << (CHUNK_BITS - FANOUT_BITS * u32::from(level))
}

fn block_start(at: u64, level: u8) -> u64 {
    at & !(block_bytes(level) - 1)
}

/// An extent within a leaf.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// First byte, counted from the leaf's start.
    pub(crate) at: u32,
    pub(crate) len: u32,
    pub(crate) version: u64,
    pub(crate) source: Source,
}

/// A node of the tree as it is stored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Node {
    /// The extents of the block.
    Leaf(Vec<Piece>),
    /// The extents are one level down.
    Split,
}

/// [`Node`] without owning it.
#[derive(Serialize)]
enum NodeRef<'a> {
    Leaf(&'a [Piece]),
    Split,
}

impl Piece {
    fn end(&self) -> u32 {
        self.at + self.len
    }

    /// The part `[from, to)` of it.
    fn clip(&self, from: u32, to: u32) -> Piece {
        let skip = from - self.at;
        let source = slice(&self.source, skip, to - from);
        Piece { at: from, len: to - from, version: self.version, source }
    }

    /// Whether `next` continues it in the file and in the segment.
    fn continues_in(&self, next: &Piece) -> bool {
        self.end() == next.at
            && self.version == next.version
            && continues(&self.source, self.len, &next.source)
    }

    fn extent(&self, start: u64) -> Extent {
        let offset = start + u64::from(self.at);
        Extent { offset, len: u64::from(self.len), source: self.source.clone(), version: self.version }
    }
}

fn continues(source: &Source, len: u32, next: &Source) -> bool {
    match (source, next) {
        (Source::Segment { id: a, offset: x }, Source::Segment { id: b, offset: y }) => {
            a == b && u64::from(*x) + u64::from(len) == u64::from(*y)
        }
        _ => false,
    }
}

/// `len` bytes of a source after the first `skip`.
pub(crate) fn slice(source: &Source, skip: u32, len: u32) -> Source {
    match source {
        Source::Inline(bytes) => Source::Inline(bytes[skip as usize..(skip + len) as usize].to_vec()),
        Source::Segment { id, offset } => Source::Segment { id: *id, offset: offset + skip },
    }
}

/// Appends an extent, joined with the last one where it continues it.
pub(crate) fn push_joined(extents: &mut Vec<Extent>, next: Extent) {
    if let Some(last) = extents.last_mut()
        && last.end() == next.offset
        && last.version == next.version
        && last.len + next.len <= SEGMENT_BYTES_MAX
        && continues(&last.source, last.len as u32, &next.source)
    {
        last.len += next.len;
        return;
    }
    extents.push(next);
}

/// What an operation changed in a map.
#[derive(Default, Debug)]
pub(crate) struct Change {
    /// Bytes named, by segment: more or fewer.
    pub(crate) live: BTreeMap<SegmentId, i64>,
    /// File bytes backed by extents.
    pub(crate) bytes: i64,
    /// Extents in the tree.
    pub(crate) extents: i64,
    /// A node was split.
    pub(crate) split: bool,
}

impl Change {
    fn count(&mut self, source: &Source, bytes: i64) {
        self.bytes += bytes;
        if let Source::Segment { id, .. } = source {
            *self.live.entry(*id).or_default() += bytes;
        }
    }

    fn drop_piece(&mut self, piece: &Piece) {
        self.extents -= 1;
        self.count(&piece.source, -i64::from(piece.len));
    }

    /// Brings the sums in the inode up to date.
    pub(crate) fn settle_inode(&self, inode: &mut Inode) {
        inode.allocated_bytes = add(inode.allocated_bytes, self.bytes);
        inode.extents = add(inode.extents, self.extents);
        inode.split |= self.split;
    }
}

/// A count after a change.
pub(crate) fn add(count: u64, change: i64) -> u64 {
    match count.checked_add_signed(change) {
        Some(count) => count,
        None => panic!("I3: a count of {count} in a ledger cannot change by {change}"),
    }
}

/// A leaf in memory.
struct Leaf {
    start: u64,
    level: u8,
    pieces: Vec<Piece>,
    dirty: bool,
}

impl Leaf {
    fn end(&self) -> u64 {
        self.start + block_bytes(self.level)
    }

    /// Removes what lies in `[from, to)` and puts `new`, if any, in its place.
    fn splice(&mut self, from: u32, to: u32, new: Option<Piece>, change: &mut Change) {
        let pieces = &mut self.pieces;
        let first = pieces.partition_point(|p| p.end() <= from);
        let beneath = pieces[first..].iter().take_while(|p| p.at < to).count();
        let last = first + beneath;
        if beneath == 0 && new.is_none() {
            return;
        }
        self.dirty = true;
        for piece in &pieces[first..last] {
            let lost = piece.end().min(to) - piece.at.max(from);
            change.count(&piece.source, -i64::from(lost));
        }
        let (mut left, mut right) = (None, None);
        if beneath > 0 {
            let (a, b) = (&pieces[first], &pieces[last - 1]);
            left = (a.at < from).then(|| a.clip(a.at, from));
            right = (b.end() > to).then(|| b.clip(to, b.end()));
        }
        let mut at = first + usize::from(left.is_some());
        let inserts = new.is_some();
        if let Some(piece) = &new {
            change.count(&piece.source, i64::from(piece.len));
        }
        let before = pieces.len();
        pieces.splice(first..last, [left, new, right].into_iter().flatten());
        if inserts {
            if at > 0 && pieces[at - 1].continues_in(&pieces[at]) {
                pieces[at - 1].len += pieces[at].len;
                pieces.remove(at);
                at -= 1;
            }
            if at + 1 < pieces.len() && pieces[at].continues_in(&pieces[at + 1]) {
                pieces[at].len += pieces[at + 1].len;
                pieces.remove(at + 1);
            }
        }
        change.extents += pieces.len() as i64 - before as i64;
    }
}

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
    pub(crate) fn insert(&mut self, offset: u64, len: u32, source: &Source, version: u64) {
        let end = offset + u64::from(len);
        let mut at = offset;
        while at < end {
            let leaf = self.load(at, end);
            let stop = end.min(leaf.end());
            let (from, to) = ((at - leaf.start) as u32, (stop - leaf.start) as u32);
            let source = slice(source, (at - offset) as u32, to - from);
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
            let (start, level) = node_at(key);
            if start + block_bytes(level) > from {
                nodes.push((start, level, decode::<Node>(value)));
            }
            ControlFlow::Continue(())
        });
        for (start, level, node) in nodes {
            let inside = start >= from && start + block_bytes(level) <= to;
            match node {
                Node::Leaf(pieces) if inside => {
                    pieces.iter().for_each(|piece| self.change.drop_piece(piece));
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
                pieces.iter().for_each(|piece| self.change.drop_piece(piece));
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
                            self.change.drop_piece(&piece);
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

/// Start and level of a node, from its key.
pub(crate) fn node_at(key: &[u8]) -> (u64, u8) {
    (key::number_at(key, 9), key.last().copied().unwrap_or(0))
}

/// Visits the extents that touch `[from, to)`, in order, cut at the boundaries of leaves.
pub(crate) fn visit(
    kv: &dyn KvRead,
    ino: Ino,
    from: u64,
    to: u64,
    see: &mut dyn FnMut(Extent) -> ControlFlow<()>,
) {
    let mut see_leaf = |start: u64, pieces: &[Piece]| {
        for piece in pieces {
            let at = start + u64::from(piece.at);
            if at >= to {
                return ControlFlow::Break(());
            }
            if at + u64::from(piece.len) > from {
                see(piece.extent(start))?;
            }
        }
        ControlFlow::Continue(())
    };
    if from >= to {
        return;
    }
    let mut level = 0;
    let start = loop {
        let start = block_start(from, level);
        match kv.get(&key::extent_node(ino, start, level)).map(|bytes| decode(&bytes)) {
            None => break start,
            Some(Node::Split) => level += 1,
            Some(Node::Leaf(pieces)) => {
                if see_leaf(start, &pieces).is_break() {
                    return;
                }
                break start;
            }
        }
    };
    let next = start + block_bytes(level);
    if next < to {
        kv.range(&key::extent_node(ino, next, 0), &key::extent_node(ino, to, 0), &mut |key, value| {
            match decode(value) {
                Node::Leaf(pieces) => see_leaf(node_at(key).0, &pieces),
                Node::Split => ControlFlow::Continue(()),
            }
        });
    }
}
