//! Clusters and what protects them: their group's deletion, and locks.

use crate::common::{LOCKS, World};
use isobar_provider::ProviderError;
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

async fn unprotect(world: &World<'_>, name: &str) {
    let off = json!({"properties": {"deletionProtection": false}});
    world.client.json("PATCH", &world.cluster("rg1", name), off).await.expect(200);
}

async fn a_group_with_protected_clusters_stays(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    for (name, protected) in [("weather", true), ("climate", true), ("scratch", false)] {
        world.make_small_cluster("rg1", name, protected).await;
    }
    let refused = world.client.delete(&world.group("rg1")).await.refused(409, "DeletionProtected");
    let why = refused.body["error"]["message"].as_str().expect("a message").to_owned();
    assert!(why.contains("climate, weather") && !why.contains("scratch"), "{why}");
    assert_eq!(world.machines.there_is().len(), 3);
    unprotect(&world, "weather").await;
    unprotect(&world, "climate").await;
    world.client.delete(&world.group("rg1")).await.expect(202);
    world.gone("rg1").await;
    assert!(world.machines.there_is().is_empty(), "machines are left");
    let clusters = world.at("/providers/Isobar.Storage/clusters", crate::common::OURS);
    assert!(world.client.get(&clusters).await.expect(200).names().is_empty());
}

async fn a_group_waits_for_what_is_under_way_in_it(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.machines.breaks("start", ProviderError::retry("no power"));
    let body = json!({"location": "uksouth", "properties": {"nodeCount": 3, "deletionProtection": false}});
    let path = world.cluster("rg1", "weather");
    let made = world.client.put(&path, body.clone()).await.expect(201);
    world.client.delete(&world.group("rg1")).await.expect(202);
    let late = world.client.put(&world.cluster("rg1", "late"), body).await;
    late.refused(409, "ResourceGroupBeingDeleted");
    world.machines.is_mended();
    assert!(["Succeeded", "Canceled"].contains(&world.ended(&made).await["status"].as_str().expect("text")));
    world.gone("rg1").await;
    assert!(world.machines.there_is().is_empty(), "machines are left");
}

async fn the_deletion_of_a_group_with_clusters_survives_a_kill(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", false).await;
    world.make_small_cluster("rg1", "climate", false).await;
    world.client.delete(&world.group("rg1")).await.expect(202);
    let world = world.die_and_start_again().await;
    world.gone("rg1").await;
    assert!(world.machines.there_is().is_empty(), "machines are left");
}

async fn locks_hold_for_clusters(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", false).await;
    let client = &world.client;
    let path = world.cluster("rg1", "weather");
    let lock = |level: &str| -> Value { json!({"properties": {"level": level}}) };
    let of_cluster = world.at(
        "/resourceGroups/rg1/providers/Isobar.Storage/clusters/weather/providers/Microsoft.Authorization/locks/keep",
        LOCKS,
    );
    client.put(&of_cluster, lock("CanNotDelete")).await.expect(201);
    client.delete(&path).await.refused(409, "ScopeLocked");
    client.delete(&world.group("rg1")).await.refused(409, "ScopeLocked");
    client.json("PATCH", &path, json!({"tags": {"a": "b"}})).await.expect(200);
    client.put(&of_cluster, lock("ReadOnly")).await.expect(200);
    let restart = world.cluster("rg1", "weather/nodes/n1/restart");
    for refused in [
        client.json("PATCH", &path, json!({"tags": {}})).await,
        client.json("POST", &restart, json!({})).await,
        client.delete(&path).await,
    ] {
        refused.refused(409, "ScopeLocked");
    }
    client.get(&path).await.expect(200);
    client.delete(&of_cluster).await.expect(200);
    let deleted = client.delete(&path).await.expect(202);
    assert_eq!(world.ended(&deleted).await["status"], "Succeeded");
}

isobar_records::on_both_databases!(
    a_group_with_protected_clusters_stays,
    a_group_waits_for_what_is_under_way_in_it,
    the_deletion_of_a_group_with_clusters_survives_a_kill,
    locks_hold_for_clusters,
);
