//! Resource groups.
//!
//! A group that is being deleted takes nothing new. Its deletion is a workflow (`group_deletion`): the answer
//! is 202 with a `Location` that is asked until it is no longer 202.

use isobar_arm::filter::RESOURCE_GROUPS;
use isobar_arm::{ArmError, Body, ProvisioningState, Shape, names, patch_resource, read_body};
use isobar_records::{NewOperation, RecordsError, ResourceFilter, Snapshot, Tx};
use isobar_workflow::WorkflowError;
use serde_json::{Value, json};

use super::clusters::check_group;
use super::group_deletion::WORKFLOW;
use super::places::check_location;
use super::reservations;
use super::scopes::check_living;
use super::versions::RESOURCES;
use crate::call::{Call, object};
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::limits::{GROUPS_MAX, POLL_AFTER_S};
use crate::refusal::Refusal;
use crate::store::{Document, GROUP_KIND, Stored, gather};
use crate::table::{Answer, Command, Display, Gate, Operation};

const ALL: &str = "/subscriptions/{subscriptionId}/resourceGroups";
const ONE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}";
const READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";
const WRITE: &str = "Microsoft.Resources/subscriptions/resourceGroups/write";
const DELETE: &str = "Microsoft.Resources/subscriptions/resourceGroups/delete";
const SHOW: Display = Display::of("Resource groups", "Get resource groups", "Reads resource groups.");
const CHANGE: Display =
    Display::of("Resource groups", "Create or update resource group", "Makes or changes a resource group.");
const TAKE_AWAY: Display = Display::of(
    "Resource groups",
    "Delete resource group",
    "Deletes a resource group and everything that is in it.",
);

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("ResourceGroups_List", ALL)
            .command("group list")
            .action(READ, SHOW)
            .gate(Gate::InSubscription)
            .versions(RESOURCES)
            .filtered()
            .answers(&[Answer::of(200, "ResourceGroupList", "Those that the caller may read.")]),
        read!(list),
    ),
    Row::new(
        Operation::get("ResourceGroups_Get", ONE)
            .command("group show")
            .action(READ, SHOW)
            .versions(RESOURCES)
            .answers(&[Answer::of(200, "ResourceGroup", "The group.")]),
        read!(get),
    )
    .exists("ResourceGroups_CheckExistence", Command::Words("group exists")),
    Row::new(
        Operation::put("ResourceGroups_CreateOrUpdate", ONE)
            .command("group create")
            .action(WRITE, CHANGE)
            .versions(RESOURCES)
            .tracked()
            .takes("ResourceGroup")
            .answers(&[
                Answer::of(200, "ResourceGroup", "It was changed."),
                Answer::of(201, "ResourceGroup", "It was made."),
            ]),
        write!(put),
    ),
    Row::new(
        Operation::patch("ResourceGroups_Update", ONE)
            .command("group update")
            .action(WRITE, CHANGE)
            .versions(RESOURCES)
            .takes("ResourceGroupPatch")
            .answers(&[Answer::of(200, "ResourceGroup", "It was changed.")]),
        write!(patch),
    ),
    Row::new(
        Operation::delete("ResourceGroups_Delete", ONE)
            .command("group delete")
            .action(DELETE, TAKE_AWAY)
            .versions(RESOURCES)
            .long_running()
            .answers(&[Answer::empty(202, "It is being deleted.")]),
        write!(delete),
    ),
];

const SHAPE: Shape = Shape { tracked: true, sku: false, zones: false, identity: false, read_only: &[] };

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let (filter, paging) = (call.filter(&RESOURCE_GROUPS)?, call.paging()?);
    let subscription = call.subscription()?.name().to_lowercase();
    let rows = ResourceFilter {
        kind: Some(GROUP_KIND),
        subscription: Some(&subscription),
        after: paging.after.as_deref(),
        ..ResourceFilter::default()
    };
    let show = |group: &Stored| {
        let document = &group.document;
        let location = document.location.as_ref().map(|location| location.name());
        call.rights.allow(READ, &group.id)
            && filter.holds("name", [group.id.name()])
            && filter.holds("location", location)
            && filter.holds_for_tags(document.tags.iter().flat_map(|tags| tags.iter()))
    };
    let found = gather(snapshot, &rows, paging.fetch(), show).await?;
    call.page(&paging, found, |group| group.id.key().to_owned(), json_of)
}

/// A group as a list has it.
fn json_of(group: &Stored) -> Result<Value, Refusal> {
    Ok(Reply::of(200, &group.envelope())?.body.unwrap_or_default())
}

async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    Stored::get(snapshot, &call.target).await?.reply(200)
}

fn body_of(call: &Call, body: &Value) -> Result<Body<()>, Refusal> {
    let body = read_body(body, &SHAPE, |_| Some(()))?;
    check_location(call, body.location.as_ref(), "Microsoft.Resources/resourceGroups")?;
    Ok(body)
}

async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    names::check_resource_group(call.target.name())?;
    let body = body_of(call, &call.json()?)?;
    let stored = Stored::hold(tx, &call.target).await?;
    call.check_conditions(stored.as_ref())?;
    match stored {
        Some(stored) => change(call, tx, stored, body).await?.reply(200),
        None => create(call, tx, body).await?.reply(201),
    }
}

async fn create(call: &Call, tx: &mut Tx, body: Body<()>) -> Result<Stored, Refusal> {
    let subscription = call.subscription()?.name().to_lowercase();
    let filter = ResourceFilter {
        kind: Some(GROUP_KIND),
        subscription: Some(&subscription),
        ..ResourceFilter::default()
    };
    if tx.count_resources(&filter).await? >= GROUPS_MAX {
        let message =
            format!("The subscription has {GROUPS_MAX} resource groups, which is as many as it may have.");
        return Err(ArmError::new(409, "ResourceGroupQuotaExceeded", message).into());
    }
    let mut document = Document::new(call.author().creates(), object([]));
    document.location = body.location;
    document.tags = Some(body.tags);
    Stored::create(tx, &call.target, document).await
}

async fn change(call: &Call, tx: &mut Tx, mut group: Stored, body: Body<()>) -> Result<Stored, Refusal> {
    check_living(&group)?;
    if let (Some(is), Some(asked)) = (&group.document.location, &body.location)
        && is != asked
    {
        return Err(ArmError::invalid_resource_group_location(is.name(), asked.name()).into());
    }
    group.document.tags = Some(body.tags);
    group.save(tx, call.author()).await
}

async fn patch(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let group = Stored::hold(tx, &call.target).await?.ok_or_else(|| call.target.not_found())?;
    call.check_conditions(Some(&group))?;
    let mut body = json_of(&group)?;
    patch_resource(&mut body, &call.json()?)?;
    let body = body_of(call, &body)?;
    change(call, tx, group, body).await?.reply(200)
}

async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let mut group = Stored::hold(tx, &call.target).await?.ok_or_else(|| call.target.not_found())?;
    call.check_conditions(Some(&group))?;
    if group.document.state != ProvisioningState::Deleting {
        check_group(call, tx, &group).await?;
        reservations::check_group(call, tx, &group).await?;
    }
    let location = group.document.location.as_ref().map_or("local", |location| location.name()).to_owned();
    let new = NewOperation {
        target: group.id.key().to_owned(),
        kind: WORKFLOW.to_owned(),
        subscription: call.subscription()?.name().to_lowercase(),
        location: location.clone(),
        input: json!({"id": group.id, "caller": call.caller.app_id}),
        correlation: call.request.correlation.clone(),
        principal: call.caller.object_id.clone(),
        ..NewOperation::default()
    };
    let operation = match call.app.engine.start(tx, new).await {
        Ok(operation) => operation.id,
        // To ask for the same again is to ask how it goes.
        Err(WorkflowError::Records(RecordsError::Busy { operation, .. }))
            if group.document.state == ProvisioningState::Deleting =>
        {
            operation
        }
        Err(error) => return Err(error.into()),
    };
    if group.document.state != ProvisioningState::Deleting {
        group.document.state = ProvisioningState::Deleting;
        group.save(tx, call.author()).await?;
    }
    let reply = Reply { retry_after_s: Some(POLL_AFTER_S), started: true, ..Reply::empty(202) };
    Ok(reply.header("location", call.operation_url("operationResults", &location, &operation)))
}
