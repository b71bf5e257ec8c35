//! COMMIT: what is refused, and what becomes visible.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::limits::FILE_BYTES_MAX;
use isobar_base::{Errno, Ino, PgId, SegmentId, SessionId};
use isobar_meta::cluster_map;
use isobar_wire::message::files::Source;
use isobar_wire::message::ops::{ClusterOp, FileOp, NewSegment, OpError, OpReply};

fn one(w: &mut World, ino: Ino, change: impl FnOnce(&mut NewSegment)) -> Result<OpReply, OpError> {
    let mut segment = w.segment(64 << 10);
    change(&mut segment);
    let id = segment.id;
    let commit = w.commit_op(ino, vec![segment], vec![extent(0, 100, id, 0)]);
    w.run(FileOp::Commit(commit))
}

#[test]
fn a_row_on_a_target_that_lost_its_position_is_refused() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let segment = w.segment(64 << 10);
    let lost = segment.rows[1].1;
    let node = cluster_map(&w.kv).target(lost).unwrap().node.clone();
    w.cluster(ClusterOp::AllowReplace { node: node.clone() }).unwrap();
    let mut blank = target(1);
    (blank.id.0, blank.node) = (999, node);
    w.cluster(ClusterOp::RegisterTarget(blank)).unwrap();
    let id = segment.id;
    let commit = w.commit_op(file, vec![segment], vec![extent(0, 100, id, 0)]);
    assert_eq!(w.run(FileOp::Commit(commit)), Err(OpError::StalePlacement));
    assert!(w.layout(file).is_empty());
    one(&mut w, file, |_| ()).unwrap();
}

#[test]
fn a_counter_below_the_low_water_is_refused() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let (old, new) = (w.segment(4096), w.segment(4096));
    let mut commit = w.commit_op(file, vec![new.clone()], vec![extent(0, 4096, new.id, 0)]);
    commit.low_water = 3;
    assert_eq!(w.run(FileOp::Commit(commit.clone())), Err(errno(Errno::EPROTO)), "above its own counter");
    commit.low_water = 2;
    w.run(FileOp::Commit(commit)).unwrap();
    let commit = w.commit_op(file, vec![old.clone()], vec![extent(0, 4096, old.id, 0)]);
    assert_eq!(w.run(FileOp::Commit(commit)), Err(errno(Errno::EPROTO)));
}

#[test]
fn a_segment_is_named_once() {
    let mut w = World::new();
    let (a, b) = (w.file(ROOT, "a"), w.file(ROOT, "b"));
    let segment = w.segment(4096);
    let id = segment.id;
    let name = |w: &mut World, ino| {
        let commit = w.commit_op(ino, vec![segment.clone()], vec![extent(0, 4096, id, 0)]);
        w.run(FileOp::Commit(commit))
    };
    name(&mut w, a).unwrap();
    assert_eq!(name(&mut w, b), Err(errno(Errno::EPROTO)));
    w.write(a, 0, 4096);
    assert_eq!(w.delete_queue(), vec![id]);
    assert_eq!(name(&mut w, b), Err(errno(Errno::EPROTO)), "in the delete queue");
    w.cluster(ClusterOp::Collected { segments: vec![id] }).unwrap();
    assert_eq!(name(&mut w, b), Err(errno(Errno::EPROTO)), "its fragments are gone");
    let mut commit = w.commit_op(a, vec![], vec![inline(0, b"x")]);
    commit.low_water = id.counter + 1;
    w.run(FileOp::Commit(commit)).unwrap();
    assert_eq!(name(&mut w, b), Err(errno(Errno::EPROTO)));
}

#[test]
fn impossible_segments_are_refused_and_change_nothing() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let eproto = Err(errno(Errno::EPROTO));
    assert_eq!(one(&mut w, file, |s| s.pg = PgId(99)), eproto);
    assert_eq!(one(&mut w, file, |s| s.geometry.parity = 1), eproto);
    assert_eq!(one(&mut w, file, |s| s.geometry.data = 5), eproto);
    assert_eq!(one(&mut w, file, |s| s.geometry.len = 0), eproto);
    assert_eq!(one(&mut w, file, |s| s.rows[0] = s.rows[1]), eproto);
    assert_eq!(one(&mut w, file, |s| s.rows[0].0 = 200), eproto);
    assert_eq!(one(&mut w, file, |s| s.id.session = SessionId(77)), eproto);
    assert_eq!(one(&mut w, file, |s| s.id.counter = 0), eproto);
    assert_eq!(one(&mut w, file, |s| s.rows.truncate(1)), eproto);
    assert_eq!(one(&mut w, file, |s| s.row_crcs.truncate(1)), eproto);
    let dir = w.mkdir(ROOT, "d");
    assert_eq!(one(&mut w, dir, |_| ()), Err(errno(Errno::EISDIR)));
    assert_eq!(one(&mut w, Ino(999), |_| ()), Err(errno(Errno::ESTALE)));
    assert!(w.live_segments().is_empty() && w.delete_queue().is_empty());
}

#[test]
fn impossible_extents_are_refused() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let mut with = |extents: Vec<_>, append| {
        let segment = w.segment(4096);
        let fix = |mut e: isobar_wire::message::files::Extent| {
            if let Source::Segment { id, .. } = &mut e.source
                && id.counter == 0
            {
                *id = segment.id;
            }
            e
        };
        let extents = extents.into_iter().map(fix).collect();
        let mut commit = w.commit_op(file, vec![segment.clone()], extents);
        commit.append = append;
        w.run(FileOp::Commit(commit)).map(drop)
    };
    let this = SegmentId::default();
    let other = SegmentId { session: SessionId(1), counter: 1000 };
    assert_eq!(with(vec![], false), Err(errno(Errno::EINVAL)));
    assert_eq!(with(vec![extent(0, 0, this, 0)], false), Err(errno(Errno::EINVAL)));
    assert_eq!(with(vec![extent(0, 1, other, 0)], false), Err(errno(Errno::EPROTO)));
    assert_eq!(with(vec![extent(0, 4000, this, 100)], false), Err(errno(Errno::EPROTO)));
    assert_eq!(with(vec![extent(FILE_BYTES_MAX, 1, this, 0)], false), Err(errno(Errno::EFBIG)));
    assert_eq!(with(vec![extent(u64::MAX, 1, this, 0)], true), Err(errno(Errno::EFBIG)));
    assert_eq!(with(vec![inline(4000, &[1; 97])], false), Err(errno(Errno::EINVAL)));
    assert_eq!(with(vec![extent(0, 1, this, 0); 2049], false), Err(errno(Errno::E2BIG)));
    assert_eq!(with(vec![extent(FILE_BYTES_MAX - 1, 1, this, 0)], false), Ok(()));
    assert_eq!(with(vec![inline(0, b"late")], true), Err(errno(Errno::EFBIG)));
}

#[test]
fn later_extents_lie_on_top_and_shadowed_segments_die() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let a = w.write(file, 0, 100_000);
    let b = w.write(file, 20_000, 10_000);
    let expected = [(0, 20_000, 1, 0), (20_000, 10_000, 2, 0), (30_000, 70_000, 1, 30_000)];
    assert_eq!(w.layout(file), expected);
    assert!(w.low_live().is_empty());
    w.write(file, 25_000, 50_000);
    assert_eq!(w.low_live(), vec![a]);
    w.write(file, 20_000, 5_000);
    assert_eq!(w.delete_queue(), vec![b]);
    w.write(file, 0, 200_000);
    let attr = w.attr(file).unwrap();
    assert_eq!((attr.size, attr.allocated_bytes, attr.version), (200_000, 200_000, w.index));
    assert_eq!(w.live_segments().len(), 1);
    assert!(w.low_live().is_empty());
}

#[test]
fn a_segment_nothing_names_goes_straight_to_the_delete_queue() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let (a, b) = (w.segment(4096), w.segment(4096));
    let ids = (a.id, b.id);
    let extents = vec![extent(0, 4096, ids.0, 0), extent(0, 4096, ids.1, 0)];
    let commit = w.commit_op(file, vec![a, b], extents);
    w.run(FileOp::Commit(commit)).unwrap();
    assert_eq!((w.live_segments(), w.delete_queue()), (vec![ids.1], vec![ids.0]));
}

#[test]
fn appends_are_placed_by_the_log_and_cut_at_chunks() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write(file, 0, 7 * MIB + 5);
    let (x, y) = (w.segment(3 * MIB), w.segment(1000));
    let ops = [(x, 3 * MIB), (y, 1000)].map(|(segment, len)| {
        let id = segment.id;
        let mut commit = w.commit_op(file, vec![segment], vec![extent(0, len, id, 0)]);
        commit.append = true;
        FileOp::Commit(commit)
    });
    let ops = ops.into_iter().map(|op| w.mutation(op)).collect();
    let offsets: Vec<u64> = w
        .apply(ops)
        .into_iter()
        .map(|r| match r.unwrap() {
            OpReply::Committed { offset, .. } => offset,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(offsets, [7 * MIB + 5, 10 * MIB + 5]);
    let expected = [(0, 7 * MIB + 5), (7 * MIB + 5, 3 * MIB), (10 * MIB + 5, 1000)];
    assert_eq!(w.ranges(file), expected, "joined again in the map");
    assert_eq!(w.attr(file).unwrap().size, 10 * MIB + 1005);
    let small = w.file(ROOT, "g");
    let append = |w: &mut World, len: usize| {
        let mut commit = w.commit_op(small, vec![], vec![inline(0, &vec![1; len])]);
        commit.append = true;
        w.run(FileOp::Commit(commit)).map(drop)
    };
    append(&mut w, 4000).unwrap();
    append(&mut w, 96).unwrap();
    assert_eq!(append(&mut w, 1), Err(errno(Errno::EINVAL)));
}

#[test]
fn sequential_extents_of_a_segment_become_one() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let segment = w.segment(MIB);
    let id = segment.id;
    let extents = (0..256).map(|i| extent(i * 4096, 4096, id, (i * 4096) as u32)).collect();
    let commit = w.commit_op(file, vec![segment], extents);
    w.run(FileOp::Commit(commit)).unwrap();
    assert_eq!(w.ranges(file), [(0, MIB)]);
}

#[test]
fn inline_bytes_are_cut_like_others() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    w.write_inline(file, 0, b"hello world").unwrap();
    w.write_inline(file, 6, b"there").unwrap();
    w.write(file, 3, 2);
    let text: Vec<u8> = w
        .map(file, 0, 100)
        .extents
        .iter()
        .flat_map(|e| match &e.source {
            Source::Inline(bytes) => bytes.clone(),
            Source::Segment { .. } => vec![b'#'; e.len as usize],
        })
        .collect();
    assert_eq!(text, b"hel## there");
}

#[test]
fn a_map_is_sent_in_parts() {
    let mut w = World::new();
    w.checked = false;
    let file = w.file(ROOT, "f");
    for i in 0..3000 {
        w.write(file, i * 8192, 4096);
    }
    w.check();
    let first = w.map(file, 4096, u64::MAX);
    assert_eq!((first.extents.len(), first.extents[0].offset), (2048, 8192));
    assert_eq!(first.segments.len(), 2048);
    let second = w.map(file, first.complete_to, u64::MAX);
    assert_eq!((second.extents.len(), second.complete_to), (2999 - 2048, u64::MAX));
    assert_eq!(second.extents[0].offset, 2049 * 8192);
    let covering = w.map(file, 8192 + 100, 1);
    assert_eq!((covering.extents[0].offset, covering.extents.len()), (8192, 1));
}

#[test]
fn a_fragmented_chunk_splits_and_a_large_write_makes_it_whole() {
    let mut w = World::new();
    w.checked = false;
    let file = w.file(ROOT, "f");
    w.write(file, 0, 8 * MIB);
    for i in 0..300u64 {
        w.write(file, 1 + i * 7, 3);
    }
    w.check();
    assert_eq!(w.ranges(file).len(), 601);
    w.write(file, 0, 8 * MIB);
    w.check();
    assert_eq!(w.ranges(file).len(), 1);
    assert_eq!(w.live_segments().len(), 1);
}
