//! A node of the extent tree: the block it covers, what it holds, and how extents in it give way to others.

use isobar_base::limits::SEGMENT_BYTES_MAX;
use isobar_wire::message::files;
use serde::{Deserialize, Serialize};

use super::change::Change;
use crate::limits::LEAF_EXTENTS_MAX;
use crate::record::{Cuts, Source};

/// log2 of a chunk.
const CHUNK_BITS: u32 = SEGMENT_BYTES_MAX.trailing_zeros();
/// log2 of how many blocks a node is split into.
const FANOUT_BITS: u32 = 4;

/// Levels of nodes: the smallest blocks cannot hold more extents than bytes, and are never split.
pub(super) const LEVELS: u8 = 5;

const _: () = assert!(SEGMENT_BYTES_MAX.is_power_of_two());
const _: () = assert!(CHUNK_BITS - FANOUT_BITS * (LEVELS as u32 - 1) == LEAF_EXTENTS_MAX.trailing_zeros());

/// Bytes covered by a node.
pub(crate) fn block_bytes(level: u8) -> u64 {
    1 << (CHUNK_BITS - FANOUT_BITS * u32::from(level))
}

/// Where the block begins that has a byte.
pub(super) fn block_start(at: u64, level: u8) -> u64 {
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
    Leaf {
        /// Number of the newest cut when it was written.
        born: u64,
        pieces: Vec<Piece>,
    },
    /// The extents are one level down.
    Split {
        /// Number of the newest cut when something below was last written.
        born: u64,
    },
}

impl Node {
    /// What it costs to take it out of the tree: a split one is a key, too.
    pub(super) fn size(&self) -> usize {
        match self {
            Node::Leaf { pieces, .. } => pieces.len(),
            Node::Split { .. } => 1,
        }
    }

    pub(super) fn born(&self) -> u64 {
        match self {
            Node::Leaf { born, .. } | Node::Split { born } => *born,
        }
    }
}

/// [`Node`] without owning it.
#[derive(Serialize)]
pub(super) enum NodeRef<'a> {
    Leaf { born: u64, pieces: &'a [Piece] },
    Split { born: u64 },
}

/// What cuts have left of the pieces of a node that begins at `start`.
pub(crate) fn left_by(cuts: &Cuts, born: u64, start: u64, level: u8, mut pieces: Vec<Piece>) -> Vec<Piece> {
    for (from, to) in cuts.gone(born, start, start + block_bytes(level)) {
        let (from, to) = ((from - start) as u32, (to - start) as u32);
        let left = pieces.iter().flat_map(|piece| {
            let before = (piece.at < from).then(|| piece.clip(piece.at, piece.end().min(from)));
            let after = (piece.end() > to).then(|| piece.clip(piece.at.max(to), piece.end()));
            [before, after].into_iter().flatten()
        });
        pieces = left.collect();
    }
    pieces
}

impl Piece {
    pub(super) fn end(&self) -> u32 {
        self.at + self.len
    }

    /// The part `[from, to)` of it.
    pub(super) fn clip(&self, from: u32, to: u32) -> Piece {
        let source = self.source.by_ref().part(from - self.at, to - from).to_source();
        Piece { at: from, len: to - from, version: self.version, source }
    }

    /// It is in the map no more.
    pub(super) fn dropped(&self, change: &mut Change) {
        change.extents -= 1;
        change.count(&self.source, -i64::from(self.len));
    }

    /// Whether `next` continues it in the file and in the segment.
    fn continues_in(&self, next: &Piece) -> bool {
        self.end() == next.at
            && self.version == next.version
            && self.source.continues_in(u64::from(self.len), &next.source)
    }

    /// As it lies in the file, in a leaf that begins at `start`.
    pub(super) fn extent(&self, start: u64) -> Extent {
        let offset = start + u64::from(self.at);
        Extent { offset, len: u64::from(self.len), source: self.source.clone(), version: self.version }
    }
}

/// An extent as it lies in the file.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) version: u64,
    pub(crate) source: Source,
}

impl Extent {
    /// First file byte after it.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.len
    }

    pub(crate) fn wire(self) -> files::Extent {
        let Extent { offset, len, version, source } = self;
        files::Extent { offset, len, source: source.into(), version }
    }
}

/// Appends an extent, joined with the last one where it continues it.
pub(crate) fn push_joined(extents: &mut Vec<Extent>, next: Extent) {
    if let Some(last) = extents.last_mut()
        && last.end() == next.offset
        && last.version == next.version
        && last.len + next.len <= SEGMENT_BYTES_MAX
        && last.source.continues_in(last.len, &next.source)
    {
        last.len += next.len;
        return;
    }
    extents.push(next);
}

/// A leaf in memory.
pub(super) struct Leaf {
    pub(super) start: u64,
    pub(super) level: u8,
    pub(super) pieces: Vec<Piece>,
    /// Number of the newest cut when it was written.
    pub(super) born: u64,
    pub(super) dirty: bool,
}

impl Leaf {
    pub(super) fn end(&self) -> u64 {
        self.start + block_bytes(self.level)
    }

    /// Removes what lies in `[from, to)` and puts `new`, if any, in its place.
    pub(super) fn splice(&mut self, from: u32, to: u32, new: Option<Piece>, change: &mut Change) {
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
