//! A storage target of a node: what the node knows of it, and the way to its store.
//!
//! A store that failed is opened again on the same device and then takes the place of the old one, which
//! answers reads until then: what it has in its index was synced.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use isobar_base::{AlignedBuf, FragmentHeader, FragmentKey, SegmentId, TargetId, row_crc};
use isobar_disk::Disk;
use isobar_store::{Fragment, Options, Store, StoreError};
use isobar_wire::message::cluster::{TargetInfo, TargetLive};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::reserve::reserve_bytes;
use crate::limits::{
    CONTRADICTIONS_MAX, CONTRADICTIONS_TOLD_MAX, DELETE_LATE, STORE_READS_MAX, STORE_WRITE_UNIT_BYTES,
    STORE_WRITES_MAX,
};

/// One storage target of this node.
pub(crate) struct Target {
    pub(crate) info: TargetInfo,
    disk: Arc<dyn Disk>,
    store: RwLock<Store>,
    /// Room in the store's write queue.
    writes: Arc<Semaphore>,
    /// Room in the store's read queue.
    reads: Arc<Semaphore>,
    /// Rows rebuilt and to rebuild, while that goes on.
    pub(crate) rebuild: Mutex<Option<(u64, u64)>>,
    /// Parity rows that do not belong to their data.
    contradicting: Mutex<HashSet<FragmentKey>>,
    /// How often deletions may have passed this target by.
    deletions_missed: AtomicU64,
    /// Bytes of rows on their way into the store.
    coming_bytes: AtomicU64,
}

impl Target {
    /// The target on an open store.
    pub(crate) fn new(info: TargetInfo, disk: Arc<dyn Disk>, store: Store) -> Target {
        Target {
            info,
            disk,
            store: RwLock::new(store),
            writes: Arc::new(Semaphore::new(STORE_WRITES_MAX)),
            reads: Arc::new(Semaphore::new(STORE_READS_MAX)),
            rebuild: Mutex::new(None),
            contradicting: Mutex::default(),
            deletions_missed: AtomicU64::new(0),
            coming_bytes: AtomicU64::new(0),
        }
    }

    /// Its store, as long as it does not fail.
    pub(crate) fn store(&self) -> Store {
        self.store.read().clone()
    }

    /// Opens the store again after it failed. Blocks.
    ///
    /// # Errors
    /// Of the store; the one that failed stays.
    pub(crate) fn reopen(&self) -> Result<(), StoreError> {
        let store = Store::open(self.disk.clone(), Options::default())?;
        *self.store.write() = store;
        self.deletions_missed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// How often deletions may have passed this target by: it had failed, or was late, or old rows came.
    pub(crate) fn deletions_missed(&self) -> u64 {
        self.deletions_missed.load(Ordering::Relaxed)
    }

    /// The target's id.
    pub(crate) fn id(&self) -> TargetId {
        self.info.id
    }

    /// How the target is, as its own node sees it.
    pub(crate) fn live(&self) -> TargetLive {
        let store = self.store();
        let usage = store.usage();
        let mut contradicting = self.contradicting.lock();
        contradicting.retain(|&key| store.contains(key));
        TargetLive {
            id: self.id(),
            up: true,
            failed: store.is_poisoned(),
            damaged_rows: usage.damaged + contradicting.len() as u64,
            used_bytes: usage.used_bytes,
            free_bytes: usage.free_bytes.saturating_sub(reserve_bytes(usage.capacity_bytes)),
            rebuild: *self.rebuild.lock(),
        }
    }

    /// Whether a row of so many bytes leaves the room alone that is kept for compaction.
    pub(crate) fn has_room_for_all(&self, row_bytes: u64) -> bool {
        let usage = self.store().usage();
        let taken = self.coming_bytes.load(Ordering::Relaxed) + row_bytes;
        usage.free_bytes >= taken.saturating_add(reserve_bytes(usage.capacity_bytes))
    }

    /// Remembers a parity row that does not belong to its data, as long as it is here.
    pub(crate) fn note_contradiction(&self, key: FragmentKey) {
        let mut contradicting = self.contradicting.lock();
        if contradicting.len() < CONTRADICTIONS_MAX {
            contradicting.insert(key);
        }
    }

    /// Some of the segments with such a row here.
    pub(crate) fn contradicting(&self) -> Vec<SegmentId> {
        self.contradicting.lock().iter().map(|key| key.segment).take(CONTRADICTIONS_TOLD_MAX).collect()
    }

    /// Makes a row durable; `done` is called by a thread of the store.
    pub(crate) fn put_then(
        self: &Arc<Target>,
        header: FragmentHeader,
        payload: AlignedBuf,
        done: impl FnOnce(&Target, Result<(), StoreError>) + Send + 'static,
    ) {
        let permits = 1 + payload.len() / STORE_WRITE_UNIT_BYTES;
        let (target, bytes) = (self.clone(), payload.len() as u64);
        self.coming_bytes.fetch_add(bytes, Ordering::Relaxed);
        when_room(&self.writes, permits as u32, move |permit| {
            let store = target.store();
            store.put(header, payload, move |result| {
                drop(permit);
                target.coming_bytes.fetch_sub(bytes, Ordering::Relaxed);
                done(&target, result);
            });
        });
    }

    /// Stores a row again that is missing or damaged; `done` is called by a thread of the store.
    pub(crate) fn rewrite_then(
        self: &Arc<Target>,
        header: FragmentHeader,
        payload: AlignedBuf,
        done: impl FnOnce(&Target, Result<(), StoreError>) + Send + 'static,
    ) {
        let permits = 1 + payload.len() / STORE_WRITE_UNIT_BYTES;
        let target = self.clone();
        when_room(&self.writes, permits as u32, move |permit| {
            let store = target.store();
            store.rewrite(header, payload, move |result| {
                drop(permit);
                if result.is_ok() {
                    // An old row that is here anew: its deletion may have come before it.
                    target.deletions_missed.fetch_add(1, Ordering::Relaxed);
                }
                done(&target, result);
            });
        });
    }

    /// Reads units of a row ([`Store::WHOLE`]: all of it); `done` is called by a thread of the store.
    pub(crate) fn get_then(
        self: &Arc<Target>,
        key: FragmentKey,
        units: Range<u32>,
        done: impl FnOnce(&Target, Result<Fragment, StoreError>) + Send + 'static,
    ) {
        let target = self.clone();
        when_room(&self.reads, 1, move |permit| {
            let store = target.store();
            store.get(key, units, move |result| {
                drop(permit);
                done(&target, result);
            });
        });
    }

    /// Removes rows; `done` is called by a thread of the store.
    pub(crate) fn delete_then(
        self: &Arc<Target>,
        keys: Vec<FragmentKey>,
        done: impl FnOnce(&Target, Result<(), StoreError>) + Send + 'static,
    ) {
        // The store splits long deletes into as many writes.
        let permits = 1 + keys.len() / 1024;
        let (target, asked) = (self.clone(), Instant::now());
        when_room(&self.writes, permits as u32, move |permit| {
            let store = target.store();
            store.delete(keys, move |result| {
                drop(permit);
                if result.is_err() || asked.elapsed() > DELETE_LATE {
                    target.deletions_missed.fetch_add(1, Ordering::Relaxed);
                }
                done(&target, result);
            });
        });
    }

    /// Stores a row again that is missing or damaged.
    pub(crate) async fn rewrite(
        self: &Arc<Target>,
        header: FragmentHeader,
        payload: AlignedBuf,
    ) -> Result<(), StoreError> {
        answer(|done| self.rewrite_then(header, payload, done)).await
    }

    /// Reads a whole row, and with that verifies it; gives what the ledger should say of it.
    pub(crate) async fn verify(self: &Arc<Target>, key: FragmentKey) -> Result<u32, StoreError> {
        let crc = |read: Fragment| row_crc(&read.unit_crcs);
        answer(|done| self.get_then(key, Store::WHOLE, move |target, read| done(target, read.map(crc)))).await
    }

    /// Removes rows.
    pub(crate) async fn delete(self: &Arc<Target>, keys: Vec<FragmentKey>) -> Result<(), StoreError> {
        answer(|done| self.delete_then(keys, done)).await
    }
}

/// Waits for what a store will call back with.
async fn answer<T: Send + 'static>(
    begin: impl FnOnce(Box<dyn FnOnce(&Target, Result<T, StoreError>) + Send>),
) -> Result<T, StoreError> {
    let (sender, receiver) = oneshot::channel();
    // Whoever waits may have been stopped.
    begin(Box::new(move |_, result| drop(sender.send(result))));
    receiver.await.unwrap_or(Err(StoreError::Closed))
}

/// Runs `act` at once when the queue has room, otherwise from a task once it has.
fn when_room(room: &Arc<Semaphore>, permits: u32, act: impl FnOnce(OwnedSemaphorePermit) + Send + 'static) {
    match room.clone().try_acquire_many_owned(permits) {
        Ok(permit) => act(permit),
        Err(_) => {
            let room = room.clone();
            tokio::spawn(async move {
                // The semaphore is never closed.
                if let Ok(permit) = room.acquire_many_owned(permits).await {
                    act(permit);
                }
            });
        }
    }
}
