//! A file's map, being read.

use std::ops::ControlFlow;

use isobar_base::{Ino, KvRead};

use super::leaf::{Extent, LEVELS, Node, Piece, block_bytes, block_start, left_by};
use crate::codec::decode;
use crate::key;
use crate::record::Cuts;

/// Visits the extents that touch `[from, to)`, in order, cut at the boundaries of leaves. Cuts may leave many
/// nodes that hold nothing: after `nodes_max` nodes it ends, and gives the byte from which on it has not
/// looked.
pub(crate) fn visit(
    kv: &dyn KvRead,
    (ino, cuts): (Ino, &Cuts),
    (from, to): (u64, u64),
    nodes_max: usize,
    see: &mut dyn FnMut(Extent) -> ControlFlow<()>,
) -> Option<u64> {
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
        return None;
    }
    let mut level = 0;
    let start = loop {
        let start = block_start(from, level);
        match kv.get(&key::extent_node(ino, start, level)).map(|bytes| decode(&bytes)) {
            None => break start,
            Some(Node::Split { .. }) => level += 1,
            Some(Node::Leaf { born, pieces }) => {
                if see_leaf(start, &left_by(cuts, born, start, level, pieces)).is_break() {
                    return None;
                }
                break start;
            }
        }
    };
    let next = start + block_bytes(level);
    let (mut nodes, mut unseen) = (0, None);
    if next < to {
        kv.range(&key::extent_node(ino, next, 0), &key::extent_node(ino, to, 0), &mut |key, value| {
            let (start, level) = key::node_of(key);
            if nodes == nodes_max {
                unseen = Some(start);
                return ControlFlow::Break(());
            }
            nodes += 1;
            match decode(value) {
                Node::Leaf { born, pieces } => see_leaf(start, &left_by(cuts, born, start, level, pieces)),
                Node::Split { .. } => ControlFlow::Continue(()),
            }
        });
    }
    unseen
}

/// Visits the nodes whose blocks touch `[from, to)`, those that hold nothing any more too: first those that
/// begin before it, then in order of keys.
pub(super) fn nodes(
    kv: &dyn KvRead,
    ino: Ino,
    from: u64,
    to: u64,
    see: &mut dyn FnMut(u64, u8, Node) -> ControlFlow<()>,
) {
    for level in 0..LEVELS {
        let start = block_start(from, level);
        if start == from {
            break;
        }
        let node = kv.get(&key::extent_node(ino, start, level));
        if node.is_some_and(|bytes| see(start, level, decode(&bytes)).is_break()) {
            return;
        }
    }
    kv.range(&key::extent_node(ino, from, 0), &key::extent_node(ino, to, 0), &mut |key, value| {
        let (start, level) = key::node_of(key);
        see(start, level, decode(value))
    });
}
