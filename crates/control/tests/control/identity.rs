//! Who gets a token, and which tokens are taken.

use crate::common::client::Client;
use crate::common::{World, options_in, people, start_in};
use isobar_control::Control;
use isobar_records::testing::TestDatabase;
use serde_json::json;

const SUBSCRIPTIONS: &str = "/subscriptions?api-version=2022-12-01";

async fn every_style_of_login_works(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    let (client, secret) = &world.first;
    let tenant = &stranger.tenant;
    for path in ["/adfs/oauth2/token", "/adfs/oauth2/v2.0/token", &format!("/{tenant}/oauth2/v2.0/token")] {
        for scope in ["//.default", "/.default"] {
            let scope = format!("{}{scope} offline_access", stranger.url);
            let answer = stranger.ask_token(path, client, secret, &scope).await.expect(200);
            assert_eq!(
                (&answer.body["token_type"], &answer.body["expires_in"]),
                (&json!("Bearer"), &json!(3600))
            );
            let token = answer.body["access_token"].as_str().expect("a token");
            stranger.with_token(token).get(SUBSCRIPTIONS).await.expect(200);
        }
    }
    let known = [
        "/adfs/.well-known/openid-configuration".to_owned(),
        "/adfs/adfs/v2.0/.well-known/openid-configuration".to_owned(),
        format!("/{tenant}/v2.0/.well-known/openid-configuration?"),
    ];
    for path in &known {
        let document = stranger.get(path).await.expect(200).body;
        let issuer = document["issuer"].as_str().expect("an issuer");
        assert_eq!(issuer.split('/').nth(3), Some(tenant.as_str()), "{path}");
        let keys = document["jwks_uri"].as_str().expect("keys");
        assert_eq!(stranger.follow(keys).await.expect(200).body["keys"][0]["kty"], "EC");
    }
    let foreign = "/00000000-0000-0000-0000-000000000000/v2.0/.well-known/openid-configuration";
    stranger.get(foreign).await.expect(404);
}

async fn the_metadata_name_where_to_log_in(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    let of = async |version: &str| {
        stranger.get(&format!("//metadata/endpoints?api-version={version}")).await.expect(200).body
    };
    let cloud = of("2022-09-01").await;
    let url = &stranger.url;
    assert_eq!(cloud["name"], "isobar");
    assert_eq!(cloud["authentication"]["loginEndpoint"], format!("{url}/adfs"));
    assert_eq!(cloud["authentication"]["audiences"], json!([format!("{url}/")]));
    assert!(cloud["suffixes"].is_object() && cloud["microsoftGraphResourceId"].is_string());
    assert_eq!(of("2019-05-01").await, json!([cloud]));
    assert!(of("2015-01-01").await["graphEndpoint"].is_string());
    stranger.get("/metadata/endpoints").await.refused(400, "MissingApiVersionParameter");
    // The name by which a client has come is the one that it is told.
    let by_name = [("host", url.replace("127.0.0.1", "localhost")), ("host", "evil.example".to_owned())];
    let path = "/metadata/endpoints?api-version=2022-09-01";
    for ((name, host), expected) in by_name.iter().zip([url.replace("127.0.0.1", "localhost"), url.clone()]) {
        let host = host.trim_start_matches("https://");
        let cloud = stranger.send("GET", path, &[(name, host)], &[]).await.body;
        assert_eq!(cloud["resourceManager"], format!("{expected}/"));
    }
}

async fn what_is_wrong_gets_no_token(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    let (client, secret) = &world.first;
    let scope = format!("{}/.default", stranger.url);
    let ask = async |client: &str, secret: &str, scope: &str| {
        let answer = stranger.ask_token("/adfs/oauth2/token", client, secret, scope).await;
        (answer.status, answer.body["error"].as_str().expect("an error").to_owned(), answer)
    };
    let (status, error, answer) = ask(client, "wrong", &scope).await;
    assert_eq!((status, error.as_str()), (401, "invalid_client"));
    let words = answer.body["error_description"].as_str().expect("words");
    assert!(words.starts_with("AADSTS7000215: Invalid client secret provided."), "{words}");
    for (client, secret) in [(client.as_str(), ""), ("", "x"), ("nobody", "x"), (&stranger.tenant, secret)] {
        assert_eq!(ask(client, secret, &scope).await.0, 401);
    }
    for scope in ["https://management.azure.com/.default", "", &stranger.url] {
        assert_eq!(ask(client, secret, scope).await.1, "invalid_resource", "{scope}");
    }
    let foreign = "/00000000-0000-0000-0000-000000000000/oauth2/v2.0/token";
    assert_eq!(stranger.ask_token(foreign, client, secret, &scope).await.status, 400);
    let form = b"grant_type=password&client_id=a&client_secret=b";
    let answer = stranger.send("POST", "/adfs/oauth2/token", &[], form).await;
    assert_eq!(answer.body["error"], "unsupported_grant_type");
}

async fn many_wrong_secrets_are_slowed_down(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    let (client, secret) = &world.first;
    let scope = format!("{}/.default", stranger.url);
    let ask = async |secret: &str| stranger.ask_token("/adfs/oauth2/token", client, secret, &scope).await;
    for _ in 0..10 {
        ask("wrong").await.expect(401);
    }
    let slowed = ask(secret).await.expect(429);
    assert!(slowed.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 6));
    world.clock.advance(7_000);
    ask(secret).await.expect(200);
}

async fn a_stranger_with_many_names_locks_out_nobody(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    let scope = format!("{}/.default", stranger.url);
    let mut wrong = 0;
    for number in 0..1100 {
        let name = format!("{number:08x}-0000-4000-8000-000000000000");
        let answer = stranger.ask_token("/adfs/oauth2/token", &name, "wrong", &scope).await;
        assert!([401, 429].contains(&answer.status), "{answer:?}");
        wrong += u32::from(answer.status == 401);
    }
    assert!((10..100).contains(&wrong), "{wrong} tries, as if each name were a client of its own");
    stranger.login(&world.first.0, &world.first.1).await.get(SUBSCRIPTIONS).await.expect(200);
}

async fn tokens_are_checked(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    let none = stranger.get(SUBSCRIPTIONS).await.refused(401, "AuthenticationFailed");
    assert!(none.header("www-authenticate").starts_with("Bearer authorization_uri=\"https://127.0.0.1:"));
    let token = world.client.token.clone().expect("a token");
    let mut parts: Vec<&str> = token.split('.').collect();
    parts[2] = "AAAA";
    for wrong in ["x", "..", &token[1..], &parts.join("."), &token[..token.len() - 8]] {
        let answer = stranger.with_token(wrong).get(SUBSCRIPTIONS).await;
        answer.refused(401, "InvalidAuthenticationToken");
    }
    let basic = [("authorization", "Basic eDp5")];
    stranger.send("GET", SUBSCRIPTIONS, &basic, &[]).await.refused(401, "InvalidAuthenticationToken");
    // Between the end and what clocks may differ by: tests may be slow.
    world.clock.advance(3_605_000);
    world.client.get(SUBSCRIPTIONS).await.expect(200);
    world.clock.advance(25_000);
    world.client.get(SUBSCRIPTIONS).await.refused(401, "ExpiredAuthenticationToken");
}

async fn tokens_for_others_are_not_taken(database: TestDatabase) {
    let world = World::start(&database).await;
    let token = world.client.token.clone().expect("a token");
    // The same issuer at another address: the token is for somebody else.
    let elsewhere = start_in(world.folder.path(), world.database, &world.clock, world.machines.hands()).await;
    let refused = Client::of(&elsewhere).with_token(&token).get(SUBSCRIPTIONS).await;
    let refused = refused.refused(401, "InvalidAuthenticationToken");
    assert!(refused.body["error"]["message"].as_str().expect("words").contains("another audience"));
}

async fn who_is_gone_is_nobody(database: TestDatabase) {
    let world = World::start(&database).await;
    let person = people::make(&world, "gone soon").await;
    person.client.get(SUBSCRIPTIONS).await.expect(200);
    world.client.delete(&format!("/v1.0/servicePrincipals/{}", person.object_id)).await.expect(204);
    person.client.get(SUBSCRIPTIONS).await.refused(401, "InvalidAuthenticationToken");
    let scope = format!("{}/.default", world.client.url);
    let again = world.client.ask_token("/adfs/oauth2/token", &person.app_id, &person.secret, &scope).await;
    again.expect(401);
}

async fn a_second_start_finds_everything(database: TestDatabase) {
    let world = World::start(&database).await;
    let tenant = world.running.tenant.clone();
    world.make_group("rg1").await;
    let world = world.die_and_start_again().await;
    assert_eq!(world.running.tenant, tenant);
    world.client.get(&world.group("rg1")).await.expect(200);
}

async fn a_secret_that_was_lost_is_renewed(database: TestDatabase) {
    let world = World::start(&database).await;
    let mut options = options_in(world.folder.path(), &database, &world.clock, world.machines.hands());
    options.renew_secret = true;
    let mut other = Control::start(options).await.expect("it starts");
    let renewed = other.first_secret.take().expect("another secret");
    assert_eq!((&renewed.client_id, &renewed.subscription), (&world.first.0, &world.subscription));
    let stranger = Client::of(&other);
    stranger.login(&renewed.client_id, &renewed.secret).await.get(SUBSCRIPTIONS).await.expect(200);
    let scope = format!("{}/.default", stranger.url);
    let old = stranger.ask_token("/adfs/oauth2/token", &world.first.0, &world.first.1, &scope).await;
    old.expect(401);
}

async fn only_https_is_spoken(database: TestDatabase) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::start(&database).await;
    let address = world.running.url.strip_prefix("https://").expect("https");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    stream.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("bytes");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "no plain HTTP");
}

isobar_records::on_both_databases!(
    every_style_of_login_works,
    the_metadata_name_where_to_log_in,
    what_is_wrong_gets_no_token,
    many_wrong_secrets_are_slowed_down,
    a_stranger_with_many_names_locks_out_nobody,
    tokens_are_checked,
    tokens_for_others_are_not_taken,
    who_is_gone_is_nobody,
    a_second_start_finds_everything,
    a_secret_that_was_lost_is_renewed,
    only_https_is_spoken,
);
