//! What a kernel would have judged before it asked is judged here, call by call, on a whole cluster in this
//! process whose network is in memory.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use isobar_base::{Errno, Ino};
use isobar_client::{
    Client, ClientOptions, FileKind, Lock, LockFamily, LockKind, NewInode, OpenOptions, RenameMode, SetAttr,
    XattrMode,
};
use isobar_testcluster::{Over, TestCluster};
use isobar_vfs::{Access, Allocation, Checks, Credentials, Vfs, WriteIntent};
use tokio::task::JoinSet;

const WRITE: OpenOptions = OpenOptions { write: true, append: false, sync: false, truncate: false };

async fn vfs(cluster: &TestCluster, host: &str) -> Vfs {
    let options = ClientOptions { name: host.to_owned(), ..ClientOptions::default() };
    Vfs::new(Client::with_cluster(cluster.access_from(host), options).await.unwrap(), Checks::Here)
}

fn root() -> Credentials {
    Credentials::root()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn names_are_changed_only_by_those_who_may() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let vfs = vfs(&cluster, "front").await;
    let (alice, bob) = (Credentials::new(10, 10), Credentials::new(11, 11));
    let shared = vfs.create_dirs(&root(), Path::new("/shared"), 0o755).await.unwrap().ino;
    let made = vfs.make(&alice, shared, b"d", NewInode::directory(0o755, alice.owner())).await;
    assert_eq!(made.unwrap_err(), Errno::EACCES);
    let sticky = SetAttr { mode: Some(0o1777), ..SetAttr::default() };
    vfs.setattr(&root(), shared, sticky).await.unwrap();

    let opened = vfs.create(&alice, (shared, b"hers"), 0o600, true, true, WRITE).await.unwrap();
    assert_eq!((opened.attr.uid, opened.attr.mode), (10, 0o600));
    vfs.release(&opened.file).await;
    assert_eq!(vfs.unlink(&bob, shared, b"hers").await, Err(Errno::EPERM));
    let stolen = vfs.rename(&bob, (shared, b"hers"), (shared, b"his"), RenameMode::Replace).await;
    assert_eq!(stolen, Err(Errno::EPERM));
    let ino = opened.attr.ino;
    assert_eq!(vfs.open(&bob, ino, true, OpenOptions::default()).await.unwrap_err(), Errno::EACCES);
    let chmod = SetAttr { mode: Some(0o666), ..SetAttr::default() };
    assert_eq!(vfs.setattr(&bob, ino, chmod).await.unwrap_err(), Errno::EPERM);
    vfs.setattr(&alice, ino, chmod).await.unwrap();
    assert_eq!(vfs.access(&bob, ino, Access::READ.and(Access::WRITE)).await, Ok(()));
    assert_eq!(vfs.unlink(&alice, shared, b"hers").await, Ok(()));

    // Who cannot look names up in a directory sees none of them.
    let closed = SetAttr { mode: Some(0o700), ..SetAttr::default() };
    vfs.setattr(&root(), shared, closed).await.unwrap();
    assert_eq!(vfs.lookup(&bob, shared, b"hers").await.unwrap_err(), Errno::EACCES);
    assert_eq!(vfs.readdir(&bob, shared, 0).await.unwrap_err(), Errno::EACCES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_that_exists_is_opened_by_those_who_may_though_they_cannot_make_one() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let vfs = vfs(&cluster, "front").await;
    let alice = Credentials::new(10, 10);
    vfs.put_atomic(&root(), Path::new("/open"), b"bytes", 0o666).await.unwrap();
    let opened = vfs.create(&alice, (Ino::ROOT, b"open"), 0o644, false, true, WRITE).await.unwrap();
    vfs.release(&opened.file).await;
    let exclusive = vfs.create(&alice, (Ino::ROOT, b"open"), 0o644, true, true, WRITE).await;
    assert_eq!(exclusive.unwrap_err(), Errno::EEXIST);
    let closed = SetAttr { mode: Some(0o755), ..SetAttr::default() };
    vfs.setattr(&root(), Ino::ROOT, closed).await.unwrap();
    let new = vfs.create(&alice, (Ino::ROOT, b"new"), 0o644, false, true, WRITE).await;
    assert_eq!(new.unwrap_err(), Errno::EACCES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_write_by_another_than_root_takes_set_id_bits_away() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let vfs = vfs(&cluster, "front").await;
    let alice = Credentials::new(10, 10);
    let ino = vfs.put_atomic(&root(), Path::new("/program"), b"bytes", 0o666).await.unwrap().ino;
    let opened = vfs.open(&alice, ino, true, WRITE).await.unwrap();
    let setid = SetAttr { mode: Some(0o4777), ..SetAttr::default() };
    vfs.setattr(&root(), ino, setid).await.unwrap();
    let by_root = vfs.write(&root(), &opened.file, 0, b"a", WriteIntent::default()).await;
    assert_eq!((by_root, vfs.getattr(ino).await.unwrap().mode), (Ok(false), 0o4777));
    let by_alice = vfs.write(&alice, &opened.file, 0, b"b", WriteIntent::default()).await;
    assert_eq!((by_alice, vfs.getattr(ino).await.unwrap().mode), (Ok(true), 0o777));
    vfs.setattr(&root(), ino, setid).await.unwrap();
    vfs.setattr(&alice, ino, SetAttr { size: Some(0), ..SetAttr::default() }).await.unwrap();
    assert_eq!(vfs.getattr(ino).await.unwrap().mode, 0o777);
    vfs.release(&opened.file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn set_id_bits_go_from_the_mode_that_is_there_and_by_whom_they_must() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let vfs = vfs(&cluster, "front").await;
    let (member, other) = (Credentials::new(10, 0), Credentials::new(11, 11));
    let ino = vfs.put_atomic(&root(), Path::new("/file"), b"bytes", 0o666).await.unwrap().ino;
    let opened = vfs.open(&root(), ino, true, WRITE).await.unwrap();
    let mode = async || vfs.getattr(ino).await.unwrap().mode;
    let set = async |mode| {
        vfs.setattr(&root(), ino, SetAttr { mode: Some(mode), ..SetAttr::default() }).await.unwrap();
    };
    // Without group execution the set-group-id bit is for locking, and stays for the group.
    set(0o2666).await;
    assert_eq!(vfs.write(&member, &opened.file, 0, b"m", WriteIntent::default()).await, Ok(false));
    assert_eq!(mode().await, 0o2666);
    assert_eq!(vfs.write(&other, &opened.file, 0, b"o", WriteIntent::default()).await, Ok(true));
    assert_eq!(mode().await, 0o666);
    set(0o2666).await;
    let zero = Allocation { zero: true, grow: true };
    assert_eq!(vfs.allocate(&other, &opened.file, 2..10, zero).await, Ok(true));
    assert_eq!(
        (mode().await, vfs.get(&root(), Path::new("/file")).await.unwrap()),
        (0o666, b"oy\0\0\0\0\0\0\0\0".to_vec())
    );
    set(0o2666).await;
    let cut = SetAttr { size: Some(1), ..SetAttr::default() };
    assert_eq!(vfs.setattr(&other, ino, cut).await.unwrap().mode, 0o666);
    // Bits go, and nothing else of the mode.
    set(0o6700).await;
    let clear = SetAttr { mode_clear: 0o6000, ..SetAttr::default() };
    assert_eq!(vfs.client().setattr(ino, clear).await.unwrap().mode, 0o700);
    assert_eq!(vfs.allocate(&root(), &opened.file, 0..u64::MAX, zero).await, Err(Errno::EFBIG));
    vfs.release(&opened.file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn paths_lead_through_symlinks_and_not_in_circles() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (vfs, who) = (vfs(&cluster, "front").await, root());
    let deep = vfs.create_dirs(&who, Path::new("/a/b/c"), 0o755).await.unwrap();
    assert_eq!(vfs.create_dirs(&who, Path::new("a//b/c/"), 0o755).await.unwrap().ino, deep.ino);
    vfs.put_atomic(&who, Path::new("/a/b/c/file"), b"first", 0o644).await.unwrap();
    vfs.put_atomic(&who, Path::new("/a/b/c/file"), b"second", 0o644).await.unwrap();
    vfs.symlink(&who, Ino::ROOT, b"absolute", b"/a/b").await.unwrap();
    vfs.symlink(&who, deep.ino, b"relative", b"../c/file").await.unwrap();
    assert_eq!(vfs.get(&who, Path::new("/absolute/c/relative")).await.unwrap(), b"second");
    vfs.symlink(&who, Ino::ROOT, b"circle", b"circle").await.unwrap();
    assert_eq!(vfs.resolve(&who, Path::new("/circle")).await.unwrap_err(), Errno::ELOOP);
    assert_eq!(vfs.resolve(&who, Path::new("/a/b/c/file/x")).await.unwrap_err(), Errno::ENOTDIR);
    let under_a_file = vfs.create_dirs(&who, Path::new("/a/b/c/file/x"), 0o755).await;
    assert_eq!(under_a_file.unwrap_err(), Errno::ENOTDIR);
    // Nothing unfinished is left, and names come in order.
    let names = vfs.list(&who, deep.ino).await.unwrap();
    let names: Vec<_> = names.iter().map(|entry| (&entry.name[..], entry.attr.kind)).collect();
    assert_eq!(names, [(&b"file"[..], FileKind::File), (&b"relative"[..], FileKind::Symlink)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_wait_for_a_lock_ends_when_it_is_free_or_stopped() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (holder, waiter) = (vfs(&cluster, "holder").await, vfs(&cluster, "waiter").await);
    let ino = holder.put_atomic(&root(), Path::new("/file"), b"bytes", 0o644).await.unwrap().ino;
    let lock = Lock {
        family: LockFamily::Posix,
        kind: LockKind::Write,
        start: 0,
        end: u64::MAX,
        session: isobar_base::SessionId::NOBODY,
        owner: 1,
        pid: 1,
    };
    holder.lock(ino, lock).await.unwrap();
    assert_eq!(waiter.lock(ino, lock).await, Err(Errno::EAGAIN));
    let looks = Cell::new(0);
    let stopped = waiter
        .lock_waiting(ino, lock, || (looks.replace(looks.get() + 1) == 3).then_some(Errno::EINTR))
        .await;
    assert_eq!((stopped, looks.get()), (Err(Errno::EINTR), 4));
    let free = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        holder.unlock_all(ino, lock.owner).await.unwrap();
    };
    let (got, ()) = tokio::join!(waiter.lock_waiting(ino, lock, || None), free);
    assert_eq!(got, Ok(()));
    assert!(waiter.holds_locks(ino, lock.owner));
}

fn write_lock(owner: u64, start: u64, end: u64) -> Lock {
    let (family, kind, session) = (LockFamily::Posix, LockKind::Write, isobar_base::SessionId::NOBODY);
    Lock { family, kind, start, end, session, owner, pid: 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_has_waited_longest_gets_the_lock_first() {
    const WAITERS: u64 = 8;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let vfs = Arc::new(vfs(&cluster, "host").await);
    let ino = vfs.put_atomic(&root(), Path::new("/file"), b"bytes", 0o644).await.unwrap().ino;
    vfs.lock(ino, write_lock(0, 0, u64::MAX)).await.unwrap();
    let (mut waiting, order) = (JoinSet::new(), Arc::new(Mutex::new(Vec::new())));
    for owner in 1..=WAITERS {
        let (vfs, order) = (vfs.clone(), order.clone());
        waiting.spawn(async move {
            vfs.lock_waiting(ino, write_lock(owner, 0, u64::MAX), || None).await.unwrap();
            order.lock().unwrap().push(owner);
            vfs.unlock_all(ino, owner).await.unwrap();
        });
        // Each begins to wait before the next one comes.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    vfs.unlock_all(ino, 0).await.unwrap();
    // Who comes now does not get in between.
    vfs.lock_waiting(ino, write_lock(99, 0, u64::MAX), || None).await.unwrap();
    assert_eq!(*order.lock().unwrap(), (1..=WAITERS).collect::<Vec<_>>());
    waiting.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_order_of_those_who_wait_locks_up_nobody() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let vfs = Arc::new(vfs(&cluster, "host").await);
    let ino = vfs.put_atomic(&root(), Path::new("/file"), b"bytes", 0o644).await.unwrap().ino;
    vfs.lock(ino, write_lock(1, 0, 9)).await.unwrap();
    vfs.lock(ino, write_lock(2, 10, 19)).await.unwrap();
    let wait = |owner, start, end| {
        let vfs = vfs.clone();
        tokio::spawn(async move { vfs.lock_waiting(ino, write_lock(owner, start, end), || None).await })
    };
    // The third waits for the first, and the first, and another one, for what the third wants, too.
    let third = wait(3, 0, 19);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (first, fourth) = (wait(1, 10, 14), wait(4, 15, 19));
    tokio::time::sleep(Duration::from_millis(50)).await;
    vfs.unlock_all(ino, 2).await.unwrap();
    first.await.unwrap().unwrap();
    fourth.await.unwrap().unwrap();
    vfs.unlock_all(ino, 1).await.unwrap();
    vfs.unlock_all(ino, 4).await.unwrap();
    third.await.unwrap().unwrap();
}

/// A list in the form of `linux/posix_acl_xattr.h`, from (tag, permissions, id).
fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut value = 2u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        value.extend([&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat());
    }
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lists_are_judged_by_set_by_owners_and_inherited() {
    const ACCESS: &[u8] = b"system.posix_acl_access";
    const DEFAULT: &[u8] = b"system.posix_acl_default";
    const ANY: XattrMode = XattrMode::Any;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let vfs = vfs(&cluster, "front").await;
    let (alice, bob, eve) = (Credentials::new(10, 10), Credentials::new(11, 11), Credentials::new(12, 12));
    let dir = vfs.create_dirs(&root(), Path::new("/d"), 0o777).await.unwrap().ino;
    let none = u32::MAX;
    let for_bob = list(&[(1, 7, none), (2, 7, 11), (4, 0, none), (16, 7, none), (32, 0, none)]);
    assert_eq!(vfs.setxattr(&alice, dir, DEFAULT, &for_bob, ANY).await, Err(Errno::EPERM));
    vfs.setxattr(&root(), dir, DEFAULT, &for_bob, ANY).await.unwrap();

    let opened = vfs.create(&alice, (dir, b"f"), 0o666, true, true, WRITE).await.unwrap();
    assert_eq!(opened.attr.mode, 0o660);
    vfs.release(&opened.file).await;
    let file = opened.attr.ino;
    assert_eq!(vfs.access(&bob, file, Access::READ.and(Access::WRITE)).await, Ok(()));
    assert_eq!(vfs.access(&bob, file, Access::EXECUTE).await, Err(Errno::EACCES));
    assert_eq!(vfs.access(&eve, file, Access::READ).await, Err(Errno::EACCES));
    // The owning group has no permission, though the group bits of the mode are set.
    assert_eq!(vfs.access(&Credentials::new(13, 10), file, Access::READ).await, Err(Errno::EACCES));
    let sub = vfs.make(&alice, dir, b"sub", NewInode::directory(0o777, alice.owner())).await.unwrap();
    assert_eq!(vfs.getxattr(&bob, sub.ino, DEFAULT).await, Ok(for_bob.clone()));
    vfs.make(&bob, sub.ino, b"his", NewInode::directory(0o700, bob.owner())).await.unwrap();
    assert_eq!(vfs.lookup(&eve, sub.ino, b"his").await.unwrap_err(), Errno::EACCES);

    // A chmod is a change of the mask; a list without names is no list.
    let set = SetAttr { mode: Some(0o640), ..SetAttr::default() };
    vfs.setattr(&alice, file, set).await.unwrap();
    assert_eq!(vfs.access(&bob, file, Access::WRITE).await, Err(Errno::EACCES));
    let minimal = list(&[(1, 6, none), (4, 4, none), (32, 4, none)]);
    vfs.setxattr(&alice, file, ACCESS, &minimal, ANY).await.unwrap();
    assert_eq!(vfs.getxattr(&alice, file, ACCESS).await, Err(Errno::ENODATA));
    assert_eq!(vfs.getattr(file).await.unwrap().mode, 0o644);
    // The set-group-id bit is for members of the group, the set-user-id bit is no permission.
    let to_group = SetAttr { gid: Some(20), mode: Some(0o6750), ..SetAttr::default() };
    for (who, mode) in [(&root(), 0o6644), (&alice, 0o4644)] {
        vfs.setattr(&root(), file, to_group).await.unwrap();
        vfs.setxattr(who, file, ACCESS, &minimal, ANY).await.unwrap();
        assert_eq!(vfs.getattr(file).await.unwrap().mode, mode);
    }
    assert_eq!(vfs.setxattr(&alice, file, DEFAULT, &for_bob, ANY).await, Err(Errno::EACCES));
    assert_eq!(vfs.setxattr(&alice, file, ACCESS, b"no list", ANY).await, Err(Errno::EOPNOTSUPP));
    assert_eq!(vfs.setxattr(&alice, file, ACCESS, &[2, 0, 0, 0, 1], ANY).await, Err(Errno::EINVAL));
}
