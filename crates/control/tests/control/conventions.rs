//! What holds for every operation: paths, versions, conditions, pages, errors, headers.

use crate::common::{GROUPS, OURS, World};
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

async fn doubled_slashes_and_case_mean_nothing(database: TestDatabase) {
    let world = World::start(&database).await;
    let path = format!("//SUBSCRIPTIONS/{}//resourcegroups/Rg1/?API-VERSION={GROUPS}", world.subscription);
    let made = world.client.put(&path, json!({"location": "UK South", "tags": {"a": "1"}})).await.expect(201);
    let id = format!("/subscriptions/{}/resourceGroups/Rg1", world.subscription);
    assert_eq!((&made.body["id"], &made.body["location"]), (&json!(id), &json!("uksouth")));
    assert_eq!(made.body["type"], "Microsoft.Resources/resourceGroups");
    assert_eq!(made.body["properties"]["provisioningState"], "Succeeded");
    // The name keeps the case that it was made with.
    let again = world.client.put(&world.group("RG1"), json!({"location": "uksouth"})).await.expect(200);
    assert_eq!((&again.body["name"], &again.body["tags"]), (&json!("Rg1"), &json!({})));
}

async fn versions_are_checked(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    let path = "/providers/Isobar.Storage/operations";
    client.get(path).await.refused(400, "MissingApiVersionParameter");
    let unknown = client.get(&format!("{path}?api-version=2020-01-01")).await;
    let unknown = unknown.refused(400, "NoRegisteredProviderFound");
    assert!(unknown.body["error"]["message"].as_str().expect("words").contains(OURS), "{unknown:?}");
    client.get(&format!("{path}?api-version=2026-12-01")).await.expect(200);
    // Microsoft's namespaces take any that is well-formed.
    client.get(&world.at("/resourceGroups", "2031-01-01-preview")).await.expect(200);
    client.get(&world.at("/resourceGroups", "latest")).await.refused(400, "InvalidApiVersionParameter");
    let lifecycle = format!("/subscriptions/{}", world.subscription);
    let body = json!({"state": "Registered"});
    client.put(&format!("{lifecycle}?api-version=2.0"), body.clone()).await.expect(200);
    client
        .put(&format!("{lifecycle}?api-version=2.1"), body)
        .await
        .refused(400, "InvalidApiVersionParameter");
}

async fn paths_that_lead_nowhere_and_other_methods(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    let other = client.json("POST", &world.group("rg1"), json!({})).await.refused(405, "MethodNotAllowed");
    assert_eq!(other.header("allow"), "GET, HEAD, PUT, PATCH, DELETE");
    client.send("TRACE", &world.group("rg1"), &[], &[]).await.refused(405, "MethodNotAllowed");
    client.get("/nothing").await.refused(404, "MissingSubscription");
    let in_group = |rest: &str| world.at(&format!("/resourceGroups/rg1/providers/{rest}"), OURS);
    client.get(&in_group("No.Such/things/t")).await.refused(404, "InvalidResourceNamespace");
    let wrong = client.get(&in_group("isobar.storage/snapshots/s")).await.refused(404, "InvalidResourceType");
    let words = wrong.body["error"]["message"].as_str().expect("words");
    assert!(words.contains("'snapshots' could not be found in the namespace 'Isobar.Storage'"), "{words}");
    client.get("/subscriptions/a%2Fb?api-version=2022-12-01").await.refused(400, "InvalidRequestUri");
    client.get(&world.group("rg1")).await.refused(404, "ResourceGroupNotFound");
    client.get(&world.group("a%3Cb")).await.refused(400, "InvalidResourceId");
    client.get(&world.group("a%25b")).await.refused(400, "InvalidResourceId");
    client.get("/subscriptions/x?api-version=2022-12-01").await.refused(400, "InvalidSubscriptionId");
    let nobody = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups?api-version=2024-11-01";
    client.get(nobody).await.refused(404, "SubscriptionNotFound");
}

async fn every_wrong_field_is_told(database: TestDatabase) {
    let world = World::start(&database).await;
    let body = json!({"location": 7, "tags": {"a": 1}, "size": "large", "properties": {"x": 1}});
    let wrong = world.client.put(&world.group("rg1"), body).await.refused(400, "InvalidRequestContent");
    let details = wrong.body["error"]["details"].as_array().expect("details");
    let mut targets: Vec<&str> = details.iter().map(|of| of["target"].as_str().expect("a target")).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["location", "properties.x", "size", "tags.a"]);
    world.client.put(&world.group("rg1"), json!({})).await.refused(400, "LocationRequired");
    let elsewhere = json!({"location": "mars"});
    let code = "LocationNotAvailableForResourceType";
    world.client.put(&world.group("rg1"), elsewhere).await.refused(400, code);
    let here = json!({"location": "local"});
    world.client.put(&world.group("rg1."), here).await.refused(400, "InvalidResourceGroup");
    let plain = [("content-type", "text/plain")];
    world.client.send("PUT", &world.group("rg1"), &plain, b"{}").await.refused(415, "UnsupportedMediaType");
    let none = world.client.send("PUT", &world.group("rg1"), &[], b"{").await;
    none.refused(400, "InvalidRequestContent");
    let large = vec![b' '; (4 << 20) + 1];
    world.client.send("PUT", &world.group("rg1"), &[], &large).await.refused(413, "RequestContentTooLarge");
}

async fn tags_of_versions_guard_reads_and_writes(database: TestDatabase) {
    let world = World::start(&database).await;
    let (client, path) = (&world.client, world.group("rg1"));
    let send = async |method: &str, condition: (&str, &str)| {
        client.send(method, &path, &[condition], br#"{"location": "uksouth"}"#).await
    };
    send("PUT", ("if-match", "*")).await.refused(412, "PreconditionFailed");
    for condition in ["if-match", "if-none-match"] {
        send("PUT", (condition, "\"é\"")).await.refused(400, "InvalidParameterValue");
    }
    let made = send("PUT", ("if-none-match", "*")).await.expect(201);
    let tag = made.header("etag").to_owned();
    assert_eq!(made.body["etag"], tag);
    send("PUT", ("if-none-match", "*")).await.refused(412, "PreconditionFailed");
    let same = client.send("GET", &path, &[("if-none-match", &tag)], &[]).await.expect(304);
    assert!(same.body.is_null() && same.header("etag") == tag);
    let changed = send("PUT", ("if-match", &tag)).await.expect(200);
    assert_ne!(changed.header("etag"), tag);
    for method in ["PUT", "DELETE"] {
        send(method, ("if-match", &tag)).await.refused(412, "PreconditionFailed");
    }
    client.send("GET", &path, &[("if-match", &tag)], &[]).await.refused(412, "PreconditionFailed");
    client.send("GET", &path, &[("if-none-match", &tag)], &[]).await.expect(200);
    send("DELETE", ("if-match", changed.header("etag"))).await.expect(202);
}

async fn lists_have_pages(database: TestDatabase) {
    let world = World::start(&database).await;
    for number in 0..5 {
        let tags = json!({"odd": (number % 2).to_string()});
        let body = json!({"location": "uksouth", "tags": tags});
        world.client.put(&world.group(&format!("rg{number}")), body).await.expect(201);
    }
    let mut names: Vec<String> = Vec::new();
    let mut page = world.client.get(&world.at("/resourcegroups/?$top=2", GROUPS)).await.expect(200);
    loop {
        assert!(page.names().len() <= 2);
        names.extend(page.names().into_iter().map(str::to_owned));
        let Value::String(next) = &page.body["nextLink"] else { break };
        page = world.client.follow(next).await.expect(200);
    }
    assert_eq!(names, ["rg0", "rg1", "rg2", "rg3", "rg4"]);
    let odd =
        world.at("/resourceGroups?$filter=tagName%20eq%20%27odd%27%20and%20tagvalue%20eq%20%271%27", GROUPS);
    assert_eq!(world.client.get(&odd).await.names(), ["rg1", "rg3"]);
    for wrong in ["$top=0", "$skipToken=x"] {
        let path = world.at(&format!("/resourceGroups?{wrong}"), GROUPS);
        world.client.get(&path).await.refused(400, "InvalidParameterValue");
    }
    let path = world.at("/resourceGroups?$filter=size%20eq%20%271%27", GROUPS);
    world.client.get(&path).await.refused(400, "InvalidFilterInQueryString");
}

async fn requests_have_ids(database: TestDatabase) {
    let world = World::start(&database).await;
    let path = world.at("/locations", "2022-12-01");
    let ids = [
        ("x-ms-client-request-id", "my-request"),
        ("x-ms-correlation-request-id", "11111111-2222-3333-4444-555555555555"),
    ];
    let answer = world.client.send("GET", &path, &ids, &[]).await.expect(200);
    assert!(
        answer.header("x-ms-request-id").len() == 36 && answer.header("x-ms-client-request-id").is_empty()
    );
    assert_eq!(answer.header("x-ms-correlation-request-id"), ids[1].1);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let wanted = [ids[0], ("x-ms-return-client-request-id", "true")];
    let answer = world.client.send("GET", &path, &wanted, &[]).await;
    assert_eq!(answer.header("x-ms-client-request-id"), "my-request");
    let refused = world.client.get("/nothing").await;
    assert_eq!(refused.header("x-ms-request-id").len(), 36);
}

async fn groups_are_patched_and_asked_for(database: TestDatabase) {
    let world = World::start(&database).await;
    let (client, path) = (&world.client, world.group("rg1"));
    assert_eq!(client.send("HEAD", &path, &[], &[]).await.status, 404);
    let body = json!({"location": "uksouth", "tags": {"a": "1", "b": "2"}});
    let made = client.put(&path, body).await.expect(201);
    assert_eq!(client.send("HEAD", &path, &[], &[]).await.status, 204);
    // `az group update` sends back all that it has read.
    let mut whole = made.body.clone();
    whole["tags"]["c"] = json!("3");
    assert_eq!(client.put(&path, whole).await.expect(200).body["tags"]["c"], "3");
    let patched = client.json("PATCH", &path, json!({"tags": {"d": "4"}})).await.expect(200);
    assert_eq!(patched.body["tags"], json!({"d": "4"}));
    assert_eq!(patched.body["systemData"]["createdBy"], world.first.0);
    let moved = json!({"location": "local"});
    client.put(&path, moved.clone()).await.refused(409, "InvalidResourceGroupLocation");
    client.json("PATCH", &path, moved).await.refused(409, "InvalidResourceGroupLocation");
    client.json("PATCH", &world.group("rg2"), json!({})).await.refused(404, "ResourceGroupNotFound");
}

isobar_records::on_both_databases!(
    doubled_slashes_and_case_mean_nothing,
    versions_are_checked,
    paths_that_lead_nowhere_and_other_methods,
    every_wrong_field_is_told,
    tags_of_versions_guard_reads_and_writes,
    lists_have_pages,
    requests_have_ids,
    groups_are_patched_and_asked_for,
);
