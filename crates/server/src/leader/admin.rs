//! What operators ask of the leader.

use std::sync::Arc;

use isobar_base::Errno;
use isobar_wire::Opcode;
use isobar_wire::message::admin::{AdminRefusal, AdminReply, AdminRequest};
use isobar_wire::message::cluster::{Heartbeat, NodeStatus};
use isobar_wire::message::ops::{ClusterOp, OpError};

use super::reconcile;
use crate::context::NodeContext;
use crate::limits::{NODE_CALL_TIMEOUT, STATUS_TIMEOUT};
use crate::metadata::Metadata;

/// Carries out a request, or says who can.
///
/// `Collect` that reaches any other node makes it search its own targets for orphans before it says
/// that it does not lead: so the leader passes the request on.
pub(crate) async fn admin(
    node: &Arc<NodeContext>,
    meta: Option<&Arc<Metadata>>,
    request: AdminRequest,
) -> AdminReply {
    if request == AdminRequest::Collect {
        node.search_now.notify_one();
    }
    let Some(meta) = meta.filter(|meta| meta.group.is_leader()) else {
        return AdminReply::NotLeader(node.leader_addr());
    };
    match request {
        AdminRequest::ReplaceNode { node: name } => replace(node, meta, name).await,
        AdminRequest::Collect => {
            node.compact_now.notify_one();
            let others: Vec<_> =
                node.spec.node.iter().map(|n| n.addr.clone()).filter(|addr| *addr != node.addr).collect();
            let count = others.len() + 1;
            for addr in others {
                let channel = node.cluster.channels().to(&addr);
                tokio::spawn(async move {
                    let asked = channel
                        .call::<_, AdminReply>(Opcode::Admin, &AdminRequest::Collect, NODE_CALL_TIMEOUT)
                        .await;
                    if let Err(error) = asked {
                        tracing::debug!(%addr, %error, "not asked to search for orphans");
                    }
                });
            }
            AdminReply::Collecting { nodes: count as u32 }
        }
    }
}

async fn replace(node: &NodeContext, meta: &Arc<Metadata>, name: String) -> AdminReply {
    if !node.spec.node.iter().any(|n| n.name == name) {
        let names = node.spec.node.iter().map(|n| n.name.clone()).collect();
        return AdminReply::Refused(AdminRefusal::NoSuchNode { node: name, names });
    }
    hear_now(node, meta, &name).await;
    if is_whole(meta, &name) {
        return AdminReply::Refused(AdminRefusal::NothingToReplace { node: name });
    }
    match meta.execute(vec![ClusterOp::AllowReplace { node: name.clone() }.into()]).await {
        Ok(results) => match results.into_iter().next() {
            // It has no targets, so the state machine knows nothing of it: only its vote can be replaced.
            Some(Err(OpError::Errno(Errno::ENOENT))) => replace_voter_only(meta, name).await,
            Some(Err(error)) => AdminReply::Refused(AdminRefusal::Metadata(error)),
            Some(Ok(_)) | None => {
                let now = meta.liveness.reports().iter().any(|r| r.heartbeat.node == name);
                AdminReply::Replacing { now }
            }
        },
        Err(error) => AdminReply::Refused(AdminRefusal::NotDone(error.to_string())),
    }
}

async fn replace_voter_only(meta: &Metadata, name: String) -> AdminReply {
    let report = meta.liveness.reports().into_iter().find(|r| r.heartbeat.node == name);
    match report {
        Some(report) if reconcile::replace_voter(meta, &report.heartbeat).await => AdminReply::VoterReplaced,
        Some(_) => AdminReply::Refused(AdminRefusal::NotCaughtUp { node: name }),
        None => AdminReply::Refused(AdminRefusal::NotReporting { node: name }),
    }
}

/// Asks a node how it is: its last report may be of before it was started again with other disks.
async fn hear_now(node: &NodeContext, meta: &Metadata, name: &str) {
    let Some(other) = node.spec.node.iter().find(|n| n.name == name && n.addr != node.addr) else { return };
    let channel = node.cluster.channels().to(&other.addr);
    let asked = channel.call::<_, NodeStatus>(Opcode::NodeStatus, &(), STATUS_TIMEOUT).await;
    if let Ok(status) = asked
        && status.node == name
    {
        meta.liveness.hear(Heartbeat {
            node: status.node,
            addr: other.addr.clone(),
            epoch: 0,
            targets: status.targets,
            contradicting: Vec::new(),
            voter: status.meta.map(|meta| meta.id),
        });
    }
}

/// Whether a node reports every target the map says it has, and votes with the disk that has its vote.
fn is_whole(meta: &Metadata, name: &str) -> bool {
    let map = meta.group.read(isobar_meta::cluster_map);
    let Some(report) = meta.liveness.reports().into_iter().find(|r| r.heartbeat.node == name) else {
        return false;
    };
    let status = meta.group.status();
    let votes = report.heartbeat.voter.is_none_or(|id| status.voters.iter().any(|voter| voter.id == id));
    votes && reconcile::has_its_disks(&map, &report.heartbeat)
}
