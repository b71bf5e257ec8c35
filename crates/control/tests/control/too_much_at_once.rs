//! What is answered when there is more to do than the server takes.

use crate::common::client::Client;
use crate::common::machines::Machines;
use crate::common::{MovedClock, World, options_in};
use isobar_control::Control;
use isobar_records::testing::TestDatabase;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn who_comes_when_all_turns_are_taken_is_told_when_to_come_again(database: TestDatabase) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options =
        options_in(folder.path(), &database, &MovedClock::default(), Machines::default().hands());
    options.requests_at_once = 0;
    let running = Control::start(options).await.expect("it starts");
    let refused = Client::of(&running).get("/openapi.json").await.refused(429, "TooManyRequests");
    assert_eq!(refused.header("retry-after"), "2");
    running.stop().await;
}

async fn whoever_sends_slowly_holds_up_nobody(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = stranger.connect().await;
        let head = "POST /adfs/oauth2/token HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\nx";
        stream.write_all(head.as_bytes()).await.expect("a head");
        slow.push(stream);
    }
    let path = world.group("rg1");
    world.client.put(&path, serde_json::json!({"location": "local"})).await.expect(201);
}

async fn requests_under_way_are_answered_before_it_stops(database: TestDatabase) {
    const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let world = World::start(&database).await;
    let (client, path, body) = (&world.client, world.group("rg1"), r#"{"location": "local"}"#);
    let authority = client.url.strip_prefix("https://").expect("https");
    let (token, length) = (client.token.as_deref().expect("a token"), body.len());
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut stream = client.connect().await;
    stream.write_all(head.as_bytes()).await.expect("a head");
    // Once its body is asked for, it is under way.
    let mut asked = [0; GO_ON.len()];
    stream.read_exact(&mut asked).await.expect("it is taken");
    assert_eq!(asked, GO_ON);
    let stopping = tokio::spawn(world.running.stop());
    // Once nobody is let in any more, it is stopping.
    let begun = Instant::now();
    while TcpStream::connect(authority).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not stop");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stream.write_all(body.as_bytes()).await.expect("a body");
    let mut status = [0; b"HTTP/1.1 201".len()];
    stream.read_exact(&mut status).await.expect("an answer");
    assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 201");
    stopping.await.expect("it stops");
}

isobar_records::on_both_databases!(
    who_comes_when_all_turns_are_taken_is_told_when_to_come_again,
    whoever_sends_slowly_holds_up_nobody,
    requests_under_way_are_answered_before_it_stops,
);
