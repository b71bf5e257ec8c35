//! Delegations of directories: what the holder may, and what nobody else may meanwhile.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::{Errno, Ino, SessionId};
use isobar_meta::query_as;
use isobar_wire::message::files::{FileKind, Time};
use isobar_wire::message::ops::{FileOp, Op, OpError, OpReply, PreallocatedInode, RenameMode, SessionOp};
use isobar_wire::message::queries::{FileQuery, Query};

const MADE_AT: Time = Time { seconds: 77, nanoseconds: 7 };

struct Delegated {
    w: World,
    dir: Ino,
    first: Ino,
    other: SessionId,
    seq: u64,
}

impl Delegated {
    fn new() -> Delegated {
        let mut w = World::new();
        let dir = w.mkdir(ROOT, "d");
        w.file(dir, "old");
        let other = w.open(99);
        let OpReply::Delegated { first, count, .. } = w.run(FileOp::Delegate { dir }).unwrap() else {
            panic!()
        };
        assert!(count > 0);
        Delegated { w, dir, first, other, seq: 0 }
    }

    fn create_preallocated(&mut self, name: &str, ino: Ino) -> Result<OpReply, OpError> {
        let mut op = create(self.dir, name, FileKind::File);
        if let FileOp::Create { preallocated, .. } = &mut op {
            *preallocated = Some(PreallocatedInode { ino, time: MADE_AT });
        }
        self.w.run(op)
    }

    fn by_other(&mut self, op: impl Into<Op>) -> Result<OpReply, OpError> {
        self.seq += 1;
        self.w.run_as(self.other, self.seq, op)
    }
}

#[test]
fn a_file_of_the_holder_has_the_number_and_the_time_it_was_answered_with() {
    let mut l = Delegated::new();
    let (dir, first) = (l.dir, l.first);
    l.create_preallocated("new", first).unwrap();
    let attr = l.w.lookup(dir, "new").unwrap();
    assert_eq!((attr.ino, attr.mtime, attr.ctime, attr.nlink), (first, MADE_AT, MADE_AT, 1));
    let used = l.create_preallocated("again", first);
    assert_eq!(used, Err(Errno::EINVAL.into()), "the number is in use");
    let unknown = l.create_preallocated("again", Ino(first.0 + (1 << 40)));
    assert_eq!(unknown, Err(Errno::EINVAL.into()), "the number was never handed out");
    let mut op = create(dir, "untimely", FileKind::File);
    if let FileOp::Create { preallocated, .. } = &mut op {
        let time = Time { seconds: i64::MAX, nanoseconds: 1_000_000_000 };
        *preallocated = Some(PreallocatedInode { ino: Ino(first.0 + 1), time });
    }
    assert_eq!(l.w.run(op), Err(Errno::EINVAL.into()), "there is no such time");
    let at = Some(Time { seconds: 0, nanoseconds: u32::MAX });
    let unlink = FileOp::Unlink { parent: dir, name: b"new".to_vec(), not_open_by_caller: None, at };
    assert_eq!(l.w.run(unlink), Err(Errno::EINVAL.into()), "nor this one");
    // Numbers given by the log itself do not collide with those.
    assert!(l.w.file(ROOT, "elsewhere").0 >= first.0 + isobar_base::limits::PREALLOCATED_INODES);
    l.w.check();
}

#[test]
fn others_neither_change_nor_see_the_names_of_a_delegated_directory() {
    let mut l = Delegated::new();
    let dir = l.dir;
    let delegated = Err(OpError::Delegated(dir));
    let name = b"old".to_vec();
    assert_eq!(l.by_other(create(dir, "x", FileKind::File)), delegated);
    assert_eq!(l.by_other(create(dir, "x", FileKind::Directory)), delegated);
    assert_eq!(
        l.by_other(FileOp::Unlink { parent: dir, name: name.clone(), not_open_by_caller: None, at: None }),
        delegated
    );
    assert_eq!(l.by_other(rename((dir, "old"), (ROOT, "moved"), RenameMode::Replace)), delegated);
    assert_eq!(l.by_other(FileOp::Rmdir { parent: ROOT, name: b"d".to_vec() }), delegated);
    assert_eq!(l.by_other(FileOp::Delegate { dir }), delegated);
    let elsewhere = l.w.file(ROOT, "f");
    assert_eq!(l.by_other(FileOp::Link { ino: elsewhere, parent: dir, name: b"x".to_vec() }), delegated);
    for question in [
        FileQuery::Lookup { parent: dir, name, neighbours: 0 },
        FileQuery::ReadDir { ino: dir, cookie: 0, limit: 9 },
        FileQuery::GetAttr { ino: dir },
    ] {
        let question = Query::File(question);
        let refused = query_as(&l.w.kv, l.other, &question).map(drop);
        assert_eq!(refused, Err(OpError::Delegated(dir)), "{question:?}");
        query_as(&l.w.kv, SessionId::NOBODY, &question).unwrap();
    }
    // Other directories, and the files themselves, are not touched by the delegation.
    l.by_other(create(ROOT, "y", FileKind::File)).unwrap();
    let old = l.w.lookup(dir, "old").unwrap().ino;
    query_as(&l.w.kv, l.other, &FileQuery::GetAttr { ino: old }.into()).unwrap();
    l.w.check();
}

#[test]
fn a_delegation_ends_when_it_is_returned_revoked_or_its_session_ends() {
    for way in 0..3 {
        let mut l = Delegated::new();
        let (dir, first) = (l.dir, l.first);
        let holder = isobar_meta::holder(&l.w.kv, dir).unwrap();
        let ended = match way {
            0 => l.w.run(FileOp::ReturnDelegation { dir }),
            1 => l.w.run_as(SessionId::NOBODY, 0, FileOp::RevokeDelegation { dir, session: holder }),
            _ => l.w.run_as(SessionId::NOBODY, 0, SessionOp::Expire { session: holder }),
        };
        ended.unwrap();
        assert_eq!(isobar_meta::holder(&l.w.kv, dir), None);
        l.by_other(create(dir, "x", FileKind::File)).unwrap();
        // What was answered for and comes too late does not happen: somebody may have looked.
        if way < 2 {
            assert_eq!(l.create_preallocated("late", first), Err(OpError::Delegated(dir)));
            let name = b"old".to_vec();
            let late = FileOp::Unlink { parent: dir, name, not_open_by_caller: None, at: Some(MADE_AT) };
            assert_eq!(l.w.run(late), Err(OpError::Delegated(dir)));
            // Nor is it told that what it knows is still so.
            assert_eq!(l.w.run(FileOp::ReturnDelegation { dir }), Err(Errno::EPERM.into()));
        }
        l.w.check();
    }
}

#[test]
fn a_directory_may_be_removed_by_its_holder_and_takes_the_delegation_along() {
    let mut l = Delegated::new();
    let dir = l.dir;
    l.w.unlink(dir, "old", None).unwrap();
    l.w.rmdir(ROOT, "d").unwrap();
    l.w.check();
    assert_eq!(isobar_meta::holder(&l.w.kv, dir), None);
}
