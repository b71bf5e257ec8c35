//! What only the metadata leader does. Everything here is idempotent and restartable: a new leader
//! starts all of it again from the state, and an old one stops when it learns of its deposition.
//!
//! | file | duty |
//! |---|---|
//! | `duties` | format, register targets, build placement, admit replacements |
//! | `liveness` | who reports; nothing safe depends on it |
//! | `sessions` | who renewed; expiry is a log entry |
//! | `leases` | who has leased a directory that others want |
//! | `collect` | removing what nothing names: inodes, then segments |
//! | `compact` | rewriting half-dead segments and those with rows on dead targets |
//! | `admin` | what operators ask |

mod admin;
mod collect;
mod compact;
mod duties;
mod leases;
mod liveness;
mod sessions;

use std::sync::Arc;

use tokio::task::JoinSet;

pub(crate) use admin::admin;
pub(crate) use leases::{Leases, leases};
pub(crate) use liveness::{Liveness, Report};
pub(crate) use sessions::{Renewal, Sessions, live_sessions};

use crate::metadata::Metadata;
use crate::node::Shared;

/// Runs the leader's duties whenever this node leads.
pub(crate) async fn lead(node: Arc<Shared>, meta: Arc<Metadata>) {
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
        let known = node.access.view().known();
        meta.liveness.begin(known.map.targets.iter().filter_map(|t| known.live(t.id).copied()).collect());
        meta.sessions.begin();
        meta.leases.begin();
        let mut duties = JoinSet::new();
        duties.spawn(duties::run(node.clone(), meta.clone()));
        duties.spawn(sessions::run(meta.clone()));
        duties.spawn(collect::run(node.clone(), meta.clone()));
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
