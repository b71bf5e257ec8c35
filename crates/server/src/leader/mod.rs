//! What only the metadata leader does. Everything here is idempotent and restartable: a new leader
//! starts all of it again from the state, and an old one stops when it learns of its deposition.
//!
//! | file | duty |
//! |---|---|
//! | `reconcile` | format, register targets, build placement, admit replacements |
//! | `expiry` | sessions that were not renewed end by a log entry |
//! | `purge` | step by step: extents nobody can reach, what ended sessions left behind |
//! | `gc` | removing the rows of segments that nothing names |
//! | `compact` | rewriting segments with little alive and those with rows on dead targets |
//! | `admin` | what operators ask |

mod admin;
mod compact;
mod expiry;
mod gc;
mod purge;
mod reconcile;

use std::sync::Arc;

use tokio::task::JoinSet;

pub(crate) use admin::admin;

use crate::context::NodeContext;
use crate::metadata::Metadata;
use crate::supervise::supervise;

/// Each on its own: one that panics does not stop the others, and starts again.
fn start_duties(node: &Arc<NodeContext>, meta: &Arc<Metadata>) -> JoinSet<()> {
    let mut duties = JoinSet::new();
    let (n, m) = (node.clone(), meta.clone());
    duties.spawn(supervise("reconcile", move || reconcile::run(n.clone(), m.clone())));
    let m = meta.clone();
    duties.spawn(supervise("expiry", move || expiry::run(m.clone())));
    let m = meta.clone();
    duties.spawn(supervise("purge", move || purge::run(m.clone())));
    let (n, m) = (node.clone(), meta.clone());
    duties.spawn(supervise("gc", move || gc::run(n.clone(), m.clone())));
    let (n, m) = (node.clone(), meta.clone());
    duties.spawn(supervise("compact", move || compact::run(n.clone(), m.clone())));
    duties
}

/// Runs the leader's duties whenever this node leads.
pub(crate) async fn lead(node: Arc<NodeContext>, meta: Arc<Metadata>) {
    let mut changes = meta.group.changes();
    loop {
        let leadership = changes.borrow_and_update().clone();
        if !leadership.is_me {
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        }
        tracing::info!(node = %node.config.node, term = leadership.term, "leads the metadata group");
        let known = node.cluster.view().known();
        meta.liveness.begin(known.map.targets.iter().filter_map(|t| known.liveness(t.id).copied()).collect());
        meta.sessions.begin();
        meta.delegations.begin();
        meta.reclaim.begin();
        let mut duties = start_duties(&node, &meta);
        while changes.changed().await.is_ok() {
            let now = changes.borrow_and_update().clone();
            if !now.is_me || now.term != leadership.term {
                break;
            }
        }
        duties.shutdown().await;
        tracing::info!(node = %node.config.node, term = leadership.term, "no longer leads the metadata group");
        if changes.has_changed().is_err() {
            return;
        }
    }
}
