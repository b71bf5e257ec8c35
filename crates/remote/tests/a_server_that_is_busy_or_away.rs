//! What a client does when the server is busy, ends connections or is away, and when others log in or out
//! beside it: with a real server, over TLS, that answers what it is told to.

mod scripted;

use isobar_remote::{HttpsError, RemoteError, Standing, all_pages, wait};
use scripted::{Reply, Server, TOKEN, User, asking, busy, say};
use serde_json::{Value, json};

/// An operation that goes on, and where.
const STATUS: &str = "/subscriptions/s/providers/Isobar.Storage/locations/local/operationStatuses/6cfd0000-0000-4000-8000-000000000001";

fn standing(status: &str) -> Reply {
    let (name, time) = (STATUS.rsplit('/').next().unwrap(), "2026-01-01T00:00:00Z");
    say(200, json!({"id": STATUS, "name": name, "status": status, "startTime": time}))
        .with("retry-after", "0")
}

#[tokio::test]
async fn all_pages_of_a_list_are_read() {
    let server = Server::start(&[]).await;
    let next = format!("{}/list?page=2", server.url);
    server.then("GET /list", &[say(200, json!({"value": [1, 2], "nextLink": next}))]);
    server.then("GET /list?page=2", &[say(200, json!({"value": [3]}))]);
    let mut user = User::of(&server);
    let first = user.send("GET /list").await.unwrap().body;
    assert_eq!(all_pages(&mut user.session, first).await.unwrap(), json!({"value": [1, 2, 3]}));
    assert_eq!((server.asked(TOKEN), server.connections()), (1, 1), "one token and one connection do");
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let well = say(200, json!({"well": true}));
    let script = [busy(503), busy(429), well.clone()];
    let server = Server::start(&[("GET /a", &script), ("PUT /a", &script)]).await;
    let mut user = User::of(&server);
    for request in ["GET /a", "PUT /a"] {
        assert_eq!(user.send(request).await.unwrap().body, json!({"well": true}));
        assert_eq!(server.asked(request), 3, "{request}");
    }
    server.then("GET /b", &[busy(503)]);
    let error = user.send("GET /b").await.unwrap_err();
    assert!(matches!(error, RemoteError::Refused { status: 503, .. }), "{error}");
    assert_eq!(server.asked("GET /b"), isobar_remote::limits::TRIES_MAX as usize, "not for ever");
}

#[tokio::test]
async fn what_may_be_done_once_only_is_sent_again_only_if_nothing_was_done() {
    let well = say(200, json!({}));
    let server = Server::start(&[
        ("POST /busy", &[busy(503), well.clone()]),
        ("PATCH /busy", &[busy(503), well.clone()]),
        ("POST /much", &[busy(429), well.clone()]),
        ("POST /away", &[Reply::HangUp, well]),
    ])
    .await;
    let mut user = User::of(&server);
    for request in ["POST /busy", "PATCH /busy"] {
        let error = user.send(request).await.unwrap_err();
        assert!(matches!(error, RemoteError::Refused { status: 503, .. }), "{error}");
        assert_eq!(server.asked(request), 1, "{request}");
    }
    assert_eq!(user.send("POST /much").await.unwrap().status, 200);
    assert_eq!(server.asked("POST /much"), 2);
    let error = user.send("POST /away").await.unwrap_err();
    assert!(error.is_away(), "{error}");
    assert_eq!(server.asked("POST /away"), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_is_opened_again() {
    let well = say(200, json!({"well": true}));
    let server = Server::start(&[("GET /a", &[well.clone(), Reply::HangUp, well])]).await;
    let mut user = User::of(&server);
    user.send("GET /a").await.unwrap();
    assert_eq!(server.connections(), 1);
    assert_eq!(user.send("GET /a").await.unwrap().body, json!({"well": true}));
    assert_eq!((server.connections(), server.asked("GET /a")), (2, 3));
    server.then("GET /a", &[Reply::HangUp]);
    let error = user.send("GET /a").await.unwrap_err();
    assert!(error.is_away(), "{error}");
    assert_eq!(server.asked("GET /a"), 5, "once more, and no more than that");
}

#[tokio::test]
async fn an_answer_that_is_too_long_does_not_count_as_away() {
    let long = "x".repeat(isobar_remote::limits::ANSWER_BYTES_MAX + 1);
    let long = Reply::Say { status: 200, headers: Vec::new(), body: long };
    let server = Server::start(&[("GET /a", &[long])]).await;
    let mut user = User::of(&server);
    let error = user.send("GET /a").await.unwrap_err();
    assert!(matches!(error, RemoteError::Server(HttpsError::Nonsense { .. })), "{error}");
    assert!(error.to_string().contains("longer than 64 MiB"), "{error}");
    assert_eq!(server.asked("GET /a"), 1);
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_is_waited_for() {
    let begun = say(201, json!({"state": "begun"})).with("retry-after", "0");
    let server = Server::start(&[]).await;
    let link = format!("{}{STATUS}", server.url);
    server.then("PUT /a", &[begun.with("azure-asyncoperation", &link)]);
    // The connection that there is, and one more: the server is away.
    let away = [Reply::HangUp, Reply::HangUp];
    let looks = [&[standing("InProgress")], &away[..], &[standing("InProgress"), standing("Succeeded")]];
    server.then(&format!("GET {STATUS}"), &looks.concat());
    server.then("GET /a", &[say(200, json!({"state": "made"}))]);
    let mut user = User::of(&server);
    let answer = user.send("PUT /a").await.unwrap();
    let mut seen = Vec::new();
    let look = |now: &Standing| seen.push(now.state.clone());
    let left = wait(&mut user.session, &asking("PUT /a"), answer, look).await.unwrap();
    assert_eq!(left, json!({"state": "made"}));
    assert_eq!(seen, ["InProgress", "Succeeded"]);
    assert_eq!(server.asked(&format!("GET {STATUS}")), 5);
}

#[tokio::test]
async fn a_token_is_asked_for_again_where_the_server_is_busy_and_not_where_it_refuses() {
    let token = say(200, json!({"access_token": "secret-token", "expires_in": 3600}));
    let well = say(200, json!({}));
    let server = Server::start(&[(TOKEN, &[busy(503), token]), ("GET /a", &[well])]).await;
    User::of(&server).send("GET /a").await.unwrap();
    assert_eq!(server.asked(TOKEN), 2);

    server.then(TOKEN, &[busy(503)]);
    let error = User::of(&server).send("GET /a").await.unwrap_err();
    assert!(matches!(error, RemoteError::Refused { status: 503, .. }), "{error}");

    let before = server.asked(TOKEN);
    server.then(TOKEN, &[say(429, json!({"error_description": "There were too many wrong secrets."}))]);
    let error = User::of(&server).send("GET /a").await.unwrap_err();
    assert_eq!(error.to_string(), "the login was refused: There were too many wrong secrets.");
    assert_eq!(server.asked(TOKEN), before + 1);
}

#[tokio::test]
async fn a_token_that_is_renewed_after_a_logout_is_not_kept() {
    let server = Server::start(&[("GET /a", &[say(200, json!({}))])]).await;
    let mut user = User::of(&server);
    assert!(user.file.remove().unwrap());
    user.send("GET /a").await.unwrap();
    assert_eq!(server.asked(TOKEN), 1);
    assert!(!user.file.path().exists());
    let error = user.session.mean(Some("s".to_owned()), None).unwrap_err().to_string();
    assert!(error.contains("nothing was changed"), "{error}");
    assert!(!user.file.path().exists());
}

#[tokio::test]
async fn what_others_write_into_the_profile_meanwhile_stays() {
    let server = Server::start(&[("GET /a", &[say(200, json!({}))])]).await;
    let mut user = User::of(&server);
    // Another subscription was chosen.
    let mut chosen = server.profile();
    chosen.subscription = Some("theirs".to_owned());
    user.file.write(&chosen).unwrap();
    user.send("GET /a").await.unwrap();
    let kept = user.kept();
    assert_eq!((&kept["subscription"], &kept["token"]["text"]), (&json!("theirs"), &json!("secret-token")));
    user.session.mean(Some("ours".to_owned()), Some("local".to_owned())).unwrap();
    let kept = user.kept();
    assert_eq!((&kept["subscription"], &kept["location"]), (&json!("ours"), &json!("local")));
    assert_eq!(kept["token"]["text"], "secret-token");

    // Somebody else has logged in.
    let mut user = User::of(&server);
    let mut other = server.profile();
    other.client_id = "other".to_owned();
    user.file.write(&other).unwrap();
    user.send("GET /a").await.unwrap();
    assert!(user.session.mean(Some("ours".to_owned()), None).is_err());
    let kept = user.kept();
    assert_eq!((&kept["client_id"], &kept["token"]), (&json!("other"), &Value::Null));
    assert_eq!(kept["subscription"], Value::Null);
}

#[tokio::test]
async fn a_profile_that_cannot_be_written_stops_no_request() {
    let server = Server::start(&[("GET /a", &[say(200, json!({}))])]).await;
    let mut user = User::of(&server);
    // In the way of the file that is written first.
    let new = user.file.path().with_extension(format!("{}.new", std::process::id()));
    std::fs::create_dir(&new).unwrap();
    user.send("GET /a").await.unwrap();
    user.send("GET /a").await.unwrap();
    assert_eq!(server.asked(TOKEN), 1, "this command has it");
    assert_eq!(user.kept()["token"], Value::Null);
}
