//! The first start of a cluster, and everything that must not be mistaken for one.

use std::time::Duration;

use isobar_base::TargetId;
use isobar_wire::Opcode;
use isobar_wire::message::cluster::{Heartbeat, HeartbeatReply};

use isobar_testcluster::{Over, SECOND, TestCluster, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn eight_nodes_found_one_cluster_and_build_its_placement() {
    let cluster = TestCluster::start(Over::Tcp, 8, 5, 6, 2).await;
    let view = cluster.view().await;
    assert_eq!(view.map.targets.len(), 8);
    assert_eq!(view.map.groups.len(), 64);
    assert!(view.map.groups.iter().all(|g| g.positions.len() == 8 && g.positions.iter().all(|p| p.clean)));
    let fs = view.map.fs.unwrap();
    assert_eq!((fs.data_rows, fs.parity_rows, fs.name.as_str()), (6, 2, "test"));
    let meta = cluster.status(0).await.meta.unwrap();
    assert_eq!(meta.members.iter().filter(|m| m.voting).count(), 5);
    assert!(cluster.status(7).await.meta.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_node_keeps_its_identities_over_a_restart() {
    let mut cluster = TestCluster::start(Over::Tcp, 3, 3, 2, 1).await;
    let before = cluster.status(0).await;
    cluster.stop_node(0).await;
    cluster.start_node(0).await.unwrap();
    let after = cluster.status(0).await;
    assert_eq!(before.targets[0].0, after.targets[0].0);
    assert_eq!(before.meta.unwrap().id, after.meta.as_ref().unwrap().id);
    assert!(after.meta.unwrap().initialized);
    cluster.wait_for(|view| view.live.iter().all(|l| l.up)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_blank_first_voter_does_not_found_a_second_cluster() {
    let mut cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    for at in 0..3 {
        cluster.stop_node(at).await;
    }
    cluster.lose_disks(0);
    // Alone: the others do not answer.
    cluster.start_node(0).await.unwrap();
    tokio::time::sleep(SECOND).await;
    assert!(!cluster.status(0).await.meta.unwrap().initialized);
    // Together: the others lead, and the blank disk stays outside.
    cluster.start_node(1).await.unwrap();
    cluster.start_node(2).await.unwrap();
    cluster.wait_for(|view| view.live.iter().filter(|l| l.up).count() == 2).await;
    tokio::time::sleep(SECOND).await;
    let status = cluster.status(0).await;
    let meta = cluster.status(1).await.meta.unwrap();
    assert!(meta.members.iter().all(|m| m.id != status.meta.as_ref().unwrap().id));
    assert!(!status.meta.unwrap().initialized);
    assert_eq!(status.unadmitted, [status.targets[0].0.id]);
    assert_eq!(cluster.view().await.map.targets.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_of_an_old_cluster_keep_blank_voters_from_founding_a_new_one() {
    use isobar_testcluster::{bytes, create, write};
    let mut cluster = TestCluster::start(Over::Memory, 3, 1, 2, 1).await;
    let session = cluster.session().await;
    let file = create(&session, "file").await;
    write(&session, &cluster.segments(), &file, 0, bytes(50_000, 1)).await;
    cluster.stop_node(0).await;
    cluster.lose_disks(0);
    cluster.start_node(0).await.unwrap();
    tokio::time::sleep(SECOND).await;
    assert!(!cluster.status(0).await.meta.unwrap().initialized);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn disks_of_other_clusters_and_nodes_are_refused() {
    let mut cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let other = TestCluster::prepare(Over::Memory, 3, 3, 2, 1);
    cluster.stop_node(1).await;
    cluster.stop_node(2).await;
    // Another node's target.
    let mut config = cluster.config(1);
    config.target[0].path = cluster.target_path(2);
    let refused = cluster.start_with(1, config).await.unwrap_err().to_string();
    assert!(refused.contains("belongs to node node2"), "{refused}");
    // Another node's voter.
    let mut config = cluster.config(1);
    config.data_dir = "node2".into();
    let refused = cluster.start_with(1, config).await.unwrap_err().to_string();
    assert!(refused.contains("belongs to node node2"), "{refused}");
    // A target of another cluster.
    std::fs::copy(cluster.target_path(2), other.target_path(2)).unwrap();
    let mut other = other;
    let refused = other.start_node(2).await.unwrap_err().to_string();
    assert!(refused.contains("this is node node2 of cluster"), "{refused}");
    // A voter whose log is gone.
    std::fs::remove_dir_all(cluster.dir.path().join("node1/meta/group-0")).unwrap();
    let refused = cluster.start_node(1).await.unwrap_err().to_string();
    assert!(refused.contains("its log is gone"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cluster_with_a_voter_missing_waits_for_it() {
    let mut cluster = TestCluster::prepare(Over::Memory, 3, 3, 2, 1);
    cluster.start_node(0).await.unwrap();
    cluster.start_node(1).await.unwrap();
    tokio::time::sleep(SECOND).await;
    assert!(!cluster.status(0).await.meta.unwrap().initialized);
    cluster.start_node(2).await.unwrap();
    cluster.wait_for(|view| !view.map.groups.is_empty()).await;
    assert!(cluster.access.refresh(Duration::from_secs(1)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn more_targets_at_once_than_an_entry_has_operations_are_admitted() {
    const TARGETS: u32 = 4100;
    let mut cluster = TestCluster::prepare(Over::Memory, 4, 3, 2, 1);
    for at in 0..3 {
        cluster.start_node(at).await.unwrap();
    }
    cluster.wait_for(|view| view.map.targets.len() == 3).await;
    // The fourth node has very many disks, and reports by the mouth of this test.
    let (info, live) = cluster.status(0).await.targets[0].clone();
    let target = |slot: u32| {
        let id = TargetId(1 << 32 | u64::from(slot));
        let info =
            isobar_wire::message::cluster::TargetInfo { id, node: "node3".into(), slot, ..info.clone() };
        (info, isobar_wire::message::cluster::TargetLive { id, ..live })
    };
    let heartbeat = Heartbeat {
        node: "node3".to_owned(),
        addr: cluster.spec.node[3].addr.clone(),
        epoch: u64::MAX,
        targets: (0..TARGETS).map(target).collect(),
        contradicting: Vec::new(),
        voter: None,
    };
    eventually("as many are known as there may be", async || {
        if let Some(leader) = cluster.leader() {
            let channel = cluster.access.channels().to(&cluster.spec.node[leader].addr);
            channel.call::<_, HeartbeatReply>(Opcode::Heartbeat, &heartbeat, 5 * SECOND).await.ok();
        }
        cluster.view().await.map.targets.len() == 4096
    })
    .await;
}
