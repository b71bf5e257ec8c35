//! What all parts of a node share. Every duty and every role imports this file; it imports none of them, only
//! what they own: targets, the metadata role and access to the cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use isobar_base::{ClusterId, TargetId};
use isobar_cluster::Cluster;
use isobar_config::ClusterSpec;
use isobar_wire::Address;
use isobar_wire::message::cluster::{ClusterMap, TargetLive, UnusableTarget};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore};

use crate::limits::ECHOES_MAX;
use crate::metadata::{Metadata, address};
use crate::served::Counts;
use crate::storage::Target;
use isobar_config::NodeConfig;

/// What all parts of a node share.
pub(crate) struct NodeContext {
    pub(crate) config: NodeConfig,
    pub(crate) spec: ClusterSpec,
    pub(crate) cluster_id: ClusterId,
    /// Where others find this node.
    pub(crate) addr: Address,
    targets: RwLock<Vec<Arc<Target>>>,
    /// Targets of the configuration that could not be opened yet.
    unusable: Mutex<Vec<UnusableTarget>>,
    pub(crate) meta: Option<Arc<Metadata>>,
    /// Access to the metadata leader and to other nodes. Its view is fed by heartbeats.
    pub(crate) cluster: Cluster,
    /// Wakes the search for orphans.
    pub(crate) search_now: Notify,
    /// Wakes compaction.
    pub(crate) compact_now: Notify,
    /// Held by the one probe that measures at a time.
    pub(crate) probing: Arc<Semaphore>,
    /// Room for UDP ports that are open for others' probes.
    pub(crate) echoes: Arc<Semaphore>,
    /// What it has done.
    pub(crate) counts: Counts,
    heard: Mutex<Heard>,
    /// How often this node may have been taken for down.
    absences: AtomicU64,
}

/// What heartbeats brought back, beside the map.
#[derive(Default)]
struct Heard {
    leader: Option<Address>,
    unadmitted: Vec<TargetId>,
}

impl NodeContext {
    /// The parts of a node that has just opened what it has.
    pub(crate) fn new(
        config: NodeConfig,
        spec: ClusterSpec,
        cluster_id: ClusterId,
        addr: Address,
        (targets, unusable): (Vec<Arc<Target>>, Vec<UnusableTarget>),
        meta: Option<Arc<Metadata>>,
        cluster: Cluster,
    ) -> NodeContext {
        NodeContext {
            config,
            spec,
            cluster_id,
            addr,
            targets: RwLock::new(targets),
            unusable: Mutex::new(unusable),
            meta,
            cluster,
            search_now: Notify::new(),
            compact_now: Notify::new(),
            probing: Arc::new(Semaphore::new(1)),
            echoes: Arc::new(Semaphore::new(ECHOES_MAX)),
            counts: Counts::new(),
            heard: Mutex::default(),
            absences: AtomicU64::new(0),
        }
    }

    /// The target with this id, if it is here.
    pub(crate) fn target(&self, id: TargetId) -> Option<Arc<Target>> {
        self.targets.read().iter().find(|target| target.id() == id).cloned()
    }

    /// The targets that are open, by their slots.
    pub(crate) fn targets(&self) -> Vec<Arc<Target>> {
        self.targets.read().clone()
    }

    /// The targets of the configuration that could not be opened yet.
    pub(crate) fn unusable(&self) -> Vec<UnusableTarget> {
        self.unusable.lock().clone()
    }

    /// A target could be opened after all.
    pub(crate) fn add_target(&self, target: Arc<Target>) {
        self.unusable.lock().retain(|unusable| unusable.slot != target.info.slot);
        let mut targets = self.targets.write();
        targets.push(target);
        targets.sort_by_key(|target| target.info.slot);
    }

    /// Whether the target is known to have all rows it should have.
    pub(crate) fn is_clean(&self, id: TargetId) -> bool {
        let known = self.cluster.view().known();
        let mut positions = known.map.groups.iter().flat_map(|g| &g.positions);
        known.map.target(id).is_some() && positions.all(|p| p.target != id || p.clean)
    }

    /// How often this node may have been taken for down: nobody had deletions done here then.
    pub(crate) fn absences(&self) -> u64 {
        self.absences.load(Ordering::Relaxed)
    }

    /// This node was not heard for so long that it may have been taken for down.
    pub(crate) fn was_absent(&self) {
        self.absences.fetch_add(1, Ordering::Relaxed);
    }

    /// Where the metadata leader listens, as far as this node knows.
    pub(crate) fn leader_addr(&self) -> Option<Address> {
        match self.meta.as_ref().and_then(|meta| meta.group.leader()) {
            Some(leader) => address(&leader),
            None => self.heard.lock().leader.clone(),
        }
    }

    pub(crate) fn set_leader(&self, addr: Option<Address>) {
        self.heard.lock().leader = addr;
    }

    /// Takes over what the leader said.
    pub(crate) fn learn(&self, map: Option<ClusterMap>, live: Vec<TargetLive>, unadmitted: Vec<TargetId>) {
        self.cluster.view().update(map, live);
        let mut heard = self.heard.lock();
        if heard.unadmitted != unadmitted {
            for target in &unadmitted {
                tracing::warn!(
                    target_id = %target, node = %self.config.node,
                    "the target is a stranger to the cluster; waiting for `isobar node replace {}`",
                    self.config.node
                );
            }
            heard.unadmitted = unadmitted;
        }
    }

    /// Targets that are not admitted to the cluster.
    pub(crate) fn unadmitted(&self) -> Vec<TargetId> {
        self.heard.lock().unadmitted.clone()
    }
}
