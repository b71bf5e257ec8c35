//! The workflow of a deployment: its resources, then its outputs, then the record says how it ended.
//!
//! Nothing is undone: what a deployment has made before it fails or is cancelled stays.

use isobar_arm::{ProvisioningState, ResourceId, Timestamp};
use isobar_records::{AuditEntry, Operation, RecordsError, Tx};
use isobar_workflow::{Context, End, Finish, Step, StepError, StepOutcome, Workflow};
use serde_json::{Value, json};

use super::made::duration;
use super::plan;
use super::run::{Run, give_up_waiting};
use super::tools::{NAME, Tools};

/// The workflow.
pub(crate) fn workflow(tools: &Tools) -> Workflow {
    Workflow::new(NAME).step(Makes(tools.clone())).step(Concludes(tools.clone())).on_end(Ends)
}

/// Makes the resources.
struct Makes(Tools);

impl Step for Makes {
    fn name(&self) -> &str {
        "resources"
    }

    fn words(&self) -> &str {
        "Making the resources of the template"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        Run::load(&self.0, context).await?.turn().await
    }

    async fn undo(&self, context: &Context) -> Result<StepOutcome, StepError> {
        give_up_waiting(&self.0, context).await?;
        Ok(StepOutcome::done())
    }
}

/// Works out the outputs.
struct Concludes(Tools);

impl Step for Concludes {
    fn name(&self) -> &str {
        "outputs"
    }

    fn words(&self) -> &str {
        "Working out the outputs"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        Run::load(&self.0, context).await?.outputs().await
    }
}

/// Writes down how it ended.
struct Ends;

impl Finish for Ends {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        let Ok(id) = ResourceId::parse(&operation.target) else { return Ok(()) };
        if let Some(mut record) = tx.hold_resource(&operation.target).await? {
            note(&mut record.body, operation, end);
            tx.update_resource(&record.key, record.revision, &record.body, operation.changed_ms).await?;
        }
        plan::forget_secrets(tx, &id, operation.changed_ms).await?;
        tx.append_audit(&entry(&id, operation, end)).await.map(drop)
    }
}

/// What the record of a deployment says when it has ended.
fn note(body: &mut Value, operation: &Operation, end: End) {
    let state = match end {
        End::Succeeded => ProvisioningState::Succeeded,
        End::Failed => ProvisioningState::Failed,
        End::Canceled => ProvisioningState::Canceled,
    };
    body["state"] = json!(state);
    let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let mut set = |name: &str, value: Value| drop(properties.insert(name.to_owned(), value));
    set("timestamp", json!(Timestamp::from_millis(operation.changed_ms)));
    set("duration", json!(duration(operation.changed_ms - operation.created_ms)));
    if end == End::Succeeded {
        for name in ["outputs", "outputResources"] {
            set(name, operation.outputs.get(name).cloned().unwrap_or_default());
        }
    }
    if let Some(error) = &operation.error {
        set("error", error.clone());
    }
}

fn entry(id: &ResourceId, operation: &Operation, end: End) -> AuditEntry {
    AuditEntry {
        at_ms: operation.changed_ms,
        principal: operation.principal.clone(),
        action: "Microsoft.Resources/deployments/write".to_owned(),
        target: operation.target.clone(),
        subscription: operation.subscription.clone(),
        group_name: id.group().unwrap_or_default().to_lowercase(),
        outcome: if end == End::Succeeded { 200 } else { 409 },
        correlation: operation.correlation.clone(),
        detail: json!({
            "id": operation.input.get("id"),
            "caller": operation.input.get("caller"),
            "workflow": NAME,
            "operationId": operation.id,
            "end": format!("{end:?}"),
        }),
    }
}
