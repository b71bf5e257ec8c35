//! Leases of directories: what the lessee may, and what nobody else may meanwhile.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::{Errno, Ino, SessionId};
use isobar_meta::query_as;
use isobar_wire::message::files::{FileKind, Time};
use isobar_wire::message::ops::{Born, FileOp, Op, OpError, OpReply, RenameMode, SessionOp};
use isobar_wire::message::queries::{FileQuery, Query};

const BORN_AT: Time = Time { seconds: 77, nanoseconds: 7 };

struct Leased {
    w: World,
    dir: Ino,
    first: Ino,
    other: SessionId,
    seq: u64,
}

impl Leased {
    fn new() -> Leased {
        let mut w = World::new();
        let dir = w.mkdir(ROOT, "d");
        w.file(dir, "old");
        let other = w.open(99);
        let OpReply::Leased { first, count, .. } = w.run(FileOp::Lease { dir }).unwrap() else { panic!() };
        assert!(count > 0);
        Leased { w, dir, first, other, seq: 0 }
    }

    fn born(&mut self, name: &str, ino: Ino) -> Result<OpReply, OpError> {
        let mut op = create(self.dir, name, FileKind::File);
        if let FileOp::Create { born, .. } = &mut op {
            *born = Some(Born { ino, time: BORN_AT });
        }
        self.w.run(op)
    }

    fn by_other(&mut self, op: impl Into<Op>) -> Result<OpReply, OpError> {
        self.seq += 1;
        self.w.run_as(self.other, self.seq, op)
    }
}

#[test]
fn a_file_of_the_lessee_has_the_number_and_the_time_it_was_answered_with() {
    let mut l = Leased::new();
    let (dir, first) = (l.dir, l.first);
    l.born("new", first).unwrap();
    let attr = l.w.lookup(dir, "new").unwrap();
    assert_eq!((attr.ino, attr.mtime, attr.ctime, attr.nlink), (first, BORN_AT, BORN_AT, 1));
    let used = l.born("again", first);
    assert_eq!(used, Err(Errno::EINVAL.into()), "the number is in use");
    let unknown = l.born("again", Ino(first.0 + (1 << 40)));
    assert_eq!(unknown, Err(Errno::EINVAL.into()), "the number was never handed out");
    // Numbers given by the log itself do not collide with those.
    assert!(l.w.file(ROOT, "elsewhere").0 >= first.0 + isobar_base::limits::LEASE_INODES);
    l.w.check();
}

#[test]
fn others_neither_change_nor_see_the_names_of_a_leased_directory() {
    let mut l = Leased::new();
    let dir = l.dir;
    let leased = Err(OpError::Leased(dir));
    let name = b"old".to_vec();
    assert_eq!(l.by_other(create(dir, "x", FileKind::File)), leased);
    assert_eq!(l.by_other(create(dir, "x", FileKind::Directory)), leased);
    assert_eq!(
        l.by_other(FileOp::Unlink { parent: dir, name: name.clone(), closed_here: None, at: None }),
        leased
    );
    assert_eq!(l.by_other(rename((dir, "old"), (ROOT, "moved"), RenameMode::Replace)), leased);
    assert_eq!(l.by_other(FileOp::Rmdir { parent: ROOT, name: b"d".to_vec() }), leased);
    assert_eq!(l.by_other(FileOp::Lease { dir }), leased);
    let elsewhere = l.w.file(ROOT, "f");
    assert_eq!(l.by_other(FileOp::Link { ino: elsewhere, parent: dir, name: b"x".to_vec() }), leased);
    for question in [
        FileQuery::Lookup { parent: dir, name, neighbours: 0 },
        FileQuery::ReadDir { ino: dir, cookie: 0, limit: 9 },
        FileQuery::GetAttr { ino: dir },
    ] {
        let question = Query::File(question);
        let refused = query_as(&l.w.kv, l.other, &question).map(drop);
        assert_eq!(refused, Err(OpError::Leased(dir)), "{question:?}");
        query_as(&l.w.kv, SessionId(0), &question).unwrap();
    }
    // Other directories, and the files themselves, are not touched by the lease.
    l.by_other(create(ROOT, "y", FileKind::File)).unwrap();
    let old = l.w.lookup(dir, "old").unwrap().ino;
    query_as(&l.w.kv, l.other, &FileQuery::GetAttr { ino: old }.into()).unwrap();
    l.w.check();
}

#[test]
fn a_lease_ends_when_it_is_given_up_revoked_or_its_session_ends() {
    for way in 0..3 {
        let mut l = Leased::new();
        let (dir, first) = (l.dir, l.first);
        let lessee = isobar_meta::lessee(&l.w.kv, dir).unwrap();
        match way {
            0 => drop(l.w.run(FileOp::Unlease { dir }).unwrap()),
            1 => drop(l.w.run_as(SessionId(0), 0, FileOp::Revoke { dir, session: lessee }).unwrap()),
            _ => drop(l.w.run_as(SessionId(0), 0, SessionOp::Expire { session: lessee }).unwrap()),
        }
        assert_eq!(isobar_meta::lessee(&l.w.kv, dir), None);
        l.by_other(create(dir, "x", FileKind::File)).unwrap();
        // What was answered for and comes too late does not happen: somebody may have looked.
        if way < 2 {
            assert_eq!(l.born("late", first), Err(OpError::Leased(dir)));
            let name = b"old".to_vec();
            let late = FileOp::Unlink { parent: dir, name, closed_here: None, at: Some(BORN_AT) };
            assert_eq!(l.w.run(late), Err(OpError::Leased(dir)));
        }
        l.w.check();
    }
}

#[test]
fn a_directory_may_be_removed_by_its_lessee_and_takes_the_lease_along() {
    let mut l = Leased::new();
    let dir = l.dir;
    l.w.unlink(dir, "old", None).unwrap();
    l.w.rmdir(ROOT, "d").unwrap();
    l.w.check();
    assert_eq!(isobar_meta::lessee(&l.w.kv, dir), None);
}
