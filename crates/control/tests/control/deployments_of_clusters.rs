//! Templates with clusters: resources that take their time, and whose own operations a deployment waits for.

use std::time::{Duration, Instant};

use crate::common::World;
use crate::common::client::Client;
use isobar_provider::ProviderError;
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

const VERSION: &str = "2025-04-01";
const PATIENCE: Duration = Duration::from_secs(60);

fn path(world: &World<'_>, rest: &str) -> String {
    world.at(&format!("/resourceGroups/rg1/providers/Microsoft.Resources/deployments/{rest}"), VERSION)
}

async fn ended(client: &Client, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let body = client.get(path).await.expect(200).body;
        let state = body["properties"]["provisioningState"].as_str().expect("a state").to_owned();
        if !["Accepted", "Running"].contains(&state.as_str()) {
            return body;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not end: {body:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Two clusters, and a lock of the second one.
fn request() -> Value {
    let template = json!({
        "$schema": "https://schema", "contentVersion": "1.0.0.0",
        "parameters": {"nodes": {"type": "int", "defaultValue": 3, "minValue": 3}},
        "resources": [
            {
                "type": "Microsoft.Authorization/locks", "apiVersion": "2020-05-01", "name": "keep",
                "scope": "[resourceId('Isobar.Storage/clusters', 'weather1')]",
                "properties": {
                    "level": "CanNotDelete", "notes": "[concat('cluster ', reference('weather1').clusterId)]",
                },
            },
            {
                "type": "Isobar.Storage/clusters", "apiVersion": "2026-12-01", "location": "[resourceGroup().location]",
                "name": "[concat('weather', copyIndex())]", "copy": {"name": "clusters", "count": 2},
                "properties": {"nodeCount": "[parameters('nodes')]"},
            },
        ],
        "outputs": {
            "ids": {"type": "array", "copy": {
                "count": 2, "input": "[reference(concat('weather', copyIndex())).clusterId]",
            }},
        },
    });
    json!({"properties": {"mode": "Incremental", "template": template}})
}

async fn operations(world: &World<'_>) -> Vec<Value> {
    let path = world.at("/resourcegroups/rg1/deployments/d1/operations", VERSION);
    world.client.get(&path).await.expect(200).body["value"].as_array().expect("a list").clone()
}

async fn clusters_are_deployed_and_waited_for(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let client = &world.client;
    let told = client.json("POST", &path(&world, "d1/whatIf"), request()).await.expect(200);
    let kinds = |told: &Value| {
        let changes = told["properties"]["changes"].as_array().expect("changes").clone();
        changes.iter().map(|of| of["changeType"].as_str().expect("a word").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&told.body), ["Create"; 3]);
    assert!(world.machines.there_is().is_empty(), "what-if has made something");
    client.put(&path(&world, "d1"), request()).await.expect(201);
    let done = ended(client, &path(&world, "d1")).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done:#}");
    let ids: Vec<Value> = done["properties"]["outputs"]["ids"]["value"].as_array().expect("ids").clone();
    for (at, id) in ids.iter().enumerate() {
        let cluster = client.get(&world.cluster("rg1", &format!("weather{at}"))).await.expect(200).body;
        assert_eq!(
            (&cluster["properties"]["clusterId"], cluster["properties"]["nodeCount"].as_u64()),
            (id, Some(3))
        );
    }
    let lock = "weather1/providers/Microsoft.Authorization/locks/keep";
    let lock =
        world.at(&format!("/resourceGroups/rg1/providers/Isobar.Storage/clusters/{lock}"), "2016-09-01");
    let notes = client.get(&lock).await.expect(200).body["properties"]["notes"].clone();
    assert_eq!(notes, format!("cluster {}", ids[1].as_str().expect("an id")));
    let operations = operations(&world).await;
    assert_eq!(operations.len(), 3);
    assert!(
        operations.iter().all(|of| of["properties"]["provisioningState"] == "Succeeded"),
        "{operations:#?}"
    );
    // Once more it changes nothing; what refers to something that is made is not known before, as in Azure.
    let told = client.json("POST", &path(&world, "d1/whatIf"), request()).await.expect(200);
    assert_eq!(kinds(&told.body), ["NoChange", "NoChange", "Modify"], "{:#}", told.body);
    let change = &told.body["properties"]["changes"][2]["delta"][0];
    assert_eq!(change["path"], "properties.notes", "{change:#}");
    assert!(change["after"].as_str().expect("an expression").contains("reference("), "{change:#}");
    client.put(&path(&world, "d1"), request()).await.expect(200);
    assert_eq!(ended(client, &path(&world, "d1")).await["properties"]["provisioningState"], "Succeeded");
    assert_eq!(world.machines.there_is().len(), 2);
    let mut larger = request();
    larger["properties"]["parameters"] = json!({"nodes": {"value": 5}});
    let refused = client.json("POST", &path(&world, "d1/validate"), larger).await;
    let refused = refused.refused(400, "InvalidTemplateDeployment");
    assert_eq!(refused.body["error"]["details"][0]["code"], "PropertyChangeNotAllowed", "{refused:#?}");
}

async fn a_cluster_that_fails_fails_the_deployment(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.machines.breaks("make", ProviderError::cannot("make: out of order"));
    world.client.put(&path(&world, "d1"), request()).await.expect(201);
    let done = ended(&world.client, &path(&world, "d1")).await;
    assert_eq!(done["properties"]["provisioningState"], "Failed", "{done:#}");
    let error = &done["properties"]["error"];
    assert_eq!(
        (&error["code"], &error["details"][0]["message"]),
        (&json!("DeploymentFailed"), &json!("make: out of order"))
    );
    world.machines.is_mended();
    world.client.put(&path(&world, "d1"), request()).await.expect(200);
    assert_eq!(
        ended(&world.client, &path(&world, "d1")).await["properties"]["provisioningState"],
        "Succeeded"
    );
}

async fn a_kill_while_it_waits_makes_nothing_twice(database: TestDatabase) {
    let mut world = World::start(&database).await;
    world.make_group("rg1").await;
    // Nothing gets further than to be started, until it may.
    world.machines.breaks("start", ProviderError::retry("no power"));
    world.client.put(&path(&world, "d1"), request()).await.expect(201);
    for _ in 0..3 {
        let begun = Instant::now();
        loop {
            let all = operations(&world).await;
            if all.len() == 2 && all.iter().all(|of| of["properties"]["provisioningState"] == "Running") {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not begin: {all:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        world = world.die_and_start_again().await;
    }
    world.machines.is_mended();
    let done = ended(&world.client, &path(&world, "d1")).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done:#}");
    assert_eq!(world.machines.there_is().len(), 2);
}

async fn what_a_cancelled_deployment_waited_for_is_no_longer_waited_for(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.machines.breaks("start", ProviderError::retry("no power"));
    world.client.put(&path(&world, "d1"), request()).await.expect(201);
    let begun = Instant::now();
    while operations(&world).await.len() < 2 {
        assert!(begun.elapsed() < PATIENCE, "it does not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.client.json("POST", &path(&world, "d1/cancel"), json!({})).await.expect(204);
    let done = ended(&world.client, &path(&world, "d1")).await;
    assert_eq!(done["properties"]["provisioningState"], "Canceled", "{done:#}");
    for operation in operations(&world).await {
        assert_eq!(operation["properties"]["provisioningState"], "Canceled", "{operation:#}");
    }
}

isobar_records::on_both_databases!(
    clusters_are_deployed_and_waited_for,
    a_cluster_that_fails_fails_the_deployment,
    a_kill_while_it_waits_makes_nothing_twice,
    what_a_cancelled_deployment_waited_for_is_no_longer_waited_for,
);
