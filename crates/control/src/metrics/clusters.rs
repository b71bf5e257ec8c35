//! How clusters and their nodes were when they were seen last.

use std::sync::atomic::AtomicU64;

use isobar_arm::ResourceId;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::watch::{HealthState, NodeObservation, NodeState, Sight};

/// Which cluster it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(crate) struct OfCluster {
    subscription: String,
    resource_group: String,
    cluster: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfState {
    subscription: String,
    resource_group: String,
    cluster: String,
    state: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfNode {
    subscription: String,
    resource_group: String,
    cluster: String,
    node: String,
}

type Numbers<L> = Family<L, Gauge>;
type Counts = Family<OfNode, Counter<u64, AtomicU64>>;

/// All states, so that one that ends is told as 0.
const STATES: [(HealthState, &str); 4] = [
    (HealthState::Healthy, "Healthy"),
    (HealthState::Degraded, "Degraded"),
    (HealthState::Unhealthy, "Unhealthy"),
    (HealthState::Unknown, "Unknown"),
];

#[derive(Default)]
struct Clusters {
    health: Numbers<OfState>,
    nodes: Numbers<OfCluster>,
    nodes_up: Numbers<OfCluster>,
    may_be_lost: Numbers<OfCluster>,
    observed: Numbers<OfCluster>,
    capacity: Numbers<OfCluster>,
    used: Numbers<OfCluster>,
    node_up: Numbers<OfNode>,
    node_whole: Numbers<OfNode>,
    node_capacity: Numbers<OfNode>,
    node_used: Numbers<OfNode>,
    node_read: Counts,
    node_written: Counts,
    node_requests: Counts,
}

impl OfCluster {
    /// The labels of this one.
    pub(crate) fn of(cluster: &ResourceId) -> OfCluster {
        OfCluster {
            subscription: cluster.subscription().unwrap_or_default().to_owned(),
            resource_group: cluster.group().unwrap_or_default().to_owned(),
            cluster: cluster.name().to_owned(),
        }
    }

    fn in_state(&self, state: &'static str) -> OfState {
        let OfCluster { subscription, resource_group, cluster } = self.clone();
        OfState { subscription, resource_group, cluster, state }
    }

    fn node(&self, node: &str) -> OfNode {
        let OfCluster { subscription, resource_group, cluster } = self.clone();
        OfNode { subscription, resource_group, cluster, node: node.to_owned() }
    }
}

fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Bytes of a node's targets: all, and those that are used.
fn bytes_of(node: &NodeObservation) -> (u64, u64) {
    let sum = |of: fn(&crate::watch::TargetObservation) -> u64| node.targets.iter().map(of).sum();
    (sum(|target| target.total_bytes), sum(|target| target.used_bytes))
}

impl Clusters {
    fn add(&self, of: &OfCluster, sight: &Sight) {
        let seen = &sight.observation;
        for (state, name) in STATES {
            self.health.get_or_create(&of.in_state(name)).set(i64::from(seen.state == state));
        }
        self.nodes.get_or_create(of).set(signed(seen.nodes.len()));
        self.nodes_up.get_or_create(of).set(signed(seen.nodes_up()));
        if let Some(may) = seen.nodes_may_be_lost {
            self.may_be_lost.get_or_create(of).set(i64::from(may));
        }
        self.observed.get_or_create(of).set(sight.at.millis() / 1000);
        let all = seen.nodes.iter().map(bytes_of);
        let (total, used) = all.fold((0, 0), |(total, used), of| (total + of.0, used + of.1));
        self.capacity.get_or_create(of).set(signed(total));
        self.used.get_or_create(of).set(signed(used));
        seen.nodes.iter().for_each(|node| self.add_node(&of.node(&node.name), node));
    }

    fn add_node(&self, of: &OfNode, node: &NodeObservation) {
        self.node_up.get_or_create(of).set(i64::from(node.state == NodeState::Up));
        self.node_whole.get_or_create(of).set(i64::from(node.whole));
        let (total, used) = bytes_of(node);
        self.node_capacity.get_or_create(of).set(signed(total));
        self.node_used.get_or_create(of).set(signed(used));
        if let Some(served) = node.served {
            self.node_read.get_or_create(of).inc_by(served.read_bytes);
            self.node_written.get_or_create(of).inc_by(served.written_bytes);
            self.node_requests.get_or_create(of).inc_by(served.requests);
        }
    }
}

/// Names what was seen of these clusters.
pub(crate) fn register<'s>(
    registry: &mut Registry,
    clusters: impl IntoIterator<Item = (OfCluster, &'s Sight)>,
) {
    let all = Clusters::default();
    clusters.into_iter().for_each(|(of, sight)| all.add(&of, sight));
    let Clusters { health, nodes, nodes_up, may_be_lost, observed, capacity, used, .. } = all;
    registry.register("isobar_cluster_health", "1 for the state that a cluster is in", health);
    registry.register("isobar_cluster_nodes", "Nodes of a cluster", nodes);
    registry.register("isobar_cluster_nodes_up", "Nodes of a cluster that are up", nodes_up);
    registry.register(
        "isobar_cluster_nodes_may_be_lost",
        "So many more nodes may be lost and nothing is; absent when that is not known",
        may_be_lost,
    );
    let seconds = Unit::Seconds;
    let text = "When a cluster was seen last, in seconds since 1970";
    registry.register_with_unit("isobar_cluster_observed_timestamp", text, seconds, observed);
    let text = "Raw capacity of a cluster";
    registry.register_with_unit("isobar_cluster_capacity", text, Unit::Bytes, capacity);
    let text = "What of the raw capacity of a cluster is used";
    registry.register_with_unit("isobar_cluster_used", text, Unit::Bytes, used);
    registry.register("isobar_node_up", "Whether a node is up", all.node_up);
    let text = "Whether a node is up and has everything it should have";
    registry.register("isobar_node_whole", text, all.node_whole);
    let text = "Raw capacity of a node";
    registry.register_with_unit("isobar_node_capacity", text, Unit::Bytes, all.node_capacity);
    let text = "What of the raw capacity of a node is used";
    registry.register_with_unit("isobar_node_used", text, Unit::Bytes, all.node_used);
    let text = "Read from a node for clients since its process started";
    registry.register_with_unit("isobar_node_read", text, Unit::Bytes, all.node_read);
    let text = "Written to a node by clients since its process started";
    registry.register_with_unit("isobar_node_written", text, Unit::Bytes, all.node_written);
    let text = "Requests that a node has answered since its process started";
    registry.register("isobar_node_requests", text, all.node_requests);
}
