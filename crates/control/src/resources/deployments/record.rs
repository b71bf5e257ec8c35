//! A deployment as it is kept, and as it is shown.
//!
//! Its template and the values of its parameters are in a record of their own (`plan`), what it has made in
//! one for each resource (`made`).

use isobar_arm::{ArmError, ProvisioningState, ResourceId, Timestamp};
use isobar_records::{ResourceFilter, Snapshot};
use serde_json::{Map, Value, json};

use super::made;
use crate::call::object;
use crate::refusal::Refusal;
use crate::store::Stored;

/// The kind of deployments among the records.
pub(super) const KIND: &str = "microsoft.resources/deployments";

/// What a list of deployments of a group asks for.
pub(super) fn filter<'a>(subscription: &'a str, group: &'a str) -> ResourceFilter<'a> {
    ResourceFilter {
        kind: Some(KIND),
        subscription: Some(subscription),
        group_name: Some(group),
        ..ResourceFilter::default()
    }
}

/// The properties of one that begins.
pub(super) fn begun(parameters: Map<String, Value>, correlation: &str, now: Timestamp) -> Map<String, Value> {
    object([
        ("mode", json!("Incremental")),
        ("parameters", Value::Object(parameters)),
        ("correlationId", json!(correlation)),
        ("timestamp", json!(now)),
        ("duration", json!("PT0S")),
    ])
}

/// As it is shown. One that is under way runs as soon as something was begun.
pub(super) async fn shown(snapshot: &mut Snapshot, stored: &Stored) -> Result<Value, Refusal> {
    let mut map = stored.settled()?;
    let state = match stored.document.state {
        state if state.is_terminal() => state.name(),
        _ if made::count(snapshot, &stored.id).await? > 0 => "Running",
        _ => ProvisioningState::Accepted.name(),
    };
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.insert("provisioningState".to_owned(), json!(state));
    }
    Ok(Value::Object(map))
}

/// The refusal where there is none.
pub(super) fn not_found(id: &ResourceId) -> ArmError {
    ArmError::new(404, "DeploymentNotFound", format!("Deployment '{}' could not be found.", id.name()))
}
