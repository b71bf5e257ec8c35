//! What a deployment has made, for whoever asks.

use isobar_arm::{ArmError, ResourceId};
use isobar_records::Snapshot;

use super::{body, made, record};
use crate::call::Call;
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::store::Stored;

/// The deployment that the path names, in which the provider is left out.
async fn deployment(call: &Call, snapshot: &mut Snapshot) -> Result<ResourceId, Refusal> {
    let id = body::group(call)?.resource(
        "Microsoft.Resources",
        "deployments",
        call.params.get("deploymentName"),
    )?;
    let stored = Stored::find(snapshot, &id).await?.ok_or_else(|| record::not_found(&id))?;
    Ok(stored.id)
}

pub(super) async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let paging = call.paging()?;
    let id = deployment(call, snapshot).await?;
    let found = made::page(snapshot, &id, paging.after.as_deref(), paging.fetch()).await?;
    call.page(&paging, found, |stored| stored.id.key().to_owned(), made::shown)
}

pub(super) async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let id = deployment(call, snapshot).await?;
    let id = id.child("operations", call.params.get("operationId"))?;
    let stored = Stored::find(snapshot, &id).await?;
    let stored = stored.ok_or_else(|| ArmError::not_found("The operation of the deployment"))?;
    Ok(Reply::json(200, made::shown(&stored)?))
}
