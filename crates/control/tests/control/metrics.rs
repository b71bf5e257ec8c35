//! What Prometheus is told, and that the dashboard asks for nothing else.

use std::collections::BTreeSet;

use crate::common::World;
use crate::common::client::Client;
use crate::common::people::{self, READER, give};
use isobar_records::testing::TestDatabase;
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../../../docs/grafana-dashboard.json");
/// What stands in expressions and is no metric.
const OTHERS: &[&str] = &["isobar"];

async fn scrape(client: &Client) -> String {
    let answer = client.get("/metrics").await.expect(200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"), "{answer:?}");
    answer.body.as_str().expect("text").to_owned()
}

/// The value of a line that begins like this.
fn value(text: &str, begin: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("no {begin} in {text}"));
    line.rsplit(' ').next().expect("a value").parse().expect("a number")
}

async fn clusters_nodes_and_requests_are_told(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("Rg1").await;
    world.make_small_cluster("Rg1", "weather", true).await;
    world.machines.serves("weather", "n1", 5000);
    world.machines.kill("weather", "n3");
    let health = world.cluster("Rg1", "weather/checkHealth");
    world.client.json("POST", &health, serde_json::json!({})).await.expect(200);
    let text = scrape(&world.client).await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let labels =
        format!("subscription=\"{}\",resource_group=\"Rg1\",cluster=\"weather\"", world.subscription);
    for (name, more, wanted) in [
        ("isobar_cluster_health", ",state=\"Degraded\"", 1.0),
        ("isobar_cluster_health", ",state=\"Healthy\"", 0.0),
        ("isobar_cluster_nodes", "", 3.0),
        ("isobar_cluster_nodes_up", "", 2.0),
        ("isobar_cluster_nodes_may_be_lost", "", 0.0),
        ("isobar_cluster_capacity_bytes", "", 3000.0),
        ("isobar_node_up", ",node=\"n3\"", 0.0),
        ("isobar_node_used_bytes", ",node=\"n2\"", 10.0),
        ("isobar_node_written_bytes_total", ",node=\"n1\"", 5000.0),
        ("isobar_node_read_bytes_total", ",node=\"n1\"", 10000.0),
    ] {
        assert_eq!(value(&text, &format!("{name}{{{labels}{more}}}")), wanted, "{name} in {text}");
    }
    let checks = "isobar_control_requests_total{operation=\"Clusters_CheckHealth\",status=\"200\"}";
    assert_eq!(value(&text, checks), 1.0);
    assert!(
        value(&text, "isobar_control_request_duration_seconds_count{operation=\"Clusters_CheckHealth\"}")
            == 1.0
    );
    // A name that nobody else could have sent is in no label.
    world.client.get("/no/such/path").await.expect(404);
    let text = scrape(&world.client).await;
    assert_eq!(value(&text, "isobar_control_requests_total{operation=\"none\",status=\"404\"}"), 1.0);
    assert!(!text.contains("such"), "{text}");
}

async fn only_whoever_may_read_all_of_it_is_told(database: TestDatabase) {
    let world = World::start(&database).await;
    Client::of(&world.running).get("/metrics").await.expect(401);
    let prometheus = people::make(&world, "prometheus").await;
    prometheus.client.get("/metrics").await.expect(403);
    let scope = format!("/subscriptions/{}", world.subscription);
    give(&world.client, &prometheus, READER, &scope, 1).await.expect(201);
    prometheus.client.get("/metrics").await.expect(403);
    give(&world.client, &prometheus, READER, "", 2).await.expect(201);
    scrape(&prometheus.client).await;
}

/// Words that may be names of metrics.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("isobar") && !OTHERS.contains(word)).collect()
}

async fn the_dashboard_asks_for_what_there_is(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_small_cluster("rg1", "weather", true).await;
    world
        .client
        .json("POST", &world.cluster("rg1", "weather/checkHealth"), serde_json::json!({}))
        .await
        .expect(200);
    let text = scrape(&world.client).await;
    let told: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split(['{', ' ']).next())
        .collect();
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.len() >= 10);
    for panel in panels {
        for target in panel["targets"].as_array().expect("targets") {
            let asked = names(target["expr"].as_str().expect("an expression"));
            assert!(!asked.is_empty() && asked.is_subset(&told), "{asked:?} are not all in {told:?}");
        }
    }
    // And leaves nothing out that is told of clusters.
    let all = names(DASHBOARD);
    let of_clusters = told.iter().filter(|name| !name.starts_with("isobar_control"));
    let left: Vec<_> = of_clusters.filter(|name| !all.contains(**name)).collect();
    assert!(left.is_empty(), "nobody sees {left:?}");
}

isobar_records::on_both_databases!(
    clusters_nodes_and_requests_are_told,
    only_whoever_may_read_all_of_it_is_told,
    the_dashboard_asks_for_what_there_is,
);
