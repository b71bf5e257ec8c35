//! What may be deleted, and when (I6).
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::SegmentId;
use isobar_wire::message::ops::{ClusterOp, FileOp, SessionOp};
use isobar_wire::message::queries::SegmentState::{Garbage, Pending, Referenced};
use isobar_wire::message::queries::{Answer, ClusterQuery};

#[test]
fn a_segment_put_but_not_committed_is_kept_however_old_it_is() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let (early, late) = (w.segment(4096), w.segment(4096));
    for _ in 0..100 {
        w.now += 1_000_000;
        w.write(file, 0, 100);
    }
    assert_eq!(w.state_of(early.id), Pending);
    let commit = w.commit_op(file, vec![early.clone()], vec![extent(0, 4096, early.id, 0)]);
    w.run(FileOp::Commit(commit)).unwrap();
    assert_eq!((w.state_of(early.id), w.state_of(late.id)), (Referenced, Pending));
}

#[test]
fn what_a_session_gave_up_or_left_behind_is_garbage() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let (a, b) = (w.segment(4096), w.segment(4096));
    let mut commit = w.commit_op(file, vec![b.clone()], vec![extent(0, 4096, b.id, 0)]);
    commit.low_water = b.id.counter;
    w.run(FileOp::Commit(commit)).unwrap();
    let c = w.segment(4096);
    assert_eq!((w.state_of(a.id), w.state_of(b.id), w.state_of(c.id)), (Garbage, Referenced, Pending));
    w.cluster(SessionOp::Expire { session: w.session }).unwrap();
    assert_eq!((w.state_of(a.id), w.state_of(b.id), w.state_of(c.id)), (Garbage, Referenced, Garbage));
    let mut future = c.id;
    future.session.0 = 1_000_000;
    assert_eq!(w.state_of(future), Pending, "may be granted yet");
}

#[test]
fn the_delete_queue_empties_when_collected() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let ids: Vec<SegmentId> = (0..5).map(|_| w.write(file, 0, 5000)).collect();
    assert_eq!(w.delete_queue(), ids[..4]);
    assert_eq!(w.state_of(ids[0]), Garbage);
    w.cluster(ClusterOp::Collected { segments: ids[..2].to_vec() }).unwrap();
    w.cluster(ClusterOp::Collected { segments: ids.clone() }).unwrap();
    assert!(w.delete_queue().is_empty());
    assert_eq!(w.state_of(ids[4]), Referenced, "only what is in the queue is collected");
    w.run(SessionOp::Close).unwrap();
}

#[test]
fn counts_are_kept_up_to_date() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let id = w.write(file, 0, 100_000);
    let stored = w.map(file, 0, 1).segments[0].geometry.stored_bytes();
    let expected = Answer::Counts { inodes: 2, file_bytes: 100_000, segments: 1, stored_bytes: stored };
    assert_eq!(w.ask(ClusterQuery::Counts), Ok(expected));
    let walk = Answer::InodesUpTo { inos: vec![file], next: None };
    assert_eq!(w.ask(ClusterQuery::Inodes { after: ROOT, limit: 10 }), Ok(walk));
    w.unlink(ROOT, "f", Some(file)).unwrap();
    let expected = Answer::Counts { inodes: 1, file_bytes: 0, segments: 0, stored_bytes: 0 };
    assert_eq!((w.ask(ClusterQuery::Counts), w.delete_queue()), (Ok(expected), vec![id]));
}

#[test]
fn lists_of_segments_are_read_page_by_page() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let ids: Vec<SegmentId> = (0..10).map(|i| w.write(file, i * 5000, 5000)).collect();
    for i in 0..10 {
        w.write(file, i * 5000, 4000);
    }
    let page = |question| match w.ask(question).unwrap() {
        Answer::Segments(segments) => segments.into_iter().map(|s| s.id).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(page(ClusterQuery::LowLive { after: Some(ids[3]), limit: 3 }), ids[4..7]);
    assert_eq!(page(ClusterQuery::Segments { after: Some(ids[8]), limit: 2 })[0], ids[9]);
}
