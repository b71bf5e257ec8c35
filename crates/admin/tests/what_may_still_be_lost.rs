//! How whole clusters are judged: founded or not, with a quorum or without, with voters out of it.

use isobar_admin::{Attention, Health, VoterState, health, node_states};
use isobar_testcluster::{Over, SECOND, TestCluster, eventually};
use isobar_wire::message::cluster::FoundingWait;

/// Asks and judges, as `isobar status` does.
async fn judged(cluster: &TestCluster) -> Health {
    let access = cluster.access_from("operator");
    let view = access.refresh(2 * SECOND).await.ok();
    let nodes = node_states(&cluster.spec, &access).await;
    health(&cluster.spec, &nodes, view.as_ref(), None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_said_which_voter_is_missing_for_the_founding() {
    let mut cluster = TestCluster::prepare(Over::Memory, 3, 3, 1, 1);
    for at in 0..2 {
        cluster.start_node(at).await.unwrap();
    }
    let waits_for_it = Some(FoundingWait::Voters(vec!["node2".to_owned()]));
    eventually("the voters say whom they wait for", async || {
        let founding = judged(&cluster).await.founding;
        founding.is_some_and(|f| f.silent == ["node2"] && f.waiting == waits_for_it)
    })
    .await;
    cluster.start_node(2).await.unwrap();
    eventually("all three vote and nothing is left to do", async || {
        let found = judged(&cluster).await;
        found.is_good() && found.voters_may_be_lost == Some(1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_lost_falls_with_each_voter_and_no_leader_is_shown_without_a_quorum() {
    let mut cluster = TestCluster::start(Over::Memory, 3, 3, 1, 1).await;
    let leader = cluster.leader().unwrap();
    let others: Vec<usize> = (0..3).filter(|&at| at != leader).collect();
    // A blank disk does not vote.
    cluster.stop_node(others[0]).await;
    cluster.lose_disks(others[0]);
    cluster.start_node(others[0]).await.unwrap();
    let blank = format!("node{}", others[0]);
    eventually("the blank voter does not count", async || {
        let found = judged(&cluster).await;
        let named = Attention::VoterBlank { node: blank.clone() };
        found.voters_may_be_lost == Some(0) && found.attention.contains(&named)
    })
    .await;
    // The leader is left alone: whatever it takes itself for, it is not shown as leader.
    cluster.stop_node(others[1]).await;
    let found = judged(&cluster).await;
    assert_eq!((found.leader.as_deref(), found.voters_may_be_lost), (None, None), "{found:?}");
    let dead = [(&blank, VoterState::Blank), (&format!("node{}", others[1]), VoterState::Silent)];
    assert!(dead.iter().all(|(node, state)| found.voter(node) == Some(*state)), "{found:?}");
    assert!(
        matches!(&found.attention[0], Attention::NoQuorum { missing } if missing.len() == 2),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voter_that_moved_with_its_disk_is_shown_out_of_the_quorum() {
    let mut cluster = TestCluster::start(Over::Memory, 3, 3, 1, 1).await;
    let moved = (cluster.leader().unwrap() + 1) % 3;
    let old = cluster.spec.node[moved].addr.clone();
    cluster.stop_node(moved).await;
    cluster.spec.node[moved].addr = format!("node{moved}:7777").parse().unwrap();
    std::fs::write(cluster.dir.path().join("cluster.toml"), cluster.spec.to_toml().unwrap()).unwrap();
    cluster.start_node(moved).await.unwrap();
    let unheard = Attention::VoterUnheard { node: format!("node{moved}"), called_at: Some(old) };
    eventually("the voter that nobody finds is named", async || {
        let found = judged(&cluster).await;
        found.voters_may_be_lost == Some(0) && found.attention.contains(&unheard)
    })
    .await;
}
