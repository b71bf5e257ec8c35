//! The check of a whole cluster finds what is wrong, and nothing else.

use bytes::Bytes;
use isobar_admin::{Depth, LostRange, fsck};
use isobar_wire::Opcode;
use isobar_wire::message::storage::DeleteRequest;

use isobar_testcluster::{Over, SECOND, TestCluster, bytes, create, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn missing_rows_lost_ranges_and_uncommitted_rows_are_told_apart() {
    let mut cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    write(&session, &segments, &file, 0, bytes(100_000, 1)).await;
    let damaged = write(&session, &segments, &file, 100_000, bytes(100_000, 2)).await;
    segments.write(&session, Bytes::from(bytes(50_000, 3))).await.unwrap();
    let report = fsck(&cluster.access, Depth::Keys, |_| {}).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.segments, report.files, report.rows, report.pending, report.orphans), (2, 1, 9, 3, 0));

    let remove = async |at: usize| {
        let (target, _) = cluster.status(at).await.targets.remove(0);
        let keys: Vec<_> =
            cluster.rows_of(at).await.into_iter().filter(|key| key.segment == damaged.id).collect();
        assert_eq!(keys.len(), 1);
        let row = keys[0].row;
        let channel = cluster.access.channels().to(&cluster.spec.node[at].addr);
        channel
            .call::<_, ()>(Opcode::Delete, &DeleteRequest { target: target.id, keys }, SECOND)
            .await
            .unwrap();
        row
    };
    let mut gone = vec![remove(0).await];
    let report = fsck(&cluster.access, Depth::Keys, |_| {}).await.unwrap();
    assert!(!report.is_clean());
    assert_eq!((report.missing.len(), report.lost.len()), (1, 0));
    assert_eq!(report.missing[0].ino, file.ino);
    gone.push(remove(1).await);
    let report = fsck(&cluster.access, Depth::Keys, |_| {}).await.unwrap();
    // The bytes of data rows that are left can still be read.
    let from = u64::from(!gone.contains(&0)) * damaged.geometry.row_bytes();
    let to = if gone.contains(&1) { 100_000 } else { damaged.geometry.row_bytes() };
    let lost = LostRange { ino: file.ino, offset: 100_000 + from, len: to - from, segment: damaged.id };
    assert_eq!((report.missing.len(), report.lost.as_slice()), (2, &[lost][..]));

    cluster.stop_node(2).await;
    cluster.wait_for(|view| view.live.iter().filter(|l| l.up).count() == 2).await;
    let report = fsck(&cluster.access, Depth::Keys, |_| {}).await.unwrap();
    assert_eq!(report.unreachable.len(), 1);
    assert_eq!(report.redundancy.by_missing[1].segments, 2);
}
