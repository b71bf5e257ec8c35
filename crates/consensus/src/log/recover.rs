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
use super::segment::{Segment, StatePayload};
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

/// Reads the log on `disk`; `path` is for messages.
///
/// # Errors
/// `Corrupt` when something is damaged that was durable, `Io`.
pub(super) fn recover(disk: &dyn Disk, path: &Path) -> Result<Recovered, ConsensusError> {
    let file = LogFile { disk, path };
    let header = file.header()?;
    let segments = file.segment_headers(&header)?;
    let newest = segments.iter().flatten().map(|h| h.seq).max();
    file.refuse_lost_header(&header, &segments, newest)?;
    let live = live_segments(&segments, newest);
    let mut out = Recovered {
        header,
        index: Index::default(),
        vote: None,
        live: VecDeque::new(),
        free: (0..segments.len()).rev().filter(|slot| !live.iter().any(|(s, _)| s == slot)).collect(),
        used: segments.iter().map(Option::is_some).collect(),
        position: BLOCK,
        serial: live.front().map_or(1, |(_, first)| first.serial),
    };
    out.replay_segments(&file, &live)?;
    // Segments the last purge point freed and nothing has overwritten yet.
    while out.live.len() > 1 && out.live[0].next <= out.index.first_needed() {
        out.free.extend(out.live.pop_front().map(|segment| segment.slot));
    }
    // What was found may still be in a cache only; from here on others count on it.
    disk.sync().map_err(ConsensusError::io(format!("syncing {}", path.display())))?;
    Ok(out)
}

/// The file as it is read.
struct LogFile<'a> {
    disk: &'a dyn Disk,
    path: &'a Path,
}

impl LogFile<'_> {
    fn corrupt(&self, what: impl Into<String>) -> ConsensusError {
        ConsensusError::Corrupt { path: self.path.to_owned(), what: what.into() }
    }

    fn read(&self, at: u64, bytes: u64) -> Result<AlignedBuf, ConsensusError> {
        let mut buf = AlignedBuf::zeroed(bytes as usize);
        self.disk
            .read_at(at, &mut buf)
            .map_err(ConsensusError::io(format!("reading {} at {at}", self.path.display())))?;
        Ok(buf)
    }

    fn header(&self) -> Result<FileHeader, ConsensusError> {
        let header = FileHeader::decode(&self.read(0, BLOCK)?)
            .ok_or_else(|| self.corrupt("the file header is damaged"))?;
        let end = header.segment_at(header.segments as usize);
        if end > self.disk.size() {
            return Err(self.corrupt(format!("{} bytes are missing at its end", end - self.disk.size())));
        }
        Ok(header)
    }

    /// The headers of all segments; `None` where there is none of this life of the file.
    fn segment_headers(&self, header: &FileHeader) -> Result<Vec<Option<SegmentHeader>>, ConsensusError> {
        (0..header.segments as usize)
            .map(|slot| {
                let found = SegmentHeader::decode(&self.read(header.segment_at(slot), BLOCK)?);
                Ok(found.filter(|h| h.nonce == header.nonce))
            })
            .collect()
    }

    /// Fails when a segment newer than the newest known one has lost its header and holds more than one
    /// batch: a segment whose opening was torn holds at most the one batch that was written with its header.
    fn refuse_lost_header(
        &self,
        header: &FileHeader,
        segments: &[Option<SegmentHeader>],
        newest: Option<u64>,
    ) -> Result<(), ConsensusError> {
        for (slot, found) in segments.iter().enumerate() {
            if found.is_some_and(|h| Some(h.seq) == newest) {
                continue;
            }
            let block = self.read(header.segment_at(slot) + BLOCK, BLOCK)?;
            let Some(first) =
                BatchHeader::decode(&block).filter(|b| b.nonce == header.nonce && Some(b.seq) > newest)
            else {
                continue;
            };
            let segment = self.read(header.segment_at(slot), header.segment_bytes)?;
            if let Some(at) = later_batch(&segment, BLOCK, first.nonce, first.seq, first.serial) {
                return Err(self
                    .corrupt(format!("segment {} has lost its header, batch at {at} is intact", first.seq)));
            }
        }
        Ok(())
    }
}

/// The live segments, oldest first: the unbroken run of sequence numbers that ends at the newest.
fn live_segments(
    segments: &[Option<SegmentHeader>],
    newest: Option<u64>,
) -> VecDeque<(usize, SegmentHeader)> {
    let mut live = VecDeque::new();
    let mut next = newest;
    while let Some(seq) = next {
        let known = segments.iter().enumerate().filter_map(|(slot, header)| Some((slot, (*header)?)));
        let Some((slot, header)) = known.into_iter().find(|(_, header)| header.seq == seq) else { break };
        live.push_front((slot, header));
        next = seq.checked_sub(1);
    }
    live
}

impl Recovered {
    /// Replays the `live` segments in their order.
    fn replay_segments(
        &mut self,
        file: &LogFile<'_>,
        live: &VecDeque<(usize, SegmentHeader)>,
    ) -> Result<(), ConsensusError> {
        let mut damaged = Vec::new();
        for (nth, &(slot, SegmentHeader { seq, serial, .. })) in live.iter().enumerate() {
            if serial != self.serial {
                // Either a segment that was free already, half overwritten when the power went, or damage to
                // a live one. Each segment starts with the state before it: go on from there, and see below
                // whether entries are missing.
                damaged.push(format!("batches {}..{serial} before segment {seq}", self.serial));
                self.forget_before(serial);
            }
            let segment = file.read(self.header.segment_at(slot), self.header.segment_bytes)?;
            self.live.push_back(Segment { slot, seq, next: 0 });
            self.replay_segment(&segment, slot, seq).map_err(|what| file.corrupt(what))?;
            if nth + 1 == live.len() {
                self.check_tail(&segment, seq).map_err(|what| file.corrupt(what))?;
            }
        }
        if self.index.first > self.index.first_needed() {
            let (from, to) = (self.index.first_needed(), self.index.first);
            let damaged = damaged.join(", ");
            return Err(file.corrupt(format!("entries {from}..{to} are missing; damaged: {damaged}")));
        }
        Ok(())
    }

    /// Replays the intact batches at the start of the segment in `slot`.
    fn replay_segment(&mut self, segment: &[u8], slot: usize, seq: u64) -> Result<(), String> {
        let base = self.header.segment_at(slot);
        let oldest = self.live.len() == 1;
        self.position = BLOCK;
        while let Some((batch, records)) =
            intact_batch(segment, self.position, &self.header, seq, self.serial)
        {
            let mut at = base + self.position + BATCH_HEADER as u64;
            for (record, payload) in records {
                self.replay(record, payload, at, oldest)?;
                at += (RECORD_HEADER + payload.len()) as u64;
            }
            self.serial += 1;
            self.position += batch.disk_bytes();
        }
        Ok(())
    }

    /// Fails when what follows the last intact batch of the newest segment is not a torn tail.
    fn check_tail(&self, segment: &[u8], seq: u64) -> Result<(), String> {
        if let Some(at) = later_batch(segment, self.position, self.header.nonce, seq, self.serial) {
            return Err(format!(
                "batch {} at {} of segment {seq} is damaged, a later one at {at} is intact",
                self.serial, self.position
            ));
        }
        if self.position == BLOCK && self.live.len() == 1 && seq > 1 {
            return Err(format!("segment {seq} is empty and those before it are missing"));
        }
        Ok(())
    }

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
            // Only the first: the state that later ones hold has been replayed.
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
