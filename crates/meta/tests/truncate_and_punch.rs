//! Cutting and holes.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::Errno;
use isobar_base::limits::FILE_BYTES_MAX;
use isobar_meta::Room;
use isobar_wire::message::ops::{FileOp, OpError};

#[test]
fn bytes_cut_once_never_come_back() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write(file, 0, 10_000);
    w.set_size(file, 4000).unwrap();
    w.set_size(file, 20_000).unwrap();
    assert_eq!(w.ranges(file), [(0, 4000)]);
    let attr = w.attr(file).unwrap();
    assert_eq!((attr.size, attr.allocated_bytes), (20_000, 4000));
    assert_eq!(w.set_size(file, FILE_BYTES_MAX + 1), Err(errno(Errno::EFBIG)));
}

#[test]
fn a_truncation_to_nothing_refuses_commits_begun_before_it() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let id = w.write(file, 0, 10_000);
    let segment = w.segment(100);
    let late = segment.id;
    let commit = w.commit_op(file, vec![segment], vec![extent(0, 100, late, 0)]);
    w.set_size(file, 0).unwrap();
    assert_eq!(w.delete_queue(), vec![id]);
    assert_eq!(w.run(FileOp::Commit(commit)), Err(OpError::StaleIncarnation));
    assert!(w.ranges(file).is_empty());
}

#[test]
fn a_trimmed_inline_extent_is_sliced() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write_inline(file, 0, b"hello world").unwrap();
    w.set_size(file, 5).unwrap();
    assert_eq!(w.map(file, 0, 100).extents[0].source, inline(0, b"hello").source);
}

#[test]
fn a_hole_leaves_the_size() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write(file, 0, 30 * MIB / 4);
    w.write(file, 8 * MIB, MIB);
    w.write(file, 24 * MIB, MIB);
    let punch = |w: &mut World, offset, len| w.run(FileOp::Punch { ino: file, offset, len, size_min: 0 });
    punch(&mut w, 100, 50).unwrap();
    assert_eq!(w.ranges(file)[..2], [(0, 100), (150, 30 * MIB / 4 - 150)]);
    punch(&mut w, MIB, 23 * MIB + 7).unwrap();
    assert_eq!(w.ranges(file), [(0, 100), (150, MIB - 150), (24 * MIB + 7, MIB - 7)]);
    punch(&mut w, 0, u64::MAX).unwrap();
    assert_eq!(w.ranges(file), []);
    assert_eq!((w.attr(file).unwrap().size, w.live_segments().len()), (25 * MIB, 0));
    assert_eq!(punch(&mut w, 0, 0), Err(errno(Errno::EINVAL)));
}

#[test]
fn a_file_grows_to_a_size_and_never_shrinks_to_one() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write(file, 0, MIB);
    let punch = |w: &mut World, offset, len, size_min| {
        w.run(FileOp::Punch { ino: file, offset, len, size_min }).map(|_| w.attr(file).unwrap())
    };
    let before = w.attr(file).unwrap();
    assert_eq!(punch(&mut w, 0, 0, MIB / 2), Ok(before), "nothing changes");
    assert_eq!(punch(&mut w, 0, 0, 3 * MIB).unwrap().size, 3 * MIB);
    assert_eq!(w.ranges(file), [(0, MIB)], "without extents");
    assert_eq!(punch(&mut w, MIB / 2, 4 * MIB, 4 * MIB + MIB / 2).unwrap().size, 4 * MIB + MIB / 2);
    assert_eq!(w.ranges(file), [(0, MIB / 2)]);
    assert_eq!(punch(&mut w, 0, 0, u64::MAX), Err(errno(Errno::EFBIG)));
}

#[test]
fn a_fragmented_file_is_cut_anywhere() {
    let mut w = World::new();
    w.checked = false;
    let file = w.file(ROOT, "f");
    for i in 0..1000u64 {
        w.write(file, i * 20_000, 5000);
    }
    w.checked = true;
    w.set_size(file, 500 * 20_000 + 100).unwrap();
    assert_eq!(w.ranges(file).len(), 501);
    assert_eq!(w.ranges(file)[500], (500 * 20_000, 100));
    w.set_size(file, 100).unwrap();
    assert_eq!(w.ranges(file), [(0, 100)]);
    w.set_size(file, 0).unwrap();
    w.unlink(ROOT, "f", Some(file)).unwrap();
}

#[test]
fn a_split_chunk_that_goes_beyond_the_size_is_whole_again_after_a_truncation_to_nothing() {
    for extents in [Room::OF_ENTRY.extents, 0] {
        let mut w = World::new();
        w.room.extents = extents;
        let file = w.file(ROOT, "f");
        for i in 0..200 {
            w.write(file, 8 * MIB + i * 20_000, 5000);
        }
        w.set_size(file, 0).unwrap();
        w.purge_all();
        w.write(file, 8 * MIB + 100, 100);
        assert_eq!(w.ranges(file), [(8 * MIB + 100, 100)]);
        // Nothing is left of the tree there was: a chunk's leaf holds it all.
        w.write(file, 9 * MIB, 100);
        let nodes = w.kv.0.keys().filter(|key| key[0] == b'E').count();
        assert_eq!(nodes, 1);
    }
}
