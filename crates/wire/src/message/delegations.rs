//! Delegations of directories: between those who hold them and those who want the directories.

use isobar_base::{Ino, SessionId};
use serde::{Deserialize, Serialize};

use crate::Address;

/// Sent to the metadata leader.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DelegationRequest {
    /// A holder asks what it should give up; the reply comes when there is something, or after a while.
    PollRecalls {
        /// The holder.
        session: SessionId,
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
    /// Directories that others want.
    Recall(Vec<Ino>),
    /// Try again.
    Again,
    /// This node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}
