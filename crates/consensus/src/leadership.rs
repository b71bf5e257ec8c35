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
    loop {
        let now = {
            let m = metrics.borrow_and_update();
            let joint = m.membership_config.membership().get_joint_config();
            network.fanout.set_voters(match &joint[..] {
                [voters] => voters.iter().copied().collect(),
                _ => Vec::new(),
            });
            let leader =
                m.current_leader.and_then(|id| m.membership_config.membership().get_node(&id).cloned());
            Leadership { leader, term: m.vote.leader_id().term, is_me: m.state == ServerState::Leader }
        };
        replica.known_leader.lock().clone_from(&now.leader);
        sender.send_if_modified(|old| {
            *old != now && {
                *old = now.clone();
                true
            }
        });
        if metrics.changed().await.is_err() {
            return;
        }
    }
}
