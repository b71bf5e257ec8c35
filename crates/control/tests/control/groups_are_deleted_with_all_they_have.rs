//! The deletion of a group: what is answered meanwhile, what goes with it, and what survives a kill.

use crate::common::client::Client;
use crate::common::people::{self, CONTRIBUTOR, READER, give};
use crate::common::{GROUPS, OURS, World};
use isobar_records::testing::TestDatabase;
use serde_json::json;
use std::time::{Duration, Instant};

async fn a_group_is_deleted_with_all_that_is_in_it(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    world.make_group("rg10").await;
    world.make_cluster("rg1", "c1", json!({})).await;
    let person = people::make(&world, "in the group").await;
    let group = format!("/subscriptions/{}/resourceGroups/rg1", world.subscription);
    give(client, &person, READER, &group, 1).await.expect(201);
    let accepted = client.delete(&world.group("rg1")).await.expect(202);
    assert!(accepted.body.is_null() && accepted.header("retry-after") == "1");
    let location = accepted.header("location").to_owned();
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "the group stays");
        let answer = client.follow(&location).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!((answer.status, answer.header("retry-after")), (202, "1"));
        assert_eq!(answer.header("location"), location);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.get(&world.group("rg1")).await.refused(404, "ResourceGroupNotFound");
    client.delete(&world.group("rg1")).await.refused(404, "ResourceGroupNotFound");
    let status = client.follow(&location.replace("operationResults", "operationStatuses")).await.expect(200);
    assert_eq!((&status.body["status"], &status.body["percentComplete"]), (&json!("Succeeded"), &json!(100)));
    assert_eq!(status.body["resourceId"], group);
    assert!(status.body["endTime"].is_string() && status.header("retry-after").is_empty());
    assert!(client.get(&world.at("/resources", GROUPS)).await.names().is_empty());
    assert_eq!(client.get(&world.at("/resourceGroups", GROUPS)).await.names(), ["rg10"]);
    // A new group of the name begins with nothing.
    world.make_group("rg1").await;
    person.client.get(&world.group("rg1")).await.refused(403, "AuthorizationFailed");
}

async fn a_deletion_survives_a_kill(database: TestDatabase) {
    let world = World::start(&database).await;
    for number in 0..5 {
        let name = format!("rg{number}");
        world.make_group(&name).await;
        world.make_cluster(&name, "c1", json!({})).await;
        world.client.delete(&world.group(&name)).await.expect(202);
    }
    let world = world.die_and_start_again().await;
    for number in 0..5 {
        world.gone(&format!("rg{number}")).await;
    }
    assert!(world.client.get(&world.at("/resources", GROUPS)).await.names().is_empty());
}

async fn who_may_see_how_an_operation_stands(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    world.make_group("rg2").await;
    let scope = |group: &str| format!("/subscriptions/{}/resourceGroups/{group}", world.subscription);
    let (one, two) = (people::make(&world, "one").await, people::make(&world, "two").await);
    let nobody = people::make(&world, "nobody").await;
    give(&world.client, &one, CONTRIBUTOR, &scope("rg1"), 1).await.expect(201);
    give(&world.client, &two, CONTRIBUTOR, &scope("rg2"), 2).await.expect(201);
    let location = one.client.delete(&world.group("rg1")).await.expect(202).header("location").to_owned();
    world.gone("rg1").await;
    // The role has gone with the group; who began it still sees it through.
    let status = location.replace("operationResults", "operationStatuses");
    for url in [&location, &status] {
        one.client.follow(url).await.expect(200);
        world.client.follow(url).await.expect(200);
        for other in [&two, &nobody] {
            other.client.follow(url).await.refused(404, "NotFound");
        }
        Client::of(&world.running).follow(url).await.refused(401, "AuthenticationFailed");
    }
    // Of another group of the name he sees nothing.
    world.make_group("rg1").await;
    assert!(one.client.follow(&location).await.expect(200).body.is_null());
    assert_eq!(world.client.follow(&location).await.expect(200).body["name"], "rg1");
    let path = "/providers/Isobar.Storage/locations/uksouth/operationStatuses/none";
    world.client.get(&world.at(path, OURS)).await.refused(404, "NotFound");
}

async fn a_group_that_goes_takes_nothing_new(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let client = &world.client;
    client.delete(&world.group("rg1")).await.expect(202);
    // However far it is: it is refused, or there is nothing to refuse it any more.
    let lock = world.at("/resourceGroups/rg1/providers/Microsoft.Authorization/locks/l", "2016-09-01");
    let answer = client.put(&lock, json!({"properties": {"level": "CanNotDelete"}})).await;
    assert!(["ResourceGroupBeingDeleted", "ResourceGroupNotFound"].contains(&answer.code()), "{answer:?}");
    let again = client.delete(&world.group("rg1")).await;
    assert!([202, 404].contains(&again.status), "{again:?}");
    world.gone("rg1").await;
}

isobar_records::on_both_databases!(
    a_group_is_deleted_with_all_that_is_in_it,
    a_deletion_survives_a_kill,
    who_may_see_how_an_operation_stands,
    a_group_that_goes_takes_nothing_new,
);
