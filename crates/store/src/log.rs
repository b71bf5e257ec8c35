//! The log: what changed since the checkpoint.
//!
//! Batches lie one behind the other from the first block of the log, each a frame whose body is
//! `(generation, sequence, number of records)` followed by the records. Sequences count from 1 in each
//! generation. Writing and replaying follow the rules in the crate's header.

use isobar_base::{AlignedBuf, FragmentKey};
use isobar_disk::Disk;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::extent::read_blocks;
use crate::frame::{self, Kind};
use crate::index::Entry;
use crate::limits::{BLOCK_BYTES, LOG_START, LOG_WINDOW_BYTES};

/// One change of the index. An entry that is only to be encoded may be borrowed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Record<E = Entry> {
    Put(FragmentKey, E),
    Delete(FragmentKey),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Head {
    generation: u64,
    sequence: u64,
    records: u32,
}

/// Where the next batch goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    pub generation: u64,
    pub sequence: u64,
    /// Counted from the start of the log.
    pub block: u64,
}

impl Position {
    /// The start of the log of `generation`.
    pub(crate) fn start(generation: u64) -> Position {
        Position { generation, sequence: 1, block: 0 }
    }

    /// The batch of `count` already encoded `records` for this position.
    pub(crate) fn encode(&self, nonce: u64, count: u32, records: &[u8]) -> AlignedBuf {
        let head = Head { generation: self.generation, sequence: self.sequence, records: count };
        let mut body = frame::encode_value(&head);
        body.extend_from_slice(records);
        frame::encode(Kind::LogBatch, nonce, &body)
    }
}

/// Reads the log of a device that is being opened.
pub(crate) struct Reader<'a> {
    disk: &'a dyn Disk,
    nonce: u64,
    log_blocks: u64,
    window: AlignedBuf,
    window_start: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, nonce: u64, log_blocks: u64) -> Reader<'a> {
        Reader { disk, nonce, log_blocks, window: AlignedBuf::default(), window_start: 0 }
    }

    /// The records of the batch at `at` and the position behind it; `None` at the end of the log.
    ///
    /// # Errors
    /// `CorruptLog` when there is no such batch but a later one.
    pub(crate) fn next(&mut self, at: Position) -> Result<Option<(Vec<Record>, Position)>, StoreError> {
        if let Some((head, records, blocks)) = self.batch(at.block)
            && (head.generation, head.sequence) == (at.generation, at.sequence)
            && let Some(records) = decode_records(head.records, &records)
        {
            let next = Position { sequence: at.sequence + 1, block: at.block + blocks, ..at };
            return Ok(Some((records, next)));
        }
        for block in at.block..self.log_blocks {
            if let Some((head, ..)) = self.batch(block)
                && head.generation == at.generation
                && head.sequence > at.sequence
            {
                return Err(StoreError::CorruptLog {
                    offset: (LOG_START + at.block) * BLOCK_BYTES,
                    expected: at.sequence,
                    found: head.sequence,
                });
            }
        }
        Ok(None)
    }

    /// The batch at a block, if there is an undamaged one: head, encoded records, blocks.
    fn batch(&mut self, block: u64) -> Option<(Head, Vec<u8>, u64)> {
        if block >= self.log_blocks {
            return None;
        }
        let blocks = frame::claimed_blocks(Kind::LogBatch, self.read(block, 1))?;
        if block + blocks > self.log_blocks || blocks * BLOCK_BYTES > LOG_WINDOW_BYTES as u64 {
            return None;
        }
        let nonce = self.nonce;
        let (_, body) = frame::decode(Kind::LogBatch, Some(nonce), self.read(block, blocks)).ok()?;
        let (head, records) = postcard::take_from_bytes::<Head>(body).ok()?;
        Some((head, records.to_vec(), blocks))
    }

    /// Reads the window. A block that cannot be read is left zero: no batch, as one that was torn. Whether
    /// that is the end of the log or damage before its end, the batches behind it tell.
    fn fill(&mut self) {
        let start = LOG_START + self.window_start;
        if read_blocks(self.disk, start, &mut self.window).is_ok() {
            return;
        }
        for (block, bytes) in (start..).zip(self.window.chunks_mut(BLOCK_BYTES as usize)) {
            if let Err(error) = read_blocks(self.disk, block, bytes) {
                tracing::warn!(block, %error, "a block of the log cannot be read");
                bytes.fill(0);
            }
        }
    }

    fn read(&mut self, block: u64, blocks: u64) -> &[u8] {
        let window_end = self.window_start + self.window.len() as u64 / BLOCK_BYTES;
        if block < self.window_start || block + blocks > window_end {
            let bytes = ((self.log_blocks - block) * BLOCK_BYTES).min(LOG_WINDOW_BYTES as u64);
            self.window.set_len(0);
            self.window.set_len(bytes as usize);
            self.window_start = block;
            self.fill();
        }
        let from = ((block - self.window_start) * BLOCK_BYTES) as usize;
        &self.window[from..from + (blocks * BLOCK_BYTES) as usize]
    }
}

fn decode_records(count: u32, mut bytes: &[u8]) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    for _ in 0..count {
        let (record, rest) = postcard::take_from_bytes(bytes).ok()?;
        records.push(record);
        bytes = rest;
    }
    bytes.is_empty().then_some(records)
}

#[cfg(test)]
mod tests {
    use isobar_base::{Geometry, SegmentId, SessionId};

    use super::*;
    use crate::index::Crcs;
    use crate::space::{Run, Runs};

    #[test]
    fn the_records_of_version_1_are_frozen() {
        let key = FragmentKey { segment: SegmentId { session: SessionId(300), counter: 2 }, row: 1 };
        let geometry = Geometry { data: 1, parity: 2, len: 4096 };
        let runs = Runs::One(Run { start: 1000, blocks: 1 });
        let packed = Entry { geometry, header_crc: 5, crcs: Crcs::One(7), runs };
        let runs = Runs::Many(Box::new([Run { start: 9, blocks: 8 }, Run { start: 30, blocks: 9 }]));
        let large = Entry { geometry, header_crc: 5, crcs: Crcs::InDescriptor, runs };
        let crcs = Crcs::Many(Box::new([1, 200]));
        let golden: [(Record, &[u8]); 4] = [
            (Record::Put(key, packed.clone()), &[0, 172, 2, 2, 1, 1, 2, 128, 32, 5, 1, 7, 0, 232, 7, 1]),
            (Record::Put(key, large), &[0, 172, 2, 2, 1, 1, 2, 128, 32, 5, 0, 1, 2, 9, 8, 30, 9]),
            (
                Record::Put(key, Entry { crcs, ..packed }),
                &[0, 172, 2, 2, 1, 1, 2, 128, 32, 5, 2, 2, 1, 200, 1, 0, 232, 7, 1],
            ),
            (Record::Delete(key), &[1, 172, 2, 2, 1]),
        ];
        for (record, bytes) in golden {
            assert_eq!(frame::encode_value(&record), bytes);
            assert_eq!(decode_records(1, bytes), Some(vec![record]));
        }
    }
}
