//! Bytes that are computed from other rows are those that were written, or none.

use bytes::Bytes;
use isobar_admin::{Depth, fsck};
use isobar_base::{AlignedBuf, Errno, FragmentHeader, FragmentKey, is_decoded_in_parts, row_crc, unit_crcs};
use isobar_wire::Opcode;
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::ops::NewSegment;
use isobar_wire::message::queries::{Answer, ClusterQuery};
use isobar_wire::message::storage::{DeleteRequest, PutRequest};

use isobar_testcluster::{Over, SECOND, TestCluster, bytes, commit, create, eventually};

const DATA: usize = 2;

async fn remove(cluster: &TestCluster, segment: &NewSegment, row: u8) {
    let (_, target) = segment.rows[usize::from(row)];
    let addr = cluster.access.view().known().target(target).unwrap().addr.clone();
    let keys = vec![FragmentKey { segment: segment.id, row }];
    let channel = cluster.access.channels().to(&addr);
    channel.call::<_, ()>(Opcode::Delete, &DeleteRequest { target, keys }, SECOND * 5).await.unwrap();
}

async fn put(cluster: &TestCluster, segment: &NewSegment, header: FragmentHeader, payload: &[u8]) {
    let (_, target) = segment.rows[usize::from(header.key.row)];
    let addr = cluster.access.view().known().target(target).unwrap().addr.clone();
    let channel = cluster.access.channels().to(&addr);
    let (put, payload) = (PutRequest { target, header }, vec![Bytes::copy_from_slice(payload)]);
    channel.call_with_payload::<_, ()>(Opcode::Put, &put, payload, SECOND * 5).await.unwrap();
}

/// Writes a segment as a client with a defect does: a bit of the first parity row was flipped after it was
/// computed and before its checksums were.
async fn with_wrong_parity(cluster: &TestCluster, contents: &[u8]) -> (NewSegment, SegmentInfo) {
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let mut segment = segments.write(&session, contents.to_vec().into()).await.unwrap();
    assert_eq!(usize::from(segment.geometry.data), DATA);
    let row_bytes = segment.geometry.row_bytes() as usize;
    let mut data = contents.to_vec();
    data.resize(DATA * row_bytes, 0);
    // The first parity row is the sum of the data rows.
    let mut parity: Vec<u8> = data[..row_bytes].iter().zip(&data[row_bytes..]).map(|(a, b)| a ^ b).collect();
    assert_eq!(row_crc(&unit_crcs(&parity)), segment.row_crcs[DATA]);
    parity[6000] ^= 4;
    let key = FragmentKey { segment: segment.id, row: DATA as u8 };
    let data_crcs = if is_decoded_in_parts(row_bytes as u64) { unit_crcs(&data) } else { Vec::new() };
    let header = FragmentHeader { key, geometry: segment.geometry, unit_crcs: unit_crcs(&parity), data_crcs };
    remove(cluster, &segment, DATA as u8).await;
    put(cluster, &segment, header, &AlignedBuf::from_slice(&parity)).await;
    segment.row_crcs[DATA] = row_crc(&unit_crcs(&parity));
    commit(&session, &file, 0, &segment).await;
    let query = ClusterQuery::Segments { after: None, limit: 10 };
    let Answer::Segments(mut all) = cluster.access.query(query).await.unwrap() else { panic!() };
    all.retain(|info| info.id == segment.id);
    (segment, all.remove(0))
}

async fn holds(cluster: &TestCluster, key: FragmentKey) -> bool {
    for at in 0..cluster.spec.node.len() {
        if cluster.rows_of(at).await.contains(&key) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_parity_never_becomes_wrong_bytes_and_is_never_written_back() {
    // Rows that are decoded whole, and in parts.
    for len in [60_000, 400_000] {
        let cluster = TestCluster::start(Over::Memory, 4, 3, 2, 2).await;
        let contents = bytes(len, 1);
        let (segment, info) = with_wrong_parity(&cluster, &contents).await;
        let key = |row| FragmentKey { segment: segment.id, row };
        let deep = fsck(&cluster.access, Depth::Bytes, |_| {}).await.unwrap().deep.unwrap();
        assert_eq!(deep.contradicting.iter().map(|row| row.key).collect::<Vec<_>>(), [key(2)]);

        // The other parity row is right.
        let segments = cluster.segments();
        for range in [0..len as u32, 5000..9000] {
            remove(&cluster, &segment, 0).await;
            let read = segments.read(&info, range.clone()).await.unwrap().concat();
            assert!(read == contents[range.start as usize..range.end as usize]);
            eventually("the row is back", async || holds(&cluster, key(0)).await).await;
        }
        eventually("both were counted", async || segments.read_stats().repaired == 2).await;
        let right = segments.read(&info, 0..len as u32).await.unwrap().concat();
        assert!(right == contents && segments.read_stats().decoded == 2);

        remove(&cluster, &segment, 0).await;
        remove(&cluster, &segment, 3).await;
        for range in [0..len as u32, 5000..9000] {
            assert_eq!(segments.read(&info, range).await.unwrap_err(), Errno::EIO);
        }
        assert_eq!(segments.rebuild_row(&info, 0).await.unwrap_err(), Errno::EIO);
        assert!(!holds(&cluster, key(0)).await);
        assert_eq!(segments.read_stats().repaired, 2);
        if is_decoded_in_parts(info.geometry.row_bytes()) {
            // The unit before the wrong one is right.
            assert!(segments.read(&info, 0..4096).await.unwrap().concat() == contents[..4096]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuilt_row_is_stored_as_the_original_was() {
    let cluster = TestCluster::start(Over::Memory, 4, 3, 2, 2).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let contents = bytes(400_000, 7);
    let segment = segments.write(&session, contents.into()).await.unwrap();
    commit(&session, &file, 0, &segment).await;
    let query = ClusterQuery::Segments { after: None, limit: 10 };
    let Answer::Segments(all) = cluster.access.query(query).await.unwrap() else { panic!() };
    for row in 0..4 {
        // With a data row away, too.
        remove(&cluster, &segment, (row + 1) % 2).await;
        let (header, payload) = segments.rebuild_row(&all[0], row).await.unwrap();
        // The target has the row, or puts it again: it refuses any other header.
        put(&cluster, &segment, header, &payload).await;
        let (header, payload) = segments.rebuild_row(&all[0], (row + 1) % 2).await.unwrap();
        put(&cluster, &segment, header, &payload).await;
    }
    assert!(fsck(&cluster.access, Depth::Bytes, |_| {}).await.unwrap().is_clean());
}

/// Four nodes that read all their rows, with all parity, every second.
async fn scrubbed(compaction: bool) -> TestCluster {
    let mut cluster = TestCluster::prepare(Over::Memory, 4, 3, 2, 2);
    for at in 0..4 {
        let mut config = cluster.config(at);
        config.scrub.interval_seconds = 1;
        config.scrub.parity_one_of = 1;
        config.compaction.enabled = compaction;
        cluster.start_with(at, config).await.unwrap();
    }
    cluster.wait_for(|view| !view.map.groups.is_empty() && view.live.iter().all(|l| l.up)).await;
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrubbing_finds_parity_that_is_not_that_of_its_data() {
    let cluster = scrubbed(false).await;
    with_wrong_parity(&cluster, &bytes(60_000, 1)).await;
    cluster.wait_for(|view| view.live.iter().map(|live| live.damaged_rows).sum::<u64>() == 1).await;
    let report = fsck(&cluster.access, Depth::Keys, |_| {}).await.unwrap();
    assert_eq!((report.known_damaged, report.is_clean()), (1, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_whose_parity_was_made_wrong_is_copied_from_its_data_to_a_right_one() {
    let cluster = scrubbed(true).await;
    let contents = bytes(400_000, 1);
    let (segment, wrong) = with_wrong_parity(&cluster, &contents).await;
    eventually("no row contradicts its data", async || {
        let Ok(report) = fsck(&cluster.access, Depth::Bytes, |_| {}).await else { return false };
        report.is_clean() && report.deep.is_some_and(|deep| deep.contradicting.is_empty())
    })
    .await;
    let query = ClusterQuery::Segments { after: None, limit: 10 };
    let Answer::Segments(all) = cluster.access.query(query).await.unwrap() else { panic!() };
    let [right] = &all[..] else { panic!("{all:?}") };
    assert!(right.id != wrong.id && right.ino == wrong.ino);
    assert_eq!(right.row_crcs[..DATA], wrong.row_crcs[..DATA], "its data is the same");
    assert_ne!(right.row_crcs[DATA], wrong.row_crcs[DATA]);
    let segments = cluster.segments();
    assert!(segments.read(right, 0..400_000).await.unwrap().concat() == contents);
    eventually("the wrong row is gone", async || {
        !holds(&cluster, FragmentKey { segment: segment.id, row: DATA as u8 }).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_whole_and_not_the_committed_one_is_replaced_by_scrubbing() {
    let cluster = scrubbed(false).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let contents = bytes(60_000, 3);
    let segment = segments.write(&session, contents.clone().into()).await.unwrap();
    // A data row and a parity row, each as it never was.
    for row in [1, 3] {
        let other = bytes(segment.geometry.row_bytes() as usize, 77);
        let key = FragmentKey { segment: segment.id, row };
        let (geometry, unit_crcs) = (segment.geometry, unit_crcs(&other));
        let header = FragmentHeader { key, geometry, unit_crcs, data_crcs: Vec::new() };
        remove(&cluster, &segment, row).await;
        put(&cluster, &segment, header, &AlignedBuf::from_slice(&other)).await;
    }
    commit(&session, &file, 0, &segment).await;
    eventually("all rows are those that were committed", async || {
        fsck(&cluster.access, Depth::Bytes, |_| {}).await.is_ok_and(|report| report.is_clean())
    })
    .await;
    let query = ClusterQuery::Segments { after: None, limit: 10 };
    let Answer::Segments(all) = cluster.access.query(query).await.unwrap() else { panic!() };
    assert!(segments.read(&all[0], 0..60_000).await.unwrap().concat() == contents);
}
