//! Resources whose own operations a deployment waits for.

use isobar_arm::{ArmError, ProvisioningState, Timestamp};
use isobar_records::{Operation, Status};
use isobar_workflow::{Context, StepError};
use serde_json::Value;

use super::super::errors::trouble;
use super::super::made::{self, Made};
use super::super::tools::Tools;
use super::{Run, id_of};
use crate::store::Author;

impl Run<'_> {
    /// Looks how the operations are that it waits for.
    pub(super) async fn look_at_waiting(&mut self) -> Result<(), StepError> {
        for at in 0..self.made.len() {
            let Some(made) = self.made[at].clone().filter(|made| made.state == ProvisioningState::Creating)
            else {
                continue;
            };
            let waits_for = made.waits_for.clone().unwrap_or_default();
            let mut snapshot = self.tools.records.read().await.map_err(StepError::retry)?;
            let operation = snapshot.operation(&waits_for).await.map_err(StepError::retry)?;
            drop(snapshot);
            let Some(ended) = how_it_ended(made, operation.as_ref(), self.asker.now) else { continue };
            let mut tx = self.tools.records.begin().await.map_err(StepError::retry)?;
            self.keep(&mut tx, at, ended).await?;
            tx.commit().await.map_err(StepError::retry)?;
        }
        Ok(())
    }
}

/// What became of a resource, when the operation has ended that it waits for.
fn how_it_ended(made: Made, operation: Option<&Operation>, now: Timestamp) -> Option<Made> {
    let gone = || {
        ArmError::new(
            409,
            "OperationNotFound",
            "The operation that makes the resource is not known any more.",
        )
    };
    let error = match operation.map(|operation| (operation.status, operation)) {
        Some((Status::Accepted | Status::Running, _)) => return None,
        Some((Status::Succeeded, _)) => None,
        Some((Status::Canceled, _)) => {
            Some(ArmError::new(409, "Canceled", "The operation that makes the resource was cancelled."))
        }
        Some((Status::Failed, operation)) => {
            let kept = operation.error.clone().and_then(|error| serde_json::from_value(error).ok());
            Some(kept.unwrap_or_else(|| ArmError::new(409, "OperationFailed", &operation.message)))
        }
        None => Some(gone()),
    };
    let state = if error.is_some() { ProvisioningState::Failed } else { ProvisioningState::Succeeded };
    let status = if error.is_some() { 409 } else { made.status };
    Some(Made { state, status, error, waits_for: None, changed_ms: now.millis(), ..made })
}

/// Says of resources that are still being made that nobody waits for them any more.
pub(in super::super) async fn give_up_waiting(tools: &Tools, context: &Context) -> Result<(), StepError> {
    let id = id_of(context.operation())?;
    let mut tx = tools.records.begin().await.map_err(StepError::retry)?;
    if tx.hold_resource(id.key()).await.map_err(StepError::retry)?.is_none() {
        return Ok(());
    }
    let now = tools.time.now();
    let all = made::load(&mut tx, &id).await.map_err(trouble)?;
    for made in all.into_iter().filter(|made| made.state == ProvisioningState::Creating) {
        let message = "The deployment ended before the resource was made. It may still be made.";
        let error = Some(ArmError::new(409, "DeploymentCanceled", message));
        let state = ProvisioningState::Canceled;
        let ended = Made { state, error, waits_for: None, changed_ms: now.millis(), ..made };
        let app_id = context.input().get("caller").and_then(Value::as_str).unwrap_or_default();
        made::keep(&mut tx, Author { name: app_id, now }, &id, &ended).await.map_err(trouble)?;
    }
    tx.commit().await.map_err(StepError::retry)
}

#[cfg(test)]
mod tests {
    use isobar_arm::ResourceId;
    use serde_json::json;

    use super::*;

    fn waiting() -> Made {
        Made {
            number: 0,
            target: ResourceId::parse("/subscriptions/s/resourceGroups/g/providers/A.B/c/n").expect("an id"),
            state: ProvisioningState::Creating,
            status: 201,
            error: None,
            waits_for: Some("o".to_owned()),
            begun_ms: 0,
            changed_ms: 0,
        }
    }

    fn operation(status: Status, error: Option<Value>) -> Operation {
        Operation {
            id: "o".to_owned(),
            target: String::new(),
            kind: String::new(),
            subscription: String::new(),
            location: String::new(),
            input: json!({}),
            outputs: serde_json::Map::new(),
            step: 0,
            undoing: false,
            attempts: 0,
            status,
            error,
            message: "it broke".to_owned(),
            percent: 0,
            cancel_wanted: false,
            created_ms: 0,
            changed_ms: 0,
            ended_ms: None,
            due_ms: 0,
            lease_until_ms: 0,
            owner: String::new(),
            fence: 1,
            correlation: String::new(),
            principal: String::new(),
        }
    }

    #[test]
    fn a_resource_ends_as_the_operation_that_makes_it() {
        let now = Timestamp::from_millis(5);
        let ended = |operation: Option<&Operation>| how_it_ended(waiting(), operation, now);
        for status in [Status::Accepted, Status::Running] {
            assert_eq!(ended(Some(&operation(status, None))), None);
        }
        let done = ended(Some(&operation(Status::Succeeded, None))).expect("it ended");
        assert_eq!(
            (done.state, done.status, done.waits_for, done.changed_ms),
            (ProvisioningState::Succeeded, 201, None, 5)
        );
        let error = json!({"code": "NoRoom", "message": "There is no room."});
        for (operation, code) in [
            (Some(operation(Status::Failed, Some(error))), "NoRoom"),
            (Some(operation(Status::Failed, None)), "OperationFailed"),
            (Some(operation(Status::Canceled, None)), "Canceled"),
            (None, "OperationNotFound"),
        ] {
            let failed = ended(operation.as_ref()).expect("it ended");
            assert_eq!((failed.state, failed.status), (ProvisioningState::Failed, 409));
            assert_eq!(failed.error.expect("a reason").code(), code);
        }
    }
}
