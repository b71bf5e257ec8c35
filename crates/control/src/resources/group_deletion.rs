//! The workflow that deletes a resource group.
//!
//! First what is in the group goes, then the group itself together with the last status: whoever asks sees
//! the group until there is nothing in it any more. There is no way back, so what fails is tried again.
//!
//! Resources that are more than a record (clusters) will have workflows of their own; the step that empties
//! the group is where these are started and waited for.

use isobar_arm::{ProvisioningState, ResourceId};
use isobar_records::{AuditEntry, Operation, Records, RecordsError, Tx};
use isobar_workflow::{Context, End, Finish, Step, StepError, StepOutcome, Workflow};
use serde_json::json;

/// Its name.
pub(super) const WORKFLOW: &str = "resourceGroups/delete";

/// The workflow.
pub(crate) fn workflow(records: &Records) -> Workflow {
    Workflow::new(WORKFLOW).step(Empties { records: records.clone() }).no_return().on_end(TakesAway)
}

/// Takes away what is in the group.
struct Empties {
    records: Records,
}

impl Step for Empties {
    fn name(&self) -> &str {
        "empty"
    }

    fn words(&self) -> &str {
        "Deleting what is in the resource group"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let mut tx = self.records.begin().await.map_err(StepError::retry)?;
        let target = &context.operation().target;
        let gone = tx.delete_resources_below(target).await.map_err(StepError::retry)?;
        tx.commit().await.map_err(StepError::retry)?;
        context.report(90, format!("Deleted {} resources", gone.len()));
        Ok(StepOutcome::done())
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        // Nothing was done yet, or there is no way back.
        Ok(StepOutcome::done())
    }
}

/// Says of the group that it stays after all.
async fn revive(tx: &mut Tx, operation: &Operation) -> Result<(), RecordsError> {
    let Some(mut group) = tx.hold_resource(&operation.target).await? else { return Ok(()) };
    group.body["state"] = json!(ProvisioningState::Succeeded);
    tx.update_resource(&group.key, group.revision, &group.body, operation.changed_ms).await.map(drop)
}

/// Takes away the group itself, and notes it.
struct TakesAway;

impl Finish for TakesAway {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        let outcome = match end {
            End::Succeeded => {
                tx.delete_resource(&operation.target, None).await?;
                200
            }
            End::Failed | End::Canceled => {
                revive(tx, operation).await?;
                500
            }
        };
        let group = ResourceId::parse(&operation.target).ok();
        let group = group.as_ref().and_then(ResourceId::group).unwrap_or_default();
        let entry = AuditEntry {
            at_ms: operation.changed_ms,
            principal: operation.principal.clone(),
            action: "Microsoft.Resources/subscriptions/resourceGroups/delete".to_owned(),
            target: operation.target.clone(),
            subscription: operation.subscription.clone(),
            group_name: group.to_lowercase(),
            outcome,
            correlation: operation.correlation.clone(),
            detail: json!({
                "id": operation.input.get("id"),
                "caller": operation.input.get("caller"),
                "workflow": WORKFLOW,
                "operationId": operation.id,
                "end": format!("{end:?}"),
            }),
        };
        tx.append_audit(&entry).await.map(drop)
    }
}
