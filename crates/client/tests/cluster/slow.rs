//! What is promised while a target is slow, and what reading costs while some are away: counted where that is
//! possible, and with wide margins where it is not.

use std::time::{Duration, Instant};

use isobar_client::{Client, OpenFile};
use isobar_testcluster::{Over, SECOND, TestCluster, bytes, eventually};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::queries::{Answer, ClusterQuery};

use crate::common::{client, close, contents, create, write_all};

const MIB: usize = 1 << 20;
const FILE_MIB: usize = 8;

/// A cluster in which nothing is rewritten by itself.
async fn cluster(nodes: usize, data_rows: u8, parity_rows: u8) -> TestCluster {
    let mut cluster = TestCluster::prepare(Over::Memory, nodes, 3, data_rows, parity_rows);
    for at in 0..nodes {
        let mut config = cluster.config(at);
        config.compaction.enabled = false;
        cluster.start_with(at, config).await.unwrap();
    }
    cluster.wait_for(|view| !view.map.groups.is_empty() && view.live.iter().all(|l| l.up)).await;
    cluster
}

async fn segments(cluster: &TestCluster) -> Vec<SegmentInfo> {
    let query = ClusterQuery::Segments { after: None, limit: 1000 };
    let Answer::Segments(segments) = cluster.access.query(query).await.unwrap() else { panic!() };
    segments
}

/// Writes a MiB of a file of [`FILE_MIB`] over and over, and waits until it is durable; gives how long that
/// took.
async fn overwrite(client: &Client, file: &OpenFile, at: usize) -> Duration {
    let begun = Instant::now();
    client.write(file, (at % FILE_MIB * MIB) as u64, &bytes(MIB, at as u8)).await.unwrap();
    client.fsync(file).await.unwrap();
    begun.elapsed()
}

/// All rows there are are rows of segments that were committed.
async fn no_row_is_in_vain(cluster: &TestCluster) {
    eventually("rows in vain are removed", async || {
        let rows: usize = segments(cluster).await.iter().map(|s| usize::from(s.geometry.rows())).sum();
        cluster.rows().await == rows
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_slow_target_is_written_without_and_comes_back_when_it_is_well() {
    const FSYNCS: usize = 20;
    let cluster = cluster(5, 3, 2).await;
    let writer = client(&cluster, "writer").await;
    let file = create(&writer, "file").await.unwrap();
    cluster.devices.delay_syncs(&cluster.target_path(4), SECOND);
    let mut took = Vec::new();
    for at in 0..FSYNCS {
        took.push(overwrite(&writer, &file, at).await);
    }
    took.sort_unstable();
    println!("fsync of 1 MiB beside a target that takes 1 s: p50 {:?}, all {took:?}", took[FSYNCS / 2]);
    assert!(took[FSYNCS / 2] < SECOND / 2, "{took:?}");
    let stats = writer.write_stats();
    assert!(stats.abandoned >= 1 && stats.abandoned <= FSYNCS as u64 / 2, "{stats:?}");
    let all = segments(&cluster).await;
    assert_eq!(all.len(), FILE_MIB);
    // On a busy machine another target may be late for once.
    let shrunk = |s: &&SegmentInfo| (s.geometry.data, s.geometry.parity) == (2, 2);
    assert!(all.iter().filter(shrunk).count() > FILE_MIB / 2, "n shrinks");
    assert!(all.iter().all(|s| s.geometry.data <= 2 && s.geometry.parity == 2), "K does not");

    // Once it is known to be slow nothing waits for it: it is tried with rows that nobody waits for.
    let mut at = FSYNCS;
    eventually("it is known and tried", async || {
        overwrite(&writer, &file, at).await;
        at += 1;
        writer.write_stats().trials >= 1
    })
    .await;
    let abandoned = writer.write_stats().abandoned;
    for _ in 0..6 {
        overwrite(&writer, &file, at).await;
        at += 1;
    }
    assert!(writer.write_stats().abandoned <= abandoned + 2, "each of them waited for it");

    cluster.devices.delay_syncs(&cluster.target_path(4), Duration::ZERO);
    eventually("it is written to again", async || {
        overwrite(&writer, &file, at).await;
        at += 1;
        segments(&cluster).await.iter().max_by_key(|segment| segment.version).unwrap().geometry.data == 3
    })
    .await;
    no_row_is_in_vain(&cluster).await;
    close(&writer, file).await.unwrap();
    let newest = |slot: usize| (0..at).rev().find(|at| at % FILE_MIB == slot).unwrap();
    let expected: Vec<u8> = (0..FILE_MIB).flat_map(|slot| bytes(MIB, newest(slot) as u8)).collect();
    assert!(contents(&client(&cluster, "reader").await, "file").await.unwrap() == expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_every_target_is_slow_each_is_written_to_and_waited_for() {
    let cluster = cluster(4, 3, 1).await;
    let writer = client(&cluster, "writer").await;
    let file = create(&writer, "file").await.unwrap();
    (0..4).for_each(|at| cluster.devices.delay_syncs(&cluster.target_path(at), SECOND / 2));
    for at in 0..6 {
        overwrite(&writer, &file, at).await;
    }
    let stats = writer.write_stats();
    assert_eq!((stats.rounds, stats.abandoned, stats.trials), (6, 0, 0));
    assert!(segments(&cluster).await.iter().all(|segment| segment.geometry.data == 3));
    close(&writer, file).await.unwrap();
}

/// Three nodes that all are needed: a segment of one data row and two parity rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_slow_target_that_cannot_be_done_without_is_waited_for() {
    let cluster = cluster(3, 1, 2).await;
    let writer = client(&cluster, "writer").await;
    let file = create(&writer, "file").await.unwrap();
    cluster.devices.delay_syncs(&cluster.target_path(2), SECOND);
    for at in 0..5 {
        overwrite(&writer, &file, at).await;
    }
    let stats = writer.write_stats();
    assert_eq!((stats.rounds, stats.abandoned), (5, 0));
    close(&writer, file).await.unwrap();
}

/// A segment of three data rows and a parity row, and the node with its first row.
async fn one_segment(cluster: &TestCluster, data: &[u8]) -> (SegmentInfo, usize) {
    let writer = client(cluster, "writer").await;
    let file = create(&writer, "file").await.unwrap();
    write_all(&writer, &file, 0, data).await.unwrap();
    close(&writer, file).await.unwrap();
    let segment = segments(cluster).await.remove(0);
    for at in 0..cluster.spec.node.len() {
        if cluster.rows_of(at).await.iter().any(|key| key.segment == segment.id && key.row == 0) {
            return (segment, at);
        }
    }
    panic!("nobody has the row");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_target_that_reads_slowly_is_read_around_and_comes_back_when_it_is_well() {
    const READS: usize = 30;
    let cluster = cluster(4, 3, 1).await;
    let data = bytes(3 * MIB, 7);
    let (segment, at) = one_segment(&cluster, &data).await;
    cluster.devices.delay_reads(&cluster.target_path(at), SECOND);
    let segments = cluster.segments();
    let read = async || {
        let begun = Instant::now();
        let read = segments.read(&segment, 8192..16384).await.unwrap();
        assert!(read.concat() == data[8192..16384]);
        begun.elapsed()
    };
    let mut took = Vec::new();
    for _ in 0..READS {
        took.push(read().await);
    }
    took.sort_unstable();
    assert!(took[READS / 2] < SECOND / 2, "{took:?}");
    let stats = segments.read_stats();
    assert!(stats.hedged >= 3 && stats.decoded >= READS as u64 - 5, "{stats:?}");
    eventually("it is known to be slow", async || {
        let before = segments.read_stats();
        read().await;
        let after = segments.read_stats();
        (after.decoded, after.hedged) == (before.decoded + 1, before.hedged)
    })
    .await;
    cluster.devices.delay_reads(&cluster.target_path(at), Duration::ZERO);
    eventually("it is read from again", async || {
        let before = segments.read_stats();
        read().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let after = segments.read_stats();
        (after.decoded, after.gets) == (before.decoded, before.gets + 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_all_targets_read_slowly_few_more_rows_are_asked_for() {
    const READS: u64 = 60;
    let cluster = cluster(4, 3, 1).await;
    let data = bytes(3 * MIB, 7);
    let (segment, _) = one_segment(&cluster, &data).await;
    (0..4).for_each(|at| cluster.devices.delay_reads(&cluster.target_path(at), SECOND / 20));
    let segments = cluster.segments();
    let mut reads = tokio::task::JoinSet::new();
    for at in 0..READS as u32 {
        let (segments, segment) = (segments.clone(), segment.clone());
        reads.spawn(async move { segments.read(&segment, at * 4096..(at + 1) * 4096).await.unwrap() });
    }
    while reads.join_next().await.is_some() {}
    let stats = segments.read_stats();
    assert!(stats.hedged <= 64 + READS / 10, "{stats:?}");
    assert!(stats.gets <= READS + stats.hedged, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_degraded_stream_asks_for_n_rows_of_a_segment() {
    const SEGMENTS: usize = 4;
    let mut cluster = cluster(6, 4, 2).await;
    let data = bytes(SEGMENTS * (8 << 20), 5);
    let writer = client(&cluster, "writer").await;
    let file = create(&writer, "file").await.unwrap();
    write_all(&writer, &file, 0, &data).await.unwrap();
    close(&writer, file).await.unwrap();
    assert!(segments(&cluster).await.iter().all(|segment| segment.geometry.data == 4));
    let mut lost = 0;
    for away in 0..=2 {
        if away > 0 {
            lost += cluster.rows_of(6 - away).await.iter().filter(|key| key.row < 4).count() as u64;
            cluster.stop_node(6 - away).await;
            cluster.wait_for(|view| view.live.iter().filter(|l| !l.up).count() == away).await;
        }
        let reader = client(&cluster, &format!("reader{away}")).await;
        assert!(contents(&reader, "file").await.unwrap() == data);
        let stats = reader.read_stats();
        let needed = 4 * SEGMENTS as u64;
        assert!(stats.gets <= needed + stats.hedged, "{away} away: {stats:?}");
        assert!(stats.hedged <= needed / 2, "{away} away: {stats:?}");
        assert!(stats.decoded >= lost, "{away} away: {stats:?}");
    }
    assert!(lost > 0, "the nodes had parity rows only");
}
