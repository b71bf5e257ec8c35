//! The thread that writes checkpoints beside `apply`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::store::StateStore;
use crate::ids::next_index;
use crate::{ConsensusError, GroupConfig};

/// The thread, to be joined by `StateStore::stop`.
pub(crate) type CheckpointHandle = std::thread::JoinHandle<()>;

/// Starts the thread.
pub(super) fn start(
    store: &Arc<StateStore>,
    config: &GroupConfig,
) -> Result<CheckpointHandle, ConsensusError> {
    let store = store.clone();
    let every = Duration::from_millis(config.checkpoint_every_ms);
    std::thread::Builder::new()
        .name(format!("checkpoint-{}", config.group))
        .spawn(move || store.run_checkpoints(every))
        .map_err(ConsensusError::io("starting the checkpoint thread"))
}

impl StateStore {
    fn run_checkpoints(&self, every: Duration) {
        loop {
            let mut request = self.request.lock();
            let deadline = Instant::now() + every;
            while !request.wanted && !request.stopped {
                if self.requested.wait_until(&mut request, deadline).timed_out() {
                    break;
                }
            }
            if request.stopped {
                return;
            }
            request.wanted = false;
            drop(request);
            let saved = self.checkpoint();
            self.health.failing.store(saved.is_err(), Ordering::Release);
            if let Err(error) = saved {
                // Nothing is lost, the log holds it all; but it cannot be purged, and fills up with an error.
                tracing::error!(dir = %self.dir.display(), %error, "checkpoint failed");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    /// Writes everything applied so far to the tree, durably.
    pub(crate) fn checkpoint(&self) -> Result<(), ConsensusError> {
        let _saving = self.saving.lock();
        *self.health.saving_since.lock() = Some(Instant::now());
        let saved = self.save();
        *self.health.saving_since.lock() = None;
        saved
    }

    fn save(&self) -> Result<(), ConsensusError> {
        let frozen = self.state.write().freeze();
        if let Some((tree, changes, applied)) = frozen {
            let pairs = changes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
            tree.save(pairs, &applied)?;
            let synced = next_index(&applied.log_id);
            let old = self.state.write().thaw();
            self.synced.store(synced, Ordering::Release);
            drop((changes, old));
        }
        self.saved.send_replace(self.synced.load(Ordering::Acquire));
        Ok(())
    }
}
