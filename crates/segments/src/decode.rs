//! Bytes of a row from any n other rows, checked like bytes that were read (I9).
//!
//! What is computed has no checksum of its own, so it is compared with one that its writer made before
//! anything was encoded: a whole row with the ledger's ([`isobar_base::row_crc`]), some units with those that
//! each long parity row carries of all data rows; at least one such row is among any n that a data row is
//! decoded from. Short rows are decoded whole. Data rows that are read are right as their checksums are; a
//! parity row may have been computed wrongly before its checksum was made. So when bytes do not match, other
//! parity rows are tried, and bytes that match nothing are never given out nor stored.
//!
//! Targets that answer are asked before slow ones, and these before such as are thought dead. When nothing
//! comes for a while one more is asked, as far as there is an allowance for it. Rows that are on their way
//! for somebody else are joined.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use isobar_base::limits::UNIT_BYTES;
use isobar_base::{AlignedBuf, Errno, FragmentHeader, is_decoded_in_parts, row_crc, unit_crcs, verify_units};
use isobar_wire::message::files::SegmentInfo;
use tokio::task::JoinSet;

use crate::Segments;
use crate::encode::header;
use crate::row::Row;
use crate::source::RowSource;
use crate::standing::Standing;
use crate::stats::count;

/// Rows that could be read, by their numbers.
type Rows = Vec<(u8, Arc<Row>)>;

impl Segments {
    /// Computes units of a row, so many from the first one on, from the same units of any n others.
    ///
    /// # Errors
    /// `EIO` when fewer than n others can be had, or what they give is not what was written; `ESTALE` when
    /// the segment is gone.
    pub(crate) async fn decode_units(
        &self,
        source: &dyn RowSource,
        segment: &SegmentInfo,
        row: u8,
        (first, units): (u32, u32),
    ) -> Result<Bytes, Errno> {
        let row_units = (segment.geometry.row_bytes() / UNIT_BYTES) as u32;
        let in_part = units < row_units && row < segment.geometry.data;
        if in_part && is_decoded_in_parts(segment.geometry.row_bytes()) {
            let mut have = Rows::new();
            self.gather(source, segment, row, (first, units), segment.geometry.data, &mut have).await?;
            let decoded = self.reconstruct(segment, row, &have.iter().collect::<Vec<_>>())?;
            if is_as_in_parity(segment, row, units, &have, &decoded) {
                return Ok(Bytes::from_owner(decoded));
            }
        }
        let (whole, _) = self.decode_row(source, segment, row).await?;
        let from = (u64::from(first) * UNIT_BYTES) as usize;
        Ok(Bytes::from_owner(whole).slice(from..from + (u64::from(units) * UNIT_BYTES) as usize))
    }

    /// Computes a whole row with its header, to be stored again.
    ///
    /// # Errors
    /// As reading it.
    pub async fn rebuild_row(
        &self,
        segment: &SegmentInfo,
        row: u8,
    ) -> Result<(FragmentHeader, AlignedBuf), Errno> {
        let (bytes, have) = self.decode_row(self, segment, row).await?;
        let header =
            header(segment.id, row, segment.geometry, unit_crcs(&bytes), || data_crcs(segment, &have));
        Ok((header, bytes))
    }

    /// Computes a whole row that is what the ledger says it is; gives also the rows that were read for it.
    async fn decode_row(
        &self,
        source: &dyn RowSource,
        segment: &SegmentInfo,
        row: u8,
    ) -> Result<(AlignedBuf, Rows), Errno> {
        let row_units = (segment.geometry.row_bytes() / UNIT_BYTES) as u32;
        let mut have = Rows::new();
        self.gather(source, segment, row, (0, row_units), segment.geometry.data, &mut have).await?;
        let right =
            |bytes: &[u8]| segment.row_crcs.get(usize::from(row)) == Some(&row_crc(&unit_crcs(bytes)));
        let decoded = self.reconstruct(segment, row, &have.iter().collect::<Vec<_>>())?;
        if right(&decoded) {
            return Ok((decoded, have));
        }
        tracing::error!(segment = %segment.id, row, "decoded bytes are not those that were written");
        // As many others as there are.
        self.gather(source, segment, row, (0, row_units), segment.geometry.rows(), &mut have).await.ok();
        for choice in choices(segment, &have) {
            let decoded = self.reconstruct(segment, row, &choice)?;
            if right(&decoded) {
                return Ok((decoded, have));
            }
        }
        tracing::error!(segment = %segment.id, row, "no choice of rows gives the bytes that were written");
        Err(Errno::EIO)
    }

    /// Reads units of rows other than `row` until there are `need` of them.
    ///
    /// # Errors
    /// `EIO` when fewer can be had, `ESTALE` when that is because the segment is gone.
    async fn gather(
        &self,
        source: &dyn RowSource,
        segment: &SegmentInfo,
        row: u8,
        units: (u32, u32),
        need: u8,
        have: &mut Rows,
    ) -> Result<(), Errno> {
        let need = usize::from(need);
        for standing in Standing::ALL {
            self.gather_of(standing, source, segment, row, units, need, have).await;
            if have.len() >= need {
                return Ok(());
            }
        }
        // Rows that are gone may mean that the segment is, and that the map is old.
        if !self.is_referenced(segment).await? {
            return Err(Errno::ESTALE);
        }
        tracing::warn!(segment = %segment.id, row, have = have.len(), need, "too few rows can be read");
        Err(Errno::EIO)
    }

    /// Reads units of rows other than `row` whose targets are of one standing, until there are `need` of all.
    #[allow(clippy::too_many_arguments)]
    async fn gather_of(
        &self,
        standing: Standing,
        source: &dyn RowSource,
        segment: &SegmentInfo,
        row: u8,
        units: (u32, u32),
        need: usize,
        have: &mut Rows,
    ) {
        let known = self.0.cluster.view().known();
        let mut candidates: Vec<u8> = (0..segment.geometry.rows())
            .filter(|&r| r != row && !have.iter().any(|(h, _)| *h == r))
            .filter(|&r| self.standing(&known, segment, r) == standing)
            .collect();
        candidates.sort_by_key(|&r| (!source.is_coming(segment, r), r));
        candidates.reverse();
        let mut reads = JoinSet::new();
        let (mut more, mut patience) = (0, Duration::ZERO);
        while have.len() < need {
            while have.len() + reads.len() < need + more
                && let Some(candidate) = candidates.pop()
            {
                patience = patience.max(self.hedge_after(&known, segment, candidate));
                let coming = source.get(segment, candidate, units);
                reads.spawn(async move { (candidate, coming.await) });
            }
            tokio::select! {
                read = reads.join_next() => match read {
                    Some(Ok((candidate, Ok(read)))) => have.push((candidate, read)),
                    Some(_) => {}
                    None => return,
                },
                () = tokio::time::sleep(patience), if !candidates.is_empty() => {
                    if self.0.hedges.take(1) {
                        count(&self.0.stats.hedged);
                        more += 1;
                    }
                }
            }
        }
        // What is late still says how slow its target is.
        reads.detach_all();
    }

    fn reconstruct(
        &self,
        segment: &SegmentInfo,
        row: u8,
        have: &[&(u8, Arc<Row>)],
    ) -> Result<AlignedBuf, Errno> {
        let mut wanted = self.0.cluster.channels().pool().get(have[0].1.bytes.len());
        let rows: Vec<(u8, &[u8])> = have.iter().map(|(r, read)| (*r, &read.bytes[..])).collect();
        let (data, parity) = (segment.geometry.data, segment.geometry.parity);
        isobar_erasure::reconstruct(data, parity, &rows, &mut [(row, &mut wanted[..])]).map_err(|error| {
            tracing::error!(%error, segment = %segment.id, "cannot decode");
            Errno::EIO
        })?;
        Ok(wanted)
    }
}

/// Whether decoded units of a data row are what one of the parity rows says.
fn is_as_in_parity(segment: &SegmentInfo, row: u8, units: u32, have: &Rows, decoded: &[u8]) -> bool {
    let parity = have.iter().filter(|(r, _)| *r >= segment.geometry.data);
    let from = usize::from(row) * units as usize;
    let mut crcs = parity.filter_map(|(_, read)| read.data_crcs.get(from..from + units as usize));
    crcs.any(|crcs| verify_units(decoded, crcs))
}

/// The unit CRCs of all data rows: of those that were read, else from a parity row.
fn data_crcs(segment: &SegmentInfo, have: &Rows) -> Vec<u32> {
    let right = |row: u8, crcs: &[u32]| segment.row_crcs.get(usize::from(row)) == Some(&row_crc(crcs));
    let units = (segment.geometry.row_bytes() / UNIT_BYTES) as usize;
    let of_row = |row: u8| -> &[u32] {
        let read = have.iter().find(|(r, _)| *r == row).map(|(_, read)| &read.unit_crcs[..]);
        let from = usize::from(row) * units;
        let told = || {
            let told = have.iter().filter_map(|(_, read)| read.data_crcs.get(from..from + units));
            told.into_iter().find(|crcs| right(row, crcs))
        };
        read.or_else(told).unwrap_or_default()
    };
    (0..segment.geometry.data).flat_map(of_row).copied().collect()
}

/// All ways to take the data rows and as many parity rows as are missing.
fn choices<'a>(segment: &SegmentInfo, have: &'a Rows) -> Vec<Vec<&'a (u8, Arc<Row>)>> {
    let (data, parity): (Vec<_>, Vec<_>) = have.iter().partition(|(row, _)| *row < segment.geometry.data);
    let wanted = usize::from(segment.geometry.data).saturating_sub(data.len());
    let subsets = (0u32..1 << parity.len()).filter(|subset| subset.count_ones() as usize == wanted);
    let chosen = |subset: u32| {
        let taken = parity.iter().enumerate().filter(move |(at, _)| subset & 1 << at != 0);
        data.iter().copied().chain(taken.map(|(_, &row)| row)).collect()
    };
    subsets.map(chosen).collect()
}
