//! Operations on validations.
//!
//! What was measured once stays as it is: whoever sends the same again is answered with it, and only one that
//! came to nothing is measured again.

use isobar_arm::{ArmError, ProvisioningState, names};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde_json::{Map, Value, json};

use super::body;
use crate::call::Call;
use crate::clusters::{VALIDATION_KIND, report_id};
use crate::http::Reply;
use crate::limits::VALIDATIONS_MAX;
use crate::readiness::ReadinessLoad;
use crate::refusal::Refusal;
use crate::resources::clusters::{check_made, started, work_of, write_of};
use crate::store::{Document, Stored, gather};
use crate::workflows::{VALIDATE, Work};

/// Those of a cluster.
fn all_of(cluster: &Stored) -> ResourceFilter<'_> {
    ResourceFilter {
        kind: Some(VALIDATION_KIND),
        parent: Some(cluster.id.key()),
        ..ResourceFilter::default()
    }
}

/// The cluster of a validation.
async fn cluster_of(call: &Call, snapshot: &mut Snapshot) -> Result<Stored, Refusal> {
    let cluster = call.target.parent().ok_or_else(|| ArmError::not_found("The cluster"))?;
    Stored::get(snapshot, &cluster).await
}

pub(super) async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let paging = call.paging()?;
    let cluster = Stored::get(snapshot, &call.target).await?;
    let rows = ResourceFilter { after: paging.after.as_deref(), ..all_of(&cluster) };
    let found = gather(snapshot, &rows, paging.fetch(), |_| true).await?;
    call.page(
        &paging,
        found,
        |one| one.id.key().to_owned(),
        |one| Ok(one.reply(200)?.body.unwrap_or_default()),
    )
}

pub(super) async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    Stored::get(snapshot, &call.target).await?.reply(200)
}

pub(super) async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    names::RESOURCE.check("validation", call.target.name())?;
    let load = body::read(call)?;
    let cluster = cluster_of(call, tx).await?;
    let cluster = Stored::hold(tx, &cluster.id).await?.ok_or_else(|| cluster.id.not_found())?;
    let stored = Stored::find(tx, &call.target).await?;
    call.check_conditions(stored.as_ref())?;
    check_made(&cluster)?;
    match stored {
        Some(stored) if !came_to_nothing(&stored) => {
            check_same(&stored, &body::properties(&load))?;
            return stored.reply(200);
        }
        None if tx.count_resources(&all_of(&cluster)).await? >= VALIDATIONS_MAX => {
            return Err(too_many(&cluster).into());
        }
        _ => {}
    }
    begin(call, tx, &cluster, load).await
}

/// Begins to measure: for the first time, or again where nothing came of it.
async fn begin(call: &Call, tx: &mut Tx, cluster: &Stored, load: ReadinessLoad) -> Result<Reply, Refusal> {
    let mut properties = body::properties(&load);
    properties.insert("startedAt".to_owned(), json!(call.now()));
    let caller = &call.caller.app_id;
    let work = Work { id: call.target.clone(), load: Some(load), ..work_of(cluster, caller) };
    let write = write_of(call, cluster)?;
    // Before the record is held: whoever ends a measurement writes in this order, too.
    let operation = call.app.engine.start(tx, work.operation(VALIDATE, &write)).await?;
    let (validation, status) = match Stored::hold(tx, &call.target).await? {
        Some(mut validation) => {
            validation.document.state = ProvisioningState::Creating;
            validation.document.properties = properties;
            (validation.save(tx, call.author()).await?, 200)
        }
        None => {
            let mut document = Document::new(call.author().creates(), properties);
            document.state = ProvisioningState::Creating;
            (Stored::create(tx, &call.target, document).await?, 201)
        }
    };
    Ok(started(call, &write, &operation.id, validation.reply(status)?))
}

/// Whether nothing was measured.
fn came_to_nothing(validation: &Stored) -> bool {
    matches!(validation.document.state, ProvisioningState::Failed | ProvisioningState::Canceled)
}

/// Refuses to change what was measured, or is being measured.
fn check_same(stored: &Stored, wanted: &Map<String, Value>) -> Result<(), Refusal> {
    let names = ["seconds", "files", "drill", "fileBytes", "targets"];
    let kept = &stored.document.properties;
    let changed: Vec<String> = names
        .iter()
        .filter(|name| kept.get(**name) != wanted.get(**name))
        .map(|name| format!("properties.{name}"))
        .collect();
    let Some(first) = changed.first() else { return Ok(()) };
    let details = changed.iter().map(|target| ArmError::property_change_not_allowed(target)).collect();
    Err(ArmError::property_change_not_allowed(first).with_details(details).into())
}

fn too_many(cluster: &Stored) -> ArmError {
    let message = format!(
        "The cluster '{}' has {VALIDATIONS_MAX} validations, which is as many as it may have. Delete some of them.",
        cluster.id.name()
    );
    ArmError::new(409, "ValidationQuotaExceeded", message)
}

pub(super) async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let Some(stored) = Stored::hold(tx, &call.target).await? else { return Ok(Reply::empty(204)) };
    call.check_conditions(Some(&stored))?;
    if !stored.document.state.is_terminal() {
        let message = format!(
            "The validation '{}' is being measured. Wait for its end, or cancel it, and then delete it.",
            stored.id.name()
        );
        return Err(ArmError::new(409, "ValidationActive", message).into());
    }
    tx.delete_resources_below(stored.id.key()).await?;
    tx.delete_resource(stored.id.key(), Some(stored.revision)).await?;
    Ok(Reply::empty(200))
}

pub(super) async fn cancel(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let cluster = cluster_of(call, tx).await?;
    let under_way = tx.unended_operation(cluster.id.key()).await?;
    let stored = Stored::get(tx, &call.target).await?;
    // Other operations on the cluster are none of its.
    let its_own =
        under_way.filter(|operation| operation.kind == VALIDATE && !stored.document.state.is_terminal());
    let Some(operation) = its_own else {
        let message = format!(
            "The validation '{}' has ended ({}): only one that is being measured can be cancelled.",
            stored.id.name(),
            stored.document.state
        );
        return Err(ArmError::new(409, "ValidationCannotBeCancelled", message).into());
    };
    call.app.engine.cancel_in(tx, &operation.id).await?;
    Ok(Reply { started: true, ..Reply::empty(204) })
}

pub(super) async fn report(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let validation = call.target.parent().ok_or_else(|| call.target.not_found())?;
    let validation = Stored::get(snapshot, &validation).await?;
    let report = Stored::find(snapshot, &report_id(&validation.id)?).await?;
    match report {
        Some(report) => report.reply(200),
        None => {
            let message = format!(
                "The validation '{}' has no report: its state is {}.",
                validation.id.name(),
                validation.document.state
            );
            Err(ArmError::new(404, "ReportNotFound", message).into())
        }
    }
}
