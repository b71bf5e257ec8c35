//! What is used, hour by hour: written down once, told to Microsoft where it sells, and added up.

use std::time::Duration;

use crate::common::market::{operation, subscription};
use crate::common::people::{self, READER, give};
use crate::common::{World, start_in};
use isobar_arm::Timestamp;
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const HOUR_MS: i64 = 3_600_000;

/// A world in which an hour has just begun, with a reservation of this kind.
async fn world<'d>(database: &'d TestDatabase, kind: &str) -> World<'d> {
    let mut world = World::start(database).await;
    world.hour_ends().await;
    world.make_group("rg1").await;
    world.make_reservation("rg1", "res", kind, 1).await;
    world
}

/// Makes a cluster of three large nodes: 3 GiB.
async fn make_large_cluster(world: &World<'_>, name: &str) {
    let body = json!({"location": "uksouth", "sku": {"name": "Large"}, "properties": {
        "nodeCount": 3, "deletionProtection": false, "reservationId": world.reservation_id("rg1", "res"),
    }});
    let made = world.client.put(&world.cluster("rg1", name), body).await.expect(201);
    assert_eq!(world.ended(&made).await["status"], "Succeeded");
}

/// Has the plan that is not sold by the piece: it reserves nothing.
async fn becomes_flat(world: &World<'_>) {
    let notice = world.machines.market().happens(99, 1, "ChangeQuantity", "flat", json!(0));
    let hook = "/providers/Isobar.Storage/marketplaceWebhook";
    world.client.json("POST", hook, notice).await.expect(200);
    let begun = std::time::Instant::now();
    while world.machines.market().answers().is_empty() {
        assert!(begun.elapsed().as_secs() < 60, "Microsoft waits for an answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn records_of(world: &World<'_>) -> String {
    world.reservation("rg1", "res/usageRecords")
}

/// Waits until there are so many records that are as they should be, and gives all.
async fn records(world: &World<'_>, count: usize, is: impl Fn(&Value) -> bool) -> Vec<Value> {
    let all = |list: &Value| list["value"].as_array().cloned().unwrap_or_default();
    let list = world
        .until(&records_of(world), |list| {
            all(list).iter().filter(|record| is(&record["properties"])).count() == count
        })
        .await;
    all(&list).into_iter().map(|record| record["properties"].clone()).collect()
}

async fn report(world: &World<'_>, body: Value) -> Value {
    let path = world.reservation("rg1", "res/getBillingReport");
    world.client.json("POST", &path, body).await.expect(200).body
}

async fn each_hour_is_written_down_once_however_many_control_planes_there_are(database: TestDatabase) {
    let mut world = world(&database, "byol").await;
    let other = start_in(world.folder.path(), &database, &world.clock, world.machines.hands()).await;
    make_large_cluster(&world, "weather").await;
    assert!(world.client.get(&records_of(&world)).await.expect(200).names().is_empty());
    for count in 1..=4 {
        world.hour_ends().await;
        let all = records(&world, count, |_| true).await;
        let last = all.last().expect("a record");
        assert_eq!((&last["usedBytes"], &last["reservedBytes"]), (&json!(3 * GIB), &json!(TIB)), "{last:#}");
        assert_eq!((&last["overageBytes"], &last["estimated"]), (&json!(0), &json!(false)));
        assert!(last["clusters"][0].as_str().expect("an id").ends_with("/weather"));
        // Microsoft does not sell it, and is told nothing.
        assert_eq!(last.get("reportState"), None);
    }
    // Both have looked again.
    world.clock.advance(61_000);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let list = world.client.get(&records_of(&world)).await.expect(200);
    assert_eq!(list.names().len(), 4);
    assert!(list.names().iter().all(|name| name.len() == 12 && name.ends_with('Z')), "{:?}", list.names());
    let one = world.reservation("rg1", &format!("res/usageRecords/{}", list.names()[0]));
    assert_eq!(world.client.get(&one).await.expect(200).body["properties"]["usedBytes"], 3 * GIB);
    other.stop().await;

    let reader = people::make(&world, "reader").await;
    give(&world.client, &reader, READER, &format!("/subscriptions/{}", world.subscription), 1).await;
    reader.client.get(&one).await.expect(200);
    reader.client.put(&one, json!({})).await.expect(405);
    // They go with their reservation.
    let cluster = world.client.delete(&world.cluster("rg1", "weather")).await.expect(202);
    world.ended(&cluster).await;
    world.client.delete(&world.reservation("rg1", "res")).await.expect(200);
    world.client.get(&one).await.expect(404);
}

async fn hours_that_nobody_saw_are_estimated_a_day_back(database: TestDatabase) {
    let mut world = world(&database, "byol").await;
    make_large_cluster(&world, "old").await;
    world.hour_ends().await;
    records(&world, 1, |_| true).await;
    let World { running, database, clock, machines, folder, first, subscription, .. } = world;
    running.stop().await;
    clock.advance(5 * HOUR_MS);
    let running = start_in(folder.path(), database, &clock, machines.hands()).await;
    let client = crate::common::client::Client::of(&running).login(&first.0, &first.1).await;
    let mut world = World { running, database, clock, machines, folder, first, subscription, client };
    // The last one has ended this minute.
    let all = records(&world, 6, |_| true).await;
    let estimated: Vec<bool> = all.iter().map(|of| of["estimated"] == true).collect();
    assert_eq!(estimated, [false, true, true, true, true, false]);
    assert!(all.iter().all(|of| of["usedBytes"] == 3 * GIB), "{all:#?}");

    // What was made since did not use anything before.
    make_large_cluster(&world, "new").await;
    world.hour_ends().await;
    let last = records(&world, 7, |_| true).await.pop().expect("a record");
    assert_eq!(last["usedBytes"], 6 * GIB);
    let World { running, database, clock, machines, folder, first, subscription, .. } = world;
    running.stop().await;
    clock.advance(100 * HOUR_MS);
    let running = start_in(folder.path(), database, &clock, machines.hands()).await;
    let client = crate::common::client::Client::of(&running).login(&first.0, &first.1).await;
    world = World { running, database, clock, machines, folder, first, subscription, client };
    records(&world, 7 + 24, |_| true).await;
}

async fn what_is_used_beyond_is_told_until_it_is_taken_and_counts_once(database: TestDatabase) {
    let mut world = world(&database, "marketplace").await;
    let market = world.machines.market();
    make_large_cluster(&world, "weather").await;
    world.hour_ends().await;
    // What was bought is paid already.
    let all = records(&world, 1, |of| of["reportState"] == "Included").await;
    assert_eq!(all[0]["reportQuantity"], 0);
    assert_eq!((market.usage(), market.count("report usage")), (Vec::new(), 0));

    becomes_flat(&world).await;
    let statement = world.client.get(&world.reservation("rg1", "res")).await.expect(200).body;
    let statement = statement["properties"]["statement"].as_str().expect("words").to_owned();
    assert!(statement.contains("3.0 GiB are overage"), "{statement}");
    market.breaks("report usage", false);
    world.hour_ends().await;
    let all = records(&world, 1, |of| of["reportState"] == "Pending").await;
    assert_eq!((&all[1]["overageBytes"], &all[1]["reportQuantity"]), (&json!(3 * GIB), &json!(3)));
    // It is told again by another one, which does not know that the first was heard.
    market.is_mended();
    world = world.die_and_start_again().await;
    let all = records(&world, 1, |of| of["reportState"] == "Accepted").await;
    let start = Timestamp::parse(all[1]["hour"].as_str().expect("a time")).expect("a time").millis();
    let told = [(subscription(1), "silver".to_owned(), start, 3)];
    assert_eq!(market.usage(), told);
    let count = market.count("report usage");
    world.clock.advance(61_000);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!((market.usage().len(), market.count("report usage")), (1, count), "it is told once");
}

async fn an_hour_that_microsoft_has_already_counts(database: TestDatabase) {
    let mut world = world(&database, "marketplace").await;
    let market = world.machines.market();
    make_large_cluster(&world, "weather").await;
    becomes_flat(&world).await;
    // It dies when Microsoft has heard, and nothing of that is written down.
    let mut heard = Vec::new();
    let is_told = |of: &Value| of["reportState"] == "Accepted" || of["reportState"] == "Duplicate";
    for number in 0..3 {
        let hands = world.machines.dying_at(number);
        world = world.die_and_start_with(hands.clone()).await;
        world.hour_ends().await;
        tokio::select! {
            () = hands.death() => {}
            _ = records(&world, number + 1, is_told) => {}
        }
        world = world.die_and_start_again().await;
        heard = records(&world, number + 1, is_told).await;
    }
    let states: Vec<&str> = heard.iter().map(|of| of["reportState"].as_str().expect("a state")).collect();
    assert_eq!(states, ["Accepted", "Duplicate", "Accepted"]);
    assert_eq!(market.usage().len(), 3);
    assert_eq!(market.answers().get(&operation(99)), Some(&true));
}

async fn what_microsoft_does_not_take_says_why(database: TestDatabase) {
    let mut world = world(&database, "privateOffer").await;
    let market = world.machines.market();
    make_large_cluster(&world, "weather").await;
    becomes_flat(&world).await;
    market.rejects_usage();
    world.hour_ends().await;
    let all = records(&world, 1, |of| of["reportState"] == "Rejected").await;
    let why = all[0]["reportReason"].as_str().expect("a reason");
    assert_eq!(why, "InvalidDimension: There is no such dimension.");

    // What Microsoft could not be told within a day is told no more.
    market.is_mended();
    market.breaks("report usage", false);
    world.hour_ends().await;
    records(&world, 1, |of| of["reportState"] == "Pending").await;
    world.clock.advance(26 * HOUR_MS);
    world.hour_ends().await;
    let second = |list: &Value| list["value"][1]["properties"].clone();
    let list = world.until(&records_of(&world), |list| second(list)["reportState"] == "Rejected").await;
    let why = second(&list)["reportReason"].as_str().expect("a reason").to_owned();
    assert!(why.contains("within 24 hours"), "{why}");
    market.is_mended();
    world.clock.advance(61_000);
    let all = records(&world, 0, |of| of["reportState"] == "Pending").await;
    let accepted = all.iter().filter(|of| of["reportState"] == "Accepted").count();
    assert!(accepted > 20, "{all:#?}");
    assert_eq!(market.usage().len(), accepted);
}

async fn a_billing_report_adds_up_what_was_written_down(database: TestDatabase) {
    let mut world = world(&database, "byol").await;
    let empty = report(&world, json!({})).await;
    assert_eq!((&empty["records"], &empty["reservedByteHours"]), (&json!([]), &json!("0")));
    make_large_cluster(&world, "weather").await;
    world.hour_ends().await;
    let smaller = json!({"properties": {"reservedBytes": GIB}});
    let path = world.reservation("rg1", "res");
    records(&world, 1, |_| true).await;
    world.client.json("PATCH", &path, smaller).await.expect(200);
    world.hour_ends().await;
    let all = records(&world, 2, |_| true).await;

    let sums = report(&world, json!({})).await;
    let number = |bytes: u64| json!(bytes.to_string());
    assert_eq!(sums["reservedByteHours"], number(TIB + GIB));
    assert_eq!(sums["usedByteHours"], number(6 * GIB));
    assert_eq!(sums["overageByteHours"], number(2 * GIB));
    assert_eq!((&sums["hours"], &sums["estimatedHours"]), (&json!(2), &json!(0)));
    let from = Timestamp::parse(sums["from"].as_str().expect("a time")).expect("a time").millis();
    let to = Timestamp::parse(sums["to"].as_str().expect("a time")).expect("a time").millis();
    assert_eq!((to - from, to % HOUR_MS), (30 * 24 * HOUR_MS, 0));
    let days = sums["records"].as_array().expect("rows");
    let hours: u64 = days.iter().map(|day| day["hours"].as_u64().expect("a number")).sum();
    assert_eq!(hours, 2);

    let hourly = report(&world, json!({"granularity": "Hourly"})).await;
    let rows = hourly["records"].as_array().expect("rows");
    let overage: Vec<&Value> = rows.iter().map(|row| &row["overageByteHours"]).collect();
    assert_eq!(overage, [&number(0), &number(2 * GIB)]);
    assert_eq!((&rows[0]["from"], &rows[1]["from"]), (&all[0]["hour"], &all[1]["hour"]));
    // To before the second hour.
    let first = report(&world, json!({"to": all[1]["hour"], "from": all[0]["hour"]})).await;
    assert_eq!((&first["usedByteHours"], &first["hours"]), (&number(3 * GIB), &json!(1)));

    let asked = world.reservation("rg1", "res/getBillingReport");
    let wrong = json!({"from": "2020-01-01", "to": "tomorrow", "granularity": "Weekly", "x": 1});
    let wrong = world.client.json("POST", &asked, wrong).await.refused(400, "InvalidRequestContent");
    assert_eq!(wrong.body["error"]["details"].as_array().map(Vec::len), Some(4), "{wrong:#?}");
    world.client.send("POST", &asked, &[], &[]).await.expect(200);
    let reader = people::make(&world, "reader").await;
    give(&world.client, &reader, READER, &format!("/subscriptions/{}", world.subscription), 1).await;
    reader.client.json("POST", &asked, json!({})).await.refused(403, "AuthorizationFailed");
}

isobar_records::on_both_databases!(
    each_hour_is_written_down_once_however_many_control_planes_there_are,
    hours_that_nobody_saw_are_estimated_a_day_back,
    what_is_used_beyond_is_told_until_it_is_taken_and_counts_once,
    an_hour_that_microsoft_has_already_counts,
    what_microsoft_does_not_take_says_why,
    a_billing_report_adds_up_what_was_written_down,
);
