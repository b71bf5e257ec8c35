//! Opening and closing the state: the tree that the pointer names, and the thread that writes checkpoints.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::watch;

use super::checkpoint::{self, CheckpointHandle};
use super::pointer;
use super::state::State;
use super::store::{Health, StateStore};
use super::tree::Tree;
use crate::ids::next_index;
use crate::{ConsensusError, GroupConfig};

impl StateStore {
    /// Opens the tree the pointer names, or makes an empty one if there is no pointer and `may_create`.
    pub(crate) fn open(
        config: &GroupConfig,
        may_create: bool,
    ) -> Result<(Arc<StateStore>, CheckpointHandle), ConsensusError> {
        let dir = config.dir.clone();
        let name = match pointer::read(&dir)? {
            Some(name) => name,
            None if may_create => {
                let name = pointer::next_name(&dir)?;
                Tree::open(&dir.join(&name), config.cache_bytes)?;
                pointer::write(&dir, &name)?;
                name
            }
            None => {
                let what = "the log exists but the pointer to its checkpoint does not".to_owned();
                return Err(ConsensusError::Gap { path: dir, what });
            }
        };
        pointer::remove_others(&dir, &name)?;
        let tree = Tree::open(&dir.join(&name), config.cache_bytes)?;
        let applied = tree.applied()?;
        let synced = next_index(&applied.log_id);
        let store = Arc::new(StateStore {
            dir,
            dirty_bytes_max: config.dirty_bytes_max,
            cache_bytes: config.cache_bytes,
            state: RwLock::new(State::new(tree, applied, config.cache_bytes)),
            saving: Mutex::default(),
            request: Mutex::default(),
            requested: Condvar::new(),
            synced: Arc::new(AtomicU64::new(synced)),
            saved: watch::channel(synced).0,
            health: Health::default(),
        });
        let handle = checkpoint::start(&store, config)?;
        Ok((store, handle))
    }

    /// Closes the tree. Reads after this see an empty state.
    pub(crate) fn stop(&self, handle: CheckpointHandle) {
        self.request.lock().stopped = true;
        self.requested.notify_all();
        if handle.join().is_err() {
            tracing::error!(dir = %self.dir.display(), "the checkpoint thread panicked");
        }
        self.state.write().close();
        self.saved.send_modify(|_| {});
    }
}
