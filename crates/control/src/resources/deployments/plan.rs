//! The template of a deployment with the values of its parameters: what is kept so that whoever goes on with
//! it reads the same deployment again.
//!
//! Values of secure parameters are sealed as long as the deployment is being made, and taken away at its end.

use isobar_arm::{ArmError, ResourceId};
use isobar_records::{RecordsError, Snapshot, Tx};
use isobar_template::{Deployment, Facts, without_secrets};
use serde_json::{Map, Value, json};

use super::body::Asked;
use crate::call::{Call, object};
use crate::random::uuid;
use crate::refusal::Refusal;
use crate::sealing::SealingKey;
use crate::store::{Author, Document, Stored};

/// The child of a deployment that has it.
fn id_of(deployment: &ResourceId) -> Result<ResourceId, Refusal> {
    Ok(deployment.child("plans", "default")?)
}

/// Where and when a request deploys.
pub(super) async fn facts(call: &Call, snapshot: &mut Snapshot, group: &Stored) -> Result<Facts, Refusal> {
    let subscription = Stored::get(snapshot, &call.subscription()?).await?;
    let mut document = group.settled()?;
    document.remove("etag");
    document.remove("systemData");
    document.insert("properties".to_owned(), json!({"provisioningState": group.document.state}));
    Ok(Facts {
        group: group.id.clone(),
        group_document: Value::Object(document),
        subscription_name: subscription.text("displayName").to_owned(),
        tenant: call.app.issuer.tenant().to_owned(),
        deployment: call.target.name().to_owned(),
        endpoint: call.request.base.clone(),
        now_ms: call.now().millis(),
        seed: uuid()?,
    })
}

/// Reads the deployment that a request asks for.
pub(super) fn read(asked: &Asked, facts: Facts) -> Result<Deployment, ArmError> {
    Deployment::read(&asked.template, &asked.given, facts)
}

/// What is kept of a deployment.
pub(super) fn kept(
    key: &SealingKey,
    id: &ResourceId,
    (asked, facts, deployment): (&Asked, &Facts, &Deployment),
) -> Result<Map<String, Value>, Refusal> {
    let secrets = deployment.secrets();
    let mut properties = object([
        ("template", without_secrets(&asked.template)?),
        ("values", Value::Object(values(deployment.parameters()))),
        ("facts", json!(facts)),
    ]);
    if !secrets.is_empty() {
        let secrets = Value::Object(secrets).to_string();
        let sealed = key.seal(id.key(), secrets.as_bytes()).map_err(|error| {
            tracing::error!(%error, "secure parameters were not sealed");
            ArmError::internal_server_error("secure parameters were not sealed")
        })?;
        properties.insert("sealed".to_owned(), json!(sealed));
    }
    Ok(properties)
}

/// Keeps it, in the place of an older one.
pub(super) async fn keep(
    tx: &mut Tx,
    author: Author<'_>,
    id: &ResourceId,
    kept: Map<String, Value>,
) -> Result<(), Refusal> {
    let id = id_of(id)?;
    tx.delete_resource(id.key(), None).await?;
    Stored::create(tx, &id, Document::new(author.creates(), kept)).await.map(drop)
}

/// Values that are shown, by name.
fn values(parameters: Map<String, Value>) -> Map<String, Value> {
    let value = |(name, of): (String, Value)| of.get("value").map(|value| (name, value.clone()));
    parameters.into_iter().filter_map(value).collect()
}

/// The refusal of a plan that nobody can read, today or another time.
fn broken() -> ArmError {
    ArmError::new(409, "DeploymentPlanNotReadable", "The plan of the deployment cannot be read.")
}

/// The deployment as it was kept.
///
/// # Errors
/// There is none any more, or it cannot be read.
pub(super) async fn load(
    snapshot: &mut Snapshot,
    key: &SealingKey,
    id: &ResourceId,
) -> Result<Deployment, Refusal> {
    let stored = Stored::get(snapshot, &id_of(id)?).await?;
    let properties = &stored.document.properties;
    let Some(Value::Object(values)) = properties.get("values") else { return Err(broken().into()) };
    let mut values = values.clone();
    if let Some(sealed) = properties.get("sealed").and_then(Value::as_str) {
        let opened = key.open(id.key(), sealed);
        let opened =
            opened.map_err(|error| ArmError::new(500, "SecureParametersNotAvailable", error.to_string()))?;
        let secrets: Map<String, Value> = serde_json::from_slice(&opened).map_err(|_| broken())?;
        values.extend(secrets);
    }
    let facts = properties.get("facts").cloned().unwrap_or_default();
    let facts: Facts = serde_json::from_value(facts).map_err(|_| broken())?;
    Ok(Deployment::read(properties.get("template").unwrap_or(&Value::Null), &values, facts)?)
}

/// The template, as it may be shown.
pub(super) async fn template(snapshot: &mut Snapshot, id: &ResourceId) -> Result<Value, Refusal> {
    let stored = Stored::get(snapshot, &id_of(id)?).await?;
    Ok(stored.document.properties.get("template").cloned().unwrap_or_default())
}

/// Takes away what was sealed.
pub(super) async fn forget_secrets(tx: &mut Tx, id: &ResourceId, now_ms: i64) -> Result<(), RecordsError> {
    // An id of ours has room for a child.
    let Ok(id) = id_of(id) else { return Ok(()) };
    let Some(mut plan) = tx.hold_resource(id.key()).await? else { return Ok(()) };
    let sealed = plan.body.get_mut("properties").and_then(Value::as_object_mut);
    if sealed.is_some_and(|properties| properties.remove("sealed").is_some()) {
        tx.update_resource(&plan.key, plan.revision, &plan.body, now_ms).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use isobar_workflow::StepError;

    use super::super::errors::trouble;
    use super::*;

    #[test]
    fn a_plan_that_cannot_be_read_is_not_read_again_and_again() {
        assert!(matches!(trouble(broken().into()), StepError::Fail(_)));
    }
}
