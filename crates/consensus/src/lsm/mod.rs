//! The state: a checkpoint in an embedded LSM tree and everything newer in memory.
//!
//! The Raft log is the only write-ahead log. `apply` changes the *overlay* in memory. From time to time the
//! overlay is frozen (a new one takes further changes) and written to the tree as **one atomic, synced batch
//! together with the log id it ends at**. After a restart the state is the tree's, and the log is replayed from
//! that id. A batch torn by a power loss is therefore no loss: the tree comes back at the id before it.
//!
//! - **S1** `synced` never exceeds the log id inside the last synced batch; the log is purged up to it at most.
//! - **S2** readers see overlay, then frozen overlay, then tree: a checkpoint changes nothing they can see.
//! - **S3** a snapshot is installed into a fresh directory and switched to by a pointer file (`pointer.rs`).
//! - **S4** log id, membership and the mark of an installed snapshot live in a key space of their own.

mod checkpoint;
mod pointer;
mod snapshot;
mod state;
mod tree;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use isobar_base::{Kv, KvRead};
use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::watch;

use crate::ids::{LogId, next_index};
use crate::member::Membership;
use crate::{ConsensusError, GroupConfig};

pub(crate) use checkpoint::CheckpointHandle;
pub(crate) use snapshot::export;
use state::State;
use tree::Tree;
use tree::TreeView;

/// `apply` waits while this many times `dirty_bytes_max` are unsaved.
const DIRTY_HARD_FACTOR: u64 = 4;

/// Where the state stands.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Applied {
    pub log_id: Option<LogId>,
    pub membership: Membership,
    /// Log id of the snapshot this tree was installed from.
    pub installed: Option<LogId>,
}

/// The state of one replica.
pub(crate) struct Store {
    dir: std::path::PathBuf,
    dirty_bytes_max: u64,
    cache_bytes: u64,
    state: RwLock<State>,
    /// Held while a checkpoint is written or a snapshot installed.
    saving: Mutex<()>,
    request: Mutex<checkpoint::Request>,
    requested: Condvar,
    /// Entries below this index are in the synced tree.
    synced: Arc<AtomicU64>,
    saved: watch::Sender<u64>,
}

impl Store {
    /// Opens the tree the pointer names, or makes an empty one if there is no pointer and `may_create`.
    pub(crate) fn open(
        config: &GroupConfig,
        may_create: bool,
    ) -> Result<(Arc<Store>, CheckpointHandle), ConsensusError> {
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
        let store = Arc::new(Store {
            dir,
            dirty_bytes_max: config.dirty_bytes_max,
            cache_bytes: config.cache_bytes,
            state: RwLock::new(State::new(tree, applied, config.cache_bytes)),
            saving: Mutex::default(),
            request: Mutex::default(),
            requested: Condvar::new(),
            synced: Arc::new(AtomicU64::new(synced)),
            saved: watch::channel(synced).0,
        });
        let handle = checkpoint::start(&store, config)?;
        Ok((store, handle))
    }

    /// Where the state stands, in memory.
    pub(crate) fn applied(&self) -> Applied {
        self.state.read().applied.clone()
    }

    /// Runs `look` on what was applied last.
    pub(crate) fn look_at_applied<R>(&self, look: impl FnOnce(&Applied) -> R) -> R {
        look(&self.state.read().applied)
    }

    /// Entries below this index are in the synced tree.
    pub(crate) fn synced(&self) -> Arc<AtomicU64> {
        self.synced.clone()
    }

    /// Fires with `synced` after each checkpoint.
    pub(crate) fn saved(&self) -> watch::Receiver<u64> {
        self.saved.subscribe()
    }

    /// Runs `f` on the applied state.
    pub(crate) fn read<R>(&self, f: impl FnOnce(&dyn KvRead) -> R) -> R {
        f(&*self.state.read())
    }

    /// Runs `f`, which applies entries, on the state, alone. Starts a checkpoint when enough is unsaved.
    pub(crate) fn apply<R>(&self, f: impl FnOnce(&mut dyn Kv, &mut Applied) -> R) -> R {
        let mut state = self.state.write();
        assert!(!state.applying, "the state was left half applied by a panic");
        state.applying = true;
        let mut applied = state.applied.clone();
        let result = f(&mut *state, &mut applied);
        state.applied = applied;
        state.applying = false;
        let dirty = state.dirty_bytes();
        drop(state);
        if dirty > self.dirty_bytes_max {
            self.request_checkpoint();
        }
        result
    }

    /// Whether so much is unsaved that applying must wait for `saved`.
    pub(crate) fn overfull(&self) -> bool {
        self.state.read().dirty_bytes() > DIRTY_HARD_FACTOR * self.dirty_bytes_max
            && !self.request.lock().stopped
    }

    /// A consistent view of the last checkpoint.
    pub(crate) fn view(&self) -> Result<TreeView, ConsensusError> {
        let tree = self.state.read().tree()?;
        TreeView::new(&tree)
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

#[cfg(test)]
mod tests;
