//! Who votes: founding a group and replacing a voter.

use std::collections::{BTreeMap, BTreeSet};

use openraft::ChangeMembers;
use openraft::error::{ClientWriteError, InitializeError, RaftError};

use super::Group;
use crate::types::Types;
use crate::{ConsensusError, Member};

impl Group {
    /// Founds the group with `voters`, of whom this replica is one. To be called on one replica, once, when
    /// all of them are blank.
    ///
    /// # Errors
    /// `Refused` when this replica already has a vote, entries or state, or is not among `voters`.
    pub async fn initialize(&self, voters: Vec<Member>) -> Result<(), ConsensusError> {
        let nodes: BTreeMap<u64, Member> = voters.into_iter().map(|voter| (voter.id, voter)).collect();
        self.0.raft.initialize(nodes).await.map_err(|error| match error {
            RaftError::APIError(InitializeError::NotAllowed(_)) => {
                ConsensusError::Refused("the group is founded already".into())
            }
            RaftError::APIError(InitializeError::NotInMembers(_)) => {
                ConsensusError::Refused("this replica is not among the founding voters".into())
            }
            RaftError::Fatal(fatal) => ConsensusError::Stopped(fatal.to_string()),
        })
    }

    /// Makes `new` a voter in the place of `old` (or beside the others when `old` is `None`): adds it as a
    /// learner, waits until it has caught up, then changes the voters in one joint step. May be repeated
    /// after an error or a change of leader; a finished replacement is left as it is.
    ///
    /// # Errors
    /// `NotLeader`; `Refused` when another change is under way. Without a quorum or while `new` does not
    /// answer this does not return: give it a timeout.
    pub async fn replace_voter(&self, old: Option<u64>, new: Member) -> Result<(), ConsensusError> {
        let status = self.status();
        let voters: BTreeSet<u64> = status.voters.iter().map(|voter| voter.id).collect();
        let wanted: BTreeSet<u64> =
            voters.iter().copied().filter(|&id| Some(id) != old).chain([new.id]).collect();
        if wanted == voters && !status.joint {
            return if self.is_leader() {
                Ok(())
            } else {
                Err(ConsensusError::NotLeader { leader: self.leader() })
            };
        }
        let raft = &self.0.raft;
        if !voters.contains(&new.id) {
            let id = new.id;
            let added = raft.add_learner(id, new, false).await.map_err(|e| change_error(&e))?;
            // openraft's own waiting is content with a learner that is thousands of entries behind.
            let caught_up = |m: &openraft::RaftMetrics<u64, Member>| {
                m.running_state.is_err()
                    || m.replication
                        .as_ref()
                        .is_none_or(|peers| peers.get(&id).is_some_and(|at| *at >= Some(added.log_id)))
            };
            raft.metrics().wait_for(caught_up).await.map_err(|e| ConsensusError::Stopped(e.to_string()))?;
            if !self.is_leader() {
                return Err(ConsensusError::NotLeader { leader: self.leader() });
            }
        }
        raft.change_membership(ChangeMembers::ReplaceAllVoters(wanted), false)
            .await
            .map_err(|e| change_error(&e))?;
        Ok(())
    }
}

fn change_error(
    error: &RaftError<u64, ClientWriteError<u64, <Types as openraft::RaftTypeConfig>::Node>>,
) -> ConsensusError {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(to)) => {
            ConsensusError::NotLeader { leader: to.leader_node.clone() }
        }
        RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => {
            ConsensusError::Refused(error.to_string())
        }
        RaftError::Fatal(fatal) => ConsensusError::Stopped(fatal.to_string()),
    }
}
