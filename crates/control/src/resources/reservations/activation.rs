//! The workflow that tells Microsoft that a purchase is ready. From then on the customer pays for it, so it
//! is driven to an answer whatever happens meanwhile: what was asked once may count at Microsoft already.

use isobar_arm::{ProvisioningState, ResourceId};
use isobar_records::{AuditEntry, NewOperation, Operation, RecordsError, Tx};
use isobar_workflow::{Context, End, Finish, Step, StepError, StepOutcome, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Tools;
use crate::marketplace::{MarketplaceError, Purchase, SubscriptionStatus};
use crate::store::Stored;
use crate::workflows::Write;

/// Its name.
const WORKFLOW: &str = "reservations/activate";

/// What it is given. No token is in it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    id: ResourceId,
    caller: String,
    purchase: Purchase,
}

/// The operation that activates a purchase, asked for by this application.
pub(super) fn operation(
    reservation: &Stored,
    purchase: &Purchase,
    (caller, write): (&str, &Write),
) -> NewOperation {
    let given = Given { id: reservation.id.clone(), caller: caller.to_owned(), purchase: purchase.clone() };
    NewOperation {
        target: reservation.id.key().to_owned(),
        kind: WORKFLOW.to_owned(),
        subscription: write.subscription.to_lowercase(),
        location: write.location.clone(),
        input: json!(given),
        correlation: write.correlation.clone(),
        principal: write.principal.clone(),
        ..NewOperation::default()
    }
}

/// The workflow. Nothing is to be undone: where Microsoft refuses, nothing has happened.
pub(super) fn workflow(tools: &Tools) -> Workflow {
    Workflow::new(WORKFLOW).step(Activates(tools.clone())).on_end(EndsActivation)
}

struct Activates(Tools);

impl Step for Activates {
    fn name(&self) -> &str {
        "activate"
    }

    fn words(&self) -> &str {
        "Activating the purchase at Microsoft"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let Given { purchase, .. } = context.input_as()?;
        let Some(marketplace) = &self.0.marketplace else {
            return Err(StepError::retry("this control plane has no client of Microsoft's marketplace"));
        };
        let Purchase { subscription_id, plan_id, quantity, .. } = &purchase;
        match marketplace.activate(subscription_id, plan_id, *quantity).await {
            Ok(()) => Ok(StepOutcome::done()),
            Err(MarketplaceError::Later(why)) => Err(StepError::retry(why)),
            Err(MarketplaceError::Refused(why)) => Err(StepError::fail("PurchaseNotActivated", why)),
        }
    }
}

/// The reservation is active, or says that it is not.
struct EndsActivation;

impl Finish for EndsActivation {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        let given: Given = serde_json::from_value(operation.input.clone())
            .map_err(|error| RecordsError::Foreign(format!("an operation's input: {error}")))?;
        if let Some(mut reservation) = tx.hold_resource(&operation.target).await? {
            let body = &mut reservation.body;
            body["state"] = json!(match end {
                End::Succeeded => ProvisioningState::Succeeded,
                End::Failed => ProvisioningState::Failed,
                End::Canceled => ProvisioningState::Canceled,
            });
            let status = &mut body["properties"]["marketplace"]["subscriptionStatus"];
            // Microsoft may have told of something else meanwhile.
            if end == End::Succeeded && *status == json!(SubscriptionStatus::PendingFulfillmentStart) {
                *status = json!(SubscriptionStatus::Subscribed);
            }
            let now_ms = operation.changed_ms;
            tx.update_resource(&reservation.key, reservation.revision, &reservation.body, now_ms).await?;
        }
        let entry = AuditEntry {
            at_ms: operation.changed_ms,
            principal: operation.principal.clone(),
            action: "Isobar.Storage/reservations/write".to_owned(),
            target: operation.target.clone(),
            subscription: operation.subscription.clone(),
            group_name: given.id.group().unwrap_or_default().to_lowercase(),
            outcome: if end == End::Succeeded { 200 } else { 500 },
            correlation: operation.correlation.clone(),
            detail: json!({
                "id": given.id,
                "caller": given.caller,
                "workflow": WORKFLOW,
                "operationId": operation.id,
                "end": format!("{end:?}"),
            }),
        };
        tx.append_audit(&entry).await.map(drop)
    }
}
