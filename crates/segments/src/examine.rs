//! Looking at every byte of a segment: whether each of its rows can be read, and whether its parity is that
//! of its data.

use bytes::Bytes;
use isobar_base::{AlignedBuf, Errno};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::storage::StorageError;
use tokio::task::JoinSet;

use crate::Segments;
use crate::row::RowError;
use crate::standing::SLOW_MAX;

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowState {
    /// Its bytes are those that were stored.
    Right,
    /// Its target does not have it, or not yet.
    Missing,
    /// Its target has it and its bytes are wrong or cannot be read.
    Damaged,
    /// A parity row whose checksums are right, but which does not belong to the data.
    Contradicts,
    /// Its target did not answer.
    Unknown,
}

/// What is known of a segment once all of it has been read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Examined {
    /// Each row.
    pub rows: Vec<RowState>,
    /// Bytes read.
    pub bytes: u64,
}

impl Segments {
    /// Reads all rows of a segment, and compares the parity with that of the data where all data rows are
    /// right. `None` when the segment is gone.
    ///
    /// # Errors
    /// Of the question whether it is.
    pub async fn examine(&self, segment: &SegmentInfo) -> Result<Option<Examined>, Errno> {
        let known = self.0.cluster.view().known();
        let mut reads = JoinSet::new();
        for row in 0..segment.geometry.rows() {
            let read = self.get_row(&known, segment, row, (0, 0), SLOW_MAX);
            reads.spawn(async move { (row, read.await) });
        }
        let mut rows = vec![RowState::Unknown; usize::from(segment.geometry.rows())];
        let mut bufs: Vec<Option<Bytes>> = rows.iter().map(|_| None).collect();
        while let Some(read) = reads.join_next().await {
            let (row, read) = read.map_err(|_| Errno::EIO)?;
            let row = usize::from(row);
            match read {
                Ok(read) => (rows[row], bufs[row]) = (RowState::Right, Some(read.bytes.clone())),
                Err(error) => rows[row] = state_of(&error),
            }
        }
        let bytes = bufs.iter().flatten().map(|buf| buf.len() as u64).sum();
        self.judge_parity(segment, &bufs, &mut rows);
        if rows.iter().any(|&row| row != RowState::Right) && !self.is_referenced(segment).await? {
            return Ok(None);
        }
        Ok(Some(Examined { rows, bytes }))
    }

    fn judge_parity(&self, segment: &SegmentInfo, bufs: &[Option<Bytes>], rows: &mut [RowState]) {
        let (data, parity) = bufs.split_at(usize::from(segment.geometry.data));
        let data: Vec<&[u8]> = data.iter().flatten().map(|buf| &buf[..]).collect();
        if data.len() < usize::from(segment.geometry.data) {
            return;
        }
        let pool = self.0.cluster.channels().pool();
        let mut right: Vec<AlignedBuf> = parity.iter().map(|_| pool.get(data[0].len())).collect();
        let mut right_rows: Vec<&mut [u8]> = right.iter_mut().map(|row| &mut row[..]).collect();
        if let Err(error) = isobar_erasure::encode(&data, &mut right_rows) {
            tracing::error!(%error, segment = %segment.id, "cannot encode");
            return;
        }
        for (at, (found, right)) in parity.iter().zip(&right).enumerate() {
            if found.as_ref().is_some_and(|found| found[..] != right[..]) {
                rows[data.len() + at] = RowState::Contradicts;
            }
        }
    }
}

fn state_of(error: &RowError) -> RowState {
    match error {
        RowError::Storage(StorageError::NotFound | StorageError::NotReady) => RowState::Missing,
        RowError::Storage(StorageError::Corrupt) | RowError::Damaged => RowState::Damaged,
        RowError::Storage(_) | RowError::Unreachable => RowState::Unknown,
    }
}
