//! Reservations: what is bought, apart from clusters, and that clusters work the same whatever becomes of it.

use crate::common::client::Answer;
use crate::common::machines::SMALL_BYTES;
use crate::common::market::{self, properties, token};
use crate::common::people::{self, CONTRIBUTOR, READER, give};
use crate::common::{OURS, World, options_in};
use isobar_control::Control;
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

const KINDS: [&str; 4] = ["marketplace", "privateOffer", "byol", "directContract"];
const TIB: u64 = 1 << 40;

async fn world(database: &TestDatabase) -> World<'_> {
    let world = World::start(database).await;
    world.make_group("rg1").await;
    world
}

fn targets(answer: &Answer) -> Vec<&str> {
    let details = answer.body["error"]["details"].as_array().expect("details");
    details.iter().map(|detail| detail["target"].as_str().expect("a target")).collect()
}

fn body(properties: Value) -> Value {
    json!({"location": "uksouth", "properties": properties})
}

async fn told(world: &World<'_>, name: &str) -> Value {
    world.client.get(&world.reservation("rg1", name)).await.expect(200).body["properties"].clone()
}

/// The body of a small cluster that names a reservation, or none.
fn cluster(reservation: Option<&str>) -> Value {
    body(json!({"nodeCount": 3, "deletionProtection": false, "reservationId": reservation}))
}

async fn each_kind_is_made_and_shown(database: TestDatabase) {
    let world = world(&database).await;
    for (number, kind) in (1..).zip(KINDS) {
        world.make_reservation("rg1", kind, kind, number).await;
        let of = told(&world, kind).await;
        assert_eq!((&of["procurement"], &of["status"]), (&json!(kind), &json!("Active")), "{of:#}");
        assert_eq!(of["provisioningState"], "Succeeded");
        assert_eq!((&of["reservedBytes"], &of["usedBytes"]), (&json!(TIB), &json!(0)), "{of:#}");
        assert_eq!((&of["clusters"], of["statement"].is_string()), (&json!([]), true));
        // What was read may be sent back.
        let path = world.reservation("rg1", kind);
        let read = world.client.get(&path).await.expect(200).body;
        let again = world.client.put(&path, read.clone()).await.expect(200).body;
        assert_eq!(again["properties"], read["properties"]);
    }
    let bought = &told(&world, "privateOffer").await;
    assert_eq!(bought["privateOfferId"], "po-1");
    let expected = json!({
        "subscriptionId": market::subscription(2), "publisherId": "contoso", "offerId": "offer1",
        "planId": "silver", "quantity": 1, "subscriptionStatus": "Subscribed",
    });
    assert_eq!(bought["marketplace"], expected);
    assert_eq!(told(&world, "directContract").await["startsAt"], "2020-01-01T00:00:00.000Z");
    for list in [world.reservation("rg1", ""), world.at("/providers/Isobar.Storage/reservations", OURS)] {
        let listed = world.client.get(&list).await.expect(200);
        assert_eq!(listed.names(), ["byol", "directContract", "marketplace", "privateOffer"]);
        assert_eq!(listed.body["value"][0]["properties"]["status"], "Active");
    }
    // They have a location, so they are among all resources.
    let all = world.client.get(&world.at("/resources", "2021-04-01")).await.expect(200);
    assert!(all.names().contains(&"byol"), "{all:?}");
}

async fn everything_wrong_with_one_is_told_at_once(database: TestDatabase) {
    let world = world(&database).await;
    let put = async |of: Value| world.client.put(&world.reservation("rg1", "res"), of).await;
    let wrong = put(json!({"location": "uksouth", "colour": 1, "properties": {
        "procurement": "byol", "reservedBytes": 0, "contractNumber": "C-1", "endsAt": "soon",
        "marketplace": {}, "n": 1,
    }}))
    .await
    .refused(400, "InvalidRequestContent");
    for target in ["reservedBytes", "contractNumber", "licenseId", "endsAt", "marketplace", "n"] {
        assert!(targets(&wrong).contains(&format!("properties.{target}").as_str()), "{target}: {wrong:#?}");
    }
    let words = wrong.body.to_string();
    assert!(words.contains("belongs to reservations of kind directContract; this one is byol"), "{words}");
    assert!(words.contains("kind marketplace or privateOffer"), "{words}");

    let unknown = put(body(json!({"procurement": "gift"}))).await.refused(400, "InvalidRequestContent");
    assert_eq!(targets(&unknown), ["properties.procurement"]);
    assert!(unknown.body.to_string().contains("marketplace, privateOffer, byol, directContract"));
    let contract = json!({
        "procurement": "directContract", "reservedBytes": 1, "contractNumber": "C-1",
        "startsAt": "2030-01-01", "endsAt": "2029-01-01",
    });
    assert_eq!(targets(&put(body(contract)).await.expect(400)), ["properties.endsAt"]);
    let nowhere = json!({"location": "mars", "properties": properties("byol", 1)});
    put(nowhere).await.refused(400, "LocationNotAvailableForResourceType");

    // What Microsoft sells takes what Microsoft gave the buyer, and Microsoft says how much it is.
    let sold = |of: Value| body(json!({"procurement": "marketplace", "marketplace": of}));
    put(sold(json!({}))).await.refused(400, "MissingRequiredParameter");
    put(sold(json!({"purchaseToken": "x"}))).await.refused(400, "InvalidPurchaseToken");
    world.machines.market().sells(1, "silver", json!("3"));
    let mut more = body(properties("marketplace", 1));
    more["properties"]["reservedBytes"] = json!(TIB);
    put(more).await.refused(409, "PropertyChangeNotAllowed");
    world.machines.market().breaks("resolve", false);
    put(body(properties("marketplace", 1))).await.refused(503, "ServiceUnavailable");
    world.machines.market().sells(2, "silver", json!(1_u64 << 40));
    world.machines.market().is_mended();
    put(body(properties("marketplace", 2))).await.refused(409, "PurchaseTooLarge");
    assert_eq!(world.machines.market().count("activate"), 0);
    assert!(world.client.get(&world.reservation("rg1", "")).await.expect(200).names().is_empty());
}

async fn only_what_is_ones_own_to_say_changes(database: TestDatabase) {
    let world = world(&database).await;
    for (number, kind) in (1..).zip(["byol", "marketplace"]) {
        world.make_reservation("rg1", kind, kind, number).await;
    }
    let path = |name: &str| world.reservation("rg1", name);
    let patch = async |name: &str, of: Value| {
        world.client.json("PATCH", &path(name), json!({"properties": of, "tags": {"a": "1"}})).await
    };
    let changed = patch("byol", json!({"reservedBytes": 5, "endsAt": "2031-01-01"})).await.expect(200).body;
    assert_eq!((&changed["properties"]["reservedBytes"], &changed["tags"]["a"]), (&json!(5), &json!("1")));
    assert_eq!(changed["properties"]["endsAt"], "2031-01-01T00:00:00.000Z");
    patch("byol", json!({"procurement": "directContract"})).await.expect(400);
    patch("byol", json!({"reservedBytes": null})).await.refused(400, "InvalidRequestContent");
    world
        .client
        .put(&path("byol"), body(properties("directContract", 1)))
        .await
        .refused(409, "PropertyChangeNotAllowed");

    let refused = patch("marketplace", json!({"reservedBytes": 5})).await;
    let words = refused.refused(409, "PropertyChangeNotAllowed").body.to_string();
    assert!(words.contains("change it at Microsoft"), "{words}");
    let given = json!({"marketplace": {"purchaseToken": token(2)}});
    patch("marketplace", given).await.refused(400, "InvalidParameter");
    // What Microsoft says of it cannot be set, and is ignored.
    let ignored = patch("marketplace", json!({"marketplace": {"planId": "gold", "quantity": 9}})).await;
    let of = ignored.expect(200).body["properties"].clone();
    assert_eq!((&of["marketplace"]["planId"], &of["reservedBytes"]), (&json!("silver"), &json!(TIB)));

    let tag = world.client.get(&path("byol")).await.header("etag").to_owned();
    let late = [("if-match", "\"1\"")];
    world.client.send("DELETE", &path("byol"), &late, &[]).await.refused(412, "PreconditionFailed");
    world.client.send("DELETE", &path("byol"), &[("if-match", &tag)], &[]).await.expect(200);
    world.client.delete(&path("byol")).await.expect(204);
}

/// A cluster lives its life under a reservation, or under none.
async fn lives(world: &World<'_>, name: &str, reservation: Option<&str>) {
    let path = |rest: &str| world.cluster("rg1", &format!("{name}{rest}"));
    let made = world.client.put(&path(""), cluster(reservation)).await.expect(201);
    assert_eq!(made.body["properties"].get("reservationId"), reservation.map(|id| json!(id)).as_ref());
    assert_eq!(world.ended(&made).await["status"], "Succeeded", "{name}");
    let restart = world.client.json("POST", &path("/nodes/n2/restart"), json!({})).await.expect(202);
    assert_eq!(world.ended(&restart).await["status"], "Succeeded", "{name}");
    let validation =
        world.client.put(&path("/validations/run-1"), json!({"properties": {}})).await.expect(201);
    assert_eq!(world.ended(&validation).await["status"], "Succeeded", "{name}");
    world.client.json("POST", &path("/checkHealth"), json!({})).await.expect(200);
    world.client.json("POST", &path("/listSecrets"), json!({})).await.expect(200);
}

async fn goes(world: &World<'_>, name: &str) {
    let path = world.cluster("rg1", name);
    let gone = world.client.delete(&path).await.expect(202);
    assert_eq!(world.ended(&gone).await["status"], "Succeeded", "{name}");
    world.client.get(&path).await.expect(404);
}

async fn clusters_work_the_same_under_every_kind(database: TestDatabase) {
    let world = world(&database).await;
    for (number, kind) in (1..).zip(KINDS) {
        world.make_reservation("rg1", kind, kind, number).await;
        let id = world.reservation_id("rg1", kind);
        let name = format!("cluster-{number}");
        lives(&world, &name, Some(&id)).await;
        let of = told(&world, kind).await;
        assert_eq!(of["usedBytes"], 3 * SMALL_BYTES, "{of:#}");
        assert!(of["clusters"][0].as_str().expect("an id").ends_with(&name), "{of:#}");
        let refused = world.client.delete(&world.reservation("rg1", kind)).await;
        assert!(refused.refused(409, "ReservationInUse").body.to_string().contains(&name));
        goes(&world, &name).await;
        assert_eq!(told(&world, kind).await["usedBytes"], 0);
        world.client.delete(&world.reservation("rg1", kind)).await.expect(200);
    }
    lives(&world, "cluster-0", None).await;
    goes(&world, "cluster-0").await;
}

async fn what_has_ended_stops_no_cluster_and_no_new_one_is_made_under_it(database: TestDatabase) {
    let world = world(&database).await;
    world.make_reservation("rg1", "licence", "byol", 1).await;
    let id = world.reservation_id("rg1", "licence");
    lives(&world, "old", Some(&id)).await;
    let ends = |at: &str| json!({"properties": {"endsAt": at}});
    let path = world.reservation("rg1", "licence");
    world.client.json("PATCH", &path, ends("2020-01-01")).await.expect(200);

    let of = told(&world, "licence").await;
    assert_eq!(of["status"], "Ended");
    let statement = of["statement"].as_str().expect("a statement");
    assert!(statement.contains("clusters that name it go on, and no new one"), "{statement}");
    // None of it is reserved any more.
    assert!(statement.contains("192.0 MiB are overage"), "{statement}");
    let refused = world.client.put(&world.cluster("rg1", "new"), cluster(Some(&id))).await;
    let refused = refused.refused(409, "ReservationNotActive");
    assert!(refused.body.to_string().contains("It has ended"), "{refused:?}");
    world.client.get(&world.cluster("rg1", "new")).await.expect(404);

    // The old one does all it did, and may be written again.
    let old = world.cluster("rg1", "old");
    world.client.put(&old, cluster(Some(&id))).await.expect(200);
    let restart = world.cluster("rg1", "old/nodes/n1/restart");
    let restart = world.client.json("POST", &restart, json!({})).await.expect(202);
    assert_eq!(world.ended(&restart).await["status"], "Succeeded");
    let validation = world.cluster("rg1", "old/validations/run-2");
    let validation = world.client.put(&validation, json!({"properties": {}})).await.expect(201);
    assert_eq!(world.ended(&validation).await["status"], "Succeeded");

    // One that has not begun does not have clusters made under it yet either.
    let mut later = properties("directContract", 1);
    later["startsAt"] = json!("2029-01-01");
    world.client.put(&world.reservation("rg1", "later"), body(later)).await.expect(201);
    assert_eq!(told(&world, "later").await["status"], "Pending");
    let later = world.reservation_id("rg1", "later");
    let refused = world.client.put(&world.cluster("rg1", "new"), cluster(Some(&later))).await;
    refused.refused(409, "ReservationNotActive");
    // Prolonged, it is as before.
    world.client.json("PATCH", &path, ends("2031-01-01")).await.expect(200);
    let made = world.client.put(&world.cluster("rg1", "new"), cluster(Some(&id))).await.expect(201);
    assert_eq!(world.ended(&made).await["status"], "Succeeded");
}

async fn a_cluster_names_another_or_none(database: TestDatabase) {
    let world = world(&database).await;
    world.make_group("rg2").await;
    world.make_reservation("rg1", "one", "byol", 1).await;
    world.make_reservation("rg2", "two", "byol", 2).await;
    let (one, two) = (world.reservation_id("rg1", "one"), world.reservation_id("rg2", "two"));
    world.make_small_cluster("rg1", "weather", false).await;
    let path = world.cluster("rg1", "weather");
    let name = async |id: Value| {
        let of = json!({"properties": {"reservationId": id}});
        world.client.json("PATCH", &path, of).await
    };
    for wrong in [json!("one"), json!(format!("{one}/usageRecords")), json!(7)] {
        name(wrong).await.refused(400, "InvalidRequestContent");
    }
    let elsewhere = one.replace(&world.subscription, "00000000-0000-0000-0000-000000000000");
    let cluster_id = path.split('?').next().expect("a path").to_owned();
    for wrong in [format!("{one}x"), elsewhere, cluster_id] {
        name(json!(wrong)).await.refused(400, "InvalidResourceReference");
    }
    name(json!(one.to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions"))).await.expect(200);
    assert_eq!(told(&world, "one").await["usedBytes"], 3 * SMALL_BYTES);
    assert_eq!(name(json!(two)).await.expect(200).body["properties"]["reservationId"], two);
    assert_eq!(told(&world, "one").await["usedBytes"], 0);

    // The reservation of another group goes with that group only when nobody names it.
    let refused = world.client.delete(&world.group("rg2")).await.refused(409, "ReservationInUse");
    assert!(refused.body.to_string().contains("weather"), "{refused:?}");
    assert_eq!(name(Value::Null).await.expect(200).body["properties"].get("reservationId"), None);
    world.client.delete(&world.group("rg2")).await.expect(202);
    world.gone("rg2").await;
    // A PUT without one names none.
    name(json!(one)).await.expect(200);
    world.client.put(&path, cluster(None)).await.expect(200);
    world.client.delete(&world.reservation("rg1", "one")).await.expect(200);
}

async fn whoever_may_not_read_a_reservation_names_none(database: TestDatabase) {
    let world = world(&database).await;
    world.make_group("secret").await;
    world.make_reservation("secret", "one", "byol", 1).await;
    let id = world.reservation_id("secret", "one");
    let person = people::make(&world, "somebody").await;
    let group = |name: &str| format!("/subscriptions/{}/resourceGroups/{name}", world.subscription);
    give(&world.client, &person, CONTRIBUTOR, &group("rg1"), 1).await.expect(201);
    let put = async |id: &str| person.client.put(&world.cluster("rg1", "weather"), cluster(Some(id))).await;
    // Whether it is there is not told.
    let refused = |answer: Answer, id: &str| {
        let answer = answer.refused(400, "InvalidResourceReference");
        answer.body["error"]["message"].as_str().expect("words").replace(id, "ID")
    };
    let missing = format!("{id}x");
    assert_eq!(refused(put(&id).await, &id), refused(put(&missing).await, &missing));
    give(&world.client, &person, READER, &group("secret"), 2).await.expect(201);
    let made = put(&id).await.expect(201);
    world.ended(&made).await;
    let read = person.client.get(&world.reservation("secret", "one")).await.expect(200).body;
    assert_eq!(read["properties"]["clusters"].as_array().map(Vec::len), Some(1));
    person.client.delete(&world.reservation("secret", "one")).await.refused(403, "AuthorizationFailed");

    // Who may read the reservation, and not the cluster, is told how much and not which.
    let other = people::make(&world, "other").await;
    give(&world.client, &other, CONTRIBUTOR, &group("secret"), 3).await.expect(201);
    let read = other.client.get(&world.reservation("secret", "one")).await.expect(200).body;
    assert_eq!(read["properties"]["clusters"], json!([]));
    assert_eq!(read["properties"]["usedBytes"], 3 * SMALL_BYTES);
    let refused = other.client.delete(&world.reservation("secret", "one")).await;
    let words = refused.refused(409, "ReservationInUse").body.to_string();
    assert!(words.contains("1 that you may not read") && !words.contains("weather"), "{words}");
}

async fn without_a_client_of_the_marketplace_two_kinds_are_refused(database: TestDatabase) {
    let world = world(&database).await;
    world.make_reservation("rg1", "sold", "marketplace", 1).await;
    let World { running, clock, machines, folder, subscription, first, .. } = world;
    running.stop().await;
    let mut options = options_in(folder.path(), &database, &clock, machines.hands());
    options.marketplace = None;
    let running = Control::start(options).await.expect("it starts");
    let client = crate::common::client::Client::of(&running).login(&first.0, &first.1).await;
    let world = World { running, database: &database, clock, machines, folder, first, subscription, client };
    for kind in ["marketplace", "privateOffer"] {
        let put = world.client.put(&world.reservation("rg1", kind), body(properties(kind, 2))).await;
        let words = put.refused(409, "MarketplaceNotConfigured").body.to_string();
        assert!(words.contains("has no client of Microsoft's marketplace"), "{words}");
    }
    for kind in ["byol", "directContract"] {
        world.make_reservation("rg1", kind, kind, 3).await;
    }
    // What was made elsewhere is there, and clusters are made under it.
    let sold = world.client.get(&world.reservation("rg1", "sold")).await.expect(200).body;
    world.client.put(&world.reservation("rg1", "sold"), sold).await.expect(200);
    lives(&world, "weather", Some(&world.reservation_id("rg1", "sold"))).await;
    let hook = world.client.json("POST", "/providers/Isobar.Storage/marketplaceWebhook", json!({})).await;
    hook.refused(404, "MarketplaceNotConfigured");
}

isobar_records::on_both_databases!(
    each_kind_is_made_and_shown,
    everything_wrong_with_one_is_told_at_once,
    only_what_is_ones_own_to_say_changes,
    clusters_work_the_same_under_every_kind,
    what_has_ended_stops_no_cluster_and_no_new_one_is_made_under_it,
    a_cluster_names_another_or_none,
    whoever_may_not_read_a_reservation_names_none,
    without_a_client_of_the_marketplace_two_kinds_are_refused,
);
