//! Locks, and waiting for them.
//!
//! A waiting lock is asked for again and again; between the attempts the caller says whether the wait has to
//! end (a signal, a connection that is gone). Every attempt has a definite outcome, so no lock is ever
//! granted to somebody who stopped waiting. While it waits the caller costs queries, not log entries.
//! Deadlocks are not detected.

use std::time::Duration;

use isobar_base::{Errno, Ino};
use isobar_client::Lock;

use crate::Result;
use crate::vfs::Vfs;

/// Pauses between attempts to get a lock: the first and the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(64);

impl Vfs {
    /// Takes, changes or gives up a lock without waiting.
    ///
    /// # Errors
    /// `EAGAIN` when another lock is in the way.
    pub async fn lock(&self, ino: Ino, lock: Lock) -> Result<()> {
        self.client.lock(ino, lock).await
    }

    /// Takes a lock, waiting until it is free or `must_stop` says so.
    ///
    /// # Errors
    /// `EINTR` when the wait was stopped.
    pub async fn lock_waiting(&self, ino: Ino, lock: Lock, must_stop: impl Fn() -> bool) -> Result<()> {
        let mut pause = PAUSE_FIRST;
        loop {
            match self.client.lock(ino, lock).await {
                Err(Errno::EAGAIN) => {}
                other => return other,
            }
            loop {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
                let free = self.client.test_lock(ino, lock).await?.is_none();
                // Asked last: whoever stopped waiting while the question was open gets no lock any more.
                if must_stop() {
                    return Err(Errno::EINTR);
                }
                if free {
                    break;
                }
            }
        }
    }

    /// A lock that is in the way of this one.
    pub async fn test_lock(&self, ino: Ino, lock: Lock) -> Result<Option<Lock>> {
        self.client.test_lock(ino, lock).await
    }

    /// Gives up all locks of an owner.
    pub async fn unlock_all(&self, ino: Ino, owner: u64) -> Result<()> {
        self.client.unlock_all(ino, owner).await
    }

    /// Whether the owner holds locks here (saves a round on every close).
    pub fn holds_locks(&self, ino: Ino, owner: u64) -> bool {
        self.client.holds_locks(ino, owner)
    }
}
