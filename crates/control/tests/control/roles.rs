//! Who may do what, at each kind of scope.

use crate::common::people::{self, CONTRIBUTOR, OWNER, READER, assignment, give};
use crate::common::{ROLES, World};
use isobar_records::testing::TestDatabase;
use serde_json::json;

async fn without_a_role_nothing_is_allowed(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let nobody = people::make(&world, "nobody").await.client;
    assert!(nobody.get("/subscriptions?api-version=2022-12-01").await.names().is_empty());
    let denied = nobody.get(&world.group("rg1")).await.refused(403, "AuthorizationFailed");
    let words = denied.body["error"]["message"].as_str().expect("words");
    assert!(
        words.contains("perform action 'Microsoft.Resources/subscriptions/resourceGroups/read'"),
        "{words}"
    );
    // What is not there is not told from what is.
    nobody.get(&world.group("rg2")).await.refused(403, "AuthorizationFailed");
    for rest in ["", "/resourceGroups", "/locations", "/providers", "/resources"] {
        nobody.get(&world.at(rest, "2022-12-01")).await.refused(403, "AuthorizationFailed");
    }
    nobody.put(&world.group("rg2"), json!({"location": "local"})).await.refused(403, "AuthorizationFailed");
    // What everybody who has logged in may see.
    nobody.get("/providers/Isobar.Storage/operations?api-version=2026-12-01").await.expect(200);
    let names = nobody.get("/v1.0/servicePrincipals").await.expect(200).body;
    assert!(names["value"].as_array().is_some_and(|all| all.len() == 2), "{names}");
    assert!(!names.to_string().contains("keyId"), "{names}");
    let all = world.client.get("/v1.0/servicePrincipals").await.expect(200).body;
    assert!(all.to_string().contains("keyId"), "{all}");
    assert_eq!(
        nobody.get("/tenants?api-version=2022-12-01").await.expect(200).body["value"][0]["tenantId"],
        world.running.tenant
    );
}

async fn a_role_in_the_subscription_holds_for_all_of_it(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let scope = format!("/subscriptions/{}", world.subscription);
    let reader = people::make(&world, "reader").await;
    give(&world.client, &reader, READER, &scope, 1).await.expect(201);
    let client = &reader.client;
    client.get(&world.group("rg1")).await.expect(200);
    assert_eq!(client.get(&world.at("/resourceGroups", ROLES)).await.names(), ["rg1"]);
    client.put(&world.group("rg1"), json!({"location": "uksouth"})).await.refused(403, "AuthorizationFailed");
    client.delete(&world.group("rg1")).await.refused(403, "AuthorizationFailed");
    let contributor = people::make(&world, "contributor").await;
    give(&world.client, &contributor, CONTRIBUTOR, &scope, 2).await.expect(201);
    let client = &contributor.client;
    client.put(&world.group("rg2"), json!({"location": "uksouth"})).await.expect(201);
    // Whoever may do everything else may not give rights, nor become somebody who may.
    give(client, &contributor, OWNER, &scope, 3).await.refused(403, "AuthorizationFailed");
    let lock = world.at("/providers/Microsoft.Authorization/locks/l", "2016-09-01");
    client.put(&lock, json!({"properties": {"level": "ReadOnly"}})).await.refused(403, "AuthorizationFailed");
    let owner = people::make(&world, "owner").await;
    give(&world.client, &owner, OWNER, &scope, 4).await.expect(201);
    give(&owner.client, &contributor, READER, &scope, 5).await.expect(201);
    // An owner of a subscription is no owner of the tenant.
    let principals = owner.client.json("POST", "/v1.0/servicePrincipals", json!({"displayName": "x"})).await;
    principals.refused(403, "AuthorizationFailed");
    let lifecycle = format!("{scope}?api-version=2.0");
    let answer = owner.client.put(&lifecycle, json!({"state": "Suspended"})).await;
    answer.refused(403, "AuthorizationFailed");
    give(&owner.client, &owner, OWNER, "", 6).await.refused(403, "AuthorizationFailed");
}

async fn a_contributor_of_the_tenant_cannot_become_its_owner(database: TestDatabase) {
    let world = World::start(&database).await;
    let contributor = people::make(&world, "contributor").await;
    give(&world.client, &contributor, CONTRIBUTOR, "", 1).await.expect(201);
    let client = &contributor.client;
    client.put(&world.group("rg1"), json!({"location": "local"})).await.expect(201);
    let all = client.get("/v1.0/servicePrincipals").await.expect(200).body;
    let admin = all["value"].as_array().expect("principals").iter().find(|of| of["appId"] == world.first.0);
    let admin = admin.expect("the administrator")["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1.0/servicePrincipals/{admin}/addPassword");
    client.json("POST", &path, json!({})).await.refused(403, "AuthorizationFailed");
    let path = format!("/v1.0/servicePrincipals/{admin}");
    client.delete(&path).await.refused(403, "AuthorizationFailed");
}

async fn a_role_in_a_group_or_for_a_resource_holds_there_alone(database: TestDatabase) {
    let world = World::start(&database).await;
    for group in ["rg1", "rg2"] {
        world.make_group(group).await;
        world.make_cluster(group, "c1", json!({"a": "1"})).await;
    }
    let in_group = people::make(&world, "in a group").await;
    let group = format!("/subscriptions/{}/resourceGroups/rg1", world.subscription);
    give(&world.client, &in_group, CONTRIBUTOR, &group, 1).await.expect(201);
    let client = &in_group.client;
    client.put(&world.group("RG1"), json!({"location": "uksouth"})).await.expect(200);
    client.get(&world.group("rg2")).await.refused(403, "AuthorizationFailed");
    client.get(&world.group("rg10")).await.refused(403, "AuthorizationFailed");
    // Also in a list what is not there is not told from what is.
    for group in ["rg2", "rg10"] {
        let list = world.at(&format!("/resourceGroups/{group}/resources"), ROLES);
        client.get(&list).await.refused(403, "AuthorizationFailed");
    }
    // Lists show what one may read; the subscription and what it can do are seen by whoever has a role in it.
    assert_eq!(client.get(&world.at("/resourceGroups", ROLES)).await.names(), ["rg1"]);
    assert_eq!(
        client.get(&world.at("/resources", ROLES)).await.body["value"].as_array().map(Vec::len),
        Some(1)
    );
    let subscriptions = client.get("/subscriptions?api-version=2022-12-01").await.expect(200).body;
    assert_eq!(subscriptions["value"][0]["subscriptionId"], world.subscription);
    client.get(&world.at("/providers/Isobar.Storage", ROLES)).await.expect(200);

    let of_cluster = people::make(&world, "of a cluster").await;
    let cluster = format!("{group}/providers/Isobar.Storage/clusters/c1");
    give(&world.client, &of_cluster, READER, &cluster, 2).await.expect(201);
    let client = &of_cluster.client;
    let tags = |of: &str| format!("{of}/providers/Microsoft.Resources/tags/default?api-version={ROLES}");
    assert_eq!(client.get(&tags(&cluster)).await.expect(200).body["properties"]["tags"], json!({"a": "1"}));
    client.get(&tags(&group)).await.refused(403, "AuthorizationFailed");
    client.delete(&tags(&cluster)).await.refused(403, "AuthorizationFailed");
    assert_eq!(client.get(&world.at("/resourceGroups", ROLES)).await.names(), [""; 0]);
    let list = world.at("/resourceGroups/rg1/resources", ROLES);
    assert_eq!(client.get(&list).await.names(), ["c1"]);
}

async fn assignments_are_made_listed_and_taken_away(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let client = &world.client;
    let scope = format!("/subscriptions/{}", world.subscription);
    let group = format!("{scope}/resourceGroups/rg1");
    let person = people::make(&world, "somebody").await;
    give(client, &person, READER, &group, 1).await.expect(201);
    give(client, &person, READER, &group, 1).await.expect(200);
    give(client, &person, OWNER, &group, 1).await.refused(400, "RoleAssignmentUpdateNotPermitted");
    give(client, &person, READER, &group, 2).await.refused(409, "RoleAssignmentExists");
    give(client, &person, "00000000-0000-0000-0000-000000000000", &group, 3)
        .await
        .refused(404, "RoleDefinitionDoesNotExist");
    give(client, &person, READER, &format!("{scope}/resourceGroups/none"), 3)
        .await
        .refused(404, "ResourceGroupNotFound");
    let stranger =
        people::Person { object_id: world.subscription.clone(), ..people::make(&world, "x").await };
    give(client, &stranger, READER, &group, 3).await.refused(400, "PrincipalNotFound");
    let list = |scope: &str, filter: &str| {
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments?api-version={ROLES}{filter}")
    };
    let count =
        async |path: String| client.get(&path).await.expect(200).body["value"].as_array().map_or(0, Vec::len);
    assert_eq!(count(list(&group, "")).await, 2, "its own and that of the tenant");
    assert_eq!(count(list(&scope, "")).await, 2, "also those below");
    assert_eq!(count(list(&scope, "&$filter=atScope()")).await, 1);
    let of_person = format!("&$filter=principalId%20eq%20%27{}%27", person.object_id);
    assert_eq!(count(list(&scope, &of_person)).await, 1);
    let name = "00000000-0000-4000-8000-000000000001";
    person.client.get(&world.group("rg1")).await.expect(200);
    let gone = client.delete(&assignment(&group, name)).await.expect(200).body;
    assert_eq!(gone["properties"]["principalId"], person.object_id);
    client.delete(&assignment(&group, name)).await.expect(204);
    person.client.get(&world.group("rg1")).await.refused(403, "AuthorizationFailed");
    // Somebody has to stay who can give rights.
    let all = client.get(&list("", "")).await.expect(200).body;
    let last = all["value"][0]["name"].as_str().expect("a name");
    client.delete(&assignment("", last)).await.refused(409, "LastOwnerOfTenant");
}

async fn roles_are_described(database: TestDatabase) {
    let world = World::start(&database).await;
    let at = |rest: &str| {
        world.at(&format!("/providers/Microsoft.Authorization/roleDefinitions{rest}"), "2022-05-01-preview")
    };
    let all = world.client.get(&at("")).await.expect(200).body;
    let names: Vec<&str> = all["value"]
        .as_array()
        .expect("roles")
        .iter()
        .map(|role| role["properties"]["roleName"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["Owner", "Contributor", "Reader"]);
    let owner = world.client.get(&at("?$filter=roleName%20eq%20%27Owner%27")).await.expect(200);
    assert_eq!(owner.names(), [OWNER]);
    world.client.get(&at(&format!("/{CONTRIBUTOR}"))).await.expect(200);
    world.client.get(&at("/x")).await.refused(404, "RoleDefinitionDoesNotExist");
    let ids =
        json!({"ids": [], "types": ["user", "group", "servicePrincipal", "directoryObjectPartnerReference"]});
    let none = world.client.json("POST", "/v1.0/directoryObjects/getByIds", ids).await.expect(200).body;
    assert_eq!(none["value"], json!([]));
    let by_name = format!(
        "/v1.0/servicePrincipals?$filter=servicePrincipalNames%2Fany(c%3Ac%20eq%20%27{}%27)",
        world.first.0
    );
    let found = world.client.get(&by_name).await.expect(200).body;
    assert_eq!(found["value"][0]["appId"], world.first.0);
}

async fn principals_are_found_by_their_whole_name_or_its_beginning(database: TestDatabase) {
    let world = World::start(&database).await;
    for name in ["Robot", "Robot 2", "O'Brien"] {
        people::make(&world, name).await;
    }
    let find = async |filter: &str| {
        let filter = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        let found = world.client.get(&format!("/v1.0/servicePrincipals?$filter={filter}")).await.expect(200);
        let found = found.body["value"].as_array().expect("a list").clone();
        let mut names: Vec<String> =
            found.iter().map(|of| of["displayName"].as_str().expect("a name").to_owned()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(find("displayName eq 'robot'").await, ["Robot"]);
    assert_eq!(find("displayName eq 'startswith'").await, [""; 0]);
    assert_eq!(find("startswith(displayName,'robot')").await, ["Robot", "Robot 2"]);
    assert_eq!(find("displayName eq 'o''brien'").await, ["O'Brien"]);
    let ids = |count: usize| json!({"ids": vec![world.subscription.as_str(); count]});
    let path = "/v1.0/directoryObjects/getByIds";
    world.client.json("POST", path, ids(1000)).await.expect(200);
    world.client.json("POST", path, ids(1001)).await.refused(400, "Request_BadRequest");
}

isobar_records::on_both_databases!(
    without_a_role_nothing_is_allowed,
    a_role_in_the_subscription_holds_for_all_of_it,
    a_contributor_of_the_tenant_cannot_become_its_owner,
    a_role_in_a_group_or_for_a_resource_holds_there_alone,
    assignments_are_made_listed_and_taken_away,
    roles_are_described,
    principals_are_found_by_their_whole_name_or_its_beginning,
);
