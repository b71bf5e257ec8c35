//! The search for orphans: rows that were PUT and never committed, or whose deletion this target missed.
//!
//! A row is deleted only when the log says, confirmed by ReadIndex, that no map entry can ever name its
//! segment (I6). Age says nothing. Rows on positions another target holds now are judged no differently.

use std::sync::Arc;
use std::time::Duration;

use isobar_base::{Errno, FragmentKey, SegmentId};
use isobar_wire::message::queries::{Answer, ClusterQuery, SegmentState};

use super::Target;
use crate::context::NodeContext;
use crate::limits::{ORPHAN_ROWS_MAX, ORPHANS_PAUSE};

/// Searches a target at the start, regularly, and when asked to.
pub(crate) async fn run(node: Arc<NodeContext>, target: Arc<Target>) {
    loop {
        match search(&node, &target).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(target_id = %target.id(), rows, "orphans deleted"),
            Err(error) => {
                tracing::debug!(target_id = %target.id(), %error, "search for orphans cut short");
                tokio::time::sleep(ORPHANS_PAUSE).await;
                continue;
            }
        }
        let interval = Duration::from_secs(node.config.orphan_scan_seconds);
        // Whether woken or not, it is time.
        tokio::time::timeout(interval, node.search_now.notified()).await.ok();
    }
}

/// Looks at every row of the target; gives how many were deleted.
async fn search(node: &NodeContext, target: &Arc<Target>) -> Result<u64, Errno> {
    let (mut after, mut deleted) = (None, 0);
    loop {
        // The list comes first: a row that is in it was PUT before its fate is asked for.
        let rows = target.store().list(after, ORPHAN_ROWS_MAX);
        let Some(last) = rows.last() else { return Ok(deleted) };
        after = Some(last.key);
        let mut ids: Vec<SegmentId> = rows.iter().map(|row| row.key.segment).collect();
        ids.dedup();
        let states = match node.cluster.query(ClusterQuery::SegmentStates { ids: ids.clone() }).await? {
            Answer::SegmentStates(states) if states.len() == ids.len() => states,
            _ => return Err(Errno::EPROTO),
        };
        let garbage: Vec<SegmentId> = ids
            .into_iter()
            .zip(states)
            .filter(|(_, state)| *state == SegmentState::Garbage)
            .map(|(id, _)| id)
            .collect();
        let keys: Vec<FragmentKey> = rows
            .iter()
            .map(|row| row.key)
            .filter(|key| garbage.binary_search(&key.segment).is_ok())
            .collect();
        if !keys.is_empty() {
            deleted += keys.len() as u64;
            target.delete(keys).await.map_err(|error| error.errno())?;
        }
    }
}
