//! A node whose disks are gone comes back with blank ones.

use isobar_wire::message::admin::{AdminRefusal, AdminReply, AdminRequest};
use isobar_wire::message::queries::{Answer, FileQuery};

use isobar_testcluster::{Over, TestCluster, bytes, create, eventually, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_node_votes_again_and_gets_all_its_rows_back() {
    let mut cluster = TestCluster::start(Over::Tcp, 4, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    for at in 0..40u64 {
        write(&session, &segments, &file, at << 20, bytes(10_000 + at as usize * 3_000, at as u8)).await;
    }
    let lost = (cluster.leader().unwrap() + 1) % 3;
    // One for each read: the first that fails makes its client learn the new map.
    let mut with_the_old_map = Vec::new();
    for _ in 0..40 {
        with_the_old_map.push(cluster.segments_with_the_map_of_now().await);
    }
    let mut before = cluster.rows_of(lost).await;
    let old = cluster.status(lost).await;
    assert!(!before.is_empty());
    cluster.stop_node(lost).await;
    cluster.lose_disks(lost);
    cluster.start_node(lost).await.unwrap();
    // Nothing happens by itself: a blank disk is a stranger.
    eventually("it is told that it is a stranger", async || {
        !cluster.status(lost).await.unadmitted.is_empty()
    })
    .await;
    let node = format!("node{lost}");
    let replacing = cluster.access.admin(&AdminRequest::ReplaceNode { node: node.clone() }).await;
    assert_eq!(replacing.unwrap(), AdminReply::Replacing { now: true });
    let view = cluster
        .wait_for(|view| {
            view.map.targets.iter().any(|t| t.node == node && t.id != old.targets[0].0.id)
                && view.map.groups.iter().all(|g| g.positions.iter().all(|p| p.clean))
        })
        .await;
    assert!(view.map.replacing.is_empty());
    let mut after = cluster.rows_of(lost).await;
    before.sort();
    after.sort();
    assert_eq!(before, after);
    let new = cluster.status(lost).await;
    let meta = new.meta.unwrap();
    assert!(meta.initialized && meta.id != old.meta.as_ref().unwrap().id);
    let voters: Vec<u64> = meta.members.iter().filter(|m| m.voting).map(|m| m.id).collect();
    assert!(voters.contains(&meta.id) && !voters.contains(&old.meta.unwrap().id) && voters.len() == 3);
    // The rebuilt rows decode to what was written: read everything with another node gone.
    cluster.stop_node((lost + 1) % 3).await;
    let map = FileQuery::Map { ino: file.ino, offset: 0, len: u64::MAX };
    let Answer::Map(map) = cluster.access.query(map).await.unwrap() else { panic!() };
    assert_eq!(map.segments.len(), 40);
    for extent in &map.extents {
        let at = extent.offset >> 20;
        let isobar_wire::message::files::Source::Segment { id, .. } = extent.source else { panic!() };
        let segment = map.segments.iter().find(|s| s.id == id).unwrap();
        let parts = segments.read(segment, 0..extent.len as u32).await.unwrap();
        assert_eq!(parts.concat(), bytes(10_000 + at as usize * 3_000, at as u8));
        // Whoever has not heard of the replacement asks before giving up.
        let parts = with_the_old_map.pop().unwrap().read(segment, 0..extent.len as u32).await.unwrap();
        assert_eq!(parts.concat(), bytes(10_000 + at as usize * 3_000, at as u8));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_nodes_of_the_cluster_file_that_lack_a_disk_can_be_replaced() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let refused = cluster.access.admin(&AdminRequest::ReplaceNode { node: "nobody".to_owned() }).await;
    let names = (0..3).map(|node| format!("node{node}")).collect();
    let expected = AdminRefusal::NoSuchNode { node: "nobody".to_owned(), names };
    assert_eq!(refused.unwrap(), AdminReply::Refused(expected));
    let refused = cluster.access.admin(&AdminRequest::ReplaceNode { node: "node1".to_owned() }).await;
    let expected = AdminRefusal::NothingToReplace { node: "node1".to_owned() };
    assert_eq!(refused.unwrap(), AdminReply::Refused(expected));
}
