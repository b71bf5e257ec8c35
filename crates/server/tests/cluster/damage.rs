//! Rows whose bytes the device does not give back are repaired, by whoever finds them, and their target is
//! used on.

use std::path::Path;

use isobar_admin::{Depth, fsck};
use isobar_base::FragmentKey;
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::ops::NewSegment;
use isobar_wire::message::queries::{Answer, ClusterQuery};

use isobar_testcluster::{Over, TestCluster, bytes, create, eventually, write};

/// Where the row that begins with `bytes` is in the file of a target.
fn offset_of(target: &Path, bytes: &[u8]) -> u64 {
    let image = std::fs::read(target).unwrap();
    let block = image.chunks(4096).position(|block| block == &bytes[..4096]).unwrap();
    block as u64 * 4096
}

async fn info(cluster: &TestCluster, new: &NewSegment) -> SegmentInfo {
    let query = ClusterQuery::Segments { after: None, limit: 100 };
    let Answer::Segments(all) = cluster.access.query(query).await.unwrap() else { panic!() };
    all.into_iter().find(|segment| segment.id == new.id).unwrap()
}

/// The node that holds a row.
async fn node_of(cluster: &TestCluster, key: FragmentKey) -> usize {
    for at in 0..cluster.spec.node.len() {
        if cluster.rows_of(at).await.contains(&key) {
            return at;
        }
    }
    panic!("nobody holds {key}");
}

/// A segment of two rows and a parity row, its node and target, and where its first row begins on the device.
async fn one_segment(cluster: &TestCluster, contents: &[u8]) -> (SegmentInfo, usize, u64) {
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let new = write(&session, &segments, &file, 0, contents.to_vec()).await;
    let segment = info(cluster, &new).await;
    let at = node_of(cluster, FragmentKey { segment: segment.id, row: 0 }).await;
    let offset = offset_of(&cluster.target_path(at), contents);
    (segment, at, offset)
}

async fn damaged_rows(cluster: &TestCluster, at: usize) -> u64 {
    cluster.status(at).await.targets[0].1.damaged_rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_is_repaired_by_its_reader_and_its_target_is_not_avoided() {
    let cluster = TestCluster::start(Over::Memory, 4, 3, 2, 1).await;
    // Packed, and with a descriptor.
    for contents in [bytes(60_000, 1), bytes(400_000, 2)] {
        let (segment, at, offset) = one_segment(&cluster, &contents).await;
        cluster.devices.lose_block(&cluster.target_path(at), offset);
        let segments = cluster.segments();
        let read = segments.read(&segment, 0..contents.len() as u32).await.unwrap();
        assert_eq!(read.concat(), contents);
        assert_eq!(segments.read_stats().decoded, 1);
        let target = cluster.status(at).await.targets[0].0.id;
        assert_eq!(cluster.access.view().quarantined(target), None);
        eventually("the row is stored again", async || segments.read_stats().repaired == 1).await;
        assert_eq!(damaged_rows(&cluster, at).await, 0);
        segments.read(&segment, 0..contents.len() as u32).await.unwrap();
        assert_eq!(segments.read_stats().decoded, 1);
        let session = cluster.session().await;
        isobar_testcluster::unlink(&session, "file", segment.ino).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_is_found_by_a_deep_check_and_repaired_by_scrubbing() {
    let mut cluster = TestCluster::prepare(Over::Memory, 4, 3, 2, 1);
    for at in 0..4 {
        let mut config = cluster.config(at);
        config.scrub.enabled = false;
        cluster.start_with(at, config).await.unwrap();
    }
    cluster.wait_for(|view| !view.map.groups.is_empty() && view.live.iter().all(|l| l.up)).await;
    let contents = bytes(400_000, 3);
    let (segment, at, offset) = one_segment(&cluster, &contents).await;
    let check = async |depth| fsck(&cluster.access, depth, |_| {}).await.unwrap();
    assert!(check(Depth::Bytes).await.is_clean());
    cluster.devices.lose_block(&cluster.target_path(at), offset + 8192);
    // Which rows there are says nothing of their bytes.
    assert!(check(Depth::Keys).await.is_clean());
    let report = check(Depth::Bytes).await;
    let deep = report.deep.clone().unwrap();
    let key = FragmentKey { segment: segment.id, row: 0 };
    assert_eq!(deep.damaged.iter().map(|row| row.key).collect::<Vec<_>>(), [key]);
    assert_eq!((deep.right, deep.contradicting.len(), deep.unread), (2, 0, 0));
    assert!(!report.is_clean() && report.lost.is_empty());
    // From then on it is known.
    assert_eq!(damaged_rows(&cluster, at).await, 1);
    cluster.wait_for(|view| view.live.iter().map(|live| live.damaged_rows).sum::<u64>() == 1).await;
    let report = fsck(&cluster.access, Depth::Keys, |_| {}).await.unwrap();
    assert_eq!((report.known_damaged, report.is_clean()), (1, false));

    cluster.stop_node(at).await;
    cluster.start_node(at).await.unwrap();
    let segments = cluster.segments_with_the_map_of_now().await;
    eventually("the row is whole again", async || {
        fsck(&cluster.access, Depth::Bytes, |_| {}).await.is_ok_and(|report| report.is_clean())
    })
    .await;
    segments.read(&segment, 0..contents.len() as u32).await.unwrap();
    assert_eq!(segments.read_stats().decoded, 0);
}
