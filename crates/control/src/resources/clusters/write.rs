//! Making clusters and changing them.

use isobar_arm::{ArmError, ProvisioningState, ResourceId, Sku, names, patch_resource};
use isobar_records::{ResourceFilter, Tx};
use serde_json::{Value, json};

use super::read::document;
use super::show::reply;
use super::wanted::Wanted;
use crate::call::{Call, object};
use crate::clusters::{CLUSTER_KIND, DEPLOYMENT, is_made, number_of};
use crate::http::Reply;
use crate::limits::{BUSY_RETRY_AFTER_S, CLUSTERS_MAX};
use crate::random;
use crate::refusal::Refusal;
use crate::reservations::{RAW_BYTES, raw_bytes_of_size};
use crate::resources::reservations::check_named;
use crate::resources::scopes::hold_scope;
use crate::store::{Document, Stored};
use crate::workflows::{CREATE, Work, Write};

/// What an operation notes of a call.
pub(crate) fn write_of(call: &Call, cluster: &Stored) -> Result<Write, Refusal> {
    Ok(Write {
        subscription: call.subscription()?.name().to_owned(),
        location: cluster.document.location.as_ref().map_or("local", |of| of.name()).to_owned(),
        correlation: call.request.correlation.clone(),
        principal: call.caller.object_id.clone(),
    })
}

/// Says where to ask how an operation goes.
pub(crate) fn started(call: &Call, write: &Write, operation: &str, reply: Reply) -> Reply {
    let url = call.operation_url("operationStatuses", &write.location, operation);
    Reply { started: true, ..reply.header("azure-asyncoperation", url) }
}

/// The group that a cluster is in.
fn group_of(cluster: &ResourceId) -> Result<ResourceId, Refusal> {
    Ok(cluster.parent().ok_or_else(|| ArmError::internal_server_error("a cluster is in no group"))?)
}

/// Refuses to change what an operation is at work on.
async fn check_idle(tx: &mut Tx, cluster: &ResourceId) -> Result<(), Refusal> {
    match tx.unended_operation(cluster.key()).await? {
        None => Ok(()),
        Some(other) => {
            let error = ArmError::another_operation_in_progress(&other.id);
            Err(error.with_retry_after(BUSY_RETRY_AFTER_S).into())
        }
    }
}

/// Makes it, or changes it.
pub(super) async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    names::RESOURCE.check("cluster", call.target.name())?;
    let wanted = Wanted::read(call, &call.json()?)?;
    hold_scope(tx, &group_of(&call.target)?).await?;
    let stored = Stored::hold(tx, &call.target).await?;
    call.check_conditions(stored.as_ref())?;
    let Some(cluster) = stored else {
        check_quota(call, tx).await?;
        return make(call, tx, None, &wanted).await;
    };
    check_idle(tx, &cluster.id).await?;
    check_location(&cluster, &wanted)?;
    if is_made(&cluster) {
        let cluster = change(call, tx, cluster, wanted).await?;
        return reply(call, &cluster, 200);
    }
    make(call, tx, Some(cluster), &wanted).await
}

/// Changes tags, protection, and which reservation it names.
pub(super) async fn patch(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    hold_scope(tx, &group_of(&call.target)?).await?;
    let cluster = Stored::hold(tx, &call.target).await?.ok_or_else(|| call.target.not_found())?;
    call.check_conditions(Some(&cluster))?;
    check_idle(tx, &cluster.id).await?;
    let mut body = document(call, &cluster)?;
    patch_resource(&mut body, &call.json()?)?;
    let wanted = Wanted::read(call, &body)?;
    check_location(&cluster, &wanted)?;
    let cluster = change(call, tx, cluster, wanted).await?;
    reply(call, &cluster, 200)
}

async fn check_quota(call: &Call, tx: &mut Tx) -> Result<(), Refusal> {
    let subscription = call.subscription()?.name().to_lowercase();
    let filter = ResourceFilter {
        kind: Some(CLUSTER_KIND),
        subscription: Some(&subscription),
        ..ResourceFilter::default()
    };
    if tx.count_resources(&filter).await? < CLUSTERS_MAX {
        return Ok(());
    }
    let message = format!("The subscription has {CLUSTERS_MAX} clusters, which is as many as it may have.");
    Err(ArmError::new(409, "ClusterQuotaExceeded", message).into())
}

fn check_location(cluster: &Stored, wanted: &Wanted) -> Result<(), Refusal> {
    let Some(is) = cluster.document.location.as_ref().filter(|is| **is != wanted.location) else {
        return Ok(());
    };
    let (id, between) = (&cluster.id, (is.name(), wanted.location.name()));
    let group = id.group().unwrap_or_default();
    Err(ArmError::invalid_resource_location(id.name(), group, between).into())
}

/// Begins to make it: for the first time, or again after it could not be made.
async fn make(call: &Call, tx: &mut Tx, before: Option<Stored>, wanted: &Wanted) -> Result<Reply, Refusal> {
    check_named(call, tx, wanted.reservation.as_ref(), before.as_ref(), true).await?;
    let deployment = random::uuid()?;
    let plan = wanted.plan(&deployment, call.target.name())?;
    let mut document = Document::new(call.author().creates(), object([]));
    document.location = Some(wanted.location.clone());
    document.tags = Some(wanted.tags.clone());
    document.sku = Some(Sku { name: plan.size.clone(), tier: None, capacity: None });
    document.state = ProvisioningState::Creating;
    document.properties = object([
        ("nodeCount", json!(plan.nodes)),
        ("dataRows", json!(plan.data_rows)),
        ("parityRows", json!(plan.parity_rows)),
        ("deletionProtection", json!(wanted.protection)),
        ("provider", json!(wanted.provider.name())),
    ]);
    name_reservation(&mut document, wanted);
    let raw = raw_bytes_of_size(wanted.size()?, u64::from(plan.nodes));
    document.internal = object([(DEPLOYMENT, json!(deployment)), (RAW_BYTES, json!(raw))]);
    let (cluster, status) = match before {
        None => (Stored::create(tx, &call.target, document).await?, 201),
        Some(mut cluster) => {
            document.system_data = cluster.document.system_data.clone();
            cluster.document = document;
            (cluster.save(tx, call.author()).await?, 200)
        }
    };
    let work = Work {
        id: cluster.id.clone(),
        caller: call.caller.app_id.clone(),
        provider: wanted.provider.name().to_owned(),
        deployment,
        plan: Some(plan),
        node: None,
        load: None,
    };
    let write = write_of(call, &cluster)?;
    let operation = call.app.engine.start(tx, work.operation(CREATE, &write)).await?;
    Ok(started(call, &write, &operation.id, reply(call, &cluster, status)?))
}

/// Notes which reservation a cluster names, if any.
fn name_reservation(document: &mut Document, wanted: &Wanted) {
    let name = "reservationId";
    match &wanted.reservation {
        Some(id) => drop(document.properties.insert(name.to_owned(), json!(id))),
        None => drop(document.properties.remove(name)),
    }
}

/// Changes what can be changed, and refuses to change anything else.
async fn change(call: &Call, tx: &mut Tx, mut cluster: Stored, wanted: Wanted) -> Result<Stored, Refusal> {
    let size = cluster.document.sku.as_ref().map_or("", |sku| sku.name.as_str());
    let number = |property| number_of(&cluster, property);
    let changed = [
        ("sku.name", wanted.size.as_ref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(size))),
        ("properties.nodeCount", u64::from(wanted.nodes) != number("nodeCount")),
        ("properties.dataRows", wanted.data_rows.is_some_and(|rows| u64::from(rows) != number("dataRows"))),
        (
            "properties.parityRows",
            wanted.parity_rows.is_some_and(|rows| u64::from(rows) != number("parityRows")),
        ),
    ];
    let changed: Vec<&str> = changed.into_iter().filter(|(_, is)| *is).map(|(target, _)| target).collect();
    if let Some(first) = changed.first() {
        let details = changed.iter().map(|target| ArmError::property_change_not_allowed(target)).collect();
        return Err(ArmError::property_change_not_allowed(first).with_details(details).into());
    }
    check_named(call, tx, wanted.reservation.as_ref(), Some(&cluster), false).await?;
    name_reservation(&mut cluster.document, &wanted);
    cluster.document.tags = Some(wanted.tags);
    cluster.document.properties.insert("deletionProtection".to_owned(), Value::Bool(wanted.protection));
    cluster.save(tx, call.author()).await
}
