//! What only the metadata leader does. Everything here is idempotent and restartable: a new leader
//! starts all of it again from the state, and an old one stops when it learns of its deposition.
//!
//! | file | duty |
//! |---|---|
//! | `reconcile` | format, register targets, build placement, admit replacements |
//! | `expiry` | sessions that were not renewed end by a log entry |
//! | `gc` | removing what nothing names: inodes, then segments |
//! | `compact` | rewriting segments with little alive and those with rows on dead targets |
//! | `admin` | what operators ask |

mod admin;
mod compact;
mod expiry;
mod gc;
mod reconcile;

use std::sync::Arc;

use tokio::task::JoinSet;

pub(crate) use admin::admin;

use crate::context::NodeContext;
use crate::metadata::Metadata;

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
        let mut duties = JoinSet::new();
        duties.spawn(reconcile::run(node.clone(), meta.clone()));
        duties.spawn(expiry::run(meta.clone()));
        duties.spawn(gc::run(node.clone(), meta.clone()));
        duties.spawn(compact::run(node.clone(), meta.clone()));
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
