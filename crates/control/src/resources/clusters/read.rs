//! Reading clusters: what is kept and was seen last, and looking at one now.

use isobar_arm::ArmError;
use isobar_records::{Snapshot, Tx};
use serde_json::json;

use super::show::{envelope, health, item, reply};
use crate::call::{Call, Fetched};
use crate::clusters::{CLUSTER_KIND, deployment_of, is_made, number_of, provider_of};
use crate::handler::Errand;
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::resources::resource_lists::list_of;
use crate::store::Stored;

const READ: &str = "Isobar.Storage/clusters/read";

/// Those of a subscription or a group.
pub(super) async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let (paging, found) = list_of(call, snapshot, CLUSTER_KIND, READ).await?;
    call.page(&paging, found, |cluster| cluster.id.key().to_owned(), |cluster| item(call, cluster))
}

/// One.
pub(super) async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    reply(call, &Stored::get(snapshot, &call.target).await?, 200)
}

/// The cluster that is asked about, once it is made.
async fn made(call: &Call, snapshot: &mut Snapshot) -> Result<Stored, Refusal> {
    let cluster = Stored::get(snapshot, &call.target).await?;
    check_made(&cluster)?;
    Ok(cluster)
}

/// Refuses what a cluster can do only once it is made.
pub(crate) fn check_made(cluster: &Stored) -> Result<(), Refusal> {
    if is_made(cluster) {
        return Ok(());
    }
    let why = format!(
        "The cluster '{}' is not made: its state is {}. Wait until it is made, or send its PUT again.",
        cluster.id.name(),
        cluster.document.state
    );
    Err(ArmError::operation_not_allowed(&why).into())
}

/// Looks at a cluster.
pub(super) async fn send_to_look(call: &Call, snapshot: &mut Snapshot) -> Result<Errand, Refusal> {
    let cluster = made(call, snapshot).await?;
    Ok(look_at(call, &cluster))
}

/// Looks at this cluster.
pub(crate) fn look_at(call: &Call, cluster: &Stored) -> Errand {
    let watch = call.app.watch.clone();
    let (provider, deployment) = (provider_of(cluster).to_owned(), deployment_of(cluster).to_owned());
    Box::pin(async move { Ok(Fetched::Sight(watch.look_now(&provider, &deployment).await)) })
}

/// What was fetched is not what the operation needs: a mistake of ours.
pub(crate) fn nothing_fetched() -> Refusal {
    ArmError::internal_server_error("what an operation needs was not fetched").into()
}

/// How it is now.
pub(super) async fn check_health(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let cluster = made(call, snapshot).await?;
    let Some(Fetched::Sight(sight)) = &call.fetched else { return Err(nothing_fetched()) };
    Ok(Reply::json(200, health(sight, number_of(&cluster, "nodeCount"))))
}

/// Reads what a client needs to mount a cluster.
pub(super) async fn send_for_secrets(call: &Call, snapshot: &mut Snapshot) -> Result<Errand, Refusal> {
    let cluster = made(call, snapshot).await?;
    let name = provider_of(&cluster);
    let provider = call.app.providers.named(name).ok_or_else(|| {
        ArmError::operation_not_allowed(&format!("The provider '{name}' is not part of this control plane."))
    })?;
    let deployment = deployment_of(&cluster).to_owned();
    Ok(Box::pin(async move {
        let secrets = provider.secrets(&deployment).await.map_err(|error| {
            // What failed may name files of this machine.
            tracing::warn!(%error, "the secrets of a cluster cannot be read");
            ArmError::service_unavailable("The credentials cannot be read at the moment.", 2)
        })?;
        Ok(Fetched::Secrets(secrets))
    }))
}

/// What a client needs to mount it. It writes nothing but that somebody asked.
pub(super) async fn list_secrets(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    made(call, tx).await?;
    let Some(Fetched::Secrets(secrets)) = &call.fetched else { return Err(nothing_fetched()) };
    let body = json!({
        "clusterFile": secrets.cluster_file,
        "clientCredential": secrets.client_credential,
    });
    Ok(Reply::json(200, body))
}

/// The document that a PATCH is applied to.
pub(super) fn document(call: &Call, cluster: &Stored) -> Result<serde_json::Value, Refusal> {
    Ok(Reply::of(200, &envelope(call, cluster))?.body.unwrap_or_default())
}
