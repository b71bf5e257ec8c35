//! The bytes of the log.
//!
//! ```text
//! file    := header block, segment*                            all offsets multiples of 4 KiB
//! segment := segment header block, batch*                      appended, never rewritten
//! batch   := header (48 B), record*, zeros up to 4 KiB         one write, one sync
//! record  := crc length kind flag group index term node payload
//! ```
//! Batch `n + 1` is written only after batch `n` was synced, and a segment is opened only after all of the
//! one before was synced. Hence at most the very last batch can be torn by a power loss; a damaged batch
//! with an intact one after it (in the same or a later segment) was durable once, and is corruption.
//! The serial in each batch, the segment's sequence number and the file's nonce tell a batch of this life of
//! a segment from the remains of an earlier one. All integers are little-endian.

use isobar_base::crc32c;

pub(super) const BLOCK: u64 = 4096;
/// Segments per log file.
pub(super) const SEGMENTS: u64 = 16;
pub(super) const FILE_MAGIC: &[u8; 8] = b"ISOLOG\0\x01";
pub(super) const SEGMENT_MAGIC: &[u8; 8] = b"ISOSEG\0\x01";
pub(super) const BATCH_MAGIC: u32 = 0x4254_4c49;
pub(super) const BATCH_HEADER: usize = 48;
pub(super) const RECORD_HEADER: usize = 40;

const _: () = assert!(BATCH_HEADER + RECORD_HEADER < BLOCK as usize);

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Blank = 1,
    Normal = 2,
    Membership = 3,
    /// The vote; `flag` is whether it is committed.
    Vote = 4,
    /// Entries up to and with this log id are gone.
    Purge = 5,
    /// Entries from this index on are void.
    Truncate = 6,
    /// First record of each segment: vote, purge point and last log id before it.
    State = 7,
}

impl Kind {
    fn from_u8(byte: u8) -> Option<Kind> {
        use Kind::*;
        [Blank, Normal, Membership, Vote, Purge, Truncate, State].into_iter().find(|&k| k as u8 == byte)
    }
}

/// The fixed part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub kind: Kind,
    pub flag: u8,
    pub group: u16,
    pub index: u64,
    pub term: u64,
    pub node: u64,
}

pub(super) fn put_record(out: &mut Vec<u8>, header: RecordHeader, payload: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&[header.kind as u8, header.flag]);
    out.extend_from_slice(&header.group.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    for number in [header.index, header.term, header.node] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(payload);
    let crc = crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// The record at the start of `bytes` and how long it is, if it is intact.
pub(super) fn get_record(bytes: &[u8]) -> Option<(RecordHeader, &[u8])> {
    let length = u32_at(bytes, 4)? as usize;
    let whole = bytes.get(..RECORD_HEADER.checked_add(length)?)?;
    if crc32c(&whole[4..]) != u32_at(whole, 0)? {
        return None;
    }
    let header = RecordHeader {
        kind: Kind::from_u8(whole[8])?,
        flag: whole[9],
        group: u16::from_le_bytes([whole[10], whole[11]]),
        index: u64_at(whole, 16)?,
        term: u64_at(whole, 24)?,
        node: u64_at(whole, 32)?,
    };
    Some((header, &whole[RECORD_HEADER..]))
}

/// The header of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub nonce: u64,
    pub seq: u64,
    pub serial: u64,
    pub body_bytes: u32,
    pub records: u32,
}

impl BatchHeader {
    pub(super) fn encode(&self) -> [u8; BATCH_HEADER] {
        let mut out = [0; BATCH_HEADER];
        out[..4].copy_from_slice(&BATCH_MAGIC.to_le_bytes());
        out[8..16].copy_from_slice(&self.nonce.to_le_bytes());
        out[16..24].copy_from_slice(&self.seq.to_le_bytes());
        out[24..32].copy_from_slice(&self.serial.to_le_bytes());
        out[32..36].copy_from_slice(&self.body_bytes.to_le_bytes());
        out[36..40].copy_from_slice(&self.records.to_le_bytes());
        let crc = crc32c(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<BatchHeader> {
        let bytes = bytes.get(..BATCH_HEADER)?;
        if u32_at(bytes, 0)? != BATCH_MAGIC || crc32c(&bytes[8..]) != u32_at(bytes, 4)? {
            return None;
        }
        Some(BatchHeader {
            nonce: u64_at(bytes, 8)?,
            seq: u64_at(bytes, 16)?,
            serial: u64_at(bytes, 24)?,
            body_bytes: u32_at(bytes, 32)?,
            records: u32_at(bytes, 36)?,
        })
    }

    /// Bytes on the disk, with padding.
    pub(super) fn disk_bytes(&self) -> u64 {
        (BATCH_HEADER as u64 + u64::from(self.body_bytes)).next_multiple_of(BLOCK)
    }
}

/// The first block of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub me: u64,
    pub group: u16,
    pub nonce: u64,
    pub segment_bytes: u64,
    pub segments: u64,
}

impl FileHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        seal(FILE_MAGIC, &[self.me, u64::from(self.group), self.nonce, self.segment_bytes, self.segments])
    }

    pub(super) fn decode(block: &[u8]) -> Option<FileHeader> {
        let [me, group, nonce, segment_bytes, segments] = unseal(FILE_MAGIC, block)?;
        Some(FileHeader { me, group: group as u16, nonce, segment_bytes, segments })
    }

    /// Where segment number `slot` starts.
    pub(super) fn segment_at(&self, slot: usize) -> u64 {
        BLOCK + slot as u64 * self.segment_bytes
    }
}

/// The first block of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub nonce: u64,
    pub seq: u64,
    /// Serial of the segment's first batch.
    pub serial: u64,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        seal(SEGMENT_MAGIC, &[self.nonce, self.seq, self.serial])
    }

    pub(super) fn decode(block: &[u8]) -> Option<SegmentHeader> {
        let [nonce, seq, serial] = unseal(SEGMENT_MAGIC, block)?;
        Some(SegmentHeader { nonce, seq, serial })
    }
}

/// One block: magic, numbers, CRC of both.
fn seal(magic: &[u8; 8], numbers: &[u64]) -> Vec<u8> {
    let mut out = magic.to_vec();
    numbers.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
    out.extend_from_slice(&crc32c(&out).to_le_bytes());
    out.resize(BLOCK as usize, 0);
    out
}

fn unseal<const N: usize>(magic: &[u8; 8], block: &[u8]) -> Option<[u64; N]> {
    let end = 8 + 8 * N;
    if block.get(..8)? != magic || u32_at(block, end)? != crc32c(&block[..end]) {
        return None;
    }
    let mut numbers = [0; N];
    for (at, number) in numbers.iter_mut().enumerate() {
        *number = u64_at(block, 8 + 8 * at)?;
    }
    Some(numbers)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
