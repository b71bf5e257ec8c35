//! Reading the log back at start: the torn tail of a power loss is cut, anything else that is damaged is
//! an error (see `format.rs` for why the two can be told apart).

use std::collections::VecDeque;
use std::path::Path;

use isobar_base::AlignedBuf;
use isobar_disk::Disk;

use super::format::{
    BATCH_HEADER, BLOCK, BatchHeader, FileHeader, Kind, RECORD_HEADER, RecordHeader, SegmentHeader,
    get_record,
};
use super::index::{Index, Slot};
use super::{Segment, StatePayload};
use crate::ConsensusError;
use crate::ids::{Vote, log_id};

/// The log as found.
pub(super) struct Recovered {
    pub header: FileHeader,
    pub index: Index,
    pub vote: Option<Vote>,
    /// Oldest first; the last one is written to.
    pub live: VecDeque<Segment>,
    pub free: Vec<usize>,
    /// Segments that were in use at some time.
    pub used: Vec<bool>,
    /// Where the next batch goes within the last live segment.
    pub position: u64,
    pub serial: u64,
}

pub(super) fn recover(disk: &dyn Disk, path: &Path) -> Result<Recovered, ConsensusError> {
    let corrupt = |what: String| ConsensusError::Corrupt { path: path.to_owned(), what };
    let read = |at: u64, bytes: u64| {
        let mut buf = AlignedBuf::zeroed(bytes as usize);
        disk.read_at(at, &mut buf)
            .map_err(ConsensusError::io(format!("reading {} at {at}", path.display())))?;
        Ok::<_, ConsensusError>(buf)
    };
    let header =
        FileHeader::decode(&read(0, BLOCK)?).ok_or_else(|| corrupt("the file header is damaged".into()))?;
    let slots = header.segments as usize;
    if header.segment_at(slots) > disk.size() {
        return Err(corrupt(format!(
            "{} bytes are missing at its end",
            header.segment_at(slots) - disk.size()
        )));
    }

    let mut headers: Vec<Option<SegmentHeader>> = Vec::with_capacity(slots);
    for slot in 0..slots {
        let found = SegmentHeader::decode(&read(header.segment_at(slot), BLOCK)?);
        headers.push(found.filter(|h| h.nonce == header.nonce));
    }
    let newest = headers.iter().flatten().map(|h| h.seq).max();
    for (slot, found) in headers.iter().enumerate() {
        // A segment whose opening was torn holds at most the one batch written with its header.
        if found.is_some_and(|h| Some(h.seq) == newest) {
            continue;
        }
        let block = read(header.segment_at(slot) + BLOCK, BLOCK)?;
        let Some(first) =
            BatchHeader::decode(&block).filter(|b| b.nonce == header.nonce && Some(b.seq) > newest)
        else {
            continue;
        };
        let segment = read(header.segment_at(slot), header.segment_bytes)?;
        if let Some(at) = later_batch(&segment, BLOCK, first.nonce, first.seq, first.serial) {
            return Err(corrupt(format!(
                "segment {} has lost its header, batch at {at} is intact",
                first.seq
            )));
        }
    }

    // The live segments are the unbroken run of sequence numbers that ends at the newest.
    let mut live = VecDeque::new();
    let mut seq = newest;
    while let Some(slot) = seq.and_then(|s| headers.iter().position(|h| h.is_some_and(|h| h.seq == s))) {
        live.push_front((slot, headers[slot].map_or(0, |h| h.serial)));
        seq = seq.and_then(|s| s.checked_sub(1));
    }
    let mut out = Recovered {
        header,
        index: Index::default(),
        vote: None,
        live: VecDeque::new(),
        free: (0..slots).rev().filter(|slot| !live.iter().any(|(s, _)| s == slot)).collect(),
        used: headers.iter().map(Option::is_some).collect(),
        position: BLOCK,
        serial: live.front().map_or(1, |&(_, serial)| serial),
    };
    let first_seq = newest.map_or(0, |n| n + 1 - live.len() as u64);
    let mut damaged = Vec::new();
    for (nth, &(slot, serial)) in live.iter().enumerate() {
        let seq = first_seq + nth as u64;
        if serial != out.serial {
            // Either a segment that was free already, half overwritten when the power went, or damage to a live one.
            // Each segment starts with the state before it: go on from there, and see below whether entries are missing.
            damaged.push(format!("batches {}..{serial} before segment {seq}", out.serial));
            out.forget_before(serial);
        }
        let base = header.segment_at(slot);
        let segment = read(base, header.segment_bytes)?;
        out.live.push_back(Segment { slot, seq, next: 0 });
        let oldest = out.live.len() == 1;
        out.position = BLOCK;
        while let Some((batch, records)) = intact_batch(&segment, out.position, &header, seq, out.serial) {
            let mut at = base + out.position + BATCH_HEADER as u64;
            for (record, payload) in records {
                out.replay(record, payload, at, oldest).map_err(corrupt)?;
                at += (RECORD_HEADER + payload.len()) as u64;
            }
            out.serial += 1;
            out.position += batch.disk_bytes();
        }
        if nth + 1 == live.len() {
            if let Some(at) = later_batch(&segment, out.position, header.nonce, seq, out.serial) {
                return Err(corrupt(format!(
                    "batch {} at {} of segment {seq} is damaged, a later one at {at} is intact",
                    out.serial, out.position
                )));
            }
            if out.position == BLOCK && oldest && seq > 1 {
                return Err(corrupt(format!("segment {seq} is empty and those before it are missing")));
            }
        }
    }
    if out.index.first > out.index.first_needed() {
        let (from, to) = (out.index.first_needed(), out.index.first);
        return Err(corrupt(format!("entries {from}..{to} are missing; damaged: {}", damaged.join(", "))));
    }
    // Segments the last purge point freed and nothing has overwritten yet.
    while out.live.len() > 1 && out.live[0].next <= out.index.first_needed() {
        out.free.extend(out.live.pop_front().map(|segment| segment.slot));
    }
    // What was found may still be in a cache only; from here on others count on it.
    disk.sync().map_err(ConsensusError::io(format!("syncing {}", path.display())))?;
    Ok(out)
}

impl Recovered {
    /// Starts over with the segment whose first batch is `serial`.
    fn forget_before(&mut self, serial: u64) {
        self.free.extend(self.live.drain(..).map(|segment| segment.slot));
        self.index = Index::default();
        self.vote = None;
        self.serial = serial;
    }

    fn replay(&mut self, record: RecordHeader, payload: &[u8], at: u64, oldest: bool) -> Result<(), String> {
        if record.group != self.header.group {
            return Err(format!("record of group {} at {at}", record.group));
        }
        match record.kind {
            Kind::State if oldest => {
                let state: StatePayload =
                    postcard::from_bytes(payload).map_err(|e| format!("state record at {at}: {e}"))?;
                self.vote = state.vote;
                self.index.purged = state.purged;
                self.index.first = state.next;
            }
            Kind::State => {}
            Kind::Vote => {
                let mut vote = Vote::new(record.term, record.node);
                vote.committed = record.flag != 0;
                self.vote = Some(vote);
            }
            Kind::Purge => self.index.purge(log_id(record.index, record.term, record.node)),
            Kind::Truncate => {
                self.index.truncate(record.index);
                for segment in &mut self.live {
                    segment.next = segment.next.min(record.index);
                }
            }
            Kind::Blank | Kind::Normal | Kind::Membership => {
                if record.index != self.index.next() {
                    return Err(format!(
                        "entry {} at {at} follows entry {}",
                        record.index,
                        self.index.next()
                    ));
                }
                self.index.push(Slot {
                    id: log_id(record.index, record.term, record.node),
                    kind: record.kind,
                    at,
                    record_bytes: (RECORD_HEADER + payload.len()) as u32,
                    entry: None,
                });
                if let Some(segment) = self.live.back_mut() {
                    segment.next = segment.next.max(record.index + 1);
                }
            }
        }
        Ok(())
    }
}

type Records<'a> = Vec<(RecordHeader, &'a [u8])>;

/// The batch at `at`, if it is the one with `serial` and every record of it is intact.
fn intact_batch<'a>(
    segment: &'a [u8],
    at: u64,
    header: &FileHeader,
    seq: u64,
    serial: u64,
) -> Option<(BatchHeader, Records<'a>)> {
    let bytes = segment.get(at as usize..)?;
    let batch = BatchHeader::decode(bytes)?;
    if (batch.nonce, batch.seq, batch.serial) != (header.nonce, seq, serial) {
        return None;
    }
    let mut body = bytes.get(BATCH_HEADER..BATCH_HEADER + batch.body_bytes as usize)?;
    let mut records = Vec::new();
    for _ in 0..batch.records {
        let (record, payload) = get_record(body)?;
        body = &body[RECORD_HEADER + payload.len()..];
        records.push((record, payload));
    }
    body.is_empty().then_some((batch, records))
}

/// The first batch at or after `from` with a serial above `serial`: proof that batch `serial` was synced.
fn later_batch(segment: &[u8], from: u64, nonce: u64, seq: u64, serial: u64) -> Option<u64> {
    (from..segment.len() as u64).step_by(BLOCK as usize).find(|&at| {
        BatchHeader::decode(&segment[at as usize..])
            .is_some_and(|b| b.nonce == nonce && b.seq == seq && b.serial > serial)
    })
}
