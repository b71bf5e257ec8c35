//! rename(2) and renameat2(2).
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::Errno;
use isobar_wire::message::files::FileKind::{Directory, File};
use isobar_wire::message::ops::RenameMode::{Exchange, NoReplace, Replace};
use isobar_wire::message::ops::{FileOp, OpReply};

#[test]
fn a_file_moves_and_replaces_a_file() {
    let mut w = World::new();
    let (d, a) = (w.mkdir(ROOT, "d"), w.file(ROOT, "a"));
    let old = w.attr(a).unwrap();
    w.rename((ROOT, "a"), (d, "b"), Replace).unwrap();
    assert_eq!(w.lookup(ROOT, "a"), Err(errno(Errno::ENOENT)));
    assert!(w.lookup(d, "b").unwrap().ctime > old.ctime);
    let c = w.file(ROOT, "c");
    match w.rename((ROOT, "c"), (d, "b"), Replace).unwrap() {
        OpReply::Renamed { attr, replaced } => {
            assert_eq!((attr.ino, replaced.unwrap().ino, replaced.unwrap().nlink), (c, a, 0));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(w.attr(d).unwrap().size, 1);
    assert_eq!(w.rename((ROOT, "none"), (d, "b"), Replace), Err(errno(Errno::ENOENT)));
}

#[test]
fn kinds_must_fit_and_a_replaced_directory_must_be_empty() {
    let mut w = World::new();
    let (d, e) = (w.mkdir(ROOT, "d"), w.mkdir(ROOT, "e"));
    w.file(ROOT, "f");
    w.file(e, "inside");
    assert_eq!(w.rename((ROOT, "d"), (ROOT, "f"), Replace), Err(errno(Errno::ENOTDIR)));
    assert_eq!(w.rename((ROOT, "f"), (ROOT, "d"), Replace), Err(errno(Errno::EISDIR)));
    assert_eq!(w.rename((ROOT, "d"), (ROOT, "e"), Replace), Err(errno(Errno::ENOTEMPTY)));
    w.rename((ROOT, "e"), (ROOT, "d"), Replace).unwrap();
    assert_eq!(w.lookup(ROOT, "d").unwrap().ino, e);
    assert_eq!(w.attr(ROOT).unwrap().nlink, 3);
    assert_eq!(w.attr(d).unwrap().nlink, 0);
    assert_eq!(w.rename((ROOT, "d"), (ROOT, "."), Replace), Err(errno(Errno::EBUSY)));
}

#[test]
fn a_directory_does_not_move_into_itself() {
    let mut w = World::new();
    let a = w.mkdir(ROOT, "a");
    let b = w.mkdir(a, "b");
    let c = w.mkdir(b, "c");
    assert_eq!(w.rename((ROOT, "a"), (a, "x"), Replace), Err(errno(Errno::EINVAL)));
    assert_eq!(w.rename((ROOT, "a"), (c, "x"), Replace), Err(errno(Errno::EINVAL)));
    assert_eq!(w.rename((ROOT, "a"), (b, "c"), Exchange), Err(errno(Errno::EINVAL)));
    assert_eq!(w.rename((b, "c"), (ROOT, "a"), Exchange), Err(errno(Errno::EINVAL)));
    assert_eq!(w.rename((b, "c"), (ROOT, "a"), Replace), Err(errno(Errno::ENOTEMPTY)));
    w.rename((b, "c"), (ROOT, "c"), Replace).unwrap();
    assert_eq!((w.attr(ROOT).unwrap().nlink, w.attr(b).unwrap().nlink), (4, 2));
    w.rename((ROOT, "a"), (c, "a"), Replace).unwrap();
}

#[test]
fn both_names_of_one_inode_change_nothing() {
    let mut w = World::new();
    let a = w.file(ROOT, "a");
    w.run(FileOp::Link { ino: a, parent: ROOT, name: b"b".to_vec() }).unwrap();
    w.rename((ROOT, "a"), (ROOT, "b"), Replace).unwrap();
    assert_eq!(w.lookup(ROOT, "a").unwrap().nlink, 2);
    w.rename((ROOT, "a"), (ROOT, "a"), Replace).unwrap();
    assert_eq!(w.rename((ROOT, "a"), (ROOT, "b"), NoReplace), Err(errno(Errno::EEXIST)));
    w.rename((ROOT, "a"), (ROOT, "c"), NoReplace).unwrap();
    assert_eq!(w.list(ROOT).len(), 2);
}

#[test]
fn exchange_swaps_files_and_directories_and_keeps_cookies() {
    let mut w = World::new();
    let (d, e) = (w.mkdir(ROOT, "d"), w.mkdir(ROOT, "e"));
    let (x, f) = (w.try_create(d, "x", Directory).unwrap().ino, w.try_create(e, "f", File).unwrap().ino);
    let cookies = (w.list(d)[0].cookie, w.list(e)[0].cookie);
    assert_eq!(w.rename((d, "x"), (e, "none"), Exchange), Err(errno(Errno::ENOENT)));
    w.rename((d, "x"), (e, "f"), Exchange).unwrap();
    assert_eq!((w.lookup(d, "x").unwrap().ino, w.lookup(e, "f").unwrap().ino), (f, x));
    assert_eq!((w.attr(d).unwrap().nlink, w.attr(e).unwrap().nlink), (2, 3));
    assert_eq!((w.list(d)[0].cookie, w.list(e)[0].cookie), cookies);
    w.rename((ROOT, "d"), (ROOT, "e"), Exchange).unwrap();
    assert_eq!(w.lookup(ROOT, "d").unwrap().ino, e);
}
