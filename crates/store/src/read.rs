//! What readers share with the writer: the index, and reading fragments through it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use isobar_base::{AlignedBuf, BufPool, FragmentKey, Geometry, verify_units};
use isobar_disk::Disk;
use parking_lot::{Mutex, RwLock};

use crate::cache::CrcCache;
use crate::extent::{descriptor_blocks, descriptor_crcs, read_runs, read_whole};
use crate::index::{Entry, Index};
use crate::limits::{BLOCK_BYTES, CACHED_CRCS_MAX, READ_ATTEMPTS, READ_POOL_BYTES_MAX};
use crate::{Store, StoreError};

/// Part or all of a stored fragment, verified.
#[derive(Debug)]
pub struct Fragment {
    /// Which fragment.
    pub key: FragmentKey,
    /// The metadata group that names its segment.
    pub group: u16,
    /// Shape of its segment.
    pub geometry: Geometry,
    /// First unit of `data` within the row.
    pub first_unit: u32,
    /// CRC32C of each 4 KiB unit of `data`, as the client made them.
    pub unit_crcs: Vec<u32>,
    /// The units asked for.
    pub data: AlignedBuf,
}

/// How full a store is. All but `fragments` in bytes.
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
}

/// State that the writer changes and readers see.
pub(crate) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub nonce: u64,
    pub index: RwLock<Index>,
    pub capacity_bytes: u64,
    pub free_bytes: AtomicU64,
    poison: Mutex<Option<String>>,
    pool: BufPool,
    cache: CrcCache,
}

impl Shared {
    pub(crate) fn new(disk: Arc<dyn Disk>, nonce: u64, index: Index, capacity_bytes: u64) -> Shared {
        Shared {
            disk,
            nonce,
            index: RwLock::new(index),
            capacity_bytes,
            free_bytes: AtomicU64::new(0),
            poison: Mutex::new(None),
            pool: BufPool::new(READ_POOL_BYTES_MAX),
            cache: CrcCache::new(CACHED_CRCS_MAX),
        }
    }

    /// Fails once a write or sync has failed.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match &*self.poison.lock() {
            Some(why) => Err(StoreError::Poisoned(why.clone())),
            None => Ok(()),
        }
    }

    /// Makes every later call fail; the first reason is kept.
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
            fragments: index.len(),
        }
    }

    /// Reads `units` of a fragment, all of them for [`Store::WHOLE`].
    ///
    /// # Errors
    /// `NotFound`, `InvalidRange`, `Corrupt`, `Read`, `Poisoned`.
    pub(crate) fn get(&self, key: FragmentKey, units: Range<u32>) -> Result<Fragment, StoreError> {
        let mut attempt = 1;
        loop {
            self.check()?;
            let entry = self.index.read().get(&key).cloned().ok_or(StoreError::NotFound(key))?;
            match self.read(key, &entry, units.clone()) {
                // Deleted, and its blocks reused, under the read? Then the index knows by now.
                Err(StoreError::Corrupt { .. }) if attempt < READ_ATTEMPTS => attempt += 1,
                Err(error @ StoreError::Corrupt { .. }) => {
                    tracing::warn!(%error);
                    return Err(error);
                }
                other => return other,
            }
        }
    }

    fn read(&self, key: FragmentKey, entry: &Entry, units: Range<u32>) -> Result<Fragment, StoreError> {
        let all = entry.units();
        let units = if units == Store::WHOLE { 0..all } else { units };
        if units.start >= units.end || units.end > all {
            return Err(StoreError::InvalidRange { key, units: all, start: units.start, end: units.end });
        }
        let (unit_crcs, data) = if units == (0..all) {
            self.read_whole(key, entry)?
        } else {
            self.read_part(key, entry, &units)?
        };
        let (group, geometry) = (entry.group, entry.geometry);
        Ok(Fragment { key, group, geometry, first_unit: units.start, unit_crcs, data })
    }

    fn read_whole(&self, key: FragmentKey, entry: &Entry) -> Result<(Vec<u32>, AlignedBuf), StoreError> {
        let mut data = self.pool.get((entry.runs.blocks() * BLOCK_BYTES) as usize);
        let crcs = read_whole(&*self.disk, key, entry, self.nonce, &mut data)?;
        Ok((crcs, data))
    }

    fn read_part(
        &self,
        key: FragmentKey,
        entry: &Entry,
        units: &Range<u32>,
    ) -> Result<(Vec<u32>, AlignedBuf), StoreError> {
        let range = units.start as usize..units.end as usize;
        let crcs = match entry.crcs.as_slice() {
            Some(crcs) => crcs[range].to_vec(),
            None => self.large_crcs(key, entry)?[range].to_vec(),
        };
        let mut data = self.pool.get((u64::from(units.end - units.start) * BLOCK_BYTES) as usize);
        read_runs(&*self.disk, &entry.runs, u64::from(units.start), &mut data)?;
        if !verify_units(&data, &crcs) {
            return Err(StoreError::Corrupt { key, what: "its payload does not match its checksums" });
        }
        Ok((crcs, data))
    }

    fn large_crcs(&self, key: FragmentKey, entry: &Entry) -> Result<Arc<[u32]>, StoreError> {
        if let Some(crcs) = self.cache.get(key, entry.header_crc) {
            return Ok(crcs);
        }
        let mut descriptor = self.pool.get((descriptor_blocks(entry) * BLOCK_BYTES) as usize);
        read_runs(&*self.disk, &entry.runs, u64::from(entry.units()), &mut descriptor)?;
        let crcs: Arc<[u32]> = descriptor_crcs(key, entry, self.nonce, &descriptor)?.into();
        self.cache.insert(key, entry.header_crc, crcs.clone());
        Ok(crcs)
    }
}
