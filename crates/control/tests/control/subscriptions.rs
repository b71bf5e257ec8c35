//! Subscriptions: their lifecycle, the namespaces that they use, their locations.

use crate::common::{GROUPS, World};
use isobar_records::testing::TestDatabase;
use serde_json::json;

async fn the_lifecycle_decides_what_is_allowed(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    let path = format!("/subscriptions/{}?api-version=2.0", world.subscription);
    let be =
        async |state: &str| client.put(&path, json!({"state": state, "properties": {"tenantId": "t"}})).await;
    let show = || world.at("", "2022-12-01");
    for (state, word) in [("Warned", "Warned"), ("Suspended", "Disabled")] {
        assert_eq!(be(state).await.expect(200).body["state"], state);
        assert_eq!(client.get(&show()).await.expect(200).body["state"], word);
        client.get(&world.group("rg1")).await.expect(200);
        let refused = client.put(&world.group("rg2"), json!({"location": "local"})).await;
        refused.refused(409, "ReadOnlyDisabledSubscription");
        client.delete(&world.group("rg1")).await.refused(409, "ReadOnlyDisabledSubscription");
    }
    be("Deleted").await.expect(200);
    for path in [show(), world.group("rg1"), world.at("/resourceGroups", GROUPS)] {
        client.get(&path).await.refused(404, "SubscriptionNotFound");
    }
    let list = client.get("/subscriptions?api-version=2022-12-01").await.expect(200);
    assert_eq!(list.body["value"], json!([]));
    be("Registered").await.expect(200);
    client.get(&world.group("rg1")).await.expect(200);
    be("Sleeping").await.refused(400, "InvalidRequestContent");
}

async fn further_subscriptions_are_made_by_their_lifecycle(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    let id = "AAAAAAAA-0000-4000-8000-000000000000";
    let body = json!({"state": "Registered", "properties": {"displayName": "Second"}});
    client.put(&format!("/subscriptions/{id}?api-version=2.0"), body).await.expect(200);
    let list = client.get("/subscriptions?api-version=2022-12-01").await.expect(200).body;
    let mut names: Vec<&str> = list["value"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|of| of["displayName"].as_str().expect("a name"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Isobar", "Second"]);
    let group = format!("/subscriptions/{}/resourceGroups/rg1?api-version={GROUPS}", id.to_lowercase());
    client.put(&group, json!({"location": "local"})).await.expect(201);
    client.get(&world.group("rg1")).await.refused(404, "ResourceGroupNotFound");
    let wrong = client.put("/subscriptions/second?api-version=2.0", json!({"state": "Registered"})).await;
    wrong.refused(400, "InvalidSubscriptionId");
}

async fn namespaces_are_registered_from_the_first_on(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    let at = |rest: &str| world.at(&format!("/providers{rest}"), GROUPS);
    let all = client.get(&at("")).await.expect(200).body;
    for provider in all["value"].as_array().expect("a list") {
        assert_eq!(provider["registrationState"], "Registered", "{provider}");
    }
    let ours = client.get(&at("/isobar.storage")).await.expect(200).body;
    assert_eq!(ours["namespace"], "Isobar.Storage");
    let types = ours["resourceTypes"].as_array().expect("types");
    let statuses =
        types.iter().find(|of| of["resourceType"] == "locations/operationStatuses").expect("a type");
    assert_eq!(
        (&statuses["apiVersions"], &statuses["locations"]),
        (&json!(["2026-12-01"]), &json!(["uksouth", "local"]))
    );
    let post = async |rest: &str| client.json("POST", &at(rest), json!({})).await;
    let left = post("/Isobar.Storage/unregister").await.expect(200).body;
    assert_eq!(left["registrationState"], "NotRegistered");
    let back = post("/Isobar.Storage/register").await.expect(200).body;
    assert_eq!(back["registrationState"], "Registered");
    let stays = post("/Microsoft.Authorization/unregister").await.expect(200).body;
    assert_eq!(stays["registrationState"], "Registered");
    post("/No.Such/register").await.refused(404, "InvalidResourceNamespace");
    let locations = client.get(&world.at("/locations", "2022-12-01")).await;
    assert_eq!(
        (locations.names(), &locations.body["value"][0]["type"]),
        (vec!["uksouth", "local"], &json!("Region"))
    );
}

async fn resources_are_listed_by_what_they_are(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_group("rg2").await;
    world.make_cluster("rg1", "c1", json!({"env": "prod"})).await;
    world.make_cluster("rg1", "c2", json!({"env": "test"})).await;
    world.make_cluster("rg2", "c3", json!({"env": "prod"})).await;
    let find = async |filter: &str| {
        let filter = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        let path = world.at(
            &format!("/resources?$filter={filter}&$expand=createdTime,changedTime,provisioningState"),
            GROUPS,
        );
        let answer = world.client.get(&path).await.expect(200);
        answer.names().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(find("").await, ["c1", "c2", "c3"]);
    assert_eq!(find("resourceGroup eq 'RG1'").await, ["c1", "c2"]);
    assert_eq!(find("resourceType eq 'isobar.storage/CLUSTERS'").await, ["c1", "c2", "c3"]);
    assert_eq!(find("resourceType eq 'Isobar.Storage/reservations'").await, [""; 0]);
    assert_eq!(find("tagname eq 'ENV' and tagvalue eq 'prod'").await, ["c1", "c3"]);
    let expanded = world.at("/resourceGroups/rg2/resources?$expand=provisioningState", GROUPS);
    let expanded = world.client.get(&expanded).await.expect(200).body;
    assert_eq!(expanded["value"][0]["provisioningState"], "Succeeded");
    assert!(expanded["value"][0].get("createdTime").is_none());
    let unregister = world.at("/providers/Isobar.Storage/unregister", GROUPS);
    world
        .client
        .get(&world.at("/resourceGroups/none/resources", GROUPS))
        .await
        .refused(404, "ResourceGroupNotFound");
    // A namespace of which there are resources is not left.
    world.client.json("POST", &unregister, json!({})).await.refused(409, "CannotUnregisterNamespace");
}

async fn tags_are_changed_apart_from_the_rest(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    let at = |scope: &str| world.at(&format!("{scope}/providers/Microsoft.Resources/tags/default"), GROUPS);
    let group = at("/resourceGroups/rg1");
    let tags = |tags| json!({"properties": {"tags": tags}});
    let put = client.put(&group, tags(json!({"a": "1", "b": "2"}))).await.expect(200).body;
    assert_eq!((&put["name"], &put["type"]), (&json!("default"), &json!("Microsoft.Resources/tags")));
    assert_eq!(client.get(&world.group("rg1")).await.body["tags"], json!({"a": "1", "b": "2"}));
    let patch = async |operation: &str, of| {
        let mut body = tags(of);
        body["operation"] = json!(operation);
        client.json("PATCH", &group, body).await.expect(200).body["properties"]["tags"].clone()
    };
    assert_eq!(patch("Merge", json!({"B": "3", "c": "4"})).await, json!({"B": "3", "a": "1", "c": "4"}));
    assert_eq!(patch("Delete", json!({"a": "1", "c": "5"})).await, json!({"B": "3", "c": "4"}));
    assert_eq!(patch("Replace", json!({"x": "y"})).await, json!({"x": "y"}));
    client.delete(&group).await.expect(200);
    assert_eq!(client.get(&group).await.expect(200).body["properties"]["tags"], json!({}));
    client.put(&at(""), tags(json!({"all": "1"}))).await.expect(200);
    assert_eq!(client.get(&world.at("", "2022-12-01")).await.body["tags"], json!({"all": "1"}));
    let wrong = client.json("PATCH", &group, tags(json!({}))).await.refused(400, "InvalidRequestContent");
    assert_eq!(wrong.body["error"]["target"], "operation");
    client.put(&at("/resourceGroups/none"), tags(json!({}))).await.refused(404, "ResourceGroupNotFound");
}

isobar_records::on_both_databases!(
    the_lifecycle_decides_what_is_allowed,
    further_subscriptions_are_made_by_their_lifecycle,
    namespaces_are_registered_from_the_first_on,
    resources_are_listed_by_what_they_are,
    tags_are_changed_apart_from_the_rest,
);
