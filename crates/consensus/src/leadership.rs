//! Follows openraft's word on who leads, and passes it on: to the replica, to its watchers, and to the
//! fan-out.

use std::sync::Arc;

use openraft::{Raft, ServerState};
use tokio::sync::watch;

use crate::Leadership;
use crate::network::Network;
use crate::replica::Replica;
use crate::types::Types;

/// Runs as long as the group.
pub(crate) async fn watch(
    replica: Arc<Replica>,
    raft: Raft<Types>,
    network: Arc<Network>,
    sender: watch::Sender<Leadership>,
) {
    let mut metrics = raft.server_metrics();
    let mut stood_down = replica.stood_down.subscribe();
    loop {
        let now = {
            let m = metrics.borrow_and_update();
            let acts = !*stood_down.borrow_and_update();
            let leading = m.state == ServerState::Leader;
            let joint = m.membership_config.membership().get_joint_config();
            network.fanout.set_voters(match &joint[..] {
                [voters] => voters.iter().copied().collect(),
                _ => Vec::new(),
            });
            let known = m.current_leader.filter(|_| acts || !leading);
            let leader = known.and_then(|id| m.membership_config.membership().get_node(&id).cloned());
            Leadership { leader, term: m.vote.leader_id().term, is_me: leading && acts }
        };
        replica.known_leader.lock().clone_from(&now.leader);
        sender.send_if_modified(|old| {
            *old != now && {
                *old = now.clone();
                true
            }
        });
        let ended = tokio::select! {
            changed = metrics.changed() => changed.is_err(),
            // The sender lives in the replica.
            changed = stood_down.changed() => changed.is_err(),
        };
        if ended {
            return;
        }
    }
}
