//! What is written when an operation on a cluster ends, in the transaction that ends it.

use isobar_arm::{IdentityType, ProvisioningState, ResourceId, SystemData, Timestamp};
use isobar_records::{AuditEntry, Operation, RecordsError, Resource, Tx};
use isobar_workflow::{End, Finish};
use serde_json::{Map, Value, json};

use super::work::{CREATE, DELETE, MADE, READINESS, RESTART, VALIDATE, Work};
use crate::clusters::{Made, NODE_KIND, REPORT_KIND, report_id};
use crate::readiness::Readiness;
use crate::store::Document;

fn work_of(operation: &Operation) -> Result<Work, RecordsError> {
    let read = serde_json::from_value(operation.input.clone());
    read.map_err(|error| RecordsError::Foreign(format!("an operation's input: {error}")))
}

/// Notes how it ended.
async fn note(tx: &mut Tx, operation: &Operation, work: &Work, end: End) -> Result<(), RecordsError> {
    let verb = match operation.kind.as_str() {
        CREATE => "clusters/write",
        DELETE => "clusters/delete",
        RESTART => "clusters/nodes/restart/action",
        VALIDATE => "clusters/validations/write",
        _ => "clusters/nodes/replace/action",
    };
    let entry = AuditEntry {
        at_ms: operation.changed_ms,
        principal: operation.principal.clone(),
        action: format!("Isobar.Storage/{verb}"),
        target: work.id.key().to_owned(),
        subscription: operation.subscription.clone(),
        group_name: work.id.group().unwrap_or_default().to_lowercase(),
        outcome: if end == End::Succeeded { 200 } else { 500 },
        correlation: operation.correlation.clone(),
        detail: json!({
            "id": work.id,
            "caller": work.caller,
            "workflow": operation.kind,
            "operationId": operation.id,
            "end": format!("{end:?}"),
        }),
    };
    tx.append_audit(&entry).await.map(drop)
}

fn state_after(end: End) -> ProvisioningState {
    match end {
        End::Succeeded => ProvisioningState::Succeeded,
        End::Failed => ProvisioningState::Failed,
        End::Canceled => ProvisioningState::Canceled,
    }
}

/// The cluster is there, with its nodes; or it is not, and says so.
pub(super) struct EndsCreate;

impl Finish for EndsCreate {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        let work = work_of(operation)?;
        if let Some(mut cluster) = tx.hold_resource(&operation.target).await? {
            cluster.body["state"] = json!(state_after(end));
            let made = operation.outputs.get(MADE).filter(|_| end == End::Succeeded);
            let made = made.map(|made| serde_json::from_value::<Made>(made.clone())).transpose();
            let made = made.map_err(|error| RecordsError::Foreign(format!("an output: {error}")))?;
            if let Some(made) = &made {
                cluster.body["properties"]["clusterId"] = json!(made.cluster_id);
                cluster.body["properties"]["clientInfo"] = json!({"mountCommand": made.mount_command});
            }
            let now_ms = operation.changed_ms;
            tx.update_resource(&cluster.key, cluster.revision, &cluster.body, now_ms).await?;
            for (name, properties) in made.into_iter().flat_map(|made| made.nodes) {
                let node = node(&cluster, &work, &name, properties, now_ms)?;
                tx.insert_resource(node).await?;
            }
        }
        note(tx, operation, &work, end).await
    }
}

/// The record of a new node.
fn node(
    cluster: &Resource,
    work: &Work,
    name: &str,
    properties: Map<String, Value>,
    now_ms: i64,
) -> Result<Resource, RecordsError> {
    let id = ResourceId::parse(&format!("{}/nodes/{name}", cluster.id));
    let id = id.map_err(|error| RecordsError::Foreign(error.to_string()))?;
    child(cluster, (id, NODE_KIND), work, properties, now_ms)
}

/// The record of something new that goes with something that is there.
fn child(
    parent: &Resource,
    (id, kind): (ResourceId, &str),
    work: &Work,
    properties: Map<String, Value>,
    now_ms: i64,
) -> Result<Resource, RecordsError> {
    let now = Timestamp::from_millis(now_ms);
    let author = SystemData::created(&work.caller, IdentityType::Application, now);
    let body = serde_json::to_value(Document::new(author, properties));
    Ok(Resource {
        key: id.key().to_owned(),
        id: id.to_string(),
        kind: kind.to_owned(),
        parent: parent.key.clone(),
        subscription: parent.subscription.clone(),
        group_name: parent.group_name.clone(),
        revision: 0,
        body: body.map_err(|error| RecordsError::Foreign(error.to_string()))?,
        created_ms: now_ms,
        changed_ms: now_ms,
    })
}

/// The cluster and its nodes are no more.
pub(super) struct EndsDelete;

impl Finish for EndsDelete {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        let work = work_of(operation)?;
        match end {
            End::Succeeded => {
                tx.hold_resource(&operation.target).await?;
                tx.delete_resources_below(&operation.target).await?;
                tx.delete_resource(&operation.target, None).await?;
            }
            End::Failed | End::Canceled => set_state(tx, operation, &operation.target, end).await?,
        }
        note(tx, operation, &work, end).await
    }
}

async fn set_state(tx: &mut Tx, operation: &Operation, key: &str, end: End) -> Result<(), RecordsError> {
    let Some(mut resource) = tx.hold_resource(key).await? else { return Ok(()) };
    resource.body["state"] = json!(state_after(end));
    tx.update_resource(key, resource.revision, &resource.body, operation.changed_ms).await.map(drop)
}

/// The node says how its last operation ended.
pub(super) struct EndsAction;

impl Finish for EndsAction {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        let work = work_of(operation)?;
        set_state(tx, operation, work.id.key(), end).await?;
        note(tx, operation, &work, end).await
    }
}

/// The validation says what came of it.
pub(super) struct EndsValidation;

impl Finish for EndsValidation {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        let work = work_of(operation)?;
        if let Some(mut validation) = tx.hold_resource(work.id.key()).await? {
            let now_ms = operation.changed_ms;
            validation.body["state"] = json!(state_after(end));
            validation.body["properties"]["endedAt"] = json!(Timestamp::from_millis(now_ms));
            let measured = operation.outputs.get(READINESS).filter(|_| end == End::Succeeded);
            let measured = measured.map(|of| serde_json::from_value::<Readiness>(of.clone())).transpose();
            let measured = measured.map_err(|error| RecordsError::Foreign(format!("an output: {error}")))?;
            if let Some(readiness) = &measured {
                describe(&mut validation.body["properties"], readiness);
            }
            tx.update_resource(&validation.key, validation.revision, &validation.body, now_ms).await?;
            if let Some(readiness) = measured {
                let id = report_id(&work.id).map_err(|error| RecordsError::Foreign(error.0.to_string()))?;
                let page = Map::from_iter([("html".to_owned(), json!(readiness.html))]);
                tx.delete_resource(id.key(), None).await?;
                tx.insert_resource(child(&validation, (id, REPORT_KIND), &work, page, now_ms)?).await?;
            }
        }
        note(tx, operation, &work, end).await
    }
}

/// What came of it, among the properties of a validation.
fn describe(properties: &mut Value, readiness: &Readiness) {
    let Readiness { verdict, statement, passed, failed, not_measurable, checks, html: _ } = readiness;
    for (name, value) in [
        ("verdict", json!(verdict)),
        ("statement", json!(statement)),
        ("passed", json!(passed)),
        ("failed", json!(failed)),
        ("notMeasurable", json!(not_measurable)),
        ("checks", json!(checks)),
    ] {
        properties[name] = value;
    }
}
