//! Answering the messages of peers.

use openraft::error::{InstallSnapshotError, RaftError};
use openraft::raft::AppendEntriesResponse;
use serde::Serialize;

use super::Group;
use crate::network::{SnapshotReply, decode, sender};
use crate::replica::Replica;
use crate::{ConsensusError, Rpc};

impl Group {
    fn known_to_remember(&self, from: u64) -> Result<(), ConsensusError> {
        match self.0.network.memory.has_gone_back(from) {
            true => Err(ConsensusError::WentBack { from }),
            false => Ok(()),
        }
    }

    /// Answers the message `body` of a peer.
    ///
    /// # Errors
    /// `WrongPeer` and `Malformed` for messages that are not for this replica; `WentBack`; `Stopped`.
    /// The transport should report any of them to the caller as refused.
    pub async fn handle(&self, rpc: Rpc, body: &[u8]) -> Result<Vec<u8>, ConsensusError> {
        let Replica { config, .. } = &*self.0.replica;
        let (group, me, raft) = (config.group, config.me.id, &self.0.raft);
        let stopped = |error: &dyn std::fmt::Display| ConsensusError::Stopped(error.to_string());
        let from = sender(body).unwrap_or_default();
        self.known_to_remember(from)?;
        match rpc {
            Rpc::AppendEntries => {
                let request = decode(group, me, body)?;
                if self.0.replica.log_is_tight() {
                    self.0.replica.wait_for_log_space().await;
                }
                let response = raft.append_entries(request).await.map_err(|e| stopped(&e))?;
                if !matches!(response, AppendEntriesResponse::HigherVote(_)) {
                    self.0.replica.leader_contact.renew();
                }
                reply(&response)
            }
            Rpc::Vote => {
                let response = raft.vote(decode(group, me, body)?).await.map_err(|e| stopped(&e))?;
                if response.vote_granted {
                    self.0.replica.leader_contact.renew();
                }
                reply(&response)
            }
            Rpc::Standing => {
                let () = decode(group, me, body)?;
                reply(&self.0.replica.pre_vote_state())
            }
            Rpc::InstallSnapshot => match raft.install_snapshot(decode(group, me, body)?).await {
                Ok(response) => reply(&SnapshotReply::Taken(response)),
                Err(RaftError::APIError(InstallSnapshotError::SnapshotMismatch(mismatch))) => {
                    reply(&SnapshotReply::Mismatch(mismatch))
                }
                Err(error) => Err(stopped(&error)),
            },
        }
    }
}

fn reply(response: &impl Serialize) -> Result<Vec<u8>, ConsensusError> {
    postcard::to_allocvec(response).map_err(|e| ConsensusError::Malformed(e.to_string()))
}
