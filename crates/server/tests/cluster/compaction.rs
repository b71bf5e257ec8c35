//! Segments that are not worth keeping are rewritten under readers and writers.

use isobar_base::{Errno, Ino};
use isobar_cluster::Session;
use isobar_segments::Segments;
use isobar_wire::message::files::{Map, Source};
use isobar_wire::message::ops::FileOp;
use isobar_wire::message::queries::{Answer, FileQuery};

use isobar_testcluster::{Over, SECOND, TestCluster, bytes, commit, create, eventually, write};

async fn map(cluster: &TestCluster, ino: Ino) -> Map {
    match cluster.access.query(FileQuery::Map { ino, offset: 0, len: u64::MAX }).await.unwrap() {
        Answer::Map(map) => map,
        other => panic!("{other:?}"),
    }
}

async fn contents(cluster: &TestCluster, segments: &Segments, ino: Ino) -> Vec<u8> {
    let map = map(cluster, ino).await;
    let mut contents = vec![0; map.attr.size as usize];
    for extent in &map.extents {
        let Source::Segment { id, offset } = extent.source else { panic!() };
        let segment = map.segments.iter().find(|s| s.id == id).unwrap();
        let parts = segments.read(segment, offset..offset + extent.len as u32).await.unwrap();
        contents[extent.offset as usize..extent.end() as usize].copy_from_slice(&parts.concat());
    }
    contents
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn half_dead_segments_are_rewritten_and_their_rows_freed() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let mut expected = bytes(200_000, 1);
    let first = write(&session, &segments, &file, 0, expected.clone()).await;
    let above = bytes(150_000, 2);
    write(&session, &segments, &file, 25_000, above.clone()).await;
    expected[25_000..175_000].copy_from_slice(&above);
    eventually("the first segment is gone", async || {
        map(&cluster, file.ino).await.segments.iter().all(|s| s.id != first.id)
    })
    .await;
    assert_eq!(contents(&cluster, &segments, file.ino).await, expected);
    eventually("its rows are gone", async || cluster.rows().await == 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_on_a_target_that_is_gone_for_good_are_written_over_the_others() {
    let mut cluster = TestCluster::start(Over::Memory, 4, 3, 3, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let mut expected = Vec::new();
    for at in 0..5u64 {
        let data = bytes(200_000, at as u8);
        write(&session, &segments, &file, at * 200_000, data.clone()).await;
        expected.extend(data);
    }
    let gone = cluster.status(3).await.targets[0].0.id;
    cluster.stop_node(3).await;
    eventually("no row is on it", async || {
        let (map, view) = (map(&cluster, file.ino).await, cluster.view().await);
        map.segments.iter().all(|segment| {
            let group = view.map.group(segment.pg).unwrap();
            segment.positions.iter().all(|at| group.positions[usize::from(*at)].target != gone)
        })
    })
    .await;
    assert!(
        map(&cluster, file.ino).await.segments.iter().all(|s| s.geometry.data == 2 && s.geometry.parity == 1)
    );
    assert_eq!(contents(&cluster, &segments, file.ino).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_narrow_extents_become_one_wide_segment() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let mut expected = Vec::new();
    for at in 0..70u64 {
        let data = bytes(4096, at as u8);
        write(&session, &segments, &file, at * 4096, data.clone()).await;
        expected.extend(data);
    }
    eventually("one segment is left", async || map(&cluster, file.ino).await.segments.len() == 1).await;
    assert_eq!(map(&cluster, file.ino).await.segments[0].geometry.data, 2);
    assert_eq!(contents(&cluster, &segments, file.ino).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_that_lost_a_row_do_not_wait_for_the_end_of_half_dead_ones() {
    let mut cluster = TestCluster::prepare(Over::Memory, 4, 3, 3, 1);
    for at in 0..4 {
        let mut config = cluster.config(at);
        // Less than what the load leaves half dead.
        config.compaction.bytes_per_second = 200_000;
        cluster.start_with(at, config).await.unwrap();
    }
    cluster.wait_for(|view| !view.map.groups.is_empty() && view.live.iter().all(|l| l.up)).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let (file, churned) = (create(&session, "file").await, create(&session, "churned").await);
    write(&session, &segments, &file, 0, bytes(100_000, 1)).await;
    let gone = cluster.status(3).await.targets[0].0.id;
    cluster.stop_node(3).await;
    let churn = async {
        for at in 0u64.. {
            write(&session, &segments, &churned, at * 200_000, bytes(200_000, 2)).await;
            write(&session, &segments, &churned, at * 200_000, bytes(150_000, 3)).await;
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        }
    };
    let narrowed = eventually("no row is on it", async || {
        let (map, view) = (map(&cluster, file.ino).await, cluster.view().await);
        map.segments.iter().all(|segment| {
            let group = view.map.group(segment.pg).unwrap();
            segment.positions.iter().all(|at| group.positions[usize::from(*at)].target != gone)
        })
    });
    tokio::select! {
        () = churn => {}
        () = narrowed => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn compaction_frees_room_where_nothing_else_can_be_written() {
    const MIB: u64 = 1 << 20;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let writer = cluster.access_from("writer");
    let session = Session::open(writer.clone(), "test").await.unwrap();
    let segments = Segments::new(writer.clone());
    let file = create(&session, "file").await;
    // Full to the last byte that can be had.
    let (mut at, mut ends) = (0, Vec::new());
    for len in [4 * MIB, 8 << 10] {
        let mut refused = 0;
        while refused < 2 {
            match segments.write(&session, bytes(len as usize, at as u8).into()).await {
                Ok(segment) => {
                    commit(&session, &file, at, &segment).await;
                    (at, refused) = (at + len, 0);
                    ends.push(at);
                }
                Err(errno) => {
                    assert_eq!(errno, Errno::ENOSPC);
                    refused += 1;
                    // Full targets are left alone for a while, and are then tried once more.
                    tokio::time::sleep(7 * SECOND / 2).await;
                    writer.renew(session.id(), 0, SECOND).await.unwrap();
                }
            }
        }
    }
    let rows = cluster.rows().await;
    assert!(at > 64 * MIB, "{at}");
    // Less than half of each segment stays, all at once.
    let mut from = 0;
    for end in ends {
        let keep = (end - from) / 4;
        let punch = FileOp::Punch { ino: file.ino, offset: from + keep, len: end - from - keep, size_min: 0 };
        session.mutate(punch).await.unwrap();
        from = end;
    }
    eventually("most rows are gone", async || cluster.rows().await < rows / 2).await;
    eventually("there is room again", async || {
        segments.write(&session, bytes(4 * MIB as usize, 1).into()).await.is_ok()
    })
    .await;
}
