//! A reservation as it is kept: its properties, and where it is found by the id of its SaaS subscription.

use isobar_arm::{ArmError, ResourceId};
use isobar_records::ResourceFilter;
use serde_json::Value;

use super::kind::Kind;
use crate::refusal::Refusal;
use crate::store::Stored;

/// The kind of reservations among the records.
pub(crate) const RESERVATION_KIND: &str = "isobar.storage/reservations";
/// The kind of their usage records.
pub(crate) const USAGE_KIND: &str = "isobar.storage/reservations/usagerecords";

/// How it was bought.
///
/// # Errors
/// The record is none of this program's.
pub(crate) fn kind_of(reservation: &Stored) -> Result<Kind, Refusal> {
    let kind = Kind::named(reservation.text("procurement"));
    Ok(kind.ok_or_else(|| ArmError::internal_server_error("a reservation is of no kind"))?)
}

/// How much raw capacity was bought.
pub(crate) fn reserved_bytes(reservation: &Stored) -> u64 {
    reservation.document.properties.get("reservedBytes").and_then(Value::as_u64).unwrap_or_default()
}

/// The id of its SaaS subscription; "" where Microsoft does not sell it.
pub(crate) fn subscription_of(reservation: &Stored) -> &str {
    let bought = reservation.document.properties.get("marketplace");
    bought.and_then(|of| of["subscriptionId"].as_str()).unwrap_or_default()
}

/// Under which id it is noted which reservation a SaaS subscription belongs to. Such a note is a record
/// beside resources and no resource; it goes with its reservation.
pub(crate) fn index_id(saas_subscription: &str) -> Result<ResourceId, Refusal> {
    let name = saas_subscription.to_lowercase();
    Ok(ResourceId::tenant().resource("Isobar.Storage", "marketplaceSubscriptions", &name)?)
}

/// The usage records of a reservation, behind this key.
pub(crate) fn usage_filter<'a>(reservation: &'a str, after: Option<&'a str>) -> ResourceFilter<'a> {
    ResourceFilter { kind: Some(USAGE_KIND), parent: Some(reservation), after, ..ResourceFilter::default() }
}
