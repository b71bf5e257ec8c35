//! When this replica last heard a leader.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The moment of the last contact with a leader.
#[derive(Debug)]
pub(crate) struct LeaderContact(Mutex<Instant>);

impl LeaderContact {
    /// A contact at this moment: whoever starts waits before it takes the leader for dead.
    pub(crate) fn now() -> LeaderContact {
        LeaderContact(Mutex::new(Instant::now()))
    }

    /// A leader sent something, or a candidate deserves the time to win.
    pub(crate) fn renew(&self) {
        *self.0.lock() = Instant::now();
    }

    /// Time since the last contact.
    pub(crate) fn silence(&self) -> Duration {
        self.0.lock().elapsed()
    }
}
