//! Who holds locks through this client.

use std::collections::HashMap;

use isobar_base::{Ino, SessionId};
use parking_lot::Mutex;

/// Owners that hold locks, and the session that holds them for each.
#[derive(Debug, Default)]
pub(crate) struct LockOwners(Mutex<HashMap<(Ino, u64), SessionId>>);

impl LockOwners {
    /// An owner has taken a lock of an inode.
    pub fn note(&self, ino: Ino, owner: u64, session: SessionId) {
        self.0.lock().insert((ino, owner), session);
    }

    /// An owner gives up all its locks of an inode.
    pub fn forget(&self, ino: Ino, owner: u64) {
        self.0.lock().remove(&(ino, owner));
    }

    /// Whether an owner holds locks of an inode, as far as is known here.
    pub fn holds(&self, ino: Ino, owner: u64) -> bool {
        let owners = self.0.lock();
        !owners.is_empty() && owners.contains_key(&(ino, owner))
    }

    /// Locks of other sessions than `now` are lost; gives the inodes they were of.
    pub fn lose_all_but(&self, now: SessionId) -> Vec<Ino> {
        let mut owners = self.0.lock();
        let lost = owners.iter().filter(|(_, session)| **session != now).map(|((ino, _), _)| *ino).collect();
        owners.retain(|_, session| *session == now);
        lost
    }
}
