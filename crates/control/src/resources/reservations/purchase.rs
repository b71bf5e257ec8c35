//! What was bought at Microsoft's marketplace: found out by the token that Microsoft gave the buyer, before a
//! reservation is made of it. To find out changes nothing at Microsoft: only the workflow of `activation`
//! does, which is written down together with the reservation. So whoever is killed meanwhile leaves either
//! nothing at all, or a reservation that is activated after all.

use isobar_arm::ArmError;
use isobar_records::{Resource, Snapshot, Tx};
use serde_json::{Value, json};

use super::body::Wanted;
use crate::call::{Call, Fetched, object};
use crate::handler::Errand;
use crate::limits::{BUSY_RETRY_AFTER_S, RESERVATION_QUANTITY_MAX, RESERVATION_UNIT_BYTES};
use crate::marketplace::{MarketplaceError, Purchase};
use crate::refusal::Refusal;
use crate::reservations::index_id;
use crate::store::{Document, Stored};

/// The refusal where there is no client of the marketplace.
pub(super) fn not_configured(status: u16) -> ArmError {
    let message = "This control plane has no client of Microsoft's marketplace: there are no reservations of \
                   the kinds marketplace and privateOffer here.";
    ArmError::new(status, "MarketplaceNotConfigured", message)
}

/// What a call of the marketplace that failed comes to for whoever asked.
pub(super) fn refused(status: u16, code: &'static str, what: &str, error: MarketplaceError) -> Refusal {
    match error {
        MarketplaceError::Later(why) => {
            tracing::warn!(why, "the marketplace was not reached");
            ArmError::service_unavailable("Microsoft's marketplace cannot be asked now.", BUSY_RETRY_AFTER_S)
        }
        MarketplaceError::Refused(why) => ArmError::new(status, code, format!("{what}: {why}")),
    }
    .into()
}

/// Asks what was bought, if the body has a token.
pub(super) async fn send_to_resolve(call: &Call, snapshot: &mut Snapshot) -> Result<Errand, Refusal> {
    let wanted = Wanted::read(call, &call.json()?)?;
    let nothing = || -> Errand { Box::pin(async { Ok(Fetched::Purchase(None)) }) };
    if !wanted.kind.is_of_microsoft() {
        return Ok(nothing());
    }
    let is_new = Stored::find(snapshot, &call.target).await?.is_none();
    let Some(marketplace) = call.app.marketplace.clone() else {
        return if is_new || wanted.purchase_token.is_some() {
            Err(not_configured(409).into())
        } else {
            Ok(nothing())
        };
    };
    let Some(token) = wanted.purchase_token else { return Ok(nothing()) };
    Ok(Box::pin(async move {
        let purchase = marketplace.resolve(&token).await;
        let what = "Microsoft does not take 'properties.marketplace.purchaseToken'";
        let purchase = purchase.map_err(|error| refused(400, "InvalidPurchaseToken", what, error))?;
        Ok(Fetched::Purchase(Some(purchase)))
    }))
}

/// Raw capacity of what was bought. What is not sold by the piece reserves nothing: all that is used is told
/// as overage.
pub(super) fn bytes_of(quantity: Option<u64>) -> u64 {
    quantity.unwrap_or_default().saturating_mul(RESERVATION_UNIT_BYTES)
}

/// Whether there can be so many of it.
pub(super) fn is_possible(quantity: Option<u64>) -> bool {
    quantity.is_none_or(|quantity| quantity <= RESERVATION_QUANTITY_MAX)
}

/// What is kept of what was bought.
pub(super) fn properties(purchase: &Purchase) -> Result<[(&'static str, Value); 2], Refusal> {
    let bought = serde_json::to_value(purchase)
        .map_err(|_| ArmError::internal_server_error("what was bought cannot be written"))?;
    Ok([("marketplace", bought), ("reservedBytes", json!(bytes_of(purchase.quantity)))])
}

/// Notes which reservation a SaaS subscription belongs to.
///
/// # Errors
/// It belongs to another one.
pub(super) async fn claim(
    call: &Call,
    tx: &mut Tx,
    purchase: &Purchase,
    reservation: &Stored,
) -> Result<(), Refusal> {
    let id = index_id(&purchase.subscription_id)?;
    let properties = object([("reservation", json!(reservation.id))]);
    let document = Document::new(call.author().creates(), properties);
    let body = serde_json::to_value(&document)
        .map_err(|_| ArmError::internal_server_error("a document cannot be written"))?;
    let row = Resource {
        key: id.key().to_owned(),
        id: id.to_string(),
        kind: id.resource_type().to_lowercase(),
        // It goes with its reservation, although its id is elsewhere.
        parent: reservation.id.key().to_owned(),
        subscription: String::new(),
        group_name: String::new(),
        revision: 0,
        body,
        created_ms: call.now().millis(),
        changed_ms: call.now().millis(),
    };
    match tx.insert_resource(row).await {
        Ok(_) => Ok(()),
        Err(isobar_records::RecordsError::Exists { .. }) => {
            let message = format!(
                "The purchase '{}' belongs to another reservation already.",
                purchase.subscription_id
            );
            Err(ArmError::new(409, "PurchaseInUse", message).into())
        }
        Err(error) => Err(error.into()),
    }
}
