//! The state as the replica uses it: entries are applied to it, and read from it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use isobar_base::{Kv, KvRead};
use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::watch;

use super::applied::Applied;
use super::state::State;
use super::tree::TreeView;
use crate::ConsensusError;

/// `apply` waits while this many times `dirty_bytes_max` are unsaved.
const DIRTY_HARD_FACTOR: u64 = 4;

/// The state of one replica.
pub(crate) struct StateStore {
    pub(super) dir: PathBuf,
    pub(super) dirty_bytes_max: u64,
    pub(super) cache_bytes: u64,
    pub(super) state: RwLock<State>,
    /// Held while a checkpoint is written or a snapshot installed.
    pub(super) saving: Mutex<()>,
    pub(super) request: Mutex<CheckpointRequest>,
    pub(super) requested: Condvar,
    /// Entries below this index are in the synced tree.
    pub(super) synced: Arc<AtomicU64>,
    pub(super) saved: watch::Sender<u64>,
}

/// What the checkpoint thread was asked for.
#[derive(Default)]
pub(super) struct CheckpointRequest {
    pub wanted: bool,
    pub stopped: bool,
}

impl StateStore {
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

    /// Asks for a checkpoint soon; `saved` fires when it is done.
    pub(crate) fn request_checkpoint(&self) {
        let mut request = self.request.lock();
        if !request.wanted {
            request.wanted = true;
            self.requested.notify_all();
        }
    }
}
