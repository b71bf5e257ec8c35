//! How operations stand that go on after their request was answered.
//!
//! `operationStatuses` is always 200, with the status in the body. `operationResults`, where a `Location`
//! leads, is 202 until it has ended, and then the resource that was asked for: the node that was restarted,
//! say. Whoever asked for an operation may look, and whoever may read what it works on: somebody with a role
//! in one group can see the end of what he began there, also when the role has gone with the group. So
//! anybody who has logged in gets as far as here.

use isobar_arm::{ArmError, OperationStatus, ResourceId, Timestamp};
use isobar_records::{Operation as Work, Snapshot, Status, Tx};
use serde_json::Value;

use super::{clusters, nodes};
use crate::admission::check;
use crate::call::Call;
use crate::clusters::{CLUSTER_KIND, NODE_KIND};
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::limits::POLL_AFTER_S;
use crate::refusal::Refusal;
use crate::store::Stored;
use crate::subscription::State;
use crate::table::{Answer, Display, Gate, Operation, Versions};
use crate::workflows::{CREATE, REPLACE, RESTART};

const STATUS: &str = "/subscriptions/{subscriptionId}/providers/Isobar.Storage/locations/{location}/operationStatuses/{operationId}";
const CANCEL: &str = "/subscriptions/{subscriptionId}/providers/Isobar.Storage/locations/{location}/operationStatuses/{operationId}/cancel";
const READ: &str = "Isobar.Storage/locations/operationStatuses/read";
const RESULT: &str = "/subscriptions/{subscriptionId}/providers/Isobar.Storage/locations/{location}/operationResults/{operationId}";

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("OperationStatuses_Get", STATUS)
            .command("operation show")
            .action(
                READ,
                Display::of("Operations", "Get status of an operation", "Reads how an operation stands."),
            )
            .gate(Gate::LoggedIn)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "OperationStatus", "How it stands.")]),
        read!(status),
    ),
    Row::new(
        Operation::post("OperationStatuses_Cancel", CANCEL)
            .command("operation cancel")
            .action(
                "Isobar.Storage/locations/operationStatuses/cancel/action",
                Display::of(
                    "Operations",
                    "Cancel operation",
                    "Ends an operation, and undoes what it has done.",
                ),
            )
            .gate(Gate::LoggedIn)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "OperationStatus", "It will end, unless it is done before.")]),
        write!(cancel),
    ),
    Row::new(
        Operation::get("OperationResults_Get", RESULT)
            .command("operation result")
            .action(
                "Isobar.Storage/locations/operationResults/read",
                Display::of("Operations", "Get result of an operation", "Reads what came of an operation."),
            )
            .gate(Gate::LoggedIn)
            .versions(Versions::Ours)
            .answers(&[
                Answer::of(200, "Resource", "It is done. The body is the resource, if there is one to show."),
                Answer::empty(202, "It has not ended."),
            ]),
        read!(result),
    ),
];

/// The operation that the path names, if the caller may see it.
async fn find(call: &Call, snapshot: &mut Snapshot) -> Result<Work, Refusal> {
    let not_found = || ArmError::not_found("The operation");
    // The gate has not looked at the subscription.
    let subscription = Stored::get(snapshot, &call.subscription()?).await?;
    State::of(&subscription).check(subscription.id.name(), false)?;
    let id = call.params.get("operationId").to_lowercase();
    let work = snapshot.operation(&id).await?.ok_or_else(not_found)?;
    let location = call.params.get("location");
    if work.subscription != subscription.id.name().to_lowercase()
        || !work.location.eq_ignore_ascii_case(location)
    {
        return Err(not_found().into());
    }
    let target = ResourceId::parse(&work.target)?;
    // Whoever may not cancel it may still be told that it is there.
    let may = work.principal == call.caller.object_id || call.rights.allow(READ, &target);
    if may { Ok(work) } else { Err(not_found().into()) }
}

/// What went wrong, as it was kept.
fn error_of(work: &Work) -> ArmError {
    let kept = work.error.clone().and_then(|error| serde_json::from_value(error).ok());
    kept.unwrap_or_else(|| ArmError::new(500, "OperationFailed", &work.message))
}

/// What was asked for, as it was written where the workflow was told: a node, say, while it is its cluster
/// that nobody else may work on.
fn resource_of(work: &Work) -> Result<ResourceId, Refusal> {
    let written = work.input.get("id").and_then(Value::as_str).unwrap_or(&work.target);
    Ok(ResourceId::parse(written).or_else(|_| ResourceId::parse(&work.target))?)
}

fn document(call: &Call, work: &Work) -> Result<OperationStatus, Refusal> {
    let id = format!(
        "{}/providers/Isobar.Storage/locations/{}/operationStatuses/{}",
        call.subscription()?,
        work.location,
        work.id
    );
    let began = Timestamp::from_millis(work.created_ms);
    let accepted = OperationStatus::accepted(ResourceId::parse(&id)?, resource_of(work).ok(), began);
    let ended = Timestamp::from_millis(work.ended_ms.unwrap_or(work.changed_ms));
    let percent = u8::try_from(work.percent.clamp(0, 100)).unwrap_or_default();
    Ok(match work.status {
        Status::Accepted => accepted,
        Status::Running if work.cancel_wanted => accepted.in_progress(percent).canceling(),
        Status::Running => accepted.in_progress(percent),
        Status::Succeeded => accepted.succeeded(ended, None),
        Status::Failed => accepted.failed(ended, error_of(work)),
        Status::Canceled => accepted.canceled(ended),
    })
}

/// What is cancelled by whoever may change the cluster. A deletion that has begun goes on to its end.
async fn cancel(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let work = find(call, tx).await?;
    check(call, call.rights.allow("Isobar.Storage/clusters/write", &ResourceId::parse(&work.target)?))?;
    if ![CREATE, RESTART, REPLACE].contains(&work.kind.as_str()) {
        let why = "The operation cannot be cancelled: what is being deleted is gone in part.";
        return Err(ArmError::operation_not_allowed(why).into());
    }
    let work = call.app.engine.cancel_in(tx, &work.id).await?;
    let reply = Reply::of(200, &document(call, &work)?)?;
    Ok(Reply { retry_after_s: Some(POLL_AFTER_S), started: true, ..reply })
}

async fn status(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let work = find(call, snapshot).await?;
    let mut status = document(call, &work)?;
    if !work.status.is_terminal() && !work.message.is_empty() {
        status.properties = Some(serde_json::json!({"message": work.message}));
    }
    let reply = Reply::of(200, &status)?;
    Ok(Reply { retry_after_s: (!work.status.is_terminal()).then_some(POLL_AFTER_S), ..reply })
}

/// What an operation has left, if the caller may still read it: it may be another one of the same name.
async fn shown(call: &Call, snapshot: &mut Snapshot, target: &ResourceId) -> Result<Reply, Refusal> {
    let may = call.rights.allow(&format!("{}/read", target.resource_type()), target);
    match Stored::find(snapshot, target).await?.filter(|_| may) {
        Some(stored) => match &*stored.id.resource_type().to_ascii_lowercase() {
            CLUSTER_KIND => clusters::reply(call, &stored, 200),
            NODE_KIND => {
                let cluster = stored.id.parent().ok_or_else(|| stored.id.not_found())?;
                nodes::reply(call, &Stored::get(snapshot, &cluster).await?, &stored)
            }
            _ => stored.reply(200),
        },
        None => Ok(Reply::empty(200)),
    }
}

async fn result(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let work = find(call, snapshot).await?;
    match work.status {
        Status::Accepted | Status::Running => {
            let url = call.operation_url("operationResults", &work.location, &work.id);
            let reply = Reply { retry_after_s: Some(POLL_AFTER_S), ..Reply::empty(202) };
            Ok(reply.header("location", url))
        }
        Status::Succeeded => shown(call, snapshot, &resource_of(&work)?).await,
        Status::Failed | Status::Canceled => {
            let error = error_of(&work);
            Ok(Reply { status: 409, ..Reply::refusal(&error) })
        }
    }
}
