//! Operations this client has answered for and the log does not have yet.
//!
//! They leave in the order in which they were answered, in one stream with all other operations. So later
//! operations need not wait for them; questions do, as far as they are about the same inodes.

use std::collections::HashMap;
use std::time::Duration;

use isobar_base::{Errno, Ino, limits::UNCONFIRMED_OPS_MAX};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::wait::wait_until;

/// The operations under way, by number.
#[derive(Debug, Default)]
pub struct UnconfirmedOps {
    state: Mutex<State>,
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the last one that was begun.
    begun: u64,
    /// All up to this one are done.
    done: u64,
    /// The last one that concerns an inode.
    last: HashMap<Ino, u64>,
}

impl UnconfirmedOps {
    /// Whether one more may be begun.
    pub fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.begun - state.done < UNCONFIRMED_OPS_MAX
    }

    /// Begins one that concerns these inodes; gives its number.
    pub fn begin(&self, inos: [Ino; 2]) -> u64 {
        let mut state = self.state.lock();
        state.begun += 1;
        let number = state.begun;
        state.last.extend(inos.map(|ino| (ino, number)));
        number
    }

    /// The oldest one is done.
    pub fn end(&self, inos: [Ino; 2]) {
        {
            let mut state = self.state.lock();
            state.done += 1;
            let done = state.done;
            for ino in inos {
                if state.last.get(&ino).is_some_and(|&last| last <= done) {
                    state.last.remove(&ino);
                }
            }
        }
        self.moved.notify_waiters();
    }

    /// Waits for those that concern an inode; for all of them when none is named.
    pub async fn settled(&self, ino: Option<Ino>) {
        let wanted = {
            let state = self.state.lock();
            match ino {
                None => state.begun,
                Some(ino) => state.last.get(&ino).copied().unwrap_or(0),
            }
        };
        wait_until(&self.moved, || (self.state.lock().done >= wanted).then_some(())).await;
    }

    /// Like [`UnconfirmedOps::settled`], for as long as callers wait.
    ///
    /// # Errors
    /// `EIO` when the time is up.
    pub async fn settled_within(&self, ino: Option<Ino>, wait: Duration) -> Result<(), Errno> {
        tokio::time::timeout(wait, self.settled(ino)).await.map_err(|_| Errno::EIO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_asks_about_an_inode_waits_for_what_concerns_it_and_for_nothing_else() {
        let unconfirmed = UnconfirmedOps::default();
        unconfirmed.begin([Ino(1), Ino(7)]);
        unconfirmed.begin([Ino(2), Ino(8)]);
        unconfirmed.settled(Some(Ino(9))).await;
        let waiting = unconfirmed.settled(Some(Ino(7)));
        tokio::pin!(waiting);
        tokio::select! {
            biased;
            () = &mut waiting => panic!("did not wait"),
            () = tokio::task::yield_now() => {}
        }
        unconfirmed.end([Ino(1), Ino(7)]);
        waiting.await;
        unconfirmed.end([Ino(2), Ino(8)]);
        unconfirmed.settled(None).await;
        assert!(unconfirmed.state.lock().last.is_empty());
    }
}
