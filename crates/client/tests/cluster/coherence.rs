//! What one client is told of what another did: no name and no byte is unseen that others were told of.

use std::time::Duration;

use isobar_base::{Errno, Ino, limits};
use isobar_client::{Attr, Client, FileKind, OpenOptions, Owner, Result};
use isobar_testcluster::{Over, TestCluster, bytes, eventually};

use crate::common::{client, close, create, delegated, make, names, open, read_all, write_all};

/// Attributes under a name, as a front end asks for them.
async fn look(client: &Client, parent: Ino, name: &[u8]) -> Result<Attr> {
    match client.try_lookup(parent, name) {
        Some(known) => known,
        None => client.lookup(parent, name).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_name_made_elsewhere_is_found_by_whoever_has_just_listed_the_directory() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (maker, other) = (client(&cluster, "maker").await, client(&cluster, "other").await);
    for at in 0..20 {
        let name = format!("file{at:02}");
        // It knows every name there is, and that this one is not.
        assert_eq!(names(&other).await.unwrap().len(), 0);
        assert_eq!(look(&other, Ino::ROOT, name.as_bytes()).await.map(drop), Err(Errno::ENOENT));
        let file = create(&maker, &name).await.unwrap();
        close(&maker, file).await.unwrap();
        look(&other, Ino::ROOT, name.as_bytes()).await.unwrap();
        other.unlink(Ino::ROOT, name.as_bytes()).await.unwrap();
        assert_eq!(look(&maker, Ino::ROOT, b"never").await.map(drop), Err(Errno::ENOENT));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_syncs_an_open_file_sees_what_others_had_committed() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (writer, reader) = (client(&cluster, "writer").await, client(&cluster, "reader").await);
    let file = create(&writer, "file").await.unwrap();
    writer.fsync(&file).await.unwrap();
    let seen = open(&reader, "file", OpenOptions::default()).await.unwrap();
    for round in 1..=10u8 {
        let data = bytes(10_000 * usize::from(round), round);
        write_all(&writer, &file, 0, &data).await.unwrap();
        writer.fsync(&file).await.unwrap();
        assert_eq!(reader.fsync(&seen).await.unwrap().size, data.len() as u64, "round {round}");
        assert!(read_all(&reader, &seen).await.unwrap() == data, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_directory_removed_elsewhere_leads_nobody_astray_twice() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (remover, other) = (client(&cluster, "remover").await, client(&cluster, "other").await);
    let dir = make(&remover, Ino::ROOT, b"dir", FileKind::Directory).await.unwrap().ino;
    assert_eq!(look(&other, Ino::ROOT, b"dir").await.unwrap().ino, dir);
    remover.rmdir(Ino::ROOT, b"dir").await.unwrap();
    assert_eq!(make(&other, dir, b"file", FileKind::File).await.map(drop), Err(Errno::ESTALE));
    // The kernel walks the path again, and must not be led there once more.
    assert_eq!(look(&other, Ino::ROOT, b"dir").await.map(drop), Err(Errno::ENOENT));
    let again = make(&remover, Ino::ROOT, b"dir", FileKind::Directory).await.unwrap().ino;
    assert_eq!(look(&other, Ino::ROOT, b"dir").await.unwrap().ino, again);
    make(&other, again, b"file", FileKind::File).await.unwrap();
}

/// I10: who holds a delegation stops answering before anybody else begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_holder_that_is_cut_off_answers_for_nothing_when_others_begin() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (holder, other) = (client(&cluster, "holder").await, client(&cluster, "other").await);
    let dir = delegated(&holder, b"dir").await;
    assert_eq!(holder.try_lookup(dir, b"lock").map(|known| known.map(drop)), Some(Err(Errno::ENOENT)));
    cluster.network().isolate("holder");
    tokio::time::sleep(Duration::from_millis(limits::DELEGATION_VALID_MS + 100)).await;
    assert!(holder.try_create(dir, b"lock", 0o644, Owner::default()).is_none());
    assert!(holder.try_unlink(dir, b"warm1").is_none());
    assert!(holder.try_lookup(dir, b"lock").is_none(), "it may be there by now");
    make(&other, dir, b"lock", FileKind::File).await.unwrap();
    cluster.network().rejoin("holder");
    // Neither at once nor when the leader is heard again: the delegation is lost.
    for _ in 0..30 {
        assert!(holder.try_create(dir, b"lock", 0o644, Owner::default()).is_none());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(make(&holder, dir, b"lock", FileKind::File).await.map(drop), Err(Errno::EEXIST));
    look(&holder, dir, b"lock").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_holder_that_was_cut_off_shortly_goes_on_answering() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let holder = client(&cluster, "holder").await;
    let dir = delegated(&holder, b"dir").await;
    cluster.network().isolate("holder");
    tokio::time::sleep(Duration::from_millis(limits::DELEGATION_VALID_MS + 100)).await;
    assert!(holder.try_create(dir, b"file", 0o644, Owner::default()).is_none());
    cluster.network().rejoin("holder");
    // Nobody wanted it meanwhile.
    let mut count = 0;
    eventually("it answers again", async || {
        count += 1;
        holder.try_create(dir, format!("again{count}").as_bytes(), 0o644, Owner::default()).is_some()
    })
    .await;
}
