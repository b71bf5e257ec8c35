//! Writing a segment: find a place, encode, PUT all rows, have n+K receipts.
//!
//! ```text
//! place ─► PUT all rows ─┬─ all durable ─────────────────────────────► receipts, for a COMMIT
//!   ▲                    ├─ one failed ─────────────────────────────┐
//!   │                    └─ few are far later than their siblings,  ├─► abandoned; rows that arrive are
//!   │                       and a place without them exists ────────┘   deleted
//!   └── a new segment, without that target ◄────────────────────────┘
//! ```
//! Nothing waits for a failure detector, and no row of an abandoned segment can ever become visible (I2): its
//! number is given up before its rows are withdrawn (I6). Rows that arrive when nobody waits any more are
//! found by the search for orphans.
//!
//! Slow targets are left out of later segments (`place`), and get a row that nobody waits for now and then,
//! so that they come back when they are well. How often rounds are abandoned for slowness is bounded, and the
//! time they are given grows with every attempt: a saturated machine is not flooded.

use std::time::{Duration, Instant};

use bytes::Bytes;
use isobar_base::{Errno, FragmentKey, SegmentId, TargetId, limits};
use isobar_cluster::{Quarantine, RowRequest, Session};
use isobar_wire::message::ops::NewSegment;
use isobar_wire::message::storage::StorageError;
use tokio::task::{JoinHandle, JoinSet};

use crate::Segments;
use crate::encode::{Encoded, encode};
use crate::place::{NoPlace, Place};
use crate::row::RowError;
use crate::stats::count;

/// A row is late when it takes this many times as long as those that are there, ...
const LATE_FACTOR: u32 = 8;
/// ... and longer than this.
const LATE_MIN: Duration = Duration::from_millis(200);
/// A target that does not answer may take this many times its usual time before it counts as failed, ...
const SLOW_FACTOR: u32 = 16;
/// ... at least this long, ...
const SLOW_MIN: Duration = Duration::from_secs(4);
/// ... and at most this long.
const SLOW_MAX: Duration = Duration::from_secs(30);
/// Pause when there are not enough targets, before looking again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long rows of an abandoned segment are waited for, where the next one needs their room.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a round was abandoned.
struct Abandoned {
    /// A target had no room.
    full: bool,
    /// The rows that arrive are being removed.
    removal: JoinHandle<()>,
}

/// A PUT that is done: of which row, where, and how it went.
type Done = (u8, TargetId, Result<(), RowError>);

impl Segments {
    /// Makes `data` (1 byte to 8 MiB) durable as one new segment and gives its receipts, for a COMMIT.
    /// The segment's id still has to be settled with the session.
    ///
    /// # Errors
    /// `ENOSPC` when too few targets have room and none is being freed; `EIO` when for `METADATA_WAIT_MS` too
    /// few could be reached.
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
        let (mut attempt, mut turn) = (0u32, None);
        loop {
            let id = session.next_segment();
            let place = self.place(id, data.len() as u64);
            let no_place = place.as_ref().err().copied();
            if let Ok(place) = place {
                if encoded.as_ref().is_none_or(|e| e.geometry != place.geometry) {
                    encoded = Some(encode(&data, place.geometry, self.0.cluster.channels().pool())?);
                }
                let Some(code) = &encoded else { return Err(Errno::EIO) };
                match self.put_all(&place, id, code, attempt, deadline).await {
                    Ok(()) => {
                        self.0.room.found().await;
                        self.try_left_out(session, &place, code);
                        let Place { pg, geometry, rows, .. } = place;
                        return Ok(NewSegment { id, pg, geometry, rows, row_crcs: code.row_crcs() });
                    }
                    Err(Abandoned { full, removal }) => {
                        // The room they take may be what the next attempt lacks.
                        if full {
                            tokio::time::timeout(DISCARD_TIMEOUT, removal).await.ok();
                        }
                        attempt += 1;
                    }
                }
            }
            session.settle(id);
            let late = Instant::now() >= deadline;
            if no_place == Some(NoPlace::OutOfSpace) {
                if late {
                    return Err(Errno::ENOSPC);
                }
                drop(turn.take());
                turn = Some(self.0.room.wait(&self.0.cluster, self.0.hopes).await?);
                continue;
            }
            if late {
                tracing::error!("too few storage targets can be reached");
                return Err(Errno::EIO);
            }
            if no_place.is_some() || attempt > 3 {
                tokio::time::sleep(PAUSE).await;
                // The view may be old; without a leader we go on with what we have.
                self.0.cluster.refresh(PAUSE).await.ok();
            }
        }
    }

    /// PUTs all rows. Returns as soon as it is known that they will not all be durable in time.
    async fn put_all(
        &self,
        place: &Place,
        id: SegmentId,
        code: &Encoded,
        attempt: u32,
        deadline: Instant,
    ) -> Result<(), Abandoned> {
        count(&self.0.stats.rounds);
        self.0.rounds_abandoned.earn();
        let grow = 2u32.pow(attempt.min(3));
        let begun = Instant::now();
        let budget = (self.put_budget(place) * grow).min(SLOW_MAX).min(deadline - begun.min(deadline));
        let mut puts = JoinSet::new();
        for (row, ((_, parts), &(_, target))) in code.rows.iter().zip(&place.rows).enumerate() {
            let (row, header) = (row as u8, code.header(id, row as u8));
            let put = self.put_row(&place.known, target, header, parts.clone(), budget);
            puts.spawn(async move { (row, target, put.await) });
        }
        let mut arrived: Vec<(u8, TargetId)> = Vec::new();
        let mut median = Duration::ZERO;
        let mut late_at = None;
        loop {
            let wait = late_at.unwrap_or(begun + SLOW_MAX);
            tokio::select! {
                done = puts.join_next() => match done {
                    None => return Ok(()),
                    Some(Ok((row, target, Ok(())))) => {
                        arrived.push((row, target));
                        // Of all rows, as half of them are there.
                        if arrived.len() * 2 <= code.rows.len() + 1 {
                            median = begun.elapsed();
                        }
                        late_at = is_tail(arrived.len(), puts.len(), code.geometry.parity)
                            .then(|| begun + (median * LATE_FACTOR).max(LATE_MIN) * grow);
                    }
                    Some(Ok((_, target, Err(error)))) => {
                        let full = matches!(error, RowError::Storage(StorageError::Full));
                        if !full {
                            tracing::info!(segment = %id, %target, ?error, "PUT failed; writing a new segment");
                            self.0.cluster.view().quarantine(target, Quarantine::Unreachable);
                        }
                        return Err(self.abandon(place, id, full, arrived, puts));
                    }
                    Some(Err(_)) => return Err(self.abandon(place, id, false, arrived, puts)),
                },
                () = tokio::time::sleep_until(wait.into()), if late_at.is_some() => {
                    late_at = None;
                    if self.do_without_the_late(place, id, &arrived) {
                        return Err(self.abandon(place, id, false, arrived, puts));
                    }
                }
            }
        }
    }

    /// Some rows are far later than the others: whether to write a segment without their targets.
    fn do_without_the_late(&self, place: &Place, id: SegmentId, arrived: &[(u8, TargetId)]) -> bool {
        let targets = place.rows.iter().map(|&(_, target)| target);
        let late: Vec<TargetId> = targets.filter(|t| !arrived.iter().any(|(_, done)| done == t)).collect();
        let view = self.0.cluster.view();
        late.iter().for_each(|&target| view.quarantine(target, Quarantine::Late));
        let without = self.is_placed_without(place, &late) && self.0.rounds_abandoned.take(1);
        tracing::info!(segment = %id, ?late, without, "rows are far later than their siblings");
        without
    }

    /// Gives a round up, and removes its rows as they arrive.
    fn abandon(
        &self,
        place: &Place,
        id: SegmentId,
        full: bool,
        arrived: Vec<(u8, TargetId)>,
        mut puts: JoinSet<Done>,
    ) -> Abandoned {
        count(&self.0.stats.abandoned);
        let (this, known) = (self.clone(), place.known.clone());
        let removal = tokio::spawn(async move {
            let remove = |row, target| this.withdraw_row(&known, target, FragmentKey { segment: id, row });
            let mut removals = JoinSet::new();
            for (row, target) in arrived {
                removals.spawn(remove(row, target));
            }
            while let Some(done) = puts.join_next().await {
                if let Ok((row, target, Ok(()))) = done {
                    removals.spawn(remove(row, target));
                }
            }
            while removals.join_next().await.is_some() {}
        });
        Abandoned { full, removal }
    }

    /// Gives a row that nobody waits for to those of the targets left out whose turn it is: one of a segment
    /// that will never be committed.
    fn try_left_out(&self, session: &Session, place: &Place, code: &Encoded) {
        let view = self.0.cluster.view();
        for &target in &place.left_out {
            // Those that are merely late come back by themselves.
            if view.quarantined(target).is_some() || !view.begin_trial(target, RowRequest::Put) {
                continue;
            }
            count(&self.0.stats.trials);
            let id = session.next_segment();
            session.settle(id);
            let put =
                self.put_row(&place.known, target, code.header(id, 0), code.rows[0].1.clone(), SLOW_MAX);
            let withdraw = self.withdraw_row(&place.known, target, FragmentKey { segment: id, row: 0 });
            tokio::spawn(async move {
                if put.await.is_ok() {
                    withdraw.await;
                }
            });
        }
    }

    /// How long the slowest target of a place may take.
    fn put_budget(&self, place: &Place) -> Duration {
        let view = self.0.cluster.view();
        let usual = place.rows.iter().filter_map(|&(_, target)| view.usual(target, RowRequest::Put));
        usual.max().map_or(SLOW_MIN, |usual| (usual * SLOW_FACTOR).clamp(SLOW_MIN, SLOW_MAX))
    }
}

/// Whether the rows that are missing are few beside those that are there: not the cluster is slow, they are.
fn is_tail(arrived: usize, missing: usize, parity: u8) -> bool {
    missing > 0 && missing <= usize::from(parity) && missing <= arrived
}
