//! A metadata group gives ids that no other group gives.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;

use common::*;
use isobar_base::{Errno, GroupId, Ino, SegmentId, SessionId};
use isobar_wire::message::files::FileKind;
use isobar_wire::message::ops::{FileOp, OpReply, PreallocatedInode};
use isobar_wire::message::queries::SegmentState;

const GROUP: GroupId = GroupId(3);

#[test]
fn every_id_that_a_group_gives_carries_the_group() {
    let mut w = World::in_group(GROUP);
    let top = Ino::top(GROUP);
    assert_eq!((w.session.group(), w.session.index()), (GROUP, w.index));
    assert_eq!((w.attr(top).unwrap().nlink, w.attr(Ino::ROOT)), (2, Err(errno(Errno::ESTALE))));
    let dir = w.mkdir(top, "d");
    let file = w.file(dir, "f");
    assert_eq!((dir, file), (Ino::new(GROUP, 2), Ino::new(GROUP, 3)));
    w.rename((dir, "f"), (top, "f"), isobar_wire::message::ops::RenameMode::Replace).unwrap();
    let OpReply::Delegated { first, .. } = w.run(FileOp::Delegate { dir }).unwrap() else { panic!() };
    assert_eq!(first, Ino::new(GROUP, 4));
    let id = w.write(file, 0, 1000);
    assert_eq!((id.session.group(), w.state_of(id)), (GROUP, SegmentState::Referenced));
}

#[test]
fn a_number_of_another_group_is_none_that_came_with_a_delegation() {
    let mut w = World::in_group(GROUP);
    let top = Ino::top(GROUP);
    w.run(FileOp::Delegate { dir: top }).unwrap();
    let mut make = |ino| {
        let mut op = create(top, "a", FileKind::File);
        if let FileOp::Create { preallocated, .. } = &mut op {
            *preallocated = Some(PreallocatedInode { ino, time: seconds(1) });
        }
        w.run(op).map(drop)
    };
    assert_eq!(make(Ino::new(GroupId(2), 2)), Err(errno(Errno::EINVAL)));
    assert_eq!(make(Ino::new(GROUP, 0)), Err(errno(Errno::EINVAL)));
    make(Ino::new(GROUP, 2)).unwrap();
}

#[test]
fn segments_of_sessions_that_another_group_granted_are_kept() {
    let w = World::in_group(GROUP);
    let of = |group, index| SegmentId { session: SessionId::new(group, index), counter: 1 };
    for group in [GroupId::ROOT, GroupId(2), GroupId(4)] {
        assert_eq!(w.state_of(of(group, 1)), SegmentState::Pending, "{group}");
    }
    assert_eq!(w.state_of(of(GROUP, 1)), SegmentState::Garbage, "never granted, and never will be");
    assert_eq!(w.state_of(of(GROUP, w.index + 1)), SegmentState::Pending, "may be granted yet");
}
