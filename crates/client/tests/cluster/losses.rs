//! Who is told when bytes are lost for good, and what an outage does not lose.

use isobar_base::{Errno, Ino, SessionId};
use isobar_client::{
    Client, FileKind, Lock, LockFamily, LockKind, OpenFile, OpenOptions, Owner, WriteMode, XattrMode,
};
use isobar_testcluster::{Over, SECOND, TestCluster, bytes, eventually};
use isobar_wire::message::queries::{Answer, ClusterQuery};

use crate::common::{WRITE, client, close, contents, create, delegated, make, open, write_all};

const MIB: usize = 1 << 20;
/// Targets so small that they are full at once.
const SMALL_TARGET_BYTES: u64 = 16 << 20;

/// Three nodes, 2 + 1 rows, with room for some twenty MiB.
async fn small_cluster() -> TestCluster {
    let mut cluster = TestCluster::prepare(Over::Memory, 3, 3, 2, 1);
    for at in 0..3 {
        let target = std::fs::File::create(cluster.target_path(at)).unwrap();
        target.set_len(SMALL_TARGET_BYTES).unwrap();
        cluster.start_node(at).await.unwrap();
    }
    cluster.wait_for(|view| !view.map.groups.is_empty() && view.live.iter().all(|l| l.up)).await;
    cluster
}

/// Writes more than there is room for: written behind, or refused already by the last of the writes.
async fn overfill(client: &Client, file: &OpenFile) {
    let written = write_all(client, file, 0, &bytes(64 * MIB, 1)).await;
    assert!(matches!(written, Ok(()) | Err(Errno::ENOSPC)), "{written:?}");
}

/// A file in a cluster without room, which has lost bytes it was given.
async fn file_that_lost_bytes(client: &Client, name: &str) -> OpenFile {
    let file = create(client, name).await.unwrap();
    overfill(client, &file).await;
    eventually("bytes are lost", async || client.flush(&file).await == Err(Errno::ENOSPC)).await;
    file
}

fn whole_file(owner: u64) -> Lock {
    let (kind, session) = (LockKind::Write, SessionId::NOBODY);
    Lock { family: LockFamily::Posix, kind, start: 0, end: u64::MAX, session, owner, pid: 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_write_that_tells_of_lost_bytes_leaves_fsync_to_tell_of_them_too() {
    let cluster = small_cluster().await;
    let writer = client(&cluster, "writer").await;
    let file = file_that_lost_bytes(&writer, "file").await;
    assert_eq!(writer.write(&file, 0, b"once").await, Err(Errno::ENOSPC));
    assert_eq!(writer.write(&file, 0, b"again").await, Ok(()));
    assert_eq!(writer.fsync(&file).await.map(drop), Err(Errno::ENOSPC));
    assert_eq!(writer.fsync(&file).await.map(drop), Ok(()), "it is told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_finds_no_room_leaves_no_rows_behind() {
    let cluster = small_cluster().await;
    let writer = client(&cluster, "writer").await;
    let file = file_that_lost_bytes(&writer, "file").await;
    assert!(writer.write_stats().abandoned > 0);
    // Nobody looks for orphans in this cluster.
    eventually("all rows are of committed segments", async || {
        let query = ClusterQuery::Segments { after: None, limit: 1000 };
        let Ok(Answer::Segments(all)) = cluster.access.query(query).await else { return false };
        let rows: usize = all.iter().map(|segment| usize::from(segment.geometry.rows())).sum();
        cluster.rows().await == rows
    })
    .await;
    close(&writer, file).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_room_is_shown_where_there_is_none() {
    let cluster = small_cluster().await;
    let writer = client(&cluster, "writer").await;
    let before = writer.statfs().await.unwrap();
    let file = create(&writer, "file").await.unwrap();
    writer.write(&file, 0, &bytes(4 * MIB, 2)).await.unwrap();
    let dirty = writer.statfs().await.unwrap();
    assert!(dirty.free_bytes + 4 * MIB as u64 <= before.free_bytes, "{before:?} {dirty:?}");
    close(&writer, file).await.unwrap();
    let file = file_that_lost_bytes(&writer, "full").await;
    // Each node may have room for less than a row; and it has to have reported once since.
    eventually("it is seen", async || {
        let full = writer.statfs().await.unwrap().free_bytes;
        full <= 12 * MIB as u64 && full < before.free_bytes / 2
    })
    .await;
    close(&writer, file).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn absent_attributes_are_known_with_the_others_until_there_are_some() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (one, other) = (client(&cluster, "one").await, client(&cluster, "other").await);
    let file = create(&one, "file").await.unwrap();
    let ino = one.lookup(Ino::ROOT, b"file").await.unwrap().ino;
    assert!(one.has_no_xattrs(ino));
    one.setxattr(ino, b"user.a", b"value", XattrMode::Any).await.unwrap();
    assert!(!one.has_no_xattrs(ino));
    assert!(other.lookup(Ino::ROOT, b"file").await.unwrap().has_xattrs);
    assert_eq!(other.getxattr(ino, b"user.a").await.unwrap(), b"value");
    one.removexattr(ino, b"user.a").await.unwrap();
    assert!(one.has_no_xattrs(ino));
    close(&one, file).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_that_lost_bytes_ends_where_its_bytes_end() {
    let cluster = small_cluster().await;
    let writer = client(&cluster, "writer").await;
    let file = file_that_lost_bytes(&writer, "file").await;
    assert_eq!(close(&writer, file).await, Err(Errno::ENOSPC));
    let size = writer.lookup(Ino::ROOT, b"file").await.unwrap().size;
    let kept = contents(&client(&cluster, "reader").await, "file").await.unwrap();
    assert_eq!(kept.len() as u64, size);
    // What found room came before or after what found none.
    let written = bytes(64 * MIB, 1);
    assert!(kept != written, "nothing was lost");
    let lost = |chunk: &[u8]| chunk.iter().all(|&byte| byte == 0);
    for (at, (kept, written)) in kept.chunks(MIB).zip(written.chunks(MIB)).enumerate() {
        assert!(
            kept == &written[..kept.len()] || lost(kept),
            "MiB {at} is neither what was written nor a hole"
        );
    }
    assert!(!lost(&kept[kept.len().saturating_sub(4096)..]), "zeros at the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn closing_a_client_tells_of_bytes_that_were_lost_untold() {
    let cluster = small_cluster().await;
    let writer = client(&cluster, "writer").await;
    let file = create(&writer, "file").await.unwrap();
    overfill(&writer, &file).await;
    assert_eq!(writer.close().await, Err(Errno::ENOSPC));
    // The first of them tells of what was lost before.
    assert_eq!(writer.write(&file, 0, b"late").await, Err(Errno::ENOSPC));
    assert_eq!(writer.write(&file, 0, b"late").await, Err(Errno::EIO));
    assert_eq!(writer.try_write(&file, 0, b"late"), Some(Err(Errno::EIO)));
    let told = client(&cluster, "told").await;
    let file = file_that_lost_bytes(&told, "other").await;
    assert_eq!(close(&told, file).await, Err(Errno::ENOSPC));
    assert_eq!(told.close().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_outage_longer_than_calls_wait_loses_nothing_that_was_written() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let writer = client(&cluster, "writer").await;
    let (small, large) = (bytes(1000, 1), bytes(12 * MIB, 2));
    let (inline, streamed) =
        (create(&writer, "inline").await.unwrap(), create(&writer, "streamed").await.unwrap());
    cluster.network().isolate("writer");
    write_all(&writer, &inline, 0, &small).await.unwrap();
    write_all(&writer, &streamed, 0, &large).await.unwrap();
    let (first, second) = tokio::join!(writer.fsync(&inline), writer.fsync(&streamed));
    assert_eq!((first, second), (Err(Errno::EIO), Err(Errno::EIO)), "callers wait no longer");
    tokio::time::sleep(2 * SECOND).await;
    cluster.network().rejoin("writer");
    assert_eq!(writer.fsync(&inline).await.map(drop), Ok(()));
    assert_eq!(writer.fsync(&streamed).await.map(drop), Ok(()));
    let reader = client(&cluster, "reader").await;
    assert!(contents(&reader, "inline").await.unwrap() == small);
    assert!(contents(&reader, "streamed").await.unwrap() == large);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_outage_longer_than_calls_wait_loses_no_name_that_was_answered_for() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let maker = client(&cluster, "maker").await;
    let dir = delegated(&maker, b"dir").await;
    let directory = maker.open_directory(dir);
    cluster.network().isolate("maker");
    let made = maker.try_create_open(dir, b"made", 0o644, Owner::default(), WRITE);
    let (file, _) = made.expect("the directory is delegated");
    write_all(&maker, &file, 0, b"bytes").await.unwrap();
    assert_eq!(maker.try_unlink(dir, b"warm1"), Some(()));
    assert_eq!(maker.sync_directory(&directory).await, Err(Errno::EIO), "callers wait no longer");
    tokio::time::sleep(2 * SECOND).await;
    cluster.network().rejoin("maker");
    assert_eq!(maker.sync_directory(&directory).await, Ok(()), "nothing was lost by that");
    assert_eq!(close(&maker, file).await, Ok(()));
    let other = client(&cluster, "other").await;
    assert_eq!(other.lookup(dir, b"made").await.unwrap().size, 5);
    assert_eq!(other.lookup(dir, b"warm1").await.map(drop), Err(Errno::ENOENT));
    assert_eq!(maker.close().await, Ok(()));
}

/// Makes a name in a directory that is delegated to this client, which another one has by the time the log
/// hears of it.
async fn name_that_is_lost(cluster: &TestCluster, client: &Client, host: &str, dir: Ino, other: &Client) {
    cluster.network().isolate(host);
    client.try_create(dir, b"name", 0o644, Owner::default()).expect("the directory is delegated");
    make(other, dir, b"name", FileKind::File).await.unwrap();
    cluster.network().rejoin(host);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn closing_a_client_tells_of_names_that_were_lost_untold() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (untold, told) = (client(&cluster, "untold").await, client(&cluster, "told").await);
    let other = client(&cluster, "other").await;
    let dir = delegated(&untold, b"dir").await;
    name_that_is_lost(&cluster, &untold, "untold", dir, &other).await;
    assert_eq!(untold.close().await, Err(Errno::EIO));
    let dir = delegated(&told, b"another").await;
    let (one, two) = (told.open_directory(dir), told.open_directory(dir));
    name_that_is_lost(&cluster, &told, "told", dir, &other).await;
    assert_eq!(told.sync_directory(&one).await, Err(Errno::EIO));
    assert_eq!(told.sync_directory(&one).await, Ok(()), "it is told once");
    assert_eq!(told.sync_directory(&two).await, Err(Errno::EIO), "to each");
    assert_eq!(told.close().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lock_that_nobody_answered_for_is_given_up_with_its_owner() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (holder, other) = (client(&cluster, "holder").await, client(&cluster, "other").await);
    close(&holder, create(&holder, "file").await.unwrap()).await.unwrap();
    let file = open(&holder, "file", WRITE).await.unwrap();
    let ino = holder.lookup(Ino::ROOT, b"file").await.unwrap().ino;
    cluster.network().isolate("holder");
    assert_eq!(holder.lock(ino, whole_file(1)).await, Err(Errno::EIO));
    assert!(holder.holds_locks(ino, 1), "the log may have it");
    cluster.network().rejoin("holder");
    holder.lock(ino, whole_file(2)).await.unwrap_or_else(|errno| assert_eq!(errno, Errno::EAGAIN));
    holder.unlock_all(ino, 1).await.unwrap();
    holder.lock(ino, whole_file(2)).await.unwrap();
    // Nobody answers when it is given up: it is, as soon as somebody does.
    cluster.network().isolate("holder");
    assert_eq!(holder.unlock_all(ino, 2).await, Err(Errno::EIO));
    assert_eq!(other.lock(ino, whole_file(3)).await, Err(Errno::EAGAIN));
    cluster.network().rejoin("holder");
    eventually("the lock is free", async || other.lock(ino, whole_file(3)).await.is_ok()).await;
    close(&holder, file).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_write_goes_where_and_returns_when_it_says() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (writer, reader) = (client(&cluster, "writer").await, client(&cluster, "reader").await);
    let file = create(&writer, "file").await.unwrap();
    close(&writer, file).await.unwrap();
    let append = OpenOptions { append: true, ..WRITE };
    let file = open(&writer, "file", append).await.unwrap();
    writer.write(&file, 0, b"0123").await.unwrap();
    writer.write(&file, 0, b"4567").await.unwrap();
    let plain = WriteMode::default();
    writer.write_as(&file, 0, b"ab", plain).await.unwrap();
    writer.write_as(&file, 2, b"cd", WriteMode { sync: true, ..plain }).await.unwrap();
    // Nothing was closed or synced, but one write was waited for, and all before it.
    assert_eq!(contents(&reader, "file").await.unwrap(), b"abcd4567");
    close(&writer, file).await.unwrap();
}
