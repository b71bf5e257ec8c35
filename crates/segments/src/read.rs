//! Reading a segment: the owning rows first; when one does not answer or is wrong, any n rows decode.
//!
//! ```text
//! target of the row ─┬─ there ────────────────────────────────────► bytes
//!                    ├─ late, and few are ─► n others, too ───────► bytes, of whichever is first
//!                    ├─ does not answer, wrong ─► n others ───────► bytes; a wrong row is written again
//! slow or away ──────┴──────────────────────────► n others ───────► bytes
//! ```
//! How often others are asked because one is late is bounded, in requests: where everything is slow, asking
//! more makes it slower. A slow target is asked now and then beside the others, to hear when it is well.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use isobar_base::Errno;
use isobar_base::limits::UNIT_BYTES;
use isobar_cluster::{ClusterSnapshot, RowRequest};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::queries::{Answer, ClusterQuery, SegmentState};
use isobar_wire::message::storage::StorageError;
use tokio::task::JoinSet;

use crate::Segments;
use crate::row::{Row, RowError, holder};
use crate::source::{Coming, RowSource};
use crate::standing::{SLOW_MAX, Standing};
use crate::stats::count;

/// What came of asking the target of a row.
enum Owner {
    Read(Arc<Row>),
    /// Others were faster.
    Decoded(Bytes),
    /// It was asked, and failed.
    Failed(RowError),
    NotAsked,
}

impl Segments {
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
    async fn read_in_row(&self, segment: &SegmentInfo, row: u8, range: Range<u32>) -> Result<Bytes, Errno> {
        let unit = UNIT_BYTES as u32;
        let first = range.start / unit;
        let units = range.end.div_ceil(unit) - first;
        let bytes = self.units_of_row(self, segment, row, (first, units)).await?;
        let from = (range.start - first * unit) as usize;
        Ok(bytes.slice(from..from + range.len()))
    }

    /// A whole row, read or decoded, where whole rows come from `source`.
    ///
    /// # Errors
    /// As [`Segments::read`].
    pub async fn read_row(
        &self,
        source: &dyn RowSource,
        segment: &SegmentInfo,
        row: u8,
    ) -> Result<Bytes, Errno> {
        let units = (segment.geometry.row_bytes() / UNIT_BYTES) as u32;
        self.units_of_row(source, segment, row, (0, units)).await
    }

    async fn units_of_row(
        &self,
        source: &dyn RowSource,
        segment: &SegmentInfo,
        row: u8,
        units: (u32, u32),
    ) -> Result<Bytes, Errno> {
        let repair = match self.ask_owner(source, segment, row, units).await {
            Owner::Read(read) => return Ok(read.bytes.clone()),
            Owner::Decoded(bytes) => return Ok(bytes),
            Owner::Failed(RowError::Storage(StorageError::NotFound)) => {
                // Superseded meanwhile, or lost? Only the ledger knows.
                if !self.is_referenced(segment).await? {
                    return Err(Errno::ESTALE);
                }
                Some(false)
            }
            Owner::Failed(RowError::Storage(StorageError::Corrupt) | RowError::Damaged) => Some(true),
            Owner::Failed(_) | Owner::NotAsked => None,
        };
        let bytes = match self.decode_units(source, segment, row, units).await {
            Err(Errno::EIO) => {
                // Targets may have been replaced since the map was learned, and the owner may only have been
                // slow.
                if let Err(error) = self.0.cluster.refresh(SLOW_MAX).await {
                    tracing::debug!(%error, "the cluster map could not be renewed");
                }
                let known = self.0.cluster.view().known();
                if repair != Some(true)
                    && let Ok(read) = self.get_row(&known, segment, row, units, SLOW_MAX).await
                {
                    return Ok(read.bytes.clone());
                }
                self.decode_units(source, segment, row, units).await?
            }
            decoded => decoded?,
        };
        count(&self.0.stats.decoded);
        if repair.is_some() {
            self.queue_repair(segment, row);
        }
        Ok(bytes)
    }

    /// Asks the target of a row, unless it is slow or away, and others when it is late.
    async fn ask_owner(
        &self,
        source: &dyn RowSource,
        segment: &SegmentInfo,
        row: u8,
        units: (u32, u32),
    ) -> Owner {
        let known = self.0.cluster.view().known();
        let patience = match self.standing(&known, segment, row) {
            Standing::Good => self.hedge_after(&known, segment, row),
            Standing::Slow if self.is_tried(&known, segment, row) => Duration::ZERO,
            Standing::Slow | Standing::Away => return Owner::NotAsked,
        };
        let mut reading = source.get(segment, row, units);
        if patience > Duration::ZERO {
            if let Ok(read) = tokio::time::timeout(patience, &mut reading).await {
                return read.map_or_else(Owner::Failed, Owner::Read);
            }
            let others = (0..segment.geometry.rows()).filter(|&r| r != row && source.is_coming(segment, r));
            let more = usize::from(segment.geometry.data).saturating_sub(others.count());
            if !self.0.hedges.take(more) {
                return reading.await.map_or_else(Owner::Failed, Owner::Read);
            }
            self.0.stats.hedged.fetch_add(more as u64, Ordering::Relaxed);
        }
        self.first_of(source, segment, row, units, reading).await
    }

    /// The row as it comes from its target, or from others, whichever is first.
    async fn first_of(
        &self,
        source: &dyn RowSource,
        segment: &SegmentInfo,
        row: u8,
        units: (u32, u32),
        mut reading: Coming,
    ) -> Owner {
        let decoded = tokio::select! {
            read = &mut reading => return read.map_or_else(Owner::Failed, Owner::Read),
            decoded = self.decode_units(source, segment, row, units) => decoded,
        };
        match decoded {
            Ok(bytes) => {
                count(&self.0.stats.decoded);
                // How long it takes in the end says how slow its target is.
                tokio::spawn(reading);
                Owner::Decoded(bytes)
            }
            Err(_) => reading.await.map_or_else(Owner::Failed, Owner::Read),
        }
    }

    fn is_tried(&self, known: &ClusterSnapshot, segment: &SegmentInfo, row: u8) -> bool {
        let begin = |target| self.0.cluster.view().begin_trial(target, RowRequest::Get);
        holder(known, segment, row).is_some_and(begin)
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
                    count(&this.0.stats.repaired);
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
