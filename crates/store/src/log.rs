//! The log: what changed since the checkpoint.
//!
//! Batches lie one behind the other in a ring of blocks, each a frame whose body is `(sequence, number of
//! records)` followed by the records. A batch that does not fit before the end of the ring begins at its
//! first block. Sequences only rise; opening a device leaves one out, that of the batch that may have been
//! torn, so that none is ever written twice and what is left in the ring from before means nothing. Writing
//! and replaying follow the rules in the crate's header.

use isobar_base::{AlignedBuf, FragmentKey};
use isobar_disk::Disk;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::entry::Entry;
use crate::extent::read_blocks;
use crate::frame::{self, Kind};
use crate::limits::{BLOCK_BYTES, LOG_RECORDS_MAX, LOG_START, LOG_WINDOW_BYTES};

/// One change of the index. An entry that is only to be encoded may be borrowed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Record<E = Entry> {
    Put(FragmentKey, E),
    Delete(FragmentKey),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Head {
    sequence: u64,
    records: u32,
}

/// Where a batch is, or the next one goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    pub sequence: u64,
    /// Counted from the start of the log.
    pub block: u64,
}

impl Position {
    /// The start of the log of a new device.
    pub(crate) const FIRST: Position = Position { sequence: 1, block: 0 };
}

/// The ring that batches are written to.
#[derive(Debug)]
pub(crate) struct Log {
    blocks: u64,
    /// The oldest batch that recovery would need.
    start: Position,
    /// Where the next batch goes, if it fits before the end.
    head: Position,
    /// In batches since the last checkpoint began.
    records: u64,
}

impl Log {
    /// A log of which everything from `start` to `head` is needed.
    pub(crate) fn new(blocks: u64, start: Position, head: Position) -> Log {
        Log { blocks, start, head, records: 0 }
    }

    /// The next batch: already encoded `records`.
    pub(crate) fn encode(&self, nonce: u64, count: u32, records: &[u8]) -> AlignedBuf {
        let mut body = frame::encode_value(&Head { sequence: self.head.sequence, records: count });
        body.extend_from_slice(records);
        frame::encode(Kind::LogBatch, nonce, &body)
    }

    /// The block where a batch of `blocks` blocks goes; `None` if that would overwrite what is needed.
    pub(crate) fn place(&self, blocks: u64) -> Option<u64> {
        let left_out = self.left_out(blocks);
        let fits = self.used() + left_out + blocks < self.blocks;
        fits.then_some(if left_out > 0 { 0 } else { self.head.block })
    }

    /// Blocks at the end of the ring that a batch of `blocks` blocks does not fit into.
    fn left_out(&self, blocks: u64) -> u64 {
        let to_end = self.blocks - self.head.block;
        if blocks > to_end { to_end } else { 0 }
    }

    /// A batch of `blocks` blocks and `records` records is durable where [`Log::place`] said.
    pub(crate) fn append(&mut self, blocks: u64, records: u64) {
        let block = self.head.block + self.left_out(blocks) + blocks;
        self.head = Position { sequence: self.head.sequence + 1, block: block % self.blocks };
        self.records += records;
    }

    /// A checkpoint begins: it has everything before the position that is returned.
    pub(crate) fn freeze(&mut self) -> Position {
        self.records = 0;
        self.head
    }

    /// Nothing before `start` is needed any more.
    pub(crate) fn release(&mut self, start: Position) {
        self.start = start;
    }

    /// Whether it is time for a checkpoint.
    pub(crate) fn is_long(&self) -> bool {
        2 * self.used() > self.blocks || self.records >= LOG_RECORDS_MAX
    }

    /// How many of `items` have to be done along with a batch of `blocks` blocks and `records` records, so
    /// that all are done long before the log is full, and before opening had much more to replay.
    pub(crate) fn share(&self, items: u64, blocks: u64, records: u64) -> u64 {
        let blocks_left = (self.blocks * 7 / 8).saturating_sub(self.used()).max(1);
        let records_left = (LOG_RECORDS_MAX / 2).saturating_sub(self.records).max(1);
        let share = |part: u64, whole: u64| (items * part).div_ceil(whole);
        share(blocks, blocks_left).max(share(records, records_left))
    }

    fn used(&self) -> u64 {
        (self.head.block + self.blocks - self.start.block) % self.blocks
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
        for block in [at.block, 0] {
            if let Some((head, records, blocks)) = self.batch(block)
                && head.sequence == at.sequence
                && let Some(records) = decode_records(head.records, &records)
            {
                let block = (block + blocks) % self.log_blocks;
                return Ok(Some((records, Position { sequence: at.sequence + 1, block })));
            }
        }
        for block in 0..self.log_blocks {
            if let Some((head, ..)) = self.batch(block)
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
    use crate::entry::Crcs;
    use crate::space::{Run, Runs};

    #[test]
    fn the_ring_never_overwrites_what_is_needed() {
        let start = Position { sequence: 7, block: 60 };
        let mut log = Log::new(100, start, start);
        assert_eq!(log.place(30), Some(60));
        log.append(30, 1);
        assert!(!log.is_long());
        // Ten blocks are left before the end: the next begins at the first, and ends before the start.
        assert_eq!((log.place(11), log.place(60), log.place(59)), (Some(0), None, Some(0)));
        log.append(20, 1);
        assert!(log.is_long());
        let frozen = log.freeze();
        assert_eq!(frozen, Position { sequence: 9, block: 20 });
        log.append(30, 1);
        assert_eq!((log.place(9), log.place(10)), (Some(50), None));
        log.release(frozen);
        assert_eq!((log.place(50), log.place(51), log.place(19)), (Some(50), None, Some(50)));
        log.append(50, 1);
        assert_eq!(log.head, Position { sequence: 11, block: 0 });
        assert_eq!((log.place(19), log.place(20)), (Some(0), None));
    }

    #[test]
    fn a_checkpoint_is_done_before_the_log_is_full_and_before_too_many_records() {
        for (blocks, batch_blocks, records) in
            [(128, 1, 1), (262_144, 5, 512), (262_144, 1, 140), (1000, 40, 1)]
        {
            let mut log = Log::new(blocks, Position::FIRST, Position::FIRST);
            while !log.is_long() {
                log.append(batch_blocks, records);
            }
            log.freeze();
            let mut pages: u64 = 100_000;
            while pages > 0 {
                assert!(log.place(batch_blocks).is_some() && log.records <= LOG_RECORDS_MAX / 2 + records);
                pages -= log.share(pages, batch_blocks, records).min(pages);
                log.append(batch_blocks, records);
            }
        }
    }

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
