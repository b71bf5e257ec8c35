//! Extents, segments, the low-live index and the queues.

use std::collections::{BTreeMap, BTreeSet};

use isobar_base::limits::INLINE_BYTES_MAX;
use isobar_base::{Ino, SegmentId, SessionId};

use super::walk::Walk;
use crate::codec::decode;
use crate::key;
use crate::ledger::{Node, Piece, block_bytes, left_by};
use crate::limits::LEAF_EXTENTS_MAX;
use crate::record::{Counters, FileKind, Segment, Session, Source};

/// What the extents of one inode add up to.
#[derive(Default, Debug, PartialEq)]
struct Sums {
    extents: u64,
    bytes: u64,
}

/// Gives the sums of all ledgers.
pub(super) fn check(walk: &mut Walk) -> Counters {
    let mut by_inode: BTreeMap<Ino, Sums> = BTreeMap::new();
    let mut live: BTreeMap<SegmentId, (Ino, u64)> = BTreeMap::new();
    walk.scan(b'E', |walk, key, value| {
        let ino = key::ino_of(key);
        let (start, level) = key::node_of(key);
        let subject = format!("extents of inode {ino} from {start} at level {level}");
        let node: Node = decode(value);
        check_position(walk, ino, start, level, &node, &subject);
        if let Node::Leaf { born, pieces } = node {
            let inode = walk.inodes.get(&ino);
            let left = inode.map(|inode| left_by(&inode.cuts, born, start, level, pieces.clone()));
            check_leaf(walk, ino, level, &pieces, &subject);
            check_extents(walk, ino, start, &left.unwrap_or_default(), &subject);
            let sums = by_inode.entry(ino).or_default();
            for piece in pieces {
                sums.extents += 1;
                sums.bytes += u64::from(piece.len);
                if let Source::Segment { id, .. } = piece.source {
                    let named = live.entry(id).or_insert((ino, 0));
                    named.1 += u64::from(piece.len);
                    walk.expect(named.0 == ino, &subject, format!("segment {id} is named by two inodes"));
                }
            }
        }
    });
    let mut counters = Counters::default();
    for (ino, inode) in walk.inodes.clone() {
        let sums = by_inode.remove(&ino).unwrap_or_default();
        counters.file_bytes += sums.bytes;
        let stored = Sums { extents: inode.extents, bytes: inode.allocated_bytes };
        walk.equal(format!("inode {ino}"), "extents", &stored, &sums);
        let queued = inode.queued > 0 && walk.kv.contains(&key::purge(inode.queued, ino));
        let purged = inode.purging || !inode.cuts.is_empty();
        walk.equal(format!("inode {ino}"), "in the purge queue", &queued, &purged);
    }
    walk.scan(b'P', |walk, key, _| {
        let ino = key::last_ino_of(key);
        let noted = walk.inodes.get(&ino).map_or(0, |inode| inode.queued);
        walk.equal(format!("inode {ino}"), "in the purge queue since", &key::queued_of(key), &noted);
    });
    for ino in by_inode.into_keys() {
        walk.found(format!("inode {ino}"), "is not there and has extents");
    }
    check_segments(walk, live, &mut counters);
    check_queue(walk);
    counters
}

fn check_position(walk: &mut Walk, ino: Ino, start: u64, level: u8, node: &Node, subject: &str) {
    walk.expect(start.is_multiple_of(block_bytes(level)), subject, "is not at a boundary");
    let (Node::Leaf { born, .. } | Node::Split { born }) = *node;
    let inode = walk.inodes.get(&ino);
    let newest = inode.map_or(0, |inode| inode.cuts.newest());
    // What cuts have taken away as a whole nobody looks for.
    let gone = inode
        .is_some_and(|inode| inode.purging || inode.cuts.takes_all(born, start, start + block_bytes(level)));
    walk.expect(born <= newest, subject, format!("is of cut {born}, which has not been made"));
    for above in (0..level).filter(|_| !gone) {
        let at = start - start % block_bytes(above);
        let node = walk.kv.get(&key::extent_node(ino, at, above)).map(|bytes| decode::<Node>(&bytes));
        let split = matches!(node, Some(Node::Split { .. }));
        walk.expect(split, subject, "is below a node that is not split");
    }
    if let Some(inode) = walk.inodes.get(&ino) {
        let (file, split) = (inode.kind == FileKind::File, inode.split);
        walk.expect(file, subject, "is not of a file");
        walk.expect(level == 0 || split, subject, "is below a chunk though none was split");
    }
}

fn check_leaf(walk: &mut Walk, ino: Ino, level: u8, pieces: &[Piece], subject: &str) {
    let mut end = 0;
    for piece in pieces {
        let after = u64::from(piece.at) + u64::from(piece.len);
        let ordered = u64::from(piece.at) >= end && piece.len > 0 && after <= block_bytes(level);
        walk.expect(ordered, subject, format!("extent at {} is out of order", piece.at));
        end = after;
    }
    let fits = (1..=LEAF_EXTENTS_MAX).contains(&pieces.len());
    walk.expect(fits, subject, format!("of inode {ino} is empty or too long"));
}

/// Of extents that are to be seen.
fn check_extents(walk: &mut Walk, ino: Ino, start: u64, pieces: &[Piece], subject: &str) {
    let size = walk.inodes.get(&ino).map_or(0, |inode| inode.size);
    for piece in pieces {
        let after = start + u64::from(piece.at) + u64::from(piece.len);
        walk.expect(after <= size, subject, format!("extent at {} is beyond the size", piece.at));
        if let Source::Inline(bytes) = &piece.source {
            let fits = bytes.len() as u64 == u64::from(piece.len) && after <= INLINE_BYTES_MAX;
            walk.expect(fits, subject, "has inline bytes that do not fit");
        }
    }
}

fn check_segments(walk: &mut Walk, mut live: BTreeMap<SegmentId, (Ino, u64)>, counters: &mut Counters) {
    walk.scan(b'S', |walk, key, value| {
        let id = key::segment_of(key);
        let (subject, segment) = (format!("segment {id}"), decode::<Segment>(value));
        let named = live.remove(&id).unwrap_or((segment.ino, 0));
        walk.equal(&subject, "inode and live bytes", &(segment.ino, segment.live_bytes), &named);
        let session = walk.kv.get(&key::session(id.session)).map(|bytes| decode::<Session>(&bytes));
        let noted = session.is_none_or(|session| id.counter < session.named_below);
        walk.expect(noted, &subject, "is not noted as named by its session");
        walk.expect(segment.live_bytes > 0, &subject, "is dead and not in the delete queue");
        let deleted = walk.kv.contains(&key::deleted_at(id)) || walk.kv.contains(&key::collected(id));
        walk.expect(!deleted, &subject, "is live and in the delete queue or collected");
        let low_live = walk.kv.contains(&key::low_live(id));
        walk.equal(&subject, "half-dead", &low_live, &segment.is_low_live());
        let rows = usize::from(segment.geometry.rows());
        walk.equal(&subject, "positions", &segment.positions.len(), &rows);
        counters.segments += 1;
        counters.stored_bytes += segment.geometry.stored_bytes();
    });
    for (id, (ino, _)) in live {
        walk.found(format!("segment {id}"), format!("is named by inode {ino} and not there"));
    }
    walk.scan(b'H', |walk, key, _| {
        let id = key::segment_of(key);
        walk.expect(walk.kv.contains(&key::segment(id)), format!("segment {id}"), "half-dead, not there");
    });
}

fn check_queue(walk: &mut Walk) {
    let mut queued = BTreeSet::new();
    walk.scan(b'G', |walk, key, _| {
        let (index, id) = key::deleted_of(key);
        let by_id = walk.kv.get(&key::deleted_at(id)).map(|bytes| decode::<u64>(&bytes));
        walk.equal(format!("deleted segment {id}"), "found by id", &by_id, &Some(index));
        walk.expect(queued.insert(id), format!("deleted segment {id}"), "is in the delete queue twice");
    });
    walk.scan(b'g', |walk, key, value| {
        let (id, index) = (key::segment_of(key), decode::<u64>(value));
        let fits = queued.remove(&id) && index > 0;
        walk.expect(fits, format!("deleted segment {id}"), "is not in the delete queue");
    });
    walk.equal("deleted segments", "not found by id", &queued, &BTreeSet::new());
    let mut collected: BTreeMap<SessionId, u64> = BTreeMap::new();
    walk.scan(b'c', |walk, key, _| {
        let id = key::segment_of(key);
        let ended = walk.kv.contains(&key::ended(id.session));
        let useful = ended || walk.kv.contains(&key::session(id.session));
        walk.expect(useful, format!("collected segment {id}"), "is remembered for nothing");
        *collected.entry(id.session).or_default() += 1;
    });
    walk.scan(b'X', |walk, key, value| {
        let (id, session) = (key::session_of(key), decode::<Session>(value));
        let count = collected.get(&id).copied().unwrap_or(0);
        walk.equal(format!("session {id}"), "collected segments", &session.collected, &count);
    });
}
