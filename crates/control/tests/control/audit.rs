//! What is written down of what everybody does.

use crate::common::people::{self, READER, give};
use crate::common::{World, client::Client};
use isobar_records::AuditFilter;
use isobar_records::testing::TestDatabase;
use serde_json::json;

const LOG: &str = "/providers/Microsoft.Insights/eventtypes/management/values";

async fn every_write_has_an_entry_and_so_has_its_refusal(database: TestDatabase) {
    let world = World::start(&database).await;
    let correlation = "11111111-2222-3333-4444-555555555555";
    let ids = [("x-ms-correlation-request-id", correlation), ("x-ms-client-request-id", "mine")];
    let send = async |client: &Client, method: &str, body: &[u8]| {
        client.send(method, &world.group("Rg1"), &ids, body).await.status
    };
    let nobody = people::make(&world, "nobody").await;
    assert_eq!(send(&world.client, "PUT", br#"{"location": "local"}"#).await, 201);
    assert_eq!(send(&world.client, "PUT", b"{}").await, 400);
    assert_eq!(send(&nobody.client, "DELETE", b"").await, 403);
    assert_eq!(send(&Client::of(&world.running), "DELETE", b"").await, 401);
    assert_eq!(send(&world.client, "GET", b"").await, 200);
    assert_eq!(send(&world.client, "DELETE", b"").await, 202);
    world.gone("Rg1").await;
    let mut snapshot = database.open().await.read().await.expect("a snapshot");
    let filter = AuditFilter { correlation: Some(correlation), ..AuditFilter::default() };
    let entries = snapshot.list_audit(&filter).await.expect("entries");
    let mut told: Vec<_> = entries
        .iter()
        .map(|(_, of)| (of.action.rsplit('/').next().expect("a verb"), of.outcome, of.detail["code"].clone()))
        .collect();
    told.reverse();
    let no = json!(null);
    assert_eq!(
        told,
        [
            ("write", 201, no.clone()),
            ("write", 400, json!("LocationRequired")),
            ("delete", 403, json!("AuthorizationFailed")),
            ("delete", 202, no.clone()),
            ("delete", 200, no),
        ]
    );
    let who: Vec<&str> = entries.iter().map(|(_, entry)| entry.principal.as_str()).collect();
    assert_eq!(who[2], nobody.object_id);
    for (_, entry) in &entries {
        assert_eq!(entry.group_name, "rg1");
        assert_eq!(entry.target, format!("/subscriptions/{}/resourcegroups/rg1", world.subscription));
    }
}

async fn entries_say_which_lock_and_which_principal_it_was(database: TestDatabase) {
    let world = World::start(&database).await;
    let person = people::make(&world, "somebody").await;
    let correlation = "11111111-2222-3333-4444-666666666666";
    let ids = [("x-ms-correlation-request-id", correlation)];
    let scope = format!("/subscriptions/{}/providers/Microsoft.Authorization", world.subscription);
    let lock = format!("{scope}//locks/k%65ep/?api-version=2016-09-01");
    let password = format!("/v1.0/servicePrincipals/{}/addPassword", person.object_id);
    assert_eq!(world.client.send("DELETE", &lock, &ids, b"").await.status, 204);
    assert_eq!(world.client.send("POST", &password, &ids, b"{}").await.status, 200);
    let mut snapshot = database.open().await.read().await.expect("a snapshot");
    let filter = AuditFilter { correlation: Some(correlation), ..AuditFilter::default() };
    let entries = snapshot.list_audit(&filter).await.expect("entries");
    let paths: Vec<_> = entries.iter().rev().map(|(_, entry)| entry.detail["path"].clone()).collect();
    assert_eq!(paths, [json!(format!("{scope}/locks/keep")), json!(password)]);
}

async fn the_activity_log_shows_it(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_group("rg2").await;
    let ask = async |client: &Client, filter: &str| {
        let filter = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        let path = world.at(&format!("{LOG}?$filter={filter}"), "2015-04-01");
        let answer = client.get(&path).await.expect(200);
        answer.body["value"].as_array().expect("a list").clone()
    };
    let times = "eventTimestamp ge 2026-01-01T00:00:00.000000Z and eventTimestamp le 2999-01-01T00:00:00";
    let of_group = ask(&world.client, &format!("{times} and resourceGroupName eq 'RG1'")).await;
    assert_eq!(of_group.len(), 1);
    let entry = &of_group[0];
    assert_eq!(entry["operationName"]["value"], "Microsoft.Resources/subscriptions/resourceGroups/write");
    assert_eq!((&entry["caller"], &entry["status"]["value"]), (&json!(world.first.0), &json!("Succeeded")));
    assert_eq!(entry["resourceId"], format!("/subscriptions/{}/resourceGroups/rg1", world.subscription));
    assert_eq!(ask(&world.client, times).await.len(), 2);
    assert!(ask(&world.client, "eventTimestamp ge 2999-01-01T00:00:00Z").await.is_empty());
    let reader = people::make(&world, "reader").await;
    let group = format!("/subscriptions/{}/resourceGroups/rg2", world.subscription);
    give(&world.client, &reader, READER, &group, 1).await.expect(201);
    let seen = ask(&reader.client, times).await;
    assert!(!seen.is_empty() && seen.iter().all(|entry| entry["resourceGroupName"] == "rg2"), "{seen:?}");
    // Page by page, the newest first.
    let mut page = world.client.get(&world.at(&format!("{LOG}?$top=1"), "2015-04-01")).await.expect(200);
    let mut count = page.body["value"].as_array().map_or(0, Vec::len);
    while let Some(next) = page.body["nextLink"].as_str() {
        page = world.client.follow(next).await.expect(200);
        count += page.body["value"].as_array().map_or(0, Vec::len);
    }
    assert_eq!(count, 3);
}

isobar_records::on_both_databases!(
    every_write_has_an_entry_and_so_has_its_refusal,
    entries_say_which_lock_and_which_principal_it_was,
    the_activity_log_shows_it,
);
