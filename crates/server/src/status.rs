//! How a node is, as it sees itself.

use std::sync::Arc;

use isobar_wire::message::cluster::{MetaStatus, NodeStatus, VoterStatus};
use rustix::time::ClockId;

use crate::context::NodeContext;
use crate::metadata::{Metadata, address};

/// The status of this node. Needs no quorum. With `hash`, the hash of the metadata state is computed,
/// which reads all of it.
pub(crate) fn status(node: &Arc<NodeContext>, hash: bool) -> NodeStatus {
    let used = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
    NodeStatus {
        node: node.config.node.clone(),
        cluster: node.cluster_id,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        cpu_milliseconds: used.tv_sec as u64 * 1000 + used.tv_nsec as u64 / 1_000_000,
        served: node.counts.now(),
        targets: node.targets().iter().map(|t| (t.info.clone(), t.live())).collect(),
        unadmitted: node.unadmitted(),
        unusable: node.unusable(),
        meta: node.meta.as_ref().map(|meta| meta_status(meta, hash)),
    }
}

fn meta_status(meta: &Metadata, hash: bool) -> MetaStatus {
    let status = meta.group.status();
    let member = |voting| {
        let (matched, me, last_log) = (status.matched.clone(), status.me.id, status.last_log);
        move |m: &isobar_consensus::Member| {
            Some(VoterStatus {
                id: m.id,
                node: m.name.clone(),
                addr: address(m)?,
                voting,
                matched: matched.get(&m.id).copied().or((m.id == me).then_some(last_log)),
            })
        }
    };
    MetaStatus {
        id: status.me.id,
        initialized: meta.group.is_initialized(),
        term: status.term,
        leader: status.leader.as_ref().map(|l| l.name.clone()),
        last_log: status.last_log,
        applied: status.applied,
        apply_ms_max: meta.longest_apply.milliseconds(),
        state_hash: hash.then(|| meta.group.state_hash()),
        stopped: status.stopped.clone(),
        waiting: meta.waiting.lock().clone(),
        members: status
            .voters
            .iter()
            .filter_map(member(true))
            .chain(status.learners.iter().filter_map(member(false)))
            .collect(),
    }
}
