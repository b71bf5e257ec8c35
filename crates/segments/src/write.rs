//! Writing a segment: choose a width and a placement group, encode, PUT all rows, have n+K receipts.
//!
//! When a target fails or is slow, a **new** segment is written without it at once: nothing waits for
//! a failure detector, and no row of the abandoned one can ever become visible (I2). Its rows are
//! garbage that the search for orphans removes.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use isobar_base::{Errno, Geometry, SegmentId, TargetId, limits, segment_width};
use isobar_wire::message::ops::NewSegment;
use isobar_wire::message::storage::StorageError;
use tokio::task::JoinSet;

use crate::Segments;
use crate::encode::{Encoded, encode};
use crate::row::RowError;
use isobar_cluster::{ClusterSnapshot, Quarantine, Session};

/// A PUT round may take this many times its usual time before other targets are tried, ...
const SLOW_FACTOR: u32 = 16;
/// ... at least this long, ...
const SLOW_MIN: Duration = Duration::from_secs(4);
/// ... and at most this long. It doubles with every attempt, so a saturated machine is not flooded.
const SLOW_MAX: Duration = Duration::from_secs(30);
/// Pause when there are not enough targets, before looking again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the leader may take to say who has room, before the cluster counts as full.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

impl Segments {
    /// Makes `data` (1 byte to 8 MiB) durable as one new segment and gives its receipts, for a COMMIT.
    /// The segment's id still has to be settled with the session.
    ///
    /// # Errors
    /// `ENOSPC` when too few targets have room; `EIO` when for `METADATA_WAIT_MS` too few could be reached.
    pub async fn write(&self, session: &Session, data: Bytes) -> Result<NewSegment, Errno> {
        self.write_by(session, data, Instant::now() + Duration::from_millis(limits::METADATA_WAIT_MS)).await
    }

    /// Like [`Segments::write`], with the time at which too few targets become an error.
    ///
    /// # Errors
    /// As [`Segments::write`].
    pub async fn write_by(
        &self,
        session: &Session,
        data: Bytes,
        deadline: Instant,
    ) -> Result<NewSegment, Errno> {
        let mut encoded: Option<Encoded> = None;
        let (mut attempt, mut looked) = (0u32, false);
        loop {
            let id = session.next_segment();
            let known = self.0.cluster.view().known();
            let (place, out_of_space) = self.choose(&known, id, data.len() as u64);
            let nowhere = place.is_none();
            if let Some((pg, geometry, rows)) = place {
                if encoded.as_ref().is_none_or(|e| e.geometry != geometry) {
                    encoded = Some(encode(&data, geometry, self.0.cluster.channels().pool())?);
                }
                let Some(code) = &encoded else { return Err(Errno::EIO) };
                let budget = self.put_budget(attempt).min(deadline.saturating_duration_since(Instant::now()));
                let begun = Instant::now();
                if self.put_all(&known, id, code, &rows, budget).await {
                    smooth(&self.0.put_us, begun.elapsed());
                    return Ok(NewSegment { id, pg, geometry, rows, row_crcs: code.row_crcs() });
                }
                attempt += 1;
            }
            session.settle(id);
            if Instant::now() >= deadline {
                tracing::error!("too few storage targets can be reached");
                return Err(Errno::EIO);
            }
            if out_of_space {
                // A target may have come back, or been given room, since somebody last looked.
                let has_looked = std::mem::replace(&mut looked, true);
                if has_looked || self.0.cluster.refresh(LOOK_TIMEOUT).await.is_err() {
                    return Err(Errno::ENOSPC);
                }
                continue;
            }
            if nowhere || attempt > 3 {
                tokio::time::sleep(PAUSE).await;
                // The view may be old; without a leader we go on with what we have.
                self.0.cluster.refresh(PAUSE).await.ok();
            }
        }
    }

    /// A placement group, a shape and a target for each row; and whether it is for lack of room on
    /// targets that there is none.
    #[allow(clippy::type_complexity)]
    fn choose(
        &self,
        known: &ClusterSnapshot,
        id: SegmentId,
        len: u64,
    ) -> (Option<(isobar_base::PgId, Geometry, Vec<(u8, TargetId)>)>, bool) {
        let view = self.0.cluster.view();
        let Some(fs) = &known.map.fs else { return (None, false) };
        let groups = known.map.groups.len();
        let first = view.group_for(known, id.session.0 ^ id.counter).map_or(0, |pg| pg.0 as usize);
        let mut out_of_space = false;
        for step in 0..groups {
            let group = &known.map.groups[(first + step) % groups];
            let mut rows = view.writable(known, group);
            if let Some(data) = segment_width(len, fs.data_rows, fs.parity_rows, rows.len()) {
                let geometry = Geometry { data, parity: fs.parity_rows, len: len as u32 };
                let turn = (id.counter % rows.len() as u64) as usize;
                rows.rotate_left(turn);
                rows.truncate(usize::from(geometry.rows()));
                return (Some((group.id, geometry, rows)), false);
            }
            out_of_space |= group
                .positions
                .iter()
                .filter(|p| view.quarantined(p.target) == Some(Quarantine::Full))
                .count()
                + rows.len()
                > usize::from(fs.parity_rows);
        }
        (None, out_of_space && view.any_full(known))
    }

    fn put_budget(&self, attempt: u32) -> Duration {
        let usual = Duration::from_micros(self.0.put_us.load(Ordering::Relaxed));
        ((usual * SLOW_FACTOR).max(SLOW_MIN) * 2u32.pow(attempt.min(3))).min(SLOW_MAX)
    }

    /// PUTs all rows; true when every one has its receipt. Returns on the first failure: rows still
    /// on their way then arrive or not, nobody will ever name them.
    async fn put_all(
        &self,
        known: &std::sync::Arc<ClusterSnapshot>,
        id: SegmentId,
        code: &Encoded,
        rows: &[(u8, TargetId)],
        budget: Duration,
    ) -> bool {
        let mut puts = JoinSet::new();
        for (row, ((_, parts), &(_, target))) in code.rows.iter().zip(rows).enumerate() {
            let header = code.header(id, row as u8);
            let (this, known, parts) = (self.clone(), known.clone(), parts.clone());
            puts.spawn(async move { (target, this.put_row(&known, target, header, parts, budget).await) });
        }
        while let Some(done) = puts.join_next().await {
            match done {
                Ok((_, Ok(()))) => {}
                Ok((target, Err(error))) => {
                    if !matches!(error, RowError::Storage(StorageError::Full)) {
                        tracing::info!(segment = %id, %target, ?error, "PUT failed; writing a new segment");
                        self.0.cluster.view().quarantine(target, Quarantine::Unreachable);
                    }
                    puts.detach_all();
                    return false;
                }
                Err(_) => return false,
            }
        }
        true
    }
}

/// Exponentially smoothed duration.
pub(crate) fn smooth(cell: &std::sync::atomic::AtomicU64, sample: Duration) {
    let sample = sample.as_micros() as u64;
    let old = cell.load(Ordering::Relaxed);
    let new = if old == 0 { sample } else { (old * 7 + sample) / 8 };
    cell.store(new, Ordering::Relaxed);
}
