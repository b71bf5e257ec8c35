//! Locks, and waiting for them.
//!
//! A waiting lock is asked for again and again; between the attempts the caller says whether the wait has to
//! end (a signal, a connection that is gone). Every attempt has a definite outcome, so no lock is ever
//! granted to somebody who stopped waiting. Of all who wait here for the same bytes one asks, the one that
//! has waited longest, and at once when a lock is given up here; it costs queries, not log entries. Who waits
//! elsewhere is not in that order. Deadlocks are not detected.

use std::time::{Duration, Instant};

use isobar_base::{Errno, Ino};
use isobar_client::{Lock, LockKind};

use crate::Result;
use crate::lock_queue::TURN_WAIT_MAX;
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
        let outcome = self.client.lock(ino, lock).await;
        // A lock for reading may take the place of one for writing.
        if outcome.is_ok() && lock.kind != LockKind::Write {
            self.lock_queue.freed(ino);
        }
        outcome
    }

    /// Takes a lock, waiting until it is free or `must_stop` gives a reason to stop.
    ///
    /// # Errors
    /// That one: `EINTR` for a signal.
    pub async fn lock_waiting(
        &self,
        ino: Ino,
        lock: Lock,
        must_stop: impl Fn() -> Option<Errno>,
    ) -> Result<()> {
        let place = self.lock_queue.join(ino, lock);
        let may_ask = |since: Instant| {
            place.is_first() || self.client.holds_locks(ino, lock.owner) || since.elapsed() > TURN_WAIT_MAX
        };
        let (mut pause, mut since) = (PAUSE_FIRST, Instant::now());
        loop {
            let mut moved = place.moved();
            if may_ask(since) {
                match self.client.lock(ino, lock).await {
                    Err(Errno::EAGAIN) => since = Instant::now(),
                    other => return other,
                }
            }
            loop {
                tokio::time::timeout(pause, moved).await.ok();
                pause = (pause * 2).min(PAUSE_MAX);
                moved = place.moved();
                let free = may_ask(since) && self.client.test_lock(ino, lock).await?.is_none();
                // Asked last: whoever stopped waiting while the question was open gets no lock any more.
                if let Some(errno) = must_stop() {
                    return Err(errno);
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
        let unlocked = self.client.unlock_all(ino, owner).await;
        self.lock_queue.freed(ino);
        unlocked
    }

    /// Whether the owner holds locks here (saves a round on every close).
    pub fn holds_locks(&self, ino: Ino, owner: u64) -> bool {
        self.client.holds_locks(ino, owner)
    }
}
