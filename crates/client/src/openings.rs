//! Opening an inode here while its last name is being removed here.
//!
//! Whoever removes a name may say that the inode is not open on this mount: it is then gone at once
//! instead of after the next renewal of the session. So an open that has begun counts as open, and an
//! open that begins while such a removal is under way waits for its outcome.

use std::collections::HashMap;

use isobar_base::Ino;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Inodes being opened, and inodes of which a removal says that they are closed.
#[derive(Debug, Default)]
pub(crate) struct Openings {
    inodes: Mutex<HashMap<Ino, Under>>,
    removed: Notify,
}

#[derive(Debug, Default)]
struct Under {
    opening: u32,
    removing: u32,
}

/// One of them; ends when dropped.
#[derive(Debug)]
pub(crate) struct Way<'a> {
    openings: &'a Openings,
    pub ino: Ino,
    opening: bool,
}

impl Openings {
    /// Begins to open: nobody here says from now on that the inode is closed.
    pub async fn begin(&self, ino: Ino) -> Way<'_> {
        loop {
            let removed = self.removed.notified();
            tokio::pin!(removed);
            removed.as_mut().enable();
            {
                let mut inodes = self.inodes.lock();
                let under = inodes.entry(ino).or_default();
                if under.removing == 0 {
                    under.opening += 1;
                    return Way { openings: self, ino, opening: true };
                }
            }
            removed.await;
        }
    }

    /// Whether somebody is about to have the inode open.
    pub fn is_opening(&self, ino: Ino) -> bool {
        self.inodes.lock().get(&ino).is_some_and(|under| under.opening > 0)
    }

    /// Begins a removal that says that the inode is closed here, if it is.
    pub fn closed(&self, ino: Ino, is_open: impl FnOnce() -> bool) -> Option<Way<'_>> {
        let mut inodes = self.inodes.lock();
        if inodes.get(&ino).is_some_and(|under| under.opening > 0) || is_open() {
            return None;
        }
        inodes.entry(ino).or_default().removing += 1;
        Some(Way { openings: self, ino, opening: false })
    }
}

impl Drop for Way<'_> {
    fn drop(&mut self) {
        let mut inodes = self.openings.inodes.lock();
        if let Some(under) = inodes.get_mut(&self.ino) {
            if self.opening {
                under.opening -= 1;
            } else {
                under.removing -= 1;
            }
            if under.opening == 0 && under.removing == 0 {
                inodes.remove(&self.ino);
            }
        }
        drop(inodes);
        if !self.opening {
            self.openings.removed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INO: Ino = Ino(7);

    #[tokio::test]
    async fn what_is_being_opened_is_not_closed() {
        let openings = Openings::default();
        let opening = openings.begin(INO).await;
        assert!(openings.is_opening(INO));
        assert!(openings.closed(INO, || false).is_none());
        drop(opening);
        assert!(openings.closed(INO, || true).is_none());
        assert!(openings.closed(INO, || false).is_some());
        assert!(openings.inodes.lock().is_empty());
    }

    #[tokio::test]
    async fn an_open_waits_for_a_removal() {
        let openings = Openings::default();
        let removal = openings.closed(INO, || false);
        let opening = openings.begin(INO);
        tokio::pin!(opening);
        tokio::select! {
            biased;
            _ = &mut opening => panic!("opened while it was being removed"),
            () = tokio::task::yield_now() => {}
        }
        drop(removal);
        drop(opening.await);
        assert!(!openings.is_opening(INO));
    }
}
