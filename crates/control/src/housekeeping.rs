//! What is done now and then: operations that ended long ago are forgotten.

use isobar_records::{Records, RecordsError};

use crate::clock::Time;
use crate::limits::{ENDED_OPERATIONS_KEPT, FORGET_EVERY};

/// Does it for ever. What fails is done the next time.
pub(crate) async fn run(records: &Records, time: &Time) {
    loop {
        match forget(records, time).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "old operations are forgotten"),
            Err(error) => tracing::warn!(%error, "old operations were not forgotten"),
        }
        tokio::time::sleep(FORGET_EVERY).await;
    }
}

async fn forget(records: &Records, time: &Time) -> Result<u64, RecordsError> {
    let kept_ms = i64::try_from(ENDED_OPERATIONS_KEPT.as_millis()).unwrap_or(i64::MAX);
    let mut tx = records.begin().await?;
    let count = tx.forget_operations_before(time.now().millis().saturating_sub(kept_ms)).await?;
    tx.commit().await?;
    Ok(count)
}
