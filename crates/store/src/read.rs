//! Reading fragments: the index says where they are, their CRCs whether they are what was stored (I9).

use std::ops::Range;
use std::sync::Arc;

use isobar_base::{AlignedBuf, FragmentKey, Geometry, verify_units};

use crate::StoreError;
use crate::entry::Entry;
use crate::extent::{descriptor_blocks, descriptor_crcs, read_runs, read_whole};
use crate::limits::{BLOCK_BYTES, READ_ATTEMPTS};
use crate::state::StoreState;

/// All units of a fragment.
pub(crate) const WHOLE: Range<u32> = 0..u32::MAX;

/// Part or all of a stored fragment, verified.
#[derive(Debug)]
pub struct Fragment {
    /// Which fragment.
    pub key: FragmentKey,
    /// Shape of its segment.
    pub geometry: Geometry,
    /// First unit of `data` within the row.
    pub first_unit: u32,
    /// CRC32C of each 4 KiB unit of `data`, as the client made them.
    pub unit_crcs: Vec<u32>,
    /// The same of the same units of each data row, row after row, where a parity row has them.
    pub data_crcs: Vec<u32>,
    /// The units asked for.
    pub data: AlignedBuf,
}

impl StoreState {
    /// Reads `units` of a fragment, all of them for [`WHOLE`].
    ///
    /// # Errors
    /// `NotFound`, `InvalidRange`, `Corrupt`.
    pub(crate) fn get(&self, key: FragmentKey, units: Range<u32>) -> Result<Fragment, StoreError> {
        let mut attempt = 1;
        loop {
            let entry = self.index.read().get(&key).ok_or(StoreError::NotFound(key))?;
            match self.read(key, &entry, units.clone()) {
                // Deleted, and its blocks reused, under the read? Then the index knows by now.
                Err(StoreError::Corrupt { .. }) if attempt < READ_ATTEMPTS => attempt += 1,
                Err(error @ StoreError::Corrupt { .. }) => {
                    tracing::warn!(%error);
                    self.damaged.lock().insert(key);
                    return Err(error);
                }
                other => return other,
            }
        }
    }

    /// Whether a fragment's bytes on the device are what was stored.
    pub(crate) fn is_intact(&self, key: FragmentKey, entry: &Entry) -> bool {
        self.read_whole(key, entry).is_ok()
    }

    fn read(&self, key: FragmentKey, entry: &Entry, units: Range<u32>) -> Result<Fragment, StoreError> {
        let all = entry.units();
        let units = if units == WHOLE { 0..all } else { units };
        if units.start >= units.end || units.end > all {
            return Err(StoreError::InvalidRange { key, units: all, start: units.start, end: units.end });
        }
        let (crcs, data) = if units == (0..all) {
            self.read_whole(key, entry)?
        } else {
            self.read_part(key, entry, &units)?
        };
        let (mut unit_crcs, geometry) = (crcs, entry.geometry);
        let data_crcs = unit_crcs.split_off((units.end - units.start) as usize);
        Ok(Fragment { key, geometry, first_unit: units.start, unit_crcs, data_crcs, data })
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
        let of_rows = |crcs: &[u32]| -> Vec<u32> {
            crcs.chunks(entry.units() as usize).flat_map(|row| &row[range.clone()]).copied().collect()
        };
        let crcs = match entry.crcs.as_slice() {
            Some(crcs) => of_rows(crcs),
            None => of_rows(&self.large_crcs(key, entry)?),
        };
        let mut data = self.pool.get((u64::from(units.end - units.start) * BLOCK_BYTES) as usize);
        read_runs(&*self.disk, key, &entry.runs, u64::from(units.start), &mut data)?;
        if !verify_units(&data, &crcs[..range.len()]) {
            return Err(StoreError::Corrupt { key, what: "its payload does not match its checksums" });
        }
        Ok((crcs, data))
    }

    fn large_crcs(&self, key: FragmentKey, entry: &Entry) -> Result<Arc<[u32]>, StoreError> {
        if let Some(crcs) = self.cache.get(key, entry.header_crc) {
            return Ok(crcs);
        }
        let mut descriptor = self.pool.get((descriptor_blocks(entry) * BLOCK_BYTES) as usize);
        read_runs(&*self.disk, key, &entry.runs, u64::from(entry.units()), &mut descriptor)?;
        let crcs: Arc<[u32]> = descriptor_crcs(key, entry, self.nonce, &descriptor)?.into();
        self.cache.insert(key, entry.header_crc, crcs.clone());
        Ok(crcs)
    }
}
