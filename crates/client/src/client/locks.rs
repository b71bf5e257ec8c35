//! fcntl and flock locks. Nobody waits here: how long, and until what interrupts the wait, is for front ends
//! to say.

use std::time::Duration;

use isobar_base::{Errno, Ino};
use isobar_wire::message::files::{Lock, LockKind};
use isobar_wire::message::ops::{FileOp, OpReply};
use isobar_wire::message::queries::{Answer, FileQuery};

use super::core::{Client, Result};

impl Client {
    /// Takes, changes or gives up a lock. `lock.session` is ignored.
    /// What was written under a lock is committed before the lock goes; what others wrote is seen
    /// once it is taken. Deadlocks are not detected.
    ///
    /// # Errors
    /// `EAGAIN` when another lock is in the way.
    pub async fn lock(&self, ino: Ino, mut lock: Lock) -> Result<()> {
        let inode = self.0.files.get(ino);
        if lock.kind == LockKind::Unlock
            && let Some(inode) = &inode
        {
            self.0.files.write_back(inode).await;
        }
        lock.session = self.0.session.id();
        match self.mutate(FileOp::Lock { ino, lock }).await? {
            OpReply::Lock(None) => {}
            OpReply::Lock(Some(_)) => return Err(Errno::EAGAIN),
            _ => return Err(Errno::EPROTO),
        }
        if lock.kind != LockKind::Unlock {
            self.0.locks.note(ino, lock.owner, lock.session);
            self.0.namespace.attributes_uncertain(ino);
            if let Some(inode) = &inode {
                self.0.files.revalidate(inode, Duration::ZERO).await?;
            }
        }
        Ok(())
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
    pub async fn unlock_all(&self, ino: Ino, owner: u64) -> Result<()> {
        if let Some(inode) = self.0.files.get(ino) {
            self.0.files.write_back(&inode).await;
        }
        self.0.locks.forget(ino, owner);
        self.mutate(FileOp::UnlockAll { ino, owner }).await.map(drop)
    }

    /// Whether the owner holds locks here, as far as this client knows (saves a round on every close).
    pub fn holds_locks(&self, ino: Ino, owner: u64) -> bool {
        self.0.locks.holds(ino, owner)
    }
}
