//! Logging in, and what happens when a login is no good or has ended.

use isobar_control::Control;
use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::browser::Browser;
use crate::common::{World, options_in};

async fn a_wrong_secret(database: TestDatabase) {
    let world = World::start(&database).await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.sees("Log in to the control plane").await;
    browser.fill("Client id", &world.first.0).await;
    browser.fill("Secret", "wrong").await;
    browser.press("Log in").await;
    browser.sees("This client id and this secret do not belong together.").await;
    browser.log_in(&world.first).await;
    browser.sees("Resource groups").await;
    // The secret is kept nowhere.
    let kept = browser.script("return JSON.stringify([{...localStorage}, {...sessionStorage}])").await;
    let kept = kept.as_str().expect("text");
    assert!(kept.contains(&world.first.0) && !kept.contains(&world.first.1), "{kept}");
    browser.close().await;
}

async fn a_login_that_ends(database: TestDatabase) {
    let world = World::start(&database).await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.go("groups").await;
    browser.press("Make a group").await;
    browser.fill("Name", "begun").await;
    // To the server an hour has gone; the page's clock does not know.
    world.clock.advance(2 * 3_600_000);
    browser.press("Make the group").await;
    browser.sees("Your login has ended.").await;
    browser.fill("Secret", &world.first.1).await;
    browser.press("Log in").await;
    browser.sees("The group begun was made.").await;
    world.client.login(&world.first.0, &world.first.1).await.get(&world.group("begun")).await.expect(200);
    browser.close().await;
}

async fn a_server_that_is_gone(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("kept").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.go("groups").await;
    browser.sees("kept").await;
    let World { running, clock, machines, folder, .. } = world;
    let address = running.url.strip_prefix("https://").expect("https").parse().expect("an address");
    running.stop().await;
    browser.sees("The server does not answer.").await;
    assert!(browser.text().await.contains("kept"));
    let mut options = options_in(folder.path(), &database, &clock, machines.hands());
    options.listen = address;
    let _running = Control::start(options).await.expect("it starts again");
    browser
        .until("back", |text| !text.contains("The server does not answer.") && text.contains("kept"))
        .await;
    browser.close().await;
}

#[test]
fn a_wrong_secret_is_said_in_place_and_none_is_kept() {
    on_sqlite(a_wrong_secret);
}

#[test]
fn what_was_begun_goes_on_after_another_login() {
    on_sqlite(a_login_that_ends);
}

#[test]
fn a_lost_connection_is_said_and_found_again() {
    on_sqlite(a_server_that_is_gone);
}
