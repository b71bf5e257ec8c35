//! What Microsoft tells of purchases: the webhook.
//!
//! Nobody shows a token of this control plane here. A notice is only a hint: Microsoft itself is asked for
//! the operation that it names, and what *that* says is carried out. So whoever else calls changes nothing.
//! Microsoft repeats a notice until it is answered; each operation is carried out once.

use isobar_arm::{ArmError, Fields, Problems, ResourceId, names};
use isobar_records::{AuditEntry, Snapshot, Tx};
use serde_json::{Value, json};

use super::answering;
use super::notice::carry_out;
use super::purchase::{not_configured, properties, refused};
use crate::call::{Call, Fetched};
use crate::handler::Errand;
use crate::http::Reply;
use crate::limits::MARKETPLACE_OPERATIONS_MAX;
use crate::marketplace::{
    Confirmed, Marketplace, MarketplaceAction, MarketplaceOperation, Progress, Purchase,
};
use crate::refusal::Refusal;
use crate::reservations::index_id;
use crate::resources::clusters::nothing_fetched;
use crate::store::{Author, Stored};

/// Who is said to have changed what Microsoft changes.
const TELLER: &str = "Microsoft Marketplace";
/// The operations that were carried out, among what is never answered.
const HEARD: &str = "marketplaceOperations";

/// What a notice says.
struct Notice {
    operation: String,
    subscription: String,
    action: MarketplaceAction,
}

fn read(call: &Call) -> Result<Notice, Refusal> {
    use MarketplaceAction::{ChangePlan, ChangeQuantity, Reinstate, Renew, Suspend, Unsubscribe};
    const ACTIONS: [(&str, MarketplaceAction); 6] = [
        ("ChangePlan", ChangePlan),
        ("ChangeQuantity", ChangeQuantity),
        ("Renew", Renew),
        ("Suspend", Suspend),
        ("Reinstate", Reinstate),
        ("Unsubscribe", Unsubscribe),
    ];
    let body = call.json()?;
    let problems = Problems::new();
    let read = {
        let fields = Fields::root(&body, &problems);
        // Microsoft adds to it as it likes.
        fields.entries().for_each(drop);
        let operation = fields.get("id").required().name(&names::GUID);
        let subscription = fields.get("subscriptionId").required().name(&names::GUID);
        let action = fields.get("action").required().one_of(&ACTIONS);
        operation.zip(subscription).zip(action)
    };
    problems.into_result()?;
    let missing = || ArmError::internal_server_error("a notice was taken without what it needs");
    let ((operation, subscription), action) = read.ok_or_else(missing)?;
    Ok(Notice { operation: operation.to_owned(), subscription: subscription.to_owned(), action })
}

/// Asks Microsoft what a notice is about.
pub(super) async fn send_to_confirm(call: &Call, snapshot: &mut Snapshot) -> Result<Errand, Refusal> {
    let Some(marketplace) = call.app.marketplace.clone() else { return Err(not_configured(404).into()) };
    let notice = read(call)?;
    let note = Stored::find(snapshot, &index_id(&notice.subscription)?).await?;
    let reservation = note.and_then(|note| ResourceId::parse(note.text("reservation")).ok());
    let authorization = call.request.headers.authorization.clone();
    Ok(Box::pin(async move {
        let admitted = marketplace.admit(authorization.as_deref()).await;
        admitted
            .map_err(|error| refused(401, "InvalidAuthenticationToken", "The caller is not known", error))?;
        let Some(reservation) = reservation else {
            let message = format!("There is no reservation of the purchase '{}'.", notice.subscription);
            return Err(ArmError::new(404, "PurchaseNotFound", message).into());
        };
        let operation = confirm(&*marketplace, &notice).await?;
        Ok(Fetched::Notice(Confirmed { reservation, operation }))
    }))
}

/// What Microsoft says of a notice.
async fn confirm(marketplace: &dyn Marketplace, notice: &Notice) -> Result<MarketplaceOperation, Refusal> {
    let what = "Microsoft does not confirm the operation";
    let said = marketplace.operation(&notice.subscription, &notice.operation).await;
    let said = said.map_err(|error| refused(400, "NotConfirmed", what, error))?;
    let is_the_same = said.id.eq_ignore_ascii_case(&notice.operation)
        && said.subscription_id.eq_ignore_ascii_case(&notice.subscription)
        && said.action == notice.action;
    if is_the_same {
        return Ok(said);
    }
    let message = format!("{what} '{}': what it says of it is something else.", notice.operation);
    Err(ArmError::new(400, "NotConfirmed", message).into())
}

/// Carries out what Microsoft says.
pub(super) async fn hear(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let Some(Fetched::Notice(Confirmed { reservation, operation })) = &call.fetched else {
        return Err(nothing_fetched());
    };
    let held = Stored::hold(tx, reservation).await?;
    let mut stored = held.ok_or_else(|| reservation.not_found())?;
    if !remember(&mut stored, &operation.id) {
        return Ok(Reply::empty(200));
    }
    let kept = stored.document.properties.get("marketplace").cloned().unwrap_or_default();
    let mut purchase: Purchase = serde_json::from_value(kept)
        .map_err(|_| ArmError::internal_server_error("a purchase cannot be read"))?;
    let success = carry_out(&mut purchase, operation);
    stored.document.properties.extend(properties(&purchase)?.map(|(name, value)| (name.to_owned(), value)));
    stored.save(tx, Author { name: TELLER, now: call.now() }).await?;
    tx.append_audit(&entry(call, reservation, operation, success)).await?;
    let asks = operation.action.is_asked() && operation.progress == Progress::InProgress;
    if asks {
        let answer = answering::operation(reservation, operation, success, &call.request.correlation);
        call.app.engine.start(tx, answer).await?;
    }
    Ok(Reply { started: asks, ..Reply::empty(200) })
}

/// Remembers an operation of Microsoft's; whether it is a new one.
fn remember(reservation: &mut Stored, operation: &str) -> bool {
    let id = json!(operation.to_lowercase());
    let heard = reservation.document.internal.entry(HEARD).or_insert_with(|| json!([]));
    let Value::Array(heard) = heard else { return false };
    if heard.contains(&id) {
        return false;
    }
    if heard.len() >= MARKETPLACE_OPERATIONS_MAX {
        heard.remove(0);
    }
    heard.push(id);
    true
}

/// What the audit log says of it. Nobody of this control plane did it.
fn entry(
    call: &Call,
    reservation: &ResourceId,
    operation: &MarketplaceOperation,
    success: bool,
) -> AuditEntry {
    AuditEntry {
        at_ms: call.now().millis(),
        principal: String::new(),
        action: "Isobar.Storage/reservations/write".to_owned(),
        target: reservation.key().to_owned(),
        subscription: reservation.subscription().unwrap_or_default().to_lowercase(),
        group_name: reservation.group().unwrap_or_default().to_lowercase(),
        outcome: if success { 200 } else { 409 },
        correlation: call.request.correlation.clone(),
        detail: json!({
            "id": reservation,
            "caller": TELLER,
            "method": call.operation.method.as_str(),
            "operation": call.operation.id,
            "requestId": call.request.request_id,
            "marketplaceOperation": operation.id,
            "marketplaceAction": operation.action,
        }),
    }
}
