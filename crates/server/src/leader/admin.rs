//! What operators ask of the leader.

use std::sync::Arc;

use isobar_base::Errno;
use isobar_wire::Opcode;
use isobar_wire::message::cluster::{AdminReply, AdminRequest};
use isobar_wire::message::ops::{Op, OpError};

use crate::leader::duties;
use crate::limits::NODE_CALL_TIMEOUT;
use crate::metadata::Metadata;
use crate::node::Shared;

/// Carries out a request, or says who can.
///
/// `Collect` that reaches any other node makes it search its own targets for orphans before it says
/// that it does not lead: so the leader passes the request on.
pub(crate) async fn admin(
    node: &Arc<Shared>,
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
            let others: Vec<String> =
                node.spec.node.iter().map(|n| n.addr.clone()).filter(|addr| *addr != node.addr).collect();
            let count = others.len() + 1;
            for addr in others {
                let channel = node.access.channels().to(&addr);
                tokio::spawn(async move {
                    let asked = channel
                        .call::<_, AdminReply>(Opcode::Admin, &AdminRequest::Collect, NODE_CALL_TIMEOUT)
                        .await;
                    if let Err(error) = asked {
                        tracing::debug!(addr, %error, "not asked to search for orphans");
                    }
                });
            }
            AdminReply::Ok(format!(
                "collection, compaction and the search for orphans begun on {count} nodes"
            ))
        }
    }
}

async fn replace(node: &Shared, meta: &Arc<Metadata>, name: String) -> AdminReply {
    if !node.spec.node.iter().any(|n| n.name == name) {
        let names: Vec<&str> = node.spec.node.iter().map(|n| n.name.as_str()).collect();
        return AdminReply::Refused(format!("no node {name}: the cluster file names {}", names.join(", ")));
    }
    if is_whole(meta, &name) {
        return AdminReply::Refused(format!(
            "{name} reports all the disks it should have: nothing to replace"
        ));
    }
    match meta.execute(vec![Op::AllowReplace { node: name.clone() }]).await.as_deref() {
        Ok([Ok(_)]) => {
            let blank = meta.liveness.reports().iter().any(|r| r.heartbeat.node == name);
            AdminReply::Ok(if blank {
                format!("the blank disks of {name} take the places of its old ones now")
            } else {
                format!("the blank disks of {name} will take the places of its old ones once it is started")
            })
        }
        // It has no targets, so the state machine knows nothing of it: only its vote can be replaced.
        Ok([Err(OpError::Errno(Errno::ENOENT))]) => replace_voter_only(meta, &name).await,
        Ok(results) => AdminReply::Refused(format!("refused: {results:?}")),
        Err(error) => AdminReply::Refused(format!("not done: {error}; try again")),
    }
}

async fn replace_voter_only(meta: &Metadata, name: &str) -> AdminReply {
    let report = meta.liveness.reports().into_iter().find(|r| r.heartbeat.node == name);
    match report {
        Some(report) if duties::replace_voter(meta, &report.heartbeat).await => {
            AdminReply::Ok(format!("{name} votes with the disk it has now"))
        }
        Some(_) => AdminReply::Refused(format!("{name} has not caught up yet: try again")),
        None => AdminReply::Refused(format!(
            "{name} has no targets and does not report: start it, then try again"
        )),
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
    votes && duties::has_its_disks(&map, &report.heartbeat)
}
