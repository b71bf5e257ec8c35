//! Who waits for locks through this front end, in the order of their coming.
//!
//! A lock that is given up goes to whoever has waited longest for it, among those who wait here; who comes
//! later does not even ask. The order binds nobody for long, because a strict one can lock up what no lock
//! does: a waiter whose lock is free may hold what the one before it waits for. So it asks now and then all
//! the same, and who holds locks of the file already does not wait for its turn at all.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use isobar_base::Ino;
use isobar_client::{Lock, LockKind};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// How long the order holds.
pub(crate) const TURN_WAIT_MAX: Duration = Duration::from_secs(1);

/// All who wait.
#[derive(Debug, Default)]
pub(crate) struct LockQueue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    of: HashMap<Ino, Line>,
}

/// Those who wait for locks of one inode.
#[derive(Debug, Default)]
struct Line {
    /// In the order of their numbers.
    waiters: Vec<(u64, Lock)>,
    /// Somebody has left, or given up a lock.
    moved: Arc<Notify>,
}

/// A place in the queue, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    queue: &'a LockQueue,
    ino: Ino,
    number: u64,
    lock: Lock,
    moved: Arc<Notify>,
}

impl LockQueue {
    /// Begins to wait.
    pub(crate) fn join(&self, ino: Ino, lock: Lock) -> Place<'_> {
        let mut waiting = self.0.lock();
        let number = waiting.next;
        waiting.next += 1;
        let line = waiting.of.entry(ino).or_default();
        line.waiters.push((number, lock));
        Place { queue: self, ino, number, lock, moved: line.moved.clone() }
    }

    /// A lock was given up.
    pub(crate) fn freed(&self, ino: Ino) {
        if let Some(line) = self.0.lock().of.get(&ino) {
            line.moved.notify_waiters();
        }
    }
}

impl Place<'_> {
    /// Whether nobody who came before wants something that excludes this lock.
    pub(crate) fn is_first(&self) -> bool {
        let waiting = self.queue.0.lock();
        let mut before = waiting.of[&self.ino].waiters.iter().take_while(|(number, _)| *number < self.number);
        before.all(|(_, other)| !exclude(other, &self.lock))
    }

    /// Ends when somebody has left or a lock was given up after this was called.
    pub(crate) fn moved(&self) -> Pin<Box<Notified<'_>>> {
        let mut moved = Box::pin(self.moved.notified());
        moved.as_mut().enable();
        moved
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        {
            let mut waiting = self.queue.0.lock();
            if let Some(line) = waiting.of.get_mut(&self.ino) {
                line.waiters.retain(|(number, _)| *number != self.number);
                if line.waiters.is_empty() {
                    waiting.of.remove(&self.ino);
                }
            }
        }
        self.moved.notify_waiters();
    }
}

/// Whether two locks cannot be held at the same time.
fn exclude(one: &Lock, other: &Lock) -> bool {
    let both_read = one.kind == LockKind::Read && other.kind == LockKind::Read;
    let overlap = one.start <= other.end && other.start <= one.end;
    one.family == other.family && one.owner != other.owner && overlap && !both_read
}

#[cfg(test)]
mod tests {
    use isobar_base::SessionId;
    use isobar_client::LockFamily;

    use super::*;

    const INO: Ino = Ino(7);

    fn lock(owner: u64, kind: LockKind, start: u64, end: u64) -> Lock {
        let (family, session) = (LockFamily::Posix, SessionId::NOBODY);
        Lock { family, kind, start, end, session, owner, pid: 1 }
    }

    #[tokio::test]
    async fn what_moves_while_somebody_looks_is_not_missed() {
        let queue = LockQueue::default();
        let place = queue.join(INO, lock(1, LockKind::Write, 0, 9));
        let moved = place.moved();
        queue.freed(INO);
        moved.await;
    }

    #[test]
    fn only_who_wants_the_same_bytes_waits_for_its_turn() {
        let queue = LockQueue::default();
        let first = queue.join(INO, lock(1, LockKind::Write, 0, 9));
        let second = queue.join(INO, lock(2, LockKind::Read, 9, 20));
        let reader = queue.join(INO, lock(3, LockKind::Read, 10, 20));
        let own = queue.join(INO, lock(1, LockKind::Write, 5, 9));
        let elsewhere = queue.join(Ino(8), lock(4, LockKind::Write, 0, 9));
        let firsts = [&first, &second, &reader, &own, &elsewhere].map(Place::is_first);
        assert_eq!(firsts, [true, false, true, false, true], "the fourth waits for the second");
        drop(first);
        assert!(second.is_first() && !own.is_first());
        drop(second);
        assert!(own.is_first());
        drop((reader, own, elsewhere));
        assert!(queue.0.lock().of.is_empty());
    }
}
