//! What is answered when there is more to do than the server takes.

use crate::common::client::Client;
use crate::common::machines::Machines;
use crate::common::{MovedClock, World, options_in};
use isobar_control::Control;
use isobar_records::testing::TestDatabase;
use tokio::io::AsyncWriteExt;

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
    let world = World::start(&database).await;
    let client = world.client.clone();
    let path = world.group("rg1");
    let writing =
        tokio::spawn(async move { client.put(&path, serde_json::json!({"location": "local"})).await });
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    world.running.stop().await;
    // It came through as a whole, or it was not taken at all.
    if let Ok(answer) = writing.await {
        answer.expect(201);
    }
}

isobar_records::on_both_databases!(
    who_comes_when_all_turns_are_taken_is_told_when_to_come_again,
    whoever_sends_slowly_holds_up_nobody,
    requests_under_way_are_answered_before_it_stops,
);
