//! The store without threads: opening (recovery), group commit, checkpoint.
//!
//! The order in which things become durable, and why that survives a power loss at any point, is in
//! the crate's header; this file is where it happens.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use isobar_base::{AlignedBuf, FragmentKey, random_u64};
use isobar_disk::Disk;

use crate::checkpoint::Checkpoints;
use crate::entry::{Crcs, Entry, is_packed};
use crate::extent::{Writes, descriptor_blocks, read_whole, write_blocks};
use crate::frame::{Kind, encode, encode_value};
use crate::index::{FragmentInfo, Index};
use crate::label::Label;
use crate::limits::{
    BATCH_RECORD_BYTES_MAX, BLOCK_BYTES, DEVICE_BYTES_MIN, LOG_BLOCKS_MAX, LOG_BLOCKS_MIN, LOG_FRACTION,
    LOG_START, LOG_WINDOW_BYTES,
};
use crate::log::{Log, Position, Reader, Record};
use crate::op::{Change, Op, Put};
use crate::read::Fragment;
use crate::space::{Space, Taken, Use};
use crate::state::{StoreState, Usage};
use crate::superblock::{self, CheckpointRef, Superblock};
use crate::table::blocks_needed;
use crate::{StoreError, load};

/// The fragment store, driven by its caller: each call returns when it is done. [`crate::Store`] adds
/// the threads; tests cut the power under this.
pub struct Core {
    state: Arc<StoreState>,
    checkpoints: Checkpoints,
    space: Space,
    log: Log,
    /// Whether the device takes discards, as far as is known.
    discards: bool,
}

/// What one batch will do.
#[derive(Default)]
struct Plan<'a> {
    results: Vec<Result<(), StoreError>>,
    puts: Vec<Planned<'a>>,
    deletes: Vec<FragmentKey>,
    touched: HashSet<FragmentKey>,
    records: Vec<u8>,
    put_bytes: u64,
}

struct Planned<'a> {
    put: &'a Put,
    entry: Entry,
    descriptor: AlignedBuf,
}

impl Core {
    /// Writes a label and an empty index.
    ///
    /// # Errors
    /// `Labelled`, `Version` or `CorruptSuperblock` if the device has been formatted before, `Foreign`
    /// if it holds something else, `TooSmall`, `InvalidLabel`, `Poisoned` if writing fails.
    pub fn format(disk: &dyn Disk, label: &Label) -> Result<(), StoreError> {
        if disk.size() < DEVICE_BYTES_MIN {
            return Err(StoreError::TooSmall { bytes: disk.size(), needed: DEVICE_BYTES_MIN });
        }
        if !label.is_valid() {
            return Err(StoreError::InvalidLabel);
        }
        match superblock::read(disk) {
            Ok(slots) => return Err(StoreError::Labelled(Box::new(slots.superblock.label))),
            Err(StoreError::Blank) => {}
            Err(error) => return Err(error),
        }
        let blocks = disk.size() / BLOCK_BYTES;
        let superblock = Superblock {
            label: label.clone(),
            generation: 1,
            blocks,
            log_blocks: (blocks / LOG_FRACTION).clamp(LOG_BLOCKS_MIN, LOG_BLOCKS_MAX),
            log: Position::FIRST,
            checkpoint: CheckpointRef::default(),
        };
        let write = || {
            // Writing it once also spares the file system the conversion of the log's extents later.
            let zeros = AlignedBuf::zeroed(LOG_WINDOW_BYTES);
            let log_bytes = superblock.log_blocks * BLOCK_BYTES;
            for at in (0..log_bytes).step_by(LOG_WINDOW_BYTES) {
                let step = (log_bytes - at).min(LOG_WINDOW_BYTES as u64) as usize;
                write_blocks(disk, LOG_START + at / BLOCK_BYTES, &zeros[..step])?;
            }
            disk.sync()?;
            superblock::write(disk, random_u64(), &superblock, 0)
        };
        write().map_err(|error: io::Error| StoreError::Poisoned(error.to_string()))
    }

    /// Recovers the state of the device and makes it durable with a checkpoint.
    ///
    /// # Errors
    /// `Blank`, `Foreign`, `Version`, `TooSmall`, `CorruptSuperblock`, `CorruptCheckpoint`,
    /// `CorruptLog`, `Read`; `Poisoned` if writing fails.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Core, StoreError> {
        let slots = superblock::read(&*disk)?;
        let (superblock, nonce) = (slots.superblock, slots.nonce);
        if superblock.blocks * BLOCK_BYTES > disk.size() {
            return Err(StoreError::TooSmall { bytes: disk.size(), needed: superblock.blocks * BLOCK_BYTES });
        }
        let data = superblock.data();
        let (mut index, table) = load::load(&*disk, nonce, &superblock)?;
        let head = replay(&*disk, nonce, &superblock, &mut index)?;
        let mut taken = Taken::default();
        taken.extend(table.runs());
        index.entries().for_each(|entry| taken.extend(entry.runs.as_slice().iter().copied()));
        let space = Space::new(data.clone(), taken)
            .ok_or(StoreError::CorruptCheckpoint("two fragments share a block"))?;
        let capacity = (data.end - data.start).saturating_sub(2 * blocks_needed(0)) * BLOCK_BYTES;
        let state = Arc::new(StoreState::new(disk, nonce, index, capacity));
        let log = Log::new(superblock.log_blocks, superblock.log, head);
        let checkpoints = Checkpoints::new(superblock, slots.older, table);
        let mut core = Core { state, checkpoints, space, log, discards: true };
        core.checkpoint()?;
        Ok(core)
    }

    pub(crate) fn state(&self) -> &Arc<StoreState> {
        &self.state
    }

    /// The device's label.
    pub fn label(&self) -> &Label {
        &self.checkpoints.superblock().label
    }

    /// Rises by one when a checkpoint is durable.
    pub fn generation(&self) -> u64 {
        self.checkpoints.superblock().generation
    }

    /// See [`crate::Store::get`].
    ///
    /// # Errors
    /// `NotFound`, `InvalidRange`, `Corrupt`.
    pub fn get(&self, key: FragmentKey, units: Range<u32>) -> Result<Fragment, StoreError> {
        self.state.get(key, units)
    }

    /// See [`crate::Store::list`].
    pub fn list(&self, after: Option<FragmentKey>, limit: usize) -> Vec<FragmentInfo> {
        self.state.index.read().list(after, limit)
    }

    /// See [`crate::Store::usage`].
    pub fn usage(&self) -> Usage {
        self.state.usage()
    }

    /// Makes `ops` durable, in order, and returns a result for each. Usually one batch and one sync;
    /// more when an operation needs the outcome of an earlier one.
    pub fn commit(&mut self, ops: &[Op]) -> Vec<Result<(), StoreError>> {
        let mut results = Vec::with_capacity(ops.len());
        while results.len() < ops.len() {
            match self.commit_batch(&ops[results.len()..]) {
                Ok(batch) => results.extend(batch),
                Err(error) => results.resize(ops.len(), Err(error)),
            }
        }
        results
    }

    /// Commits a prefix of `ops`; not empty if they are not.
    fn commit_batch(&mut self, ops: &[Op]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.state.check()?;
        if self.log.is_long() && !self.checkpoints.is_running() {
            self.checkpoints.begin(&self.state, &mut self.log);
        }
        let plan = self.plan(ops);
        if !plan.records.is_empty() {
            self.make_durable(&plan).map_err(|error| self.state.poison(error.to_string()))?;
            self.apply(plan.puts, &plan.deletes);
            self.checkpoints.free(&mut self.space);
            self.update_free();
        }
        Ok(plan.results)
    }

    fn plan<'a>(&mut self, ops: &'a [Op]) -> Plan<'a> {
        let mut plan = Plan::default();
        let state = self.state.clone();
        let index = state.index.read();
        for op in ops {
            if plan.records.len() >= BATCH_RECORD_BYTES_MAX {
                break;
            }
            let result = match &op.0 {
                Change::Put(put) | Change::Rewrite(put) => {
                    let key = put.header.key;
                    if plan.touched.contains(&key) {
                        break;
                    }
                    let may_replace = matches!(op.0, Change::Rewrite(_));
                    match index.get(&key) {
                        Some(entry) if entry.header_crc != put.header_crc => {
                            tracing::error!(%key, "a second PUT with other contents was refused (I1)");
                            Err(StoreError::Conflict(key))
                        }
                        Some(entry) if may_replace && !state.is_intact(key, &entry) => {
                            self.plan_put(&index, &mut plan, put)
                        }
                        Some(_) => Ok(()),
                        None => self.plan_put(&index, &mut plan, put),
                    }
                }
                Change::Delete(keys) => {
                    if keys.iter().any(|key| plan.touched.contains(key)) {
                        break;
                    }
                    for &key in keys {
                        if index.contains(&key) && plan.touched.insert(key) {
                            plan.records.extend(encode_value(&Record::<Entry>::Delete(key)));
                            plan.deletes.push(key);
                        }
                    }
                    Ok(())
                }
            };
            plan.results.push(result);
        }
        plan
    }

    /// Reserves the space of one fragment.
    fn plan_put<'a>(&mut self, index: &Index, plan: &mut Plan<'a>, put: &'a Put) -> Result<(), StoreError> {
        let key = put.header.key;
        let payload_bytes = put.payload.len() as u64;
        let (crcs, descriptor, purpose) = if is_packed(payload_bytes) {
            (Crcs::packed(&put.header.unit_crcs), AlignedBuf::default(), Use::Packed)
        } else {
            (Crcs::InDescriptor, encode(Kind::Fragment, self.state.nonce, &put.encoded), Use::Alone)
        };
        let needed = payload_bytes + descriptor.len() as u64;
        let free = self.state.free_bytes.load(Ordering::Relaxed);
        let full = StoreError::Full { needed, free };
        let Some(runs) = self.space.allocate(needed / BLOCK_BYTES, purpose) else { return Err(full) };
        let (geometry, header_crc) = (put.header.geometry, put.header_crc);
        let entry = Entry { geometry, header_crc, crcs, runs };
        let encoded = encode_value(&Record::Put(key, &entry));
        // In a page its length is before it, in the log what kind of record it is: at most two bytes more
        // here.
        let put_bytes = plan.put_bytes + encoded.len() as u64 + 2;
        let index_bytes = index.size().bytes + put_bytes;
        if self.checkpoints.spare_blocks(self.space.free_blocks(), index_bytes).is_none() {
            self.space.free(entry.runs.as_slice());
            return Err(full);
        }
        plan.put_bytes = put_bytes;
        plan.records.extend(encoded);
        plan.touched.insert(key);
        plan.puts.push(Planned { put, entry, descriptor });
        Ok(())
    }

    fn make_durable(&mut self, plan: &Plan<'_>) -> io::Result<()> {
        let count = (plan.puts.len() + plan.deletes.len()) as u32;
        let state = self.state.clone();
        let batch = self.log.encode(state.nonce, count, &plan.records);
        let blocks = batch.len() as u64 / BLOCK_BYTES;
        let place = match self.log.place(blocks) {
            Some(place) => place,
            // The log of a small device, under large batches: these have to wait.
            None => {
                self.write_checkpoint()?;
                self.log.place(blocks).unwrap_or_else(|| panic!("every batch fits an empty log"))
            }
        };
        let mut writes = Writes::default();
        for planned in &plan.puts {
            writes.add(&planned.entry.runs, &[&planned.put.payload, &planned.descriptor]);
        }
        writes.submit(&*state.disk)?;
        write_blocks(&*state.disk, LOG_START + place, &batch)?;
        let pages = self.log.share(self.checkpoints.pages_left(&state), blocks, u64::from(count));
        self.checkpoints.write(&state, &mut self.space, pages.max(1))?;
        state.disk.sync()?;
        self.log.append(blocks, u64::from(count));
        self.checkpoints.synced(&mut self.log);
        Ok(())
    }

    /// Makes a durable batch visible, and the blocks it freed free.
    fn apply(&mut self, puts: Vec<Planned<'_>>, deletes: &[FragmentKey]) {
        let mut index = self.state.index.write();
        for planned in puts {
            let key = planned.put.header.key;
            if let Some(damaged) = index.insert(key, &planned.entry) {
                assert_eq!(
                    damaged.header_crc, planned.put.header_crc,
                    "only the same bytes are put again (I1)"
                );
                self.space.free(damaged.runs.as_slice());
                self.state.damaged.lock().remove(&key);
            }
        }
        for key in deletes {
            let old =
                index.remove(key).unwrap_or_else(|| panic!("{key} was there when its delete was planned"));
            self.space.free(old.runs.as_slice());
            self.state.damaged.lock().remove(key);
        }
    }

    fn update_free(&self) {
        let entry_bytes = self.state.index.read().size().bytes;
        let spare = self.checkpoints.spare_blocks(self.space.free_blocks(), entry_bytes).unwrap_or(0);
        // The dearest fragments are those of one unit, and of 16 units with one block of descriptor: a tenth
        // covers that and their entries, on a fragmented device, too.
        self.state.free_bytes.store(spare * 9 / 10 * BLOCK_BYTES, Ordering::Relaxed);
    }

    /// Tells the device of some blocks that were freed, at most a region of them, unless they are in use
    /// again; `false` when there are none. What failed is not tried again before the device is reopened.
    pub fn discard(&mut self) -> bool {
        if !self.discards || self.state.check().is_err() {
            return false;
        }
        let Some(runs) = self.space.take_freed() else { return false };
        for run in runs {
            let (offset, len) = (run.start * BLOCK_BYTES, u64::from(run.blocks) * BLOCK_BYTES);
            if let Err(error) = self.state.disk.discard(offset, len) {
                tracing::info!(%error, "freed blocks are not discarded on this device");
                self.discards = false;
                return false;
            }
        }
        true
    }

    /// Writes to the device what changed in the index, and waits for it; the log begins afresh.
    ///
    /// # Errors
    /// `Poisoned`.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.state.check()?;
        self.write_checkpoint().map_err(|error| self.state.poison(error.to_string()))
    }

    fn write_checkpoint(&mut self) -> io::Result<()> {
        self.finish_checkpoint()?;
        self.checkpoints.begin(&self.state, &mut self.log);
        self.finish_checkpoint()
    }

    /// Finishes the checkpoint that has begun, if there is one.
    fn finish_checkpoint(&mut self) -> io::Result<()> {
        while self.checkpoints.is_running() {
            self.checkpoints.write(&self.state, &mut self.space, u64::MAX)?;
            self.state.disk.sync()?;
            self.checkpoints.synced(&mut self.log);
            self.checkpoints.free(&mut self.space);
        }
        self.update_free();
        Ok(())
    }
}

/// Applies the log to `index`; of its last batch only the fragments whose bytes are on the device. Returns
/// where the next batch goes.
///
/// A block of that batch that cannot be read is like one that did not arrive. If the batch was never
/// acknowledged, nothing is lost; if it was, the fragment is damaged either way, and a missing one is looked
/// for first and may be PUT again, while a PUT of one that the index still names would be acknowledged
/// unread.
fn replay(
    disk: &dyn Disk,
    nonce: u64,
    superblock: &Superblock,
    index: &mut Index,
) -> Result<Position, StoreError> {
    let mut reader = Reader::new(disk, nonce, superblock.log_blocks);
    let mut at = superblock.log;
    let mut next = reader.next(at)?;
    while let Some((records, after)) = next {
        at = after;
        next = reader.next(at)?;
        let is_last = next.is_none();
        for record in records {
            match record {
                Record::Delete(key) => drop(index.remove(&key)),
                Record::Put(key, entry) => {
                    if !is_last || is_on_device(disk, nonce, key, &entry) {
                        index.insert(key, &entry);
                    }
                }
            }
        }
    }
    // A batch that was torn had this number: it is not given again.
    Ok(Position { sequence: at.sequence + 1, ..at })
}

fn is_on_device(disk: &dyn Disk, nonce: u64, key: FragmentKey, entry: &Entry) -> bool {
    let blocks = u64::from(entry.units()) + descriptor_blocks(entry);
    let mut buf = AlignedBuf::zeroed((blocks * BLOCK_BYTES) as usize);
    let read = read_whole(disk, key, entry, nonce, &mut buf);
    if let Err(error) = &read {
        tracing::warn!(%error, "dropped: it is of the last batch, which may not have been acknowledged");
    }
    read.is_ok()
}

#[cfg(test)]
mod tests;
