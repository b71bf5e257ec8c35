//! Leases of directories between those who have them and those who want them.

use isobar_base::{Ino, SessionId};
use serde::{Deserialize, Serialize};

use crate::Address;

/// Sent to the metadata leader.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LeaseRequest {
    /// A lessee asks what it should give up; the reply comes when there is something, or after a while.
    Await {
        /// The lessee.
        session: SessionId,
    },
    /// Somebody wants a directory that another session has; the reply comes when it is free, or after a
    /// while.
    Want {
        /// The directory.
        dir: Ino,
    },
}

/// The leader's reply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LeaseReply {
    /// Directories that others want.
    Wanted(Vec<Ino>),
    /// Try again.
    Again,
    /// This node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}
