//! Microsoft's marketplace over HTTPS: what is asked, what comes of each answer, and who may call.

use std::sync::Arc;
use std::time::Duration;

use crate::common::client::{Answer, Client};
use crate::common::log::{Watching, has, watch};
use crate::common::machines::Machines;
use crate::common::market::{Market, operation, subscription, token};
use crate::common::microsoft::{APP, APP_TOKEN, Fault, MARKETPLACE_APP, MicrosoftSite, SECRET, TENANT};
use crate::common::{MovedClock, World};
use isobar_arm::Timestamp;
use isobar_control::{
    Marketplace, MarketplaceAction, MarketplaceError, Microsoft, MicrosoftAccount, Progress,
    SubscriptionStatus, UsageEvent, UsageVerdict,
};
use isobar_records::testing::TestDatabase;
use isobar_records::{AuditFilter, OperationFilter, ResourceFilter};
use isobar_workflow::Clock;
use serde_json::{Value, json};

const HOOK: &str = "/providers/Isobar.Storage/marketplaceWebhook";
const TIB: u64 = 1 << 40;

/// Microsoft, and a client of it.
struct Shop {
    site: MicrosoftSite,
    market: Market,
    clock: MovedClock,
    client: Microsoft,
}

async fn shop() -> Shop {
    let (market, clock) = (Market::default(), MovedClock::default());
    let site = MicrosoftSite::start(market.clone()).await;
    let client = site.client(Arc::new(clock.clone()));
    market.sells(1, "silver", json!(2));
    Shop { site, market, clock, client }
}

#[track_caller]
fn is_refused<T>(done: Result<T, MarketplaceError>) -> String {
    match done {
        Err(MarketplaceError::Refused(why)) => why,
        Err(MarketplaceError::Later(why)) => panic!("it is to be asked again: {why}"),
        Ok(_) => panic!("it is done"),
    }
}

#[track_caller]
fn is_later<T>(done: Result<T, MarketplaceError>) -> String {
    match done {
        Err(MarketplaceError::Later(why)) => why,
        Err(MarketplaceError::Refused(why)) => panic!("it is refused: {why}"),
        Ok(_) => panic!("it is done"),
    }
}

fn event(of: u32, hour: i64) -> UsageEvent {
    UsageEvent {
        subscription_id: subscription(of),
        plan_id: "silver".to_owned(),
        dimension: "overage-gib-hours",
        quantity: 5,
        start: Timestamp::from_millis(1_795_827_600_000 + hour * 3_600_000),
    }
}

#[tokio::test]
async fn what_was_bought_is_found_out_activated_and_answered_for() {
    let Shop { site, market, client, .. } = shop().await;
    let bought = client.resolve(&token(1)).await.expect("a purchase");
    assert_eq!((bought.subscription_id, bought.quantity), (subscription(1), Some(2)));
    assert_eq!(bought.status, SubscriptionStatus::PendingFulfillmentStart);
    client.activate(&subscription(1), "silver", Some(2)).await.expect("activated");
    assert_eq!(market.status(1), "Subscribed");
    market.happens(7, 1, "ChangeQuantity", "silver", json!(9));
    let told = client.operation(&subscription(1), &operation(7)).await.expect("an operation");
    let is = (told.action, told.quantity, told.progress);
    assert_eq!(is, (MarketplaceAction::ChangeQuantity, Some(9), Progress::InProgress));
    client.finish(&subscription(1), &operation(7), true).await.expect("answered");
    assert_eq!(market.answers(), [(operation(7), true)].into());
    market.happens(8, 1, "ChangePlan", "gold", json!(9));
    client.finish(&subscription(1), &operation(8), false).await.expect("answered");
    assert_eq!(market.answers().get(&operation(8)), Some(&false));
    assert_eq!(site.count("token"), 1);
}

#[tokio::test]
async fn a_purchase_token_may_come_as_the_link_has_it() {
    let Shop { client, .. } = shop().await;
    let encoded = token(1).replace('-', "%2D");
    client.resolve(&format!(" {encoded}\n")).await.expect("a purchase");
    for wrong in ["", "a b", "a\r\nx-other: b", "%0d%0a", "ü"] {
        let why = is_refused(client.resolve(wrong).await);
        assert!(why.contains("characters that no token has"), "{why}");
    }
}

#[tokio::test]
async fn what_another_publisher_sells_is_refused() {
    let Shop { site, clock, .. } = shop().await;
    let account = MicrosoftAccount { publisher: Some("fabrikam".to_owned()), ..site.account() };
    let authority = Some(site.authority.clone());
    let client = Microsoft::new(account, authority, Arc::new(clock)).expect("an account");
    assert!(is_refused(client.resolve(&token(1)).await).contains("another publisher"));
}

#[tokio::test]
async fn a_token_is_kept_until_two_minutes_before_it_ends() {
    let Shop { site, clock, client, .. } = shop().await;
    let two = [client.resolve("one"), client.resolve("two")];
    for done in two {
        is_refused(done.await);
    }
    clock.advance((3599 - 120 - 10) * 1000);
    is_refused(client.resolve("three").await);
    assert_eq!(site.count("token"), 1);
    clock.advance(11_000);
    is_refused(client.resolve("four").await);
    assert_eq!((site.count("token"), site.count("resolve")), (2, 4));
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_renewed_once() {
    let Shop { site, client, .. } = shop().await;
    client.resolve(&token(1)).await.expect("a purchase");
    site.revokes();
    client.resolve(&token(1)).await.expect("a purchase");
    assert_eq!((site.count("token"), site.count("resolve")), (2, 3));
    site.then("resolve", &[Fault::Says(401, ""), Fault::Says(401, "")]);
    let why = is_later(client.resolve(&token(1)).await);
    assert!(why.contains(&format!("refuses the credentials of the app {APP}")), "{why}");
    assert_eq!((site.count("token"), site.count("resolve")), (3, 5));
}

#[tokio::test]
async fn an_app_without_the_right_secret_is_told_so() {
    let Shop { site, clock, .. } = shop().await;
    let account = MicrosoftAccount { client_secret: "SECRET-BUT-WRONG".to_owned(), ..site.account() };
    let authority = Some(site.authority.clone());
    let client = Microsoft::new(account, authority, Arc::new(clock)).expect("an account");
    let why = is_later(client.resolve(&token(1)).await);
    assert!(why.contains("AADSTS7000215: Invalid client secret provided. Trace ID: 0"), "{why}");
    assert!(why.contains(APP) && !why.contains("SECRET-BUT-WRONG"), "{why}");
    site.then("token", &[Fault::Repeats(400), Fault::Says(503, "<html>"), Fault::Says(200, "{}")]);
    let why = is_later(client.resolve(&token(1)).await);
    assert!(!why.contains("SECRET"), "{why}");
    assert!(is_later(client.resolve(&token(1)).await).contains("status 503"));
    assert!(is_later(client.resolve(&token(1)).await).contains("without a token"));
    assert_eq!(site.count("resolve"), 0);
}

#[tokio::test]
async fn what_may_get_better_is_to_be_asked_again() {
    let Shop { site, client, .. } = shop().await;
    let client = client.with_patience(Duration::from_secs(5));
    let busy = r#"{"error":{"code":"TooManyRequests","message":"Come again later."}}"#;
    for (fault, with) in [
        (Fault::Says(429, busy), "Come again later."),
        (Fault::Says(503, ""), "status 503"),
        (Fault::Says(500, "<html>"), "status 500"),
        (Fault::Says(408, ""), "status 408"),
        (Fault::Says(302, ""), "status 302"),
        (Fault::Says(200, "<html>hello</html>"), "no 'id'"),
        (Fault::Says(200, r#"{"id":7}"#), "no 'id'"),
        (Fault::HangsUp, "https://127.0.0.1:"),
        (Fault::IsSilent, "no answer in time"),
    ] {
        site.then("resolve", &[fault]);
        let why = is_later(client.resolve(&token(1)).await);
        assert!(why.contains(with), "{why}");
    }
    client.resolve(&token(1)).await.expect("a purchase");
}

#[tokio::test]
async fn nobody_who_is_not_trusted_is_sent_anything() {
    let Shop { site, clock, .. } = shop().await;
    let nowhere = MicrosoftAccount { login: Some("https://127.0.0.1:1".to_owned()), ..site.account() };
    let authority = Some(site.authority.clone());
    let client = Microsoft::new(nowhere, authority, Arc::new(clock.clone())).expect("an account");
    assert!(is_later(client.resolve(&token(1)).await).contains("nobody listens"));
    let client = Microsoft::new(site.account(), None, Arc::new(clock)).expect("an account");
    assert!(is_later(client.resolve(&token(1)).await).contains("is not trusted here"));
    assert_eq!(site.count("token"), 0);
}

#[tokio::test]
async fn what_microsoft_refuses_is_refused_in_one_line_without_secrets() {
    let Shop { site, client, .. } = shop().await;
    let long = r#"{"message":"One\r\nor \u001b[31mmore.","details":[{"message":"The plan is required."}]}"#;
    for (fault, with) in [
        (Fault::Says(400, long), "One or [31mmore. The plan is required."),
        (Fault::Says(403, r#"{"error":{"message":"Not yours."}}"#), "Not yours."),
        (Fault::Says(404, ""), "status 404"),
        (Fault::Says(409, r#"{"Message":"Another operation goes on."}"#), "Another operation goes on."),
    ] {
        site.then("operation", &[fault]);
        let why = is_refused(client.operation(&subscription(1), &operation(1)).await);
        assert!(why.contains(with), "{why}");
    }
    site.then("resolve", &[Fault::Repeats(400)]);
    let why = is_refused(client.resolve(&token(1)).await);
    assert!(why.contains("x-ms-requestid") && why.chars().count() <= 301, "{why}");
    for secret in [&token(1), APP_TOKEN, SECRET] {
        assert!(!why.contains(secret), "{why}");
    }
    // No id leads elsewhere.
    for wrong in ["", "..", "a/b", "resolve"] {
        is_refused(client.operation(wrong, &operation(1)).await);
        is_refused(client.operation(&subscription(1), wrong).await);
        is_refused(client.activate(wrong, "silver", None).await);
    }
}

#[tokio::test]
async fn an_activation_may_be_repeated() {
    let Shop { site, market, client, .. } = shop().await;
    let of = subscription(1);
    let activates = || client.activate(&of, "silver", Some(2));
    assert!(is_refused(client.activate(&subscription(1), "gold", None).await).contains("Another plan"));
    assert!(is_refused(client.activate(&subscription(9), "silver", None).await).contains("no such thing"));
    activates().await.expect("activated");
    let asked = site.count("subscription");
    activates().await.expect("it stays activated");
    assert_eq!((site.count("subscription"), market.status(1)), (asked + 1, json!("Subscribed")));
    // What is not known is asked for again.
    site.then("subscription", &[Fault::Says(503, "")]);
    is_later(activates().await);
    site.then("subscription", &[Fault::Says(200, r#"{"saasSubscriptionStatus":"Unsubscribed"}"#)]);
    assert!(is_refused(activates().await).contains("It is activated."));
}

#[tokio::test]
async fn an_answer_may_be_repeated() {
    let Shop { site, market, client, .. } = shop().await;
    market.happens(7, 1, "ChangeQuantity", "silver", json!(9));
    let (of, change) = (subscription(1), operation(7));
    let answers = || client.finish(&of, &change, true);
    answers().await.expect("answered");
    answers().await.expect("it has its answer");
    assert_eq!(site.count("operation"), 0);
    // Microsoft has gone on without one.
    let no = Fault::Says(400, r#"{"message":"It is too late."}"#);
    site.then("finish", &[no.clone(), no.clone(), no]);
    assert!(is_refused(answers().await).contains("too late"));
    site.then("operation", &[Fault::Says(500, "")]);
    is_later(answers().await);
    market.happens(7, 1, "Renew", "silver", json!(9));
    answers().await.expect("it is over");
    assert!(is_refused(client.finish(&subscription(1), &operation(8), true).await).contains("no such thing"));
}

#[tokio::test]
async fn each_event_of_usage_has_its_verdict() {
    let Shop { site, market, client, .. } = shop().await;
    assert_eq!(client.report_usage(&[]).await, Ok(Vec::new()));
    let first = client.report_usage(&[event(1, 0), event(1, 1)]).await;
    assert_eq!(first, Ok(vec![Some(UsageVerdict::Accepted); 2]));
    let second = client.report_usage(&[event(1, 2), event(1, 1), event(2, 1)]).await;
    let (accepted, duplicate) = (Some(UsageVerdict::Accepted), Some(UsageVerdict::Duplicate));
    assert_eq!(second, Ok(vec![accepted.clone(), duplicate, accepted]));
    market.rejects_usage();
    let rejected = UsageVerdict::Rejected("InvalidDimension: There is no such dimension.".to_owned());
    assert_eq!(client.report_usage(&[event(1, 3)]).await, Ok(vec![Some(rejected)]));
    market.is_mended();
    let all: Vec<UsageEvent> = (10..35).map(|hour| event(1, hour)).collect();
    assert_eq!(client.report_usage(&all).await.map(|all| all.len()), Ok(25));
    // An answer that is about something else says nothing of these.
    for answer in [
        r#"{"count":0,"result":[]}"#,
        r#"{"result":[{"status":"Accepted","resourceId":"37f9dea2-4345-438f-b0bd-000000000002"}]}"#,
        "[]",
    ] {
        site.then("usage", &[Fault::Says(200, answer)]);
        assert!(is_later(client.report_usage(&[event(1, 4)]).await).contains("not about the usage"));
    }
    site.then("usage", &[Fault::Says(200, r#"{"result":[{"status":"Error"}]}"#)]);
    assert_eq!(client.report_usage(&[event(1, 4)]).await, Ok(vec![None]));
}

#[tokio::test]
async fn only_the_marketplace_may_call() {
    let Shop { site, clock, client, .. } = shop().await;
    let claims = site.claims(clock.now_ms());
    let with = |name: &str, value: Value| {
        let mut other = claims.clone();
        other[name] = value;
        site.shows(&other)
    };
    let good = site.shows(&claims);
    client.admit(Some(&good)).await.expect("admitted");
    let mut newer = claims.clone();
    newer["iss"] = json!(site.issuers()[1]);
    newer["azp"] = newer.as_object_mut().expect("claims").remove("appid").expect("an app");
    client.admit(Some(&site.shows(&newer))).await.expect("admitted");
    assert_eq!(site.count("keys"), 2);

    let (signed, signature) = good.rsplit_once('.').expect("parts");
    let unsigned = format!("{signed}.");
    let forged = format!("{}.{signature}", with("sub", json!("root")).rsplit_once('.').expect("parts").0);
    let now_s = clock.now_ms() / 1000;
    for (authorization, with) in [
        (None, "It shows no token."),
        (Some("Basic eDp5".to_owned()), "It shows no token."),
        (Some("Bearer".to_owned()), "It shows no token."),
        (Some("Bearer a.b.c".to_owned()), "It is no signed token."),
        (Some(unsigned), "signature"),
        (Some(forged), "signature"),
        (Some(with("aud", json!(TENANT))), "another audience"),
        (Some(with("appid", json!(APP))), "another application's"),
        (Some(with("azp", json!(APP))), "another application's"),
        (Some(with("exp", json!(now_s - 31))), "expired"),
        (Some(with("nbf", json!(now_s + 120))), "not valid yet"),
        (Some(with("iss", json!("https://127.0.0.1:1/other/v2.0"))), "another issuer"),
        (Some(with("iss", json!(format!("{}x", site.issuers()[1])))), "another issuer"),
    ] {
        let why = is_refused(client.admit(authorization.as_deref()).await);
        assert!(why.contains(with), "{authorization:?}: {why}");
    }
    clock.advance(3_631_000);
    assert!(is_refused(client.admit(Some(&good)).await).contains("expired"));
    let other = site.client(Arc::new(clock));
    site.then("keys", &[Fault::Says(503, "")]);
    is_later(other.admit(Some(&site.shows(&claims))).await);
}

/// Microsoft calls, and shows this.
async fn call(world: &World<'_>, shows: Option<&str>, notice: &Value) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(shows.map(|shows| ("authorization", shows)));
    Client::of(&world.running).send("POST", HOOK, &headers, notice.to_string().as_bytes()).await
}

/// Waits until the last usage record is as it should be.
async fn usage_is(world: &World<'_>, state: &str) {
    let path = world.reservation("rg1", "res/usageRecords");
    let last = |list: &Value| list["value"].as_array().and_then(|all| all.last().cloned());
    world
        .until(&path, |list| last(list).is_some_and(|last| last["properties"]["reportState"] == state))
        .await;
}

async fn a_purchase_lives_with_microsoft_over_https(database: TestDatabase) {
    let watching = watch();
    let machines = Machines::default();
    let market = machines.market();
    let site = MicrosoftSite::start(market.clone()).await;
    let mut world = World::start_with(&database, machines, |options| {
        options.marketplace = Some(Arc::new(site.client(options.clock.clone())));
    })
    .await;
    world.hour_ends().await;
    world.make_group("rg1").await;
    world.make_reservation("rg1", "res", "marketplace", 1).await;
    let path = world.reservation("rg1", "res");
    let of = world.client.get(&path).await.expect(200).body["properties"].clone();
    assert_eq!((&of["status"], &of["reservedBytes"]), (&json!("Active"), &json!(TIB)));
    assert_eq!((market.status(1), site.count("activate")), (json!("Subscribed"), 1));
    let body = json!({"location": "uksouth", "sku": {"name": "Large"}, "properties": {
        "nodeCount": 3, "deletionProtection": false, "reservationId": world.reservation_id("rg1", "res"),
    }});
    let made = world.client.put(&world.cluster("rg1", "weather"), body).await.expect(201);
    assert_eq!(world.ended(&made).await["status"], "Succeeded");

    // What is used beyond is told, once nothing is reserved.
    let shows = site.shows(&site.claims(world.clock.now_ms()));
    let flat = market.happens(99, 1, "ChangeQuantity", "silver", json!(0));
    call(&world, Some(&shows), &flat).await.expect(200);
    world.until(&path, |of| of["properties"]["reservedBytes"] == 0).await;
    world.hour_ends().await;
    usage_is(&world, "Accepted").await;
    let [told] = &market.usage()[..] else { panic!("{:?}", market.usage()) };
    assert_eq!((told.0.as_str(), told.3), (subscription(1).as_str(), 3));
    assert_eq!(market.answers().get(&operation(99)), Some(&true));

    // Whoever is not Microsoft changes nothing.
    let suspends = market.happens(2, 1, "Suspend", "silver", json!(0));
    let before = world.client.get(&path).await.expect(200);
    let claims = site.claims(world.clock.now_ms());
    let with = |name: &str, value: Value| {
        let mut other = claims.clone();
        other[name] = value;
        site.shows(&other)
    };
    let asked = site.count("operation");
    let forged = with("sub", json!("x"));
    let forged = format!("{}AAAA", &forged[..forged.len() - 4]);
    let (audience, app) = (with("aud", json!(MARKETPLACE_APP)), with("appid", json!(APP)));
    let wrong = [audience, app, with("exp", json!(1)), forged];
    for shows in wrong.iter().map(Some).chain([None]) {
        let refused = call(&world, shows.map(String::as_str), &suspends).await;
        refused.refused(401, "InvalidAuthenticationToken");
    }
    let after = world.client.get(&path).await.expect(200);
    assert_eq!((before.header("etag"), site.count("operation")), (after.header("etag"), asked));
    let good = site.shows(&claims);
    call(&world, Some(&good), &suspends).await.expect(200);
    let of = world.client.get(&path).await.expect(200).body;
    assert_eq!(of["properties"]["status"], "Suspended");
    nothing_is_told(&watching, &database, &of, &[&wrong[..], &[good, shows]].concat()).await;
}

/// No secret is among the records, in the log, or in an answer.
async fn nothing_is_told(watching: &Watching, database: &TestDatabase, answer: &Value, shown: &[String]) {
    let mut snapshot = database.open().await.read().await.expect("a snapshot");
    let resources = snapshot.list_resources(&ResourceFilter::default()).await.expect("resources");
    let operations = snapshot.list_operations(&OperationFilter::default()).await.expect("operations");
    let audit = snapshot.list_audit(&AuditFilter::default()).await.expect("entries");
    let kept = format!("{resources:?}{operations:?}{audit:?}{answer}");
    let log = watching.logged();
    assert!(kept.contains(&subscription(1)) && has(&log, "the marketplace answered"));
    let bought = token(1);
    let shown = shown.iter().map(|shown| shown.trim_start_matches("Bearer "));
    for secret in [SECRET, APP_TOKEN, &bought].into_iter().chain(shown) {
        assert!(!kept.contains(secret), "{secret} is kept");
        assert!(!has(&log, secret), "{secret} is in the log");
    }
}

isobar_records::on_both_databases!(a_purchase_lives_with_microsoft_over_https);
