//! Writing down what was used in an hour.
//!
//! A record says how it was when its hour ended. One that is written later, because nobody ran, is estimated:
//! from the clusters that are there now and were made before that hour's end. What is further back than a
//! day is not written down any more.

use std::collections::BTreeSet;

use isobar_arm::Timestamp;
use isobar_records::{Snapshot, Tx};
use serde_json::{Map, Value, json};

use super::hours::{HOUR_MS, first_hour, is_late, missing, record_id};
use super::kept::{kind_of, subscription_of, usage_filter};
use super::metering::Metering;
use super::status::{counted_bytes, status_of};
use super::usage::{Usage, clusters_of_subscription, usage_of};
use crate::call::object;
use crate::limits::USAGE_UNIT_BYTES;
use crate::refusal::Refusal;
use crate::store::{Author, Document, Stored, gather};

/// Who is said to have written a record.
pub(super) const WRITER: &str = "Isobar.Storage";

impl Metering {
    /// Writes what is missing.
    pub(super) async fn record(&self) -> Result<(), Refusal> {
        let now = self.time.now();
        let mut snapshot = self.records.read().await?;
        let mut incomplete = Vec::new();
        for reservation in self.reservations(&mut snapshot).await? {
            if !missing_of(&mut snapshot, &reservation, now).await?.is_empty() {
                incomplete.push(reservation);
            }
        }
        drop(snapshot);
        for reservation in incomplete {
            let mut tx = self.records.begin().await?;
            // Whoever writes records of it, or deletes it, holds it meanwhile.
            if let Some(reservation) = Stored::hold(&mut tx, &reservation.id).await? {
                self.record_one(&mut tx, &reservation, now).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    async fn record_one(&self, tx: &mut Tx, reservation: &Stored, now: Timestamp) -> Result<(), Refusal> {
        let subscription = reservation.id.subscription().unwrap_or_default().to_owned();
        let clusters = clusters_of_subscription(tx, &subscription).await?;
        for hour_ms in missing_of(tx, reservation, now).await? {
            let end_ms = hour_ms + HOUR_MS;
            let then = clusters.iter().filter(|cluster| cluster.times_ms.0 < end_ms);
            let usage = usage_of(&self.providers, then, &reservation.id);
            let document = document(reservation, (hour_ms, now), &usage)?;
            match Stored::create(tx, &record_id(&reservation.id, hour_ms)?, document).await {
                Ok(_) => {}
                // Somebody else was faster, which is as good.
                Err(refusal) if refusal.0.status() == 409 => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }
}

/// The hours of a reservation that a record is to be written for: when each began.
async fn missing_of(
    snapshot: &mut Snapshot,
    reservation: &Stored,
    now: Timestamp,
) -> Result<Vec<i64>, Refusal> {
    // Behind the name of the hour before the first one.
    let behind = record_id(&reservation.id, first_hour(now.millis()) - HOUR_MS)?;
    let filter = usage_filter(reservation.id.key(), Some(behind.key()));
    let records = gather(snapshot, &filter, usize::MAX, |_| true).await?;
    let recorded: BTreeSet<i64> = records.iter().filter_map(hour_of_record).collect();
    Ok(missing(reservation.times_ms.0, now.millis(), &recorded))
}

/// When the hour of a record began.
pub(super) fn hour_of_record(record: &Stored) -> Option<i64> {
    Timestamp::parse(record.text("hour")).ok().map(Timestamp::millis)
}

/// The record of an hour.
fn document(
    reservation: &Stored,
    (hour_ms, now): (i64, Timestamp),
    usage: &Usage,
) -> Result<Document, Refusal> {
    let end = Timestamp::from_millis(hour_ms + HOUR_MS - 1);
    let reserved = counted_bytes(reservation, status_of(reservation, end)?);
    let overage = usage.bytes.saturating_sub(reserved);
    let mut properties = object([
        ("hour", json!(Timestamp::from_millis(hour_ms))),
        ("reservedBytes", json!(reserved)),
        ("usedBytes", json!(usage.bytes)),
        ("overageBytes", json!(overage)),
        ("clusters", json!(usage.clusters)),
        ("estimated", json!(is_late(hour_ms, now.millis()))),
    ]);
    let mut internal = Map::new();
    if kind_of(reservation)?.is_of_microsoft() {
        let quantity = overage / USAGE_UNIT_BYTES;
        let state = if quantity == 0 { "Included" } else { "Pending" };
        properties.extend(object([("reportQuantity", json!(quantity)), ("reportState", json!(state))]));
        let plan = reservation.document.properties.get("marketplace").map(|of| of["planId"].clone());
        let plan: Value = plan.unwrap_or_default();
        internal = object([("subscription", json!(subscription_of(reservation))), ("plan", plan)]);
    }
    let mut document = Document::new(Author { name: WRITER, now }.creates(), properties);
    document.internal = internal;
    Ok(document)
}
