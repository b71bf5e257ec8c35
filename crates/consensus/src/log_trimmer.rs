//! The log trimmer keeps the log short: it checkpoints the state, then has openraft purge what the checkpoint
//! covers.

use std::sync::Arc;
use std::time::Duration;

use openraft::Raft;

use crate::ids::{index_of, next_index};
use crate::replica::Replica;
use crate::types::Types;

/// How often the log is looked at when nothing happens.
const IDLE: Duration = Duration::from_secs(1);
/// How long one step may take before the trimmer looks again.
const STEP: Duration = Duration::from_secs(10);

/// Runs as long as the group.
pub(crate) async fn run(replica: Arc<Replica>, raft: Raft<Types>) {
    let pressure = replica.log.pressure();
    let mut saved = replica.state.saved();
    loop {
        let due = tokio::select! {
            () = pressure.notified() => true,
            changed = saved.changed() => changed.is_ok(),
            () = tokio::time::sleep(IDLE) => true,
        };
        if !due {
            return;
        }
        let keep = replica.config.log_keep_bytes.min(replica.config.log_bytes / 2);
        let bytes = if replica.log_is_tight() { keep / 4 } else { keep };
        let Some(target) = replica.log.purge_target(bytes, replica.config.log_keep_entries) else { continue };
        if tokio::time::timeout(STEP, purge(&replica, &raft, target)).await.is_err() {
            tracing::warn!(target, "trimming the log takes long");
        }
    }
}

/// Purges up to `target`, or as far as is applied, after checkpointing it.
async fn purge(replica: &Replica, raft: &Raft<Types>, target: u64) {
    let mut saved = replica.state.saved();
    let applied = next_index(&replica.state.applied().log_id);
    let target = target.min(applied.saturating_sub(1));
    if target == 0 || target <= index_of(&replica.log.purged()) {
        return;
    }
    if *saved.borrow_and_update() <= target {
        replica.state.request_checkpoint();
        // The sender lives in the store, which `replica` holds.
        let _ = saved.wait_for(|&synced| synced > target).await;
    }
    // openraft purges only what is in a snapshot it knows of; ours is the checkpoint.
    if raft.trigger().snapshot().await.is_err() {
        return;
    }
    let mut metrics = raft.metrics();
    if metrics
        .wait_for(|m| m.snapshot.is_some_and(|id| id.index >= target) || m.running_state.is_err())
        .await
        .is_err()
    {
        return;
    }
    let _ = raft.trigger().purge_log(target).await;
    // A leader waits until no message under way needs those entries.
    let _ =
        metrics.wait_for(|m| m.purged.is_some_and(|id| id.index >= target) || m.running_state.is_err()).await;
}
