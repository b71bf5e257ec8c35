//! The state as the replica uses it: entries are applied to it, and read from it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use isobar_base::{Kv, KvRead};
use parking_lot::{Condvar, Mutex, RwLock, RwLockReadGuard};
use tokio::sync::watch;

use super::applied::Applied;
use super::state::State;
use super::tree::TreeView;
use crate::ConsensusError;
use crate::blocking::blocking;

/// `apply` waits while this many times `dirty_bytes_max` are unsaved.
const DIRTY_HARD_FACTOR: u64 = 4;

/// A checkpoint that takes longer than this counts as hung.
const CHECKPOINT_TIME_MAX: Duration = Duration::from_secs(5);

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
    pub(super) health: Health,
}

/// Whether the state gets on.
#[derive(Default)]
pub(super) struct Health {
    /// Calls of `apply` that run.
    applying: AtomicUsize,
    /// `apply` waits for a checkpoint.
    held_up: AtomicBool,
    /// The last checkpoint failed.
    pub failing: AtomicBool,
    /// Since when a checkpoint is being written.
    pub saving_since: Mutex<Option<Instant>>,
    /// Set once a call of `apply` has panicked.
    panicked: watch::Sender<bool>,
}

/// One call of `apply`.
struct Applying<'a>(&'a Health);

impl<'a> Applying<'a> {
    fn begin(health: &'a Health) -> Applying<'a> {
        health.applying.fetch_add(1, Ordering::AcqRel);
        Applying(health)
    }
}

impl Drop for Applying<'_> {
    fn drop(&mut self) {
        self.0.applying.fetch_sub(1, Ordering::AcqRel);
        if std::thread::panicking() {
            self.0.panicked.send_replace(true);
        }
    }
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
        self.look().applied.clone()
    }

    /// Runs `look` on what was applied last.
    pub(crate) fn look_at_applied<R>(&self, look: impl FnOnce(&Applied) -> R) -> R {
        look(&self.look().applied)
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
        f(&*self.look())
    }

    /// Runs `f`, which applies entries, on the state, alone. Starts a checkpoint when enough is unsaved.
    pub(crate) fn apply<R>(&self, f: impl FnOnce(&mut dyn Kv, &mut Applied) -> R) -> R {
        let _applying = Applying::begin(&self.health);
        // Whoever reads may do so for long.
        let mut state = self.state.try_write().unwrap_or_else(|| blocking(|| self.state.write()));
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
        self.look().dirty_bytes() > DIRTY_HARD_FACTOR * self.dirty_bytes_max && !self.request.lock().stopped
    }

    /// Returns once a call of `apply` has panicked.
    pub(crate) async fn panicked(&self) {
        // The sender lives in the store.
        let _ = self.health.panicked.subscribe().wait_for(|panicked| *panicked).await;
    }

    /// Notes that `apply` waits for a checkpoint, or no longer does.
    pub(crate) fn note_held_up(&self, held_up: bool) {
        self.health.held_up.store(held_up, Ordering::Release);
    }

    /// Whether entries are being applied, or wait for a checkpoint that is on its way.
    pub(crate) fn is_at_work(&self) -> bool {
        let held_up = self.health.held_up.load(Ordering::Acquire);
        self.health.applying.load(Ordering::Acquire) > 0 || (held_up && !self.fails())
    }

    /// Whether nothing can be applied because no checkpoint can be written.
    pub(crate) fn is_stuck(&self) -> bool {
        self.health.held_up.load(Ordering::Acquire) && self.fails()
    }

    fn fails(&self) -> bool {
        let since = *self.health.saving_since.lock();
        self.health.failing.load(Ordering::Acquire)
            || since.is_some_and(|since| since.elapsed() > CHECKPOINT_TIME_MAX)
    }

    /// The state, shared. Whoever changes it may do so for long.
    fn look(&self) -> RwLockReadGuard<'_, State> {
        self.state.try_read().unwrap_or_else(|| blocking(|| self.state.read()))
    }

    /// A consistent view of the last checkpoint.
    pub(crate) fn view(&self) -> Result<TreeView, ConsensusError> {
        let tree = self.look().tree()?;
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
