//! The directory: service principals, in the form of Microsoft Graph as far as `az` asks for it, with what it
//! takes to make one and give it a secret.
//!
//! Who makes principals and secrets can become any of them, so only owners of the tenant may: the actions are
//! in `Microsoft.Authorization`, which Contributor leaves out. Where Graph has its applications apart from
//! service principals, here they are one.

use isobar_arm::{ArmError, Fields, Problems, ResourceId, names};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde_json::{Value, json};

use crate::access::ASSIGNMENT_KIND;
use crate::call::Call;
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::identity::{Federation, Principal};
use crate::limits::{DIRECTORY_IDS_MAX, DISPLAY_NAME_CHARS_MAX};
use crate::random::uuid;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};
use crate::table::{Answer, Display, Gate, Operation, Parameter};

const ALL: &str = "/v1.0/servicePrincipals";
const ONE: &str = "/v1.0/servicePrincipals/{objectId}";
const READ: &str = "Microsoft.Authorization/servicePrincipals/read";
const WRITE: &str = "Microsoft.Authorization/servicePrincipals/write";
const DELETE: &str = "Microsoft.Authorization/servicePrincipals/delete";
const SECRETS: &str = "Microsoft.Authorization/servicePrincipals/secrets/write";
const SHOW: Display = Display::of("Service principals", "Get service principals", "Reads who can log in.");
const CHANGE: Display =
    Display::of("Service principals", "Create service principal", "Makes somebody who can log in.");
const TAKE_AWAY: Display = Display::of(
    "Service principals",
    "Delete service principal",
    "Takes away a service principal and its roles.",
);
const CHANGE_SECRETS: Display = Display::of(
    "Service principals",
    "Change secrets",
    "Adds a secret to a service principal, or takes one away.",
);
/// Characters of an id that is asked for.
const ID_CHARS_MAX: usize = 120;
const FILTER: &[Parameter] = &[Parameter {
    name: "$filter",
    description: "appId eq '…', displayName eq '…' or startswith(displayName,'…').",
}];

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::post("DirectoryObjects_GetByIds", "/v1.0/directoryObjects/getByIds")
            .for_programs("clients put names to ids with it; people list principals")
            .action(READ, SHOW)
            .gate(Gate::LoggedIn)
            .takes("DirectoryIds")
            .answers(&[Answer::of(200, "DirectoryObjectList", "Those of them that there are.")]),
        read!(by_ids),
    ),
    Row::new(
        Operation::get("ServicePrincipals_List", ALL)
            .command("principal list")
            .action(READ, SHOW)
            .gate(Gate::LoggedIn)
            .query(FILTER)
            .answers(&[Answer::of(200, "DirectoryObjectList", "The service principals.")]),
        read!(list),
    ),
    Row::new(
        Operation::get("ServicePrincipals_Get", ONE)
            .command("principal show")
            .action(READ, SHOW)
            .gate(Gate::LoggedIn)
            .answers(&[Answer::of(200, "DirectoryObject", "The service principal.")]),
        read!(get),
    ),
    Row::new(
        Operation::post("ServicePrincipals_Create", ALL)
            .command("principal create")
            .action(WRITE, CHANGE)
            .gate(Gate::AllowedInTenant)
            .takes("NewServicePrincipal")
            .answers(&[Answer::of(201, "DirectoryObject", "It was made.")]),
        write!(create),
    ),
    Row::new(
        Operation::delete("ServicePrincipals_Delete", ONE)
            .command("principal delete")
            .action(DELETE, TAKE_AWAY)
            .gate(Gate::AllowedInTenant)
            .answers(&[Answer::empty(204, "It is gone, or was not there.")]),
        write!(delete),
    ),
    Row::new(
        Operation::post("ServicePrincipals_AddPassword", "/v1.0/servicePrincipals/{objectId}/addPassword")
            .command("principal secret create")
            .action(SECRETS, CHANGE_SECRETS)
            .gate(Gate::AllowedInTenant)
            .answers(&[Answer::of(200, "NewSecret", "The secret. It is shown this once.")]),
        write!(add_secret),
    ),
    Row::new(
        Operation::post(
            "ServicePrincipals_RemovePassword",
            "/v1.0/servicePrincipals/{objectId}/removePassword",
        )
        .command("principal secret delete")
        .action(SECRETS, CHANGE_SECRETS)
        .gate(Gate::AllowedInTenant)
        .takes("SecretId")
        .answers(&[Answer::empty(204, "It is gone.")]),
        write!(remove_secret),
    ),
];

fn not_found(id: &str) -> ArmError {
    let message = format!(
        "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
    );
    ArmError::new(404, "Request_ResourceNotFound", message)
}

/// A principal, with the names of its secrets for whoever may look at all of them.
fn document(call: &Call, principal: &Principal) -> Value {
    principal.document(call.rights.allow(READ, &ResourceId::tenant()))
}

fn list_of<'p>(call: &Call, principals: impl Iterator<Item = &'p Principal>) -> Reply {
    let value: Vec<Value> = principals.map(|principal| document(call, principal)).collect();
    Reply::json(200, json!({"value": value}))
}

async fn by_ids(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let body = call.json()?;
    let problems = Problems::new();
    let ids: Vec<&str> = {
        let fields = Fields::root(&body, &problems);
        // Of what type they are: there is only one here.
        fields.ignore(&["types"]);
        let ids = fields.get("ids").required().list(0..=usize::MAX).unwrap_or_default();
        ids.into_iter().filter_map(|id| id.string(0..=ID_CHARS_MAX)).collect()
    };
    problems.into_result()?;
    if ids.len() > DIRECTORY_IDS_MAX {
        let why = format!("At most {DIRECTORY_IDS_MAX} ids can be asked for at a time.");
        return Err(ArmError::new(400, "Request_BadRequest", why).into());
    }
    let all = Principal::all(snapshot).await?;
    let asked = |principal: &&Principal| ids.iter().any(|id| id.eq_ignore_ascii_case(&principal.object_id));
    Ok(list_of(call, all.iter().filter(asked)))
}

/// What stands in front of the closing quote. A doubled one is a quote that is meant.
fn unquoted(text: &str) -> String {
    let mut parts = text.split('\'');
    let mut wanted = parts.next().unwrap_or_default().to_owned();
    while parts.next() == Some("")
        && let Some(more) = parts.next()
    {
        wanted = wanted + "'" + more;
    }
    wanted
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let all = Principal::all(snapshot).await?;
    let Some(filter) = call.request.query.get("$filter").filter(|filter| !filter.trim().is_empty()) else {
        return Ok(list_of(call, all.iter()));
    };
    // Whatever the condition is written like, what is looked for stands in quotes.
    let (words, quoted) = filter.split_once('\'').unwrap_or_default();
    let words = words.to_lowercase();
    let is_known =
        ["appid", "serviceprincipalnames", "displayname", "id "].iter().any(|word| words.contains(word));
    let Some(wanted) = is_known.then(|| unquoted(quoted).to_lowercase()) else {
        return Err(ArmError::invalid_filter(filter, "Look for an appId or a displayName.").into());
    };
    let by_start = words.contains("startswith");
    let fits = |principal: &&Principal| match words.contains("displayname") {
        true if by_start => principal.display_name.to_lowercase().starts_with(&wanted),
        true => principal.display_name.to_lowercase() == wanted,
        false => [&principal.app_id, &principal.object_id].iter().any(|id| id.eq_ignore_ascii_case(&wanted)),
    };
    Ok(list_of(call, all.iter().filter(fits)))
}

/// The principal that the path names.
pub(super) async fn find(
    call: &Call,
    parameter: &str,
    snapshot: &mut Snapshot,
) -> Result<Principal, Refusal> {
    let id = call.params.get(parameter);
    Ok(Principal::by_object_id(snapshot, id).await?.ok_or_else(|| not_found(id))?)
}

async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    Ok(Reply::json(200, document(call, &find(call, "objectId", snapshot).await?)))
}

async fn create(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let body = call.json()?;
    let problems = Problems::new();
    let name = {
        let fields = Fields::root(&body, &problems);
        fields.get("displayName").required().string(1..=DISPLAY_NAME_CHARS_MAX)
    };
    problems.into_result()?;
    let ids = (uuid()?, uuid()?);
    let made = Principal::create(tx, ids, name.unwrap_or_default(), call.author()).await?;
    Ok(Reply::json(201, document(call, &made)))
}

async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let id = call.params.get("objectId");
    if id.eq_ignore_ascii_case(&call.caller.object_id) {
        let why = "Nobody takes himself away: let another owner do it.";
        return Err(ArmError::operation_not_allowed(why).into());
    }
    if !names::is_guid(id) {
        return Err(not_found(id).into());
    }
    let Some(principal) = Principal::by_object_id(tx, id).await? else { return Ok(Reply::empty(204)) };
    // Its roles go with it; another one could not have its id, but lists would show them.
    let rows = ResourceFilter { kind: Some(ASSIGNMENT_KIND), ..ResourceFilter::default() };
    let of = |stored: &Stored| stored.text("principalId") == principal.object_id;
    for assignment in gather(tx, &rows, usize::MAX, of).await? {
        tx.delete_resource(assignment.id.key(), None).await?;
    }
    for federation in Federation::of(tx, &principal).await? {
        federation.delete(tx).await?;
    }
    principal.delete(tx).await?;
    Ok(Reply::empty(204))
}

async fn add_secret(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let principal = find(call, "objectId", tx).await?;
    let (_, kept, secret) = principal.add_secret(tx, call.author()).await?;
    let body = json!({
        "keyId": kept.key_id, "hint": kept.hint, "startDateTime": kept.made, "secretText": secret,
    });
    Ok(Reply::json(200, body))
}

async fn remove_secret(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let principal = find(call, "objectId", tx).await?;
    let body = call.json()?;
    let key_id = body.get("keyId").and_then(Value::as_str).unwrap_or_default();
    match principal.remove_secret(tx, key_id, call.author()).await? {
        true => Ok(Reply::empty(204)),
        false => {
            Err(ArmError::new(400, "Request_BadRequest", "No password credential found with keyId.").into())
        }
    }
}
