//! Service principals with roles.

use serde_json::json;

use super::client::{Answer, Client};
use super::{ROLES, World};

pub const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
pub const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
pub const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// Somebody who can log in.
pub struct Person {
    pub client: Client,
    pub object_id: String,
    pub app_id: String,
    pub secret: String,
}

/// Makes somebody without any role.
pub async fn make(world: &World<'_>, name: &str) -> Person {
    let made = world.client.json("POST", "/v1.0/servicePrincipals", json!({"displayName": name})).await;
    let made = made.expect(201).body;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    let (object_id, app_id) = (text("id"), text("appId"));
    let path = format!("/v1.0/servicePrincipals/{object_id}/addPassword");
    let secret = world.client.json("POST", &path, json!({})).await.expect(200);
    let secret = secret.body["secretText"].as_str().expect("a secret").to_owned();
    let client = Client::of(&world.running).login(&app_id, &secret).await;
    Person { client, object_id, app_id, secret }
}

pub fn assignment(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version={ROLES}")
}

/// Gives a role at a scope, in the name of `giver`.
pub async fn give(giver: &Client, person: &Person, role: &str, scope: &str, number: u32) -> Answer {
    let path = assignment(scope, &format!("00000000-0000-4000-8000-{number:012}"));
    let role = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}");
    let properties = json!({
        "roleDefinitionId": role, "principalId": person.object_id, "principalType": "ServicePrincipal",
    });
    giver.put(&path, json!({"properties": properties})).await
}
