//! Deleting clusters: by themselves, and with their group.

use isobar_arm::{ArmError, ProvisioningState};
use isobar_records::{RecordsError, ResourceFilter, Snapshot, Tx};
use isobar_workflow::WorkflowError;

use super::write::{started, write_of};
use crate::call::Call;
use crate::clusters::{CLUSTER_KIND, deployment_of, is_protected, provider_of};
use crate::http::Reply;
use crate::limits::POLL_AFTER_S;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};
use crate::workflows::{DELETE, Work};

/// What a workflow on a cluster is given, as its deletion is: by itself alone.
pub(crate) fn work_of(cluster: &Stored, caller: &str) -> Work {
    Work {
        id: cluster.id.clone(),
        caller: caller.to_owned(),
        provider: provider_of(cluster).to_owned(),
        deployment: deployment_of(cluster).to_owned(),
        plan: None,
        node: None,
        load: None,
    }
}

fn protected(message: String) -> Refusal {
    ArmError::new(409, "DeletionProtected", message).into()
}

/// Deletes one.
pub(super) async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let Some(mut cluster) = Stored::hold(tx, &call.target).await? else { return Ok(Reply::empty(204)) };
    call.check_conditions(Some(&cluster))?;
    let is_going = cluster.document.state == ProvisioningState::Deleting;
    if !is_going && is_protected(&cluster) {
        return Err(protected(format!(
            "The cluster '{}' is protected: with it its files would be lost. To delete it all the same, set \
             properties.deletionProtection to false first.",
            cluster.id.name()
        )));
    }
    let write = write_of(call, &cluster)?;
    let work = work_of(&cluster, &call.caller.app_id);
    let operation = match call.app.engine.start(tx, work.operation(DELETE, &write)).await {
        Ok(operation) => operation.id,
        // To ask for the same again is to ask how it goes.
        Err(WorkflowError::Records(RecordsError::Busy { operation, .. })) if is_going => operation,
        Err(error) => return Err(error.into()),
    };
    if !is_going {
        cluster.document.state = ProvisioningState::Deleting;
        cluster.save(tx, call.author()).await?;
    }
    let reply = Reply { retry_after_s: Some(POLL_AFTER_S), ..Reply::empty(202) };
    let reply = reply.header("location", call.operation_url("operationResults", &write.location, &operation));
    Ok(started(call, &write, &operation, reply))
}

/// The clusters of a group.
pub(crate) async fn clusters_of_group(
    snapshot: &mut Snapshot,
    subscription: &str,
    group: &str,
) -> Result<Vec<Stored>, Refusal> {
    let (subscription, group) = (subscription.to_lowercase(), group.to_lowercase());
    let filter = ResourceFilter {
        kind: Some(CLUSTER_KIND),
        subscription: Some(&subscription),
        group_name: Some(&group),
        ..ResourceFilter::default()
    };
    gather(snapshot, &filter, usize::MAX, |_| true).await
}

/// Refuses to delete a group with clusters that are protected. Whoever makes or changes a cluster holds its
/// group, and so does the caller.
pub(crate) async fn check_group(call: &Call, tx: &mut Tx, group: &Stored) -> Result<(), Refusal> {
    let subscription = call.subscription()?.name().to_owned();
    let clusters = clusters_of_group(tx, &subscription, group.id.name()).await?;
    let names: Vec<&str> =
        clusters.iter().filter(|cluster| is_protected(cluster)).map(|cluster| cluster.id.name()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(protected(format!(
        "The resource group '{}' has protected clusters, whose files would be lost: {}. To delete it all the same, \
         set properties.deletionProtection of each to false first.",
        group.id.name(),
        names.join(", ")
    )))
}
