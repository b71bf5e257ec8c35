//! The workflow that deletes a resource group.
//!
//! First what is in the group goes, then the group itself together with the last status: whoever asks sees
//! the group until there is nothing in it any more. There is no way back, so what fails is tried again.
//!
//! Clusters are more than a record: the step that empties the group starts their own workflows, and waits.

use isobar_arm::{ProvisioningState, ResourceId};
use isobar_records::{AuditEntry, Operation, Records, RecordsError, Tx};
use isobar_workflow::{Context, End, Finish, Step, StepError, StepOutcome, Workflow};
use serde_json::{Value, json};

use super::clusters::{clusters_of_group, work_of};
use crate::clock::Time;
use crate::limits::STEP_LOOKS_EVERY;
use crate::random;
use crate::refusal::Refusal;
use crate::store::Author;
use crate::workflows::{DELETE, Write};

/// Its name.
pub(super) const WORKFLOW: &str = "resourceGroups/delete";

/// The workflow.
pub(crate) fn workflow(records: &Records, time: &Time) -> Workflow {
    let empties = Empties { records: records.clone(), time: time.clone() };
    Workflow::new(WORKFLOW).step(empties).no_return().on_end(TakesAway)
}

/// Takes away what is in the group.
struct Empties {
    records: Records,
    time: Time,
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
        let operation = context.operation();
        // Whoever makes something in the group holds it, too.
        tx.hold_resource(&operation.target).await.map_err(StepError::retry)?;
        let clusters = delete_clusters(&mut tx, operation, &self.time).await;
        let clusters = clusters.map_err(|Refusal(error)| StepError::retry(error))?;
        if clusters > 0 {
            tx.commit().await.map_err(StepError::retry)?;
            context.report(10, format!("{clusters} clusters are being deleted"));
            return Ok(StepOutcome::again(STEP_LOOKS_EVERY));
        }
        let gone = tx.delete_resources_below(&operation.target).await.map_err(StepError::retry)?;
        tx.commit().await.map_err(StepError::retry)?;
        context.report(90, format!("Deleted {} resources", gone.len()));
        Ok(StepOutcome::done())
    }

    // Nothing to undo: nothing was done yet, or there is no way back.
}

/// Has each cluster of the group deleted by its own workflow; gives how many there still are. One on which
/// another operation is at work is deleted after that.
async fn delete_clusters(tx: &mut Tx, operation: &Operation, time: &Time) -> Result<usize, Refusal> {
    let group = ResourceId::parse(&operation.target)?;
    let name = group.group().unwrap_or_default();
    let caller = operation.input.get("caller").and_then(Value::as_str).unwrap_or_default();
    let clusters = clusters_of_group(tx, &operation.subscription, name).await?;
    let count = clusters.len();
    for mut cluster in clusters {
        if tx.unended_operation(cluster.id.key()).await?.is_some() {
            continue;
        }
        let write = Write {
            subscription: operation.subscription.clone(),
            location: cluster.document.location.as_ref().map_or("local", |of| of.name()).to_owned(),
            correlation: operation.correlation.clone(),
            principal: operation.principal.clone(),
        };
        let mut new = work_of(&cluster, caller).operation(DELETE, &write);
        new.id = random::uuid()?;
        tx.insert_operation(&new, time.now().millis()).await?;
        cluster.document.state = ProvisioningState::Deleting;
        cluster.save(tx, Author { name: caller, now: time.now() }).await?;
    }
    Ok(count)
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
