//! Compaction: live bytes of segments that are not worth keeping are copied into new, wide ones, and
//! REPLACE puts the copies under what they are copies of. Writers are neither excluded nor waited for:
//! what they wrote since stays on top, and a copy nobody needs any more queues itself for deletion.
//!
//! What is rewritten, in this order:
//! 1. segments with a row on a target that has been away for long and has no replacement: over the
//!    others, narrower, so that they have all their parity again (I7);
//! 2. segments with a parity row that is not the parity of its data, as scrubs told (I7);
//! 3. segments that are less than half alive, and when room gets short those that are less than three
//!    quarters and then nine tenths alive;
//! 4. chunks of a file that are in very many narrow segments and have been quiet for a while.
//!
//! The compactor holds a session like any client, for one round: removed files wait for every session, and
//! rows that were written in vain for the end of theirs. It is renewed here directly, as this node leads;
//! with the leadership it is left to expire. Targets keep some room for it (`storage/reserve.rs`).

//!
//! | file | what |
//! |---|---|
//! | `compactor` | what a round works with: the session, the rate, how full the cluster is |
//! | `rewrite` | pieces of a file are copied into new segments |
//! | `select` | which segments and chunks are rewritten |

mod compactor;
mod rewrite;
mod select;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::context::NodeContext;
use crate::metadata::Metadata;
use crate::metadata::reclaim::CROWDED;

use compactor::Compactor;

/// Pause between rounds of a cluster that is filling up, or has more to do.
const CROWDED_PAUSE: Duration = Duration::from_millis(500);

/// Compacts, as long as this node leads.
pub(crate) async fn run(node: Arc<NodeContext>, meta: Arc<Metadata>) {
    if !node.config.compaction.enabled {
        return meta.reclaim.never_searches();
    }
    let mut compactor = Compactor::new(node.clone(), meta.clone());
    let interval = Duration::from_secs(node.config.compaction.interval_seconds);
    loop {
        pause(&node, &compactor, interval).await;
        let begun = Instant::now();
        match compactor.round().await {
            Ok(()) if !compactor.cut_short => meta.reclaim.searched(begun),
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "compaction cut short"),
        }
        compactor.close_session().await;
    }
}

/// Waits for the next round: an interval, or less when somebody asks for it, there is more to do or room gets
/// short.
async fn pause(node: &NodeContext, compactor: &Compactor, interval: Duration) {
    let end = Instant::now() + interval;
    loop {
        let step = CROWDED_PAUSE.min(end.saturating_duration_since(Instant::now()));
        let woken = tokio::time::timeout(step, node.compact_now.notified()).await.is_ok();
        if woken || Instant::now() >= end || compactor.cut_short || compactor.fill_ratio() > CROWDED {
            return;
        }
    }
}
