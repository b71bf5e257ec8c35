//! How the readiness of a cluster is measured, and what is told of it.

use std::time::{Duration, Instant};

use crate::common::World;
use crate::common::people::{self, READER, give};
use isobar_provider::ProviderError;
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

async fn world(database: &TestDatabase) -> World<'_> {
    let world = World::start(database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", true).await;
    world
}

fn path(world: &World<'_>, rest: &str) -> String {
    world.cluster("rg1", &format!("weather/validations{rest}"))
}

fn measured(world: &World<'_>) -> usize {
    world.machines.calls().iter().filter(|call| *call == "measure").count()
}

async fn properties(world: &World<'_>, name: &str) -> Value {
    world.client.get(&path(world, &format!("/{name}"))).await.expect(200).body["properties"].clone()
}

/// Waits until the operation says this.
async fn says(world: &World<'_>, url: &str, words: &str) {
    let begun = Instant::now();
    loop {
        let status = world.client.follow(url).await.expect(200).body;
        if status.to_string().contains(words) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{status:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_cluster_is_measured_and_what_came_of_it_stays(database: TestDatabase) {
    let world = world(&database).await;
    assert!(world.client.get(&path(&world, "")).await.expect(200).names().is_empty());
    let one = path(&world, "/before-launch");
    let wanted = json!({"properties": {"seconds": 2, "targets": "[throughput]"}});
    let answer = world.client.put(&one, wanted.clone()).await.expect(201);
    assert_eq!(answer.body["properties"]["provisioningState"], "Creating");
    let status = world.ended(&answer).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");

    let validation = world.client.get(&one).await.expect(200).body;
    assert_eq!(validation["type"], "Isobar.Storage/clusters/validations");
    let of = &validation["properties"];
    let told = [
        ("verdict", json!("Passed")),
        ("statement", json!("Ready: 1 passed")),
        ("passed", json!(1)),
        ("failed", json!(0)),
        ("notMeasurable", json!(2)),
        ("seconds", json!(2)),
        ("drill", json!(true)),
        ("targets", json!("[throughput]")),
    ];
    for (name, value) in told {
        assert_eq!(of[name], value, "{name} in {of:#}");
    }
    // As large as fits into what is free, one MiB at least.
    assert_eq!(of["checks"][0]["measured"], "1048576 B/s");
    assert!(of["startedAt"].is_string() && of["endedAt"].is_string() && of.get("html").is_none(), "{of:#}");
    let report = world.client.get(&path(&world, "/before-launch/reports/default")).await.expect(200).body;
    assert_eq!(report["properties"]["html"], "<!doctype html><title>weather</title>");
    assert_eq!(world.client.get(&path(&world, "")).await.expect(200).names(), ["before-launch"]);

    // The same again is answered with what is there; something else is another validation.
    let again = world.client.put(&one, validation.clone()).await.expect(200);
    assert_eq!((again.header("azure-asyncoperation"), &again.body), ("", &validation));
    let other = json!({"properties": {"seconds": 3, "drill": false, "targets": "[throughput]"}});
    let refused =
        world.client.put(&one, other).await.refused(409, "PropertyChangeNotAllowed").body["error"].clone();
    let details: Vec<&Value> =
        refused["details"].as_array().expect("details").iter().map(|one| &one["target"]).collect();
    assert_eq!(details, ["properties.seconds", "properties.drill"]);
    assert_eq!(measured(&world), 1);

    world.client.delete(&one).await.expect(200);
    world.client.delete(&one).await.expect(204);
    world.client.get(&path(&world, "/before-launch/reports/default")).await.expect(404);
    // Its name is free again, and nothing is left of the report.
    world.machines.breaks("measure", ProviderError::cannot("no network"));
    let answer = world.client.put(&one, wanted).await.expect(201);
    assert_eq!(world.ended(&answer).await["error"]["message"], "no network");
    world.client.get(&path(&world, "/before-launch/reports/default")).await.refused(404, "ReportNotFound");
}

async fn whatever_is_wrong_with_it_is_told_at_once(database: TestDatabase) {
    let world = world(&database).await;
    let wrong = json!({"properties": {
        "seconds": 0, "files": "many", "fileBytes": 1, "drill": 1, "targets": "speed = 1", "sped": 1,
    }});
    let refused = world
        .client
        .put(&path(&world, "/run-1"), wrong)
        .await
        .refused(400, "InvalidRequestContent")
        .body["error"]
        .clone();
    let details = refused["details"].as_array().expect("details");
    let targets: Vec<&str> = details.iter().map(|one| one["target"].as_str().expect("a target")).collect();
    for name in ["seconds", "files", "fileBytes", "drill", "targets", "sped"] {
        assert!(targets.contains(&format!("properties.{name}").as_str()), "{name}: {refused:#}");
    }
    assert!(refused.to_string().contains("there is no 'speed'"), "{refused:#}");
    world.client.put(&path(&world, "/run_1"), json!({"properties": {}})).await.expect(400);
    let nowhere = world.cluster("rg1", "nowhere/validations/run-1");
    world.client.put(&nowhere, json!({"properties": {}})).await.expect(404);
    world.client.get(&nowhere).await.expect(404);
    world.client.get(&path(&world, "/run-1/reports/default")).await.expect(404);
    assert_eq!(measured(&world), 0);
}

async fn one_that_is_cancelled_leaves_the_cluster_as_it_was(database: TestDatabase) {
    let world = world(&database).await;
    world.machines.measures_for_ever(true);
    let one = path(&world, "/run-1");
    let answer = world.client.put(&one, json!({"properties": {}})).await.expect(201);
    says(&world, answer.header("azure-asyncoperation"), "drill: n3 stopped").await;
    assert_eq!(world.machines.there_is()[0].1, ["n1", "n2"]);

    // One thing is done to a cluster at a time.
    let other = world.client.put(&path(&world, "/run-2"), json!({"properties": {}})).await;
    assert_eq!(other.status, 409, "{other:?}");
    let restart = world.cluster("rg1", "weather/nodes/n1/restart");
    assert_eq!(world.client.json("POST", &restart, json!({})).await.status, 409);
    world.client.delete(&one).await.refused(409, "ValidationActive");
    // The same again is the same.
    world.client.put(&one, json!({"properties": {}})).await.expect(200);
    world.client.get(&path(&world, "/run-1/reports/default")).await.refused(404, "ReportNotFound");

    world.client.send("POST", &path(&world, "/run-1/cancel"), &[], &[]).await.expect(204);
    assert_eq!(world.ended(&answer).await["status"], "Canceled");
    assert_eq!(properties(&world, "run-1").await["provisioningState"], "Canceled");
    assert_eq!(world.machines.there_is()[0].1, ["n1", "n2", "n3"]);
    let late = world.client.send("POST", &path(&world, "/run-1/cancel"), &[], &[]).await;
    late.refused(409, "ValidationCannotBeCancelled");

    // What came to nothing is measured again.
    world.machines.measures_for_ever(false);
    let answer = world.client.put(&one, json!({"properties": {"drill": false}})).await.expect(200);
    assert_eq!(world.ended(&answer).await["status"], "Succeeded");
    let of = properties(&world, "run-1").await;
    assert_eq!((&of["verdict"], &of["drill"]), (&json!("Passed"), &json!(false)));
}

async fn readers_read_what_others_have_measured(database: TestDatabase) {
    let world = world(&database).await;
    let answer = world.client.put(&path(&world, "/run-1"), json!({"properties": {}})).await.expect(201);
    world.ended(&answer).await;
    let reader = people::make(&world, "reader").await;
    let scope = format!("/subscriptions/{}", world.subscription);
    give(&world.client, &reader, READER, &scope, 1).await.expect(201);
    reader.client.get(&path(&world, "/run-1")).await.expect(200);
    reader.client.get(&path(&world, "/run-1/reports/default")).await.expect(200);
    reader.client.put(&path(&world, "/run-2"), json!({"properties": {}})).await.expect(403);
    reader.client.delete(&path(&world, "/run-1")).await.expect(403);
    reader.client.send("POST", &path(&world, "/run-1/cancel"), &[], &[]).await.expect(403);
    let filter = format!(
        "/providers/Microsoft.Insights/eventtypes/management/values?$filter=resourceId%20eq%20'{}'",
        path(&world, "/run-1").split('?').next().expect("a path")
    );
    let log = world.client.get(&world.at(&filter, "2015-04-01")).await.expect(200).body;
    let actions: Vec<&Value> =
        log["value"].as_array().expect("a list").iter().map(|one| &one["operationName"]["value"]).collect();
    assert!(actions.contains(&&json!("Isobar.Storage/clusters/validations/write")), "{log:#}");
}

isobar_records::on_both_databases!(
    a_cluster_is_measured_and_what_came_of_it_stays,
    whatever_is_wrong_with_it_is_told_at_once,
    one_that_is_cancelled_leaves_the_cluster_as_it_was,
    readers_read_what_others_have_measured,
);
