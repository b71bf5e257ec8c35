//! fcntl and flock.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::{Errno, Ino, SessionId};
use isobar_wire::message::files::{Lock, LockFamily, LockKind};
use isobar_wire::message::ops::{FileOp, OpReply, SessionOp};
use isobar_wire::message::queries::{Answer, FileQuery};

use LockFamily::{Flock, Posix};
use LockKind::{Read, Unlock, Write};

struct Locks {
    w: World,
    ino: Ino,
}

impl Locks {
    fn new() -> Locks {
        let mut w = World::new();
        let ino = w.file(ROOT, "f");
        Locks { w, ino }
    }

    fn ask(
        &mut self,
        family: LockFamily,
        kind: LockKind,
        owner: u64,
        start: u64,
        end: u64,
    ) -> Option<(u64, u64, u64)> {
        let lock = Lock { family, kind, start, end, session: SessionId(0), owner, pid: owner as u32 };
        match self.w.run(FileOp::Lock { ino: self.ino, lock }).unwrap() {
            OpReply::Lock(other) => other.map(|l| (l.owner, l.start, l.end)),
            other => panic!("{other:?}"),
        }
    }

    /// What a stranger that wants to write all would meet first.
    fn first(&self) -> Option<(u64, u64, u64, LockKind)> {
        let lock = Lock {
            family: Posix,
            kind: Write,
            start: 0,
            end: u64::MAX,
            session: SessionId(0),
            owner: 0,
            pid: 0,
        };
        match self.w.ask(FileQuery::TestLock { ino: self.ino, lock }).unwrap() {
            Answer::Lock(lock) => lock.map(|l| (l.owner, l.start, l.end, l.kind)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn readers_share_and_writers_do_not() {
    let mut l = Locks::new();
    assert_eq!(l.ask(Posix, Read, 1, 0, 99), None);
    assert_eq!(l.ask(Posix, Read, 2, 50, 149), None);
    assert_eq!(l.ask(Posix, Write, 3, 120, 130), Some((2, 50, 149)));
    assert_eq!(l.ask(Posix, Write, 3, 150, u64::MAX), None);
    assert_eq!(l.ask(Posix, Write, 1, 0, 49), None, "upgrade of the part nobody shares");
    assert_eq!(l.ask(Posix, Write, 1, 0, 99), Some((2, 50, 149)));
    assert_eq!(l.ask(Flock, Write, 9, 5, 5), None, "families do not see each other");
    assert_eq!(l.ask(Flock, Read, 8, 0, 0), Some((9, 0, u64::MAX)));
}

#[test]
fn locks_split_and_join() {
    let mut l = Locks::new();
    l.ask(Posix, Write, 1, 0, 99);
    l.ask(Posix, Unlock, 1, 40, 59);
    assert_eq!(l.first(), Some((1, 0, 39, Write)));
    assert_eq!(l.ask(Posix, Read, 2, 40, 59), None);
    assert_eq!(l.ask(Posix, Read, 2, 60, 60), Some((1, 60, 99)));
    l.ask(Posix, Unlock, 2, 0, u64::MAX);
    l.ask(Posix, Write, 1, 40, 59);
    assert_eq!(l.first(), Some((1, 0, 99, Write)));
    l.ask(Posix, Read, 1, 0, 9);
    assert_eq!(l.first(), Some((1, 0, 9, Read)), "downgrade");
    assert_eq!(l.ask(Posix, Write, 2, 10, 10), Some((1, 10, 99)));
    l.w.run(FileOp::UnlockAll { ino: l.ino, owner: 1 }).unwrap();
    assert_eq!(l.first(), None);
}

#[test]
fn locks_end_with_their_session_and_their_inode() {
    let mut l = Locks::new();
    let (other, ino) = (l.w.open(2), l.ino);
    let lock = Lock { family: Posix, kind: Write, start: 0, end: 9, session: SessionId(0), owner: 1, pid: 1 };
    l.w.run_as(other, 1, FileOp::Lock { ino, lock }).unwrap();
    assert_eq!(l.ask(Posix, Write, 1, 0, 9), Some((1, 0, 9)), "the same owner number of another mount");
    l.w.cluster(SessionOp::Expire { session: other }).unwrap();
    assert_eq!(l.ask(Posix, Write, 1, 0, 9), None);
    l.w.unlink(ROOT, "f", None).unwrap();
    assert_eq!(l.ask(Posix, Write, 1, 5, 20), None, "of an open, nameless file");
    l.w.run(FileOp::ReleaseOrphans { inos: vec![ino] }).unwrap();
    assert_eq!(l.w.run(FileOp::Lock { ino, lock }), Err(errno(Errno::ESTALE)));
    let dir = l.w.mkdir(ROOT, "d");
    assert_eq!(
        l.w.run(FileOp::Lock { ino: dir, lock: Lock { end: 0, start: 1, ..lock } }),
        Err(errno(Errno::EINVAL))
    );
}
