//! Reading a segment: the owning rows first; when one does not answer or is wrong, any n rows decode.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use isobar_base::limits::UNIT_BYTES;
use isobar_base::{AlignedBuf, Errno};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::queries::{Answer, ClusterQuery, SegmentState};
use isobar_wire::message::storage::StorageError;
use tokio::task::JoinSet;

use crate::Segments;
use crate::row::{RowError, holder};
use crate::write::smooth;

const SLOW_FACTOR: u32 = 20;
const SLOW_MIN: Duration = Duration::from_secs(2);
pub(crate) const SLOW_MAX: Duration = Duration::from_secs(10);

/// How reading went since the client started.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadStats {
    /// Ranges that had to be decoded from other rows.
    pub decoded: u64,
    /// Rows written again because they were missing or damaged.
    pub repaired: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    decoded: AtomicU64,
    repaired: AtomicU64,
}

impl Segments {
    /// How reading went so far.
    pub fn read_stats(&self) -> ReadStats {
        let stats = &self.0.stats;
        ReadStats {
            decoded: stats.decoded.load(Ordering::Relaxed),
            repaired: stats.repaired.load(Ordering::Relaxed),
        }
    }

    /// Reads `range` of a segment's bytes, in pieces, one for each row it touches.
    ///
    /// # Errors
    /// `ESTALE` when the segment is gone (the map that named it is old); `EIO` when fewer than n rows
    /// can be had.
    pub async fn read(&self, segment: &SegmentInfo, range: Range<u32>) -> Result<Vec<Bytes>, Errno> {
        let row_bytes = segment.geometry.row_bytes() as u32;
        let mut pieces = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let row = (at / row_bytes) as u8;
            let end = range.end.min((u32::from(row) + 1) * row_bytes);
            pieces.push((row, at - u32::from(row) * row_bytes..end - u32::from(row) * row_bytes));
            at = end;
        }
        if let [(row, range)] = &pieces[..] {
            return Ok(vec![self.read_in_row(segment, *row, range.clone()).await?]);
        }
        let mut reads = JoinSet::new();
        for (at, (row, range)) in pieces.into_iter().enumerate() {
            let (this, segment) = (self.clone(), segment.clone());
            reads.spawn(async move { (at, this.read_in_row(&segment, row, range).await) });
        }
        let mut parts = vec![Bytes::new(); reads.len()];
        while let Some(done) = reads.join_next().await {
            let (at, bytes) = done.map_err(|_| Errno::EIO)?;
            parts[at] = bytes?;
        }
        Ok(parts)
    }

    /// Reads a range of one row.
    ///
    /// # Errors
    /// As [`Segments::read`].
    pub async fn read_in_row(
        &self,
        segment: &SegmentInfo,
        row: u8,
        range: Range<u32>,
    ) -> Result<Bytes, Errno> {
        let unit = UNIT_BYTES as u32;
        let first = range.start / unit;
        let units = range.end.div_ceil(unit) - first;
        let buf = self.units_of_row(segment, row, first, units).await?;
        let from = (range.start - first * unit) as usize;
        Ok(Bytes::from_owner(buf).slice(from..from + range.len()))
    }

    async fn units_of_row(
        &self,
        segment: &SegmentInfo,
        row: u8,
        first: u32,
        units: u32,
    ) -> Result<AlignedBuf, Errno> {
        let view = self.0.cluster.view();
        let known = view.known();
        let mut missing = None;
        if holder(&known, segment, row).is_some_and(|target| view.is_readable(&known, target)) {
            let begun = Instant::now();
            match self.get_row(&known, segment, row, first, units, self.get_budget()).await {
                Ok(read) => {
                    smooth(&self.0.get_us, begun.elapsed());
                    return Ok(read.bytes);
                }
                Err(error) => missing = Some(error),
            }
        }
        let repair = match &missing {
            Some(RowError::Storage(StorageError::NotFound)) => {
                // Superseded meanwhile, or lost? Only the ledger knows.
                if !self.is_referenced(segment).await? {
                    return Err(Errno::ESTALE);
                }
                Some(false)
            }
            Some(RowError::Storage(StorageError::Corrupt) | RowError::Damaged) => Some(true),
            _ => None,
        };
        let buf = match self.decode_units(segment, row, first, units).await {
            Err(Errno::EIO) => {
                // Targets may have been replaced since the map was learned, and the owner may only have been
                // slow.
                if let Err(error) = self.0.cluster.refresh(SLOW_MAX).await {
                    tracing::debug!(%error, "the cluster map could not be renewed");
                }
                if repair != Some(true)
                    && let Ok(read) = self.get_row(&view.known(), segment, row, first, units, SLOW_MAX).await
                {
                    return Ok(read.bytes);
                }
                self.decode_units(segment, row, first, units).await?
            }
            decoded => decoded?,
        };
        self.0.stats.decoded.fetch_add(1, Ordering::Relaxed);
        if repair.is_some() {
            self.queue_repair(segment, row);
        }
        Ok(buf)
    }

    pub(crate) fn get_budget(&self) -> Duration {
        let usual = Duration::from_micros(self.0.get_us.load(Ordering::Relaxed));
        (usual * SLOW_FACTOR).clamp(SLOW_MIN, SLOW_MAX)
    }

    pub(crate) async fn is_referenced(&self, segment: &SegmentInfo) -> Result<bool, Errno> {
        match self.0.cluster.query(ClusterQuery::SegmentStates { ids: vec![segment.id] }).await? {
            Answer::SegmentStates(states) => Ok(states.first() == Some(&SegmentState::Referenced)),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Writes a row again in the background, if nothing else keeps the repairers busy.
    fn queue_repair(&self, segment: &SegmentInfo, row: u8) {
        let Ok(turn) = self.0.repairs.clone().try_acquire_owned() else { return };
        let (this, segment) = (self.clone(), segment.clone());
        tokio::spawn(async move {
            let _turn = turn;
            match this.repair(&segment, row).await {
                Ok(()) => {
                    this.0.stats.repaired.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(segment = %segment.id, row, "row repaired");
                }
                Err(error) => tracing::info!(segment = %segment.id, row, ?error, "row not repaired"),
            }
        });
    }

    async fn repair(&self, segment: &SegmentInfo, row: u8) -> Result<(), RowError> {
        let (header, buf) = self.rebuild_row(segment, row).await.map_err(|_| RowError::Damaged)?;
        let known = self.0.cluster.view().known();
        let target = holder(&known, segment, row).ok_or(RowError::Unreachable)?;
        self.rewrite_row(&known, target, header, vec![Bytes::from_owner(buf)], SLOW_MAX).await
    }
}
