//! What many small writes and reads cost: counted in segments and bytes, never in time.

use isobar_base::{Ino, limits};
use isobar_client::{Client, ClientOptions, OpenOptions};
use isobar_testcluster::{Over, SECOND, TestCluster, bytes, eventually};
use isobar_wire::message::queries::{Answer, FileQuery};

use crate::common::{client, close, create, open, write_all};

const MIB: u64 = 1 << 20;
const BLOCK: u64 = 4096;

/// Blocks of a file in an order without neighbours.
fn scattered(blocks: u64) -> impl Iterator<Item = u64> {
    // A power of two and an odd number: each block once.
    (0..blocks).map(move |at| at * 2_654_435_761 % blocks * BLOCK)
}

async fn segments(cluster: &TestCluster, client: &Client, name: &str) -> usize {
    let ino = client.lookup(Ino::ROOT, name.as_bytes()).await.unwrap().ino;
    let (mut count, mut offset) = (std::collections::HashSet::new(), 0);
    while offset < u64::MAX {
        let map = cluster.access.query(FileQuery::Map { ino, offset, len: 1 << 40 }).await.unwrap();
        let Answer::Map(map) = map else { panic!("{map:?}") };
        count.extend(map.segments.iter().map(|segment| segment.id));
        offset = map.complete_to;
    }
    count.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn scattered_small_writes_share_segments_also_when_memory_is_short() {
    const FILE_BYTES: u64 = 64 * MIB;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let options = ClientOptions { dirty_bytes_max: 24 << 20, ..ClientOptions::default() };
    let writer = Client::with_cluster(cluster.access_from("writer"), options).await.unwrap();
    let file = create(&writer, "file").await.unwrap();
    for offset in scattered(FILE_BYTES / BLOCK) {
        writer.write(&file, offset, &[7; BLOCK as usize]).await.unwrap();
    }
    close(&writer, file).await.unwrap();
    let segments = segments(&cluster, &writer, "file").await;
    // There are 16,384 blocks, and eight full segments would hold them.
    assert!(segments <= 64, "{segments} segments");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn scattered_small_reads_do_not_read_ahead() {
    const FILE_BYTES: u64 = 48 * MIB;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let writer = client(&cluster, "writer").await;
    let data = bytes(FILE_BYTES as usize, 3);
    let file = create(&writer, "file").await.unwrap();
    write_all(&writer, &file, 0, &data).await.unwrap();
    close(&writer, file).await.unwrap();
    let reader = client(&cluster, "reader").await;
    let file = open(&reader, "file", OpenOptions::default()).await.unwrap();
    // One read in three comes within 4 MiB of the one before.
    let (mut at, mut rows) = (0, 0);
    for step in 0..60u64 {
        at = (at + if step % 3 == 2 { 3 * MIB } else { 17 * MIB }) % (FILE_BYTES - BLOCK);
        let read = reader.read(&file, at, BLOCK as u32).await.unwrap().contiguous();
        assert!(read[..] == data[at as usize..][..BLOCK as usize]);
        // Whoever reads ahead has the next rows in memory soon.
        rows += u32::from(reader.try_read(&file, at + 2 * BLOCK, BLOCK as u32).is_some());
    }
    assert_eq!(rows, 0, "rows were fetched whole");
    for at in (0..8 * MIB).step_by(64 << 10) {
        reader.read(&file, at, 64 << 10).await.unwrap();
    }
    assert!(reader.try_read(&file, 7 * MIB, BLOCK as u32).is_some(), "a stream is read in whole rows");
    close(&reader, file).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_that_is_being_written_has_blocks() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let writer = client(&cluster, "writer").await;
    let file = create(&writer, "file").await.unwrap();
    writer.write(&file, MIB, &[1; 100_000]).await.unwrap();
    let attr = writer.lookup(Ino::ROOT, b"file").await.unwrap();
    assert_eq!((attr.size, attr.allocated_bytes), (MIB + 100_000, 100_000));
    writer.fsync(&file).await.unwrap();
    writer.write(&file, MIB, &[2; 100_000]).await.unwrap();
    let attr = writer.lookup(Ino::ROOT, b"file").await.unwrap();
    assert!((100_000..=200_000).contains(&attr.allocated_bytes), "{attr:?}");
    close(&writer, file).await.unwrap();
    let attr = writer.getattr(attr.ino).await.unwrap();
    assert_eq!(attr.allocated_bytes, 100_000);
}

/// Makes a file in which every second block is a hole, and which so has as many extents as blocks; gives its
/// contents.
async fn perforated(client: &Client, name: &str, len: u64) -> Vec<u8> {
    let mut data = bytes(len as usize, 5);
    let file = create(client, name).await.unwrap();
    for offset in (0..len).step_by(2 * BLOCK as usize) {
        let (from, hole, to) = (offset as usize, (offset + BLOCK) as usize, (offset + 2 * BLOCK) as usize);
        client.write(&file, offset, &data[from..hole]).await.unwrap();
        data[hole..to].fill(0);
    }
    data.truncate((len - BLOCK) as usize);
    close(client, file).await.unwrap();
    data
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn maps_of_open_files_are_known_as_far_as_there_is_room_for_them() {
    const EXTENTS_MAX: usize = 4096;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let options = ClientOptions { map_extents_max: EXTENTS_MAX, ..ClientOptions::default() };
    let writer = Client::with_cluster(cluster.access_from("writer"), options.clone()).await.unwrap();
    let data = perforated(&writer, "file", 128 * MIB).await;
    let reader = Client::with_cluster(cluster.access_from("reader"), options).await.unwrap();
    let file = open(&reader, "file", OpenOptions::default()).await.unwrap();
    let mut known = 0;
    for round in 0..2 {
        for at in (0..data.len()).step_by(MIB as usize) {
            let read = reader.read(&file, at as u64, MIB as u32).await.unwrap().contiguous();
            let end = data.len().min(at + MIB as usize);
            assert!(read[..] == data[at..end], "round {round}, at {at}");
            known = known.max(reader.map_extents());
        }
    }
    // One answer may have come that is not made room for yet.
    assert!(known > 2048 && known <= EXTENTS_MAX + limits::EXTENTS_PER_MESSAGE_MAX, "{known}");
    close(&reader, file).await.unwrap();
    assert_eq!((reader.map_extents(), writer.map_extents()), (0, 0), "no file is open");
}

/// An answer that is too much for the room there is is seen by whoever asked before any of it is forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_asked_for_of_a_map_is_not_forgotten_before_it_is_seen() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let writer = client(&cluster, "writer").await;
    let data = perforated(&writer, "file", 96 * MIB).await;
    let options = ClientOptions { map_extents_max: 4096, ..ClientOptions::default() };
    let reader = Client::with_cluster(cluster.access_from("reader"), options.clone()).await.unwrap();
    let file = open(&reader, "file", OpenOptions::default()).await.unwrap();
    // Each answer reaches 16 MiB far. The first two leave 21 MiB of the third window of 32 MiB known, 2,688
    // extents; the last one, of which one MiB joins them, is 1,920 extents of the second window.
    for at in [75 * MIB, 70 * MIB, 49 * MIB] {
        let reading = reader.read(&file, at, BLOCK as u32);
        let read = tokio::time::timeout(10 * SECOND, reading).await.expect("it ends").unwrap().contiguous();
        assert!(read[..] == data[at as usize..][..BLOCK as usize]);
    }
    assert_eq!(reader.map_extents(), 1920, "what was read last is what stays");
    close(&reader, file).await.unwrap();

    // Likewise for who looks for data.
    let seeker = Client::with_cluster(cluster.access_from("seeker"), options).await.unwrap();
    let file = open(&seeker, "file", OpenOptions::default()).await.unwrap();
    for at in [75 * MIB, 70 * MIB, 49 * MIB] {
        let seeking = seeker.seek(&file, at, true);
        assert_eq!(tokio::time::timeout(10 * SECOND, seeking).await.expect("it ends"), Ok(at));
    }
    close(&seeker, file).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_asks_for_the_map_before_it_gets_there() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let writer = client(&cluster, "writer").await;
    perforated(&writer, "file", 64 * MIB).await;
    let reader = client(&cluster, "reader").await;
    let file = open(&reader, "file", OpenOptions::default()).await.unwrap();
    reader.read(&file, 0, BLOCK as u32).await.unwrap();
    assert_eq!(reader.map_extents(), limits::EXTENTS_PER_MESSAGE_MAX, "the first answer reaches to 16 MiB");
    let mut at = BLOCK;
    eventually("the next answer is there", async || {
        reader.read(&file, at, 64 << 10).await.unwrap();
        at += 64 << 10;
        assert!(at < 8 * MIB, "half of what the first answer covers is read");
        reader.map_extents() > limits::EXTENTS_PER_MESSAGE_MAX
    })
    .await;
    close(&reader, file).await.unwrap();
}
