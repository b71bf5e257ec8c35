//! Operations this client has answered for and the log does not have yet.
//!
//! They leave in the order in which they were answered, in one stream with all other operations. So later operations
//! need not wait for them; questions do, as far as they are about the same inodes.

use std::collections::HashMap;

use isobar_base::{Ino, limits::OPS_BEHIND_MAX};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The operations under way, by number.
#[derive(Debug, Default)]
pub(crate) struct Behind {
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

impl Behind {
    /// Whether one more may be begun.
    pub fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.begun - state.done < OPS_BEHIND_MAX
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
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.state.lock().done >= wanted {
                return;
            }
            moved.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_asks_about_an_inode_waits_for_what_concerns_it_and_for_nothing_else() {
        let behind = Behind::default();
        behind.begin([Ino(1), Ino(7)]);
        behind.begin([Ino(2), Ino(8)]);
        behind.settled(Some(Ino(9))).await;
        let waiting = behind.settled(Some(Ino(7)));
        tokio::pin!(waiting);
        tokio::select! {
            biased;
            () = &mut waiting => panic!("did not wait"),
            () = tokio::task::yield_now() => {}
        }
        behind.end([Ino(1), Ino(7)]);
        waiting.await;
        behind.end([Ino(2), Ino(8)]);
        behind.settled(None).await;
        assert!(behind.state.lock().last.is_empty());
    }
}
