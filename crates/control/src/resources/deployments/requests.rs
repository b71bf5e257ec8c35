//! Operations on deployments: beginning one, looking, ending, forgetting.

use isobar_arm::filter::DEPLOYMENTS as WORDS;
use isobar_arm::{ArmError, ProvisioningState, names};
use isobar_records::{NewOperation, ResourceFilter, Snapshot, Tx};
use serde_json::{Value, json};

use super::super::scopes::check_living;
use super::tools::NAME;
use super::{body, made, plan, record, types};
use crate::call::Call;
use crate::http::Reply;
use crate::limits::{DEPLOYMENTS_MAX, POLL_AFTER_S};
use crate::refusal::Refusal;
use crate::store::{Document, Stored, gather};

pub(super) async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let (filter, paging) = (call.filter(&WORDS)?, call.paging()?);
    let group = Stored::get(snapshot, &body::group(call)?).await?;
    let subscription = call.subscription()?.name().to_lowercase();
    let group = group.id.name().to_lowercase();
    let rows = ResourceFilter { after: paging.after.as_deref(), ..record::filter(&subscription, &group) };
    let show = |stored: &Stored| filter.holds("provisioningState", [stored.document.state.name()]);
    let found = gather(snapshot, &rows, paging.fetch(), show).await?;
    let mut shown = Vec::new();
    for stored in found {
        let value = record::shown(snapshot, &stored).await?;
        shown.push((stored.id.key().to_owned(), value));
    }
    call.page(&paging, shown, |(key, _)| key.clone(), |(_, value)| Ok(value.clone()))
}

pub(super) async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    Stored::get(snapshot, &body::group(call)?).await?;
    let stored = Stored::find(snapshot, &call.target).await?;
    let stored = stored.ok_or_else(|| record::not_found(&call.target))?;
    let reply = Reply::json(200, record::shown(snapshot, &stored).await?);
    let under_way = !stored.document.state.is_terminal();
    Ok(Reply { retry_after_s: under_way.then_some(POLL_AFTER_S), etag: Some(stored.etag()), ..reply })
}

pub(super) async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    names::DEPLOYMENT.check("deployment", call.target.name())?;
    let asked = body::read(call)?;
    let group = body::group(call)?;
    let group = Stored::hold(tx, &group).await?.ok_or_else(|| group.not_found())?;
    check_living(&group)?;
    let facts = plan::facts(call, tx, &group).await?;
    let deployment = plan::read(&asked, facts.clone())?;
    types::check(&call.app, &deployment)?;
    let kept = plan::kept(&call.app.sealing, &call.target, (&asked, &facts, &deployment))?;
    let location = group.document.location.as_ref().map_or("local", |location| location.name()).to_owned();
    // Before the record is held: whoever ends a deployment writes in this order, too.
    let operation = call.app.engine.start(tx, new_operation(call, &location)?).await?;
    let stored = Stored::hold(tx, &call.target).await?;
    call.check_conditions(stored.as_ref())?;
    let properties = record::begun(deployment.parameters(), &call.request.correlation, call.now());
    let (status, stored) = match stored {
        Some(mut stored) => {
            made::forget(tx, &stored.id).await?;
            stored.document.state = ProvisioningState::Accepted;
            stored.document.tags = Some(asked.tags.clone());
            stored.document.properties = properties;
            (200, stored.save(tx, call.author()).await?)
        }
        None => {
            check_quota(tx, &group).await?;
            let mut document = Document::new(call.author().creates(), properties);
            document.state = ProvisioningState::Accepted;
            document.tags = Some(asked.tags.clone());
            (201, Stored::create(tx, &call.target, document).await?)
        }
    };
    plan::keep(tx, call.author(), &stored.id, kept).await?;
    let url = call.operation_url("operationStatuses", &location, &operation.id);
    let mut reply = Reply::json(status, record::shown(tx, &stored).await?);
    reply.etag = Some(stored.etag());
    reply.retry_after_s = Some(POLL_AFTER_S);
    reply.started = true;
    Ok(reply.header("azure-asyncoperation", url))
}

fn new_operation(call: &Call, location: &str) -> Result<NewOperation, Refusal> {
    Ok(NewOperation {
        target: call.target.key().to_owned(),
        kind: NAME.to_owned(),
        subscription: call.subscription()?.name().to_lowercase(),
        location: location.to_owned(),
        input: json!({"id": call.target, "caller": call.caller.app_id, "base": call.request.base}),
        correlation: call.request.correlation.clone(),
        principal: call.caller.object_id.clone(),
        ..NewOperation::default()
    })
}

async fn check_quota(tx: &mut Tx, group: &Stored) -> Result<(), Refusal> {
    let subscription = group.id.subscription().unwrap_or_default().to_lowercase();
    let name = group.id.name().to_lowercase();
    if tx.count_resources(&record::filter(&subscription, &name)).await? < DEPLOYMENTS_MAX {
        return Ok(());
    }
    let message = format!(
        "The resource group '{}' has {DEPLOYMENTS_MAX} deployments, which is as many as it may have. Delete some of \
         them: what they have made stays.",
        group.id.name()
    );
    Err(ArmError::new(409, "DeploymentQuotaExceeded", message).into())
}

pub(super) async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let under_way = tx.unended_operation(call.target.key()).await?;
    let stored = Stored::hold(tx, &call.target).await?;
    call.check_conditions(stored.as_ref())?;
    let Some(stored) = stored else { return Ok(Reply::empty(204)) };
    if under_way.is_some() {
        let message = format!(
            "The deployment '{}' is being made. Wait for its end, or cancel it, and then delete it.",
            stored.id.name()
        );
        return Err(ArmError::new(409, "DeploymentActive", message).into());
    }
    tx.delete_resource(stored.id.key(), Some(stored.revision)).await?;
    Ok(Reply::empty(204))
}

pub(super) async fn cancel(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let under_way = tx.unended_operation(call.target.key()).await?;
    let stored = Stored::find(tx, &call.target).await?;
    let stored = stored.ok_or_else(|| record::not_found(&call.target))?;
    let Some(operation) = under_way else {
        let message = format!(
            "The deployment '{}' has ended ({}): only one that is being made can be cancelled.",
            stored.id.name(),
            stored.document.state
        );
        return Err(ArmError::new(409, "DeploymentCannotBeCancelled", message).into());
    };
    call.app.engine.cancel_in(tx, &operation.id).await?;
    Ok(Reply { started: true, ..Reply::empty(204) })
}

pub(super) async fn export(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let stored = Stored::find(snapshot, &call.target).await?;
    let stored = stored.ok_or_else(|| record::not_found(&call.target))?;
    let template: Value = plan::template(snapshot, &stored.id).await?;
    Ok(Reply::json(200, json!({"template": template})))
}
