//! What this replica remembers of its peers' disks, as long as it runs: the last committed entry that each
//! has acknowledged to it, and who was found without it.
//!
//! A disk that was put back from a copy has forgotten entries and votes that it promised to remember (I13):
//! it could help to elect a leader that lacks what was acknowledged. Such a peer is a stranger from then on:
//! nothing is sent to it, and nothing it sends is answered. Only committed entries are remembered: others may
//! rightly be replaced.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;

use crate::Member;
use crate::ids::LogId;

/// By id of the peer.
#[derive(Debug, Default)]
pub(crate) struct MemoryOfPeers(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    acknowledged: HashMap<u64, LogId>,
    went_back: HashSet<u64>,
}

impl MemoryOfPeers {
    /// The peer has everything up to `last`, and entries up to `committed` are committed.
    pub(crate) fn acknowledged(&self, peer: u64, last: Option<LogId>, committed: Option<LogId>) {
        if let Some(id) = last.min(committed) {
            let mut table = self.0.lock();
            let known = table.acknowledged.entry(peer).or_insert(id);
            *known = id.max(*known);
        }
    }

    /// What the peer has acknowledged so far.
    pub(crate) fn known(&self, peer: u64) -> Option<LogId> {
        self.0.lock().acknowledged.get(&peer).copied()
    }

    /// The peer says that its log ends at `last`; `known` is from before it was asked.
    pub(crate) fn ends_at(&self, peer: u64, last: Option<LogId>, known: Option<LogId>) {
        if known > last {
            self.went_back(peer, &format!("{known:?}"), &format!("{last:?}"));
        }
    }

    /// The peer does not have the entry `missed`; it had confirmed up to `confirmed` to this leader.
    pub(crate) fn lacks(&self, peer: &Member, missed: Option<LogId>, confirmed: Option<LogId>) {
        let known = self.known(peer.id).max(confirmed);
        if missed.is_some() && missed <= known {
            self.went_back(peer.id, &format!("{known:?}"), &format!("less than {missed:?}"));
        }
    }

    fn went_back(&self, peer: u64, had: &str, has: &str) {
        if self.0.lock().went_back.insert(peer) {
            let voter = format!("{peer:016x}");
            tracing::error!(voter, had, has, "lost entries that it had acknowledged: it is a stranger now");
        }
    }

    /// Whether the peer was found without what it had acknowledged.
    pub(crate) fn has_gone_back(&self, peer: u64) -> bool {
        let table = self.0.lock();
        !table.went_back.is_empty() && table.went_back.contains(&peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::log_id;

    fn id(index: u64) -> Option<LogId> {
        Some(log_id(index, 1, 1))
    }

    #[test]
    fn only_the_loss_of_acknowledged_committed_entries_makes_a_stranger() {
        let memory = MemoryOfPeers::default();
        let peer = |id| Member { id, ..Member::default() };
        memory.acknowledged(2, id(9), id(7));
        memory.acknowledged(2, id(5), id(7));
        let known = memory.known(2);
        assert_eq!(known, id(7));
        memory.ends_at(2, id(7), known);
        memory.ends_at(3, None, memory.known(3));
        memory.lacks(&peer(2), id(8), None);
        assert!(!memory.has_gone_back(2) && !memory.has_gone_back(3));
        memory.ends_at(2, id(6), known);
        assert!(memory.has_gone_back(2));
        memory.lacks(&peer(3), id(4), id(5));
        assert!(memory.has_gone_back(3));
    }
}
