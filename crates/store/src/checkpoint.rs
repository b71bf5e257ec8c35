//! Checkpoints: the whole index on the device.
//!
//! The entries in order of their keys, encoded one after the other, form a stream of bytes that is cut
//! into chunks. A chunk is a frame of at most 1 MiB: `(generation, number, where the next chunk is)` and
//! its part of the stream. Two copies are written; the superblock names the first chunk of each. The second
//! is walked when the device is opened, since its blocks are taken, and decoded only if the first is damaged.

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
    let mut copies: Vec<CopyWriter> = (0..COPIES)
        .map(|_| {
            let runs = space.allocate(copy_blocks(index.encoded_bytes()), Use::Alone);
            let runs = runs.unwrap_or_else(|| panic!("PUTs leave the space that a checkpoint needs"));
            let chunks = runs.as_slice().iter().flat_map(|&run| split(run)).collect();
            CopyWriter { disk, nonce, generation, chunks, number: 0, stream: Vec::new() }
        })
        .collect();
    let mut encoded = Vec::new();
    for (key, entry) in index.iter() {
        encoded.clear();
        encoded = postcard::to_extend(&(key, entry), encoded)
            .unwrap_or_else(|e| panic!("plain data always encodes into memory: {e}"));
        copies.iter_mut().try_for_each(|copy| copy.push(&encoded))?;
    }
    let mut reference =
        CheckpointRef { copies: Vec::new(), entries: index.len(), bytes: index.encoded_bytes() };
    let mut taken = Vec::new();
    for copy in copies {
        let (used, unused) = copy.finish()?;
        space.free(&unused);
        reference.copies.push(used[0]);
        taken.extend(used);
    }
    Ok((reference, taken))
}

fn split(run: Run) -> impl Iterator<Item = Run> {
    (run.start..run.end())
        .step_by(CHUNK_BLOCKS_MAX as usize)
        .map(move |start| Run { start, blocks: (run.end() - start).min(u64::from(CHUNK_BLOCKS_MAX)) as u32 })
}

/// Writes one copy.
struct CopyWriter<'a> {
    disk: &'a dyn Disk,
    nonce: u64,
    generation: u64,
    chunks: Vec<Run>,
    /// The chunk that is written next.
    number: usize,
    /// Its part of the stream, as far as it is known.
    stream: Vec<u8>,
}

impl CopyWriter<'_> {
    /// Goes on with the stream.
    fn push(&mut self, encoded: &[u8]) -> std::io::Result<()> {
        self.stream.extend_from_slice(encoded);
        // One byte more than fits must be there, or this could be the last chunk.
        while self.stream.len() > capacity(self.chunks[self.number]) {
            let part = capacity(self.chunks[self.number]);
            self.write_chunk(part, Some(self.chunks[self.number + 1]))?;
            self.stream.drain(..part);
            self.number += 1;
        }
        Ok(())
    }

    /// Ends the stream; gives the chunks that were written and those that were not needed.
    fn finish(mut self) -> std::io::Result<(Vec<Run>, Vec<Run>)> {
        self.write_chunk(self.stream.len(), None)?;
        let unused = self.chunks.split_off(self.number + 1);
        Ok((self.chunks, unused))
    }

    fn write_chunk(&self, part: usize, next: Option<Run>) -> std::io::Result<()> {
        let run = self.chunks[self.number];
        let head = ChunkHead { generation: self.generation, number: self.number as u64, next };
        let mut body = frame::encode_value(&head);
        body.extend_from_slice(&self.stream[..part]);
        let frame = frame::encode(Kind::Checkpoint, self.nonce, &body);
        assert!(frame.len() as u64 <= u64::from(run.blocks) * BLOCK_BYTES, "a chunk fits its run");
        write_blocks(self.disk, run.start, &frame)
    }
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
        let mut decoder = index.is_none().then(|| Decoder::new(reference));
        let part = |part: &[u8]| decoder.as_mut().map_or(Ok(()), |decoder| decoder.push(part));
        let walked = walk(disk, nonce, generation, first, data, &mut taken, part);
        let whole = walked.and_then(|()| decoder.map(|decoder| decoder.finish(reference)).transpose());
        match whole {
            Ok(whole) => index = index.or(whole),
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

/// Reads and verifies the chunks of a copy; gives each one's part of the stream to `each`.
fn walk(
    disk: &dyn Disk,
    nonce: u64,
    generation: u64,
    first: Run,
    data: &Range<u64>,
    taken: &mut Vec<Run>,
    mut each: impl FnMut(&[u8]) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
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
        each(part)?;
        number += 1;
        next = head.next;
    }
    Ok(())
}

/// Decodes the stream of a copy as its parts come.
struct Decoder {
    /// The begin of an entry whose end is in the next part.
    rest: Vec<u8>,
    entries: Vec<(FragmentKey, Entry)>,
}

const UNDECODABLE: &str = "its entries cannot be decoded";

impl Decoder {
    fn new(reference: &CheckpointRef) -> Decoder {
        Decoder { rest: Vec::new(), entries: Vec::with_capacity(reference.entries as usize) }
    }

    fn push(&mut self, part: &[u8]) -> Result<(), &'static str> {
        self.rest.extend_from_slice(part);
        let mut stream = &self.rest[..];
        while !stream.is_empty() {
            match postcard::take_from_bytes::<(FragmentKey, Entry)>(stream) {
                Ok((entry, after)) => {
                    self.entries.push(entry);
                    stream = after;
                }
                Err(postcard::Error::DeserializeUnexpectedEnd) => break,
                Err(_) => return Err(UNDECODABLE),
            }
        }
        let decoded = self.rest.len() - stream.len();
        self.rest.drain(..decoded);
        Ok(())
    }

    fn finish(self, reference: &CheckpointRef) -> Result<Index, &'static str> {
        let index = Index::from_sorted(self.entries);
        let expected = (index.len(), index.encoded_bytes()) == (reference.entries, reference.bytes);
        if self.rest.is_empty() && expected { Ok(index) } else { Err(UNDECODABLE) }
    }
}
