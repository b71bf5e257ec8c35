//! What is said of clusters in which something is missing.

use isobar_admin::health;
use isobar_base::{ClusterId, PgId};
use isobar_config::NodeSpec;
use isobar_wire::Address;
use isobar_wire::message::cluster::{ClusterMap, FsSettings, MetaStatus, VoterStatus};

use super::*;

const NODES: usize = 6;

fn addr(node: usize) -> Address {
    format!("h{node}:1").parse().expect("an address")
}

/// Six nodes, n1 to n6, of which the first five vote; 4+2 rows.
fn spec() -> ClusterSpec {
    let node = |at: usize| NodeSpec {
        name: format!("n{at}"),
        addr: addr(at),
        voter: at <= 5,
        domain: String::new(),
    };
    ClusterSpec {
        version: 1,
        cluster: "0123456789abcdef".to_owned(),
        name: "fs".to_owned(),
        data_rows: 4,
        parity_rows: 2,
        credentials: ".".into(),
        encrypt: true,
        node: (1..=NODES).map(node).collect(),
        base: "".into(),
    }
}

fn target(at: usize) -> TargetInfo {
    TargetInfo {
        id: TargetId(at as u64),
        node: format!("n{at}"),
        slot: 0,
        addr: addr(at),
        domain: String::new(),
        capacity_bytes: 100,
    }
}

fn live(at: usize) -> TargetLive {
    TargetLive {
        id: TargetId(at as u64),
        up: true,
        failed: false,
        damaged_rows: 0,
        used_bytes: 7,
        free_bytes: 93,
        rebuild: None,
    }
}

fn status(at: usize) -> NodeStatus {
    let member = |at: usize| VoterStatus {
        id: at as u64,
        node: format!("n{at}"),
        addr: addr(at),
        voting: true,
        matched: None,
    };
    let meta = MetaStatus {
        apply_ms_max: 0,
        id: at as u64,
        initialized: true,
        term: 3,
        leader: Some("n1".to_owned()),
        last_log: 9,
        applied: 9,
        state_hash: None,
        members: (1..=5).map(member).collect(),
        stopped: None,
        waiting: None,
    };
    NodeStatus {
        node: format!("n{at}"),
        cluster: ClusterId(1),
        version: "1".to_owned(),
        pid: 1,
        cpu_milliseconds: 0,
        served: Default::default(),
        targets: vec![(target(at), live(at))],
        unadmitted: Vec::new(),
        unusable: Vec::new(),
        meta: (at <= 5).then_some(meta),
    }
}

struct Stage {
    nodes: Vec<Option<NodeStatus>>,
    view: Option<ClusterView>,
}

impl Stage {
    fn new() -> Stage {
        let position = |at: usize| Position { target: TargetId(at as u64), since: 1, clean: true };
        let group = PlacementGroup { id: PgId(0), positions: (1..=NODES).map(position).collect() };
        let fs = FsSettings { cluster: ClusterId(1), name: "fs".to_owned(), data_rows: 4, parity_rows: 2 };
        let map = ClusterMap {
            epoch: 1,
            fs: Some(fs),
            targets: (1..=NODES).map(target).collect(),
            groups: vec![group],
            replacing: Vec::new(),
        };
        let view = ClusterView { map, live: (1..=NODES).map(live).collect(), reclaiming: false };
        Stage { nodes: (1..=NODES).map(|at| Some(status(at))).collect(), view: Some(view) }
    }

    fn down(mut self, nodes: &[usize]) -> Stage {
        for at in nodes {
            self.nodes[at - 1] = None;
        }
        self
    }

    fn view(mut self, change: impl FnOnce(&mut ClusterView)) -> Stage {
        change(self.view.as_mut().expect("a view"));
        self
    }

    fn seen(&self) -> Observation {
        let spec = spec();
        let health = health(&spec, &self.nodes, self.view.as_ref(), None);
        judge(&Answers { spec: &spec, nodes: &self.nodes, view: self.view.as_ref(), health: &health })
    }
}

fn without(seen: &Observation, node: &str) -> Option<i64> {
    seen.node(node).expect("a node").spare_without
}

#[test]
fn a_whole_cluster_is_healthy_and_says_what_may_be_lost() {
    let seen = Stage::new().seen();
    assert_eq!(seen.state, HealthState::Healthy, "{seen:#?}");
    assert_eq!(seen.statement, "All 6 nodes are up. Any 2 nodes may be lost and nothing is lost.");
    assert_eq!((seen.nodes_may_be_lost, seen.nodes_up(), seen.capacity()), (Some(2), 6, (600, 42)));
    assert_eq!(
        (seen.leader.as_deref(), seen.node("n1").map(|n| n.statement.as_str())),
        (Some("n1"), Some("It is up and leads."))
    );
    assert!(seen.nodes.iter().all(|node| node.whole && !node.blank));
    assert_eq!(
        (seen.node("n5").and_then(|n| n.votes), seen.node("n6").and_then(|n| n.votes)),
        (Some(true), Some(false))
    );
    assert_eq!((without(&seen, "n2"), without(&seen, "n6")), (Some(1), Some(1)));
}

#[test]
fn what_is_missing_counts_of_data_and_of_voters() {
    // The leader has not noticed yet that the node is gone.
    let one = Stage::new().down(&[6]).seen();
    assert_eq!((one.state, one.nodes_may_be_lost), (HealthState::Degraded, Some(1)));
    assert_eq!(one.statement, "5 of 6 nodes are up. 1 more node may be lost and nothing is lost.");
    assert_eq!(one.attention, ["n6 does not answer: start it; if its disks are gone for good: replace n6"]);
    assert_eq!((without(&one, "n6"), without(&one, "n2")), (Some(1), Some(0)));
    let two = Stage::new().down(&[5, 6]).seen();
    assert_eq!(two.statement, "4 of 6 nodes are up. No more node may be lost.");
    assert_eq!((two.nodes_may_be_lost, without(&two, "n2")), (Some(0), Some(-1)));
    let three = Stage::new().down(&[4, 5, 6]).seen();
    assert_eq!(three.state, HealthState::Unhealthy);
    assert!(three.statement.contains("cannot be read"), "{}", three.statement);
    assert_eq!((three.nodes_may_be_lost, without(&three, "n4")), (Some(0), Some(-1)));
}

#[test]
fn without_a_leader_nothing_is_promised() {
    let mut stage = Stage::new().down(&[3, 4, 5]);
    stage.view = None;
    let seen = stage.seen();
    assert_eq!((seen.state, seen.leader.as_deref()), (HealthState::Unhealthy, None));
    assert!(
        seen.statement.contains("2 of 5 voters") && seen.statement.contains("calls wait"),
        "{}",
        seen.statement
    );
    assert_eq!(without(&seen, "n1"), Some(-2));
    // Enough of them answer, and none was confirmed as the leader: nobody knows.
    let mut stage = Stage::new();
    stage.view = None;
    let seen = stage.seen();
    assert_eq!(
        (seen.state, without(&seen, "n6"), seen.nodes_may_be_lost),
        (HealthState::Unhealthy, None, None)
    );
    assert_eq!(seen.capacity(), (600, 42));
}

#[test]
fn rows_that_are_not_back_or_not_good_are_missing() {
    let rebuilt = Stage::new().view(|view| {
        view.map.groups[0].positions[5].clean = false;
        view.live[5].rebuild = Some((3, 9));
    });
    let seen = rebuilt.seen();
    let node = seen.node("n6").expect("a node");
    assert_eq!((seen.state, seen.nodes_may_be_lost, node.whole), (HealthState::Degraded, Some(1), false));
    assert_eq!(
        (node.rebuild, node.statement.as_str()),
        (Some((3, 9)), "It is up; 3 of 9 rows are built again.")
    );
    assert!(seen.statement.ends_with("The rows of n6 are built again."), "{}", seen.statement);
    let damaged = Stage::new().view(|view| view.live[0].damaged_rows = 1).seen();
    assert_eq!((damaged.state, damaged.nodes_may_be_lost), (HealthState::Degraded, Some(1)));
    let failed = Stage::new().view(|view| view.live[0].failed = true).seen();
    assert_eq!((failed.nodes_may_be_lost, failed.node("n1").map(|n| n.whole)), (Some(1), Some(false)));
}

#[test]
fn a_node_with_other_disks_is_a_stranger() {
    let mut stage = Stage::new().view(|view| view.live[5].up = false);
    if let Some(status) = &mut stage.nodes[5] {
        status.targets[0].0.id = TargetId(66);
    }
    let seen = stage.seen();
    let node = seen.node("n6").expect("a node");
    assert_eq!((node.state, node.blank, node.whole), (NodeState::Up, true, false));
    assert!(node.statement.contains("replace it"), "{}", node.statement);
    assert_eq!(without(&seen, "n6"), Some(1));
    // One that votes with another disk.
    let mut stage = Stage::new();
    if let Some(Some(meta)) = stage.nodes[1].as_mut().map(|status| &mut status.meta) {
        meta.id = 22;
    }
    let seen = stage.seen();
    assert!(seen.node("n2").is_some_and(|node| node.blank && !node.whole), "{seen:#?}");
    assert_eq!(seen.nodes_may_be_lost, Some(1));
    // Its place is promised to it, and it has not come.
    let awaited = Stage::new().view(|view| view.map.replacing.push("n6".to_owned())).seen();
    assert!(awaited.node("n6").is_some_and(|node| !node.whole));
}

#[test]
fn a_cluster_that_is_not_founded_is_not_healthy() {
    let mut stage = Stage::new();
    stage.view = None;
    for status in stage.nodes.iter_mut().flatten() {
        if let Some(meta) = &mut status.meta {
            (meta.initialized, meta.leader) = (false, None);
        }
    }
    let seen = stage.seen();
    assert_eq!(seen.state, HealthState::Unhealthy);
    assert!(seen.statement.contains("not founded yet"), "{}", seen.statement);
    let placing = Stage::new().view(|view| view.map.groups.clear()).seen();
    assert_eq!(placing.state, HealthState::Unhealthy);
}
