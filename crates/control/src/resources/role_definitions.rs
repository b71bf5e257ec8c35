//! Role definitions: the three that there are, at every scope.

use isobar_arm::filter::ROLE_DEFINITIONS as WORDS;
use isobar_arm::{ArmError, ResourceId};
use isobar_records::Snapshot;
use serde_json::{Value, json};

use super::versions::ROLE_DEFINITIONS;
use crate::access::{ROLES, Role};
use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::table::{Answer, Command, Display, Operation, Parameter};

const READ: &str = "Microsoft.Authorization/roleDefinitions/read";
const SHOW: Display = Display::of("Role definitions", "Get role definitions", "Reads what roles allow.");
const FILTER: &[Parameter] =
    &[Parameter { name: "$filter", description: "roleName eq '…' or type eq '…'." }];

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("RoleDefinitions_List", "/{scope}/providers/Microsoft.Authorization/roleDefinitions")
            .command("role definition list")
            .action(READ, SHOW)
            .versions(ROLE_DEFINITIONS)
            .query(FILTER)
            .answers(&[Answer::of(200, "RoleDefinitionList", "The roles.")]),
        read!(list),
    ),
    Row::new(
        Operation::get(
            "RoleDefinitions_Get",
            "/{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
        )
        .command("role definition show")
        .action(READ, SHOW)
        .versions(ROLE_DEFINITIONS)
        .answers(&[Answer::of(200, "RoleDefinition", "The role.")]),
        read!(get),
    )
    .exists("RoleDefinitions_CheckExistence", Command::Words("role definition exists")),
];

/// The id of a role, as a scope sees it: in its subscription, or in the tenant.
pub(super) fn id_at(scope: &ResourceId, role: &Role) -> String {
    let of_subscription = scope.subscription().map(|id| format!("/subscriptions/{id}")).unwrap_or_default();
    format!("{of_subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", role.id)
}

fn document(scope: &ResourceId, role: &Role) -> Value {
    json!({
        "id": id_at(scope, role),
        "name": role.id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": role.description,
            "assignableScopes": ["/"],
            "permissions": [{
                "actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": [],
            }],
        },
    })
}

async fn list(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let filter = call.filter(&WORDS)?;
    let shown = ROLES
        .into_iter()
        .filter(|role| filter.holds("roleName", [role.name]) && filter.holds("type", ["BuiltInRole"]));
    let value: Vec<Value> = shown.map(|role| document(&call.target, role)).collect();
    Ok(Reply::json(200, json!({"value": value})))
}

async fn get(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let id = call.params.get("roleDefinitionId");
    let role = Role::by_id(id).ok_or_else(|| {
        let message = format!("The specified role definition with ID '{id}' does not exist.");
        ArmError::new(404, "RoleDefinitionDoesNotExist", message)
    })?;
    Ok(Reply::json(200, document(&call.target, role)))
}
