//! Making, changing and deleting reservations.

use isobar_arm::{ArmError, ProvisioningState, ResourceId, names, patch_resource};
use isobar_records::{ResourceFilter, Tx};
use serde_json::json;

use super::activation;
use super::body::Wanted;
use super::naming::{naming, refuse_named};
use super::purchase::{self, is_possible};
use super::read::{document, reply};
use crate::call::{Call, Fetched};
use crate::http::Reply;
use crate::limits::{BUSY_RETRY_AFTER_S, RESERVATION_QUANTITY_MAX, RESERVATIONS_MAX};
use crate::marketplace::{Purchase, SubscriptionStatus};
use crate::refusal::Refusal;
use crate::reservations::{RESERVATION_KIND, kind_of, reserved_bytes, subscription_of};
use crate::resources::clusters::{started, write_of};
use crate::resources::scopes::hold_scope;
use crate::store::{Document, Stored};

/// The group that a reservation is in.
fn group_of(reservation: &ResourceId) -> Result<ResourceId, Refusal> {
    let group = reservation.parent();
    Ok(group.ok_or_else(|| ArmError::internal_server_error("a reservation is in no group"))?)
}

/// What was found out about what was bought.
fn bought(call: &Call) -> Option<&Purchase> {
    match &call.fetched {
        Some(Fetched::Purchase(purchase)) => purchase.as_ref(),
        _ => None,
    }
}

pub(super) async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    names::RESOURCE.check("reservation", call.target.name())?;
    let wanted = Wanted::read(call, &call.json()?)?;
    hold_scope(tx, &group_of(&call.target)?).await?;
    let stored = Stored::hold(tx, &call.target).await?;
    call.check_conditions(stored.as_ref())?;
    let Some(reservation) = stored else { return make(call, tx, wanted).await };
    check_idle(tx, &reservation.id).await?;
    let reservation = change(reservation, wanted)?;
    match bought(call) {
        Some(purchase) => renew(call, tx, reservation, purchase).await,
        None => {
            let reservation = reservation.save(tx, call.author()).await?;
            reply(call, tx, &reservation, 200).await
        }
    }
}

pub(super) async fn patch(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    hold_scope(tx, &group_of(&call.target)?).await?;
    let reservation = Stored::hold(tx, &call.target).await?.ok_or_else(|| call.target.not_found())?;
    call.check_conditions(Some(&reservation))?;
    check_idle(tx, &reservation.id).await?;
    let mut body = document(call, tx, &reservation).await?;
    patch_resource(&mut body, &call.json()?)?;
    let wanted = Wanted::read(call, &body)?;
    if wanted.purchase_token.is_some() {
        let target = "properties.marketplace.purchaseToken";
        let message = format!("'{target}' is for a PUT alone, which asks Microsoft what was bought.");
        return Err(ArmError::new(400, "InvalidParameter", message).with_target(target).into());
    }
    let reservation = change(reservation, wanted)?.save(tx, call.author()).await?;
    reply(call, tx, &reservation, 200).await
}

/// Refuses to change what is being activated.
async fn check_idle(tx: &mut Tx, reservation: &ResourceId) -> Result<(), Refusal> {
    match tx.unended_operation(reservation.key()).await? {
        None => Ok(()),
        Some(other) => {
            let error = ArmError::another_operation_in_progress(&other.id);
            Err(error.with_retry_after(BUSY_RETRY_AFTER_S).into())
        }
    }
}

async fn check_quota(call: &Call, tx: &mut Tx) -> Result<(), Refusal> {
    let subscription = call.subscription()?.name().to_lowercase();
    let filter = ResourceFilter {
        kind: Some(RESERVATION_KIND),
        subscription: Some(&subscription),
        ..ResourceFilter::default()
    };
    if tx.count_resources(&filter).await? < RESERVATIONS_MAX {
        return Ok(());
    }
    let message =
        format!("The subscription has {RESERVATIONS_MAX} reservations, which is as many as it may have.");
    Err(ArmError::new(409, "ReservationQuotaExceeded", message).into())
}

/// Makes one.
async fn make(call: &Call, tx: &mut Tx, wanted: Wanted) -> Result<Reply, Refusal> {
    check_quota(call, tx).await?;
    let mut document = Document::new(call.author().creates(), wanted.papers);
    document.location = Some(wanted.location);
    document.tags = Some(wanted.tags);
    document.properties.insert("procurement".to_owned(), json!(wanted.kind.name()));
    if !wanted.kind.is_of_microsoft() {
        document.properties.insert("reservedBytes".to_owned(), json!(wanted.reserved_bytes));
        let reservation = Stored::create(tx, &call.target, document).await?;
        return reply(call, tx, &reservation, 201).await;
    }
    let purchase = bought(call).ok_or_else(|| {
        let target = "properties.marketplace.purchaseToken";
        let message = format!("'{target}' is required to make a reservation of this kind.");
        ArmError::new(400, "MissingRequiredParameter", message).with_target(target)
    })?;
    if wanted.reserved_bytes.is_some_and(|bytes| bytes != purchase::bytes_of(purchase.quantity)) {
        return Err(not_ours_to_say().into());
    }
    check_purchase(purchase)?;
    let is_pending = purchase.status == SubscriptionStatus::PendingFulfillmentStart;
    if is_pending {
        document.state = ProvisioningState::Creating;
    }
    let bought = purchase::properties(purchase)?;
    document.properties.extend(bought.map(|(name, value)| (name.to_owned(), value)));
    let reservation = Stored::create(tx, &call.target, document).await?;
    purchase::claim(call, tx, purchase, &reservation).await?;
    match is_pending {
        true => activate(call, tx, &reservation, purchase, 201).await,
        false => reply(call, tx, &reservation, 201).await,
    }
}

/// Takes over what Microsoft says now of what was bought before, and activates it if that came to nothing.
async fn renew(
    call: &Call,
    tx: &mut Tx,
    mut reservation: Stored,
    purchase: &Purchase,
) -> Result<Reply, Refusal> {
    if !purchase.subscription_id.eq_ignore_ascii_case(subscription_of(&reservation)) {
        let target = "properties.marketplace.purchaseToken";
        return Err(ArmError::property_change_not_allowed(target).into());
    }
    check_purchase(purchase)?;
    let is_pending = purchase.status == SubscriptionStatus::PendingFulfillmentStart;
    reservation.document.state =
        if is_pending { ProvisioningState::Updating } else { ProvisioningState::Succeeded };
    let bought = purchase::properties(purchase)?;
    reservation.document.properties.extend(bought.map(|(name, value)| (name.to_owned(), value)));
    let reservation = reservation.save(tx, call.author()).await?;
    match is_pending {
        true => activate(call, tx, &reservation, purchase, 200).await,
        false => reply(call, tx, &reservation, 200).await,
    }
}

async fn activate(
    call: &Call,
    tx: &mut Tx,
    reservation: &Stored,
    purchase: &Purchase,
    status: u16,
) -> Result<Reply, Refusal> {
    let write = write_of(call, reservation)?;
    let new = activation::operation(reservation, purchase, (&call.caller.app_id, &write));
    let operation = call.app.engine.start(tx, new).await?;
    Ok(started(call, &write, &operation.id, reply(call, tx, reservation, status).await?))
}

/// Refuses to make something of a purchase that has ended, or is larger than can be.
fn check_purchase(purchase: &Purchase) -> Result<(), ArmError> {
    if purchase.status == SubscriptionStatus::Unsubscribed {
        let message = format!("The purchase '{}' has ended.", purchase.subscription_id);
        return Err(ArmError::new(409, "PurchaseEnded", message));
    }
    if is_possible(purchase.quantity) {
        return Ok(());
    }
    let message =
        format!("The quantity of the purchase may be {RESERVATION_QUANTITY_MAX} at most, and it is more.");
    Err(ArmError::new(409, "PurchaseTooLarge", message))
}

fn not_ours_to_say() -> ArmError {
    let target = "properties.reservedBytes";
    let message = format!("'{target}' follows from the quantity that was bought: change it at Microsoft.");
    ArmError::new(409, "PropertyChangeNotAllowed", message).with_target(target)
}

/// What is kept after a change, before it is kept. Nothing of it touches a cluster.
fn change(mut reservation: Stored, wanted: Wanted) -> Result<Stored, Refusal> {
    let kind = kind_of(&reservation)?;
    if kind != wanted.kind {
        return Err(ArmError::property_change_not_allowed("properties.procurement").into());
    }
    if let Some(is) = reservation.document.location.as_ref().filter(|is| **is != wanted.location) {
        let (id, between) = (&reservation.id, (is.name(), wanted.location.name()));
        let group = id.group().unwrap_or_default();
        return Err(ArmError::invalid_resource_location(id.name(), group, between).into());
    }
    let is = reserved_bytes(&reservation);
    if kind.is_of_microsoft() && wanted.reserved_bytes.is_some_and(|bytes| bytes != is) {
        return Err(not_ours_to_say().into());
    }
    let properties = &mut reservation.document.properties;
    if !kind.is_of_microsoft() {
        properties.insert("reservedBytes".to_owned(), json!(wanted.reserved_bytes));
    }
    properties.extend(wanted.papers);
    reservation.document.tags = Some(wanted.tags);
    Ok(reservation)
}

/// Deletes one that no cluster names. At Microsoft nothing is cancelled by that.
pub(super) async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let Some(stored) = Stored::hold(tx, &call.target).await? else { return Ok(Reply::empty(204)) };
    call.check_conditions(Some(&stored))?;
    check_idle(tx, &stored.id).await?;
    let clusters = naming(call, tx, &stored.id).await?;
    refuse_named(call, &format!("The reservation '{}'", stored.id.name()), &clusters)?;
    tx.delete_resources_below(stored.id.key()).await?;
    tx.delete_resource(stored.id.key(), Some(stored.revision)).await?;
    Ok(Reply::empty(200))
}
