//! Role assignments: who has which role where. What comes of them is in `access`.
//!
//! An assignment never changes: a PUT that says something else of it is refused. The last owner of the tenant
//! stays, so that there is always somebody who can give rights.

use isobar_arm::filter::ROLE_ASSIGNMENTS as WORDS;
use isobar_arm::{ArmError, ResourceId, Shape, Timestamp, names, read_body};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde_json::{Map, Value, json};

use super::role_definitions::id_at;
use super::scopes::hold_scope;
use super::versions::ROLE_ASSIGNMENTS;
use crate::access::{ASSIGNMENT_KIND, OWNER, Role};
use crate::call::{Call, object};
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::identity::Principal;
use crate::limits::{ASSIGNMENTS_MAX, NOTES_CHARS_MAX};
use crate::refusal::Refusal;
use crate::store::{Document, Stored, gather};
use crate::table::{Answer, Command, Display, Operation};

const ALL: &str = "/{scope}/providers/Microsoft.Authorization/roleAssignments";
const ONE: &str = "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}";
const READ: &str = "Microsoft.Authorization/roleAssignments/read";
const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";
const SHOW: Display = Display::of("Role assignments", "Get role assignments", "Reads who has which role.");
const CHANGE: Display = Display::of("Role assignments", "Create role assignment", "Gives somebody a role.");
const TAKE_AWAY: Display =
    Display::of("Role assignments", "Delete role assignment", "Takes a role from somebody.");

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("RoleAssignments_List", ALL)
            .command("role assignment list")
            .action(READ, SHOW)
            .versions(ROLE_ASSIGNMENTS)
            .filtered()
            .answers(&[Answer::of(
                200,
                "RoleAssignmentList",
                "Those of the scope, and those that it inherits.",
            )]),
        read!(list),
    ),
    Row::new(
        Operation::get("RoleAssignments_Get", ONE)
            .command("role assignment show")
            .action(READ, SHOW)
            .versions(ROLE_ASSIGNMENTS)
            .answers(&[Answer::of(200, "RoleAssignment", "The assignment.")]),
        read!(get),
    )
    .exists("RoleAssignments_CheckExistence", Command::Words("role assignment exists")),
    Row::new(
        Operation::put("RoleAssignments_Create", ONE)
            .command("role assignment create")
            .action(WRITE, CHANGE)
            .versions(ROLE_ASSIGNMENTS)
            .takes("RoleAssignment")
            .answers(&[
                Answer::of(200, "RoleAssignment", "It was there already."),
                Answer::of(201, "RoleAssignment", "It was made."),
            ]),
        write!(put),
    ),
    Row::new(
        Operation::delete("RoleAssignments_Delete", ONE)
            .command("role assignment delete")
            .action(DELETE, TAKE_AWAY)
            .versions(ROLE_ASSIGNMENTS)
            .answers(&[
                Answer::of(200, "RoleAssignment", "It is gone. This is what it was."),
                Answer::empty(204, "It was not there."),
            ]),
        write!(delete),
    ),
];

const SHAPE: Shape = Shape {
    tracked: false,
    sku: false,
    zones: false,
    identity: false,
    // A condition is not among them: to leave it out would give more than was asked for.
    read_only: &["scope", "createdOn", "updatedOn", "createdBy", "updatedBy"],
};

fn id_of(call: &Call) -> Result<ResourceId, Refusal> {
    let name = call.params.get("roleAssignmentName");
    Ok(call.target.resource("Microsoft.Authorization", "roleAssignments", name)?)
}

fn filter(subscription: &str) -> ResourceFilter<'_> {
    ResourceFilter {
        kind: Some(ASSIGNMENT_KIND),
        subscription: Some(subscription),
        ..ResourceFilter::default()
    }
}

/// The role of an assignment.
fn role_of(stored: &Stored) -> Option<&'static Role> {
    Role::of_definition(stored.text("roleDefinitionId"))
}

/// As ARM answers: with its times among the properties, and the role's id as whoever asks sees it. `az` looks
/// for it among the roles that it has listed in the same place.
fn document(call: &Call, stored: &Stored) -> Result<Value, Refusal> {
    let mut map = stored.settled()?;
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        let made = json!(Timestamp::from_millis(stored.times_ms.0));
        let by = json!(stored.document.system_data.created_by);
        let role =
            role_of(stored).map(|role| ("roleDefinitionId".to_owned(), json!(id_at(&call.target, role))));
        properties.extend(role);
        for (name, value) in
            [("createdOn", &made), ("updatedOn", &made), ("createdBy", &by), ("updatedBy", &by)]
        {
            properties.insert(name.to_owned(), value.clone());
        }
    }
    Ok(Value::Object(map))
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let (conditions, paging) = (call.filter(&WORDS)?, call.paging()?);
    let of_principal = conditions.value_of("principalId");
    let at_scope = conditions.calls("atScope");
    let show = |stored: &Stored| {
        let fits = of_principal.is_none_or(|id| stored.text("principalId").eq_ignore_ascii_case(id));
        fits && stored
            .id
            .scope()
            .is_some_and(|scope| call.target.is_within(&scope) || !at_scope && scope.is_within(&call.target))
    };
    // Those of the tenant come first: their ids begin with a smaller letter than those of subscriptions.
    let subscription = call.target.subscription().unwrap_or_default().to_lowercase();
    let mut places = vec![String::new(), subscription];
    places.dedup();
    let mut found = Vec::new();
    for place in &places {
        let rows = ResourceFilter { after: paging.after.as_deref(), ..filter(place) };
        found.extend(gather(snapshot, &rows, paging.fetch() - found.len(), show).await?);
        if found.len() == paging.fetch() {
            break;
        }
    }
    call.page(&paging, found, |stored| stored.id.key().to_owned(), |stored| document(call, stored))
}

async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let stored = Stored::find(snapshot, &id_of(call)?).await?.ok_or_else(|| not_found(call))?;
    Ok(Reply { etag: Some(stored.etag()), ..Reply::json(200, document(call, &stored)?) })
}

fn not_found(call: &Call) -> ArmError {
    let name = call.params.get("roleAssignmentName");
    ArmError::new(404, "RoleAssignmentNotFound", format!("The role assignment '{name}' is not found."))
}

/// What a body says: the role, the principal, and what people noted.
fn read_assignment(body: &Value) -> Result<(&'static Role, String, Option<String>), ArmError> {
    let body = read_body(body, &SHAPE, |properties| {
        let role = properties.get("roleDefinitionId").required().string(1..=512);
        let principal = properties.get("principalId").required().name(&names::GUID);
        properties.get("principalType").string(1..=64);
        let description = properties.get("description").string(0..=NOTES_CHARS_MAX).map(str::to_owned);
        Some((role?.to_owned(), principal?.to_owned(), description))
    })?;
    let (role, principal, description) = body.properties;
    let known = Role::of_definition(&role).ok_or_else(|| {
        let message = format!("The specified role definition with ID '{role}' does not exist.");
        ArmError::new(404, "RoleDefinitionDoesNotExist", message)
    })?;
    Ok((known, principal, description))
}

async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let id = id_of(call)?;
    if !names::is_guid(id.name()) {
        let message = "The role assignment ID has to be a GUID.";
        return Err(ArmError::new(400, "InvalidRoleAssignmentId", message).into());
    }
    let (role, principal, description) = read_assignment(&call.json()?)?;
    hold_scope(tx, &call.target).await?;
    let stored = Stored::hold(tx, &id).await?;
    call.check_conditions(stored.as_ref())?;
    if let Some(stored) = stored {
        let same =
            stored.text("principalId").eq_ignore_ascii_case(&principal) && role_of(&stored) == Some(role);
        if !same {
            let message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
            return Err(ArmError::new(400, "RoleAssignmentUpdateNotPermitted", message).into());
        }
        return Ok(Reply { etag: Some(stored.etag()), ..Reply::json(200, document(call, &stored)?) });
    }
    let stored = create(call, tx, &id, (role, &principal, description)).await?;
    Ok(Reply { etag: Some(stored.etag()), ..Reply::json(201, document(call, &stored)?) })
}

async fn create(
    call: &Call,
    tx: &mut Tx,
    id: &ResourceId,
    (role, principal, description): (&'static Role, &str, Option<String>),
) -> Result<Stored, Refusal> {
    let Some(principal) = Principal::by_object_id(tx, principal).await? else {
        let message = format!("Principal {principal} does not exist in the directory.");
        return Err(ArmError::new(400, "PrincipalNotFound", message).into());
    };
    let place = call.target.subscription().unwrap_or_default().to_lowercase();
    let of_place = filter(&place);
    if tx.count_resources(&of_place).await? >= ASSIGNMENTS_MAX {
        let message = "No more role assignments can be created.";
        return Err(ArmError::new(400, "RoleAssignmentLimitExceeded", message).into());
    }
    let same = |stored: &Stored| {
        stored.id.scope().as_ref() == Some(&call.target)
            && stored.text("principalId") == principal.object_id
            && stored.text("roleDefinitionId").ends_with(role.id)
    };
    if !gather(tx, &of_place, 1, same).await?.is_empty() {
        let message = "The role assignment already exists.";
        return Err(ArmError::new(409, "RoleAssignmentExists", message).into());
    }
    let mut properties: Map<String, Value> = object([
        ("roleDefinitionId", json!(id_at(&call.target, role))),
        ("principalId", json!(principal.object_id)),
        ("principalType", json!("ServicePrincipal")),
        ("scope", json!(call.target)),
    ]);
    properties.extend(description.map(|description| ("description".to_owned(), json!(description))));
    Stored::create(tx, id, Document::new(call.author().creates(), properties)).await
}

async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let id = id_of(call)?;
    let stored = Stored::hold(tx, &id).await?;
    call.check_conditions(stored.as_ref())?;
    let Some(stored) = stored else { return Ok(Reply::empty(204)) };
    let owns_all = |stored: &Stored| {
        stored.id.scope() == Some(ResourceId::tenant()) && stored.text("roleDefinitionId").ends_with(OWNER.id)
    };
    if owns_all(&stored) && !has_another(tx, &id, owns_all).await? {
        let message = "The last owner of the tenant stays: make somebody else one first.";
        return Err(ArmError::new(409, "LastOwnerOfTenant", message).into());
    }
    tx.delete_resource(id.key(), Some(stored.revision)).await?;
    Ok(Reply::json(200, document(call, &stored)?))
}

/// Whether there is another assignment of the tenant like this, which stays until the transaction ends: two
/// that are the last ones are not taken away at the same time.
async fn has_another(
    tx: &mut Tx,
    id: &ResourceId,
    is_like: impl Fn(&Stored) -> bool,
) -> Result<bool, Refusal> {
    for other in gather(tx, &filter(""), usize::MAX, is_like).await? {
        if other.id != *id && Stored::hold(tx, &other.id).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
