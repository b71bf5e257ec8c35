//! Telling Microsoft what was used beyond what was bought.
//!
//! Only that: the metering service is for what exceeds what a plan includes, and takes no event of nothing.
//! It counts whole units ([`USAGE_UNIT_BYTES`]); what is less than one is not told.

use isobar_arm::Timestamp;
use isobar_records::Snapshot;
use serde_json::{Value, json};

use super::hours::{DAY_MS, HOUR_MS, record_id};
use super::kept::{kind_of, usage_filter};
use super::metering::Metering;
use super::recording::{WRITER, hour_of_record};
use crate::limits::{USAGE_DIMENSION, USAGE_EVENTS_AT_ONCE_MAX, USAGE_UNIT_BYTES};
use crate::marketplace::{UsageEvent, UsageVerdict};
use crate::refusal::Refusal;
use crate::store::{Author, Stored, gather};

const _: () = assert!(USAGE_UNIT_BYTES > 0);

impl Metering {
    /// Tells what is not told yet, and gives up what nobody takes any more. `last_ms` is when all that there
    /// was then was dealt with: what is much older than that needs no look.
    pub(super) async fn report(&self, last_ms: Option<i64>) -> Result<(), Refusal> {
        let now = self.time.now();
        let mut snapshot = self.records.read().await?;
        let mut pending = Vec::new();
        for reservation in self.reservations(&mut snapshot).await? {
            if kind_of(&reservation)?.is_of_microsoft() {
                pending.extend(pending_of(&mut snapshot, &reservation, last_ms).await?);
            }
        }
        drop(snapshot);
        let is_late = |record: &Stored| {
            hour_of_record(record).is_none_or(|hour_ms| hour_ms.saturating_add(DAY_MS) <= now.millis())
        };
        let (late, prompt): (Vec<Stored>, Vec<Stored>) = pending.into_iter().partition(is_late);
        for record in late {
            let why = "Microsoft was not told within 24 hours, and takes it no more.".to_owned();
            self.note(record, UsageVerdict::Rejected(why), now).await?;
        }
        for some in prompt.chunks(USAGE_EVENTS_AT_ONCE_MAX) {
            self.tell(some, now).await?;
        }
        Ok(())
    }

    /// Tells what some records say.
    async fn tell(&self, records: &[Stored], now: Timestamp) -> Result<(), Refusal> {
        let Some(marketplace) = &self.marketplace else { return Ok(()) };
        let events: Vec<UsageEvent> = records.iter().map(event_of).collect();
        let verdicts = match marketplace.report_usage(&events).await {
            Ok(verdicts) => verdicts,
            Err(error) => {
                tracing::warn!(%error, "the marketplace was not told of usage; it will be");
                return Ok(());
            }
        };
        for (record, verdict) in records.iter().zip(verdicts) {
            if let Some(verdict) = verdict {
                self.note(record.clone(), verdict, now).await?;
            }
        }
        Ok(())
    }

    /// Notes what came of a record, unless somebody else has done so.
    async fn note(&self, record: Stored, verdict: UsageVerdict, now: Timestamp) -> Result<(), Refusal> {
        let mut tx = self.records.begin().await?;
        let Some(mut record) = Stored::hold(&mut tx, &record.id).await?.filter(is_pending) else {
            return Ok(());
        };
        let (state, why) = match verdict {
            UsageVerdict::Accepted => ("Accepted", None),
            UsageVerdict::Duplicate => ("Duplicate", None),
            UsageVerdict::Rejected(why) => ("Rejected", Some(why)),
        };
        let properties = &mut record.document.properties;
        properties.insert("reportState".to_owned(), json!(state));
        if let Some(why) = why {
            tracing::warn!(record = %record.id, why, "usage was not taken by the marketplace");
            properties.insert("reportReason".to_owned(), json!(why));
        }
        record.save(&mut tx, Author { name: WRITER, now }).await?;
        Ok(tx.commit().await?)
    }
}

fn is_pending(record: &Stored) -> bool {
    record.text("reportState") == "Pending"
}

/// The records of a reservation that Microsoft is to be told of.
async fn pending_of(
    snapshot: &mut Snapshot,
    reservation: &Stored,
    last_ms: Option<i64>,
) -> Result<Vec<Stored>, Refusal> {
    // What was pending at that time was less than a day old.
    let behind = last_ms.map(|last_ms| record_id(&reservation.id, last_ms - DAY_MS - 2 * HOUR_MS));
    let behind = behind.transpose()?;
    let filter = usage_filter(reservation.id.key(), behind.as_ref().map(|id| id.key()));
    gather(snapshot, &filter, usize::MAX, is_pending).await
}

fn event_of(record: &Stored) -> UsageEvent {
    let noted = |name: &str| {
        let text = record.document.internal.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let quantity = record.document.properties.get("reportQuantity").and_then(Value::as_u64);
    UsageEvent {
        subscription_id: noted("subscription"),
        plan_id: noted("plan"),
        dimension: USAGE_DIMENSION,
        quantity: quantity.unwrap_or_default(),
        start: Timestamp::from_millis(hour_of_record(record).unwrap_or_default()),
    }
}
