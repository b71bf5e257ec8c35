//! What a client does for a file system, done with a bare session.

use isobar_base::Ino;
use isobar_cluster::Session;
use isobar_segments::Segments;
use isobar_wire::message::files::{Attr, Extent, FileKind, Source};
use isobar_wire::message::ops::{Commit, FileOp, NewSegment, OpReply};

/// Makes a file in the root directory.
pub async fn create(session: &Session, name: &str) -> Attr {
    let op = FileOp::Create {
        parent: Ino::ROOT,
        name: name.into(),
        kind: FileKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        rdev: 0,
        target: Vec::new(),
        exclusive: true,
        preallocated: None,
    };
    match session.mutate(op).await.unwrap() {
        OpReply::Entry { attr, .. } => attr,
        other => panic!("{other:?}"),
    }
}

/// Removes a file that is open nowhere from the root directory.
pub async fn unlink(session: &Session, name: &str, ino: Ino) {
    let op = FileOp::Unlink { parent: Ino::ROOT, name: name.into(), not_open_by_caller: Some(ino), at: None };
    session.mutate(op).await.unwrap();
}

/// Writes `data` at `offset` as one segment and commits it.
pub async fn write(
    session: &Session,
    segments: &Segments,
    attr: &Attr,
    offset: u64,
    data: Vec<u8>,
) -> NewSegment {
    let segment = segments.write(session, data.into()).await.unwrap();
    commit(session, attr, offset, &segment).await;
    segment
}

/// Commits a segment, all of it, at `offset`.
pub async fn commit(session: &Session, attr: &Attr, offset: u64, segment: &NewSegment) {
    let len = u64::from(segment.geometry.len);
    let extent = Extent { offset, len, source: Source::Segment { id: segment.id, offset: 0 }, version: 0 };
    let op = FileOp::Commit(Commit {
        ino: attr.ino,
        incarnation: attr.incarnation,
        low_water: session.low_water(),
        append: false,
        segments: vec![segment.clone()],
        extents: vec![extent],
        mtime: None,
    });
    let committed = session.mutate(op).await.unwrap();
    assert!(matches!(committed, OpReply::Committed { .. }));
    session.settle(segment.id);
}

/// Contents that differ from byte to byte and from seed to seed.
pub fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed) ^ (at >> 8) as u8).collect()
}
