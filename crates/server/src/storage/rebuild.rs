//! Rebuilding: a target that took another one's place gets the rows it lacks.
//!
//! Exactly the segments committed before it took the position may lack a row: later COMMITs are checked
//! against its receipt. Segments never change, so nothing here excludes or waits for writers. A pass
//! that left rows missing is followed by another; the target is declared whole only after a pass over
//! all segments that left none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use isobar_base::{Errno, FragmentKey, PgId};
use isobar_segments::Segments;
use isobar_store::StoreError;
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::ops::{ClusterOp, Mutation};
use isobar_wire::message::queries::{Answer, ClusterQuery};
use tokio::task::JoinSet;

use super::Target;
use crate::context::NodeContext;
use crate::limits::{REBUILD_PAUSE, SEGMENTS_PER_STEP};

/// How often a target looks whether it has to be rebuilt.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Rows that could not be rebuilt are named in the log up to this many per pass.
const LINES_PER_PASS: u64 = 20;

/// Positions that lack rows: placement group and position to the log index of the take-over.
type Unclean = BTreeMap<(PgId, u8), u64>;

/// Rebuilds a target whenever the map says that it lacks rows.
pub(crate) async fn run(node: Arc<NodeContext>, target: Arc<Target>) {
    let segments = Segments::new(node.cluster.clone());
    loop {
        let unclean = unclean(&node, &target);
        if unclean.is_empty() {
            *target.rebuild.lock() = None;
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        }
        match pass(&node, &target, &segments, &unclean).await {
            Ok(0) => declare_whole(&node, &target, &unclean).await,
            Ok(missing) => {
                tracing::warn!(target_id = %target.id(), missing, "rows could not be rebuilt; trying again");
                tokio::time::sleep(REBUILD_PAUSE).await;
            }
            Err(error) => {
                tracing::warn!(target_id = %target.id(), %error, "rebuild interrupted; trying again");
                tokio::time::sleep(REBUILD_PAUSE).await;
            }
        }
    }
}

fn unclean(node: &NodeContext, target: &Target) -> Unclean {
    let known = node.cluster.view().known();
    let mut unclean = Unclean::new();
    for group in &known.map.groups {
        for (at, position) in group.positions.iter().enumerate() {
            if position.target == target.id() && !position.clean {
                unclean.insert((group.id, at as u8), position.since);
            }
        }
    }
    unclean
}

/// The row of a segment that belongs on one of these positions and may be missing there.
fn row_to_rebuild(segment: &SegmentInfo, unclean: &Unclean) -> Option<u8> {
    let wanted = |&(_, &position): &(usize, &u8)| {
        unclean.get(&(segment.pg, position)).is_some_and(|&since| segment.version <= since)
    };
    segment.positions.iter().enumerate().find(wanted).map(|(row, _)| row as u8)
}

/// One walk over all segments. Gives how many rows are still missing.
async fn pass(
    node: &Arc<NodeContext>,
    target: &Arc<Target>,
    segments: &Segments,
    unclean: &Unclean,
) -> Result<u64, Errno> {
    let lacking = |segment: SegmentInfo| {
        let row = row_to_rebuild(&segment, unclean)?;
        let key = FragmentKey { segment: segment.id, row };
        (!target.store().contains(key)).then_some((segment, row))
    };
    // The first walk only counts, for those who watch; its work is small beside the rebuilding.
    let (mut total, mut after) = (0, None);
    while let Some(step) = step(node, &mut after).await? {
        total += step.into_iter().filter_map(lacking).count() as u64;
    }
    let (mut done, mut missing) = (0, 0);
    *target.rebuild.lock() = Some((done, total));
    tracing::info!(target_id = %target.id(), rows = total, "rebuild begins");
    let mut work = JoinSet::new();
    let mut after = None;
    while let Some(step) = step(node, &mut after).await? {
        for (segment, row) in step.into_iter().filter_map(lacking) {
            if work.len() >= node.config.rebuild.rows_in_flight {
                let finished = work.join_next().await;
                settle(finished, &mut done, &mut missing);
                *target.rebuild.lock() = Some((done, total.max(done)));
            }
            let (segments, target) = (segments.clone(), target.clone());
            work.spawn(async move { rebuild(&segments, &target, segment, row).await });
        }
    }
    while let Some(finished) = work.join_next().await {
        settle(Some(finished), &mut done, &mut missing);
        *target.rebuild.lock() = Some((done, total.max(done)));
    }
    Ok(missing)
}

/// What became of one row.
pub(crate) enum Outcome {
    Rebuilt,
    /// The segment is gone: nothing to rebuild.
    Gone,
    Missing(FragmentKey, String),
}

fn settle(finished: Option<Result<Outcome, tokio::task::JoinError>>, done: &mut u64, missing: &mut u64) {
    match finished {
        Some(Ok(Outcome::Rebuilt | Outcome::Gone)) => *done += 1,
        Some(Ok(Outcome::Missing(key, why))) => {
            *missing += 1;
            if *missing <= LINES_PER_PASS {
                tracing::warn!(fragment = %key, why, "row cannot be rebuilt");
            }
        }
        Some(Err(error)) => {
            *missing += 1;
            tracing::error!(%error, "rebuilding a row failed");
        }
        None => {}
    }
}

/// The next segments of a walk; `None` at the end.
pub(crate) async fn step(
    node: &NodeContext,
    after: &mut Option<isobar_base::SegmentId>,
) -> Result<Option<Vec<SegmentInfo>>, Errno> {
    let query = ClusterQuery::Segments { after: *after, limit: SEGMENTS_PER_STEP };
    let Answer::Segments(segments) = node.cluster.query(query).await? else { return Err(Errno::EPROTO) };
    *after = segments.last().map(|s| s.id);
    Ok((!segments.is_empty()).then_some(segments))
}

/// Writes a row anew from the others. What is computed is what the ledger says of the row; if the target has
/// something else under its name, the ledger is right.
pub(crate) async fn rebuild(
    segments: &Segments,
    target: &Arc<Target>,
    segment: SegmentInfo,
    row: u8,
) -> Outcome {
    let key = FragmentKey { segment: segment.id, row };
    let mut foreign_removed = false;
    loop {
        let (header, payload) = match segments.rebuild_row(&segment, row).await {
            Ok(rebuilt) => rebuilt,
            Err(Errno::ESTALE) => return Outcome::Gone,
            Err(error) => {
                return Outcome::Missing(key, format!("too few other rows can be read ({error})"));
            }
        };
        match target.rewrite(header, payload).await {
            Ok(()) => return Outcome::Rebuilt,
            // Only the store's own check of what it was given comes first: the next attempt is not refused.
            Err(StoreError::Conflict(_)) if !foreign_removed => {
                tracing::error!(
                    target_id = %target.id(), fragment = %key,
                    "the row here is not the one that was committed: it is replaced"
                );
                foreign_removed = true;
                if let Err(error) = target.delete(vec![key]).await {
                    return Outcome::Missing(key, error.to_string());
                }
            }
            Err(error) => return Outcome::Missing(key, error.to_string()),
        }
    }
}

async fn declare_whole(node: &NodeContext, target: &Target, unclean: &Unclean) {
    let since = unclean.values().copied().max().unwrap_or_default();
    let op = ClusterOp::TargetRebuilt { target: target.id(), since };
    let mutation = Mutation::of_nobody(op);
    match node.cluster.mutate(mutation).await {
        Ok(Ok(_)) => {
            tracing::info!(target_id = %target.id(), since, "rebuilt: the target has all its rows");
            // The map with the change comes with the next heartbeat; until then there is nothing to do.
            while unclean_still(node, target, since) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(Err(error)) => {
            tracing::warn!(target_id = %target.id(), %error, "not declared rebuilt");
            tokio::time::sleep(REBUILD_PAUSE).await;
        }
        Err(error) => tracing::warn!(target_id = %target.id(), %error, "not declared rebuilt yet"),
    }
}

fn unclean_still(node: &NodeContext, target: &Target, since: u64) -> bool {
    let known = node.cluster.view().known();
    let mut positions = known.map.groups.iter().flat_map(|g| &g.positions);
    positions.any(|p| p.target == target.id() && !p.clean && p.since <= since)
}
