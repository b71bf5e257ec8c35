//! The nodes of clusters: how they are shown, and what is done to one.

use std::time::{Duration, Instant};

use crate::common::World;
use crate::common::client::Answer;
use isobar_provider::ProviderError;
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

async fn world(database: &TestDatabase) -> World<'_> {
    let world = World::start(database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", true).await;
    world
}

async fn act(world: &World<'_>, node: &str, action: &str, body: Value) -> Answer {
    let path = world.cluster("rg1", &format!("weather/nodes/{node}/{action}"));
    world.client.json("POST", &path, body).await
}

async fn node(world: &World<'_>, name: &str) -> Value {
    world.client.get(&world.cluster("rg1", &format!("weather/nodes/{name}"))).await.expect(200).body
}

/// What was called but to see what runs.
fn calls_since(world: &World<'_>, before: usize) -> Vec<String> {
    let calls = world.machines.calls()[before..].to_vec();
    calls.into_iter().filter(|call| call != "running").collect()
}

async fn nodes_come_and_go_with_their_cluster(database: TestDatabase) {
    let world = world(&database).await;
    let list = world.cluster("rg1", "weather/nodes");
    let begun = Instant::now();
    let listed = loop {
        let listed = world.client.get(&list).await.expect(200);
        if listed.body["value"][0]["properties"]["state"] == "Up" {
            break listed;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody looks: {listed:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(listed.names(), ["n1", "n2", "n3"]);
    let first = &listed.body["value"][0];
    assert_eq!(first["type"], "Isobar.Storage/clusters/nodes");
    for (name, value) in [
        ("provisioningState", json!("Succeeded")),
        ("address", json!("h1:7001")),
        ("faultDomain", json!("rack0")),
        ("votes", json!(true)),
        ("version", json!("1.2.3")),
        ("targets", json!([{"id": "t-n1", "state": "Up", "totalBytes": 1000, "usedBytes": 10}])),
    ] {
        assert_eq!(first["properties"][name], value, "{name}");
    }
    assert!(first["properties"]["observedAt"].is_string());
    let paged = world.client.get(&world.cluster("rg1", "weather/nodes?$top=2")).await.expect(200);
    assert_eq!(paged.names(), ["n1", "n2"]);
    let rest = paged.body["nextLink"].as_str().expect("a next page").to_owned();
    assert_eq!(world.client.follow(&rest).await.expect(200).names(), ["n3"]);
    let none = world.cluster("rg1", "weather/nodes/n9");
    world.client.get(&none).await.refused(404, "ResourceNotFound");
    world.client.get(&world.cluster("rg1", "none/nodes")).await.refused(404, "ResourceNotFound");
}

async fn a_dry_run_says_what_would_happen_and_does_nothing(database: TestDatabase) {
    let world = world(&database).await;
    let before = world.machines.calls();
    let dry = json!({"dryRun": true});
    let plan = act(&world, "n3", "restart", dry.clone()).await.expect(200).body;
    let said = json!({
        "allowed": true, "nodesMayBeLostMeanwhile": 0,
        "statements": ["n3 stops for about a second.", "While it is away no more node may be lost."],
    });
    assert_eq!(plan, said);
    let plan = act(&world, "n3", "replace", dry.clone()).await.expect(200).body;
    assert_eq!((&plan["allowed"], &plan["nodesMayBeLostMeanwhile"]), (&json!(true), &json!(0)));
    // With another one away, this one must not be.
    world.machines.kill("weather", "n1");
    for action in ["restart", "replace"] {
        let plan = act(&world, "n3", action, dry.clone()).await.expect(200).body;
        assert_eq!(plan["allowed"], false, "{plan}");
        let refused = act(&world, "n3", action, json!({})).await.refused(409, "UnsafeOperation");
        assert_eq!(refused.body["error"]["message"], plan["statements"][0]);
    }
    // The one that is away can be started, and replaced.
    for action in ["restart", "replace"] {
        let plan = act(&world, "n1", action, dry.clone()).await.expect(200).body;
        assert_eq!(plan["allowed"], true, "{plan}");
    }
    assert_eq!(world.machines.calls(), before);
    act(&world, "n1", "restart", json!({"dryRun": "yes"})).await.refused(400, "InvalidRequestContent");
    act(&world, "n9", "restart", json!({})).await.refused(404, "ResourceNotFound");
}

async fn a_node_is_restarted_and_one_that_is_down_is_started(database: TestDatabase) {
    let world = world(&database).await;
    let before = world.machines.calls().len();
    let answer = act(&world, "N2", "restart", json!({"dryRun": false})).await.expect(202);
    assert!(!answer.header("location").is_empty() && answer.header("retry-after") == "1");
    let status = world.ended(&answer).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");
    assert!(status["resourceId"].as_str().expect("an id").ends_with("/clusters/weather/nodes/n2"));
    // What is there in the end, as the documents say: the node.
    let left = world.client.follow(answer.header("location")).await.expect(200).body;
    assert_eq!(left["properties"]["state"], node(&world, "n2").await["properties"]["state"], "{left:#}");
    assert_eq!((&left["type"], &left["name"]), (&json!("Isobar.Storage/clusters/nodes"), &json!("n2")));
    let calls = world.machines.calls()[before..].to_vec();
    assert_eq!(calls, ["stop", "start"]);
    assert_eq!(node(&world, "n2").await["properties"]["provisioningState"], "Succeeded");
    world.machines.kill("weather", "n2");
    // A body is not needed.
    let path = world.cluster("rg1", "weather/nodes/n2/restart");
    let answer = world.client.send("POST", &path, &[], b"").await.expect(202);
    assert_eq!(world.ended(&answer).await["status"], "Succeeded");
    assert_eq!(world.machines.there_is()[0].1.len(), 3);
}

async fn a_node_is_replaced_until_every_row_is_back(database: TestDatabase) {
    let world = world(&database).await;
    world.machines.kill("weather", "n2");
    let cluster = async || {
        world.client.get(&world.cluster("rg1", "weather")).await.expect(200).body["properties"].clone()
    };
    let begun = Instant::now();
    while cluster().await["health"]["state"] != "Degraded" {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody looks: {:#}", cluster().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = world.machines.calls().len();
    let answer = act(&world, "n2", "replace", json!({})).await.expect(202);
    let status = world.ended(&answer).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");
    // Who asks right after it is not shown how it was before.
    assert_eq!(cluster().await["health"]["state"], "Healthy");
    assert_eq!(calls_since(&world, before), ["stop", "blank", "start", "admit"]);
    let health = world.cluster("rg1", "weather/checkHealth");
    let health = world.client.json("POST", &health, json!({})).await.expect(200);
    assert_eq!(health.body["state"], "Healthy");
    assert_eq!(world.machines.blanked("weather", "n2"), 1);
}

async fn a_node_is_replaced_though_nobody_leads_for_a_moment(database: TestDatabase) {
    let world = world(&database).await;
    // When the leader is stopped another one is elected, and so it can be when the node is there again.
    for call in ["stop", "start"] {
        world.machines.elects_after(call);
        let before = world.machines.calls().len();
        let answer = act(&world, "n1", "replace", json!({})).await.expect(202);
        let status = world.ended(&answer).await;
        assert_eq!(status["status"], "Succeeded", "{call}: {status:#}");
        assert_eq!(calls_since(&world, before), ["stop", "blank", "start", "admit"], "{call}");
    }
}

async fn what_fails_at_a_node_is_said_and_leaves_the_cluster_as_it_is(database: TestDatabase) {
    let world = world(&database).await;
    world.machines.breaks("blank", ProviderError::cannot("the disk is locked"));
    let answer = act(&world, "n2", "replace", json!({})).await.expect(202);
    let status = world.ended(&answer).await;
    assert_eq!(
        (&status["status"], &status["error"]["message"]),
        (&json!("Failed"), &json!("the disk is locked"))
    );
    assert_eq!(node(&world, "n2").await["properties"]["provisioningState"], "Failed");
    // It was stopped for that, and was started again.
    assert_eq!(world.machines.there_is()[0].1.len(), 3);
    let cluster = world.client.get(&world.cluster("rg1", "weather")).await.expect(200);
    assert_eq!(cluster.body["properties"]["provisioningState"], "Succeeded");
    world.machines.is_mended();
    let answer = act(&world, "n2", "replace", json!({})).await.expect(202);
    assert_eq!(world.ended(&answer).await["status"], "Succeeded");
}

async fn one_thing_is_done_to_a_cluster_at_a_time(database: TestDatabase) {
    let world = world(&database).await;
    world.machines.breaks("stop", ProviderError::retry("not now"));
    let answer = act(&world, "n2", "restart", json!({})).await.expect(202);
    act(&world, "n3", "restart", json!({})).await.refused(409, "AnotherOperationInProgress");
    let path = world.cluster("rg1", "weather");
    let patch = json!({"tags": {"a": "b"}});
    world.client.json("PATCH", &path, patch.clone()).await.refused(409, "AnotherOperationInProgress");
    assert_eq!(node(&world, "n2").await["properties"]["provisioningState"], "Updating");
    world.machines.is_mended();
    assert_eq!(world.ended(&answer).await["status"], "Succeeded");
    world.client.json("PATCH", &path, patch).await.expect(200);
}

isobar_records::on_both_databases!(
    nodes_come_and_go_with_their_cluster,
    a_dry_run_says_what_would_happen_and_does_nothing,
    a_node_is_restarted_and_one_that_is_down_is_started,
    a_node_is_replaced_until_every_row_is_back,
    a_node_is_replaced_though_nobody_leads_for_a_moment,
    what_fails_at_a_node_is_said_and_leaves_the_cluster_as_it_is,
    one_thing_is_done_to_a_cluster_at_a_time,
);
