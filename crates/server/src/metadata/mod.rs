//! The metadata role: operations into the log, questions to the state, and what the leader remembers of those
//! who talk to it.
//!
//! ```text
//! handler ─► requests ─┬─► proposer      group commit: operations into entries of the log
//!                      ├─► sessions      who renewed
//!                      ├─► delegations   who holds a directory that others want
//!                      ├─► liveness      who reports
//!                      └─► reclaim       whether there is hope of room
//!            voter                       this disk's identity, and the group opened from it
//! ```
//! The last four are soft state: in memory, of the leader only, begun anew with every leadership, and no
//! safety depends on them (I10). Duties that act on them are in `leader/`.
#![deny(clippy::wildcard_enum_match_arm)]

mod delegations;
mod liveness;
mod member;
mod proposer;
pub(crate) mod reclaim;
mod requests;
mod sessions;
pub(crate) mod voter;

use isobar_base::KvRead;
use isobar_base::limits::MUTATIONS_PER_MESSAGE_MAX;
use isobar_consensus::{Group, ProposeError};
use isobar_wire::Address;
use isobar_wire::message::cluster::FoundingWait;
use isobar_wire::message::ops::{Mutation, Op, OpResult};
use parking_lot::Mutex;

pub(crate) use liveness::Report;
pub(crate) use member::address;
pub(crate) use sessions::live_sessions;

use delegations::Delegations;
use liveness::Liveness;
use proposer::Proposer;
use reclaim::Reclaim;
use sessions::Sessions;
use voter::LongestApply;

/// The metadata role of this node.
pub(crate) struct Metadata {
    pub(crate) group: Group,
    /// The disk's identity.
    pub(crate) me: u64,
    /// Who reports, as this node hears it while it leads.
    pub(crate) liveness: Liveness,
    /// Who renewed, as this node hears it while it leads.
    pub(crate) sessions: Sessions,
    /// Who asks for what it should give up, likewise.
    pub(crate) delegations: Delegations,
    /// What this node's duties have done for room while it leads.
    pub(crate) reclaim: Reclaim,
    /// What a blank disk waits for before it is part of the group.
    pub(crate) waiting: Mutex<Option<FoundingWait>>,
    /// How long applying an entry took at most.
    pub(crate) longest_apply: LongestApply,
    proposer: Proposer,
}

impl Metadata {
    /// Starts the role on an open group whose log has `log_bytes`.
    pub(crate) fn start(group: Group, log_bytes: u64, longest_apply: LongestApply) -> Metadata {
        Metadata {
            me: group.status().me.id,
            proposer: Proposer::start(group.clone(), log_bytes),
            group,
            liveness: Liveness::default(),
            sessions: Sessions::default(),
            delegations: Delegations::default(),
            reclaim: Reclaim::default(),
            waiting: Mutex::default(),
            longest_apply,
        }
    }

    /// Where the leader listens, as far as this replica knows; `None` when it is this one.
    pub(crate) fn other_leader(&self) -> Option<Address> {
        self.group.leader().filter(|l| l.id != self.me).as_ref().and_then(address)
    }

    /// Carries out operations of the leader's own, in order: a request like a client's after the other, so
    /// that no entry of the log is longer than it may be.
    pub(crate) async fn execute(&self, ops: Vec<Op>) -> Result<Vec<OpResult>, ProposeError> {
        let mut results = Vec::with_capacity(ops.len());
        for ops in ops.chunks(MUTATIONS_PER_MESSAGE_MAX) {
            let ops = ops.iter().cloned().map(Mutation::of_nobody).collect();
            results.extend(self.proposer.propose(ops).await.map_err(|_| ProposeError::Stopped)??);
        }
        Ok(results)
    }

    /// Reads the newest state: confirmed by a majority first.
    pub(crate) async fn read<R>(&self, read: impl FnOnce(&dyn KvRead) -> R) -> Result<R, ProposeError> {
        self.group.read_index().await?;
        Ok(self.group.read(read))
    }
}
