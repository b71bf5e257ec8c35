//! Replacing the disks of a node that are gone for good: the permission, and the wait until their rows are
//! back.

use std::time::{Duration, Instant};

use isobar_cluster::{AskError, Cluster};
use isobar_config::ClusterSpec;
use isobar_wire::message::admin::{AdminRefusal, AdminReply, AdminRequest};
use isobar_wire::message::cluster::ClusterView;

use crate::redundancy::unclean_targets;

/// How often a waiting operator looks.
const POLL_EVERY: Duration = Duration::from_millis(200);
/// How long one look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(30);
/// A rebuild that takes longer than this is not waited for.
const REBUILD_WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// What has been done when [`replace`] returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replaced {
    /// The permission is in the log; the rebuild was not waited for.
    Begun {
        /// The node reports its blank disks already; otherwise it has to be started.
        now: bool,
    },
    /// The node has no targets: its new disk votes.
    VoterOnly,
    /// Every row is back.
    Whole {
        /// From the request on.
        took: Duration,
    },
}

/// What a wait is waiting for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplaceProgress {
    /// The node has not reported its blank disks.
    WaitingForNode,
    /// Rows done and rows to rebuild, once they are counted.
    Rebuilding(Option<(u64, u64)>),
}

/// Why a node is not replaced.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The cluster file has no such node.
    #[error("there is no node {node}: choose one of {}", names.join(", "))]
    NoSuchNode {
        /// The name asked for.
        node: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// The leader refused.
    #[error("{0}")]
    Refused(AdminRefusal),
    /// The leader could not be asked. What was begun goes on.
    #[error("{0}")]
    NoLeader(#[from] AskError),
    /// The leader answered something else: another release.
    #[error("the leader's answer makes no sense to this release")]
    Unexpected,
    /// It goes on and was not waited for any longer.
    #[error("{node} was not rebuilt within a day: see isobar status")]
    TimedOut {
        /// Its name.
        node: String,
    },
}

/// Admits the blank disks of a node in the places of its old ones, and waits until they have all their rows
/// if `wait` is set. `progress` is called with every look.
///
/// # Errors
/// See [`ReplaceError`]. Asking again is harmless.
pub async fn replace(
    cluster: &Cluster,
    spec: &ClusterSpec,
    node: &str,
    wait: bool,
    mut progress: impl FnMut(ReplaceProgress),
) -> Result<Replaced, ReplaceError> {
    if !spec.node.iter().any(|n| n.name == node) {
        let names = spec.node.iter().map(|n| n.name.clone()).collect();
        return Err(ReplaceError::NoSuchNode { node: node.to_owned(), names });
    }
    let begun = Instant::now();
    let now = match cluster.admin(&AdminRequest::ReplaceNode { node: node.to_owned() }).await? {
        AdminReply::Replacing { now } => now,
        AdminReply::VoterReplaced => return Ok(Replaced::VoterOnly),
        AdminReply::Refused(refusal) => return Err(ReplaceError::Refused(refusal)),
        AdminReply::Collecting { .. } | AdminReply::NotLeader(_) => return Err(ReplaceError::Unexpected),
    };
    if !wait {
        return Ok(Replaced::Begun { now });
    }
    while begun.elapsed() < REBUILD_WAIT_MAX {
        match left_to_do(&cluster.refresh(LOOK_TIMEOUT).await?, node) {
            None => return Ok(Replaced::Whole { took: begun.elapsed() }),
            Some(waiting_for) => progress(waiting_for),
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
    Err(ReplaceError::TimedOut { node: node.to_owned() })
}

/// What a node that is being replaced still lacks.
fn left_to_do(view: &ClusterView, node: &str) -> Option<ReplaceProgress> {
    if view.map.replacing.iter().any(|n| n == node) {
        return Some(ReplaceProgress::WaitingForNode);
    }
    let unclean = unclean_targets(&view.map);
    let target = view.map.targets.iter().filter(|t| t.node == node).find(|t| unclean.contains(&t.id))?;
    let rebuild = view.live.iter().find(|l| l.id == target.id).and_then(|l| l.rebuild);
    Some(ReplaceProgress::Rebuilding(rebuild))
}
