//! Opening an inode here while its last name is being removed here.
//!
//! Whoever removes a name may say that the inode is not open on this mount: it is then gone at once
//! instead of after the next renewal of the session. So an open that has begun counts as open, and an
//! open that begins while such a removal is under way waits for its outcome.
//!
//! A file that is made and opened at once has an inode that nobody here knows before it is there for all, and
//! that others may have removed again by then. So whoever is asked whether inodes are open answers only when
//! the creations that had begun have their handles.

use std::collections::{BTreeSet, HashMap};

use isobar_base::Ino;
use isobar_cluster::wait_until;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Inodes being opened, and inodes of which a removal says that they are closed.
#[derive(Debug, Default)]
pub(crate) struct OpenIntents {
    inodes: Mutex<HashMap<Ino, Counts>>,
    removed: Notify,
    creations: Mutex<Creations>,
    created: Notify,
}

/// Creations under way, by number.
#[derive(Debug, Default)]
struct Creations {
    next: u64,
    under_way: BTreeSet<u64>,
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

/// A file that is made to be opened; ends when dropped.
#[derive(Debug)]
pub(crate) struct CreateGuard<'a> {
    intents: &'a OpenIntents,
    number: u64,
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

    /// Begins to make a file that is opened with it.
    pub fn begin_create(&self) -> CreateGuard<'_> {
        let mut creations = self.creations.lock();
        let number = creations.next;
        creations.next += 1;
        creations.under_way.insert(number);
        CreateGuard { intents: self, number }
    }

    /// Waits until the creations that have begun by now have ended.
    pub async fn creations_ended(&self) {
        let begun = self.creations.lock().next;
        let ended = || self.creations.lock().under_way.first().is_none_or(|&first| first >= begun);
        wait_until(&self.created, || ended().then_some(())).await;
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

impl Drop for CreateGuard<'_> {
    fn drop(&mut self) {
        self.intents.creations.lock().under_way.remove(&self.number);
        self.intents.created.notify_waiters();
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
    async fn whoever_asks_what_is_open_waits_for_the_creations_that_had_begun_and_for_no_others() {
        let intents = OpenIntents::default();
        intents.creations_ended().await;
        let (first, second) = (intents.begin_create(), intents.begin_create());
        let ended = intents.creations_ended();
        tokio::pin!(ended);
        for guard in [second, first] {
            tokio::select! {
                biased;
                () = &mut ended => panic!("did not wait"),
                () = tokio::task::yield_now() => {}
            }
            drop(guard);
        }
        let _later = intents.begin_create();
        ended.await;
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
