//! Compaction: copies go under what they are copies of.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::Errno;
use isobar_wire::message::ops::{FileOp, OpError, OpReply};

#[test]
fn newer_writes_stay_on_top_and_holes_stay_holes() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write(file, 0, 1000);
    w.write(file, 2000, 1000);
    let (as_of, before) = (w.index, w.attr(file).unwrap());
    w.write(file, 500, 100);
    let newer = w.attr(file).unwrap();
    let segment = w.segment(4000);
    let id = segment.id;
    let replace = w.replace_op(file, as_of, vec![segment], vec![extent(0, 4000, id, 0)]);
    assert_eq!(w.run(FileOp::Replace(replace)), Ok(OpReply::Replaced { used_bytes: 1900 }));
    let expected = [(0, 500, 4, 0), (500, 100, 3, 0), (600, 400, 4, 600), (2000, 1000, 4, 2000)];
    assert_eq!(w.layout(file), expected);
    assert_eq!(w.delete_queue().len(), 2);
    assert_eq!(w.low_live(), vec![id]);
    assert_eq!(w.attr(file).unwrap(), newer);
    assert_eq!(before.allocated_bytes, newer.allocated_bytes);
}

#[test]
fn a_rewrite_of_what_was_overwritten_deletes_itself() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write(file, 0, 1000);
    let as_of = w.index;
    w.write(file, 0, 2000);
    let segment = w.segment(1000);
    let id = segment.id;
    let replace = w.replace_op(file, as_of, vec![segment], vec![extent(0, 1000, id, 0)]);
    assert_eq!(w.run(FileOp::Replace(replace)), Ok(OpReply::Replaced { used_bytes: 0 }));
    assert!(w.delete_queue().contains(&id));
}

#[test]
fn a_rewrite_is_validated_like_a_commit() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write(file, 0, 1000);
    let segment = w.segment(1000);
    let good = w.replace_op(file, w.index, vec![segment.clone()], vec![extent(0, 1000, segment.id, 0)]);
    let mut run = |change: &dyn Fn(&mut isobar_wire::message::ops::Replace)| {
        let mut replace = good.clone();
        change(&mut replace);
        w.run(FileOp::Replace(replace)).map(drop)
    };
    let eproto = Err(errno(Errno::EPROTO));
    assert_eq!(run(&|r| r.incarnation += 1), Err(OpError::StaleIncarnation));
    assert_eq!(run(&|r| r.as_of = 1000), eproto);
    assert_eq!(run(&|r| r.extents[0] = inline(0, b"x")), eproto);
    assert_eq!(run(&|r| r.segments[0].rows[0].1.0 += 1), Err(OpError::StalePlacement));
    assert_eq!(run(&|r| r.low_water = 100), eproto);
    assert_eq!(run(&|_| ()), Ok(()));
    assert_eq!(run(&|_| ()), eproto, "named before");
}

#[test]
fn packing_a_fragmented_chunk_makes_it_one_extent() {
    let mut w = World::new();
    w.checked = false;
    let file = w.file(ROOT, "f");
    for i in 0..400u64 {
        w.write(file, i * 4096, 4096);
    }
    w.checked = true;
    let segment = w.segment(400 * 4096);
    let id = segment.id;
    let replace = w.replace_op(file, w.index, vec![segment], vec![extent(0, 400 * 4096, id, 0)]);
    w.run(FileOp::Replace(replace)).unwrap();
    assert_eq!(w.ranges(file), [(0, 400 * 4096)]);
    assert_eq!((w.live_segments(), w.delete_queue().len()), (vec![id], 400));
}
