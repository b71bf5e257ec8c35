//! Devices that are dead, damaged, not there or fail while they are used cost themselves and nothing else.

use bytes::Bytes;
use isobar_base::{FragmentHeader, FragmentKey, Geometry, SegmentId, SessionId, unit_crcs};
use isobar_config::TargetConfig;
use isobar_server::ServerError;
use isobar_wire::message::cluster::NodeStatus;
use isobar_wire::message::queries::{Answer, ClusterQuery};
use isobar_wire::message::storage::{GetReply, GetRequest, PutRequest};
use isobar_wire::{CallError, Opcode};

use isobar_testcluster::{Over, SECOND, TestCluster, bytes, create, eventually, write};

/// A voter alone with two targets, the second of which is at the path returned.
async fn two_targets(cluster: &mut TestCluster) -> std::path::PathBuf {
    let second = cluster.dir.path().join("second.target");
    start_with_two(cluster).await.unwrap();
    eventually("it founds its cluster", async || is_founded(&cluster.status(0).await)).await;
    second
}

async fn start_with_two(cluster: &mut TestCluster) -> Result<(), ServerError> {
    let mut config = cluster.config(0);
    let path = cluster.dir.path().join("second.target");
    config.target.push(TargetConfig { path, size_bytes: 64 << 20 });
    cluster.start_with(0, config).await
}

fn is_founded(status: &NodeStatus) -> bool {
    status.meta.as_ref().is_some_and(|meta| meta.leader.is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dead_device_keeps_neither_its_node_nor_its_voter_nor_its_other_targets_down() {
    let mut cluster = TestCluster::prepare(Over::Memory, 1, 1, 1, 1);
    let second = two_targets(&mut cluster).await;
    let ids = |status: &NodeStatus| status.targets.iter().map(|(info, _)| info.id).collect::<Vec<_>>();
    let before = ids(&cluster.status(0).await);
    assert_eq!(before.len(), 2);
    cluster.stop_node(0).await;
    cluster.devices.set_gone(&second, true);
    start_with_two(&mut cluster).await.unwrap();
    eventually("it leads again", async || is_founded(&cluster.status(0).await)).await;
    let status = cluster.status(0).await;
    assert_eq!(ids(&status), before[..1]);
    assert_eq!(status.unusable.len(), 1);
    assert_eq!((status.unusable[0].slot, &*status.unusable[0].path), (1, &*second.display().to_string()));
    // It is used as soon as it is back.
    cluster.devices.set_gone(&second, false);
    eventually("the device is used", async || cluster.status(0).await.unusable.is_empty()).await;
    assert_eq!(ids(&cluster.status(0).await), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_damaged_label_costs_its_target_and_something_foreign_is_left_alone() {
    let mut cluster = TestCluster::prepare(Over::Memory, 1, 1, 1, 1);
    let second = two_targets(&mut cluster).await;
    cluster.stop_node(0).await;
    let image = std::fs::read(&second).unwrap();
    let mut damaged = image.clone();
    for slot in [0, 64 << 10] {
        damaged[slot + 40] ^= 1;
    }
    let mut foreign = vec![0; image.len()];
    foreign[0x438..0x43a].copy_from_slice(&[0x53, 0xef]);
    for (contents, why) in [(damaged, "superblock are damaged"), (foreign, "ext4")] {
        std::fs::write(&second, &contents).unwrap();
        start_with_two(&mut cluster).await.unwrap();
        let status = cluster.status(0).await;
        assert_eq!((status.targets.len(), status.unusable.len()), (1, 1));
        assert!(status.unusable[0].why.contains(why), "{}", status.unusable[0].why);
        cluster.stop_node(0).await;
        assert!(std::fs::read(&second).unwrap() == contents);
    }
    // Where there is nothing else, it looks like the wrong path.
    let mut config = cluster.config(0);
    config.target[0].path = second.clone();
    let refused = cluster.start_with(0, config).await.unwrap_err().to_string();
    assert!(refused.contains("ext4") && refused.contains("choose another"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_device_that_is_not_there_is_not_made_into_a_file() {
    let mut cluster = TestCluster::prepare(Over::Memory, 1, 1, 1, 1);
    let path = std::path::PathBuf::from(format!("/dev/isobar-test-{}", isobar_base::random_u64()));
    let mut config = cluster.config(0);
    config.target[0].path = path.clone();
    cluster.start_with(0, config).await.unwrap();
    let status = cluster.node(0).status();
    assert!(status.targets.is_empty() && status.unusable[0].why.contains("no such device"));
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_failed_a_write_is_read_on_and_comes_back_by_itself() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let target = cluster.status(2).await.targets[0].0.id;
    let channel = cluster.access.channels().to(&cluster.spec.node[2].addr);
    let geometry = Geometry { data: 2, parity: 1, len: 6 * 4096 };
    let put = async |counter| {
        let row = bytes(3 * 4096, counter as u8);
        let key = FragmentKey { segment: SegmentId { session: SessionId(1 << 40), counter }, row: 0 };
        let header = FragmentHeader { key, geometry, unit_crcs: unit_crcs(&row), data_crcs: Vec::new() };
        let (put, payload) = (PutRequest { target, header }, vec![Bytes::from(row)]);
        channel.call_with_payload::<_, ()>(Opcode::Put, &put, payload, SECOND * 5).await.map(drop)
    };
    let get = async |counter| {
        let key = FragmentKey { segment: SegmentId { session: SessionId(1 << 40), counter }, row: 0 };
        let get = GetRequest { target, key, first_unit: 0, units: 0 };
        let reply = channel.call_with_payload::<_, GetReply>(Opcode::Get, &get, Vec::new(), SECOND * 5).await;
        reply.map(|(_, payload)| payload[..].to_vec())
    };
    put(1).await.unwrap();
    cluster.devices.fail_writes(&cluster.target_path(2), true);
    assert!(matches!(put(2).await, Err(CallError::Refused(_))));
    cluster.wait_for(|view| view.live.iter().any(|live| live.id == target && live.failed)).await;
    assert_eq!(get(1).await.unwrap(), bytes(3 * 4096, 1));
    cluster.devices.fail_writes(&cluster.target_path(2), false);
    cluster.wait_for(|view| view.live.iter().all(|live| live.up && !live.failed)).await;
    assert_eq!(get(1).await.unwrap(), bytes(3 * 4096, 1));
    put(2).await.unwrap();
    assert_eq!(get(2).await.unwrap(), bytes(3 * 4096, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_on_a_device_that_stays_failed_are_written_over_the_others() {
    let cluster = TestCluster::start(Over::Memory, 4, 3, 3, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    for at in 0..5u64 {
        write(&session, &segments, &file, at * 200_000, bytes(200_000, at as u8)).await;
    }
    let failed = cluster.status(3).await.targets[0].0.id;
    cluster.devices.fail_writes(&cluster.target_path(3), true);
    // It takes a write to notice.
    segments.write(&session, bytes(200_000, 9).into()).await.unwrap();
    cluster.wait_for(|view| view.live.iter().any(|live| live.id == failed && live.failed)).await;
    eventually("no segment has a row on it", async || {
        let query = ClusterQuery::Segments { after: None, limit: 100 };
        let Ok(Answer::Segments(all)) = cluster.access.query(query).await else { return false };
        let map = &cluster.access.view().known().map;
        all.iter().all(|segment| {
            let group = map.group(segment.pg).unwrap();
            segment.positions.iter().all(|&at| group.positions[usize::from(at)].target != failed)
        })
    })
    .await;
}
