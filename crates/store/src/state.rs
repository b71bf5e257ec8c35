//! The state of an open store: what the writer changes and the readers see.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use isobar_base::BufPool;
use isobar_disk::Disk;
use parking_lot::{Mutex, RwLock};

use crate::StoreError;
use crate::cache::CrcCache;
use crate::damaged::Damaged;
use crate::index::Index;
use crate::limits::{BLOCK_BYTES, CACHED_CRCS_MAX, READ_POOL_BYTES_MAX};

/// How full a store is, in bytes, and its fragments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Room for fragments on the empty device.
    pub capacity_bytes: u64,
    /// Taken by live fragments, with their descriptors.
    pub used_bytes: u64,
    /// Payload that can still be written, whatever the sizes of its fragments: descriptors and the
    /// growth of the index are subtracted.
    pub free_bytes: u64,
    /// Number of fragments.
    pub fragments: u64,
    /// Those of them that were found damaged and have not been written again.
    pub damaged: u64,
}

/// State that the writer changes and readers see.
pub(crate) struct StoreState {
    pub disk: Arc<dyn Disk>,
    pub nonce: u64,
    pub index: RwLock<Index>,
    pub capacity_bytes: u64,
    pub free_bytes: AtomicU64,
    /// Why the store has stopped.
    poison: Mutex<Option<String>>,
    pub pool: BufPool,
    pub cache: CrcCache,
    pub damaged: Mutex<Damaged>,
}

impl StoreState {
    pub(crate) fn new(disk: Arc<dyn Disk>, nonce: u64, index: Index, capacity_bytes: u64) -> StoreState {
        StoreState {
            disk,
            nonce,
            index: RwLock::new(index),
            capacity_bytes,
            free_bytes: AtomicU64::new(0),
            poison: Mutex::new(None),
            pool: BufPool::new(READ_POOL_BYTES_MAX),
            cache: CrcCache::new(CACHED_CRCS_MAX),
            damaged: Mutex::default(),
        }
    }

    /// Fails once a write or sync has failed. Reading needs no such check: what the index names was synced.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match &*self.poison.lock() {
            Some(why) => Err(StoreError::Poisoned(why.clone())),
            None => Ok(()),
        }
    }

    /// Makes every later change fail; the first reason is kept.
    pub(crate) fn poison(&self, why: String) -> StoreError {
        tracing::error!(%why, "the fragment store stops: its device failed");
        StoreError::Poisoned(self.poison.lock().get_or_insert(why).clone())
    }

    pub(crate) fn usage(&self) -> Usage {
        let index = self.index.read();
        Usage {
            capacity_bytes: self.capacity_bytes,
            used_bytes: index.used_blocks() * BLOCK_BYTES,
            free_bytes: self.free_bytes.load(Ordering::Relaxed),
            fragments: index.size().entries,
            damaged: self.damaged.lock().len(),
        }
    }
}
