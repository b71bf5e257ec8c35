//! What locks forbid, and whom they do not stop.

use crate::common::{GROUPS, LOCKS, World};
use isobar_records::testing::TestDatabase;
use serde_json::json;

fn lock(world: &World<'_>, scope: &str, name: &str) -> String {
    world.at(&format!("{scope}/providers/Microsoft.Authorization/locks/{name}"), LOCKS)
}

async fn what_is_locked_is_not_deleted(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    let path = lock(&world, "/resourcegroups/rg1", "keep");
    let body = json!({"properties": {"level": "CanNotDelete", "notes": "production"}});
    let made = client.put(&path, body.clone()).await.expect(201).body;
    assert_eq!(
        (&made["type"], &made["properties"]),
        (&json!("Microsoft.Authorization/locks"), &body["properties"])
    );
    let refused = client.delete(&world.group("rg1")).await.refused(409, "ScopeLocked");
    let group = format!("/subscriptions/{}/resourceGroups/rg1", world.subscription);
    let words = format!(
        "The scope '{group}' cannot perform delete operation because following scope(s) are locked: '{group}'. \
         Please remove the lock and try again."
    );
    assert_eq!(refused.body["error"]["message"], words);
    // It may be changed.
    client.put(&world.group("rg1"), json!({"location": "uksouth", "tags": {"a": "b"}})).await.expect(200);
    client.put(&path, body).await.expect(200);
    client.delete(&path).await.expect(200);
    client.delete(&path).await.expect(204);
    client.delete(&world.group("rg1")).await.expect(202);
}

async fn what_contains_something_locked_is_not_deleted(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    world.make_cluster("rg1", "c1", json!({})).await;
    let cluster = "/resourceGroups/rg1/providers/Isobar.Storage//clusters/c1";
    let level = json!({"properties": {"level": "CanNotDelete"}});
    client.put(&lock(&world, cluster, "keep"), level.clone()).await.expect(201);
    let refused = client.delete(&world.group("rg1")).await.refused(409, "ScopeLocked");
    let words = refused.body["error"]["message"].as_str().expect("words");
    assert!(words.contains("Isobar.Storage/clusters/c1"), "{words}");
    let list = |scope: &str| world.at(&format!("{scope}/providers/Microsoft.Authorization/locks"), LOCKS);
    for scope in ["", "/resourceGroups/rg1", cluster] {
        assert_eq!(client.get(&list(scope)).await.names(), ["keep"], "{scope}");
    }
    assert!(
        client
            .get(
                &world.at(
                    "/resourceGroups/rg1/providers/Microsoft.Authorization/locks?$filter=atScope()",
                    LOCKS
                )
            )
            .await
            .names()
            .is_empty()
    );
    client
        .put(&lock(&world, "/resourceGroups/none", "keep"), level)
        .await
        .refused(404, "ResourceGroupNotFound");
}

async fn what_is_read_only_is_not_changed(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    let path = lock(&world, "", "frozen");
    client.put(&path, json!({"properties": {"level": "readonly"}})).await.expect(201);
    assert_eq!(client.get(&path).await.expect(200).body["properties"]["level"], "ReadOnly");
    let body = json!({"location": "uksouth"});
    for group in ["rg1", "rg2"] {
        client.put(&world.group(group), body.clone()).await.refused(409, "ScopeLocked");
    }
    client.delete(&world.group("rg1")).await.refused(409, "ScopeLocked");
    let tags = world.at("/resourceGroups/rg1/providers/Microsoft.Resources/tags/default", GROUPS);
    client.put(&tags, json!({"properties": {"tags": {}}})).await.refused(409, "ScopeLocked");
    client.get(&world.group("rg1")).await.expect(200);
    // Locks can be added and taken away, or nobody could.
    client
        .put(&lock(&world, "/resourceGroups/rg1", "more"), json!({"properties": {"level": "ReadOnly"}}))
        .await
        .expect(201);
    client.delete(&path).await.expect(200);
    client.put(&world.group("rg2"), body).await.expect(201);
}

async fn a_wrong_lock_is_refused(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    let wrong =
        client.put(&lock(&world, "", "l"), json!({"properties": {"level": "Some", "notes": 1}})).await;
    let wrong = wrong.refused(400, "InvalidRequestContent");
    assert_eq!(wrong.body["error"]["details"].as_array().map(Vec::len), Some(2));
    client.put(&lock(&world, "", "l"), json!({})).await.refused(400, "InvalidRequestContent");
    let level = json!({"properties": {"level": "ReadOnly"}});
    client.put(&lock(&world, "", "a%20b"), level).await.refused(400, "InvalidResourceName");
    client.get(&lock(&world, "", "none")).await.refused(404, "ResourceNotFound");
    // Locks are counted by subscription, so there are none of what is in no subscription.
    let principal = format!("/providers/Microsoft.Graph/servicePrincipals/{}", world.first.0);
    for scope in ["", &principal] {
        let path = format!("{scope}/providers/Microsoft.Authorization/locks/l?api-version={LOCKS}");
        let level = json!({"properties": {"level": "ReadOnly"}});
        client.put(&path, level).await.refused(400, "InvalidLockScope");
    }
}

isobar_records::on_both_databases!(
    what_is_locked_is_not_deleted,
    what_contains_something_locked_is_not_deleted,
    what_is_read_only_is_not_changed,
    a_wrong_lock_is_refused,
);
