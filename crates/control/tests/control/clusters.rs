//! Clusters: what is answered when they are made, read, changed and deleted, and what is refused.

use std::time::{Duration, Instant};

use crate::common::World;
use crate::common::client::Answer;
use crate::common::people::{self, READER, give};
use isobar_provider::ProviderError;
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

const LOCATION: &str = "/providers/Isobar.Storage/locations/uksouth";

/// Asks until an answer is as it should be.
async fn until(world: &World<'_>, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let body = world.client.get(path).await.expect(200).body;
        if is(&body) {
            return body;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it stays like this: {body:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn targets(answer: &Answer) -> Vec<&str> {
    let details = answer.body["error"]["details"].as_array().expect("details");
    details.iter().map(|detail| detail["target"].as_str().expect("a target")).collect()
}

async fn a_cluster_is_made_and_shown_with_how_it_is(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let path = world.cluster("rg1", "weather");
    let body = json!({
        "location": "UK South", "tags": {"team": "forecast"}, "sku": {"name": "small"},
        "properties": {"nodeCount": 8},
    });
    let made = world.client.put(&path, body).await.expect(201);
    assert_eq!(made.body["properties"]["provisioningState"], "Creating");
    assert_eq!(made.header("retry-after"), "1");
    assert!(made.header("azure-asyncoperation").contains("/locations/uksouth/operationStatuses/"));
    assert!(
        made.body["properties"].get("clusterId").is_none() && made.body["properties"].get("health").is_none()
    );
    let status = world.ended(&made).await;
    assert_eq!(
        (&status["status"], &status["percentComplete"]),
        (&json!("Succeeded"), &json!(100)),
        "{status:#}"
    );
    assert_eq!(status["resourceId"], made.body["id"]);

    // Who made it has seen it, and so does everybody.
    let cluster = world.client.get(&path).await.expect(200).body;
    let properties = &cluster["properties"];
    assert_eq!((&cluster["location"], &cluster["sku"]), (&json!("uksouth"), &json!({"name": "Small"})));
    assert_eq!(properties["provisioningState"], "Succeeded");
    for (name, value) in [
        ("nodeCount", json!(8)),
        ("dataRows", json!(6)),
        ("parityRows", json!(2)),
        ("deletionProtection", json!(true)),
        ("provider", json!("machines")),
        ("clusterId", json!("0000000000000001")),
        ("capacity", json!({"totalBytes": 8000, "usedBytes": 80})),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    let command = properties["clientInfo"]["mountCommand"].as_str().expect("a command");
    assert!(command.ends_with(" /mnt/weather"), "{command}");
    let health = &properties["health"];
    assert_eq!(
        (&health["state"], &health["nodesUp"], &health["nodes"]),
        (&json!("Healthy"), &json!(8), &json!(8))
    );
    assert_eq!((&health["nodesMayBeLost"], &health["leader"]), (&json!(2), &json!("n1")));
    assert!(health["observedAt"].is_string());
    // What only the program has to know is not shown.
    assert!(!cluster.to_string().contains("internal") && !cluster.to_string().contains("deployment"));

    for list in
        [world.cluster("rg1", ""), world.at("/providers/Isobar.Storage/clusters", crate::common::OURS)]
    {
        let listed = world.client.get(&list).await.expect(200);
        assert_eq!(listed.names(), ["weather"]);
        assert_eq!(listed.body["value"][0]["properties"]["health"]["state"], "Healthy");
    }
    // Its version is that of what is kept, whatever is seen of it.
    let before = world.client.get(&path).await;
    world.machines.kill("weather", "n3");
    until(&world, &path, |cluster| cluster["properties"]["health"]["state"] == "Degraded").await;
    let after = world.client.get(&path).await;
    assert_eq!(before.header("etag"), after.header("etag"));
    assert_eq!(after.body["properties"]["health"]["attention"], json!(["n3 does not answer"]));
}

async fn what_is_wrong_with_a_cluster_is_said_at_once(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let client = &world.client;
    let put = async |body: Value| client.put(&world.cluster("rg1", "weather"), body).await;
    let wrong = put(json!({
        "location": "uksouth", "sku": {"name": "Huge", "tier": "x", "capacity": 3}, "colour": "red",
        "properties": {"nodeCount": 2, "dataRows": 0, "parityRows": "two", "deletionProtection": "no", "n": 1},
    }))
    .await
    .refused(400, "InvalidRequestContent");
    let expected = [
        "properties.nodeCount",
        "properties.dataRows",
        "properties.parityRows",
        "properties.deletionProtection",
        "properties.n",
        "colour",
        "sku.name",
        "sku.tier",
        "sku.capacity",
    ];
    let mut told = targets(&wrong);
    told.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected, "{wrong:#?}");
    let text = wrong.body.to_string();
    assert!(text.contains("must be one of Small, Large, not 'Huge'"), "{text}");
    assert!(text.contains("3 to 64"), "{text}");

    let rows = put(json!({"location": "uksouth", "properties": {"nodeCount": 4, "parityRows": 2}})).await;
    assert_eq!(targets(&rows), ["properties.parityRows"]);
    assert!(rows.body.to_string().contains("must be 1 to 1 for 4 nodes, not 2"), "{rows:?}");
    let rows = put(json!({"location": "uksouth", "properties": {"nodeCount": 8, "dataRows": 7}})).await;
    assert_eq!(targets(&rows), ["properties.dataRows"]);
    // There are no machines in the one location, and the other is none.
    for location in ["local", "moon"] {
        let answer = put(json!({"location": location, "properties": {"nodeCount": 3}})).await;
        let answer = answer.refused(400, "LocationNotAvailableForResourceType");
        assert!(answer.body.to_string().contains("'uksouth'"), "{answer:?}");
    }
    put(json!({"properties": {"nodeCount": 3}})).await.refused(400, "LocationRequired");
    let good = json!({"location": "uksouth", "properties": {"nodeCount": 3}});
    client.put(&world.cluster("rg1", "a_b"), good.clone()).await.refused(400, "InvalidResourceName");
    client.put(&world.cluster("rg2", "weather"), good).await.refused(404, "ResourceGroupNotFound");
    assert!(world.machines.calls().is_empty(), "nothing was made of it");
    let list = client.get(&world.cluster("rg1", "")).await.expect(200);
    assert!(list.names().is_empty());
}

async fn only_tags_and_protection_change(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", true).await;
    let (client, path) = (&world.client, world.cluster("rg1", "weather"));
    let before = client.get(&path).await.expect(200);
    // What was read can be sent back.
    let tagged = client.put(&path, before.body.clone()).await.expect(200);
    assert!(tagged.header("azure-asyncoperation").is_empty(), "nothing is under way");
    let patched = client.json("PATCH", &path, json!({"tags": {"a": "1"}})).await.expect(200);
    assert_eq!(
        (&patched.body["tags"], &patched.body["properties"]["nodeCount"]),
        (&json!({"a": "1"}), &json!(3))
    );
    let off = json!({"properties": {"deletionProtection": false}});
    let patched = client.json("PATCH", &path, off).await.expect(200);
    assert_eq!(patched.body["properties"]["deletionProtection"], false);
    for (patch, target) in [
        (json!({"properties": {"nodeCount": 4}}), "properties.nodeCount"),
        (json!({"properties": {"dataRows": 1}}), "properties.dataRows"),
        (json!({"sku": {"name": "Large"}}), "sku.name"),
    ] {
        let refused = client.json("PATCH", &path, patch).await.refused(409, "PropertyChangeNotAllowed");
        assert_eq!(refused.body["error"]["target"], target);
    }
    let many = json!({
        "location": "uksouth", "sku": {"name": "Large"},
        "properties": {"nodeCount": 5, "dataRows": 3, "parityRows": 2},
    });
    let refused = client.put(&path, many).await.refused(409, "PropertyChangeNotAllowed");
    let all = ["sku.name", "properties.nodeCount", "properties.dataRows", "properties.parityRows"];
    assert_eq!(targets(&refused), all);
    let stale = [("if-match", "\"1\""), ("content-type", "application/json")];
    client.send("PATCH", &path, &stale, b"{}").await.refused(412, "PreconditionFailed");
    client.json("PATCH", &world.cluster("rg1", "none"), json!({})).await.refused(404, "ResourceNotFound");
}

async fn a_protected_cluster_is_not_deleted_and_an_unprotected_one_is(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", true).await;
    let (client, path) = (&world.client, world.cluster("rg1", "weather"));
    let refused = client.delete(&path).await.refused(409, "DeletionProtected");
    let why = refused.body["error"]["message"].as_str().expect("a message").to_owned();
    assert!(why.contains("files") && why.contains("deletionProtection to false"), "{why}");
    client.json("PATCH", &path, json!({"properties": {"deletionProtection": false}})).await.expect(200);
    let deleted = client.delete(&path).await.expect(202);
    assert!(!deleted.header("location").is_empty() && deleted.header("retry-after") == "1");
    assert_eq!(world.ended(&deleted).await["status"], "Succeeded");
    client.get(&path).await.refused(404, "ResourceNotFound");
    client.get(&world.cluster("rg1", "weather/nodes/n1")).await.refused(404, "ResourceNotFound");
    client.delete(&path).await.expect(204);
    assert!(world.machines.there_is().is_empty());
    assert!(client.follow(deleted.header("location")).await.expect(200).body.is_null());
    // The name is free again, and the new one has nothing of the old one.
    world.make_small_cluster("rg1", "weather", true).await;
    let again = client.get(&path).await.expect(200);
    assert_eq!(again.body["properties"]["clusterId"], "0000000000000005");
}

async fn what_could_not_be_made_leaves_nothing_and_can_be_tried_again(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let (client, path) = (&world.client, world.cluster("rg1", "weather"));
    let of = |nodes: u32| json!({"location": "uksouth", "properties": {"nodeCount": nodes}});
    // Too many for the machines that there are.
    let status = world.ended(&client.put(&path, of(21)).await.expect(201)).await;
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("Failed"), &json!("DoesNotFit")));
    assert_eq!(status["error"]["details"][0]["message"], "20 nodes fit, not 21.");
    assert!(!world.machines.calls().contains(&"make".to_owned()));
    let failed = client.get(&path).await.expect(200);
    assert_eq!(failed.body["properties"]["provisioningState"], "Failed");
    for action in ["checkHealth", "listSecrets"] {
        let path = world.cluster("rg1", &format!("weather/{action}"));
        client.json("POST", &path, json!({})).await.refused(409, "OperationNotAllowed");
    }
    // Made, and not started.
    for call in ["make", "start", "running"] {
        world.machines.breaks(call, ProviderError::cannot(format!("{call}: out of order")));
        if call == "running" {
            // It is looked at who runs only where the cluster is not healthy at once.
            continue;
        }
        let status = world.ended(&client.put(&path, of(3)).await.expect(200)).await;
        assert_eq!(status["error"]["message"], format!("{call}: out of order"), "{status:#}");
        assert!(world.machines.there_is().is_empty(), "{call}");
        world.machines.is_mended();
    }
    world.machines.is_mended();
    // Another one of the name, as if nothing had been.
    let status = world.ended(&client.put(&path, of(5)).await.expect(200)).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");
    let made = client.get(&path).await.expect(200);
    assert_eq!(made.body["properties"]["nodeCount"], 5);
    assert_eq!(world.machines.there_is().len(), 1);
    // One that was never made is deleted without more ado, protected or not.
    let other = world.cluster("rg1", "climate");
    world.ended(&client.put(&other, of(21)).await.expect(201)).await;
    let deleted = client.delete(&other).await.expect(202);
    assert_eq!(world.ended(&deleted).await["status"], "Succeeded");
    client.get(&other).await.refused(404, "ResourceNotFound");
}

async fn one_thing_at_a_time_and_it_can_be_cancelled(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let (client, path) = (&world.client, world.cluster("rg1", "weather"));
    world.machines.breaks("start", ProviderError::retry("no power"));
    let body = json!({"location": "uksouth", "properties": {"nodeCount": 3, "deletionProtection": false}});
    let made = client.put(&path, body.clone()).await.expect(201);
    let status = made.header("azure-asyncoperation").to_owned();
    let begun = Instant::now();
    while !client.follow(&status).await.body.to_string().contains("no power") {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not say why it waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let operation = status.split('?').next().and_then(|url| url.rsplit('/').next()).expect("an id");
    for refused in [
        client.put(&path, body).await,
        client.json("PATCH", &path, json!({"tags": {}})).await,
        client.delete(&path).await,
    ] {
        let refused = refused.refused(409, "AnotherOperationInProgress");
        assert!(refused.body.to_string().contains(operation), "{refused:?}");
    }
    let reader = people::make(&world, "reader").await;
    let scope = format!("/subscriptions/{}", world.subscription);
    give(client, &reader, READER, &scope, 1).await.expect(201);
    let cancel = status.strip_prefix(&client.url).expect("our own").replacen('?', "/cancel?", 1);
    reader.client.json("POST", &cancel, json!({})).await.refused(403, "AuthorizationFailed");
    let cancelled = client.json("POST", &cancel, json!({})).await.expect(200);
    assert_eq!(cancelled.body["resourceId"], made.body["id"]);
    assert_eq!(world.ended(&made).await["status"], "Canceled");
    assert!(world.machines.there_is().is_empty());
    let kept = client.get(&path).await.expect(200);
    assert_eq!(kept.body["properties"]["provisioningState"], "Canceled");
    client.json("POST", &cancel, json!({})).await.refused(409, "OperationNotAllowed");
}

async fn secrets_are_for_who_may_have_them_and_the_log_says_who_had(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", true).await;
    let path = world.cluster("rg1", "weather/listSecrets");
    let reader = people::make(&world, "reader").await;
    let scope = format!("/subscriptions/{}", world.subscription);
    give(&world.client, &reader, READER, &scope, 1).await.expect(201);
    let before = world.machines.calls().len();
    reader.client.json("POST", &path, json!({})).await.refused(403, "AuthorizationFailed");
    assert_eq!(world.machines.calls().len(), before, "they are not even read");
    let secrets = world.client.json("POST", &path, json!({})).await.expect(200).body;
    assert_eq!(secrets["clientCredential"], "TOP SECRET CREDENTIAL");
    assert_eq!(secrets["clusterFile"], "name = \"weather\"\n");
    let log = world.at("/providers/Microsoft.Insights/eventtypes/management/values", "2015-04-01");
    let log = world.client.get(&log).await.expect(200).body.to_string();
    assert!(
        log.contains("Isobar.Storage/clusters/listSecrets/action") && !log.contains("TOP SECRET"),
        "{log}"
    );
}

async fn health_is_looked_at_when_it_is_asked_for_and_rates_are_counted(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", true).await;
    let (client, check) = (&world.client, world.cluster("rg1", "weather/checkHealth"));
    let health = client.json("POST", &check, json!({})).await.expect(200).body;
    assert_eq!((&health["state"], &health["nodesMayBeLost"]), (&json!("Healthy"), &json!(1)));
    world.machines.kill("weather", "n2");
    let health = client.json("POST", &check, json!({})).await.expect(200).body;
    assert_eq!((&health["state"], &health["statement"]), (&json!("Degraded"), &json!("n2 is missing.")));
    world.machines.kill("weather", "n1");
    let health = client.json("POST", &check, json!({})).await.expect(200).body;
    assert_eq!((&health["state"], &health["nodesUp"]), (&json!("Unhealthy"), &json!(1)));
    let path = world.cluster("rg1", "weather");
    until(&world, &path, |cluster| cluster["properties"]["health"]["state"] == "Unhealthy").await;
    world.machines.serves("weather", "n3", 50_000_000);
    let seen = until(&world, &path, |cluster| {
        cluster["properties"]["throughput"]["writtenBytesPerSecond"].as_u64().is_some_and(|rate| rate > 0)
    });
    let rates = seen.await["properties"]["throughput"].clone();
    let rate = |name: &str| rates[name].as_u64().expect("a rate");
    assert!(rate("readBytesPerSecond") > rate("writtenBytesPerSecond"), "{rates}");
    assert!(rate("operationsPerSecond") > 0, "{rates}");
}

async fn a_plan_says_what_a_cluster_would_be_and_makes_nothing(database: TestDatabase) {
    let world = World::start(&database).await;
    let plan = world.at(&format!("{LOCATION}/planCluster"), crate::common::OURS);
    let of = |nodes: u32| json!({"sku": {"name": "Small"}, "properties": {"nodeCount": nodes}});
    let answer = world.client.json("POST", &plan, of(8)).await.expect(200).body;
    let mib = |count: u64| count << 20;
    for (name, value) in [
        ("fits", json!(true)),
        ("nodeCount", json!(8)),
        ("dataRows", json!(6)),
        ("parityRows", json!(2)),
        ("voters", json!(5)),
        ("rawBytes", json!(mib(512))),
        ("usableBytes", json!(mib(384))),
        ("nodesMayBeLost", json!(2)),
    ] {
        assert_eq!(answer[name], value, "{name}: {answer:#}");
    }
    let words = answer["statements"].to_string();
    assert!(words.contains("8 nodes x 64.0 MiB = 512.0 MiB") && words.contains("Any 2 nodes"), "{words}");
    let fewest = json!({"properties": {"nodeCount": 4, "dataRows": 2, "parityRows": 1}});
    let answer = world.client.json("POST", &plan, fewest).await.expect(200).body;
    let words = answer["statements"].to_string();
    for said in [
        "Any 1 node may be lost and nothing is: each segment has 1 row more",
        "of the 3 rows of each segment 2 are data",
        "while 1 is away",
    ] {
        assert!(words.contains(said), "{words}");
    }
    let answer = world.client.json("POST", &plan, of(21)).await.expect(200).body;
    assert_eq!(
        (&answer["fits"], &answer["misfits"][0]["message"]),
        (&json!(false), &json!("20 nodes fit, not 21."))
    );
    world.client.json("POST", &plan, of(2)).await.refused(400, "InvalidRequestContent");
    let elsewhere = world.at("/providers/Isobar.Storage/locations/local/planCluster", crate::common::OURS);
    let refused = world.client.json("POST", &elsewhere, of(3)).await;
    refused.refused(400, "LocationNotAvailableForResourceType");
    assert!(world.machines.calls().iter().all(|call| call == "check"));

    let skus =
        world.client.get(&world.at(&format!("{LOCATION}/skus"), crate::common::OURS)).await.expect(200);
    assert_eq!(skus.names(), ["Small", "Large"]);
    assert_eq!(skus.body["value"][0]["targetBytes"], mib(64));
}

async fn a_name_is_free_or_it_is_said_why_not(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", true).await;
    let check = world.at(&format!("{LOCATION}/checkNameAvailability"), crate::common::OURS);
    let ask = async |name: &str| {
        let body = json!({"name": name, "type": "Isobar.Storage/clusters"});
        world.client.json("POST", &check, body).await.expect(200).body
    };
    assert_eq!(ask("climate").await, json!({"nameAvailable": true}));
    let (taken, wrong) = (ask("Weather").await, ask("a_b").await);
    assert_eq!((&taken["nameAvailable"], &taken["reason"]), (&json!(false), &json!("AlreadyExists")));
    assert_eq!((&wrong["nameAvailable"], &wrong["reason"]), (&json!(false), &json!("Invalid")));
    let answer = world.client.json("POST", &check, json!({"name": 3})).await;
    assert_eq!(targets(&answer).len(), 2);
}

isobar_records::on_both_databases!(
    a_cluster_is_made_and_shown_with_how_it_is,
    what_is_wrong_with_a_cluster_is_said_at_once,
    only_tags_and_protection_change,
    a_protected_cluster_is_not_deleted_and_an_unprotected_one_is,
    what_could_not_be_made_leaves_nothing_and_can_be_tried_again,
    one_thing_at_a_time_and_it_can_be_cancelled,
    secrets_are_for_who_may_have_them_and_the_log_says_who_had,
    health_is_looked_at_when_it_is_asked_for_and_rates_are_counted,
    a_plan_says_what_a_cluster_would_be_and_makes_nothing,
    a_name_is_free_or_it_is_said_why_not,
);
