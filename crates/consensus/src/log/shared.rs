//! What the handles of a log and its writer share.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use isobar_disk::Disk;
use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::{Notify, watch};

use super::command::Command;
use super::format::{FileHeader, SEGMENTS};
use super::index::Index;
use super::segment::Segment;
use crate::ids::{LogId, Vote, next_index};

/// One open log.
pub(super) struct SharedLog {
    pub header: FileHeader,
    pub path: PathBuf,
    pub state: Mutex<LogState>,
    pub queue: Mutex<VecDeque<Command>>,
    pub queued: Condvar,
    /// `None` once the log is closed.
    pub disk: RwLock<Option<Arc<dyn Disk>>>,
    /// Entries below this index are durable.
    pub durable: watch::Sender<u64>,
    /// Bytes of entries kept in memory.
    pub cache_bytes: u64,
    /// Entries below this index are in a synced checkpoint.
    pub synced: Arc<AtomicU64>,
    /// More than one voter is needed for a majority in every configuration in force.
    pub shared_majority: AtomicBool,
    /// Told when segments become few.
    pub pressure: Arc<Notify>,
    pub stopping: AtomicBool,
    /// Since when the writer has been at what it took from the queue last.
    pub busy_since: Mutex<Option<Instant>>,
}

/// What is in the log.
pub(super) struct LogState {
    pub index: Index,
    pub vote: Option<Vote>,
    /// The purge point on the disk; the index's is ahead of it while a purge is queued.
    pub purged: Option<LogId>,
    /// Oldest first; the last one is written to.
    pub live: VecDeque<Segment>,
    pub free: Vec<usize>,
    /// Segments that were never used since the file was opened as new.
    pub fresh: Vec<bool>,
    /// Why the log has stopped.
    pub poisoned: Option<String>,
}

/// What became durable with one batch.
pub(super) struct Written {
    /// The segment the batch is in.
    pub active: Segment,
    /// Entries from this index on are void.
    pub truncated: Option<u64>,
    /// Entries up to and with this one are free.
    pub purged: Option<LogId>,
    /// Index after the last entry.
    pub next: u64,
}

impl SharedLog {
    pub(super) fn push(&self, command: Command) {
        self.queue.lock().push_back(command);
        self.queued.notify_one();
    }

    /// Waits for commands and moves all of them to `out`.
    pub(super) fn take_commands(&self, out: &mut VecDeque<Command>) {
        *self.busy_since.lock() = None;
        let mut queue = self.queue.lock();
        while queue.is_empty() {
            self.queued.wait(&mut queue);
        }
        std::mem::swap(&mut *queue, out);
        *self.busy_since.lock() = Some(Instant::now());
    }

    /// A free segment, and whether it was written before.
    pub(super) fn take_free_segment(&self) -> Option<(usize, bool)> {
        let mut state = self.state.lock();
        let slot = state.free.pop()?;
        let recycled = !std::mem::replace(&mut state.fresh[slot], false);
        if state.free.len() <= SEGMENTS as usize * 3 / 8 {
            self.pressure.notify_one();
        }
        Some((slot, recycled))
    }

    /// Notes a batch that is durable now, and where on the disk the entries in it are.
    pub(super) fn written(&self, batch: Written, placed: impl Iterator<Item = (LogId, u64)>) {
        let mut state = self.state.lock();
        if state.live.back().is_none_or(|s| s.seq != batch.active.seq) {
            state.live.push_back(batch.active);
        }
        if let Some(since) = batch.truncated {
            state.live.iter_mut().for_each(|s| s.next = s.next.min(since));
        }
        for (id, at) in placed {
            state.index.placed(id, at);
            if let Some(segment) = state.live.back_mut() {
                segment.next = segment.next.max(id.index + 1);
            }
        }
        if batch.purged.is_some() {
            state.purged = batch.purged;
            while state.live.len() > 1 && state.live[0].next <= next_index(&batch.purged) {
                if let Some(segment) = state.live.pop_front() {
                    state.free.insert(0, segment.slot);
                }
            }
        }
        state.index.evict(self.cache_bytes);
        // A truncation not yet written has lowered the index below what was written here.
        let next = batch.next.min(state.index.next());
        drop(state);
        self.durable.send_if_modified(|durable| std::mem::replace(durable, next) != next);
    }

    /// Waits until the entry with `index` is in a synced checkpoint (L4).
    pub(super) fn wait_synced(&self, index: u64) -> io::Result<()> {
        while self.synced.load(Ordering::Acquire) <= index {
            if self.stopping.load(Ordering::Acquire) {
                return Err(io::Error::other(format!(
                    "closed before entries up to {index} were checkpointed"
                )));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Makes every later call fail; the first reason is kept.
    pub(super) fn poison(&self, error: &io::Error) {
        let mut state = self.state.lock();
        if state.poisoned.is_none() {
            if !self.stopping.load(Ordering::Acquire) {
                tracing::error!(path = %self.path.display(), %error, "the log stops");
            }
            state.poisoned = Some(error.to_string());
        }
    }

    /// Fails once a write or sync has failed, or the log is closed.
    pub(super) fn check_poison(&self) -> io::Result<()> {
        match &self.state.lock().poisoned {
            Some(why) => Err(io::Error::other(format!("the log has stopped: {why}"))),
            None => Ok(()),
        }
    }
}
