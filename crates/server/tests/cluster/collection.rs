//! What nothing names is removed, soon; what may still be named is kept.

use bytes::Bytes;
use isobar_wire::Opcode;
use isobar_wire::message::admin::AdminRequest;
use isobar_wire::message::cluster::{Heartbeat, HeartbeatReply};
use isobar_wire::message::files::{Extent, Source};
use isobar_wire::message::ops::{Commit, FileOp, SessionOp, SetAttr};
use isobar_wire::message::queries::{Answer, ClusterQuery};

use isobar_testcluster::{Over, SECOND, TestCluster, bytes, create, eventually, unlink, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_of_a_removed_file_are_freed_within_a_second() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    for at in 0..20 {
        write(&session, &segments, &file, at << 20, bytes(100_000, at as u8)).await;
    }
    assert_eq!(cluster.rows().await, 60);
    unlink(&session, "file", file.ino).await;
    let begun = std::time::Instant::now();
    eventually("all rows are gone", async || cluster.rows().await == 0).await;
    assert!(begun.elapsed().as_millis() < 1500, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_target_that_was_away_drops_what_was_removed_meanwhile() {
    let mut cluster = TestCluster::start(Over::Memory, 4, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    for at in 0..20 {
        write(&session, &segments, &file, at << 20, bytes(100_000, at as u8)).await;
    }
    assert!(!cluster.rows_of(3).await.is_empty());
    cluster.stop_node(3).await;
    cluster.wait_for(|view| view.live.iter().filter(|l| l.up).count() == 3).await;
    unlink(&session, "file", file.ino).await;
    eventually("the others drop theirs", async || cluster.rows().await == 0).await;
    cluster.start_node(3).await.unwrap();
    eventually("it drops its own", async || cluster.rows().await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn uncommitted_rows_are_kept_while_their_session_may_commit_them() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let orphan = segments.write(&session, Bytes::from(bytes(50_000, 3))).await.unwrap();
    let search = async || {
        cluster.access.admin(&AdminRequest::Collect).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    };
    search().await;
    assert_eq!(cluster.rows().await, 3);
    // The session gives it up and commits something later: the low-water passes it.
    session.settle(orphan.id);
    write(&session, &segments, &file, 0, bytes(50_000, 4)).await;
    assert_eq!(cluster.rows().await, 6);
    search().await;
    eventually("the orphan is gone", async || cluster.rows().await == 3).await;
    // A session that ends gives up all it has not committed.
    segments.write(&session, Bytes::from(bytes(50_000, 5))).await.unwrap();
    search().await;
    assert_eq!(cluster.rows().await, 6);
    session.mutate(SessionOp::Close).await.unwrap();
    search().await;
    eventually("its orphans are gone", async || cluster.rows().await == 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_target_that_hangs_while_its_node_reports_does_not_stop_collection() {
    let cluster = TestCluster::start(Over::Memory, 4, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    for at in 0..20 {
        write(&session, &segments, &file, at << 20, bytes(100_000, at as u8)).await;
    }
    assert!(!cluster.rows_of(3).await.is_empty());
    let targets = cluster.status(3).await.targets;
    cluster.network().isolate("node3");
    unlink(&session, "file", file.ino).await;
    let heartbeat = Heartbeat {
        node: "node3".to_owned(),
        addr: cluster.spec.node[3].addr.clone(),
        epoch: u64::MAX,
        targets,
        contradicting: Vec::new(),
        voter: None,
    };
    eventually("the others drop theirs", async || {
        // It reports all the time, by the mouth of this test.
        if let Some(leader) = cluster.leader() {
            let channel = cluster.access.channels().to(&cluster.spec.node[leader].addr);
            let heard = channel.call::<_, HeartbeatReply>(Opcode::Heartbeat, &heartbeat, SECOND).await;
            assert!(matches!(heard, Ok(HeartbeatReply::Ok { .. } | HeartbeatReply::NotLeader(_))));
        }
        let mut rows = 0;
        for at in 0..3 {
            rows += cluster.rows_of(at).await.len();
        }
        let queue = ClusterQuery::DeleteQueue { after: None, limit: 100 };
        let queue = cluster.access.query(queue).await.unwrap();
        rows == 0 && queue == Answer::Deleted(Vec::new())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_truncation_leaves_to_later_is_purged_by_the_leader() {
    const EXTENTS: u64 = 2000;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let segment = segments.write(&session, Bytes::from(bytes(200_000, 1))).await.unwrap();
    let extent = |at: u64| {
        let source = Source::Segment { id: segment.id, offset: at as u32 * 100 };
        Extent { offset: at * 8192, len: 50, source, version: 0 }
    };
    let commit = Commit {
        ino: file.ino,
        incarnation: file.incarnation,
        low_water: session.low_water(),
        append: false,
        segments: vec![segment.clone()],
        extents: (0..EXTENTS).map(extent).collect(),
        mtime: None,
    };
    session.mutate(FileOp::Commit(commit)).await.unwrap();
    session.settle(segment.id);
    assert_eq!(cluster.rows().await, 3);
    let set = SetAttr { size: Some(0), ..SetAttr::default() };
    session.mutate(FileOp::SetAttr { ino: file.ino, set }).await.unwrap();
    eventually("all rows are gone", async || cluster.rows().await == 0).await;
}
