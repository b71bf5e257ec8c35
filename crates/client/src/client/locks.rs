//! fcntl and flock locks. Nobody waits here: how long, and until what interrupts the wait, is for front ends
//! to say.

use std::time::Duration;

use isobar_base::{Errno, Ino};
use isobar_wire::message::files::{Lock, LockKind};
use isobar_wire::message::ops::{FileOp, OpReply};
use isobar_wire::message::queries::{Answer, FileQuery};

use super::core::{Client, Result};
use crate::lock_owners::Asked;

/// Pause before locks are given up again that nobody took back.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

impl Client {
    /// Takes, changes or gives up a lock. `lock.session` is ignored.
    /// What was written under a lock is committed before the lock goes; what others wrote is seen
    /// once it is taken. Deadlocks are not detected.
    ///
    /// # Errors
    /// `EAGAIN` when another lock is in the way.
    pub async fn lock(&self, ino: Ino, mut lock: Lock) -> Result<()> {
        let inode = self.0.files.get(ino);
        lock.session = self.0.session.id();
        if lock.kind == LockKind::Unlock {
            if let Some(inode) = &inode {
                self.0.files.write_back(inode).await?;
            }
            return self.ask_for(ino, lock).await;
        }
        let (locks, session) = (&self.0.locks, lock.session);
        locks.asks(ino, lock.owner, session);
        let taken = self.ask_for(ino, lock).await;
        // Without a quorum, the log may have it all the same.
        let refused = taken.is_err_and(|errno| errno != Errno::EIO);
        locks.asked(ino, lock.owner, session, if refused { Asked::Refused } else { Asked::MayHold });
        taken?;
        self.0.namespace.attributes_uncertain(ino);
        match &inode {
            Some(inode) => self.0.files.revalidate(inode, Duration::ZERO).await,
            None => Ok(()),
        }
    }

    async fn ask_for(&self, ino: Ino, lock: Lock) -> Result<()> {
        match self.mutate(FileOp::Lock { ino, lock }).await? {
            OpReply::Lock(None) => Ok(()),
            OpReply::Lock(Some(_)) => Err(Errno::EAGAIN),
            _ => Err(Errno::EPROTO),
        }
    }

    /// A lock that is in the way of this one.
    pub async fn test_lock(&self, ino: Ino, mut lock: Lock) -> Result<Option<Lock>> {
        lock.session = self.0.session.id();
        match self.0.cluster.query(FileQuery::TestLock { ino, lock }).await? {
            Answer::Lock(lock) => Ok(lock),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Gives up all locks of an owner (close of a POSIX lock owner, release of a flock owner).
    ///
    /// # Errors
    /// `EIO` when nobody answers at the moment: it is tried until somebody does. The owner may be gone by
    /// then, and others wait.
    pub async fn unlock_all(&self, ino: Ino, owner: u64) -> Result<()> {
        let session = self.0.session.id();
        let unlocked = self.try_unlock_all(ino, owner).await;
        if unlocked == Err(Errno::EIO) {
            let client = self.clone();
            tokio::spawn(async move {
                while client.0.session.id() == session
                    && client.try_unlock_all(ino, owner).await == Err(Errno::EIO)
                {
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            });
        }
        unlocked
    }

    async fn try_unlock_all(&self, ino: Ino, owner: u64) -> Result<()> {
        if let Some(inode) = self.0.files.get(ino) {
            // Bytes that come late must not lie on top of those of the next holder.
            self.0.files.write_back(&inode).await?;
        }
        self.0.locks.forget(ino, owner);
        self.mutate(FileOp::UnlockAll { ino, owner }).await.map(drop)
    }

    /// Whether the owner holds locks here, as far as this client knows (saves a round on every close).
    pub fn holds_locks(&self, ino: Ino, owner: u64) -> bool {
        self.0.locks.holds(ino, owner)
    }
}
