//! A file's map, being read.

use std::ops::ControlFlow;

use isobar_base::{Ino, KvRead};

use super::leaf::{Extent, Node, Piece, block_bytes, block_start};
use crate::codec::decode;
use crate::key;

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
                Node::Leaf(pieces) => see_leaf(key::node_of(key).0, &pieces),
                Node::Split => ControlFlow::Continue(()),
            }
        });
    }
}
