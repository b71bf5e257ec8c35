//! Opening an inode here while its last name is being removed here.
//!
//! Whoever removes a name may say that the inode is not open on this mount: it is then gone at once
//! instead of after the next renewal of the session. So an open that has begun counts as open, and an
//! open that begins while such a removal is under way waits for its outcome.

use std::collections::HashMap;

use isobar_base::Ino;
use isobar_cluster::wait_until;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Inodes being opened, and inodes of which a removal says that they are closed.
#[derive(Debug, Default)]
pub(crate) struct OpenIntents {
    inodes: Mutex<HashMap<Ino, Counts>>,
    removed: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    opening: u32,
    removing: u32,
}

/// An open that has begun; ends when dropped.
#[derive(Debug)]
pub(crate) struct OpenGuard<'a> {
    intents: &'a OpenIntents,
    ino: Ino,
}

/// A removal that says that the inode is closed here; ends when dropped.
#[derive(Debug)]
pub(crate) struct UnlinkGuard<'a> {
    intents: &'a OpenIntents,
    pub ino: Ino,
}

impl OpenIntents {
    /// Begins to open: nobody here says from now on that the inode is closed.
    pub async fn begin(&self, ino: Ino) -> OpenGuard<'_> {
        let begin = || {
            let mut inodes = self.inodes.lock();
            let counts = inodes.entry(ino).or_default();
            let free = counts.removing == 0;
            counts.opening += u32::from(free);
            free.then(|| OpenGuard { intents: self, ino })
        };
        wait_until(&self.removed, begin).await
    }

    /// Whether somebody is about to have the inode open.
    pub fn is_opening(&self, ino: Ino) -> bool {
        self.inodes.lock().get(&ino).is_some_and(|counts| counts.opening > 0)
    }

    /// Begins a removal that says that the inode is closed here, if it is.
    pub fn closed(&self, ino: Ino, is_open: impl FnOnce() -> bool) -> Option<UnlinkGuard<'_>> {
        let mut inodes = self.inodes.lock();
        if inodes.get(&ino).is_some_and(|counts| counts.opening > 0) || is_open() {
            return None;
        }
        inodes.entry(ino).or_default().removing += 1;
        Some(UnlinkGuard { intents: self, ino })
    }
}

impl OpenIntents {
    /// Takes one off the counts of an inode, and forgets counts of nothing.
    fn end(&self, ino: Ino, change: impl FnOnce(&mut Counts)) {
        let mut inodes = self.inodes.lock();
        if let Some(counts) = inodes.get_mut(&ino) {
            change(counts);
            if counts.opening == 0 && counts.removing == 0 {
                inodes.remove(&ino);
            }
        }
    }
}

impl Drop for OpenGuard<'_> {
    fn drop(&mut self) {
        self.intents.end(self.ino, |counts| counts.opening -= 1);
    }
}

impl Drop for UnlinkGuard<'_> {
    fn drop(&mut self) {
        self.intents.end(self.ino, |counts| counts.removing -= 1);
        self.intents.removed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INO: Ino = Ino(7);

    #[tokio::test]
    async fn what_is_being_opened_is_not_closed() {
        let intents = OpenIntents::default();
        let opening = intents.begin(INO).await;
        assert!(intents.is_opening(INO));
        assert!(intents.closed(INO, || false).is_none());
        drop(opening);
        assert!(intents.closed(INO, || true).is_none());
        assert!(intents.closed(INO, || false).is_some());
        assert!(intents.inodes.lock().is_empty());
    }

    #[tokio::test]
    async fn an_open_waits_for_a_removal() {
        let intents = OpenIntents::default();
        let removal = intents.closed(INO, || false);
        let opening = intents.begin(INO);
        tokio::pin!(opening);
        tokio::select! {
            biased;
            _ = &mut opening => panic!("opened while it was being removed"),
            () = tokio::task::yield_now() => {}
        }
        drop(removal);
        drop(opening.await);
        assert!(!intents.is_opening(INO));
    }
}
