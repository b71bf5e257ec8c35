//! What Microsoft sells: that it is activated whoever dies, and what becomes of what Microsoft tells later.

use crate::common::World;
use crate::common::client::{Answer, Client};
use crate::common::market::{operation, properties, subscription, token};
use isobar_records::testing::TestDatabase;
use isobar_records::{AuditFilter, OperationFilter, ResourceFilter};
use serde_json::{Value, json};

const HOOK: &str = "/providers/Isobar.Storage/marketplaceWebhook";
const TIB: u64 = 1 << 40;

async fn world(database: &TestDatabase) -> World<'_> {
    let world = World::start(database).await;
    world.make_group("rg1").await;
    world
}

fn sold(number: u32) -> Value {
    json!({"location": "uksouth", "properties": properties("marketplace", number)})
}

async fn told(world: &World<'_>, name: &str) -> Value {
    world.client.get(&world.reservation("rg1", name)).await.expect(200).body["properties"].clone()
}

/// Microsoft calls: it has no token of this control plane.
async fn call(world: &World<'_>, notice: &Value) -> Answer {
    Client::of(&world.running).json("POST", HOOK, notice.clone()).await
}

/// Waits until Microsoft has so many answers.
async fn answered(world: &World<'_>, count: usize) {
    let begun = std::time::Instant::now();
    while world.machines.market().answers().len() < count {
        assert!(begun.elapsed().as_secs() < 60, "Microsoft waits for an answer");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn a_purchase_is_activated_wherever_a_control_plane_dies(database: TestDatabase) {
    let mut world = world(&database).await;
    for number in 0.. {
        let name = format!("res-{number}");
        world.machines.market().sells(number, "silver", json!("2"));
        let hands = world.machines.dying_at(number as usize);
        world = world.die_and_start_with(hands.clone()).await;
        let path = world.reservation("rg1", &name);
        let done = tokio::select! {
            () = hands.death() => false,
            () = async {
                let made = world.client.put(&path, sold(number)).await.expect(201);
                assert_eq!(world.ended(&made).await["status"], "Succeeded");
            } => true,
        };
        let passed = hands.passed();
        world = world.die_and_start_again().await;
        if !passed.iter().any(|point| point == "after resolve") {
            // Nothing was begun, here or there.
            world.client.get(&world.reservation("rg1", &name)).await.expect(404);
            assert_eq!(world.machines.market().status(number), "PendingFulfillmentStart");
        }
        // Whoever asked may ask again, and comes to the same.
        let again = world.client.put(&world.reservation("rg1", &name), sold(number)).await;
        assert!([200, 201, 409].contains(&again.status), "died after {passed:?}: {again:?}");
        let path = world.reservation("rg1", &name);
        let is_active = |of: &Value| of["properties"]["status"] == "Active";
        let of = world.until(&path, is_active).await["properties"].clone();
        assert_eq!((&of["provisioningState"], &of["reservedBytes"]), (&json!("Succeeded"), &json!(2 * TIB)));
        assert_eq!(world.machines.market().status(number), "Subscribed", "died after {passed:?}");
        if done {
            assert!(number >= 4, "only {number} points: {passed:?}");
            return;
        }
    }
}

async fn a_purchase_that_microsoft_does_not_activate_can_be_tried_again(database: TestDatabase) {
    let world = world(&database).await;
    let market = world.machines.market();
    market.sells(1, "silver", json!(1));
    market.breaks("activate", true);
    let path = world.reservation("rg1", "res");
    let made = world.client.put(&path, sold(1)).await.expect(201);
    assert_eq!((&made.body["properties"]["status"], made.header("retry-after")), (&json!("Pending"), "1"));
    let status = world.ended(&made).await;
    assert_eq!(status["error"]["code"], "PurchaseNotActivated", "{status:#}");
    let of = told(&world, "res").await;
    assert_eq!((&of["provisioningState"], &of["status"]), (&json!("Failed"), &json!("Pending")));
    // As long as Microsoft cannot be reached it is asked again.
    market.breaks("activate", false);
    let again = world.client.put(&path, sold(1)).await.expect(200);
    world.client.put(&path, sold(1)).await.refused(409, "AnotherOperationInProgress");
    world.client.delete(&path).await.refused(409, "AnotherOperationInProgress");
    market.is_mended();
    assert_eq!(world.ended(&again).await["status"], "Succeeded");
    assert_eq!(told(&world, "res").await["status"], "Active");

    // A purchase is one reservation's.
    let other = world.client.put(&world.reservation("rg1", "other"), sold(1)).await;
    other.refused(409, "PurchaseInUse");
    market.sells(2, "silver", json!(1));
    world.client.put(&path, sold(2)).await.refused(409, "PropertyChangeNotAllowed");
    // Taken away and made again it is what it was: Microsoft was told that it is ready.
    world.client.delete(&path).await.expect(200);
    let made = world.client.put(&world.reservation("rg1", "other"), sold(1)).await.expect(201);
    assert_eq!(
        (made.header("azure-asyncoperation"), &made.body["properties"]["status"]),
        ("", &json!("Active"))
    );
}

async fn the_token_is_neither_kept_nor_shown(database: TestDatabase) {
    let world = world(&database).await;
    world.make_reservation("rg1", "res", "marketplace", 1).await;
    let secret = token(1);
    let read = world.client.get(&world.reservation("rg1", "res")).await.expect(200).body;
    assert!(!read.to_string().contains(&secret), "{read:#}");
    let mut snapshot = database.open().await.read().await.expect("a snapshot");
    let resources = snapshot.list_resources(&ResourceFilter::default()).await.expect("resources");
    let operations = snapshot.list_operations(&OperationFilter::default()).await.expect("operations");
    let audit = snapshot.list_audit(&AuditFilter::default()).await.expect("entries");
    let kept = format!("{resources:?}{operations:?}{audit:?}");
    assert!(kept.contains(&subscription(1)) && !kept.contains(&secret), "the token is kept");
}

async fn what_microsoft_tells_is_carried_out(database: TestDatabase) {
    let world = world(&database).await;
    let market = world.machines.market();
    world.make_reservation("rg1", "res", "marketplace", 1).await;
    let cluster = json!({"location": "uksouth", "properties": {
        "nodeCount": 3, "deletionProtection": false, "reservationId": world.reservation_id("rg1", "res"),
    }});
    let made = world.client.put(&world.cluster("rg1", "old"), cluster.clone()).await.expect(201);
    world.ended(&made).await;

    let bigger = market.happens(1, 1, "ChangeQuantity", "silver", json!(7));
    call(&world, &bigger).await.expect(200);
    let of = told(&world, "res").await;
    assert_eq!((&of["reservedBytes"], &of["marketplace"]["quantity"]), (&json!(7 * TIB), &json!(7)));
    call(&world, &market.happens(2, 1, "ChangePlan", "gold", json!(7))).await.expect(200);
    assert_eq!(told(&world, "res").await["marketplace"]["planId"], "gold");
    call(&world, &market.happens(3, 1, "Renew", "gold", json!(7))).await.expect(200);
    assert_eq!(told(&world, "res").await["status"], "Active");
    answered(&world, 2).await;

    // Not paid: nothing happens to clusters, and none is made.
    let seen = world.machines.calls().len();
    call(&world, &market.happens(4, 1, "Suspend", "gold", json!(7))).await.expect(200);
    let of = told(&world, "res").await;
    assert_eq!(of["status"], "Suspended");
    assert!(of["statement"].as_str().expect("words").contains("go on, and no new one is made"), "{of:#}");
    let new = world.client.put(&world.cluster("rg1", "new"), cluster.clone()).await;
    assert!(new.refused(409, "ReservationNotActive").body.to_string().contains("Microsoft has suspended it"));
    let stops = world.machines.calls().iter().skip(seen).filter(|call| *call == "stop").count();
    assert_eq!((stops, world.machines.there_is()[0].1.len()), (0, 3));
    world.client.put(&world.cluster("rg1", "old"), cluster.clone()).await.expect(200);

    call(&world, &market.happens(5, 1, "Reinstate", "gold", json!(7))).await.expect(200);
    assert_eq!(told(&world, "res").await["status"], "Active");
    // More than there can be is not carried out, and Microsoft hears so.
    call(&world, &market.happens(6, 1, "ChangeQuantity", "gold", json!(1_u64 << 50))).await.expect(200);
    assert_eq!(told(&world, "res").await["reservedBytes"], 7 * TIB);
    call(&world, &market.happens(7, 1, "Unsubscribe", "gold", json!(7))).await.expect(200);
    assert_eq!(told(&world, "res").await["status"], "Ended");
    call(&world, &market.happens(8, 1, "Suspend", "gold", json!(7))).await.expect(200);
    assert_eq!(told(&world, "res").await["status"], "Ended");
    assert_eq!(world.machines.there_is()[0].1.len(), 3);

    // Where Microsoft asks it has an answer; of the others it only tells.
    answered(&world, 4).await;
    let answers: Vec<(String, bool)> = market.answers().into_iter().collect();
    let expected = [(1, true), (2, true), (5, true), (6, false)].map(|(of, is)| (operation(of), is));
    assert_eq!(answers, expected);
}

async fn what_microsoft_does_not_confirm_changes_nothing(database: TestDatabase) {
    let world = world(&database).await;
    let market = world.machines.market();
    world.make_reservation("rg1", "res", "marketplace", 1).await;
    let before = world.client.get(&world.reservation("rg1", "res")).await;
    let notice = market.happens(1, 1, "ChangeQuantity", "silver", json!(7));
    let with = |name: &str, value: Value| {
        let mut other = notice.clone();
        other[name] = value;
        other
    };
    call(&world, &with("id", json!(operation(9)))).await.refused(400, "NotConfirmed");
    call(&world, &with("action", json!("Unsubscribe"))).await.refused(400, "NotConfirmed");
    call(&world, &with("subscriptionId", json!(subscription(2)))).await.refused(404, "PurchaseNotFound");
    call(&world, &with("id", json!("1"))).await.refused(400, "InvalidRequestContent");
    call(&world, &with("action", json!("Explode"))).await.refused(400, "InvalidRequestContent");
    call(&world, &json!([])).await.refused(400, "InvalidRequestContent");
    market.breaks("operation", false);
    call(&world, &notice).await.refused(503, "ServiceUnavailable");
    market.is_mended();
    market.wants_authorization("Bearer signed by Microsoft");
    call(&world, &notice).await.refused(401, "InvalidAuthenticationToken");
    let after = world.client.get(&world.reservation("rg1", "res")).await;
    assert_eq!(before.header("etag"), after.header("etag"));
    // Strangers leave nothing in the log that is kept for ever.
    let mut snapshot = database.open().await.read().await.expect("a snapshot");
    let audit = snapshot.list_audit(&AuditFilter::default()).await.expect("entries");
    assert!(!format!("{audit:?}").contains("marketplaceWebhook"), "{audit:#?}");
    drop(snapshot);

    // What the notice says beside is nothing: Microsoft's own word counts.
    let headers = [
        ("authorization", "Bearer signed by Microsoft"),
        ("content-type", "application/json; charset=utf-8"),
    ];
    let body = with("quantity", json!(1000)).to_string();
    Client::of(&world.running).send("POST", HOOK, &headers, body.as_bytes()).await.expect(200);
    assert_eq!(told(&world, "res").await["reservedBytes"], 7 * TIB);
}

async fn what_comes_twice_is_done_once(database: TestDatabase) {
    let world = world(&database).await;
    let market = world.machines.market();
    world.make_reservation("rg1", "res", "marketplace", 1).await;
    let first = market.happens(1, 1, "ChangeQuantity", "silver", json!(7));
    let second = market.happens(2, 1, "ChangeQuantity", "silver", json!(3));
    for notice in [&first, &first, &second, &first, &second] {
        call(&world, notice).await.expect(200);
    }
    assert_eq!(told(&world, "res").await["reservedBytes"], 3 * TIB);
    answered(&world, 2).await;
    assert_eq!(market.count("finish"), 2);
}

async fn microsoft_has_its_answer_wherever_a_control_plane_dies(database: TestDatabase) {
    let mut world = world(&database).await;
    let market = world.machines.market();
    world.make_reservation("rg1", "res", "marketplace", 1).await;
    for number in 0.. {
        let quantity = u64::from(number) + 10;
        let notice = market.happens(number, 1, "ChangeQuantity", "silver", json!(quantity));
        let hands = world.machines.dying_at(number as usize);
        world = world.die_and_start_with(hands.clone()).await;
        let done = tokio::select! {
            () = hands.death() => false,
            () = async {
                call(&world, &notice).await.expect(200);
                answered(&world, number as usize + 1).await;
            } => true,
        };
        world = world.die_and_start_again().await;
        // Microsoft repeats what had no answer.
        call(&world, &notice).await.expect(200);
        answered(&world, number as usize + 1).await;
        assert_eq!(told(&world, "res").await["reservedBytes"], quantity * TIB);
        assert_eq!(market.answers().get(&operation(number)), Some(&true));
        if done && hands.passed().len() >= 4 {
            return;
        }
    }
}

isobar_records::on_both_databases!(
    a_purchase_is_activated_wherever_a_control_plane_dies,
    a_purchase_that_microsoft_does_not_activate_can_be_tried_again,
    the_token_is_neither_kept_nor_shown,
    what_microsoft_tells_is_carried_out,
    what_microsoft_does_not_confirm_changes_nothing,
    what_comes_twice_is_done_once,
    microsoft_has_its_answer_wherever_a_control_plane_dies,
);
