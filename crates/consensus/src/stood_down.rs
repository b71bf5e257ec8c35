//! Whether this replica has stopped acting as the leader that openraft takes it for.

use tokio::sync::watch;

/// Set by the watchdog, seen by everything that acts as leader.
#[derive(Debug, Default)]
pub(crate) struct StoodDown(watch::Sender<bool>);

impl StoodDown {
    /// Whether the replica has stood down.
    pub(crate) fn get(&self) -> bool {
        *self.0.borrow()
    }

    /// Stands down, or acts as leader again.
    pub(crate) fn set(&self, stood_down: bool) {
        self.0.send_if_modified(|old| std::mem::replace(old, stood_down) != stood_down);
    }

    /// Fires at each change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}
