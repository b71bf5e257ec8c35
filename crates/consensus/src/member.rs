//! The members of a group, and how many of them a majority takes.

use serde::{Deserialize, Serialize};

/// A node that stores the log: its disk's random id is its Raft id (I13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// The disk's random id. A blank disk has a new one and is a stranger.
    pub id: u64,
    /// The node's name, for people.
    pub name: String,
    /// Where the transport finds it.
    pub addr: String,
}

impl std::fmt::Display for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:016x} at {})", self.name, self.id, self.addr)
    }
}

/// A membership and the log id of the entry that set it.
pub(crate) type Membership = openraft::StoredMembership<u64, Member>;

/// Whether a majority of `membership` always contains more than one voter. A joint one needs a majority of
/// each.
pub(crate) fn needs_others(membership: &openraft::Membership<u64, Member>) -> bool {
    membership.get_joint_config().iter().any(|voters| voters.len() > 1)
}
