//! Checkpoints: the whole index on the device.
//!
//! The entries in order of their keys, encoded one after the other, form a stream of bytes that is cut
//! into chunks. A chunk is a frame of at most 1 MiB: `(generation, number, where the next chunk is)` and
//! its part of the stream. Two copies are written; the superblock names the first chunk of each.

use std::ops::Range;

use isobar_base::{AlignedBuf, FragmentKey};
use isobar_disk::Disk;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::extent::{read_blocks, write_blocks};
use crate::frame::{self, Kind};
use crate::index::{Entry, Index};
use crate::limits::{BLOCK_BYTES, CHUNK_BLOCKS_MAX, CHUNK_OVERHEAD_BYTES};
use crate::space::{Run, Space, Use};
use crate::superblock::CheckpointRef;

const COPIES: u64 = 2;

#[derive(Debug, Serialize, Deserialize)]
struct ChunkHead {
    generation: u64,
    number: u64,
    next: Option<Run>,
}

/// Free blocks that writing a checkpoint of `encoded_bytes` may need, however fragmented they are.
pub(crate) fn blocks_needed(encoded_bytes: u64) -> u64 {
    COPIES * copy_blocks(encoded_bytes)
}

fn copy_blocks(encoded_bytes: u64) -> u64 {
    encoded_bytes.div_ceil(BLOCK_BYTES - CHUNK_OVERHEAD_BYTES).max(1)
}

/// Stream bytes that fit into a chunk.
fn capacity(run: Run) -> usize {
    (u64::from(run.blocks) * BLOCK_BYTES - CHUNK_OVERHEAD_BYTES) as usize
}

/// Writes `index` to free blocks (not yet durable); returns where it is and the blocks it took.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When the space that PUTs have to leave free is not there.
pub(crate) fn write(
    disk: &dyn Disk,
    nonce: u64,
    generation: u64,
    index: &Index,
    space: &mut Space,
) -> std::io::Result<(CheckpointRef, Vec<Run>)> {
    let mut reference =
        CheckpointRef { copies: Vec::new(), entries: index.len(), bytes: index.encoded_bytes() };
    let mut taken = Vec::new();
    for _ in 0..COPIES {
        let runs = space.allocate(copy_blocks(index.encoded_bytes()), Use::Alone);
        let runs = runs.unwrap_or_else(|| panic!("PUTs leave the space that a checkpoint needs"));
        let chunks: Vec<Run> = runs.as_slice().iter().flat_map(|&run| split(run)).collect();
        let used = write_copy(disk, nonce, generation, index, &chunks)?;
        space.free(&chunks[used..]);
        reference.copies.push(chunks[0]);
        taken.extend_from_slice(&chunks[..used]);
    }
    Ok((reference, taken))
}

fn split(run: Run) -> impl Iterator<Item = Run> {
    (run.start..run.end())
        .step_by(CHUNK_BLOCKS_MAX as usize)
        .map(move |start| Run { start, blocks: (run.end() - start).min(u64::from(CHUNK_BLOCKS_MAX)) as u32 })
}

/// Writes one copy into `chunks`; returns how many it used.
fn write_copy(
    disk: &dyn Disk,
    nonce: u64,
    generation: u64,
    index: &Index,
    chunks: &[Run],
) -> std::io::Result<usize> {
    let mut stream: Vec<u8> = Vec::new();
    let mut number = 0;
    let write_chunk = |part: &[u8], number: usize, last: bool| {
        let next = if last { None } else { Some(chunks[number + 1]) };
        let mut body = frame::encode_value(&ChunkHead { generation, number: number as u64, next });
        body.extend_from_slice(part);
        let frame = frame::encode(Kind::Checkpoint, nonce, &body);
        assert!(frame.len() as u64 <= u64::from(chunks[number].blocks) * BLOCK_BYTES, "a chunk fits its run");
        write_blocks(disk, chunks[number].start, &frame)
    };
    for (key, entry) in index.iter() {
        stream = postcard::to_extend(&(key, entry), stream)
            .unwrap_or_else(|e| panic!("plain data always encodes into memory: {e}"));
        // One byte more than fits must be there, or this could be the last chunk.
        while stream.len() > capacity(chunks[number]) {
            let part = capacity(chunks[number]);
            write_chunk(&stream[..part], number, false)?;
            stream.drain(..part);
            number += 1;
        }
    }
    write_chunk(&stream, number, true)?;
    Ok(number + 1)
}

/// Reads the checkpoint that `reference` names from the first copy that is undamaged; also returns
/// the blocks that both copies take (of a damaged one: those up to the damage).
///
/// # Errors
/// `CorruptCheckpoint`, `Read`.
pub(crate) fn load(
    disk: &dyn Disk,
    nonce: u64,
    generation: u64,
    reference: &CheckpointRef,
    data: &Range<u64>,
) -> Result<(Index, Vec<Run>), StoreError> {
    if reference.copies.is_empty() {
        return Ok((Index::default(), Vec::new()));
    }
    let mut index = None;
    let mut taken = Vec::new();
    let mut damage = "it has no copies";
    for (copy, &first) in reference.copies.iter().enumerate() {
        let from = taken.len();
        let whole = read_copy(disk, nonce, generation, first, data, &mut taken)
            .and_then(|stream| decode(&stream, reference).ok_or("its entries cannot be decoded"));
        match whole {
            Ok(whole) => index = index.or(Some(whole)),
            Err(what) => {
                tracing::warn!(copy, what, "a copy of the checkpoint is damaged");
                damage = what;
                // Its chunks mean nothing any more, and might even be another's.
                taken.truncate(from);
            }
        }
    }
    Ok((index.ok_or(StoreError::CorruptCheckpoint(damage))?, taken))
}

fn read_copy(
    disk: &dyn Disk,
    nonce: u64,
    generation: u64,
    first: Run,
    data: &Range<u64>,
    taken: &mut Vec<Run>,
) -> Result<Vec<u8>, &'static str> {
    let mut stream = Vec::new();
    let mut next = Some(first);
    let mut number = 0;
    while let Some(run) = next {
        let inside = data.contains(&run.start) && run.blocks <= CHUNK_BLOCKS_MAX && run.end() <= data.end;
        if !inside || run.blocks == 0 {
            return Err("a chunk lies outside the data area");
        }
        let mut bytes = AlignedBuf::zeroed((u64::from(run.blocks) * BLOCK_BYTES) as usize);
        read_blocks(disk, run.start, &mut bytes).map_err(|_| "a chunk cannot be read")?;
        let (_, body) = frame::decode(Kind::Checkpoint, Some(nonce), &bytes)
            .map_err(|_| "a chunk does not match its checksum")?;
        let (head, part) =
            postcard::take_from_bytes::<ChunkHead>(body).map_err(|_| "a chunk cannot be decoded")?;
        if (head.generation, head.number) != (generation, number) {
            return Err("a chunk belongs to another checkpoint");
        }
        taken.push(run);
        stream.extend_from_slice(part);
        number += 1;
        next = head.next;
    }
    Ok(stream)
}

fn decode(mut stream: &[u8], reference: &CheckpointRef) -> Option<Index> {
    let mut index = Index::default();
    while !stream.is_empty() {
        let ((key, entry), rest) = postcard::take_from_bytes::<(FragmentKey, Entry)>(stream).ok()?;
        index.insert(key, entry);
        stream = rest;
    }
    ((index.len(), index.encoded_bytes()) == (reference.entries, reference.bytes)).then_some(index)
}
