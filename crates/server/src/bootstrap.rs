//! Bootstrap: the first start of a new cluster, its founding.
//!
//! The first voter of the cluster file founds it, once **all** voters have said that their disks are
//! blank and no node that answers holds a single row. A blank disk in an old cluster therefore never
//! founds a second one (I13): any voter that is not blank, or does not answer, is in its way.

use std::sync::Arc;
use std::time::Instant;

use isobar_config::NodeSpec;
use isobar_consensus::Member;
use isobar_wire::message::cluster::{FoundingWait, NodeStatus};
use isobar_wire::message::storage::{ListReply, ListRequest};
use isobar_wire::{Address, Opcode};
use tokio::task::JoinSet;

use crate::context::NodeContext;
use crate::limits::{FOUNDING_PAUSE, STATUS_TIMEOUT, WAITING_LINE_EVERY};
use crate::metadata::Metadata;

/// What one node said about itself; `None` when it did not answer.
struct Said {
    node: NodeSpec,
    status: Option<NodeStatus>,
    /// It holds rows of some segment.
    rows: bool,
}

/// What is to be done, by what all nodes said.
#[derive(PartialEq, Debug)]
enum Verdict {
    Found(Vec<Member>),
    Wait(FoundingWait),
}

/// Waits until this voter is part of a group; founds it if that is this node's part.
pub(crate) async fn run(node: Arc<NodeContext>, meta: Arc<Metadata>) {
    let founder = node.spec.node.iter().find(|n| n.voter).map(|n| n.name.clone()).unwrap_or_default();
    let mut last_line: Option<Instant> = None;
    while !meta.group.is_initialized() {
        let why = match judge(&ask_all(&node).await) {
            Verdict::Found(voters) if founder == node.config.node => {
                match meta.group.initialize(voters).await {
                    Ok(()) => {
                        tracing::info!(cluster = %node.cluster_id, "cluster founded");
                        break;
                    }
                    Err(error) => FoundingWait::Failed(error.to_string()),
                }
            }
            Verdict::Found(_) => FoundingWait::Founder(founder.clone()),
            Verdict::Wait(why) => why,
        };
        if last_line.is_none_or(|at| at.elapsed() > WAITING_LINE_EVERY) {
            if last_line.is_some() {
                let then = match why {
                    FoundingWait::Member(_) | FoundingWait::Holder(_) => format!(
                        ": this disk is blank; waiting for `isobar node replace {}`",
                        node.config.node
                    ),
                    _ => String::new(),
                };
                tracing::warn!(node = %node.config.node, "not part of a metadata group: {why}{then}");
            }
            last_line = Some(Instant::now());
        }
        *meta.waiting.lock() = Some(why);
        tokio::time::sleep(FOUNDING_PAUSE).await;
    }
    *meta.waiting.lock() = None;
}

async fn ask_all(node: &Arc<NodeContext>) -> Vec<Said> {
    let mut asking = JoinSet::new();
    for other in node.spec.node.clone() {
        let node = node.clone();
        asking.spawn(async move {
            let status = ask(&node, &other).await;
            let mut rows = false;
            for (target, _) in status.iter().flat_map(|s| &s.targets) {
                // A list that does not come counts as rows: nobody can say that there are none.
                rows |= has_rows(&node, &other.addr, target.id).await.unwrap_or(true);
            }
            Said { node: other, status, rows }
        });
    }
    let mut said = asking.join_all().await;
    said.sort_by(|a, b| a.node.name.cmp(&b.node.name));
    said
}

async fn ask(node: &Arc<NodeContext>, other: &NodeSpec) -> Option<NodeStatus> {
    if other.name == node.config.node {
        return Some(crate::status::status(node, false));
    }
    let channel = node.cluster.channels().to(&other.addr);
    let status: NodeStatus = channel.call(Opcode::NodeStatus, &(), STATUS_TIMEOUT).await.ok()?;
    if status.node != other.name {
        tracing::warn!(addr = %other.addr, "node {} answers in the place of {}", status.node, other.name);
        return None;
    }
    Some(status)
}

async fn has_rows(node: &Arc<NodeContext>, addr: &Address, target: isobar_base::TargetId) -> Option<bool> {
    if let Some(own) = node.target(target) {
        return Some(own.store().usage().fragments > 0);
    }
    let request = ListRequest { target, after: None, limit: 1 };
    let channel = node.cluster.channels().to(addr);
    let reply: ListReply = channel.call(Opcode::List, &request, STATUS_TIMEOUT).await.ok()?;
    Some(!reply.rows.is_empty())
}

fn judge(said: &[Said]) -> Verdict {
    let mut voters = Vec::new();
    let mut missing = Vec::new();
    for Said { node, status, rows } in said {
        let name = &node.name;
        let meta = status.as_ref().and_then(|s| s.meta.as_ref());
        if meta.is_some_and(|meta| meta.initialized) {
            return Verdict::Wait(FoundingWait::Member(name.clone()));
        }
        if *rows {
            return Verdict::Wait(FoundingWait::Holder(name.clone()));
        }
        // Who knows what is on it?
        if status.as_ref().is_some_and(|s| !s.unusable.is_empty()) {
            return Verdict::Wait(FoundingWait::Unusable(name.clone()));
        }
        match meta {
            Some(meta) if node.voter => {
                voters.push(Member { id: meta.id, name: name.clone(), addr: node.addr.to_string() });
            }
            _ if node.voter => missing.push(name.clone()),
            _ => {}
        }
    }
    if !missing.is_empty() {
        return Verdict::Wait(FoundingWait::Voters(missing));
    }
    Verdict::Found(voters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::ClusterId;
    use isobar_wire::message::cluster::{MetaStatus, UnusableTarget};

    fn said(name: &str, voter: bool, initialized: Option<bool>, rows: bool) -> Said {
        let meta = initialized.map(|initialized| MetaStatus {
            id: 7,
            initialized,
            term: 0,
            leader: None,
            last_log: 0,
            applied: 0,
            apply_ms_max: 0,
            state_hash: None,
            members: Vec::new(),
            stopped: None,
            waiting: None,
        });
        let status = (!voter || meta.is_some()).then(|| NodeStatus {
            node: name.to_owned(),
            cluster: ClusterId(1),
            version: String::new(),
            pid: 1,
            cpu_milliseconds: 0,
            served: Default::default(),
            targets: Vec::new(),
            unadmitted: Vec::new(),
            unusable: Vec::new(),
            meta,
        });
        let node = NodeSpec {
            name: name.to_owned(),
            addr: format!("{name}:1").parse().unwrap(),
            voter,
            domain: String::new(),
        };
        Said { node, status, rows }
    }

    #[test]
    fn a_cluster_is_founded_only_when_all_voters_are_blank_and_nobody_holds_rows() {
        let blank = || vec![said("a", true, Some(false), false), said("b", true, Some(false), false)];
        assert!(matches!(judge(&blank()), Verdict::Found(voters) if voters.len() == 2));
        let with = |extra| blank().into_iter().chain([extra]).collect::<Vec<_>>();
        let c = || "c".to_owned();
        assert_eq!(
            judge(&with(said("c", true, None, false))),
            Verdict::Wait(FoundingWait::Voters(vec![c()]))
        );
        assert_eq!(
            judge(&with(said("c", true, Some(true), false))),
            Verdict::Wait(FoundingWait::Member(c()))
        );
        assert_eq!(judge(&with(said("c", false, None, true))), Verdict::Wait(FoundingWait::Holder(c())));
        let mut closed = said("c", false, None, false);
        let unusable = UnusableTarget { slot: 0, path: String::new(), why: String::new() };
        closed.status.as_mut().unwrap().unusable.push(unusable);
        assert_eq!(judge(&with(closed)), Verdict::Wait(FoundingWait::Unusable(c())));
        assert!(matches!(judge(&with(said("c", false, None, false))), Verdict::Found(_)));
    }
}
