//! Who holds locks through this client, or may hold some.
//!
//! An owner is known from before its first request leaves: a request that nobody answered may have been
//! granted, and whoever closes must then give the lock up. Only a refusal is certain.

use std::collections::HashMap;

use isobar_base::{Ino, SessionId};
use parking_lot::Mutex;

/// Owners that hold locks, or may, and the session that holds them for each.
#[derive(Debug, Default)]
pub(crate) struct LockOwners(Mutex<HashMap<(Ino, u64), Entry>>);

#[derive(Debug)]
struct Entry {
    session: SessionId,
    /// It has a lock, as far as is known.
    holds: bool,
    /// Its requests under way.
    asking: u32,
}

/// What came of asking for a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// It is held, or may be: nobody answered.
    MayHold,
    /// It is not.
    Refused,
}

impl LockOwners {
    /// An owner is about to ask for a lock of an inode.
    pub fn asks(&self, ino: Ino, owner: u64, session: SessionId) {
        let mut owners = self.0.lock();
        let entry = owners.entry((ino, owner)).or_insert(Entry { session, holds: false, asking: 0 });
        entry.asking += 1;
    }

    /// What came of it.
    pub fn asked(&self, ino: Ino, owner: u64, session: SessionId, outcome: Asked) {
        let mut owners = self.0.lock();
        // Gone when the owner closed, or the session ended, meanwhile.
        let entry = owners.entry((ino, owner)).or_insert(Entry { session, holds: false, asking: 1 });
        entry.asking = entry.asking.saturating_sub(1);
        entry.holds |= outcome == Asked::MayHold;
        if !entry.holds && entry.asking == 0 {
            owners.remove(&(ino, owner));
        }
    }

    /// An owner gives up all its locks of an inode.
    pub fn forget(&self, ino: Ino, owner: u64) {
        self.0.lock().remove(&(ino, owner));
    }

    /// Whether an owner holds locks of an inode, or may.
    pub fn holds(&self, ino: Ino, owner: u64) -> bool {
        let owners = self.0.lock();
        !owners.is_empty() && owners.contains_key(&(ino, owner))
    }

    /// Locks of other sessions than `now` are lost; gives the inodes they were of.
    pub fn lose_all_but(&self, now: SessionId) -> Vec<Ino> {
        let mut owners = self.0.lock();
        let lost =
            owners.iter().filter(|(_, e)| e.session != now && e.holds).map(|((ino, _), _)| *ino).collect();
        owners.retain(|_, entry| entry.session == now);
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INO: Ino = Ino(7);
    const SESSION: SessionId = SessionId(1);

    #[test]
    fn an_owner_is_known_until_all_its_requests_are_refused() {
        let owners = LockOwners::default();
        owners.asks(INO, 1, SESSION);
        owners.asks(INO, 1, SESSION);
        owners.asked(INO, 1, SESSION, Asked::Refused);
        assert!(owners.holds(INO, 1), "one is under way");
        owners.asked(INO, 1, SESSION, Asked::Refused);
        assert!(!owners.holds(INO, 1));
        owners.asks(INO, 1, SESSION);
        owners.asked(INO, 1, SESSION, Asked::MayHold);
        owners.asks(INO, 1, SESSION);
        owners.asked(INO, 1, SESSION, Asked::Refused);
        assert!(owners.holds(INO, 1), "it keeps what it had");
    }

    #[test]
    fn a_lock_that_comes_after_its_owner_closed_is_known() {
        let owners = LockOwners::default();
        owners.asks(INO, 1, SESSION);
        owners.forget(INO, 1);
        owners.asked(INO, 1, SESSION, Asked::MayHold);
        assert!(owners.holds(INO, 1));
        assert_eq!(owners.lose_all_but(SessionId(2)), [INO]);
        assert!(!owners.holds(INO, 1));
    }
}
