//! What is done about usage now and then: writing down each hour, telling Microsoft, and forgetting.
//!
//! ```text
//! an hour ends ─► record written once (Pending, or Included where nothing is to be told)
//!                     │  told, as often as it takes, within 24 hours
//!                     └──► Accepted | Duplicate | Rejected
//! ```
//!
//! Several control planes may do this on one database: the record of an hour has one name, so that it is
//! written once; and Microsoft itself takes one event for an hour, so that a second one is a `Duplicate`.

use std::sync::Arc;

use isobar_records::{Records, ResourceFilter, Snapshot, Tx};

use super::hours::hour_of;
use super::kept::{RESERVATION_KIND, USAGE_KIND};
use crate::clock::Time;
use crate::limits::{USAGE_FORGOTTEN_AT_ONCE_MAX, USAGE_KEPT, USAGE_LOOK_EVERY, USAGE_PASS_EVERY};
use crate::marketplace::Marketplace;
use crate::providers::Providers;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};

/// Whoever writes down what is used.
pub(crate) struct Metering {
    /// What is remembered.
    pub records: Records,
    /// Who has machines: how large they are.
    pub providers: Providers,
    /// Who is told.
    pub marketplace: Option<Arc<dyn Marketplace>>,
    /// The time.
    pub time: Time,
}

impl Metering {
    /// Does it for ever. What fails is done the next time.
    pub(crate) async fn run(&self) {
        let mut last_ms: Option<i64> = None;
        loop {
            let now_ms = self.time.now().millis();
            if last_ms.is_none_or(|last_ms| is_due(last_ms, now_ms)) {
                match self.pass(last_ms).await {
                    Ok(()) => last_ms = Some(now_ms),
                    Err(Refusal(error)) => tracing::warn!(%error, "usage was not written down"),
                }
            }
            tokio::time::sleep(USAGE_LOOK_EVERY).await;
        }
    }

    /// Does it once. `last_ms` is when all of it was done before.
    async fn pass(&self, last_ms: Option<i64>) -> Result<(), Refusal> {
        self.record().await?;
        self.report(last_ms).await?;
        self.forget().await
    }

    /// All reservations of all subscriptions.
    pub(super) async fn reservations(&self, snapshot: &mut Snapshot) -> Result<Vec<Stored>, Refusal> {
        let filter = ResourceFilter { kind: Some(RESERVATION_KIND), ..ResourceFilter::default() };
        gather(snapshot, &filter, usize::MAX, |_| true).await
    }

    /// Forgets the records that are older than records are kept, some at a time.
    async fn forget(&self) -> Result<(), Refusal> {
        let kept_ms = i64::try_from(USAGE_KEPT.as_millis()).unwrap_or(i64::MAX);
        let before_ms = self.time.now().millis().saturating_sub(kept_ms);
        let mut snapshot = self.records.read().await?;
        let mut old = Vec::new();
        for reservation in self.reservations(&mut snapshot).await? {
            let filter = ResourceFilter {
                kind: Some(USAGE_KIND),
                parent: Some(reservation.id.key()),
                limit: USAGE_FORGOTTEN_AT_ONCE_MAX,
                ..ResourceFilter::default()
            };
            // The oldest come first: their names sort as hours do.
            let records = snapshot.list_resources(&filter).await?;
            old.extend(records.into_iter().filter(|record| record.created_ms < before_ms));
        }
        drop(snapshot);
        if old.is_empty() {
            return Ok(());
        }
        let mut tx: Tx = self.records.begin().await?;
        for record in &old {
            tx.delete_resource(&record.key, None).await?;
        }
        tx.commit().await?;
        tracing::info!(count = old.len(), "old usage records are forgotten");
        Ok(())
    }
}

/// Whether there may be something to do: another hour, or something to tell again.
fn is_due(last_ms: i64, now_ms: i64) -> bool {
    let pass_ms = i64::try_from(USAGE_PASS_EVERY.as_millis()).unwrap_or(i64::MAX);
    // A clock that was put back is a reason to look, too.
    hour_of(last_ms) != hour_of(now_ms) || !(0..pass_ms).contains(&now_ms.saturating_sub(last_ms))
}

#[cfg(test)]
mod tests {
    use super::super::hours::HOUR_MS;
    use super::*;

    #[test]
    fn there_is_something_to_do_when_an_hour_ends_and_now_and_then() {
        let end = 10 * HOUR_MS;
        assert!(!is_due(end - 2000, end - 1000) && is_due(end - 1000, end));
        assert!(!is_due(end, end + 59_999) && is_due(end, end + 60_000));
        assert!(is_due(end + 5000, end + 1000));
    }
}
