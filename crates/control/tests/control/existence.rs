//! Whether something is there: a HEAD says what its GET finds.

use std::collections::BTreeSet;

use crate::common::people::{self, READER, assignment, give};
use crate::common::{GROUPS, LOCKS, ROLES, World};
use isobar_control::operations;
use isobar_control::table::Method;
use isobar_records::testing::TestDatabase;
use serde_json::json;

const NAME: &str = "00000000-0000-4000-8000-000000000001";

/// Makes one of everything.
async fn make_all(world: &mut World<'_>) {
    world.hour_ends().await;
    world.make_group("rg1").await;
    world.make_reservation("rg1", "licence", "byol", 1).await;
    world.make_small_cluster("rg1", "weather", true).await;
    let run = world.cluster("rg1", "weather/validations/run-1");
    let run = world.client.put(&run, json!({"properties": {"seconds": 2}})).await.expect(201);
    assert_eq!(world.ended(&run).await["status"], "Succeeded");
    let lock = world.at("/providers/Microsoft.Authorization/locks/keep", LOCKS);
    world.client.put(&lock, json!({"properties": {"level": "CanNotDelete"}})).await.expect(201);
    let reader = people::make(world, "reader").await;
    let scope = format!("/subscriptions/{}", world.subscription);
    give(&world.client, &reader, READER, &scope, 1).await.expect(201);
    let template = json!({"$schema": "https://s", "contentVersion": "1.0.0.0", "resources": []});
    let body = json!({"properties": {"mode": "Incremental", "template": template}});
    world.client.put(&deployment(world), body).await.expect(201);
    world.hour_ends().await;
}

fn deployment(world: &World<'_>) -> String {
    world.at("/resourceGroups/rg1/providers/Microsoft.Resources/deployments/deployed", GROUPS)
}

/// The name of a record of what was used in the hour that has ended.
async fn record(world: &World<'_>) -> String {
    let list = world.reservation("rg1", "licence/usageRecords");
    let is = |list: &serde_json::Value| list["value"].as_array().is_some_and(|all| !all.is_empty());
    world.until(&list, is).await["value"][0]["name"].as_str().expect("a name").to_owned()
}

async fn a_head_says_what_its_get_finds(database: TestDatabase) {
    let mut world = World::start(&database).await;
    make_all(&mut world).await;
    let (world, record) = (&world, record(&world).await);
    let cluster = |rest: &str| world.cluster("rg1", rest);
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}");
    let scope = format!("/subscriptions/{}", world.subscription);
    let record_path = world.reservation("rg1", &format!("licence/usageRecords/{record}"));
    // What is there, and by which name it is not.
    let all = [
        ("Subscriptions", world.at("", GROUPS), (&*world.subscription, NAME)),
        ("ResourceGroups", world.group("rg1"), ("rg1", "none")),
        ("Clusters", cluster("weather"), ("weather", "none")),
        ("Nodes", cluster("weather/nodes/n1"), ("nodes/n1", "nodes/n9")),
        ("Nodes", cluster("weather/nodes/n1"), ("weather", "none")),
        ("Validations", cluster("weather/validations/run-1"), ("run-1", "none")),
        ("ValidationReports", cluster("weather/validations/run-1/reports/default"), ("run-1", "none")),
        ("Reservations", world.reservation("rg1", "licence"), ("licence", "none")),
        ("UsageRecords", record_path, (&*record, "none")),
        ("Locks", world.at("/providers/Microsoft.Authorization/locks/keep", LOCKS), ("keep", "none")),
        ("RoleAssignments", assignment(&scope, NAME), (NAME, "none")),
        ("RoleDefinitions", world.at(&role, ROLES), (READER, "none")),
        ("Deployments", deployment(world), ("deployed", "none")),
        (
            "Tags",
            world.at("/resourceGroups/rg1/providers/Microsoft.Resources/tags/default", GROUPS),
            ("rg1", "none"),
        ),
    ];
    let nobody = people::make(world, "nobody").await.client;
    for (kind, path, (name, other)) in &all {
        let not_there = path.replace(name, other);
        for (path, found, told) in [(path, 200, 204), (&not_there, 404, 404)] {
            assert_eq!(world.client.get(path).await.status, found, "{kind}: {path}");
            let head = world.client.send("HEAD", path, &[], b"").await;
            assert_eq!((head.status, head.header("etag")), (told, ""), "{kind}: {path}");
        }
        assert_eq!(nobody.send("HEAD", path, &[], b"").await.status, 403, "{kind}");
    }
    let asked: BTreeSet<&str> = all.iter().map(|(kind, ..)| *kind).collect();
    let heads = operations().filter(|operation| operation.method == Method::Head);
    let heads: BTreeSet<&str> = heads.filter_map(|head| head.id.split('_').next()).collect();
    assert_eq!(asked, heads);
}

isobar_records::on_both_databases!(a_head_says_what_its_get_finds);
