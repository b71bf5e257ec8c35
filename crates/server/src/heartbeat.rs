//! Reports to the metadata leader, and what comes back: the cluster map and who is alive.

use std::sync::Arc;
use std::time::Duration;

use isobar_base::limits::NODE_DOWN_MS;
use isobar_cluster::BootTime;
use isobar_wire::message::cluster::{Heartbeat, HeartbeatReply};
use isobar_wire::{Address, Opcode};

use crate::context::NodeContext;
use crate::limits::STATUS_TIMEOUT;

/// Whoever was not heard for this long may have been taken for down: a little less than it takes.
const ABSENT_AFTER: Duration = Duration::from_millis(NODE_DOWN_MS / 4 * 3);

/// Reports as long as the node runs.
pub(crate) async fn run(node: Arc<NodeContext>) {
    let voters: Vec<Address> = node.spec.node.iter().filter(|n| n.voter).map(|n| n.addr.clone()).collect();
    let (mut turn, mut heard) = (0, BootTime::now());
    loop {
        // The leader, then whoever it or anybody else names, then the voters one by one.
        let mut addr = node.leader_addr().or_else(|| voters.get(turn % voters.len().max(1)).cloned());
        turn += 1;
        for _ in 0..=voters.len() {
            let Some(to) = addr.take() else { break };
            match report(&node, &to).await {
                Some(HeartbeatReply::Ok { map, live, unadmitted }) => {
                    node.learn(map, live, unadmitted);
                    if std::mem::replace(&mut heard, BootTime::now()).elapsed() > ABSENT_AFTER {
                        node.was_absent();
                    }
                    node.set_leader(Some(to));
                    break;
                }
                Some(HeartbeatReply::NotLeader(hint)) => {
                    node.set_leader(None);
                    addr = hint.filter(|hint| *hint != to);
                }
                None => {
                    node.set_leader(None);
                    addr = voters.get(turn % voters.len().max(1)).cloned();
                    turn += 1;
                }
            }
        }
        tokio::time::sleep(node.config.heartbeat()).await;
    }
}

async fn report(node: &Arc<NodeContext>, to: &Address) -> Option<HeartbeatReply> {
    let heartbeat = Heartbeat {
        node: node.config.node.clone(),
        addr: node.addr.clone(),
        epoch: node.cluster.view().known().map.epoch,
        targets: node.targets().iter().map(|t| (t.info.clone(), t.live())).collect(),
        contradicting: node.targets().iter().flat_map(|t| t.contradicting()).collect(),
        voter: node.meta.as_ref().map(|meta| meta.me),
    };
    if *to == node.addr {
        return Some(hear(node, heartbeat));
    }
    let channel = node.cluster.channels().to(to);
    match channel.call(Opcode::Heartbeat, &heartbeat, STATUS_TIMEOUT).await {
        Ok(reply) => Some(reply),
        Err(error) => {
            tracing::debug!(addr = %to, %error, "report not delivered");
            None
        }
    }
}

/// The leader's side.
pub(crate) fn hear(node: &Arc<NodeContext>, heartbeat: Heartbeat) -> HeartbeatReply {
    let Some(meta) = node.meta.as_ref().filter(|meta| meta.group.is_leader()) else {
        return HeartbeatReply::NotLeader(node.leader_addr());
    };
    let epoch = heartbeat.epoch;
    let map = meta.group.read(isobar_meta::cluster_map);
    let unknown =
        heartbeat.targets.iter().map(|(target, _)| target.id).filter(|&id| map.target(id).is_none());
    // Before the groups are built every target of the cluster file is welcome.
    let unadmitted = unknown.filter(|_| !map.groups.is_empty()).collect();
    meta.liveness.hear(heartbeat);
    let live = meta.liveness.live(&map);
    HeartbeatReply::Ok { map: (map.epoch > epoch).then_some(map), live, unadmitted }
}
