//! Delegations of directories: between those who hold them and those who want the directories.

use isobar_base::{GroupId, Ino, SessionId};
use serde::{Deserialize, Serialize};

use crate::Address;

/// Sent to the metadata leader.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DelegationRequest {
    /// The metadata group that has the directories.
    pub group: GroupId,
    /// What is asked.
    pub ask: DelegationAsk,
}

/// What is asked about delegations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DelegationAsk {
    /// A holder asks what it should give up; the reply comes when there is something, or after a while, and
    /// says that the holder still holds everything else: until the leader that gave it revokes something,
    /// and at least for [`isobar_base::limits::DELEGATION_REVOKE_MS`].
    PollRecalls {
        /// The holder.
        session: SessionId,
        /// Directories it takes for delegated to it, at most [`isobar_base::limits::DELEGATIONS_MAX`].
        held: Vec<Ino>,
    },
    /// Somebody wants a directory that another session has; the reply comes when it is free, or after a
    /// while.
    RequestRecall {
        /// The directory.
        dir: Ino,
    },
}

/// The leader's reply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DelegationReply {
    /// Directories that others want, and those that are not delegated to the holder any more.
    Recall(Vec<Ino>),
    /// Try again.
    Again,
    /// This node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}
