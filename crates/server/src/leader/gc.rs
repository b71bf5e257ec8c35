//! Collection: extents of removed inodes, then the rows of segments that nothing names any more (I6).
//!
//! A segment in the delete queue is there for good, so even a deposed leader deletes nothing wrong.
//! Targets that are down are not waited for: their search for orphans finds what is left.

use std::collections::HashMap;
use std::sync::Arc;

use isobar_base::{FragmentKey, SegmentId, TargetId};
use isobar_wire::message::cluster::ClusterMap;
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::ops::{ClusterOp, FileOp, Op};
use isobar_wire::message::queries::{Answer, ClusterQuery};
use isobar_wire::message::storage::DeleteRequest;
use isobar_wire::{CallError, Opcode, Refusal};
use tokio::task::JoinSet;

use crate::context::NodeContext;
use crate::limits::{
    COLLECT_EVERY, COLLECT_SEGMENTS_MAX, KEYS_PER_MESSAGE_MAX, NODE_CALL_TIMEOUT, PURGE_INODES_MAX,
};
use crate::metadata::Metadata;

/// Collects, as long as this node leads.
pub(crate) async fn run(node: Arc<NodeContext>, meta: Arc<Metadata>) {
    loop {
        let more = purge(&meta).await | collect(&node, &meta).await;
        if !more {
            tokio::time::sleep(COLLECT_EVERY).await;
        }
    }
}

/// Takes one step at every inode of the head of the purge queue. True when there may be more to do.
async fn purge(meta: &Metadata) -> bool {
    let query = ClusterQuery::PurgeQueue { limit: PURGE_INODES_MAX }.into();
    let Ok(Answer::Inos(inos)) = meta.group.read(|kv| isobar_meta::query(kv, &query)) else { return false };
    let ops: Vec<Op> = inos.into_iter().map(|ino| FileOp::Purge { ino }.into()).collect();
    !ops.is_empty() && meta.execute(ops).await.is_ok()
}

/// Deletes the rows of the head of the delete queue. True when there may be more to do.
async fn collect(node: &NodeContext, meta: &Metadata) -> bool {
    let query = ClusterQuery::DeleteQueue { limit: COLLECT_SEGMENTS_MAX }.into();
    let Ok(Answer::Segments(segments)) = meta.group.read(|kv| isobar_meta::query(kv, &query)) else {
        return false;
    };
    if segments.is_empty() {
        return false;
    }
    let map = meta.group.read(isobar_meta::cluster_map);
    let up: HashMap<TargetId, bool> =
        meta.liveness.live(&map).into_iter().map(|live| (live.id, live.up && !live.failed)).collect();
    let mut deletions = JoinSet::new();
    for (target, keys) in rows_by_target(&map, &segments) {
        let Some(info) = map.target(target).filter(|_| up.get(&target) == Some(&true)) else { continue };
        let channel = node.cluster.channels().to(&info.addr);
        deletions.spawn(async move {
            for keys in keys.chunks(KEYS_PER_MESSAGE_MAX) {
                let request = DeleteRequest { target, keys: keys.to_vec() };
                let deleted: Result<(), CallError> =
                    channel.call(Opcode::Delete, &request, NODE_CALL_TIMEOUT).await;
                match deleted {
                    Ok(()) => {}
                    // The disk is gone or failed: there is nothing to delete, or nobody to do it.
                    Err(CallError::Refused(Refusal::Storage(error))) => {
                        tracing::debug!(target_id = %target, %error, "rows not deleted");
                    }
                    Err(error) => {
                        tracing::debug!(target_id = %target, %error, "rows not deleted yet");
                        return keys.iter().map(|key| key.segment).collect();
                    }
                }
            }
            Vec::new()
        });
    }
    let mut kept: Vec<SegmentId> = Vec::new();
    while let Some(left) = deletions.join_next().await {
        kept.extend(left.unwrap_or_default());
    }
    kept.sort_unstable();
    let collected: Vec<SegmentId> =
        segments.iter().map(|s| s.id).filter(|id| kept.binary_search(id).is_err()).collect();
    let progress = !collected.is_empty();
    tracing::debug!(segments = collected.len(), waiting = kept.len(), "collected");
    progress && meta.execute(vec![ClusterOp::Collected { segments: collected }.into()]).await.is_ok()
}

/// The rows of segments by the target that holds each row's position now.
fn rows_by_target(map: &ClusterMap, segments: &[SegmentInfo]) -> HashMap<TargetId, Vec<FragmentKey>> {
    let mut rows: HashMap<TargetId, Vec<FragmentKey>> = HashMap::new();
    for segment in segments {
        let Some(group) = map.group(segment.pg) else { continue };
        for (row, &position) in segment.positions.iter().enumerate() {
            if let Some(position) = group.positions.get(usize::from(position)) {
                let key = FragmentKey { segment: segment.id, row: row as u8 };
                rows.entry(position.target).or_default().push(key);
            }
        }
    }
    rows
}
