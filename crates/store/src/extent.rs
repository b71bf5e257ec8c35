//! Reading and writing the blocks of fragments, and the descriptor behind a large one.

use std::io::{self, IoSlice};

use isobar_base::{AlignedBuf, FragmentHeader, FragmentKey, crc32c, verify_units};
use isobar_disk::Disk;

use crate::StoreError;
use crate::entry::Entry;
use crate::frame::{self, Kind};
use crate::limits::BLOCK_BYTES;
use crate::space::{Run, Runs};

/// Fills `bytes` (whole blocks) from `block` on.
///
/// # Errors
/// `Read`.
pub(crate) fn read_blocks(disk: &dyn Disk, block: u64, bytes: &mut [u8]) -> Result<(), StoreError> {
    disk.read_at(block * BLOCK_BYTES, bytes).map_err(|error| StoreError::Read(error.to_string()))
}

/// Writes `bytes` (whole blocks) from `block` on.
///
/// # Errors
/// Of the device.
pub(crate) fn write_blocks(disk: &dyn Disk, block: u64, bytes: &[u8]) -> io::Result<()> {
    disk.write_at(block * BLOCK_BYTES, &[IoSlice::new(bytes)])
}

/// Fills `bytes` with the own blocks of the fragment `key` from `first` on.
///
/// # Errors
/// `Corrupt`: a block that the medium does not give back is damage of its fragment, as wrong bytes are.
pub(crate) fn read_runs(
    disk: &dyn Disk,
    key: FragmentKey,
    runs: &Runs,
    first: u64,
    bytes: &mut [u8],
) -> Result<(), StoreError> {
    let mut rest = bytes;
    for piece in runs.pieces(first..first + rest.len() as u64 / BLOCK_BYTES) {
        let (now, later) = rest.split_at_mut((u64::from(piece.blocks) * BLOCK_BYTES) as usize);
        if let Err(error) = read_blocks(disk, piece.start, now) {
            tracing::warn!(%key, block = piece.start, blocks = piece.blocks, %error, "blocks cannot be read");
            return Err(StoreError::Corrupt { key, what: "its blocks cannot be read" });
        }
        rest = later;
    }
    assert!(rest.is_empty(), "a fragment has all blocks that are read of it");
    Ok(())
}

/// Writes to be made, joined where they follow each other on the device.
#[derive(Default)]
pub(crate) struct Writes<'a> {
    joined: Vec<(Run, Vec<IoSlice<'a>>)>,
}

impl<'a> Writes<'a> {
    /// Adds `parts` (each of whole blocks), one after the other into `runs`.
    pub(crate) fn add(&mut self, runs: &Runs, parts: &[&'a [u8]]) {
        let mut parts = parts.iter().copied().filter(|p| !p.is_empty());
        let mut part: &[u8] = &[];
        for run in runs.as_slice() {
            let (mut block, end) = (run.start, run.end());
            while block < end {
                if part.is_empty() {
                    part = parts.next().unwrap_or_else(|| panic!("a fragment fills all its blocks"));
                }
                let room = ((end - block) * BLOCK_BYTES) as usize;
                let (now, later) = part.split_at(room.min(part.len()));
                self.push(block, now);
                block += now.len() as u64 / BLOCK_BYTES;
                part = later;
            }
        }
        assert!(part.is_empty() && parts.next().is_none(), "a fragment fits its blocks");
    }

    fn push(&mut self, start: u64, bytes: &'a [u8]) {
        let blocks = (bytes.len() as u64 / BLOCK_BYTES) as u32;
        match self.joined.last_mut() {
            Some((run, slices)) if run.end() == start => {
                run.blocks += blocks;
                slices.push(IoSlice::new(bytes));
            }
            _ => self.joined.push((Run { start, blocks }, vec![IoSlice::new(bytes)])),
        }
    }

    /// Writes everything; nothing is durable yet.
    ///
    /// # Errors
    /// Of the device.
    pub(crate) fn submit(&self, disk: &dyn Disk) -> io::Result<()> {
        self.joined.iter().try_for_each(|(run, slices)| disk.write_at(run.start * BLOCK_BYTES, slices))
    }
}

/// The unit CRCs in the descriptor `bytes`, and behind them those of the data rows if it has them, if it is
/// the one that `entry` of `key` means.
///
/// # Errors
/// `Corrupt`.
pub(crate) fn descriptor_crcs(
    key: FragmentKey,
    entry: &Entry,
    nonce: u64,
    bytes: &[u8],
) -> Result<Vec<u32>, StoreError> {
    let corrupt = |what| StoreError::Corrupt { key, what };
    let (_, body) = frame::decode(Kind::Fragment, Some(nonce), bytes)
        .map_err(|_| corrupt("its descriptor does not match its checksum"))?;
    let mut header: FragmentHeader =
        postcard::from_bytes(body).map_err(|_| corrupt("its descriptor cannot be decoded"))?;
    if header.key != key
        || crc32c(body) != entry.header_crc
        || header.unit_crcs.len() != entry.units() as usize
    {
        return Err(corrupt("its place holds another fragment"));
    }
    header.unit_crcs.append(&mut header.data_crcs);
    Ok(header.unit_crcs)
}

/// Blocks of the descriptor of `entry`; 0 for a packed fragment.
pub(crate) fn descriptor_blocks(entry: &Entry) -> u64 {
    entry.runs.blocks().saturating_sub(u64::from(entry.units()))
}

/// Reads all of a fragment into `buf`, which has the length of the payload and the descriptor, checks
/// everything, leaves the payload in `buf` and returns the unit CRCs, with those of the data rows behind them
/// if the fragment has them.
///
/// # Errors
/// `Corrupt`.
pub(crate) fn read_whole(
    disk: &dyn Disk,
    key: FragmentKey,
    entry: &Entry,
    nonce: u64,
    buf: &mut AlignedBuf,
) -> Result<Vec<u32>, StoreError> {
    read_runs(disk, key, &entry.runs, 0, buf)?;
    let payload = (u64::from(entry.units()) * BLOCK_BYTES) as usize;
    let crcs = match entry.crcs.as_slice() {
        Some(crcs) => crcs.to_vec(),
        None => descriptor_crcs(key, entry, nonce, &buf[payload..])?,
    };
    buf.set_len(payload);
    if !verify_units(buf, &crcs[..entry.units() as usize]) {
        return Err(StoreError::Corrupt { key, what: "its payload does not match its checksums" });
    }
    Ok(crcs)
}
