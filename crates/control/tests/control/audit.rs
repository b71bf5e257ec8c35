//! What is written down of what everybody does.

use crate::common::people::{self, READER, give};
use crate::common::{OURS, World, client::Client};
use isobar_records::AuditFilter;
use isobar_records::limits::AUDIT_SETTLED_MS;
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

async fn whoever_keeps_a_copy_reads_each_entry_once_and_misses_none(database: TestDatabase) {
    let world = World::start(&database).await;
    let list = |query: &str| format!("/providers/Isobar.Storage/auditEntries?api-version={OURS}{query}");
    for number in 0..5 {
        world.make_group(&format!("rg{number}")).await;
    }
    world.client.put(&world.group("rg9"), json!({})).await.expect(400);
    // Others may still be writing in front of what is new.
    assert_eq!(world.client.get(&list("")).await.expect(200).body["value"], json!([]));
    world.clock.advance(AUDIT_SETTLED_MS + 60_000);
    let client = Client::of(&world.running).login(&world.first.0, &world.first.1).await;
    let (mut copy, mut next) = (Vec::new(), list("&$top=2"));
    loop {
        let page = client.get(&next).await.expect(200).body;
        copy.extend(page["value"].as_array().expect("a list").clone());
        let Some(link) = page["nextLink"].as_str() else { break };
        next = link.strip_prefix(&client.url).expect("a link to itself").to_owned();
    }
    let groups: Vec<_> =
        copy.iter().filter(|of| of["target"].as_str().expect("an id").contains("/rg")).collect();
    let codes: Vec<_> = groups.iter().map(|of| of["statusCode"].as_u64().expect("a status")).collect();
    assert_eq!(codes, [201, 201, 201, 201, 201, 400]);
    assert_eq!(groups[5]["code"], "LocationRequired");
    assert_eq!(groups[0]["clientId"], world.first.0);
    let numbers: Vec<_> = copy.iter().map(|of| of["number"].as_i64().expect("a number")).collect();
    assert!(numbers.is_sorted_by(|one, other| one < other), "{numbers:?}");
    // He goes on where he was.
    let last = numbers.last().expect("entries");
    client.put(&world.group("rg0"), json!({"location": "uksouth"})).await.expect(200);
    world.clock.advance(AUDIT_SETTLED_MS + 60_000);
    let client = Client::of(&world.running).login(&world.first.0, &world.first.1).await;
    let more = client.get(&list(&format!("&after={last}"))).await.expect(200).body;
    assert_eq!(more["value"].as_array().map(Vec::len), Some(1), "{more:#}");
    client.get(&list("&after=x")).await.refused(400, "InvalidParameterValue");
    let nobody = people::make(&world, "nobody").await;
    nobody.client.get(&list("")).await.expect(403);
}

isobar_records::on_both_databases!(
    whoever_keeps_a_copy_reads_each_entry_once_and_misses_none,
    every_write_has_an_entry_and_so_has_its_refusal,
    entries_say_which_lock_and_which_principal_it_was,
    the_activity_log_shows_it,
);
