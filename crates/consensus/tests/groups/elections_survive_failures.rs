//! Leaders die, nodes are cut off: what was acknowledged stays, and a majority goes on.

use crate::common::{Cluster, eventually};
use isobar_consensus::ProposeError;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_leader_is_replaced_and_nothing_acknowledged_is_lost() {
    let mut cluster = Cluster::new(5).await;
    let mut acked = Vec::new();
    for round in 0..3 {
        for n in 0..20 {
            let key = format!("k{round}-{n}");
            cluster.put(&key, "v").await;
            acked.push(key);
        }
        let leader = cluster.leader().await;
        cluster.kill(leader).await;
        let next = cluster.leader().await;
        assert_ne!(next, leader);
        for key in &acked {
            assert_eq!(cluster.get(next, key).as_deref(), Some("v"), "{key} after leader {leader} died");
        }
        cluster.start(leader).await.unwrap();
    }
    cluster.converged().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_survivors_of_five_keep_electing_without_split_votes() {
    let mut cluster = Cluster::new(5).await;
    let first = cluster.leader().await;
    cluster.kill(first).await;
    let second = cluster.leader().await;
    cluster.kill(second).await;
    cluster.put("with", "three").await;
    // Every remaining node is needed now: a split vote would need both of the others to repeat for ever.
    for round in 0..3 {
        let leader = cluster.leader().await;
        cluster.cut(leader);
        eventually(|| cluster.node(leader).status().term > 0, "the leader is cut off").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        cluster.heal(leader);
        cluster.put(&format!("r{round}"), "v").await;
    }
    cluster.converged().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_three_elect_within_seconds_every_time() {
    let mut cluster = Cluster::new(3).await;
    for _ in 0..3 {
        let leader = cluster.leader().await;
        cluster.kill(leader).await;
        assert!(
            cluster.leader_within(Duration::from_secs(5)).await.is_some(),
            "two voters split their votes"
        );
        cluster.start(leader).await.unwrap();
        cluster.converged().await;
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_without_a_majority_confirms_no_read_and_acknowledges_nothing() {
    let cluster = Cluster::new(3).await;
    cluster.put("a", "1").await;
    let old = cluster.leader().await;
    let silence = |slot: usize| cluster.node(slot).quorum_silence();
    eventually(|| silence(old).is_some_and(|s| s < Duration::from_secs(1)), "a majority answers").await;
    cluster.cut(old);
    let confirmation = cluster.node(old).read_index().await;
    assert!(
        matches!(confirmation, Err(ProposeError::NoQuorum | ProposeError::NotLeader { .. })),
        "{confirmation:?}"
    );
    let orphan = cluster.node(old).clone();
    let orphan = tokio::spawn(async move { orphan.propose(b"a=orphan".to_vec()).await });
    cluster.put("a", "2").await;
    eventually(|| silence(old) > Some(Duration::from_millis(500)), "its silence is known").await;
    cluster.heal(old);
    assert!(orphan.await.unwrap().is_err());
    cluster.converged().await;
    assert_eq!(cluster.get(old, "a").as_deref(), Some("2"));
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proposals_in_flight_take_effect_in_order_and_reads_are_shared() {
    let cluster = Cluster::new(3).await;
    let leader = cluster.leader().await;
    let group = cluster.node(leader);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let group = group.clone();
        tasks.spawn(async move { group.propose(format!("k{n}={n}").into_bytes()).await.unwrap().0 });
    }
    let mut indexes = tasks.join_all().await;
    indexes.sort_unstable();
    indexes.dedup();
    assert_eq!(indexes.len(), 200);
    let mut reads = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let group = group.clone();
        reads.spawn(async move { group.read_index().await });
    }
    assert!(reads.join_all().await.into_iter().all(|r| r.is_ok()));
    let (_, old) = group.propose(b"k7=again".to_vec()).await.unwrap();
    assert_eq!(old, b"7");
    let too_large = vec![b'='; 1 << 20];
    assert!(matches!(group.propose(too_large).await, Err(ProposeError::TooLarge { .. })));
    cluster.converged().await;
    cluster.shutdown().await;
}
