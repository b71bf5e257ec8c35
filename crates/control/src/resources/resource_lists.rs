//! Resources of whatever type, of a subscription or a group: those that have a location, and that the caller
//! may read.

use isobar_arm::filter::RESOURCES as WORDS;
use isobar_arm::paging::Paging;
use isobar_arm::{ResourceId, Timestamp};
use isobar_records::{ResourceFilter, Snapshot};
use serde_json::{Value, json};

use super::versions::RESOURCES;
use crate::admission::check;
use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};
use crate::table::{Answer, Display, Gate, Operation};

const SHOW: Display = Display::of("Resources", "Get resources", "Reads resources of all types.");
const ANSWERS: &[Answer] = &[Answer::of(200, "ResourceList", "Those that the caller may read.")];

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Resources_List", "/subscriptions/{subscriptionId}/resources")
            .command("resource list")
            .action("Microsoft.Resources/subscriptions/resources/read", SHOW)
            .gate(Gate::InSubscription)
            .versions(RESOURCES)
            .expanded()
            .answers(ANSWERS),
        read!(list),
    ),
    Row::new(
        Operation::get(
            "Resources_ListByResourceGroup",
            "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/resources",
        )
        .command("resource list")
        .action("Microsoft.Resources/subscriptions/resourceGroups/resources/read", SHOW)
        .gate(Gate::InSubscription)
        .versions(RESOURCES)
        .expanded()
        .answers(ANSWERS),
        read!(list),
    ),
];

/// Whether the caller may read a resource.
fn may_read(call: &Call, id: &ResourceId) -> bool {
    call.rights.allow(&format!("{}/read", id.resource_type()), id)
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let (filter, paging) = (call.filter(&WORDS)?, call.paging()?);
    let subscription = call.subscription()?.name().to_lowercase();
    let group = call.params.find("resourceGroupName").map(str::to_lowercase);
    if group.is_some() {
        // Whoever has no rights in a group is not told whether it is there.
        check(call, call.rights.reach(&call.target))?;
        Stored::get(snapshot, &call.target).await?;
    }
    let kind = filter.value_of("resourceType").map(str::to_lowercase);
    let rows = ResourceFilter {
        kind: kind.as_deref(),
        subscription: Some(&subscription),
        group_name: group.as_deref(),
        after: paging.after.as_deref(),
        ..ResourceFilter::default()
    };
    let show = |stored: &Stored| {
        let (id, document) = (&stored.id, &stored.document);
        let location = document.location.as_ref().map(|location| location.name());
        // A group has a location, too, and is no resource.
        id.namespace().is_some()
            && location.is_some()
            && filter.holds("resourceGroup", id.group())
            && filter.holds("resourceType", [id.resource_type().as_str()])
            && filter.holds("name", [id.name()])
            && filter.holds("location", location)
            && filter.holds_for_tags(document.tags.iter().flat_map(|tags| tags.iter()))
            && may_read(call, id)
    };
    let found = gather(snapshot, &rows, paging.fetch(), show).await?;
    let expand = call.request.query.get("$expand").unwrap_or_default().to_lowercase();
    let key = |stored: &Stored| stored.id.key().to_owned();
    call.page(&paging, found, key, |stored| document(stored, &expand))
}

/// A page of one kind of resource, of the subscription or the group that the path names: those for which the
/// caller is allowed this action.
pub(crate) async fn list_of(
    call: &Call,
    snapshot: &mut Snapshot,
    kind: &str,
    action: &str,
) -> Result<(Paging, Vec<Stored>), Refusal> {
    let paging = call.paging()?;
    let subscription = call.subscription()?.name().to_lowercase();
    let group = call.params.find("resourceGroupName").map(str::to_lowercase);
    if group.is_some() {
        Stored::get(snapshot, &call.target).await?;
    }
    let rows = ResourceFilter {
        kind: Some(kind),
        subscription: Some(&subscription),
        group_name: group.as_deref(),
        after: paging.after.as_deref(),
        ..ResourceFilter::default()
    };
    let found = gather(snapshot, &rows, paging.fetch(), |one| call.rights.allow(action, &one.id)).await?;
    Ok((paging, found))
}

/// As a list has it: without its properties, and with what was asked for beside.
fn document(stored: &Stored, expand: &str) -> Result<Value, Refusal> {
    let mut map = stored.settled()?;
    map.remove("properties");
    let time = |ms| json!(Timestamp::from_millis(ms));
    for (name, value) in [
        ("createdTime", time(stored.times_ms.0)),
        ("changedTime", time(stored.times_ms.1)),
        ("provisioningState", json!(stored.document.state)),
    ] {
        if expand.split(',').any(|asked| asked.trim().eq_ignore_ascii_case(name)) {
            map.insert(name.to_owned(), value);
        }
    }
    Ok(Value::Object(map))
}
