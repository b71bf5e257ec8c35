//! The superblock: whose device this is, and where the index starts.
//!
//! Two slots, each one block, normally with the same generation. A checkpoint writes the older (or
//! damaged) slot, which is synced before it writes the other: one good slot exists at any time, and until
//! both are durable nothing that the older one names is reused, no block and no batch of the log. Hence the
//! readable slot with the highest generation is always the right one.

use isobar_base::AlignedBuf;
use isobar_disk::Disk;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::extent::{read_blocks, write_blocks};
use crate::foreign::what_is_there;
use crate::frame::{self, FrameError, Kind};
use crate::label::Label;
use crate::limits::{BLOCK_BYTES, LOG_START, SLOT_BLOCKS};
use crate::log::Position;
use crate::table::Place;

/// Where a checkpoint is, and how much it holds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CheckpointRef {
    /// The root of its table; none of an empty index.
    pub root: Option<Place>,
    pub pages: u32,
    pub entries: u64,
    /// Of the encoded entries.
    pub bytes: u64,
}

/// Body of a superblock slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Superblock {
    pub label: Label,
    /// Rises by one with each checkpoint.
    pub generation: u64,
    /// Blocks of the device when it was formatted.
    pub blocks: u64,
    /// Length of the log.
    pub log_blocks: u64,
    /// Where the batches begin that are not in the checkpoint.
    pub log: Position,
    pub checkpoint: CheckpointRef,
}

impl Superblock {
    /// The blocks of the data area.
    pub(crate) fn data(&self) -> std::ops::Range<u64> {
        LOG_START + self.log_blocks..self.blocks
    }
}

/// What the two slots hold.
#[derive(Debug)]
pub(crate) struct Slots {
    pub superblock: Superblock,
    pub nonce: u64,
    /// The slot to be written first: it is older or unreadable.
    pub older: usize,
}

/// Reads both slots.
///
/// # Errors
/// `Blank`, `Foreign`, `Version` or `CorruptSuperblock` when neither slot is readable; `Read`.
pub(crate) fn read(disk: &dyn Disk) -> Result<Slots, StoreError> {
    let mut found: [Result<(u64, Superblock), FrameError>; 2] =
        [Err(FrameError::Blank), Err(FrameError::Blank)];
    for (slot, block) in SLOT_BLOCKS.into_iter().enumerate() {
        let mut bytes = AlignedBuf::zeroed(BLOCK_BYTES as usize);
        if (block + 1) * BLOCK_BYTES > disk.size() {
            return Err(StoreError::TooSmall { bytes: disk.size(), needed: crate::limits::DEVICE_BYTES_MIN });
        }
        if let Err(error) = read_blocks(disk, block, &mut bytes) {
            tracing::warn!(slot, %error, "a superblock copy cannot be read");
            found[slot] = Err(FrameError::Corrupt);
            continue;
        }
        found[slot] = frame::decode(Kind::Superblock, None, &bytes).and_then(|(nonce, body)| {
            Ok((nonce, postcard::from_bytes(body).map_err(|_| FrameError::Corrupt)?))
        });
    }
    let errors = [found[0].as_ref().err().copied(), found[1].as_ref().err().copied()];
    let [a, b] = found;
    let (older, (nonce, superblock)) = match (a, b) {
        (Ok(a), Ok(b)) if a.1.generation < b.1.generation => (0, b),
        (Ok(a), _) => (1, a),
        (_, Ok(b)) => (0, b),
        _ => return Err(unreadable(disk, errors.into_iter().flatten())),
    };
    if let Some(error) = errors.into_iter().flatten().next() {
        tracing::warn!(slot = older, ?error, target_id = %superblock.label.target, "a superblock copy is damaged");
    }
    Ok(Slots { superblock, nonce, older })
}

/// The error that says most about two unreadable slots.
fn unreadable(disk: &dyn Disk, errors: impl Iterator<Item = FrameError>) -> StoreError {
    let mut corrupt = false;
    for error in errors {
        match error {
            FrameError::Version(found) => return StoreError::Version { found, supported: frame::VERSION },
            FrameError::Corrupt => corrupt = true,
            FrameError::Foreign | FrameError::Blank => {}
        }
    }
    if corrupt { StoreError::CorruptSuperblock } else { what_is_there(disk) }
}

/// Makes both slots durable, `first` before the other.
///
/// # Errors
/// Of the device.
pub(crate) fn write(
    disk: &dyn Disk,
    nonce: u64,
    superblock: &Superblock,
    first: usize,
) -> std::io::Result<()> {
    for slot in [first, 1 - first] {
        write_slot(disk, nonce, superblock, slot)?;
        disk.sync()?;
    }
    Ok(())
}

/// Writes one slot; it is not durable yet.
///
/// # Errors
/// Of the device.
pub(crate) fn write_slot(
    disk: &dyn Disk,
    nonce: u64,
    superblock: &Superblock,
    slot: usize,
) -> std::io::Result<()> {
    let frame = frame::encode(Kind::Superblock, nonce, &frame::encode_value(superblock));
    assert_eq!(frame.len() as u64, BLOCK_BYTES, "a superblock is one block");
    write_blocks(disk, SLOT_BLOCKS[slot], &frame)
}
