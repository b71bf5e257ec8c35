//! The search for orphans: rows that were PUT and never committed, or whose deletion this target missed.
//!
//! A row is deleted only when the log says, confirmed by ReadIndex, that no map entry can ever name its
//! segment (I6). Age says nothing. Rows on positions another target holds now are judged no differently.
//!
//! All rows are looked at when the target begins to be used, when an operator wants it, when the target may
//! have missed deletions, and now and then; each other search looks at what is not known to be in use
//! ([`super::settled`]). Between its steps it leaves most of the time to others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::{Errno, FragmentKey, SegmentId};
use isobar_wire::message::queries::{Answer, ClusterQuery, SegmentState};

use super::Target;
use super::settled::Settled;
use crate::context::NodeContext;
use crate::limits::{
    ORPHAN_ROWS_MAX, ORPHANS_ALL_EVERY, ORPHANS_MISSED_PART, ORPHANS_PAUSE, ORPHANS_STEP_PAUSE_MAX,
    ORPHANS_STEP_PAUSE_PART,
};

/// Searches a target at the start, regularly, and when asked to.
pub(crate) async fn run(node: Arc<NodeContext>, target: Arc<Target>) {
    let mut settled = Settled::default();
    // When all rows were looked at last, how long that took, and what had been missed by then.
    let (mut all_at, mut took, mut missed) = (None::<Instant>, Duration::ZERO, 0);
    let mut wanted = false;
    loop {
        let missed_now = node.absences() + target.deletions_missed();
        let every = if missed_now == missed { ORPHANS_ALL_EVERY } else { took * ORPHANS_MISSED_PART };
        let all = wanted || all_at.is_none_or(|at| at.elapsed() > every);
        let begun = Instant::now();
        match search(&node, &target, &mut settled, all, wanted).await {
            Ok(rows) => {
                if rows > 0 {
                    tracing::info!(target_id = %target.id(), rows, "orphans deleted");
                }
                if all {
                    (all_at, took, missed) = (Some(Instant::now()), begun.elapsed(), missed_now);
                }
            }
            Err(error) => {
                tracing::debug!(target_id = %target.id(), %error, "search for orphans cut short");
                tokio::time::sleep(ORPHANS_PAUSE).await;
                continue;
            }
        }
        let interval = Duration::from_secs(node.config.orphan_scan_seconds);
        // Whether woken or not, it is time.
        wanted = tokio::time::timeout(interval, node.search_now.notified()).await.is_ok();
    }
}

/// Looks at every row of the target that is not settled, or at `all`; gives how many were deleted. When it is
/// `wanted` there are no pauses.
async fn search(
    node: &NodeContext,
    target: &Arc<Target>,
    settled: &mut Settled,
    all: bool,
    wanted: bool,
) -> Result<u64, Errno> {
    let (mut search, mut after, mut deleted) = (settled.begin(all), None, 0);
    loop {
        let begun = Instant::now();
        // The list comes first: a row that is in it was PUT before its fate is asked for.
        let list = |after, limit| target.store().list(after, limit).into_iter().map(|row| row.key).collect();
        let rows: Vec<FragmentKey> = search.next(after, ORPHAN_ROWS_MAX, list);
        let Some(last) = rows.last() else { break };
        after = Some(*last);
        let mut ids: Vec<SegmentId> = rows.iter().map(|row| row.segment).collect();
        ids.dedup();
        let states = match node.cluster.query(ClusterQuery::SegmentStates { ids: ids.clone() }).await? {
            Answer::SegmentStates(states) if states.len() == ids.len() => states,
            _ => return Err(Errno::EPROTO),
        };
        ids.iter().zip(&states).for_each(|(&id, &state)| search.note(id, state));
        let garbage: Vec<SegmentId> = ids
            .into_iter()
            .zip(states)
            .filter(|(_, state)| *state == SegmentState::Garbage)
            .map(|(id, _)| id)
            .collect();
        let keys: Vec<FragmentKey> =
            rows.into_iter().filter(|key| garbage.binary_search(&key.segment).is_ok()).collect();
        if !keys.is_empty() {
            deleted += keys.len() as u64;
            target.delete(keys).await.map_err(|error| error.errno())?;
        } else if !wanted {
            let pause = begun.elapsed() * ORPHANS_STEP_PAUSE_PART;
            tokio::time::sleep(pause.min(ORPHANS_STEP_PAUSE_MAX)).await;
        }
    }
    settled.end(search);
    Ok(deleted)
}
