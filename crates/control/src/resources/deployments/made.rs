//! What a deployment has made or is making: a record for each resource, a child of the deployment.
//!
//! A record is written in the transaction that makes the resource. One that waits names the operation that it
//! waits for.

use isobar_arm::{ArmError, ProvisioningState, ResourceId, Timestamp};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::object;
use crate::refusal::Refusal;
use crate::store::{Author, Document, Stored, gather};

/// The kind of these records.
const KIND: &str = "microsoft.resources/deployments/operations";

/// What became of a resource.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Made {
    /// Its number in the plan.
    pub number: usize,
    pub target: ResourceId,
    /// `Creating`, and then how it ended.
    pub state: ProvisioningState,
    /// The HTTP status of the request.
    pub status: u16,
    /// Why it failed.
    pub error: Option<ArmError>,
    /// The operation that it waits for.
    pub waits_for: Option<String>,
    pub begun_ms: i64,
    pub changed_ms: i64,
}

/// How long something took, in ISO 8601.
pub(super) fn duration(ms: i64) -> String {
    let ms = ms.max(0);
    format!("PT{}.{:03}S", ms / 1000, ms % 1000)
}

/// The record of a resource. Names are in the order of numbers.
fn id_of(deployment: &ResourceId, number: usize) -> Result<ResourceId, Refusal> {
    Ok(deployment.child("operations", &format!("{:016X}", number + 1))?)
}

/// All records of a deployment.
fn filter(deployment: &ResourceId) -> ResourceFilter<'_> {
    ResourceFilter { kind: Some(KIND), parent: Some(deployment.key()), ..ResourceFilter::default() }
}

fn read(stored: &Stored) -> Result<Made, Refusal> {
    let kept = stored.document.properties.get("made").cloned().unwrap_or_default();
    Ok(serde_json::from_value(kept).map_err(|error| {
        tracing::error!(%error, id = %stored.id, "a record is not one of this program's");
        ArmError::internal_server_error("a record cannot be read")
    })?)
}

/// How many there are.
pub(super) async fn count(snapshot: &mut Snapshot, deployment: &ResourceId) -> Result<u64, Refusal> {
    Ok(snapshot.count_resources(&filter(deployment)).await?)
}

/// All of them.
pub(super) async fn load(snapshot: &mut Snapshot, deployment: &ResourceId) -> Result<Vec<Made>, Refusal> {
    let all = gather(snapshot, &filter(deployment), usize::MAX, |_| true).await?;
    all.iter().map(read).collect()
}

/// Some of them, for a page.
pub(super) async fn page(
    snapshot: &mut Snapshot,
    deployment: &ResourceId,
    after: Option<&str>,
    count: usize,
) -> Result<Vec<Stored>, Refusal> {
    gather(snapshot, &ResourceFilter { after, ..filter(deployment) }, count, |_| true).await
}

/// Writes one, in the place of an older one.
pub(super) async fn keep(
    tx: &mut Tx,
    author: Author<'_>,
    deployment: &ResourceId,
    made: &Made,
) -> Result<(), Refusal> {
    let id = id_of(deployment, made.number)?;
    let properties = object([("made", json!(made))]);
    match Stored::hold(tx, &id).await? {
        Some(mut stored) => {
            stored.document.properties = properties;
            stored.save(tx, author).await.map(drop)
        }
        None => Stored::create(tx, &id, Document::new(author.creates(), properties)).await.map(drop),
    }
}

/// Takes all of them away.
pub(super) async fn forget(tx: &mut Tx, deployment: &ResourceId) -> Result<(), Refusal> {
    for stored in gather(tx, &filter(deployment), usize::MAX, |_| true).await? {
        tx.delete_resource(stored.id.key(), None).await?;
    }
    Ok(())
}

/// As ARM shows one.
pub(super) fn shown(stored: &Stored) -> Result<Value, Refusal> {
    let made = read(stored)?;
    let state = match made.state {
        ProvisioningState::Creating => "Running",
        state => state.name(),
    };
    let mut properties = object([
        ("provisioningOperation", json!("Create")),
        ("provisioningState", json!(state)),
        ("timestamp", json!(Timestamp::from_millis(made.changed_ms))),
        ("duration", json!(duration(made.changed_ms - made.begun_ms))),
        ("statusCode", json!(status_code(made.status))),
        (
            "targetResource",
            json!({
                "id": made.target, "resourceType": made.target.resource_type(), "resourceName": made.target.name(),
            }),
        ),
    ]);
    if let Some(error) = &made.error {
        properties.insert("statusMessage".to_owned(), json!({"status": "Failed", "error": error}));
    }
    Ok(json!({"id": stored.id, "operationId": stored.id.name(), "properties": properties}))
}

/// The words of an HTTP status, as ARM has them.
fn status_code(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        412 => "PreconditionFailed",
        413 => "RequestEntityTooLarge",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalServerError",
    }
}
