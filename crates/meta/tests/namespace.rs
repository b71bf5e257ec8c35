//! Create, lookup, readdir, remove, attributes.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::{Errno, Ino};
use isobar_wire::message::files::FileKind::{Directory, Fifo, File, Symlink};
use isobar_wire::message::ops::{ClusterOp, FileOp, OpReply, SetAttr, SetTime, XattrMode};
use isobar_wire::message::queries::{Answer, FileQuery};

#[test]
fn nothing_but_cluster_operations_and_sessions_work_before_format() {
    let mut w = World::blank();
    w.session = w.open(1);
    assert_eq!(w.run(create(ROOT, "a", File)), Err(errno(Errno::ENODEV)));
    assert_eq!(w.ask(FileQuery::GetAttr { ino: ROOT }), Err(errno(Errno::ENODEV)));
    w.cluster(ClusterOp::RegisterTarget(target(1))).unwrap();
    assert_eq!(w.cluster(ClusterOp::BuildPlacement { groups: 1 }), Err(errno(Errno::ENODEV)));
    w.cluster(ClusterOp::Format(settings())).unwrap();
    w.cluster(ClusterOp::Format(settings())).unwrap();
    let mut other = settings();
    other.parity_rows = 1;
    assert_eq!(w.cluster(ClusterOp::Format(other)), Err(errno(Errno::EEXIST)));
    assert_eq!((w.attr(ROOT).unwrap().nlink, w.attr(ROOT).unwrap().mode), (2, 0o755));
}

#[test]
fn names_are_validated_and_exist_once() {
    let mut w = World::new();
    for (name, expected) in [
        ("", Errno::EINVAL),
        (".", Errno::EINVAL),
        ("..", Errno::EINVAL),
        ("a/b", Errno::EINVAL),
        ("a\0", Errno::EINVAL),
    ] {
        assert_eq!(w.try_create(ROOT, name, File), Err(errno(expected)), "{name:?}");
    }
    assert_eq!(w.try_create(ROOT, &"x".repeat(256), File), Err(errno(Errno::ENAMETOOLONG)));
    w.file(ROOT, &"x".repeat(255));
    let file = w.file(ROOT, "a");
    assert_eq!(w.try_create(ROOT, "a", File), Err(errno(Errno::EEXIST)));
    assert_eq!(w.try_create(ROOT, "a", Directory), Err(errno(Errno::EEXIST)));
    assert_eq!(w.try_create(file, "b", File), Err(errno(Errno::ENOTDIR)));
    assert_eq!(w.try_create(Ino(999), "b", File), Err(errno(Errno::ESTALE)));
}

#[test]
fn a_create_that_is_not_exclusive_finds_files_only() {
    let mut w = World::new();
    let file = w.file(ROOT, "file");
    w.mkdir(ROOT, "dir");
    w.try_create(ROOT, "link", Symlink).unwrap();
    let open = |name: &str| match create(ROOT, name, File) {
        FileOp::Create { parent, name, kind, mode, uid, gid, rdev, target, .. } => FileOp::Create {
            parent,
            name,
            kind,
            mode,
            uid,
            gid,
            rdev,
            target,
            exclusive: false,
            preallocated: None,
        },
        _ => unreachable!(),
    };
    match w.run(open("file")).unwrap() {
        OpReply::Entry { attr, created, dir } => {
            assert_eq!((attr.ino, created), (file, false));
            assert_eq!(dir.before, dir.after.version);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(w.run(open("dir")), Err(errno(Errno::EISDIR)));
    assert_eq!(w.run(open("link")), Err(errno(Errno::EEXIST)));
    assert!(matches!(w.run(open("new")).unwrap(), OpReply::Entry { created: true, .. }));
}

#[test]
fn a_set_gid_directory_passes_its_group_on() {
    let mut w = World::new();
    let dir = w.mkdir(ROOT, "d");
    let set = SetAttr { mode: Some(0o2775), gid: Some(77), ..SetAttr::default() };
    w.run(FileOp::SetAttr { ino: dir, set }).unwrap();
    let file = w.try_create(dir, "f", File).unwrap();
    let sub = w.try_create(dir, "s", Directory).unwrap();
    assert_eq!((file.gid, file.mode), (77, 0o644));
    assert_eq!((sub.gid, sub.mode), (77, 0o2755));
}

#[test]
fn directories_count_entries_and_links_and_change_version_with_each_change() {
    let mut w = World::new();
    let before = w.attr(ROOT).unwrap();
    w.mkdir(ROOT, "d");
    w.file(ROOT, "f");
    let after = w.attr(ROOT).unwrap();
    assert_eq!((after.nlink, after.size), (3, 2));
    assert!(after.version > before.version && after.mtime > before.mtime && after.ctime > before.ctime);
    // Several changes in one entry have versions of their own, without gaps.
    let ops = ["x", "y", "z"].map(|name| create(ROOT, name, File));
    let ops = ops.into_iter().map(|op| w.mutation(op)).collect();
    let mut at = after.version;
    for result in w.apply(ops) {
        match result.unwrap() {
            OpReply::Entry { dir, .. } => {
                assert!(dir.before == at && dir.after.version > dir.before);
                at = dir.after.version;
            }
            other => panic!("{other:?}"),
        }
    }
    w.rmdir(ROOT, "d").unwrap();
    assert_eq!((w.attr(ROOT).unwrap().nlink, w.attr(ROOT).unwrap().size), (2, 4));
}

#[test]
fn removal_keeps_to_its_kind() {
    let mut w = World::new();
    let dir = w.mkdir(ROOT, "d");
    w.file(dir, "f");
    assert_eq!(w.unlink(ROOT, "d", None), Err(errno(Errno::EISDIR)));
    assert_eq!(w.rmdir(dir, "f"), Err(errno(Errno::ENOTDIR)));
    assert_eq!(w.rmdir(ROOT, "d"), Err(errno(Errno::ENOTEMPTY)));
    assert_eq!(w.unlink(dir, "g", None), Err(errno(Errno::ENOENT)));
    w.unlink(dir, "f", None).unwrap();
    w.rmdir(ROOT, "d").unwrap();
    assert_eq!(w.try_create(dir, "late", File), Err(errno(Errno::ESTALE)), "the directory is removed");
    assert_eq!(w.list(dir), vec![]);
}

#[test]
fn readdir_goes_on_where_it_stopped_however_the_directory_changes() {
    let mut w = World::new();
    let dir = w.mkdir(ROOT, "d");
    for i in 0..20 {
        w.file(dir, &format!("f{i}"));
    }
    let page = |w: &World, cookie| match w.ask(FileQuery::ReadDir { ino: dir, cookie, limit: 7 }).unwrap() {
        Answer::Dir { entries, end, .. } => (entries, end),
        other => panic!("{other:?}"),
    };
    let (first, end) = page(&w, 0);
    assert!(!end && first.len() == 7);
    let cookie = first[6].cookie;
    let expected: Vec<u64> = w.list(dir)[7..].iter().map(|e| e.cookie).collect();
    for i in 0..7 {
        w.unlink(dir, &format!("f{i}"), None).unwrap();
    }
    w.file(dir, "new");
    let (mut rest, mut at, mut end) = (Vec::new(), cookie, false);
    while !end {
        let (entries, last) = page(&w, at);
        at = entries.last().map_or(at, |e| e.cookie);
        rest.extend(entries.into_iter().map(|e| e.cookie));
        end = last;
    }
    assert_eq!(rest[..13], expected[..]);
    assert_eq!(rest.len(), 14);
    match w.ask(FileQuery::Lookup { parent: dir, name: b"f8".to_vec(), neighbours: 3 }).unwrap() {
        Answer::Entry { neighbours, .. } => {
            let names: Vec<_> =
                neighbours.iter().map(|e| String::from_utf8_lossy(&e.name).into_owned()).collect();
            assert_eq!(names, ["f9", "f10", "f11"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn symlinks_and_parents_are_read_back() {
    let mut w = World::new();
    let dir = w.mkdir(ROOT, "d");
    let link = w.try_create(dir, "l", Symlink).unwrap();
    assert_eq!(link.size, 6);
    assert_eq!(w.ask(FileQuery::ReadLink { ino: link.ino }), Ok(Answer::Bytes(b"target".to_vec())));
    assert_eq!(w.ask(FileQuery::ReadLink { ino: dir }), Err(errno(Errno::EINVAL)));
    assert_eq!(w.ask(FileQuery::Parent { ino: dir }), Ok(Answer::Attr(w.attr(ROOT).unwrap())));
    assert_eq!(w.ask(FileQuery::Parent { ino: ROOT }), Ok(Answer::Attr(w.attr(ROOT).unwrap())));
    assert_eq!(w.ask(FileQuery::Parent { ino: link.ino }), Err(errno(Errno::ENOTDIR)));
    assert_eq!(w.set_size(link.ino, 1), Err(errno(Errno::EINVAL)));
    assert_eq!(w.set_size(dir, 1), Err(errno(Errno::EISDIR)));
    assert!(w.try_create(dir, "p", Fifo).is_ok());
}

#[test]
fn a_change_of_owner_clears_set_id_bits_unless_the_mode_is_set_too() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let set = |w: &mut World, set| match w.run(FileOp::SetAttr { ino: file, set }).unwrap() {
        OpReply::Attr(attr) => attr.mode,
        other => panic!("{other:?}"),
    };
    let none = SetAttr::default();
    assert_eq!(set(&mut w, SetAttr { mode: Some(0o6755), ..none }), 0o6755);
    assert_eq!(set(&mut w, SetAttr { uid: Some(3), ..none }), 0o755);
    assert_eq!(set(&mut w, SetAttr { mode: Some(0o6745), ..none }), 0o6745);
    assert_eq!(set(&mut w, SetAttr { gid: Some(3), ..none }), 0o2745, "mandatory locking bit stays");
    assert_eq!(set(&mut w, SetAttr { gid: Some(4), mode: Some(0o6755), ..none }), 0o6755);
}

#[test]
fn some_bits_of_a_mode_are_set_and_others_stay_as_they_are_by_then() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let set = |w: &mut World, set| match w.run(FileOp::SetAttr { ino: file, set }).unwrap() {
        OpReply::Attr(attr) => attr.mode,
        other => panic!("{other:?}"),
    };
    let (none, permissions) =
        (SetAttr::default(), SetAttr { mode_clear: 0o777, mode_set: 0o640, ..SetAttr::default() });
    set(&mut w, SetAttr { mode: Some(0o4777), ..none });
    assert_eq!(set(&mut w, permissions), 0o4640);
    set(&mut w, SetAttr { mode_clear: 0o4000, ..none });
    assert_eq!(set(&mut w, permissions), 0o640, "what went meanwhile does not come back");
    assert_eq!(set(&mut w, SetAttr { mode_clear: 0o2777, mode_set: 0o7_777_777, ..none }), 0o7777);
}

#[test]
fn an_explicit_mtime_yields_only_to_writes_made_after_it() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let stamped = |w: &mut World, stamp: i64| {
        let mut commit = w.commit_op(file, vec![], vec![inline(0, b"x")]);
        commit.mtime = Some(seconds(stamp));
        w.run(FileOp::Commit(commit)).unwrap();
        w.attr(file).unwrap().mtime.seconds
    };
    let now = w.now;
    assert_eq!(stamped(&mut w, now + 50), now + 50);
    assert_eq!(stamped(&mut w, now + 40), now + 50, "mtime = max(mtime, stamp)");
    w.now += 100;
    let set = SetAttr { mtime: Some(SetTime::At(seconds(5))), ..SetAttr::default() };
    w.run(FileOp::SetAttr { ino: file, set }).unwrap();
    let set_at = w.now;
    assert_eq!(stamped(&mut w, set_at - 1), 5, "written before utimens, committed after it");
    assert_eq!(stamped(&mut w, set_at + 1), set_at + 1);
}

#[test]
fn extended_attributes_are_kept_within_their_bounds() {
    let mut w = World::new();
    let ino = w.file(ROOT, "f");
    let mut set = |name: &str, len: usize, mode| {
        w.run(FileOp::SetXattr { ino, name: name.into(), value: vec![1; len], mode })
    };
    assert_eq!(set("user.a", 3, XattrMode::Replace), Err(errno(Errno::ENODATA)));
    set("user.a", 3, XattrMode::Create).unwrap();
    assert_eq!(set("user.a", 3, XattrMode::Create), Err(errno(Errno::EEXIST)));
    set("user.a", 5, XattrMode::Any).unwrap();
    assert_eq!(set("user.b", (64 << 10) + 1, XattrMode::Any), Err(errno(Errno::E2BIG)));
    for name in ["1", "2", "3"] {
        set(name, 64 << 10, XattrMode::Any).unwrap();
    }
    assert_eq!(set("4", 64 << 10, XattrMode::Any), Err(errno(Errno::ENOSPC)));
    assert_eq!(w.ask(FileQuery::GetXattr { ino, name: b"user.a".to_vec() }), Ok(Answer::Bytes(vec![1; 5])));
    w.run(FileOp::RemoveXattr { ino, name: b"2".to_vec() }).unwrap();
    assert_eq!(w.run(FileOp::RemoveXattr { ino, name: b"2".to_vec() }), Err(errno(Errno::ENODATA)));
    let names = vec![b"1".to_vec(), b"3".to_vec(), b"user.a".to_vec()];
    assert_eq!(w.ask(FileQuery::ListXattr { ino }), Ok(Answer::Names(names)));
    w.unlink(ROOT, "f", Some(ino)).unwrap();
    assert_eq!(w.ask(FileQuery::ListXattr { ino }), Err(errno(Errno::ESTALE)));
}
