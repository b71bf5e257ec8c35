//! What a replica says about itself, and whom it takes for the leader.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openraft::ServerState;
use tokio::sync::watch;

use super::Group;
use crate::ids::index_of;
use crate::replica::Replica;
use crate::{GroupStatus, Leadership, Member};

/// A leader not heard of for so many election timeouts is none.
const SILENT_TIMEOUTS: u32 = 3;

impl Group {
    /// Whether the replica has a vote, entries or applied state: false only for a truly blank disk.
    pub fn is_initialized(&self) -> bool {
        let Replica { log, state, .. } = &*self.0.replica;
        log.vote().is_some() || log.last().is_some() || state.applied().log_id.is_some()
    }

    /// The leader, if one is known and has been heard lately.
    pub fn leader(&self) -> Option<Member> {
        let metrics = self.0.raft.metrics();
        let metrics = metrics.borrow();
        let leader = metrics.current_leader?;
        let Replica { config, leader_contact, stood_down, .. } = &*self.0.replica;
        if leader == config.me.id && stood_down.get() {
            return None;
        }
        if leader != config.me.id
            && leader_contact.silence() > SILENT_TIMEOUTS * Duration::from_millis(config.election_ms)
        {
            return None;
        }
        metrics.membership_config.membership().get_node(&leader).cloned()
    }

    /// Whether this replica believes it is the leader. Only `read_index` proves it.
    pub fn is_leader(&self) -> bool {
        self.0.raft.metrics().borrow().state == ServerState::Leader && !self.0.replica.stood_down.get()
    }

    /// On the leader: the time since a majority of the voters had last answered; `None` when none ever has.
    pub fn quorum_silence(&self) -> Option<Duration> {
        let metrics = self.0.raft.metrics();
        let configs = metrics.borrow().membership_config.membership().get_joint_config().clone();
        self.0.network.majority_answered(&configs).map(|at| at.elapsed())
    }

    /// Returns when a task of the group has panicked. A group that stops in order, or because its disk
    /// failed, has not.
    pub async fn panicked(&self) {
        // Not the metrics that change with every entry: whoever waits here would wake for each.
        let mut metrics = self.0.raft.server_metrics();
        let core = async {
            // The core's end closes the channel; what it said last tells a failure it knows of from a panic.
            while metrics.changed().await.is_ok() {}
            let told = self.0.raft.metrics().borrow().running_state.is_err();
            if told || self.0.closing.load(Ordering::Acquire) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = core => {}
            () = self.0.replica.state.panicked() => {}
        }
    }

    /// Fires when leadership or the term changes.
    pub fn changes(&self) -> watch::Receiver<Leadership> {
        self.0.changes.clone()
    }

    /// Where the replica stands.
    pub fn status(&self) -> GroupStatus {
        let Replica { config, log, state, .. } = &*self.0.replica;
        let metrics = self.0.raft.metrics().borrow().clone();
        let membership = metrics.membership_config.membership();
        let voters: BTreeSet<u64> = membership.voter_ids().collect();
        let named = |wanted: bool| {
            membership
                .nodes()
                .filter(|(id, _)| voters.contains(id) == wanted)
                .map(|(_, node)| node.clone())
                .collect()
        };
        let applied = index_of(&state.applied().log_id);
        GroupStatus {
            me: config.me.clone(),
            group: config.group,
            leader: self.leader(),
            term: metrics.current_term,
            last_log: index_of(&log.last()),
            purged: index_of(&log.purged()),
            committed: applied.max(index_of(&metrics.last_applied)),
            applied,
            synced_applied: state.synced().load(Ordering::Acquire).saturating_sub(1),
            log_used_bytes: log.fill().used_bytes,
            voters: named(true),
            learners: named(false),
            joint: membership.get_joint_config().len() > 1,
            matched: metrics.replication.iter().flatten().map(|(&id, at)| (id, index_of(at))).collect(),
            stopped: metrics.running_state.err().map(|e| e.to_string()),
        }
    }
}
