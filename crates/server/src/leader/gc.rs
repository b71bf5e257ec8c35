//! Collection of the rows of segments that nothing names any more (I6).
//!
//! A segment in the delete queue is there for good, so even a deposed leader deletes nothing wrong.
//! Targets that are down are not waited for: their search for orphans finds what is left. One that hangs is
//! treated likewise after some time-outs, and what it holds up meanwhile does not hold up the rest of the
//! queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use isobar_base::{FragmentKey, SegmentId, TargetId};
use isobar_wire::message::cluster::ClusterMap;
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::ops::ClusterOp;
use isobar_wire::message::queries::{Answer, ClusterQuery};
use isobar_wire::message::storage::DeleteRequest;
use isobar_wire::{CallError, Opcode, Refusal};
use tokio::task::JoinSet;

use crate::context::NodeContext;
use crate::limits::{
    COLLECT_EVERY, COLLECT_SEGMENTS_MAX, DELETE_RETRY_AFTER, DELETE_TIMEOUTS_MAX, KEYS_PER_MESSAGE_MAX,
    NODE_CALL_TIMEOUT,
};
use crate::metadata::Metadata;

/// Collects, as long as this node leads.
pub(crate) async fn run(node: Arc<NodeContext>, meta: Arc<Metadata>) {
    let mut collector = Collector::default();
    loop {
        if !collector.step(&node, &meta).await {
            tokio::time::sleep(COLLECT_EVERY).await;
        }
    }
}

/// A place in the delete queue: since which log index, and which segment.
type Place = (u64, SegmentId);

/// Where this leader is in the queue, and whom it does not wait for.
#[derive(Default)]
struct Collector {
    /// The next step begins after this place: what was collected before is not stepped over again.
    after: Option<Place>,
    /// Segments before that place were kept: at the end of the queue it goes over it again.
    kept: bool,
    silent: Silent,
}

impl Collector {
    /// Deletes the rows of some segments of the queue. True when there may be more to do at once.
    async fn step(&mut self, node: &NodeContext, meta: &Metadata) -> bool {
        let query = ClusterQuery::DeleteQueue { after: self.after, limit: COLLECT_SEGMENTS_MAX }.into();
        let Ok(Answer::Deleted(queue)) = meta.group.read(|kv| isobar_meta::query(kv, &query)) else {
            return false;
        };
        let Some(last) = queue.last().map(|(index, segment)| (*index, segment.id)) else {
            // What was kept is tried again, after a pause.
            if std::mem::take(&mut self.kept) {
                self.after = None;
            }
            return false;
        };
        let segments: Vec<SegmentInfo> = queue.into_iter().map(|(_, segment)| segment).collect();
        let kept = self.delete_rows(node, meta, &segments).await;
        let collected: Vec<SegmentId> =
            segments.iter().map(|s| s.id).filter(|id| kept.binary_search(id).is_err()).collect();
        tracing::debug!(segments = collected.len(), waiting = kept.len(), "collected");
        let any = !collected.is_empty();
        let done = collected.is_empty()
            || meta.execute(vec![ClusterOp::Collected { segments: collected }.into()]).await.is_ok();
        if done {
            if any {
                meta.reclaim.freed();
            }
            self.after = Some(last);
            self.kept |= !kept.is_empty();
        }
        done
    }

    /// Has the rows of segments deleted; gives those whose rows some target may still have to delete, in
    /// order.
    async fn delete_rows(
        &mut self,
        node: &NodeContext,
        meta: &Metadata,
        segments: &[SegmentInfo],
    ) -> Vec<SegmentId> {
        let map = meta.group.read(isobar_meta::cluster_map);
        let up: HashMap<TargetId, bool> =
            meta.liveness.live(&map).into_iter().map(|live| (live.id, live.up && !live.failed)).collect();
        let mut deletions = JoinSet::new();
        for (target, keys) in rows_by_target(&map, segments) {
            let Some(info) = map.target(target).filter(|_| up.get(&target) == Some(&true)) else { continue };
            if self.silent.is_given_up(target, Instant::now()) {
                continue;
            }
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
                            return (target, keys.iter().map(|key| key.segment).collect());
                        }
                    }
                }
                (target, Vec::new())
            });
        }
        let mut kept: Vec<SegmentId> = Vec::new();
        while let Some(deleted) = deletions.join_next().await {
            let Ok((target, left)) = deleted else { continue };
            self.silent.note(target, left.is_empty(), Instant::now());
            kept.extend(left);
        }
        kept.sort_unstable();
        kept
    }
}

/// Targets that do not answer deletions, though their nodes report.
#[derive(Default)]
struct Silent(HashMap<TargetId, (u32, Instant)>);

impl Silent {
    /// Whether the target is not asked for the time being. What it does not delete is found by its search for
    /// orphans.
    fn is_given_up(&self, target: TargetId, now: Instant) -> bool {
        self.0.get(&target).is_some_and(|&(times, last)| {
            times >= DELETE_TIMEOUTS_MAX && now.saturating_duration_since(last) < DELETE_RETRY_AFTER
        })
    }

    fn note(&mut self, target: TargetId, answered: bool, now: Instant) {
        if answered {
            self.0.remove(&target);
            return;
        }
        let (times, last) = self.0.entry(target).or_insert((0, now));
        (*times, *last) = (times.saturating_add(1), now);
        if *times == DELETE_TIMEOUTS_MAX {
            tracing::warn!(target_id = %target, "does not answer deletions: not waited for");
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_does_not_answer_is_given_up_and_tried_again_later() {
        let (target, now) = (TargetId(1), Instant::now());
        let mut silent = Silent::default();
        silent.note(target, false, now);
        assert!(!silent.is_given_up(target, now));
        silent.note(target, false, now);
        assert!(silent.is_given_up(target, now));
        let later = now + DELETE_RETRY_AFTER;
        assert!(!silent.is_given_up(target, later));
        silent.note(target, false, later);
        assert!(silent.is_given_up(target, later), "one more time-out and it is given up again");
        silent.note(target, true, later);
        assert!(!silent.is_given_up(target, later));
    }
}
