//! What a replica says about itself.

use std::collections::BTreeMap;

use crate::Member;

/// Who leads, as far as this replica knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    /// The leader, if one is known.
    pub leader: Option<Member>,
    /// Its term.
    pub term: u64,
    /// Whether it is this replica.
    pub is_me: bool,
}

/// Where one replica of one group stands. Indexes are of the last entry each applies to; 0 when there is
/// none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupStatus {
    /// This replica.
    pub me: Member,
    /// The group's number.
    pub group: u16,
    /// The leader, if one is known.
    pub leader: Option<Member>,
    /// The current term.
    pub term: u64,
    /// Last entry in the log.
    pub last_log: u64,
    /// Last entry purged from the log.
    pub purged: u64,
    /// Last entry known to be committed here: what is applied, as commits are applied at once.
    pub committed: u64,
    /// Last entry applied.
    pub applied: u64,
    /// Last entry in a synced checkpoint.
    pub synced_applied: u64,
    /// Bytes of log space in use, in whole segments.
    pub log_used_bytes: u64,
    /// Those who vote.
    pub voters: Vec<Member>,
    /// Those who only follow.
    pub learners: Vec<Member>,
    /// Whether two sets of voters are in force.
    pub joint: bool,
    /// On the leader: the last entry each peer is known to have.
    pub matched: BTreeMap<u64, u64>,
    /// Why the replica stopped, if it did.
    pub stopped: Option<String>,
}
