//! What is promised while nodes, the leader or the client itself are cut off.

use std::time::{Duration, Instant};

use isobar_base::{Errno, Ino, limits};
use isobar_client::{Client, OpenFile};
use isobar_testcluster::{Over, SECOND, TestCluster, bytes, eventually};
use isobar_wire::message::queries::{Answer, FileQuery, SessionQuery};
use tokio::task::JoinSet;

use crate::common::{client, close, contents, create, names, write_all};

/// Data rows of each segment of a file, in the order of the file.
async fn widths(cluster: &TestCluster, client: &Client, name: &str) -> Vec<u8> {
    let ino = client.lookup(Ino::ROOT, name.as_bytes()).await.unwrap().ino;
    let map = cluster.access.query(FileQuery::Map { ino, offset: 0, len: 1 << 40 }).await.unwrap();
    let Answer::Map(map) = map else { panic!("{map:?}") };
    map.segments.iter().map(|segment| segment.geometry.data).collect()
}

/// Makes files of `count` names at the same time; each must be made exactly once.
fn create_many(client: &Client, count: usize) -> JoinSet<Result<OpenFile, Errno>> {
    let mut creating = JoinSet::new();
    for at in 0..count {
        let client = client.clone();
        creating.spawn(async move {
            tokio::time::sleep(Duration::from_millis(10) * at as u32).await;
            create(&client, &format!("file{at:03}")).await
        });
    }
    creating
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn writing_goes_on_narrower_when_a_node_is_cut_off_and_nothing_is_lost() {
    let cluster = TestCluster::start(Over::Memory, 4, 3, 3, 1).await;
    let writer = client(&cluster, "writer").await;
    let data = bytes(24 << 20, 5);
    let (before, after) = data.split_at(12 << 20);
    let file = create(&writer, "file").await.unwrap();
    write_all(&writer, &file, 0, before).await.unwrap();
    writer.fsync(&file).await.unwrap();
    assert_eq!(widths(&cluster, &writer, "file").await, [3, 3]);
    // It holds rows, but has no vote.
    cluster.network().isolate("node3");
    write_all(&writer, &file, before.len() as u64, after).await.unwrap();
    writer.fsync(&file).await.unwrap();
    let widths = widths(&cluster, &writer, "file").await;
    assert_eq!(widths[2..], [2, 2], "what was written before may be rewritten by now: {widths:?}");
    close(&writer, file).await.unwrap();
    let reader = client(&cluster, "reader").await;
    assert!(contents(&reader, "file").await.unwrap() == data);
    cluster.network().rejoin("node3");
    cluster.wait_for(|view| view.live.iter().all(|target| target.up)).await;
    let reader = client(&cluster, "later").await;
    assert!(contents(&reader, "file").await.unwrap() == data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn operations_take_effect_exactly_once_when_the_leader_is_cut_off() {
    const FILES: usize = 200;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let maker = client(&cluster, "maker").await;
    let mut creating = create_many(&maker, FILES);
    for _ in 0..FILES / 4 {
        close(&maker, creating.join_next().await.unwrap().unwrap().unwrap()).await.unwrap();
    }
    let leader = cluster.leader().unwrap();
    let host = &cluster.spec.node[leader].name;
    cluster.network().isolate(host);
    while let Some(created) = creating.join_next().await {
        close(&maker, created.unwrap().unwrap()).await.unwrap();
    }
    let expected: Vec<String> = (0..FILES).map(|at| format!("file{at:03}")).collect();
    let other = client(&cluster, "other").await;
    assert_eq!(names(&other).await.unwrap(), expected);
    // The old leader comes back, follows, and has the same.
    cluster.network().rejoin(host);
    eventually("all replicas have applied the same", async || {
        let mut applied = Vec::new();
        for at in 0..3 {
            applied.push(cluster.status(at).await.meta.map(|meta| (meta.applied, meta.leader)));
        }
        applied.iter().all(|replica| *replica == applied[0])
    })
    .await;
    assert_eq!(names(&maker).await.unwrap(), expected);
    for at in 0..3 {
        assert_eq!(cluster.node(at).check_metadata().await, Some(Vec::new()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn operations_take_effect_exactly_once_when_connections_break_again_and_again() {
    const FILES: usize = 200;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let maker = client(&cluster, "maker").await;
    let mut creating = create_many(&maker, FILES);
    let mut breaking = tokio::time::interval(Duration::from_millis(15));
    loop {
        tokio::select! {
            created = creating.join_next() => match created {
                Some(created) => close(&maker, created.unwrap().unwrap()).await.unwrap(),
                None => break,
            },
            _ = breaking.tick() => {
                cluster.spec.node.iter().for_each(|node| cluster.network().sever("maker", &node.name));
            }
        }
    }
    let other = client(&cluster, "other").await;
    let expected: Vec<String> = (0..FILES).map(|at| format!("file{at:03}")).collect();
    assert_eq!(names(&other).await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_cut_off_past_its_session_hears_of_what_was_lost_and_works_on() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (lost, other) = (client(&cluster, "lost").await, client(&cluster, "other").await);
    let file = create(&lost, "file").await.unwrap();
    let kept = bytes(100_000, 1);
    write_all(&lost, &file, 0, &kept).await.unwrap();
    lost.fsync(&file).await.unwrap();
    cluster.network().isolate("lost");
    write_all(&lost, &file, 0, &bytes(100_000, 2)).await.unwrap();
    let begun = Instant::now();
    let gone = async || {
        let sessions = cluster.access.query(SessionQuery::List).await.unwrap();
        let Answer::Sessions(sessions) = sessions else { panic!("{sessions:?}") };
        sessions.iter().all(|(_, name)| name != "lost")
    };
    while !gone().await {
        assert!(
            begun.elapsed() < Duration::from_millis(2 * limits::SESSION_TIMEOUT_MS),
            "it is never expired"
        );
        tokio::time::sleep(SECOND).await;
    }
    // Others are not held up meanwhile.
    assert!(contents(&other, "file").await.unwrap() == kept);
    cluster.network().rejoin("lost");
    assert_eq!(lost.fsync(&file).await.map(drop), Err(Errno::EIO));
    assert_eq!(close(&lost, file).await, Ok(()), "an error is reported once");
    assert!(contents(&other, "file").await.unwrap() == kept, "nothing is carried out late");
    let again = create(&lost, "again").await.unwrap();
    write_all(&lost, &again, 0, &kept).await.unwrap();
    lost.fsync(&again).await.unwrap();
    close(&lost, again).await.unwrap();
    assert!(contents(&other, "again").await.unwrap() == kept);
}
