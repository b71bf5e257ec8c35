//! The one thread that writes the log. Everything queued while the previous sync ran becomes one batch:
//! one write, one sync.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use isobar_base::AlignedBuf;
use isobar_disk::Disk;

use super::command::{Command, Done};
use super::entry;
use super::format::{
    BATCH_HEADER, BLOCK, BatchHeader, FileHeader, Kind, RECORD_HEADER, RecordHeader, SegmentHeader,
    put_record,
};
use super::segment::{Segment, StatePayload};
use super::shared::{SharedLog, Written};
use crate::ids::{LogId, Vote};
use crate::types::Entry;

/// A batch is written when it has this many bytes, whatever else is queued.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Unwritten space is filled with zeros this far ahead, so that most syncs find it written.
const PREWRITE_BYTES: u64 = 1 << 20;
/// Buffers larger than this are not kept between batches.
const BUFFER_BYTES_KEPT: usize = 8 << 20;

pub(super) struct Writer {
    pub shared: Arc<SharedLog>,
    pub disk: Arc<dyn Disk>,
    pub header: FileHeader,
    /// The segment written to; `None` before the first batch of a new log.
    pub active: Option<Segment>,
    pub position: u64,
    pub serial: u64,
    /// Space of the active segment before this position was written earlier.
    pub written_before: u64,
    pub prewrite: bool,
    /// Vote, purge point, last log id and next index as of the end of what was encoded.
    pub vote: Option<Vote>,
    pub purged: Option<LogId>,
    pub next: u64,
    pub batch: Batch,
}

/// What is encoded and not yet written.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    records: u32,
    placed: Vec<(LogId, u32)>,
    done: Vec<Done>,
    opens_segment: bool,
    purges: bool,
    /// Lowest index truncated from, for the segments' extents.
    truncated: Option<u64>,
    disk: AlignedBuf,
}

impl Writer {
    /// Runs until told to stop.
    pub(super) fn run(mut self) {
        let mut queue = VecDeque::new();
        loop {
            self.shared.take_commands(&mut queue);
            for command in queue.drain(..) {
                if matches!(command, Command::Stop) {
                    // Flushes what came before; the error, if any, has reached those who wait for it.
                    let _ = self.flush();
                    return;
                }
                if let Err(error) = self.encode(command) {
                    self.fail(&error);
                }
            }
            if let Err(error) = self.flush() {
                self.fail(&error);
            }
        }
    }

    fn encode(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Append(entries, done) => {
                for entry in &entries {
                    if let Err(error) = self.encode_entry(entry) {
                        done.call(Err(&error));
                        return Err(error);
                    }
                }
                self.batch.done.push(done);
            }
            Command::Vote(vote, done) => {
                self.vote = Some(vote);
                let fields = (0, vote.leader_id.term, vote.leader_id.node_id);
                self.batch.done.push(done);
                self.record(Kind::Vote, u8::from(vote.committed), fields, &[])?;
            }
            Command::Truncate(since) => {
                self.next = self.next.min(since);
                let truncated = self.batch.truncated.map_or(since, |t| t.min(since));
                self.record(Kind::Truncate, 0, (since, 0, 0), &[])?;
                self.batch.truncated = Some(truncated);
            }
            Command::Purge(upto) => {
                if self.shared.synced.load(Ordering::Acquire) <= upto.index {
                    self.flush()?;
                    self.shared.wait_synced(upto.index)?;
                }
                self.purged = self.purged.max(Some(upto));
                self.next = self.next.max(upto.index + 1);
                self.record(Kind::Purge, 0, (upto.index, upto.leader_id.term, upto.leader_id.node_id), &[])?;
                self.batch.purges = true;
            }
            Command::Stop => {}
        }
        Ok(())
    }

    fn encode_entry(&mut self, entry: &Entry) -> io::Result<()> {
        let id = entry.log_id;
        let (kind, payload) = entry::encode(entry)?;
        self.record(kind, 0, (id.index, id.leader_id.term, id.leader_id.node_id), &payload)?;
        let offset = self.batch.bytes.len() - RECORD_HEADER - payload.len();
        self.batch.placed.push((id, offset as u32));
        self.next = id.index + 1;
        Ok(())
    }

    fn record(
        &mut self,
        kind: Kind,
        flag: u8,
        (index, term, node): (u64, u64, u64),
        payload: &[u8],
    ) -> io::Result<()> {
        let length = RECORD_HEADER + payload.len();
        if self.batch.bytes.len() + length > BATCH_BYTES_MAX {
            self.flush()?;
        }
        if self.active.is_none() || length > self.room() {
            self.flush()?;
            self.open_segment()?;
            if length > self.room() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("a record of {length} bytes does not fit"),
                ));
            }
        }
        put_record(
            &mut self.batch.bytes,
            RecordHeader { kind, flag, group: self.header.group, index, term, node },
            payload,
        );
        self.batch.records += 1;
        Ok(())
    }

    /// Bytes of records that still fit into the batch being built.
    fn room(&self) -> usize {
        let left = (self.header.segment_bytes - self.position) as usize;
        left.saturating_sub(BATCH_HEADER + self.batch.bytes.len())
    }

    /// Starts the next segment; everything before it is durable.
    fn open_segment(&mut self) -> io::Result<()> {
        let seq = self.active.map_or(1, |s| s.seq + 1);
        let (slot, recycled) = self.shared.take_free_segment().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::StorageFull,
                "the log is full: its entries could not be checkpointed and purged in time",
            )
        })?;
        self.active = Some(Segment { slot, seq, next: 0 });
        self.position = BLOCK;
        self.written_before = if recycled { self.header.segment_bytes } else { 0 };
        self.batch.opens_segment = true;
        let state = StatePayload { vote: self.vote, purged: self.purged, next: self.next };
        let payload = postcard::to_allocvec(&state).map_err(io::Error::other)?;
        put_record(
            &mut self.batch.bytes,
            RecordHeader { kind: Kind::State, flag: 0, group: self.header.group, index: 0, term: 0, node: 0 },
            &payload,
        );
        self.batch.records += 1;
        Ok(())
    }

    /// Writes and syncs the batch, then tells everyone who waits for it.
    fn flush(&mut self) -> io::Result<()> {
        if self.batch.records == 0 {
            return Ok(());
        }
        let Some(active) = self.active else { return Ok(()) };
        self.shared.check_poison()?;
        let header = BatchHeader {
            nonce: self.header.nonce,
            seq: active.seq,
            serial: self.serial,
            body_bytes: self.batch.bytes.len() as u32,
            records: self.batch.records,
        };
        let base = self.header.segment_at(active.slot);
        let lead = if self.batch.opens_segment { BLOCK as usize } else { 0 };
        let disk_bytes = header.disk_bytes() as usize;
        let buf = &mut self.batch.disk;
        buf.set_len(lead + disk_bytes);
        if lead > 0 {
            let segment = SegmentHeader { nonce: self.header.nonce, seq: active.seq, serial: self.serial };
            buf[..lead].copy_from_slice(&segment.encode());
        }
        let body = lead + BATCH_HEADER;
        buf[lead..body].copy_from_slice(&header.encode());
        buf[body..body + self.batch.bytes.len()].copy_from_slice(&self.batch.bytes);
        buf[body + self.batch.bytes.len()..].fill(0);
        self.disk.write_at(base + self.position - lead as u64, &[IoSlice::new(buf)])?;
        let end = self.position + disk_bytes as u64;
        self.prewrite(base, end)?;
        self.disk.sync()?;

        let first_record = base + self.position + BATCH_HEADER as u64;
        let placed = self.batch.placed.drain(..).map(|(id, offset)| (id, first_record + u64::from(offset)));
        let purged = if std::mem::take(&mut self.batch.purges) { self.purged } else { None };
        let truncated = self.batch.truncated.take();
        self.shared.written(Written { active, truncated, purged, next: self.next }, placed);
        self.position = end;
        self.serial += 1;
        self.batch.bytes.clear();
        self.batch.records = 0;
        self.batch.opens_segment = false;
        if self.batch.disk.capacity() > BUFFER_BYTES_KEPT {
            self.batch.disk = AlignedBuf::default();
            self.batch.bytes = Vec::new();
        }
        self.batch.done.drain(..).for_each(|done| done.call(Ok(())));
        Ok(())
    }

    fn prewrite(&mut self, base: u64, end: u64) -> io::Result<()> {
        if !self.prewrite || end <= self.written_before {
            return Ok(());
        }
        let upto = (end + PREWRITE_BYTES).min(self.header.segment_bytes);
        if upto > end {
            self.disk.write_at(base + end, &[IoSlice::new(&AlignedBuf::zeroed((upto - end) as usize))])?;
        }
        self.written_before = upto;
        Ok(())
    }

    /// After a failed write or sync nothing is known about the disk: nothing is acknowledged any more.
    fn fail(&mut self, error: &io::Error) {
        self.shared.poison(error);
        self.batch.bytes.clear();
        self.batch.records = 0;
        self.batch.done.drain(..).for_each(|done| done.call(Err(error)));
    }
}
