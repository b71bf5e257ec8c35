//! Identity is the disk's (I13): replacing voters, and what a blank disk must not do.

use crate::common::{Cluster, copy_dir};
use isobar_consensus::{ConsensusError, Member, Rpc};
use std::time::Duration;

/// Voters 0..5. An entry is acknowledged by 0, 1, 2 only. Then 0 and 1 die, and 2 comes back blank: 3 and 4,
/// which lack the entry, must not elect a leader with its help.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_disk_never_helps_to_elect_a_leader_that_lacks_an_acknowledged_entry() {
    let mut cluster = Cluster::new(5).await;
    cluster.put("before", "1").await;
    cluster.converged().await;
    // Make one of 0..3 the leader, then leave it with exactly two followers.
    let leader = cluster.leader().await;
    let others: Vec<usize> = (0..5).filter(|&s| s != leader).collect();
    let (with, without) = (&others[..2], &others[2..]);
    without.iter().for_each(|&s| cluster.cut(s));
    cluster.put("acked", "1").await;
    cluster.kill(leader).await;
    cluster.kill(with[0]).await;
    // The third holder loses its disk: a new disk is a new id at the same address.
    let lost = with[1];
    cluster.kill(lost).await;
    std::fs::remove_dir_all(cluster.path(lost)).unwrap();
    let old_member = cluster.members[lost].clone();
    cluster.members[lost] = Member { id: 424_242, ..old_member.clone() };
    cluster.start(lost).await.unwrap();
    assert!(!cluster.node(lost).is_initialized());
    without.iter().for_each(|&s| cluster.heal(s));
    // The two that lack the entry ask, and find no third that is with them.
    assert_eq!(cluster.leader_within(Duration::from_secs(3)).await, None);
    assert!(!cluster.node(lost).is_initialized(), "the stranger gave no vote");
    assert!(
        cluster.net.refused.lock().unwrap().iter().any(|e| e.contains("message for voter")),
        "it was asked"
    );
    // Nor does it answer when asked directly under its predecessor's id.
    let mut body = 3u16.to_le_bytes().to_vec();
    body.extend_from_slice(&cluster.members[without[0]].id.to_le_bytes());
    body.extend_from_slice(&old_member.id.to_le_bytes());
    let error = cluster.node(lost).handle(Rpc::Vote, &body).await.unwrap_err();
    assert!(matches!(error, ConsensusError::WrongPeer { .. }), "{error}");
    // With one holder back there is a majority again, the entry is there, and the blank disk can join.
    cluster.start(with[0]).await.unwrap();
    let next = cluster.leader().await;
    assert_eq!(cluster.get(next, "acked").as_deref(), Some("1"));
    cluster.node(next).replace_voter(Some(old_member.id), cluster.members[lost].clone()).await.unwrap();
    cluster.converged().await;
    assert_eq!(cluster.get(lost, "acked").as_deref(), Some("1"));
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_a_voter_is_one_change_and_survives_restart() {
    let mut cluster = Cluster::tuned(3, |c| c.log_keep_entries = 20).await;
    for n in 0..100 {
        cluster.put(&format!("k{n}"), "v").await;
    }
    let leader = cluster.leader().await;
    cluster.node(leader).checkpoint().await.unwrap();
    crate::common::eventually(|| cluster.node(leader).status().purged > 50, "the leader purges").await;
    let gone = (leader + 1) % 3;
    let gone_id = cluster.members[gone].id;
    cluster.kill(gone).await;
    let fresh = cluster.add().await;
    let new = cluster.members[fresh].clone();
    let follower = (leader + 2) % 3;
    assert!(matches!(
        cluster.node(follower).replace_voter(Some(gone_id), new.clone()).await,
        Err(ConsensusError::NotLeader { .. })
    ));
    cluster.node(leader).replace_voter(Some(gone_id), new.clone()).await.unwrap();
    cluster.node(leader).replace_voter(Some(gone_id), new.clone()).await.unwrap();
    let status = cluster.node(leader).status();
    let voters: Vec<u64> = status.voters.iter().map(|v| v.id).collect();
    assert!(voters.contains(&new.id) && !voters.contains(&gone_id) && voters.len() == 3, "{status:?}");
    assert!(status.learners.is_empty() && !status.joint);
    let before = cluster.converged().await;
    for slot in [leader, follower, fresh] {
        cluster.kill(slot).await;
    }
    for slot in [leader, follower, fresh] {
        cluster.start(slot).await.unwrap();
    }
    cluster.leader().await;
    assert_eq!(cluster.converged().await, before);
    // The new voter carries a majority: with one of the old ones gone it still elects.
    cluster.kill(leader).await;
    cluster.put("still", "here").await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_can_replace_itself() {
    let mut cluster = Cluster::new(3).await;
    cluster.put("a", "1").await;
    let leader = cluster.leader().await;
    let id = cluster.members[leader].id;
    let fresh = cluster.add().await;
    cluster.node(leader).replace_voter(Some(id), cluster.members[fresh].clone()).await.unwrap();
    cluster.kill(leader).await;
    cluster.put("b", "2").await;
    cluster.converged().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_founded_once_and_one_voter_is_enough() {
    let mut cluster = Cluster::new(1).await;
    assert!(matches!(
        cluster.node(0).initialize(cluster.members.clone()).await,
        Err(ConsensusError::Refused(_))
    ));
    cluster.put("a", "1").await;
    cluster.kill(0).await;
    cluster.start(0).await.unwrap();
    cluster.put("b", "2").await;
    assert_eq!(cluster.get(0, "a").as_deref(), Some("1"));
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_went_back_in_time_is_a_stranger_and_the_leader_goes_on() {
    let mut cluster = Cluster::new(3).await;
    for n in 0..20 {
        cluster.put(&format!("k{n}"), "old").await;
    }
    let leader = cluster.leader().await;
    let back = (leader + 1) % 3;
    cluster.converged().await;
    cluster.kill(back).await;
    let copy = cluster.dir.path().join("copy");
    copy_dir(&cluster.path(back), &copy);
    cluster.start(back).await.unwrap();
    for n in 0..20 {
        cluster.put(&format!("k{n}"), "new").await;
    }
    cluster.converged().await;
    cluster.kill(back).await;
    std::fs::remove_dir_all(cluster.path(back)).unwrap();
    copy_dir(&copy, &cluster.path(back));
    let applied = cluster.node(leader).status().applied;
    cluster.start(back).await.unwrap();
    let told = || cluster.net.refused.lock().unwrap().iter().any(|e| e.contains("went back in time"));
    crate::common::eventually(told, "it is told that it is a stranger").await;
    assert!(cluster.node(back).status().applied < applied, "nothing is sent to it");
    // The leader has not so much as noticed, and a new disk takes the stranger's place.
    cluster.put("after", "1").await;
    assert_eq!(cluster.leader().await, leader);
    let old = cluster.members[back].clone();
    cluster.kill(back).await;
    std::fs::remove_dir_all(cluster.path(back)).unwrap();
    cluster.members[back] = Member { id: 77_777, ..old.clone() };
    cluster.start(back).await.unwrap();
    cluster.node(leader).replace_voter(Some(old.id), cluster.members[back].clone()).await.unwrap();
    cluster.converged().await;
    assert_eq!(cluster.get(back, "k7").as_deref(), Some("new"));
    cluster.shutdown().await;
}
