//! Hard links, and inodes that have lost their last name.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::{Errno, SessionId};
use isobar_wire::message::files::FileKind::File;
use isobar_wire::message::ops::{FileOp, OpReply, RenameMode, SessionOp};
use isobar_wire::message::queries::SessionQuery;

#[test]
fn an_inode_lives_as_long_as_a_name_does() {
    let mut w = World::new();
    let (a, d) = (w.file(ROOT, "a"), w.mkdir(ROOT, "d"));
    let link = |w: &mut World, ino, name: &str| w.run(FileOp::Link { ino, parent: d, name: name.into() });
    link(&mut w, a, "b").unwrap();
    assert_eq!(link(&mut w, a, "b"), Err(errno(Errno::EEXIST)));
    assert_eq!(link(&mut w, d, "c"), Err(errno(Errno::EPERM)));
    w.unlink(ROOT, "a", Some(a)).unwrap();
    assert_eq!(w.attr(a).unwrap().nlink, 1);
    w.unlink(d, "b", Some(a)).unwrap();
    assert_eq!(w.attr(a), Err(errno(Errno::ESTALE)));
}

#[test]
fn an_open_unlinked_file_waits_for_every_session_live_at_that_moment() {
    let mut w = World::new();
    let other = w.open(2);
    let a = w.file(ROOT, "a");
    let id = w.write(a, 0, 5000);
    w.unlink(ROOT, "a", Some(a)).unwrap();
    let later = w.open(3);
    let asked = |w: &World, session| w.inos(SessionQuery::Orphans { session, limit: 10 });
    assert_eq!((asked(&w, w.session), asked(&w, other), asked(&w, later)), (vec![], vec![a], vec![]));
    w.write(a, 5000, 100);
    assert_eq!(w.attr(a).unwrap().size, 5100, "it stays readable and writable");
    assert_eq!(w.run(FileOp::Link { ino: a, parent: ROOT, name: b"b".to_vec() }), Err(errno(Errno::ENOENT)));
    w.run(FileOp::ReleaseOrphans { inos: vec![a] }).unwrap();
    assert!(w.attr(a).is_ok());
    w.run_as(other, 1, FileOp::ReleaseOrphans { inos: vec![a] }).unwrap();
    assert_eq!(w.attr(a), Err(errno(Errno::ESTALE)));
    assert!(w.delete_queue().contains(&id));
}

#[test]
fn the_end_of_a_session_answers_for_it() {
    let mut w = World::new();
    let other = w.open(2);
    let (a, b) = (w.file(ROOT, "a"), w.file(ROOT, "b"));
    w.unlink(ROOT, "a", None).unwrap();
    match w.rename((ROOT, "b"), (ROOT, "c"), RenameMode::Replace).unwrap() {
        OpReply::Renamed { replaced, .. } => assert_eq!(replaced, None),
        other => panic!("{other:?}"),
    }
    w.file(ROOT, "d");
    w.rename((ROOT, "d"), (ROOT, "c"), RenameMode::Replace).unwrap();
    w.run(FileOp::ReleaseOrphans { inos: vec![a, b] }).unwrap();
    assert!(w.attr(a).is_ok() && w.attr(b).is_ok());
    w.cluster(SessionOp::Expire { session: other }).unwrap();
    assert!(w.attr(a).is_err() && w.attr(b).is_err());
    w.cluster(SessionOp::Expire { session: other }).unwrap();
}

#[test]
fn a_removed_directory_waits_like_a_file() {
    let mut w = World::new();
    let d = w.mkdir(ROOT, "d");
    w.rmdir(ROOT, "d").unwrap();
    assert_eq!(w.attr(d).unwrap().nlink, 0);
    w.run(FileOp::ReleaseOrphans { inos: vec![d] }).unwrap();
    assert_eq!(w.attr(d), Err(errno(Errno::ESTALE)));
}

#[test]
fn a_large_file_is_purged_in_steps() {
    let mut w = World::new();
    w.checked = false;
    let a = w.file(ROOT, "a");
    for i in 0..5000u64 {
        w.write(a, i * 8192, 4096);
    }
    w.checked = true;
    w.unlink(ROOT, "a", Some(a)).unwrap();
    assert_eq!(w.attr(a), Err(errno(Errno::ESTALE)));
    assert_eq!(w.purge_queue(), vec![a]);
    for left in [vec![a], vec![a], vec![], vec![]] {
        w.cluster(FileOp::Purge { ino: a }).unwrap();
        assert_eq!(w.purge_queue(), left);
    }
    assert_eq!(w.live_segments(), vec![]);
}

#[test]
fn without_sessions_left_a_file_goes_at_once() {
    let mut w = World::new();
    let a = w.file(ROOT, "a");
    let session = w.session;
    w.unlink(ROOT, "a", None).unwrap();
    w.run(SessionOp::Close).unwrap();
    assert_eq!(w.attr(a), Err(errno(Errno::ESTALE)));
    w.session = SessionId::NOBODY;
    assert_eq!(w.run(create(ROOT, "x", File)), Err(errno(Errno::EPROTO)));
    w.session = session;
    assert_eq!(w.run(SessionOp::Close), Ok(OpReply::Done));
}
