//! What is written and what others see of it, when nothing fails.

use isobar_base::{Errno, Ino};
use isobar_client::{OpenOptions, RenameMode};
use isobar_testcluster::{Over, TestCluster, bytes};

use crate::common::{WRITE, client, close, contents, create, names, open, read_all, write_all};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_synced_is_read_back_here_and_elsewhere() {
    let cluster = TestCluster::start(Over::Memory, 4, 3, 3, 1).await;
    let writer = client(&cluster, "writer").await;
    let data = bytes(20_000_001, 3);
    let file = create(&writer, "file").await.unwrap();
    write_all(&writer, &file, 0, &data).await.unwrap();
    // Before it is committed, too.
    assert!(read_all(&writer, &file).await.unwrap() == data);
    writer.fsync(&file).await.unwrap();
    assert!(read_all(&writer, &file).await.unwrap() == data);
    let reader = client(&cluster, "reader").await;
    assert!(contents(&reader, "file").await.unwrap() == data);
    close(&writer, file).await.unwrap();
    assert_eq!(reader.lookup(Ino::ROOT, b"file").await.unwrap().size, data.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn small_files_holes_and_overwrites_are_read_back_as_written() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (writer, reader) = (client(&cluster, "writer").await, client(&cluster, "reader").await);
    let mut expected = bytes(3000, 1);
    let file = create(&writer, "file").await.unwrap();
    write_all(&writer, &file, 0, &expected).await.unwrap();
    writer.fsync(&file).await.unwrap();
    assert_eq!(contents(&reader, "file").await.unwrap(), expected);
    for (offset, data) in [(5_000_000, bytes(100_000, 2)), (1000, bytes(100, 3)), (4_999_999, bytes(2, 4))] {
        write_all(&writer, &file, offset as u64, &data).await.unwrap();
        expected.resize(expected.len().max(offset + data.len()), 0);
        expected[offset..offset + data.len()].copy_from_slice(&data);
        writer.fsync(&file).await.unwrap();
    }
    close(&writer, file).await.unwrap();
    assert!(contents(&reader, "file").await.unwrap() == expected);
    assert!(contents(&writer, "file").await.unwrap() == expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_opens_after_a_close_sees_what_was_written() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let clients = [client(&cluster, "one").await, client(&cluster, "other").await];
    close(&clients[0], create(&clients[0], "file").await.unwrap()).await.unwrap();
    for round in 0..20u8 {
        let (here, there) = (&clients[usize::from(round % 2)], &clients[usize::from(1 - round % 2)]);
        // Each round another length, so that caches of the round before would show.
        let data = bytes(10_000 + 7000 * usize::from(round % 3), round);
        let file = open(here, "file", OpenOptions { truncate: true, ..WRITE }).await.unwrap();
        write_all(here, &file, 0, &data).await.unwrap();
        close(here, file).await.unwrap();
        assert!(contents(there, "file").await.unwrap() == data, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn names_of_one_client_are_seen_by_the_other_at_once() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (one, other) = (client(&cluster, "one").await, client(&cluster, "other").await);
    // So many that the directory is delegated to the one that makes them.
    for at in 0..50 {
        close(&one, create(&one, &format!("file{at:02}")).await.unwrap()).await.unwrap();
    }
    assert_eq!(names(&other).await.unwrap().len(), 50);
    assert_eq!(create(&other, "file07").await.unwrap_err(), Errno::EEXIST);
    one.unlink(Ino::ROOT, b"file07").await.unwrap();
    assert_eq!(other.lookup(Ino::ROOT, b"file07").await.unwrap_err(), Errno::ENOENT);
    other.rename(Ino::ROOT, b"file08", Ino::ROOT, b"file07", RenameMode::Replace).await.unwrap();
    assert_eq!(one.lookup(Ino::ROOT, b"file08").await.unwrap_err(), Errno::ENOENT);
    let (here, there) = (one.lookup(Ino::ROOT, b"file07").await, other.lookup(Ino::ROOT, b"file07").await);
    assert_eq!(here.unwrap().ino, there.unwrap().ino);
    let all = names(&one).await.unwrap();
    assert_eq!((all.len(), all == names(&other).await.unwrap()), (49, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_closes_leaves_everything_committed_and_no_session() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let writer = client(&cluster, "writer").await;
    let data = bytes(300_000, 9);
    let file = create(&writer, "file").await.unwrap();
    write_all(&writer, &file, 0, &data).await.unwrap();
    writer.close().await.unwrap();
    let reader = client(&cluster, "reader").await;
    assert!(contents(&reader, "file").await.unwrap() == data);
    let sessions = cluster.access.query(isobar_wire::message::queries::SessionQuery::List).await.unwrap();
    let isobar_wire::message::queries::Answer::Sessions(sessions) = sessions else { panic!("{sessions:?}") };
    assert_eq!(sessions.into_iter().map(|(_, name)| name).collect::<Vec<_>>(), ["reader"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nodes_count_what_they_have_served_since_they_started() {
    let mut cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let mut before = Vec::new();
    for at in 0..3 {
        before.push(cluster.status(at).await.served);
    }
    let (writer, reader) = (client(&cluster, "writer").await, client(&cluster, "reader").await);
    let data = bytes(2_000_000, 5);
    let file = create(&writer, "file").await.unwrap();
    write_all(&writer, &file, 0, &data).await.unwrap();
    close(&writer, file).await.unwrap();
    assert!(contents(&reader, "file").await.unwrap() == data);
    let (mut written, mut read, mut storage, mut metadata) = (0, 0, 0, 0);
    for (at, before) in before.iter().enumerate() {
        let now = cluster.status(at).await.served;
        assert_eq!(now.process, before.process);
        written += now.written_bytes - before.written_bytes;
        read += now.read_bytes - before.read_bytes;
        storage += now.storage_requests - before.storage_requests;
        metadata += now.metadata_requests - before.metadata_requests;
    }
    // Two rows of three are data.
    assert!((3_000_000..4_000_000).contains(&written), "{written}");
    assert!((2_000_000..4_000_000).contains(&read), "{read}");
    assert!(storage > 0 && metadata > 0, "{storage} {metadata}");
    cluster.stop_node(2).await;
    cluster.start_node(2).await.unwrap();
    let again = cluster.status(2).await.served;
    assert!(again.process != before[2].process && again.written_bytes == 0, "{again:?}");
}
