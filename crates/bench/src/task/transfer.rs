//! IOR's task: transfers of one size to or from one file, in IOR's order.
//!
//! ```text
//! shared file, N ranks, block b, transfer t, segment s:  offset = (s·N + rank)·b + k·t
//! file per process:                                      offset =  s·b           + k·t
//! ```

use std::path::PathBuf;

use isobar_base::AlignedBuf;
use serde::{Deserialize, Serialize};

use super::job::Job;
use super::shuffle::shuffled;
use crate::backend::OpenFlags;
use crate::content::{Check, Content};
use crate::error::Result;
use crate::record::{Call, Side};
use crate::window::Span;

/// One rank's transfers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransferTask {
    pub path: PathBuf,
    /// Name and seed its contents are derived from.
    pub content: String,
    pub seed: u64,
    pub side: Side,
    pub layout: Layout,
    /// Whose part of the file.
    pub slot: u64,
    /// Random order, by this seed.
    pub random: Option<u64>,
    /// Flush when all is written (`-e`), or after every write (`-Y`).
    pub sync_at_end: bool,
    pub sync_each: bool,
    /// Past the page cache (`-B`).
    pub direct: bool,
    /// Stop after so many seconds (`-D`), at so many transfers at the latest.
    pub seconds: Option<f64>,
    pub transfers_max: u64,
    pub check: Check,
}

/// Where transfers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub transfer_bytes: u64,
    pub block_bytes: u64,
    pub segments: u64,
    /// Ranks that share the file; 1 for a file per process.
    pub sharers: u64,
}

impl Layout {
    /// Transfers of one rank.
    pub fn transfers(&self) -> u64 {
        self.segments * self.per_block()
    }

    fn per_block(&self) -> u64 {
        self.block_bytes / self.transfer_bytes
    }

    /// Where the transfer with this number goes.
    pub fn offset(&self, slot: u64, transfer: u64) -> u64 {
        let (segment, within) = (transfer / self.per_block(), transfer % self.per_block());
        (segment * self.sharers + slot) * self.block_bytes + within * self.transfer_bytes
    }
}

impl TransferTask {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        let content = Content::of(&self.content, self.seed);
        let mut buffer = AlignedBuf::zeroed(self.layout.transfer_bytes as usize);
        let count = self.layout.transfers().min(self.transfers_max);
        // Whatever is read of a file that was written up to `transfers_max` has been written, in any order.
        let order = self.random.map(|seed| shuffled(self.layout.transfers(), seed));

        let begin = job.recorder.now_ns();
        let writing = self.side == Side::Write;
        let flags =
            OpenFlags { write: writing, create: writing, direct: self.direct, ..OpenFlags::default() };
        let call = if writing { Call::Create } else { Call::Open };
        let mut file = job.call(call, &self.path, |b| b.open(&self.path, flags))?;
        let opened = job.recorder.now_ns();

        for number in 0..count {
            let transfer = order.as_ref().map_or(number, |order| order[number as usize]);
            let offset = self.layout.offset(self.slot, transfer);
            if writing {
                job.recorder.fill(content, offset, &mut buffer);
                job.call(Call::Write, &self.path, |_| file.write_at(offset, &buffer))?;
                if self.sync_each {
                    job.call(Call::Sync, &self.path, |_| file.sync())?;
                }
            } else {
                let got = job.call(Call::Read, &self.path, |_| file.read_at(offset, &mut buffer))?;
                let wanted = buffer.len();
                job.recorder.check(&self.path, content, offset, &buffer[..got], wanted, self.check);
            }
            job.recorder.count(self.side, self.layout.transfer_bytes);
            job.recorder.report.done = number + 1;
            if job.is_over(self.seconds) {
                break;
            }
        }
        if writing && self.sync_at_end {
            job.call(Call::Sync, &self.path, |_| file.sync())?;
        }
        let transferred = job.recorder.now_ns();
        job.call(Call::Close, &self.path, |_| file.close())?;
        let closed = job.recorder.now_ns();
        let report = &mut job.recorder.report;
        report.open = Some(Span { begin_ns: begin, end_ns: opened });
        report.transfer = Some(Span { begin_ns: opened, end_ns: transferred });
        report.close = Some(Span { begin_ns: transferred, end_ns: closed });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_a_shared_file_cover_it_once() {
        let layout = Layout { transfer_bytes: 47_008, block_bytes: 94_016, segments: 3, sharers: 4 };
        let mut offsets: Vec<u64> =
            (0..4).flat_map(|rank| (0..layout.transfers()).map(move |t| layout.offset(rank, t))).collect();
        offsets.sort_unstable();
        let whole: Vec<u64> = (0..4 * 3 * 2).map(|n| n * 47_008).collect();
        assert_eq!(offsets, whole);
        assert_eq!(layout.offset(1, 0), 94_016);
        assert_eq!(layout.offset(1, 2), 4 * 94_016 + 94_016);
    }

    #[test]
    fn a_file_per_process_is_written_from_its_start() {
        let layout = Layout { transfer_bytes: 1 << 20, block_bytes: 4 << 20, segments: 2, sharers: 1 };
        let offsets: Vec<u64> = (0..layout.transfers()).map(|t| layout.offset(0, t)).collect();
        assert_eq!(offsets, (0..8).map(|n| n << 20).collect::<Vec<_>>());
    }
}
