//! Duties of the leader towards the cluster map: the file system's properties, targets, placement,
//! replacements. Each look at the state does what is missing, so a new leader goes on where an old one
//! stopped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_consensus::Member;
use isobar_wire::message::cluster::{ClusterMap, FsSettings, Heartbeat, TargetInfo};
use isobar_wire::message::ops::{ClusterOp, Op};

use crate::context::NodeContext;
use crate::limits::{DUTIES_EVERY, PLACEMENT_GROUPS, WAITING_LINE_EVERY};
use crate::metadata::{Metadata, Report};

/// A new voter catches up within this time, or is tried again.
const REPLACE_VOTER_TIMEOUT: Duration = Duration::from_secs(30);

/// Looks after the cluster map, as long as this node leads.
pub(crate) async fn run(node: Arc<NodeContext>, meta: Arc<Metadata>) {
    let mut refused = None;
    loop {
        step(&node, &meta, &mut refused).await;
        tokio::time::sleep(DUTIES_EVERY).await;
    }
}

/// `refused` is the last refusal that was logged, and when.
async fn step(node: &NodeContext, meta: &Metadata, refused: &mut Option<(String, Instant)>) {
    let map = meta.group.read(isobar_meta::cluster_map);
    let mut reports = meta.liveness.reports();
    for at in (0..reports.len()).rev() {
        // Registering the targets ends the permission: the vote comes first.
        let allowed = map.replacing.contains(&reports[at].heartbeat.node);
        if allowed && !replace_voter(meta, &reports[at].heartbeat).await {
            reports.swap_remove(at);
        }
    }
    let mut ops: Vec<Op> = Vec::new();
    if map.fs.is_none() {
        let (data_rows, parity_rows) = (node.spec.data_rows, node.spec.parity_rows);
        let name = node.spec.name.clone();
        let settings = FsSettings { cluster: node.cluster_id, name, data_rows, parity_rows };
        ops.push(ClusterOp::Format(settings).into());
    }
    let admitted = admissible(&map, &reports, &|name| node.spec.node.iter().any(|n| n.name == name));
    for target in &admitted {
        tracing::info!(target_id = %target.id, node = %target.node, slot = target.slot, "target admitted");
    }
    ops.extend(admitted.into_iter().map(|target| ClusterOp::RegisterTarget(target).into()));
    // Only those whose vote is in order are left in `reports`.
    for heartbeat in reports.iter().map(|r| &r.heartbeat).filter(|h| map.replacing.contains(&h.node)) {
        if has_its_disks(&map, heartbeat) {
            tracing::info!(node = %heartbeat.node, "has all its disks: none of them will be replaced");
            let own = map.targets.iter().filter(|t| t.node == heartbeat.node);
            ops.extend(own.cloned().map(|target| ClusterOp::RegisterTarget(target).into()));
        }
    }
    if ops.is_empty() && map.groups.is_empty() && all_registered(node, &map, &reports) {
        ops.push(ClusterOp::BuildPlacement { groups: PLACEMENT_GROUPS }.into());
    }
    match meta.execute(ops.clone()).await {
        Ok(results) => {
            for (op, result) in ops.iter().zip(results) {
                let Err(error) = result else { continue };
                let text = format!("{op:?}: {error}");
                let known =
                    refused.as_ref().is_some_and(|(t, at)| *t == text && at.elapsed() < WAITING_LINE_EVERY);
                if !known {
                    tracing::warn!(?op, %error, "refused by the state machine");
                    *refused = Some((text, Instant::now()));
                }
            }
        }
        Err(error) => tracing::debug!(%error, "duties of the leader wait"),
    }
}

/// Targets that report and should be in the map as they are: unknown ones for whose slot there is no
/// target or whose node may be replaced, and known ones that have changed.
fn admissible(map: &ClusterMap, reports: &[Report], belongs: &dyn Fn(&str) -> bool) -> Vec<TargetInfo> {
    let mut found = Vec::new();
    for (target, live) in reports.iter().flat_map(|r| &r.heartbeat.targets) {
        let wanted = match map.target(target.id) {
            Some(known) => known != target,
            None => !live.failed && !is_unadmitted(map, target) && belongs(&target.node),
        };
        if wanted {
            found.push(target.clone());
        }
    }
    found
}

/// Whether a node reports every target the map says it has.
pub(super) fn has_its_disks(map: &ClusterMap, heartbeat: &Heartbeat) -> bool {
    let reported = |id| heartbeat.targets.iter().any(|(info, live)| info.id == id && !live.failed);
    map.targets.iter().filter(|t| t.node == heartbeat.node).all(|t| reported(t.id))
}

/// Whether another target has the place and may not be replaced.
pub(super) fn is_unadmitted(map: &ClusterMap, target: &TargetInfo) -> bool {
    let taken = |t: &TargetInfo| t.node == target.node && t.slot == target.slot && t.id != target.id;
    map.target(target.id).is_none() && map.targets.iter().any(taken) && !map.replacing.contains(&target.node)
}

/// Whether every node of the cluster file reports and all its targets are in the map. A node without
/// targets cannot be told from one that has not reported them: it has to report, too.
fn all_registered(node: &NodeContext, map: &ClusterMap, reports: &[Report]) -> bool {
    let reporting: BTreeSet<&str> = reports.iter().map(|r| r.heartbeat.node.as_str()).collect();
    let mut targets = reports.iter().flat_map(|r| &r.heartbeat.targets);
    map.fs.is_some()
        && !map.targets.is_empty()
        && node.spec.node.iter().all(|n| reporting.contains(n.name.as_str()))
        && targets.all(|(target, live)| live.failed || map.target(target.id).is_some())
}

/// Gives the vote of a node's lost disk to the blank one it reports, once that was allowed. True when
/// there is nothing left to do.
pub(super) async fn replace_voter(meta: &Metadata, heartbeat: &Heartbeat) -> bool {
    let Some(id) = heartbeat.voter else { return true };
    let status = meta.group.status();
    if status.voters.iter().any(|voter| voter.id == id) && !status.joint {
        return true;
    }
    let old =
        status.voters.iter().find(|voter| voter.name == heartbeat.node && voter.id != id).map(|old| old.id);
    let new = Member { id, name: heartbeat.node.clone(), addr: heartbeat.addr.to_string() };
    tracing::info!(node = %heartbeat.node, ?old, new = id, "voter is being replaced");
    match tokio::time::timeout(REPLACE_VOTER_TIMEOUT, meta.group.replace_voter(old, new)).await {
        Ok(Ok(())) => {
            tracing::info!(node = %heartbeat.node, voter = id, "voter replaced");
            return true;
        }
        Ok(Err(error)) => tracing::warn!(node = %heartbeat.node, %error, "voter not replaced"),
        Err(_) => tracing::warn!(node = %heartbeat.node, "the new voter has not caught up yet"),
    }
    false
}
